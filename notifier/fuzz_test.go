package notifier

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// FuzzLane holds a lane to a model under any sequence of operations, two bytes each: the model keeps waiting items in a list and looks
// through all of it. Of what may go, the most urgent goes, and of those the recipient whose turn is longest ago; no recipient has more calls
// at once than the limit, nor the lane; what was pushed and not dropped goes out once, in the end; and in no span goes more than the rate,
// its burst and the last item allow.
func FuzzLane(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 17, 1, 0, 2, 0, 3, 1, 1, 0}, 0.0, uint8(0), uint8(0))
	f.Add([]byte{0, 200, 0, 201, 0, 9, 1, 0, 1, 0, 4, 200, 1, 0, 2, 0, 1, 0, 5, 0, 6, 0}, 2.5, uint8(1), uint8(1))
	f.Add([]byte{0, 0, 0, 64, 0, 128, 0, 192, 4, 255, 1, 0, 1, 0, 1, 0, 1, 0, 2, 0, 2, 1}, 1e-9, uint8(3), uint8(2))
	f.Add([]byte{0, 1, 0, 1, 1, 0, 0, 1, 3, 1, 2, 0, 2, 0}, math.NaN(), uint8(255), uint8(255))
	f.Add([]byte{0, 1, 1, 0, 5, 0, 5, 0, 0, 2, 1, 0}, math.Inf(1), uint8(0), uint8(0))
	f.Add([]byte{6, 0, 6, 0, 6, 0, 0, 1, 1, 0, 4, 10, 1, 0}, -1.0, uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, operations []byte, rate float64, inFlight, perRecipient uint8) {
		limit := Limit{PerSecond: rate, InFlight: int(inFlight), PerRecipient: int(perRecipient)}
		l, now := NewLane(limit), start
		most, each := limit.InFlight, limit.PerRecipient
		if most == 0 {
			most = 64
		}
		if each == 0 {
			each = 1
		}
		var waiting []Item
		flying := []Item{}
		last := map[string]int{} // urgency and recipient → when they last had their turn
		turns, spent, refunded := 0, 0, 0
		free := func(i Item) bool {
			n := 0
			for _, other := range flying {
				if other.Recipient == i.Recipient {
					n++
				}
			}
			return n < each
		}
		next := func() {
			item, wake, ok := l.Next(now)
			may := slices.DeleteFunc(slices.Clone(waiting), func(i Item) bool { return !free(i) })
			if len(flying) >= most {
				may = nil
			}
			if !ok {
				if len(may) > 0 && (wake.IsZero() || !wake.After(now)) {
					t.Fatalf("%v may go, nothing does, and the lane wants to be asked again at %s", may, wake)
				}
				if len(may) == 0 && !wake.IsZero() {
					t.Fatalf("nothing may go, and the lane wants to be asked again at %s", wake)
				}
				return
			}
			if !slices.Contains(may, item) {
				t.Fatalf("%+v goes; what may is %+v", item, may)
			}
			for _, other := range may {
				key, own := fmt.Sprint(other.Urgency, other.Recipient), fmt.Sprint(item.Urgency, item.Recipient)
				if other.Urgency.Rank() < item.Urgency.Rank() || (other.Urgency == item.Urgency && other.Recipient != item.Recipient && last[key] < last[own]) {
					t.Fatalf("%+v goes before %+v", item, other)
				}
			}
			if i := slices.IndexFunc(waiting, func(i Item) bool { return i.Urgency == item.Urgency && i.Recipient == item.Recipient }); waiting[i] != item {
				t.Fatalf("%+v goes before %+v, which came earlier", item, waiting[i])
			}
			waiting = slices.DeleteFunc(waiting, func(i Item) bool { return i == item })
			flying = append(flying, item)
			turns++
			last[fmt.Sprint(item.Urgency, item.Recipient)] = turns
			if allowed := math.Max(1, rate) + now.Sub(start).Seconds()*rate + float64(refunded) + 1e-6; rate > 0 && float64(spent+1) > allowed {
				t.Fatalf("%d have gone after %s at %g a second, %d of them given back", spent+1, now.Sub(start), rate, refunded)
			}
			spent += item.cost()
		}
		for n := 0; n+1 < min(len(operations), 2000); n += 2 {
			arg := int(operations[n+1])
			item := Item{Ref: request.Ref(fmt.Sprint(arg % 8)), Page: fmt.Sprint("p", arg/8%4), Urgency: request.Urgencies[arg/64], Recipient: fmt.Sprint(arg % 3), Cost: arg % 4}
			same := func(i Item) bool { return i.Ref == item.Ref && i.Page == item.Page }
			switch operations[n] % 7 {
			case 0:
				if !slices.ContainsFunc(waiting, same) && !slices.ContainsFunc(flying, same) {
					own := func(i Item) bool { return i.Urgency == item.Urgency && i.Recipient == item.Recipient }
					if !slices.ContainsFunc(waiting, own) { // who comes anew stands at the end of the round
						turns++
						last[fmt.Sprint(item.Urgency, item.Recipient)] = turns
					}
					waiting = append(waiting, item)
				}
				l.Push(item)
			case 1:
				next()
			case 2:
				if len(flying) > 0 {
					item = flying[arg%len(flying)]
				}
				flying = slices.DeleteFunc(flying, same)
				l.Done(item.Ref, item.Page)
			case 3:
				waiting = slices.DeleteFunc(waiting, same)
				l.Drop(item.Ref, item.Page)
			case 4:
				now = now.Add(time.Duration(arg) * 20 * time.Millisecond)
			case 5:
				if i := slices.IndexFunc(flying, same); i >= 0 {
					refunded += flying[i].cost()
					flying = slices.Delete(flying, i, i+1)
				}
				l.Refund(item.Ref, item.Page)
			case 6:
				l.Spend(now, arg%4)
			}
			if l.Waiting() != len(waiting) || l.Flies(item.Ref, item.Page) != slices.ContainsFunc(flying, same) {
				t.Fatalf("%d wait, not %d; %+v flies: %t", l.Waiting(), len(waiting), item, l.Flies(item.Ref, item.Page))
			}
		}
		for range 5000 { // time passes, calls end: everything goes
			if len(waiting) == 0 {
				return
			}
			for _, i := range flying {
				l.Done(i.Ref, i.Page)
			}
			flying = nil
			now = now.Add(2 * time.Hour)
			next()
		}
		if rate <= 0 || rate > 1e-3 {
			t.Fatalf("%d items never go", len(waiting))
		}
	})
}
