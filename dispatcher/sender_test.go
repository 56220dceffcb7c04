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
)

// withReceiver begins a world in which s1 has a webhook. Whatever receive gives comes of each message there.
func withReceiver(t *testing.T, receive func(dispatcher.Call) notifier.Outcome) *world {
	w := newWorld(t)
	w.webhook = func(sender string) bool { return sender == "s1" }
	phones := w.provider
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == dispatcher.SenderMedium {
			return 20 * time.Millisecond, receive(c)
		}
		return phones(c)
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	return w
}

func takes(c dispatcher.Call) notifier.Outcome {
	return notifier.Accepted{ProviderID: "msg_" + c.Message.Page, Delivered: true}
}

// raiseDue receives a request that is to be acknowledged within some time.
func (w *world) raiseDue(urgency request.Urgency, within time.Duration) request.Ref {
	ref := request.Ref("7K4M2QX9D")
	w.decide(request.NewState(ref), request.BySender, request.NewEvent(request.Received, request.ReceivedBody{
		Sender: "s1", Type: request.Preservation, Urgency: urgency, Language: "en", Missing: []string{},
		Due: []request.Due{{Clock: "provide", At: request.At(w.now.Add(8 * time.Hour))}, {Clock: "acknowledge", At: request.At(w.now.Add(within))}},
	}))
	return ref
}

// told lists what the sender was told, in order, as about@seconds.
func (w *world) told(since time.Time) string {
	var list []string
	for _, c := range w.calls {
		if c.Recipient == request.ToSender {
			list = append(list, fmt.Sprintf("%s@%d", c.Message.About, int(c.at.Sub(since).Seconds())))
		}
	}
	return strings.Join(list, " ")
}

func (w *world) wantTold(since time.Time, want string) {
	w.t.Helper()
	if got := w.told(since); got != want {
		w.t.Errorf("the sender was told %q, want %q", got, want)
	}
}

func TestASenderIsToldOfTheAcknowledgementAtOnceAndOnce(t *testing.T) {
	w := withReceiver(t, takes)
	w.start("n1")
	w.start("n2")
	began := w.now
	ref := w.raiseDue(request.Critical, 30*time.Minute)
	w.run(5 * time.Second)
	w.acknowledge(ref, "ada")
	version := w.state(ref).Version
	w.run(24 * time.Hour)
	w.wantTold(began, "acknowledged@5")
	w.want(ref, request.Received, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptSent, request.Acknowledged,
		request.PageOrdered, request.AttemptStarted, request.AttemptDelivered, request.SenderNotified)
	s := w.state(ref)
	page := s.Page("p2")
	if page.State != request.PageDelivered || page.Recipient != request.ToSender || page.Person != "s1" || !page.Expires.Equal(s.AcknowledgedAt.Add(72*time.Hour)) {
		t.Errorf("page %+v", page)
	}
	if s.Version != version || s.Status != request.StatusAcknowledged {
		t.Errorf("version %d after %d, status %s: being told changes nothing", s.Version, version, s.Status)
	}
}

func TestASenderIsToldAgainOfWhatHappensAgain(t *testing.T) {
	w := withReceiver(t, takes)
	w.start("n1")
	began := w.now
	ref := w.raiseDue(request.Critical, 30*time.Minute)
	w.run(10 * time.Second)
	w.acknowledge(ref, "ada")
	w.run(10 * time.Second)
	s := w.state(ref)
	events, _ := dispatcher.Pass(s, "ada", "", request.ViaWeb)
	w.decide(s, request.ByOfficer, events...)
	w.run(10 * time.Second)
	w.acknowledge(ref, "bruno")
	w.run(time.Minute)
	w.wantTold(began, "acknowledged@10 acknowledged@30")
}

func TestASenderIsToldThatAnAcknowledgementEnded(t *testing.T) {
	for event, want := range map[request.EventType]string{"acknowledgement_undone": "undone", "acknowledgement_lapsed": "lapsed"} {
		w := withReceiver(t, takes)
		w.start("n1")
		began := w.now
		ref := w.raiseDue(request.Critical, 30*time.Minute)
		w.run(10 * time.Second)
		w.acknowledge(ref, "ada")
		w.run(10 * time.Second)
		for _, person := range []string{"bruno", "ada"} { // bruno does not have it
			w.decide(w.state(ref), request.ByOfficer, request.NewEvent(event, map[string]string{"person": person}))
			w.run(10 * time.Second)
		}
		w.run(time.Minute)
		w.wantTold(began, "acknowledged@10 "+want+"@30")
	}
}

