package web_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// planned is the book of a world as a coordinator sends it, after a change.
func planned(t *testing.T, w *world, change func(*roster.Book)) string {
	t.Helper()
	data, err := json.Marshal(w.book)
	must(t, err)
	var book roster.Book
	must(t, json.Unmarshal(data, &book))
	change(&book)
	data, err = json.Marshal(book)
	must(t, err)
	return string(data)
}

func TestThePreviewShowsWhatWouldBeStored(t *testing.T) {
	w := newWorld(t)
	edited := planned(t, w, func(b *roster.Book) {
		b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"carmen"}}
		b.Rosters[0].Coverage = []roster.Coverage{{ID: "two", People: 2}}
		b.Rosters = append(b.Rosters, b.Rosters[0])
		b.Rosters[1].ID, b.Rosters[1].Coverage = "second", nil
		b.Limits = &roster.Limits{MaxHours: 60}
		b.Rosters[1].Layers = slices.Clone(b.Rosters[1].Layers)
		b.Rosters[1].Layers[0].Rotation.Until = "2026-03-20"
	})
	a := w.call("PUT", "/api/v1/roster?dry_run=true", w.coordinator, edited, "If-Match", `"1"`)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	preview := members(t, a.text, "from", "until", "call_signs", "changed", "moves", "gaps", "hours", "contacts_missing", "confirm_unverified", "overlaps", "rest", "overwork", "uncovered", "load", "mean")
	for name, want := range map[string][]string{
		"changed":   {"from", "until", "people"},
		"gaps":      {"roster", "from", "until", "new"},
		"moves":     {"roster", "from", "until", "before", "after"},
		"overlaps":  {"person", "rosters", "from", "until", "new"},
		"overwork":  {"person", "from", "until", "hours", "new"},
		"uncovered": {"roster", "rule", "from", "until", "missing", "new"},
		"load":      {"person", "before", "after", "over", "percent"},
	} {
		one := members(t, first(t, preview[name]), want...)
		if from, ok := one["from"]; ok && !isInstant(from) {
			t.Errorf("%s from %s", name, from)
		}
	}
	if !strings.Contains(string(preview["overlaps"]), `"rosters":["national","second"],"from":"2026-03-04T22:05:00.000Z"`) || !strings.Contains(string(preview["gaps"]), `"roster":"second"`) || !strings.Contains(string(preview["uncovered"]), `"missing":["people"],"new":true`) {
		t.Errorf("%s", a.text)
	}

	// What was read is what is stored: the past is kept, so nothing before now moves.
	stored := w.call("PUT", "/api/v1/roster", w.coordinator, edited, "If-Match", `"1"`)
	var book roster.Book
	stored.into(t, &book)
	if stored.StatusCode != http.StatusOK || len(book.Rosters[0].Layers[0].Past) != 1 || !book.Rosters[0].Layers[0].Past[0].Until.Equal(w.now) {
		t.Errorf("%d %s", stored.StatusCode, stored.text)
	}
	c, err := roster.Compile(book)
	must(t, err)
	for _, shift := range slices.Collect(c.Shifts("second", w.now.AddDate(0, -1, 0), w.now)) {
		if !shift.Gap() {
			t.Errorf("a new roster has a past: %+v", shift)
		}
	}
}

