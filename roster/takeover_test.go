package roster_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

// Whatever the book: whoever takes the duty over has it from now to the end that was told, nobody's shift that is over changes, after the
// end everything is as it was, and when it is given back everything is as it was from then on.
func TestWhoTakesTheDutyOverHasItAndGivesItBack(t *testing.T) {
	seen := map[error]int{} // by kind, over all books
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		now := start.Add(time.Duration(rapid.IntRange(0, 20000).Draw(t, "now")) * time.Minute)
		w := roster.Takeover{Roster: "national", By: rapid.SampledFrom(rostertest.People).Draw(t, "by"), Reason: "ill"}
		was := compile2(t, b)
		on := was.Who("", now)
		if rapid.Bool().Draw(t, "somebody's") {
			w.Instead = rapid.SampledFrom(append(on, "ada")).Draw(t, "instead") // mostly somebody who is on duty
		}
		if rapid.Bool().Draw(t, "until then") {
			w.Until = now.Add(time.Duration(rapid.IntRange(1, 20000).Draw(t, "minutes")) * time.Minute)
		}
		edited, taken, err := b.TakeOver(w, now)
		seen[err]++
		switch {
		case slices.Contains(on, w.By) && err == nil:
			t.Fatalf("%s was on duty", w.By)
		case err != nil:
			if !roster.Same(edited, b) {
				t.Fatalf("refused (%v), and the book changed", err)
			}
			return
		}
		will := compile2(t, edited)
		want := []string{w.By}
		if len(on) > 1 {
			want = slices.Clone(on)
			want[slices.Index(on, w.Instead)] = w.By
		}
		if got := will.Who("", now); !slices.Equal(got, want) {
			t.Fatalf("%v is on duty, not %v", got, want)
		}
		if taken.By != w.By || !taken.From.Equal(now) || !taken.Until.After(now) || (!w.Until.IsZero() && !taken.Until.Equal(sooner(w.Until, b.Rosters[0].Until))) {
			t.Fatalf("%+v", taken)
		}
		substituted := slices.ContainsFunc(b.Rosters[0].Covers, func(c roster.Cover) bool { return c.State == roster.CoverAccepted }) ||
			slices.ContainsFunc(b.Rosters[0].Swaps, func(s roster.Swap) bool { return s.State == roster.CoverAccepted })
		for shift := range will.Shifts("", now, taken.Until) {
			if !substituted && !slices.Contains(shift.People, w.By) {
				t.Fatalf("%v has the duty at %s", shift.People, shift.From)
			}
		}
		past, end := start.AddDate(0, 0, -30), start.AddDate(0, 0, 60)
		same := func(c *roster.Compiled, from, until time.Time) {
			if old, is := tiles(was, from, until), tiles(c, from, until); !sameTiles(old, is) {
				t.Fatalf("from %s to %s:\n%v\n%v", from, until, old, is)
			}
		}
		same(will, past, now)
		same(will, taken.Until, end)
		if err := b.CheckPast(edited, now); err != nil {
			t.Fatal(err)
		}

		left := int(taken.Until.Sub(now) / time.Minute)
		back := now.Add(time.Duration(rapid.IntRange(0, max(left-1, 0)).Draw(t, "back")) * time.Minute)
		given, err := edited.GiveBack("national", w.By, back)
		if errors.Is(err, roster.ErrNobodyBack) && len(was.Who("", back)) == 0 {
			seen[err]++
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		after := compile2(t, given)
		same(after, past, now)
		same(after, back, end)
		if old, is := tiles(will, now, back), tiles(after, now, back); !sameTiles(old, is) {
			t.Fatalf("giving back changes what is over:\n%v\n%v", old, is)
		}
		// What is stored a moment later is the same, whichever of the two edits it is.
		stored, err := edited.Next(given, back.Add(1500*time.Microsecond))
		if err != nil {
			t.Fatal(err)
		}
		same(compile2(t, stored), back.Add(time.Millisecond), end)
		if _, err := given.GiveBack("national", w.By, back); !errors.Is(err, roster.ErrNoTakeover) {
			t.Fatalf("given back twice: %v", err)
		}
	})
	if testing.Short() { // a fifth of the cases need not come to everything
		return
	}
	for _, err := range []error{nil, roster.ErrAlreadyOnDuty, roster.ErrNotOnDuty, roster.ErrNobodyBack} {
		if seen[err] == 0 {
			t.Errorf("it never came to: %v", err)
		}
	}
}

