package dispatcher_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// newTogetherWorld has a number that sends a text in five seconds, each of four pages at most, and one officer.
func newTogetherWorld(t testing.TB) *world {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 0.2}
	w.policy.FirstSend = time.Hour
	w.policy.Levels = [][]string{{"person:ada"}}
	w.together = func(m notifier.Message) bool { return len(m.More) < 4 }
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	return w
}

// texts lists what was handed over since the n-th: the number of each request in the order in which the text names them.
func texts(w *world, refs []request.Ref, since int) string {
	number := map[request.Ref]int{}
	for i, ref := range refs {
		number[ref] = i
	}
	var list []string
	for _, c := range w.calls[since:] {
		text := fmt.Sprint(number[c.Message.Ref])
		for _, f := range c.Message.More {
			text += fmt.Sprint("+", number[f.Ref])
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func TestWhatWaitsForOnePersonGoesInOneTextByUrgencyThenAge(t *testing.T) {
	w := newTogetherWorld(t)
	w.start("n1")
	var refs []request.Ref
	for n, u := range []request.Urgency{request.Urgent, request.Routine, request.Urgent, request.Critical, request.Urgent, request.Critical, request.Emergency, request.Urgent} {
		refs = append(refs, w.raise(n, u))
		w.run(10 * time.Millisecond)
	}
	w.run(20 * time.Second)
	// The first is alone when it comes. The emergency goes first and alone, then the rest, four at a time.
	if got, want := texts(w, refs, 0), "0 6 3+5+2+4 7+1"; got != want && got != "0 6 3+5+2+4 7" { // a routine one may wait for the morning
		t.Errorf("texts %s, want %s", got, want)
	}
	for i, ref := range refs {
		s := w.state(ref)
		if s.Urgency == request.Routine {
			continue
		}
		p := s.Pages[0]
		if p.State != request.PageSent || len(p.Attempts) != 1 || w.counted(ref, request.AttemptStarted) != 1 {
			t.Errorf("request %d: its page is %s after %d attempts", i, p.State, len(p.Attempts))
		}
	}
	carrier, rider := w.state(refs[3]).Pages[0].Attempts[0], w.state(refs[5]).Pages[0].Attempts[0]
	if carrier.Joint == "" || carrier.Joint != rider.Joint || carrier.ProviderID != rider.ProviderID || carrier.Joint != notifier.JointOf(refs[3], "p1a1") {
		t.Errorf("%+v and %+v went in one text", carrier, rider)
	}
	others, settled := w.nodes[0].machine.Joined(refs[3], "p1a1", carrier.ProviderID)
	if len(others) != 3 || !settled {
		t.Errorf("%v went with it (all known: %t)", others, settled)
	}
	if others, _ := w.nodes[0].machine.Joined(refs[3], "p1a1", "another"); len(others) != 0 {
		t.Errorf("%v are said to have gone in a text that is not theirs", others)
	}
	if others, settled := w.nodes[0].machine.Joined(refs[0], "p1a1", carrier.ProviderID); len(others) != 0 || !settled {
		t.Errorf("%v went with one that went alone", others)
	}
}

func TestOfATextForSeveralWhoeverIsTakenMeanwhileDropsOut(t *testing.T) {
	// The intents are on their way to the log when one of the requests is taken: of the first, then of another one.
	for taken := 1; taken <= 2; taken++ {
		w := newTogetherWorld(t)
		w.start("n1")
		refs := []request.Ref{w.raise(0, request.Urgent)}
		w.run(time.Second)
		for n := range 3 {
			refs = append(refs, w.raise(1+n, request.Urgent))
		}
		w.run(w.calls[0].at.Add(5 * time.Second).Sub(w.now))
		if w.state(refs[2]).Pages[0].State != request.PageQueued || len(w.calls) != 1 {
			t.Fatalf("the moment is not the right one: %s, %d calls", w.state(refs[2]).Pages[0].State, len(w.calls))
		}
		w.acknowledge(refs[taken], "bruno")
		w.run(4 * time.Second)
		if got, want := texts(w, refs, 1), map[int]string{1: "2+3", 2: "1+3"}[taken]; got != want {
			t.Errorf("texts %s, want %s", got, want)
		}
		if n := w.counted(refs[taken], request.AttemptStarted); n != 0 {
			t.Errorf("the one that was taken was attempted %d times", n)
		}
	}
}

// An intent that is stored when the text has gone says so in the log: whoever looks for its page must not take that text for it.
func TestAPageThatMissesItsTextGoesAloneAndIsNotLookedForInThatText(t *testing.T) {
	w := newTogetherWorld(t)
	w.start("n1")
	refs := []request.Ref{w.raise(0, request.Urgent)}
	w.run(time.Second)
	for n := range 3 {
		refs = append(refs, w.raise(1+n, request.Urgent))
	}
	w.slow = func(a dispatcher.Append) time.Duration {
		if a.Starts && a.Ref == refs[3] {
			return time.Second
		}
		return 0
	}
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Message.Ref == refs[3] {
			return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "SM-" + string(c.Message.Ref) + c.Message.Attempt}
	}
	var joints []string
	w.find = func(c dispatcher.Call) notifier.Outcome {
		joints = append(joints, c.Message.Joint)
		return notifier.NotFound{}
	}
	w.run(30 * time.Second)
	if got := texts(w, refs, 1); !strings.HasPrefix(got, "1+2 3 3") {
		t.Errorf("texts %s", got)
	}
	for _, joint := range joints {
		if joint != "" {
			t.Errorf("it is looked for in the text %s, which went without it", joint)
		}
	}
	p := w.state(refs[3]).Pages[0]
	if len(joints) == 0 || len(p.Attempts) < 2 || p.Attempts[0].Failure != request.FailedForNow || p.Attempts[1].Joint != "" {
		t.Errorf("looked up %d times; %+v", len(joints), p.Attempts)
	}
}

func TestATextForSeveralThatFailsFailsForEachAndEachIsTriedAgain(t *testing.T) {
	w := newTogetherWorld(t)
	w.start("n1")
	ok := w.provider
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if len(c.With) > 0 {
			return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		}
		return ok(c)
	}
	refs := []request.Ref{w.raise(0, request.Urgent)}
	w.run(time.Second)
	for n := range 3 {
		refs = append(refs, w.raise(1+n, request.Urgent))
	}
	w.run(30 * time.Second)
	if got := texts(w, refs, 1); len(w.calls) != 5 || !strings.HasPrefix(got, "1+2+3 ") || strings.Count(got, "+") != 2 {
		t.Errorf("texts %s: after the one for three, each is to go alone", got)
	}
	for i, ref := range refs[1:] {
		if p := w.state(ref).Pages[0]; p.State != request.PageSent || len(p.Attempts) != 2 || p.Attempts[0].Code != "http_503" {
			t.Errorf("request %d: %s, %+v", 1+i, p.State, p.Attempts)
		}
	}
}

// The node dies with a text for several on its way: each of its pages is looked up by itself, under the name of the text.
func TestEachPageOfATextThatNobodyKnowsOfIsLookedUp(t *testing.T) {
	w := newTogetherWorld(t)
	w.join("n1", "n2")
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		return 200 * time.Millisecond, notifier.Accepted{ProviderID: "SM-" + string(c.Message.Ref)}
	}
	refs := []request.Ref{w.raise(0, request.Urgent)}
	w.run(time.Second)
	for n := range 3 {
		refs = append(refs, w.raise(1+n, request.Urgent))
	}
	w.run(w.calls[0].at.Add(5*time.Second + 100*time.Millisecond).Sub(w.now))
	if len(w.calls) != 2 || len(w.calls[1].With) != 2 {
		t.Fatalf("texts %s", texts(w, refs, 0))
	}
	looked := map[string]bool{}
	w.find = func(c dispatcher.Call) notifier.Outcome {
		looked[string(c.Message.Ref)+c.Message.Joint] = true
		return notifier.Accepted{ProviderID: "SM-" + string(refs[1])}
	}
	w.kill(w.calls[1].node)
	w.run(90 * time.Second)
	for i, ref := range refs[1:] {
		if p := w.state(ref).Pages[0]; p.State != request.PageSent || !looked[string(ref)+notifier.JointOf(refs[1], "p1a1")] {
			t.Errorf("request %d: %s, looked up %v", 1+i, p.State, looked)
		}
	}
}

