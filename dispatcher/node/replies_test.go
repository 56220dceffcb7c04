package node_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// conversation sends texts, each with an id of its own.
func conversation(w *world, n *life) func(from notifier.Phone, text string) notifier.Answer {
	id := 0
	return func(from notifier.Phone, text string) notifier.Answer {
		id++
		return n.Reply(w.t.Context(), from, fmt.Sprint("in", id), text)
	}
}

func TestAnUnknownNumberHearsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		for _, text := range []string{"hello", w.code(ref, "p1"), "PASS " + w.code(ref, "p1")} {
			if a := conversation(w, n)(stranger, text); a.Kind != notifier.NoAnswer || a.Language != "" {
				t.Errorf("%q is answered with %+v", text, a)
			}
		}
		if s := w.state(ref); s.Owner != "" || len(s.Passed) != 0 {
			t.Error("a stranger with the code took the request")
		}
	})
}

func TestTheCodeOfAnotherPersonIsWrong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if a := conversation(w, n)(bruno, w.code(ref, "p1")); a.Kind != notifier.WrongCode || w.state(ref).Owner != "" {
			t.Errorf("answer %+v, owner %q", a, w.state(ref).Owner)
		}
	})
}

func TestFiveWrongCodesAreEnough(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if a := say(ada, "coming"); a.Kind != notifier.NoCode {
			t.Errorf("answer %+v", a)
		}
		for i := range 5 {
			if a := say(ada, "000000"); a.Kind != notifier.WrongCode {
				t.Errorf("wrong code %d: answer %+v", i+1, a)
			}
		}
		for _, text := range []string{"000001", w.code(ref, "p1")} {
			if a := say(ada, text); a.Kind != notifier.TooManyGuesses {
				t.Errorf("after five: answer %+v", a)
			}
		}
		if w.state(ref).Owner != "" {
			t.Error("a guess after the fifth was taken")
		}
		for range 12 {
			say(ada, "away")
		}
		if a := say(ada, "away"); a.Kind != notifier.NoAnswer {
			t.Errorf("an answering machine gets %+v for ever", a)
		}
		w.pass(2 * time.Hour)
		w.guesses.mu.Lock()
		w.guesses.wrong = nil
		w.guesses.mu.Unlock()
		if a := say(ada, "000000"); a.Kind != notifier.WrongCode {
			t.Errorf("after two hours: answer %+v", a)
		}
	})
}

func TestALateReplyHearsTheCallSign(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Emergency)
		w.pass(3 * time.Minute) // bruno is asked too
		if a := say(bruno, "ack "+w.code(ref, "p2")); a.Kind != notifier.Taken || a.Language != "fr" {
			t.Errorf("answer %+v", a)
		}
		if a := say(bruno, w.code(ref, "p2")); a.Kind != notifier.AlreadyYours {
			t.Errorf("answer %+v", a)
		}
		if a := say(ada, w.code(ref, "p1")); a.Kind != notifier.AlreadyTaken || a.CallSign != "HERON" {
			t.Errorf("answer %+v", a)
		}
		if a := say(ada, "PASS "+w.code(ref, "p1")); a.Kind != notifier.AlreadyTaken || a.CallSign != "HERON" {
			t.Errorf("answer %+v", a)
		}
		w.withdraw(ref)
		w.pass(time.Second)
		if a := say(ada, w.code(ref, "p1")); a.Kind != notifier.AlreadyEnded || a.CallSign != "" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestPassByTextAsksTheNext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		began := time.Now()
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if a := say(ada, "pass "+w.code(ref, "p1")); a.Kind != notifier.PassedOn {
			t.Errorf("answer %+v", a)
		}
		w.pass(time.Second)
		if got := w.phones.to(began); got != "ada@0 bruno@1" {
			t.Errorf("paged %s", got)
		}
		// Whoever passed may still take it.
		if a := say(ada, w.code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestTwoRequestsWithOneCodeNeedTheReference(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.code = func(request.Ref, string) string { return "123456" }
		n := w.start("n1")
		say := conversation(w, n)
		first := w.raise(request.Urgent)
		w.pass(time.Second)
		second := w.raise(request.Urgent)
		w.pass(time.Second)
		if a := say(ada, "123456"); a.Kind != notifier.SeveralMatches || w.state(first).Owner != "" || w.state(second).Owner != "" {
			t.Errorf("answer %+v", a)
		}
		if a := say(ada, "123 456 "+first.String()); a.Kind != notifier.Taken || a.Ref != first {
			t.Errorf("answer %+v", a)
		}
		if w.state(first).Owner != "ada" || w.state(second).Owner != "" {
			t.Errorf("owners %q and %q", w.state(first).Owner, w.state(second).Owner)
		}
	})
}

func TestATextWithoutACodeTakesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		refs := []request.Ref{w.raise(request.Urgent), w.raise(request.Urgent)}
		w.pass(time.Second)
		for _, text := range []string{"last", "all", "ack", "ack all", "ok", "yes", "1", "take it", refs[0].String(), "PASS"} {
			want := notifier.NoCode
			if text == "take it" { // the duty can be taken without a request
				want = notifier.OnDuty
			}
			if a := say(ada, text); a.Kind != want {
				t.Errorf("%q is answered with %+v", text, a)
			}
		}
		for _, ref := range refs {
			if s := w.state(ref); s.Owner != "" || len(s.Passed) != 0 {
				t.Errorf("owner %q, passed by %v", s.Owner, s.Passed)
			}
		}
		if a := say(ada, w.code(refs[1], "p1")); a.Kind != notifier.Taken || a.Ref != refs[1] || w.state(refs[0]).Owner != "" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestARepeatedTextGetsTheSameAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		n.log.set(func() { n.log.latency = func() time.Duration { return time.Second } })
		var all sync.WaitGroup
		for range 5 { // while the first is under way
			all.Go(func() {
				if a := n.Reply(t.Context(), ada, "in1", w.code(ref, "p1")); a.Kind != notifier.Taken {
					t.Errorf("answer %+v", a)
				}
			})
		}
		all.Wait()
		if a := n.Reply(t.Context(), ada, "in1", w.code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("answer %+v", a)
		}
		if w.count(ref, request.Acknowledged) != 1 {
			t.Errorf("log %v", w.events(ref))
		}
		if a := n.Reply(t.Context(), ada, "in2", w.code(ref, "p1")); a.Kind != notifier.AlreadyYours {
			t.Errorf("another text: answer %+v", a)
		}
		for range 6 { // a repeated wrong code is one guess
			n.Reply(t.Context(), bruno, "in3", "000000")
		}
		if got := w.guesses.Count(t.Context(), bruno); got != 1 {
			t.Errorf("%d guesses", got)
		}
	})
}

func TestAReplyThatArrivesBeforeItsPageWaitsForIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		behind := w.start("n2")
		release := behind.log.hold()
		w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		answered := make(chan notifier.Answer, 1)
		go func() { answered <- behind.Reply(context.Background(), ada, "in1", w.code(ref, "p1")) }()
		w.pass(time.Second)
		release()
		if a := <-answered; a.Kind != notifier.Taken {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestAReplyToANodeThatIsFarBehindIsNoWrongGuess(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		behind := w.start("n2")
		release := behind.log.hold()
		w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		began := time.Now()
		if a := behind.Reply(t.Context(), ada, "in1", w.code(ref, "p1")); a.Kind != notifier.TryAgain || time.Since(began) != 2*time.Second {
			t.Errorf("answer %+v after %s", a, time.Since(began))
		}
		if got := w.guesses.Count(t.Context(), ada); got != 0 {
			t.Errorf("%d guesses", got)
		}
		release()
		synctest.Wait()
		if a := behind.Reply(t.Context(), ada, "in1", w.code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("the repetition is answered with %+v", a)
		}
	})
}

