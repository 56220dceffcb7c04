// Package calendartest reads the calendars that package calendar writes, with another library than the one that wrote them, so that a test can
// compare what people see in their calendar with the resolver.
package calendartest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"github.com/dutyline/dutyline/roster/calendar"
)

// A Calendar is what a program shows.
type Calendar struct {
	Name   string
	Events []Event
}

// An Event is one time on duty, in training, or without anybody.
type Event struct {
	UID      string
	Summary  string
	Category string // of package calendar
	Roster   string // id
	CallSign string // as its summary begins; "" of a gap
	From     time.Time
	Until    time.Time // not included
	Sequence int
	Stamp    time.Time
}

// Read reads a calendar strictly: each event has a UID of its own, a stamp, and times in UTC.
func Read(data []byte) (Calendar, error) {
	var c Calendar
	for line := range bytes.SplitSeq(data, []byte("\r\n")) {
		if len(line) > 75 || bytes.ContainsAny(line, "\r\n") {
			return c, fmt.Errorf("read the calendar: a line of %d bytes, or a bare line end: %.80q", len(line), line)
		}
	}
	read, err := ical.NewDecoder(bytes.NewReader(data)).Decode()
	if err != nil {
		return c, fmt.Errorf("read the calendar: %w", err)
	}
	if version, _ := read.Props.Text(ical.PropVersion); version != "2.0" {
		return c, fmt.Errorf("read the calendar: version %q", version)
	}
	if c.Name, err = read.Props.Text("X-WR-CALNAME"); err != nil {
		return c, err
	}
	seen := map[string]bool{}
	for _, event := range read.Events() {
		e, err := readEvent(event)
		if err != nil {
			return c, fmt.Errorf("read the calendar: event %q: %w", e.UID, err)
		}
		if e.UID == "" || seen[e.UID] {
			return c, fmt.Errorf("read the calendar: the UID %q is there twice, or is none", e.UID)
		}
		seen[e.UID] = true
		c.Events = append(c.Events, e)
	}
	return c, nil
}

func readEvent(event ical.Event) (e Event, err error) {
	text := func(name string) (value string) {
		if err == nil {
			value, err = event.Props.Text(name)
		}
		return value
	}
	instant := func(name string) (at time.Time) {
		p := event.Props.Get(name)
		switch {
		case err != nil:
		case p == nil || !strings.HasSuffix(p.Value, "Z"):
			err = fmt.Errorf("%s is no time in UTC", name)
		default:
			at, err = p.DateTime(time.UTC)
		}
		return at
	}
	e = Event{
		UID: text(ical.PropUID), Summary: text(ical.PropSummary), Category: text(ical.PropCategories), Roster: text(calendar.PropertyRoster),
		From: instant(ical.PropDateTimeStart), Until: instant(ical.PropDateTimeEnd), Stamp: instant(ical.PropDateTimeStamp),
	}
	if err != nil {
		return e, err
	}
	if e.Category != calendar.CategoryGap {
		e.CallSign, _, _ = strings.Cut(e.Summary, " ")
	}
	if !e.From.Before(e.Until) {
		return e, fmt.Errorf("it ends at %s and begins at %s", e.Until, e.From)
	}
	if p := event.Props.Get(ical.PropSequence); p != nil {
		e.Sequence, err = p.Int()
	}
	return e, err
}

// At lists the call signs of who is on duty at an instant, in the order of the alphabet; of roster ("": any).
func (c Calendar) At(rosterID string, t time.Time) []string {
	return c.at(calendar.CategoryDuty, rosterID, t)
}

// TrainingAt lists who is in training at an instant, as At does.
func (c Calendar) TrainingAt(rosterID string, t time.Time) []string {
	return c.at(calendar.CategoryTraining, rosterID, t)
}

// GapAt reports whether the calendar says that nobody is on duty.
func (c Calendar) GapAt(rosterID string, t time.Time) bool {
	return len(c.at(calendar.CategoryGap, rosterID, t)) > 0
}

func (c Calendar) at(category, rosterID string, t time.Time) []string {
	signs := []string{}
	for _, e := range c.Events {
		if e.Category == category && (rosterID == "" || e.Roster == rosterID) && !t.Before(e.From) && t.Before(e.Until) {
			signs = append(signs, e.CallSign)
		}
	}
	slices.Sort(signs)
	return slices.Compact(signs)
}
