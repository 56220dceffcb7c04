package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestAnUnverifiedTelephoneOnDutyMustBeConfirmedAndTheHistoryKeepsWhoDidIt(t *testing.T) {
	w := newWorld(t)
	person := w.book.People[0]
	var body map[string]any
	w.call("GET", "/api/v1/roster", w.coordinator, "").into(t, &body)
	for _, contact := range body["people"].([]any)[0].(map[string]any)["contacts"].([]any) {
		contact.(map[string]any)["verified"] = false
	}
	edited, _ := json.Marshal(body)
	preview := w.call("PUT", "/api/v1/roster?dry_run=true", w.coordinator, string(edited), "If-Match", `"1"`)
	if preview.StatusCode != http.StatusOK || !strings.Contains(preview.text, `"confirm_unverified":["`+person.ID+`"]`) {
		t.Errorf("preview: %d %s", preview.StatusCode, preview.text)
	}
	for _, query := range []string{"", "?confirm_unverified=", "?confirm_unverified=nobody-of-that-name"} {
		a := w.call("PUT", "/api/v1/roster"+query, w.coordinator, string(edited), "If-Match", `"1"`)
		if a.StatusCode != http.StatusUnprocessableEntity || w.book.Revision != 1 {
			t.Errorf("%q: %d %s, revision %d", query, a.StatusCode, a.text, w.book.Revision)
		}
		for _, want := range []string{`"code":"unverified_on_duty"`, person.CallSign, "--confirm-unverified " + person.ID, "Nothing was stored"} {
			if !strings.Contains(a.text, want) {
				t.Errorf("%q lacks %q: %s", query, want, a.text)
			}
		}
		if strings.Contains(a.text, person.Name) || strings.Contains(a.text, person.Contacts[0].Address) {
			t.Errorf("it tells what is personal: %s", a.text)
		}
	}
	if a := w.call("PUT", "/api/v1/roster?confirm_unverified=someone&confirm_unverified="+person.ID, w.coordinator, string(edited), "If-Match", `"1"`); a.StatusCode != http.StatusOK {
		t.Fatalf("confirmed: %d %s", a.StatusCode, a.text)
	}
	history := w.call("GET", "/api/v1/roster/history", w.coordinator, "")
	if !strings.Contains(history.text, `"confirmed_unverified":["`+person.ID+`"]`) {
		t.Errorf("history: %s", history.text)
	}
	// A revert keeps the telephones of today: what was confirmed is not asked for again.
	if a := w.call("POST", "/api/v1/roster/revert", w.coordinator, `{"revision":1,"reason":"back"}`, "If-Match", `"2"`); a.StatusCode != http.StatusOK {
		t.Errorf("revert: %d %s", a.StatusCode, a.text)
	}
}

func TestAnEditInAFewWordsAsksForTheSameConfirmationAndATakeoverWaitsForNone(t *testing.T) {
	w := newWorld(t)
	silent := newcomer(1)
	silent.Contacts[0].Verified = false
	w.book.People = append(w.book.People, silent)
	add := `{"operation":"add","people":["` + silent.ID + `"]}`
	if a := w.call("POST", "/api/v1/roster/rotation", w.coordinator, add); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, `"unverified_on_duty"`) || w.book.Revision != 1 {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	w.edit("rotation?confirm_unverified="+silent.ID, w.coordinator, add)

	w = newWorld(t)
	w.book.People = append(w.book.People, silent)
	w.edit("takeover", w.coordinator, `{"person":"`+silent.ID+`"}`)
	history := w.call("GET", "/api/v1/roster/history", w.coordinator, "")
	if !strings.Contains(history.text, `"confirmed_unverified":["`+silent.ID+`"]`) {
		t.Errorf("history: %s", history.text)
	}
}
