package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/roster"
)

func TestDutySaysWhoAndWhy(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/v1/duty", w.officer, "")
	var duty roster.Duty
	a.into(t, &duty)
	if a.StatusCode != http.StatusOK || len(duty.OnDuty) != 1 || len(duty.OnDuty[0].Why) == 0 || duty.OnDuty[0].CallSign == "" || !strings.Contains(a.text, `"at":"2026-03-04T22:05:00.000Z"`) {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	later := w.call("GET", "/api/v1/duty?at=2026-03-18T12:00:00%2B01:00", w.coordinator, "")
	var then roster.Duty
	later.into(t, &then)
	if len(then.OnDuty) != 1 || then.OnDuty[0].Person == duty.OnDuty[0].Person {
		t.Errorf("two weeks later: %s", later.text)
	}
	for path, status := range map[string]int{"?at=tomorrow": 400, "?roster=none": 404} {
		if a := w.call("GET", "/api/v1/duty"+path, w.officer, ""); a.StatusCode != status {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := w.call("GET", "/api/v1/duty", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender learns who is on duty: %d", a.StatusCode)
	}
	w.book.Revision = 0
	if a := w.call("GET", "/api/v1/duty", w.officer, ""); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("no roster: %d", a.StatusCode)
	}
}

func TestNamesAndNumbersAreForCoordinators(t *testing.T) {
	w := newWorld(t)
	w.book.People[0].PINDigest = "hmac-sha256:c2VjcmV0c2VjcmV0"
	person := w.book.People[0]
	for token, shown := range map[string]bool{w.officer: false, w.coordinator: true} {
		a := w.call("GET", "/api/v1/roster", token, "")
		if strings.Contains(a.text, person.Name) != shown || strings.Contains(a.text, person.Contacts[0].Address) != shown || strings.Contains(a.text, `"pin":true`) != shown || strings.Contains(a.text, "pin_digest") || !strings.Contains(a.text, person.CallSign) {
			t.Errorf("shown %v expected: %s", shown, a.text)
		}
	}
	if w.book.People[0].Name == "" {
		t.Error("hiding changed the book itself")
	}
}

func TestTheRosterIsReplacedFromTheRevisionThatWasRead(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/v1/roster", w.coordinator, "")
	tag := a.Header.Get("ETag")
	var body map[string]any
	a.into(t, &body)
	body["people"].([]any)[0].(map[string]any)["call_sign"] = "EAGLE"
	body["reason"] = "new call sign"
	edited, _ := json.Marshal(body)
	if a := w.call("PUT", "/api/v1/roster", w.coordinator, string(edited)); a.StatusCode != http.StatusPreconditionRequired {
		t.Errorf("without revision: %d", a.StatusCode)
	}
	preview := w.call("PUT", "/api/v1/roster?dry_run=true", w.coordinator, string(edited), "If-Match", tag)
	if preview.StatusCode != http.StatusOK || !strings.Contains(preview.text, `"gaps":[]`) || w.book.Revision != 1 {
		t.Errorf("preview: %d %s, revision %d", preview.StatusCode, preview.text, w.book.Revision)
	}
	put := w.call("PUT", "/api/v1/roster", w.coordinator, string(edited), "If-Match", tag)
	if put.StatusCode != http.StatusOK || put.Header.Get("ETag") != `"2"` || w.book.People[0].CallSign != "EAGLE" {
		t.Errorf("put: %d %s", put.StatusCode, put.text)
	}
	stands := `Revision 2 stands, made at 2026-03-04T22:05:00.000Z by coordinator: \"new call sign\".`
	for _, path := range []string{"", "?dry_run=true"} {
		if a := w.call("PUT", "/api/v1/roster"+path, w.coordinator, string(edited), "If-Match", tag); a.StatusCode != http.StatusPreconditionFailed || !strings.Contains(a.text, stands) {
			t.Errorf("the old revision again (%s): %d %s", path, a.StatusCode, a.text)
		}
	}
	if a := w.call("PUT", "/api/v1/roster", w.coordinator, string(edited), "If-Match", `"2"`); a.StatusCode != http.StatusOK || a.Header.Get("ETag") != `"2"` || len(w.history) != 1 {
		t.Errorf("what stands, again: %d %s", a.StatusCode, a.text)
	}
	history := w.call("GET", "/api/v1/roster/history", w.coordinator, "")
	if !strings.Contains(history.text, `"reason":"new call sign"`) || !strings.Contains(history.text, `"revision":2`) {
		t.Errorf("history: %s", history.text)
	}
	body["people"].([]any)[0].(map[string]any)["call_sign"] = ""
	broken, _ := json.Marshal(body)
	if a := w.call("PUT", "/api/v1/roster", w.coordinator, string(broken), "If-Match", `"2"`); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "/people/0/call_sign") {
		t.Errorf("not valid: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("PUT", "/api/v1/roster", w.officer, string(edited), "If-Match", `"2"`); a.StatusCode != http.StatusForbidden {
		t.Errorf("officer: %d", a.StatusCode)
	}
}

func TestSendersAndTokensComeAndGo(t *testing.T) {
	w := newWorld(t)
	added := w.call("POST", "/api/v1/senders", w.coordinator, `{"name":"Polizia Postale","state":"it"}`)
	var sender struct {
		ID, State string
		Token     struct{ ID, Text string }
	}
	added.into(t, &sender)
	if added.StatusCode != http.StatusCreated || sender.State != "IT" || sender.Token.Text == "" {
		t.Fatalf("%d %s", added.StatusCode, added.text)
	}
	if a := w.call("POST", "/api/v1/requests", sender.Token.Text, `{"type":"readiness_test"}`); a.StatusCode != http.StatusAccepted {
		t.Errorf("raise with the new token: %d", a.StatusCode)
	}
	list := w.call("GET", "/api/v1/senders", w.coordinator, "")
	if !strings.Contains(list.text, sender.ID) || strings.Contains(list.text, sender.Token.Text) {
		t.Errorf("list: %s", list.text)
	}
	if a := w.call("DELETE", "/api/v1/senders/"+sender.ID, w.coordinator, ""); a.StatusCode != http.StatusOK || strings.Contains(a.text, `"revoked":null`) {
		t.Errorf("revoke: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("POST", "/api/v1/requests", sender.Token.Text, `{"type":"readiness_test"}`); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("raise after the revocation: %d", a.StatusCode)
	}
	if a := w.call("DELETE", "/api/v1/senders/none", w.coordinator, ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("unknown: %d", a.StatusCode)
	}
	if a := w.call("POST", "/api/v1/senders", w.coordinator, `{"name":"X","state":"Italy"}`); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "two letters") {
		t.Errorf("not valid: %d %s", a.StatusCode, a.text)
	}

	minted := w.call("POST", "/api/v1/tokens", w.coordinator, `{"role":"officer","subject":"`+w.book.People[2].ID+`","days":30}`)
	var token struct{ ID, Text, Expires string }
	minted.into(t, &token)
	if minted.StatusCode != http.StatusCreated || token.Expires != "2026-04-03T22:05:00.000Z" {
		t.Errorf("mint: %d %s", minted.StatusCode, minted.text)
	}
	if a := w.call("GET", "/api/v1/duty", token.Text, ""); a.StatusCode != http.StatusOK {
		t.Errorf("the new token: %d", a.StatusCode)
	}
	if a := w.call("DELETE", "/api/v1/tokens/"+token.ID, w.coordinator, ""); a.StatusCode != http.StatusOK {
		t.Errorf("revoke: %d", a.StatusCode)
	}
	if a := w.call("GET", "/api/v1/duty", token.Text, ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the revoked token: %d", a.StatusCode)
	}
	for _, body := range []string{`{"role":"officer","subject":"nobody"}`, `{"role":"king","subject":"x"}`, `{"role":"coordinator","subject":"c","days":-1}`} {
		if a := w.call("POST", "/api/v1/tokens", w.coordinator, body); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.text)
		}
	}
	for _, path := range []string{"/api/v1/senders", "/api/v1/tokens"} {
		if a := w.call("GET", path, w.officer, ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s for an officer: %d", path, a.StatusCode)
		}
	}
}
