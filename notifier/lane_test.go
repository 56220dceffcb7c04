package notifier

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/request"
)

var start = time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC)

// item is a page whose recipient and urgency are told by its name.
func item(ref, page string, urgency request.Urgency, recipient string) Item {
	return Item{Ref: request.Ref(ref), Page: page, Urgency: urgency, Recipient: recipient}
}

// run takes items at one moment until none goes, ending each call at once, and gives their pages.
func run(t *testing.T, l *Lane) []string {
	t.Helper()
	var out []string
	for {
		i, wake, ok := l.Next(start)
		if !ok {
			if !wake.IsZero() {
				t.Fatalf("an unlimited lane asks to be called again at %v", wake)
			}
			return out
		}
		out = append(out, i.Page)
		l.Done(i.Ref, i.Page)
	}
}

func wantPages(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%v went, want %v", got, want)
	}
}

// take wants one item to go.
func take(t *testing.T, l *Lane, now time.Time) Item {
	t.Helper()
	i, wake, ok := l.Next(now)
	if !ok {
		t.Fatalf("nothing goes; wake %v", wake)
	}
	return i
}

// wantNone wants nothing to go, and no wake-up.
func wantNone(t *testing.T, l *Lane, now time.Time) {
	t.Helper()
	if i, wake, ok := l.Next(now); ok || !wake.IsZero() {
		t.Fatalf("%q goes (%v), wake %v; want nothing until a push or a done", i.Page, ok, wake)
	}
}

func TestLaneGoesByUrgencyThenRoundByRecipientThenArrival(t *testing.T) {
	l := NewLane(Limit{})
	for _, i := range []Item{
		item("A", "p1", request.Routine, "kim"),
		item("A", "p2", request.Urgent, "kim"),
		item("B", "p3", request.Critical, "kim"),
		item("C", "p4", request.Critical, "kim"),
		item("D", "p5", request.Critical, "kim"),
		item("E", "p6", request.Critical, "lee"),
		item("F", "p7", request.Critical, "max"),
		item("G", "p8", request.Emergency, "max"),
		item("H", "p9", "a later version's", "lee"),
		item("I", "p10", request.Critical, "lee"),
	} {
		l.Push(i)
	}
	wantPages(t, run(t, l), "p8", "p3", "p6", "p7", "p4", "p10", "p5", "p2", "p9", "p1")
	if l.Waiting() != 0 {
		t.Errorf("%d wait, want none", l.Waiting())
	}
}

func TestLaneCallsOneRecipientOnceAtATime(t *testing.T) {
	l := NewLane(Limit{})
	l.Push(item("A", "p1", request.Critical, "kim"))
	l.Push(item("B", "p2", request.Emergency, "kim"))
	l.Push(item("C", "p3", request.Routine, "lee"))
	first := take(t, l, start)
	if first.Page != "p2" {
		t.Fatalf("%s went first", first.Page)
	}
	if second := take(t, l, start); second.Page != "p3" {
		t.Fatalf("%s went while its recipient is being called", second.Page)
	}
	wantNone(t, l, start)
	l.Done("B", "p2")
	if third := take(t, l, start); third.Page != "p1" {
		t.Fatalf("%s went, want p1", third.Page)
	}
}

func TestLaneCallsOneRecipientAsOftenAsItMay(t *testing.T) {
	l := NewLane(Limit{PerRecipient: 3})
	for n := range 5 {
		l.Push(item("A", fmt.Sprint("p", n), request.Critical, "kim"))
	}
	for n := range 3 {
		if i := take(t, l, start); i.Page != fmt.Sprint("p", n) {
			t.Fatalf("%s went, want p%d", i.Page, n)
		}
	}
	wantNone(t, l, start)
	l.Done("A", "p1")
	take(t, l, start)
	wantNone(t, l, start)
}

