package roster_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"
	"unicode"

	"github.com/dutyline/dutyline/roster"
)

// FuzzBook compiles any book and asks it about a moment. What is refused names a place and a fix for each problem. What compiles answers
// for every moment:
//   - who is on duty is on duty from Since until Until, everybody is in the book, and nobody is there twice;
//   - the shifts of a span tile it without overlap or hole, neighbours differ, and each says what At says at its start, in its middle and at
//     its last instant;
//   - the next change is later than the moment it is asked for;
//   - stored and read again, the book is the same.
func FuzzBook(f *testing.F) {
	example, err := json.Marshal(roster.Example("Europe/Paris", noon))
	if err != nil {
		f.Fatal(err)
	}
	add := func(book string, at int64) { f.Add([]byte(book), at) }
	add(string(example), noon.Unix())
	add(string(example), 0)
	add(string(example), -1<<40)
	const start = `{"people":[{"id":"ada","call_sign":"K","contacts":[{"id":"m","channel":"sms","address":"+15005550101"}]},{"id":"bo","call_sign":"L"}],"rosters":[{"id":"n","time_zone":`
	for _, zone := range []string{"UTC", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll", "Local", "", "../UTC", "Europe/Paris\x00"} {
		name, _ := json.Marshal(zone)
		for _, at := range []int64{1325203200, 1774746000, 1792890000} { // a day that Samoa left out, and clocks that change
			add(start+string(name)+`,"layers":[{"id":"l","rotation":{"turns":[["ada"],[],["bo","ada"]],"unit":"day","length":1,"handover":"02:30","from":"2011-12-01"}}]}]}`, at)
		}
	}
	const layer = start + `"UTC","layers":[{"id":"l","rotation":{"turns":[["ada"],["bo"]],"unit":"week","length":366,"handover":"24:00","from":"0000-01-01","until":"1970-01-01"}}],"overrides":`
	add(layer+`[{"id":"o","kind":"replace","from":"0001-01-01T00:00:00Z","until":"9999-12-31T23:59:59-23:59","people":[]}]}]}`, noon.Unix())
	add(layer+`[{"id":"o","kind":"remove","from":"2026-03-02T10:00:00Z","until":"2026-03-02T10:00:00.000000001Z","people":["ada","ada"]},{"id":"o","kind":"add","from":"2026-03-02T10:00:00Z","until":"2016-12-31T23:59:60Z","people":["eve"]}]}]}`, noon.Unix())
	add(start+`"UTC","layers":[{"id":"l","rotation":{"turns":[["ada"],["bo"]],"unit":"day","length":1,"handover":"00:00","from":"1969-01-01","until":"1970-01-01"}}]}]}`, 3600)
	add(`{"people":[{"id":"","call_sign":"\u202eABC"},{"id":"a","call_sign":"ſ","contacts":[{"id":"a","channel":"fax","address":"112"}]},{"id":"a","call_sign":"S"}],"teams":[{"id":"t","members":["x"]}]}`, 0)
	f.Fuzz(func(t *testing.T, data []byte, unix int64) {
		var book roster.Book
		if json.Unmarshal(data, &book) != nil {
			return
		}
		c, err := roster.Compile(book)
		if err != nil {
			invalid, ok := err.(*roster.ValidationError) //nolint:errorlint // it is not wrapped
			if !ok || len(invalid.Problems) == 0 || slices.ContainsFunc(invalid.Problems, func(p roster.Problem) bool { return p.Path == "" || p.Detail == "" || p.Fix == "" }) {
				t.Fatalf("refused without a place or a fix: %v", err)
			}
			return
		}
		for _, p := range book.People {
			if slices.ContainsFunc([]rune(p.ID+p.CallSign), func(r rune) bool { return unicode.Is(unicode.C, r) }) {
				t.Fatalf("%q or %q holds what nobody sees", p.ID, p.CallSign)
			}
		}
		const century = 100 * 365 * 24 * 3600
		at := time.Unix(unix%(80*century), 0).UTC()
		for _, r := range book.Rosters {
			holds(t, c, r.ID, at)
		}
		stored, err := roster.Encode(roster.Edit{Book: book}, noon, plainSeal)
		if err != nil {
			t.Fatalf("it compiles and cannot be stored: %v", err)
		}
		d, err := roster.Decode(stored, func(_ string, sealed []byte) ([]byte, bool, error) { return sealed, false, nil })
		if err != nil || !roster.Same(d.Book, book) {
			t.Fatalf("stored as %s, %v", stored, err)
		}
		if again, err := roster.Compile(d.Book); err != nil || !reflect.DeepEqual(onDuty(again, at), onDuty(c, at)) {
			t.Fatalf("stored, it answers otherwise: %v", err)
		}
	})
}

