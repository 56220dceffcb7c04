package node_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const private = notifier.Phone("+15005550177")

// optedOut is a world at midnight in which texts to ada, who is on duty, are refused as long as *out; there is a provider of calls.
func optedOut(w *world) (out *bool, calls caller) {
	w.alarming()
	calls, out = caller{newProvider()}, new(true)
	w.others = []node.Provider{{Channel: calls}}
	w.phones.send = func(_ context.Context, m notifier.Message, take func() notifier.Outcome) notifier.Outcome {
		time.Sleep(20 * time.Millisecond)
		if m.To == ada && *out {
			return notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		}
		return take()
	}
	return out, calls
}

func contacts(list ...roster.Contact) func(*roster.Book) {
	return func(b *roster.Book) { b.People[0].Contacts = list }
}

var (
	mobile = roster.Contact{ID: "mobile", Channel: "sms", Address: string(ada), Verified: true}
	call   = roster.Contact{ID: "call", Channel: "voice", Address: string(ada), Verified: true}
	second = roster.Contact{ID: "private", Channel: "sms", Address: string(private), Verified: true}
)

// told lists what went to a telephone about contacts that fail, with when.
func toldOf(p *provider, to notifier.Phone, since time.Time) (list []string) {
	for _, m := range p.got("") {
		if m.To == to && strings.HasPrefix(string(m.About), "contact_") {
			list = append(list, fmt.Sprintf("%s@%s", m.About, m.at.Sub(since).Truncate(time.Minute)))
		}
	}
	return list
}

func TestAnOfficerWhoOptedOutIsFlaggedCalledAndToldByDayOverAnotherNumberOnceByTwoNodes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, calls := optedOut(w)
		w.rosters.edit(contacts(mobile, call, second))
		began := time.Now()
		w.pass(6*time.Hour + 30*time.Minute)
		n, other := w.start("n1"), w.start("n2")
		asked := w.raise(request.Urgent)
		w.pass(3 * time.Second)
		if rings := calls.got(asked); len(rings) != 1 || rings[0].To != ada || w.state(asked).Step.Count != 1 {
			t.Fatalf("called %+v", rings)
		}
		w.pass(10 * time.Second)
		ref := w.alarmOf(n, request.AlarmFailing)
		s := w.state(ref)
		if w.alarmOf(other, request.AlarmFailing) != ref || s.Alarm.Cause != "person ada contact mobile" || !strings.HasPrefix(s.Alarm.Detail, "opted out with STOP (twilio 21610), since ") {
			t.Errorf("alarm %+v", s.Alarm)
		}
		if got := w.phones.got(ref); len(got) != 1 || got[0].To != erik || got[0].About != notifier.AskToLookAfter {
			t.Errorf("ada is on duty, and the coordinator gets %+v", got)
		}
		w.pass(29 * time.Minute)
		if got := toldOf(w.phones, private, began); len(got) != 0 {
			t.Fatalf("at night: %v", got)
		}
		w.pass(time.Hour)
		if got := fmt.Sprint(toldOf(w.phones, private, began)); got != "[contact_stop@7h0m0s]" {
			t.Errorf("by day: %s", got)
		}
		for _, m := range w.phones.got("") {
			if m.About == notifier.TellOptedOut && (m.Duty.Digits != "01" || m.Duty.Number != "+15005550006" || m.Code != "" || m.Urgency != request.Routine) {
				t.Errorf("told %+v", m)
			}
		}
		n.stop()
		other.stop()
		w.pass(23 * time.Hour)
		n = w.start("n1")
		w.pass(20 * time.Minute) // the next morning
		if got := toldOf(w.phones, private, began); len(got) != 1 || len(n.Matters(request.OpsContact)) > 1 {
			t.Errorf("told again: %v", got)
		}
	})
}

