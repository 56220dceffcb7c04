package node_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const erik = notifier.Phone("+15005550105")

// alarming lets nodes raise alarms, which go to erik.
func (w *world) alarming() {
	w.policy.AlarmTo = []string{"erik"}
	w.alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, fmt.Sprint(i))) }
}

// standing lists the alarms that a node knows, as kind and cause, with what became of them.
func standing(n *life) string {
	var list []string
	for _, s := range n.Alarms() {
		list = append(list, fmt.Sprintf("%s %s %s", s.Alarm.Kind, s.Alarm.Text(), s.Status))
	}
	return strings.Join(list, "; ")
}

// alarmOf is the only alarm of a kind.
func (w *world) alarmOf(n *life, kind request.AlarmKind) request.Ref {
	w.t.Helper()
	var found request.Ref
	for _, s := range n.Alarms() {
		if s.Alarm.Kind == kind {
			if found != "" {
				w.t.Fatalf("two alarms: %s", standing(n))
			}
			found = s.Ref
		}
	}
	if found == "" {
		w.t.Fatalf("no alarm %s: %s", kind, standing(n))
	}
	return found
}

func TestARequestThatNobodyAnswersReachesTheCoordinatorsPhone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n, other := w.start("n1"), w.start("n2")
		asked := w.raise(request.Emergency)
		for range 60 { // until everyone was asked in vain
			if w.pass(30 * time.Second); len(n.Alarms()) > 0 {
				break
			}
		}
		if s := w.state(asked); s.Escalation != request.Exhausted {
			t.Fatalf("the request is %s", s.Escalation)
		}
		ref := w.alarmOf(n, request.AlarmUnanswered)
		if a := w.alarmOf(other, request.AlarmUnanswered); a != ref {
			t.Errorf("two nodes raised two: %s and %s", ref, a)
		}
		if got := w.count(ref, request.AlarmRaised); got != 1 {
			t.Errorf("raised %d times", got)
		}
		w.pass(time.Second)
		s := w.state(ref)
		if s.Alarm.Cause != "request "+asked.String() || s.Urgency != request.Emergency {
			t.Errorf("alarm %+v, %s", s.Alarm, s.Urgency)
		}
		got := w.phones.got(ref)
		if len(got) != 1 || got[0].To != erik || got[0].About != notifier.AskToLookAfter || got[0].Code != w.code(ref, "p1") {
			t.Fatalf("texts %+v", got)
		}
		if a := other.Reply(t.Context(), erik, "in1", got[0].Code); a.Kind != notifier.AlarmTaken || a.Ref != ref {
			t.Errorf("answer %+v", a)
		}
		w.pass(time.Hour)
		if s := w.state(ref); len(w.phones.got(ref)) != 1 || s.Status.Ended() || s.Owner != "erik" {
			t.Errorf("looked after: %d texts, %s by %s", len(w.phones.got(ref)), s.Status, s.Owner)
		}
		if out, err := n.Acknowledge(t.Context(), asked, "ada", "", request.ViaWeb); err != nil || out.Kind != notifier.Taken {
			t.Fatalf("acknowledge: %+v, %v", out, err)
		}
		w.pass(29 * time.Second)
		if s := w.state(ref); s.Status.Ended() {
			t.Error("cleared too early")
		}
		w.pass(10 * time.Second)
		w.want(ref, request.AlarmRaised, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptSent, request.Acknowledged,
			request.AlarmCleared, request.Closed)
		if got := n.Open(); len(got) != 1 || got[0].Ref != asked {
			t.Errorf("open requests %v", got)
		}
	})
}

func TestAProviderThatIsDownForTwoMinutesIsAlarmedThroughItselfWhenItRecovers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		until := time.Now().Add(2 * time.Minute)
		w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if time.Now().Before(until) {
				return notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
			}
			return take()
		}
		w.raise(request.Critical)
		w.pass(40 * time.Second)
		ref := w.alarmOf(n, request.AlarmProvider)
		if got := w.phones.got(ref); len(got) != 0 || w.state(ref).Status.Ended() {
			t.Errorf("texts %v, log %v", got, w.events(ref))
		}
		w.pass(2 * time.Minute)
		if got := w.phones.got(ref); len(got) != 1 || got[0].To != erik || got[0].at.Before(until) || got[0].at.After(until.Add(16*time.Second)) {
			t.Errorf("texts %+v; it recovered at %s", got, until)
		}
		w.pass(time.Minute)
		if s := w.state(ref); s.Status != request.StatusCleared || !s.Closed {
			t.Errorf("%s, %v", s.Status, w.events(ref))
		}
	})
}

