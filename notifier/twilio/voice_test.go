package twilio_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

const (
	callStatusPath = "/webhooks/twilio/call-status/7K4M2QX9D/p1a1"
	voicePath      = "/webhooks/twilio/voice/7K4M2QX9D/p1a1"
	gatherPath     = "/webhooks/twilio/gather/7K4M2QX9D/p1a1"
	spelled        = "7, K, 4, M; 2, Q, X, 9; D"
)

func callForm(id, status string) url.Values {
	return url.Values{
		"AccountSid": {sid}, "CallSid": {id}, "CallStatus": {status}, "To": {recipient}, "From": {"+15005550006"}, "Direction": {"outbound-api"},
	}
}

func pressForm(key string) url.Values {
	form := callForm("CA1", "in-progress")
	form.Set("Digits", key)
	form.Set("FinishedOnKey", "")
	return form
}

// A verb is an element of TwiML.
type verb struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Verbs   []verb     `xml:",any"`
}

func (v verb) attributes() map[string]string {
	all := map[string]string{}
	for _, a := range v.Attrs {
		all[a.Name.Local] = a.Value
	}
	return all
}

// A turn is what an answer to a call makes the vendor do.
type turn struct {
	said       []string
	voices     []string // language and voice of each
	gather     map[string]string
	hangsUp    bool
	next       string // path and query of the action, without the fragment
	repetition string // the fragment
}

// voicePairs are the pairs that work.
var voicePairs = []string{
	"en-GB Polly.Amy", "fr-FR Polly.Lea-Neural", "es-ES Polly.Lucia-Neural", "ru-RU Polly.Tatyana", "arb Polly.Zeina", "cmn-CN Polly.Zhiyu-Neural",
}

// heard reads an answer to a call, and holds it to what the vendor can execute.
func heard(t testing.TB, w *httptest.ResponseRecorder) turn {
	t.Helper()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
		t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	var document verb
	decoder := xml.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	if err := decoder.Decode(&document); err != nil || document.XMLName.Local != "Response" {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("more than a document: %s", w.Body)
	}
	var got turn
	say := func(v verb) {
		a := v.attributes()
		pair := a["language"] + " " + a["voice"]
		if !slices.Contains(voicePairs, pair) || len(a) != 2 || strings.TrimSpace(v.Text) == "" || len(v.Verbs) > 0 || strings.ContainsAny(v.Text, "{}") {
			t.Fatalf("a Say that fails: %s", w.Body)
		}
		got.said, got.voices = append(got.said, v.Text), append(got.voices, pair)
	}
	for _, v := range document.Verbs {
		switch name := v.XMLName.Local; {
		case got.hangsUp || got.gather != nil:
			t.Fatalf("a verb that is never reached: %s", w.Body)
		case name == "Say":
			say(v)
		case name == "Hangup":
			got.hangsUp = true
		case name == "Gather":
			got.gather = v.attributes()
			for _, inner := range v.Verbs {
				if inner.XMLName.Local != "Say" {
					t.Fatalf("%s within Gather: %s", inner.XMLName.Local, w.Body)
				}
				say(inner)
			}
		default:
			t.Fatalf("%s: %s", name, w.Body)
		}
	}
	if got.gather != nil {
		action, err := url.Parse(got.gather["action"])
		if err != nil {
			t.Fatal(err)
		}
		got.next, got.repetition = action.RequestURI(), action.Fragment
	}
	if got.hangsUp == (got.gather != nil) {
		t.Fatalf("a call must be asked or ended: %s", w.Body)
	}
	return got
}

// says wants one thing said, in one language, and the call ended or going on.
func (got turn) says(t testing.TB, hangsUp bool, l phrase.Language, args phrase.Args, keys ...phrase.Key) {
	t.Helper()
	var want []string
	for _, key := range keys {
		want = append(want, phrase.Spoken(l, key, args))
	}
	if !slices.Equal(got.said, want) || got.hangsUp != hangsUp {
		t.Errorf("said %q, hangs up: %t; want %q, %t", got.said, got.hangsUp, want, hangsUp)
	}
	pair := voicePairs[slices.Index(phrase.Languages, phrase.English)]
	for i, language := range []phrase.Language{phrase.English, phrase.French, phrase.Spanish, phrase.Russian, phrase.Arabic, phrase.Chinese} {
		if language == l {
			pair = voicePairs[i]
		}
	}
	for _, voice := range got.voices {
		if voice != pair {
			t.Errorf("%s speaks %s", voice, l)
		}
	}
}

