package calendar_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar"
	"github.com/dutyline/dutyline/roster/calendar/calendartest"
)

var (
	now     = time.Date(2026, 3, 4, 22, 5, 0, 0, time.UTC)
	revised = time.Date(2026, 3, 1, 9, 30, 15, 0, time.UTC)
)

func compiled(t interface {
	Helper()
	Fatal(args ...any)
}, b roster.Book,
) *roster.Compiled {
	t.Helper()
	c, err := roster.Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// written is a calendar as another program reads it.
func written(t interface {
	Helper()
	Fatal(args ...any)
}, c *roster.Compiled, scope calendar.Scope, from, until time.Time,
) calendartest.Calendar {
	t.Helper()
	data, err := calendar.Write(c, scope, from, until, revised)
	if err != nil {
		t.Fatal(err)
	}
	read, err := calendartest.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// wild is any book of five people, with overrides, leave, shadows and gaps.
func wild(t *rapid.T) roster.Book {
	zone := rapid.SampledFrom([]string{"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"}).Draw(t, "zone")
	b := roster.Example(zone, now.AddDate(0, 0, -rapid.IntRange(0, 120).Draw(t, "age")))
	b.Revision = 7
	people := []string{"ada", "bruno", "carmen", "dalia", "erik"}
	some := func(name string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(people), 0, 3, rapid.ID).Draw(t, name)
	}
	span := func() (from, until time.Time) {
		from = now.Add(time.Duration(rapid.IntRange(-60*24*3600*1000, 200*24*3600*1000).Draw(t, "from")) * time.Millisecond)
		return from, from.Add(time.Duration(rapid.IntRange(1, 40*24*3600*1000).Draw(t, "length")) * time.Millisecond)
	}
	r := &b.Rosters[0]
	r.Layers[0].Rotation.Unit = rapid.SampledFrom([]roster.Unit{roster.Hours, roster.Days, roster.Weeks, roster.Months}).Draw(t, "unit")
	r.Layers[0].Rotation.Length = rapid.IntRange(1, 30).Draw(t, "turn")
	if r.Layers[0].Rotation.Unit == roster.Hours {
		r.Layers[0].Rotation.Length += 11
	}
	r.Layers[0].Rotation.Turns = r.Layers[0].Rotation.Turns[:rapid.IntRange(1, 5).Draw(t, "turns")]
	if rapid.Bool().Draw(t, "restricted") {
		r.Layers[0].Restrictions = []roster.Restriction{{From: "08:00", Until: "20:00"}}
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "overrides") {
		from, until := span()
		kind := rapid.SampledFrom([]roster.Kind{roster.Replace, roster.Add, roster.Remove}).Draw(t, "kind")
		r.Overrides = append(r.Overrides, roster.Override{ID: fmt.Sprint("o", i), Kind: kind, From: from, Until: until, People: some("who")})
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "leave") {
		from, until := span()
		b.Leave = append(b.Leave, roster.Leave{ID: fmt.Sprint("l", i), Person: rapid.SampledFrom(people).Draw(t, "away"), From: from, Until: until})
	}
	if rapid.Bool().Draw(t, "training") {
		from, until := span()
		r.Shadows = []roster.Shadow{{ID: "s", Person: "erik", From: from, Until: until, Paged: roster.PagedLast}}
	}
	if rapid.Bool().Draw(t, "second") {
		second := *r
		second.ID, second.Name, second.Overrides, second.Shadows = "second", "", nil, nil
		second.Until = now.AddDate(0, 0, rapid.IntRange(1, 100).Draw(t, "closes"))
		b.Rosters = append(b.Rosters, second)
	}
	return b
}

// At every whole second the calendar says whom the resolver says: on a roster, and of a person over all rosters.
func TestTheCalendarSaysWhatTheResolverSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := wild(t)
		c := compiled(t, b)
		from, until := calendar.Span(now)
		for _, r := range b.Rosters {
			read := written(t, c, calendar.Scope{Roster: r.ID}, from, until)
			people := map[string]calendartest.Calendar{}
			for _, p := range b.People {
				people[p.ID] = written(t, c, calendar.Scope{Person: p.ID}, from, until)
			}
			for range 40 {
				at := from.Add(time.Duration(rapid.Int64Range(0, int64(until.Sub(from)/time.Second)-1).Draw(t, "at")) * time.Second)
				if rapid.Bool().Draw(t, "boundary") && len(read.Events) > 0 {
					at = rapid.SampledFrom(read.Events).Draw(t, "event").From.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "off")) * time.Second)
				}
				if at.Before(from) || !at.Before(until) {
					continue
				}
				want := []string{}
				for _, person := range c.Who(r.ID, at) {
					p, _ := c.Person(person)
					want = append(want, p.CallSign)
				}
				slices.Sort(want)
				if got := read.At(r.ID, at); !slices.Equal(got, want) {
					t.Fatalf("%s at %s: the calendar says %v, the resolver %v", r.ID, at, got, want)
				}
				closed := !r.Until.IsZero() && !at.Before(r.Until)
				if gap := read.GapAt(r.ID, at); gap != (len(want) == 0 && !closed) {
					t.Fatalf("%s at %s: gap %v, on duty %v", r.ID, at, gap, want)
				}
				training := []string{}
				duty, _ := c.At(r.ID, at)
				for _, a := range duty.Shadows {
					training = append(training, a.CallSign)
				}
				if got := read.TrainingAt(r.ID, at); !slices.Equal(got, training) {
					t.Fatalf("%s at %s: in training are %v, the resolver says %v", r.ID, at, got, training)
				}
				for _, p := range b.People {
					if on := len(people[p.ID].At(r.ID, at)) > 0; on != slices.Contains(want, p.CallSign) {
						t.Fatalf("%s at %s: the calendar of %s says %v, on duty are %v", r.ID, at, p.CallSign, on, want)
					}
				}
			}
		}
	})
}

