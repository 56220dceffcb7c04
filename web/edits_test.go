package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/roster"
)

// edited is what an edit answers.
type edited struct {
	Revision uint64
	Changed  bool
	Effect   struct {
		Moves []struct {
			From, Until   time.Time
			Before, After []string
		}
	}
	Takeover struct {
		Roster, Person string
		From, Until    time.Time
	}
	Cover struct {
		ID, Person, State, By string
		From, Until, Expires  time.Time
	}
	Swap struct{ ID, State string }
}

// edit makes an edit that must succeed.
func (w *world) edit(path, token, body string, headers ...string) edited {
	w.t.Helper()
	a := w.call("POST", "/api/v1/roster/"+path, token, body, headers...)
	if a.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", path, body, a.StatusCode, a.text)
	}
	var e edited
	a.into(w.t, &e)
	if a.Header.Get("ETag") != fmt.Sprintf(`"%d"`, e.Revision) {
		w.t.Errorf("ETag %s of revision %d", a.Header.Get("ETag"), e.Revision)
	}
	return e
}

// newcomer is somebody who can be reached and has no turn.
func newcomer(i int) roster.Person {
	return roster.Person{ID: fmt.Sprint("new-", i), CallSign: fmt.Sprint("WREN-", i), Languages: roster.Languages("en"), Contacts: []roster.Contact{
		{ID: "mobile", Channel: "sms", Address: fmt.Sprintf("+150055502%02d", i), Verified: true},
	}}
}

func (w *world) who(at time.Time) []string {
	w.t.Helper()
	c, err := roster.Compile(w.book)
	must(w.t, err)
	return c.Who("", at)
}

// In the week of the world ada had the duty, bruno has it until Monday, then come carmen, dalia, erik.
var monday = time.Date(2026, 3, 9, 7, 0, 0, 0, time.UTC)

func TestARotationIsEditedInAFewWords(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []string // on duty now, and in the six weeks from Monday on
	}{
		"somebody joins":        {`{"operation":"add","people":["farid"]}`, []string{"bruno", "carmen", "dalia", "erik", "farid", "ada", "bruno"}},
		"as the next":           {`{"operation":"add","people":["farid"],"place":2,"layer":"primary","roster":"national"}`, []string{"bruno", "farid", "carmen", "dalia", "erik", "ada", "bruno"}},
		"two together":          {`{"operation":"add","people":["farid","ada"],"place":2}`, []string{"bruno", "farid+ada", "carmen", "dalia", "erik", "ada", "bruno"}},
		"who is on duty leaves": {`{"operation":"remove","person":"bruno"}`, []string{"bruno", "carmen", "dalia", "erik", "ada", "carmen", "dalia"}},
		"at once":               {`{"operation":"remove","person":"bruno","keep_current":false}`, []string{"ada", "carmen", "dalia", "erik", "ada", "carmen", "dalia"}},
		"another order":         {`{"operation":"reorder","turns":[["erik"],["dalia"],["carmen"],["bruno"],["ada"]],"base":1}`, []string{"bruno", "ada", "erik", "dalia", "carmen", "bruno", "ada"}},
		"longer turns":          {`{"operation":"length","length":2,"base":1}`, []string{"bruno", "carmen", "carmen", "dalia", "dalia", "erik", "erik"}},
		"only in the daytime":   {`{"operation":"restrictions","restrictions":[{"from":"07:00","until":"20:00"}],"base":1,"keep_current":false}`, []string{"", "carmen", "dalia", "erik", "ada", "bruno", "carmen"}},
		"from Monday on":        {`{"operation":"restrictions","restrictions":[{"from":"07:00","until":"20:00"}],"base":1}`, []string{"bruno", "carmen", "dalia", "erik", "ada", "bruno", "carmen"}},
	} {
		w := newWorld(t)
		w.book.People = append(w.book.People, newcomer(0))
		w.book.People[5].ID, w.book.People[5].CallSign = "farid", "PLOVER"
		dry := w.call("POST", "/api/v1/roster/rotation?dry_run=true", w.coordinator, tc.body)
		if dry.StatusCode != http.StatusOK || w.book.Revision != 1 {
			t.Errorf("%s: the dry run: %d %s", name, dry.StatusCode, dry.text)
		}
		got := w.edit("rotation", w.coordinator, tc.body)
		if !got.Changed || got.Revision != 2 || w.book.Revision != 2 {
			t.Errorf("%s: %+v", name, got)
		}
		preview := members(t, dry.text, "from", "until", "call_signs", "changed", "moves", "gaps", "hours", "contacts_missing", "confirm_unverified", "overlaps", "rest", "overwork", "uncovered", "load", "mean")
		var moves []json.RawMessage
		must(t, json.Unmarshal(preview["moves"], &moves))
		if len(moves) != len(got.Effect.Moves) || len(moves) == 0 {
			t.Errorf("%s: %d moves were announced, %d made", name, len(moves), len(got.Effect.Moves))
		}
		var story []string
		for _, at := range []time.Time{w.now, monday, monday.AddDate(0, 0, 7), monday.AddDate(0, 0, 14), monday.AddDate(0, 0, 21), monday.AddDate(0, 0, 28), monday.AddDate(0, 0, 35)} {
			story = append(story, strings.Join(w.who(at), "+"))
		}
		if !slices.Equal(story, tc.want) {
			t.Errorf("%s: %v", name, story)
		}
		if last := w.history[len(w.history)-1]; !strings.HasPrefix(last.Reason, "rotation: ") || last.Actor.ID != "coordinator" {
			t.Errorf("%s: in the history %+v", name, last)
		}
	}
}

