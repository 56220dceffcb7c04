package simulation

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// gaps are quantiles of the exponential distribution.
var gaps = func() []float64 {
	list := make([]float64, 256)
	for i := range list {
		list[i] = -math.Log(1 - (float64(i)+0.5)/float64(len(list)))
	}
	return list
}()

// setting is what holds for the whole of a night.
type setting struct {
	policy   dispatcher.Policy
	vendors  int            // providers of texts and calls that are configured
	limit    notifier.Limit // of each provider's number for texts and of the one for calls
	digits   int            // of a code that differ: with few, codes meet
	diligent float64        // how likely a text is answered soon
	watchful string         // who answers each, as long as they are awake; "" in some nights
}

// officers of the book of a night; the last is the coordinator, and stays.
var (
	people = []string{"ada", "bruno", "carmen", "dalia", "erik"}
	signs  = []string{"KESTREL", "HERON", "OSPREY", "SWIFT", "MERLIN"}
)

const (
	firstCoordinator = 4
	unverified       = 3 // whose telephone nobody has verified, in some nights
	numbers          = "+1500555010"
)

// draw makes the setting and the plan of a night from its seed.
func (w *night) draw() []disturbance {
	d := w.throw("setting")
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, d.n(200))
	w.start = day.Add(pick(d, []time.Duration{18, 20, 21, 22, 24, 30}) * time.Hour)
	p := dispatcher.DefaultPolicy()
	if d.chance(0.3) {
		p.AckLapse = 15 * time.Minute
	}
	switch d.n(6) {
	case 0:
		p.Levels = [][]string{{"roster"}, {"next"}, {"team:second"}}
	case 1:
		p.Levels = [][]string{{"roster", "person:dalia"}, {"team:second"}}
		p.Rounds = 2
	case 2:
		p.Rounds = 1
	}
	w.set = setting{
		policy: p, limit: notifier.Limit{PerSecond: pick(d, []float64{1, 1, 1, 5, 0})}, digits: pick(d, []int{6, 6, 6, 1}),
		diligent: pick(d, []float64{0.6, 0.8, 0.95}),
	}
	w.set.vendors = len(vendors)
	if w.throw("vendors").chance(0.2) {
		w.set.vendors = 1
	}
	if d := w.throw("watchful"); d.chance(0.6) {
		w.set.watchful = pick(d, people)
	}
	w.book = w.firstBook(d)
	w.store()
	return w.plan()
}

// firstBook is a roster whose turn changes once in the night.
func (w *night) firstBook(d *dice) roster.Book {
	b := roster.Book{Schema: 1}
	for i, id := range people {
		number := numbers + strconv.Itoa(i)
		b.People = append(b.People, roster.Person{ID: id, CallSign: signs[i], Languages: roster.Languages("en"), Contacts: []roster.Contact{
			{ID: "mobile", Channel: notifier.MediumSMS, Address: number, Verified: true},
			{ID: "call", Channel: notifier.MediumVoice, Address: number, Verified: true},
		}})
	}
	b.Teams = []roster.Team{{ID: "coordinators", Members: people[firstCoordinator:]}, {ID: "second", Members: []string{"carmen", "dalia"}}}
	handover := w.start.Add(d.between(30*time.Minute, 11*time.Hour)).Format("15:04")
	b.Rosters = []roster.Roster{{ID: "national", TimeZone: "UTC", Layers: []roster.Layer{{ID: "primary", Rotation: roster.Rotation{
		Turns: [][]string{{"ada"}, {"bruno"}, {"carmen"}, {"dalia"}}, Unit: roster.Days, Length: 1, Handover: handover,
		From: w.start.AddDate(0, 0, -30-d.n(5)).Format(time.DateOnly),
	}}}}}
	if d.chance(0.1) {
		b.People[unverified].Contacts[0].Verified, b.People[unverified].Contacts[1].Verified = false, false
	}
	return b
}

// store stores the book as a new revision.
func (w *night) store() {
	w.book.Revision = uint64(len(w.books)) + 1
	compiled, err := roster.Compile(w.book)
	if err != nil {
		panic("simulation: a roster of its own making: " + err.Error())
	}
	w.books = append(w.books, compiled)
}

// A disturbance is one thing that happens in a night. What it does hangs on its own dice.
type disturbance struct {
	number int // in the plan
	kind   string
	nth    int // of its kind
	at     time.Duration
}

func (w *night) dice(d disturbance) *dice { return w.throw(d.kind, strconv.Itoa(d.nth)) }

// plan draws what happens and when.
func (w *night) plan() []disturbance {
	var plan []disturbance
	add := func(kind string, nth int, at time.Duration) {
		plan = append(plan, disturbance{len(plan), kind, nth, at})
	}
	for _, k := range kinds {
		d := w.throw("plan", k.name)
		for nth := range d.times(k.mean) {
			add(k.name, nth, d.between(0, length-30*time.Minute))
		}
	}
	return plan
}

// ref is the reference of the n-th request.
func (w *night) ref(n int) request.Ref {
	for i := 0; ; i++ {
		d := w.throw("ref", strconv.Itoa(n), strconv.Itoa(i))
		if ref, ok := request.NewRef(fmt.Appendf(nil, "%08x", d.next())); ok {
			return ref
		}
	}
}

// code is the code of a page.
func (w *night) code(ref request.Ref, page string) string {
	value := w.throw("code", string(ref), page).n(1_000_000)
	if w.set.digits < 6 {
		value %= 100
	}
	return fmt.Sprintf("%06d", value)
}

// hooked reports whether a sender wants to be told.
func hooked(sender string) bool { return sender == "s0" || sender == "s1" }
