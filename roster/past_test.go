package roster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

// mutate draws a book that a coordinator could make of another by hand. The order of layers and of overrides, holidays, active dates and
// accepted swaps stay: those are refused, or kept, and have tests of their own.
func mutate(t *rapid.T, b roster.Book, start time.Time) roster.Book {
	other, _ := rostertest.Book(t)
	r, with := b.Rosters[0], other.Rosters[0]
	r.Layers, r.Overrides, r.Covers, r.Shadows = slices.Clone(r.Layers), nil, nil, nil
	for i := range r.Layers {
		switch rapid.IntRange(0, 3).Draw(t, "layer") {
		case 0:
			r.Layers[i].Rotation, r.Layers[i].Restrictions = rostertest.Rotation(t, start), rostertest.Restrictions(t)
		case 1:
			r.Layers[i].Past = nil // somebody tidies up
		case 2:
			r.Layers[i].Rotation.Length++
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "new layer") == 0 {
		r.Layers = append(r.Layers, roster.Layer{ID: "new", Rotation: rostertest.Rotation(t, start)})
	}
	if rapid.IntRange(0, 4).Draw(t, "layer goes") == 0 && len(r.Layers) > 1 {
		r.Layers = slices.Delete(r.Layers, 1, 2)
	}
	if rapid.IntRange(0, 4).Draw(t, "moves") == 0 {
		r.TimeZone = "Asia/Tokyo"
	}
	r.Overrides = mix(t, b.Rosters[0].Overrides, with.Overrides, func(o *roster.Override) { o.Until = o.Until.Add(50 * time.Hour) }, func(o *roster.Override) { o.Kind = roster.Add }, func(o *roster.Override) { o.ID = "new-" + o.ID })
	r.Covers = mix(t, b.Rosters[0].Covers, with.Covers, func(c *roster.Cover) { c.Until = c.Until.Add(50 * time.Hour) }, func(c *roster.Cover) {
		c.From = c.From.Add(-30 * time.Hour)
	}, func(c *roster.Cover) { c.ID = "new-" + c.ID })
	r.Shadows = mix(t, b.Rosters[0].Shadows, with.Shadows, func(s *roster.Shadow) { s.Until = s.Until.Add(50 * time.Hour) }, func(s *roster.Shadow) { s.Follows = "" }, func(s *roster.Shadow) { s.ID = "new-" + s.ID })
	edited := b
	edited.Leave = mix(t, b.Leave, other.Leave, func(l *roster.Leave) { l.Until = l.Until.Add(50 * time.Hour) }, func(l *roster.Leave) { l.From = l.From.Add(-90 * time.Hour) }, func(l *roster.Leave) { l.ID = "new-" + l.ID })
	edited.Rosters = []roster.Roster{r}
	return edited
}

// mix takes out, changes and adds entries.
func mix[T any](t *rapid.T, old, with []T, longer, other, rename func(*T)) (list []T) {
	for _, e := range old {
		switch rapid.IntRange(0, 4).Draw(t, "entry") {
		case 0:
			continue
		case 1:
			longer(&e)
		case 2:
			other(&e)
		}
		list = append(list, e)
	}
	for _, e := range with {
		rename(&e)
		list = slices.Insert(list, rapid.IntRange(0, len(list)).Draw(t, "place"), e)
	}
	return list
}

// Whatever somebody makes of a book by hand: kept, it has the past of the one before and the future of the edit, to the minute.
func TestKeepPastHasThePastOfOneBookAndTheFutureOfTheOther(t *testing.T) {
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		b.Rosters[0].Swaps, b.Rosters[0].Until = nil, time.Time{}
		for i := range b.People {
			b.People[i].TimeZone = "UTC" // not that of the roster, which may move
		}
		edited := mutate(t, b, start)
		now := start.Add(time.Duration(rapid.IntRange(0, int(rostertest.Span/time.Minute)).Draw(t, "now")) * time.Minute)
		kept := b.KeepPast(edited, now)
		was, wished, is := compile2(t, b), compile2(t, edited), compile2(t, kept)
		before, end := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		if old, got := tiles(was, before, now), tiles(is, before, now); !sameTiles(old, got) {
			t.Fatalf("at %s the past was\n%v\nand is\n%v", now, old, got)
		}
		if want, got := tiles(wished, now, end), tiles(is, now, end); !sameTiles(want, got) {
			t.Fatalf("at %s the future should be\n%v\nand is\n%v", now, want, got)
		}
		if err := b.CheckPast(kept, now); err != nil {
			t.Fatal(err)
		}
		changed := !sameTiles(tiles(was, before, now), tiles(wished, before, now))
		if err := b.CheckPast(edited, now); (err != nil) != changed {
			t.Fatalf("the edit itself changes the past: %v; the check says %v", changed, err)
		}
		if changed {
			refused++
		}
		if again := kept.KeepPast(kept, now); !roster.Same(again, kept) {
			t.Fatalf("kept again, it changes:\n%+v\n%+v", kept, again)
		}
	})
	if refused == 0 && !testing.Short() {
		t.Errorf("only %d edits would have changed the past", refused)
	}
}

