package roster

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// Why a cover or a swap cannot be answered.
var (
	ErrNoCover    = errors.New("there is no such cover or swap")
	ErrCoverOver  = errors.New("it is no longer open")
	ErrNotAsked   = errors.New("this person was not asked")
	ErrOwnCover   = errors.New("nobody covers for themselves")
	ErrNoRoster   = errors.New("there is no such roster")
	ErrCoverTaken = errors.New("somebody has accepted it")
	ErrCoverLong  = errors.New("a cover, or a part of a swap, is at most 366 days long")
	ErrNoDuty     = errors.New("this person is not on duty in that time")
)

// longestCover bounds what is looked through for the duty of whoever asks.
const longestCover = 366 * 24 * time.Hour

// Ends is when an open cover can no longer be accepted: without a time of its own, when it is over.
func (c Cover) Ends() time.Time { return earliest(c.Expires, c.Until) }

// StateAt is the cover's state at t: an open one whose time is over has expired.
func (c Cover) StateAt(t time.Time) CoverState {
	if c.State == CoverOpen && !t.Before(c.Ends()) {
		return CoverExpired
	}
	return c.State
}

// Ends is when an open swap can no longer be accepted: at the latest when one of its parts is over.
func (s Swap) Ends() time.Time { return earliest(s.Expires, earliest(s.One.Until, s.Other.Until)) }

// StateAt is the swap's state at t: an open one whose time is over has expired.
func (s Swap) StateAt(t time.Time) CoverState {
	if s.State == CoverOpen && !t.Before(s.Ends()) {
		return CoverExpired
	}
	return s.State
}

// withRoster is a copy of the book in which edit may change one roster and what it lists besides its layers.
func (b Book) withRoster(id string, edit func(*Roster) error) (Book, error) {
	i := slices.IndexFunc(b.Rosters, func(r Roster) bool { return r.ID == id })
	if i < 0 {
		return b, ErrNoRoster
	}
	changed := b
	changed.Rosters = slices.Clone(b.Rosters)
	r := &changed.Rosters[i]
	r.Layers, r.Overrides, r.Covers, r.Swaps = slices.Clone(r.Layers), slices.Clone(r.Overrides), slices.Clone(r.Covers), slices.Clone(r.Swaps)
	if err := edit(r); err != nil {
		return b, err
	}
	if err := changed.Validate(); err != nil {
		return b, err
	}
	return changed, nil
}

// AskCover adds a cover that is open. Errors: [ErrNoRoster], [ErrCoverOver] when its time is over at now, [ErrOwnCover] when the person asks
// themselves, [ErrCoverLong], [ErrNoDuty] when there is nothing to cover, [*ValidationError].
func (b Book) AskCover(rosterID string, c Cover, now time.Time) (Book, error) {
	return b.withRoster(rosterID, func(r *Roster) error {
		c.State, c.By, c.Declined = CoverOpen, "", nil
		switch {
		case c.StateAt(now) != CoverOpen:
			return ErrCoverOver
		case slices.Contains(c.To, c.Person):
			return ErrOwnCover
		}
		r.Covers = append(r.Covers, c)
		return b.onDuty(rosterID, Part{c.Person, later(c.From, now), c.Until})
	})
}

// onDuty reports whether each of several people has some duty in their span, or would have it if they were not away, the error why not:
// [ErrCoverLong], [ErrNoDuty].
func (b Book) onDuty(rosterID string, parts ...Part) error {
	for _, p := range parts {
		c := compiled(b.present(p.Person))
		if p.Until.Sub(p.From) > longestCover {
			return ErrCoverLong
		}
		found := false
		for shift := range c.Shifts(rosterID, p.From, p.Until) {
			if found = slices.Contains(shift.People, p.Person); found {
				break
			}
		}
		if _, known := c.Person(p.Person); !found && known && p.From.Before(p.Until) { // else it is not valid, and that says more
			return ErrNoDuty
		}
	}
	return nil
}

// present is the book in which a person is never away.
func (b Book) present(person string) Book {
	b.Leave = slices.DeleteFunc(slices.Clone(b.Leave), func(l Leave) bool { return l.Person == person })
	b.People = slices.Clone(b.People)
	for i := range b.People {
		if p := &b.People[i]; p.ID == person {
			p.ActiveFrom, p.ActiveUntil = "", ""
		}
	}
	return b
}

// able reports why a person cannot be on duty on a roster throughout a span: [ErrNoPerson], [ErrErasedPerson], [ErrInactive], [ErrAway].
func (b Book) able(rosterID, person string, from, until time.Time) error {
	return compiled(b).able(rosterID, person, span{from, until})
}

