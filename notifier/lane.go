package notifier

import (
	"container/heap"
	"math"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Limit is what one provider number may do.
type Limit struct {
	PerSecond    float64 // attempts a second; 0 is unlimited
	InFlight     int     // calls to the provider at once; 0 means 64
	PerRecipient int     // calls to one recipient at once; 0 means 1
}

// An Item is a page that waits in a lane.
type Item struct {
	Ref       request.Ref
	Page      string
	Urgency   request.Urgency
	Recipient string // no more than Limit.PerRecipient calls to one recipient go at once
}

type itemKey struct {
	ref  request.Ref
	page string
}

func (i Item) key() itemKey { return itemKey{i.Ref, i.Page} }

// A Lane is the queue of one provider number: by urgency, then round robin by recipient, then in the order of arrival, no more than
// [Limit.PerRecipient] calls to a recipient at a time, paced by a token bucket. It is pure: it takes now, and its owner makes the calls.
// Every operation takes a time that grows with the logarithm of the number of recipients, however many items wait for one of them.
// Not safe for concurrent use.
type Lane struct {
	limit   Limit
	tokens  float64
	filled  time.Time
	classes [4]class
	turns   uint64 // given out so far
	waiting map[itemKey]*waiter
	flying  map[itemKey]string // started items → recipient
	busy    map[string]int     // recipients with calls in flight
}

// class is one urgency: recipients take turns.
type class struct {
	queues map[string]*queue
	ready  turnHeap // the queues, without those whose recipient was found too busy
}

// queue is what waits for one recipient in one class, never empty. Its turn is its place in the round: a recipient who is busy keeps it.
type queue struct {
	recipient   string
	turn        uint64
	index       int // in the heap; parked when the recipient is too busy to be there
	first, last *waiter
}

const parked = -1

// waiter is an item and its neighbours in its queue.
type waiter struct {
	item           Item
	queue          *queue
	earlier, later *waiter
}

// NewLane makes an empty lane with a full bucket.
func NewLane(limit Limit) *Lane {
	if limit.InFlight <= 0 {
		limit.InFlight = 64
	}
	if limit.PerRecipient <= 0 {
		limit.PerRecipient = 1
	}
	l := &Lane{limit: limit, tokens: burst(limit), waiting: map[itemKey]*waiter{}, flying: map[itemKey]string{}, busy: map[string]int{}}
	for i := range l.classes {
		l.classes[i].queues = map[string]*queue{}
	}
	return l
}

// burst is how many attempts may go at once after a silence: one second's worth, at least one.
func burst(l Limit) float64 { return math.Max(1, l.PerSecond) }

// Push adds an item; one that already waits or flies is left alone.
func (l *Lane) Push(i Item) {
	if _, ok := l.waiting[i.key()]; ok {
		return
	}
	if _, ok := l.flying[i.key()]; ok {
		return
	}
	c := &l.classes[i.Urgency.Rank()]
	q := c.queues[i.Recipient]
	if q == nil {
		q = &queue{recipient: i.Recipient, turn: l.nextTurn()}
		c.queues[i.Recipient] = q
		heap.Push(&c.ready, q)
	}
	w := &waiter{item: i, queue: q, earlier: q.last}
	if q.last == nil {
		q.first = w
	} else {
		q.last.later = w
	}
	q.last = w
	l.waiting[i.key()] = w
}

func (l *Lane) nextTurn() uint64 { l.turns++; return l.turns }

func (l *Lane) free(recipient string) bool { return l.busy[recipient] < l.limit.PerRecipient }

// Drop forgets a waiting item, for a page that was cancelled or expired. One that flies, or is not known, is left alone.
func (l *Lane) Drop(ref request.Ref, page string) {
	if w, ok := l.waiting[itemKey{ref, page}]; ok {
		l.remove(w)
	}
}

// remove takes an item out of its queue, and an empty queue out of its class.
func (l *Lane) remove(w *waiter) {
	delete(l.waiting, w.item.key())
	q := w.queue
	if w.earlier == nil {
		q.first = w.later
	} else {
		w.earlier.later = w.later
	}
	if w.later == nil {
		q.last = w.earlier
	} else {
		w.later.earlier = w.earlier
	}
	if q.first != nil {
		return
	}
	c := &l.classes[w.item.Urgency.Rank()]
	delete(c.queues, q.recipient)
	if q.index != parked {
		heap.Remove(&c.ready, q.index)
	}
}

// Flies reports whether the call of an item was let go and has not ended.
func (l *Lane) Flies(ref request.Ref, page string) bool {
	_, ok := l.flying[itemKey{ref, page}]
	return ok
}

// Waiting is the number of items that wait.
func (l *Lane) Waiting() int { return len(l.waiting) }

// Next takes the item that goes now. When none can go, ok is false and wake says when to ask again (zero: after a Push or a Done).
func (l *Lane) Next(now time.Time) (item Item, wake time.Time, ok bool) {
	if len(l.waiting) == 0 || len(l.flying) >= l.limit.InFlight {
		return Item{}, time.Time{}, false
	}
	q := l.first()
	if q == nil {
		return Item{}, time.Time{}, false
	}
	if wake, ok := l.refill(now); !ok {
		return Item{}, wake, false
	}
	l.tokens--
	item = q.first.item
	q.turn = l.nextTurn()
	heap.Fix(&l.classes[item.Urgency.Rank()].ready, q.index)
	l.remove(q.first)
	l.flying[item.key()] = item.Recipient
	l.busy[item.Recipient]++
	return item, time.Time{}, true
}

// first is the queue whose turn it is, nil when no recipient with something waiting can take a call. A recipient found too busy is
// parked until [Lane.Done] brings it back.
func (l *Lane) first() *queue {
	for i := range l.classes {
		ready := &l.classes[i].ready
		for len(*ready) > 0 {
			if q := (*ready)[0]; l.free(q.recipient) {
				return q
			}
			heap.Pop(ready)
		}
	}
	return nil
}

// longestWait bounds the wait for a token, so that a rate near zero does not overflow a duration.
const longestWait = time.Hour

// refill adds the tokens of the time that has passed. A clock that goes back adds none.
func (l *Lane) refill(now time.Time) (wake time.Time, ok bool) {
	if !(l.limit.PerSecond > 0) { // not a number is no limit either
		l.tokens = 1
		return time.Time{}, true
	}
	if !l.filled.IsZero() && now.After(l.filled) {
		l.tokens = math.Min(burst(l.limit), l.tokens+now.Sub(l.filled).Seconds()*l.limit.PerSecond)
	}
	if l.filled.IsZero() || now.After(l.filled) {
		l.filled = now
	}
	if l.tokens >= 1-1e-9 {
		return time.Time{}, true
	}
	missing := math.Min((1-l.tokens)/l.limit.PerSecond, longestWait.Seconds())
	return now.Add(time.Duration(missing*float64(time.Second)) + time.Millisecond), false
}

// Done says that the call of an item has ended, whatever came of it. A retry is a new Push.
func (l *Lane) Done(ref request.Ref, page string) {
	key := itemKey{ref, page}
	recipient, ok := l.flying[key]
	if !ok {
		return
	}
	delete(l.flying, key)
	if l.busy[recipient]--; l.busy[recipient] == 0 {
		delete(l.busy, recipient)
	}
	for i := range l.classes {
		c := &l.classes[i]
		if q := c.queues[recipient]; q != nil && q.index == parked {
			heap.Push(&c.ready, q)
		}
	}
}

// Refund gives back what the last attempt took of the rate, because its call was never made.
func (l *Lane) Refund() {
	if l.limit.PerSecond > 0 {
		l.tokens = math.Min(burst(l.limit), l.tokens+1)
	}
}

// Spend takes what an attempt that was made elsewhere used of the number's rate. The bucket may owe up to a burst.
func (l *Lane) Spend(now time.Time) {
	l.refill(now)
	if l.limit.PerSecond > 0 {
		l.tokens = math.Max(-burst(l.limit), l.tokens-1)
	}
}

// turnHeap orders queues by their turn, and keeps each one's index.
type turnHeap []*queue

func (h turnHeap) Len() int           { return len(h) }
func (h turnHeap) Less(i, j int) bool { return h[i].turn < h[j].turn }

func (h turnHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *turnHeap) Push(x any) {
	q := x.(*queue)
	q.index = len(*h)
	*h = append(*h, q)
}

func (h *turnHeap) Pop() any {
	old := *h
	q := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	q.index = parked
	return q
}