func TestAChangeOfAShiftThatIsOverIsRefusedInThePreviewToo(t *testing.T) {
	w := newWorld(t)
	edited := planned(t, w, func(b *roster.Book) { b.People[0].ActiveUntil = "2026-02-25" })
	for _, path := range []string{"?dry_run=true", ""} {
		a := w.call("PUT", "/api/v1/roster"+path, w.coordinator, edited, "If-Match", `"1"`)
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "It changes who was on duty on national at 20") || !strings.Contains(a.text, `"fix":"Let the change begin now or later`) || w.book.Revision != 1 {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
	// Whoever leaves the list stays in it for what they did.
	gone := planned(t, w, func(b *roster.Book) {
		b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"bruno"}}
		b.People = slices.DeleteFunc(b.People, func(p roster.Person) bool { return p.ID == "ada" })
	})
	if a := w.call("PUT", "/api/v1/roster", w.coordinator, gone, "If-Match", `"1"`); a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"id":"ada"`) {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}

func TestGapsAreForOfficersAndFairnessForCoordinators(t *testing.T) {
	w := newWorld(t)
	w.book.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: w.now.Add(time.Hour), Until: w.now.Add(3 * time.Hour)}}
	want := `{"from":"2026-03-04T22:05:00.000Z","until":"2026-04-01T22:05:00.000Z","gaps":[{"roster":"national","from":"2026-03-04T23:05:00.000Z","until":"2026-03-05T01:05:00.000Z"}]}` + "\n"
	for _, token := range []string{w.officer, w.coordinator} {
		if a := w.call("GET", "/api/v1/roster/gaps", token, ""); a.StatusCode != http.StatusOK || a.text != want {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
	}
	if a := w.call("GET", "/api/v1/roster/gaps?roster=national&from=2026-03-05T01:05:00Z", w.officer, ""); !strings.Contains(a.text, `"gaps":[]`) {
		t.Errorf("after the gap: %s", a.text)
	}
	a := w.call("GET", "/api/v1/roster/fairness?from=2026-03-02T07:00:00Z&until=2026-03-16T07:00:00Z", w.coordinator, "")
	fairness := members(t, a.text, "from", "until", "mean", "people")
	members(t, string(fairness["mean"]), "hours", "nights", "weekend_days")
	members(t, first(t, fairness["people"]), "person", "call_sign", "hours", "nights", "weekend_days", "over", "percent")
	var shares struct {
		Mean   roster.Work
		People []struct {
			Person        string
			Hours         float64
			Over, Percent roster.Work
		}
	}
	a.into(t, &shares)
	total := 0.0
	for _, p := range shares.People {
		total += p.Hours
		if over := p.Hours - shares.Mean.Hours; p.Over.Hours != over || int(p.Percent.Hours) != int(100*over/shares.Mean.Hours) {
			t.Errorf("%+v of a mean of %+v", p, shares.Mean)
		}
	}
	if total != 14*24-2 || len(shares.People) != 5 {
		t.Errorf("two weeks without two hours are %v hours of %d people", total, len(shares.People))
	}
	for path, status := range map[string]int{
		"/gaps?roster=none": 404, "/gaps?from=yesterday": 400, "/fairness?until=1": 400, "/gaps?until=2026-03-04T22:05:00Z": 400,
		"/fairness?from=2026-01-01T00:00:00Z&until=2027-01-03T00:00:00Z": 400,
	} {
		if a := w.call("GET", "/api/v1/roster"+path, w.coordinator, ""); a.StatusCode != status {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
	for path, token := range map[string]string{"/fairness": w.officer, "/gaps": w.sender} {
		if a := w.call("GET", "/api/v1/roster"+path, token, ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func TestARevisionComesBackWithoutItsTelephones(t *testing.T) {
	w := newWorld(t)
	edited := planned(t, w, func(b *roster.Book) {
		b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"carmen"}}
		b.People[0].Contacts[0].Address, b.People[0].Contacts[1].Address = "+15005550199", "+15005550199"
	})
	if a := w.call("PUT", "/api/v1/roster", w.coordinator, edited, "If-Match", `"1"`); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	w.book.People[0].PINDigest = "hmac-sha256:c2VjcmV0c2VjcmV0"
	w.now = w.now.Add(2 * time.Hour)
	revert := `{"revision":1,"reason":"a mistake"}`
	for _, bad := range []struct {
		body, tag, token string
		status           int
		says             string
	}{
		{revert, "", w.coordinator, 428, ""},
		{revert, `"1"`, w.coordinator, 412, "Revision 2 stands"},
		{`{"revision":7,"reason":"x"}`, `"2"`, w.coordinator, 404, "no revision 7"},
		{`{"reason":"x"}`, `"2"`, w.coordinator, 404, "no revision 0"},
		{`{"revision":1}`, `"2"`, w.coordinator, 422, "/reason"},
		{`{"revision":"one"}`, `"2"`, w.coordinator, 422, "/revision"},
		{revert, `"2"`, w.officer, 403, ""},
	} {
		header := []string{}
		if bad.tag != "" {
			header = []string{"If-Match", bad.tag}
		}
		if a := w.call("POST", "/api/v1/roster/revert", bad.token, bad.body, header...); a.StatusCode != bad.status || !strings.Contains(a.text, bad.says) {
			t.Errorf("%s from %s: %d %s", bad.body, bad.tag, a.StatusCode, a.text)
		}
	}
	dry := w.call("POST", "/api/v1/roster/revert?dry_run=true", w.coordinator, revert, "If-Match", `"2"`)
	if dry.StatusCode != http.StatusOK || !strings.Contains(dry.text, `"before":["carmen"]`) || w.book.Revision != 2 {
		t.Errorf("%d %s", dry.StatusCode, dry.text)
	}
	if a := w.call("POST", "/api/v1/roster/revert", w.coordinator, revert, "If-Match", `"2"`); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("whose new telephone nobody has tried comes on duty: %d %s", a.StatusCode, a.text)
	}
	a := w.call("POST", "/api/v1/roster/revert?confirm_unverified=ada", w.coordinator, revert, "If-Match", `"2"`)
	var book roster.Book
	a.into(t, &book)
	if a.StatusCode != http.StatusOK || a.Header.Get("ETag") != `"3"` || len(book.Rosters[0].Layers[0].Rotation.Turns) != 5 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if p := book.People[0]; p.Contacts[0].Address != "+15005550199" || !p.PIN || w.book.People[0].PINDigest == "" {
		t.Errorf("an old telephone came back: %+v", p)
	}
	c, err := roster.Compile(book)
	must(t, err)
	if who := c.Who("", w.now.Add(-time.Hour)); !slices.Equal(who, []string{"carmen"}) {
		t.Errorf("an hour ago it is %v now", who)
	}
	if history := w.call("GET", "/api/v1/roster/history", w.coordinator, ""); !strings.Contains(history.text, `"revision":3`) || !strings.Contains(history.text, "a mistake") {
		t.Errorf("%s", history.text)
	}
}
