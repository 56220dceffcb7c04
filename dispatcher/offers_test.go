package dispatcher_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// offerNow is a Wednesday on which the example roster has ada on duty until Monday 08:00.
var offerNow = time.Date(2026, 3, 4, 2, 30, 0, 0, time.UTC)

// edited is the example roster in the zone of Riga, as somebody has changed it.
func edited(t *testing.T, change func(*roster.Book)) *roster.Compiled {
	t.Helper()
	b := roster.Example("Europe/Riga", offerNow)
	b.Rosters[0].Layers[0].Rotation.From = "2026-03-02"
	if change != nil {
		change(&b)
	}
	c, err := roster.Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func shiftText(s notifier.Shift) string {
	return fmt.Sprintf("%s %s %s>%s %s", s.Roster, strings.Join(s.OnDuty, ","), clockIn(s.From), clockIn(s.Until), strings.Join(s.Next, ","))
}

func clockIn(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("02T15:04 MST")
}

// another is a second roster, of bruno alone, and a third that is closed.
func another(b *roster.Book) {
	alone := b.Rosters[0]
	alone.ID, alone.Layers = "second", []roster.Layer{{ID: "all", Rotation: roster.Rotation{
		Turns: [][]string{{"bruno"}}, Unit: roster.Days, Length: 1, Handover: "08:00", From: "2026-01-01",
	}}}
	closed := alone
	closed.ID, closed.Until = "closed", offerNow
	b.Rosters = append(b.Rosters, alone, closed)
}

func TestOffersNameWhoseDutyItIsUntilWhen(t *testing.T) {
	pair := func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns[0] = []string{"ada", "erik"} }
	gap := func(b *roster.Book) {
		b.Rosters[0].Layers[0].Restrictions = []roster.Restriction{{From: "08:00", Until: "20:00"}}
	}
	for name, c := range map[string]struct {
		change func(*roster.Book)
		person string
		want   string
	}{
		"one officer":       {nil, "carmen", "national KESTREL 04T04:30 EET>09T08:00 EET "},
		"each of two":       {pair, "carmen", "national KESTREL 04T04:30 EET>09T08:00 EET ; national MERLIN 04T04:30 EET>09T08:00 EET "},
		"a gap":             {gap, "carmen", "national  04T04:30 EET>04T08:00 EET "},
		"their own rosters": {another, "carmen", "national KESTREL 04T04:30 EET>09T08:00 EET "},
		"whoever has no turn": {func(b *roster.Book) {
			another(b)
			b.People = append(b.People, roster.Person{ID: "farid", CallSign: "PLOVER"})
		}, "farid", "national KESTREL 04T04:30 EET>09T08:00 EET ; second HERON 04T04:30 EET>04T08:00 EET "},
		"who has the duty":                   {nil, "ada", "on national KESTREL 02T08:00 EET>09T08:00 EET "},
		"who has it without an end in sight": {another, "bruno", "national KESTREL 04T04:30 EET>09T08:00 EET ; on second HERON 02T08:00 EET>03T08:00 EEST "},
		"who is away":                        {func(b *roster.Book) { b.People[2].ActiveUntil = "2026-03-01" }, "carmen", roster.ErrInactive.Error()},
		"until their leave only": {func(b *roster.Book) {
			b.Leave = []roster.Leave{{ID: "l", Person: "carmen", From: offerNow.Add(time.Hour), Until: offerNow.Add(9 * time.Hour)}}
		}, "carmen", "national KESTREL 04T04:30 EET>04T05:30 EET "},
	} {
		offers, on, err := dispatcher.TakeOffers(edited(t, c.change), c.person, offerNow)
		var list []string
		for _, o := range offers {
			list = append(list, shiftText(o.Shift))
		}
		for _, s := range on {
			list = append(list, "on "+shiftText(s))
		}
		if len(list) == 0 && err != nil {
			list = append(list, err.Error())
		}
		if got := strings.Join(list, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAnOfferDoesWhatWasToldOrNothing(t *testing.T) {
	c := edited(t, func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns[0] = []string{"ada", "erik"} })
	offers, _, _ := dispatcher.TakeOffers(c, "carmen", offerNow)
	terms := map[string]bool{}
	for _, o := range offers {
		terms[o.Terms(offerNow)] = true
	}
	if len(terms) != 2 {
		t.Fatalf("terms %v", terms)
	}
	b, err := offers[1].Take(c.Book(), "carmen", offerNow.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	after, err := roster.Compile(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(after.Who("", offerNow.Add(2*time.Minute)), ","); got != "ada,carmen" {
		t.Errorf("%s on duty", got)
	}
	if _, err := offers[1].Take(b, "dalia", offerNow.Add(2*time.Minute)); !errors.Is(err, roster.ErrNotOnDuty) {
		t.Errorf("the duty of somebody who has it no more: %v", err)
	}
}

func TestACodeCountsForTenMinutesAtLeastAndFifteenAtMost(t *testing.T) {
	for offset := range 300 {
		made := offerNow.Add(time.Duration(offset) * time.Second)
		slot := dispatcher.OfferSlots(made)[0]
		counts := func(after time.Duration) bool {
			for _, s := range dispatcher.OfferSlots(made.Add(after)) {
				if s == slot {
					return true
				}
			}
			return false
		}
		if !counts(0) || !counts(10*time.Minute) || counts(15*time.Minute) || counts(-5*time.Minute) {
			t.Fatalf("a code made at %s", made)
		}
	}
}

func TestCoverIsAskedForTheDutyThatIsOnOrComesNext(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*roster.Book)
		person string
		want   string
	}{
		"the duty that is on":        {nil, "ada", "national  04T04:30 EET>09T08:00 EET  closes 04T05:30 EET"},
		"the next":                   {nil, "bruno", "national  09T08:00 EET>16T08:00 EET  closes 08T20:00 EET"},
		"the earliest of all":        {another, "bruno", "second  04T04:30 EET>06T00:00 EET  closes 04T05:30 EET"},
		"none":                       {func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Until = "2026-03-09" }, "bruno", "none"},
		"one that ends within hours": {func(b *roster.Book) { b.Rosters[0].Until = offerNow.Add(20 * time.Minute) }, "ada", "national  04T04:30 EET>04T04:50 EET  closes 04T04:50 EET"},
		"with a colleague beside": {func(b *roster.Book) {
			b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Add, From: offerNow.Add(time.Hour), Until: offerNow.Add(2 * time.Hour), People: []string{"erik"}}}
		}, "ada", "national  04T04:30 EET>09T08:00 EET  closes 04T05:30 EET"},
	} {
		r := edited(t, c.change)
		offer, open, ok := dispatcher.CoverOffer(r, c.person, offerNow)
		got := "none"
		if ok {
			b, err := offer.AskCover(r.Book(), c.person, offerNow)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = shiftText(offer.Shift)
			for _, each := range b.Rosters {
				for _, asked := range each.Covers {
					got += " closes " + clockIn(asked.Expires.In(r.Zone(each.ID)))
				}
			}
			again, err := roster.Compile(b)
			if err != nil {
				t.Fatal(err)
			}
			if _, open, _ := dispatcher.CoverOffer(again, c.person, offerNow); !open {
				t.Errorf("%s: asked for, and not open", name)
			}
		}
		if got != c.want || open {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The rest of a duty that is on grows shorter, and its code stays good.
func TestTheCodeOfACoverThatHasBegunDoesNotChangeWithTheMinutes(t *testing.T) {
	for _, change := range []func(*roster.Book){nil, another} {
		r := edited(t, change)
		person := "ada"
		if change != nil {
			person = "bruno"
		}
		first, _, _ := dispatcher.CoverOffer(r, person, offerNow)
		later, _, _ := dispatcher.CoverOffer(r, person, offerNow.Add(9*time.Minute))
		if first.Terms(offerNow) != later.Terms(offerNow.Add(9*time.Minute)) {
			t.Errorf("%q became %q", first.Terms(offerNow), later.Terms(offerNow.Add(9*time.Minute)))
		}
	}
}

func TestWhoIsOnDutyIsToldOfThreeRostersTheirOwnFirst(t *testing.T) {
	r := edited(t, func(b *roster.Book) {
		another(b)
		for _, id := range []string{"third", "fourth"} {
			more := b.Rosters[1]
			more.ID = id
			b.Rosters = append(b.Rosters, more)
		}
		b.Rosters[1].Layers[0].Rotation.Turns = [][]string{{"dalia"}}
	})
	var list []string
	for _, s := range dispatcher.OnDuty(r, "dalia", offerNow) {
		list = append(list, shiftText(s))
	}
	want := "national KESTREL ->09T08:00 EET HERON; second SWIFT ->03T08:00 EEST ; third SWIFT ->03T08:00 EEST "
	if got := strings.Join(list, "; "); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// couldAsk lists who is asked for the cover of ada's duty.
func couldAsk(t *testing.T, change func(*roster.Book)) string {
	t.Helper()
	r := edited(t, func(b *roster.Book) {
		b.Rosters[0].Covers = []roster.Cover{{ID: "c", Person: "ada", From: offerNow, Until: offerNow.Add(8 * time.Hour), State: roster.CoverOpen}}
		if change != nil {
			change(b)
		}
	})
	tell, over := dispatcher.CoverNews(r, nil, []string{"erik", "ada"}, offerNow)
	if len(tell) != 1 || len(over) != 0 || tell[0].Kind != request.OpsCover {
		t.Fatalf("tell %+v, over %+v", tell, over)
	}
	return strings.Join(tell[0].Asks, ",") + "/" + strings.Join(tell[0].Tells, ",")
}

func TestACoverIsToldToWhoCouldHaveTheDutyAllTheTime(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*roster.Book)
		want   string
	}{
		"everybody with a turn": {nil, "bruno,carmen,dalia,erik/"},
		"nobody on leave": {func(b *roster.Book) {
			b.Leave = []roster.Leave{{ID: "l", Person: "dalia", From: offerNow.Add(time.Hour), Until: offerNow.Add(2 * time.Hour)}}
		}, "bruno,carmen,erik/"},
		"nobody who has gone":                    {func(b *roster.Book) { b.People[4].ActiveUntil = "2026-03-04" }, "bruno,carmen,dalia/"},
		"nobody on duty beside":                  {func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns[0] = []string{"ada", "bruno"} }, "carmen,dalia,erik/"},
		"who is named":                           {func(b *roster.Book) { b.Rosters[0].Covers[0].To = []string{"erik", "carmen"} }, "erik,carmen/"},
		"everyone, where nobody else has a turn": {func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada"}} }, "bruno,carmen,dalia,erik/"},
		"nobody at all": {func(b *roster.Book) {
			b.Rosters[0].Covers[0].To = []string{"carmen"}
			b.People[2].ActiveUntil = "2026-03-04"
		}, "/ada,erik"},
	} {
		if got := couldAsk(t, c.change); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
