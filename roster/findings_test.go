package roster_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

// found is what is wrong at a moment, by the naive model and the book alone.
func (o naive) found(t time.Time) (subjects []string) {
	if !o.r.Until.IsZero() && !t.Before(o.r.Until) {
		return nil
	}
	people, _ := o.at(t)
	if len(people) == 0 {
		return []string{"gap " + o.r.ID}
	}
	of := map[string]roster.Person{}
	for _, p := range o.book.People {
		of[p.ID] = p
	}
	for _, id := range people {
		verified := false
		for _, c := range of[id].Contacts {
			verified = verified || c.Verified
		}
		if !verified || of[id].Erased {
			subjects = append(subjects, "unverified "+o.r.ID+" "+id)
		}
	}
	for _, rule := range o.r.Coverage {
		if len(rule.Restrictions) > 0 && !o.open(rule.Restrictions, shown(o.r.TimeZone, t)) {
			continue
		}
		speaks := func(l roster.Language) bool {
			return slices.ContainsFunc(people, func(id string) bool { return of[id].Speaks(l) })
		}
		if len(people) < rule.People || slices.ContainsFunc(rule.Languages, func(l roster.Language) bool { return !speaks(l) }) {
			subjects = append(subjects, "uncovered "+o.r.ID+" "+rule.ID)
		}
	}
	return subjects
}

// watchedBook is a book with coverage rules and with telephones that nobody has verified.
func watchedBook(t *rapid.T) (roster.Book, time.Time) {
	b, start := rostertest.Book(t)
	for i := range b.People {
		p := &b.People[i]
		switch rapid.IntRange(0, 3).Draw(t, "telephones") {
		case 0:
			p.Contacts = []roster.Contact{{ID: "m", Channel: "sms", Address: p.Contacts[0].Address}}
		case 1:
			p.Contacts[0].Verified = false
		case 2:
			if rapid.Bool().Draw(t, "erased") {
				p.Erased, p.Contacts = true, nil
			}
		}
	}
	b.Rosters[0].Coverage = []roster.Coverage{
		{ID: "two", People: rapid.IntRange(1, 2).Draw(t, "people")},
		{ID: "words", Languages: roster.Languages(rapid.SampledFrom([]string{"fr", "es", "ru"}).Draw(t, "language")), Restrictions: rostertest.Restrictions(t)},
	}
	return b, start
}

func TestFindingsAreWhatALookAtEveryMomentFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, start := watchedBook(t)
		c, err := roster.Compile(b)
		if err != nil {
			t.Fatal(err)
		}
		model := naive{b, b.Rosters[0]}
		end := start.Add(rostertest.Span)
		findings := c.Findings(start, end)
		at := func(t time.Time) (subjects []string) {
			for _, f := range findings {
				if !t.Before(f.From) && t.Before(f.Until) {
					subjects = append(subjects, f.Subject())
				}
			}
			slices.Sort(subjects)
			return subjects
		}
		check := func(when time.Time) {
			if when.Before(start) || !when.Before(end) {
				return
			}
			want := model.found(when)
			slices.Sort(want)
			if got := at(when); !slices.Equal(got, want) {
				t.Fatalf("at %s: found %q, the naive model %q", when.In(c.Zone("")), got, want)
			}
		}
		last := map[string]roster.Finding{}
		for i, f := range findings {
			if !f.From.Before(f.Until) || (i > 0 && f.From.Before(findings[i-1].From)) {
				t.Fatalf("%+v after %+v", f, findings[max(i-1, 0)])
			}
			if before, known := last[f.Subject()]; known && before.Until.After(f.From) {
				t.Fatalf("%+v and %+v overlap", before, f)
			} else if known && before.Until.Equal(f.From) && slices.Equal(before.Missing, f.Missing) {
				t.Fatalf("%+v and %+v are one", before, f)
			}
			last[f.Subject()] = f
			for _, when := range []time.Time{f.From.Add(-time.Minute), f.From, f.From.Add(f.Until.Sub(f.From) / 2).Truncate(time.Minute), f.Until.Add(-time.Minute), f.Until} {
				check(when)
			}
		}
		for range 20 {
			check(start.Add(time.Duration(rapid.IntRange(0, int(rostertest.Span/time.Minute)).Draw(t, "minute")) * time.Minute))
		}
	})
}

// The gaps are those of Gaps, and where a rule is broken by somebody Uncovered says so too.
func TestFindingsAgreeWithGapsAndUncovered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, start := watchedBook(t)
		c, err := roster.Compile(b)
		if err != nil {
			t.Fatal(err)
		}
		end := start.Add(rostertest.Span)
		gaps, broken := c.Gaps("", start, end), c.Uncovered("", start, end)
		for _, f := range c.Findings(start, end) {
			switch f.Kind {
			case roster.FoundGap:
				if len(gaps) == 0 || !gaps[0].From.Equal(f.From) || !gaps[0].Until.Equal(f.Until) {
					t.Fatalf("%+v; the gaps that are left: %+v", f, gaps)
				}
				gaps = gaps[1:]
			case roster.FoundUncovered:
				if !slices.ContainsFunc(broken, func(u roster.Uncovered) bool {
					return u.Rule == f.Rule && slices.Equal(u.Missing, f.Missing) && !u.From.After(f.From) && !u.Until.Before(f.Until)
				}) {
					t.Fatalf("%+v is not in %+v", f, broken)
				}
			}
		}
		if len(gaps) > 0 {
			t.Fatalf("gaps that were not found: %+v", gaps)
		}
	})
}

