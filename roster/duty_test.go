package roster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// layered has days by a weekly rotation and nights by another, in a zone with clock changes.
func layered() roster.Book {
	b := daily("Europe/Paris", "08:00")
	r := &b.Rosters[0]
	r.Layers[0].ID = "week"
	r.Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}}, Unit: roster.Weeks, Length: 1, Handover: "08:00", From: "2026-03-02"}
	r.Layers = append(r.Layers, roster.Layer{
		ID: "nights", Rotation: roster.Rotation{Turns: [][]string{{"carmen"}, {"dalia"}}, Unit: roster.Days, Length: 1, Handover: "20:00", From: "2026-03-01"},
		Restrictions: []roster.Restriction{{From: "20:00", Until: "08:00"}},
	})
	return b
}

func TestEveryReasonIsInTheChain(t *testing.T) {
	night := date(t, "2026-03-03T22:00:00Z") // dalia's
	span := func(o roster.Override) roster.Override {
		o.From, o.Until = night.Add(-time.Hour), night.Add(time.Hour)
		return o
	}
	for name, tc := range map[string]struct {
		change func(*roster.Book)
		person string
		why    []string
	}{
		"turn and restriction": {func(*roster.Book) {}, "carmen", []string{"layer nights: turn from 2026-03-03 20:00 CET to 2026-03-04 20:00 CET", "restriction: 20:00–08:00"}},
		"leave lets the layer below through": {
			func(b *roster.Book) {
				b.Leave = []roster.Leave{{"l", "carmen", night.Add(-time.Hour), night.Add(time.Hour)}}
			}, "ada",
			[]string{"layer week: turn from 2026-03-02 08:00 CET to 2026-03-09 08:00 CET", "OSPREY is away"},
		},
		"override": {
			func(b *roster.Book) {
				b.Rosters[0].Overrides = []roster.Override{span(roster.Override{ID: "o1", Kind: roster.Replace, People: []string{"erik"}})}
			}, "erik",
			[]string{"override o1: replace until 2026-03-04 00:00 CET"},
		},
		"override of a layer": {
			func(b *roster.Book) {
				b.Rosters[0].Overrides = []roster.Override{span(roster.Override{ID: "o1", Layer: "nights", Kind: roster.Replace, People: []string{"erik"}})}
			}, "erik",
			[]string{"override o1: replace until 2026-03-04 00:00 CET, on layer nights"},
		},
		"override whose people are away": {
			func(b *roster.Book) {
				b.Rosters[0].Overrides = []roster.Override{span(roster.Override{ID: "o1", Kind: roster.Replace, People: []string{"erik"}})}
				b.People[4].ActiveUntil = "2026-03-03"
			}, "carmen",
			[]string{"layer nights: turn from 2026-03-03 20:00 CET to 2026-03-04 20:00 CET", "restriction: 20:00–08:00", "MERLIN is away", "override o1: all whom it names are away"},
		},
		"swap": {
			func(b *roster.Book) {
				b.Rosters[0].Swaps = []roster.Swap{{ID: "s", State: roster.CoverAccepted, One: roster.Part{"carmen", night, night.Add(time.Hour)}, Other: roster.Part{"erik", night.Add(48 * time.Hour), night.Add(49 * time.Hour)}}}
			}, "erik",
			[]string{"layer nights: turn from 2026-03-03 20:00 CET to 2026-03-04 20:00 CET", "restriction: 20:00–08:00", "swap s: MERLIN takes over from OSPREY"},
		},
	} {
		b := layered()
		tc.change(&b)
		duty, _ := compile(t, b).At("", night)
		if len(duty.OnDuty) != 1 || duty.OnDuty[0].Person != tc.person || !slices.Equal(duty.OnDuty[0].Why, tc.why) {
			t.Errorf("%s: %+v", name, duty.OnDuty)
		}
	}
	duty, _ := compile(t, layered()).At("", date(t, "2026-03-03T12:00:00Z"))
	if want := []string{"layer week: turn from 2026-03-02 08:00 CET to 2026-03-09 08:00 CET", "layer nights: outside its hours"}; !slices.Equal(duty.OnDuty[0].Why, want) {
		t.Errorf("by day: %q", duty.OnDuty[0].Why)
	}
	if !duty.OnDuty[0].Until.Equal(date(t, "2026-03-03T19:00:00Z")) || duty.Next[0].Person != "carmen" {
		t.Errorf("by day: until %s, next %+v", duty.OnDuty[0].Until, duty.Next)
	}
}

