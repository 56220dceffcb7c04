package roster_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
)

func compile(t testing.TB, b roster.Book) *roster.Compiled {
	t.Helper()
	c, err := roster.Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func date(t testing.TB, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if t == nil {
			panic(err)
		}
		t.Helper()
		t.Fatal(err)
	}
	return at
}

// daily is a roster that changes hands every day at clock.
func daily(zone, clock string) roster.Book {
	b := roster.Example(zone, time.Date(2026, 1, 7, 0, 0, 0, 0, time.UTC))
	b.Rosters[0].Layers[0].Rotation.Unit = roster.Days
	b.Rosters[0].Layers[0].Rotation.Handover = clock
	b.Rosters[0].Layers[0].Rotation.From = "2020-01-01"
	return b
}

func TestShiftsTileTheSpanAndAgreeWithAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := daily("Europe/Paris", rapid.SampledFrom([]string{"00:00", "02:30", "08:00"}).Draw(t, "handover"))
		base := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
		ids := []string{"ada", "bruno", "carmen", "dalia", "erik"}
		for i := range rapid.IntRange(0, 6).Draw(t, "overrides") {
			from := base.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "from")) * time.Hour)
			b.Rosters[0].Overrides = append(b.Rosters[0].Overrides, roster.Override{
				ID: "o" + string(rune('a'+i)), Kind: rapid.SampledFrom([]roster.Kind{roster.Replace, roster.Add, roster.Remove}).Draw(t, "kind"),
				From: from, Until: from.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour),
				People: rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 3, rapid.ID).Draw(t, "people"),
			})
		}
		c, err := roster.Compile(b)
		if err != nil {
			t.Fatal(err)
		}
		end := base.Add(15 * 24 * time.Hour)
		at := base
		for shift := range c.Shifts("", base, end) {
			if !shift.From.Equal(at) || !shift.From.Before(shift.Until) {
				t.Fatalf("tile %s–%s does not begin at %s", shift.From, shift.Until, at)
			}
			for _, probe := range []time.Time{shift.From, shift.From.Add(shift.Until.Sub(shift.From) / 2), shift.Until.Add(-1)} {
				duty, _ := c.At("", probe)
				var people []string
				for _, a := range duty.OnDuty {
					people = append(people, a.Person)
					if probe.Before(a.Since) || !probe.Before(a.Until) {
						t.Fatalf("%s at %s is outside %s–%s", a.Person, probe, a.Since, a.Until)
					}
				}
				if !slices.Equal(people, shift.People) {
					t.Fatalf("at %s: shift says %v, duty says %v", probe, shift.People, people)
				}
			}
			at = shift.Until
		}
		if !at.Equal(end) {
			t.Fatalf("the tiles end at %s", at)
		}
	})
}

func TestOverrideReplacesAddsAndRemoves(t *testing.T) {
	b := daily("UTC", "08:00")
	c := compile(t, b)
	at := date(t, "2026-03-03T12:00:00Z")
	before, _ := c.At("national", at)
	holder := before.OnDuty[0].Person
	for _, tc := range []struct {
		kind   roster.Kind
		people []string
		want   []string
	}{
		{roster.Replace, []string{"erik"}, []string{"erik"}},
		{roster.Add, []string{"erik"}, []string{holder, "erik"}},
		{roster.Remove, []string{holder}, nil},
	} {
		b.Rosters[0].Overrides = []roster.Override{{ID: "o1", Kind: tc.kind, From: at.Add(-time.Hour), Until: at.Add(time.Hour), People: tc.people}}
		duty, _ := compile(t, b).At("", at)
		var got []string
		for _, a := range duty.OnDuty {
			got = append(got, a.Person)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.kind, got, tc.want)
		}
		if after, _ := compile(t, b).At("", at.Add(time.Hour)); after.OnDuty[0].Person != holder {
			t.Errorf("%s: its end is not half-open", tc.kind)
		}
	}
}

func TestEmptySpanHasNoTile(t *testing.T) {
	c, at := compile(t, daily("UTC", "08:00")), date(t, "2026-03-03T12:00:00Z")
	for shift := range c.Shifts("", at, at) {
		t.Errorf("%+v", shift)
	}
	for shift := range c.Shifts("", at, at.Add(-time.Hour)) {
		t.Errorf("backwards: %+v", shift)
	}
}

