package node_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

func TestARequestIsPagedAcknowledgedByCodeAndItsOtherPagesAreCalledOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
		w.limit = notifier.Limit{PerSecond: 0.01} // the second page waits for its turn
		n := w.start("n1")
		ref := w.raise(request.Critical)
		w.pass(time.Second)
		got := w.phones.got(ref)
		if len(got) != 1 || got[0].To != ada || got[0].Code != w.code(ref, "p1") {
			t.Fatalf("the provider got %+v", got)
		}
		answer := n.Reply(t.Context(), ada, "in1", got[0].Code)
		if answer.Kind != notifier.Taken || answer.Ref != ref || answer.Language != "en" {
			t.Errorf("answer %+v", answer)
		}
		w.pass(time.Hour)
		w.want(ref, request.Received, request.Escalated, request.PageOrdered, request.PageOrdered, request.AttemptStarted, request.AttemptSent,
			request.Acknowledged, request.PageCancelled)
		if s := w.state(ref); s.Owner != "ada" || len(w.phones.got("")) != 1 {
			t.Errorf("owner %s, %d texts", s.Owner, len(w.phones.got("")))
		}
	})
}

func TestTheFirstTextIsOnItsWayInTheMomentOfTheRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start("n1")
		w.pass(5 * time.Second) // not in step with anything that polls
		began := time.Now()
		ref := w.raise(request.Emergency)
		w.pass(time.Second)
		if got := w.phones.got(ref); len(got) != 1 || got[0].at.Sub(began) != 20*time.Millisecond {
			t.Errorf("texts %+v", got)
		}
	})
}

func TestSilenceGoesToTheNextLevel(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start("n1")
		began := time.Now()
		w.raise(request.Emergency)
		w.pass(5 * time.Minute)
		if got := w.phones.to(began); got != "ada@0 bruno@120 ada@240" {
			t.Errorf("paged %s", got)
		}
	})
}

func TestAcknowledgementsThatRaceWithAttempts(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	inWorld(t, func(t *testing.T, w *world) {
		w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen", "person:dalia", "person:erik"}}
		w.limit = notifier.Limit{PerSecond: 100, PerRecipient: 50} // half of the pages go at once, the others while people answer
		nodes := []*life{w.start("n1"), w.start("n2")}
		random := rand.New(rand.NewPCG(seed, 0))
		var mu sync.Mutex
		latency := func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(random.IntN(4000)) * time.Microsecond
		}
		for _, n := range nodes {
			n.log.set(func() { n.log.latency = latency })
		}
		var refs []request.Ref
		var acks sync.WaitGroup
		for i := range 40 {
			ref := w.raise(request.Emergency)
			refs = append(refs, ref)
			for j, person := range []string{"ada", "bruno"} {
				acks.Go(func() {
					time.Sleep(time.Duration(7*i+3*(i%6)) * time.Millisecond) // about when its attempts begin
					out, err := nodes[(i+j)%2].Acknowledge(t.Context(), ref, person, "", request.ViaWeb)
					if err != nil || (out.Kind != notifier.Taken && out.Kind != notifier.AlreadyTaken) {
						t.Errorf("acknowledge: %+v, %v", out, err)
					}
				})
			}
		}
		acks.Wait()
		w.pass(time.Hour)
		attempts, inFlight := 0, 0
		for _, ref := range refs {
			w.nobodyIsCalledAfterTheAcknowledgement(ref)
			inFlight += w.inFlight(ref)
			attempts += w.count(ref, request.AttemptStarted)
			s := w.state(ref)
			if slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.State.Open() }) {
				t.Errorf("a page stays open: %v", w.events(ref))
			}
		}
		t.Logf("%d attempts of %d pages; %d sends in flight at the acknowledgements", attempts, 5*len(refs), inFlight)
		if sent := len(w.phones.got("")); sent != attempts || attempts == 0 || attempts == 5*len(refs) {
			t.Errorf("%d attempts and %d texts: the acknowledgements did not race", attempts, sent)
		}
	})
}