func TestANumberWithoutARateSendsEachPageAlone(t *testing.T) {
	w := newTogetherWorld(t)
	w.limit = notifier.Limit{}
	w.start("n1")
	var refs []request.Ref
	for n := range 5 {
		refs = append(refs, w.raise(n, request.Urgent))
	}
	w.run(5 * time.Second)
	if got, want := texts(w, refs, 0), "0 1 2 3 4"; got != want {
		t.Errorf("texts %s, want %s", got, want)
	}
}

// What a text for several costs more than one is taken from the rate when it goes.
func TestATextForSeveralTakesItsSegments(t *testing.T) {
	w := newTogetherWorld(t)
	w.limit = notifier.Limit{PerSecond: 1}
	w.cost = func(m notifier.Message) int { return 1 + len(m.More) }
	w.start("n1")
	var refs []request.Ref
	for n := range 9 {
		refs = append(refs, w.raise(n, request.Urgent))
	}
	w.run(500 * time.Millisecond)
	w.run(20 * time.Second)
	for i := 1; i < len(w.calls); i++ {
		before := w.calls[i-1]
		if least := time.Duration(1+len(before.With)) * time.Second; w.calls[i].at.Sub(before.at) < least-300*time.Millisecond {
			t.Errorf("text %d went %s after one of %d segments", i, w.calls[i].at.Sub(before.at), 1+len(before.With))
		}
	}
	if got := texts(w, refs, 0); strings.Count(got, "+") < 5 {
		t.Errorf("texts %s", got)
	}
}
