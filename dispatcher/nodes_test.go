package dispatcher_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const gone = 3 * time.Second // after which a dead node is missed

// join starts nodes that know of each other.
func (w *world) join(names ...string) {
	for _, name := range names {
		w.start(name)
	}
	w.tellLive()
}

// tellLive tells every node which ones live.
func (w *world) tellLive(last ...string) {
	var live []string
	for _, n := range w.nodes {
		if !n.dead {
			live = append(live, n.name)
		}
	}
	for _, n := range w.nodes {
		w.step(n, dispatcher.LiveChanged{Nodes: live, Last: last})
	}
}

// kill stops a node; the others miss it when its presence is over.
func (w *world) kill(name string) {
	w.node(name).dead = true
	w.at(gone, func() { w.tellLive() })
}

// node is the newest life under a name.
func (w *world) node(name string) *node {
	for _, n := range slices.Backward(w.nodes) {
		if n.name == name {
			return n
		}
	}
	w.t.Fatalf("no node %s", name)
	return nil
}

// decider is the node that wrote an event of a request, the n-th of its type.
func (w *world) decider(ref request.Ref, kind request.EventType, nth int) (node string, at time.Time) {
	w.t.Helper()
	for _, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range c.Events {
			if e.Type != kind {
				continue
			}
			if nth--; nth == 0 {
				return c.Node, c.Time.Time
			}
		}
	}
	w.t.Fatalf("%s is missing in %v", kind, w.events(ref))
	return "", time.Time{}
}

func (w *world) counted(ref request.Ref, kind request.EventType) int {
	n := 0
	for _, e := range w.events(ref) {
		if e == kind {
			n++
		}
	}
	return n
}

func TestEachStepIsDecidedOnceAndWithoutARace(t *testing.T) {
	for _, names := range [][]string{{"n1", "n2"}, {"n1", "n2", "n3"}} {
		w := newWorld(t)
		w.join(names...)
		var refs []request.Ref
		for n := range 60 {
			refs = append(refs, w.raise(n, request.Emergency))
		}
		w.run(3 * time.Minute) // also the second level
		deciders := map[string]int{}
		for _, ref := range refs {
			if e, p, a := w.counted(ref, request.Escalated), w.counted(ref, request.PageOrdered), w.counted(ref, request.AttemptStarted); e != 2 || p != 2 || a != 2 {
				t.Errorf("%d escalations, %d pages, %d attempts", e, p, a)
			}
			who, at := w.decider(ref, request.Escalated, 1)
			if deciders[who]++; at.Sub(w.state(ref).Received) > 10*time.Millisecond {
				t.Errorf("decided %s after it was due", at.Sub(w.state(ref).Received))
			}
		}
		if w.conflicts > 0 || len(w.calls) != 120 {
			t.Errorf("%d nodes: %d decisions lost a race, %d calls", len(names), w.conflicts, len(w.calls))
		}
		for _, name := range names {
			if deciders[name] < 60/len(names)/3 {
				t.Errorf("the nodes do not share the work: %v", deciders)
			}
		}
	}
}

func TestWithoutPresenceNodesActAtOnceAndTheLogDecides(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	w.start("n2") // neither hears of the other
	ref := w.raise(1, request.Emergency)
	w.run(time.Minute)
	if _, at := w.decider(ref, request.Escalated, 1); at.After(w.state(ref).Received) {
		t.Errorf("decided at %s, received at %s", at, w.state(ref).Received)
	}
	if w.conflicts == 0 || w.counted(ref, request.Escalated) != 1 || len(w.calls) != 1 {
		t.Errorf("%d conflicts, %d calls, log %v", w.conflicts, len(w.calls), w.events(ref))
	}
}

func TestWhoeverDiesIsReplacedInTime(t *testing.T) {
	names := []string{"n1", "n2", "n3"}
	var latest, latestAttempt time.Duration
	for n := range 40 {
		for _, victims := range [][]string{{"n1"}, {"n2"}, {"n3"}, {"n1", "n2"}, {"n2", "n3"}, {"n1", "n3"}} {
			w := newWorld(t)
			w.join(names...)
			ref := w.raise(n, request.Critical) // due at once
			for _, victim := range victims {
				w.kill(victim)
			}
			due := w.now
			w.run(6 * time.Second)
			_, ordered := w.decider(ref, request.PageOrdered, 1)
			_, started := w.decider(ref, request.AttemptStarted, 1)
			latest, latestAttempt = max(latest, ordered.Sub(due)), max(latestAttempt, started.Sub(due))
			if len(w.calls) != 1 || w.counted(ref, request.Escalated) != 1 {
				t.Errorf("without %v: %d calls, log %v", victims, len(w.calls), w.events(ref))
			}
		}
	}
	t.Logf("latest page_ordered %s after it was due, latest attempt_started %s", latest, latestAttempt)
	if latest > 500*time.Millisecond || latest < 2*150*time.Millisecond || latestAttempt > 5*time.Second || latestAttempt < gone {
		t.Errorf("page_ordered up to %s, attempt_started up to %s after it was due", latest, latestAttempt)
	}
}

