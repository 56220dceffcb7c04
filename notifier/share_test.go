package notifier

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/request"
)

// due is an item with what it costs and when it was due.
func due(page string, urgency request.Urgency, recipient string, cost int, since time.Time) Item {
	return Item{Ref: "A", Page: page, Urgency: urgency, Recipient: recipient, Cost: cost, Since: since}
}

func TestLaneCountsSegments(t *testing.T) {
	l := NewLane(Limit{PerSecond: 1})
	for n, cost := range []int{3, 1, 2, 1} {
		l.Push(due(fmt.Sprint("p", n), request.Critical, fmt.Sprint("r", n), cost, start))
	}
	var went []int // seconds after the start
	for now := start; l.Waiting() > 0; now = now.Add(100 * time.Millisecond) {
		if _, _, ok := l.Next(now); ok {
			went = append(went, int(now.Sub(start).Seconds()))
		}
	}
	if want := []int{0, 3, 4, 6}; !slices.Equal(went, want) {
		t.Errorf("texts of 3, 1, 2 and 1 segments went after %v s, want %v", went, want)
	}
}

func TestLaneCountsTheSegmentsThatOthersSpend(t *testing.T) {
	l := NewLane(Limit{PerSecond: 1})
	l.Spend(start, 3)
	l.Push(due("p", request.Critical, "r", 1, start))
	if _, wake, ok := l.Next(start); ok || wake.Before(start.Add(3*time.Second)) || wake.After(start.Add(3100*time.Millisecond)) {
		t.Errorf("goes %t, wake %s", ok, wake.Sub(start))
	}
	for range 9 { // at the same moment, by nodes that do not hear of each other: it owes no more than the dearest of them
		l.Spend(start, 3)
	}
	take(t, l, start.Add(4001*time.Millisecond))
}

// A flood of emergencies never ends, and what was due before it goes all the same, one in ten.
func TestLaneGivesOneInTenToWhatWaitsForMoreThanAMinute(t *testing.T) {
	l := NewLane(Limit{PerSecond: 1})
	l.Push(due("routine", request.Routine, "kim", 1, start))
	l.Push(due("urgent", request.Urgent, "lee", 1, start.Add(time.Second)))
	l.Push(due("patient", request.Critical, "max", 1, time.Time{}))
	for n := range 200 {
		l.Push(due(fmt.Sprint("e", n), request.Emergency, fmt.Sprint("r", n%7), 1, start))
	}
	went := map[string]int{}
	for n := range 120 {
		i := take(t, l, start.Add(time.Duration(n)*time.Second))
		went[i.Page] = n
		l.Done(i.Ref, i.Page)
	}
	// Longer than a minute is from the 61st second on; nine emergencies go before it, and nine before the other.
	if went["routine"] != 70 || went["urgent"] != 80 {
		t.Errorf("the routine one went after %d s, want 70; the urgent one after %d s, want 80", went["routine"], went["urgent"])
	}
	if _, ok := went["patient"]; ok {
		t.Error("one that was never due had a share")
	}
}

func TestLaneGivesAPlaceBackThatWasNotUsed(t *testing.T) {
	l := NewLane(Limit{})
	l.Push(due("old", request.Routine, "kim", 1, start.Add(-time.Hour)))
	for n := range 30 {
		l.Push(due(fmt.Sprint("e", n), request.Emergency, fmt.Sprint("r", n), 1, start))
	}
	for n := range 8 {
		if i := take(t, l, start); i.Urgency != request.Emergency {
			t.Fatalf("%s went after %d", i.Page, n)
		}
	}
	for range 5 { // calls that are never made count for nothing
		i := take(t, l, start)
		if i.Urgency != request.Emergency {
			t.Fatalf("%s went", i.Page)
		}
		l.Refund(i.Ref, i.Page)
	}
	take(t, l, start)
	i := take(t, l, start)
	if i.Page != "old" {
		t.Fatalf("%s went, want the old one after nine", i.Page)
	}
	l.Refund(i.Ref, i.Page)
	l.Push(i)
	if i := take(t, l, start); i.Page != "old" {
		t.Errorf("%s went, want the old one: its place was not used", i.Page)
	}
}

// Whatever comes in, at whatever price: in every span that begins with a place for what has waited too long, the more urgent keep nine
// tenths; and whatever can go does go in the end, although more urgent items never stop coming.
func TestLaneStarvesNobodyAndLeavesNineTenthsToWhatIsMoreUrgent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]float64{0.5, 1, 5}).Draw(t, "rate")
		l := NewLane(Limit{PerSecond: rate, InFlight: 8, PerRecipient: 1})
		people := rapid.IntRange(1, 5).Draw(t, "people")
		someone := func() string { return fmt.Sprint("r", rapid.IntRange(0, people-1).Draw(t, "recipient")) }
		costs := rapid.SliceOfN(rapid.IntRange(1, 3), 8, 8).Draw(t, "costs")
		now, left, pushed := start, map[string]bool{}, 0
		for range rapid.IntRange(1, 40).Draw(t, "less urgent ones") {
			page := fmt.Sprint("low", len(left))
			left[page] = true
			urgency := rapid.SampledFrom(request.Urgencies[1:]).Draw(t, "urgency")
			l.Push(due(page, urgency, someone(), rapid.IntRange(1, 3).Draw(t, "cost"), start))
		}
		lows := len(left)
		urgent, share := 0, 0 // tokens since the last that went to what waited
		for steps := 0; len(left) > 0; steps++ {
			for ; pushed < 4*people || l.Waiting() < len(left)+2*people; pushed++ { // emergencies for everybody wait at any time
				l.Push(due(fmt.Sprint("e", pushed), request.Emergency, fmt.Sprint("r", pushed%people), costs[pushed%len(costs)], now))
			}
			i, wake, ok := l.Next(now)
			if !ok {
				now = wake
				continue
			}
			l.Done(i.Ref, i.Page)
			if i.Urgency == request.Emergency {
				urgent += i.cost()
			} else {
				delete(left, i.Page)
				if now.Sub(start) <= StarvesAfter {
					t.Fatalf("%s went past emergencies after %s", i.Page, now.Sub(start))
				}
				if share = i.cost(); urgent < 9*share {
					t.Fatalf("after %d tokens for emergencies %d went to %s", urgent, share, i.Page)
				}
				urgent = 0
			}
			if most := time.Duration(float64(lows*3*10+3*9+70)/rate+70) * time.Second; now.Sub(start) > most {
				t.Fatalf("%d of %d still wait after %s", len(left), lows, now.Sub(start))
			}
		}
	})
}

func TestLanesThatShareWhoIsBusyCallNobodyTwice(t *testing.T) {
	busy := NewBusy()
	one, other := NewLaneBeside(Limit{}, busy), NewLaneBeside(Limit{}, busy)
	one.Push(due("p1", request.Critical, "kim", 1, start))
	other.Push(due("p2", request.Emergency, "kim", 1, start))
	other.Push(due("p3", request.Urgent, "lee", 1, start))
	take(t, one, start)
	if i := take(t, other, start); i.Page != "p3" {
		t.Fatalf("%s went while kim is called over the other lane", i.Page)
	}
	wantNone(t, other, start)
	one.Done("A", "p1")
	if i := take(t, other, start); i.Page != "p2" {
		t.Fatalf("%s went", i.Page)
	}
	one.Push(due("p4", request.Critical, "kim", 1, start))
	wantNone(t, one, start)
	other.Refund("A", "p2")
	take(t, one, start)
}
