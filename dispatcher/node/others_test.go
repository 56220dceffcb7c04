package node_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/presence"
	"github.com/dutyline/dutyline/request"
)

// company is what a node hears the others and the log's time by. silent ends its connection.
func (w *world) company(name string) (clock *node.Clock, p node.Presence, logTime func(context.Context) (time.Time, error), silent func()) {
	w.t.Helper()
	nc, err := w.server.Connect()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	began := time.Now()
	wall := time.Now
	if w.wall != nil {
		wall = func() time.Time { return w.wall(name) }
	}
	clock = dispatcher.NewClockOf(wall, func() time.Duration { return time.Since(began) })
	return clock, beats{nc, clock}, w.log.Time, nc.Close
}

// beats is presence as package app wires it.
type beats struct {
	nc    *nats.Conn
	clock *node.Clock
}

func (b beats) Follow(ctx context.Context, self func() (node.Peer, bool), fn func([]node.Peer)) error {
	return presence.Follow(ctx, b.nc, func() presence.Beat {
		as, serves := self()
		return presence.Beat{Node: as.Name, Time: b.clock.Now(), Serves: serves, Last: as.Last}
	}, func(list []presence.Beat) {
		var peers []node.Peer
		for _, one := range list {
			peers = append(peers, node.Peer{Name: one.Node, Last: one.Last})
		}
		fn(peers)
	}, zap.NewNop())
}

// crash ends a node as a kill does: it writes nothing any more and is not heard.
func (l *life) crash() {
	l.log.set(func() { l.log.cut = true })
	l.silent()
}

// wrote gives the node and the time of the n-th event of a type, from 1.
func (w *world) wrote(ref request.Ref, kind request.EventType, nth int) (by string, at time.Time) {
	w.t.Helper()
	history, err := (&line{log: w.log}).History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, stored := range history {
		c, err := request.Decode(stored.Data)
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

func TestThreeNodesShareTheRequestsAndOneServesTheLane(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.nodes, w.limit = true, notifier.Limit{PerSecond: 4, PerRecipient: 50}
		lives := []*life{w.start("n1"), w.start("n2"), w.start("n3")}
		w.pass(2 * time.Second)
		if got := lives[0].Others(); !slices.Equal(got, []string{"n2", "n3"}) {
			t.Fatalf("n1 hears of %v", got)
		}
		for _, l := range lives {
			l.log.set(func() { l.log.latency = func() time.Duration { return 5 * time.Millisecond } }) // a slow log, as between three sites
		}
		began := time.Now()
		var refs []request.Ref
		for range 40 {
			refs = append(refs, w.raise(request.Emergency))
		}
		w.pass(8 * time.Second)
		if n := len(w.phones.got("")); n < 32 || n > 37 {
			t.Errorf("%d texts in eight seconds at four a second", n)
		}
		w.pass(10 * time.Second)
		deciders, servers := map[string]int{}, map[string]int{}
		for _, ref := range refs {
			decider, _ := w.wrote(ref, request.Escalated, 1)
			server, _ := w.wrote(ref, request.AttemptStarted, 1)
			deciders[decider]++
			servers[server]++
			if w.count(ref, request.Escalated) != 1 || w.count(ref, request.AttemptStarted) != 1 || len(w.phones.got(ref)) != 1 {
				t.Errorf("log %v", w.events(ref))
			}
		}
		lost := 0
		for _, l := range lives {
			l.log.set(func() { lost += l.log.lost })
		}
		if len(deciders) != 3 || len(servers) != 1 || lost > 4 {
			t.Errorf("decided by %v, served by %v, %d decisions lost a race", deciders, servers, lost)
		}
		t.Logf("%d requests in %s: decided by %v, served by %v, %d decisions lost a race", len(refs), time.Since(began), deciders, servers, lost)
	})
}

