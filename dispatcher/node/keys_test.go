package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func press(ref request.Ref, attempt string, key notifier.Key) notifier.KeyPress {
	return notifier.KeyPress{Ref: ref, Attempt: attempt, Key: key, Phone: ada, Provider: "twilio", ProviderID: "CA1"}
}

func TestKey1TakesTheRequestForWhomThePageAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		a := n.Key(t.Context(), press(ref, "p1a1", notifier.KeyTake))
		if a.Kind != notifier.Taken || a.Ref != ref || a.Language != "en" {
			t.Errorf("answer %+v", a)
		}
		if s := w.state(ref); s.Owner != "ada" || s.Escalation != request.Stopped {
			t.Errorf("owner %q, escalation %s", s.Owner, s.Escalation)
		}
		if a := n.Key(t.Context(), press(ref, "p1a1", notifier.KeyTake)); a.Kind != notifier.AlreadyYours {
			t.Errorf("the press that the provider repeats: %+v", a)
		}
		w.pass(time.Hour)
		w.nobodyIsCalledAfterTheAcknowledgement(ref)
		if w.count(ref, request.Acknowledged) != 1 {
			t.Errorf("%d acknowledgements", w.count(ref, request.Acknowledged))
		}
	})
}

func TestKey2AsksTheNextAndALateKeyHearsTheCallSign(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if a := n.Key(t.Context(), press(ref, "p1a1", notifier.KeyPass)); a.Kind != notifier.PassedOn {
			t.Fatalf("answer %+v", a)
		}
		w.pass(time.Second)
		if s := w.state(ref); len(s.Pages) != 2 || s.Pages[1].Person != "bruno" {
			t.Fatalf("pages %+v", s.Pages)
		}
		if a := n.Key(t.Context(), press(ref, "p2a1", notifier.KeyTake)); a.Kind != notifier.Taken {
			t.Fatalf("answer %+v", a)
		}
		if a := n.Key(t.Context(), press(ref, "p1a1", notifier.KeyTake)); a.Kind != notifier.AlreadyTaken || a.CallSign != "HERON" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestAKeyOfNothingKnownIsToldSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		for _, k := range []notifier.KeyPress{
			press(ref, "p9a1", notifier.KeyTake), press(ref, "nonsense", notifier.KeyTake), press("000000000", "p1a1", notifier.KeyTake),
		} {
			if a := n.Key(t.Context(), k); a.Kind != notifier.NoAnswer {
				t.Errorf("%+v is answered with %+v", k, a)
			}
		}
		if s := w.state(ref); s.Owner != "" {
			t.Errorf("owner %q", s.Owner)
		}
	})
}

func TestAKeyThatCannotBeStoredIsNotConfirmed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		n.log.set(func() { n.log.cut = true })
		if a := n.Key(t.Context(), press(ref, "p1a1", notifier.KeyTake)); a.Kind != notifier.TryAgain {
			t.Errorf("while the log is away: %+v", a)
		}
		n.log.set(func() { n.log.cut = false })
		synctest.Wait()
		if a := n.Key(t.Context(), press(ref, "p1a1", notifier.KeyTake)); a.Kind != notifier.Taken {
			t.Errorf("when it is back: %+v", a)
		}
	})
}

// TestWhatProvidersSayOfCalls folds reports of one call in every order: picked up is no acknowledgement, and over is over.
func TestWhatProvidersSayOfCalls(t *testing.T) {
	reports := []notifier.Report{
		{Progress: notifier.Sent}, {Progress: notifier.Answered}, {Progress: notifier.Answered, Code: "machine_start"}, {Progress: notifier.Ended},
	}
	for first := range reports {
		inWorld(t, func(t *testing.T, w *world) {
			n := w.start("n1")
			ref := w.raise(request.Urgent)
			w.pass(time.Second)
			for i := range reports {
				r := reports[(first+i)%len(reports)]
				r.Ref, r.Attempt, r.Provider, r.ProviderID = ref, "p1a1", "twilio", "CA1"
				for range 2 {
					if err := n.Report(t.Context(), r); err != nil {
						t.Fatal(err)
					}
				}
			}
			w.pass(time.Second)
			s := w.state(ref)
			if s.Owner != "" || s.Pages[0].State != request.PageFailed || s.Pages[0].Attempts[0].Failure != request.FailedNoKey {
				t.Errorf("beginning with %d: owner %q, page %s, %+v", first, s.Owner, s.Pages[0].State, s.Pages[0].Attempts)
			}
		})
	}
}