var asked = phrase.Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Language: "fr"}

const askedQuery = "?about=ask&language=fr&reader=en&urgency=critical"

func press(t testing.TB, h http.Handler, path, key string) turn {
	t.Helper()
	return heard(t, deliver(h, path, pressForm(key)))
}

func TestWhatACallIsPlacedWith(t *testing.T) {
	v := newVoiceVendor(t)
	m := page()
	m.Reader, m.Language, m.Urgency = "fr-CA", "zho-Hans", request.Emergency
	if o, ok := v.Channel().Send(t.Context(), m).(notifier.Accepted); !ok {
		t.Fatalf("%#v", o)
	}
	form := v.forms[0]
	status := public + callStatusPath + "#rc=5&rp=ct,rt,5xx&rt=5000"
	const query = "language=zho&reader=fr&urgency=emergency"
	want := url.Values{
		"To": {recipient}, "From": {v.Channel().Lane(recipient)}, "Timeout": {"25"}, "TimeLimit": {"120"},
		"Url":            {public + voicePath + "?about=ask&" + query + "#rc=2&rp=ct,rt,5xx&rt=5000"},
		"FallbackUrl":    {public + voicePath + "?about=ask&fallback=1&" + query + "#rc=2&rp=ct,rt,5xx&rt=5000"},
		"StatusCallback": {status}, "StatusCallbackEvent": {"initiated", "ringing", "answered", "completed"},
		"MachineDetection": {"Enable"}, "AsyncAmd": {"true"}, "AsyncAmdStatusCallback": {status},
	}
	for name := range want {
		if !slices.Equal(form[name], want[name]) {
			t.Errorf("%s: %q, want %q", name, form[name], want[name])
		}
	}
	if len(form) != len(want) {
		t.Errorf("parameters %v, want %v", slices.Sorted(maps.Keys(form)), slices.Sorted(maps.Keys(want)))
	}
	if strings.Contains(form.Encode(), m.Code) {
		t.Error("the code travels with a call")
	}
	if got, want := v.client.SMS().Lane(recipient), v.Channel().Lane(recipient); got != want {
		t.Errorf("texts come from %s, calls from %s", got, want)
	}
}

func TestNoFreeTextStandsInAnAddress(t *testing.T) {
	v := newVoiceVendor(t)
	m := page()
	m.Reader, m.Language, m.Urgency = "Mr Smith", "Smith of Example Street-x", "because 10.0.0.1"
	v.Channel().Send(t.Context(), m)
	for _, name := range []string{"Url", "FallbackUrl", "StatusCallback"} {
		for _, part := range []string{"mith", "xample+", "because", "10.0"} {
			if address := v.forms[0].Get(name); strings.Contains(strings.ToLower(address), part) {
				t.Errorf("%s: %s", name, address)
			}
		}
	}
	if !strings.Contains(v.rung[0].said, "not stated") {
		t.Errorf("said %q", v.rung[0].said)
	}
}

func TestAFallbackTakesAnotherRoad(t *testing.T) {
	v := newVoiceVendor(t)
	o := options()
	o.BaseURL, o.FallbackURL = v.server.URL, "https://other.example/duty/"
	c := newClient(t, o)
	c.Voice().Send(t.Context(), page())
	address := v.forms[0].Get("FallbackUrl")
	if !strings.HasPrefix(address, "https://other.example/duty"+voicePath+"?") {
		t.Fatal(address)
	}
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	target.Fragment = ""
	path := strings.TrimPrefix(target.RequestURI(), "/duty") // a proxy takes it off
	form := callForm("CA1", "in-progress")
	form.Set("ErrorCode", "11200")
	form.Set("ErrorUrl", public+voicePath)
	h := c.Webhooks(&sink{})
	got := heard(t, post(h, path, sign(authToken, target.String(), form), form.Encode()))
	got.says(t, false, phrase.English, asked, phrase.VoiceAsk)
	if action := got.gather["action"]; !strings.HasPrefix(action, "https://other.example/duty"+gatherPath+"?") {
		t.Errorf("the key takes the road that failed: %s", action)
	}
	// A node without a second road does not believe it.
	if w := post(webhooks(t, &sink{}), path, sign(authToken, target.String(), form), form.Encode()); w.Code != http.StatusForbidden {
		t.Errorf("%d, want 403", w.Code)
	}
}