func TestLaneKeepsTheTurnOfWhoIsBusy(t *testing.T) {
	l := NewLane(Limit{})
	l.Push(item("A", "k1", request.Critical, "kim"))
	l.Push(item("A", "k2", request.Critical, "kim"))
	take(t, l, start) // k1; kim's turn comes after nobody's
	for _, who := range []string{"lee", "max"} {
		l.Push(item("A", who, request.Critical, who))
	}
	if i := take(t, l, start); i.Page != "lee" {
		t.Fatalf("%s went, want lee", i.Page)
	}
	l.Done("A", "k1")
	if i := take(t, l, start); i.Page != "k2" {
		t.Fatalf("%s went, want k2: kim was before max", i.Page)
	}
}

func TestLanePushesAnItemOnce(t *testing.T) {
	l := NewLane(Limit{})
	i := item("A", "p1", request.Critical, "kim")
	l.Push(i)
	l.Push(i)
	if l.Waiting() != 1 {
		t.Fatalf("%d wait, want 1", l.Waiting())
	}
	take(t, l, start)
	l.Push(i) // it flies
	if l.Waiting() != 0 {
		t.Fatalf("%d wait, want 0", l.Waiting())
	}
	l.Done("A", "p1")
	l.Done("A", "p1")
	l.Done("A", "unknown")
	l.Push(i) // a retry
	take(t, l, start)
}

func TestLaneDrops(t *testing.T) {
	l := NewLane(Limit{})
	for _, page := range []string{"p1", "p2", "p3"} {
		l.Push(item("A", page, request.Critical, "kim"))
	}
	l.Drop("A", "p2")
	l.Drop("A", "p2")
	l.Drop("B", "p1")
	if l.Waiting() != 2 {
		t.Errorf("%d wait, want 2", l.Waiting())
	}
	wantPages(t, run(t, l), "p1", "p3")

	l.Push(item("A", "p1", request.Emergency, "kim"))
	l.Drop("A", "p1")
	wantNone(t, l, start)

	// What is pushed again after a drop is new: it has the urgency and the place of the second push.
	l.Push(item("A", "p1", request.Emergency, "kim"))
	l.Push(item("B", "p2", request.Urgent, "kim"))
	l.Drop("A", "p1")
	l.Push(item("A", "p1", request.Urgent, "kim"))
	wantPages(t, run(t, l), "p2", "p1")
}

func TestLaneDropLeavesWhatFlies(t *testing.T) {
	l := NewLane(Limit{})
	l.Push(item("A", "p1", request.Critical, "kim"))
	l.Push(item("A", "p2", request.Critical, "kim"))
	take(t, l, start)
	l.Drop("A", "p1")
	wantNone(t, l, start) // kim is still being called
	l.Done("A", "p1")
	take(t, l, start)
}

func TestLaneKeepsToTheRate(t *testing.T) {
	for _, rate := range []float64{0.1, 1, 3, 100, 1e-12, 1e12} {
		l := NewLane(Limit{PerSecond: rate, InFlight: 1 << 30, PerRecipient: 1 << 30})
		const waiting = 500
		for n := range waiting {
			l.Push(item("A", fmt.Sprint("p", n), request.Critical, "kim"))
		}
		now, taken, wakes := start, 0, 0
		for wakes < 1000 && l.Waiting() > 0 {
			_, wake, ok := l.Next(now)
			if ok {
				taken++
				if most := max(1, rate) + now.Sub(start).Seconds()*rate; float64(taken) > most+1e-6 {
					t.Fatalf("at %v a second, %d went after %v", rate, taken, now.Sub(start))
				}
				continue
			}
			wakes++
			if !wake.After(now) {
				t.Fatalf("at %v a second, asked to come again at %v, it is %v", rate, wake, now)
			}
			if rate > 1e-3 {
				if _, _, early := l.Next(now.Add(wake.Sub(now) / 2)); early {
					t.Fatalf("at %v a second, one went long before the wake-up", rate)
				}
			}
			now = wake
		}
		if rate > 1e-3 {
			// A wake-up brings at least one, and costs no more than a millisecond above the rate.
			if l.Waiting() > 0 {
				t.Fatalf("at %v a second, %d still wait after %v", rate, l.Waiting(), now.Sub(start))
			}
			if slowest := waiting/rate + float64(wakes)*0.001; now.Sub(start).Seconds() > slowest {
				t.Errorf("at %v a second, %d took %v", rate, waiting, now.Sub(start))
			}
		}
	}
}

