package request

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestReferencesForgiveHandwritingAndCatchMistakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mac := rapid.SliceOfN(rapid.Byte(), 5, 5).Draw(t, "mac")
		ref, ok := NewRef(mac)
		if !ok {
			return
		}
		written := strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(ref.String()))
		if got, err := ParseRef(written); err != nil || got != ref {
			t.Fatalf("%q was read as %q, %v", written, got, err)
		}
		at := rapid.IntRange(0, 8).Draw(t, "at")
		other := alphabet[rapid.IntRange(0, 31).Draw(t, "other")]
		wrong := string(ref[:at]) + string(other) + string(ref[at+1:])
		if _, err := ParseRef(wrong); (err == nil) != (wrong == string(ref)) {
			t.Fatalf("%q for %q: %v", wrong, ref, err)
		}
		if at < 8 {
			swapped := []byte(ref)
			swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
			if _, err := ParseRef(string(swapped)); (err == nil) != (string(swapped) == string(ref)) {
				t.Fatalf("swap %q for %q: %v", swapped, ref, err)
			}
		}
	})
}

func TestContentIsRefusedOnlyWhereItCannotBeUnderstood(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		unreadable bool
		fields     string // pointer:code of the errors
	}{
		{"no JSON", `{"type":`, true, ""},
		{"two documents", `{"type":"preservation"} {}`, true, ""},
		{"a list", `[]`, false, ":wrong_type"},
		{"no type", `{}`, false, "/type:required"},
		{"unknown type", `{"type":"teleport"}`, false, "/type:not_allowed"},
		{"wrong JSON type", `{"type":"preservation","facts":7,"confidential":"yes"}`, false, "/facts:wrong_type /confidential:wrong_type"},
		{"details as a list", `{"type":"preservation","details":[]}`, false, "/details:wrong_type"},
		{"outside an enumeration", `{"type":"preservation","urgency":"now"}`, false, "/urgency:not_allowed"},
		{"accessibility", `{"type":"eu_urgent_information","details":{"accessibility":"maybe"}}`, false, "/details/accessibility:not_allowed"},
		{"almost nothing", `{"type":"preservation"}`, false, ""},
		{"null is absent", `{"type":"preservation","facts":null}`, false, ""},
		{"unknown members", `{"type":"preservation","mood":"grim","details":{"colour":1}}`, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems, err := ParseContent([]byte(tc.body))
			if errors.Is(err, ErrUnreadable) != tc.unreadable {
				t.Fatalf("error %v", err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Field+":"+p.Code)
				if p.Fix == "" || p.Detail == "" {
					t.Errorf("%s has no detail or no fix", p.Field)
				}
			}
			if s := strings.Join(got, " "); s != tc.fields {
				t.Errorf("errors %q, want %q", s, tc.fields)
			}
		})
	}
}

func TestMissingAndWarningsNameEachFieldOnce(t *testing.T) {
	c, _, _ := ParseContent([]byte(`{"type":"preservation","facts":" ","person_in_charge":{"name":"A","fax":"1"},"mood":1,"instrument":"a handshake"}`))
	var missing []string
	for _, m := range c.Missing() {
		missing = append(missing, m.Field)
		if m.Label == "" || m.Source == "" {
			t.Errorf("%s has no label or source", m.Field)
		}
	}
	all := strings.Join(missing, " ")
	for _, want := range []string{"/facts", "/person_in_charge/phone", "/callback_person", "/details/data", "/confidential"} {
		if strings.Count(" "+all+" ", " "+want+" ") != 1 {
			t.Errorf("missing %q lacks %s", all, want)
		}
	}
	for _, not := range []string{"/callback_person/name", "/person_in_charge/name", "/details/custodian", "/type"} {
		if strings.Contains(" "+all+" ", " "+not+" ") {
			t.Errorf("missing %q should not list %s", all, not)
		}
	}
	var warned []string
	for _, w := range c.Warnings() {
		warned = append(warned, w.Field)
	}
	if s := strings.Join(warned, " "); s != "/mood /person_in_charge/fax /instrument" {
		t.Errorf("warnings %q", s)
	}
}

func TestEveryTypeHasDetailsAndAnUrgencyRule(t *testing.T) {
	for _, typ := range Types {
		if len(Details[typ]) == 0 {
			t.Errorf("%s requires nothing", typ)
		}
	}
	if Judge(EmergencyDisclosure, Routine) != Emergency || Judge(Preservation, "") != Urgent || Judge(ReadinessTest, "") != Routine || Judge(Preservation, Critical) != Critical {
		t.Error("the rules of urgency changed")
	}
}

