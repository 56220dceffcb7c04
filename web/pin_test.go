package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/vault"
)

// pinKey makes the digests of PINs.
var pinKey = vault.Key{2}

const adasPIN = "/api/v1/roster/people/ada/pin"

func (w *world) hasPIN(person, pin string) bool {
	for _, p := range w.book.People {
		if p.ID == person {
			return pinKey.IsPIN(person, p.PINDigest, pin)
		}
	}
	return false
}

func TestAnOfficerSetsTheirOwnPINAndACoordinatorAnybodys(t *testing.T) {
	w := newWorld(t)
	a := w.call("PUT", adasPIN, w.officer, `{"pin":"835172"}`)
	if a.StatusCode != http.StatusOK || a.Header.Get("ETag") != `"2"` || !strings.Contains(a.text, `"pin":{"person":"ada","pin":true}`) || !w.hasPIN("ada", "835172") {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("PUT", "/api/v1/roster/people/bruno/pin", w.officer, `{"pin":"835172"}`); a.StatusCode != http.StatusForbidden {
		t.Errorf("a colleague's: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("PUT", "/api/v1/roster/people/bruno/pin", w.coordinator, `{"pin":"70914263","reason":"telephone lost"}`); a.StatusCode != http.StatusOK || !w.hasPIN("bruno", "70914263") || !w.hasPIN("ada", "835172") {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("DELETE", adasPIN, w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender: %d", a.StatusCode)
	}
	if a := w.call("DELETE", adasPIN, w.colleague, ""); a.StatusCode != http.StatusForbidden || !w.hasPIN("ada", "835172") {
		t.Errorf("a colleague takes it away: %d", a.StatusCode)
	}
	if a := w.call("DELETE", adasPIN+"?dry_run=true", w.coordinator, ""); a.StatusCode != http.StatusOK || !w.hasPIN("ada", "835172") {
		t.Errorf("only looked at: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("DELETE", adasPIN, w.coordinator, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"changed":true`) || !strings.Contains(a.text, `"pin":{"person":"ada","pin":false}`) || w.book.People[0].PINDigest != "" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("DELETE", adasPIN, w.officer, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"changed":false`) {
		t.Errorf("there is none: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("PUT", "/api/v1/roster/people/nobody/pin", w.coordinator, `{"pin":"835172"}`); a.StatusCode != http.StatusNotFound {
		t.Errorf("nobody: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("PUT", adasPIN, w.officer, `{"pin":"835172"}`, "If-Match", `"1"`); a.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("an old revision: %d %s", a.StatusCode, a.text)
	}
	history := w.call("GET", "/api/v1/roster/history", w.coordinator, "").text
	for _, want := range []string{`"kind":"officer","id":"ada"},"reason":"PIN set"`, `"reason":"PIN set of bruno: telephone lost"`, `"reason":"PIN removed of ada"`} {
		if !strings.Contains(history, want) {
			t.Errorf("the history lacks %s: %s", want, history)
		}
	}
}

func TestWhatIsGuessedFirstIsNoPINAndNoAnswerRepeatsWhatWasSent(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{
		`{"pin":"7777"}`, `{"pin":"345678"}`, `{"pin":"9876"}`, `{"pin":"4747"}`, `{"pin":"483"}`, `{"pin":"483920175"}`, `{"pin":"48392x"}`, `{"pin":"٤٨٣٩٢٠"}`,
		`{"pin":"55501"}`, `{"pin":483920}`, `{"pin":["483920"]}`, `{}`, `{"pin":""}`, `{"pin":"483920","pim":"483921"}`, `{"pin":"483920","reason":7}`, `{"pin":"483920"`,
	} {
		a := w.call("PUT", adasPIN, w.officer, body)
		if a.StatusCode/100 != 4 || w.book.People[0].PINDigest != "" || w.book.Revision != 1 {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.text)
		}
		a.problem(t)
		for _, part := range []string{"7777", "345678", "9876,", "4747", "48392", "55501", "٤٨٣٩٢٠"} {
			if strings.Contains(a.text, part) {
				t.Errorf("%s: the answer has %s: %s", body, part, a.text)
			}
		}
	}
	w.call("PUT", adasPIN, w.officer, `{"pin":"835172"}`)
	for _, line := range w.logs.All() {
		if data, _ := json.Marshal(line.ContextMap()); strings.Contains(line.Message+string(data), "835172") {
			t.Errorf("the log has it: %s %s", line.Message, data)
		}
	}
}

// A document says who has a PIN, and neither brings one, nor takes one away, nor carries its digest.
func TestADocumentNeitherCarriesNorChangesAPIN(t *testing.T) {
	w := newWorld(t)
	w.call("PUT", adasPIN, w.officer, `{"pin":"835172"}`)
	digest := w.book.People[0].PINDigest
	exported := w.call("GET", "/api/v1/roster", w.coordinator, "")
	if strings.Contains(exported.text, "pin_digest") || strings.Count(exported.text, `"pin":true`) != 1 {
		t.Fatalf("%s", exported.text)
	}
	if seen := w.call("GET", "/api/v1/roster", w.colleague, "").text; strings.Contains(seen, `"pin"`) {
		t.Errorf("a colleague sees who has one: %s", seen)
	}
	older := pinKey.PINDigest("ada", "111222")
	for name, change := range map[string]func(p map[string]any){
		"as it was exported":   func(map[string]any) {},
		"without the member":   func(p map[string]any) { delete(p, "pin") },
		"with another":         func(p map[string]any) { p["pin"] = false },
		"with an older digest": func(p map[string]any) { p["pin_digest"] = older },
	} {
		var document map[string]any
		w.call("GET", "/api/v1/roster", w.coordinator, "").into(t, &document)
		ada := document["people"].([]any)[0].(map[string]any)
		change(ada)
		ada["call_sign"] = "EAGLE" + string('A'+rune(len(name)%26))
		body, _ := json.Marshal(document)
		a := w.call("PUT", "/api/v1/roster", w.coordinator, string(body), "If-Match", strings.Trim(w.call("GET", "/api/v1/roster", w.coordinator, "").Header.Get("ETag"), " "))
		if a.StatusCode != http.StatusOK || w.book.People[0].PINDigest != digest || strings.Contains(a.text, "pin_digest") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	// Somebody new comes without one, and what looks like a PIN is refused.
	var document map[string]any
	w.call("GET", "/api/v1/roster", w.coordinator, "").into(t, &document)
	people := document["people"].([]any)
	added := map[string]any{
		"id": "fay", "call_sign": "FALCON", "name": "Fay Example", "languages": []string{"en"}, "pin_digest": older,
		"contacts": []any{map[string]any{"id": "m", "channel": "sms", "address": "+15005550109", "verified": true}},
	}
	document["people"] = append(people, added)
	put := func() answer {
		body, _ := json.Marshal(document)
		return w.call("PUT", "/api/v1/roster", w.coordinator, string(body), "If-Match", w.call("GET", "/api/v1/roster", w.coordinator, "").Header.Get("ETag"))
	}
	if a := put(); a.StatusCode != http.StatusOK || w.book.People[len(people)].PINDigest != "" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	people[0].(map[string]any)["pin_digest"] = "835172"
	if a := put(); a.StatusCode != http.StatusUnprocessableEntity || strings.Contains(a.text, "835172") || w.book.People[0].PINDigest != digest {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	// Erased is erased.
	w.book.People[0] = roster.Person{ID: "ada", CallSign: "KESTREL", Languages: roster.Languages("en"), Erased: true}
	if a := w.call("PUT", adasPIN, w.coordinator, `{"pin":"835172"}`); a.StatusCode/100 != 4 {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}