func TestLaneSavesUpOneSecond(t *testing.T) {
	l := NewLane(Limit{PerSecond: 5})
	for n := range 20 {
		l.Push(item("A", fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n)))
	}
	count := func(now time.Time) (n int) {
		for {
			if _, _, ok := l.Next(now); !ok {
				return n
			}
			n++
		}
	}
	if n := count(start); n != 5 {
		t.Errorf("%d went at once, want 5", n)
	}
	if n := count(start.Add(time.Hour)); n != 5 {
		t.Errorf("%d went after an hour's silence, want 5", n)
	}
	if n := count(start.Add(time.Minute)); n != 0 {
		t.Errorf("%d went when the clock went back, want none", n)
	}
	if n := count(start.Add(time.Hour)); n != 0 {
		t.Errorf("%d went when the clock had come again as far as it was, want none: time counts once", n)
	}
	if n := count(start.Add(time.Hour + time.Second)); n != 5 {
		t.Errorf("%d went a second later, want 5", n)
	}
}

func TestLaneRefunds(t *testing.T) {
	l := NewLane(Limit{PerSecond: 1})
	for n := range 3 {
		l.Push(item("A", fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n)))
	}
	first := take(t, l, start)
	if _, wake, ok := l.Next(start); ok || wake.IsZero() {
		t.Fatal("the bucket holds one")
	}
	l.Refund(first.Ref, first.Page)
	second := take(t, l, start)
	l.Refund(second.Ref, second.Page)
	l.Refund(second.Ref, second.Page) // it has ended, and gives nothing back twice
	if l.Flies(second.Ref, second.Page) {
		t.Error("what gave its place back flies")
	}
	take(t, l, start)
	l.Push(item("A", "p9", request.Critical, "r9"))
	if _, _, ok := l.Next(start); ok {
		t.Error("a refund made more than the bucket holds")
	}
}

func TestLaneCountsWhatOthersSpend(t *testing.T) {
	l := NewLane(Limit{PerSecond: 2})
	for n := range 9 {
		l.Spend(start, 1) // by far more than the bucket holds: it owes two
		l.Push(item("A", fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n)))
	}
	if _, wake, ok := l.Next(start); ok || wake.Before(start.Add(1500*time.Millisecond)) || wake.After(start.Add(1600*time.Millisecond)) {
		t.Fatalf("goes %t, wake %s", ok, wake.Sub(start))
	}
	take(t, l, start.Add(1501*time.Millisecond))
	if _, _, ok := l.Next(start.Add(1501 * time.Millisecond)); ok {
		t.Error("two went")
	}
	unlimited := NewLane(Limit{})
	unlimited.Spend(start, 1)
	unlimited.Push(item("A", "p", request.Critical, "r"))
	take(t, unlimited, start)
}

func TestLaneBoundsCallsInFlight(t *testing.T) {
	for limit, want := range map[int]int{0: 64, 3: 3} {
		l := NewLane(Limit{InFlight: limit})
		for n := range 100 {
			l.Push(item("A", fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n)))
		}
		for range want {
			take(t, l, start)
		}
		wantNone(t, l, start)
		l.Done("A", "p0")
		take(t, l, start)
		wantNone(t, l, start)
	}
}

func TestLaneWithARateThatIsNoNumber(t *testing.T) {
	l := NewLane(Limit{PerSecond: math.NaN()})
	for n := range 3 {
		l.Push(item("A", fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n)))
	}
	wantPages(t, run(t, l), "p0", "p1", "p2")
}

// Eight requests for others come behind a storm of 8 000 for one officer, and go as if there were none.
func TestLaneServesOthersBehindAStorm(t *testing.T) {
	l := NewLane(Limit{PerSecond: 1})
	for n := range 8000 {
		l.Push(item("STORM", fmt.Sprint("s", n), request.Critical, "kim"))
	}
	for n := range 8 {
		l.Push(item("OTHER", fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n)))
	}
	now, others := start, 0
	for went := range 10 {
		i, wake, ok := l.Next(now)
		if !ok {
			now = wake
			i = take(t, l, now)
		}
		if i.Ref == "OTHER" {
			others++
		} else if went > 0 && others < 8 {
			t.Fatalf("after %d, the storm has a second turn before everybody had one", others)
		}
		l.Done(i.Ref, i.Page)
	}
	if others != 8 {
		t.Errorf("%d of 8 went among the first ten", others)
	}
}

