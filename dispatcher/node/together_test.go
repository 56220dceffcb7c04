package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// One text for three pages: each has its code in it and takes its own request, and a report that comes before the outcomes are stored is noted for
// each.
func TestATextForSeveralIsReportedAndAnsweredForEach(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.limit = notifier.Limit{PerSecond: 0.2}
		w.together = func(m notifier.Message) bool { return len(m.More) < 4 }
		n := w.start("n1")
		refs := []request.Ref{w.raise(request.Urgent)}
		w.pass(time.Second)
		reported := make(chan error, 1)
		w.phones.set(func() {
			w.phones.send = func(_ context.Context, m notifier.Message, take func() notifier.Outcome) notifier.Outcome {
				accepted, _ := take().(notifier.Accepted)
				go func() {
					reported <- n.Report(context.Background(), notifier.Report{
						Ref: m.Ref, Attempt: m.Attempt, Provider: "twilio", ProviderID: accepted.ProviderID, Progress: notifier.Delivered,
					})
				}()
				time.Sleep(300 * time.Millisecond) // the provider answers after it has reported
				return accepted
			}
		})
		for range 3 {
			refs = append(refs, w.raise(request.Urgent))
		}
		w.pass(10 * time.Second)
		all := w.phones.got("")
		if len(all) != 2 || len(all[1].More) != 2 {
			t.Fatalf("%d texts: %+v", len(all), all)
		}
		if err := <-reported; err != nil {
			t.Error(err)
		}
		codes := map[request.Ref]string{all[1].Ref: all[1].Code}
		for _, f := range all[1].More {
			codes[f.Ref] = f.Code
		}
		for _, ref := range refs[1:] {
			p := w.state(ref).Pages[0]
			if p.State != request.PageDelivered || codes[ref] != w.code(ref, p.Page) {
				t.Errorf("%s: the page is %s, its code in the text %q; log %v", ref, p.State, codes[ref], w.events(ref))
			}
		}
		if a := n.Reply(t.Context(), ada, "IN1", codes[refs[2]]); a.Kind != notifier.Taken || a.Ref != refs[2] {
			t.Errorf("answered %+v", a)
		}
		w.pass(time.Second)
		if w.state(refs[2]).Owner == "" || w.state(refs[1]).Owner != "" || w.state(refs[3]).Owner != "" {
			t.Error("one code takes one request")
		}
	})
}
