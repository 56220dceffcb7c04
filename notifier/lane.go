package notifier

import (
	"container/heap"
	"math"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Limit is what one provider number may do.
type Limit struct {
	PerSecond    float64 // tokens a second, of which an attempt takes its [Item.Cost]; 0 is unlimited
	InFlight     int     // calls to the provider at once; 0 means 64
	PerRecipient int     // calls to one recipient at once; 0 means 1
}

// An Item is a page that waits in a lane.
type Item struct {
	Ref       request.Ref
	Page      string
	Urgency   request.Urgency
	Recipient string // no more than Limit.PerRecipient calls to one recipient go at once
	Cost      int    // tokens that it takes: the segments of a text; 0 means 1
	// Since is when it was due. What has waited for longer than [StarvesAfter] gets a share of the lane although more urgent items wait; with
	// the zero time it waits for those for as long as they come.
	Since time.Time
}

// StarvesAfter is how long an item waits behind more urgent ones until it has a right to a share of the lane.
const StarvesAfter = time.Minute

// sharesOnce is how many tokens go to what is more urgent for each one that goes to what has waited too long: of ten, nine.
const sharesOnce = 9

func (i Item) cost() int { return max(1, i.Cost) }

type itemKey struct {
	ref  request.Ref
	page string
}

func (i Item) key() itemKey { return itemKey{i.Ref, i.Page} }

// A Lane is the queue of one provider number: by urgency, then round robin by recipient, then in the order of arrival, no more than
// [Limit.PerRecipient] calls to a recipient at a time, paced by a token bucket. An item goes when there is one token and takes what it
// costs: a long text goes as soon as a short one, and what comes after it waits for longer.
//
// Nothing starves: while items wait that were due longer than [StarvesAfter] ago and are less urgent than what goes, one token in ten goes to
// them, to the class whose next item was due first. So whatever is more urgent keeps nine tenths of the rate at least.
//
// It is pure: it takes now, and its owner makes the calls. Every operation takes a time that grows with the logarithm of the number of
// recipients, however many items wait for one of them. Not safe for concurrent use.
type Lane struct {
	limit   Limit
	tokens  float64 // less than none after an item that cost more than there were
	filled  time.Time
	classes [4]class
	turns   uint64 // given out so far
	waiting map[itemKey]*waiter
	flying  map[itemKey]flight
	busy    *Busy
	owed    int // tokens that went to what is more urgent past items that have waited too long, since one of those went
}

// flight is an item that was let go.
type flight struct {
	recipient string
	cost      int
	owed      int // by how much it changed what the lane owes
}

// Busy counts the calls to each recipient. Lanes that share one, those of several providers that call the same telephones, exclude each
// other: a recipient who has a call over one of them is busy for all. Not safe for concurrent use, nor are the lanes that share one.
type Busy struct {
	calls map[string]int
	lanes []*Lane
}

// NewBusy is a count for lanes to share. A lane that nobody uses any more stays known to it.
func NewBusy() *Busy { return &Busy{calls: map[string]int{}} }

// ended says that a call to a recipient is over: in every lane what waits for them may go again.
func (b *Busy) ended(recipient string) {
	if b.calls[recipient]--; b.calls[recipient] == 0 {
		delete(b.calls, recipient)
	}
	for _, l := range b.lanes {
		l.unpark(recipient)
	}
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
func NewLane(limit Limit) *Lane { return NewLaneBeside(limit, NewBusy()) }

// NewLaneBeside is [NewLane] for a lane whose recipients are busy while they have a call over another lane of the same count. Each lane
// asks its own Limit.PerRecipient whether one more call may go.
func NewLaneBeside(limit Limit, busy *Busy) *Lane {
	if limit.InFlight <= 0 {
		limit.InFlight = 64
	}
	if limit.PerRecipient <= 0 {
		limit.PerRecipient = 1
	}
	l := &Lane{limit: limit, tokens: burst(limit), waiting: map[itemKey]*waiter{}, flying: map[itemKey]flight{}, busy: busy}
	busy.lanes = append(busy.lanes, l)
	for i := range l.classes {
		l.classes[i].queues = map[string]*queue{}
	}
	return l
}

// burst is how many tokens may go at once after a silence: one second's worth, at least one.
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

func (l *Lane) free(recipient string) bool { return l.busy.calls[recipient] < l.limit.PerRecipient }

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
	q, owed := l.first(now)
	if q == nil {
		return Item{}, time.Time{}, false
	}
	if wake, ok := l.refill(now); !ok {
		return Item{}, wake, false
	}
	item = q.first.item
	l.tokens -= float64(item.cost())
	q.turn = l.nextTurn()
	heap.Fix(&l.classes[item.Urgency.Rank()].ready, q.index)
	l.remove(q.first)
	l.flying[item.key()] = flight{recipient: item.Recipient, cost: item.cost(), owed: owed - l.owed}
	l.owed = owed
	l.busy.calls[item.Recipient]++
	return item, time.Time{}, true
}

// first is the queue whose turn it is, nil when no recipient with something waiting can take a call, and what the lane owes after it.
func (l *Lane) first(now time.Time) (q *queue, owed int) {
	var starves *queue
	for i := range l.classes {
		head := l.classes[i].head(l)
		switch {
		case head == nil:
		case q == nil:
			q = head
		case head.starves(now) && (starves == nil || head.first.item.Since.Before(starves.first.item.Since)):
			starves = head
		}
	}
	switch {
	case starves == nil:
		return q, l.owed
	case l.owed >= sharesOnce*starves.first.item.cost():
		return starves, 0
	default:
		return q, l.owed + q.first.item.cost()
	}
}

// head is the queue of a class whose turn it is, nil when there is none. A recipient found too busy is parked until [Lane.Done] brings it
// back.
func (c *class) head(l *Lane) *queue {
	for len(c.ready) > 0 {
		if q := c.ready[0]; l.free(q.recipient) {
			return q
		}
		heap.Pop(&c.ready)
	}
	return nil
}

// starves reports whether what goes next of a queue has waited for too long.
func (q *queue) starves(now time.Time) bool {
	since := q.first.item.Since
	return !since.IsZero() && now.Sub(since) > StarvesAfter
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
	f, ok := l.flying[key]
	if !ok {
		return
	}
	delete(l.flying, key)
	l.busy.ended(f.recipient)
}

// unpark lets what waits for a recipient take its turns again.
func (l *Lane) unpark(recipient string) {
	for i := range l.classes {
		c := &l.classes[i]
		if q := c.queues[recipient]; q != nil && q.index == parked {
			heap.Push(&c.ready, q)
		}
	}
}

// Refund ends the flight of an item whose call was never made: the lane gets back what it took of the rate, and owes what it owed before.
func (l *Lane) Refund(ref request.Ref, page string) {
	f, ok := l.flying[itemKey{ref, page}]
	if !ok {
		return
	}
	if l.limit.PerSecond > 0 {
		l.tokens = math.Min(burst(l.limit), l.tokens+float64(f.cost))
	}
	l.owed = max(0, l.owed-f.owed)
	l.Done(ref, page)
}

// Spend takes what an attempt that was made elsewhere used of the number's rate. The bucket may owe up to a burst, or as much as one
// attempt costs.
func (l *Lane) Spend(now time.Time, cost int) {
	l.refill(now)
	if l.limit.PerSecond > 0 {
		cost := float64(max(1, cost))
		l.tokens = math.Min(l.tokens, math.Max(-math.Max(burst(l.limit), cost), l.tokens-cost))
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