// answerable finds a cover that a person may answer.
func (r *Roster) answerable(id, by string, now time.Time) (*Cover, error) {
	i := slices.IndexFunc(r.Covers, func(c Cover) bool { return c.ID == id })
	if i < 0 {
		return nil, ErrNoCover
	}
	c := &r.Covers[i]
	switch {
	case c.State == CoverAccepted:
		return nil, ErrCoverTaken
	case c.StateAt(now) != CoverOpen:
		return nil, ErrCoverOver
	case c.Person == by:
		return nil, ErrOwnCover
	case len(c.To) > 0 && !slices.Contains(c.To, by):
		return nil, ErrNotAsked
	}
	return c, nil
}

// AcceptCover gives an open cover to a person, from now on if it has begun: what is over stays as it was. Errors: [ErrNoRoster], [ErrNoCover],
// [ErrCoverTaken], [ErrCoverOver], [ErrOwnCover], [ErrNotAsked], [*ValidationError]; for who could not be on duty all the time [ErrNoPerson],
// [ErrErasedPerson], [ErrInactive], [ErrAway].
func (b Book) AcceptCover(rosterID, id, by string, now time.Time) (Book, error) {
	return b.withRoster(rosterID, func(r *Roster) error {
		c, err := r.answerable(id, by, now)
		if err != nil {
			return err
		}
		c.State, c.By, c.From = CoverAccepted, by, later(c.From, now)
		return b.able(rosterID, by, c.From, c.Until)
	})
}

// DeclineCover notes that a person does not take an open cover; when all who were named have declined, it is declined. Errors: [ErrNoRoster],
// [ErrNoCover], [ErrCoverTaken], [ErrCoverOver], [ErrOwnCover], [ErrNotAsked], [*ValidationError].
func (b Book) DeclineCover(rosterID, id, by string, now time.Time) (Book, error) {
	return b.withRoster(rosterID, func(r *Roster) error {
		c, err := r.answerable(id, by, now)
		if err != nil {
			return err
		}
		if !slices.Contains(c.Declined, by) {
			c.Declined = append(slices.Clone(c.Declined), by)
		}
		if len(c.To) > 0 && !slices.ContainsFunc(c.To, func(person string) bool { return !slices.Contains(c.Declined, person) }) {
			c.State = CoverDeclined
		}
		return nil
	})
}

// AskSwap adds a swap that is open. Errors: [ErrNoRoster], [ErrCoverOver], [ErrCoverLong], [ErrNoDuty] when one of the two gives nothing away,
// [*ValidationError].
func (b Book) AskSwap(rosterID string, s Swap, now time.Time) (Book, error) {
	return b.withRoster(rosterID, func(r *Roster) error {
		s.State = CoverOpen
		if s.StateAt(now) != CoverOpen {
			return ErrCoverOver
		}
		r.Swaps = append(r.Swaps, s)
		one, other := s.One, s.Other
		one.From, other.From = later(one.From, now), later(other.From, now)
		return b.onDuty(rosterID, one, other)
	})
}

// AnswerSwap accepts or declines an open swap for the one who was asked. Of a part that has begun the rest counts. Errors: [ErrNoRoster],
// [ErrNoCover], [ErrCoverTaken], [ErrCoverOver], [ErrNotAsked], [*ValidationError]; where one of the two could not be on duty all the time
// [ErrErasedPerson], [ErrInactive], [ErrAway].
func (b Book) AnswerSwap(rosterID, id, by string, accept bool, now time.Time) (Book, error) {
	return b.withRoster(rosterID, func(r *Roster) error {
		i := slices.IndexFunc(r.Swaps, func(s Swap) bool { return s.ID == id })
		if i < 0 {
			return ErrNoCover
		}
		s := &r.Swaps[i]
		switch {
		case s.State == CoverAccepted:
			return ErrCoverTaken
		case s.StateAt(now) != CoverOpen:
			return ErrCoverOver
		case s.Other.Person != by:
			return ErrNotAsked
		}
		s.State = CoverDeclined
		if accept {
			s.State, s.One.From, s.Other.From = CoverAccepted, later(s.One.From, now), later(s.Other.From, now)
			return cmp.Or(b.able(rosterID, s.Other.Person, s.One.From, s.One.Until), b.able(rosterID, s.One.Person, s.Other.From, s.Other.Until))
		}
		return nil
	})
}

// Expire marks covers and swaps that nobody accepted in time. changed is false when there are none: then there is nothing to store.
func (b Book) Expire(now time.Time) (expired Book, changed bool) {
	expired = b
	expired.Rosters = slices.Clone(b.Rosters)
	for i := range expired.Rosters {
		r := &expired.Rosters[i]
		r.Covers, r.Swaps = slices.Clone(r.Covers), slices.Clone(r.Swaps)
		for j := range r.Covers {
			state := r.Covers[j].StateAt(now)
			changed = changed || state != r.Covers[j].State
			r.Covers[j].State = state
		}
		for j := range r.Swaps {
			state := r.Swaps[j].StateAt(now)
			changed = changed || state != r.Swaps[j].State
			r.Swaps[j].State = state
		}
	}
	return expired, changed
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
