package served_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

// shiftsUntil are who was on duty before the clock's time.
func shiftsUntil(t *testing.T, book roster.Book, until time.Time) (list []roster.Shift) {
	t.Helper()
	c, err := roster.Compile(book)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(c.Shifts("", now.AddDate(0, -2, 0), until))
}

func TestAnEditLeavesShiftsThatAreOverAsTheyWere(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		before := b.apply(t, 0, nil)
		b.at(now.AddDate(0, 0, 10))
		other := func(book *roster.Book) {
			book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"carmen"}}
			book.Rosters[0].Overrides = []roster.Override{{
				ID: "late", Kind: roster.Replace, People: []string{"ada"}, From: b.clock.AddDate(0, 0, -3), Until: b.clock.Add(time.Hour),
			}}
		}
		after := b.apply(t, 1, other)
		was, is := shiftsUntil(t, before, b.clock), shiftsUntil(t, after, b.clock)
		if !slices.EqualFunc(was, is, func(a, b roster.Shift) bool {
			return a.From.Equal(b.From) && a.Until.Equal(b.Until) && slices.Equal(a.People, b.People)
		}) {
			t.Errorf("the past was\n%v\nand is\n%v", was, is)
		}
		if override := after.Rosters[0].Overrides[0]; !override.From.Equal(b.clock) {
			t.Errorf("an override of the past begins at %s", override.From)
		}
		c, err := b.service.Current(t.Context(), 2)
		if err != nil || !slices.Equal(c.Who("", b.clock), []string{"ada"}) || !slices.Equal(c.Who("", b.clock.Add(2*time.Hour)), []string{"carmen"}) {
			t.Errorf("from now on it is %v and %v, %v", c.Who("", b.clock), c.Who("", b.clock.Add(2*time.Hour)), err)
		}
		// What it stored, made again, changes nothing.
		again, err := b.service.Apply(t.Context(), roster.Edit{Book: after, Base: 2})
		if err != nil || again.Revision != 2 || len(b.docs) != 2 {
			t.Errorf("revision %d of %d documents, %v", again.Revision, len(b.docs), err)
		}
	})
}

func TestAnEditThatChangesAShiftThatIsOverIsRefusedAndNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.at(now.AddDate(0, 0, 10))
		book := roster.Example("Europe/Paris", now)
		book.People[0].ActiveUntil = now.AddDate(0, 0, -1).Format(time.DateOnly)
		_, err := b.service.Apply(t.Context(), roster.Edit{Book: book, Base: 1})
		invalid, ok := errors.AsType[*roster.ValidationError](err)
		if !ok || len(b.docs) != 1 || !strings.Contains(invalid.Problems[0].Detail, "that is over: KESTREL, not ") || invalid.Problems[0].Fix == "" {
			t.Errorf("error %v, %d documents", err, len(b.docs))
		}
	})
}

// A document whose personal data does not open has its past in clear.
func TestThePastIsKeptOfADocumentThatDoesNotOpen(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		before := b.apply(t, 0, nil)
		b.docs[0] = []byte(strings.ReplaceAll(string(b.docs[0]), `"ada":"`, `"ada":"AAAA`))
		if _, err := b.node(t).Version(t.Context(), 1); !errors.Is(err, served.ErrUnavailable) {
			t.Fatalf("it opens: %v", err)
		}
		b.at(now.AddDate(0, 0, 10))
		after := b.apply(t, 1, func(book *roster.Book) { book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"carmen"}} })
		if was, is := shiftsUntil(t, before, b.clock), shiftsUntil(t, after, b.clock); len(was) != len(is) || !slices.Equal(was[len(was)-1].People, is[len(is)-1].People) {
			t.Errorf("the past was\n%v\nand is\n%v", was, is)
		}
	})
}

func TestAVersionIsReadWithWhomItNames(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.apply(t, 1, renamed)
		old, err := b.service.Version(t.Context(), 1)
		if err != nil || old.Revision != 1 || old.People[1].CallSign == "EGRET" || old.People[0].Name != "Ada Example" {
			t.Errorf("%+v, %v", old.People, err)
		}
		b.erased = "person-ada"
		if old, err = b.service.Version(t.Context(), 1); err != nil || !old.People[0].Erased || old.People[0].Name != "" || len(old.People[0].Contacts) > 0 {
			t.Errorf("erased since: %+v, %v", old.People, err)
		}
		for _, revision := range []uint64{0, 3} {
			if _, err := b.service.Version(t.Context(), revision); !errors.Is(err, served.ErrNoRevision) {
				t.Errorf("revision %d: %v", revision, err)
			}
		}
		b.down = true
		if _, err := b.service.Version(t.Context(), 1); !errors.Is(err, served.ErrUnavailable) {
			t.Errorf("without the log: %v", err)
		}
	})
}

func TestAnEditThatDoesNotOpenYetIsAnsweredAsItIsStored(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.clock, b.shut = now.AddDate(0, 0, 10), true
		book := b.apply(t, 1, func(book *roster.Book) { book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"carmen"}} })
		if past := book.Rosters[0].Layers[0].Past; book.Revision != 2 || len(past) != 1 || !past[0].Until.Equal(b.clock) {
			t.Errorf("revision %d with the past %+v", book.Revision, past)
		}
		b.shut = false
		current(t, b.node(t), 2, 2)
	})
}
