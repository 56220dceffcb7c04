package calendar

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/dutyline/dutyline/roster"
)

// MediaType is that of a calendar (RFC 5545, 8.1).
const MediaType = "text/calendar; charset=utf-8"

// The categories of the events that [Write] writes.
const (
	CategoryDuty     = "DUTY"
	CategoryTraining = "TRAINING" // on duty beside an officer, and not as one
	CategoryGap      = "GAP"      // nobody is on duty
)

// PropertyRoster is the property of an event that holds the id of its roster.
const PropertyRoster = "X-DUTYLINE-ROSTER"

// How far a calendar looks when nobody says how far.
const (
	Back  = 30 * 24 * time.Hour
	Ahead = 180 * 24 * time.Hour
)

// refresh is how often a program should ask again (RFC 7986, 5.7).
const refresh = "PT1H"

// Span is what a calendar covers at now: whole days of UTC, so that it is the same all day.
func Span(now time.Time) (from, until time.Time) {
	today := now.UTC().Truncate(24 * time.Hour)
	return today.Add(-Back), today.Add(Ahead)
}

// ErrUnknown says that there is no such roster, or nobody of that id.
var ErrUnknown = errors.New("there is no such roster or person")

// A Scope is what a calendar is of: one person on all rosters, else one roster ("": the first).
type Scope struct {
	Person string
	Roster string
}

// Write writes the final roster over a half-open span as one calendar. Events are whole: one that reaches over a bound of the span is not cut
// there. revised is when the revision of c was stored. The error is [ErrUnknown].
func Write(c *roster.Compiled, scope Scope, from, until, revised time.Time) ([]byte, error) {
	name, events, err := find(c, scope, from, until)
	if err != nil {
		return nil, err
	}
	cal := ics.NewCalendar()
	cal.SetProductId("-//Dutyline//Dutyline//EN")
	cal.SetCalscale("GREGORIAN")
	cal.SetName(name)
	cal.SetXWRCalName(name)
	cal.SetRefreshInterval(refresh)
	cal.SetXPublishedTTL(refresh)
	for _, e := range events {
		event := ics.NewEvent(e.uid())
		event.SetDtStampTime(revised)
		event.SetLastModifiedAt(revised)
		event.SetSequence(int(min(c.Revision(), math.MaxInt32)))
		event.SetStartAt(e.from)
		event.SetEndAt(e.until)
		event.SetSummary(e.summary())
		event.AddProperty(ics.ComponentPropertyCategories, e.category)
		event.AddProperty(PropertyRoster, e.rosterID)
		transparent := ics.TransparencyTransparent // that colleagues are on duty makes nobody busy
		if scope.Person != "" && e.category == CategoryDuty {
			transparent = ics.TransparencyOpaque
		}
		event.SetTimeTransparency(transparent)
		cal.AddVEvent(event)
	}
	var out bytes.Buffer
	if err := cal.SerializeTo(&out, ics.WithNewLine("\r\n")); err != nil {
		return nil, fmt.Errorf("write the calendar: %w", err)
	}
	return out.Bytes(), nil
}

// An event is a person's time on duty on a roster, or a gap of it.
type event struct {
	rosterID, roster string // id and name
	person, sign     string // "" of a gap
	category         string
	from, until      time.Time
}

// uid is the same wherever the event is written. It tells nobody's id.
func (e event) uid() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", e.rosterID, e.person, e.category, e.from.Unix()))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20])) + "@dutyline"
}

func (e event) summary() string {
	switch e.category {
	case CategoryGap:
		return "NOBODY ON DUTY: " + e.roster
	case CategoryTraining:
		return e.sign + " in training: " + e.roster
	default:
		return e.sign + " on duty: " + e.roster
	}
}

// find lists the events of a scope by their start, and gives the calendar's name.
func find(c *roster.Compiled, scope Scope, from, until time.Time) (name string, list []event, err error) {
	rosters := c.Book().Rosters
	if scope.Person != "" {
		p, ok := c.Person(scope.Person)
		if !ok || p.Erased {
			return "", nil, ErrUnknown
		}
		name = p.CallSign + " on duty"
	} else {
		i := slices.IndexFunc(rosters, func(r roster.Roster) bool { return scope.Roster == "" || r.ID == scope.Roster })
		if i < 0 {
			return "", nil, ErrUnknown
		}
		rosters = rosters[i : i+1]
		name = "On duty: " + cmp.Or(rosters[0].Name, rosters[0].ID)
	}
	for _, r := range rosters {
		for _, e := range runs(c, r, from, until) {
			if scope.Person == "" || e.person == scope.Person {
				list = append(list, e)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b event) int {
		return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.rosterID, b.rosterID), cmp.Compare(a.category, b.category), cmp.Compare(a.sign, b.sign))
	})
	return name, list, nil
}

// What is on duty for longer than maxRun is cut at the beginnings of months, in UTC. Its start may lie anywhere before the span, and a UID that
// came from the edge of the span would be another one every day. around is how far beyond the span the resolver is asked: whatever begins
// before that is longer than maxRun, and its first piece ends before the span.
const (
	maxRun = 35 * 24 * time.Hour
	around = 2 * maxRun
)

// runs lists the unbroken times on duty, in training and without anybody that touch a span of a roster.
func runs(c *roster.Compiled, r roster.Roster, from, until time.Time) (list []event) {
	type holder struct{ person, category string }
	open := map[holder]time.Time{}
	end := func(h holder, at time.Time) {
		began := open[h]
		delete(open, h)
		e := event{rosterID: r.ID, roster: cmp.Or(r.Name, r.ID), person: h.person, category: h.category}
		if p, ok := c.Person(h.person); ok {
			e.sign = p.CallSign
		}
		for _, piece := range pieces(began, at) {
			e.from, e.until = second(piece[0]), second(piece[1])
			if e.from.Before(e.until) && e.from.Before(until) && e.until.After(from) {
				list = append(list, e)
			}
		}
	}
	last, limit := from, until.Add(around)
	if !r.Until.IsZero() && r.Until.Before(limit) {
		limit = r.Until // a closed roster has nobody, and that is no gap
	}
	for s := range c.Shifts(r.ID, from.Add(-around), limit) {
		now := map[holder]bool{}
		for _, person := range s.People {
			now[holder{person, CategoryDuty}] = true
		}
		for _, person := range s.Shadows {
			now[holder{person, CategoryTraining}] = true
		}
		if s.Gap() {
			now[holder{"", CategoryGap}] = true
		}
		for h := range open {
			if !now[h] {
				end(h, s.From)
			}
		}
		for h := range now {
			if _, on := open[h]; !on {
				open[h] = s.From
			}
		}
		last = s.Until
	}
	for h := range open {
		end(h, last)
	}
	return list
}

// second is the first whole second at or after t: a calendar knows no parts of it, and at every whole second it says what the resolver says.
func second(t time.Time) time.Time {
	whole := t.UTC().Truncate(time.Second)
	if whole.Before(t) {
		whole = whole.Add(time.Second)
	}
	return whole
}

// pieces cuts a long run at the beginnings of months.
func pieces(from, until time.Time) (list [][2]time.Time) {
	if until.Sub(from) <= maxRun {
		return [][2]time.Time{{from, until}}
	}
	for from.Before(until) {
		year, month, _ := from.UTC().Date()
		next := time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		if next.After(until) {
			next = until
		}
		list = append(list, [2]time.Time{from, next})
		from = next
	}
	return list
}
