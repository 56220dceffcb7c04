package roster

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// zoneNames lists the zones of the IANA database that Go has, from testdata/zones.txt.
func zoneNames(t *testing.T) []string {
	data, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

func TestTheListOfZonesIsWhole(t *testing.T) {
	names := zoneNames(t)
	for _, name := range names {
		if _, err := zone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	archive, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip")) //nolint:staticcheck // the tree of the Go that runs the test
	if err != nil {
		t.Skip("this Go comes without zones:", err)
	}
	defer func() { _ = archive.Close() }()
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" && !slices.Contains(names, f.Name) {
			t.Errorf("%s is not in testdata/zones.txt: add it", f.Name)
		}
	}
}

// transitions lists when a zone's offset changes.
func transitions(loc *time.Location, from, to int) []time.Time {
	var list []time.Time
	end := time.Date(to, 12, 31, 0, 0, 0, 0, time.UTC)
	_, offset := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
	for at := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).In(loc); at.Before(end); {
		_, next := at.ZoneBounds()
		if next.IsZero() {
			break
		}
		if at = next; !at.Before(end) {
			break
		}
		if _, now := at.Zone(); now != offset {
			list, offset = append(list, at), now
		}
	}
	return list
}

// civilMinute is the minute that the wall clock shows, counted from 1970.
func civilMinute(t time.Time) int {
	_, offset := t.Zone()
	return int(floor(wall(t.Unix()+int64(offset)), 60))
}

func clockOf(minute int) string {
	minute = (minute%1440 + 1440) % 1440
	return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
}

// A wallCase is a layer whose turns or windows change near a transition, and the independent count of what must be on duty when the
// clock has reached a minute.
type wallCase struct {
	id       string
	rotation Rotation
	window   *Restriction
	turn     func(reached int) int // nil: whoever the window says
	open     func(reached int) bool
}

// wallCases make turns of every unit change at a clock time, on the day of a transition (local, counted in days from 1970).
func wallCases(today, clock int) []wallCase {
	text := func(d int) string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }
	weekday := func(d int) int { return (d + 3) % 7 } // from Monday
	count := func(first, length int) func(int) int {
		return func(reached int) int {
			n := 0
			for at := first; at+length <= reached; at += length {
				n++
			}
			return n
		}
	}
	month := func(reached int) int {
		from := time.Unix(int64(today-70)*86400, 0).UTC()
		n := 0
		for {
			next := from.AddDate(0, n+1, 0)
			for next.Day() != from.Day() && next.Day() < 4 { // AddDate spills over the end of a month
				next = next.AddDate(0, 0, -1)
			}
			if int(next.Unix()/60)+clock > reached {
				return n
			}
			n++
		}
	}
	pattern := []Change{{weekdays[weekday(today)], clockOf(clock)}, {weekdays[weekday(today+3)], "12:00"}}
	cases := []wallCase{
		{id: "hour", rotation: Rotation{Unit: Hours, Length: 1, From: text(today - 2)}, turn: count((today-2)*1440+clock, 60)},
		{id: "hours", rotation: Rotation{Unit: Hours, Length: 12, From: text(today - 2)}, turn: count((today-2)*1440+clock, 720)},
		{id: "odd-hours", rotation: Rotation{Unit: Hours, Length: 7, From: text(today - 7)}, turn: count((today-7)*1440+clock, 420)},
		{id: "day", rotation: Rotation{Unit: Days, Length: 1, From: text(today - 20)}, turn: count((today-20)*1440+clock, 1440)},
		{id: "week", rotation: Rotation{Unit: Weeks, Length: 1, From: text(today - 70)}, turn: count((today-70)*1440+clock, 7*1440)},
		{
			id: "weekday", rotation: Rotation{Unit: Weeks, Length: 1, From: text(today - 72), Weekday: weekdays[weekday(today)]},
			turn: count((today-77)*1440+clock, 7*1440),
		},
		{id: "month", rotation: Rotation{Unit: Months, Length: 1, From: text(today - 70)}, turn: month},
		{id: "pattern", rotation: Rotation{Unit: Pattern, Length: 1, Pattern: pattern, From: text(today - 70)}, turn: func(reached int) int {
			n := 0
			for d := today - 70; ; d++ {
				switch {
				case weekday(d) == weekday(today) && d*1440+clock <= reached && d > today-70:
					n++
				case weekday(d) == weekday(today+3) && d*1440+720 <= reached:
					n++
				}
				if d*1440 > reached {
					return n
				}
			}
		}},
	}
	if clock+30 < 1440 {
		cases = append(cases, wallCase{
			id: "window", rotation: Rotation{Unit: Days, Length: 1, From: text(today - 2)}, window: &Restriction{From: clockOf(clock), Until: clockOf(clock + 30)},
			open: func(reached int) bool { return reached%1440 >= clock && reached%1440 < clock+30 },
		})
	}
	cases = append(cases, wallCase{
		id: "night", rotation: Rotation{Unit: Days, Length: 1, From: text(today - 2)}, window: &Restriction{From: "21:45", Until: clockOf(clock + 15)},
		open: func(reached int) bool {
			m, from, until := reached%1440, 21*60+45, (clock+15)%1440
			if until <= from {
				return m >= from || m < until
			}
			return m >= from && m < until
		},
	})
	for i := range cases {
		if cases[i].rotation.Unit != Pattern {
			cases[i].rotation.Handover = clockOf(clock)
		}
		cases[i].rotation.Turns = [][]string{{"ada"}, {"bruno"}, {"carmen"}, {"dalia"}, {"erik"}}
	}
	return cases
}

