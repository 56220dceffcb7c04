package dispatcher

import (
	"container/heap"
	"time"
)

// wakes is a heap of the times at which requests want to be considered again. An entry may stand in it more than once; one whose time
// has moved is passed over when it comes up.
type wakes struct {
	heap  wakeHeap
	lanes time.Time // earliest wish of a lane
}

type wake struct {
	at    time.Time
	entry *entry
}

func (w *wakes) push(e *entry) {
	if at := e.wake.UnixNano(); at != e.woken { // it does not stand there yet
		heap.Push(&w.heap, wake{e.wake, e})
		e.woken = at
	}
}

func (w *wakes) at(t time.Time) {
	if w.lanes.IsZero() || t.Before(w.lanes) {
		w.lanes = t
	}
}

// pop returns the next entry whose time has come, nil when there is none.
func (w *wakes) pop(now time.Time) *entry {
	if !now.Before(w.lanes) {
		w.lanes = time.Time{}
	}
	for len(w.heap) > 0 && !now.Before(w.heap[0].at) {
		top := w.take()
		if top.entry.wake.Equal(top.at) {
			top.entry.wake = time.Time{}
			return top.entry
		}
	}
	return nil
}

// take takes the first out.
func (w *wakes) take() wake {
	top := heap.Pop(&w.heap).(wake)
	if top.entry.woken == top.at.UnixNano() {
		top.entry.woken = 0
	}
	return top
}

// next is the earliest time that anything wants, zero when nothing does.
func (w *wakes) next(time.Time) time.Time {
	for len(w.heap) > 0 && !w.heap[0].entry.wake.Equal(w.heap[0].at) {
		w.take()
	}
	next := w.lanes
	if len(w.heap) > 0 && (next.IsZero() || w.heap[0].at.Before(next)) {
		next = w.heap[0].at
	}
	return next
}

type wakeHeap []wake

func (h wakeHeap) Len() int           { return len(h) }
func (h wakeHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h wakeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *wakeHeap) Push(x any)        { *h = append(*h, x.(wake)) }
func (h *wakeHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = wake{}
	*h = old[:len(old)-1]
	return last
}