// Through the interface, whatever is edited, one edit after another: shifts that are over stay, and unless it is said otherwise the officer who is
// on duty stays to the end of the turn.
func TestNoEditOverHTTPChangesAShiftThatIsOver(t *testing.T) {
	w := newWorld(t)
	begun := w.book
	_, token, err := w.dir.AddToken(t.Context(), directory.RoleCoordinator, "coordinator", 365*24*time.Hour, w.now)
	must(t, err)
	done := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w.book, w.history, w.versions = begun, nil, nil
		w.now = time.Date(2026, 3, 4, 22, 5, 0, 0, time.UTC)
		person := rapid.SampledFrom([]string{"ada", "bruno", "carmen", "dalia", "erik"})
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "later")) * time.Minute)
			body := map[string]any{"keep_current": rapid.SampledFrom([]any{true, nil, false}).Draw(t, "keep"), "base": w.book.Revision}
			operation := rapid.SampledFrom([]string{"add", "remove", "reorder", "length", "restrictions"}).Draw(t, "operation")
			body["operation"] = operation
			switch operation {
			case "add":
				body["people"] = rapid.SliceOfNDistinct(person, 1, 2, rapid.ID).Draw(t, "people")
				body["place"] = rapid.IntRange(0, 5).Draw(t, "place")
			case "remove":
				body["person"] = person.Draw(t, "person")
			case "reorder":
				body["turns"] = rapid.Permutation(w.book.Rosters[0].Layers[0].Rotation.Turns).Draw(t, "turns")
			case "length":
				body["unit"] = rapid.SampledFrom([]string{"hour", "day", "week"}).Draw(t, "unit")
				body["length"] = rapid.IntRange(1, 9).Draw(t, "length")
				body["handover"] = rapid.SampledFrom([]string{"08:00", "20:00", "02:30"}).Draw(t, "handover")
			case "restrictions":
				body["restrictions"] = []roster.Restriction{{From: "06:00", Until: rapid.SampledFrom([]string{"06:00", "22:00"}).Draw(t, "until")}}
			}
			was, err := roster.Compile(w.book)
			must(w.t, err)
			text, err := json.Marshal(body)
			must(w.t, err)
			a := w.call("POST", "/api/v1/roster/rotation", token, string(text))
			if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusConflict {
				t.Fatalf("%s: %d %s", text, a.StatusCode, a.text)
			}
			will, err := roster.Compile(w.book)
			must(w.t, err)
			same := func(from, until time.Time) {
				before, after := slices.Collect(was.Shifts("", from, until)), slices.Collect(will.Shifts("", from, until))
				if fmt.Sprint(before) != fmt.Sprint(after) {
					t.Fatalf("%s at %s changes what is between %s and %s:\n%v\n%v", text, w.now, from, until, before, after)
				}
			}
			same(w.now.AddDate(0, 0, -40), w.now)
			if a.StatusCode == http.StatusConflict {
				done["conflict"]++
				continue
			}
			done[operation]++
			if on, _ := was.At("", w.now); body["keep_current"] != false && len(on.OnDuty) == 1 && strings.HasPrefix(on.OnDuty[0].Why[0], "layer") {
				end, _ := was.NextChange("", w.now)
				same(w.now, end)
			}
		}
	})
	if testing.Short() { // a fifth of the cases need not come to everything
		return
	}
	for _, what := range []string{"add", "remove", "reorder", "length", "restrictions", "conflict"} {
		if done[what] == 0 {
			t.Errorf("never: %s", what)
		}
	}
}

