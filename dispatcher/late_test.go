package dispatcher_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// More pages expire at one moment than a step of the machine considers, and at that moment there is a place for one: each of them is recorded
// as expired, and none goes late.
func TestOfManyPagesThatExpireAtOnceNoneIsSentLate(t *testing.T) {
	const many = 500
	w := newWorld(t)
	w.limit = notifier.Limit{InFlight: 1}
	w.policy.FirstSend = time.Hour
	w.policy.Levels = [][]string{{"person:ada"}}
	w.start("n1")
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		return max(c.Message.Expires.Sub(w.now), 0), notifier.Accepted{ProviderID: "SM" + string(c.Message.Ref)}
	}
	refs := make([]request.Ref, many)
	for n := range refs {
		refs[n] = w.raise(n, request.Urgent)
	}
	w.run(time.Second)
	w.run(w.state(refs[0]).Pages[0].Expires.Add(time.Second).Sub(w.now))
	for _, c := range w.calls { // those of the next round may go
		if !c.at.Before(c.Message.Expires) {
			t.Errorf("%s of %s was sent %s after it expired", c.Message.Page, c.Message.Ref, c.at.Sub(c.Message.Expires))
		}
	}
	expired := 0
	for _, ref := range refs {
		if w.state(ref).Pages[0].State == request.PageLate {
			expired++
		}
	}
	if expired != many-1 {
		t.Errorf("%d of %d are recorded as expired", expired, many)
	}
}

// The only node stops while a text is on its way to the provider, and comes back when the time of its page is over: it asks the provider, and
// sends nothing that nobody needs any more.
func TestAnAttemptThatNobodyKnowsOfIsNotSentAgainWhenItsPageIsOver(t *testing.T) {
	for name, found := range map[string]notifier.Outcome{"it had arrived": notifier.Accepted{ProviderID: "SM1"}, "it had not": notifier.NotFound{}} {
		w := newWorld(t)
		sent := 0
		w.find = func(dispatcher.Call) notifier.Outcome { return found }
		w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) {
			sent++
			return time.Second, notifier.Accepted{ProviderID: "SM2"}
		}
		first := w.start("n1")
		ref := w.raise(1, request.Urgent)
		w.run(500 * time.Millisecond)
		first.dead = true
		w.run(w.state(ref).Pages[0].Expires.Add(time.Minute).Sub(w.now))
		w.start("n1")
		w.run(5 * time.Second)
		p := w.state(ref).Pages[0]
		want := request.PageLate
		if found != (notifier.NotFound{}) {
			want = request.PageSent
		}
		if p.State != want || len(p.Attempts) != 1 {
			t.Errorf("%s: the page is %s after %d attempts, log %v", name, p.State, len(p.Attempts), w.events(ref))
		}
		if sent != 2 { // the first time, and the page of the next level
			t.Errorf("%s: %d texts were handed over", name, sent)
		}
	}
}
