package dispatcher

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dutyline/dutyline/request"
)

// TestWhatIsToBeConsideredStaysSoWhileOthersComeAndGo enters and forgets entries at random while the machine goes through its list.
func TestWhatIsToBeConsideredStaysSoWhileOthersComeAndGo(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	m := NewMachine(Options{Node: "n1", Policy: DefaultPolicy()})
	left := map[request.Ref]bool{} // still to be considered
	for n := range 20000 {
		switch what := random.IntN(10); {
		case what < 4:
			ref := request.Ref(fmt.Sprint("r", n))
			if m.swept < len(m.list) {
				left[ref] = true
			}
			m.enter(&entry{state: request.NewState(ref)})
		case what < 7 && len(m.list) > 0:
			e := m.list[random.IntN(len(m.list))]
			delete(left, e.state.Ref)
			m.leave(e)
		case what < 9 && m.swept < len(m.list):
			delete(left, m.list[m.swept].state.Ref)
			m.swept++
		case random.IntN(50) == 0:
			m.considerAll()
			for ref := range m.entries {
				left[ref] = true
			}
		}
		if len(m.list) != len(m.entries) || m.swept > len(m.list) || len(m.list)-m.swept != len(left) {
			t.Fatalf("step %d: %d listed, %d known, %d swept, %d left", n, len(m.list), len(m.entries), m.swept, len(left))
		}
		for i, e := range m.list {
			if e.index != i || (i >= m.swept) != left[e.state.Ref] {
				t.Fatalf("step %d: entry %d has index %d, is left: %t", n, i, e.index, left[e.state.Ref])
			}
		}
	}
	if slices.Contains(m.list, nil) {
		t.Error("a hole in the list")
	}
}
