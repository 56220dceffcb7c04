package roster

import (
	"slices"
	"strings"
	"time"
)

// VerifiedSpan is how far ahead a duty counts as given to somebody: an edit that puts somebody without a verified telephone on duty within it
// needs a confirmation, and an alarm stands as long as they are on duty within it.
const VerifiedSpan = 28 * 24 * time.Hour

// An UnverifiedError says that an edit would put people on duty whom no verified telephone reaches, and that nobody has confirmed it.
type UnverifiedError struct {
	People []Person // in the order of the book, without what is personal of them
}

// Error names call signs.
func (e *UnverifiedError) Error() string {
	signs := make([]string, len(e.People))
	for i, p := range e.People {
		signs[i] = p.CallSign
	}
	return "on duty without a verified telephone, and not confirmed: " + strings.Join(signs, ", ")
}

// Unconfirmed lists the people whom another book that takes the place of this one puts on duty without a verified telephone, and who are not so by
// this one: on duty within [VerifiedSpan] of now, named by a rotation that holds, or by an override, a cover or a swap that is not over. They are
// in the order of the book. A book that is not valid counts as empty.
func (b Book) Unconfirmed(after Book, now time.Time) []Person {
	unverified := slices.DeleteFunc(slices.Clone(after.People), func(p Person) bool { return p.VerifiedAt(now) })
	if len(unverified) == 0 {
		return nil
	}
	was, will := compiled(b), compiled(after)
	before, then := was.Appointed(now), will.Appointed(now)
	return slices.DeleteFunc(unverified, func(p Person) bool {
		old, _ := was.Person(p.ID)
		return !then[p.ID] || (before[p.ID] && !old.VerifiedAt(now))
	})
}

// Confirm checks what an edit would do against [Book.Unconfirmed], and gives the ids of those whom it puts on duty without a verified telephone:
// each must be among the edit's Confirmed. Who puts themselves on duty has confirmed it by that. The error is an [*UnverifiedError].
func (b Book) Confirm(edit Edit, now time.Time) (confirmed []string, err error) {
	var open []Person
	for _, p := range b.Unconfirmed(edit.Book, now) {
		if slices.Contains(edit.Confirmed, p.ID) || (edit.ActorKind == Officer && edit.Actor == p.ID) {
			confirmed = append(confirmed, p.ID)
			continue
		}
		clean, _ := split(p)
		open = append(open, clean)
	}
	if open != nil {
		return nil, &UnverifiedError{open}
	}
	return confirmed, nil
}

// Appointed are the people who have a duty from now on: within [VerifiedSpan], in a rotation, or by an override, a cover or a swap that is not over.
func (c *Compiled) Appointed(now time.Time) map[string]bool {
	people := c.inTurns()
	for _, r := range c.book.Rosters {
		d := c.rosters[r.ID]
		if !d.closes.IsZero() && !now.Before(d.closes) {
			continue
		}
		for shift := range c.Shifts(r.ID, now, now.Add(VerifiedSpan)) {
			for _, id := range shift.People {
				people[id] = true
			}
		}
		for i := range d.entries.list {
			e := &d.entries.list[i]
			switch {
			case !e.until.After(now):
			case e.take != nil:
				people[e.take.by] = true
			case e.override != nil && e.override.Kind != Remove:
				for _, id := range e.override.People {
					people[id] = true
				}
			}
		}
	}
	return people
}
