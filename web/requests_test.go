package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/request"
)

func TestRaiseAnswersWithReceiptLocationAndPosition(t *testing.T) {
	w := newWorld(t)
	a := w.call("POST", "/api/v1/requests", w.sender, preservation, "Idempotency-Key", "k1")
	if a.StatusCode != http.StatusAccepted || a.Header.Get("Dutyline-Position") == "" || a.Header.Get("ETag") != `"1"` {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	var receipt request.Receipt
	a.into(t, &receipt)
	if a.Header.Get("Location") != "/api/v1/requests/"+receipt.Reference || receipt.Status != request.StatusReceived || len(receipt.Missing) == 0 {
		t.Errorf("%s %s", a.Header.Get("Location"), a.text)
	}
	if len(receipt.Warnings) != 1 || receipt.Warnings[0].Field != "/colour" {
		t.Errorf("warnings: %v", receipt.Warnings)
	}
	again := w.call("POST", "/api/v1/requests", w.sender, preservation, "Idempotency-Key", "k1")
	if again.text != a.text || again.StatusCode != http.StatusAccepted {
		t.Errorf("the same key was answered differently: %s", again.text)
	}
	other := w.call("POST", "/api/v1/requests", w.sender, `{"type":"readiness_test"}`, "Idempotency-Key", "k1")
	if other.StatusCode != http.StatusUnprocessableEntity || other.problem(t) != "idempotency_key_reused" {
		t.Errorf("another body: %d %s", other.StatusCode, other.text)
	}
}

func TestRaiseTurnsAwayWhatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		token, body string
		headers     []string
		status      int
		code        string
	}{
		"no JSON":             {w.sender, `{"type":`, nil, 400, "unreadable"},
		"no type":             {w.sender, `{"facts":"x"}`, nil, 422, "invalid"},
		"an array":            {w.sender, `[]`, nil, 422, "invalid"},
		"a form":              {w.sender, `type=preservation`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		"too large":           {w.sender, `{"type":"preservation","facts":"` + strings.Repeat("x", request.MaxBody) + `"}`, nil, 413, "too_large"},
		"no token":            {"", preservation, nil, 401, "unauthorized"},
		"a wrong token":       {"dl_aaaaaaaa_bbbb", preservation, nil, 401, "unauthorized"},
		"an officer":          {w.officer, preservation, nil, 403, "forbidden"},
		"a key beyond bounds": {w.sender, preservation, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "unreadable"},
		"YAML with aliases":   {w.sender, "type: &a preservation\nfacts: *a\n", []string{"Content-Type", "application/yaml"}, 400, "unreadable"},
		"two YAML documents":  {w.sender, "type: preservation\n---\ntype: preservation\n", []string{"Content-Type", "application/yaml"}, 400, "unreadable"},
		"from another site":   {w.sender, preservation, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.call("POST", "/api/v1/requests", c.token, c.body, c.headers...)
			if a.StatusCode != c.status || a.problem(t) != c.code {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
			if (a.StatusCode == 401) != (a.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestRaiseTakesYAMLAndAnAbsentContentType(t *testing.T) {
	w := newWorld(t)
	yaml := "type: preservation\nurgency: critical\nfacts: |\n  two\n  lines\ndetails:\n  data: [a, b]\n"
	a := w.call("POST", "/api/v1/requests", w.sender, yaml, "Content-Type", "application/yaml; charset=utf-8")
	if a.StatusCode != http.StatusAccepted {
		t.Fatalf("YAML: %d %s", a.StatusCode, a.text)
	}
	var receipt request.Receipt
	a.into(t, &receipt)
	content := w.call("GET", "/api/v1/requests/"+receipt.Reference+"/content", w.officer, "")
	if !strings.Contains(content.text, `"facts":"two\nlines\n"`) || !strings.Contains(content.text, `["a","b"]`) {
		t.Errorf("content: %s", content.text)
	}
	if a := w.call("POST", "/api/v1/requests", w.sender, preservation, "Content-Type", ""); a.StatusCode != http.StatusAccepted {
		t.Errorf("no content type: %d %s", a.StatusCode, a.text)
	}
}

func TestAnOutageAnswers503WithRetryAfter(t *testing.T) {
	w := newWorld(t)
	w.log.setDown(true)
	a := w.call("POST", "/api/v1/requests", w.sender, preservation)
	if a.StatusCode != http.StatusServiceUnavailable || a.problem(t) != "unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.text)
	}
}

func TestARequestIsItsSendersAlone(t *testing.T) {
	w := newWorld(t)
	receipt := w.raised()
	for name, call := range map[string]answer{
		"show":      w.call("GET", "/api/v1/requests/"+receipt.Reference, w.other, ""),
		"amend":     w.call("PATCH", "/api/v1/requests/"+receipt.Reference, w.other, `{"facts":"x"}`, "If-Match", `"1"`, "Content-Type", "application/merge-patch+json"),
		"withdraw":  w.call("POST", "/api/v1/requests/"+receipt.Reference+"/withdraw", w.other, `{"reason":"x"}`),
		"watch":     w.call("GET", "/api/v1/requests/"+receipt.Reference+"/events", w.other, ""),
		"unknown":   w.call("GET", "/api/v1/requests/7K4M-2QX9-D", w.sender, ""),
		"malformed": w.call("GET", "/api/v1/requests/nonsense", w.sender, ""),
	} {
		if call.StatusCode != http.StatusNotFound || call.problem(t) != "not_found" {
			t.Errorf("%s: %d %s", name, call.StatusCode, call.text)
		}
	}
	for _, path := range []string{"/content", "/log"} {
		if a := w.call("GET", "/api/v1/requests/"+receipt.Reference+path, w.sender, ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("sender reads %s: %d", path, a.StatusCode)
		}
	}
}

func TestShowForgivesHowAReferenceIsWrittenAndKnowsWhatTheCallerHas(t *testing.T) {
	w := newWorld(t)
	receipt := w.raised()
	a := w.call("GET", "/api/v1/requests/"+strings.ToLower(strings.ReplaceAll(receipt.Reference, "-", "")), w.sender, "")
	if a.StatusCode != http.StatusOK || a.Header.Get("ETag") != `"1"` {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("GET", "/api/v1/requests/"+receipt.Reference, w.sender, "", "If-None-Match", `"1"`); a.StatusCode != http.StatusNotModified || a.text != "" {
		t.Errorf("the same version again: %d %s", a.StatusCode, a.text)
	}
	officer := w.call("GET", "/api/v1/requests/"+receipt.Reference, w.officer, "")
	var seen request.Receipt
	officer.into(t, &seen)
	if officer.StatusCode != http.StatusOK || len(seen.Warnings) != 0 {
		t.Errorf("officer: %d %s", officer.StatusCode, officer.text)
	}
}

func TestAmendNeedsTheVersionThatWasRead(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference
	merge := []string{"Content-Type", "application/merge-patch+json"}
	patch := func(body string, headers ...string) answer {
		return w.call("PATCH", path, w.sender, body, append(merge, headers...)...)
	}
	if a := patch(`{"offence":"fraud"}`); a.StatusCode != http.StatusPreconditionRequired || a.problem(t) != "version_required" {
		t.Errorf("without version: %d %s", a.StatusCode, a.text)
	}
	if a := patch(`{"offence":"fraud"}`, "If-Match", `"7"`); a.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("wrong version: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("PATCH", path, w.sender, `{"offence":"fraud"}`, "If-Match", `"1"`); a.StatusCode != http.StatusUnsupportedMediaType || a.Header.Get("Accept-Patch") == "" {
		t.Errorf("plain JSON: %d %v", a.StatusCode, a.Header)
	}
	if a := patch(`{"type":"stored_data"}`, "If-Match", `"1"`); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another type: %d %s", a.StatusCode, a.text)
	}
	a := patch(`{"offence":"fraud"}`, "If-Match", `"1"`)
	if a.StatusCode != http.StatusOK || a.Header.Get("ETag") != `"2"` || strings.Contains(a.text, `"/offence"`) {
		t.Errorf("amend: %d %s", a.StatusCode, a.text)
	}
}

func TestWithdrawTwiceIsNoErrorAndEndsTheRequest(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference
	for range 2 {
		a := w.call("POST", path+"/withdraw", w.sender, `{"reason":"solved"}`)
		if a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"status":"withdrawn"`) {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
	}
	if a := w.call("PATCH", path, w.sender, `{"offence":"x"}`, "Content-Type", "application/merge-patch+json", "If-Match", `"2"`); a.StatusCode != http.StatusConflict || a.problem(t) != "withdrawn" {
		t.Errorf("amend after the end: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("POST", path+"/withdraw", w.sender, `{"raeson":"solved"}`); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "/raeson") {
		t.Errorf("misspelt member: %d %s", a.StatusCode, a.text)
	}
}

func TestAReadThatPresentsAPositionWaitsForIt(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference
	done := make(chan answer)
	go func() { done <- w.call("GET", path, w.officer, "", "Dutyline-Position", "2") }()
	select {
	case a := <-done:
		t.Fatalf("answered before the position was reached: %d", a.StatusCode)
	default:
	}
	w.raised()
	if a := <-done; a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("GET", path, w.sender, "", "Dutyline-Position", "?"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("nonsense: %d", a.StatusCode)
	}
}

func TestUnknownAddressesAndMethodsAreProblems(t *testing.T) {
	w := newWorld(t)
	if a := w.call("GET", "/api/v1/nothing", w.sender, ""); a.StatusCode != http.StatusNotFound || a.problem(t) != "not_found" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	a := w.call("DELETE", "/api/v1/requests", w.sender, "")
	if a.StatusCode != http.StatusMethodNotAllowed || a.problem(t) != "method_not_allowed" || !strings.Contains(a.Header.Get("Allow"), "POST") {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.text)
	}
}

func TestOnlyFailedSignInsAreEverLimited(t *testing.T) {
	for _, redisDown := range []bool{false, true} {
		w := newWorld(t)
		if redisDown {
			w.redis.SetError("LOADING")
		}
		path := "/api/v1/requests/" + w.raised().Reference
		for n := range 25 {
			want := http.StatusUnauthorized
			if n >= 20 {
				want = http.StatusTooManyRequests
			}
			if a := w.call("GET", path, "dl_wrong_token", ""); a.StatusCode != want || (want == 429) != (a.Header.Get("Retry-After") != "") {
				t.Fatalf("try %d (Redis down: %v): %d", n, redisDown, a.StatusCode)
			}
		}
		if a := w.call("GET", path, w.sender, ""); a.StatusCode != http.StatusOK {
			t.Errorf("a valid token after that: %d", a.StatusCode)
		}
	}
}

func TestYAMLKeepsItsDigitsAndItsControls(t *testing.T) {
	w := newWorld(t)
	yaml := "type: preservation\nfacts: \"bell \\a\"\nsender_reference: 0123\ncallback_person: {phone: +15005550120}\nlegal_provision: 12.50.1\n"
	var receipt request.Receipt
	w.call("POST", "/api/v1/requests", w.sender, yaml, "Content-Type", "application/yaml").into(t, &receipt)
	content := w.call("GET", "/api/v1/requests/"+receipt.Reference+"/content", w.officer, "")
	for _, part := range []string{`"bell \u0007"`, `"0123"`, `"+15005550120"`, `"12.50.1"`} {
		if !strings.Contains(content.text, part) {
			t.Errorf("%s is missing: %s", part, content.text)
		}
	}
}

func TestWhatIsWrongWithYAMLIsToldInItsWordsAndQuotesNothing(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		"type: preservation\nfacts: zebra: x": "line 2: this is not readable YAML.",
		"facts: zebra\nfacts: zebra":          "line 2: the key stands a second time in its mapping.",
		"facts: &zebra x":                     "line 1: anchors, aliases",
		"- zebra":                             "no mapping",
		"zebra":                               "no mapping",
		"":                                    "there is no document",
		"# zebra":                             "there is no document",
		"facts: \xff zebra":                   "line 1: the text is not UTF-8",
	} {
		a := w.call("POST", "/api/v1/requests", w.sender, body, "Content-Type", "application/yaml")
		if a.StatusCode != http.StatusBadRequest || a.problem(t) != "unreadable" || !strings.Contains(a.text, want) || !strings.Contains(a.text, "YAML") ||
			strings.Contains(a.text, "JSON") || strings.Contains(a.text, "zebra") {
			t.Errorf("%q: %d %s", body, a.StatusCode, a.text)
		}
	}
	reference := w.raised().Reference
	for body, status := range map[string]int{"reason: [": 400, "": 200, "reason: enough": 200} {
		if a := w.call("POST", "/api/v1/requests/"+reference+"/withdraw", w.sender, body, "Content-Type", "application/yaml"); a.StatusCode != status || strings.Contains(a.text, "JSON") {
			t.Errorf("withdraw with %q: %d %s", body, a.StatusCode, a.text)
		}
	}
}

// A body that Go's decoder reads to the end of its first value has to end there, and no member of it may stand twice: neither was seen of a
// bracket too many, and of two lists of people the last one alone would have been stored.
func TestABodyIsReadWholeAndOnce(t *testing.T) {
	w := newWorld(t)
	raised := w.raised()
	for _, c := range []struct{ method, path, token, body string }{
		{"POST", "/api/v1/requests/" + raised.Reference + "/withdraw", w.sender, `{"reason":"x"}]`},
		{"POST", "/api/v1/requests/" + raised.Reference + "/withdraw", w.sender, `{"reason":"x"}}`},
		{"POST", "/api/v1/requests/" + raised.Reference + "/withdraw", w.sender, `{"reason":"x","reason":"y"}`},
		{"PUT", "/api/v1/roster", w.coordinator, `{"people":[{"id":"ada"}],"people":[]}`},
		{"POST", "/api/v1/requests", w.sender, `{"type":"preservation","type":"interception"}`},
	} {
		if a := w.call(c.method, c.path, c.token, c.body, "If-Match", `"1"`); a.StatusCode != http.StatusBadRequest || a.problem(t) != "unreadable" {
			t.Errorf("%s: %d %s", c.body, a.StatusCode, a.text)
		}
	}
	if shown := w.shown(raised.Reference); shown.Status != request.StatusReceived {
		t.Errorf("status %s", shown.Status)
	}
}

// A call without its body would have replaced the roster by an empty one.
func TestARosterIsNotReplacedByNothing(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{"", "null", "{}", `{"reason":"x","people":[]}`} {
		if a := w.call("PUT", "/api/v1/roster", w.coordinator, body, "If-Match", `"1"`); a.StatusCode != http.StatusUnprocessableEntity || a.problem(t) != "invalid" {
			t.Errorf("%q: %d %s", body, a.StatusCode, a.text)
		}
	}
}
