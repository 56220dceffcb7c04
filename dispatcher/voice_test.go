package dispatcher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// newVoiceWorld has calls: they ring for 20 s and nobody picks up.
func newVoiceWorld(t testing.TB) *world {
	w := newWorld(t)
	w.voice = true
	w.ring = func(dispatcher.Call) []rung {
		return []rung{{20 * time.Second, request.AttemptFailed, request.FailedNoKey, "no-answer"}}
	}
	return w
}

// asked lists who was asked over which channel, in order, as person/channel@seconds.
func (w *world) asked(since time.Time) string {
	var list []string
	for _, c := range w.calls {
		list = append(list, fmt.Sprintf("%s/%s@%d", owner(c.Message.To), c.Medium, int(c.at.Sub(since).Seconds())))
	}
	return strings.Join(list, " ")
}

func TestChannelsByUrgency(t *testing.T) {
	for urgency, want := range map[request.Urgency]string{
		// The call that nobody answers with a key is repeated at once, once; then the next level.
		request.Emergency: "ada/sms@0 ada/voice@0 ada/voice@20 bruno/sms@120 bruno/voice@120 bruno/voice@140",
		request.Critical:  "ada/sms@0 ada/voice@60 ada/voice@80 bruno/sms@180",
		request.Urgent:    "ada/sms@0 ada/voice@120 ada/voice@140",
		request.Routine:   "ada/sms@0",
	} {
		w := newVoiceWorld(t)
		w.start("n1")
		began := w.now
		w.raise(1, urgency)
		w.run(200 * time.Second)
		if got := w.asked(began); got != want {
			t.Errorf("%s: asked\n%s, want\n%s", urgency, got, want)
		}
	}
}

func TestVoicemailAndACompletedCallAcknowledgeNothing(t *testing.T) {
	w := newVoiceWorld(t)
	w.ring = func(dispatcher.Call) []rung {
		return []rung{{5 * time.Second, request.AttemptAnswered, "", ""}, {30 * time.Second, request.AttemptFailed, request.FailedNoKey, "completed"}}
	}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(70 * time.Second)
	if s := w.state(ref); s.Owner != "" || s.Pages[1].State != request.PageAnswered {
		t.Fatalf("owner %q, page %s", s.Owner, s.Pages[1].State)
	}
	w.run(130 * time.Second)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@60 ada/voice@90 bruno/sms@180"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	if s := w.state(ref); s.Owner != "" || s.Escalation != request.Running {
		t.Errorf("owner %q, escalation %s", s.Owner, s.Escalation)
	}
}

func TestNobodyIsCalledAgainAfterTheKey(t *testing.T) {
	w := newVoiceWorld(t)
	w.ring = func(dispatcher.Call) []rung {
		return []rung{{5 * time.Second, request.AttemptAnswered, "", ""}, {12 * time.Second, request.AttemptFailed, request.FailedNoKey, "completed"}}
	}
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.at(10*time.Second, func() { w.acknowledge(ref, "ada") })
	w.run(time.Hour)
	if len(w.calls) != 2 {
		t.Errorf("%d texts and calls: %v", len(w.calls), w.events(ref))
	}
}

func TestOneCallAtATimeToATelephone(t *testing.T) {
	w := newVoiceWorld(t)
	ringing, most := 0, 0
	w.ring = func(dispatcher.Call) []rung {
		ringing++
		most = max(most, ringing)
		w.at(20*time.Second, func() { ringing-- })
		return []rung{{20 * time.Second, request.AttemptFailed, request.FailedNoKey, "busy"}}
	}
	w.policy.Levels = [][]string{{"person:ada"}}
	w.start("n1")
	for n := range 4 {
		w.raise(n, request.Emergency)
	}
	w.run(100 * time.Second)
	calls := 0
	for _, c := range w.calls {
		if c.Medium == "voice" {
			calls++
		}
	}
	if most != 1 || calls < 4 {
		t.Errorf("%d calls, at most %d rang at once", calls, most)
	}
}