func TestANodeThatDiesIsMissedForThreeSeconds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.nodes = true
		lives := map[string]*life{"n1": w.start("n1"), "n2": w.start("n2"), "n3": w.start("n3")}
		w.pass(2 * time.Second)
		probe := w.raise(request.Urgent)
		w.pass(time.Second)
		server, _ := w.wrote(probe, request.AttemptStarted, 1)
		lives[server].crash()
		died := time.Now()
		var refs []request.Ref
		for range 12 {
			refs = append(refs, w.raise(request.Emergency))
		}
		w.pass(20 * time.Second)
		for _, ref := range refs {
			_, ordered := w.wrote(ref, request.PageOrdered, 1)
			by, started := w.wrote(ref, request.AttemptStarted, 1)
			if ordered.Sub(died) > 500*time.Millisecond || started.Sub(died) > 5*time.Second || by == server {
				t.Errorf("page ordered after %s, attempt started by %s after %s", ordered.Sub(died), by, started.Sub(died))
			}
			if w.count(ref, request.Escalated) != 1 || len(w.phones.got(ref)) != 1 {
				t.Errorf("%d texts, log %v", len(w.phones.got(ref)), w.events(ref))
			}
		}
		w.start(server)
		w.pass(time.Second)
		back := w.raise(request.Urgent)
		w.pass(time.Second)
		if by, _ := w.wrote(back, request.AttemptStarted, 1); by != server {
			t.Errorf("%s served after %s came back", by, server)
		}
	})
}

func TestANodeThatStopsInOrderIsReplacedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.nodes = true
		lives := map[string]*life{"n1": w.start("n1"), "n2": w.start("n2")}
		w.pass(2 * time.Second)
		probe := w.raise(request.Urgent)
		w.pass(time.Second)
		server, _ := w.wrote(probe, request.AttemptStarted, 1)
		lives[server].stop()
		for range 5 {
			began := time.Now()
			ref := w.raise(request.Emergency)
			w.pass(100 * time.Millisecond)
			if got := w.phones.got(ref); len(got) != 1 || got[0].at.Sub(began) > 50*time.Millisecond {
				t.Errorf("texts %v", got)
			}
		}
	})
}

func TestANodeCutOffFromTheOthersActsAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.nodes = true
		lives := map[string]*life{"n1": w.start("n1"), "n2": w.start("n2")}
		w.pass(2 * time.Second)
		lives["n1"].silent() // it writes, and neither is heard nor hears
		w.pass(4 * time.Second)
		if a, b := lives["n1"].Others(), lives["n2"].Others(); len(a)+len(b) != 0 {
			t.Fatalf("they hear of %v and %v", a, b)
		}
		for range 10 {
			began := time.Now()
			ref := w.raise(request.Emergency)
			w.pass(time.Second)
			if got := w.phones.got(ref); len(got) != 1 || got[0].at.Sub(began) > 50*time.Millisecond || w.count(ref, request.Escalated) != 1 {
				t.Errorf("texts %v, log %v", got, w.events(ref))
			}
		}
	})
}

func TestAWallClockThatIsSetMovesNoPage(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour} {
		for when, atStart := range map[string]bool{"before the start": true, "while it runs": false} {
			t.Run(name+" "+when, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.nodes = true
					var set atomic.Bool
					set.Store(atStart)
					w.wall = func(name string) time.Time {
						if name == "n1" && set.Load() {
							return time.Now().Add(off)
						}
						return time.Now()
					}
					n1, n2 := w.start("n1"), w.start("n2")
					w.pass(2 * time.Second)
					began := time.Now()
					refs := []request.Ref{w.raise(request.Critical), w.raise(request.Critical), w.raise(request.Critical), w.raise(request.Critical)}
					w.pass(10 * time.Second)
					set.Store(true)
					w.pass(7 * time.Minute)
					for _, ref := range refs {
						var at []string
						for _, text := range w.phones.got(ref) {
							at = append(at, text.at.Sub(began).Round(time.Second).String())
						}
						if !slices.Equal(at, []string{"0s", "3m0s", "6m0s"}) {
							t.Errorf("paged at %v", at)
						}
						for n := 2; n <= 3; n++ {
							if by, _ := w.wrote(ref, request.Escalated, n); by != "n2" {
								t.Errorf("step %d was taken by %s, whose clock is doubted", n, by)
							}
						}
					}
					if got := n1.ClockOffset(); got.Round(time.Second) != -off {
						t.Errorf("n1 finds the log ahead by %s", got)
					}
					if n2.ClockOffset() != 0 {
						t.Errorf("n2 finds the log ahead by %s", n2.ClockOffset())
					}
				})
			})
		}
	}
}
