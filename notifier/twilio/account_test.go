package twilio_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/dutyline/dutyline/notifier/twilio"
)

// account is a vendor that knows of one account and its numbers.
func account(t *testing.T, status string, numbers ...map[string]any) *twilio.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != sid || password != authToken {
			refuse(w, http.StatusUnauthorized, 20003)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/2010-04-01/Accounts/" + sid + ".json":
			_ = json.NewEncoder(w).Encode(map[string]any{"sid": sid, "status": status})
		case "/2010-04-01/Accounts/" + sid + "/IncomingPhoneNumbers.json":
			found := slices.DeleteFunc(slices.Clone(numbers), func(n map[string]any) bool { return n["phone_number"] != r.URL.Query().Get("PhoneNumber") })
			_ = json.NewEncoder(w).Encode(map[string]any{"incoming_phone_numbers": found})
		default:
			refuse(w, http.StatusNotFound, 20404)
		}
	}))
	t.Cleanup(server.Close)
	o := options()
	o.BaseURL = server.URL
	return newClient(t, o)
}

func TestAnAccountThatMaySendIsToldFromOneThatMayNot(t *testing.T) {
	if failed := account(t, "active").Account(t.Context()); failed != nil {
		t.Errorf("an active account: %+v", failed)
	}
	if failed := account(t, "suspended").Account(t.Context()); failed == nil || failed.Code != "account_suspended" {
		t.Errorf("a suspended account: %+v", failed)
	}
	v := newVendor(t)
	v.answers(http.StatusUnauthorized, http.Header{"Content-Type": {"application/json"}}, `{"code":20003,"status":401}`)
	if failed := v.client.Account(t.Context()); failed == nil || failed.Code != "20003" {
		t.Errorf("a wrong token: %+v", failed)
	}
	if _, err := v.client.Abilities(t.Context()); err == nil {
		t.Error("numbers are told without an answer")
	}
}

func TestWhatEachNumberCanDoIsAsked(t *testing.T) {
	const inbound = public + twilio.InboundPath
	number := func(n string, texts, calls bool, more map[string]any) map[string]any {
		of := map[string]any{"phone_number": n, "capabilities": map[string]bool{"sms": texts, "voice": calls}}
		maps.Copy(of, more)
		return of
	}
	for name, c := range map[string]struct {
		has  []map[string]any
		want twilio.Number
	}{
		"as it should be":      {[]map[string]any{number("+15005550006", true, true, map[string]any{"sms_url": inbound + "#rc=5", "sms_method": "POST"})}, twilio.Number{Owned: true, Texts: true, Calls: true, InboundOK: true}},
		"an application":       {[]map[string]any{number("+15005550006", true, true, map[string]any{"sms_application_sid": "AP1"})}, twilio.Number{Owned: true, Texts: true, Calls: true, InboundOK: true}},
		"replies go elsewhere": {[]map[string]any{number("+15005550006", true, false, map[string]any{"sms_url": "https://demo.example/"})}, twilio.Number{Owned: true, Texts: true}},
		"replies by GET":       {[]map[string]any{number("+15005550006", false, true, map[string]any{"sms_url": inbound, "sms_method": "GET"})}, twilio.Number{Owned: true, Calls: true}},
		"somebody else's":      {nil, twilio.Number{}},
	} {
		got, err := account(t, "active", c.has...).Abilities(t.Context())
		c.want.Number = "+15005550006"
		if err != nil || len(got) != 2 || got[0] != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