// The window moves on every day, and nothing that was in it becomes another event.
func TestAShiftThatDidNotChangeIsTheSameEventOnAnotherDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := compiled(t, wild(t))
		from, until := calendar.Span(now)
		later := time.Duration(rapid.IntRange(1, 100).Draw(t, "days")) * 24 * time.Hour
		before, after := written(t, c, calendar.Scope{}, from, until), written(t, c, calendar.Scope{}, from.Add(later), until.Add(later))
		for _, e := range before.Events {
			if e.Until.After(from.Add(later)) && !slices.Contains(after.Events, e) {
				t.Fatalf("%+v is not there %s later", e, later)
			}
		}
	})
}

func TestAnEditLeavesOtherEventsAsTheyAreAndRaisesTheSequence(t *testing.T) {
	b := roster.Example("Europe/Paris", now)
	b.Revision = 4
	from, until := calendar.Span(now)
	before := written(t, compiled(t, b), calendar.Scope{}, from, until)
	b.Revision = 5
	b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: now.AddDate(0, 0, 30), Until: now.AddDate(0, 0, 31), People: []string{"erik"}}}
	after := written(t, compiled(t, b), calendar.Scope{}, from, until)
	kept := map[string]calendartest.Event{}
	for _, e := range after.Events {
		kept[e.UID] = e
	}
	gone := 0
	for _, e := range before.Events {
		again, ok := kept[e.UID]
		switch {
		case !ok || again.Until != e.Until:
			gone++
		case again.Sequence <= e.Sequence:
			t.Errorf("%s has the sequence %d after %d", e.Summary, again.Sequence, e.Sequence)
		}
	}
	if gone != 1 || len(after.Events) != len(before.Events)+2 {
		t.Errorf("%d of %d events changed by an override within one of them, now %d", gone, len(before.Events), len(after.Events))
	}
}

func TestTheSameRevisionAndSpanAreTheSameText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := wild(t)
		from, until := calendar.Span(now)
		one, err := calendar.Write(compiled(t, b), calendar.Scope{}, from, until, revised)
		if err != nil {
			t.Fatal(err)
		}
		two, err := calendar.Write(compiled(t, b), calendar.Scope{}, from, until, revised)
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("they differ, %v", err)
		}
	})
}

func TestACalendarTellsCallSignsAndNothingElseOfAnybody(t *testing.T) {
	b := roster.Example("Europe/Paris", now)
	b.Revision = 1
	b.Rosters[0].Overrides = []roster.Override{{ID: "gap", Kind: roster.Replace, From: now.AddDate(0, 0, 1), Until: now.AddDate(0, 0, 2), Reason: "hospital"}}
	b.Rosters[0].Shadows = []roster.Shadow{{ID: "s", Person: "erik", From: now, Until: now.AddDate(0, 0, 1), Paged: roster.PagedNever}}
	c := compiled(t, b)
	from, until := calendar.Span(now)
	for _, scope := range []calendar.Scope{{}, {Roster: "national"}, {Person: "ada"}, {Person: "erik"}} {
		data, err := calendar.Write(c, scope, from, until, revised)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range b.People {
			for _, secret := range []string{p.Name, p.Contacts[0].Address, strings.TrimPrefix(p.Contacts[0].Address, "+"), "hospital", ":" + p.ID} {
				if strings.Contains(string(data), secret) {
					t.Errorf("the calendar of %+v tells %q", scope, secret)
				}
			}
		}
		if scope.Person == "" && (!strings.Contains(string(data), "SUMMARY:NOBODY ON DUTY: National point of contact") || !strings.Contains(string(data), "MERLIN in training")) {
			t.Errorf("no gap, or nobody in training, in the calendar of %+v", scope)
		}
	}
	for _, scope := range []calendar.Scope{{Person: "nobody"}, {Roster: "none"}} {
		if _, err := calendar.Write(c, scope, from, until, revised); !errors.Is(err, calendar.ErrUnknown) {
			t.Errorf("%+v: %v", scope, err)
		}
	}
	b.People[0].Erased = true
	if _, err := calendar.Write(compiled(t, b), calendar.Scope{Person: "ada"}, from, until, revised); !errors.Is(err, calendar.ErrUnknown) {
		t.Errorf("somebody who was erased: %v", err)
	}
}

func TestNamesAreEscapedAndLongLinesFolded(t *testing.T) {
	b := roster.Example("Asia/Beirut", now)
	b.Revision = 1
	name := `Ligne "A", nord; \ sud — خط المناوبة الوطني على مدار الساعة وطوال أيام الأسبوع كلها`
	b.Rosters[0].Name = name
	from, until := calendar.Span(now)
	read := written(t, compiled(t, b), calendar.Scope{}, from, until)
	if read.Name != "On duty: "+name {
		t.Errorf("its name is %q", read.Name)
	}
	if len(read.Events) == 0 || !strings.HasSuffix(read.Events[0].Summary, name) {
		t.Errorf("%+v", read.Events)
	}
}