func TestTwoNodesOverOneLogDecideEachEscalationOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.limit = notifier.Limit{PerRecipient: 50}
		w.start("n1")
		w.start("n2")
		var refs []request.Ref
		for range 30 {
			refs = append(refs, w.raise(request.Emergency))
		}
		w.pass(3 * time.Minute) // also the second level
		for _, ref := range refs {
			if e, p, a := w.count(ref, request.Escalated), w.count(ref, request.PageOrdered), w.count(ref, request.AttemptStarted); e != 2 || p != 2 || a != 2 {
				t.Errorf("%d escalations, %d pages, %d attempts", e, p, a)
			}
			if got := w.phones.got(ref); len(got) != 2 {
				t.Errorf("%d texts", len(got))
			}
		}
	})
}

func TestANodeWhoseLaneWaitsDoesNotTakeOverWhatAnotherHasBegun(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.limit = notifier.Limit{PerSecond: 0.5, PerRecipient: 10}
		w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			defer time.Sleep(5 * time.Second)
			return take()
		}
		w.start("n1")
		w.start("n2")
		var refs []request.Ref
		for range 3 { // the nodes' buckets are not equally full
			refs = append(refs, w.raise(request.Urgent))
			w.pass(100 * time.Millisecond)
		}
		w.pass(time.Minute)
		for _, ref := range refs {
			if n := len(w.phones.got(ref)); n != 1 || w.count(ref, request.AttemptTakenOver) != 0 {
				t.Errorf("%d texts: %v", n, w.events(ref))
			}
		}
	})
}

// crash lets a first life of n1 die in the middle of a call, and gives its request. took says whether the provider has the text.
func crash(w *world, took bool) request.Ref {
	w.phones.set(func() {
		w.phones.send = func(ctx context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if took {
				take()
			}
			<-ctx.Done()
			return notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		}
	})
	first := w.start("n1")
	ref := w.raise(request.Urgent)
	w.pass(time.Second)
	first.log.set(func() { first.log.cut = true })
	w.phones.set(func() { w.phones.send = nil })
	if w.count(ref, request.AttemptStarted) != 1 {
		w.t.Fatalf("no attempt: %v", w.events(ref))
	}
	return ref
}

func TestTheNextLifeLooksAnAttemptUpAndDoesNotSendTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref := crash(w, true)
		w.start("n1")
		w.pass(time.Second)
		w.want(ref, request.Received, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptTakenOver, request.AttemptSent)
		p := w.state(ref).Pages[0]
		if len(w.phones.got(ref)) != 1 || p.State != request.PageSent || p.Attempts[0].ProviderID != "SM1" {
			t.Errorf("%d texts, page %+v", len(w.phones.got(ref)), p)
		}
	})
}

func TestTheNextLifeSendsWhatTheProviderDoesNotHave(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref := crash(w, false)
		w.start("n1")
		w.pass(time.Second)
		if got := w.phones.got(ref); len(got) != 1 || got[0].Attempt != "p1a1" || w.state(ref).Pages[0].State != request.PageSent {
			t.Errorf("texts %+v, log %v", got, w.events(ref))
		}
	})
}

func TestAnotherNodeTakesAnAttemptOverFiveSecondsAfterItsDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		second := w.start("n2")
		release := second.log.hold() // n1 decides
		began := time.Now()
		ref := crash(w, false)
		release()
		w.pass(13 * time.Second)
		if len(w.phones.got(ref)) != 0 {
			t.Errorf("sent before the first node must have given up: %v", w.events(ref))
		}
		w.pass(2 * time.Second)
		if got := w.phones.got(ref); len(got) != 1 || got[0].at.Sub(began) < 15*time.Second {
			t.Errorf("texts %+v, log %v", got, w.events(ref))
		}
		if _, err := second.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
			t.Error(err)
		}
		w.nobodyIsCalledAfterTheAcknowledgement(ref)
	})
}

