package roster_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
)

func chosen(list []roster.Choice) []string {
	var people []string
	for _, c := range list {
		people = append(people, c.Person)
	}
	return people
}

func TestWhoHasLanguageAndAuthorityIsAskedFirst(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[0].Languages, b.People[0].Authorities = []roster.Language{{"en", ""}, {"fr", "a2"}}, []string{"preservation"} // ada
	b.People[1].Languages, b.People[1].Authorities = []roster.Language{{"fr-BE", "b2"}, {"en", ""}}, nil                   // bruno
	b.People[2].Languages, b.People[2].Authorities = roster.Languages("es", "FR"), []string{"preservation"}                // carmen
	b.People[3].Languages, b.People[3].Authorities = []roster.Language{{"ar", ""}, {"fr", "c1"}}, nil                      // dalia
	b.People[4].Languages, b.People[4].Authorities = roster.Languages("en", "ru"), []string{"interception"}                // erik
	c := compile(t, b)
	everybody := []string{"ada", "bruno", "carmen", "dalia", "erik"}
	for name, tc := range map[string]struct {
		need          roster.Need
		people        []string
		want, missing []string
	}{
		"both, then authority, then the better language": {roster.Need{"fr-CA", "preservation"}, everybody, []string{"carmen", "ada", "dalia", "bruno", "erik"}, nil},
		"language only":          {roster.Need{Language: "fr"}, everybody, []string{"carmen", "dalia", "bruno", "ada", "erik"}, nil},
		"nothing asked":          {roster.Need{}, everybody, everybody, nil},
		"nobody speaks it":       {roster.Need{Language: "zh", Authority: "preservation"}, []string{"erik", "ada"}, []string{"ada", "erik"}, []string{"nobody on duty speaks zh"}},
		"a little is not enough": {roster.Need{Language: "fr"}, []string{"erik", "ada"}, []string{"ada", "erik"}, []string{"nobody on duty speaks fr"}},
		"nobody may":             {roster.Need{Language: "fr", Authority: "asset_freeze"}, []string{"ada", "bruno"}, []string{"bruno", "ada"}, []string{"nobody on duty may decide: asset_freeze"}},
		"a prefix is no tag":     {roster.Need{Language: "f"}, []string{"bruno"}, []string{"bruno"}, []string{"nobody on duty speaks f"}},
		"nobody on duty":         {roster.Need{Language: "en"}, nil, nil, []string{"nobody on duty speaks en"}},
	} {
		order, missing := c.Prefer(tc.people, tc.need)
		if got := chosen(order); !slices.Equal(got, tc.want) || !slices.Equal(missing, tc.missing) {
			t.Errorf("%s: %v, missing %q", name, got, missing)
		}
	}
	order, _ := c.Prefer([]string{"bruno", "ada"}, roster.Need{"fr", "preservation"})
	if !slices.Equal(order[0].Why, []string{"may decide: preservation", "speaks fr a2"}) || !slices.Equal(order[1].Why, []string{"speaks fr-BE b2"}) {
		t.Errorf("reasons %+v", order)
	}
	// Where authorities are not kept, nobody is told at each page that nobody has one.
	plain := compile(t, daily("UTC", "08:00"))
	if _, missing := plain.Prefer(everybody, roster.Need{"en", "preservation"}); len(missing) != 0 {
		t.Errorf("a book without authorities: %q", missing)
	}
}

func TestPreferLeavesNobodyOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, start := rostertest.Book(t)
		for i := range b.People {
			b.People[i].Authorities = rapid.SliceOfN(rapid.SampledFrom([]string{"preservation", "asset_freeze"}), 0, 2).Draw(t, "authorities")
		}
		c, err := roster.Compile(b)
		if err != nil {
			t.Fatal(err)
		}
		people := c.Who("", start.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "hours"))*time.Hour))
		order, _ := c.Prefer(people, roster.Need{rapid.SampledFrom([]string{"", "en", "fr", "zh", "x-"}).Draw(t, "language"), rapid.SampledFrom([]string{"", "preservation", "other"}).Draw(t, "authority")})
		got := chosen(order)
		slices.Sort(got)
		slices.Sort(people)
		if !slices.Equal(got, people) {
			t.Fatalf("%v of %v", got, people)
		}
	})
}
