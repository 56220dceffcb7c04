package web_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// These tests hold the answers to CONTRACT.md word for word: HTTP, ANSWERS, STATUS, PROBLEM, EVENT.

var instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// members checks that a JSON object has exactly the named members, and gives them.
func members(t *testing.T, data string, names ...string) map[string]json.RawMessage {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(data), &object); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(object)); !slices.Equal(got, names) {
		t.Errorf("members %v, want %v", got, names)
	}
	return object
}

func isInstant(data json.RawMessage) bool {
	var text string
	return json.Unmarshal(data, &text) == nil && instant.MatchString(text)
}

func status(t *testing.T, data string) map[string]json.RawMessage {
	t.Helper()
	return members(t, data, "reference", "version", "status", "type", "urgency", "urgency_proposed", "received_at", "acknowledged_at", "escalation", "missing", "warnings", "due")
}

func first(t *testing.T, list json.RawMessage) string {
	t.Helper()
	var items []json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil || len(items) == 0 {
		t.Fatalf("no list with something in it: %s", list)
	}
	return string(items[0])
}

func TestStatusHasTheMembersOfTheContract(t *testing.T) {
	w := newWorld(t)
	raised := w.call("POST", "/api/v1/requests", w.sender, preservation)
	s := status(t, raised.text)
	if !isInstant(s["received_at"]) || string(s["acknowledged_at"]) != "null" || string(s["escalation"]) != `"running"` || string(s["version"]) != "1" {
		t.Errorf("%s", raised.text)
	}
	if !regexp.MustCompile(`^"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z*~$=U]"$`).Match(s["reference"]) {
		t.Errorf("reference %s", s["reference"])
	}
	members(t, first(t, s["missing"]), "field", "label", "source")
	members(t, first(t, s["warnings"]), "field", "detail")
	if due := members(t, first(t, s["due"]), "clock", "at", "rule"); !isInstant(due["at"]) {
		t.Errorf("due at %s", due["at"])
	}
	path := raised.Header.Get("Location")
	if a := w.call("GET", path, w.sender, ""); a.text != raised.text {
		t.Errorf("read: %s\nwas    %s", a.text, raised.text)
	}
	if a := w.call("POST", path+"/acknowledge", w.officer, ""); !isInstant(status(t, a.text)["acknowledged_at"]) || !strings.Contains(a.text, `"escalation":"stopped"`) {
		t.Errorf("acknowledged: %s", a.text)
	}
	bare := w.call("POST", "/api/v1/requests", w.sender, `{"type":"readiness_test"}`)
	if s := status(t, bare.text); string(s["warnings"]) != "[]" {
		t.Errorf("warnings %s", s["warnings"])
	}
}

func TestAProblemHasTheMembersOfTheContract(t *testing.T) {
	w := newWorld(t)
	fields := members(t, w.call("POST", "/api/v1/requests", w.sender, `{"type":"preservation","urgency":"soon"}`).text, "type", "title", "status", "code", "detail", "errors")
	e := members(t, first(t, fields["errors"]), "field", "code", "detail", "fix")
	if string(e["field"]) != `"/urgency"` {
		t.Errorf("field %s", e["field"])
	}
	plain := members(t, w.call("GET", "/api/v1/requests/nonsense", w.sender, "").text, "type", "title", "status", "code", "detail", "errors")
	if string(plain["errors"]) != "[]" || string(plain["status"]) != "404" || string(plain["code"]) != `"not_found"` {
		t.Errorf("%s", plain)
	}
}

func TestAnEventHasTheMembersOfTheContract(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/v1/requests/"+w.raised().Reference+"/log", w.coordinator, "")
	event := members(t, first(t, json.RawMessage(a.text)), "v", "id", "request", "seq", "prev", "type", "time", "node", "actor", "body", "sealed")
	members(t, string(event["actor"]), "kind", "id")
	if !isInstant(event["time"]) {
		t.Errorf("time %s", event["time"])
	}
}