// onDuty is what a book says of a moment on its first roster.
func onDuty(c *roster.Compiled, at time.Time) []roster.Assignment {
	d, _ := c.At("", at)
	return d.OnDuty
}

// holds checks what a roster says of the days around a moment.
func holds(t *testing.T, c *roster.Compiled, id string, at time.Time) {
	t.Helper()
	now, ok := c.At(id, at)
	if !ok {
		t.Fatalf("there is no roster %s", id)
	}
	layers := map[string]roster.Rotation{}
	for _, r := range c.Book().Rosters {
		if r.ID == id {
			for _, l := range r.Layers {
				layers[l.ID] = l.Rotation
			}
		}
	}
	var people []string
	for _, a := range now.OnDuty {
		if end, err := time.Parse(time.DateOnly, layers[a.Layer].Until); err == nil && at.After(end.Add(72*time.Hour)) {
			t.Fatalf("at %s %s is on duty by the layer %s, which ended on %s", at, a.Person, a.Layer, layers[a.Layer].Until)
		}
		people = append(people, a.Person)
		if _, known := c.Person(a.Person); !known {
			t.Fatalf("%s is on duty and not in the book", a.Person)
		}
		if at.Before(a.Since) || (!a.Until.IsZero() && !at.Before(a.Until)) {
			t.Fatalf("at %s %s is on duty from %s until %s", at, a.Person, a.Since, a.Until)
		}
		if len(a.Why) == 0 {
			t.Fatalf("%s is on duty for no reason", a.Person)
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(people))); len(unique) != len(people) {
		t.Fatalf("somebody is on duty twice: %v", people)
	}
	for _, a := range now.Next {
		if slices.Contains(people, a.Person) || !a.Since.After(at) {
			t.Fatalf("at %s %s is next from %s; on duty are %v", at, a.Person, a.Since, people)
		}
	}
	if next, ok := c.NextChange(id, at); ok && !next.After(at) {
		t.Fatalf("at %s the next change is at %s", at, next)
	}
	from, until := at.Add(-72*time.Hour), at.Add(96*time.Hour)
	end, previous, shifts := from, []string{"nobody"}, 0
	for s := range c.Shifts(id, from, until) {
		if shifts++; shifts > 10_000 {
			t.Fatal("the shifts do not end")
		}
		if !s.From.Equal(end) || !s.From.Before(s.Until) || (shifts > 1 && slices.Equal(s.People, previous)) {
			t.Fatalf("shift %d from %s until %s of %v, after one of %v until %s", shifts, s.From, s.Until, s.People, previous, end)
		}
		end, previous = s.Until, s.People
		if shifts > 12 {
			continue // enough of them was looked into
		}
		for _, moment := range []time.Time{s.From, s.From.Add(s.Until.Sub(s.From) / 2), s.Until.Add(-1)} {
			d, _ := c.At(id, moment)
			var on []string
			for _, a := range d.OnDuty {
				on = append(on, a.Person)
			}
			if !slices.Equal(on, s.People) {
				t.Fatalf("at %s %v are on duty, and in the shift from %s until %s %v", moment, on, s.From, s.Until, s.People)
			}
		}
	}
	if !end.Equal(until) {
		t.Fatalf("the shifts end at %s, not at %s", end, until)
	}
}
