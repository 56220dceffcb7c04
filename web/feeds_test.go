package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar/calendartest"
	"github.com/dutyline/dutyline/roster/sheet"
	"github.com/dutyline/dutyline/web"
)

type feed struct {
	ID, Person, Roster, URL string
	Revoked                 request.Instant
}

// newFeed makes a feed and gives it with the path of its address.
func (w *world) newFeed(token, body string) (feed, string) {
	w.t.Helper()
	a := w.call("POST", "/api/v1/roster/feeds", token, body)
	var made feed
	a.into(w.t, &made)
	if a.StatusCode != http.StatusCreated || !regexp.MustCompile(`^/calendar/dl_[a-z0-9]{8}_[A-Z2-7]{52}\.ics$`).MatchString(made.URL) {
		w.t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	return made, made.URL
}

func TestAFeedIsReadAtItsAddressUntilItIsRevoked(t *testing.T) {
	w := newWorld(t)
	w.history = []web.RosterVersion{{Revision: 1, Time: request.At(w.now.Add(-time.Hour))}}
	made, path := w.newFeed(w.coordinator, `{"roster":"national"}`)
	a := w.call("GET", path, "", "")
	read, err := calendartest.Read([]byte(a.text))
	if a.StatusCode != http.StatusOK || err != nil || len(read.Events) < 20 {
		t.Fatalf("%d, %v, %d events", a.StatusCode, err, len(read.Events))
	}
	for name, want := range map[string]string{"Content-Type": "text/calendar; charset=utf-8", "Cache-Control": "private, no-cache", "Referrer-Policy": "no-referrer"} {
		if a.Header.Get(name) != want {
			t.Errorf("%s: %q", name, a.Header.Get(name))
		}
	}
	if !read.Events[0].Stamp.Equal(w.now.Add(-time.Hour)) {
		t.Errorf("stamp %s", read.Events[0].Stamp)
	}
	c, _ := roster.Compile(w.book)
	for at := w.now; at.Before(w.now.AddDate(0, 3, 0)); at = at.Add(7 * time.Hour) {
		p, _ := c.Person(c.Who("national", at)[0])
		if got := read.At("national", at); len(got) != 1 || got[0] != p.CallSign {
			t.Errorf("at %s: %v, want %s", at, got, p.CallSign)
		}
	}
	tag := a.Header.Get("ETag")
	w.now = w.now.Add(time.Hour)
	if a := w.call("GET", path, "", "", "If-None-Match", tag); a.StatusCode != http.StatusNotModified || a.text != "" || a.Header.Get("ETag") != tag {
		t.Errorf("an hour later: %d", a.StatusCode)
	}
	w.book.People[0].CallSign = "EAGLE"
	w.book.Revision = 2
	if a := w.call("GET", path, "", "", "If-None-Match", tag); a.StatusCode != http.StatusOK || !strings.Contains(a.text, "EAGLE") {
		t.Errorf("after an edit: %d", a.StatusCode)
	}
	list := w.call("GET", "/api/v1/roster/feeds", w.coordinator, "")
	if !strings.Contains(list.text, `"id":"`+made.ID+`","roster":"national"`) || strings.Contains(list.text, "calendar/") {
		t.Errorf("list: %s", list.text)
	}
	secret := strings.TrimSuffix(strings.TrimPrefix(path, "/calendar/"), ".ics")
	for _, wrong := range []string{"/calendar/" + secret, path + "x", strings.Replace(path, secret, secret[:len(secret)-1]+"9", 1), "/calendar/" + w.coordinator + ".ics", "/calendar/.ics"} {
		if a := w.call("GET", wrong, "", ""); a.StatusCode != http.StatusNotFound || a.problem(t) != "not_found" {
			t.Errorf("a wrong address: %d %.60s", a.StatusCode, a.text)
		}
	}
	if a := w.call("DELETE", "/api/v1/roster/feeds/"+made.ID, w.coordinator, ""); a.StatusCode != http.StatusOK || strings.Contains(a.text, `"revoked":null`) {
		t.Errorf("revoke: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("GET", path, "", "", "If-None-Match", "*"); a.StatusCode != http.StatusNotFound {
		t.Errorf("revoked: %d", a.StatusCode)
	}
	for _, line := range w.logs.All() {
		text, err := json.Marshal(line.ContextMap())
		if err != nil || strings.Contains(string(text), secret) || strings.Contains(string(text), "dl_") {
			t.Errorf("a line of the log tells the address: %s %v", text, err)
		}
	}
}

func TestOfficersMakeSeeAndEndFeedsOfTheirOwnDuty(t *testing.T) {
	w := newWorld(t)
	own, path := w.newFeed(w.officer, `{"person":"ada"}`)
	other, _ := w.newFeed(w.coordinator, `{"person":"bruno"}`)
	read, err := calendartest.Read([]byte(w.call("GET", path, "", "").text))
	if err != nil || len(read.Events) == 0 {
		t.Fatal(err)
	}
	for _, e := range read.Events {
		if e.CallSign != "KESTREL" {
			t.Errorf("%+v", e)
		}
	}
	list := w.call("GET", "/api/v1/roster/feeds", w.officer, "")
	if !strings.Contains(list.text, own.ID) || strings.Contains(list.text, other.ID) {
		t.Errorf("%s", list.text)
	}
	for _, body := range []string{`{"person":"bruno"}`, `{"roster":"national"}`} {
		if a := w.call("POST", "/api/v1/roster/feeds", w.officer, body); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", body, a.StatusCode)
		}
	}
	for _, body := range []string{`{}`, `{"person":"ada","roster":"national"}`, `{"person":"nobody"}`, `{"roster":"none"}`, `{"person":"ada","days":9999}`} {
		if a := w.call("POST", "/api/v1/roster/feeds", w.coordinator, body); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.text)
		}
	}
	for id, status := range map[string]int{other.ID: http.StatusNotFound, w.officerToken.ID: http.StatusNotFound, "none": http.StatusNotFound, own.ID: http.StatusOK} {
		if a := w.call("DELETE", "/api/v1/roster/feeds/"+id, w.officer, ""); a.StatusCode != status {
			t.Errorf("%s: %d", id, a.StatusCode)
		}
	}
	// Whoever is erased has no calendar any more.
	_, path = w.newFeed(w.coordinator, `{"person":"bruno"}`)
	w.book.People[1].Erased, w.book.People[1].Contacts = true, nil
	if a := w.call("GET", path, "", ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("somebody who was erased: %d", a.StatusCode)
	}
}

