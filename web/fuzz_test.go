package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

type fuzzedCall struct{ method, path, who string }

// calls are the calls that FuzzCall makes: a method, a path in which {ref} stands for a request of the sender's and {text} for any text, and
// whose call it is.
var calls = []fuzzedCall{
	{"POST", "/api/v1/requests", "sender"},
	{"PATCH", "/api/v1/requests/{ref}", "sender"},
	{"POST", "/api/v1/requests/{ref}/withdraw", "sender"},
	{"GET", "/api/v1/requests/{text}", "sender"},
	{"POST", "/api/v1/requests/{ref}/acknowledge", "officer"},
	{"POST", "/api/v1/requests/{ref}/pass", "officer"},
	{"POST", "/api/v1/requests/{ref}/undo", "officer"},
	{"PUT", "/api/v1/roster?dry_run=true", "coordinator"},
	{"POST", "/api/v1/senders", "coordinator"},
	{"GET", "/api/v1/duty?at={text}", "officer"},
	{"GET", "/api/v1/requests/{ref}", "token"},
	{"POST", "/api/v1/roster/revert?dry_run=true", "coordinator"},
	{"GET", "/api/v1/roster/gaps?from={text}", "officer"},
	{"POST", "/api/v1/roster/rotation?dry_run=true", "coordinator"},
	{"POST", "/api/v1/roster/takeover?dry_run=true", "officer"},
	{"POST", "/api/v1/roster/giveback?dry_run=true", "coordinator"},
	{"POST", "/api/v1/roster/covers?dry_run=true", "coordinator"},
	{"POST", "/api/v1/roster/covers/{text}/accept?dry_run=true", "officer"},
	{"POST", "/api/v1/roster/covers/c1/decline?dry_run=true", "coordinator"},
	{"POST", "/api/v1/roster/swaps?dry_run=true", "coordinator"},
	{"POST", "/api/v1/roster/swaps/s1/accept?dry_run=true", "coordinator"},
	{"GET", "/api/v1/roster/covers?state={text}", "officer"},
	{"GET", "/api/v1/roster/readiness?until={text}", "officer"},
	{"PUT", "/api/v1/roster/people/ada/pin?dry_run=true", "officer"},
	{"DELETE", "/api/v1/roster/people/ada/pin?dry_run=true", "coordinator"},
	{"PUT", "/api/v1/roster/people/{text}/pin?dry_run=true", "officer"},
	{"GET", "/api/v1/canary?{text}", "coordinator"},
	{"GET", "/api/v1/people/ada/webhook-key?contact={text}", "coordinator"},
	{"GET", "/api/v1/people/{text}/webhook-key", "officer"},
	{"POST", "/api/v1/people/{text}/test-page", "officer"},
	{"GET", "/api/v1/people/ada/test-page/{text}", "officer"},
}

// refused says which statuses each code may have; a code that is not in the contract is none.
var refused = map[string]int{
	"unreadable": 400, "unauthorized": 401, "forbidden": 403, "not_found": 404, "taken": 409, "withdrawn": 409, "cannot_pass": 409, "undo_over": 409, "not_yours": 409, "not_possible": 409,
	"version_mismatch": 412, "too_large": 413, "unsupported_media_type": 415, "invalid": 422, "unverified_on_duty": 422, "idempotency_key_reused": 422, "version_required": 428,
}