func TestByAddressFindsEveryContactOfThePersonWhoHasTheNumber(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[1].Contacts[1].Address = "+15005550199"
	b.People[2].Erased = true // an edit can still carry the addresses of somebody who was erased
	b.People[3].Contacts[0].Address, b.People[3].Contacts[1].Address = b.People[2].Contacts[0].Address, b.People[2].Contacts[0].Address
	c := compile(t, b)
	for number, want := range map[string][]roster.PersonContact{
		"+15005550101": {{"ada", "mobile"}, {"ada", "call"}},
		"+15005550102": {{"bruno", "mobile"}},
		"+15005550199": {{"bruno", "call"}},
		"+15005550103": {{"dalia", "mobile"}, {"dalia", "call"}}, // carmen is erased, and dalia got her number
		"+1500555010":  nil,                                      // exactly
		"15005550101":  nil,
		"":             nil,
	} {
		if got := c.ByAddress(number); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", number, got, want)
		}
	}
}

func TestByAddressNeverFindsAnErasedPerson(t *testing.T) {
	b := daily("UTC", "08:00")
	number := b.People[0].Contacts[0].Address
	b.People[0].Erased = true
	if got := compile(t, b).ByAddress(number); len(got) != 0 {
		t.Errorf("as edited: %v", got)
	}
	d, err := roster.Decode(encode(t, roster.Edit{Book: daily("UTC", "08:00")}), func(person string, sealed []byte) ([]byte, bool, error) { return sealed, person == "ada", nil })
	if err != nil {
		t.Fatal(err)
	}
	c := compile(t, d.Book)
	if got := append(c.ByAddress(number), c.ByAddress("")...); len(got) != 0 {
		t.Errorf("as stored: %v", got)
	}
}

func TestNextIsWhoeverComesOnDuty(t *testing.T) {
	c := compile(t, daily("Europe/Paris", "08:00"))
	duty, _ := c.At("", date(t, "2026-03-03T12:00:00Z"))
	after, _ := c.At("", duty.OnDuty[0].Until)
	if len(duty.Next) != 1 || duty.Next[0].Person != after.OnDuty[0].Person || !duty.Next[0].Since.Equal(duty.OnDuty[0].Until) {
		t.Errorf("next %+v, then on duty %+v", duty.Next, after.OnDuty)
	}
}

func TestDutyJSONHasTheContractsShape(t *testing.T) {
	c := compile(t, daily("UTC", "08:00"))
	duty, _ := c.At("", date(t, "2026-03-03T12:00:00Z"))
	data, err := json.Marshal(duty)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"at":"2026-03-03T12:00:00.000Z"`, `"roster":"national"`, `"on_duty":[{"person":`, `"since":"2026-03-03T08:00:00.000Z"`, `"next":[{`, `"why":[`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %s", data, want)
		}
	}
}

func TestValidateNamesEveryProblemWithItsFix(t *testing.T) {
	b := roster.Example("Europe/Atlantis", time.Now())
	b.People[1].ID = "ada"
	b.People[2].CallSign = "kestrel"
	b.People[3].Contacts[0].Address = "12"
	b.People[4].Contacts[0].Address = b.People[0].Contacts[0].Address
	b.Rosters[0].Layers[0].Rotation.Turns = append(b.Rosters[0].Layers[0].Rotation.Turns, []string{"nobody"})
	b.Rosters[0].Layers[0].Rotation.Length = 0
	b.Rosters[0].Overrides = []roster.Override{{ID: "o1", Kind: "swap", From: time.Now(), Until: time.Now().Add(-time.Hour)}}
	err := b.Validate()
	var invalid *roster.ValidationError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v", err)
	}
	for _, path := range []string{
		"/people/1/id", "/people/2/call_sign", "/people/3/contacts/0/address", "/people/4/contacts/0/address", "/rosters/0/time_zone",
		"/rosters/0/layers/0/rotation/turns/5/0", "/rosters/0/layers/0/rotation/length", "/rosters/0/overrides/0/kind", "/rosters/0/overrides/0/until",
	} {
		if i := slices.IndexFunc(invalid.Problems, func(p roster.Problem) bool { return p.Path == path }); i < 0 || invalid.Problems[i].Fix == "" {
			t.Errorf("%s is not reported with a fix", path)
		}
	}
	if strings.Contains(err.Error(), "+15005550101") || strings.Contains(err.Error(), "Example") {
		t.Error("the error names a number or a person")
	}
}

func BenchmarkAt(b *testing.B) {
	c := compile(b, daily("Europe/Paris", "08:00"))
	at := date(b, "2026-03-03T12:00:00Z")
	for b.Loop() {
		c.At("", at)
	}
}
