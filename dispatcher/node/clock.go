package node

import (
	"time"

	"github.com/dutyline/dutyline/dispatcher"
)

// noticed is from which offset on somebody should look at the clocks.
const noticed = 2 * time.Second

// A Clock is a node's now.
type Clock = dispatcher.Clock

// NewClock starts a clock at the wall clock, until [dispatcher.Clock.Ask] has asked the log for its time.
func NewClock() *Clock {
	began := time.Now()
	return dispatcher.NewClockOf(func() time.Time { return time.Now().Round(0) }, func() time.Duration { return time.Since(began) })
}
