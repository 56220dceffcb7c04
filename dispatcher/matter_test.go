package dispatcher_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// matter raises a matter, as a node does.
func (w *world) matter(b request.MatterBody) request.Ref {
	ref, _ := request.NewOpsRef([]byte(request.FactID(string(b.Kind), b.Cause)))
	w.decide(request.NewState(ref), request.BySystem, dispatcher.RaiseMatter(b))
	return ref
}

func TestACoverRequestAsksEachOnceByATextAndTheFirstHasIt(t *testing.T) {
	w := newWorld(t)
	w.voice = true
	w.start("n1")
	ref := w.matter(request.MatterBody{
		Kind: request.OpsCover, Cause: "c1", Asks: []string{"bruno", "carmen"}, Roster: "national", Person: "ada",
		From: request.At(w.now), Until: request.At(w.now.Add(8 * time.Hour)), Expires: request.At(w.now.Add(time.Hour)),
	})
	w.run(30 * time.Minute)
	if len(w.calls) != 2 {
		t.Fatalf("%d attempts", len(w.calls))
	}
	for _, c := range w.calls {
		m := c.Message
		if c.Medium != notifier.MediumSMS || m.About != notifier.AskToCover || c.Recipient != request.ToOfficer || m.Duty.CallSign != "KESTREL" || !m.Duty.From.Equal(w.now.Add(-30*time.Minute)) {
			t.Errorf("attempt %+v", c)
		}
	}
	s := w.present(ref)
	events, kind := dispatcher.Acknowledge(s, w.now, "carmen", "p2", request.ViaCode)
	w.decide(s, request.ByOfficer, events...)
	if _, late := dispatcher.Acknowledge(w.present(ref), w.now, "bruno", "p1", request.ViaCode); kind != notifier.Taken || late != notifier.AlreadyTaken {
		t.Errorf("answers %s and %s", kind, late)
	}
	s = w.present(ref)
	w.decide(s, request.BySystem, dispatcher.EndMatter(s, w.now, "accepted")...)
	w.run(time.Minute)
	if s = w.present(ref); !s.Closed || s.Status != request.StatusOver || s.Matter.Reason != "accepted" || len(w.calls) != 2 {
		t.Errorf("at the end: %s, %q, closed %t, %d attempts", s.Status, s.Matter.Reason, s.Closed, len(w.calls))
	}
	if len(dispatcher.EndMatter(s, w.now, "again")) != 0 {
		t.Error("it ends twice")
	}
}

func TestWhatNobodyCouldBeToldInTimeExpires(t *testing.T) {
	w := newWorld(t)
	w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) {
		return time.Second, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
	}
	w.start("n1")
	ref := w.matter(request.MatterBody{
		Kind: request.OpsShift, Cause: "s1", About: string(notifier.TellShiftNow), Tells: []string{"ada"}, Roster: "national", Person: "ada",
		From: request.At(w.shiftStart("ada")), Until: request.At(w.now.Add(8 * time.Hour)), Expires: request.At(w.now.Add(time.Minute)), Open: 2,
	})
	w.run(2 * time.Minute)
	if s := w.present(ref); !s.Closed || s.Matter.Reason != dispatcher.EndedExpired || s.Urgency != request.Routine {
		t.Errorf("%q, closed %t, %v", s.Matter.Reason, s.Closed, w.events(ref))
	}
	if c := w.calls[0]; c.Message.About != notifier.TellShiftNow || c.Message.Duty.Open != 2 || c.Message.About.Asks() {
		t.Errorf("attempt %+v", c)
	}
}

// shiftStart is when the duty of somebody who is on duty began.
func (w *world) shiftStart(person string) time.Time {
	duty, _ := w.compiled().At("", w.now)
	for _, a := range duty.OnDuty {
		if a.Person == person {
			return a.Since
		}
	}
	w.t.Fatalf("%s is not on duty", person)
	return time.Time{}
}
