package node_test

import (
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// Reports that come while the log takes its time share a commit, each is answered when it is stored, and the log says the same of every page.
func TestReportsThatComeTogetherShareCommits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const people = 5
		w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen", "person:dalia", "person:erik"}}
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if got := w.count(ref, request.AttemptSent); got != people {
			t.Fatalf("%d texts: %v", got, w.events(ref))
		}
		commits := func() int {
			history, err := n.log.History(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			return len(history)
		}
		before := commits()
		n.log.set(func() { n.log.latency = func() time.Duration { return 100 * time.Millisecond } })
		var reports sync.WaitGroup
		for i := range people {
			attempt := request.AttemptID("p"+string(rune('1'+i)), 1)
			reports.Go(func() {
				r := notifier.Report{Ref: ref, Attempt: attempt, Provider: "twilio", ProviderID: "SM" + attempt, Progress: notifier.Delivered}
				if err := n.Report(t.Context(), r); err != nil {
					t.Error(err)
				}
				if w.count(ref, request.AttemptDelivered) == 0 {
					t.Error("answered before it was stored")
				}
			})
		}
		reports.Wait()
		w.pass(time.Second)
		if got := commits() - before; got != 2 {
			t.Errorf("%d commits, want the first alone and the rest together", got)
		}
		s, err := n.State(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Pages {
			if p.State != request.PageDelivered {
				t.Errorf("%s is %s", p.Page, p.State)
			}
		}
	})
}