func TestWhatAnEditOfARotationMustSay(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		body   string
		status int
		says   string
	}{
		{``, 422, "/operation"},
		{`[]`, 422, "JSON object"},
		{`{"operation":"shuffle"}`, 422, "Use add, remove, reorder, length or restrictions."},
		{`{"operation":"add"}`, 422, "/people"},
		{`{"operation":"add","people":[]}`, 422, "/people"},
		{`{"operation":"add","people":["ada","zoe"]}`, 422, `"field":"/people/1"`},
		{`{"operation":"add","people":["ada"]}`, 409, "They have this turn already."},
		{`{"operation":"add","people":["ada","bruno"],"place":-1}`, 422, "/place"},
		{`{"operation":"add","people":["ada","bruno"],"colour":"red"}`, 422, "/colour"},
		{`{"operation":"add","people":"ada"}`, 422, "/people"},
		{`{"operation":"add","people":["ada","bruno"],"turns":[]}`, 422, `"field":"/turns"`},
		{`{"operation":"add","people":["ada","bruno"],"at":"tomorrow"}`, 422, `"field":"/at"`},
		{`{"operation":"add","people":["ada","bruno"],"at":"2026-03-04T22:04:59Z"}`, 422, "This time is over"},
		{`{"operation":"add","people":["ada","bruno"],"at":"2300-01-01T00:00:00Z"}`, 422, "between 1970 and 2200"},
		{`{"operation":"add","people":["ada","bruno"],"roster":"none"}`, 404, "no roster of this name"},
		{`{"operation":"add","people":["ada","bruno"],"layer":"none"}`, 404, "no layer of this name"},
		{`{"operation":"add","people":["ada","bruno"],"base":7}`, 412, "Revision 1 stands"},
		{`{"operation":"add","people":["ada","bruno"],"reason":"` + strings.Repeat("x", 1001) + `"}`, 422, "/reason"},
		{`{"operation":"remove"}`, 422, "/person"},
		{`{"operation":"remove","person":"zoe"}`, 422, `"field":"/person"`},
		{`{"operation":"reorder","turns":[]}`, 428, "the revision of the roster that you have seen"},
		{`{"operation":"reorder","turns":[["ada"]],"base":1}`, 422, "A turn of the rotation is missing"},
		{`{"operation":"reorder","turns":[["ada"],["ada"]],"base":1}`, 422, `"field":"/turns/1"`},
		{`{"operation":"length","base":1}`, 422, "/unit"},
		{`{"operation":"length","length":-2,"base":1}`, 422, `"field":"/length"`},
		{`{"operation":"length","handover":"8","base":1}`, 422, `"field":"/handover"`},
		{`{"operation":"length","unit":"pattern","base":1}`, 422, `"field":"/pattern"`},
		{`{"operation":"length","unit":"day","weekday":"mon","base":1}`, 422, `"field":"/weekday"`},
		{`{"operation":"restrictions","restrictions":[{"from":"8","until":"20:00"}],"base":1}`, 422, `"field":"/restrictions/0/from"`},
		{`{"operation":"restrictions","restrictions":[],"base":-1}`, 422, "/base"},
	} {
		a := w.call("POST", "/api/v1/roster/rotation", w.coordinator, tc.body, "Content-Type", "application/json")
		if a.StatusCode != tc.status || !strings.Contains(a.text, tc.says) || w.book.Revision != 1 {
			t.Errorf("%s: %d %s", tc.body, a.StatusCode, a.text)
		}
		a.problem(t)
	}
	const remove = `{"operation":"remove","person":"ada","base":1}`
	if a := w.call("POST", "/api/v1/roster/rotation", w.coordinator, remove, "If-Match", `"2"`); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "/base") {
		t.Errorf("two bases: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("POST", "/api/v1/roster/rotation", w.officer, remove); a.StatusCode != http.StatusForbidden {
		t.Errorf("an officer: %d", a.StatusCode)
	}
	w.book.Rosters[0].Layers = append(w.book.Rosters[0].Layers, w.book.Rosters[0].Layers[0])
	w.book.Rosters[0].Layers[1].ID = "second"
	if a := w.call("POST", "/api/v1/roster/rotation", w.coordinator, remove); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "Say which: primary, second.") {
		t.Errorf("which layer: %d %s", a.StatusCode, a.text)
	}
	w.edit("rotation", w.coordinator, `{"operation":"length","layer":"second","unit":"day","at":"2026-04-01T00:00:00Z"}`, "If-Match", `"1"`)
	if a := w.call("POST", "/api/v1/roster/rotation", w.coordinator, `{"operation":"remove","person":"ada","layer":"second"}`); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "Another change of this layer waits and begins at 2026-04-0") {
		t.Errorf("a change that waits: %d %s", a.StatusCode, a.text)
	}
}

