package roster_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

func TestPreviewSaysWhoIsReplacedByWhom(t *testing.T) {
	before, after := weekly(), weekly()
	at := date(t, "2026-03-11T11:00:00Z")
	after.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: at, Until: at.Add(5 * time.Hour), People: []string{"dalia"}}}
	p := roster.Diff(before, after, at.Add(-time.Hour), at.AddDate(0, 0, 7))
	if len(p.Moves) != 1 {
		t.Fatalf("%+v", p.Moves)
	}
	if m := p.Moves[0]; m.Roster != "national" || !m.From.Equal(at) || !m.Until.Equal(at.Add(5*time.Hour)) || !slices.Equal(m.Before, []string{"bruno"}) || !slices.Equal(m.After, []string{"dalia"}) {
		t.Errorf("%+v", m)
	}
	if p.Hours["bruno"].Before-p.Hours["bruno"].After != 5 || p.Hours["dalia"] != (roster.HourChange{0, 5}) {
		t.Errorf("%+v", p.Hours)
	}
	data, err := json.Marshal(roster.Diff(roster.Book{}, roster.Book{}, at, at.Add(time.Hour)))
	if err != nil || slices.Contains(data, 'n') && string(data) != `{"from":"2026-03-11T11:00:00Z","until":"2026-03-11T12:00:00Z","changed":[],"moves":[],"gaps":[],"hours":{},"contacts_missing":[],"confirm_unverified":[],"overlaps":[],"rest":[],"overwork":[],"uncovered":[],"load":[],"mean":{"hours":0,"nights":0,"weekend_days":0}}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestPreviewMarksTheProblemsThatAnEditMakes(t *testing.T) {
	monday := date(t, "2026-03-02T07:00:00Z")
	before := weekly()
	before.Limits = &roster.Limits{MaxHours: 100}
	r := &before.Rosters[0]
	r.Layers[0].Rotation.Unit = roster.Days
	regional := before.Rosters[0]
	regional.ID = "regional"
	regional.Layers = []roster.Layer{{ID: "primary", Rotation: roster.Rotation{Turns: [][]string{{"erik"}}, Unit: roster.Days, Length: 1, Handover: "08:00", From: "2026-03-02"}}}
	regional.Layers[0].Restrictions = []roster.Restriction{{From: "08:00", Until: "20:00"}}
	before.Rosters = append(before.Rosters, regional)
	after := before
	after.Rosters = slices.Clone(before.Rosters)
	after.Rosters[0].Overrides = []roster.Override{
		{ID: "double", Kind: roster.Add, From: monday.Add(2 * time.Hour), Until: monday.Add(4 * time.Hour), People: []string{"erik"}},          // on both rosters
		{ID: "tired", Kind: roster.Replace, From: monday.Add(30 * time.Hour), Until: monday.Add(40 * time.Hour), People: []string{"ada"}},      // six hours after her own day
		{ID: "none", Kind: roster.Replace, From: monday.Add(50 * time.Hour), Until: monday.Add(51 * time.Hour), People: []string{}},            // a gap
		{ID: "long", Kind: roster.Replace, From: monday.AddDate(0, 0, 10), Until: monday.AddDate(0, 0, 15), People: []string{"dalia", "erik"}}, // 120 hours
	}
	p := roster.Diff(before, after, monday, monday.AddDate(0, 0, 28))
	if o := p.Overlaps; len(o) < 1 || o[0].Person != "erik" || !slices.Equal(o[0].Rosters, []string{"regional", "national"}) || !o[0].From.Equal(monday.Add(2*time.Hour)) || !o[0].Until.Equal(monday.Add(4*time.Hour)) || !o[0].New {
		t.Errorf("overlaps %+v", o)
	}
	if i := slices.IndexFunc(p.Rest, func(r roster.ShortRest) bool { return r.Person == "ada" }); i < 0 || !p.Rest[i].From.Equal(monday.Add(24*time.Hour)) || !p.Rest[i].Until.Equal(monday.Add(30*time.Hour)) || !p.Rest[i].New {
		t.Errorf("rest %+v", p.Rest)
	}
	if g := p.Gaps; !slices.ContainsFunc(g, func(s roster.Gap) bool {
		return s.From.Equal(monday.Add(50*time.Hour)) && s.Until.Equal(monday.Add(51*time.Hour)) && s.New
	}) {
		t.Errorf("gaps %+v", g)
	}
	if i := slices.IndexFunc(p.Overwork, func(o roster.Overwork) bool { return o.Person == "dalia" }); i < 0 || p.Overwork[i].Hours != 120 || !p.Overwork[i].New {
		t.Errorf("overwork %+v", p.Overwork)
	}
	again := roster.Diff(after, after, monday, monday.AddDate(0, 0, 28))
	if len(again.Overlaps) != len(p.Overlaps) || len(again.Rest) != len(p.Rest) || len(again.Overwork) != len(p.Overwork) {
		t.Error("an edit that changes nothing has other problems")
	}
	for _, o := range again.Overlaps {
		if o.New {
			t.Errorf("not new: %+v", o)
		}
	}
	for _, r := range again.Rest {
		if r.New {
			t.Errorf("not new: %+v", r)
		}
	}
	for _, o := range again.Overwork {
		if o.New {
			t.Errorf("not new: %+v", o)
		}
	}
	off := 0
	after.Limits = &roster.Limits{RestHours: &off}
	if p := roster.Diff(before, after, monday, monday.AddDate(0, 0, 28)); len(p.Rest)+len(p.Overwork) != 0 {
		t.Errorf("without rules: %+v, %+v", p.Rest, p.Overwork)
	}
}

func TestTheRestThatIsAskedForIsEnough(t *testing.T) {
	b := weekly()
	at := date(t, "2026-03-03T20:00:00Z") // of ada's week
	for hours, want := range map[int]int{10: 1, 11: 0, 12: 0} {
		b.Rosters[0].Overrides = []roster.Override{
			{ID: "o", Kind: roster.Replace, From: at.Add(-12 * time.Hour), Until: at, People: []string{"dalia"}},
			{ID: "p", Kind: roster.Replace, From: at.Add(time.Duration(hours) * time.Hour), Until: at.Add(20 * time.Hour), People: []string{"dalia"}},
		}
		rests := slices.DeleteFunc(compile(t, b).ShortRests(at.AddDate(0, 0, -1), at.AddDate(0, 0, 1)), func(r roster.ShortRest) bool { return r.Person != "dalia" })
		if len(rests) != want {
			t.Errorf("%d hours between two shifts: %+v", hours, rests)
		}
		// The shift before the span counts, too.
		if rests := compile(t, b).ShortRests(at.Add(time.Hour), at.AddDate(0, 0, 1)); slices.ContainsFunc(rests, func(r roster.ShortRest) bool { return r.Person == "dalia" }) != (want == 1) {
			t.Errorf("%d hours, from the middle: %+v", hours, rests)
		}
	}
}

func TestTheMostHoursWithinSomeDays(t *testing.T) {
	b := weekly()
	b.Limits = &roster.Limits{MaxHours: 30, MaxHoursPer: 2}
	at := date(t, "2026-03-10T00:00:00Z")
	b.Rosters[0].Overrides = []roster.Override{
		{ID: "a", Kind: roster.Add, From: at, Until: at.Add(10 * time.Hour), People: []string{"erik"}},
		{ID: "b", Kind: roster.Add, From: at.Add(20 * time.Hour), Until: at.Add(32 * time.Hour), People: []string{"erik"}},
		{ID: "c", Kind: roster.Add, From: at.Add(46 * time.Hour), Until: at.Add(66 * time.Hour), People: []string{"erik"}},
		{ID: "d", Kind: roster.Add, From: at.Add(100 * time.Hour), Until: at.Add(130 * time.Hour), People: []string{"dalia"}}, // just as many as may be
	}
	list := slices.DeleteFunc(compile(t, b).Overworks(at.AddDate(0, 0, -5), at.AddDate(0, 0, 10)), func(o roster.Overwork) bool { return o.Person != "erik" && o.Person != "dalia" })
	if len(list) != 1 || list[0].Hours != 32 || !list[0].From.Equal(at.Add(20*time.Hour)) || !list[0].Until.Equal(at.Add(68*time.Hour)) {
		t.Errorf("%+v", list)
	}
}

func TestCoverageIsWatchedAtEveryMomentOfItsHours(t *testing.T) {
	b := weekly()
	b.People[0].Languages, b.People[0].Authorities = []roster.Language{{"en", ""}, {"fr", "b1"}}, []string{"preservation"} // ada
	b.People[1].Languages = []roster.Language{{"fr", "c1"}}                                                                // bruno
	r := &b.Rosters[0]
	r.Coverage = []roster.Coverage{{
		ID: "office", People: 1, Languages: []roster.Language{{"fr", "b2"}}, Authorities: []string{"preservation"},
		Restrictions: []roster.Restriction{{Weekdays: []roster.Weekday{"mon", "tue", "wed", "thu", "fri"}, From: "09:00", Until: "17:00"}},
	}, {ID: "two", People: 2}}
	r.Overrides = []roster.Override{{ID: "o", Kind: roster.Add, From: date(t, "2026-03-05T11:00:00Z"), Until: date(t, "2026-03-05T12:00:00Z"), People: []string{"bruno"}}}
	c := compile(t, b)
	var office, two []roster.Uncovered
	for _, u := range c.Uncovered("", date(t, "2026-03-05T06:00:00Z"), date(t, "2026-03-09T06:00:00Z")) { // Thursday to Monday, ada's week
		if u.Rule == "office" {
			office = append(office, u)
		} else {
			two = append(two, u)
		}
	}
	want := []roster.Uncovered{
		{"national", "office", date(t, "2026-03-05T08:00:00Z"), date(t, "2026-03-05T11:00:00Z"), []string{"language fr b2"}, false},
		{"national", "office", date(t, "2026-03-05T12:00:00Z"), date(t, "2026-03-05T16:00:00Z"), []string{"language fr b2"}, false},
		{"national", "office", date(t, "2026-03-06T08:00:00Z"), date(t, "2026-03-06T16:00:00Z"), []string{"language fr b2"}, false},
	}
	same := func(a, b roster.Uncovered) bool {
		return a.Roster == b.Roster && a.Rule == b.Rule && a.From.Equal(b.From) && a.Until.Equal(b.Until) && slices.Equal(a.Missing, b.Missing)
	}
	if !slices.EqualFunc(office, want, same) {
		t.Errorf("%+v", office)
	}
	if len(two) != 2 || !two[0].Until.Equal(date(t, "2026-03-05T11:00:00Z")) || !slices.Equal(two[0].Missing, []string{"people"}) {
		t.Errorf("%+v", two)
	}
	if u := c.Uncovered("", date(t, "2026-03-09T07:00:00Z"), date(t, "2026-03-10T07:00:00Z")); len(u) != 2 || !slices.Equal(u[0].Missing, []string{"authority preservation"}) {
		t.Errorf("bruno's Monday: %+v", u)
	}
	b.Rosters[0].Until = date(t, "2026-03-05T07:00:00Z")
	if u := compile(t, b).Uncovered("", date(t, "2026-03-05T07:00:00Z"), date(t, "2026-03-09T06:00:00Z")); len(u) != 0 {
		t.Errorf("after it is closed: %+v", u)
	}
	p := roster.Diff(weekly(), b, date(t, "2026-03-05T06:00:00Z"), date(t, "2026-03-05T08:00:00Z"))
	if len(p.Uncovered) != 1 || !p.Uncovered[0].New {
		t.Errorf("%+v", p.Uncovered)
	}
}

func TestFairnessIsTheDifferenceFromTheMean(t *testing.T) {
	b := weekly()
	from := date(t, "2026-03-02T07:00:00Z")
	p := roster.Diff(b, b, from, from.AddDate(0, 0, 14)) // ada and bruno a week each, carmen not yet
	if len(p.Load) != 3 || p.Mean != (roster.Work{112, 14.0 / 3, 4.0 / 3}) {
		t.Fatalf("%+v, mean %+v", p.Load, p.Mean)
	}
	if ada := p.Load[0]; ada.Person != "ada" || ada.After != (roster.Work{168, 7, 2}) || ada.Before != ada.After || ada.Over.Hours != 56 {
		t.Errorf("%+v", ada)
	}
	if carmen := p.Load[2]; carmen.After != (roster.Work{}) || carmen.Over.Hours != -112 {
		t.Errorf("%+v", carmen)
	}
	// The week in which clocks go forward has an hour less, and the same nights.
	march := date(t, "2026-03-23T07:00:00Z")
	if p := roster.Diff(b, b, march, march.AddDate(0, 0, 7).Add(-time.Hour)); p.Load[0].After != (roster.Work{167, 7, 2}) {
		t.Errorf("%+v", p.Load)
	}
}

// Nights and days of a weekend, counted minute by minute in the person's own zone.
func TestWorkIsMeasuredAsItIsCountedMinuteByMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		for i := range b.People {
			b.People[i].TimeZone = rapid.SampledFrom([]string{"", "Asia/Tokyo", "America/New_York"}).Draw(t, "home")
		}
		c := compile2(t, b)
		until := start.AddDate(0, 0, 12)
		p := roster.Diff(b, b, start, until)
		sums := map[string]*roster.Work{}
		nights, days := map[string]map[string]int{}, map[string]map[string]int{}
		for _, person := range rostertest.People {
			sums[person], nights[person], days[person] = &roster.Work{}, map[string]int{}, map[string]int{}
		}
		zones := map[string]*time.Location{}
		for _, person := range b.People {
			zones[person.ID] = c.Zone("")
			if person.TimeZone != "" {
				zones[person.ID], _ = time.LoadLocation(person.TimeZone)
			}
		}
		for at := start; at.Before(until); at = at.Add(time.Minute) {
			for _, person := range c.Who("", at) {
				sums[person].Hours += 1.0 / 60
				local := at.In(zones[person])
				if local.Hour() >= 22 {
					nights[person][local.Format(time.DateOnly)]++
				} else if local.Hour() < 6 {
					yesterday := time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC) // noon is there every day
					nights[person][yesterday.Format(time.DateOnly)]++
				}
				if local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
					days[person][local.Format(time.DateOnly)]++
				}
			}
		}
		for person, w := range sums {
			for _, minutes := range nights[person] {
				if minutes >= 180 {
					w.Nights++
				}
			}
			for _, minutes := range days[person] {
				if minutes >= 180 {
					w.WeekendDays++
				}
			}
			i := slices.IndexFunc(p.Load, func(l roster.Load) bool { return l.Person == person })
			if i < 0 {
				if w.Hours > 0 {
					t.Fatalf("%s has %+v and is not listed", person, *w)
				}
				continue
			}
			if got := p.Load[i].After; math.Abs(got.Hours-w.Hours) > 0.01 || got.Nights != w.Nights || got.WeekendDays != w.WeekendDays {
				t.Fatalf("%s: %+v, minute by minute %+v", person, got, *w)
			}
		}
	})
}
