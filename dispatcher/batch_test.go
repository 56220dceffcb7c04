package dispatcher_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// everyone is a world whose first level is all of five people.
func everyone(t *testing.T) *world {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen", "person:dalia", "person:erik"}}
	return w
}

// starts lists how many attempts each commit of a request begins, of those that begin any.
func (w *world) starts(ref request.Ref) (counts []int) {
	for _, entry := range w.log {
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		n := 0
		for _, e := range c.Events {
			if e.Type == request.AttemptStarted || e.Type == request.AttemptTakenOver {
				n++
			}
		}
		if entry.ref == ref && n > 0 {
			counts = append(counts, n)
		}
	}
	return counts
}

func (w *world) wantStarts(ref request.Ref, want ...int) {
	w.t.Helper()
	if got := w.starts(ref); !slices.Equal(got, want) {
		w.t.Errorf("commits begin %v attempts, want %v: %v", got, want, w.events(ref))
	}
}

func TestPagesOfOneRequestBeginInOneCommit(t *testing.T) {
	w := everyone(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Minute)
	w.wantStarts(ref, 5)
	if got := w.paged(began); got != "ada@0 bruno@0 carmen@0 dalia@0 erik@0" {
		t.Errorf("paged %s", got)
	}
	for _, c := range w.calls {
		if c.at != w.calls[0].at {
			t.Errorf("%s is called %s after the first", c.Message.To, c.at.Sub(w.calls[0].at))
		}
	}
}

func TestRequestsDoNotShareACommit(t *testing.T) {
	w := everyone(t)
	w.start("n1")
	a, b := w.raise(1, request.Urgent), w.raise(2, request.Emergency)
	w.run(time.Minute)
	for _, ref := range []request.Ref{a, b} {
		sum := 0
		for _, n := range w.starts(ref) {
			sum += n
		}
		if sum != 5 {
			t.Errorf("%d attempts", sum)
		}
	}
}

func TestIntentsThatLoseAllGoBackAndGoOutOnce(t *testing.T) {
	for _, rate := range []float64{0, 5} { // a bucket of five: the lost intents must give back what they took
		w := everyone(t)
		w.limit = notifier.Limit{PerSecond: rate}
		w.start("n1")
		began := w.now
		ref := w.raise(1, request.Urgent)
		w.at(alive+time.Millisecond, func() { // the intents are on their way
			w.decide(w.present(ref), request.ByOfficer, request.NewEvent(request.Opened, request.OpenedBody{Person: "ada"}))
		})
		w.run(time.Minute)
		w.wantStarts(ref, 5)
		if got := w.paged(began); w.conflicts != 1 || got != "ada@0 bruno@0 carmen@0 dalia@0 erik@0" {
			t.Errorf("at %v a second: %d races lost, paged %s", rate, w.conflicts, got)
		}
	}
}

func TestAnAcknowledgementBeforeTheIntentsCancelsAllOfThem(t *testing.T) {
	w := everyone(t)
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.at(alive+time.Millisecond, func() { w.acknowledge(ref, "bruno") })
	w.run(time.Hour)
	w.wantStarts(ref)
	if len(w.calls) != 0 || w.conflicts != 1 || w.counted(ref, request.PageCancelled) != 5 {
		t.Errorf("%d calls, %d races lost, log %v", len(w.calls), w.conflicts, w.events(ref))
	}
}

func TestTheRateOfANumberHoldsWithinARequest(t *testing.T) {
	w := everyone(t)
	w.limit = notifier.Limit{PerSecond: 2}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Minute)
	w.wantStarts(ref, 2, 1, 1, 1)
	for i, c := range w.calls {
		if at, earliest := c.at.Sub(began), time.Duration(i-1)*time.Second/2; at < earliest {
			t.Errorf("call %d after %s, at 2 a second", i+1, at)
		}
	}
	if len(w.calls) != 5 {
		t.Errorf("%d calls", len(w.calls))
	}

	w = everyone(t)
	w.limit = notifier.Limit{InFlight: 3}
	w.start("n1")
	ref = w.raise(1, request.Urgent)
	w.run(time.Minute)
	if got := w.starts(ref); got[0] != 3 || len(w.calls) != 5 {
		t.Errorf("with room for three, commits begin %v attempts, %d calls", got, len(w.calls))
	}
}

