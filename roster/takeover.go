package roster

import (
	"errors"
	"slices"
	"time"
)

// Why somebody cannot take a duty over, give it back, or take part in a cover or a swap.
var (
	ErrNoPerson      = errors.New("nobody has this identifier")
	ErrErasedPerson  = errors.New("this person was erased and cannot be reached")
	ErrInactive      = errors.New("this person is not active in that time")
	ErrAway          = errors.New("this person is on leave in that time")
	ErrAlreadyOnDuty = errors.New("this person is on duty")
	ErrNotOnDuty     = errors.New("the person whose duty it should be is not on duty")
	ErrWhoseDuty     = errors.New("several are on duty: say whose duty it is")
	ErrSharedDuty    = errors.New("several are on duty: one of them can be replaced until the end of the shift, not longer")
	ErrSubstituted   = errors.New("somebody else has this person's duty by a cover or a swap")
	ErrClosedRoster  = errors.New("the roster is closed")
	ErrNoEnd         = errors.New("the shift has no end: say until when")
	ErrTakeoverTime  = errors.New("a takeover ends after now, and within 60 days")
	ErrNoTakeover    = errors.New("this person has taken no duty over")
	ErrNobodyBack    = errors.New("nobody would be on duty: somebody else must take it over first")
)

// A Takeover is that somebody takes the duty now.
type Takeover struct {
	Roster  string
	By      string
	Instead string    // whose duty it is; "": that of the one person who is on duty
	Until   time.Time // at most 60 days from now, cut when the roster closes; zero: to the end of the shift, or until By goes on leave
	Reason  string    // in clear: it must name nobody
}

// TakeOver puts a person on duty from now on, in the place of whoever is, and gives the override that does it; where nobody is on duty it
// closes the gap. With others on duty only Instead is replaced. Errors: [ErrNoRoster], [ErrClosedRoster], [ErrNoPerson], [ErrErasedPerson],
// [ErrInactive], [ErrAway], [ErrAlreadyOnDuty], [ErrNotOnDuty], [ErrWhoseDuty], [ErrSharedDuty], [ErrSubstituted], [ErrNoEnd],
// [ErrTakeoverTime], [*ValidationError].
func (b Book) TakeOver(t Takeover, now time.Time) (Book, Override, error) {
	now = now.UTC().Truncate(time.Millisecond) // as all instants are written
	var taken Override
	edited, err := b.withRoster(t.Roster, func(r *Roster) error {
		c, err := Compile(b)
		if err != nil {
			return err
		}
		if taken, err = c.takeover(t, now); err != nil {
			return err
		}
		ids := map[string]bool{}
		for _, o := range r.Overrides {
			ids[o.ID] = true
		}
		if taken.ID = now.Format("takeover-20060102-150405"); ids[taken.ID] {
			taken.ID = fresh(taken.ID, ids)
		}
		r.Overrides = append(r.Overrides, taken)
		return nil
	})
	if err != nil {
		return b, Override{}, err
	}
	c, err := Compile(edited)
	if err != nil {
		return b, Override{}, err
	}
	if !slices.Equal(c.Who(t.Roster, now), taken.People) {
		return b, Override{}, ErrSubstituted
	}
	return edited, taken, nil
}