// The check looks only where two books do not say the same. It refuses what changes a tile, and nothing else, whatever was changed: also what
// [Book.KeepPast] cannot cut.
func TestTheCheckOfThePastFindsWhatALookAtEveryTileFinds(t *testing.T) {
	changed, same := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		edited := mutate(t, b, start)
		r := &edited.Rosters[0]
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := start.Add(time.Duration(rapid.IntRange(0, int(rostertest.Span/time.Minute)).Draw(t, "at")) * time.Minute)
			switch rapid.IntRange(0, 5).Draw(t, "change") {
			case 0:
				edited.People = slices.Clone(edited.People)
				edited.People[rapid.IntRange(0, len(edited.People)-1).Draw(t, "person")].ActiveUntil = at.Format(time.DateOnly)
			case 1:
				edited.People = slices.Clone(edited.People)
				edited.People[rapid.IntRange(0, len(edited.People)-1).Draw(t, "person")].ActiveFrom = at.Format(time.DateOnly)
			case 2:
				r.Until = at
			case 3:
				r.Layers = slices.Clone(r.Layers)
				slices.Reverse(r.Layers)
			case 4:
				r.Overrides = slices.Clone(r.Overrides)
				slices.Reverse(r.Overrides)
			case 5:
				edited.Calendars = []roster.Calendar{{ID: "public", Days: []string{at.Format(time.DateOnly)}}}
			}
		}
		now := start.Add(time.Duration(rapid.IntRange(0, int(rostertest.Span/time.Minute)).Draw(t, "now")) * time.Minute)
		if rapid.Bool().Draw(t, "kept") {
			edited = b.KeepPast(edited, now)
		}
		will, err := roster.Compile(edited)
		if err != nil {
			t.Skip(err)
		}
		before := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
		differ := !sameTiles(tiles(compile2(t, b), before, now), tiles(will, before, now))
		if err := b.CheckPast(edited, now); (err != nil) != differ {
			t.Fatalf("at %s the past differs: %v; the check says %v", now, differ, err)
		}
		if differ {
			changed++
		} else {
			same++
		}
	})
	if (changed == 0 || same == 0) && !testing.Short() { // a fifth of the cases need not come to both
		t.Errorf("%d edits changed the past, %d did not", changed, same)
	}
}

// An edit that keeps the past is checked without a look at a single shift of it, however many there were; one that does not, only where it
// differs.
func TestTheCheckOfAKeptPastResolvesNothing(t *testing.T) {
	now := date(t, "2026-03-20T12:00:00Z")
	b := daily("Europe/Paris", "08:00")
	b.Rosters[0].Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}, {"bruno"}}, Unit: roster.Hours, Length: 1, Handover: "00:00", From: "1990-01-01"}
	b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: now.AddDate(-9, 0, 0), Until: now.AddDate(-9, 0, 1), People: []string{"ada"}}}
	edited := b
	edited.Rosters = slices.Clone(b.Rosters)
	r := &edited.Rosters[0]
	r.Layers = append(slices.Clone(r.Layers), roster.Layer{ID: "new", Rotation: roster.Rotation{Turns: [][]string{{"carmen"}}, Unit: roster.Days, Length: 1, Handover: "08:00", From: "2020-01-01"}})
	r.Layers[0].Rotation.Turns = [][]string{{"carmen"}}
	r.Overrides = append([]roster.Override{{ID: "p", Kind: roster.Add, From: now, Until: now.AddDate(0, 0, 1), People: []string{"bruno"}}}, r.Overrides...)
	kept := b.KeepPast(edited, now)
	spans := roster.Suspects(b, kept, "national", now)
	if len(spans) != 0 {
		t.Errorf("%v", spans)
	}
	kept.Leave = append(kept.Leave, roster.Leave{ID: "late", Person: "ada", From: now.Add(-3 * time.Hour), Until: now})
	spans = roster.Suspects(b, kept, "national", now)
	if len(spans) != 1 || !spans[0][0].Equal(now.Add(-3*time.Hour)) || !spans[0][1].Equal(now) {
		t.Errorf("leave of three hours that are over: %v", spans)
	}
	if err := b.CheckPast(kept, now); err == nil {
		t.Error("leave of time that is over is taken")
	}
}