func TestEveryStatusOfACall(t *testing.T) {
	type row struct {
		form url.Values // besides the ids
		want notifier.Report
	}
	lost := func(kind request.FailureKind, code string) notifier.Report {
		return notifier.Report{Progress: notifier.Lost, Kind: kind, Code: code}
	}
	status := func(status string, more ...string) url.Values {
		form := url.Values{"CallStatus": {status}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	sent, answered, ended := notifier.Report{Progress: notifier.Sent}, notifier.Report{Progress: notifier.Answered}, notifier.Report{Progress: notifier.Ended}
	by := func(who string) notifier.Report { return notifier.Report{Progress: notifier.Answered, Code: who} }
	cases := []row{
		{status("queued"), notifier.Report{}},
		{status(""), notifier.Report{}},
		{url.Values{}, notifier.Report{}},
		{status("a_later_status"), notifier.Report{}},
		{status("initiated"), sent},
		{status("ringing"), sent},
		{status("in-progress"), answered},
		{status("answered"), answered},
		{status("in-progress", "AnsweredBy", "human"), by("human")},
		{status("completed", "CallDuration", "41", "SipResponseCode", "200", "AnsweredBy", "machine_start"), ended},
		{status("completed", "ErrorCode", "30005"), ended},
		{status("busy", "SipResponseCode", "486"), lost(request.FailedNoKey, "busy")},
		{status("no-answer", "SipResponseCode", "487"), lost(request.FailedNoKey, "no_answer")},
		{status("no-answer", "ErrorCode", "21216"), lost(request.FailedNoKey, "no_answer")},
		{status("canceled"), lost(request.FailedCarrier, "canceled")},
		{status("failed"), lost(request.FailedCarrier, "failed")},
		{status("failed", "SipResponseCode", "404"), lost(request.FailedCarrier, "sip_404")},
		{status("failed", "SipResponseCode", "+15005550123"), lost(request.FailedCarrier, "failed")},
		{status("failed", "ErrorCode", "whole text"), lost(request.FailedCarrier, "failed")},
		{status("failed", "ErrorCode", "29999", "SipResponseCode", "503"), lost(request.FailedCarrier, "29999")},
		// The guess at who picked up is a webhook of its own, and no more than that.
		{url.Values{"AnsweredBy": {"human"}, "MachineDetectionDuration": {"900"}}, by("human")},
		{url.Values{"AnsweredBy": {"machine_start"}}, by("machine")},
		{url.Values{"AnsweredBy": {"machine_end_beep"}}, by("machine")},
		{url.Values{"AnsweredBy": {"fax"}}, by("fax")},
		{url.Values{"AnsweredBy": {"unknown"}}, notifier.Report{}},
		{url.Values{"AnsweredBy": {"whole text"}}, notifier.Report{}},
	}
	for kind, codes := range meanings {
		if kind.Retryable() {
			kind = request.FailedCarrier
		}
		for _, code := range codes {
			cases = append(cases, row{status("failed", "ErrorCode", strconv.Itoa(code)), lost(kind, strconv.Itoa(code))})
		}
	}
	for _, c := range cases {
		s := &sink{}
		form := url.Values{"AccountSid": {sid}, "CallSid": {"CA1"}, "To": {recipient}}
		maps.Copy(form, c.form)
		w := deliver(webhooks(t, s), callStatusPath, form)
		if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%v: %d %q, want 204", c.form, w.Code, w.Body)
		}
		var want []notifier.Report
		if c.want != (notifier.Report{}) {
			c.want.Ref, c.want.Attempt, c.want.Provider, c.want.ProviderID = "7K4M2QX9D", "p1a1", "twilio", "CA1"
			want = append(want, c.want)
		}
		if !slices.Equal(s.reports, want) {
			t.Errorf("%v: %+v, want %+v", c.form, s.reports, want)
		}
		if len(s.keys) > 0 {
			t.Errorf("%v acknowledges", c.form)
		}
	}
}

// What the vendor repeats, or says late or in another order, is the same to whoever stores it: every status has one report, which depends on
// nothing that came before.
func TestTheOrderOfStatusesChangesNothing(t *testing.T) {
	statuses := []string{"initiated", "ringing", "in-progress", "completed"}
	set := func(order []int) map[notifier.Report]bool {
		s := &sink{}
		h := webhooks(t, s)
		for _, n := range order {
			form := callForm("CA1", statuses[n])
			form.Set("SequenceNumber", strconv.Itoa(n))
			deliver(h, callStatusPath, form)
		}
		reports := map[notifier.Report]bool{}
		for _, r := range s.reports {
			reports[r] = true
		}
		return reports
	}
	want := set([]int{0, 1, 2, 3})
	if len(want) != 3 {
		t.Fatalf("%+v, want sent, answered and ended", want)
	}
	for range 50 {
		order := append(rand.Perm(4), rand.Perm(4)...)
		if got := set(order); !maps.Equal(got, want) {
			t.Fatalf("in the order %v: %+v, want %+v", order, got, want)
		}
	}
}

func TestAStatusOfACallThatIsNotStoredIsAskedForAgain(t *testing.T) {
	s := &sink{fails: errors.New("no quorum")}
	if w := deliver(webhooks(t, s), callStatusPath, callForm("CA1", "in-progress")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d, want 503", w.Code)
	}
	if w := deliver(webhooks(t, s), strings.Replace(callStatusPath, "p1a1", "p1", 1), callForm("CA1", "in-progress")); w.Code != http.StatusNotFound {
		t.Errorf("%d, want 404", w.Code)
	}
}

func TestWhoPicksUpIsAsked(t *testing.T) {
	h := webhooks(t, &sink{})
	for _, l := range phrase.Languages {
		for _, urgency := range request.Urgencies {
			path := voicePath + "?about=ask&language=fr&reader=" + string(l) + "&urgency=" + string(urgency)
			got := heard(t, deliver(h, path, callForm("CA1", "in-progress")))
			got.says(t, false, l, phrase.Args{Reference: "7K4M-2QX9-D", Urgency: string(urgency), Language: "fr"}, phrase.VoiceAsk)
			if !strings.Contains(got.said[0], spelled) {
				t.Errorf("%q does not spell the reference", got.said[0])
			}
			want := map[string]string{"input": "dtmf", "numDigits": "1", "timeout": "5", "actionOnEmptyResult": "true", "action": got.gather["action"]}
			if !maps.Equal(got.gather, want) {
				t.Errorf("%v, want %v", got.gather, want)
			}
			if want := gatherPath + strings.TrimPrefix(path, voicePath); got.next != want || !strings.HasPrefix(got.gather["action"], public+"/") {
				t.Errorf("action %s, want %s", got.gather["action"], want)
			}
			if policy, err := url.ParseQuery(got.repetition); err != nil || policy.Get("rc") != "1" {
				t.Errorf("repetition %q", got.repetition)
			}
		}
	}
}

func TestEveryKey(t *testing.T) {
	taken := notifier.Answer{Kind: notifier.Taken, Ref: "7K4M2QX9D"}
	for key, want := range map[string]struct {
		sink notifier.Key
		says []phrase.Key
		ends bool
	}{
		"1":  {"1", []phrase.Key{phrase.VoiceTaken}, true},
		"2":  {"2", []phrase.Key{phrase.VoiceTaken}, true},
		"9":  {"", []phrase.Key{phrase.VoiceAsk}, false},
		"":   {"", []phrase.Key{phrase.VoiceAsk}, false},
		"0":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"3":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"*":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"#":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"11": {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"１":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
	} {
		s := &sink{answer: taken}
		form := pressForm(key)
		if key == "#" { // it ends the input, and is no digit
			form.Set("Digits", "")
			form.Set("FinishedOnKey", "#")
		}
		heard(t, deliver(webhooks(t, s), gatherPath+askedQuery, form)).says(t, want.ends, phrase.English, asked, want.says...)
		var keys []notifier.KeyPress
		if want.sink != "" {
			keys = []notifier.KeyPress{{Ref: "7K4M2QX9D", Attempt: "p1a1", Key: want.sink, Phone: recipient, Provider: "twilio", ProviderID: "CA1"}}
		}
		if !slices.Equal(s.keys, keys) {
			t.Errorf("%q: the sink is told of %+v, want %+v", key, s.keys, keys)
		}
	}
}

func TestWhatBecameOfAKeyIsSaid(t *testing.T) {
	confirmed := map[notifier.AnswerKind]phrase.Key{
		notifier.Taken: phrase.VoiceTaken, notifier.AlreadyYours: phrase.VoiceAlreadyYours, notifier.AlreadyTaken: phrase.VoiceAlreadyTaken,
		notifier.AlreadyEnded: phrase.VoiceAlreadyEnded, notifier.PassedOn: phrase.VoicePassedOn, notifier.CannotPass: phrase.VoiceCannotPass,
		notifier.NoAnswer: phrase.VoiceUnknown, notifier.WrongCode: phrase.VoiceUnknown, "a_later_versions": phrase.VoiceUnknown,
	}
	for _, l := range phrase.Languages {
		for kind, key := range confirmed {
			for _, sign := range []string{"KESTREL", `<Dial>&"']]>`, "سَلْوى", "\x00\x1b"} {
				s := &sink{answer: notifier.Answer{Kind: kind, Ref: "7K4M2QX9D", CallSign: sign, Language: "es"}}
				got := press(t, webhooks(t, s), gatherPath+"?about=ask&reader="+string(l), "1")
				got.says(t, true, l, phrase.Args{Reference: "7K4M-2QX9-D", CallSign: strings.Map(printable, sign)}, key)
				if kind == notifier.AlreadyTaken && sign == "KESTREL" && !strings.Contains(got.said[0], sign) {
					t.Errorf("%q does not say who has it", got.said)
				}
			}
		}
	}
}

func TestSilenceIsAskedThreeTimesMore(t *testing.T) {
	s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
	h := webhooks(t, s)
	got := heard(t, deliver(h, voicePath+askedQuery, callForm("CA1", "in-progress")))
	for range 3 {
		got = press(t, h, got.next, "")
		got.says(t, false, phrase.English, asked, phrase.VoiceAsk)
	}
	late := got.next
	press(t, h, late, "").says(t, true, phrase.English, asked, phrase.VoiceGoodbye)
	if len(s.keys) > 0 {
		t.Error("silence acknowledges")
	}
	// Whoever asks for it again has all of it again; a wrong key is a human, too.
	got = press(t, h, press(t, h, late, "5").next, "9")
	for range 3 {
		got = press(t, h, got.next, "")
		got.says(t, false, phrase.English, asked, phrase.VoiceAsk)
	}
	// The last chance is one.
	press(t, h, got.next, "1").says(t, true, phrase.English, asked, phrase.VoiceTaken)
	for _, repeats := range []string{"-5", "99", "x", "99999999999999999999"} {
		press(t, h, gatherPath+askedQuery+"&repeats="+repeats, "")
	}
}

func TestWhatIsNotStoredIsNotConfirmed(t *testing.T) {
	s := &sink{answer: notifier.Answer{Kind: notifier.TryAgain}}
	h := webhooks(t, s)
	got := press(t, h, gatherPath+askedQuery, "1")
	got.says(t, false, phrase.English, asked, phrase.VoiceTryAgain, phrase.VoiceAsk)
	s.answer.Kind = notifier.Taken
	press(t, h, got.next, "1").says(t, true, phrase.English, asked, phrase.VoiceTaken)
	if len(s.keys) != 2 {
		t.Errorf("%+v", s.keys)
	}
	s.answer.Kind = notifier.TryAgain
	for range 2 {
		got = press(t, h, got.next, "1")
	}
	press(t, h, got.next, "1").says(t, true, phrase.English, asked, phrase.VoiceGoodbye)
}

func TestAKeyThatPanicsIsAnsweredAllTheSame(t *testing.T) {
	logger, check := logged(t)
	o := options()
	o.Logger = logger
	s := &sink{panics: "whole text 424242 of " + recipient}
	press(t, newClient(t, o).Webhooks(s), gatherPath+askedQuery, "1").says(t, false, phrase.English, asked, phrase.VoiceTryAgain, phrase.VoiceAsk)
	check()
}

// slowSink stores nothing before its context ends.
type slowSink struct{ sink }

func (s *slowSink) Key(ctx context.Context, _ notifier.KeyPress) notifier.Answer {
	if _, ok := ctx.Deadline(); !ok {
		panic("the vendor does not wait for ever")
	}
	return notifier.Answer{Kind: notifier.Taken}
}

func TestADecisionHasADeadline(t *testing.T) {
	h := newClient(t, options()).Webhooks(&slowSink{})
	press(t, h, gatherPath+askedQuery, "1").says(t, true, phrase.English, asked, phrase.VoiceTaken)
}

func TestANoticeTakesNothing(t *testing.T) {
	const query = "?about=withdrawn&reader=ru"
	s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
	h := webhooks(t, s)
	args := phrase.Args{Reference: "7K4M-2QX9-D"}
	heard(t, deliver(h, voicePath+query, callForm("CA1", "in-progress"))).says(t, false, phrase.Russian, args, phrase.VoiceWithdrawn)
	press(t, h, gatherPath+query, "9").says(t, false, phrase.Russian, args, phrase.VoiceWithdrawn)
	for _, key := range []string{"1", "2", "7"} {
		press(t, h, gatherPath+query, key).says(t, false, phrase.Russian, args, phrase.VoiceWrongKey, phrase.VoiceWithdrawn)
	}
	press(t, h, gatherPath+query, "").says(t, true, phrase.Russian, args)
	if len(s.keys) > 0 {
		t.Errorf("%+v", s.keys)
	}
}

func TestACallThatIsNotOursIsToldSo(t *testing.T) {
	s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
	h := webhooks(t, s)
	for _, path := range []string{
		"7K4M2QX9E/p1a1?about=ask&reader=es", "nonsense/p1a1?about=ask&reader=es", "7K4M2QX9D/p1?about=ask&reader=es", "7K4M2QX9D/a1?about=ask&reader=es",
		"7K4M2QX9D/p1a1?reader=es", "7K4M2QX9D/p1a1?about=a_later_versions&reader=es", "%00/%00?about=ask&reader=es",
	} {
		heard(t, deliver(h, "/webhooks/twilio/voice/"+path, callForm("CA1", "in-progress"))).says(t, true, phrase.Spanish, phrase.Args{}, phrase.VoiceUnknown)
		press(t, h, "/webhooks/twilio/gather/"+path, "1").says(t, true, phrase.Spanish, phrase.Args{}, phrase.VoiceUnknown)
	}
	press(t, h, gatherPath, "1").says(t, true, phrase.English, phrase.Args{}, phrase.VoiceUnknown)
	if len(s.keys) > 0 {
		t.Errorf("%+v", s.keys)
	}
}

func TestSignaturesOfCalls(t *testing.T) {
	for _, path := range []string{callStatusPath, voicePath + askedQuery, gatherPath + askedQuery} {
		form := pressForm("1")
		genuine := sign(authToken, public+path, form)
		for name, c := range map[string]struct {
			signature, path, body string
			ok                    bool
		}{
			"genuine":            {genuine, path, form.Encode(), true},
			"with the old token": {sign(oldToken, public+path, form), path, form.Encode(), true},
			"none":               {"", path, form.Encode(), false},
			"another's":          {sign("another", public+path, form), path, form.Encode(), false},
			"of another attempt": {genuine, strings.Replace(path, "p1a1", "p2a1", 1), form.Encode(), false},
			"of another query":   {genuine, strings.Replace(path, "critical", "routine", 1) + "&x=1", form.Encode(), false},
			"of no query":        {genuine, path + "?", form.Encode(), false},
			"of another key":     {genuine, path, pressForm("2").Encode(), false},
			"with a key twice":   {genuine, path, form.Encode() + "&Digits=1", false},
		} {
			s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
			w := post(webhooks(t, s), c.path, c.signature, c.body)
			if believed := w.Code == http.StatusOK || w.Code == http.StatusNoContent; believed != c.ok || (!c.ok && w.Code != http.StatusForbidden) {
				t.Errorf("%s, %s: %d", path, name, w.Code)
			}
			if reached := len(s.keys)+len(s.reports) > 0; reached && !c.ok {
				t.Errorf("%s, %s: the sink was reached", path, name)
			}
		}
	}
}

// newcomer is a client of another process: it knows nothing of what was called.
func newcomer(t *testing.T, v *fakeVendor) notifier.Channel {
	t.Helper()
	o := options()
	o.BaseURL = v.server.URL
	return newClient(t, o).Voice()
}

func TestANewcomerFindsACall(t *testing.T) {
	other := page()
	other.Page, other.Attempt = "p2", "p2a1"
	found := func(n int, v *fakeVendor) notifier.Outcome {
		if n == 0 {
			return notifier.NotFound{}
		}
		return notifier.Accepted{ProviderID: v.rung[n-1].SID}
	}
	for name, c := range map[string]struct {
		prepare func(v *fakeVendor)
		change  func(v *fakeVendor, m *notifier.Message)
		want    int // number of the call; 0 is none
	}{
		"the only one":         {nil, nil, 1},
		"the only one, spoken": {func(v *fakeVendor) { v.rung[0].Status = "in-progress" }, nil, 1},
		"over, and not known":  {func(v *fakeVendor) { v.rung[0].Status = "completed" }, nil, 0},
		"busy":                 {func(v *fakeVendor) { v.rung[0].Status = "busy" }, nil, 0},
		"nobody picked up":     {func(v *fakeVendor) { v.rung[0].Status = "no-answer" }, nil, 0},
		"failed":               {func(v *fakeVendor) { v.rung[0].Status = "failed" }, nil, 0},
		"canceled":             {func(v *fakeVendor) { v.rung[0].Status = "canceled" }, nil, 0},
		"one of two, nobody knows which": {
			func(v *fakeVendor) { v.Channel().Send(context.Background(), other) }, nil, 0,
		},
		"one of two, the other is known": {
			func(v *fakeVendor) { v.Channel().Send(context.Background(), other) },
			func(v *fakeVendor, m *notifier.Message) { m.Others = []string{v.rung[1].SID} }, 1,
		},
		"known to be another's": {nil, func(v *fakeVendor, m *notifier.Message) { m.Others = []string{v.rung[0].SID} }, 0},
		"before the page": {
			func(v *fakeVendor) {
				v.rung[0].DateCreated = time.Now().Add(-20 * time.Second).UTC().Format(time.RFC1123Z)
			}, nil, 0,
		},
		"this machine's clock is behind the log's": {nil, func(_ *fakeVendor, m *notifier.Message) { m.Since = time.Now().Add(10 * time.Second) }, 1},
		"long before the page": {
			func(v *fakeVendor) { v.rung[0].DateCreated = time.Now().Add(-time.Hour).UTC().Format(time.RFC1123Z) }, nil, 0,
		},
		"of no date":           {func(v *fakeVendor) { v.rung[0].DateCreated = "nonsense" }, nil, 0},
		"from a strange phone": {func(v *fakeVendor) { v.rung[0].From = "+15005550099" }, nil, 0},
		"not placed by us":     {func(v *fakeVendor) { v.rung[0].Direction = "outbound-dial" }, nil, 0},
		"a page without a day": {nil, func(_ *fakeVendor, m *notifier.Message) { m.Since = time.Time{} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVoiceVendor(t)
			v.Behave(notifiertest.LoseAnswer)
			v.Channel().Send(t.Context(), page())
			v.Behave(notifiertest.Accept)
			if c.prepare != nil {
				c.prepare(v)
			}
			m := page()
			m.Since = time.Now().Add(-time.Second)
			if c.change != nil {
				c.change(v, &m)
			}
			if got, want := newcomer(t, v).Find(t.Context(), m), found(c.want, v); got != want {
				t.Errorf("%#v, want %#v", got, want)
			}
		})
	}
}

// The vendor's clock is its own: what counts is how old it says that a call is.
func TestAWrongClockFindsACall(t *testing.T) {
	for name, skew := range map[string]time.Duration{"behind": -9 * time.Minute, "ahead": 9 * time.Minute} {
		v := newVoiceVendor(t)
		v.skew = skew
		earlier := v.call(url.Values{"To": {recipient}, "From": {"+15005550006"}}) // a minute before the page
		v.rung[0].DateCreated = time.Now().Add(skew - time.Minute).UTC().Format(time.RFC1123Z)
		v.Behave(notifiertest.LoseAnswer)
		v.Channel().Send(t.Context(), page())
		v.Behave(notifiertest.Accept)
		if got := newcomer(t, v).Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: v.rung[1].SID}) {
			t.Errorf("%s: %#v, want %s and not %s", name, got, v.rung[1].SID, earlier.SID)
		}
	}
}

