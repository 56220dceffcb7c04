package twiliosim

import (
	"bytes"
	"encoding/xml"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The vendor's codes for verbs that it cannot follow as they are written. Source: its error dictionary.
const (
	codeContentType  = 12300
	codeGatherKey    = 13310
	codeGatherMethod = 13312
	codeGatherTime   = 13313
	codeGatherDigits = 13314
	codeGatherNested = 13320
	codeGatherLoop   = 13322
	codeSayLoop      = 13510
	codeSayText      = 13520
	codeSayTooLong   = 13521
	codeRedirect     = 13710
	codePauseLength  = 13910
)

const (
	maxSay        = 4096 // characters of a Say
	maxLoop       = 1000 // what loop="0" comes to
	maxPause      = 3600 // seconds
	defaultGather = 5 * time.Second
	defaultPause  = time.Second
	keys          = "0123456789*#"
	defaultFinish = "#"
	defaultMethod = http.MethodPost
	unknownDetail = "an attribute that the simulator does not know"
	defaultSpeech = "en-US" // where a Say names neither a language nor a voice
)

// voices are the voices that the simulator can speak with, and the language of each. The vendor has many more; one that is missing here
// cannot be told from a slip of the pen, so that it fails.
var voices = map[string]string{
	"Polly.Amy":          "en-GB",
	"Polly.Lea-Neural":   "fr-FR",
	"Polly.Lucia-Neural": "es-ES",
	"Polly.Tatyana":      "ru-RU",
	"Polly.Zeina":        "arb",
	"Polly.Zhiyu-Neural": "cmn-CN",
}

// speakable tells whether a voice speaks the language. Either can be left to the vendor.
func speakable(language, voice string) bool {
	of, known := voices[voice]
	switch {
	case voice != "" && !known:
		return false
	case language == "" || voice != "" && language == of:
		return true
	default:
		return voice == "" && (language == defaultSpeech || slices.Contains(languages(), language))
	}
}

func languages() (all []string) {
	for _, language := range voices {
		all = append(all, language)
	}
	return all
}

// A verb is one instruction of a document for calls: say, pause, gather, redirect, hangup or reject.
type verb any

type (
	say struct {
		text, language, voice string
		loop                  int
	}
	pauseFor struct{ length time.Duration }
	gather   struct {
		prompt         []verb // say and pauseFor
		digits         int    // 0 = unlimited
		timeout        time.Duration
		finish         string // "" = no key
		action, method string
		onEmpty        bool
		deaf           bool // listens to speech alone
	}
	redirect struct{ target, method string }
	hangup   struct{}
	reject   struct{}
)

// readVoice reads what a webhook answered to a call: TwiML, plain text to say, or nothing with 204. A fatal problem leaves no verbs.
func readVoice(a answer) (verbs []verb, problems []twimlProblem, fatal *twimlProblem) {
	if a.status == http.StatusNoContent {
		return nil, nil, nil
	}
	if len(a.body) > webhookAnswer {
		return nil, nil, &twimlProblem{"error", codeTooLarge, "the answer is larger than 64 KiB"}
	}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return nil, nil, &twimlProblem{"error", codeParseFailure, "the answer is empty: answer 204 or an empty Response"}
	}
	media, _, err := mime.ParseMediaType(a.contentType)
	if a.contentType == "" || err != nil {
		media = "text/xml" // read as what it should be
	}
	switch media {
	case "text/xml", "application/xml", "text/html":
		verbs, problems, err := parseVoice(a.body)
		if err != nil {
			return nil, problems, &twimlProblem{"error", codeParseFailure, "the answer is not a TwiML document"}
		}
		return verbs, problems, nil
	case "text/plain":
		return []verb{say{text: plain(string(a.body)), loop: 1}}, nil, nil
	default:
		return nil, nil, &twimlProblem{"error", codeContentType, "the content type is none that the simulator can follow: answer text/xml"}
	}
}