func TestANodeThatIsBehindDoesNotSayThatARequestIsTakenWhenItIsNotAnyMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ahead, behind := w.start("n1"), w.start("n2")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if _, err := ahead.Acknowledge(t.Context(), ref, "bruno", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		release := behind.log.hold()
		if _, err := ahead.Pass(t.Context(), ref, "bruno", "", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		answered := make(chan notifier.Answer, 1)
		go func() { answered <- behind.Reply(context.Background(), ada, "in1", w.code(ref, "p1")) }()
		w.pass(time.Second)
		release()
		if a := <-answered; a.Kind != notifier.Taken {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestAPanicWhileAReplyIsHandledLeavesNobodyWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		broken := true
		code := w.code
		w.code = func(ref request.Ref, page string) string {
			if broken {
				panic("no code")
			}
			return code(ref, page)
		}
		w.phones.send = func(context.Context, notifier.Message, func() notifier.Outcome) notifier.Outcome { return nil }
		broken = false
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		broken = true
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			n.Reply(t.Context(), ada, "in1", code(ref, "p1"))
		}()
		broken = false
		if a := n.Reply(t.Context(), ada, "in1", code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("the repetition is answered with %+v", a)
		}
	})
}

func TestATextOfOursThatComesBackTakesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		code := w.code(ref, "p1")
		if a := say(ada, "Dutyline ALARM "+ref.String()+": nobody on duty. Reply "+code+" to look after it."); a.Kind != notifier.NoCode || w.state(ref).Owner != "" {
			t.Errorf("answer %+v, owner %q", a, w.state(ref).Owner)
		}
		if a := say(ada, "I have it, "+ref.String()+" "+code); a.Kind != notifier.Taken {
			t.Errorf("a person is answered with %+v", a)
		}
	})
}

// The same answer about the same request is given a dozen times more; every decision is made and stored, answered or not.
func TestWhoIsToldTheSameAgainAndAgainIsNotAnsweredForEver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		code := w.code(ref, "p1")
		if a := say(ada, code); a.Kind != notifier.Taken {
			t.Fatalf("answer %+v", a)
		}
		for i := range 13 { // the first is news
			if a := say(ada, code); a.Kind != notifier.AlreadyYours {
				t.Fatalf("answer %d: %+v", i+1, a)
			}
		}
		for range 3 {
			if a := say(ada, code); a.Kind != notifier.NoAnswer {
				t.Fatalf("a machine gets %+v for ever", a)
			}
		}
		if a := say(ada, "PASS "+code); a.Kind != notifier.PassedOn {
			t.Errorf("what changes something is answered with %+v", a)
		}
		if a := say(ada, code); a.Kind != notifier.NoAnswer || w.state(ref).Owner != "ada" {
			t.Errorf("answer %+v, owner %q", a, w.state(ref).Owner)
		}
		w.pass(2 * time.Hour)
		if a := say(ada, code); a.Kind != notifier.AlreadyYours {
			t.Errorf("after two hours: answer %+v", a)
		}
	})
}

// What could not be stored is handled anew when the provider repeats it, also where it was not answered any more.
func TestATextThatCouldNotBeStoredIsNotForgottenWhenItIsNotAnsweredAnyMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		code := w.code(ref, "p1")
		for range 13 {
			say(ada, "away")
		}
		n.log.set(func() { n.log.cut = true })
		if a := say(ada, code); a.Kind != notifier.TryAgain { // news: it is told once
			t.Errorf("answer %+v", a)
		}
		if a := n.Reply(t.Context(), ada, "late", code); a.Kind != notifier.NoAnswer {
			t.Errorf("a machine gets %+v", a)
		}
		n.log.set(func() { n.log.cut = false })
		if a := n.Reply(t.Context(), ada, "late", code); a.Kind != notifier.Taken || w.state(ref).Owner != "ada" {
			t.Errorf("the repetition is answered with %+v", a)
		}
	})
}