func TestAnAttemptOfADeadNodeIsNotSentAfterTheAcknowledgement(t *testing.T) {
	for name, restarted := range map[string]bool{"another node": false, "its next life": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				second := w.start("n2")
				release := second.log.hold()
				ref := crash(w, false)
				release()
				if _, err := second.Acknowledge(t.Context(), ref, "bruno", "", request.ViaWeb); err != nil {
					t.Fatal(err)
				}
				if restarted {
					w.start("n1")
				}
				w.pass(time.Minute)
				if n := len(w.phones.got(ref)); n != 0 {
					t.Errorf("%d texts after the acknowledgement: %v", n, w.events(ref))
				}
				if p := w.state(ref).Pages[0]; p.State.Open() {
					t.Errorf("the page stays %s", p.State)
				}
			})
		})
	}
}

func TestReplayFindsEverythingAsItWas(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.start("n1")
		paged, taken, ended := w.raise(request.Urgent), w.raise(request.Urgent), w.raise(request.Urgent)
		w.pass(time.Second)
		if _, err := first.Acknowledge(t.Context(), taken, "bruno", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		w.withdraw(ended)
		w.pass(time.Second)
		first.stop()
		before := len(w.phones.got(""))
		late := w.raise(request.Urgent) // while no node runs
		w.pass(10 * time.Minute)
		second := w.start("n1")
		w.pass(time.Second)
		if got := w.phones.got(late); len(got) != 1 {
			t.Errorf("what came while nobody was there: %d texts", len(got))
		}
		if got := len(w.phones.got("")); got != before+2 {
			t.Errorf("%d texts after the restart, want one for the new request and one for the overdue step: %v", got-before, w.events(paged))
		}
		if out := second.Reply(t.Context(), ada, "in1", w.code(taken, "p1")); out.Kind != notifier.AlreadyTaken || out.CallSign != "HERON" {
			t.Errorf("answer %+v", out)
		}
		if out := second.Reply(t.Context(), ada, "in2", w.code(ended, "p1")); out.Kind != notifier.AlreadyEnded {
			t.Errorf("answer %+v", out)
		}
		if open := second.Open(); len(open) != 3 {
			t.Errorf("%d open", len(open))
		}
	})
}

func TestShutdownWaitsForCallsUnderWayAndStartsNone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			time.Sleep(3 * time.Second)
			return take()
		}
		n := w.start("n1")
		first := w.raise(request.Urgent)
		w.pass(500 * time.Millisecond)
		second := w.raise(request.Urgent) // one call at a time to one recipient
		w.pass(500 * time.Millisecond)
		began := time.Now()
		n.stop()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the shutdown took %s", took)
		}
		if w.state(first).Pages[0].State != request.PageSent || w.state(second).Pages[0].State != request.PageQueued || w.phones.calls != 1 {
			t.Errorf("first %v\nsecond %v\n%d calls", w.events(first), w.events(second), w.phones.calls)
		}
		w.start("n1")
		w.pass(10 * time.Second)
		if a, b := len(w.phones.got(first)), len(w.phones.got(second)); a != 1 || b != 1 {
			t.Errorf("after the restart %d and %d texts", a, b)
		}
	})
}

func TestShutdownDuringAnOutageOfTheLogEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		n.log.set(func() { n.log.cut = true })
		for range 100 {
			w.raise(request.Urgent)
		}
		w.pass(time.Minute)
		n.log.set(func() { n.log.appends = 0 })
		began := time.Now()
		n.stop()
		if took := time.Since(began); took > 2*time.Second || n.log.appends > 20 {
			t.Errorf("the shutdown took %s and %d appends", took, n.log.appends)
		}
	})
}

func TestAPanicInAChannelHarmsNobodyElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
		w.phones.send = func(_ context.Context, m notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if m.To == ada && m.Attempt == "p1a1" {
				panic("a number: " + string(m.To))
			}
			return take()
		}
		w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(10 * time.Second)
		s := w.state(ref)
		if s.Pages[0].State != request.PageSent || s.Pages[1].State != request.PageSent || len(s.Pages[1].Attempts) != 1 {
			t.Errorf("log %v", w.events(ref))
		}
		if a := s.Pages[0].Attempts; len(a) != 2 || a[0].Code != "panic" || a[0].Failure != request.FailedUnknown {
			t.Errorf("attempts %+v", a)
		}
	})
}