func TestWhatCannotBeKeptIsRefusedWithTheMomentAndTheCallSigns(t *testing.T) {
	now := date(t, "2026-03-20T12:00:00Z")
	book := func() roster.Book {
		b := layered()
		b.Calendars = []roster.Calendar{{ID: "public", Days: []string{"2026-03-10"}}}
		b.Rosters[0].Layers[1].Restrictions = append(b.Rosters[0].Layers[1].Restrictions, roster.Restriction{From: "08:00", Until: "20:00", Calendar: "public", Holidays: roster.OnlyHolidays})
		return b
	}
	for name, change := range map[string]func(*roster.Book){
		"order of layers": func(b *roster.Book) { slices.Reverse(b.Rosters[0].Layers) },
		"a holiday that is over": func(b *roster.Book) {
			b.Calendars = []roster.Calendar{{ID: "public", Days: []string{"2026-03-11"}}}
		},
		"who was in training": func(b *roster.Book) {
			b.Rosters[0].Shadows = []roster.Shadow{{ID: "t", Person: "erik", From: now.AddDate(0, 0, -3), Until: now, Paged: roster.PagedLast}}
		},
		"active dates":  func(b *roster.Book) { b.People[2].ActiveUntil = "2026-03-05" },
		"the roster":    func(b *roster.Book) { b.Rosters = nil },
		"a new roster":  func(b *roster.Book) { r := b.Rosters[0]; r.ID = "second"; b.Rosters = append(b.Rosters, r) },
		"closed before": func(b *roster.Book) { b.Rosters[0].Until = now.Add(-time.Hour) },
	} {
		edited := book()
		change(&edited)
		err := book().CheckPast(edited, now)
		invalid, ok := errors.AsType[*roster.ValidationError](err)
		if !ok || len(invalid.Problems) != 1 || invalid.Problems[0].Fix == "" || !strings.HasPrefix(invalid.Problems[0].Path, "/rosters") {
			t.Errorf("%s: %v", name, err)
		}
	}
	edited := book()
	edited.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"erik"}}
	if err := book().CheckPast(edited, now); err == nil || !strings.Contains(err.Error(), "on national at 2026-03-02 07:00 UTC, and that is over: KESTREL, not MERLIN") {
		t.Errorf("%v", err)
	}
	edited = book()
	edited.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: now, Until: now.Add(time.Hour), People: []string{"erik"}}}
	if err := book().CheckPast(edited, now); err != nil {
		t.Errorf("from now on: %v", err)
	}
	if err := (roster.Book{}).CheckPast(book(), now); err != nil {
		t.Errorf("the first book: %v", err)
	}
}

