package dispatcher_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func body[B any](t testing.TB, e request.Event) (b B) {
	t.Helper()
	if err := json.Unmarshal(e.Body, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// tally is what nights saw.
type tally struct {
	acknowledged, inFlight, most, cancelled, givenBack int
}

// audit walks the log of a request in its order, without the fold. From acknowledged on, until it is undone, lapses or its owner passes,
// no attempt of an asking page may begin or be taken over; nor after the request was withdrawn.
func (w *world) audit(ref request.Ref, seen *tally) {
	w.t.Helper()
	asks, flying := map[string]bool{}, map[string]bool{}
	owner, over := "", false
	for _, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range c.Events {
			switch e.Type {
			case request.PageOrdered:
				p := body[request.PageBody](w.t, e)
				asks[p.Page] = p.Purpose == request.Ask
			case request.AttemptStarted, request.AttemptTakenOver:
				a := body[request.AttemptBody](w.t, e)
				if asks[a.Page] && (owner != "" || over) {
					w.t.Errorf("%s of %s while %q has the request (over: %t): %v", e.Type, a.Attempt, owner, over, w.events(ref))
				}
				flying[a.Attempt] = asks[a.Page]
			case request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed:
				delete(flying, body[request.AttemptBody](w.t, e).Attempt)
			case request.Acknowledged:
				if owner != "" {
					w.t.Errorf("two owners: %v", w.events(ref))
				}
				owner = body[request.AcknowledgedBody](w.t, e).Person
				n := 0
				for _, ask := range flying {
					if ask {
						n++
					}
				}
				seen.acknowledged++
				seen.inFlight += n
				seen.most = max(seen.most, n)
			case request.PageCancelled:
				seen.cancelled++
			case request.Passed:
				if body[request.PassedBody](w.t, e).Person == owner {
					owner = ""
					seen.givenBack++
				}
			case "acknowledgement_undone", "acknowledgement_lapsed":
				owner = ""
				seen.givenBack++
			case request.Withdrawn:
				over = true
			default: // of no matter here
			}
		}
	}
}

// night plays two nodes that crash, a provider that is slow, fails and lies, telephones that ring, and people who take requests, pass them
// on and take them back to the minute and to the millisecond.
func night(t *testing.T, seed uint64, seen *tally) {
	random := rand.New(rand.NewPCG(seed, 0))
	within := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	people := []string{"ada", "bruno", "carmen", "dalia", "erik"}
	w := newVoiceWorld(t)
	if random.IntN(2) == 0 {
		w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen", "person:dalia", "person:erik"}}
	}
	w.limit = notifier.Limit{PerSecond: []float64{0, 1, 10}[random.IntN(3)]}
	if w.second = random.IntN(2) == 0; w.second {
		w.silent = func(dispatcher.Call) bool { return random.IntN(3) == 0 }
	}
	take := func(ref request.Ref) { w.acknowledge(ref, people[random.IntN(5)]) }
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		switch random.IntN(12) { // somebody answers while this call is under way, or when the next one begins
		case 0:
			w.at(within(10*time.Millisecond), func() { take(c.Message.Ref) })
		case 1:
			w.at(98*time.Millisecond+within(8*time.Millisecond), func() { take(c.Message.Ref) })
		}
		switch random.IntN(8) {
		case 0:
			return within(time.Second), notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		case 1:
			return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		case 2:
			return within(time.Second), notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		default:
			return within(2 * time.Second), notifier.Accepted{ProviderID: "X" + string(c.Message.Ref) + c.Message.Attempt}
		}
	}
	w.find = func(dispatcher.Call) notifier.Outcome {
		if random.IntN(2) == 0 {
			return notifier.NotFound{}
		}
		return notifier.Accepted{ProviderID: "found"}
	}
	for _, name := range []string{"n1", "n2"} {
		n := w.start(name)
		for range random.IntN(3) {
			w.at(within(time.Hour), func() {
				n.dead = true
				w.at(within(time.Minute), func() { n = w.start(name) })
			})
		}
	}
	var refs []request.Ref
	for n := range 1 + random.IntN(5) {
		w.run(within(10 * time.Minute))
		ref := w.raise(n, request.Urgencies[random.IntN(len(request.Urgencies))])
		refs = append(refs, ref)
		for range random.IntN(4) {
			w.at(within(30*time.Minute), func() { take(ref) })
		}
		for range random.IntN(4) { // whoever has it gives it back
			w.at(within(40*time.Minute), func() {
				s := w.state(ref)
				if events, _ := dispatcher.Pass(s, s.Owner, "", request.ViaWeb); s.Owner != "" {
					w.decide(s, request.ByOfficer, events...)
				}
			})
		}
		if random.IntN(5) == 0 {
			w.at(within(time.Hour), func() {
				if s := w.state(ref); !s.Status.Ended() {
					w.decide(s, request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
				}
			})
		}
	}
	w.run(2 * time.Hour)
	for _, ref := range refs {
		w.audit(ref, seen)
	}
}

func TestNobodyIsAskedAfterTheAcknowledgementInAnyNight(t *testing.T) {
	nights := fifth(120)
	var seen tally
	for seed := range uint64(nights) {
		night(t, seed, &seen)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d nights, %d acknowledgements, %d sends in flight at that moment, at most %d at one; %d pages called off, %d requests given back",
		nights, seen.acknowledged, seen.inFlight, seen.most, seen.cancelled, seen.givenBack)
	if seen.acknowledged < nights || seen.inFlight < nights/10 || seen.most < 2 || seen.cancelled < nights/10 || seen.givenBack < nights/10 {
		t.Errorf("the nights were too quiet: %+v", seen)
	}
}