func TestAChannelThatNeverReturnsHarmsNobodyElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
		ends := make(chan struct{})
		w.phones.send = func(_ context.Context, m notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if m.To == ada && m.Attempt == "p1a1" {
				<-ends // it looks at no context
				return notifier.Failed{Kind: request.FailedUnknown}
			}
			return take()
		}
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if w.state(ref).Pages[1].State != request.PageSent {
			t.Errorf("the other recipient waits: %v", w.events(ref))
		}
		w.pass(14 * time.Second)
		if w.state(ref).Pages[0].State != request.PageSent {
			t.Errorf("the page was not tried again: %v", w.events(ref))
		}
		n.stop()
		close(ends)
	})
}

func TestATemporaryFailureIsTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		began := time.Now()
		w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if time.Since(began) < 90*time.Second {
				return notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
			}
			return take()
		}
		w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(2 * time.Minute)
		if s := w.state(ref); s.Pages[0].State != request.PageSent || len(s.Pages) != 1 {
			t.Errorf("log %v", w.events(ref))
		}
	})
}

func TestReportsInAnyOrder(t *testing.T) {
	report := func(progress notifier.Progress) notifier.Report {
		r := notifier.Report{Attempt: "p1a1", Provider: "twilio", ProviderID: "SM1", Progress: progress}
		if progress == notifier.Lost {
			r.Kind, r.Code = request.FailedCarrier, "30003"
		}
		return r
	}
	for _, test := range []struct {
		name   string
		order  []notifier.Progress
		before bool // of the answer to the call
		want   request.PageState
	}{
		{"in order", []notifier.Progress{notifier.Sent, notifier.Delivered}, false, request.PageDelivered},
		{"overtaken", []notifier.Progress{notifier.Delivered, notifier.Sent}, false, request.PageDelivered},
		{"repeated", []notifier.Progress{notifier.Sent, notifier.Sent, notifier.Delivered, notifier.Delivered}, false, request.PageDelivered},
		{"before the answer", []notifier.Progress{notifier.Sent, notifier.Delivered}, true, request.PageDelivered},
		{"lost after delivered", []notifier.Progress{notifier.Delivered, notifier.Lost}, false, request.PageDelivered},
		{"lost before sent", []notifier.Progress{notifier.Lost, notifier.Sent}, true, request.PageFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
					defer time.Sleep(2 * time.Second)
					return take()
				}
				n := w.start("n1")
				ref := w.raise(request.Urgent)
				if w.pass(time.Second); !test.before {
					w.pass(5 * time.Second)
				}
				for _, progress := range test.order {
					r := report(progress)
					r.Ref = ref
					if err := n.Report(t.Context(), r); err != nil {
						t.Error(err)
					}
				}
				w.pass(5 * time.Second)
				s := w.state(ref)
				if p := s.Pages[0]; p.State != test.want || len(p.Attempts) != 1 {
					t.Errorf("page %s, log %v", p.State, w.events(ref))
				}
				if folded, err := n.State(t.Context(), ref); err != nil || folded.Pages[0].State != test.want {
					t.Errorf("the node's page %v, error %v", folded, err)
				}
				if test.want == request.PageDelivered && len(w.phones.got(ref)) != 1 {
					t.Errorf("%d texts", len(w.phones.got(ref)))
				}
			})
		})
	}
}

func TestAReportOfNothingKnownIsStoredAndHarmsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		if err := n.Report(t.Context(), notifier.Report{Ref: "7K4M2QX9D", Attempt: "p1a1", Provider: "twilio", ProviderID: "SM1", Progress: notifier.Sent}); err != nil {
			t.Error(err)
		}
		if err := n.Report(t.Context(), notifier.Report{Ref: "7K4M2QX9D", Attempt: "zz", Provider: "twilio"}); !errors.Is(err, node.ErrNotFound) {
			t.Errorf("error %v", err)
		}
		w.pass(time.Second)
		if _, err := n.State(t.Context(), "7K4M2QX9D"); !errors.Is(err, node.ErrNotFound) {
			t.Errorf("error %v", err)
		}
		n.log.set(func() { n.log.cut = true })
		if err := n.Report(t.Context(), notifier.Report{Ref: "7K4M2QX9D", Attempt: "p1a1", Provider: "twilio", Progress: notifier.Sent}); !errors.Is(err, node.ErrUnavailable) {
			t.Errorf("error %v: the provider would not repeat it", err)
		}
	})
}

func TestAnEditPagesTheNewOfficerAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		began := time.Now()
		ref := w.raise(request.Urgent)
		w.pass(30 * time.Second)
		w.rosters.edit(func(b *roster.Book) {
			b.Rosters[0].Overrides = []roster.Override{{ID: "o1", Kind: roster.Replace, From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour), People: []string{"carmen"}}}
		})
		w.pass(time.Second)
		if got := w.phones.to(began); got != "ada@0 carmen@30" {
			t.Errorf("paged %s", got)
		}
		if out := n.Reply(t.Context(), ada, "in1", w.code(ref, "p1")); out.Kind != notifier.Taken {
			t.Errorf("the old page is not valid any more: %+v", out)
		}
	})
}

func TestNothingIsDecidedWithARosterOlderThanOneThatWasSeen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start("n1")
		began := time.Now()
		w.rosters.mu.Lock()
		w.rosters.slow = 2 * time.Second
		w.rosters.mu.Unlock()
		w.rosters.edit(func(b *roster.Book) {
			b.Rosters[0].Overrides = []roster.Override{{ID: "o1", Kind: roster.Replace, From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour), People: []string{"carmen"}}}
		})
		synctest.Wait()
		w.raise(request.Emergency)
		w.pass(10 * time.Second)
		if got := w.phones.to(began); got != "carmen@2" {
			t.Errorf("paged %s", got)
		}
	})
}

func TestTheRosterIsFollowedAgainWhenThatBreaksOrAReadFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rosters.broken, w.rosters.refused = 5, 3
		n := w.start("n1")
		w.raise(request.Emergency)
		if _, known := n.Ready(); known {
			t.Error("a roster is known that cannot be read")
		}
		w.pass(10 * time.Second)
		if _, known := n.Ready(); !known || len(w.phones.got("")) != 1 {
			t.Errorf("known %t, %d texts", known, len(w.phones.got("")))
		}
	})
}

func TestAnOutageOfTheLogLosesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.limit = notifier.Limit{PerRecipient: 100}
		n := w.start("n1")
		before := w.raise(request.Urgent)
		w.pass(time.Second)
		release := n.log.hold()
		var during []request.Ref
		for range 20 {
			during = append(during, w.raise(request.Emergency))
		}
		n.log.set(func() { n.log.cut = true })
		release()
		w.pass(time.Minute)
		if got := len(w.phones.got("")); got != 1 {
			t.Errorf("%d texts: what is not in the log was acted on", got)
		}
		if _, err := n.Acknowledge(t.Context(), before, "ada", "", request.ViaWeb); !errors.Is(err, node.ErrUnavailable) {
			t.Errorf("acknowledge: %v", err)
		}
		if out := n.Reply(t.Context(), ada, "in1", w.code(before, "p1")); out.Kind != notifier.TryAgain {
			t.Errorf("answer %+v", out)
		}
		if out := n.Reply(t.Context(), ada, "in2", "000000"); out.Kind != notifier.TryAgain || w.guesses.Count(t.Context(), ada) != 0 {
			t.Errorf("answer %+v: a code that nobody could look for is not wrong", out)
		}
		n.log.set(func() { n.log.cut = false })
		w.pass(5 * time.Second)
		for _, ref := range during {
			if got := w.phones.got(ref); len(got) != 1 {
				t.Errorf("%d texts: %v", len(got), w.events(ref))
			}
		}
		if out := n.Reply(t.Context(), ada, "in1", w.code(before, "p1")); out.Kind != notifier.Taken {
			t.Errorf("the repetition is answered with %+v", out)
		}
	})
}

func TestAnOutcomeIsStoredAfterAnOutage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		w.phones.send = func(_ context.Context, _ notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			n.log.set(func() { n.log.cut = true })
			return take()
		}
		ref := w.raise(request.Urgent)
		w.pass(30 * time.Second)
		if w.state(ref).Pages[0].State != request.PageSending {
			t.Errorf("log %v", w.events(ref))
		}
		n.log.set(func() { n.log.cut = false })
		w.pass(5 * time.Second)
		w.want(ref, request.Received, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptSent)
	})
}

