package dispatcher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

var carrier = request.Actor{Kind: request.ByProvider, ID: "twilio"}

// fact is a report of a page's first attempt; told collects what is said of it.
func fact(ref request.Ref, page string, kind request.EventType, told *[]string) dispatcher.Fact {
	body := request.AttemptBody{Page: page, Attempt: page + "a1", Provider: "twilio", ProviderID: "SM" + page}
	return dispatcher.Fact{
		Ref: ref, Actor: carrier, ID: request.FactID(string(ref), page, string(kind)), Events: []request.Event{request.NewEvent(kind, body)},
		Done: func(seq uint64, stored bool) { *told = append(*told, fmt.Sprint(page, " ", seq, " ", stored)) },
	}
}

func TestFactsThatComeMeanwhileShareACommit(t *testing.T) {
	var facts dispatcher.Facts
	var told []string
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	first := fact("A", "p1", request.AttemptSent, &told)
	alone := facts.Add(first)
	if c := alone.Commit(at, "n1"); len(alone) != 1 || c.ID != first.ID || len(c.Events) != 1 || c.IsDecision() {
		t.Fatalf("alone it is %+v", c)
	}
	for _, page := range []string{"p2", "p3", "p2"} { // p2 is repeated while it waits
		if b := facts.Add(fact("A", page, request.AttemptSent, &told)); len(b) != 0 {
			t.Fatalf("%s goes while a commit is on its way", page)
		}
	}
	if b := facts.Add(fact("B", "p1", request.AttemptSent, &told)); len(b) != 1 {
		t.Fatal("another request waits")
	}
	other := fact("A", "p4", request.AttemptSent, &told)
	other.Actor.ID = "another"
	if b := facts.Add(other); len(b) != 1 {
		t.Fatal("another provider waits")
	}
	next := facts.Next(alone)
	c := next.Commit(at, "n1")
	if len(next) != 2 || len(c.Events) != 2 || c.ID == next[0].ID || c.ID == next[1].ID || c.ID != next.Commit(at.Add(time.Hour), "n2").ID {
		t.Fatalf("together they are %+v", c)
	}
	next.Done(7, true)
	if want := []string{"p2 7 true", "p2 7 true", "p3 7 true"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if b := facts.Next(next); len(b) != 0 {
		t.Fatalf("%d more", len(b))
	}
	if b := facts.Add(first); len(b) != 1 {
		t.Error("nothing is on its way, and it waits")
	}
}

func TestFactsFillCommitsThatTheLogTakes(t *testing.T) {
	for name, c := range map[string]struct{ facts, code, commits int }{
		"many": {facts: 1000, commits: 4}, "long": {facts: 20, code: 60_000, commits: 5}, "longest": {facts: 3, code: 400_000, commits: 3},
	} {
		var facts dispatcher.Facts
		var told []string
		last := facts.Add(fact("A", "p0", request.AttemptSent, &told))
		for n := range c.facts {
			f := fact("A", fmt.Sprint("p", n+1), request.AttemptSent, &told)
			f.Events = append(f.Events, request.NewEvent(request.AttemptFailed, request.AttemptBody{Code: strings.Repeat("x", c.code)}))
			facts.Add(f)
		}
		commits, seen := 0, 0
		for last = facts.Next(last); len(last) > 0; last = facts.Next(last) {
			commits++
			seen += len(last)
			data, err := last.Commit(time.Now(), "n1").Encode()
			if err != nil || len(data) > largestCommit {
				t.Fatalf("%s: a commit of %d bytes: %v", name, len(data), err)
			}
		}
		if seen != c.facts || commits != c.commits {
			t.Errorf("%s: %d facts in %d commits, want %d in %d", name, seen, commits, c.facts, c.commits)
		}
	}
}

func TestAReportIsNotWaitedForAndAnOutcomeIs(t *testing.T) {
	var facts dispatcher.Facts
	var told []string
	report := facts.Add(fact("A", "p1", request.AttemptDelivered, &told))
	if report.Failed() || !slices.Equal(told, []string{"p1 0 false"}) {
		t.Errorf("a report is tried again: %q", told)
	}
	outcome := fact("A", "p2", request.AttemptSent, &told)
	outcome.Attempt = "p2a1"
	facts.Add(outcome)
	facts.Add(fact("A", "p3", request.AttemptDelivered, &told))
	both := facts.Next(report)
	id := both.Commit(time.Now(), "n1").ID
	for range 3 {
		if !both.Failed() || both.Commit(time.Now(), "n1").ID != id {
			t.Error("an outcome is given up, or becomes another")
		}
	}
	if in, ok := both.Returned(); !ok || !slices.Equal(in.Attempts, []string{"p2a1"}) {
		t.Errorf("calls that are over: %v", in.Attempts)
	}
	both.Done(9, true)
	if want := []string{"p1 0 false", "p3 0 false", "p2 9 true"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// A fact that was stored with others comes again alone, before and after them.
func TestAFactThatIsRepeatedAloneChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
	n := w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(10 * time.Millisecond)
	n.dead = true // its outcomes are those below
	var facts dispatcher.Facts
	var told []string
	store := func(b dispatcher.Batch) { w.append(ref, encode(t, b.Commit(w.now, "n1"))) }
	delivered := fact(ref, "p1", request.AttemptDelivered, &told)
	first := facts.Add(fact(ref, "p1", request.AttemptSent, &told))
	facts.Add(delivered)
	facts.Add(fact(ref, "p2", request.AttemptSent, &told))
	together := facts.Next(first)
	store(first)
	store(together)
	want := fmt.Sprintf("%+v", w.state(ref).Pages)
	for _, again := range []dispatcher.Batch{{delivered}, first, together, {together[1]}} {
		store(again)
		if got := fmt.Sprintf("%+v", w.state(ref).Pages); got != want {
			t.Fatalf("after it was repeated:\n%s\nbefore:\n%s", got, want)
		}
	}
	if s := w.state(ref); s.Pages[0].State != request.PageDelivered || s.Pages[1].State != request.PageSent {
		t.Errorf("pages %+v", s.Pages)
	}
}

// Who is thought to have picked up is told after the answer itself, and is news; the same report once more is not.
func TestAReportHasOneIDAndItsNewsAnother(t *testing.T) {
	report := notifier.Report{Ref: "7K4M2QX9H", Attempt: "p1a1", Provider: "twilio", ProviderID: "CA1", Progress: notifier.Answered}
	id := func(change func(*notifier.Report)) string {
		r := report
		change(&r)
		f, ok := dispatcher.FactOf(r)
		if !ok {
			t.Fatalf("%+v is of no attempt", r)
		}
		return f.ID
	}
	plain := id(func(*notifier.Report) {})
	if plain != id(func(*notifier.Report) {}) {
		t.Error("a repeated report is another one")
	}
	for name, other := range map[string]string{
		"who picked up": id(func(r *notifier.Report) { r.Code = "human" }),
		"its end":       id(func(r *notifier.Report) { r.Progress = notifier.Ended }),
		"another call":  id(func(r *notifier.Report) { r.ProviderID = "CA2" }),
	} {
		if other == plain {
			t.Errorf("%s is no news", name)
		}
	}
	report.Attempt = "p1"
	if _, ok := dispatcher.FactOf(report); ok {
		t.Error("a report of no attempt is a fact")
	}
}