func TestASenderIsToldOfADeadlineThatPasses(t *testing.T) {
	pass := func(w *world, ref request.Ref) {
		s := w.state(ref)
		events, _ := dispatcher.Pass(s, "ada", "", request.ViaWeb)
		w.decide(s, request.ByOfficer, events...)
	}
	for name, c := range map[string]struct {
		story func(w *world, ref request.Ref)
		want  string
	}{
		"nobody": {func(w *world, _ request.Ref) { w.run(15 * time.Minute) }, "deadline_missed@600"},
		"in time": {func(w *world, ref request.Ref) {
			w.run(time.Minute)
			w.acknowledge(ref, "ada")
		}, "acknowledged@60"},
		"in time, and passed on before it": {func(w *world, ref request.Ref) {
			w.run(time.Minute)
			w.acknowledge(ref, "ada")
			w.run(time.Minute)
			pass(w, ref)
		}, "acknowledged@60 deadline_missed@600"},
		"in time, and passed on after it": {func(w *world, ref request.Ref) {
			w.run(time.Minute)
			w.acknowledge(ref, "ada")
			w.run(11 * time.Minute)
			pass(w, ref)
		}, "acknowledged@60"},
		"too late": {func(w *world, ref request.Ref) {
			w.run(11 * time.Minute)
			w.acknowledge(ref, "ada")
		}, "deadline_missed@600 acknowledged@660"},
	} {
		t.Run(name, func(t *testing.T) {
			w := withReceiver(t, takes)
			w.policy.Rounds = 20 // nobody gives up meanwhile
			w.start("n1")
			began := w.now
			ref := w.raiseDue(request.Emergency, 10*time.Minute)
			c.story(w, ref)
			w.run(20 * time.Minute)
			w.wantTold(began, c.want)
		})
	}
}

func TestASenderIsToldThatEveryoneWasAsked(t *testing.T) {
	w := withReceiver(t, takes)
	w.start("n1")
	began := w.now
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.run(3 * time.Hour) // six steps of two minutes, then everyone for two
	w.wantTold(began, "deadline_missed@600 unanswered@840")
	if s := w.state(ref); s.Escalation != request.Exhausted || len(s.Alarms) != 1 {
		t.Errorf("escalation %s, alarms %v", s.Escalation, s.Alarms)
	}
}

func TestWhoHasNoWebhookIsToldNothing(t *testing.T) {
	w := withReceiver(t, takes)
	has := false
	w.webhook = func(string) bool { return has }
	w.start("n1")
	began := w.now
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.run(11 * time.Minute)
	w.acknowledge(ref, "ada")
	w.run(time.Hour)
	w.wantTold(began, "")
	if n := len(w.state(ref).Pages); n == 0 || slices.ContainsFunc(w.state(ref).Pages, func(p request.Page) bool { return p.Recipient == request.ToSender }) {
		t.Errorf("%d pages, one of them to the sender", n)
	}
	has = true // added later: what is not too old is told with the next thing that happens
	w.decide(w.state(ref), request.ByOfficer, request.NewEvent(request.Opened, request.OpenedBody{Person: "ada"}))
	w.run(time.Hour)
	w.wantTold(began, "acknowledged@4260")

	has = false // revoked: what is ordered already finds no address
	w.decide(w.state(ref), request.ByOfficer, request.NewEvent("acknowledgement_lapsed", map[string]string{"person": "ada"}))
	w.run(time.Hour)
	w.wantTold(began, "acknowledged@4260")
}

func TestNewsThatIsTooOldIsNotTold(t *testing.T) {
	w := withReceiver(t, takes)
	has := false
	w.webhook = func(string) bool { return has }
	w.start("n1")
	began := w.now
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.acknowledge(ref, "ada")
	w.run(72 * time.Hour)
	has = true
	w.decide(w.state(ref), request.ByOfficer, request.NewEvent(request.Opened, request.OpenedBody{Person: "ada"}))
	w.run(time.Hour)
	w.wantTold(began, "")
}