// parseVoice reads a document. Verbs and attributes that are not understood are left out and reported, as the vendor does.
func parseVoice(document []byte) ([]verb, []twimlProblem, error) {
	p := &parser{d: xml.NewDecoder(bytes.NewReader(document))}
	var verbs []verb
	err := eachVerb(p.d, func(start xml.StartElement) error {
		v, err := p.verb(start, false)
		if v != nil {
			verbs = append(verbs, v)
		}
		return err
	}, p.stray)
	return verbs, p.problems, err
}

type parser struct {
	d        *xml.Decoder
	problems []twimlProblem
}

func (p *parser) warn(code int, detail string) {
	p.problems = append(p.problems, twimlProblem{"warning", code, detail})
}

// verb reads one element to its end; nil where it is none.
func (p *parser) verb(start xml.StartElement, nested bool) (verb, error) {
	name := start.Name.Local
	if nested && name != "Say" && name != "Pause" {
		p.warn(codeGatherNested, "a Gather holds Say and Pause alone")
		return nil, p.d.Skip()
	}
	switch name {
	case "Say":
		return p.say(start, nested)
	case "Pause":
		length := defaultPause
		p.attributes(start, map[string]func(string){"length": func(raw string) {
			p.whole(raw, maxPause, codePauseLength, "the length of a Pause is no number of seconds", func(n int) { length = time.Duration(n) * time.Second })
		}})
		return pauseFor{length}, p.empty()
	case "Gather":
		return p.gather(start)
	case "Redirect":
		r := redirect{method: defaultMethod}
		p.attributes(start, map[string]func(string){"method": func(raw string) { p.method(raw, codeRedirect, &r.method) }})
		text, _, err := p.text(nil)
		r.target = strings.TrimSpace(text)
		return r, err
	case "Hangup":
		p.attributes(start, nil)
		return hangup{}, p.empty()
	case "Reject":
		p.attributes(start, map[string]func(string){"reason": func(raw string) {
			if raw != "rejected" && raw != "busy" {
				p.warn(codeSchema, "the reason of a Reject is rejected or busy")
			}
		}})
		return reject{}, p.empty()
	default:
		p.warn(codeSchema, unknownVerb)
		return nil, p.d.Skip()
	}
}

// markup are the elements of SSML that a Say may hold. They change how something is said, not what.
var markup = []string{"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}

func (p *parser) say(start xml.StartElement, nested bool) (verb, error) {
	v := say{loop: 1}
	code := codeSayLoop
	if nested {
		code = codeGatherLoop
	}
	p.attributes(start, map[string]func(string){
		"voice":    func(raw string) { v.voice = raw },
		"language": func(raw string) { v.language = raw },
		"loop": func(raw string) {
			if raw == "0" {
				v.loop = maxLoop
				return
			}
			p.whole(raw, maxLoop, code, "the loop of a Say is no number from 0 to 1000", func(n int) { v.loop = n })
		},
	})
	text, foreign, err := p.text(markup)
	if foreign {
		p.warn(codeSchema, "a Say holds an element that is none of SSML")
	}
	v.text = plain(text)
	return v, err
}

func (p *parser) gather(start xml.StartElement) (verb, error) {
	g := gather{timeout: defaultGather, finish: defaultFinish, method: defaultMethod}
	ignore := func(string) {}
	p.attributes(start, map[string]func(string){
		"action": func(raw string) { g.action = raw },
		"method": func(raw string) { p.method(raw, codeGatherMethod, &g.method) },
		"input": func(raw string) {
			words := strings.Fields(raw)
			g.deaf = !slices.Contains(words, "dtmf")
			if g.deaf || len(words) > 1 {
				p.warn(codeSchema, "the simulator hears keys and no speech: a Gather with the input dtmf is needed")
			}
		},
		"timeout": func(raw string) {
			p.whole(raw, maxPause, codeGatherTime, "the timeout of a Gather is no number of seconds", func(n int) { g.timeout = time.Duration(n) * time.Second })
		},
		"numDigits": func(raw string) {
			p.whole(raw, 1000, codeGatherDigits, "the numDigits of a Gather is no number", func(n int) { g.digits = n })
		},
		"finishOnKey": func(raw string) {
			if raw != "" && (len(raw) != 1 || !strings.Contains(keys, raw)) {
				p.warn(codeGatherKey, "the finishOnKey of a Gather is no key")
				return
			}
			g.finish = raw
		},
		"actionOnEmptyResult": func(raw string) {
			if raw != "true" && raw != "false" {
				p.warn(codeSchema, "the actionOnEmptyResult of a Gather is true or false")
				return
			}
			g.onEmpty = raw == "true"
		},
		// They concern speech.
		"language": ignore, "hints": ignore, "speechTimeout": ignore, "speechModel": ignore, "enhanced": ignore, "bargeIn": ignore,
		"profanityFilter": ignore, "partialResultCallback": ignore, "partialResultCallbackMethod": ignore, "maxSpeechTime": ignore, "debug": ignore,
	})
	for {
		token, err := p.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return g, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				p.stray()
			}
		case xml.StartElement:
			v, err := p.verb(t, true)
			if err != nil {
				return nil, err
			}
			if v != nil {
				g.prompt = append(g.prompt, v)
			}
		}
	}
}

