package roster

import (
	"slices"
	"time"
)

// An Edit replaces the book: made from the revision Base, by an opaque actor, for a reason.
type Edit struct {
	Book      Book
	Base      uint64 // 0: there is no roster yet
	Reason    string // stands in the history in clear: it must name nobody
	Actor     string
	ActorKind ActorKind // "" is [Coordinator]
}

// A Preview shows what an edit would do over a span, before it is made.
type Preview struct {
	From     time.Time             `json:"from"`
	Until    time.Time             `json:"until"`
	Changed  []Shift               `json:"changed"`          // tiles of the new rosters in which other people are on duty than before
	Gaps     []Shift               `json:"gaps"`             // tiles of the new rosters with nobody on duty
	Hours    map[string]HourChange `json:"hours"`            // people whose hours change
	Contacts []string              `json:"contacts_missing"` // people without a contact, and erased ones who are still on duty in the span
}

// A HourChange is a person's time on duty in the span before and after an edit, in hours.
type HourChange struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// Diff compares two books over the half-open span from from to until. A book that is not valid counts as an empty one: [Book.Validate]
// says why. A roster that is taken out changes all its tiles to nobody.
func Diff(before, after Book, from, until time.Time) Preview {
	p := Preview{From: from.UTC(), Until: until.UTC(), Changed: []Shift{}, Gaps: []Shift{}, Hours: map[string]HourChange{}, Contacts: []string{}}
	was, will := compiled(before), compiled(after)
	for _, r := range will.book.Rosters {
		for shift := range will.Shifts(r.ID, from, until) {
			if shift.Gap() {
				p.Gaps = append(p.Gaps, shift)
			}
			if was.roster(r.ID) == nil && !shift.Gap() {
				p.Changed = append(p.Changed, shift)
			}
			for old := range was.Shifts(r.ID, shift.From, shift.Until) {
				if !slices.Equal(old.People, shift.People) {
					p.Changed = append(p.Changed, Shift{From: old.From, Until: old.Until, People: shift.People})
				}
			}
		}
	}
	for _, r := range was.book.Rosters {
		if will.roster(r.ID) != nil {
			continue
		}
		for old := range was.Shifts(r.ID, from, until) {
			if !old.Gap() {
				p.Changed = append(p.Changed, Shift{From: old.From, Until: old.Until})
			}
		}
	}
	hours, planned := map[string]HourChange{}, will.hours(from, until)
	for person, h := range was.hours(from, until) {
		hours[person] = HourChange{Before: h}
	}
	for person, h := range planned {
		hours[person] = HourChange{Before: hours[person].Before, After: h}
	}
	for person, change := range hours {
		if change.Before != change.After {
			p.Hours[person] = change
		}
	}
	for _, person := range after.People {
		if (person.Erased && planned[person.ID] > 0) || (!person.Erased && len(person.Contacts) == 0) {
			p.Contacts = append(p.Contacts, person.ID)
		}
	}
	return p
}

func compiled(b Book) *Compiled {
	c, err := Compile(b)
	if err != nil {
		return &Compiled{}
	}
	return c
}

// hours sums everybody's time on duty over all rosters.
func (c *Compiled) hours(from, until time.Time) map[string]float64 {
	sum := map[string]float64{}
	for _, r := range c.book.Rosters {
		for shift := range c.Shifts(r.ID, from, until) {
			for _, person := range shift.People {
				sum[person] += shift.Until.Sub(shift.From).Hours()
			}
		}
	}
	return sum
}

// Gaps lists the tiles of a span in which nobody is on duty.
func (c *Compiled) Gaps(id string, from, until time.Time) []Shift {
	gaps := []Shift{}
	for shift := range c.Shifts(id, from, until) {
		if shift.Gap() {
			gaps = append(gaps, shift)
		}
	}
	return gaps
}