// Every zone, every transition from 2020 to 2037, minute by minute around each, for turns of every unit and for windows that change before,
// at and within the gap or the doubled hour. A tenth of the zones is taken, unless DUTYLINE_TEST_LONG is set; fewer with -short.
func TestTurnsChangeAtTheWallClockInEveryZone(t *testing.T) {
	people := []string{"ada", "bruno", "carmen", "dalia", "erik"}
	every := 10
	switch {
	case os.Getenv("DUTYLINE_TEST_LONG") != "":
		every = 1
	case testing.Short():
		every = 23
	}
	zones, changes, minutes := 0, 0, 0
	for i, name := range zoneNames(t) {
		if i%every != 0 {
			continue
		}
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones++
		for _, transition := range transitions(loc, 2020, 2037) {
			changes++
			_, was := transition.Add(-1).Zone()
			_, is := transition.Zone()
			lower := min(civilMinute(transition.Add(-time.Minute))+1, civilMinute(transition)) // where the gap or the doubled time starts
			jump := (was - is) / 60
			if jump < 0 {
				jump = -jump
			}
			for _, clock := range []int{0, lower % 1440, (lower + jump/2) % 1440, (lower + 1439) % 1440} {
				minutes += wallTransition(t, name, loc, transition, wallCases(lower/1440, clock), people)
				if t.Failed() {
					return
				}
			}
		}
	}
	t.Logf("%d zones, %d transitions, %d minutes", zones, changes, minutes)
	if zones < 500/every || changes < 5000/every {
		t.Errorf("only %d zones and %d transitions were looked at", zones, changes)
	}
}

// wallTransition compares cases with the resolver for three hours before and after a transition.
func wallTransition(t *testing.T, name string, loc *time.Location, transition time.Time, cases []wallCase, people []string) int {
	b := Example("UTC", transition)
	b.Rosters = nil
	for _, wc := range cases {
		r := Roster{ID: wc.id, TimeZone: name, Layers: []Layer{{ID: "main", Rotation: wc.rotation}}}
		if wc.window != nil {
			r.Layers = []Layer{{ID: "base", Rotation: wc.rotation}, {ID: "main", Rotation: wc.rotation, Restrictions: []Restriction{*wc.window}}}
			r.Layers[0].Rotation.Turns, r.Layers[1].Rotation.Turns = [][]string{{"erik"}}, [][]string{{"ada"}}
		}
		b.Rosters = append(b.Rosters, r)
	}
	c, err := Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	from, until := transition.Add(-3*time.Hour), transition.Add(3*time.Hour)
	for _, wc := range cases {
		reached := 0
		for at := from.Add(-2 * time.Hour).In(loc); at.Before(from); at = at.Add(time.Minute) {
			reached = max(reached, civilMinute(at))
		}
		var tiles []Shift
		for at := from.In(loc); at.Before(until); at = at.Add(time.Minute) {
			reached = max(reached, civilMinute(at)) // what the clock has shown, found by looking at it each minute
			want := "erik"
			if wc.turn != nil {
				want = people[wc.turn(reached)%5]
			} else if wc.open(reached) {
				want = "ada"
			}
			got := c.Who(wc.id, at)
			if len(got) != 1 || got[0] != want {
				t.Errorf("%s, %s changing at %s, at %s: %v on duty, not %s", name, wc.id, wc.rotation.Handover, at, got, want)
				return 0
			}
			if n := len(tiles); n == 0 || tiles[n-1].People[0] != got[0] {
				tiles = append(tiles, Shift{From: at, People: got})
			}
			tiles[len(tiles)-1].Until = at.Add(time.Minute)
		}
		i := 0
		for shift := range c.Shifts(wc.id, from, until) {
			if i >= len(tiles) || !shift.From.Equal(tiles[i].From) || !shift.Until.Equal(tiles[i].Until) || !slices.Equal(shift.People, tiles[i].People) {
				t.Errorf("%s, %s: tile %d is %+v, minute by minute %+v", name, wc.id, i, shift, tiles)
				return 0
			}
			i++
		}
		if i != len(tiles) {
			t.Errorf("%s, %s: %d tiles, minute by minute %d", name, wc.id, i, len(tiles))
		}
	}
	return 6 * 60 * len(cases)
}

// The dial must say what package time says, for as long as it knows the zone's rules.
func TestDialAgreesWithPackageTime(t *testing.T) {
	for i, name := range zoneNames(t) {
		if i%7 != 0 {
			continue
		}
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		d := newDial(loc)
		for at := firstDial.Add(100 * time.Hour); at.Before(lastDial); at = at.Add(1777 * time.Hour) {
			_, offset := at.In(loc).Zone()
			if got := int(d.reached(at) - wall(at.Unix())); got != offset {
				if _, before := at.Add(-25 * time.Hour).In(loc).Zone(); got < offset || before <= offset { // no doubled hour
					t.Fatalf("%s at %s: offset %d, not %d", name, at, got, offset)
				}
			}
			if w := d.reached(at); d.instant(w).After(at) || !d.instant(w+1).After(at) {
				t.Fatalf("%s at %s: reached %d, which is first reached at %s, and the next at %s", name, at, w, d.instant(w), d.instant(w+1))
			}
		}
	}
}
