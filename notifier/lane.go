package notifier

import (
	"math"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Limit is what one provider number may do.
type Limit struct {
	PerSecond float64 // attempts a second; 0 is unlimited
	InFlight  int     // calls to the provider at once; 0 means 64
}

// An Item is a page that waits in a lane.
type Item struct {
	Ref       request.Ref
	Page      string
	Urgency   request.Urgency
	Recipient string // attempts to one recipient go one after the other
}

type itemKey struct {
	ref  request.Ref
	page string
}

func (i Item) key() itemKey { return itemKey{i.Ref, i.Page} }

// A Lane is the queue of one provider number: by urgency, then round robin by recipient, then in the order of arrival, at most one call
// to a recipient at a time, paced by a token bucket. It is pure: it takes now, and its owner makes the calls. Not safe for concurrent use.
type Lane struct {
	limit   Limit
	tokens  float64
	filled  time.Time
	classes [4]class
	where   map[itemKey]string // waiting items → recipient
	flying  map[itemKey]string // started items → recipient
	busy    map[string]int     // recipients with a call in flight
}

// class is one urgency: recipients take turns.
type class struct {
	queues map[string][]Item
	turn   []string // recipients with something waiting, next first
}

// NewLane makes an empty lane with a full bucket.
func NewLane(limit Limit) *Lane {
	if limit.InFlight <= 0 {
		limit.InFlight = 64
	}
	return &Lane{limit: limit, tokens: burst(limit), where: map[itemKey]string{}, flying: map[itemKey]string{}, busy: map[string]int{}}
}

// burst is how many attempts may go at once after a silence: one second's worth, at least one.
func burst(l Limit) float64 { return math.Max(1, l.PerSecond) }

// Push adds an item; one that already waits or flies is left alone.
func (l *Lane) Push(i Item) {
	if _, ok := l.where[i.key()]; ok {
		return
	}
	if _, ok := l.flying[i.key()]; ok {
		return
	}
	c := &l.classes[i.Urgency.Rank()]
	if c.queues == nil {
		c.queues = map[string][]Item{}
	}
	if len(c.queues[i.Recipient]) == 0 {
		c.turn = append(c.turn, i.Recipient)
	}
	c.queues[i.Recipient] = append(c.queues[i.Recipient], i)
	l.where[i.key()] = i.Recipient
}

// Drop forgets a waiting item, for a page that was cancelled or expired.
func (l *Lane) Drop(ref request.Ref, page string) { delete(l.where, itemKey{ref, page}) }

// Waiting is the number of items that wait.
func (l *Lane) Waiting() int { return len(l.where) }

// Next takes the item that goes now. When none can go, ok is false and wake says when to ask again (zero: after a Push or a Done).
func (l *Lane) Next(now time.Time) (item Item, wake time.Time, ok bool) {
	if len(l.where) == 0 || len(l.flying) >= l.limit.InFlight {
		return Item{}, time.Time{}, false
	}
	if wake, ok := l.refill(now); !ok {
		return Item{}, wake, false
	}
	for rank := range l.classes {
		if item, ok := l.take(&l.classes[rank]); ok {
			l.tokens--
			delete(l.where, item.key())
			l.flying[item.key()] = item.Recipient
			l.busy[item.Recipient]++
			return item, time.Time{}, true
		}
	}
	return Item{}, time.Time{}, false
}

// take finds the first recipient in turn who is free, and moves it to the end of the turn.
func (l *Lane) take(c *class) (Item, bool) {
	for n := 0; n < len(c.turn); {
		recipient := c.turn[n]
		queue := c.queues[recipient]
		for len(queue) > 0 {
			if _, waits := l.where[queue[0].key()]; waits {
				break
			}
			queue = queue[1:] // dropped
		}
		c.queues[recipient] = queue
		switch {
		case len(queue) == 0:
			delete(c.queues, recipient)
			c.turn = append(c.turn[:n], c.turn[n+1:]...)
			continue
		case l.busy[recipient] > 0:
			n++
			continue
		}
		c.turn = append(c.turn[:n], c.turn[n+1:]...)
		if len(queue) > 1 {
			c.turn = append(c.turn, recipient)
			c.queues[recipient] = queue[1:]
		} else {
			delete(c.queues, recipient)
		}
		return queue[0], true
	}
	return Item{}, false
}

// refill adds the tokens of the time that has passed.
func (l *Lane) refill(now time.Time) (wake time.Time, ok bool) {
	if l.limit.PerSecond <= 0 {
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
	missing := time.Duration((1 - l.tokens) / l.limit.PerSecond * float64(time.Second))
	return now.Add(missing + time.Millisecond), false
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
}

// Refund gives back what the last attempt took of the rate, because its call was never made.
func (l *Lane) Refund() {
	if l.limit.PerSecond > 0 {
		l.tokens = math.Min(burst(l.limit), l.tokens+1)
	}
}
