package twilio

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go/twiml"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

const (
	// maxRepeats is how often the question is repeated into silence, or after an answer that could not be stored.
	maxRepeats = 3
	// storing bounds a decision: whoever pressed a key is listening, and the vendor waits for 15 s in all.
	storing = 6 * time.Second

	// The question is made of its address alone, and can be asked for as often as need be; a key is stored, which takes longer.
	voiceOverrides  = "#rc=2&rp=ct,rt,5xx&rt=5000"
	gatherOverrides = "#rc=1&rp=ct,rt,5xx&rt=7000"
)

// voices are the pairs of language and voice; a pair that does not fit fails the verb.
var voices = map[phrase.Language]struct{ language, voice string }{
	phrase.English: {"en-GB", "Polly.Amy"},
	phrase.French:  {"fr-FR", "Polly.Lea-Neural"},
	phrase.Spanish: {"es-ES", "Polly.Lucia-Neural"},
	phrase.Russian: {"ru-RU", "Polly.Tatyana"},
	phrase.Arabic:  {"arb", "Polly.Zeina"},
	phrase.Chinese: {"cmn-CN", "Polly.Zhiyu-Neural"},
}

// A question is what a call asks or tells. All of it stands in the addresses that the vendor calls, which it signs: a node needs no state to
// speak, and knows nothing of the request that may not be said aloud.
type question struct {
	ref      request.Ref
	attempt  string
	about    notifier.About
	reader   phrase.Language
	urgency  string // "" when it is not known
	language string // of the request, "" when it is not known
	alarm    string // kind of an alarm, "" when it is none
	repeats  int    // how often it was repeated without an answer
	base     string // the address under which the vendor reached us
}

func questionOf(m notifier.Message) question {
	return question{
		ref: m.Ref, attempt: m.Attempt, about: m.About, reader: phrase.Pick(m.Reader), urgency: word(string(m.Urgency)), language: mainLanguage(m.Language),
		alarm: alarmKind(string(m.Alarm)),
	}
}

// readQuestion reads an address. ok is false when it is none of ours, or of a later version's; who listens is still told something in
// the right language.
func readQuestion(r *http.Request, base string) (q question, ok bool) {
	query := r.URL.Query()
	ref, err := request.ParseRef(r.PathValue("ref"))
	q = question{
		ref: ref, attempt: r.PathValue("attempt"), about: notifier.About(query.Get("about")), reader: phrase.Pick(query.Get("reader")),
		urgency: word(query.Get("urgency")), language: mainLanguage(query.Get("language")), base: base,
		alarm: alarmKind(query.Get("alarm")),
	}
	if n, err := strconv.Atoi(query.Get("repeats")); err == nil {
		q.repeats = min(max(n, 0), maxRepeats)
	}
	_, attempt := request.PageOfAttempt(q.attempt)
	return q, err == nil && attempt && questions[q.about] != ""
}

// word keeps a name of an enumeration, and nothing that could be a text.
func word(s string) string {
	if len(s) > 16 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}

// alarmKind keeps the kind of an alarm that there are words for.
func alarmKind(s string) string {
	if !slices.Contains(request.AlarmKinds, request.AlarmKind(s)) {
		return ""
	}
	return s
}

// mainLanguage is the first part of a language tag; nothing that could be a text comes through.
func mainLanguage(tag string) string {
	base, _, _ := strings.Cut(tag, "-")
	base = strings.ToLower(base)
	if len(base) > 3 {
		return ""
	}
	return word(base)
}

// address is where the vendor asks for what comes next.
func (q question) address(base, path, overrides string) string {
	return base + path + string(q.ref) + "/" + q.attempt + "?" + q.query().Encode() + overrides
}

// fallback is where the vendor asks when it got nothing that it could use.
func (q question) fallback(base string) string {
	query := q.query()
	query.Set("fallback", "1")
	return base + voicePath + string(q.ref) + "/" + q.attempt + "?" + query.Encode() + voiceOverrides
}

func (q question) query() url.Values {
	query := url.Values{"about": {string(q.about)}, "reader": {string(q.reader)}}
	for name, text := range map[string]string{"urgency": q.urgency, "language": q.language, "alarm": q.alarm} {
		if text != "" {
			query.Set(name, text)
		}
	}
	if q.repeats > 0 {
		query.Set("repeats", strconv.Itoa(q.repeats))
	}
	return query
}

func (q question) say(key phrase.Key, callSign string) twiml.Element {
	args := phrase.Args{Reference: q.ref.String(), Urgency: q.urgency, Language: q.language, CallSign: callSign, Alarm: q.alarm}
	v := voices[q.reader]
	return twiml.VoiceSay{Message: phrase.Spoken(q.reader, key, args), Language: v.language, Voice: v.voice}
}

// ask puts the question, after a remark on what came before. Keys count from the first word on.
func (q question) ask(remarks ...phrase.Key) []twiml.Element {
	var words []twiml.Element
	for _, key := range append(remarks, questions[q.about]) {
		words = append(words, q.say(key, ""))
	}
	return []twiml.Element{twiml.VoiceGather{
		Input: "dtmf", NumDigits: "1", Timeout: "5", ActionOnEmptyResult: "true", Action: q.address(q.base, gatherPath, gatherOverrides), InnerElements: words,
	}}
}

