package simulation

import (
	"testing"
	"time"
)

// The auditor excuses a page that went past a more urgent one when the lane's rule does, and for no other reason.
func TestTheAuditorExcusesOneInTenThatHasWaitedForMoreThanAMinute(t *testing.T) {
	long := time.Minute + time.Second
	for _, c := range []struct {
		went   [4]int
		waited time.Duration
		want   bool
	}{
		{[4]int{9}, long, true},
		{[4]int{4, 5}, long, true},
		{[4]int{9}, time.Minute, false},
		{[4]int{8}, long, false},
		{[4]int{5, 3, 20}, long, false}, // what is no more urgent says nothing
	} {
		s := share{went: c.went}
		if got := s.take("p1a1", c.waited, 2); got != c.want {
			t.Errorf("after %v, %s late: excused %t", c.went, c.waited, got)
		}
		if s.take("p1a1", c.waited, 2) != c.want {
			t.Error("one attempt that goes past two pages is judged twice")
		}
		if s.take("p2a1", c.waited, 2) {
			t.Error("a second one is excused at once")
		}
	}
}