func TestAnOverrideOfALayerTouchesNoOtherLayer(t *testing.T) {
	b := layered()
	day, night := date(t, "2026-03-03T12:00:00Z"), date(t, "2026-03-03T22:00:00Z")
	b.Rosters[0].Overrides = []roster.Override{{ID: "o", Layer: "nights", Kind: roster.Remove, From: day.Add(-time.Hour), Until: night.Add(time.Hour), People: []string{"ada", "carmen"}}}
	c := compile(t, b)
	if got := c.Who("", day); !slices.Equal(got, []string{"ada"}) {
		t.Errorf("by day: %v", got)
	}
	if got := c.Who("", night); !slices.Equal(got, []string{"ada"}) {
		t.Errorf("by night, the layer below: %v", got)
	}
	var layer []roster.Shift
	for shift := range c.LayerShifts("", "nights", day, night.Add(2*time.Hour)) {
		layer = append(layer, shift)
	}
	if len(layer) != 2 || !layer[0].Gap() || !layer[1].From.Equal(night.Add(time.Hour)) || !slices.Equal(layer[1].People, []string{"carmen"}) {
		t.Errorf("the layer alone: %+v", layer)
	}
	for shift := range c.LayerShifts("", "attic", day, night) {
		t.Errorf("a layer that is not there has %+v", shift)
	}
}

// A day of 23 hours and one of 25 have turns of that length, and the wall clock shows eight at both ends.
func TestTurnsOfDaysWith23And25Hours(t *testing.T) {
	c := compile(t, daily("Europe/Paris", "08:00"))
	for day, hours := range map[string]int{"2026-03-28T12:00:00Z": 23, "2026-10-24T12:00:00Z": 25, "2026-06-24T12:00:00Z": 24} {
		duty, _ := c.At("", date(t, day))
		a := duty.OnDuty[0]
		if got := a.Until.Sub(a.Since); got != time.Duration(hours)*time.Hour {
			t.Errorf("%s: %s", day, got)
		}
		if from, until := a.Since.In(c.Zone("")).Format("15:04"), a.Until.In(c.Zone("")).Format("15:04"); from != "08:00" || until != "08:00" {
			t.Errorf("%s: from %s to %s", day, from, until)
		}
	}
}

func TestWhoIsInTrainingIsBesideAndNeverAnOfficer(t *testing.T) {
	b := layered()
	night := date(t, "2026-03-03T22:00:00Z")
	shadow := roster.Shadow{ID: "t", Person: "erik", Follows: "carmen", From: night.Add(-24 * time.Hour), Until: night.Add(24 * time.Hour), Paged: roster.PagedNever}
	b.Rosters[0].Shadows = []roster.Shadow{shadow}
	c := compile(t, b)
	duty, _ := c.At("", night)
	if got := who(duty.OnDuty); !slices.Equal(got, []string{"carmen"}) || !slices.Equal(who(duty.Shadows), []string{"erik"}) {
		t.Errorf("%v, in training %v", got, who(duty.Shadows))
	}
	if s := duty.Shadows[0]; s.Layer != "shadow" || s.Why[0] != "shadow t: in training until 2026-03-04 23:00 CET, paged never, with OSPREY" || !s.Since.Equal(date(t, "2026-03-03T19:00:00Z")) {
		t.Errorf("%+v", s)
	}
	if duty, _ := c.At("", night.Add(-10*time.Hour)); len(duty.Shadows) != 0 {
		t.Errorf("by day there is nobody to follow: %+v", duty.Shadows)
	}
	b.Rosters[0].Shadows = append(b.Rosters[0].Shadows, roster.Shadow{ID: "twice", Person: "erik", From: shadow.From, Until: shadow.Until, Paged: roster.PagedNever})
	if duty, _ := compile(t, b).At("", night); len(duty.Shadows) != 1 {
		t.Errorf("twice beside the same officer: %+v", duty.Shadows)
	}
	b.Rosters[0].Shadows = []roster.Shadow{shadow}
	if got := c.Everyone(night); slices.Contains(got, "erik") || len(got) != 4 {
		t.Errorf("everyone has %v", got)
	}
	b.Rosters[0].Shadows[0].Paged = roster.PagedLast
	if got := compile(t, b).Everyone(night); got[4] != "erik" {
		t.Errorf("everyone, training last: %v", got)
	}
	b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: night, Until: night.Add(time.Hour), People: []string{}}}
	c = compile(t, b)
	if gaps := c.Gaps("", night, night.Add(time.Hour)); len(gaps) != 1 || len(gaps[0].Shadows) != 0 {
		t.Errorf("somebody in training fills no gap: %+v", gaps)
	}
	b.Rosters[0].Shadows[0].Paged, b.Rosters[0].Overrides[0].People = roster.PagedNever, []string{"erik"}
	if got := compile(t, b).Everyone(night); !slices.Contains(got, "erik") {
		t.Errorf("an officer on duty is part of everyone: %v", got)
	}
}

