package roster_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

// A naive answers who is on duty by looking at everything, each time, from the book alone: no index, no arithmetic beyond counting on.
// It is written from the package's comment and shares nothing with the resolver.
type naive struct {
	book roster.Book
	r    roster.Roster
}

// shown is the latest minute that the zone's clock has shown by t, as a time in UTC: looked at minute by minute.
func shown(zoneName string, t time.Time) time.Time {
	loc, err := time.LoadLocation(zoneName)
	if err != nil {
		panic(err)
	}
	var latest time.Time
	for back := 150; back >= 0; back-- {
		l := t.Add(time.Duration(-back) * time.Minute).In(loc)
		if c := time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC); c.After(latest) {
			latest = c
		}
	}
	return latest
}

func clockTime(d time.Time, text string) time.Time {
	clock, err := time.Parse("15:04", text)
	if err != nil {
		panic(err)
	}
	return time.Date(d.Year(), d.Month(), d.Day(), clock.Hour(), clock.Minute(), 0, 0, time.UTC)
}

func dayOf(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func nameOf(d time.Time) roster.Weekday {
	return map[time.Weekday]roster.Weekday{0: "sun", 1: "mon", 2: "tue", 3: "wed", 4: "thu", 5: "fri", 6: "sat"}[d.Weekday()]
}

// turn counts turns on from the first.
func (naive) turn(r roster.Rotation, clock time.Time) []string {
	if len(r.Turns) == 0 {
		return nil
	}
	from := dayOf(r.From)
	var starts func(n int) time.Time
	switch r.Unit {
	case roster.Hours:
		starts = func(n int) time.Time { return clockTime(from, r.Handover).Add(time.Duration(n*r.Length) * time.Hour) }
	case roster.Days:
		starts = func(n int) time.Time { return clockTime(from.AddDate(0, 0, n*r.Length), r.Handover) }
	case roster.Weeks:
		first := from
		for r.Weekday != "" && nameOf(first) != r.Weekday {
			first = first.AddDate(0, 0, -1)
		}
		starts = func(n int) time.Time { return clockTime(first.AddDate(0, 0, 7*n*r.Length), r.Handover) }
	case roster.Months:
		starts = func(n int) time.Time {
			month := time.Date(from.Year(), from.Month()+time.Month(n*r.Length), 1, 0, 0, 0, 0, time.UTC)
			d := month
			for d.Day() < from.Day() && d.AddDate(0, 0, 1).Month() == month.Month() {
				d = d.AddDate(0, 0, 1)
			}
			return clockTime(d, r.Handover)
		}
	case roster.Pattern:
		var changes []time.Time
		for d := from; d.Before(clock.AddDate(0, 3, 0)); d = d.AddDate(0, 0, 1) {
			var today []time.Time
			for _, change := range r.Pattern {
				if change.Weekday == nameOf(d) {
					today = append(today, clockTime(d, change.At))
				}
			}
			slices.SortFunc(today, time.Time.Compare)
			changes = append(changes, today...)
		}
		starts = func(n int) time.Time {
			if n*r.Length >= len(changes) {
				return clock.AddDate(1, 0, 0)
			}
			return changes[n*r.Length]
		}
	}
	begin := starts(0)
	if r.Weekday != "" {
		begin = clockTime(from, r.Handover)
	}
	if clock.Before(begin) {
		return nil
	}
	handover := r.Handover
	if r.Unit == roster.Pattern {
		handover = "00:00"
	}
	if r.Until != "" && !clock.Before(clockTime(dayOf(r.Until), handover)) {
		return nil
	}
	n := 0
	for !starts(n + 1).After(clock) {
		n++
	}
	place := r.First
	for range n {
		if place++; place == len(r.Turns) {
			place = 0
		}
	}
	return r.Turns[place]
}

func (o naive) open(list []roster.Restriction, clock time.Time) bool {
	for _, r := range list {
		for back := 8; back >= 0; back-- {
			d := time.Date(clock.Year(), clock.Month(), clock.Day()-back, 0, 0, 0, 0, time.UTC)
			if len(r.Weekdays) > 0 && !slices.Contains(r.Weekdays, nameOf(d)) {
				continue
			}
			holiday := false
			for _, c := range o.book.Calendars {
				holiday = holiday || (c.ID == r.Calendar && slices.Contains(c.Days, d.Format(time.DateOnly)))
			}
			if (r.Holidays == roster.OnlyHolidays && !holiday) || (r.Holidays == roster.NotHolidays && holiday) {
				continue
			}
			from, until := clockTime(d, r.From), clockTime(d, r.Until)
			for !until.After(from) || (r.UntilDay != "" && nameOf(until) != r.UntilDay) {
				until = until.AddDate(0, 0, 1)
			}
			if !clock.Before(from) && clock.Before(until) {
				return true
			}
		}
	}
	return len(list) == 0
}

func (o naive) away(person string, t time.Time) bool {
	for _, l := range o.book.Leave {
		if l.Person == person && !t.Before(l.From) && t.Before(l.Until) {
			return true
		}
	}
	for _, p := range o.book.People {
		if p.ID != person {
			continue
		}
		name := p.TimeZone
		if name == "" {
			name = o.r.TimeZone
		}
		today := shown(name, t).Format(time.DateOnly)
		return (p.ActiveFrom != "" && today < p.ActiveFrom) || (p.ActiveUntil != "" && today >= p.ActiveUntil)
	}
	return false
}

// stands is who stands on duty in a person's place, "" when nobody does.
func (o naive) stands(person string, t time.Time) string {
	take := func(of, by string, from, until time.Time) {
		if person == of && !t.Before(from) && t.Before(until) && !o.away(by, t) {
			person = by
		}
	}
	for _, c := range o.r.Covers {
		if c.State == roster.CoverAccepted {
			take(c.Person, c.By, c.From, c.Until)
		}
	}
	for _, s := range o.r.Swaps {
		if s.State == roster.CoverAccepted {
			take(s.One.Person, s.Other.Person, s.One.From, s.One.Until)
			take(s.Other.Person, s.One.Person, s.Other.From, s.Other.Until)
		}
	}
	if o.away(person, t) {
		return ""
	}
	return person
}

func (o naive) stand(people []string, t time.Time) (list []string) {
	for _, p := range people {
		if who := o.stands(p, t); who != "" && !slices.Contains(list, who) {
			list = append(list, who)
		}
	}
	return list
}

func (o naive) overridden(list []string, layer string, t time.Time) []string {
	for _, ov := range o.r.Overrides {
		if ov.Layer != layer || t.Before(ov.From) || !t.Before(ov.Until) {
			continue
		}
		named := o.stand(ov.People, t)
		switch ov.Kind {
		case roster.Replace:
			if len(named) > 0 || len(ov.People) == 0 {
				list = named
			}
		case roster.Add:
			for _, p := range named {
				if !slices.Contains(list, p) {
					list = append(list, p)
				}
			}
		case roster.Remove:
			var left []string
			for _, p := range list {
				if !slices.Contains(ov.People, p) {
					left = append(left, p)
				}
			}
			list = left
		}
	}
	return list
}

func (o naive) at(t time.Time) (people, shadows []string) {
	if !o.r.Until.IsZero() && !t.Before(o.r.Until) {
		return nil, nil
	}
	for _, l := range o.r.Layers {
		zoneName, rotation, restrictions := o.r.TimeZone, l.Rotation, l.Restrictions
		for _, s := range l.Past {
			if t.Before(s.Until) {
				zoneName, rotation, restrictions = s.TimeZone, s.Rotation, s.Restrictions
				break
			}
		}
		clock := shown(zoneName, t)
		var list []string
		if o.open(restrictions, clock) {
			list = o.stand(o.turn(rotation, clock), t)
		}
		if list = o.overridden(list, l.ID, t); len(list) > 0 {
			people = list
		}
	}
	people = o.overridden(people, "", t)
	for _, s := range o.r.Shadows {
		if t.Before(s.From) || !t.Before(s.Until) || len(people) == 0 || slices.Contains(people, s.Person) || slices.Contains(shadows, s.Person) || o.away(s.Person, t) {
			continue
		}
		if s.Follows == "" || slices.Contains(people, s.Follows) {
			shadows = append(shadows, s.Person)
		}
	}
	return people, shadows
}

// Whatever the book: the resolver and the naive one agree at every tile's edges and within, the tiles tile the span, neighbours differ, and
// every person on duty has a reason and is on duty within their own time.
func TestResolverAgreesWithANaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		c, err := roster.Compile(b)
		if err != nil {
			t.Fatal(err)
		}
		model := naive{b, b.Rosters[0]}
		check := func(at time.Time) ([]string, []string) {
			people, shadows := model.at(at)
			duty, _ := c.At("", at)
			if got := who(duty.OnDuty); !slices.Equal(got, people) || !slices.Equal(c.Who("", at), people) {
				t.Fatalf("at %s: %v are on duty, the naive model says %v", at.In(c.Zone("")), got, people)
			}
			if got := who(duty.Shadows); !slices.Equal(got, shadows) {
				t.Fatalf("at %s: %v are in training, the naive model says %v", at.In(c.Zone("")), got, shadows)
			}
			for _, a := range slices.Concat(duty.OnDuty, duty.Shadows) {
				if at.Before(a.Since) || (!a.Until.IsZero() && !at.Before(a.Until)) || len(a.Why) == 0 || a.CallSign == "" {
					t.Fatalf("%+v at %s", a, at)
				}
			}
			return people, shadows
		}
		last, end := start, start.Add(rostertest.Span)
		var previous *roster.Shift
		for shift := range c.Shifts("", start, end) {
			if !shift.From.Equal(last) || !shift.From.Before(shift.Until) {
				t.Fatalf("tile %s to %s does not begin at %s", shift.From, shift.Until, last)
			}
			if previous != nil && slices.Equal(previous.People, shift.People) && slices.Equal(previous.Shadows, shift.Shadows) {
				t.Fatalf("two tiles beside each other are the same: %+v, %+v", *previous, shift)
			}
			tile := shift
			last, previous = shift.Until, &tile
			for _, at := range []time.Time{shift.From, shift.From.Add(shift.Until.Sub(shift.From) / 2).Truncate(time.Minute), shift.Until.Add(-time.Minute)} {
				if people, shadows := check(at); !at.Before(shift.From) && (!slices.Equal(people, shift.People) || !slices.Equal(shadows, shift.Shadows)) {
					t.Fatalf("at %s the tile %+v is wrong: %v, %v", at, shift, people, shadows)
				}
			}
		}
		if !last.Equal(end) {
			t.Fatalf("the tiles end at %s", last)
		}
		for range 20 {
			check(start.Add(time.Duration(rapid.IntRange(0, int(rostertest.Span/time.Minute)).Draw(t, "minute")) * time.Minute))
		}
	})
}

func who(list []roster.Assignment) []string {
	var people []string
	for _, a := range list {
		people = append(people, a.Person)
	}
	return people
}