func TestACommitHoldsABoundedNumberOfIntents(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{InFlight: 1000}
	w.policy.Levels = [][]string{nil}
	for n := range 300 {
		who := w.book.People[0]
		who.ID, who.CallSign = fmt.Sprint("p", n), fmt.Sprint("P", n)
		who.Contacts = slices.Clone(who.Contacts)
		for i := range who.Contacts {
			who.Contacts[i].ID, who.Contacts[i].Address = fmt.Sprint("c", n, "-", i), fmt.Sprintf("+1500%d%06d", i, n)
		}
		w.book.People = append(w.book.People, who)
		w.policy.Levels[0] = append(w.policy.Levels[0], "person:"+who.ID)
	}
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Minute)
	sum := 0
	for _, n := range w.starts(ref) {
		if sum += n; n > 256 {
			t.Errorf("%d intents in one commit", n)
		}
	}
	if sum != 300 || len(w.calls) != 300 {
		t.Errorf("%d intents, %d calls", sum, len(w.calls))
	}
}

func TestAnEmergencysTextAndCallBeginInOneCommit(t *testing.T) {
	w := newVoiceWorld(t)
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.run(10 * time.Millisecond)
	w.wantStarts(ref, 2)
	if len(w.calls) != 2 || w.calls[0].Medium == w.calls[1].Medium || w.calls[0].at != w.calls[1].at {
		t.Errorf("calls %+v", w.calls)
	}
}

func TestTwoNodesBeginEachPageOnce(t *testing.T) {
	for _, know := range []bool{true, false} {
		w := everyone(t)
		w.start("n1")
		w.start("n2")
		if know {
			w.tellLive()
		}
		ref := w.raise(1, request.Urgent)
		w.run(time.Minute)
		w.wantStarts(ref, 5)
		if len(w.calls) != 5 || (know && w.conflicts > 0) || (!know && w.conflicts == 0) {
			t.Errorf("know each other %t: %d calls, %d races lost", know, len(w.calls), w.conflicts)
		}
	}
}

// A node dies when the intents are in the log and none of its calls was made.
func TestIntentsOfANodeThatDiedAreTakenOverTogether(t *testing.T) {
	for _, next := range []string{"n1", "n2"} {
		w := everyone(t)
		first := w.start("n1")
		w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
		began := w.now
		ref := w.raise(1, request.Urgent)
		w.at(2*alive-time.Microsecond, func() { first.dead = true })
		w.run(2*alive - time.Nanosecond)
		s := w.state(ref)
		var intents []request.Event
		for _, p := range s.Pages {
			intents = append(intents, request.NewEvent(request.AttemptStarted, request.AttemptBody{
				Page: p.Page, Attempt: request.AttemptID(p.Page, 1), Provider: "twilio", Deadline: request.At(w.now.Add(timeout)),
			}))
		}
		w.append(ref, encode(t, s.Decide(w.now, "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, intents...)))
		w.run(100 * time.Millisecond)
		w.start(next)
		w.run(time.Minute)
		w.wantStarts(ref, 5, 5)
		want := "ada@0 bruno@0 carmen@0 dalia@0 erik@0"
		if next == "n2" { // it waits until the deadline and five seconds
			want = "ada@15 bruno@15 carmen@15 dalia@15 erik@15"
		}
		if got := w.paged(began); got != want || w.counted(ref, request.AttemptTakenOver) != 5 || !w.calls[4].LookUp {
			t.Errorf("next %s: paged %s, want %s; log %v", next, got, want, w.events(ref))
		}
	}
}

func TestCallsThatReturnTogetherMakeRoomTogether(t *testing.T) {
	w := everyone(t)
	w.limit = notifier.Limit{InFlight: 2}
	w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) { return time.Hour, nil } // what comes of them is below
	n := w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	var facts []request.Event
	returned := dispatcher.Returned{Ref: ref}
	for _, c := range w.calls {
		facts = append(facts, c.AfterSend(notifier.Accepted{ProviderID: "SM" + c.Message.Page}, w.now)...)
		returned.Attempts = append(returned.Attempts, c.Message.Attempt)
	}
	w.append(ref, encode(t, request.Fact(ref, dispatcher.OutcomeID(ref, facts), w.now, "n1", carrier, facts...)))
	w.step(n, returned)
	w.run(time.Second)
	w.wantStarts(ref, 2, 2)
}