// FuzzCall makes any call with any body and headers. The answer is one of the contract's, never a fault of the server's; a refusal is a whole
// problem document whose fields each say what to do, and it changes nothing. A request that is raised can be shown, with the ETag and at the
// place that the answer named; an amendment was made from the version that stood; and no token but a sender's own sees the request.
func FuzzCall(f *testing.F) {
	add := func(call uint8, text, kind, match, position, key, body string) {
		f.Add(call, text, kind, match, position, key, []byte(body))
	}
	const typeJSON, typeYAML, typeMerge = "application/json", "application/yaml", "application/merge-patch+json"
	for _, body := range []string{
		preservation, `{"type":"preservation"}`, "", "null", "[]", `{"type":"preservation"}]`, `{"reason":"x"}]`, `{"reason":"x"}}`, `{"reason":1}`, `{"reason":"a","x":2}`,
		`{"type":"preservation","facts":"a","facts":"b"}`, "{\"type\":\"\xff\"}", `{"type":"preservation","a":1e999}`, `{"facts":null}`, `{"facts":"new"}`, `{"type":"interception"}`,
		`{"name":"X","state":"FR","webhook":"https://a.example/#x"}`, `{"name":"","state":"fra"}`, `{"people":[],"rosters":[{"id":"x"}]}`, `{"revision":18446744073709551616}`,
		`{"operation":"add","people":["dalia","ada"],"place":1,"at":"2026-03-05T00:00:00Z","keep_current":false}`, `{"operation":"remove","person":"bruno"}`,
		`{"operation":"length","unit":"pattern","pattern":[{"weekday":"mon","at":"08:00"}],"length":1,"base":1}`, `{"operation":"length","unit":"month","length":366,"handover":"24:00","base":1}`,
		`{"operation":"restrictions","restrictions":[{"from":"22:00","until":"06:00","weekdays":["sat"],"until_day":"mon"}],"base":1,"at":"2199-12-31T00:00:00Z"}`,
		`{"operation":"reorder","turns":[["erik"],["dalia"],["carmen"],["bruno"],["ada"]],"base":1}`, `{"person":"carmen","until":"2026-03-05T04:00:00.0001Z","instead":"bruno"}`,
		`{"person":"bruno","from":"2026-03-04T00:00:00Z","until":"2027-03-04T00:00:00Z","to":["ada","dalia"]}`, `{"one":{"person":"bruno"},"other":{"person":"dalia","until":"2026-03-20T00:00:00Z"}}`,
	} {
		for call := range calls {
			add(uint8(call), "7K4M-2QX9-D", "", `"1"`, "", "", body)
		}
		add(0, "", typeYAML, "", "", "k", body)
	}
	add(0, "", typeYAML, "", "", "k", "type: preservation\nfacts: &a x\nauthority: *a\n")
	add(0, "", typeYAML, "", "", "k", "type: preservation\ntype: interception\n")
	add(0, "", typeYAML, "", "1", strings.Repeat("k", 256), "type: preservation\n")
	add(0, "", "text/plain", "", "-1", "k\x00", "type: preservation\n")
	add(0, "", "application/json; charset=\xff", "", "zzzzzzzzzzzzzz", "k", "{}")
	for _, match := range []string{`"1"`, "1", `W/"1"`, "*", `"1", "2"`, `"4611686018427387904"`, `"-1"`, `""`, "", `"01"`, "\"\u0661\""} {
		add(1, "", typeMerge, match, "", "", `{"facts":"new"}`)
		add(7, "", typeJSON, match, "", "", `{}`)
	}
	add(1, "", typeJSON, `"1"`, "", "", `{}`)
	add(3, "7k4m 2qx9 d", "", "", "", "", "")
	add(9, "2026-12-31T23:59:60Z", "", "", "", "", "")
	add(9, "9999-12-31T23:59:59-23:59", "", "", "", "", "")
	add(9, "0000-01-01T00:00:00Z", "", "", "", "", "")
	add(10, "dl_a_b", "", "", "", "", "")
	add(10, "dl__", "", "", "", "", "")
	w := newWorld(f)
	gatewayOf(w, "ada")
	w.book.Rosters[0].Covers = []roster.Cover{{ID: "c1", Person: "bruno", From: w.now, Until: w.now.Add(9 * time.Hour), State: roster.CoverOpen}}
	w.book.Rosters[0].Swaps = []roster.Swap{{
		ID: "s1", State: roster.CoverOpen, One: roster.Part{Person: "bruno", From: w.now, Until: w.now.Add(9 * time.Hour)},
		Other: roster.Part{Person: "carmen", From: w.now.AddDate(0, 0, 7), Until: w.now.AddDate(0, 0, 8)},
	}}
	f.Fuzz(func(t *testing.T, call uint8, text, kind, match, position, key string, body []byte) {
		if n, err := strconv.ParseUint(position, 36, 64); err == nil && n > 1 {
			t.Skip("a read waits for a position that is to come")
		}
		w.t = t
		w.log.clear()
		w.logs.TakeAll()
		raised := w.raised()
		c := calls[int(call)%len(calls)]
		got := w.fuzzed(c, raised.Reference, text, kind, match, position, key, string(body))
		if got.StatusCode >= 300 && got.StatusCode != http.StatusNotModified {
			if got.StatusCode < 400 {
				return // the path is written in another way
			}
			var p struct {
				Errors []request.FieldError
			}
			if code := got.problem(t); refused[code] != got.StatusCode && !(code == "too_many_failed_sign_ins" && c.who == "token") {
				t.Fatalf("%s %s: %d %s", c.method, c.path, got.StatusCode, got.text)
			}
			got.into(t, &p)
			for _, e := range p.Errors {
				if e.Code == "" || e.Detail == "" || e.Fix == "" {
					t.Fatalf("a field without a reason or a fix: %s", got.text)
				}
			}
			if shown := w.shown(raised.Reference); !reflect.DeepEqual(shown, raised) {
				t.Fatalf("%d, and the request is %+v after %+v", got.StatusCode, shown, raised)
			}
			return
		}
		if c.who == "token" && !slices.Contains([]string{w.sender, w.officer, w.colleague, w.coordinator}, text) {
			t.Fatalf("the token %q admits", text)
		}
		switch c.path {
		case "/api/v1/requests":
			var receipt request.Receipt
			got.into(t, &receipt)
			if got.StatusCode != http.StatusAccepted || got.Header.Get("Location") != "/api/v1/requests/"+receipt.Reference || got.Header.Get("ETag") != `"1"` || len(key) > 255 {
				t.Fatalf("%d %v", got.StatusCode, got.Header)
			}
			if shown := w.shown(receipt.Reference); !reflect.DeepEqual(shown, receipt) && shown.Version == 1 {
				t.Fatalf("answered %+v, shown %+v", receipt, shown)
			}
		case "/api/v1/requests/{ref}":
			if c.method == "PATCH" && strings.Trim(strings.TrimPrefix(strings.TrimSpace(match), "W/"), `"0`) != "1" {
				t.Fatalf("amended from the version %q", match)
			}
		case "/api/v1/people/{text}/webhook-key":
			t.Fatalf("an officer is shown a key: %s", got.text)
		case "/api/v1/duty?at={text}", "/api/v1/canary?{text}", "/api/v1/people/ada/webhook-key?contact={text}":
			if !json.Valid([]byte(got.text)) {
				t.Fatalf("no JSON: %s", got.text)
			}
		}
	})
}

// fuzzed makes one call with the arguments of FuzzCall.
func (w *world) fuzzed(c fuzzedCall, reference, text, kind, match, position, key, body string) answer {
	token := map[string]string{"sender": w.sender, "officer": w.officer, "coordinator": w.coordinator, "token": text}[c.who]
	target := strings.NewReplacer("{ref}", reference, "{text}", url.QueryEscape(text)).Replace(c.path)
	r := httptest.NewRequestWithContext(w.t.Context(), c.method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	for name, value := range map[string]string{"Content-Type": kind, "If-Match": match, "Dutyline-Position": position, "Idempotency-Key": key, "If-None-Match": match} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	recorder := httptest.NewRecorder()
	w.web.ServeHTTP(recorder, r)
	return answer{recorder.Result(), recorder.Body.String()}
}

// shown is a request as its sender sees it.
func (w *world) shown(reference string) request.Receipt {
	w.t.Helper()
	var receipt request.Receipt
	w.call("GET", "/api/v1/requests/"+reference, w.sender, "").into(w.t, &receipt)
	return receipt
}