func TestARosterOrPersonWhoWasOnDutyStaysForThePast(t *testing.T) {
	now := date(t, "2026-03-20T12:00:00Z")
	b := layered()
	edited := layered()
	edited.Teams = nil
	edited.People = edited.People[:4] // erik, who is on no rotation, goes for good
	edited.Rosters[0].ID = "renamed"
	edited.People = slices.DeleteFunc(edited.People, func(p roster.Person) bool { return p.ID == "carmen" })
	edited.Rosters[0].Layers[1].Rotation.Turns = [][]string{{"dalia"}}
	kept := b.KeepPast(edited, now)
	c := compile(t, kept)
	if err := b.CheckPast(kept, now); err != nil {
		t.Error(err)
	}
	if _, ok := c.Person("erik"); ok {
		t.Error("somebody whom nothing names came back")
	}
	if p, _ := c.Person("carmen"); p.ActiveUntil != "2026-03-22" || slices.Contains(c.Everyone(date(t, "2026-03-22T12:00:00Z")), "carmen") {
		t.Errorf("who was taken out and was on duty: %+v", p)
	}
	if kept.Rosters[0].ID != "renamed" || kept.Rosters[1].ID != "national" || !kept.Rosters[1].Until.Equal(now) {
		t.Errorf("the rosters: %+v", kept.Rosters)
	}
	if gaps := c.Gaps("national", now.Add(-time.Hour), now.AddDate(0, 0, 7)); len(gaps) != 0 {
		t.Errorf("a closed roster has gaps: %v", gaps)
	}
	if got := c.Who("renamed", now.Add(-1)); got != nil {
		t.Errorf("a new roster had somebody before it was there: %v", got)
	}
	if got := c.Who("renamed", now); len(got) != 1 {
		t.Errorf("a new roster begins now: %v", got)
	}
}

func TestRevertBringsBackWhatWasAndNotTheTelephones(t *testing.T) {
	monday, friday := date(t, "2026-03-09T12:00:00Z"), date(t, "2026-03-13T12:00:00Z")
	first := weekly()
	first.Revision = 1
	secondBook, err := first.RemovePerson(roster.Amendment{"national", "primary", monday, false}, "bruno")
	if err != nil {
		t.Fatal(err)
	}
	secondBook.Revision = 2
	secondBook.People = slices.Clone(secondBook.People)
	secondBook.People[0].Contacts = []roster.Contact{{ID: "mobile", Channel: "sms", Address: "+15005550177", Verified: true}}
	secondBook.People[4].Erased = true
	secondBook.People = append(secondBook.People, roster.Person{ID: "fatima", CallSign: "EGRET", Languages: roster.Languages("ar")})
	back := secondBook.Revert(first, friday)
	c := compile(t, back)
	if got := story(t, back, "2026-03-02T07:00:00Z", "2026-03-24T00:00:00Z"); !slices.Equal(got, []string{"ada 03-02 08:00", "bruno 03-09 08:00", "ada 03-09 13:00", "bruno 03-13 13:00", "carmen 03-16 08:00", "ada 03-23 08:00"}) {
		t.Errorf("%q", got)
	}
	if err := secondBook.CheckPast(back, friday); err != nil || back.Revision != 2 {
		t.Errorf("revision %d, %v", back.Revision, err)
	}
	if p, _ := c.Person("ada"); p.Contacts[0].Address != "+15005550177" {
		t.Errorf("an old number came back: %+v", p.Contacts)
	}
	if p, _ := c.Person("erik"); !p.Erased {
		t.Error("somebody who was erased came back")
	}
	if _, ok := c.Person("fatima"); !ok {
		t.Error("somebody who came since is lost")
	}
}

func TestASwapThatHasBegunStaysAsItIs(t *testing.T) {
	b := weekly()
	b.Rosters[0].Swaps = []roster.Swap{{ID: "s", State: roster.CoverAccepted, One: roster.Part{"ada", noon, noon.Add(9 * time.Hour)}, Other: roster.Part{"bruno", noon.AddDate(0, 0, 8), noon.AddDate(0, 0, 9)}}}
	now := noon.Add(time.Hour)
	for name, swaps := range map[string][]roster.Swap{"taken out": nil, "changed": {{ID: "s", State: roster.CoverDeclined, One: b.Rosters[0].Swaps[0].One, Other: b.Rosters[0].Swaps[0].Other}}} {
		edited := weekly()
		edited.Rosters[0].Swaps = swaps
		kept := b.KeepPast(edited, now)
		if err := b.CheckPast(kept, now); err != nil || !slices.Equal(kept.Rosters[0].Swaps, b.Rosters[0].Swaps) {
			t.Errorf("%s: %+v, %v", name, kept.Rosters[0].Swaps, err)
		}
	}
	late := weekly()
	late.Rosters[0].Swaps = b.Rosters[0].Swaps
	kept := weekly().KeepPast(late, now)
	if got := kept.Rosters[0].Swaps[0].One.From; !got.Equal(now) {
		t.Errorf("one that was entered too late begins at %s", got)
	}
}