func TestEveryoneIsWhoeverCanBeAskedAndNeverEmpty(t *testing.T) {
	b := daily("Europe/Paris", "08:00")
	b.People[0].ActiveUntil = "2026-03-02"
	b.People[1].ActiveFrom = "2026-03-03"
	b.Leave = []roster.Leave{{"l", "carmen", noon, noon.Add(time.Hour)}}
	c := compile(t, b)
	for at, want := range map[time.Time][]string{
		noon:                                 {"dalia", "erik", "carmen"},
		noon.Add(-13*time.Hour - 1):          {"ada", "carmen", "dalia", "erik"}, // Paris has its midnight at 23:00 UTC
		noon.Add(11 * time.Hour):             {"bruno", "carmen", "dalia", "erik"},
		noon.Add(11*time.Hour - time.Second): {"carmen", "dalia", "erik"},
	} {
		if got := c.Everyone(at); !slices.Equal(got, want) {
			t.Errorf("at %s: %v, not %v", at, got, want)
		}
	}
	for i := range b.People {
		b.People[i].ActiveUntil, b.People[i].ActiveFrom = "2026-01-01", ""
	}
	if got := compile(t, b).Everyone(noon); len(got) != 5 {
		t.Errorf("nobody is active: %v", got)
	}
}

func TestAClosedRosterHasNobody(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Until = noon
	c := compile(t, b)
	if got := c.Who("", noon.Add(-1)); len(got) != 1 {
		t.Errorf("before: %v", got)
	}
	if got := c.Who("", noon); got != nil {
		t.Errorf("after: %v", got)
	}
	if at, ok := c.NextChange("", noon); ok {
		t.Errorf("something changes at %s", at)
	}
	duty, _ := c.At("", noon.Add(-time.Hour))
	if !duty.OnDuty[0].Until.Equal(noon) || len(duty.Next) != 0 {
		t.Errorf("%+v", duty)
	}
}

func TestHolidaysMakeAWindowOfTheirDay(t *testing.T) {
	b := layered()
	b.Calendars = []roster.Calendar{{ID: "public", Days: []string{"2026-05-01"}}}
	r := &b.Rosters[0]
	r.Layers[1].Restrictions = []roster.Restriction{{From: "08:00", Until: "08:00", Calendar: "public", Holidays: roster.OnlyHolidays}}
	r.Layers[1].Rotation.Turns = [][]string{{"erik"}}
	c := compile(t, b)
	for at, want := range map[string]bool{"2026-05-01T05:59:59Z": false, "2026-05-01T06:00:00Z": true, "2026-05-02T05:59:59Z": true, "2026-05-02T06:00:00Z": false} {
		if got := slices.Equal(c.Who("", date(t, at)), []string{"erik"}); got != want {
			t.Errorf("at %s: %v", at, got)
		}
	}
}

// crowded is a roster of 10 layers, none of which but the lowest has somebody by day, and 200 overrides.
func crowded() roster.Book {
	b := daily("Europe/Paris", "08:00")
	r := &b.Rosters[0]
	for i := range 9 {
		l := layered().Rosters[0].Layers[1]
		l.ID = fmt.Sprint("nights", i)
		r.Layers = append(r.Layers, l)
	}
	from := date(nil, "2026-01-01T10:00:00Z")
	for i := range 200 {
		at := from.Add(time.Duration(i) * 40 * time.Hour)
		r.Overrides = append(r.Overrides, roster.Override{ID: fmt.Sprint("o", i), Kind: []roster.Kind{roster.Add, roster.Remove, roster.Replace}[i%3], From: at, Until: at.Add(50 * time.Hour), People: []string{"erik", "dalia"}})
	}
	return b
}

// Whoever is paged waits for this: it must not depend on how much there is.
func TestWhoIsOnDutyTakesNoMoreMemoryWithTwoHundredOverrides(t *testing.T) {
	at := date(t, "2026-03-03T12:00:00Z")
	few, many := compile(t, daily("Europe/Paris", "08:00")), compile(t, crowded())
	one, other := testing.AllocsPerRun(100, func() { few.Who("", at) }), testing.AllocsPerRun(100, func() { many.Who("", at) })
	if one > 2 || other > one+4 {
		t.Errorf("%v allocations, with ten layers and 200 overrides %v", one, other)
	}
}

func BenchmarkWho(b *testing.B) {
	c := compile(b, crowded())
	at := date(b, "2026-03-03T12:00:00Z")
	if got := c.Who("", at); len(got) == 0 {
		b.Fatal("nobody is on duty")
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Who("", at)
	}
}

