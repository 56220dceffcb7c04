package roster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// coverBook has ada on duty on the day from noon, and a cover that she asks for.
func coverBook(t *testing.T, to ...string) roster.Book {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.From = noon.Format(time.DateOnly)
	asked, err := b.AskCover("national", roster.Cover{ID: "c1", Person: "ada", From: noon, Until: noon.Add(6 * time.Hour), To: to}, noon.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func TestAnAcceptedCoverPutsOnePersonInThePlaceOfAnother(t *testing.T) {
	b := coverBook(t)
	if got := compile(t, b).Who("", noon); !slices.Equal(got, []string{"ada"}) {
		t.Errorf("an open cover changes who is on duty: %v", got)
	}
	accepted, err := b.AcceptCover("national", "c1", "bruno", noon.Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if b.Rosters[0].Covers[0].State != roster.CoverOpen {
		t.Error("the book that was edited changed")
	}
	c := compile(t, accepted)
	for at, want := range map[time.Time]string{noon.Add(-1): "ada", noon: "bruno", noon.Add(6*time.Hour - 1): "bruno", noon.Add(6 * time.Hour): "ada"} {
		if got := c.Who("", at); !slices.Equal(got, []string{want}) {
			t.Errorf("at %s: %v, not %s", at, got, want)
		}
	}
	duty, _ := c.At("", noon)
	if why := strings.Join(duty.OnDuty[0].Why, "; "); !strings.Contains(why, "layer primary: turn from") || !strings.Contains(why, "cover c1: HERON takes over from KESTREL") {
		t.Errorf("why: %s", why)
	}
	if _, err := accepted.AcceptCover("national", "c1", "carmen", noon); !errors.Is(err, roster.ErrCoverTaken) {
		t.Errorf("the second who accepts: %v", err)
	}
}

func TestACoverThatBeganCountsFromItsAcceptance(t *testing.T) {
	b, err := coverBook(t).AcceptCover("national", "c1", "bruno", noon.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c := compile(t, b)
	for at, want := range map[time.Time]string{noon.Add(2*time.Hour - 1): "ada", noon.Add(2 * time.Hour): "bruno"} {
		if got := c.Who("", at); !slices.Equal(got, []string{want}) {
			t.Errorf("at %s: %v, not %s", at, got, want)
		}
	}
}

func TestWhoMayAnswerACover(t *testing.T) {
	named := coverBook(t, "bruno", "carmen")
	for name, tc := range map[string]struct {
		by, id, roster string
		at             time.Time
		want           error
	}{
		"somebody else":   {"dalia", "c1", "national", noon, roster.ErrNotAsked},
		"who asks":        {"ada", "c1", "national", noon, roster.ErrOwnCover},
		"too late":        {"bruno", "c1", "national", noon.Add(6 * time.Hour), roster.ErrCoverOver},
		"another cover":   {"bruno", "c2", "national", noon, roster.ErrNoCover},
		"another roster":  {"bruno", "c1", "regional", noon, roster.ErrNoRoster},
		"just in time":    {"bruno", "c1", "national", noon.Add(6*time.Hour - 1), nil},
		"the other named": {"carmen", "c1", "national", noon, nil},
	} {
		if _, err := named.AcceptCover(tc.roster, tc.id, tc.by, tc.at); !errors.Is(err, tc.want) {
			t.Errorf("%s accepts: %v", name, err)
		}
		if _, err := named.DeclineCover(tc.roster, tc.id, tc.by, tc.at); !errors.Is(err, tc.want) {
			t.Errorf("%s declines: %v", name, err)
		}
	}
	if _, err := named.AskCover("national", roster.Cover{ID: "c2", Person: "ada", From: noon, Until: noon.Add(time.Hour)}, noon.Add(time.Hour)); !errors.Is(err, roster.ErrCoverOver) {
		t.Errorf("asked for what is over: %v", err)
	}
	if _, err := named.AskCover("national", roster.Cover{ID: "c1", Person: "ada", From: noon, Until: noon.Add(time.Hour)}, noon); err == nil {
		t.Error("an identifier was used twice")
	}
}

func TestACoverIsDeclinedWhenAllWhoWereNamedDecline(t *testing.T) {
	b := coverBook(t, "bruno", "carmen")
	var err error
	for _, step := range []struct {
		by   string
		want roster.CoverState
	}{{"bruno", roster.CoverOpen}, {"bruno", roster.CoverOpen}, {"carmen", roster.CoverDeclined}} {
		if b, err = b.DeclineCover("national", "c1", step.by, noon); err != nil || b.Rosters[0].Covers[0].State != step.want {
			t.Errorf("after %s: %s, %v", step.by, b.Rosters[0].Covers[0].State, err)
		}
	}
	if _, err := b.AcceptCover("national", "c1", "bruno", noon); !errors.Is(err, roster.ErrCoverOver) {
		t.Errorf("accepted after all: %v", err)
	}
	open := coverBook(t)
	if open, err = open.DeclineCover("national", "c1", "bruno", noon); err != nil || open.Rosters[0].Covers[0].State != roster.CoverOpen {
		t.Errorf("one of everybody declines: %s, %v", open.Rosters[0].Covers[0].State, err)
	}
}

func TestOpenCoversAndSwapsExpire(t *testing.T) {
	b := coverBook(t)
	b.Rosters[0].Covers[0].Expires = noon.Add(time.Hour)
	b, err := b.AskSwap("national", roster.Swap{ID: "s1", One: roster.Part{"bruno", noon.Add(24 * time.Hour), noon.Add(30 * time.Hour)}, Other: roster.Part{"ada", noon.Add(3 * time.Hour), noon.Add(4 * time.Hour)}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, changed := b.Expire(noon.Add(time.Hour - 1)); changed {
		t.Error("expired too early")
	}
	once, changed := b.Expire(noon.Add(time.Hour))
	if !changed || once.Rosters[0].Covers[0].State != roster.CoverExpired || once.Rosters[0].Swaps[0].State != roster.CoverOpen || b.Rosters[0].Covers[0].State != roster.CoverOpen {
		t.Errorf("%v %+v", changed, once.Rosters[0])
	}
	if twice, changed := once.Expire(noon.Add(4 * time.Hour)); !changed || twice.Rosters[0].Swaps[0].State != roster.CoverExpired {
		t.Errorf("the swap's other part is over: %+v", twice.Rosters[0].Swaps)
	}
}

func TestASwapIsTwoCoversAndOneAnswer(t *testing.T) {
	b := coverBook(t)
	s := roster.Swap{ID: "s1", One: roster.Part{"ada", noon.Add(-4 * time.Hour), noon.Add(20 * time.Hour)}, Other: roster.Part{"bruno", noon.Add(20 * time.Hour), noon.Add(44 * time.Hour)}}
	b, err := b.AskSwap("national", s, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.AnswerSwap("national", "s1", "ada", true, noon); !errors.Is(err, roster.ErrNotAsked) {
		t.Errorf("who asks accepts: %v", err)
	}
	if declined, err := b.AnswerSwap("national", "s1", "bruno", false, noon); err != nil || declined.Rosters[0].Swaps[0].State != roster.CoverDeclined {
		t.Errorf("%+v, %v", declined.Rosters[0].Swaps, err)
	}
	b, err = b.AnswerSwap("national", "s1", "bruno", true, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c := compile(t, b)
	for at, want := range map[time.Time]string{noon: "ada", noon.Add(time.Hour): "bruno", noon.Add(20 * time.Hour): "ada", noon.Add(44*time.Hour - 1): "ada", noon.Add(44 * time.Hour): "carmen"} {
		if got := c.Who("", at); !slices.Equal(got, []string{want}) {
			t.Errorf("at %s: %v, not %s", at, got, want)
		}
	}
	if _, err := b.AnswerSwap("national", "s1", "bruno", true, noon); !errors.Is(err, roster.ErrCoverTaken) {
		t.Errorf("accepted twice: %v", err)
	}
}

func TestACoverOrASwapThatWouldDoNothingIsRefused(t *testing.T) {
	b := coverBook(t)
	b.Leave = []roster.Leave{{ID: "l", Person: "bruno", From: noon.Add(5 * time.Hour), Until: noon.Add(7 * time.Hour)}}
	b.People = append(b.People, roster.Person{ID: "farid", CallSign: "PLOVER", ActiveUntil: noon.Format(time.DateOnly)}, roster.Person{ID: "gita", CallSign: "TERN", Erased: true})
	next := roster.Part{"bruno", noon.Add(20 * time.Hour), noon.Add(44 * time.Hour)}
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"accepted while on leave": {second(b.AcceptCover("national", "c1", "bruno", noon)), roster.ErrAway},
		"by who has left":         {second(b.AcceptCover("national", "c1", "farid", noon)), roster.ErrInactive},
		"by who was erased":       {second(b.AcceptCover("national", "c1", "gita", noon)), roster.ErrErasedPerson},
		"by nobody":               {second(b.AcceptCover("national", "c1", "zoe", noon)), roster.ErrNoPerson},
		"by somebody else":        {second(b.AcceptCover("national", "c1", "carmen", noon)), nil},
		"asked without a duty":    {second(b.AskCover("national", roster.Cover{ID: "c2", Person: "bruno", From: noon, Until: noon.Add(time.Hour)}, noon)), roster.ErrNoDuty},
		"asked after the duty":    {second(b.AskCover("national", roster.Cover{ID: "c2", Person: "ada", From: noon, Until: noon.Add(50 * time.Hour)}, noon.Add(20*time.Hour))), roster.ErrNoDuty},
		"asked for two years":     {second(b.AskCover("national", roster.Cover{ID: "c2", Person: "ada", From: noon, Until: noon.AddDate(2, 0, 0)}, noon)), roster.ErrCoverLong},
		"asked of oneself":        {second(b.AskCover("national", roster.Cover{ID: "c2", Person: "ada", From: noon, Until: noon.Add(time.Hour), To: []string{"ada"}}, noon)), roster.ErrOwnCover},
		"a swap for nothing":      {second(b.AskSwap("national", roster.Swap{ID: "s1", One: next, Other: roster.Part{"dalia", noon, noon.Add(time.Hour)}}, noon)), roster.ErrNoDuty},
		"a swap while away": {second(must(b.AskSwap("national", roster.Swap{ID: "s1", One: roster.Part{"ada", noon, noon.Add(6 * time.Hour)}, Other: next}, noon)).
			AnswerSwap("national", "s1", "bruno", true, noon)), roster.ErrAway},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
	if _, ok := errors.AsType[*roster.ValidationError](second(b.AskCover("national", roster.Cover{ID: "c2", Person: "zoe", From: noon, Until: noon.Add(time.Hour)}, noon))); !ok {
		t.Error("somebody unknown asks")
	}
}

// Whoever is away still gives their duty away: a cover fills the gap.
func TestACoverFillsTheGapOfSomebodyWhoIsAway(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Rosters[0].Layers[0].Rotation.From = noon.Format(time.DateOnly)
	b.People[0].ActiveUntil = noon.AddDate(0, 0, 1).Format(time.DateOnly)
	b.Leave = []roster.Leave{{ID: "l", Person: "ada", From: noon, Until: noon.Add(time.Hour)}}
	for _, from := range []time.Time{noon, noon.Add(12 * time.Hour)} {
		if who := compile(t, b).Who("", from); len(who) != 0 {
			t.Fatalf("%v is on duty at %s", who, from)
		}
		asked := must(b.AskCover("national", roster.Cover{ID: "c1", Person: "ada", From: from, Until: from.Add(time.Hour)}, noon))
		accepted := must(asked.AcceptCover("national", "c1", "erik", noon))
		if who := compile(t, accepted).Who("", from); !slices.Equal(who, []string{"erik"}) {
			t.Errorf("%v is on duty at %s", who, from)
		}
	}
}

func TestTheNextEditStoresThatACoverExpired(t *testing.T) {
	b := coverBook(t)
	over := noon.Add(6 * time.Hour)
	if stored, err := b.Next(b, over); err != nil || !roster.Same(stored, b) {
		t.Errorf("an edit that changes nothing stores an expiry: %v", err)
	}
	edited := b
	edited.Teams = nil
	for now, want := range map[time.Time]roster.CoverState{over.Add(-time.Millisecond): roster.CoverOpen, over: roster.CoverExpired} {
		stored, err := b.Next(edited, now)
		if err != nil || stored.Rosters[0].Covers[0].State != want {
			t.Errorf("at %s: %+v, %v", now, stored.Rosters[0].Covers, err)
		}
	}
	if b.Rosters[0].Covers[0].State != roster.CoverOpen {
		t.Error("the book that was edited changed")
	}
}