func TestWhoHasNoOtherNumberIsCalledByDayUntilTheyListen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, calls := optedOut(w)
		w.rosters.edit(contacts(mobile, call))
		began := time.Now()
		w.pass(6 * time.Hour)
		n := w.start("n1")
		n.OptedOut(t.Context(), ada, true)
		w.pass(time.Hour + 10*time.Minute)
		if got := fmt.Sprint(toldOf(calls.provider, ada, began)); got != "[contact_stop@7h0m0s]" {
			t.Fatalf("called %s", got)
		}
		ring := func(i int, progress notifier.Progress, kind request.FailureKind, code string) {
			var of []taken
			for _, m := range calls.got("") {
				if m.About == notifier.TellOptedOut {
					of = append(of, m)
				}
			}
			err := n.Report(t.Context(), notifier.Report{Ref: of[i].Ref, Attempt: of[i].Attempt, Provider: "twilio", Progress: progress, Kind: kind, Code: code})
			if err != nil {
				t.Fatal(err)
			}
		}
		ring(0, notifier.Lost, request.FailedNoKey, "no_answer")
		w.pass(time.Hour)
		if got := fmt.Sprint(toldOf(calls.provider, ada, began)); got != "[contact_stop@7h0m0s contact_stop@8h0m0s]" {
			t.Fatalf("called %s", got)
		}
		ring(1, notifier.Answered, "", "")
		ring(1, notifier.Ended, "", "")
		w.pass(2 * time.Hour)
		matters := n.Matters(request.OpsContact)
		if got := toldOf(calls.provider, ada, began); len(got) != 2 || len(matters) != 1 || matters[0].Matter.Reason != dispatcher.EndedTold {
			t.Errorf("who has listened is called again: %v, %+v", got, matters)
		}
	})
}

func TestAStopFlagsAtOnceAndAStartClears(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		out, _ := optedOut(w)
		w.rosters.edit(contacts(mobile, call, second))
		w.pass(6 * time.Hour)
		n := w.start("n1")
		n.OptedOut(t.Context(), stranger, true)
		n.OptedOut(t.Context(), ada, false)
		w.pass(time.Second)
		if got := standing(n); got != "" {
			t.Fatalf("alarms %s", got)
		}
		n.OptedOut(t.Context(), ada, true)
		n.OptedOut(t.Context(), ada, true)
		w.pass(time.Second)
		first := w.alarmOf(n, request.AlarmFailing)
		w.raise(request.Urgent) // refused
		w.pass(time.Minute)
		if s := w.state(first); s.Status.Ended() || w.alarmOf(n, request.AlarmFailing) != first {
			t.Errorf("alarms %s", standing(n))
		}
		*out = false
		n.OptedOut(t.Context(), ada, false)
		w.pass(time.Minute)
		if s := w.state(first); s.Status != request.StatusCleared {
			t.Errorf("after START: %s", standing(n))
		}
		w.pass(2 * time.Hour)
		if got := toldOf(w.phones, private, time.Now()); len(got) != 0 || len(n.Alarms()) < 1 || strings.Count(standing(n), "contact_failing") != 1 {
			t.Errorf("it is over, and they are told: %v; %s", got, standing(n))
		}
		for range 40 { // the sender of a text can be forged
			n.OptedOut(t.Context(), ada, true)
			n.OptedOut(t.Context(), ada, false)
		}
		w.pass(time.Second)
		if got := strings.Count(standing(n), "contact_failing"); got > 8 {
			t.Errorf("%d alarms", got)
		}
	})
}

func TestTheAlarmOfAContactIsClearedWhenATextArrivesAndByAnEdit(t *testing.T) {
	for name, mend := range map[string]func(t *testing.T, w *world, n *life, out *bool){
		"a text arrives": func(t *testing.T, w *world, n *life, out *bool) {
			*out = false
			ref := w.raise(request.Urgent)
			w.pass(time.Second)
			for _, m := range w.phones.got(ref) {
				if m.To == ada {
					if err := n.Report(t.Context(), notifier.Report{Ref: ref, Attempt: m.Attempt, Provider: "twilio", Progress: notifier.Delivered}); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
		"another number": func(_ *testing.T, w *world, _ *life, _ *bool) {
			w.rosters.edit(func(b *roster.Book) {
				b.People[0].Contacts = []roster.Contact{{ID: "mobile", Channel: "sms", Address: string(private), Verified: true, Changed: time.Now()}}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				out, _ := optedOut(w)
				w.rosters.edit(contacts(mobile))
				n := w.start("n1")
				w.raise(request.Urgent)
				w.pass(10 * time.Second)
				ref := w.alarmOf(n, request.AlarmFailing)
				mend(t, w, n, out)
				w.pass(20 * time.Second)
				if w.state(ref).Status.Ended() {
					t.Error("it was cleared before it was sure")
				}
				w.pass(30 * time.Second)
				if s := w.state(ref); s.Status != request.StatusCleared {
					t.Errorf("alarms %s", standing(n))
				}
			})
		})
	}
}