func TestAnOfficerTakesTheDutyOverAndGivesItBack(t *testing.T) {
	w := newWorld(t)
	if a := w.call("POST", "/api/v1/roster/takeover?dry_run=true", w.officer, `{}`); a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"before":["bruno"],"after":["ada"]`) || w.book.Revision != 1 {
		t.Errorf("the dry run: %d %s", a.StatusCode, a.text)
	}
	got := w.edit("takeover", w.officer, `{"reason":"from a hospital"}`)
	if got.Takeover.Person != "ada" || !got.Takeover.From.Equal(w.now) || !got.Takeover.Until.Equal(monday) || !slices.Equal(w.who(w.now), []string{"ada"}) || len(got.Effect.Moves) != 1 {
		t.Errorf("%+v; %v is on duty", got, w.who(w.now))
	}
	if last := w.history[0]; last.Actor.Kind != "officer" || last.Actor.ID != "ada" || last.Reason != "duty taken over: from a hospital" {
		t.Errorf("%+v", last)
	}
	w.now = w.now.Add(time.Hour)
	for _, tc := range []struct {
		path, token, body string
		status            int
		says              string
	}{
		{"takeover", w.officer, `{}`, 409, "on duty already"},
		{"takeover", w.officer, `{"person":"bruno"}`, 403, "for themselves only"},
		{"takeover", w.coordinator, `{}`, 422, "/person"},
		{"takeover", w.coordinator, `{"person":"zoe"}`, 422, "/person"},
		{"takeover", w.coordinator, `{"person":"erik","instead":"bruno"}`, 409, "is not on duty now"},
		{"takeover", w.coordinator, `{"person":"erik","until":"2026-03-04T23:05:00Z"}`, 422, "/until"},
		{"takeover", w.coordinator, `{"person":"erik","until":"soon"}`, 422, "/until"},
		{"takeover", w.coordinator, `{"person":"erik","roster":"none"}`, 404, ""},
		{"takeover", w.sender, `{}`, 403, ""},
		{"giveback", w.colleague, `{}`, 409, "taken nothing over"},
		{"giveback", w.coordinator, `{}`, 422, "/person"},
		{"giveback", w.officer, `{"person":"bruno"}`, 403, ""},
		{"giveback", w.officer, `{"roster":"none"}`, 404, ""},
	} {
		if a := w.call("POST", "/api/v1/roster/"+tc.path, tc.token, tc.body); a.StatusCode != tc.status || !strings.Contains(a.text, tc.says) || w.book.Revision != 2 {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, a.StatusCode, a.text)
		}
	}
	w.edit("takeover", w.coordinator, `{"person":"erik","instead":"ada","until":"2026-03-05T06:00:00+01:00"}`)
	if who := w.who(w.now); !slices.Equal(who, []string{"erik"}) {
		t.Errorf("a coordinator put %v there", who)
	}
	w.edit("giveback", w.coordinator, `{"person":"erik"}`)
	w.now = w.now.Add(time.Hour)
	if back := w.edit("giveback", w.officer, `{}`); !back.Changed || !slices.Equal(w.who(w.now), []string{"bruno"}) || !slices.Equal(w.who(w.now.Add(-time.Minute)), []string{"ada"}) {
		t.Errorf("%+v; %v is on duty", back, w.who(w.now))
	}
}

func TestACoverIsAskedForAndAccepted(t *testing.T) {
	w := newWorld(t)
	asked := w.edit("covers", w.colleague, `{"to":["ada","carmen"],"reason":"a doctor"}`)
	if c := asked.Cover; c.Person != "bruno" || c.State != "open" || !c.Until.Equal(monday) || !c.Expires.Equal(monday) || !strings.HasPrefix(c.ID, "cover-") {
		t.Errorf("for the duty that bruno has: %+v", asked)
	}
	if again := w.edit("covers", w.colleague, `{"to":["carmen","ada"]}`); again.Changed || again.Cover.ID != asked.Cover.ID {
		t.Errorf("the same wish again: %+v", again)
	}
	if next := w.edit("covers", w.officer, `{}`); !next.Cover.From.Equal(monday.AddDate(0, 0, 21).Add(-time.Hour)) {
		t.Errorf("ada's next duty begins on 30 March in summer time: %+v", next.Cover)
	}
	answer := "covers/" + asked.Cover.ID
	for _, tc := range []struct {
		path, token, body string
		status            int
		says              string
	}{
		{"covers", w.officer, `{"person":"bruno"}`, 403, "themselves"},
		{"covers", w.coordinator, `{}`, 422, "/person"},
		{"covers", w.coordinator, `{"person":"zoe","to":["zoe"]}`, 422, `"field":"/to/0"`},
		{"covers", w.coordinator, `{"person":"bruno","from":"x"}`, 422, "/from"},
		{"covers", w.coordinator, `{"person":"bruno","until":"x"}`, 422, "/until"},
		{"covers", w.coordinator, `{"person":"bruno","expires":"x"}`, 422, "/expires"},
		{"covers", w.coordinator, `{"person":"bruno","expires":"2026-03-04T22:05:00Z"}`, 409, "no longer open"},
		{"covers", w.coordinator, `{"person":"bruno","from":"2026-03-05T00:00:00Z","until":"2026-03-05T00:00:00Z"}`, 422, `"field":"/until"`},
		{"covers", w.coordinator, `{"person":"dalia","from":"2026-03-05T00:00:00Z","until":"2026-03-06T00:00:00Z"}`, 409, "not on duty in that time"},
		{"covers", w.coordinator, `{"person":"bruno","to":["bruno"]}`, 409, "for themselves"},
		{"covers", w.coordinator, `{"person":"bruno","roster":"none"}`, 404, ""},
		{answer + "/accept", w.coordinator, `{"person":"dalia"}`, 409, "was not asked"},
		{answer + "/accept", w.colleague, `{}`, 409, "for themselves"},
		{answer + "/accept", w.coordinator, `{}`, 422, "/person"},
		{answer + "/accept", w.coordinator, `{"person":"ada","roster":"none"}`, 404, ""},
		{answer + "/accept", w.officer, `{"base":1}`, 412, "Revision 3 stands, made at"},
		{"covers/none/accept", w.officer, `{}`, 404, "nothing of this name"},
		{answer + "/decline", w.coordinator, `{"person":"zoe"}`, 422, "/person"},
		{answer + "/decline", w.sender, `{}`, 403, ""},
	} {
		if a := w.call("POST", "/api/v1/roster/"+tc.path, tc.token, tc.body); a.StatusCode != tc.status || !strings.Contains(a.text, tc.says) || w.book.Revision != 3 {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, a.StatusCode, a.text)
		}
	}
	if declined := w.edit(answer+"/decline", w.coordinator, `{"person":"carmen"}`); declined.Cover.State != "open" {
		t.Errorf("one of two declined: %+v", declined)
	}
	w.now = w.now.Add(time.Hour)
	accepted := w.edit(answer+"/accept", w.officer, `{"roster":"national"}`)
	if c := accepted.Cover; c.State != "accepted" || c.By != "ada" || !c.From.Equal(w.now) || !slices.Equal(w.who(w.now), []string{"ada"}) || !slices.Equal(w.who(w.now.Add(-time.Minute)), []string{"bruno"}) {
		t.Errorf("%+v, on duty %v", c, w.who(w.now))
	}
	if again := w.edit(answer+"/accept", w.officer, ``, "Content-Type", "application/json"); again.Changed {
		t.Errorf("accepted once more: %+v", again)
	}
	for _, path := range []string{answer + "/accept", answer + "/decline"} {
		a := w.call("POST", "/api/v1/roster/"+path, w.coordinator, `{"person":"carmen"}`)
		if a.problem(t) != "taken" || !strings.Contains(a.text, "KESTREL has already accepted it.") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
	list := w.call("GET", "/api/v1/roster/covers?roster=national&state=accepted", w.officer, "")
	one := members(t, first(t, members(t, list.text, "call_signs", "covers")["covers"]), "roster", "id", "person", "from", "until", "to", "declined", "state", "by", "expires", "reason")
	if string(one["by"]) != `"ada"` || !isInstant(one["expires"]) {
		t.Errorf("%s", list.text)
	}
	for path, status := range map[string]int{"/covers?state=half": 400, "/swaps?state=half": 400, "/covers?roster=none": 404, "/swaps?roster=none": 404, "/covers": 200} {
		if a := w.call("GET", "/api/v1/roster"+path, w.officer, ""); a.StatusCode != status {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
	if a := w.call("GET", "/api/v1/roster/covers", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender sees covers: %d", a.StatusCode)
	}
}

func TestWhatNobodyAcceptedIsExpiredWhetherThatIsStoredYetOrNot(t *testing.T) {
	w := newWorld(t)
	id := w.edit("covers", w.colleague, `{"expires":"2026-03-05T00:00:00Z"}`).Cover.ID
	w.now = time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	if a := w.call("GET", "/api/v1/roster/covers?state=expired", w.officer, ""); !strings.Contains(a.text, `"state":"expired"`) || w.book.Rosters[0].Covers[0].State != roster.CoverOpen {
		t.Errorf("%s, stored %s", a.text, w.book.Rosters[0].Covers[0].State)
	}
	if a := w.call("POST", "/api/v1/roster/covers/"+id+"/accept", w.officer, `{}`); a.problem(t) != "not_possible" {
		t.Errorf("too late: %d %s", a.StatusCode, a.text)
	}
	w.edit("takeover", w.officer, `{}`) // any edit
	if w.book.Rosters[0].Covers[0].State != roster.CoverExpired {
		t.Errorf("stored: %s", w.book.Rosters[0].Covers[0].State)
	}
}

func TestTwoOfficersSwap(t *testing.T) {
	w := newWorld(t)
	asked := w.edit("swaps", w.colleague, `{"other":{"person":"ada"}}`) // their next duties
	if again := w.edit("swaps", w.colleague, `{"one":{"person":"bruno"},"other":{"person":"ada"}}`); again.Changed || again.Swap.ID != asked.Swap.ID {
		t.Errorf("the same wish again: %+v", again)
	}
	for _, tc := range []struct {
		path, token, body string
		status            int
		says              string
	}{
		{"swaps", w.officer, `{"one":{"person":"bruno"},"other":{"person":"ada"}}`, 403, ""},
		{"swaps", w.coordinator, `{"other":{"person":"ada"}}`, 422, "/one/person"},
		{"swaps", w.coordinator, `{"one":{"person":"bruno"}}`, 422, `"field":"/other/person"`},
		{"swaps", w.coordinator, `{"one":{"person":"bruno"},"other":{"person":"bruno"}}`, 422, `"field":"/other/person"`},
		{"swaps", w.coordinator, `{"one":{"person":"bruno","from":"x"},"other":{"person":"ada"}}`, 422, "/one/from"},
		{"swaps", w.coordinator, `{"one":{"person":"bruno"},"other":{"person":"ada"},"expires":"x"}`, 422, "/expires"},
		{"swaps/" + asked.Swap.ID + "/accept", w.colleague, `{}`, 409, "not asked"},
		{"swaps/none/decline", w.colleague, `{}`, 404, ""},
	} {
		if a := w.call("POST", "/api/v1/roster/"+tc.path, tc.token, tc.body); a.StatusCode != tc.status || !strings.Contains(a.text, tc.says) || w.book.Revision != 2 {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, a.StatusCode, a.text)
		}
	}
	accepted := w.edit("swaps/"+asked.Swap.ID+"/accept", w.officer, `{}`)
	then := monday.AddDate(0, 0, 22)
	if moves := accepted.Effect.Moves; len(moves) != 2 || !moves[1].Until.Equal(monday.AddDate(0, 0, 28).Add(-time.Hour)) {
		t.Errorf("both parts are shown: %+v", moves)
	}
	if accepted.Swap.State != "accepted" || !slices.Equal(w.who(w.now), []string{"ada"}) || !slices.Equal(w.who(then), []string{"bruno"}) {
		t.Errorf("%+v: %v now, %v then", accepted.Swap, w.who(w.now), w.who(then))
	}
	if again := w.edit("swaps/"+asked.Swap.ID+"/accept", w.officer, `{}`); again.Changed {
		t.Errorf("%+v", again)
	}
	if a := w.call("POST", "/api/v1/roster/swaps/"+asked.Swap.ID+"/decline", w.officer, `{}`); a.problem(t) != "taken" {
		t.Errorf("declined after all: %d %s", a.StatusCode, a.text)
	}
	other := w.edit("swaps", w.coordinator, `{"one":{"person":"carmen"},"other":{"person":"dalia"},"expires":"2026-03-06T00:00:00Z"}`)
	if declined := w.edit("swaps/"+other.Swap.ID+"/decline", w.coordinator, `{"person":"dalia"}`); declined.Swap.State != "declined" {
		t.Errorf("%+v", declined)
	}
	list := w.call("GET", "/api/v1/roster/swaps?state=declined", w.officer, "")
	one := members(t, first(t, members(t, list.text, "call_signs", "swaps")["swaps"]), "roster", "id", "one", "other", "state", "expires")
	members(t, string(one["one"]), "person", "from", "until")
}

func TestAStaleEditIsShownTheOtherOne(t *testing.T) {
	w := newWorld(t)
	w.edit("rotation", w.coordinator, `{"operation":"remove","person":"ada","reason":"leaves"}`)
	for path, body := range map[string]string{
		"rotation": `{"operation":"length","length":2,"base":1}`, "takeover": `{"person":"erik","base":1}`, "covers": `{"person":"bruno","base":1}`,
		"swaps": `{"one":{"person":"bruno"},"other":{"person":"dalia"},"base":1}`, "giveback": `{"person":"erik","base":1}`,
	} {
		for _, dry := range []string{"", "?dry_run=true"} {
			a := w.call("POST", "/api/v1/roster/"+path+dry, w.coordinator, body)
			if a.StatusCode != http.StatusPreconditionFailed || !strings.Contains(a.text, `Revision 2 stands, made at 2026-03-04T22:05:00.000Z by coordinator: \"rotation: remove: leaves\".`) || w.book.Revision != 2 {
				t.Errorf("%s%s: %d %s", path, dry, a.StatusCode, a.text)
			}
		}
	}
}