func TestWhatHasNotBegunIsEditedWithoutATrace(t *testing.T) {
	now := date(t, "2026-02-20T12:00:00Z") // the rotation begins in March
	edited := weekly()
	edited.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"erik"}}
	edited.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Add, From: now, Until: now.Add(time.Hour), People: []string{"ada"}}}
	if kept := weekly().KeepPast(edited, now); !roster.Same(kept, edited) {
		t.Errorf("%+v", kept.Rosters[0])
	}
	joined, err := weekly().AddTurn(roster.Amendment{"national", "primary", now, true}, []string{"erik"}, 0)
	if err != nil || len(joined.Rosters[0].Layers[0].Past) != 0 || !slices.Equal(compile(t, joined).Who("", date(t, "2026-03-02T07:00:00Z")), []string{"erik"}) {
		t.Errorf("%+v, %v", joined.Rosters[0].Layers[0], err)
	}
}

func TestFreshIdentifiersAreValidAndNew(t *testing.T) {
	taken := map[string]bool{"o": true, "o-2": true}
	long := strings.Repeat("x", 41)
	for _, id := range []string{"o", "o", long, long} {
		got := roster.Fresh(id, taken)
		if !roster.IDPattern.MatchString(got) || got == "o-2" || got == "o" {
			t.Errorf("%s", got)
		}
	}
	if want := fmt.Sprint(taken); !strings.Contains(want, "o-3") || !strings.Contains(want, "o-4") {
		t.Error(want)
	}
}

// What an edit stores is valid, or the fault is told at the place where it was written.
func TestWhatAnEditStoresIsValidThoughItWasWrittenWithoutThePast(t *testing.T) {
	now := date(t, "2026-03-20T12:00:00Z")
	b := weekly()
	b.Rosters[0].Layers[0].Past = []roster.Segment{{
		Until: date(t, "2026-03-09T07:00:00Z"), TimeZone: "Europe/Paris",
		Rotation: roster.Rotation{Turns: [][]string{{"erik"}}, Unit: roster.Weeks, Length: 1, Handover: "08:00", From: "2026-03-02"},
	}}
	without := func(b roster.Book, id string) roster.Book {
		b.People = slices.DeleteFunc(slices.Clone(b.People), func(p roster.Person) bool { return p.ID == id })
		return b
	}
	edited := without(b, "erik") // whom only the past names
	if edited.Validate() == nil {
		t.Fatal("the past may name nobody who is not in the list")
	}
	next, err := b.Next(edited, now.Add(time.Microsecond))
	if err != nil || next.Validate() != nil || !slices.ContainsFunc(next.People, func(p roster.Person) bool { return p.ID == "erik" && p.ActiveUntil != "" }) {
		t.Errorf("%+v, %v", next.People, err)
	}
	if invalid, ok := errors.AsType[*roster.ValidationError](errorOf(b.Next(without(b, "ada"), now))); !ok || !strings.HasPrefix(invalid.Problems[0].Path, "/rosters/0/layers/0/rotation/turns") {
		t.Errorf("whom the future names too: %v", invalid)
	}
	late := b
	late.Rosters = slices.Clone(b.Rosters)
	late.Rosters[0].Layers = slices.Clone(b.Rosters[0].Layers)
	late.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"dalia"}}
	if next, err = b.Next(late, now.Add(time.Microsecond)); err != nil || !next.Rosters[0].Layers[0].Past[1].Until.Equal(now) {
		t.Errorf("cut at %v, %v", next.Rosters[0].Layers[0].Past, err)
	}
	late.People = slices.Clone(b.People)
	late.People[0].ActiveUntil = "2026-03-05"
	if _, err := b.Next(late, now); err != nil { // erik had that week
		t.Error(err)
	}
	late.People[4].ActiveUntil = "2026-03-05"
	if _, err := b.Next(late, now); err == nil || !strings.Contains(err.Error(), "that is over") {
		t.Errorf("who was on duty then: %v", err)
	}
}

func errorOf(_ roster.Book, err error) error { return err }
