package phonesim

import (
	"container/heap"
	"sync"
	"time"
)

// A schedule runs functions at their time, in order, from one timer: a hundred thousand waiting texts cost a heap and no goroutine.
// It is not safe for concurrent use by itself; the lock of the Network guards it and is held while due functions run.
type schedule struct {
	items   itemHeap
	timer   *time.Timer
	fire    func()          // called in the timer's goroutine; locks, then calls run
	running *sync.WaitGroup // counts a timer that is set or fires
	closed  bool
	count   uint64
}

// An Item is something that happens later.
type Item struct {
	at    time.Time
	order uint64 // first come, first served at the same instant
	index int    // in the heap, while it is there
	run   func()
}

// at runs a function at its time. The item is for drop.
func (c *schedule) at(t time.Time, run func()) *Item {
	if c.closed {
		return nil
	}
	c.count++
	it := &Item{at: t, order: c.count, run: run}
	heap.Push(&c.items, it)
	if c.items[0] == it {
		c.arm()
	}
	return it
}

// drop forgets something that is not carried out yet; nil, and what was carried out, is nothing to forget.
func (c *schedule) drop(it *Item) {
	if it != nil && it.index < len(c.items) && c.items[it.index] == it {
		heap.Remove(&c.items, it.index)
	}
}

// run carries out what is due and sets the timer for what comes next.
func (c *schedule) run() {
	for len(c.items) > 0 && !c.items[0].at.After(time.Now()) {
		heap.Pop(&c.items).(*Item).run()
	}
	c.arm()
}

func (c *schedule) arm() {
	c.disarm()
	if len(c.items) == 0 {
		return
	}
	c.running.Add(1)
	c.timer = time.AfterFunc(max(0, time.Until(c.items[0].at)), func() {
		defer c.running.Done()
		c.fire()
	})
}

// disarm stops the timer. One that has begun to fire waits for the lock, and then carries out what is due, which may be nothing.
func (c *schedule) disarm() {
	if c.timer != nil && c.timer.Stop() {
		c.running.Done()
	}
	c.timer = nil
}

// clear forgets everything that is not carried out yet.
func (c *schedule) clear() {
	c.items = nil
	c.disarm()
}

// close forgets everything, and what comes later too.
func (c *schedule) close() {
	c.clear()
	c.closed = true
}

type itemHeap []*Item

func (h itemHeap) Len() int { return len(h) }

func (h itemHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}

func (h itemHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *itemHeap) Push(x any) {
	it := x.(*Item)
	it.index = len(*h)
	*h = append(*h, it)
}

func (h *itemHeap) Pop() any {
	old := *h
	n := len(old) - 1
	it := old[n]
	old[n] = nil
	*h = old[:n]
	return it
}
