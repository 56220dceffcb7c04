package simulation

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// broken is a machine with a bug around it.
type broken struct {
	*dispatcher.Machine
	n *node

	in   func(dispatcher.Input) dispatcher.Input                      // what reaches the machine; nil: nothing does
	out  func(now time.Time, c dispatcher.Command) dispatcher.Command // what leaves it
	wake func(now, wake time.Time) time.Time
}

func (b *broken) Step(now time.Time, in dispatcher.Input) ([]dispatcher.Command, time.Time, error) {
	if b.in != nil {
		if in = b.in(in); in == nil {
			in = dispatcher.Tick{}
		}
	}
	commands, wake, err := b.Machine.Step(now, in)
	if b.out != nil {
		for i, c := range commands {
			commands[i] = b.out(now, c)
		}
	}
	if b.wake != nil {
		wake = b.wake(now, wake)
	}
	return commands, wake, err
}

// around puts a bug around every machine.
func around(bug func(*broken)) tamper {
	return tamper{brain: func(n *node, m *dispatcher.Machine) brain {
		b := &broken{Machine: m, n: n}
		bug(b)
		return b
	}}
}

// deafTo is a machine that does not hear of some inputs.
func deafTo(is func(dispatcher.Input) bool) tamper {
	return around(func(b *broken) {
		b.in = func(in dispatcher.Input) dispatcher.Input {
			if is(in) {
				return nil
			}
			return in
		}
	})
}

func isA[T dispatcher.Input](in dispatcher.Input) bool { _, ok := in.(T); return ok }

// misread is a machine that takes what is in the log for something else: it folds other bytes than those that are stored.
func misread(change func(n *node, c *request.Commit)) tamper {
	t := around(func(b *broken) {
		b.in = func(in dispatcher.Input) dispatcher.Input {
			committed, ok := in.(dispatcher.Committed)
			if !ok {
				return in
			}
			c := *committed.Parsed.Commit()
			c.Events = slices.Clone(c.Events)
			change(b.n, &c)
			if len(c.Events) == 0 {
				c.Events = []request.Event{request.NewEvent("nothing", struct{}{})}
			}
			data, err := c.Encode()
			if err != nil {
				panic(err)
			}
			return dispatcher.Committed{Ref: committed.Ref, Seq: committed.Seq, Data: data}
		}
	})
	return unchained(t)
}

// unchained leaves the chain over the log unjudged, by which many a bug would be noticed at once: what comes of it must show.
func unchained(t tamper) tamper { return unjudged(t, chained, sameState) }

func unjudged(t tamper, invariants ...string) tamper {
	t.silent = append(t.silent, invariants...)
	return t
}

// without takes events of a type out of a commit.
func without(t request.EventType) tamper {
	return misread(func(_ *node, c *request.Commit) {
		c.Events = slices.DeleteFunc(c.Events, func(e request.Event) bool { return e.Type == t })
	})
}

// rewrite changes the bodies of events of some types.
func rewrite[B any](change func(n *node, c *request.Commit, b *B), types ...request.EventType) tamper {
	return misread(func(n *node, c *request.Commit) {
		for i, e := range c.Events {
			if !slices.Contains(types, e.Type) {
				continue
			}
			b := new(B)
			if err := json.Unmarshal(e.Body, b); err != nil {
				panic(err)
			}
			change(n, c, b)
			c.Events[i] = request.NewEvent(e.Type, *b)
		}
	})
}

func uncompared(is func(dispatcher.Append) bool) func(time.Time, dispatcher.Command) dispatcher.Command {
	return func(_ time.Time, c dispatcher.Command) dispatcher.Command {
		if a, ok := c.(dispatcher.Append); ok && is(a) {
			a.Expect = anyHead
			return a
		}
		return c
	}
}

func halved(o *dispatcher.Options) {
	waits := map[request.Urgency]time.Duration{}
	for u, wait := range o.Policy.Waits {
		waits[u] = wait / 2
	}
	o.Policy.Waits = waits
	o.Policy.Channels = nil
}

// silentMachine finds no trouble.
type silentMachine struct{ *dispatcher.Machine }

func (silentMachine) Troubles(time.Time) []request.AlarmBody { return nil }

// shortSighted finds trouble, but for what is ahead on the roster.
type shortSighted struct {
	*dispatcher.Machine
	forgets request.AlarmKind
}

func (m shortSighted) Troubles(now time.Time) []request.AlarmBody {
	return slices.DeleteFunc(m.Machine.Troubles(now), func(a request.AlarmBody) bool { return a.Kind == m.forgets })
}

