package dispatcher

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/roster"
)

const (
	// offerLife is how long the code of an offer counts at least; codes are made anew every half of it.
	offerLife = 10 * time.Minute
	// coverSight is how far ahead the next shift of somebody is looked for who asks for cover.
	coverSight = 60 * 24 * time.Hour
	// coverNotice is how long before its shift a cover request ends, so that a coordinator has time; it lasts coverLeast at least.
	coverNotice, coverLeast = 12 * time.Hour, time.Hour
	// shownShifts is how many shifts one answer speaks of.
	shownShifts = 3
)

// An Offer is a change of the duty that somebody may confirm with a code.
type Offer struct {
	Wish    Wish   // WishTake or WishCover
	Instead string // the person whose duty is taken; "" where nobody has it
	notifier.Shift
}

// Terms are what a code of the offer stands for, besides who may confirm it and the time: with other terms it is another code. A cover that has
// begun has no beginning there: the rest of it is asked for, and the rest grows shorter.
func (o Offer) Terms(now time.Time) string {
	begin := ""
	if o.Wish == WishCover && o.From.After(now) {
		begin = o.From.UTC().Format(time.RFC3339)
	}
	return strings.Join([]string{string(o.Wish), o.Roster, o.Instead, begin, o.Until.UTC().Format(time.RFC3339)}, " ")
}

// OfferSlots are the numbers that the code of an offer may have been made with at now, the present one first. A code counts for ten minutes
// at least, and for fifteen at most.
func OfferSlots(now time.Time) [3]int64 {
	slot := now.Unix() / int64(offerLife/2/time.Second)
	return [3]int64{slot, slot - 1, slot - 2}
}

// TakeOffers says which duties a person could take over at now, on the rosters on which they work, or on all where they work on none; where
// several share a duty, that of each. on are the duties that they have already. err says why there is neither, as [roster.Book.TakeOver] does.
func TakeOffers(r *roster.Compiled, person string, now time.Time) (offers []Offer, on []notifier.Shift, err error) {
	for _, id := range rostersOf(r, person, now) {
		zone, have := r.Zone(id), r.Who(id, now)
		if slices.Contains(have, person) {
			on = append(on, held(r, id, person, now))
			continue
		}
		if len(have) == 0 {
			have = []string{""}
		}
		for _, instead := range have {
			_, o, failed := r.Book().TakeOver(roster.Takeover{Roster: id, By: person, Instead: instead}, now)
			if failed != nil {
				if err == nil {
					err = failed
				}
				continue
			}
			shift := notifier.Shift{Roster: id, From: o.From.In(zone), Until: o.Until.In(zone)}
			if who, ok := r.Person(instead); ok {
				shift.OnDuty = []string{who.CallSign}
			}
			offers = append(offers, Offer{WishTake, instead, shift})
		}
	}
	return offers[:min(len(offers), shownShifts)], on[:min(len(on), shownShifts)], err
}

// rostersOf lists the rosters on which a person has a turn, or all where they have none on any; never those that are closed.
func rostersOf(r *roster.Compiled, person string, now time.Time) []string {
	var theirs, all []string
	for _, book := range r.Book().Rosters {
		if !book.Until.IsZero() && !now.Before(book.Until) {
			continue
		}
		all = append(all, book.ID)
		if slices.ContainsFunc(book.Layers, func(l roster.Layer) bool {
			return slices.ContainsFunc(l.Rotation.Turns, func(turn []string) bool { return slices.Contains(turn, person) })
		}) {
			theirs = append(theirs, book.ID)
		}
	}
	if len(theirs) == 0 {
		return all
	}
	return theirs
}

// held is the duty that a person has at now.
func held(r *roster.Compiled, id, person string, now time.Time) notifier.Shift {
	who, _ := r.Person(person)
	s := notifier.Shift{Roster: id, OnDuty: []string{who.CallSign}}
	duty, _ := r.At(id, now)
	for _, a := range duty.OnDuty {
		if a.Person == person && !a.Until.IsZero() {
			s.From, s.Until = a.Since.In(r.Zone(id)), a.Until.In(r.Zone(id))
		}
	}
	return s
}

// Take is the edit that an offer of [TakeOffers] stands for, made of a newer book. The errors are those of [roster.Book.TakeOver].
func (o Offer) Take(b roster.Book, person string, now time.Time) (roster.Book, error) {
	b, _, err := b.TakeOver(roster.Takeover{Roster: o.Roster, By: person, Instead: o.Instead, Until: o.Until}, now)
	return b, err
}