func TestTheSameTroubleAgainIsAnotherAlarmAndARestartIsNone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		var away atomic.Bool
		w.alarms.Redis = func(context.Context) error {
			if away.Load() {
				return errors.New("away")
			}
			return nil
		}
		n := w.start("n1")
		for range 3 {
			away.Store(true)
			w.pass(20 * time.Second)
			away.Store(false)
			w.pass(time.Minute)
		}
		const was = "redis_away node n1 cleared"
		if got := standing(n); got != was+"; "+was+"; "+was || len(w.phones.got("")) != 3 {
			t.Errorf("alarms %s, %d texts", got, len(w.phones.got("")))
		}
		away.Store(true)
		w.pass(20 * time.Second)
		n.stop()
		n = w.start("n1")
		w.pass(time.Minute)
		if got := standing(n); got != was+"; "+was+"; "+was+"; redis_away node n1 received" {
			t.Errorf("after a restart: %s", got)
		}
		other := w.start("n2") // its Redis is the same here, and it says so in its own name
		away.Store(false)
		other.stop()
		w.pass(time.Minute)
		if got := standing(n); strings.Count(got, "cleared") != 4 || strings.Contains(got, "received") {
			t.Errorf("after the end: %s", got)
		}
	})
}

func TestALogThatWasAwayIsAlarmedOnceByAllNodes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		nodes := []*life{w.start("n1"), w.start("n2")}
		w.pass(time.Second)
		for _, n := range nodes {
			n.log.set(func() { n.log.cut = true })
		}
		w.pass(90 * time.Second)
		for _, n := range nodes {
			n.log.set(func() { n.log.cut = false })
		}
		w.pass(10 * time.Second)
		if got := standing(nodes[0]); !strings.HasPrefix(got, "log_was_away log: away for 90 s") || strings.Contains(got, ";") {
			t.Errorf("alarms %s", got)
		}
		if got := w.phones.got(""); len(got) != 1 || got[0].Alarm != request.AlarmLog {
			t.Errorf("texts %v", got)
		}
		w.pass(10 * time.Minute)
		if got := standing(nodes[1]); !strings.HasSuffix(got, "cleared") || strings.Contains(got, ";") {
			t.Errorf("later: %s", got)
		}
	})
}

func TestALatePageAndNobodyOnDutyAreAlarmed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
		w.limit = notifier.Limit{PerSecond: 0.01}
		n := w.start("n1")
		asked := w.raise(request.Urgent)
		w.pass(40 * time.Second)
		if got := standing(n); got != "page_late channel sms: request "+asked.String()+" received" {
			t.Errorf("alarms %s", got)
		}
	})
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		w.pass(10 * time.Second)
		if got := standing(n); got != "" {
			t.Errorf("alarms %s", got)
		}
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Layers = nil })
		w.pass(10 * time.Second)
		if got := standing(n); got != "nobody_on_duty roster received" {
			t.Errorf("alarms %s", got)
		}
		if got := w.phones.got(""); len(got) != 1 || got[0].To != erik {
			t.Errorf("texts %v", got)
		}
	})
}

func TestWithoutAReferenceNoAlarmIsRaised(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarms = node.Alarms{Redis: func(context.Context) error { return errors.New("away") }}
		n := w.start("n1")
		w.pass(time.Minute)
		if got := standing(n); got != "" {
			t.Errorf("alarms %s", got)
		}
	})
}

func TestANodeThatStartsKnowsFromTheLogWhatItsProviderDid(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		until := time.Now().Add(time.Minute)
		w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if time.Now().Before(until) {
				return notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
			}
			return take()
		}
		w.raise(request.Urgent)  // its wait is long: no other attempt tells of the recovery
		w.pass(85 * time.Second) // it has recovered, and the alarm still stands
		ref := w.alarmOf(n, request.AlarmProvider)
		if s := w.state(ref); s.Status.Ended() || len(w.phones.got(ref)) != 1 {
			t.Fatalf("%s, %d texts", s.Status, len(w.phones.got(ref)))
		}
		sent := len(w.phones.got(""))
		n.stop()
		n = w.start("n1")
		w.pass(40 * time.Second)
		if got := standing(n); !strings.HasSuffix(got, "cleared") || len(w.phones.got("")) != sent {
			t.Errorf("after a restart: %s; %d texts, %d before", got, len(w.phones.got("")), sent)
		}
	})
}

func TestANodeThatIsBehindRaisesNoSecondAlarm(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n, behind := w.start("n1"), w.start("n2")
		release := behind.log.hold()
		defer release()
		w.raise(request.Critical) // what is followed waits from here on
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Layers = nil })
		w.pass(30 * time.Second)
		if got := standing(n); got == "" || strings.Contains(got, ";") {
			t.Errorf("alarms %q", got)
		}
		release()
		w.pass(30 * time.Second)
		if got := standing(behind); got != standing(n) || strings.Contains(got, ";") {
			t.Errorf("alarms %q", got)
		}
	})
}