// naive is the lane's rule in its plainest form: a list of items, and a list of recipients for each urgency.
type naive struct {
	limit  Limit
	items  []Item
	turns  [4][]string
	flying []Item
	tokens float64
	filled time.Time
	owed   int            // to what has waited too long
	before map[string]int // what was owed before an item went that flies
}

func (m *naive) has(list []Item, ref request.Ref, page string) int {
	return slices.IndexFunc(list, func(i Item) bool { return i.Ref == ref && i.Page == page })
}

func (m *naive) push(i Item) {
	if m.has(m.items, i.Ref, i.Page) >= 0 || m.has(m.flying, i.Ref, i.Page) >= 0 {
		return
	}
	m.items = append(m.items, i)
	if turn := &m.turns[i.Urgency.Rank()]; !slices.Contains(*turn, i.Recipient) {
		*turn = append(*turn, i.Recipient)
	}
}

func (m *naive) remove(n int) {
	gone := m.items[n]
	m.items = slices.Delete(m.items, n, n+1)
	rank := gone.Urgency.Rank()
	if !slices.ContainsFunc(m.items, func(i Item) bool { return i.Urgency.Rank() == rank && i.Recipient == gone.Recipient }) {
		m.turns[rank] = slices.DeleteFunc(m.turns[rank], func(r string) bool { return r == gone.Recipient })
	}
}

func (m *naive) calls(recipient string) (n int) {
	for _, i := range m.flying {
		if i.Recipient == recipient {
			n++
		}
	}
	return n
}

func (m *naive) next(now time.Time) (Item, bool) {
	if len(m.flying) >= m.limit.InFlight {
		return Item{}, false
	}
	var heads []Item // of each urgency the one that goes next
	for rank := range m.turns {
		for _, recipient := range m.turns[rank] {
			if m.calls(recipient) < m.limit.PerRecipient {
				heads = append(heads, m.items[slices.IndexFunc(m.items, func(i Item) bool { return i.Urgency.Rank() == rank && i.Recipient == recipient })])
				break
			}
		}
	}
	if len(heads) == 0 {
		return Item{}, false
	}
	if m.limit.PerSecond > 0 {
		full := math.Max(1, m.limit.PerSecond)
		if m.filled.IsZero() {
			m.filled, m.tokens = now, full
		}
		m.tokens = math.Min(full, m.tokens+now.Sub(m.filled).Seconds()*m.limit.PerSecond)
		m.filled = now
		if m.tokens < 1-1e-9 {
			return Item{}, false
		}
	}
	item, owed := heads[0], m.owed
	hungry := slices.DeleteFunc(slices.Clone(heads[1:]), func(i Item) bool { return i.Since.IsZero() || now.Sub(i.Since) <= StarvesAfter })
	slices.SortStableFunc(hungry, func(a, b Item) int { return a.Since.Compare(b.Since) })
	switch {
	case len(hungry) == 0:
	case owed >= 9*hungry[0].cost():
		item, m.owed = hungry[0], 0
	default:
		m.owed += item.cost()
	}
	m.before[fmt.Sprint(item.Ref, item.Page)] = owed - m.owed
	m.tokens -= float64(item.cost())
	rank := item.Urgency.Rank()
	m.turns[rank] = append(slices.DeleteFunc(m.turns[rank], func(r string) bool { return r == item.Recipient }), item.Recipient)
	m.flying = append(m.flying, item)
	m.remove(m.has(m.items, item.Ref, item.Page))
	return item, true
}

func TestLaneAgreesWithTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Limit{
			PerSecond: rapid.SampledFrom([]float64{0, 0.5, 2}).Draw(t, "rate"),
			InFlight:  rapid.IntRange(1, 6).Draw(t, "in flight"), PerRecipient: rapid.IntRange(1, 3).Draw(t, "per recipient"),
		}
		lane, model, now := NewLane(limit), &naive{limit: limit, before: map[string]int{}}, start
		known := func() (ref request.Ref, page string) {
			return request.Ref(rapid.SampledFrom([]string{"A", "B"}).Draw(t, "ref")), fmt.Sprint("p", rapid.IntRange(0, 9).Draw(t, "page"))
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				ref, page := known()
				i := Item{
					Ref: ref, Page: page, Urgency: rapid.SampledFrom(append(slices.Clone(request.Urgencies), "?")).Draw(t, "urgency"),
					Recipient: rapid.SampledFrom([]string{"kim", "lee", "max", "noa"}).Draw(t, "recipient"), Cost: rapid.IntRange(0, 3).Draw(t, "cost"),
				}
				if ago := rapid.IntRange(-1, 90).Draw(t, "since"); ago >= 0 {
					i.Since = now.Add(-time.Duration(ago) * time.Second)
				}
				lane.Push(i)
				model.push(i)
			},
			"drop": func(*rapid.T) {
				ref, page := known()
				lane.Drop(ref, page)
				if n := model.has(model.items, ref, page); n >= 0 {
					model.remove(n)
				}
			},
			"done": func(*rapid.T) {
				ref, page := known()
				lane.Done(ref, page)
				if n := model.has(model.flying, ref, page); n >= 0 {
					model.flying = slices.Delete(model.flying, n, n+1)
				}
			},
			"refund": func(*rapid.T) {
				ref, page := known()
				lane.Refund(ref, page)
				if n := model.has(model.flying, ref, page); n >= 0 {
					model.tokens = math.Min(math.Max(1, limit.PerSecond), model.tokens+float64(model.flying[n].cost()))
					model.owed = max(0, model.owed+model.before[fmt.Sprint(ref, page)])
					model.flying = slices.Delete(model.flying, n, n+1)
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
			},
			"next": func(t *rapid.T) {
				for {
					got, wake, ok := lane.Next(now)
					want, wantOK := model.next(now)
					if got != want || ok != wantOK {
						t.Fatalf("%v goes (%v), want %v (%v)", got, ok, want, wantOK)
					}
					if !ok {
						if !wake.IsZero() && !wake.After(now) {
							t.Fatalf("wake %v, it is %v", wake, now)
						}
						return
					}
				}
			},
			"": func(t *rapid.T) {
				if lane.Waiting() != len(model.items) {
					t.Fatalf("%d wait, want %d", lane.Waiting(), len(model.items))
				}
			},
		})
	})
}

// What a lane keeps must not grow with what has passed through it: it lives as long as its node.
func TestLaneForgets(t *testing.T) {
	l := NewLane(Limit{})
	for n := range 1000 {
		page := fmt.Sprint("p", n)
		l.Push(item("A", page, request.Urgency(request.Urgencies[n%4]), page))
		if n%2 == 0 {
			l.Drop("A", page)
			continue
		}
		take(t, l, start)
		l.Done("A", page)
	}
	if n := len(l.waiting) + len(l.flying) + len(l.busy.calls); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	for _, c := range l.classes {
		if len(c.queues) != 0 || len(c.ready) != 0 {
			t.Errorf("%d queues and %d turns are left", len(c.queues), len(c.ready))
		}
	}
}

func BenchmarkLane(b *testing.B) {
	for _, recipients := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("recipients=%d", recipients), func(b *testing.B) {
			l := NewLane(Limit{InFlight: 64})
			names := make([]string, recipients)
			for n := range names {
				names[n] = fmt.Sprint("r", n)
				l.Push(item("A", fmt.Sprint("p", n), request.Critical, names[n]))
			}
			for n := range 8000 { // one of them is in a storm, and on the phone
				l.Push(item("STORM", fmt.Sprint("s", n), request.Critical, "kim"))
			}
			n := 0
			for b.Loop() {
				i, _, ok := l.Next(start)
				if !ok {
					b.Fatal("nothing goes")
				}
				if i.Recipient == "kim" {
					continue
				}
				l.Done(i.Ref, i.Page)
				l.Push(i)
				n++
			}
		})
	}
}
