package node

import (
	"sync"
	"time"
)

// believed is how far the log's stamps may be ahead of the clock for the clock to follow them.
const believed = 2 * time.Second

// A Clock is a node's now: it was right once and then goes by elapsed time, so that a wall clock that is set does not move it. Stamps of
// the log move it forward by at most two seconds each; it never goes back. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	base  time.Time // what now was …
	since time.Time // … at this reading of the monotonic clock
}

// NewClock starts a clock at the wall clock.
func NewClock() *Clock {
	now := time.Now()
	return &Clock{base: now.Round(0), since: now}
}

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return c.base.Add(time.Since(c.since)) }

// Stamp tells the clock when the log's server stored a commit, which was in the past.
func (c *Clock) Stamp(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ahead := t.Sub(c.now())
	if ahead > 0 && ahead <= believed {
		c.base = c.base.Add(ahead)
	}
}

// AtLeast moves the clock forward to a time of the log's past: what is decided now comes after what was decided then, even when the wall
// clock was set back while the node was away.
func (c *Clock) AtLeast(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ahead := t.Sub(c.now()); ahead > 0 {
		c.base = c.base.Add(ahead)
	}
}

// Until is how long it is from now to t; not negative.
func (c *Clock) Until(t time.Time) time.Duration { return max(t.Sub(c.Now()), 0) }
