package web_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/roster"
)

const gateway = "https://gateway.example/pages/opensesame"

// gatewayOf gives a person two webhooks.
func gatewayOf(w *world, person string) {
	w.web.GatewaySecret = func(address string) string { return "whsec of " + address }
	w.editing.Lock()
	defer w.editing.Unlock()
	w.book.People = slices.Clone(w.book.People)
	p := &w.book.People[slices.IndexFunc(w.book.People, func(p roster.Person) bool { return p.ID == person })]
	p.Contacts = append(slices.Clone(p.Contacts),
		roster.Contact{ID: "display", Channel: roster.Webhook, Address: gateway}, roster.Contact{ID: "bot", Channel: roster.Webhook, Address: gateway + "/bot"})
}

func TestTheKeyOfAWebhookIsShownToCoordinatorsAtWill(t *testing.T) {
	w := newWorld(t)
	gatewayOf(w, "ada")
	for path, want := range map[string]string{
		"ada/webhook-key":                 `{"person":"ada","contact":"display","webhook_secret":"whsec of ` + gateway + `"}`,
		"ada/webhook-key?contact=display": `{"person":"ada","contact":"display","webhook_secret":"whsec of ` + gateway + `"}`,
		"ada/webhook-key?contact=bot":     `{"person":"ada","contact":"bot","webhook_secret":"whsec of ` + gateway + `/bot"}`,
	} {
		for range 2 {
			a := w.call("GET", "/api/v1/people/"+path, w.coordinator, "")
			if a.StatusCode != http.StatusOK || strings.TrimSpace(a.text) != want || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s, want %s", path, a.StatusCode, a.text, want)
			}
		}
	}
	for path, want := range map[string]string{
		"bruno/webhook-key":              "Give them one",
		"ada/webhook-key?contact=mobile": "no such contact",
		"ada/webhook-key?contact=":       "", // as if it were left out
		"zoe/webhook-key":                "Nobody has this identifier",
	} {
		a := w.call("GET", "/api/v1/people/"+path, w.coordinator, "")
		if want == "" {
			if a.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", path, a.StatusCode)
			}
			continue
		}
		if a.StatusCode != http.StatusNotFound || a.problem(t) != "not_found" || !strings.Contains(a.text, want) || strings.Contains(a.text, "opensesame") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
	for who, token := range map[string]string{"sender": w.sender, "officer": w.officer, "nobody": ""} {
		if a := w.call("GET", "/api/v1/people/ada/webhook-key", token, ""); a.StatusCode != http.StatusForbidden && a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", who, a.StatusCode, a.text)
		}
	}
	for _, e := range w.logs.All() {
		for _, f := range e.Context {
			if text, _ := json.Marshal(f); strings.Contains(string(text), "opensesame") {
				t.Errorf("logged: %s %s", e.Message, text)
			}
		}
	}
}

func TestAWebhookThatWouldNotBeCalledIsRefusedInThePreviewToo(t *testing.T) {
	w := newWorld(t)
	w.web.Gateway = func(address string) (detail, fix string, ok bool) {
		return "It would not be called.", "Use another.", !strings.HasPrefix(address, "https://10.")
	}
	put := func(path, address string) answer {
		t.Helper()
		read := w.call("GET", "/api/v1/roster", w.coordinator, "")
		var book roster.Book
		read.into(t, &book)
		for i := range book.People[:2] { // two people may share one
			contacts := book.People[i].Contacts
			if contacts[len(contacts)-1].Channel == roster.Webhook {
				contacts = contacts[:len(contacts)-1]
			}
			book.People[i].Contacts = append(contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: address})
		}
		body, err := json.Marshal(struct {
			roster.Book
			Reason string `json:"reason"`
		}{book, "a display"})
		must(t, err)
		return w.call("PUT", "/api/v1/roster"+path, w.coordinator, string(body), "If-Match", read.Header.Get("ETag"))
	}
	for _, path := range []string{"", "?dry_run=true"} {
		a := put(path, "https://10.1.2.3/opensesame")
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, `"/people/1/contacts/2/address"`) || !strings.Contains(a.text, "Use another.") || strings.Contains(a.text, "opensesame") {
			t.Errorf("%q: %d %s", path, a.StatusCode, a.text)
		}
		if a := put(path, "http://gateway.example/opensesame"); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "https://") || strings.Contains(a.text, "opensesame") {
			t.Errorf("%q: %d %s", path, a.StatusCode, a.text)
		}
	}
	if a := put("", gateway); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	for who, token := range map[string]string{"officer": w.officer, "coordinator": w.coordinator} {
		if a := w.call("GET", "/api/v1/roster", token, ""); strings.Contains(a.text, "opensesame") != (who == "coordinator") {
			t.Errorf("%s reads %s", who, a.text)
		}
	}
	if a := w.call("GET", "/api/v1/roster/readiness", w.officer, ""); strings.Contains(a.text, "display") {
		t.Errorf("readiness takes it for a telephone: %s", a.text)
	}
}