func TestWhoHasNoVerifiedTelephoneIsOneFindingForTheWholeShift(t *testing.T) {
	b := weekly()
	b.People[1].Contacts[0].Verified, b.People[1].Contacts[1].Verified = false, false // bruno's week begins on 9 March
	r := &b.Rosters[0]
	r.Overrides = []roster.Override{{ID: "o", Kind: roster.Add, From: date(t, "2026-03-10T11:00:00Z"), Until: date(t, "2026-03-10T12:00:00Z"), People: []string{"ada"}}}
	list := compile(t, b).Findings(date(t, "2026-03-05T06:00:00Z"), date(t, "2026-03-25T06:00:00Z"))
	if len(list) != 1 || list[0].Subject() != "unverified national bruno" || list[0].Until.Sub(list[0].From) != 7*24*time.Hour {
		t.Errorf("%+v", list)
	}
	b.People[1].Contacts[1].Verified = true // one is enough
	if list := compile(t, b).Findings(date(t, "2026-03-05T06:00:00Z"), date(t, "2026-03-25T06:00:00Z")); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestAnEditThatGivesDutyToSomebodyWithoutAVerifiedTelephoneMustBeConfirmed(t *testing.T) {
	now := date(t, "2026-03-05T06:00:00Z")
	silent := func(b *roster.Book, i int) {
		b.People[i].Contacts = []roster.Contact{{ID: "m", Channel: "sms", Address: b.People[i].Contacts[0].Address}}
	}
	newcomer := func(b *roster.Book) {
		b.People = append(b.People, roster.Person{ID: "farid", CallSign: "PLOVER", Languages: roster.Languages("fr"), Contacts: []roster.Contact{}})
	}
	override := func(kind roster.Kind, from time.Time) func(b *roster.Book) {
		return func(b *roster.Book) {
			newcomer(b)
			b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: kind, From: from, Until: from.Add(time.Hour), People: []string{"farid"}}}
		}
	}
	for name, test := range map[string]struct {
		before, edit func(b *roster.Book)
		actor        string
		want         []string
	}{
		"nothing changes":          {edit: func(*roster.Book) {}},
		"somebody who has no duty": {edit: newcomer},
		"a new turn": {edit: func(b *roster.Book) {
			newcomer(b)
			b.Rosters[0].Layers[0].Rotation.Turns = append(b.Rosters[0].Layers[0].Rotation.Turns, []string{"farid"})
		}, want: []string{"farid"}},
		"an override soon":          {edit: override(roster.Replace, now.Add(time.Hour)), want: []string{"farid"}},
		"an override in a year":     {edit: override(roster.Add, now.AddDate(1, 0, 0)), want: []string{"farid"}},
		"an override that is over":  {edit: override(roster.Replace, now.Add(-24*time.Hour))},
		"an override that takes":    {edit: override(roster.Remove, now.Add(time.Hour))},
		"a telephone is exchanged":  {edit: func(b *roster.Book) { silent(b, 1) }, want: []string{"bruno"}},
		"it was so before":          {before: func(b *roster.Book) { silent(b, 1) }, edit: func(b *roster.Book) { silent(b, 1); b.Rosters[0].Name = "x" }},
		"two, one of them is known": {before: func(b *roster.Book) { silent(b, 1) }, edit: func(b *roster.Book) { silent(b, 1); silent(b, 0) }, want: []string{"ada"}},
		"an officer takes it":       {edit: override(roster.Replace, now), actor: "farid"},
		"a cover": {edit: func(b *roster.Book) {
			newcomer(b)
			b.Rosters[0].Covers = []roster.Cover{{ID: "c", Person: "ada", By: "farid", State: roster.CoverAccepted, From: now, Until: now.Add(time.Hour)}}
		}, want: []string{"farid"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := weekly(), weekly()
			if test.before != nil {
				test.before(&before)
			}
			test.edit(&after)
			edit := roster.Edit{Book: after, Actor: test.actor}
			if test.actor != "" {
				edit.ActorKind = "officer"
			}
			var got []string
			_, err := before.Confirm(edit, now)
			if refused, ok := err.(*roster.UnverifiedError); ok { //nolint:errorlint // it is given plain
				for _, p := range refused.People {
					got = append(got, p.ID)
					if p.Name != "" || slices.ContainsFunc(p.Contacts, func(c roster.Contact) bool { return c.Address != "" }) {
						t.Errorf("the refusal tells what is personal: %+v", p)
					}
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, test.want) {
				t.Fatalf("refused for %q, want %q", got, test.want)
			}
			edit.Confirmed = append([]string{"nobody-of-that-name", "erik"}, test.want...)
			if confirmed, err := before.Confirm(edit, now); err != nil || (test.actor == "" && !slices.Equal(confirmed, test.want)) || (test.actor != "" && !slices.Equal(confirmed, []string{test.actor})) {
				t.Errorf("confirmed: %q, %v", confirmed, err)
			}
			if p := roster.Diff(before, after, now, now.Add(time.Hour)); test.actor == "" && !slices.Equal(p.Confirm, append([]string{}, test.want...)) {
				t.Errorf("the preview asks for %q", p.Confirm)
			}
		})
	}
	if confirmed, err := (roster.Book{}).Confirm(roster.Edit{Book: roster.Example("Europe/Paris", now)}, now); err != nil || confirmed != nil {
		t.Errorf("the book of a first start: %q, %v", confirmed, err)
	}
}

func BenchmarkFindings(b *testing.B) {
	book := roster.Example("Europe/Paris", date(b, "2026-03-02T00:00:00Z"))
	c := compile(b, book)
	from := date(b, "2026-03-05T06:00:00Z")
	for b.Loop() {
		c.Findings(from, from.Add(7*24*time.Hour))
	}
}
