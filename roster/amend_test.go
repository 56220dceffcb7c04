package roster_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

// A wildEdit is one of the edits of a rotation.
func wildEdit(t *rapid.T, b roster.Book, a roster.Amendment) (string, roster.Book, error) {
	l := b.Rosters[0].Layers[slices.IndexFunc(b.Rosters[0].Layers, func(l roster.Layer) bool { return l.ID == a.Layer })]
	switch kind := rapid.SampledFrom([]string{"add", "remove", "remove", "reorder", "length", "set", "hours"}).Draw(t, "edit"); kind {
	case "add":
		edited, err := b.AddTurn(a, []string{rapid.SampledFrom(rostertest.People).Draw(t, "who")}, rapid.IntRange(-1, 4).Draw(t, "place"))
		return kind, edited, err
	case "remove":
		people := append(slices.Concat(l.Rotation.Turns...), "ada") // mostly somebody who is there
		edited, err := b.RemovePerson(a, rapid.SampledFrom(people).Draw(t, "who"))
		return kind, edited, err
	case "reorder":
		edited, err := b.Reorder(a, rapid.Permutation(l.Rotation.Turns).Draw(t, "order"))
		return kind, edited, err
	case "length":
		r := rostertest.Rotation(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		edited, err := b.ChangeLength(a, roster.TurnShape{r.Unit, r.Length, r.Handover, r.Weekday, r.Pattern})
		return kind, edited, err
	case "hours":
		edited, err := b.SetRestrictions(a, rostertest.Restrictions(t))
		return kind, edited, err
	default:
		r := rostertest.Rotation(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		r.Until = l.Rotation.Until
		edited, err := b.SetRotation(a, r)
		return kind, edited, err
	}
}

func layerTiles(c *roster.Compiled, layer string, from, until time.Time) (list []roster.Shift) {
	for shift := range c.LayerShifts("", layer, from, until) {
		list = append(list, shift)
	}
	return list
}

func tiles(c *roster.Compiled, from, until time.Time) (list []roster.Shift) {
	for shift := range c.Shifts("", from, until) {
		list = append(list, shift)
	}
	return list
}

func sameTiles(a, b []roster.Shift) bool {
	return slices.EqualFunc(a, b, func(a, b roster.Shift) bool {
		return a.From.Equal(b.From) && a.Until.Equal(b.Until) && slices.Equal(a.People, b.People) && slices.Equal(a.Shadows, b.Shadows)
	})
}

// Whatever rotations, and whatever is edited, one edit after another: no shift that is over changes, with the current officer kept the
// present turn does not change either, and without, the first turn of the new list is on at once.
func TestNoEditOfARotationChangesAShiftThatIsOver(t *testing.T) {
	edits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		for i := range b.Rosters[0].Layers {
			b.Rosters[0].Layers[i].Past = nil
		}
		now := start
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			now = now.Add(time.Duration(rapid.IntRange(0, 6000).Draw(t, "later")) * time.Minute)
			at := now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 500, 20000}).Draw(t, "ahead")) * time.Minute)
			a := roster.Amendment{"national", "l0", at, rapid.Bool().Draw(t, "keep")}
			kind, edited, err := wildEdit(t, b, a)
			if waits, ok := errors.AsType[*roster.WaitingChange](err); ok && waits.Begins.After(at) {
				edits["waits"]++
				continue
			}
			if err != nil {
				if !errors.Is(err, roster.ErrNotInTurns) && !errors.Is(err, roster.ErrNobodyLeft) {
					t.Fatalf("%s: %v", kind, err)
				}
				continue
			}
			edits[fmt.Sprint(kind, a.KeepCurrent)]++
			was, will := compile2(t, b), compile2(t, edited)
			before := start.AddDate(0, 0, -100)
			if old, is := tiles(was, before, at), tiles(will, before, at); !sameTiles(old, is) {
				t.Fatalf("%s at %s changes the past:\n%v\n%v", kind, at, old, is)
			}
			if err := b.CheckPast(edited, now); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			people, until, on := was.TurnOf("l0", at)
			next := edited.Rosters[0].Layers[0].Rotation
			switch {
			case !on || (kind == "hours" && !a.KeepCurrent):
			case a.KeepCurrent:
				if old, is := layerTiles(was, "l0", at, until), layerTiles(will, "l0", at, until); !sameTiles(old, is) {
					t.Fatalf("%s at %s changes the present turn of %v until %s:\n%v\n%v", kind, at, people, until, old, is)
				}
			default:
				if got, _, on := will.TurnOf("l0", at); on && !slices.Equal(got, next.Turns[0]) {
					t.Fatalf("%s at %s: %v has the turn, not the first, %v", kind, at, got, next.Turns[0])
				}
			}
			// The layer has somebody's turn from now on for as long as it had.
			if _, _, still := will.TurnOf("l0", at); on && !still && next.Until == "" {
				t.Fatalf("%s at %s leaves nobody", kind, now)
			}
			b = edited
		}
	})
	if testing.Short() { // a fifth of the cases need not come to everything
		return
	}
	for _, kind := range []string{"addtrue", "addfalse", "removetrue", "removefalse", "reordertrue", "lengthtrue", "lengthfalse", "settrue", "hourstrue", "hoursfalse", "waits"} {
		if edits[kind] == 0 {
			t.Errorf("the edit %s was never made", kind)
		}
	}
}

