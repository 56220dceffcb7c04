package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/request"
)

func TestAnOfficersReadingIsStoredFirst(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	a := w.call("GET", "/api/v1/requests/"+reference+"/content", w.officer, "")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.text, secretFacts) || !strings.Contains(a.text, "/colour") {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	ref, _ := request.ParseRef(reference)
	state, err := w.State(t.Context(), ref)
	must(t, err)
	if len(state.Opened) != 1 || state.Opened[0] != w.book.People[0].ID {
		t.Errorf("opened by %v", state.Opened)
	}
	w.log.setDown(true)
	if a := w.call("GET", "/api/v1/requests/"+reference+"/content", w.officer, ""); a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.text, secretFacts) {
		t.Errorf("shown without a trace: %d %s", a.StatusCode, a.text)
	}
}

func TestAcknowledgeAndPassAnswerWhatCameOfThem(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	path := "/api/v1/requests/" + reference
	w.ask(reference, w.book.People[0].ID)
	if a := w.call("POST", path+"/pass", w.colleague, ""); a.StatusCode != http.StatusConflict || a.problem(t) != "cannot_pass" {
		t.Errorf("pass without being asked: %d %s", a.StatusCode, a.text)
	}
	a := w.call("POST", path+"/acknowledge", w.officer, "")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"status":"acknowledged"`) || a.Header.Get("Dutyline-Position") == "" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("POST", path+"/acknowledge", w.officer, "{}"); a.StatusCode != http.StatusOK {
		t.Errorf("twice: %d %s", a.StatusCode, a.text)
	}
	late := w.call("POST", path+"/acknowledge", w.colleague, "")
	if late.StatusCode != http.StatusConflict || late.problem(t) != "taken" || !strings.Contains(late.text, w.book.People[0].CallSign) || strings.Contains(late.text, w.book.People[0].Name) {
		t.Errorf("late: %d %s", late.StatusCode, late.text)
	}
	if a := w.call("POST", path+"/acknowledge", w.coordinator, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("coordinator: %d", a.StatusCode)
	}
	if a := w.call("POST", path+"/pass", w.officer, `{"reason":"my shift ends"}`); a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"status":"received"`) {
		t.Errorf("pass: %d %s", a.StatusCode, a.text)
	}
	w.call("POST", path+"/withdraw", w.sender, `{"reason":"x"}`)
	if a := w.call("POST", path+"/acknowledge", w.officer, ""); a.StatusCode != http.StatusConflict || a.problem(t) != "withdrawn" {
		t.Errorf("after the end: %d %s", a.StatusCode, a.text)
	}
}

func TestTheLogShowsEventsAndNothingSealed(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.ask(reference, w.book.People[0].ID)
	a := w.call("GET", "/api/v1/requests/"+reference+"/log", w.coordinator, "")
	var events []map[string]any
	a.into(t, &events)
	if len(events) != 3 || strings.Contains(a.text, "zebra") {
		t.Fatalf("%d events: %s", len(events), a.text)
	}
	first, last := events[0], events[2]
	if first["type"] != "received" || first["sealed"] != true || first["request"] != reference || first["seq"] != 1.0 || !strings.HasSuffix(first["id"].(string), ".0") {
		t.Errorf("first: %v", first)
	}
	if last["type"] != "page_ordered" || last["sealed"] != nil || !strings.HasSuffix(last["id"].(string), ".1") || last["body"].(map[string]any)["page"] != "p1" {
		t.Errorf("last: %v", last)
	}
	for _, member := range []string{"v", "id", "request", "seq", "prev", "type", "time", "node", "actor", "body"} {
		if _, ok := first[member]; !ok {
			t.Errorf("%s is missing", member)
		}
	}
	lines := w.call("GET", "/api/v1/requests/"+reference+"/log", w.coordinator, "", "Accept", "application/x-ndjson")
	if n := strings.Count(lines.text, "\n"); n != 3 || lines.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d lines of %s", n, lines.Header.Get("Content-Type"))
	}
	for line := range strings.Lines(lines.text) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if a := w.call("GET", "/api/v1/requests/"+reference+"/log", w.officer, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("officer: %d", a.StatusCode)
	}
	if a := w.call("GET", "/api/v1/requests/7K4M-2QX9-D/log", w.coordinator, ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("unknown: %d", a.StatusCode)
	}
}

func TestAlarmsStandWithTheirTime(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.raised()
	w.ask(reference, w.book.People[0].ID, request.AlarmBody{Kind: request.AlarmNobody, Cause: "level 2"})
	a := w.call("GET", "/api/v1/alarms", w.officer, "")
	want := `[{"reference":"` + reference + `","kind":"nobody_on_duty","cause":"level 2","since":"2026-03-04T22:05:00.000Z","cleared_at":null,"paged":[]}]` + "\n"
	if a.text != want {
		t.Errorf("got  %s\nwant %s", a.text, want)
	}
	w.call("POST", "/api/v1/requests/"+reference+"/acknowledge", w.officer, "")
	if a := w.call("GET", "/api/v1/alarms", w.officer, ""); a.text != "[]\n" {
		t.Errorf("after the acknowledgement: %s", a.text)
	}
}

func TestHealthTellsWhatDoesNotWork(t *testing.T) {
	w := newWorld(t)
	if a := w.call("GET", "/livez", "", ""); a.StatusCode != http.StatusOK {
		t.Errorf("livez: %d", a.StatusCode)
	}
	if a := w.call("GET", "/readyz", "", ""); a.StatusCode != http.StatusOK || a.text != `{"ok":true,"parts":[{"name":"log","ok":true}]}`+"\n" {
		t.Errorf("readyz: %d %s", a.StatusCode, a.text)
	}
	w.parts[0].OK = false
	if a := w.call("GET", "/readyz", "", ""); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.text, `"ok":false`) {
		t.Errorf("readyz: %d %s", a.StatusCode, a.text)
	}
}