func TestWhoCannotTakeTheDutyOver(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.From = noon.Format(time.DateOnly) // ada has the first day
	b.Rosters[0].Until = noon.AddDate(0, 0, 30)
	b.People = append(b.People, roster.Person{ID: "farid", CallSign: "PLOVER", ActiveFrom: noon.AddDate(0, 0, 1).Format(time.DateOnly)}, roster.Person{ID: "gita", CallSign: "TERN", Erased: true})
	b.Leave = []roster.Leave{
		{ID: "l1", Person: "carmen", From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)},
		{ID: "l2", Person: "dalia", From: noon.Add(2 * time.Hour), Until: noon.Add(3 * time.Hour)},
	}
	b.Rosters[0].Covers = []roster.Cover{{ID: "c1", Person: "erik", By: "bruno", State: roster.CoverAccepted, From: noon, Until: noon.Add(time.Hour)}}
	for name, tc := range map[string]struct {
		roster.Takeover
		at   time.Time
		want error
	}{
		"no roster":                       {roster.Takeover{Roster: "x", By: "bruno"}, noon, roster.ErrNoRoster},
		"the roster is closed":            {roster.Takeover{By: "bruno"}, noon.AddDate(0, 0, 30), roster.ErrClosedRoster},
		"nobody":                          {roster.Takeover{By: "zoe"}, noon, roster.ErrNoPerson},
		"erased":                          {roster.Takeover{By: "gita"}, noon, roster.ErrErasedPerson},
		"not active yet":                  {roster.Takeover{By: "farid"}, noon, roster.ErrInactive},
		"on leave":                        {roster.Takeover{By: "carmen"}, noon, roster.ErrAway},
		"on leave before the end":         {roster.Takeover{By: "dalia", Until: noon.Add(150 * time.Minute)}, noon, roster.ErrAway},
		"on duty":                         {roster.Takeover{By: "ada"}, noon, roster.ErrAlreadyOnDuty},
		"from somebody who is not":        {roster.Takeover{By: "bruno", Instead: "dalia"}, noon, roster.ErrNotOnDuty},
		"until now":                       {roster.Takeover{By: "bruno", Until: noon}, noon, roster.ErrTakeoverTime},
		"for ever":                        {roster.Takeover{By: "bruno", Until: noon.AddDate(0, 0, 61)}, noon, roster.ErrTakeoverTime},
		"covered by another at that time": {roster.Takeover{By: "erik"}, noon, roster.ErrSubstituted},
		"just so":                         {roster.Takeover{By: "bruno", Instead: "ada", Until: noon.AddDate(0, 0, 3)}, noon, nil},
	} {
		if tc.Roster == "" {
			tc.Roster = "national"
		}
		if _, _, err := b.TakeOver(tc.Takeover, tc.at); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, taken, err := b.TakeOver(roster.Takeover{Roster: "national", By: "dalia"}, noon); err != nil || !taken.Until.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("until their own leave: %+v, %v", taken, err)
	}
	if _, taken, err := b.TakeOver(roster.Takeover{Roster: "national", By: "bruno"}, noon); err != nil || !taken.Until.Equal(noon.Add(20*time.Hour)) {
		t.Errorf("until the end of the shift: %+v, %v", taken, err)
	}
}