func compile2(t *rapid.T, b roster.Book) *roster.Compiled {
	c, err := roster.Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// weekly has ada, bruno, carmen by the week from Monday 2 March 2026, 08:00 in Paris.
func weekly() roster.Book {
	b := daily("Europe/Paris", "08:00")
	b.Rosters[0].Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}, {"carmen"}}, Unit: roster.Weeks, Length: 1, Handover: "08:00", From: "2026-03-02"}
	return b
}

// story lists who is on duty over a span, as "ada 2026-03-02 08:00".
func story(t *testing.T, b roster.Book, from, until string) (lines []string) {
	c := compile(t, b)
	for shift := range c.Shifts("", date(t, from), date(t, until)) {
		who := "nobody"
		if !shift.Gap() {
			who = shift.People[0]
		}
		lines = append(lines, who+" "+shift.From.In(c.Zone("")).Format("01-02 15:04"))
	}
	return lines
}

func TestEditsOfARotationReadAsACoordinatorExpects(t *testing.T) {
	wednesday := date(t, "2026-03-11T11:00:00Z") // of bruno's week
	keep, anew := roster.Amendment{"national", "primary", wednesday, true}, roster.Amendment{"national", "primary", wednesday, false}
	for name, tc := range map[string]struct {
		edit func(roster.Book) (roster.Book, error)
		want []string
	}{
		"somebody joins at the end, bruno stays": {
			func(b roster.Book) (roster.Book, error) { return b.AddTurn(keep, []string{"dalia"}, -1) },
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "dalia 03-23 08:00", "ada 03-30 08:00"},
		},
		"somebody joins in front, bruno stays": {
			func(b roster.Book) (roster.Book, error) { return b.AddTurn(keep, []string{"dalia"}, 0) },
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "dalia 03-23 08:00", "ada 03-30 08:00"},
		},
		"the rotation begins anew": {
			func(b roster.Book) (roster.Book, error) { return b.AddTurn(anew, []string{"dalia"}, 0) },
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "dalia 03-11 12:00", "ada 03-16 08:00", "bruno 03-23 08:00", "carmen 03-30 08:00"},
		},
		"who is on duty leaves after their turn": {
			func(b roster.Book) (roster.Book, error) { return b.RemovePerson(keep, "bruno") },
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "ada 03-23 08:00", "carmen 03-30 08:00"},
		},
		"somebody else leaves": {
			func(b roster.Book) (roster.Book, error) { return b.RemovePerson(keep, "carmen") },
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "ada 03-16 08:00", "bruno 03-23 08:00", "ada 03-30 08:00"},
		},
		"the other way round, bruno stays": {
			func(b roster.Book) (roster.Book, error) {
				return b.Reorder(keep, [][]string{{"carmen"}, {"bruno"}, {"ada"}})
			},
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "ada 03-16 08:00", "carmen 03-23 08:00", "bruno 03-30 08:00"},
		},
		"days instead of weeks, at ten, bruno stays": {
			func(b roster.Book) (roster.Book, error) {
				return b.ChangeLength(keep, roster.TurnShape{Unit: roster.Days, Length: 7, Handover: "10:00"})
			},
			// At the end of bruno's turn carmen takes over as before, and keeps the first turn of the new kind.
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "ada 03-23 10:00", "bruno 03-30 10:00"},
		},
		"two weeks, bruno stays": {
			func(b roster.Book) (roster.Book, error) {
				return b.ChangeLength(keep, roster.TurnShape{Unit: roster.Weeks, Length: 2, Handover: "08:00"})
			},
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "ada 03-30 08:00"},
		},
		"ten days become months at the end of the turn": {
			func(b roster.Book) (roster.Book, error) {
				b.Rosters[0].Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}, {"carmen"}}, Unit: roster.Hours, Length: 240, Handover: "08:00", From: "2026-03-02"}
				return b.ChangeLength(keep, roster.TurnShape{Unit: roster.Months, Length: 1, Handover: "08:00"}) // ada's turn ends on the 12th at 08:00
			},
			[]string{"ada 03-02 08:00", "bruno 03-12 08:00"},
		},
		"short turns go on until the first handover of the new kind": {
			func(b roster.Book) (roster.Book, error) {
				b.Rosters[0].Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}, {"carmen"}}, Unit: roster.Hours, Length: 4, Handover: "08:00", From: "2026-03-11"}
				return b.ChangeLength(keep, roster.TurnShape{Unit: roster.Weeks, Length: 2, Handover: "22:00"}) // bruno's turn has just begun
			},
			[]string{"nobody 03-02 08:00", "ada 03-11 08:00", "bruno 03-11 12:00", "carmen 03-11 16:00", "ada 03-11 20:00", "bruno 03-25 22:00"},
		},
		"somebody with two turns stays in the one that is on": {
			func(b roster.Book) (roster.Book, error) {
				b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"bruno"}, {"ada"}, {"carmen"}, {"ada"}, {"erik"}}
				a := keep
				a.At = date(t, "2026-03-24T11:00:00Z") // of ada's second turn
				return b.AddTurn(a, []string{"dalia"}, -1)
			},
			[]string{"bruno 03-02 08:00", "ada 03-09 08:00", "carmen 03-16 08:00", "ada 03-23 08:00", "erik 03-30 08:00"},
		},
		"two changes of mind while the first waits": {
			func(b roster.Book) (roster.Book, error) {
				b, err := b.RemovePerson(keep, "bruno")
				if err != nil {
					return b, err
				}
				later := keep
				later.At = keep.At.Add(time.Hour)
				return b.AddTurn(later, []string{"erik"}, 0)
			},
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "erik 03-23 08:00", "ada 03-30 08:00"},
		},
		"somebody joins while a later handover waits for Monday": {
			func(b roster.Book) (roster.Book, error) {
				b, err := b.ChangeLength(keep, roster.TurnShape{Unit: roster.Weeks, Length: 1, Handover: "09:00"})
				if err != nil {
					return b, err
				}
				later := keep
				later.At = keep.At.Add(time.Hour)
				return b.AddTurn(later, []string{"dalia"}, 2)
			},
			// Carmen has the hour before the first handover at nine, and keeps the turn; dalia comes after bruno.
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "ada 03-23 09:00", "bruno 03-30 09:00"},
		},
		"from a date to come": {
			func(b roster.Book) (roster.Book, error) {
				a := anew
				a.At = date(t, "2026-03-25T00:00:00Z")
				return b.Reorder(a, [][]string{{"erik"}, {"dalia"}})
			},
			[]string{"ada 03-02 08:00", "bruno 03-09 08:00", "carmen 03-16 08:00", "ada 03-23 08:00", "erik 03-25 01:00", "dalia 03-30 08:00"},
		},
	} {
		edited, err := tc.edit(weekly())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := story(t, edited, "2026-03-02T07:00:00Z", "2026-04-03T00:00:00Z"); !slices.Equal(got, tc.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
	}
}