// CoverOffer finds the duty that a person has now, or has next, on whichever roster that is. ok is false when there is none in the next 60
// days; open says that others are asked for it already.
func CoverOffer(r *roster.Compiled, person string, now time.Time) (offer Offer, open, ok bool) {
	for _, book := range r.Book().Rosters {
		id := book.ID
		s, found := nextShift(r, id, person, now)
		if !found || (ok && !s.From.Before(offer.From)) {
			continue
		}
		offer, ok = Offer{WishCover, "", s}, true
		open = slices.ContainsFunc(book.Covers, func(c roster.Cover) bool {
			return c.Person == person && c.StateAt(now) == roster.CoverOpen && c.From.Before(s.Until) && s.From.Before(c.Until)
		})
	}
	return offer, open, ok
}

// nextShift is the duty that a person has on a roster at now, or next after it. It ends when they go off duty, whoever is on duty with them;
// where no end is in sight, after the next day.
func nextShift(r *roster.Compiled, id, person string, now time.Time) (s notifier.Shift, found bool) {
	zone, horizon := r.Zone(id), now.Add(coverSight)
	for shift := range r.Shifts(id, now, horizon) {
		on := slices.Contains(shift.People, person)
		switch {
		case on && !found:
			s, found = notifier.Shift{Roster: id, From: shift.From.In(zone), Until: shift.Until.In(zone)}, true
		case on:
			s.Until = shift.Until.In(zone)
		case found:
			return s, true
		}
	}
	if found && !s.Until.Before(horizon) {
		year, month, day := s.From.Date()
		s.Until = time.Date(year, month, day+2, 0, 0, 0, 0, zone)
	}
	return s, found
}

// AskCover is the edit that an offer of CoverOffer stands for, made of a newer book. The request ends twelve hours before the shift begins, or an
// hour from now where that is later. The errors are those of [roster.Book.AskCover].
func (o Offer) AskCover(b roster.Book, person string, now time.Time) (roster.Book, error) {
	c := roster.Cover{Person: person, From: o.From, Until: o.Until}
	if c.From.Before(now) {
		c.From = now.UTC().Truncate(time.Millisecond)
	}
	ends := c.From.Add(-coverNotice)
	if least := now.Add(coverLeast); ends.Before(least) {
		ends = least
	}
	if c.Until.Before(ends) {
		ends = c.Until
	}
	c.Expires = ends.UTC().Truncate(time.Millisecond)
	c.From, c.Until = c.From.UTC(), c.Until.UTC()
	ids := map[string]bool{}
	for _, r := range b.Rosters {
		for _, other := range r.Covers {
			ids[other.ID] = true
		}
	}
	base := now.UTC().Format("cover-20060102-150405")
	c.ID = base
	for n := 2; ids[c.ID]; n++ {
		c.ID = fmt.Sprintf("%s-%d", base, n)
	}
	return b.AskCover(o.Roster, c, now)
}

// OnDuty lists who is on duty at now on each roster that is not closed, those of a person first, and who follows.
func OnDuty(r *roster.Compiled, person string, now time.Time) []notifier.Shift {
	ids := rostersOf(r, person, now)
	for _, id := range rostersOf(r, "", now) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var list []notifier.Shift
	for _, id := range ids[:min(len(ids), shownShifts)] {
		duty, _ := r.At(id, now)
		s := notifier.Shift{Roster: id}
		until := func(t time.Time) {
			if s.Until.IsZero() || t.Before(s.Until) {
				s.Until = t.In(r.Zone(id))
			}
		}
		for _, a := range duty.OnDuty {
			s.OnDuty = append(s.OnDuty, a.CallSign)
			if !a.Until.IsZero() {
				until(a.Until)
			}
		}
		for _, a := range duty.Next {
			s.Next = append(s.Next, a.CallSign)
			if len(duty.OnDuty) == 0 {
				until(a.Since)
			}
		}
		list = append(list, s)
	}
	return list
}

// Confirmed lists what a person may have confirmed before, and still holds at now: who sends a code twice is told that it was done.
func Confirmed(r *roster.Compiled, person string, now time.Time) []Offer {
	var list []Offer
	for _, book := range r.Book().Rosters {
		zone := r.Zone(book.ID)
		for _, o := range book.Overrides {
			if o.By != person || o.From.After(now) || !now.Before(o.Until) {
				continue
			}
			shift := notifier.Shift{Roster: book.ID, From: o.From.In(zone), Until: o.Until.In(zone)}
			list = append(list, Offer{WishTake, "", shift})
			for _, p := range r.Book().People { // an override does not say whose duty it took
				list = append(list, Offer{WishTake, p.ID, shift})
			}
		}
		for _, c := range book.Covers {
			if c.Person == person && c.StateAt(now) == roster.CoverOpen {
				list = append(list, Offer{WishCover, "", notifier.Shift{Roster: book.ID, From: c.From.In(zone), Until: c.Until.In(zone)}})
			}
		}
	}
	return list
}