func forgets(kind request.AlarmKind) tamper {
	return tamper{brain: func(_ *node, m *dispatcher.Machine) brain { return shortSighted{m, kind} }}
}

// forgetful knows of nobody whom it has asked.
type forgetful struct{ *dispatcher.Machine }

func (forgetful) Asked(string) []*request.State { return nil }

// unwatched does not see that a shift ends.
type unwatched struct{ *dispatcher.Machine }

func (u unwatched) Wanted(now time.Time) []request.MatterBody {
	return slices.DeleteFunc(u.Machine.Wanted(now), func(b request.MatterBody) bool { return b.Kind == request.OpsHandover })
}

// resigned raises no alarm about a handover.
type resigned struct{ *dispatcher.Machine }

func (r resigned) Troubles(now time.Time) []request.AlarmBody {
	return slices.DeleteFunc(r.Machine.Troubles(now), func(b request.AlarmBody) bool { return b.Kind == request.AlarmHandover })
}

// bugs are the seeded ones. Each is named by what is wrong, and says which invariants may notice it.
var bugs = []struct {
	name   string
	tamper tamper
	by     []string
}{
	{"timers of more than a minute are dropped", around(func(b *broken) {
		b.wake = func(now, wake time.Time) time.Time {
			if wake.Sub(now) > time.Minute {
				return time.Time{}
			}
			return wake
		}
	}), []string{goesOn}},
	{"wakes come twenty seconds late", around(func(b *broken) {
		b.wake = func(_, wake time.Time) time.Time {
			if wake.IsZero() {
				return wake
			}
			return wake.Add(20 * time.Second)
		}
	}), []string{goesOn}},
	{"a node asks to be stepped again at once", around(func(b *broken) {
		b.wake = func(now, _ time.Time) time.Time { return now }
	}), []string{rests}},
	{"a level is skipped", tamper{options: func(o *dispatcher.Options) { o.Policy.Levels = o.Policy.Levels[:1] }}, []string{inOrder, onceEach}},
	{"steps get half their time", tamper{options: halved}, []string{givesTime}},
	{"an acknowledgement does not lapse", tamper{options: func(o *dispatcher.Options) { o.Policy.AckLapse = 0 }}, []string{goesOn}},
	{"the rate of a number is ignored", tamper{options: func(o *dispatcher.Options) {
		for i := range o.Providers {
			o.Providers[i].Limit = notifier.Limit{PerRecipient: 50}
		}
	}}, []string{atRate}},
	{"senders are not told", tamper{options: func(o *dispatcher.Options) { o.Webhook = nil }}, []string{senderTold}},
	{"acknowledgements are ignored", unjudged(without(request.Acknowledged), senderTold), []string{quiet}},
	{"acknowledgements taken back are ignored", without(request.AcknowledgementUndone), []string{goesOn}},
	{"passing on is ignored", without(request.Passed), []string{goesOn, inOrder}},
	{"who is busy is asked again", rewrite(func(_ *node, _ *request.Commit, b *request.PassedBody) { b.Busy = false }, request.Passed), []string{spares}},
	{"withdrawals are ignored", without(request.Withdrawn), []string{quiet, oneOwner}},
	{"attempt_started is not compared", unchained(around(func(b *broken) {
		b.out = uncompared(func(a dispatcher.Append) bool { return a.Starts })
	})), []string{quiet, oneAttempt, givesTime}},
	{"a lane is served by every node, and nobody compares", unchained(around(func(b *broken) {
		b.in = func(in dispatcher.Input) dispatcher.Input {
			if isA[dispatcher.LiveChanged](in) {
				return nil
			}
			return in
		}
		b.out = uncompared(func(a dispatcher.Append) bool { return a.Starts })
	})), []string{oneAttempt, quiet}},
	{"steps are not compared", unchained(around(func(b *broken) {
		b.out = uncompared(func(a dispatcher.Append) bool { return !a.Starts })
	})), []string{onceEach, quiet, noCopies, measured}},
	{"a repeated decision is stored again", tamper{log: func(l *memoryLog) { l.forgets = true }}, []string{chained, onceStored}},
	{"the first roster decides for ever", around(func(b *broken) {
		first := true
		b.in = func(in dispatcher.Input) dispatcher.Input {
			if isA[dispatcher.RosterChanged](in) && first {
				first = false
				return in
			}
			if isA[dispatcher.RosterSeen](in) || isA[dispatcher.RosterChanged](in) {
				return nil
			}
			return in
		}
	}), []string{newestBook}},
	{"nobody is told that a race was lost", deafTo(isA[dispatcher.Lost]), []string{goesOn, isPaged, alarmStands, senderTold, byUrgency, reached}},
	{"nobody is told that a call is over", deafTo(isA[dispatcher.Returned]), []string{isPaged, byUrgency, goesOn, reached}},
	{"look-ups say the opposite", tamper{found: func(found bool) bool { return !found }}, []string{trueNews}},
	{"a crash forgets the open requests", unchained(around(func(b *broken) {
		ready := b.n.life == 1
		b.in = func(in dispatcher.Input) dispatcher.Input {
			ready = ready || isA[dispatcher.Ready](in)
			if isA[dispatcher.Committed](in) && !ready {
				return nil
			}
			return in
		}
	})), []string{goesOn, isPaged, quiet, senderTold, alarmStands, answered}},
	{"calls are taken over at once", rewrite(func(n *node, c *request.Commit, b *request.AttemptBody) {
		if c.Node != n.name {
			b.Deadline = request.At(c.Time.Add(-time.Minute))
		}
	}, request.AttemptStarted), []string{takesOver}},
	{"the most urgent page stands behind all others", around(func(b *broken) {
		b.out = func(_ time.Time, c dispatcher.Command) dispatcher.Command {
			a, ok := c.(dispatcher.Append)
			if !ok || !a.Starts || a.Urgency != request.Emergency {
				return c
			}
			b.n.after(6*time.Second, func() { b.n.push(a) }) // its call has time left
			return nil
		}
	}), []string{byUrgency, isPaged}},
	{"pages are sent after they have expired", rewrite(func(_ *node, _ *request.Commit, b *request.PageBody) {
		b.Expires = request.At(b.Expires.Add(time.Hour))
	}, request.PageOrdered), []string{inTime}},
	{"what may not be tried yet is tried", rewrite(func(_ *node, _ *request.Commit, b *request.AttemptBody) {
		b.RetryAt = request.Instant{}
	}, request.AttemptFailed), []string{givesTime}},
	{"alarms are not raised", tamper{brain: func(_ *node, m *dispatcher.Machine) brain { return silentMachine{m} }}, []string{alarmStands, foreseen, handedOver, flagsContacts}},
	{"the watch forgets a gap", forgets(request.AlarmGap), []string{foreseen}},
	{"the watch forgets telephones that nobody verified", forgets(request.AlarmUnverified), []string{foreseen}},
	{"contacts that are refused are forgotten", forgets(request.AlarmFailing), []string{flagsContacts}},
	{"alarms page whatever is far", rewrite(func(_ *node, _ *request.Commit, b *request.AlarmBody) {
		b.Due = request.Instant{}
	}, request.AlarmRaised), []string{lets}},
	{"replies find no page", tamper{brain: func(_ *node, m *dispatcher.Machine) brain { return forgetful{m} }}, []string{answered}},
	{"the end of a shift is forgotten", tamper{brain: func(_ *node, m *dispatcher.Machine) brain { return unwatched{m} }}, []string{handedOver}},
	{"a confirmed handover passes nothing", without(request.HandoverConfirmed), []string{handedOver, quiet}},
	{
		"nobody is told of a handover that nobody confirms",
		tamper{brain: func(_ *node, m *dispatcher.Machine) brain { return resigned{m} }},
		[]string{handedOver},
	},
	{"the second provider is never used", tamper{options: func(o *dispatcher.Options) {
		o.Providers = slices.DeleteFunc(o.Providers, func(p dispatcher.Provider) bool { return p.Name == vendors[1] })
	}}, []string{reached}},
	{"nobody is asked through a second provider while the first says that all is well", tamper{options: func(o *dispatcher.Options) {
		o.Policy.SecondPath = nil
	}}, []string{reached}},
	{"another provider is asked for an earlier attempt", around(func(b *broken) {
		b.out = func(_ time.Time, c dispatcher.Command) dispatcher.Command {
			if call, ok := c.(dispatcher.Call); ok && call.LookUp {
				call.EarlierBy = b.n.w.otherThan(call.EarlierBy)
				return call
			}
			return c
		}
	}), []string{rightOne}},
	{"the provider that a page names is ignored", rewrite(func(_ *node, _ *request.Commit, b *request.PageBody) {
		b.Provider = ""
	}, request.PageOrdered), []string{begins, measured}},
	{"a telephone is called once more than it may be", tamper{options: func(o *dispatcher.Options) { o.Policy.Recalls++ }}, []string{measured}},
	{"codes count for nothing", unjudged(tamper{brain: func(_ *node, m *dispatcher.Machine) brain { return forgetful{m} }}, answered), []string{kept, reached}},
	{"what people wrote is handed out", around(func(b *broken) {
		b.out = func(_ time.Time, c dispatcher.Command) dispatcher.Command {
			if call, ok := c.(dispatcher.Call); ok {
				call.Message.Language = canary
				return call
			}
			return c
		}
	}), []string{sealed}},
}