// What a coordinator planned for a day keeps its day, whatever is edited before.
func TestAChangeThatWaitsIsNotBroughtForward(t *testing.T) {
	now, monday, later := date(t, "2026-03-11T11:00:00Z"), date(t, "2026-03-16T07:00:00Z"), date(t, "2026-04-20T06:00:00Z")
	at := func(at time.Time) roster.Amendment { return roster.Amendment{"national", "primary", at, true} }
	twoWeeks := roster.TurnShape{Unit: roster.Weeks, Length: 2, Handover: "08:00"} // from the end of the turn that begins then
	waits := must(weekly().ChangeLength(at(later), twoWeeks))
	for name, err := range map[string]error{
		"add":    second(waits.AddTurn(at(now), []string{"dalia"}, -1)),
		"remove": second(waits.RemovePerson(at(now), "ada")),
		"hours":  second(waits.SetRestrictions(at(now), []roster.Restriction{{From: "08:00", Until: "20:00"}})),
		"two":    second(must(must(weekly().ChangeLength(at(monday), twoWeeks)).RemovePerson(at(later), "ada")).AddTurn(at(now), []string{"dalia"}, -1)),
	} {
		if e, ok := errors.AsType[*roster.WaitingChange](err); !ok || (!e.Begins.Equal(later.AddDate(0, 0, 7)) && name != "two") {
			t.Errorf("%s: %v", name, err)
		}
	}
	joined := must(waits.AddTurn(at(later), []string{"dalia"}, -1))
	if was, is := story(t, weekly(), "2026-03-02T07:00:00Z", "2026-04-20T06:00:00Z"), story(t, joined, "2026-03-02T07:00:00Z", "2026-04-20T06:00:00Z"); !slices.Equal(was, is) {
		t.Errorf("what comes before changed: %q, not %q", is, was)
	}
	// New hours begin with the next turn, and an edit that keeps the officer does not bring them forward.
	hours := must(weekly().SetRestrictions(at(now), []roster.Restriction{{From: "08:00", Until: "20:00"}}))
	both := must(hours.AddTurn(at(now.Add(time.Hour)), []string{"dalia"}, -1))
	for name, b := range map[string]roster.Book{"hours": hours, "and a turn": both} {
		if got, want := story(t, b, "2026-03-09T07:00:00Z", "2026-03-17T00:00:00Z"), []string{"bruno 03-09 08:00", "carmen 03-16 08:00", "nobody 03-16 20:00"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestEditsOfARotationThatCannotBe(t *testing.T) {
	b := weekly()
	a := roster.Amendment{"national", "primary", noon, true}
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"no roster":      {second(b.AddTurn(roster.Amendment{"x", "primary", noon, true}, nil, 0)), roster.ErrNoRoster},
		"no layer":       {second(b.AddTurn(roster.Amendment{"national", "x", noon, true}, nil, 0)), roster.ErrNoLayer},
		"not in it":      {second(b.RemovePerson(a, "erik")), roster.ErrNotInTurns},
		"before time":    {second(b.RemovePerson(roster.Amendment{"national", "primary", time.Time{}, true}, "ada")), roster.ErrAmendTime},
		"nobody is left": {second(must(must(b.RemovePerson(a, "ada")).RemovePerson(a, "bruno")).RemovePerson(a, "carmen")), roster.ErrNobodyLeft},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
	for name, err := range map[string]error{
		"nobody known":     second(b.AddTurn(a, []string{"zoe"}, 0)),
		"no turns":         second(b.Reorder(a, nil)),
		"no length":        second(b.ChangeLength(a, roster.TurnShape{Unit: roster.Days, Handover: "08:00"})),
		"no such hours":    second(b.SetRestrictions(a, []roster.Restriction{{From: "8", Until: "9"}})),
		"empty pattern":    second(b.ChangeLength(a, roster.TurnShape{Unit: roster.Pattern, Length: 1})),
		"no time of day":   second(b.ChangeLength(a, roster.TurnShape{Unit: roster.Days, Length: 1, Handover: "8 h"})),
		"hours for a year": second(b.ChangeLength(a, roster.TurnShape{Unit: roster.Hours, Length: 99999, Handover: "08:00"})),
	} {
		if _, ok := errors.AsType[*roster.ValidationError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ roster.Book, err error) error { return err }

func must(b roster.Book, err error) roster.Book {
	if err != nil {
		panic(err)
	}
	return b
}