func TestACallIsFoundForOnePageOnly(t *testing.T) {
	v := newVoiceVendor(t)
	v.Behave(notifiertest.LoseAnswer)
	v.Channel().Send(t.Context(), page())
	v.Behave(notifiertest.Accept)
	channel := newcomer(t, v)
	var wg sync.WaitGroup
	outcomes := make([]notifier.Outcome, 8)
	for n := range outcomes {
		wg.Go(func() {
			m := page()
			m.Page = "p" + strconv.Itoa(n+1)
			outcomes[n] = channel.Find(t.Context(), m)
		})
	}
	wg.Wait()
	accepted := 0
	for _, o := range outcomes {
		if _, ok := o.(notifier.Accepted); ok {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d pages took the same call: %v", accepted, outcomes)
	}
}

// A webhook says whose call it is, more surely than any conclusion.
func TestAWebhookSaysWhoseCallItIs(t *testing.T) {
	for _, path := range []string{callStatusPath, voicePath + askedQuery, gatherPath + askedQuery} {
		v := newVoiceVendor(t)
		v.Behave(notifiertest.LoseAnswer)
		other := page()
		other.Page, other.Attempt = "p2", "p2a1"
		v.Channel().Send(t.Context(), page())
		v.Channel().Send(t.Context(), other)
		v.Behave(notifiertest.Accept)
		o := options()
		o.BaseURL = v.server.URL
		c := newClient(t, o)
		deliver(c.Webhooks(&sink{}), path, callForm(v.rung[0].SID, "in-progress"))
		v.rung[0].Status = "completed"
		if got := c.Voice().Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: v.rung[0].SID}) {
			t.Errorf("%s: %#v", path, got)
		}
		if got := c.Voice().Find(t.Context(), other); got != (notifier.Accepted{ProviderID: v.rung[1].SID}) {
			t.Errorf("%s: the other: %#v", path, got)
		}
	}
}

func TestVeryManyCallsAreForgotten(t *testing.T) {
	v := newVoiceVendor(t)
	o := options()
	o.BaseURL = v.server.URL
	c := newClient(t, o)
	h := c.Webhooks(&sink{})
	first := v.call(url.Values{"To": {recipient}, "From": {"+15005550006"}})
	other := strings.Replace(callStatusPath, "p1a1", "p9a1", 1)
	deliver(h, other, callForm(first.SID, "ringing"))
	if got := c.Voice().Find(t.Context(), page()); got != (notifier.NotFound{}) {
		t.Errorf("%#v, want not found: it is another's", got)
	}
	for n := range 4096 {
		deliver(h, other, callForm("CA"+strconv.Itoa(n), "ringing"))
	}
	if got := c.Voice().Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: first.SID}) {
		t.Errorf("%#v, want it taken for nobody's", got)
	}
}

var _ notifier.Sink = (*sink)(nil)