// A feed's token lies at calendar programs: at every other route it is nobody's, however it is presented.
func TestAFeedTokenOpensNothingElse(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	_, path := w.newFeed(w.coordinator, `{"person":"ada"}`)
	secret := strings.TrimSuffix(strings.TrimPrefix(path, "/calendar/"), ".ics")
	files, err := filepath.Glob("*.go")
	must(t, err)
	routes := regexp.MustCompile(`mux\.Handle(?:Func)?\("([A-Z]+) (/[^"]*)"`)
	seen := 0
	for _, name := range files {
		source, err := os.ReadFile(name)
		must(t, err)
		for _, m := range routes.FindAllStringSubmatch(string(source), -1) {
			route := strings.NewReplacer("{ref}", reference, "{$}", "", "{file}", "x.ics", "{id}", "x", "{name}", "x").Replace(m[2])
			if strings.Contains(route, "{") {
				t.Fatalf("%s: the test does not know how to fill it", m[2])
			}
			seen++
			if m[2] == "/livez" || m[2] == "/readyz" || m[2] == "/signin" || m[2] == "/signout" || m[2] == "/{$}" {
				continue // for everybody
			}
			b := w.browser()
			b.cookies["session"] = secret
			for _, a := range []answer{w.call(m[1], route, secret, ""), b.open(m[1], route, ""), w.call(m[1], route+"?token="+secret, "", "")} {
				refused := a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusTooManyRequests || a.StatusCode == http.StatusNotFound || a.Header.Get("Location") != "" && strings.HasPrefix(a.Header.Get("Location"), "/signin")
				if !refused {
					t.Errorf("%s %s: %d %.80s", m[1], route, a.StatusCode, a.text)
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d routes were found", seen)
	}
	if a := w.browser().signIn(secret); a.StatusCode == http.StatusSeeOther {
		t.Error("it signs in at the pages")
	}
	if _, err := w.dir.Authenticate(secret, w.now); err == nil {
		t.Error("it signs in at other doors")
	}
}

func TestACalendarWithoutAFeedIsForOfficersAndCoordinators(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/v1/roster/ics?person=ada&from=2026-03-01T00:00:00Z&until=2026-06-01T00:00:00Z", w.officer, "")
	if read, err := calendartest.Read([]byte(a.text)); err != nil || read.Name != "KESTREL on duty" || len(read.Events) != 3 {
		t.Errorf("%d %v %+v", a.StatusCode, err, read)
	}
	for path, status := range map[string]int{
		"": 200, "?roster=national": 200, "?roster=none": 404, "?person=none": 404, "?person=ada&roster=national": 400, "?from=soon": 400, "?from=2020-01-01T00:00:00Z": 400,
	} {
		if a := w.call("GET", "/api/v1/roster/ics"+path, w.coordinator, ""); a.StatusCode != status {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
	if a := w.call("GET", "/api/v1/roster/ics", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender: %d", a.StatusCode)
	}
}

func TestTheRosterOnPaperIsForCoordinators(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/v1/roster/sheet", w.coordinator, "")
	var paper sheet.Sheet
	a.into(t, &paper)
	if a.StatusCode != http.StatusOK || paper.Revision != 1 || paper.Days != 14 || len(paper.CallTree) != 4 || paper.People[0].Phones[0].Number == "" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	page := w.call("GET", "/api/v1/roster/sheet?format=html&days=7", w.coordinator, "")
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.text, "Ada Example") || !strings.Contains(policy, "style-src 'sha256-") || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", page.Header)
	}
	if text := w.call("GET", "/api/v1/roster/sheet?format=text", w.coordinator, ""); !strings.HasPrefix(text.text, "DUTY ROSTER ON PAPER\nas of revision 1, printed at Wed 2026-03-04 22:05 UTC\n") {
		t.Errorf("%.200s", text.text)
	}
	for path, status := range map[string]int{"?days=0": 400, "?days=61": 400, "?days=x": 400, "?format=pdf": 400} {
		if a := w.call("GET", "/api/v1/roster/sheet"+path, w.coordinator, ""); a.StatusCode != status {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	for _, token := range []string{w.officer, w.sender} {
		if a := w.call("GET", "/api/v1/roster/sheet", token, ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("names and numbers for a role that has none: %d", a.StatusCode)
		}
	}
}

// ics is a calendar file with one event.
func ics(lines string) string {
	return strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\n"+lines+"\nEND:VEVENT\nEND:VCALENDAR\n", "\n", "\r\n")
}

func TestACalendarFileIsImportedAsAnEditWithItsPreview(t *testing.T) {
	w := newWorld(t)
	w.book.Calendars = []roster.Calendar{{ID: "public", Days: []string{}}}
	put := func(path, body string, headers ...string) answer {
		return w.call("POST", "/api/v1/roster/import/"+path, w.coordinator, body, append([]string{"Content-Type", "text/calendar; charset=utf-8", "If-Match", `"1"`}, headers...)...)
	}
	// Ada is away in her own week.
	away := ics("SUMMARY:zebra\nDTSTART;VALUE=DATE:20260330\nDTEND;VALUE=DATE:20260401")
	dry := put("leave?person=ada&dry_run=true", away)
	fields := members(t, dry.text, "revision", "taken", "unchanged", "removed", "ignored", "preview")
	if dry.StatusCode != http.StatusOK || string(fields["taken"]) != `[{"line":3,"from":"2026-03-29T22:00:00.000Z","until":"2026-03-31T22:00:00.000Z"}]` || w.book.Revision != 1 {
		t.Fatalf("%d %s", dry.StatusCode, dry.text)
	}
	if far := put("leave?person=ada&dry_run=true", ics("DTSTART;VALUE=DATE:20260601\nDURATION:P6W")); !strings.Contains(far.text, `"gaps":[{"roster":"national"`) {
		t.Errorf("a gap in summer is not seen: %s", far.text)
	}
	done := put("leave?person=ada", away)
	if done.StatusCode != http.StatusOK || done.Header.Get("ETag") != `"2"` || len(w.book.Leave) != 1 || w.history[0].Reason != "leave from a calendar file" || strings.Contains(done.text, "zebra") {
		t.Errorf("%d %s", done.StatusCode, done.text)
	}
	if again := put("leave?person=ada", away, "If-Match", `"2"`); again.Header.Get("ETag") != `"2"` || !strings.Contains(again.text, `"taken":[],"unchanged":1`) {
		t.Errorf("again: %d %s", again.StatusCode, again.text)
	}
	if stale := put("leave?person=ada", away); stale.StatusCode != http.StatusPreconditionFailed || !strings.Contains(stale.text, "leave from a calendar file") {
		t.Errorf("stale: %d %s", stale.StatusCode, stale.text)
	}
	if days := put("holidays?calendar=public&zone=Asia/Tokyo", ics("DTSTART:20260501T150000Z\nDURATION:P1D"), "If-Match", `"2"`); !strings.Contains(days.text, `"taken":[{"line":3,"day":"2026-05-02"}]`) || w.book.Calendars[0].Days[0] != "2026-05-02" {
		t.Errorf("holidays: %d %s", days.StatusCode, days.text)
	}
	wrong := put("leave?person=ada", ics("DTSTART:soon"), "If-Match", `"3"`)
	if wrong.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(wrong.text, `"field":"/line/5"`) || w.book.Revision != 3 {
		t.Errorf("not understood: %d %s", wrong.StatusCode, wrong.text)
	}
	for _, tc := range []struct {
		path, body, header, value string
		status                    int
	}{
		{"leave", away, "", "", 400},
		{"leave?person=ada&zone=Moon", away, "", "", 400},
		{"leave?person=nobody", away, "", "", 422},
		{"holidays?calendar=none", away, "", "", 422},
		{"leave?person=ada", away, "If-Match", "", 428},
		{"leave?person=ada", away, "Content-Type", "application/json", 415},
		{"leave?person=ada", strings.Repeat("x", 1<<20+1), "", "", 413},
	} {
		headers := []string{"If-Match", `"3"`}
		if tc.header != "" {
			headers = append(headers, tc.header, tc.value)
		}
		if a := put(tc.path, tc.body, headers...); a.StatusCode != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.path, a.StatusCode, a.text, tc.status)
		}
	}
	if a := w.call("POST", "/api/v1/roster/import/leave?person=ada", w.officer, away, "Content-Type", "text/calendar", "If-Match", `"3"`); a.StatusCode != http.StatusForbidden {
		t.Errorf("an officer: %d", a.StatusCode)
	}
}

// calendarSpeaks is the part of TestTheClientSpeaksToTheServer about calendars and paper.
func calendarSpeaks(t *testing.T, officer, coordinator *client.Client, check func(method string, err error, ok bool, got any)) {
	t.Helper()
	ctx := t.Context()
	data, err := officer.Calendar(ctx, "ada", "", time.Time{}, time.Time{})
	check("Calendar", err, strings.Contains(string(data), "X-WR-CALNAME:EAGLE on duty"), string(data))
	feed, err := officer.AddFeed(ctx, client.NewFeed{Person: "ada", Days: 3})
	check("AddFeed", err, strings.HasPrefix(feed.URL, "/calendar/dl_") && feed.Expires.Sub(feed.Added.Time) == 72*time.Hour, feed)
	feeds, err := coordinator.Feeds(ctx)
	check("Feeds", err, len(feeds) == 1 && feeds[0].Person == "ada" && feeds[0].URL == "", feeds)
	check("RevokeFeed", officer.RevokeFeed(ctx, feed.ID), true, nil)
	paper, err := coordinator.Sheet(ctx, "text", 3)
	check("Sheet", err, strings.HasPrefix(string(paper), "DUTY ROSTER"), string(paper))
	if _, err := officer.Sheet(ctx, "text", 0); !client.Refused(err) {
		t.Errorf("names and numbers for an officer: %v", err)
	}
	book, err := coordinator.Roster(ctx)
	must(t, err)
	in := client.Import{Person: "ada", Zone: "Europe/Paris", Data: []byte(ics("DTSTART;VALUE=DATE:20260401")), DryRun: true}
	imported, err := coordinator.Import(ctx, in, book.Revision)
	check("Import", err, len(imported.Taken) == 1 && imported.Taken[0].From.String() == "2026-03-31T22:00:00.000Z" && imported.Revision == book.Revision && !imported.Preview.From.IsZero(), imported)
	if _, err := coordinator.Import(ctx, client.Import{Calendar: "none", Data: in.Data}, book.Revision); !client.Refused(err) {
		t.Errorf("a calendar that is not there: %v", err)
	}
}
