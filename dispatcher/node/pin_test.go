package node_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// pins knows PINs by digests that a test can read, and counts tries for an hour of fake time.
type pins struct {
	mu       sync.Mutex
	tries    map[string]map[string]time.Time
	compared int
}

var _ node.PINs = (*pins)(nil)

const adaPIN = "835172"

// digestOf is what the roster holds of a PIN here.
func digestOf(person, pin string) string { return "test:" + person + "-" + pin + "AAAAAAAAAAAAAAAA" }

func (p *pins) Match(person, digest, digits string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compared++
	return digest == digestOf(person, digits)
}

func (p *pins) Try(_ context.Context, person, id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tries == nil {
		p.tries = map[string]map[string]time.Time{}
	}
	if p.tries[person] == nil {
		p.tries[person] = map[string]time.Time{}
	}
	if _, known := p.tries[person][id]; !known {
		p.tries[person][id] = time.Now()
	}
	return p.count(person)
}

func (p *pins) Right(_ context.Context, person, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tries[person], id)
}

// Count answers a moment late, so that calls at the same moment see the same.
func (p *pins) Count(_ context.Context, person string) int {
	p.mu.Lock()
	n := p.count(person)
	p.mu.Unlock()
	time.Sleep(time.Millisecond)
	return n
}

func (p *pins) count(person string) (n int) {
	for _, at := range p.tries[person] {
		if time.Since(at) < time.Hour {
			n++
		}
	}
	return n
}

// inGuardedWorld is [inWorld] where ada has a PIN.
func inGuardedWorld(t *testing.T, test func(t *testing.T, w *world)) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rosters.edit(func(b *roster.Book) { b.People[0].PINDigest = digestOf("ada", adaPIN) })
		w.pins = &pins{}
		test(t, w)
	})
}

// keyed is a PIN that is keyed in during a call.
func keyed(ref request.Ref, call string, try int, pin notifier.PIN) notifier.KeyPress {
	k := press(ref, "p1a1", notifier.KeyTake)
	k.ProviderID, k.Try, k.PIN = call, try, pin
	return k
}

func (w *world) answers(n *life, k notifier.KeyPress, want notifier.AnswerKind) {
	w.t.Helper()
	if a := n.Key(w.t.Context(), k); a.Kind != want {
		w.t.Fatalf("try %d of call %s: %+v, want %s", k.Try, k.ProviderID, a, want)
	}
}

func TestAKeyTakesNothingWithoutThePINAndTheEscalationGoesOn(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		w.answers(n, keyed(ref, "CA1", 0, ""), notifier.PINWanted)
		w.answers(n, keyed(ref, "CA1", 1, "835173"), notifier.WrongPIN)
		w.answers(n, keyed(ref, "CA1", 2, "8351722"), notifier.WrongPIN)
		if s := w.state(ref); s.Owner != "" || s.Escalation != request.Running {
			t.Fatalf("owner %q, escalation %s", s.Owner, s.Escalation)
		}
		w.pass(w.policy.Waits[request.Urgent] + time.Minute)
		if s := w.state(ref); s.Owner != "" || !strings.Contains(fmt.Sprintf("%+v", s.Pages), "bruno") {
			t.Fatalf("nobody else is asked: %+v", s.Pages)
		}
		w.answers(n, keyed(ref, "CA1", 3, adaPIN), notifier.Taken)
		w.answers(n, keyed(ref, "CA1", 3, adaPIN), notifier.AlreadyYours) // the provider repeats it
		if s := w.state(ref); s.Owner != "ada" {
			t.Errorf("owner %q", s.Owner)
		}
		w.pass(time.Hour)
		w.nobodyIsCalledAfterTheAcknowledgement(ref)
	})
}

func TestWhoHasNoPINAndWhoPassesOnIsNotAskedForOne(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		w.answers(n, press(ref, "p1a1", notifier.KeyPass), notifier.PassedOn)
		w.pass(time.Second)
		w.answers(n, press(ref, "p2a1", notifier.KeyTake), notifier.Taken)
	})
}

func TestTheCodeOfATextNeedsNoPIN(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		for try := range 5 { // also where the PIN is locked
			n.Key(t.Context(), keyed(ref, "CA1", try+1, "000111"))
		}
		if a := n.Reply(t.Context(), ada, "SM1", w.code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("%+v", a)
		}
	})
}