func TestALaneIsServedByOneNodeAtTheProvidersRate(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 2, PerRecipient: 50}
	w.policy.FirstSend = time.Hour // a step waits for its text
	w.join("n1", "n2", "n3")
	for n := range 100 {
		w.raise(n, request.Urgent)
	}
	w.run(20 * time.Second)
	urgent := w.now
	emergency := w.raise(100, request.Emergency)
	w.run(19 * time.Second)
	callers := map[string]int{}
	for _, c := range w.calls {
		callers[c.node]++
		if c.Message.Ref == emergency && c.at.Sub(urgent) > time.Second {
			t.Errorf("an emergency waited %s behind others", c.at.Sub(urgent))
		}
	}
	if len(callers) != 1 || len(w.calls) < 76 || len(w.calls) > 80 {
		t.Errorf("in 39 s at 2 a second: calls %v", callers)
	}
}

// mostWithin is the greatest number of calls within a time.
func (w *world) mostWithin(d time.Duration) int {
	most := 0
	for i, c := range w.calls {
		n := 0
		for _, later := range w.calls[i:] {
			if later.at.Sub(c.at) < d {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestTheNextNodeTakesALaneOverWithItsRate(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 2, PerRecipient: 50}
	w.policy.FirstSend = time.Hour
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	w.join("n1", "n2", "n3")
	for n := range 100 {
		w.raise(n, request.Urgent)
	}
	w.run(10 * time.Second)
	first, died := w.calls[0].node, w.now
	w.kill(first)
	w.run(20 * time.Second)
	i := slices.IndexFunc(w.calls, func(c called) bool { return c.node != first })
	if i < 0 || w.calls[i].at.Sub(died) > gone+100*time.Millisecond {
		t.Fatalf("nobody took the lane of %s over in time", first)
	}
	second := w.calls[i].node
	back := w.now
	w.start(first)
	w.tellLive()
	w.run(10 * time.Second)
	last := map[string]int{}
	for _, c := range w.calls {
		if c.at.After(back.Add(time.Second)) {
			last[c.node]++
		}
	}
	if len(last) != 1 || last[first] < 15 {
		t.Errorf("%s served, then %s, then %v", first, second, last)
	}
	if most := w.mostWithin(5 * time.Second); most > 2*5+2 {
		t.Errorf("%d calls within 5 s at 2 a second", most)
	}
	ids := map[string]int{}
	for _, c := range w.calls {
		ids[string(c.Message.Ref)+c.Message.Page]++
	}
	for id, n := range ids {
		if n > 2 { // the call that died with the node is looked up and made again
			t.Errorf("%s was called %d times", id, n)
		}
	}
}

func TestALaneWhoseFirstNodeLivesAndDoesNothingIsServedByTheNext(t *testing.T) {
	w := newWorld(t)
	w.join("n1", "n2", "n3")
	probe := w.raise(1, request.Urgent)
	w.run(time.Second)
	if len(w.calls) != 1 {
		t.Fatalf("log %v", w.events(probe))
	}
	w.node(w.calls[0].node).dead = true // and its presence goes on
	began := w.now
	w.raise(2, request.Critical)
	w.run(30 * time.Second)
	w.raise(3, request.Critical)
	w.run(time.Second)
	if len(w.calls) != 3 || w.calls[1].at.Sub(began) > 20*time.Second || w.calls[2].at.Sub(began) > 31*time.Second {
		t.Errorf("paged %s", w.paged(began))
	}
}

func TestANodeWhoseClockIsDoubtedRanksLast(t *testing.T) {
	w := newWorld(t)
	w.join("n1", "n2", "n3")
	w.tellLive("n2")
	for n := range 60 {
		w.raise(n, request.Urgent)
	}
	w.run(time.Minute)
	for n := range 60 {
		if who, _ := w.decider(w.log[n].ref, request.Escalated, 1); who == "n2" {
			t.Fatal("it decided")
		}
	}
	if slices.ContainsFunc(w.calls, func(c called) bool { return c.node == "n2" }) {
		t.Error("it served a lane")
	}
	w.kill("n1")
	w.kill("n3")
	ref := w.raise(100, request.Urgent)
	w.run(10 * time.Second)
	if who, _ := w.decider(ref, request.AttemptStarted, 1); who != "n2" {
		t.Errorf("%s paged", who)
	}
}

func TestAfterAStopOfAllNodesOneStepIsTakenForWhoeverIsOnDutyNow(t *testing.T) {
	w := newWorld(t)
	w.run(6*24*time.Hour + 17*time.Hour) // Monday 05:00, the turn changes at 08:00
	w.join("n1", "n2", "n3")
	ref := w.raise(1, request.Critical)
	w.run(time.Minute)
	for _, name := range []string{"n1", "n2", "n3"} {
		w.node(name).dead = true
	}
	w.run(3 * time.Hour)
	began, calls := w.now, len(w.calls)
	w.join("n1", "n2", "n3")
	w.run(time.Minute)
	w.calls = w.calls[calls:]
	// The second level was overdue, and meanwhile bruno's turn has begun, who was never asked: the first level is taken once more, for him.
	s := w.state(ref)
	if e := w.counted(ref, request.Escalated); e != 2 || len(w.calls) != 1 {
		t.Errorf("%d steps, paged %s", e, w.paged(began))
	}
	duty, _ := w.compiled().At("", w.now)
	if p := s.Pages[len(s.Pages)-1]; p.Level != 1 || len(duty.OnDuty) == 0 || p.Person != duty.OnDuty[0].Person {
		t.Errorf("paged %s of level %d, on duty is %v", p.Person, p.Level, duty.OnDuty)
	}
	w.run(3 * time.Minute) // the wait counts anew
	if e := w.counted(ref, request.Escalated); e != 3 {
		t.Errorf("%d steps three minutes later", e)
	}
}

func TestNobodyIsCalledBetweenTheAcknowledgementAndTheTurnOfThisNode(t *testing.T) {
	waited := 0
	for offset := range 10 {
		w := newWorld(t)
		w.limit = notifier.Limit{PerSecond: 5, PerRecipient: 50}
		w.join("n1", "n2")
		w.raise(0, request.Emergency)
		w.run(5 * time.Second)
		for _, n := range w.nodes { // the other one comes first for half of the requests, and is dead
			n.dead = n.name != w.calls[0].node
		}
		var refs []request.Ref
		for n := range 30 {
			refs = append(refs, w.raise(n+1, request.Emergency))
		}
		w.run(200*time.Millisecond + time.Duration(offset)*20*time.Millisecond)
		for _, ref := range refs { // as by a version that leaves the pages to the nodes
			w.decide(w.state(ref), request.ByOfficer, request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Person: "ada", Via: request.ViaWeb}))
		}
		w.run(time.Minute)
		for _, ref := range refs {
			events := w.events(ref)
			taken := slices.Index(events, request.Acknowledged)
			if slices.Contains(events[taken:], request.AttemptStarted) || slices.Contains(events[taken:], request.AttemptTakenOver) {
				t.Errorf("log %v", events)
			}
			if slices.Contains(events[taken:], request.PageCancelled) {
				waited++
			}
		}
	}
	if waited < 100 {
		t.Errorf("%d pages waited when their requests were taken", waited)
	}
}

func TestNodesThatDieAndComeBackAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t)
		w.limit = notifier.Limit{PerSecond: 5, PerRecipient: 50}
		w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
		names := []string{"n1", "n2", "n3"}
		w.join(names...)
		var refs []request.Ref
		at := time.Duration(0)
		for n := range 30 {
			at += time.Duration((seed*7+uint64(n)*13)%17) * 500 * time.Millisecond
			w.at(at, func() { refs = append(refs, w.raise(n, request.Emergency)) })
			victim := names[(seed+uint64(n)*5)%3]
			if n%3 == 0 {
				w.at(at+time.Duration(n%7)*time.Millisecond, func() { w.kill(victim) })
				w.at(at+time.Duration(1+n%9)*time.Second, func() {
					if w.node(victim).dead {
						w.start(victim)
						w.tellLive()
					}
				})
			}
		}
		w.run(12 * time.Minute)
		for _, ref := range refs {
			steps := map[string]bool{}
			for _, entry := range w.log {
				if entry.ref != ref {
					continue
				}
				c, _ := request.Decode(entry.data)
				for _, e := range c.Events {
					if e.Type != request.Escalated {
						continue
					}
					var step request.EscalatedBody
					if err := json.Unmarshal(e.Body, &step); err != nil {
						t.Fatal(err)
					}
					place := fmt.Sprintf("level %d, round %d", step.Level, step.Round)
					if steps[place] && step.Cause != request.CauseRoster {
						t.Errorf("seed %d: a step was decided twice: %s", seed, place)
					}
					steps[place] = true
				}
			}
			if s := w.state(ref); len(steps) < 5 || s.Pages[0].Attempts == nil {
				t.Errorf("seed %d: %d steps, first page %s", seed, len(steps), fmt.Sprint(s.Pages[0].State))
			}
		}
	}
}