func TestACallOfWhichNothingIsHeardFreesTheTelephone(t *testing.T) {
	w := newVoiceWorld(t)
	w.ring = nil // no webhook ever comes
	w.policy.Levels = [][]string{{"person:ada"}}
	w.start("n1")
	began := w.now
	w.raise(1, request.Emergency)
	w.raise(2, request.Emergency)
	w.run(160 * time.Second)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@0 ada/sms@0 ada/sms@120 ada/sms@120 ada/voice@155"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

func TestAnOfficerWithALandlineOnlyIsCalledAtOnce(t *testing.T) {
	w := newVoiceWorld(t)
	w.book.People[0].Contacts = []roster.Contact{{ID: "desk", Channel: "voice", Address: "+15005550101", Verified: true}}
	w.start("n1")
	began := w.now
	w.raise(1, request.Urgent)
	w.run(301 * time.Second)
	if got, want := w.asked(began), "ada/voice@0 ada/voice@20 bruno/sms@300"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

func TestAFailedTextIsFollowedByTheCallAtOnce(t *testing.T) {
	w := newVoiceWorld(t)
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == "sms" {
			return 0, notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		}
		return 0, notifier.Accepted{ProviderID: "CA1"}
	}
	w.start("n1")
	began := w.now
	w.raise(1, request.Urgent)
	w.run(30 * time.Second)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@0 ada/voice@20"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

func TestWithdrawnRequestsCallNobody(t *testing.T) {
	w := newVoiceWorld(t)
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.run(time.Second)
	s := w.state(ref)
	w.decide(s, request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(time.Minute)
	var media []string
	for _, c := range w.calls {
		media = append(media, c.Medium+" "+string(c.Message.About))
	}
	if want := []string{"sms ask", "voice ask", "sms withdrawn"}; !slices.Equal(media, want) {
		t.Errorf("%v, want %v", media, want)
	}
}

// TestACallThatTurnsOutToHaveArrivedIsNotMadeAgain lets the first call's answer be lost. Its page waits in the lane for another attempt, behind
// other requests, when the provider says that the telephone rings.
func TestACallThatTurnsOutToHaveArrivedIsNotMadeAgain(t *testing.T) {
	w := newVoiceWorld(t)
	w.limit = notifier.Limit{PerSecond: 0.2, PerRecipient: 50}
	calls := 0
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == notifier.MediumVoice {
			if calls++; calls == 1 {
				w.at(3*time.Second, func() { w.report(c, rung{event: request.AttemptSent}) })
			}
			return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedUnknown, Code: "connection"}
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "SM" + string(c.Message.Ref)}
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.run(20 * time.Second)
	if n := w.counted(ref, request.AttemptStarted); calls != 1 || n != 2 {
		t.Errorf("%d calls, %d attempts: %v", calls, n, w.events(ref))
	}
}

// TestACallThatWasFoundAndNotAnsweredIsRepeated loses the answer of every first attempt: the look-up finds the call, and nobody picks it up. What is
// said of the call counts, not that the look-up was an attempt of its own, and the telephone is free for the next.
func TestACallThatWasFoundAndNotAnsweredIsRepeated(t *testing.T) {
	w := newVoiceWorld(t)
	w.ring = nil
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == notifier.MediumVoice {
			w.at(20*time.Second, func() { w.report(c, rung{event: request.AttemptFailed, kind: request.FailedNoKey, code: "no-answer"}) })
		}
		return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedUnknown, Code: "connection"}
	}
	w.find = func(c dispatcher.Call) notifier.Outcome {
		return notifier.Accepted{ProviderID: "X" + string(c.Message.Ref) + c.Earlier}
	}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Emergency)
	w.run(3 * time.Minute)
	var calls []string
	for _, p := range w.state(ref).Pages {
		if p.Channel == notifier.MediumVoice {
			calls = append(calls, fmt.Sprintf("%s@%d %s", p.Person, int(p.Ordered.Sub(began).Seconds()), p.State))
		}
	}
	want := "ada@0 failed, ada@20 failed, bruno@120 failed, bruno@140 failed"
	if got := strings.Join(calls, ", "); got != want {
		t.Errorf("calls %s\nwant  %s", got, want)
	}
}

// A call that was thought lost and was found rings since it was made, and not since somebody looked for it.
func TestACallThatWasFoundHoldsTheTelephoneSinceItWasMade(t *testing.T) {
	w := newVoiceWorld(t)
	w.policy.Levels = [][]string{{"person:ada"}}
	w.ring = nil // nobody says how calls end
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == "voice" && len(w.calls) <= 2 {
			return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "X" + string(c.Message.Ref) + c.Message.Attempt}
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.Accepted{ProviderID: "found"} }
	w.start("n1")
	began := w.now
	w.raise(1, request.Emergency)
	w.run(20 * time.Second)
	second := w.raise(2, request.Emergency)
	w.run(3 * time.Minute)
	i := slices.IndexFunc(w.calls, func(c called) bool { return c.Message.Ref == second && c.Medium == "voice" })
	if i < 0 || w.calls[i].at.Sub(began).Round(time.Second) != 155*time.Second {
		t.Errorf("asked %s", w.asked(began))
	}
}
