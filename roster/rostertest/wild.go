// Package rostertest draws rosters with everything in them, for tests of several packages.
package rostertest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
)

// The time that random books are about: three weeks around a night in which clocks go back or forward.
var starts = map[string]time.Time{
	"Europe/Paris":        time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC),
	"America/New_York":    time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	"Australia/Lord_Howe": time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	"Africa/Casablanca":   time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC),
	"America/Havana":      time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), // at midnight
	"UTC":                 time.Date(2026, 1, 25, 0, 0, 0, 0, time.UTC),
}

// Span is the time that a book is about, from its start on.
const Span = 21 * 24 * time.Hour

// People lists whom a book puts on duty. Do not modify.
var (
	People   = []string{"ada", "bruno", "carmen", "dalia", "erik"}
	weekdays = []roster.Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	clocks   = []string{"00:00", "01:30", "02:00", "02:30", "03:00", "08:00", "17:15", "20:00", "23:59"}
)

// Rotation draws any rotation that concerns the span.
func Rotation(t *rapid.T, start time.Time) roster.Rotation {
	clock := rapid.SampledFrom(clocks)
	r := roster.Rotation{
		Turns:  rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.SampledFrom(People), 0, 2, rapid.ID), 1, 4).Draw(t, "turns"),
		Unit:   rapid.SampledFrom([]roster.Unit{roster.Hours, roster.Days, roster.Weeks, roster.Months, roster.Pattern}).Draw(t, "unit"),
		Length: rapid.IntRange(1, 3).Draw(t, "length"), Handover: clock.Draw(t, "handover"),
		From: start.AddDate(0, 0, -rapid.IntRange(-10, 80).Draw(t, "begun")).Format(time.DateOnly),
	}
	r.First = rapid.IntRange(0, len(r.Turns)-1).Draw(t, "first")
	switch r.Unit {
	case roster.Hours:
		r.Length = rapid.SampledFrom([]int{1, 7, 8, 12, 24, 36}).Draw(t, "hours")
	case roster.Weeks:
		if rapid.Bool().Draw(t, "has weekday") {
			r.Weekday = rapid.SampledFrom(weekdays).Draw(t, "weekday")
		}
	case roster.Pattern:
		r.Handover = ""
		r.Pattern = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) roster.Change {
			return roster.Change{Weekday: rapid.SampledFrom(weekdays).Draw(t, "weekday"), At: clock.Draw(t, "at")}
		}), 1, 4, rapid.ID).Draw(t, "pattern")
	default:
	}
	if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
		r.Until = start.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "until")).Format(time.DateOnly)
	}
	return r
}

// Restrictions draws up to two windows of the week.
func Restrictions(t *rapid.T) []roster.Restriction {
	clock := rapid.SampledFrom(clocks)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) roster.Restriction {
		r := roster.Restriction{
			Weekdays: rapid.SliceOfNDistinct(rapid.SampledFrom(weekdays), 0, 5, rapid.ID).Draw(t, "weekdays"),
			From:     clock.Draw(t, "from"), Until: clock.Draw(t, "until"),
		}
		if rapid.IntRange(0, 3).Draw(t, "long") == 0 {
			r.UntilDay = rapid.SampledFrom(weekdays).Draw(t, "until day")
		}
		if rapid.IntRange(0, 2).Draw(t, "holidays") == 0 {
			r.Calendar, r.Holidays = "public", rapid.SampledFrom([]roster.Holidays{roster.OnlyHolidays, roster.NotHolidays}).Draw(t, "use")
		}
		return r
	}), 0, 2).Draw(t, "restrictions")
}

