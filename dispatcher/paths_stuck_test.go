package dispatcher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// An attempt through the second provider that only found the earlier one has sent nothing: that way is still open.
func TestAProviderThatOnlyLookedAPageUpIsStillASecondPath(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Provider == "twilio" {
			return 10 * time.Second, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "V1"}
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.Accepted{ProviderID: "SM1"} }
	w.start("n1")
	began := w.now
	w.raise(1, request.Urgent)
	w.run(time.Minute) // nobody says that it arrived
	if got := w.throughWhom(began); got != "ada/twilio/sms@0 ada/vonage/sms@10 ada/vonage/sms@30" {
		t.Errorf("asked %s", got)
	}
}

// A page that is left of two keeps to its provider. While that takes nothing, the next step asks through the other one.
func TestAPageThatIsStuckAtOneProviderKeepsNoStepFromAsking(t *testing.T) {
	for _, c := range []struct {
		urgency request.Urgency
		name    string // of the provider that takes nothing
	}{{request.Urgent, "twilio"}, {request.Emergency, "twilio"}, {request.Emergency, "vonage"}} {
		urgency, name := c.urgency, c.name
		w := newTwoPathWorld(t)
		w.voice = false
		w.policy.Levels = [][]string{{"roster"}, {"roster"}}
		w.policy.SetWait(urgency, 3*time.Minute)
		w.fails(name, 100*time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"})
		w.start("n1")
		began := w.now
		w.raise(1, urgency)
		w.run(4 * time.Minute)
		var taken []int // when the provider that works took a text
		for _, c := range w.calls {
			if c.Provider != name {
				taken = append(taken, int(c.at.Sub(began).Seconds()))
			}
		}
		if !slices.Equal(taken, []int{0, 180}) {
			t.Errorf("%s: asked through the provider that works at %v", urgency, taken)
		}
	}
}
