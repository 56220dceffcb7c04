package dispatcher_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// second gives every node a second provider of calls, with a number of its own.
func second(w *world) {
	w.also = append(w.also, dispatcher.Provider{Name: "vonage", Medium: notifier.MediumVoice, Lane: func(notifier.Phone) string { return "+15005550009" }})
}

// through orders a call to ada for a request, which a provider takes first.
func (w *world) through(ref request.Ref, provider string) {
	s := w.state(ref)
	w.decide(s, request.BySystem, request.NewEvent(request.PageOrdered, request.PageBody{
		Page: fmt.Sprint("p", len(s.Pages)+1), Purpose: request.Ask, Recipient: request.ToOfficer, Person: "ada", Contact: "call", Level: 1, Round: 1,
		Channel: notifier.MediumVoice, Provider: provider, Expires: request.At(w.now.Add(10 * time.Minute)),
	}))
}

// overlaps wants every call to have rung off before the next one, and gives through whom the calls were.
func overlaps(t *testing.T, w *world, rings time.Duration) map[string]int {
	t.Helper()
	by, over := map[string]int{}, time.Time{}
	for _, c := range w.calls {
		if c.Medium != notifier.MediumVoice {
			continue
		}
		if c.at.Before(over) {
			t.Errorf("a call through %s at %s, while one rings until %s", c.Provider, c.at.Format(time.TimeOnly), over.Format(time.TimeOnly))
		}
		over = c.at.Add(rings)
		by[c.Provider+" "+c.node]++
	}
	return by
}

func TestOneTelephoneGetsOneCallAtATimeThroughBothProvidersAndFromAllNodes(t *testing.T) {
	for _, names := range [][]string{{"n1"}, {"n1", "n2", "n3"}, {"a", "b", "c", "d"}} {
		w := newVoiceWorld(t)
		second(w)
		w.policy.Levels = [][]string{{"person:ada"}}
		w.join(names...)
		for n := range 4 {
			ref := w.raise(n, request.Urgent)
			w.run(10 * time.Millisecond)
			w.through(ref, "twilio")
			w.through(ref, "vonage")
		}
		w.run(4 * time.Minute)
		by := overlaps(t, w, 20*time.Second)
		if len(by) != 2 {
			t.Errorf("%v: calls went %v: one node is to call through both providers", names, by)
		}
	}
}

// One provider alone is served as it was by the version before, in the order of its lane's own name: nodes of both agree on who serves it.
func TestCallsOfOneProviderAreOrderedAsBefore(t *testing.T) {
	servers := map[string]bool{}
	for n := range 12 {
		w := newVoiceWorld(t)
		number := fmt.Sprint("+1500555000", n)
		w.also = append(w.also, dispatcher.Provider{Name: "twilio", Medium: notifier.MediumVoice, Lane: func(notifier.Phone) string { return number }})
		w.voice = false
		w.join("n1", "n2", "n3")
		ref := w.raise(1, request.Urgent)
		w.run(10 * time.Millisecond)
		w.through(ref, "")
		w.run(time.Second)
		for _, c := range w.calls {
			if c.Medium == notifier.MediumVoice {
				servers[c.node] = true
			}
		}
	}
	if len(servers) < 2 {
		t.Errorf("the lanes of twelve numbers are all served by %v", servers)
	}
}

func TestALongTextTakesMoreOfTheRate(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 1, PerRecipient: 50}
	w.policy.FirstSend = time.Hour
	w.cost = func(m notifier.Message) int {
		if m.To == "" || m.About != notifier.AskToTake {
			t.Errorf("the price of %v is asked", m)
		}
		if m.Urgency == request.Emergency {
			return 3
		}
		return 1
	}
	w.join("n1", "n2")
	w.raise(0, request.Emergency) // at its place in the log both nodes learn of it
	w.run(100 * time.Millisecond)
	for n := range 20 {
		w.raise(1+n, request.Urgent)
	}
	began := w.now
	w.run(2500 * time.Millisecond)
	if len(w.calls) != 1 {
		t.Errorf("%s went: a text of three segments leaves nothing for three seconds", w.paged(began))
	}
	w.run(7600 * time.Millisecond)
	if len(w.calls) != 8 && len(w.calls) != 9 {
		t.Errorf("%d went in ten seconds", len(w.calls))
	}
	w.raise(100, request.Emergency)
	w.run(1100 * time.Millisecond)
	last := w.calls[len(w.calls)-1]
	if last.Message.Urgency != request.Emergency {
		t.Fatalf("%s went", w.paged(began))
	}
	w.tellLive(last.node) // another node serves the lane from now on, and knows what was spent
	calls := len(w.calls)
	w.run(last.at.Add(2900 * time.Millisecond).Sub(w.now))
	if went := len(w.calls) - calls; went > 0 {
		t.Errorf("%d went within three seconds", went)
	}
	w.run(time.Second)
	if len(w.calls) == calls || w.calls[calls].node == last.node {
		t.Error("the next node does not go on")
	}
}

// A flood of emergencies at the whole rate of the number does not keep an older page from going for ever.
func TestAPageThatHasWaitedForMoreThanAMinuteGetsATenthOfTheRate(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 1, PerRecipient: 50}
	w.policy.FirstSend = time.Hour
	w.policy.Levels = [][]string{{"person:ada"}}
	w.start("n1")
	for n := range 150 {
		w.raise(n, request.Emergency)
	}
	ref := w.raise(1000, request.Urgent)
	began := w.now
	w.run(59 * time.Second)
	went := func() (at time.Duration, ok bool) {
		for _, c := range w.calls {
			if c.Message.Ref == ref {
				return c.at.Sub(began), true
			}
		}
		return 0, false
	}
	if at, ok := went(); ok {
		t.Fatalf("it went after %s, before emergencies", at)
	}
	w.run(15 * time.Second)
	if at, ok := went(); !ok || at < time.Minute {
		t.Errorf("it went after %s (%t), with %d before it", at, ok, len(w.calls))
	}
}