// Book draws a book with one roster with everything, and the start of the time that it is about.
func Book(t *rapid.T) (b roster.Book, start time.Time) {
	zoneName := rapid.SampledFrom([]string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Havana", "UTC"}).Draw(t, "zone")
	start = starts[zoneName]
	b = roster.Example(zoneName, start)
	r := &b.Rosters[0]
	person := rapid.SampledFrom(People)
	minutes := rapid.IntRange(0, int(Span/time.Minute))
	spanOf := func(t *rapid.T) (time.Time, time.Time) {
		from := start.Add(time.Duration(minutes.Draw(t, "from")) * time.Minute)
		return from, from.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "minutes")) * time.Minute)
	}
	b.Calendars = []roster.Calendar{{ID: "public"}}
	for range rapid.IntRange(0, 4).Draw(t, "holidays") {
		b.Calendars[0].Days = append(b.Calendars[0].Days, start.AddDate(0, 0, rapid.IntRange(0, 21).Draw(t, "holiday")).Format(time.DateOnly))
	}
	r.Layers = nil
	for i := range rapid.IntRange(1, 4).Draw(t, "layers") {
		l := roster.Layer{ID: fmt.Sprint("l", i), Rotation: Rotation(t, start), Restrictions: Restrictions(t)}
		until := start
		for range rapid.IntRange(0, 2).Draw(t, "past") {
			until = until.Add(time.Duration(rapid.IntRange(1, 10000).Draw(t, "segment")) * time.Minute)
			l.Past = append(l.Past, roster.Segment{
				Until: until, TimeZone: rapid.SampledFrom([]string{zoneName, "UTC"}).Draw(t, "past zone"), Rotation: Rotation(t, start), Restrictions: Restrictions(t),
			})
		}
		r.Layers = append(r.Layers, l)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "overrides") {
		o := roster.Override{
			ID: fmt.Sprint("o", i), Kind: rapid.SampledFrom([]roster.Kind{roster.Replace, roster.Add, roster.Remove}).Draw(t, "kind"),
			People: rapid.SliceOfNDistinct(person, 0, 3, rapid.ID).Draw(t, "people"),
			Layer:  rapid.SampledFrom([]string{"", "", "l0"}).Draw(t, "scope"),
		}
		o.From, o.Until = spanOf(t)
		r.Overrides = append(r.Overrides, o)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "leave") {
		l := roster.Leave{ID: fmt.Sprint("a", i), Person: person.Draw(t, "away")}
		l.From, l.Until = spanOf(t)
		b.Leave = append(b.Leave, l)
	}
	states := rapid.SampledFrom([]roster.CoverState{roster.CoverAccepted, roster.CoverAccepted, roster.CoverOpen, roster.CoverDeclined, roster.CoverExpired})
	for i := range rapid.IntRange(0, 3).Draw(t, "covers") {
		pair := rapid.SliceOfNDistinct(person, 2, 2, rapid.ID).Draw(t, "cover")
		c := roster.Cover{ID: fmt.Sprint("c", i), Person: pair[0], State: states.Draw(t, "state")}
		if c.State == roster.CoverAccepted {
			c.By = pair[1]
		}
		c.From, c.Until = spanOf(t)
		r.Covers = append(r.Covers, c)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "swaps") {
		pair := rapid.SliceOfNDistinct(person, 2, 2, rapid.ID).Draw(t, "swap")
		s := roster.Swap{ID: fmt.Sprint("s", i), State: states.Draw(t, "state"), One: roster.Part{Person: pair[0]}, Other: roster.Part{Person: pair[1]}}
		s.One.From, s.One.Until = spanOf(t)
		s.Other.From = s.One.Until.Add(time.Hour)
		s.Other.Until = s.Other.From.Add(30 * time.Hour)
		r.Swaps = append(r.Swaps, s)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "shadows") {
		s := roster.Shadow{ID: fmt.Sprint("t", i), Person: person.Draw(t, "shadow"), Paged: rapid.SampledFrom([]roster.Paged{roster.PagedLast, roster.PagedNever}).Draw(t, "paged")}
		if follows := person.Draw(t, "follows"); follows != s.Person {
			s.Follows = follows
		}
		s.From, s.Until = spanOf(t)
		r.Shadows = append(r.Shadows, s)
	}
	for i := range b.People {
		p := &b.People[i]
		switch rapid.IntRange(0, 5).Draw(t, "active") {
		case 0:
			p.ActiveFrom = start.AddDate(0, 0, rapid.IntRange(0, 10).Draw(t, "active from")).Format(time.DateOnly)
		case 1:
			p.ActiveUntil = start.AddDate(0, 0, rapid.IntRange(0, 21).Draw(t, "active until")).Format(time.DateOnly)
			p.TimeZone = rapid.SampledFrom([]string{"", "Asia/Tokyo", "America/New_York"}).Draw(t, "home")
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "closes") == 0 {
		r.Until = start.Add(time.Duration(minutes.Draw(t, "closed")) * time.Minute)
	}
	return b, start
}
