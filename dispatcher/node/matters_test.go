package node_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// changing has turns change every day at a time: until then on the first of January ada is on duty, then bruno.
func (w *world) changing(handover string) {
	w.alarming()
	w.rosters.edit(func(b *roster.Book) {
		r := &b.Rosters[0].Layers[0].Rotation
		r.Unit, r.From, r.Handover = roster.Days, "1999-12-31", handover
	})
}

// heard lists what came to the phones about something since a time.
func (w *world) heard(since time.Time, abouts ...notifier.About) string {
	var list []string
	for _, m := range w.phones.got("") {
		for _, about := range abouts {
			if m.About == about && !m.at.Before(since) {
				list = append(list, m.at.Format("15:04")+" "+string(m.To)[10:]+" "+string(about))
			}
		}
	}
	return strings.Join(list, ", ")
}

// handover is the only one that a node knows.
func (w *world) handover(n *life) *request.State {
	w.t.Helper()
	list := n.Matters(request.OpsHandover)
	if len(list) != 1 {
		w.t.Fatalf("%d handovers", len(list))
	}
	return list[0]
}

// lastCode is that of the last text that asked a person something of a log.
func (w *world) lastCode(to notifier.Phone, ref request.Ref) string {
	code := ""
	for _, m := range w.phones.got(ref) {
		if m.To == to && m.Code != "" {
			code = m.Code
		}
	}
	return code
}

func TestTwoNodesHandOverOnceAndACodeByTextMovesTheRequests(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.changing("00:10")
		w.rosters.edit(func(b *roster.Book) { b.People[1].TimeZone = "Asia/Tokyo" }) // where it is nine in the morning
		w.nodes = true
		n, other := w.start("n1"), w.start("n2")
		asked := w.raise(request.Critical)
		w.pass(time.Second)
		if out, err := n.Acknowledge(t.Context(), asked, "ada", "", request.ViaWeb); err != nil || out.Kind != notifier.Taken {
			t.Fatalf("acknowledge: %+v, %v", out, err)
		}
		w.pass(10*time.Minute + 10*time.Second)
		// carmen, whose shift begins a day later, sleeps.
		if got := w.heard(time.Time{}, notifier.TellShiftSoon, notifier.TellShiftNow); got != "00:00 02 shift_soon, 00:10 02 shift_now" {
			t.Errorf("notices %s", got)
		}
		h := w.handover(n)
		if o := w.handover(other); o.Ref != h.Ref || w.count(h.Ref, request.HandoverOffered) != 1 {
			t.Errorf("two nodes raised %s and %s", h.Ref, o.Ref)
		}
		if a := other.Reply(t.Context(), ada, "in1", w.lastCode(ada, h.Ref)); a.Kind != notifier.Signed || a.Ref != h.Ref {
			t.Errorf("ada is told %+v", a)
		}
		if a := n.Reply(t.Context(), bruno, "in2", w.lastCode(ada, h.Ref)); a.Kind != notifier.WrongCode {
			t.Errorf("bruno with ada's code is told %+v", a)
		}
		if s := w.state(asked); s.Owner != "ada" {
			t.Errorf("%s has it", s.Owner)
		}
		if a := other.Reply(t.Context(), bruno, "in3", w.lastCode(bruno, h.Ref)); a.Kind != notifier.TakenOver {
			t.Errorf("bruno is told %+v", a)
		}
		w.pass(2 * time.Second)
		if s := w.state(asked); s.Owner != "bruno" || w.count(asked, request.HandoverConfirmed) != 1 {
			t.Errorf("%s has it: %v", s.Owner, w.events(asked))
		}
		if a := n.Reply(t.Context(), bruno, "in4", w.lastCode(bruno, h.Ref)); a.Kind != notifier.AlreadyConfirmed {
			t.Errorf("again: %+v", a)
		}
		w.pass(time.Minute)
		if s := w.state(h.Ref); !s.Closed || s.Matter.Reason != dispatcher.EndedConfirmed || w.heard(time.Time{}, notifier.TellHandedOver) != "00:10 01 handed_over" {
			t.Errorf("%q, closed %t; %s", s.Matter.Reason, s.Closed, w.heard(time.Time{}, notifier.TellHandedOver))
		}
		if standing(n) != "" {
			t.Errorf("alarms %s", standing(n))
		}
	})
}

func TestAHandoverThatNobodyConfirmsReachesTheCoordinatorsPhone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.changing("00:10")
		n := w.start("n1")
		asked := w.raise(request.Emergency)
		w.pass(time.Second)
		if _, err := n.Acknowledge(t.Context(), asked, "ada", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		w.pass(39 * time.Minute)
		if got := w.heard(time.Time{}, notifier.AskToLookAfter); got != "" {
			t.Errorf("too early: %s", got)
		}
		n.stop() // the next life goes on
		n = w.start("n1")
		w.pass(2 * time.Minute)
		h := w.handover(n)
		alarm := w.state(w.alarmOf(n, request.AlarmHandover))
		if got := w.heard(time.Time{}, notifier.AskToLookAfter); got != "00:40 05 alarm" || alarm.Alarm.Cause != "handover "+h.Ref.String() {
			t.Errorf("alarm %s about %q", got, alarm.Alarm.Cause)
		}
		if out, err := n.Acknowledge(t.Context(), h.Ref, "bruno", "", request.ViaWeb); err != nil || out.Kind != notifier.TakenOver {
			t.Errorf("late: %+v, %v", out, err)
		}
		w.pass(time.Minute)
		if s := w.state(alarm.Ref); s.Status != request.StatusCleared || w.state(asked).Owner != "bruno" {
			t.Errorf("alarm %s; %s has it", s.Status, w.state(asked).Owner)
		}
	})
}

func TestRequestsFollowAConfirmationThatAllNodesDiedOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.changing("00:10")
		n := w.start("n1")
		asked := w.raise(request.Critical)
		w.pass(time.Second)
		if _, err := n.Acknowledge(t.Context(), asked, "ada", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		w.pass(10*time.Minute + 10*time.Second)
		h := w.handover(n)
		n.stop()
		s := w.state(h.Ref)
		events, _ := dispatcher.Acknowledge(s, time.Now(), "bruno", "", request.ViaWeb)
		w.append(h.Ref, s.Decide(time.Now(), "n9", request.Actor{Kind: request.ByOfficer, ID: "bruno"}, events...), s.LastSeq)
		w.pass(50 * time.Hour)
		w.start("n2")
		w.pass(time.Minute)
		if s := w.state(asked); s.Owner != "bruno" {
			t.Errorf("%s has it: %v", s.Owner, w.events(asked))
		}
	})
}