func TestWhatIsNotUnderstoodIsTurnedAwayWithFieldAndFix(t *testing.T) {
	w := newWorld(t)
	for body, field := range map[string]string{
		`{}`: "/type", `{"type":null}`: "/type", `{"type":""}`: "/type", `{"type":"sorcery"}`: "/type", `{"type":7}`: "/type",
		`{"type":"preservation","urgency":"soon"}`:                                        "/urgency",
		`{"type":"preservation","facts":["x"]}`:                                           "/facts",
		`{"type":"preservation","confidential":"yes"}`:                                    "/confidential",
		`{"type":"preservation","callback_person":"Jeanne"}`:                              "/callback_person",
		`{"type":"preservation","callback_person":{"phone":33}}`:                          "/callback_person/phone",
		`{"type":"preservation","details":[]}`:                                            "/details",
		`{"type":"eu_urgent_information","details":{"accessibility":"by night, direct"}}`: "/details/accessibility",
	} {
		a := w.call("POST", "/api/v1/requests", w.sender, body)
		var p struct{ Errors []request.FieldError }
		a.into(t, &p)
		if a.StatusCode != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Field != field || p.Errors[0].Fix == "" {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.text)
		}
	}
	for name, body := range map[string]string{"nothing": "", "white space": " \n", "half": `{"type":"preserv`, "two": `{"type":"preservation"} {}`, "too deep": `{"type":"preservation","x":` + strings.Repeat("[", 20_000)} {
		if a := w.call("POST", "/api/v1/requests", w.sender, body); a.StatusCode != http.StatusBadRequest || a.problem(t) != "unreadable" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	if n := len(w.log.refs()); n != 0 {
		t.Errorf("%d requests are stored", n)
	}
}

func TestEverythingElseIsReceived(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"the type alone":            `{"type":"readiness_test"}`,
		"nulls":                     `{"type":"preservation","facts":null,"details":null,"callback_person":null,"urgency":null}`,
		"empty texts":               `{"type":"preservation","facts":"","language":"","callback_person":{"name":"","phone":""}}`,
		"unknown members":           `{"type":"preservation","x":{"y":[1,null,"z"]},"details":{"colour":"blue"},"callback_person":{"shoe":44}}`,
		"an instrument of no table": `{"type":"preservation","instrument":"magna_carta"}`,
		"an unknown language":       `{"type":"preservation","language":"tlh"}`,
		"another instrument's clock, and no person": `{"type":"eu_urgent_information","instrument":"eu_directive_2013_40"}`,
	} {
		a := w.call("POST", "/api/v1/requests", w.sender, body)
		if a.StatusCode != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			continue
		}
		s := status(t, a.text)
		if name == "unknown members" {
			for _, field := range []string{`"/x"`, `"/details/colour"`, `"/callback_person/shoe"`} {
				if !strings.Contains(string(s["warnings"]), field) {
					t.Errorf("no warning of %s: %s", field, s["warnings"])
				}
			}
		}
		if name != "the type alone" && string(s["missing"]) == "[]" {
			t.Errorf("%s: nothing is missing", name)
		}
	}
}

func TestWithoutAKeyEveryCallIsANewRequest(t *testing.T) {
	w := newWorld(t)
	if first, second := w.raised(), w.raised(); first.Reference == second.Reference {
		t.Error("two calls without a key made one request")
	}
}

