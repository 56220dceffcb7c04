package sheet_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/sheet"
)

var (
	now        = time.Date(2026, 3, 23, 22, 5, 0, 0, time.UTC)
	escalation = sheet.Escalation{
		Levels: [][]string{{"roster"}, {"next", "team:coordinators"}, {"person:dalia"}}, Rounds: 3,
		Waits: []sheet.Wait{{Urgency: request.Emergency, Time: 2 * time.Minute}, {Urgency: request.Routine, Time: 30 * time.Minute}},
	}
)

func built(t *testing.T, change func(*roster.Book)) (sheet.Sheet, *roster.Compiled) {
	t.Helper()
	b := roster.Example("Europe/Paris", now)
	b.Revision = 12
	if change != nil {
		change(&b)
	}
	c, err := roster.Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	return sheet.Build(c, escalation, now, sheet.DefaultDays), c
}

// printed is the sheet as a page and as text.
func printed(t *testing.T, s sheet.Sheet) (page, text string) {
	t.Helper()
	var html, plain strings.Builder
	if err := s.HTML(&html); err != nil {
		t.Fatal(err)
	}
	if err := s.Text(&plain); err != nil {
		t.Fatal(err)
	}
	return html.String(), plain.String()
}

func TestThePaperSaysWhatTheResolverSaysForFourteenDays(t *testing.T) {
	s, c := built(t, func(b *roster.Book) {
		b.Rosters[0].Overrides = []roster.Override{
			{ID: "gap", Kind: roster.Replace, From: now.AddDate(0, 0, 2), Until: now.AddDate(0, 0, 3)},
			{ID: "two", Kind: roster.Add, From: now.AddDate(0, 0, 4), Until: now.AddDate(0, 0, 5), People: []string{"ada"}},
		}
		b.Rosters[0].Shadows = []roster.Shadow{{ID: "s", Person: "erik", From: now, Until: now.AddDate(0, 0, 1), Paged: roster.PagedNever}}
	})
	r := s.Rosters[0]
	// From midnight in Paris to midnight fourteen days later, over the change of the clocks.
	if got := []string{r.Shifts[0].From.String(), r.Shifts[len(r.Shifts)-1].Until.String()}; !slices.Equal(got, []string{"2026-03-22T23:00:00.000Z", "2026-04-05T22:00:00.000Z"}) {
		t.Errorf("the sheet covers %v", got)
	}
	for i, shift := range r.Shifts {
		if i > 0 && !shift.From.Equal(r.Shifts[i-1].Until.Time) {
			t.Errorf("between %s and %s nothing is said", r.Shifts[i-1].Until, shift.From)
		}
		var people []string
		for _, p := range shift.People {
			people = append(people, p.ID)
		}
		if want := c.Who("national", shift.From.Time); !slices.Equal(people, want) {
			t.Errorf("at %s: %v, want %v", shift.From, people, want)
		}
	}
	page, text := printed(t, s)
	for _, want := range []string{
		"as of revision 12, printed at Mon 2026-03-23 22:05 UTC", "holds names and telephone numbers", "NOBODY ON DUTY", "in training", "KESTREL", "Ada Example", "&#43;15005550101",
		"Europe/Paris", "Mon 2026-03-30 08:00", "Mon 2026-03-30 06:00", // before and after the slash of a row: roster zone and UTC
		"The clocks change at Sun 2026-03-29 01:00 UTC, from UTC&#43;01:00 to UTC&#43;02:00.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
		if plain := strings.ReplaceAll(want, "&#43;", "+"); !strings.Contains(text, plain) {
			t.Errorf("the text does not say %q", plain)
		}
	}
}

func TestTheCallTreeFollowsThePolicyAndEndsWithEveryoneAndTheCoordinators(t *testing.T) {
	s, c := built(t, nil)
	on, _ := c.At("", now)
	var got []string
	for _, b := range s.CallTree {
		line := b.Title + ":"
		for _, p := range b.People {
			line += " " + p.CallSign
		}
		got = append(got, line)
	}
	want := []string{
		"Level 1: who is on duty on national: " + on.OnDuty[0].CallSign,
		"Level 2: who is next on national, and the team coordinators: " + on.Next[0].CallSign + " MERLIN",
		"Level 3: SWIFT: SWIFT",
		"Everyone, one after the other: KESTREL HERON OSPREY SWIFT MERLIN",
		"Coordinators: MERLIN",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if last := s.Order[len(s.Order)-1]; len(s.Order) != 5 || !strings.Contains(s.Order[3], "emergency 2 min, routine 30 min") || !strings.Contains(last, "3 times") {
		t.Errorf("%q", s.Order)
	}
	page, _ := printed(t, s)
	if strings.Count(page, `<ul class="tree">`) != 5 || strings.Count(page, "</ul>") != 5 {
		t.Error("the branches do not hang on each other")
	}
}

func TestThePageNeedsNothingButItselfAndNamesDoNotTurnIt(t *testing.T) {
	s, _ := built(t, func(b *roster.Book) {
		b.People[0].Name = "ليلى </td><script>alert(1)</script>\u202e"
		b.People[1].Contacts = nil
		b.People[2].Contacts[0].Verified = false
		b.People[3].Erased = true
		b.People[3].Contacts = nil
	})
	page, text := printed(t, s)
	if regexp.MustCompile(`(?i)<script|<link|\bsrc=|href=|@import|url\(`).MatchString(page) || strings.Contains(page+text, "\u202e") {
		t.Error("the page asks for something, or a name changed it")
	}
	if !strings.Contains(page, "<bdi>ليلى &lt;/td&gt;") || !strings.Contains(page, "size: A4") {
		t.Error("the name is not isolated, or there is no style")
	}
	if strings.Contains(text, "Dalia") || !strings.Contains(text, "HERON  Bruno Example  NO TELEPHONE") || !strings.Contains(text, "NOT VERIFIED") {
		t.Errorf("%s", text)
	}
}

func TestASheetIsOneDocumentWithInstantsInUTC(t *testing.T) {
	s, _ := built(t, nil)
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back sheet.Sheet
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(back)
	if string(data) != string(again) || !strings.Contains(string(data), `"printed_at":"2026-03-23T22:05:00.000Z"`) {
		t.Errorf("%.300s", data)
	}
}

func TestNoMailboxStandsAmongTheTelephones(t *testing.T) {
	s, _ := built(t, func(b *roster.Book) {
		for i := range b.People {
			b.People[i].Contacts = append(b.People[i].Contacts, roster.Contact{ID: "mail", Channel: roster.Email, Address: "officer@example.org"})
		}
	})
	page, text := printed(t, s)
	if strings.Contains(page, "example.org") || strings.Contains(text, "example.org") {
		t.Error("the paper tells people to call an address of e-mail")
	}
}

func TestARosterInUTCDoesNotSayEachTimeTwice(t *testing.T) {
	for zone, lines := range map[string]int{"UTC": 1, "Europe/Paris": 2} {
		s, _ := built(t, func(b *roster.Book) { b.Rosters[0].TimeZone = zone })
		page, text := printed(t, s)
		if got := strings.Count(page, "<td data-zone"); got != lines*len(s.Rosters[0].Shifts) {
			t.Errorf("%s: %d cells of times for %d shifts", zone, got, len(s.Rosters[0].Shifts))
		}
		first, _, _ := strings.Cut(text, "KESTREL")
		if got := len(regexp.MustCompile(`(?m)^  .* to .*$`).FindAllString(first, -1)); got != lines {
			t.Errorf("%s: %d lines of times for the first shift, want %d:\n%s", zone, got, lines, first)
		}
	}
}
