package roster

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the book: whoever takes the duty over has it from now to the end that was told, nobody's shift that is over changes, after the
// end everything is as it was, and when it is given back everything is as it was from then on.
func TestWhoTakesTheDutyOverHasItAndGivesItBack(t *testing.T) {
	seen := map[error]int{} // by kind, over all books
	rapid.Check(t, func(t *rapid.T) {
		b, start := wildBook(t)
		now := start.Add(time.Duration(rapid.IntRange(0, 20000).Draw(t, "now")) * time.Minute)
		w := Takeover{Roster: "national", By: rapid.SampledFrom(wildPeople).Draw(t, "by"), Reason: "ill"}
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
			if !Same(edited, b) {
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
		if taken.By != w.By || !taken.From.Equal(now) || !taken.Until.After(now) || (!w.Until.IsZero() && !taken.Until.Equal(earliest(w.Until, b.Rosters[0].Until))) {
			t.Fatalf("%+v", taken)
		}
		substituted := slices.ContainsFunc(b.Rosters[0].Covers, func(c Cover) bool { return c.State == CoverAccepted }) ||
			slices.ContainsFunc(b.Rosters[0].Swaps, func(s Swap) bool { return s.State == CoverAccepted })
		for shift := range will.Shifts("", now, taken.Until) {
			if !substituted && !slices.Contains(shift.People, w.By) {
				t.Fatalf("%v has the duty at %s", shift.People, shift.From)
			}
		}
		past, end := start.AddDate(0, 0, -30), start.AddDate(0, 0, 60)
		same := func(c *Compiled, from, until time.Time) {
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
		if errors.Is(err, ErrNobodyBack) && len(was.Who("", back)) == 0 {
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
		if _, err := given.GiveBack("national", w.By, back); !errors.Is(err, ErrNoTakeover) {
			t.Fatalf("given back twice: %v", err)
		}
	})
	for _, err := range []error{nil, ErrAlreadyOnDuty, ErrNotOnDuty, ErrNobodyBack} {
		if seen[err] == 0 {
			t.Errorf("it never came to: %v", err)
		}
	}
}

func TestWhoCannotTakeTheDutyOver(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.From = noon.Format(time.DateOnly) // ada has the first day
	b.Rosters[0].Until = noon.AddDate(0, 0, 30)
	b.People = append(b.People, Person{ID: "farid", CallSign: "PLOVER", ActiveFrom: noon.AddDate(0, 0, 1).Format(time.DateOnly)}, Person{ID: "gita", CallSign: "TERN", Erased: true})
	b.Leave = []Leave{
		{ID: "l1", Person: "carmen", From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)},
		{ID: "l2", Person: "dalia", From: noon.Add(2 * time.Hour), Until: noon.Add(3 * time.Hour)},
	}
	b.Rosters[0].Covers = []Cover{{ID: "c1", Person: "erik", By: "bruno", State: CoverAccepted, From: noon, Until: noon.Add(time.Hour)}}
	for name, tc := range map[string]struct {
		Takeover
		at   time.Time
		want error
	}{
		"no roster":                       {Takeover{Roster: "x", By: "bruno"}, noon, ErrNoRoster},
		"the roster is closed":            {Takeover{By: "bruno"}, noon.AddDate(0, 0, 30), ErrClosedRoster},
		"nobody":                          {Takeover{By: "zoe"}, noon, ErrNoPerson},
		"erased":                          {Takeover{By: "gita"}, noon, ErrErasedPerson},
		"not active yet":                  {Takeover{By: "farid"}, noon, ErrInactive},
		"on leave":                        {Takeover{By: "carmen"}, noon, ErrAway},
		"on leave before the end":         {Takeover{By: "dalia", Until: noon.Add(150 * time.Minute)}, noon, ErrAway},
		"on duty":                         {Takeover{By: "ada"}, noon, ErrAlreadyOnDuty},
		"from somebody who is not":        {Takeover{By: "bruno", Instead: "dalia"}, noon, ErrNotOnDuty},
		"until now":                       {Takeover{By: "bruno", Until: noon}, noon, ErrTakeoverTime},
		"for ever":                        {Takeover{By: "bruno", Until: noon.AddDate(0, 0, 61)}, noon, ErrTakeoverTime},
		"covered by another at that time": {Takeover{By: "erik"}, noon, ErrSubstituted},
		"just so":                         {Takeover{By: "bruno", Instead: "ada", Until: noon.AddDate(0, 0, 3)}, noon, nil},
	} {
		if tc.Roster == "" {
			tc.Roster = "national"
		}
		if _, _, err := b.TakeOver(tc.Takeover, tc.at); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, taken, err := b.TakeOver(Takeover{Roster: "national", By: "dalia"}, noon); err != nil || !taken.Until.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("until their own leave: %+v, %v", taken, err)
	}
	if _, taken, err := b.TakeOver(Takeover{Roster: "national", By: "bruno"}, noon); err != nil || !taken.Until.Equal(noon.Add(20*time.Hour)) {
		t.Errorf("until the end of the shift: %+v, %v", taken, err)
	}
}

func TestOneOfSeveralIsReplacedToTheEndOfTheShift(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.Turns, b.Rosters[0].Layers[0].Rotation.From = [][]string{{"ada", "bruno"}, {"carmen"}}, noon.Format(time.DateOnly)
	end := noon.Add(20 * time.Hour)
	for name, tc := range map[string]struct {
		Takeover
		want error
	}{
		"nobody is named":         {Takeover{By: "erik"}, ErrWhoseDuty},
		"for longer":              {Takeover{By: "erik", Instead: "bruno", Until: end.Add(time.Hour)}, ErrSharedDuty},
		"to the end":              {Takeover{By: "erik", Instead: "bruno", Until: end}, nil},
		"for a while":             {Takeover{By: "erik", Instead: "bruno", Until: end.Add(-time.Hour)}, nil},
		"by one who has the duty": {Takeover{By: "ada", Instead: "bruno"}, ErrAlreadyOnDuty},
	} {
		tc.Roster = "national"
		if _, _, err := b.TakeOver(tc.Takeover, noon); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	edited, _, err := b.TakeOver(Takeover{Roster: "national", By: "erik", Instead: "bruno"}, noon)
	c := compile(t, edited)
	if err != nil || !slices.Equal(c.Who("", noon), []string{"ada", "erik"}) || !slices.Equal(c.Who("", end), []string{"carmen"}) {
		t.Errorf("%v, then %v; %v", c.Who("", noon), c.Who("", end), err)
	}
}

func TestATakeoverOfADutyWithoutEndLastsForATurn(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada"}}
	_, taken, err := b.TakeOver(Takeover{Roster: "national", By: "bruno"}, noon)
	if err != nil || !taken.Until.Equal(noon.Add(20*time.Hour)) {
		t.Errorf("%+v, %v", taken, err)
	}
	b.Rosters[0].Layers[0].Rotation.From = "2199-01-01"
	if _, _, err := b.TakeOver(Takeover{Roster: "national", By: "bruno"}, noon); err != nil {
		t.Errorf("a gap for a lifetime: %v", err)
	}
	b.Rosters[0].Layers[0] = Layer{ID: "primary", Past: []Segment{{Until: noon, TimeZone: "UTC", Rotation: b.Rosters[0].Layers[0].Rotation}}}
	if _, _, err := b.TakeOver(Takeover{Roster: "national", By: "bruno"}, noon); !errors.Is(err, ErrNoEnd) {
		t.Errorf("a gap without end: %v", err)
	}
	if _, _, err := b.TakeOver(Takeover{Roster: "national", By: "bruno", Until: noon.Add(time.Hour)}, noon); err != nil {
		t.Errorf("a gap without end, with an end: %v", err)
	}
}

func TestOnlyATakeoverOfOnesOwnIsGivenBack(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.From = noon.Format(time.DateOnly)
	b.Rosters[0].Overrides = []Override{{ID: "o1", Kind: Replace, From: noon.Add(-time.Hour), Until: noon.Add(5 * time.Hour), People: []string{"bruno"}}}
	if _, err := b.GiveBack("national", "bruno", noon); !errors.Is(err, ErrNoTakeover) {
		t.Errorf("what a coordinator put there is given back: %v", err)
	}
	first := func(b Book, _ Override, err error) Book { return must(b, err) }
	b = first(b.TakeOver(Takeover{Roster: "national", By: "carmen"}, noon))
	b = first(b.TakeOver(Takeover{Roster: "national", By: "dalia"}, noon)) // at the same moment
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
	b.Leave = []Leave{{ID: "l", Person: "ada", From: noon, Until: noon.Add(20 * time.Hour)}, {ID: "m", Person: "bruno", From: noon, Until: noon.Add(20 * time.Hour)}}
	b = first(b.TakeOver(Takeover{Roster: "national", By: "erik"}, noon.Add(3*time.Hour)))
	if _, err := b.GiveBack("national", "erik", noon.Add(4*time.Hour)); !errors.Is(err, ErrNobodyBack) {
		t.Errorf("given back to nobody: %v", err)
	}
	if _, err := b.GiveBack("x", "erik", noon); !errors.Is(err, ErrNoRoster) {
		t.Errorf("%v", err)
	}
	bad := b
	bad.Rosters = slices.Clone(b.Rosters)
	bad.Rosters[0].Overrides = []Override{{ID: "o", Kind: Replace, From: noon, Until: noon.Add(1), People: []string{"ada"}, By: "bruno"}}
	if err := bad.Validate(); err == nil {
		t.Error("somebody takes over who is not there")
	}
}