func TestOneOfSeveralIsReplacedToTheEndOfTheShift(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.Turns, b.Rosters[0].Layers[0].Rotation.From = [][]string{{"ada", "bruno"}, {"carmen"}}, noon.Format(time.DateOnly)
	end := noon.Add(20 * time.Hour)
	for name, tc := range map[string]struct {
		roster.Takeover
		want error
	}{
		"nobody is named":         {roster.Takeover{By: "erik"}, roster.ErrWhoseDuty},
		"for longer":              {roster.Takeover{By: "erik", Instead: "bruno", Until: end.Add(time.Hour)}, roster.ErrSharedDuty},
		"to the end":              {roster.Takeover{By: "erik", Instead: "bruno", Until: end}, nil},
		"for a while":             {roster.Takeover{By: "erik", Instead: "bruno", Until: end.Add(-time.Hour)}, nil},
		"by one who has the duty": {roster.Takeover{By: "ada", Instead: "bruno"}, roster.ErrAlreadyOnDuty},
	} {
		tc.Roster = "national"
		if _, _, err := b.TakeOver(tc.Takeover, noon); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	edited, _, err := b.TakeOver(roster.Takeover{Roster: "national", By: "erik", Instead: "bruno"}, noon)
	c := compile(t, edited)
	if err != nil || !slices.Equal(c.Who("", noon), []string{"ada", "erik"}) || !slices.Equal(c.Who("", end), []string{"carmen"}) {
		t.Errorf("%v, then %v; %v", c.Who("", noon), c.Who("", end), err)
	}
}

func TestATakeoverOfADutyWithoutEndLastsForATurn(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada"}}
	_, taken, err := b.TakeOver(roster.Takeover{Roster: "national", By: "bruno"}, noon)
	if err != nil || !taken.Until.Equal(noon.Add(20*time.Hour)) {
		t.Errorf("%+v, %v", taken, err)
	}
	b.Rosters[0].Layers[0].Rotation.From = "2199-01-01"
	if _, _, err := b.TakeOver(roster.Takeover{Roster: "national", By: "bruno"}, noon); err != nil {
		t.Errorf("a gap for a lifetime: %v", err)
	}
	b.Rosters[0].Layers[0] = roster.Layer{ID: "primary", Past: []roster.Segment{{Until: noon, TimeZone: "UTC", Rotation: b.Rosters[0].Layers[0].Rotation}}}
	if _, _, err := b.TakeOver(roster.Takeover{Roster: "national", By: "bruno"}, noon); !errors.Is(err, roster.ErrNoEnd) {
		t.Errorf("a gap without end: %v", err)
	}
	if _, _, err := b.TakeOver(roster.Takeover{Roster: "national", By: "bruno", Until: noon.Add(time.Hour)}, noon); err != nil {
		t.Errorf("a gap without end, with an end: %v", err)
	}
}

func TestOnlyATakeoverOfOnesOwnIsGivenBack(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.From = noon.Format(time.DateOnly)
	b.Rosters[0].Overrides = []roster.Override{{ID: "o1", Kind: roster.Replace, From: noon.Add(-time.Hour), Until: noon.Add(5 * time.Hour), People: []string{"bruno"}}}
	if _, err := b.GiveBack("national", "bruno", noon); !errors.Is(err, roster.ErrNoTakeover) {
		t.Errorf("what a coordinator put there is given back: %v", err)
	}
	first := func(b roster.Book, _ roster.Override, err error) roster.Book { return must(b, err) }
	b = first(b.TakeOver(roster.Takeover{Roster: "national", By: "carmen"}, noon))
	b = first(b.TakeOver(roster.Takeover{Roster: "national", By: "dalia"}, noon)) // at the same moment
	if ids := b.Rosters[0].Overrides; ids[1].ID == ids[2].ID {
		t.Errorf("two takeovers are called %s", ids[1].ID)
	}
	b = must(b.GiveBack("national", "dalia", noon.Add(time.Hour)))
	if got := compile(t, b).Who("", noon.Add(time.Hour)); !slices.Equal(got, []string{"carmen"}) {
		t.Errorf("dalia gave it back to %v", got)
	}
	b = must(b.GiveBack("national", "carmen", noon.Add(2*time.Hour)))
	if got := compile(t, b).Who("", noon.Add(2*time.Hour)); !slices.Equal(got, []string{"bruno"}) {
		t.Errorf("carmen gave it back to %v", got)
	}
	b.Leave = []roster.Leave{{ID: "l", Person: "ada", From: noon, Until: noon.Add(20 * time.Hour)}, {ID: "m", Person: "bruno", From: noon, Until: noon.Add(20 * time.Hour)}}
	b = first(b.TakeOver(roster.Takeover{Roster: "national", By: "erik"}, noon.Add(3*time.Hour)))
	if _, err := b.GiveBack("national", "erik", noon.Add(4*time.Hour)); !errors.Is(err, roster.ErrNobodyBack) {
		t.Errorf("given back to nobody: %v", err)
	}
	if _, err := b.GiveBack("x", "erik", noon); !errors.Is(err, roster.ErrNoRoster) {
		t.Errorf("%v", err)
	}
	bad := b
	bad.Rosters = slices.Clone(b.Rosters)
	bad.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: noon, Until: noon.Add(1), People: []string{"ada"}, By: "bruno"}}
	if err := bad.Validate(); err == nil {
		t.Error("somebody takes over who is not there")
	}
}

// sooner is the earlier of two instants; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