func TestARevokedSendersNoticeGoesNowhere(t *testing.T) {
	has, up := true, false
	w := withReceiver(t, func(c dispatcher.Call) notifier.Outcome {
		switch {
		case c.Message.To == "":
			return dispatcher.NoAddress
		case !up:
			return notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
		}
		return takes(c)
	})
	w.webhook = func(string) bool { return has }
	w.start("n1")
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.acknowledge(ref, "ada")
	w.run(time.Minute)
	has, up = false, true
	w.run(96 * time.Hour)
	if page := w.state(ref).Page("p1"); page.State != request.PageFailed || page.Last().Code != "no_address" {
		t.Errorf("page %+v", page)
	}
}

func TestAReceiverThatIsDownForDays(t *testing.T) {
	for hours, want := range map[int]request.PageState{1: request.PageDelivered, 36: request.PageDelivered, 71: request.PageDelivered, 73: request.PageLate} {
		t.Run(fmt.Sprint(hours, " hours"), func(t *testing.T) {
			var w *world
			var up time.Time
			kind := request.FailedForNow
			w = withReceiver(t, func(c dispatcher.Call) notifier.Outcome {
				if w.now.Before(up) {
					if kind = request.FailedForNow; c.Tries%2 == 0 {
						kind = request.FailedUnknown // looked up in vain, and sent again
					}
					return notifier.Failed{Kind: kind, Code: "http_503"}
				}
				return takes(c)
			})
			w.start("n1")
			up = w.now.Add(time.Duration(hours) * time.Hour)
			ref := w.raiseDue(request.Emergency, 10*time.Minute)
			w.acknowledge(ref, "ada")
			w.run(2 * time.Minute)
			if first := len(w.state(ref).Page("p1").Attempts); first < 4 {
				t.Errorf("%d attempts in the first two minutes", first)
			}
			w.run(96 * time.Hour)
			page := w.state(ref).Page("p1")
			if page.State != want || len(page.Attempts) > 40 {
				t.Errorf("%s after %d attempts, want %s", page.State, len(page.Attempts), want)
			}
			notified := 0
			for _, e := range w.events(ref) {
				if e == request.SenderNotified {
					notified++
				}
			}
			if want == request.PageDelivered != (notified == 1) {
				t.Errorf("%d times notified", notified)
			}
		})
	}
}

func TestARequestIsClosedWhenItsSenderWasTold(t *testing.T) {
	var w *world
	var up time.Time
	w = withReceiver(t, func(c dispatcher.Call) notifier.Outcome {
		if w.now.Before(up) {
			return notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
		}
		return takes(c)
	})
	first := w.start("n1")
	began := w.now
	up = began.Add(50 * time.Hour) // longer than a closed request is remembered
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.acknowledge(ref, "ada")
	w.run(time.Minute)
	w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(49 * time.Hour)
	if w.state(ref).Closed {
		t.Error("closed while its sender waits to be told")
	}
	first.dead = true
	w.start("n2") // its next life
	w.run(24 * time.Hour)
	if s := w.state(ref); !s.Closed || s.Page("p1").State != request.PageDelivered {
		t.Errorf("closed: %v, notice %s", s.Closed, s.Page("p1").State)
	}
	if told := w.told(began); strings.Count(told, "acknowledged@") != len(strings.Fields(told)) {
		t.Errorf("told of something else: %s", told)
	}
}

func TestASenderIsNotToldWhatTheyDidThemselves(t *testing.T) {
	w := withReceiver(t, takes)
	w.start("n1")
	began := w.now
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.run(time.Minute)
	w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(time.Hour)
	w.wantTold(began, "")
	if !w.state(ref).Closed {
		t.Error("not closed")
	}
}

func TestANoticeSurvivesItsNode(t *testing.T) {
	w := withReceiver(t, takes)
	first := w.start("n1")
	ref := w.raiseDue(request.Emergency, 10*time.Minute)
	w.acknowledge(ref, "ada")
	w.run(10 * time.Millisecond) // the call is under way
	if page := w.state(ref).Page("p1"); page == nil || page.State != request.PageSending {
		t.Fatalf("page %+v", page)
	}
	first.dead = true
	w.start("n2")
	w.run(time.Minute)
	var ids []string
	for _, c := range w.calls {
		ids = append(ids, c.Message.Page+" by "+c.node)
	}
	if page := w.state(ref).Page("p1"); page.State != request.PageDelivered || !slices.Equal(ids, []string{"p1 by n1", "p1 by n2"}) {
		t.Errorf("page %s after %v", page.State, ids)
	}
}