func BenchmarkAtCrowded(b *testing.B) {
	c := compile(b, crowded())
	at := date(b, "2026-03-03T12:00:00Z")
	for b.Loop() {
		c.At("", at)
	}
}

// fifty is a roster of fifty people: twelve hours each, two together, with nights, weekends, leave and overrides.
func fifty() roster.Book {
	b := roster.Example("Europe/Paris", noon)
	b.People = nil
	var turns [][]string
	for i := range 50 {
		id := fmt.Sprintf("p%02d", i)
		b.People = append(b.People, roster.Person{ID: id, CallSign: strings.ToUpper(id), Languages: roster.Languages("en")})
		b.Leave = append(b.Leave, roster.Leave{fmt.Sprint("l", i), id, noon.AddDate(0, 0, i*7), noon.AddDate(0, 0, i*7+14)})
		if i%2 == 1 {
			turns = append(turns, []string{fmt.Sprintf("p%02d", i-1), id})
		}
	}
	b.Teams = nil
	r := &b.Rosters[0]
	r.Layers[0].Rotation = roster.Rotation{Turns: turns, Unit: roster.Hours, Length: 12, Handover: "08:00", From: "2026-01-01"}
	for i := range 4 {
		l := layered().Rosters[0].Layers[1]
		l.ID, l.Rotation.Turns = fmt.Sprint("nights", i), turns[i*5:]
		r.Layers = append(r.Layers, l)
	}
	for i := range 100 {
		at := noon.AddDate(0, 0, i*3)
		r.Overrides = append(r.Overrides, roster.Override{ID: fmt.Sprint("o", i), Kind: roster.Add, From: at, Until: at.Add(30 * time.Hour), People: turns[i%25]})
	}
	return b
}

func BenchmarkYearOfFiftyPeople(b *testing.B) {
	c := compile(b, fifty())
	from := date(b, "2026-01-01T00:00:00Z")
	tiles := 0
	for b.Loop() {
		tiles = 0
		for range c.Shifts("", from, from.AddDate(1, 0, 0)) {
			tiles++
		}
	}
	b.ReportMetric(float64(tiles), "tiles")
}

func BenchmarkCompile(b *testing.B) {
	book := crowded()
	for b.Loop() {
		compile(b, book)
	}
}

func TestATurnOfMonthsStartsOnTheSameDayOrOnTheLast(t *testing.T) {
	b := daily("Europe/Paris", "08:00")
	b.Rosters[0].Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}}, Unit: roster.Months, Length: 1, Handover: "08:00", From: "2027-10-31"}
	if got, want := story(t, b, "2027-10-31T07:00:00Z", "2028-05-01T00:00:00Z"), []string{
		"ada 10-31 08:00", "bruno 11-30 08:00", "ada 12-31 08:00", "bruno 01-31 08:00", "ada 02-29 08:00", "bruno 03-31 08:00", "ada 04-30 08:00",
	}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	b.Rosters[0].Layers[0].Rotation.Length, b.Rosters[0].Layers[0].Rotation.From = 3, "2027-11-30"
	if got, want := story(t, b, "2027-11-30T07:00:00Z", "2028-09-01T00:00:00Z"), []string{
		"ada 11-30 08:00", "bruno 02-29 08:00", "ada 05-30 08:00", "bruno 08-30 08:00",
	}; !slices.Equal(got, want) {
		t.Errorf("every three: %q", got)
	}
}

func TestAPatternChangesOnItsDaysOfTheWeek(t *testing.T) {
	b := daily("Europe/Paris", "08:00")
	pattern := roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}, {"carmen"}}, Unit: roster.Pattern, Length: 1, Pattern: []roster.Change{{"fri", "17:00"}, {"mon", "08:00"}}, From: "2026-03-03"}
	b.Rosters[0].Layers[0].Rotation = pattern
	if got, want := story(t, b, "2026-03-03T00:00:00Z", "2026-03-17T00:00:00Z"), []string{
		"nobody 03-03 01:00", "ada 03-06 17:00", "bruno 03-09 08:00", "carmen 03-13 17:00", "ada 03-16 08:00",
	}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	b.Rosters[0].Layers[0].Rotation.Length = 2
	if got, want := story(t, b, "2026-03-06T16:00:00Z", "2026-03-28T00:00:00Z"), []string{
		"ada 03-06 17:00", "bruno 03-13 17:00", "carmen 03-20 17:00", "ada 03-27 17:00",
	}; !slices.Equal(got, want) {
		t.Errorf("two changes a turn: %q", got)
	}
}