func TestFiveWrongPINsLockThePINForAnHour(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n, other := w.start("n1"), w.start("n2")
		ref := w.raise(request.Emergency)
		w.pass(time.Second)
		for try := range 4 {
			w.answers(n, keyed(ref, "CA1", try+1, "835173"), notifier.WrongPIN)
			w.answers(other, keyed(ref, "CA1", try+1, "835173"), notifier.WrongPIN) // the provider repeats it, to another node
		}
		w.answers(n, keyed(ref, "CA2", 1, "12"), notifier.WrongPIN) // no PIN has this form: it counts for nothing
		w.answers(n, keyed(ref, "CA2", 2, "835174"), notifier.PINLocked)
		w.answers(n, keyed(ref, "CA3", 0, ""), notifier.PINLocked)
		w.answers(n, keyed(ref, "CA3", 1, adaPIN), notifier.PINLocked)
		w.pass(59 * time.Minute)
		w.answers(n, keyed(ref, "CA4", 1, adaPIN), notifier.PINLocked)
		w.pass(time.Minute)
		w.answers(n, keyed(ref, "CA5", 0, ""), notifier.PINWanted)
		w.answers(n, keyed(ref, "CA5", 1, adaPIN), notifier.Taken)
	})
}

func TestRightPINsAreNotCounted(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		w.answers(n, keyed(ref, "CA0", 1, adaPIN), notifier.Taken)
		for call := range 20 {
			w.answers(n, keyed(ref, fmt.Sprint("CA", call+1), 1, adaPIN), notifier.AlreadyYours)
		}
	})
}

// A thousand calls at once, each with another PIN and the right one among them, compare five and take nothing.
func TestAThousandCallsThatGuessCompareFivePINsAndTakeNothing(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		for call := range 5 { // the first five are wrong for certain
			n.Key(t.Context(), keyed(ref, fmt.Sprint("first", call), 1, "000111"))
		}
		var callers sync.WaitGroup
		for call := range 1000 {
			callers.Go(func() {
				guess := fmt.Sprintf("%06d", 835000+call)
				if a := n.Key(t.Context(), keyed(ref, fmt.Sprint("CA", call), 1, notifier.PIN(guess))); a.Kind != notifier.PINLocked {
					t.Errorf("%+v", a)
				}
			})
		}
		callers.Wait()
		synctest.Wait()
		if s := w.state(ref); s.Owner != "" || w.pins.compared != 5 {
			t.Errorf("owner %q, %d compared", s.Owner, w.pins.compared)
		}
	})
}

// Where none came before them, calls at the same moment compare five.
func TestCallsAtTheSameMomentCompareFivePINs(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		var callers sync.WaitGroup
		for call := range 1000 {
			callers.Go(func() {
				n.Key(t.Context(), keyed(ref, fmt.Sprint("CA", call), 1, notifier.PIN(fmt.Sprintf("%06d", 100000+call))))
			})
		}
		callers.Wait()
		if s := w.state(ref); s.Owner != "" || w.pins.compared != 5 {
			t.Errorf("owner %q, %d compared", s.Owner, w.pins.compared)
		}
	})
}

func TestNoLineOfTheLogAndNoEventHasAPIN(t *testing.T) {
	inGuardedWorld(t, func(t *testing.T, w *world) {
		core, lines := observer.New(zap.DebugLevel)
		w.logger = zap.New(core)
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		for try, pin := range []notifier.PIN{"471103", "4711", adaPIN} {
			n.Key(t.Context(), keyed(ref, "CA1", try+1, pin))
		}
		all := fmt.Sprintf("%+v", w.stored(ref))
		for _, line := range lines.All() {
			all += fmt.Sprintln(line.Message, line.ContextMap())
		}
		for _, secret := range []string{"4711", adaPIN, digestOf("ada", adaPIN), string(ada)} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is in %s", secret, all)
			}
		}
		if lines.FilterMessage("a wrong PIN").Len() != 2 || w.count(ref, request.Acknowledged) != 1 {
			t.Errorf("%s", all)
		}
	})
}

// stored is the log of a request as it lies there.
func (w *world) stored(ref request.Ref) (all string) {
	w.t.Helper()
	history, err := (&line{log: w.log}).History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range history {
		all += string(c.Data) + "\n"
	}
	return all
}
