package dispatcher

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Believed is how far the log's time may be ahead of a clock for the clock to follow it, and how long the log may take to tell it.
const Believed = 2 * time.Second

// doubted is from which offset on a node ranks after all others.
const doubted = 30 * time.Second

// A Clock is a node's now: the time of the log, told once at the start, and from then on elapsed time, so that a wall clock that is set
// moves nothing. What the log says later moves it forward by at most two seconds at a time; it never goes back. It is safe for concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration // since the clock was made; never goes back

	mu       sync.Mutex
	base     time.Time     // what now was …
	since    time.Duration // … when so much had elapsed
	anchored bool          // the log's time has set it
	offset   time.Duration // of the log's time to this machine's
}

// NewClockOf makes a clock of its two sources: what this machine takes for the time, which may be set, and what has elapsed.
func NewClockOf(wall func() time.Time, elapsed func() time.Duration) *Clock {
	return &Clock{wall: wall, elapsed: elapsed, base: wall(), since: elapsed()}
}

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return c.base.Add(c.elapsed() - c.since) }

// Stamp tells the clock when the log's server stored a commit, which was in the past.
func (c *Clock) Stamp(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(t)
}

func (c *Clock) follow(t time.Time) {
	if ahead := t.Sub(c.now()); ahead > 0 && ahead <= Believed {
		c.base = c.base.Add(ahead)
	}
}

// AtLeast moves the clock forward to a time of the log's past: what is decided now comes after what was decided then, even when the wall
// clock was set back while the node was away.
func (c *Clock) AtLeast(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.anchored = true // it has spoken for the log's past: from now on it only goes forward
	if ahead := t.Sub(c.now()); ahead > 0 {
		c.base = c.base.Add(ahead)
	}
}

// Ask asks the log for its time. The first answer sets the clock, in either direction, unless [Clock.AtLeast] came before: ask before anything
// is decided or written by this clock. Later ones measure the offset. An answer that took longer than two seconds says nothing and is no error.
func (c *Clock) Ask(ctx context.Context, logTime func(context.Context) (time.Time, error)) error {
	sent := c.elapsed()
	t, err := logTime(ctx)
	if err != nil {
		return fmt.Errorf("ask the log for its time: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.elapsed() - sent
	if took > Believed {
		return nil
	}
	t = t.Add(took / 2)
	if c.anchored {
		c.follow(t)
	} else {
		c.base, c.since, c.anchored = t, sent+took, true
	}
	c.offset = t.Sub(c.now())
	if wall := t.Sub(c.wall()); wall.Abs() > c.offset.Abs() {
		c.offset = wall
	}
	return nil
}

// Offset is how far the log's time was ahead of this machine when it was last asked; negative, behind. It is that of the wall clock or that
// of this clock, whichever is worse.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Doubted reports whether the offset is so large that this clock's node ranks after all others.
func (c *Clock) Doubted() bool { return c.Offset().Abs() > doubted }

// Until is how long it is from now to t; not negative.
func (c *Clock) Until(t time.Time) time.Duration { return max(t.Sub(c.Now()), 0) }
