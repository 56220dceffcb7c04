package twilio_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
)

const statusPath = "/webhooks/twilio/message-status/7K4M2QX9D/p1a1"

// sink notes what it is given.
type sink struct {
	mu      sync.Mutex
	reports []notifier.Report
	replies []string
	keys    []notifier.KeyPress
	fails   error
	panics  any
	answer  notifier.Answer
}

func (s *sink) Report(_ context.Context, r notifier.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails == nil {
		s.reports = append(s.reports, r)
	}
	return s.fails
}

func (s *sink) Reply(_ context.Context, from notifier.Phone, id, text string) notifier.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics != nil {
		panic(s.panics)
	}
	s.replies = append(s.replies, string(from)+" "+id+" "+text)
	return s.answer
}

func (s *sink) Key(_ context.Context, k notifier.KeyPress) notifier.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics != nil {
		panic(s.panics)
	}
	s.keys = append(s.keys, k)
	return s.answer
}

// sign is the vendor's signature: over the address and the parameters in their order, as its page on webhook security has it.
func sign(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			_, _ = io.WriteString(mac, name+value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func statusForm(status string) url.Values {
	return url.Values{"AccountSid": {sid}, "MessageSid": {"SM1"}, "MessageStatus": {status}, "To": {recipient}, "From": {"+15005550006"}}
}

func inboundForm(body string) url.Values {
	return url.Values{"AccountSid": {sid}, "MessageSid": {"SM2"}, "From": {recipient}, "To": {"+15005550006"}, "Body": {body}}
}

// post brings a form to the webhooks, signed with a token over an address. Its Host is a proxy's: the public one is configured.
func post(h http.Handler, path, signature, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://node-3.internal:8080"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Forwarded-Host", "elsewhere.example")
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// deliver posts a form that the vendor signed.
func deliver(h http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	return post(h, path, sign(authToken, public+path, form), form.Encode())
}

func webhooks(t testing.TB, s *sink) http.Handler {
	t.Helper()
	return newClient(t, options()).Webhooks(s)
}

func TestEveryStatus(t *testing.T) {
	delivered := notifier.Report{Progress: notifier.Delivered}
	lost := func(kind request.FailureKind, code string) notifier.Report {
		return notifier.Report{Progress: notifier.Lost, Kind: kind, Code: code}
	}
	type row struct {
		status, code string
		want         notifier.Report // the zero value: nothing is reported
	}
	cases := []row{
		{"accepted", "", notifier.Report{}},
		{"scheduled", "", notifier.Report{}},
		{"queued", "", notifier.Report{}},
		{"sending", "", notifier.Report{}},
		{"", "", notifier.Report{}},
		{"a_later_status", "", notifier.Report{}},
		{"sent", "", notifier.Report{Progress: notifier.Sent}},
		{"delivered", "", delivered},
		{"read", "", delivered},
		{"undelivered", "", lost(request.FailedCarrier, "undelivered")},
		{"failed", "", lost(request.FailedCarrier, "failed")},
		{"canceled", "", lost(request.FailedCarrier, "canceled")},
		{"failed", "0", lost(request.FailedCarrier, "failed")},
		{"failed", "+15005550123", lost(request.FailedCarrier, "failed")}, // no code of the vendor's
		{"failed", "whole text", lost(request.FailedCarrier, "failed")},
		{"delivered", "30005", delivered},
		{"failed", "29999", lost(request.FailedCarrier, "29999")},
	}
	for kind, codes := range meanings {
		// What was taken and lost is over, whatever the code: it is not tried again over the same channel.
		if kind.Retryable() {
			kind = request.FailedCarrier
		}
		for _, code := range codes {
			for _, status := range []string{"undelivered", "failed"} {
				cases = append(cases, row{status, strconv.Itoa(code), lost(kind, strconv.Itoa(code))})
			}
		}
	}
	for _, c := range cases {
		s := &sink{}
		form := statusForm(c.status)
		if c.code != "" {
			form.Set("ErrorCode", c.code)
		}
		w := deliver(webhooks(t, s), statusPath, form)
		if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%s %s: %d %q, want 204: the vendor takes an empty 200 for an error", c.status, c.code, w.Code, w.Body)
		}
		var want []notifier.Report
		if c.want != (notifier.Report{}) {
			c.want.Ref, c.want.Attempt, c.want.Provider, c.want.ProviderID = "7K4M2QX9D", "p1a1", "twilio", "SM1"
			want = append(want, c.want)
		}
		if !slices.Equal(s.reports, want) {
			t.Errorf("%s %s: %+v, want %+v", c.status, c.code, s.reports, want)
		}
	}
}

func TestAStatusOfAnOlderAccount(t *testing.T) {
	s := &sink{}
	form := statusForm("sent")
	form.Set("SmsSid", form.Get("MessageSid"))
	form.Del("MessageSid")
	deliver(webhooks(t, s), statusPath, form)
	if len(s.reports) != 1 || s.reports[0].ProviderID != "SM1" {
		t.Errorf("%+v", s.reports)
	}
}

func TestAStatusThatIsNotStoredIsAskedForAgain(t *testing.T) {
	s := &sink{fails: errors.New("no quorum")}
	h := webhooks(t, s)
	if w := deliver(h, statusPath, statusForm("delivered")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d, want 503", w.Code)
	}
	if w := deliver(h, statusPath, statusForm("queued")); w.Code != http.StatusNoContent {
		t.Errorf("%d, want 204: there was nothing to store", w.Code)
	}
	s.fails = nil
	if w := deliver(h, statusPath, statusForm("delivered")); w.Code != http.StatusNoContent || len(s.reports) != 1 {
		t.Errorf("%d and %d reports, want 204 and 1", w.Code, len(s.reports))
	}
}

func TestAttemptsThatCannotBe(t *testing.T) {
	s := &sink{}
	h := webhooks(t, s)
	for _, path := range []string{
		"7K4M2QX9D/p1", "7K4M2QX9D/a1", "7K4M2QX9D/p1a", "7K4M2QX9D/p1a1x", "7K4M2QX9D/p1%2Fa1", "7K4M2QX9D/p111111111111111a1111111111111111",
		"7K4M2QX9E/p1a1", "nonsense/p1a1", "%00/p1a1", "7K4M2QX9D", "7K4M2QX9D/p1a1/more",
	} {
		path = "/webhooks/twilio/message-status/" + path
		if w := deliver(h, path, statusForm("sent")); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
	if len(s.reports) > 0 {
		t.Errorf("%+v", s.reports)
	}
}

func TestSignatures(t *testing.T) {
	form := statusForm("sent")
	genuine := sign(authToken, public+statusPath, form)
	withPath := func(base string) func(*twilio.Options) { return func(o *twilio.Options) { o.PublicURL = base } }
	cases := map[string]struct {
		change    func(*twilio.Options)
		signature string
		path      string // "" is statusPath
		body      string // "" is the form
		want      int
	}{
		"genuine":                    {nil, genuine, "", "", 204},
		"with the old token":         {nil, sign(oldToken, public+statusPath, form), "", "", 204},
		"with the old token, later":  {func(o *twilio.Options) { o.PreviousAuthToken = "" }, sign(oldToken, public+statusPath, form), "", "", 403},
		"with an empty token":        {func(o *twilio.Options) { o.PreviousAuthToken = "" }, sign("", public+statusPath, form), "", "", 403},
		"with another's token":       {nil, sign("another", public+statusPath, form), "", "", 403},
		"none":                       {nil, "", "", "", 403},
		"nonsense":                   {nil, "nonsense", "", "", 403},
		"of another attempt":         {nil, genuine, strings.Replace(statusPath, "p1a1", "p1a2", 1), "", 403},
		"with a query":               {nil, genuine, statusPath + "?x=1", "", 403},
		"over a query":               {nil, sign(authToken, public+statusPath+"?x=1", form), statusPath + "?x=1", "", 204},
		"over the Host":              {nil, sign(authToken, "http://node-3.internal:8080"+statusPath, form), "", "", 403},
		"over the forwarded host":    {nil, sign(authToken, "https://elsewhere.example"+statusPath, form), "", "", 403},
		"over http":                  {nil, sign(authToken, "http://line.example"+statusPath, form), "", "", 403},
		"over the default port":      {nil, sign(authToken, public+":443"+statusPath, form), "", "", 204},
		"over another port":          {nil, sign(authToken, public+":8443"+statusPath, form), "", "", 403},
		"public with a port":         {withPath(public + ":8443"), sign(authToken, public+":8443"+statusPath, form), "", "", 204},
		"public with a port, not":    {withPath(public + ":8443"), genuine, "", "", 204}, // the vendor leaves it out at times
		"public with its port":       {withPath(public + ":443"), genuine, "", "", 204},
		"public under a path":        {withPath(public + "/duty/"), sign(authToken, public+"/duty"+statusPath, form), "", "", 204},
		"public under a path, not":   {withPath(public + "/duty/"), genuine, "", "", 403},
		"of another form":            {nil, genuine, "", statusForm("delivered").Encode(), 403},
		"of less":                    {nil, genuine, "", form.Encode() + "&More=1", 403},
		"with a key repeated":        {nil, genuine, "", form.Encode() + "&MessageStatus=delivered", 403},
		"over a key repeated":        {nil, sign(authToken, public+statusPath, url.Values{"AccountSid": {sid}, "MessageStatus": {"sent", "delivered"}}), "", "AccountSid=" + sid + "&MessageStatus=sent&MessageStatus=delivered", 403},
		"of an unreadable form":      {nil, genuine, "", form.Encode() + "&%zz", 403},
		"of a form with a semicolon": {nil, genuine, "", form.Encode() + ";x=1", 403},
		"of JSON":                    {nil, sign(authToken, public+statusPath, nil), "", `{"MessageStatus":"sent"}`, 403},
		"of nothing":                 {nil, sign(authToken, public+statusPath, nil), "", " ", 403},
		"of another account's": {
			nil, sign(authToken, public+statusPath, url.Values{"AccountSid": {"AC1"}, "MessageStatus": {"sent"}}), "", "AccountSid=AC1&MessageStatus=sent", 403,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := options()
			if c.change != nil {
				c.change(&o)
			}
			s := &sink{}
			path, body := c.path, c.body
			if path == "" {
				path = statusPath
			}
			if body == "" {
				body = form.Encode()
			}
			w := post(newClient(t, o).Webhooks(s), path, c.signature, body)
			if w.Code != c.want {
				t.Errorf("%d, want %d", w.Code, c.want)
			}
			if stored := len(s.reports) > 0; stored != (c.want == 204) {
				t.Errorf("stored: %v", stored)
			}
		})
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := &sink{}
	form := inboundForm(strings.Repeat("x", 65<<10))
	if w := deliver(webhooks(t, s), twilio.InboundPath, form); w.Code != http.StatusRequestEntityTooLarge || len(s.replies) > 0 {
		t.Errorf("%d and %d replies, want 413 and none", w.Code, len(s.replies))
	}
	r := httptest.NewRequest(http.MethodPost, twilio.InboundPath, io.MultiReader(strings.NewReader("x"), broken{}))
	w := httptest.NewRecorder()
	webhooks(t, s).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d, want 400", w.Code)
	}
}

// broken is a connection that has died.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestOnlyPostsToKnownPaths(t *testing.T) {
	h := webhooks(t, &sink{})
	for path, want := range map[string]int{statusPath: 405, twilio.InboundPath: 405, "/webhooks/twilio/": 404, "/": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
}

// A twiML is the whole of what an answer to a text can hold here.
type twiML struct {
	XMLName  xml.Name `xml:"Response"`
	Messages []string `xml:"Message"`
	Others   []any    `xml:",any"`
}

// answered reads an answer; each of its texts is a message.
func answered(t testing.TB, w *httptest.ResponseRecorder) []string {
	t.Helper()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	var answer twiML
	if err := xml.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&answer); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if len(answer.Others) > 0 {
		t.Fatalf("more than messages: %s", w.Body)
	}
	return answer.Messages
}

// kinds lists every kind of answer and the words for it.
var kinds = map[notifier.AnswerKind]phrase.Key{
	notifier.Taken: phrase.Taken, notifier.AlreadyYours: phrase.AlreadyYours, notifier.AlreadyTaken: phrase.AlreadyTaken,
	notifier.AlreadyEnded: phrase.AlreadyEnded, notifier.PassedOn: phrase.PassedOn, notifier.CannotPass: phrase.CannotPass,
	notifier.WrongCode: phrase.WrongCode, notifier.NoCode: phrase.NoCode, notifier.SeveralMatches: phrase.SeveralMatches,
	notifier.TooManyGuesses: phrase.TooManyGuesses, notifier.TryAgain: phrase.TryAgain,
}

func TestAnswersToReplies(t *testing.T) {
	signs := []string{"KESTREL", `<Dial>&"']]>`, "سَلْوى", "\x00\x1b"}
	for language, words := range map[string]phrase.Language{"en": phrase.English, "fr-CA": phrase.French, "ar": phrase.Arabic, "tlh": phrase.English, "": phrase.English} {
		for kind, key := range kinds {
			for _, sign := range signs {
				s := &sink{answer: notifier.Answer{Kind: kind, Ref: "7K4M2QX9D", CallSign: sign, Language: language}}
				got := answered(t, deliver(webhooks(t, s), twilio.InboundPath, inboundForm("424242")))
				want := phrase.Text(words, key, phrase.Args{Reference: "7K4M-2QX9-D", CallSign: strings.Map(printable, sign)})
				if !slices.Equal(got, []string{want}) {
					t.Errorf("%s in %q: %q, want %q", kind, language, got, want)
				}
				if sign == "KESTREL" {
					if n, _ := phrasetest.Segments(want); n != 1 {
						t.Errorf("%s in %q takes %d segments", kind, language, n)
					}
					if kind == notifier.AlreadyTaken && !strings.Contains(want, sign) {
						t.Errorf("%q does not say who has it", want)
					}
				}
			}
		}
	}
}

// printable replaces what no XML can hold.
func printable(r rune) rune {
	if r < ' ' {
		return '\uFFFD'
	}
	return r
}

func TestARepliesWay(t *testing.T) {
	s := &sink{answer: notifier.Answer{Kind: notifier.NoAnswer, Ref: "7K4M2QX9D", Language: "en"}}
	h := webhooks(t, s)
	if got := answered(t, deliver(h, twilio.InboundPath, inboundForm(" ACK 424242 "))); len(got) > 0 {
		t.Errorf("an unknown number is answered with %q, want silence", got)
	}
	if want := []string{recipient + " SM2  ACK 424242 "}; !slices.Equal(s.replies, want) {
		t.Errorf("%q, want %q", s.replies, want)
	}
	s.answer.Kind = "a_later_versions"
	if got := answered(t, deliver(h, twilio.InboundPath, inboundForm("424242"))); len(got) > 0 {
		t.Errorf("an answer without words is %q, want silence", got)
	}
	s.replies = nil
	for _, word := range []string{"STOP", "stop", " Stop\n", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "REVOKE", "OPTOUT", "CANCEL", "START", "YES", "UNSTOP"} {
		if got := answered(t, deliver(h, twilio.InboundPath, inboundForm(word))); len(got) > 0 || len(s.replies) > 0 {
			t.Errorf("%q is the carrier's word: answered %q, passed on %q", word, got, s.replies)
		}
	}
	deliver(h, twilio.InboundPath, inboundForm("STOP 424242")) // not the word alone: the carrier does nothing with it
	if len(s.replies) != 1 {
		t.Error("a text with a code was not passed on")
	}
	for body, kind := range map[string]string{"Arrêt": "STOP", "encore": "START"} { // words of the account's own
		form := inboundForm(body)
		form.Set("OptOutType", kind)
		if got := answered(t, deliver(h, twilio.InboundPath, form)); len(got) > 0 || len(s.replies) != 1 {
			t.Errorf("%s: answered %q, passed on %q", kind, got, s.replies)
		}
	}
	forged := inboundForm("424242")
	if w := post(h, twilio.InboundPath, sign("another", public+twilio.InboundPath, forged), forged.Encode()); w.Code != http.StatusForbidden || len(s.replies) != 1 {
		t.Errorf("a forged text: %d, %q", w.Code, s.replies)
	}
}

func TestAReplyThatPanicsIsAnsweredAllTheSame(t *testing.T) {
	logger, check := logged(t)
	o := options()
	o.Logger = logger
	s := &sink{panics: "whole text 424242 of " + recipient}
	got := answered(t, deliver(newClient(t, o).Webhooks(s), twilio.InboundPath, inboundForm("424242")))
	if want := phrase.Text(phrase.English, phrase.TryAgain, phrase.Args{}); !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %q", got, want)
	}
	check()
}