// Coordinators who edit at once without a base lose nothing: each edit is made of the newest roster.
func TestEditsAtOnceLoseNothing(t *testing.T) {
	w := newWorld(t)
	const many = 24
	for i := range many {
		w.book.People = append(w.book.People, newcomer(i))
	}
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if a := w.call("POST", "/api/v1/roster/rotation", w.coordinator, fmt.Sprintf(`{"operation":"add","people":["new-%d"]}`, i)); a.StatusCode != http.StatusOK {
				t.Errorf("%d %s", a.StatusCode, a.text)
			}
		})
	}
	all.Wait()
	turns := slices.Concat(w.book.Rosters[0].Layers[0].Rotation.Turns...)
	for i := range many {
		if !slices.Contains(turns, fmt.Sprint("new-", i)) {
			t.Errorf("new-%d is lost", i)
		}
	}
	if len(turns) != 5+many || w.book.Revision != 1+many || !slices.Equal(w.who(w.now), []string{"bruno"}) {
		t.Errorf("%d turns, revision %d, %v on duty", len(turns), w.book.Revision, w.who(w.now))
	}
}

func TestOfManyWhoAcceptACoverAtOnceOneHasItAndTheOthersHearWho(t *testing.T) {
	w := newWorld(t)
	const many = 24
	tokens := make([]string, many)
	for i := range many {
		w.book.People = append(w.book.People, newcomer(i))
		_, tokens[i] = w.newToken(directory.RoleOfficer, newcomer(i).ID)
	}
	path := "/api/v1/roster/covers/" + w.edit("covers", w.colleague, `{}`).Cover.ID + "/accept"
	answers := make([]answer, many)
	var winners atomic.Int32
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			if answers[i] = w.call("POST", path, token, `{}`); answers[i].StatusCode == http.StatusOK {
				winners.Add(1)
			}
		})
	}
	all.Wait()
	winner := w.book.Rosters[0].Covers[0].By
	if winners.Load() != 1 || !slices.Equal(w.who(w.now), []string{winner}) {
		t.Fatalf("%d winners, %s has it, %v is on duty", winners.Load(), winner, w.who(w.now))
	}
	for i, a := range answers {
		sign := strings.Replace(winner, "new", "WREN", 1)
		if mine := fmt.Sprint("new-", i) == winner; !mine && (a.problem(t) != "taken" || !strings.Contains(a.text, sign+" has already accepted it.")) {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
	}
}