// again repeats the question, and says goodbye once it was repeated often enough.
func (q question) again(remarks ...phrase.Key) []twiml.Element {
	if q.repeats >= maxRepeats {
		return q.end(phrase.VoiceGoodbye, "")
	}
	q.repeats++
	return q.ask(remarks...)
}

// end says one thing more and hangs up.
func (q question) end(key phrase.Key, callSign string) []twiml.Element {
	return []twiml.Element{q.say(key, callSign), twiml.VoiceHangup{}}
}

// pickedUp asks whoever picked up. It is the fallback, too, since it depends on nothing but the address.
func (c *Client) pickedUp(w http.ResponseWriter, r *http.Request, h hook) {
	q, ok := readQuestion(r, h.base)
	if r.URL.Query().Has("fallback") {
		c.opts.Logger.Warn("a call fell back: the provider could not use an answer", zap.Stringer("request", q.ref), zap.String("code", errorCode(h.form)))
	}
	if !ok {
		writeCall(w, q.end(phrase.VoiceUnknown, ""))
		return
	}
	c.noteCall(q.ref, q.attempt, h.form)
	writeCall(w, q.ask())
}

// pressed answers a key, or silence, whatever happens.
func (c *Client) pressed(w http.ResponseWriter, r *http.Request, h hook, sink notifier.Sink) {
	q, ok := readQuestion(r, h.base)
	if !ok {
		writeCall(w, q.end(phrase.VoiceUnknown, ""))
		return
	}
	c.noteCall(q.ref, q.attempt, h.form)
	next := q.again(phrase.VoiceTryAgain)
	defer func() {
		if trouble := recover(); trouble != nil {
			c.opts.Logger.Error("panic while taking a key", zap.Stringer("request", q.ref), zap.Stack("stack"))
		}
		writeCall(w, next)
	}()
	next = c.heard(r.Context(), q, h.form, sink)
}

// heard decides what comes after a key or silence.
func (c *Client) heard(ctx context.Context, q question, form url.Values, sink notifier.Sink) []twiml.Element {
	key := notifier.Key(form.Get("Digits"))
	if key == "" && form.Get("FinishedOnKey") == "#" {
		key = "#" // it ends the input, and is no digit to the vendor
	}
	notice := !q.about.Asks()
	switch {
	case key == notifier.KeyRepeat:
		q.repeats = 0
		return q.ask()
	case key == "" && notice:
		return []twiml.Element{twiml.VoiceHangup{}}
	case key == "":
		return q.again()
	case notice, key != notifier.KeyTake && key != notifier.KeyPass, key == notifier.KeyPass && q.about != notifier.AskToTake:
		// an alarm goes to all at once, and a handover to whoever is on duty: there is nobody to pass it on to
		return q.ask(phrase.VoiceWrongKey)
	}
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	answer := sink.Key(ctx, notifier.KeyPress{
		Ref: q.ref, Attempt: q.attempt, Key: key, Phone: notifier.Phone(form.Get("To")), Provider: "twilio", ProviderID: form.Get("CallSid"),
	})
	if answer.Kind == notifier.TryAgain {
		return q.again(phrase.VoiceTryAgain)
	}
	said, ok := confirmations[answer.Kind]
	if !ok {
		said = phrase.VoiceUnknown
	}
	return q.end(said, answer.CallSign)
}

// confirmations say what became of a key. Whatever is not here belongs to texts: the call is over.
var confirmations = map[notifier.AnswerKind]phrase.Key{
	notifier.Taken: phrase.VoiceTaken, notifier.AlreadyYours: phrase.VoiceAlreadyYours, notifier.AlreadyTaken: phrase.VoiceAlreadyTaken,
	notifier.AlreadyEnded: phrase.VoiceAlreadyEnded, notifier.PassedOn: phrase.VoicePassedOn, notifier.CannotPass: phrase.VoiceCannotPass,
	notifier.AlarmTaken: phrase.VoiceAlarmTaken, notifier.AlarmOver: phrase.VoiceAlarmOver,
	notifier.Signed: phrase.VoiceSigned, notifier.TakenOver: phrase.VoiceTakenOver, notifier.AlreadyConfirmed: phrase.VoiceAlreadyConfirmed,
	notifier.HandoverOver: phrase.VoiceHandoverOver,
	notifier.TestPassed:   phrase.VoiceTestPassed, notifier.TestOver: phrase.VoiceTestOver,
}

// noteCall remembers which page the vendor says that a call is for.
func (c *Client) noteCall(ref request.Ref, attempt string, form url.Values) {
	if page, ok := request.PageOfAttempt(attempt); ok {
		c.calls.note(form.Get("CallSid"), pageOf(ref, page))
	}
}

// writeCall answers with TwiML, whatever happens.
func writeCall(w http.ResponseWriter, verbs []twiml.Element) {
	document, err := twiml.Voice(verbs)
	if err != nil {
		document = "<Response><Hangup/></Response>"
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte(document)) //nolint:gosec // the library escapes texts and attributes
}