func TestYAMLThatWouldExhaustTheParserIsTurnedAway(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"brackets": "a: " + strings.Repeat("[", 250_000), "closed brackets": "a: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"braces": strings.Repeat("{a: ", 60_000), "dashes": strings.Repeat("- ", 120_000),
	} {
		if a := w.call("POST", "/api/v1/requests", w.sender, body, "Content-Type", "application/yaml"); a.StatusCode != http.StatusBadRequest || a.problem(t) != "unreadable" || !strings.Contains(a.text, "YAML") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	// Brackets within a text are no nesting.
	fine := "type: preservation\nfacts: |\n  " + strings.Repeat("[", 300) + "\noffence: '" + strings.Repeat("{", 300) + "'\ndetails: " + strings.Repeat("{a: ", 90) + strings.Repeat("}", 90) + "\n"
	if a := w.call("POST", "/api/v1/requests", w.sender, fine, "Content-Type", "application/yaml"); a.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}

func TestWhatGrowsBeyondTheLogIsTooLarge(t *testing.T) {
	w := newWorld(t)
	body := `{"type":"preservation"`
	for i := range 20000 {
		body += fmt.Sprintf(`,"m%d":1`, i) // each becomes a warning
	}
	if a := w.call("POST", "/api/v1/requests", w.sender, body+"}"); a.StatusCode != http.StatusRequestEntityTooLarge || a.problem(t) != "too_large" {
		t.Errorf("%d %.300s", a.StatusCode, a.text)
	}
}

func TestAnUnknownReferenceIsNotFoundForEverybody(t *testing.T) {
	w := newWorld(t)
	for _, ref := range []string{"7K4M-2QX9-D", "nonsense"} {
		for _, c := range [][3]string{
			{"GET", "/content", w.officer},
			{"GET", "/content", w.coordinator},
			{"POST", "/acknowledge", w.officer},
			{"POST", "/pass", w.officer},
			{"GET", "/events", w.officer},
			{"GET", "/log", w.coordinator},
			{"GET", "", w.officer},
			{"POST", "/undo", w.officer},
			{"POST", "/urgency", w.officer},
			{"POST", "/urgency", w.coordinator},
		} {
			if a := w.call(c[0], "/api/v1/requests/"+ref+c[1], c[2], map[string]string{"/urgency": `{"urgency":"critical"}`}[c[1]]); a.StatusCode != http.StatusNotFound || a.problem(t) != "not_found" {
				t.Errorf("%s %s: %d %s", c[0], c[1], a.StatusCode, a.text)
			}
		}
	}
}

func TestAmendAnswersForEveryWayItCanBeWrong(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference
	for name, c := range map[string]struct {
		token, body, kind, match string
		status                   int
		code                     string
	}{
		"no token":       {"", `{}`, "application/merge-patch+json", `"1"`, 401, "unauthorized"},
		"an officer":     {w.officer, `{}`, "application/merge-patch+json", `"1"`, 403, "forbidden"},
		"no version":     {w.sender, `{}`, "application/merge-patch+json", ``, 428, "version_required"},
		"any version":    {w.sender, `{}`, "application/merge-patch+json", `*`, 412, "version_mismatch"},
		"two versions":   {w.sender, `{}`, "application/merge-patch+json", `"1", "2"`, 412, "version_mismatch"},
		"no JSON":        {w.sender, `{`, "application/merge-patch+json", `"1"`, 400, "unreadable"},
		"no object":      {w.sender, `[]`, "application/merge-patch+json", `"1"`, 400, "unreadable"},
		"YAML":           {w.sender, `a: b`, "application/yaml", `"1"`, 415, "unsupported_media_type"},
		"too large":      {w.sender, `{"facts":"` + strings.Repeat("x", request.MaxBody) + `"}`, "application/merge-patch+json", `"1"`, 413, "too_large"},
		"wrong type":     {w.sender, `{"facts":1}`, "application/merge-patch+json", `"1"`, 422, "invalid"},
		"another's type": {w.sender, `{"urgency":"routine"}`, "application/merge-patch+json", `"1"`, 422, "invalid"},
	} {
		a := w.call("PATCH", path, c.token, c.body, "Content-Type", c.kind, "If-Match", c.match)
		if a.StatusCode != c.status || a.problem(t) != c.code {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	if a := w.call("PATCH", path, w.sender, `{"offence":"fraud"}`, "Content-Type", "application/merge-patch+json", "If-Match", `W/"1"`); a.StatusCode != http.StatusOK {
		t.Errorf("the ETag as a proxy weakens it: %d %s", a.StatusCode, a.text)
	}
}

func TestEveryReadAndWriteAnswers503WhileTheLogIsAway(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference
	w.log.setDown(true)
	for _, c := range [][4]string{
		{"POST", "/api/v1/requests", w.sender, preservation},
		{"GET", path, w.sender, ""},
		{"GET", path, w.officer, ""},
		{"GET", path + "/events", w.sender, ""},
		{"POST", path + "/withdraw", w.sender, "{}"},
		{"GET", path + "/content", w.officer, ""},
		{"POST", path + "/acknowledge", w.officer, ""},
		{"POST", path + "/pass", w.officer, ""},
		{"POST", path + "/undo", w.officer, ""},
		{"POST", path + "/urgency", w.coordinator, `{"urgency":"emergency"}`},
		{"GET", path + "/log", w.coordinator, ""},
	} {
		if a := w.call(c[0], c[1], c[2], c[3]); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "2" || a.problem(t) != "unavailable" {
			t.Errorf("%s %s: %d, Retry-After %q: %s", c[0], c[1], a.StatusCode, a.Header.Get("Retry-After"), a.text)
		}
	}
	page := w.signedIn(w.officer).open("GET", strings.Replace(path, "/api/v1/requests", "/duty", 1), "")
	if page.StatusCode != http.StatusServiceUnavailable || page.Header.Get("Retry-After") != "2" || !strings.Contains(page.text, "<html") {
		t.Errorf("page: %d %v", page.StatusCode, page.Header)
	}
}

func TestUndoAnswersForEveryWayItCanBeWrong(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference
	undo := func(what, token string, status int, code string) answer {
		t.Helper()
		a := w.call("POST", path+"/undo", token, "")
		if a.StatusCode != status || (code != "" && a.problem(t) != code) {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.text)
		}
		return a
	}
	undo("no token", "", http.StatusUnauthorized, "unauthorized")
	undo("a sender", w.sender, http.StatusForbidden, "forbidden")
	undo("a coordinator", w.coordinator, http.StatusForbidden, "forbidden")
	undo("nobody has it", w.officer, http.StatusConflict, "not_yours")
	w.call("POST", path+"/acknowledge", w.officer, "")
	late := undo("a colleague has it", w.colleague, http.StatusConflict, "taken")
	if !strings.Contains(late.text, w.book.People[0].CallSign) || strings.Contains(late.text, w.book.People[0].Name) {
		t.Errorf("taken: %s", late.text)
	}
	w.now = w.now.Add(undoWindow - 1)
	done := undo("in time", w.officer, http.StatusOK, "")
	if s := status(t, done.text); string(s["acknowledged_at"]) != "null" || string(s["status"]) != `"received"` || string(s["escalation"]) != `"running"` ||
		string(s["version"]) != "3" || done.Header.Get("ETag") != `"3"` || done.Header.Get("Dutyline-Position") == "" {
		t.Errorf("undone: %v %s", done.Header, done.text)
	}
	undo("sent twice", w.officer, http.StatusOK, "")
	w.call("POST", path+"/acknowledge", w.officer, "")
	w.now = w.now.Add(undoWindow)
	undo("too late", w.officer, http.StatusConflict, "undo_over")
	w.call("POST", path+"/withdraw", w.sender, `{"reason":"x"}`)
	undo("after the end", w.officer, http.StatusConflict, "withdrawn")
}

func TestUrgencyIsJudgedAnewAndItsSenderSeesIt(t *testing.T) {
	w := newWorld(t)
	receipt := w.raised()
	path := "/api/v1/requests/" + receipt.Reference
	for name, c := range map[string]struct {
		token, body string
		status      int
		code, field string
	}{
		"no token":            {"", `{"urgency":"routine","reason":"x"}`, 401, "unauthorized", ""},
		"a sender":            {w.sender, `{"urgency":"emergency"}`, 403, "forbidden", ""},
		"no urgency":          {w.officer, `{}`, 422, "invalid", "/urgency"},
		"no such urgency":     {w.officer, `{"urgency":"soon"}`, 422, "invalid", "/urgency"},
		"wrong type":          {w.officer, `{"urgency":1}`, 422, "invalid", "/urgency"},
		"an unknown member":   {w.officer, `{"urgency":"urgent","why":"x"}`, 422, "invalid", "/why"},
		"less without reason": {w.officer, `{"urgency":"routine","reason":" "}`, 422, "invalid", "/reason"},
	} {
		a := w.call("POST", path+"/urgency", c.token, c.body)
		var p struct{ Errors []request.FieldError }
		a.into(t, &p)
		if a.StatusCode != c.status || a.problem(t) != c.code || (c.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Fix == "")) {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	up := w.call("POST", path+"/urgency", w.officer, `{"urgency":"emergency"}`)
	if s := status(t, up.text); up.StatusCode != http.StatusOK || string(s["urgency"]) != `"emergency"` || string(s["urgency_proposed"]) != `"critical"` || string(s["version"]) != "2" ||
		!strings.Contains(string(s["due"]), receipt.ReceivedAt.Add(10*time.Minute).Format(request.InstantLayout)) {
		t.Errorf("raised: %d %s", up.StatusCode, up.text)
	}
	if a := w.call("POST", path+"/urgency", w.officer, `{"urgency":"emergency"}`); a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"version":2`) {
		t.Errorf("twice: %d %s", a.StatusCode, a.text)
	}
	down := w.call("POST", path+"/urgency", w.coordinator, `{"urgency":"routine","reason":"zebra has moved"}`)
	if down.StatusCode != http.StatusOK || !strings.Contains(down.text, `"urgency":"routine"`) {
		t.Errorf("lowered: %d %s", down.StatusCode, down.text)
	}
	if a := w.call("GET", path, w.sender, ""); !strings.Contains(a.text, `"version":3`) || !strings.Contains(a.text, `"urgency":"routine","urgency_proposed":"critical"`) {
		t.Errorf("the sender sees %s", a.text)
	}
	log := w.call("GET", path+"/log", w.coordinator, "")
	if !strings.Contains(log.text, `"body":{"from":"emergency","to":"routine","due":[]},"sealed":true`) || !strings.Contains(log.text, `"actor":{"kind":"coordinator","id":"coordinator"}`) || strings.Contains(log.text, "zebra") {
		t.Errorf("log: %s", log.text)
	}
	w.call("POST", path+"/withdraw", w.sender, `{"reason":"x"}`)
	if a := w.call("POST", path+"/urgency", w.officer, `{"urgency":"urgent"}`); a.StatusCode != http.StatusConflict || a.problem(t) != "withdrawn" {
		t.Errorf("after the end: %d %s", a.StatusCode, a.text)
	}
}

func TestACoordinatorsReadingIsNotAnOfficers(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	if a := w.call("GET", "/api/v1/requests/"+reference+"/content", w.coordinator, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.text, secretFacts) {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	ref, _ := request.ParseRef(reference)
	if state, err := w.State(t.Context(), ref); err != nil || len(state.Opened) != 0 {
		t.Errorf("opened by %v, %v", state.Opened, err)
	}
}

func TestWebhooksPassFromOtherSitesAndTheirHandlerAnswers(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/webhooks/twilio/sms", "/webhooks/twilio/gather/7K4M2QX9D/a1"} {
		if a := w.call("POST", path, "", "Digits=1", "Sec-Fetch-Site", "cross-site", "Origin", "https://api.twilio.example"); a.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}
}

func TestAlarmsTellWhoWasPaged(t *testing.T) {
	w := newWorld(t)
	older := w.raised().Reference
	w.ask(older, "ada", request.AlarmBody{Kind: request.AlarmNobody, Cause: "level 2"}, request.AlarmBody{Kind: request.AlarmNobody, Cause: "level 1"})
	w.now = w.now.Add(90_000_000_000)
	younger := w.raised().Reference
	w.ask(younger, "ada", request.AlarmBody{Kind: request.AlarmNobody, Cause: "level 1"})
	ref, _ := request.ParseRef(younger)
	for _, page := range []string{"p7", "p8"} {
		_, err := w.append(ref, request.Actor{Kind: request.BySystem, ID: "n1"}, request.NewEvent(request.PageOrdered,
			request.PageBody{Page: page, Purpose: request.Notice, Recipient: request.ToCoordinator, Person: "bruno", Channel: "sms"}))
		must(t, err)
	}
	a := w.call("GET", "/api/v1/alarms", w.coordinator, "")
	var list []struct {
		Reference, Since string
		Cleared          *string `json:"cleared_at"`
		Paged            []string
	}
	a.into(t, &list)
	if len(list) != 3 || list[0].Reference != older || list[2].Reference != younger || list[2].Since != "2026-03-04T22:06:30.000Z" || !slices.Equal(list[2].Paged, []string{"bruno"}) || list[2].Cleared != nil {
		t.Errorf("%s", a.text)
	}
	if a := w.call("GET", "/api/v1/alarms", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender: %d", a.StatusCode)
	}
}
