package dispatcher

import (
	"reflect"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// TestWhatIsRememberedOfADutyIsWhatTheRosterSays asks at every ten minutes of a month, forward and back, over turns that change, overrides that
// begin and end, a gap, and an edit.
func TestWhatIsRememberedOfADutyIsWhatTheRosterSays(t *testing.T) {
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	book := roster.Example("Europe/Paris", start)
	compiled := func(change func(*roster.Roster)) *roster.Compiled {
		change(&book.Rosters[0])
		book.Revision++
		c, err := roster.Compile(book)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	override := func(id string, kind roster.Kind, from, length time.Duration, people ...string) roster.Override {
		return roster.Override{ID: id, Kind: kind, From: start.Add(from), Until: start.Add(from + length), People: people}
	}
	first := compiled(func(r *roster.Roster) {
		r.Overrides = []roster.Override{
			override("a", roster.Replace, 30*time.Hour, 3*time.Hour, "erik"), override("b", roster.Add, 31*time.Hour, time.Minute, "dalia"),
			override("gap", roster.Replace, 200*time.Hour, 5*time.Hour), override("far", roster.Replace, 70*24*time.Hour, time.Hour, "ada"),
		}
		r.Layers[0].Rotation.Until = start.Add(14 * 24 * time.Hour).Format(time.DateOnly)
	})
	second := compiled(func(r *roster.Roster) { r.Overrides = r.Overrides[1:] })
	d, asked := &duties{}, 0
	check := func(c *roster.Compiled, id string, at time.Time) {
		got, want := d.ask(c, id, at), answer(c, id, at)
		got.duty.At, want.duty.At = time.Time{}, time.Time{}
		if !reflect.DeepEqual(got.duty, want.duty) || got.ok != want.ok || !got.change.Equal(want.change) {
			t.Fatalf("%s at %s:\n got %+v\nwant %+v", id, at, got, want)
		}
		asked++
	}
	for at := start; at.Before(start.Add(30 * 24 * time.Hour)); at = at.Add(10 * time.Minute) {
		check(first, "", at)
		check(first, "none", at)
		if at.Minute() == 0 {
			check(second, "", at)
			check(first, "", at.Add(-25*time.Hour))
		}
	}
	if asked < 8000 {
		t.Errorf("asked %d times", asked)
	}
}