// budget is how many nights a bug has to show itself.
func budget() int {
	if os.Getenv("DUTYLINE_TEST_PROOF") != "" {
		return 2000
	}
	return 400
}

// TestEverySeededBugIsCaught breaks what is simulated in one way after the other and counts the nights until an invariant notices.
func TestEverySeededBugIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("plays some hundred nights")
	}
	for _, bug := range bugs {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			for nights := range budget() {
				w := play(uint64(nights)+1, nil, bug.tamper, false)
				if w.failed == nil {
					continue
				}
				t.Logf("caught in night %d by %q: %s", nights+1, w.failed.Invariant, w.failed.What)
				if !slices.Contains(bug.by, w.failed.Invariant) {
					t.Errorf("it was noticed by %q, not by any of %q", w.failed.Invariant, bug.by)
				}
				return
			}
			t.Errorf("not caught in %d nights", budget())
		})
	}
}

// TestNightsPass is the control: the same nights without a bug.
func TestNightsPass(t *testing.T) {
	nights := 100
	if testing.Short() {
		nights = 20
	}
	sum := playAll(context.Background(), Options{Nights: nights, Seed: 1}, tamper{}, time.Now())
	for _, v := range sum.Violations {
		t.Errorf("seed %d: %s: %s", v.Seed, v.Invariant, v.What)
	}
	if requests := float64(sum.Requests) / float64(nights); requests < 20 {
		t.Errorf("%.1f requests a night", requests)
	}
	if faults := float64(sum.Technical) / float64(nights); faults < 5 {
		t.Errorf("%.1f faults a night", faults)
	}
	if sum.Alarms == 0 || sum.Lost == 0 || sum.Duplicates > sum.Requests/50 {
		t.Errorf("%d alarms, %d races lost, %d duplicates of %d requests", sum.Alarms, sum.Lost, sum.Duplicates, sum.Requests)
	}
	for _, k := range kinds {
		if !k.request && sum.Faults[k.name] == 0 {
			t.Errorf("%s happened in none of %d nights", k.name, nights)
		}
	}
}

