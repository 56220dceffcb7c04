package twilio

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/twiml"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
)

const (
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

// readQuestion reads the address of a webhook.
func readQuestion(r *http.Request) (telephone.Question, bool) {
	return telephone.ReadQuestion(r.PathValue("ref"), r.PathValue("attempt"), r.URL.Query())
}

// address is where the vendor asks for what comes next. All of the question stands in it, and the vendor signs it.
func address(q telephone.Question, base, path, overrides string) string {
	return base + path + q.Path() + "?" + q.Query().Encode() + overrides
}

// fallback is where the vendor asks when it got nothing that it could use.
func fallback(q telephone.Question, base string) string {
	query := q.Query()
	query.Set("fallback", "1")
	return base + voicePath + q.Path() + "?" + query.Encode() + voiceOverrides
}

// verbs are a turn in TwiML. Keys count from the first word on.
func verbs(t telephone.Turn, base string) []twiml.Element {
	var words []twiml.Element
	v := voices[t.Reader]
	for _, text := range t.Words {
		words = append(words, twiml.VoiceSay{Message: text, Language: v.language, Voice: v.voice})
	}
	if t.Next == nil {
		return append(words, twiml.VoiceHangup{})
	}
	return []twiml.Element{twiml.VoiceGather{
		Input: "dtmf", NumDigits: strconv.Itoa(t.Next.Keys()), Timeout: strconv.Itoa(int(t.Next.Wait().Seconds())), ActionOnEmptyResult: "true",
		Action: address(*t.Next, base, gatherPath, gatherOverrides), InnerElements: words,
	}}
}

// pickedUp asks whoever picked up. It is the fallback, too, since it depends on nothing but the address.
func (c *Client) pickedUp(w http.ResponseWriter, r *http.Request, h hook) {
	q, ok := readQuestion(r)
	if r.URL.Query().Has("fallback") {
		c.opts.Logger.Warn("a call fell back: the provider could not use an answer", zap.Stringer("request", q.Ref), zap.String("code", errorCode(h.form)))
	}
	if !ok {
		writeCall(w, verbs(q.Unknown(), h.base))
		return
	}
	c.calls.Note(h.form.Get("CallSid"), q.Ref, q.Attempt)
	writeCall(w, verbs(q.Ask(), h.base))
}

// pressed answers what was keyed in, or silence, whatever happens.
func (c *Client) pressed(w http.ResponseWriter, r *http.Request, h hook, sink notifier.Sink) {
	q, ok := readQuestion(r)
	if !ok {
		writeCall(w, verbs(q.Unknown(), h.base))
		return
	}
	c.calls.Note(h.form.Get("CallSid"), q.Ref, q.Attempt)
	keys := h.form.Get("Digits")
	if keys == "" && h.form.Get("FinishedOnKey") == "#" {
		keys = "#" // it ends the input, and is no digit to the vendor
	}
	ctx, cancel := context.WithTimeout(r.Context(), storing)
	defer cancel()
	press := notifier.KeyPress{Phone: notifier.Phone(h.form.Get("To")), Provider: "twilio", ProviderID: h.form.Get("CallSid")}
	writeCall(w, verbs(q.Heard(ctx, keys, press, sink, c.opts.Logger), h.base))
}

// writeCall answers with TwiML, whatever happens.
func writeCall(w http.ResponseWriter, verbs []twiml.Element) {
	document, err := twiml.Voice(verbs)
	if err != nil {
		document = "<Response><Hangup/></Response>"
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte(document))
}