func TestWebhooksLogNothingOfAPerson(t *testing.T) {
	logger, check := logged(t)
	o := options()
	o.Logger = logger
	s := &sink{fails: errors.New("no quorum")}
	h := newClient(t, o).Webhooks(s)
	deliver(h, statusPath, statusForm("delivered"))
	deliver(h, statusPath+"x", statusForm("delivered"))
	deliver(h, twilio.InboundPath, inboundForm("whole text 424242"))
	forged := inboundForm("whole text 424242")
	post(h, twilio.InboundPath, "forged", forged.Encode())
	deliver(h, callStatusPath, callForm("CA1", "busy"))
	deliver(h, voicePath+"?about=ask&fallback=1", callForm("CA1", "in-progress"))
	s.panics = "whole text 424242 of " + recipient
	deliver(h, gatherPath+"?about=ask", pressForm("1"))
	check("SM2")
}

// FuzzWebhook brings any body to any path, genuine or forged: nothing panics, what is forged reaches nobody, and what is genuine gets an
// answer that the vendor can use. What reaches us is about the attempt in the signed address and no other, whatever the form says; and the
// signature of one address or form is good for no other.
func FuzzWebhook(f *testing.F) {
	seed := func(path string, form url.Values) {
		f.Add(path, form.Encode(), true)
		f.Add(path, form.Encode(), false)
	}
	for _, status := range []string{"queued", "sent", "delivered", "undelivered"} {
		seed(statusPath, statusForm(status))
	}
	failed := statusForm("failed")
	failed.Set("ErrorCode", "30005")
	seed(statusPath, failed)
	seed(twilio.InboundPath, inboundForm("PASS 424242"))
	seed(twilio.InboundPath, inboundForm("STOP"))
	for _, status := range []string{"initiated", "in-progress", "completed", "no-answer", "failed"} {
		seed(callStatusPath, callForm("CA1", status))
	}
	seed(callStatusPath, url.Values{"AccountSid": {sid}, "CallSid": {"CA1"}, "AnsweredBy": {"machine_start"}})
	for _, query := range []string{"?about=ask&language=fr&reader=ru&urgency=critical", "?about=withdrawn&fallback=1", "?about=ask&repeats=3&reader=%zz", ""} {
		seed(voicePath+query, callForm("CA1", "in-progress"))
		for _, key := range []string{"1", "2", "9", "5", ""} {
			seed(gatherPath+query, pressForm(key))
		}
	}
	f.Add("/webhooks/twilio/message-status/%2e/p1a1", "AccountSid="+sid, true)
	f.Add(statusPath, "AccountSid="+sid+"&AccountSid="+sid, true)
	f.Add(statusPath+"?x=1;y", "%zz=;&&=", true)

	s := &sink{answer: notifier.Answer{Kind: notifier.AlreadyTaken, Ref: "7K4M2QX9D", CallSign: "<K>", Language: "fr"}}
	h := newClient(f, options()).Webhooks(s)
	f.Fuzz(func(t *testing.T, path, body string, genuine bool) {
		target, err := url.ParseRequestURI(path)
		if err != nil || target.Host != "" || !strings.HasPrefix(path, "/") {
			t.Skip()
		}
		s.reports, s.replies, s.keys = nil, nil, nil
		r := &http.Request{
			Method: http.MethodPost, URL: target, RequestURI: path, Host: "node-3.internal", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		}
		form, err := url.ParseQuery(body)
		signature := "forged"
		if genuine {
			signature = sign(authToken, public+target.RequestURI(), form)
		}
		r.Header.Set("X-Twilio-Signature", signature)
		moved := url.Values{"AccountSid": {sid}, "MessageStatus": {"delivered"}, "Body": {"123456"}, "Digits": {"1"}}
		if other := sign(authToken, public+statusPath, moved); signature != other {
			if w := post(h, statusPath, signature, moved.Encode()); w.Code != http.StatusForbidden || len(s.reports) > 0 {
				t.Fatalf("the signature of %s is good for something else", target)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))

		for _, report := range s.reports {
			if ref, err := request.ParseRef(strings.Split(target.Path, "/")[4]); err != nil || report.Ref != ref || !strings.HasSuffix(target.Path, "/"+report.Attempt) {
				t.Fatalf("%s reports of %s %s", target.Path, report.Ref, report.Attempt)
			}
		}
		for _, k := range s.keys {
			if ref, err := request.ParseRef(strings.Split(target.Path, "/")[4]); err != nil || k.Ref != ref || !strings.HasSuffix(target.Path, "/"+k.Attempt) {
				t.Fatalf("%s has a key of %s %s", target.Path, k.Ref, k.Attempt)
			}
		}
		reached := len(s.reports) + len(s.replies) + len(s.keys)
		repeated := slices.ContainsFunc(slices.Collect(maps.Values(form)), func(values []string) bool { return len(values) > 1 })
		if reached > 0 && (!genuine || err != nil || repeated || form.Get("AccountSid") != sid) {
			t.Fatalf("a forged or unreadable webhook reached the sink: %+v %q", s.reports, s.replies)
		}
		switch w.Code {
		case http.StatusOK:
			if target.Path == twilio.InboundPath {
				answered(t, w)
				break
			}
			if said := heard(t, w).said; len(said) == 0 && len(s.keys) > 0 {
				t.Fatal("a key was answered with silence")
			}
			for _, k := range s.keys {
				if _, err := request.ParseRef(string(k.Ref)); err != nil || (k.Key != notifier.KeyTake && k.Key != notifier.KeyPass) {
					t.Fatalf("a key that is none: %+v", k)
				}
			}
		case http.StatusNoContent:
			for _, report := range s.reports {
				if _, err := request.ParseRef(string(report.Ref)); err != nil {
					t.Fatalf("a report of no request: %+v", report)
				}
				if _, ok := request.PageOfAttempt(report.Attempt); !ok {
					t.Fatalf("a report of no attempt: %+v", report)
				}
			}
		case http.StatusForbidden, http.StatusNotFound, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusRequestEntityTooLarge, http.StatusBadRequest:
			if reached > 0 {
				t.Fatalf("%d, but the sink was reached", w.Code)
			}
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