// night writes a small log and returns it with the folded state.
func night(t testing.TB) ([]Stored, *State) {
	t.Helper()
	ref, _ := ParseRef("7K4M-2QX9-D")
	s := NewState(ref)
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	var log []Stored
	put := func(c Commit) {
		t.Helper()
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		seq := uint64(len(log)*3 + 5)
		log = append(log, Stored{seq, data})
		if err := s.Apply(seq, data); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
	}
	system := Actor{BySystem, "n1"}
	page := PageBody{Page: "p1", Purpose: Ask, Recipient: ToOfficer, Person: "ada", Level: 1, Round: 1, Channel: "sms", RosterRevision: 3, Expires: At(at.Add(time.Hour))}
	put(s.Decide(at, "n1", Actor{BySender, "s1"}, NewEvent(Received, ReceivedBody{Sender: "s1", Type: Preservation, Urgency: Critical, BodyDigest: "d1"})))
	put(s.Decide(at, "n1", system, NewEvent(Escalated, EscalatedBody{Level: 1, Round: 1, Cause: CauseReceived, Targets: []Target{{Person: "ada"}}}), NewEvent(PageOrdered, page)))
	put(s.Decide(at, "n1", system, NewEvent(AttemptStarted, AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio"})))
	sent := Fact(ref, FactID("p1a1", "SM1", "sent"), at, "n1", Actor{ByProvider, "twilio"}, NewEvent(AttemptSent, AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", ProviderID: "SM1"}))
	put(Fact(ref, FactID("p1a1", "SM1", "delivered"), at, "n1", Actor{ByProvider, "twilio"}, NewEvent(AttemptDelivered, AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", ProviderID: "SM1"})))
	put(sent)
	put(sent)
	put(s.Decide(at, "n1", Actor{ByOfficer, "ada"}, NewEvent(Acknowledged, AcknowledgedBody{Page: "p1", Person: "ada", Via: ViaCode})))
	return log, s
}

func TestFoldIgnoresRepeatedAndLateFacts(t *testing.T) {
	_, s := night(t)
	if p := s.Page("p1"); p.State != PageDelivered || len(p.Attempts) != 1 || p.Attempts[0].ProviderID != "SM1" {
		t.Errorf("page %+v", p)
	}
	if s.Status != StatusAcknowledged || s.Owner != "ada" || s.Escalation != Stopped || s.Version != 2 {
		t.Errorf("state %s %s %s version %d", s.Status, s.Owner, s.Escalation, s.Version)
	}
}

func TestApplyingACommitTwiceChangesNothing(t *testing.T) {
	log, s := night(t)
	chain, version := s.Chain, s.Version
	for _, c := range log {
		if err := s.Apply(c.Seq, c.Data); err != nil {
			t.Fatal(err)
		}
	}
	if s.Chain != chain || s.Version != version {
		t.Error("a repetition moved the state")
	}
}

func TestVerifyFindsEveryChange(t *testing.T) {
	log, s := night(t)
	if v, err := Verify(s.Ref, log); err != nil || v.Commits != len(log) || len(v.Uncovered) != 0 {
		t.Fatalf("%+v %v", v, err)
	}
	for i := range len(log) - 1 {
		changed := append([]Stored(nil), log...)
		changed[i].Data = []byte(strings.Replace(string(log[i].Data), `"n1"`, `"n2"`, 1))
		if _, err := Verify(s.Ref, changed); !errors.Is(err, ErrTampered) {
			t.Errorf("commit %d changed: %v", i, err)
		}
		if _, err := Verify(s.Ref, append(append([]Stored(nil), log[:i]...), log[i+1:]...)); !errors.Is(err, ErrTampered) {
			t.Errorf("commit %d removed: %v", i, err)
		}
	}
	if v, _ := Verify(s.Ref, log[:6]); len(v.Uncovered) != 3 {
		t.Errorf("uncovered tail %v", v.Uncovered)
	}
}

func TestUnknownEventsAreSkippedAndHighReadersRemembered(t *testing.T) {
	log, s := night(t)
	c := s.Decide(time.Now(), "n2", Actor{BySystem, "n2"}, Event{Type: "teleported", Body: json.RawMessage(`{"to":"moon"}`)})
	c.MinReader = 9
	data, _ := c.Encode()
	data = []byte(strings.Replace(string(data), `"v":1`, `"v":1,"colour":"red"`, 1))
	if err := s.Apply(log[len(log)-1].Seq+1, data); err != nil {
		t.Fatal(err)
	}
	if !s.TooNew() || s.Status != StatusAcknowledged {
		t.Errorf("reader %d status %s", s.MinReader, s.Status)
	}
}

func TestAttemptNames(t *testing.T) {
	if page, ok := PageOfAttempt(AttemptID("p12", 3)); !ok || page != "p12" {
		t.Errorf("%s %t", page, ok)
	}
	for _, bad := range []string{"", "p", "pa1", "p1", "p1a", "x1a1", "p1a1/../", "p1b1"} {
		if _, ok := PageOfAttempt(bad); ok {
			t.Errorf("%q passes for an attempt", bad)
		}
	}
}

func TestOnlyALanguageTagLeavesTheContent(t *testing.T) {
	for text, want := range map[string]string{
		"fr": "fr", "pt-BR": "pt-BR", "zh-Hant-TW": "zh-Hant-TW", " en ": "en", "": "",
		"the suspect speaks French": "", "+15005550123": "", "f": "", "en_GB": "", "en-": "", "en-GB-x-suspect-name-here": "",
	} {
		c, fields, err := ParseContent([]byte(`{"type":"preservation","language":` + strconv.Quote(text) + `}`))
		if err != nil || len(fields) > 0 {
			t.Fatal(fields, err)
		}
		if got := c.Language(); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
		warned := slices.ContainsFunc(c.Warnings(), func(w Warning) bool { return w.Field == "/language" })
		if warned != (want == "" && text != "" || want == "pt-BR") {
			t.Errorf("%q: warned %t", text, warned)
		}
	}
}

func TestCanonicalEscapesNothingThatNeedNotBe(t *testing.T) {
	c, _, err := ParseContent([]byte(`{"type":"preservation","facts":"a<b & c>d"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Canonical()); got != `{"facts":"a<b & c>d","type":"preservation"}` {
		t.Errorf("canonical %s", got)
	}
}

// Which of two values counts, every reader decides for itself, and bytes that are no UTF-8 are replaced in silence: neither is stored as if it
// had been sent.
func TestWhatWouldNotBeKeptAsItWasSentIsUnreadable(t *testing.T) {
	deep := func(n int) string {
		return `{"type":"preservation","a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for body, want := range map[string]string{
		`{"type":"preservation","facts":"a","facts":"b"}`:             "a member stands twice in its object, the second time before byte 42",
		`{"type":"preservation","details":{"a":1,"b":[],"\u0061":2}}`: "a member stands twice in its object, the second time before byte 55",
		"{\"type\":\"preservation\",\"facts\":\"\xc0\xaf\"}":          "byte 32 is not UTF-8",
		deep(MaxDepth + 1):                    "it is nested more than 1000 levels deep",
		deep(MaxDepth):                        "",
		`{"a":{"a":[{"a":1},{"a":"a"}]}}`:     "",
		`{"type":"preservation","facts":"�"}`: "",
	} {
		_, _, err := ParseContent([]byte(body))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrUnreadable) || !strings.HasSuffix(err.Error(), ": "+want)) {
			t.Errorf("%.60s: %v, want %q", body, err, want)
		}
	}
}

// A second received would have made the request somebody else's, and what was decided of it undone.
func TestARequestIsReceivedOnce(t *testing.T) {
	log, s := night(t)
	other := s.Decide(s.LastTime, "n9", Actor{BySender, "s9"}, NewEvent(Received, ReceivedBody{Sender: "s9", Type: Interception, Urgency: Routine}))
	data, err := other.Encode()
	if err != nil {
		t.Fatal(err)
	}
	version := s.Version
	if err := s.Apply(log[len(log)-1].Seq+1, data); err != nil {
		t.Fatal(err)
	}
	if s.Sender != "s1" || s.Type != Preservation || s.Status != StatusAcknowledged || s.Version != version {
		t.Errorf("sender %s, type %s, status %s, version %d", s.Sender, s.Type, s.Status, s.Version)
	}
}

// What is said of a request whose beginning is not known makes no request.
func TestALogWithoutItsBeginningIsNoRequest(t *testing.T) {
	log, _ := night(t)
	s := NewState("7K4M2QX9D")
	last := log[len(log)-1]
	if err := s.Apply(last.Seq, last.Data); err != nil {
		t.Fatal(err)
	}
	if s.Exists() {
		t.Errorf("%+v", s)
	}
}

// A time that RFC 3339 can say with its offset, and not in UTC, was written back with a year of five digits, which nobody can read.
func TestInstantsAreReadAsFarAsTheyCanBeWritten(t *testing.T) {
	for text, ok := range map[string]bool{
		`"9999-12-31T23:59:59Z"`: true, `"9999-12-31T23:59:59-00:01"`: false, `"0000-01-01T00:00:00Z"`: true, `"0000-01-01T00:00:00+00:01"`: false,
		`"2016-12-31T23:59:60Z"`: false, `"2026-03-02T12:00:00+01:00"`: true, `"0001-01-01T00:00:00Z"`: true, `null`: true, `1772452800`: false, `""`: false,
	} {
		var i, back Instant
		err := json.Unmarshal([]byte(text), &i)
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		data, err := json.Marshal(i)
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || !back.Equal(i.Time) {
			t.Errorf("%s is written as %s: %v", text, data, err)
		}
	}
}