func (p *parser) stray() { p.problems = append(p.problems, strayText) }

// attributes hands each attribute to who knows it.
func (p *parser) attributes(start xml.StartElement, known map[string]func(string)) {
	for _, a := range start.Attr {
		if take := known[a.Name.Local]; take != nil && a.Name.Space == "" {
			take(a.Value)
			continue
		}
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			p.warn(codeSchema, unknownDetail)
		}
	}
}

// whole reads a number from 1 to most.
func (p *parser) whole(raw string, most, code int, detail string, take func(int)) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > most {
		p.warn(code, detail)
		return
	}
	take(n)
}

func (p *parser) method(raw string, code int, into *string) {
	if raw != http.MethodGet && raw != http.MethodPost {
		p.warn(code, "the method is GET or POST")
		return
	}
	*into = raw
}

// empty reads to the end of a verb that holds nothing.
func (p *parser) empty() error {
	text, foreign, err := p.text(nil)
	if foreign || strings.TrimSpace(text) != "" {
		p.warn(codeSchema, "a verb that holds nothing holds something")
	}
	return err
}

// text reads to the end of an element that has begun, and returns what stands in it. Elements within are read through; foreign tells
// whether one was not among those allowed.
func (p *parser) text(allowed []string) (text string, foreign bool, err error) {
	var all strings.Builder
	for depth := 1; depth > 0; {
		token, err := p.d.Token()
		if err != nil {
			return "", foreign, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			foreign = foreign || !slices.Contains(allowed, t.Name.Local)
			if t.Name.Local == "break" || t.Name.Local == "p" || t.Name.Local == "s" {
				all.WriteByte(' ')
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			all.Write(t)
		}
	}
	return all.String(), foreign, nil
}

// plain folds white space, which is not spoken.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
}

// resolve makes an address of a document absolute; "" is the document itself.
func resolve(base, ref string) (string, error) {
	base, _, _ = strings.Cut(base, "#")
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	if target := u.String(); absolute(target) {
		return target, nil
	}
	return "", errNotAbsolute
}

// spoken tells whether a Say can be said, and why not.
func (v say) spoken() (twimlProblem, bool) {
	switch {
	case v.text == "":
		return twimlProblem{"warning", codeSayText, "a Say without text"}, false
	case utf8.RuneCountInString(v.text) > maxSay:
		return twimlProblem{"warning", codeSayTooLong, "a Say of more than 4096 characters"}, false
	case !speakable(v.language, v.voice):
		return twimlProblem{"warning", codeSayText, "a Say in a language that its voice does not speak, or that the simulator does not know"}, false
	default:
		return twimlProblem{}, true
	}
}
