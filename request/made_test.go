package request_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// TestWhatBecameOfThePageIsWhatBecameOfTheAttemptThatWasMade folds an attempt that a look-up found unnecessary between the one that had arrived and
// the news of it.
func TestWhatBecameOfThePageIsWhatBecameOfTheAttemptThatWasMade(t *testing.T) {
	for failure, want := range map[request.FailureKind]request.PageState{
		request.FailedNoKey: request.PageFailed, request.FailedCarrier: request.PageFailed, "": request.PageSent,
	} {
		s := request.NewState("7K4M2QX9D")
		seq := uint64(0)
		put := func(events ...request.Event) {
			t.Helper()
			data, err := s.Decide(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, events...).Encode()
			if err != nil {
				t.Fatal(err)
			}
			seq++
			if err := s.Apply(seq, data); err != nil {
				t.Fatal(err)
			}
		}
		attempt := func(kind request.EventType, id string, failure request.FailureKind) {
			t.Helper()
			put(request.NewEvent(kind, request.AttemptBody{Page: "p1", Attempt: id, Failure: failure}))
		}
		put(request.NewEvent(request.Received, request.ReceivedBody{Urgency: request.Emergency, Missing: []string{}}))
		put(request.NewEvent(request.PageOrdered, request.PageBody{Page: "p1", Purpose: request.Ask, Person: "ada", Channel: "voice"}))
		attempt(request.AttemptStarted, "p1a1", "")
		attempt(request.AttemptFailed, "p1a1", request.FailedUnknown)
		attempt(request.AttemptStarted, "p1a2", "")
		attempt(request.AttemptSent, "p1a1", "")
		attempt(request.AttemptFailed, "p1a2", request.FailedDuplicate)
		if failure != "" {
			attempt(request.AttemptFailed, "p1a1", failure)
		}
		if p := s.Pages[0]; p.State != want || p.Made().ID != "p1a1" || p.Made().Failure != failure {
			t.Errorf("after %q: page %s, made %+v", failure, p.State, p.Made())
		}
	}
}
