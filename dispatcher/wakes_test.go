package dispatcher_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
)

// TestANodeWithoutARosterRests is about a node that starts while the roster cannot be read: it knows that there is one, and has none to give up
// waiting with.
func TestANodeWithoutARosterRests(t *testing.T) {
	w := newWorld(t)
	m := dispatcher.NewMachine(dispatcher.Options{Node: "n1", Policy: w.policy, CallTimeout: timeout})
	now := w.now
	for _, in := range []dispatcher.Input{dispatcher.RosterSeen{Revision: 3}, dispatcher.Ready{}} {
		if _, wake, err := m.Step(now, in); err != nil || !wake.IsZero() && !wake.After(now) {
			t.Errorf("after %T: wake %s, error %v", in, wake, err)
		}
	}
	for range 10 {
		now = now.Add(2 * time.Second)
		if _, wake, _ := m.Step(now, dispatcher.Tick{}); !wake.IsZero() && !wake.After(now) {
			t.Fatalf("%s after the roster was seen: stepped again at once", now.Sub(w.now))
		}
	}
}