// digest is what a night came to, without what differs in every run: the ids of decisions, and the chains over them.
func digest(w *night) string {
	var out strings.Builder
	for i := range w.log.entries {
		e := &w.log.entries[i]
		c := e.read.Commit()
		out.WriteString(string(e.subject) + " " + e.at.String() + " " + c.Node + " " + c.Time.String())
		for _, event := range c.Events {
			out.WriteString(" " + string(event.Type) + string(event.Body))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func TestANightPlaysTheSameAgain(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		a, b := play(seed, nil, tamper{}, false), play(seed, nil, tamper{}, true)
		if digest(a) != digest(b) || len(b.story.lines) == 0 {
			t.Fatalf("seed %d: two plays differ, of %d and %d commits", seed, a.log.end(), b.log.end())
		}
	}
}

func TestTheResultDoesNotHangOnTheNumberOfWorkers(t *testing.T) {
	var results []string
	for _, workers := range []int{1, 3, runtime.GOMAXPROCS(0)} {
		var out strings.Builder
		if err := Run(t.Context(), Options{Nights: 12, Seed: 5, Workers: workers, JSON: true, Out: &out}); err != nil {
			t.Fatal(err)
		}
		results = append(results, out.String())
	}
	if results[0] != results[1] || results[0] != results[2] || !strings.HasPrefix(results[0], `{"type":"result","nights":12,"seed":5,"requests":`) {
		t.Errorf("results %s", results)
	}
}

func TestAViolationIsShrunkAndTold(t *testing.T) {
	bug := without(request.Acknowledged)
	var v *Violation
	for seed := uint64(1); v == nil; seed++ {
		v = play(seed, nil, bug, false).failed
	}
	var out strings.Builder
	if err := v.tell(t.Context(), &out, bug); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	_, left := shrink(t.Context(), *v, bug)
	if left > 4 || len(strings.Split(text, "\n")) > 40 {
		t.Errorf("%d disturbances and requests are left of %d:\n%s", left, len((&night{seed: v.Seed}).draw()), text)
	}
	for _, want := range []string{"seed", "is received", "has it", v.Invariant} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestWhoeverInterruptsIsToldWhatWasPlayed(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var out strings.Builder
	stop()
	err := Run(ctx, Options{Nights: 1000, Seed: 1, Out: &out})
	if err == nil || !strings.Contains(err.Error(), "stopped after 0 of 1000 nights") {
		t.Errorf("error %v", err)
	}
}