func TestAStartDuringAnOutageWaitsForTheLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref := w.raise(request.Urgent)
		w.cut = true // from the start
		n := w.start("n1")
		w.pass(20 * time.Second)
		if read, _ := n.Ready(); read {
			t.Error("a node that could not read the log says that it did")
		}
		if out := n.Reply(t.Context(), ada, "in1", "123456"); out.Kind != notifier.TryAgain {
			t.Errorf("answer %+v", out)
		}
		n.log.set(func() { n.log.cut = false })
		w.pass(5 * time.Second)
		if got := w.phones.got(ref); len(got) != 1 {
			t.Errorf("%d texts: %v", len(got), w.events(ref))
		}
	})
}

func TestASlowReaderGetsTheNewestState(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		states, cancel, err := n.Watch(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
		w.pass(time.Second)
		if _, err := n.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := <-states; s.Owner != "ada" {
			t.Errorf("the reader got sequence %d without the acknowledgement", s.LastSeq)
		}
		select {
		case s := <-states:
			t.Errorf("another state, of sequence %d", s.LastSeq)
		default:
		}
		n.stop()
		if _, open := <-states; open {
			t.Error("the channel stays open when the node stops")
		}
		if late, _, err := n.Watch(t.Context(), ref); err == nil {
			<-late
			if _, open := <-late; open {
				t.Error("a channel that is opened after the end stays open")
			}
		}
	})
}

func TestAReaderSeesEveryVersionInOrderFromBeforeTheNodeIsReady(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		release := n.log.hold()
		ref := w.raise(request.Urgent)
		states, cancel, err := n.Watch(t.Context(), ref) // read from the log, not folded yet
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
		last := uint64(0)
		var seen sync.WaitGroup
		seen.Go(func() {
			for s := range states {
				if s.LastSeq <= last {
					t.Errorf("sequence %d after %d", s.LastSeq, last)
				}
				last = s.LastSeq
			}
		})
		w.pass(time.Second)
		release()
		w.pass(time.Second)
		n.stop()
		seen.Wait()
		if want := w.state(ref).LastSeq; last != want {
			t.Errorf("the reader got up to %d of %d", last, want)
		}
	})
}

func TestWhoWaitsForAPositionIsWokenOrGivesUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		release := n.log.hold()
		ref := w.raise(request.Routine)
		position := w.state(ref).LastSeq
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.WaitFor(soon, position); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if got := n.Waiters(); got != 0 {
			t.Errorf("%d still wait after they gave up", got)
		}
		woken := make(chan error, 2)
		go func() { woken <- n.WaitFor(t.Context(), position) }()
		synctest.Wait()
		release()
		if err := <-woken; err != nil {
			t.Errorf("error %v", err)
		}
		if s, err := n.State(t.Context(), ref); err != nil || s.LastSeq < position {
			t.Errorf("state %v, error %v", s, err)
		}
		go func() { woken <- n.WaitFor(t.Context(), 1<<60) }() // a forged position
		synctest.Wait()
		n.stop()
		if err := <-woken; !errors.Is(err, node.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
	})
}

func TestOpenedAndPassAreStored(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		began := time.Now()
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if err := n.Opened(t.Context(), ref, "ada"); err != nil {
			t.Error(err)
		}
		if s, err := n.State(t.Context(), ref); err != nil || !slices.Contains(s.Opened, "ada") {
			t.Errorf("who reads next does not see it: %v %v", s, err)
		}
		out, err := n.Pass(t.Context(), ref, "ada", "", "on leave", request.ViaWeb)
		if err != nil || out.Kind != notifier.PassedOn {
			t.Errorf("pass %+v %v", out, err)
		}
		w.pass(time.Second)
		if got := w.phones.to(began); got != "ada@0 bruno@1" {
			t.Errorf("paged %s", got)
		}
		if err := n.Opened(t.Context(), "7K4M2QX9D", "ada"); !errors.Is(err, node.ErrNotFound) {
			t.Errorf("error %v", err)
		}
	})
}
