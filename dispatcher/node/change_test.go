package node_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func TestUndoThatRacesWithOthers(t *testing.T) {
	const seed = 11
	t.Logf("seed %d", seed)
	inWorld(t, func(t *testing.T, w *world) {
		w.limit = notifier.Limit{PerRecipient: 50}
		nodes := []*life{w.start("n1"), w.start("n2")}
		random := rand.New(rand.NewPCG(seed, 0))
		var mu sync.Mutex
		draw := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return random.IntN(n)
		}
		for _, n := range nodes {
			n.log.set(func() {
				n.log.latency = func() time.Duration { return time.Duration(draw(4000)) * time.Microsecond }
			})
		}
		var refs []request.Ref
		var acts sync.WaitGroup
		var won [2]int // by the undo, by the pass
		for i := range 40 {
			ref := w.raise(request.Emergency)
			refs = append(refs, ref)
			acts.Go(func() {
				time.Sleep(time.Second)
				if out, err := nodes[i%2].Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil || out.Kind != notifier.Taken {
					t.Errorf("acknowledge: %+v, %v", out, err)
				}
				var race sync.WaitGroup
				var undone, passed node.Outcome
				race.Go(func() {
					time.Sleep(time.Duration(draw(6000)) * time.Microsecond)
					var err error
					undone, err = nodes[i%2].Undo(t.Context(), ref, "ada", request.ViaWeb)
					if err != nil || !slices.Contains([]notifier.AnswerKind{notifier.Undone, notifier.NotYours, notifier.AlreadyTaken}, undone.Kind) {
						t.Errorf("undo: %+v, %v", undone, err)
					}
				})
				race.Go(func() {
					time.Sleep(time.Duration(draw(6000)) * time.Microsecond)
					var err error
					passed, err = nodes[(i+1)%2].Pass(t.Context(), ref, "ada", "", "", request.ViaWeb)
					if err != nil || !slices.Contains([]notifier.AnswerKind{notifier.PassedOn, notifier.AlreadyTaken}, passed.Kind) {
						t.Errorf("pass: %+v, %v", passed, err)
					}
				})
				race.Go(func() {
					time.Sleep(time.Duration(draw(12000)) * time.Microsecond)
					out, err := nodes[(i+1)%2].Acknowledge(t.Context(), ref, "carmen", "", request.ViaWeb)
					if err != nil || (out.Kind != notifier.Taken && out.Kind != notifier.AlreadyTaken) {
						t.Errorf("acknowledge: %+v, %v", out, err)
					}
				})
				race.Wait()
				mu.Lock()
				defer mu.Unlock()
				if undone.Kind == notifier.Undone {
					won[0]++
				} else {
					won[1]++
				}
			})
		}
		acts.Wait()
		w.pass(10 * time.Minute)
		taken := 0
		for _, ref := range refs {
			if w.nobodyIsCalledWhileSomebodyHasIt(ref); w.state(ref).Owner == "carmen" {
				taken++
			}
			if undone, passed := w.count(ref, request.AcknowledgementUndone), w.count(ref, request.Passed); undone+passed == 0 {
				t.Errorf("neither undone nor passed: %v", w.events(ref))
			}
		}
		t.Logf("the undo won %d times, the pass %d times, %d were taken by somebody else", won[0], won[1], taken)
		if won[0] == 0 || won[1] == 0 || taken == 0 || taken == len(refs) {
			t.Error("they did not race")
		}
	})
}

func TestUndoOfWhatSomebodyElseHasNamesTheCallSign(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		if _, err := n.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		if out, err := n.Undo(t.Context(), ref, "bruno", request.ViaWeb); err != nil || out.Kind != notifier.AlreadyTaken || out.CallSign != "KESTREL" {
			t.Errorf("%+v, %v", out, err)
		}
		w.pass(w.policy.UndoWindow)
		if out, err := n.Undo(t.Context(), ref, "ada", request.ViaWeb); err != nil || out.Kind != notifier.UndoOver {
			t.Errorf("%+v, %v", out, err)
		}
		if _, err := n.Undo(t.Context(), "7K4M2QX9D", "ada", request.ViaWeb); !errors.Is(err, node.ErrNotFound) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAnUnreadAcknowledgementLapsesOnceOverTwoNodes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.policy.AckLapse = 5 * time.Minute
		n := w.start("n1")
		w.start("n2")
		began := time.Now()
		unread, read := w.raise(request.Urgent), w.raise(request.Urgent)
		w.pass(time.Second)
		for _, ref := range []request.Ref{unread, read} {
			if _, err := n.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(4 * time.Minute)
		if err := n.Opened(t.Context(), read, "ada"); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Minute)
		if got := w.phones.to(began); got != "ada@0 ada@0 bruno@301" {
			t.Errorf("paged %s", got)
		}
		if l := w.count(unread, request.AcknowledgementLapsed); l != 1 || w.count(read, request.AcknowledgementLapsed) != 0 || w.state(read).Owner != "ada" {
			t.Errorf("%d lapses: %v", l, w.events(unread))
		}
	})
}

func TestUrgencyIsChangedWithItsClocksAndASealedReason(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Routine)
		coordinator := request.Actor{Kind: request.ByCoordinator, ID: "c1"}
		out, err := n.ChangeUrgency(t.Context(), ref, coordinator, request.Critical, "funds move")
		if err != nil || out.Kind != notifier.UrgencyStands || out.Seq == 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		w.pass(time.Second)
		if len(w.phones.got(ref)) != 1 || w.phones.got(ref)[0].Urgency != request.Critical {
			t.Errorf("texts %+v", w.phones.got(ref))
		}
		if s := w.state(ref); len(s.Due) != 1 || s.Urgency != request.Critical {
			t.Errorf("due %v, urgency %s", s.Due, s.Urgency)
		}
		history, err := (&line{log: w.log}).History(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, stored := range history {
			c, _ := request.Decode(stored.Data)
			for _, e := range c.Events {
				if e.Type == request.UrgencyChanged {
					found = c.Actor == coordinator && len(e.Sealed) > 0 && c.MinReader == 2
				}
			}
		}
		if !found {
			t.Error("no urgency_changed by the coordinator with a sealed reason")
		}
		if out, err := n.ChangeUrgency(t.Context(), ref, coordinator, request.Urgent, ""); err != nil || out.Kind != notifier.ReasonNeeded || out.Seq != 0 {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

func TestUrgencyStaysWhileItsClocksCannotBeRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		broken := true
		w.clocks = func(context.Context, *request.State, request.Urgency) ([]request.Due, error) {
			if broken {
				return nil, errors.New("the vault is away")
			}
			return []request.Due{{Clock: "provide", Rule: "r"}}, nil
		}
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		officer := request.Actor{Kind: request.ByOfficer, ID: "ada"}
		if _, err := n.ChangeUrgency(t.Context(), ref, officer, request.Emergency, ""); !errors.Is(err, node.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		if s := w.state(ref); s.Urgency != request.Urgent {
			t.Errorf("urgency %s", s.Urgency)
		}
		broken = false
		if out, err := n.ChangeUrgency(t.Context(), ref, officer, request.Emergency, ""); err != nil || out.Seq == 0 || len(w.state(ref).Due) != 1 || w.state(ref).Due[0].Rule != "r" {
			t.Errorf("%+v, %v, due %v", out, err, w.state(ref).Due)
		}
	})
}
