package node_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// told keeps which node told which version.
type told struct {
	mu   sync.Mutex
	list []string
}

func (t *told) by(name string) func(*request.State) {
	return func(s *request.State) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.list = append(t.list, fmt.Sprintf("%s: %d %s", name, s.Version, s.Status))
	}
}

// presenceSettles is longer than it takes to know who serves.
const presenceSettles = 5 * time.Second

// take gives what was told since.
func (t *told) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.list
	t.list = nil
	return list
}

func TestEachChangeOfAStatusIsToldByOneNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.nodes = true
		a, b, c := w.start("a"), w.start("b"), w.start("c")
		w.pass(presenceSettles)
		want := func(what string, lines ...string) {
			t.Helper()
			if got := w.told.take(); !slices.Equal(got, lines) {
				t.Errorf("%s: told %q, want %q", what, got, lines)
			}
		}
		ref := w.raise(request.Critical)
		w.pass(0)
		want("written by a process that does not serve", "a: 1 received")
		w.pass(presenceSettles) // pages, attempts, deliveries: nothing that the sender sees
		want("pages")
		taken, err := b.Acknowledge(t.Context(), ref, "ada", "", request.ViaAPI)
		if err != nil || taken.Seq == 0 {
			t.Fatal(taken, err)
		}
		w.pass(0)
		want("an acknowledgement", "b: 2 acknowledged")
		if _, err := b.Acknowledge(t.Context(), ref, "ada", "", request.ViaAPI); err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		want("the same again")
		a.crash()
		a.stop()
		w.pass(presenceSettles)
		w.told.take()
		w.withdraw(ref)
		w.pass(0)
		want("the first is gone", "b: 3 withdrawn")
		b.stop()
		c.stop()
		w.told.take()
		w.start("d") // reads what happened, and tells nothing of it
		w.pass(presenceSettles)
		want("after a start")
	})
}

func TestAStatusIsToldInTheOrderOfTheLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Critical)
		w.pass(0)
		for range 3 {
			if _, err := n.Acknowledge(t.Context(), ref, "ada", "", request.ViaAPI); err != nil {
				t.Fatal(err)
			}
			if _, err := n.Undo(t.Context(), ref, "ada", request.ViaAPI); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(0)
		var want []string
		for v := 1; v <= 7; v++ {
			want = append(want, fmt.Sprintf("n1: %d %s", v, []request.Status{request.StatusAcknowledged, request.StatusReceived}[v%2]))
		}
		if got := w.told.take(); !slices.Equal(got, want) {
			t.Errorf("told %q", got)
		}
	})
}