// takeover is the override of a takeover, without an identifier.
func (c *Compiled) takeover(t Takeover, now time.Time) (Override, error) {
	d := c.rosters[t.Roster]
	if !d.closes.IsZero() && !now.Before(d.closes) {
		return Override{}, ErrClosedRoster
	}
	if err := c.able(t.Roster, t.By, span{now, now.Add(1)}); err != nil {
		return Override{}, err
	}
	on := c.Who(t.Roster, now)
	switch {
	case slices.Contains(on, t.By):
		return Override{}, ErrAlreadyOnDuty
	case t.Instead != "" && !slices.Contains(on, t.Instead):
		return Override{}, ErrNotOnDuty
	case t.Instead == "" && len(on) > 1:
		return Override{}, ErrWhoseDuty
	}
	people, end := []string{t.By}, c.shiftEnd(t.Roster, now)
	if len(on) > 1 {
		people = slices.Clone(on)
		people[slices.Index(on, t.Instead)] = t.By
	}
	until := t.Until.UTC().Truncate(time.Millisecond)
	switch {
	case !t.Until.IsZero() && (!until.After(now) || until.Sub(now) > lookAround):
		return Override{}, ErrTakeoverTime
	case !t.Until.IsZero() && len(on) > 1 && !end.IsZero() && until.After(end):
		return Override{}, ErrSharedDuty
	case !t.Until.IsZero():
		if err := c.able(t.Roster, t.By, span{now, until}); err != nil {
			return Override{}, err
		}
	case end.IsZero():
		return Override{}, ErrNoEnd
	default:
		until = end
		for _, s := range d.away[t.By] {
			if s.from.After(now) {
				until = earliest(until, s.from)
			}
		}
	}
	return Override{Kind: Replace, From: now, Until: earliest(until, d.closes), People: people, By: t.By, Reason: t.Reason}, nil
}

// able reports why a person cannot be on duty on a roster throughout a span.
func (c *Compiled) able(rosterID, person string, s span) error {
	p, known := c.Person(person)
	d := c.rosters[rosterID]
	switch {
	case d == nil:
		return ErrNoRoster
	case !known:
		return ErrNoPerson
	case p.Erased:
		return ErrErasedPerson
	}
	meets := func(away []span) bool {
		return slices.ContainsFunc(away, func(a span) bool { return a.from.Before(s.until) && (a.until.IsZero() || s.from.Before(a.until)) })
	}
	switch {
	case meets(c.leave[person]):
		return ErrAway
	case meets(d.away[person]):
		return ErrInactive
	}
	return nil
}

// shiftEnd is when the people on duty at t change; where that is not in sight, when they may. It is zero when they never do.
func (c *Compiled) shiftEnd(rosterID string, t time.Time) time.Time {
	horizon := t.Add(lookAround)
	on := c.Who(rosterID, t)
	for shift := range c.Shifts(rosterID, t, horizon) {
		if !slices.Equal(shift.People, on) {
			return shift.From
		}
	}
	end, _ := c.NextChange(rosterID, t)
	return end
}

// GiveBack ends what a person has taken over on a roster: whoever would be on duty without it is so again from now on. Errors: [ErrNoRoster],
// [ErrNoTakeover], [ErrNobodyBack], [*ValidationError].
func (b Book) GiveBack(rosterID, by string, now time.Time) (Book, error) {
	now = now.UTC().Truncate(time.Millisecond)
	edited, err := b.withRoster(rosterID, func(r *Roster) error {
		var kept []Override
		found := false
		for _, o := range r.Overrides {
			if o.By == by && by != "" && o.Until.After(now) {
				found = true
				if !o.From.Before(now) {
					continue
				}
				o.Until = now
			}
			kept = append(kept, o)
		}
		if !found {
			return ErrNoTakeover
		}
		r.Overrides = kept
		return nil
	})
	if err != nil {
		return b, err
	}
	was, err := Compile(b)
	if err != nil {
		return b, err
	}
	will, err := Compile(edited)
	if err != nil {
		return b, err
	}
	if len(will.Who(rosterID, now)) == 0 && len(was.Who(rosterID, now)) > 0 {
		return b, ErrNobodyBack
	}
	return edited, nil
}

// NextDuty is the duty that a person has at t on a roster, from its beginning, or else the next within 60 days. ok is false when there is none.
func (c *Compiled) NextDuty(rosterID, person string, t time.Time) (from, until time.Time, ok bool) {
	now, _ := c.At(rosterID, t)
	for _, a := range now.OnDuty {
		if a.Person == person {
			return later(a.Since, firstDial), a.Until, !a.Until.IsZero()
		}
	}
	for shift := range c.Shifts(rosterID, t, t.Add(lookAround)) {
		has := slices.Contains(shift.People, person)
		switch {
		case has && !ok:
			from, ok = shift.From, true
		case !has && ok:
			return from.UTC(), shift.From.UTC(), true
		}
	}
	return from.UTC(), t.Add(lookAround).UTC(), ok
}
