package twiliosim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/twiliosim"
)

const apology = "An application error has occurred. Goodbye."

// TestDocuments answers a call and lets it follow one document, with nobody pressing anything.
func TestDocuments(t *testing.T) {
	long := strings.Repeat("a", 4097)
	s := func(texts ...string) []string { return texts }
	for _, c := range []struct {
		name, document string
		media          string
		said           []string
		alerts         []int
		takes          time.Duration
	}{
		{name: "Say", document: `<Response><Say>Hello.</Say></Response>`, said: s("Hello.")},
		{name: "white space is not said", document: "<Response><Say>\n  Hello\n\t you. </Say></Response>", said: s("Hello you.")},
		{name: "entities", document: `<?xml version="1.0" encoding="UTF-8"?><!-- x --><Response><Say>A &amp; B &#1575;</Say></Response>`, said: s("A & B ا")},
		{name: "SSML", document: `<Response><Say>One<break time="1s"/>two <emphasis>three</emphasis>.</Say></Response>`, said: s("One two three.")},
		{name: "no SSML", document: `<Response><Say>One <b>two</b></Say></Response>`, said: s("One two"), alerts: []int{12200}},
		{name: "loop", document: `<Response><Say loop="3">Hi.</Say></Response>`, said: s("Hi.", "Hi.", "Hi.")},
		{name: "loop that is none", document: `<Response><Say loop="often">Hi.</Say></Response>`, said: s("Hi."), alerts: []int{13510}},
		{name: "all six languages", document: `<Response><Say language="en-GB" voice="Polly.Amy">a</Say><Say language="fr-FR" voice="Polly.Lea-Neural">b</Say>` +
			`<Say language="es-ES" voice="Polly.Lucia-Neural">c</Say><Say language="ru-RU" voice="Polly.Tatyana">d</Say>` +
			`<Say language="arb" voice="Polly.Zeina">عاجل</Say><Say language="cmn-CN" voice="Polly.Zhiyu-Neural">紧急</Say></Response>`, said: s("a", "b", "c", "d", "عاجل", "紧急")},
		{name: "a voice alone, a language alone", document: `<Response><Say voice="Polly.Zeina">a</Say><Say language="ru-RU">b</Say></Response>`, said: s("a", "b")},
		{name: "a pair that does not fit", document: `<Response><Say language="fr-FR" voice="Polly.Amy">a</Say><Say>b</Say></Response>`, said: s("b"), alerts: []int{13520}},
		{name: "an unknown voice", document: `<Response><Say voice="Polly.Carmit">a</Say></Response>`, alerts: []int{13520}},
		{name: "an unknown language", document: `<Response><Say language="ar">a</Say></Response>`, alerts: []int{13520}},
		{name: "nothing to say", document: `<Response><Say/><Say> </Say></Response>`, alerts: []int{13520, 13520}},
		{name: "too much to say", document: `<Response><Say>` + long + `</Say></Response>`, alerts: []int{13521}},
		{name: "Pause", document: `<Response><Pause/><Say>a</Say><Pause length="10"/></Response>`, said: s("a"), takes: 11 * time.Second},
		{name: "Pause of no length", document: `<Response><Pause length="0"/><Pause length="x">y</Pause></Response>`, alerts: []int{13910, 13910, 12200}, takes: 2 * time.Second},
		{name: "Hangup", document: `<Response><Say>a</Say><Hangup/><Say>b</Say></Response>`, said: s("a")},
		{name: "Reject", document: `<Response><Say>a</Say><Reject reason="busy"/><Say>b</Say></Response>`, said: s("a"), alerts: []int{12200}},
		{name: "Reject with a reason of its own", document: `<Response><Reject reason="tired"/></Response>`, alerts: []int{12200, 12200}},
		{name: "Redirect", document: `<Response><Redirect method="GET"> ../other?x=1&amp;y=2 </Redirect><Say>b</Say></Response>`, said: s("Elsewhere.")},
		{name: "Redirect by no method", document: `<Response><Redirect method="get">/other</Redirect></Response>`, said: s("Elsewhere."), alerts: []int{13710}},
		{name: "Redirect to nowhere", document: `<Response><Redirect>mailto:a@b.example</Redirect></Response>`, said: s(apology), alerts: []int{11100}},
		{name: "Gather without keys", document: `<Response><Gather action="/other"><Say>a</Say><Pause length="2"/><Say>b</Say></Gather><Say>c</Say></Response>`, said: s("a", "b", "c"), takes: 7 * time.Second},
		{name: "Gather with an action for nothing", document: `<Response><Gather timeout="9" action="/other" actionOnEmptyResult="true"/><Say>c</Say></Response>`, said: s("Elsewhere."), takes: 9 * time.Second},
		{
			name: "Gather that is wrong everywhere", document: `<Response><Gather timeout="auto" numDigits="0" finishOnKey="##" method="PUT" actionOnEmptyResult="1" speech="x" loop="2">` +
				`<Say loop="x">a</Say><Play>b</Play><Gather/>c</Gather></Response>`,
			said: s("a"), alerts: []int{13313, 13314, 13310, 13312, 12200, 12200, 12200, 13322, 13320, 13320, 12200}, takes: 5 * time.Second,
		},
		{name: "Gather of speech", document: `<Response><Gather input="speech" language="en-GB" hints="a"/></Response>`, alerts: []int{12200}, takes: 5 * time.Second},
		{name: "unknown verbs", document: `<Response><Dial>1</Dial><Say>a</Say><Play/><say>b</say></Response>`, said: s("a"), alerts: []int{12200, 12200, 12200}},
		{name: "unknown attributes", document: `<Response><Say volume="loud">a</Say><Hangup now="yes"/></Response>`, said: s("a"), alerts: []int{12200, 12200}},
		{name: "text in no verb", document: `<Response>Hello<Say>a</Say></Response>`, said: s("a"), alerts: []int{12200}},
		{name: "an empty Response", document: `<Response/>`},
		{name: "plain text", media: "text/plain; charset=utf-8", document: `It is yours.`, said: s("It is yours.")},
		{name: "no content type", media: "-", document: `<Response><Say>a</Say></Response>`, said: s("a")},
		{name: "an empty 200", document: ``, said: s(apology), alerts: []int{12100}},
		{name: "no document", document: `Hello`, said: s(apology), alerts: []int{12100}},
		{name: "half a document", document: `<Response><Say>a</Say><Gather>`, said: s(apology), alerts: []int{12100}},
		{name: "crossed", document: `<Response><Say>a</Response></Say>`, said: s(apology), alerts: []int{12100}},
		{name: "another document", document: `<html><Say>a</Say></html>`, said: s(apology), alerts: []int{12100}},
		{name: "two documents", document: `<Response/><Response/>`, said: s(apology), alerts: []int{12100}},
		{name: "another encoding", document: `<?xml version="1.0" encoding="windows-1256"?><Response/>`, said: s(apology), alerts: []int{12100}},
		{name: "music", media: "audio/mpeg", document: `xyz`, said: s(apology), alerts: []int{12300}},
		{name: "JSON", media: "application/json", document: `{}`, said: s(apology), alerts: []int{12300}},
		{name: "a huge answer", document: strings.Repeat(" ", 1<<17), said: s(apology), alerts: []int{11750}},
	} {
		t.Run(c.name, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.customer = func(_ int, out http.ResponseWriter, r *http.Request) {
					out.Header().Set("Content-Type", "text/xml")
					if c.media != "" {
						out.Header().Set("Content-Type", strings.TrimPrefix(c.media, "-"))
					}
					document := c.document
					if r.URL.Path == "/other" {
						document = `<Response><Say>Elsewhere.</Say></Response>`
					}
					_, _ = io.WriteString(out, document)
				}
				sid := w.dial()
				w.settle(time.Second)
				do(t, w.sim.Answer(officer))
				w.settle(time.Hour)
				got := w.call(sid)
				equal(t, "said", got.Said, c.said)
				equal(t, "alerts", w.codes(), c.alerts)
				if takes := got.EndedAt.Sub(got.AnsweredAt); got.Status != twiliosim.CallCompleted || takes != c.takes {
					t.Errorf("it is %s, after %s", got.Status, takes)
				}
				for _, a := range w.sim.Alerts() {
					if a.SID != sid || a.Detail == "" || a.Level == "" {
						t.Errorf("alert %+v", a)
					}
				}
			})
		})
	}
}

// TestKeys presses keys at times after the call was answered. The prompt of 30 characters takes 2 s.
func TestKeys(t *testing.T) {
	type press struct {
		at   time.Duration
		keys string
	}
	const second = time.Second
	p := func(pairs ...any) (all []press) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, press{pairs[i].(time.Duration), pairs[i+1].(string)})
		}
		return all
	}
	for _, c := range []struct {
		name, attributes string
		presses          []press
		digits           string        // what the action got
		finish           string        // the key that ended it
		at               time.Duration // when; 0 = it got nothing
	}{
		{name: "during the prompt", attributes: `numDigits="1"`, presses: p(second, "1"), digits: "1", at: second},
		{name: "after the prompt", attributes: `numDigits="1"`, presses: p(4*second, "1"), digits: "1", at: 4 * second},
		{name: "too late", attributes: `numDigits="1"`, presses: p(8*second, "1")},
		{name: "nothing", attributes: `actionOnEmptyResult="true"`, at: 7 * second},
		{name: "nothing, and longer", attributes: `actionOnEmptyResult="true" timeout="20"`, at: 22 * second},
		{name: "several", attributes: `numDigits="3"`, presses: p(second, "1", 2*second, "2", 3*second, "3"), digits: "123", at: 3 * second},
		{name: "all at once", attributes: `numDigits="3"`, presses: p(second, "12345"), digits: "123", at: second},
		{name: "too few", attributes: `numDigits="3"`, presses: p(second, "1", 3*second, "2"), digits: "12", at: 8 * second},
		{name: "as many as wanted", presses: p(second, "1234567890"), digits: "1234567890", at: 6 * second},
		{name: "finished", presses: p(second, "12", 3*second, "#"), digits: "12", finish: "#", at: 3 * second},
		{name: "finished by another key", attributes: `finishOnKey="*"`, presses: p(second, "1#2*"), digits: "1#2", finish: "*", at: second},
		{name: "finished by no key", attributes: `finishOnKey=""`, presses: p(second, "1#*"), digits: "1#*", at: 6 * second},
		{name: "finished before it began", attributes: `actionOnEmptyResult="true"`, presses: p(second, "#"), at: 7 * second},
		{name: "deaf", attributes: `input="speech"`, presses: p(second, "1")},
		{name: "keys and speech", attributes: `input="dtmf speech" numDigits="1"`, presses: p(second, "1"), digits: "1", at: second},
	} {
		t.Run(c.name, func(t *testing.T) {
			night(t, twiliosim.Options{SpeechRate: 1}, func(t *testing.T, w *world) {
				text := strings.Repeat("a", 30)
				w.speak(map[string]string{
					"/voice/a1":  `<Response><Gather action="/gather/a1" ` + c.attributes + `><Say>` + text + `</Say></Gather></Response>`,
					"/gather/a1": `<Response><Pause length="30"/></Response>`,
				})
				sid := w.dial()
				w.settle(second)
				do(t, w.sim.Answer(officer))
				start, pressed := time.Now(), ""
				for _, x := range c.presses {
					w.settle(time.Until(start.Add(x.at)))
					if err := w.sim.Press(officer, x.keys); err != nil {
						if c.at != 0 { // the call has not ended
							t.Fatal(err)
						}
						break
					}
					pressed += x.keys
				}
				w.settle(time.Hour)
				got := w.to(gathers)
				if (len(got) == 1) != (c.at != 0) {
					t.Fatalf("the action got %v", got)
				}
				if call := w.call(sid); call.Pressed != pressed || len(call.Said) != 1 {
					t.Errorf("the call was %+v", call)
				}
				if len(got) == 0 {
					return
				}
				f := got[0].form
				if at := got[0].at.Sub(start); at != c.at || f.Get("Digits") != c.digits || !f.Has("Digits") || f.Get("FinishedOnKey") != c.finish {
					t.Errorf("after %s the action got %v", at, f)
				}
			})
		})
	}
}

func TestKeysThatNothingListensTo(t *testing.T) {
	night(t, twiliosim.Options{SpeechRate: 1}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Say>` + strings.Repeat("a", 30) + `</Say><Gather action="/gather/a1" numDigits="1"/></Response>`})
		w.dial()
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		do(t, w.sim.Press(officer, "1")) // the Say stands before the Gather
		w.settle(2 * time.Second)
		if n := len(w.to(gathers)); n != 0 {
			t.Errorf("the action got %d results", n)
		}
		do(t, w.sim.Press(officer, "2"))
		w.settle(time.Second)
		if got := w.to(gathers); len(got) != 1 || got[0].form.Get("Digits") != "2" {
			t.Errorf("the action got %v", got)
		}
	})
}

// TestFirstKeyEndsThePrompt: what was still to be said is not.
func TestFirstKeyEndsThePrompt(t *testing.T) {
	night(t, twiliosim.Options{SpeechRate: 1}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Gather><Say>` + strings.Repeat("a", 30) + `</Say><Say>b</Say></Gather></Response>`})
		sid := w.dial()
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		do(t, w.sim.Press(officer, "1"))
		w.settle(4 * time.Second)
		if c := w.call(sid); c.Status != twiliosim.CallInProgress || len(c.Said) != 1 {
			t.Errorf("the call is %+v", c)
		}
	})
}

func TestSpeechRate(t *testing.T) {
	for rate, want := range map[float64]time.Duration{0: 0, 1: 4 * time.Second, 2: 2 * time.Second, 0.5: 8 * time.Second} {
		night(t, twiliosim.Options{SpeechRate: rate}, func(t *testing.T, w *world) {
			w.speak(map[string]string{"/voice/a1": `<Response><Say>` + strings.Repeat("ع", 60) + `</Say></Response>`})
			sid := w.dial()
			w.settle(time.Second)
			do(t, w.sim.Answer(officer))
			w.settle(time.Minute)
			if c := w.call(sid); c.EndedAt.Sub(c.AnsweredAt) != want {
				t.Errorf("at %v it took %s", rate, c.EndedAt.Sub(c.AnsweredAt))
			}
		})
	}
}

func TestFallback(t *testing.T) {
	const spare = "https://spare.example/voice"
	for _, c := range []struct {
		name      string
		documents map[string]string
		code, url string // what the fallback was told; "" = it was not asked
		said      []string
		alerts    []int
	}{
		{"not needed", map[string]string{"/voice/a1": `<Response/>`}, "", "", nil, nil},
		{"the document fails", map[string]string{"/voice/a1": "500", "/voice": prompt}, "11200", voice, []string{"Press 1 to take it."}, []int{11200}},
		{"the document is none", map[string]string{"/voice/a1": "<x/>", "/voice": prompt}, "12100", voice, []string{"Press 1 to take it."}, []int{12100}},
		{"both fail", map[string]string{"/voice/a1": "500", "/voice": "404"}, "11200", voice, []string{apology}, []int{11200, 11200}},
		{"a later one fails", map[string]string{"/voice/a1": `<Response><Redirect>/x</Redirect></Response>`, "/x": "503", "/voice": prompt}, "11200", "https://line.example/x", []string{"Press 1 to take it."}, []int{11200}},
		{"a later one has no address", map[string]string{"/voice/a1": `<Response><Redirect>x:y</Redirect></Response>`, "/voice": prompt}, "11100", voice, []string{"Press 1 to take it."}, []int{11100}},
		{"a warning is no failure", map[string]string{"/voice/a1": `<Response><Say voice="x">y</Say></Response>`}, "", "", nil, []int{13520}},
	} {
		t.Run(c.name, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.speak(c.documents)
				sid := w.dial("FallbackUrl", spare)
				w.settle(time.Second)
				do(t, w.sim.Answer(officer))
				w.settle(time.Hour)
				equal(t, "said", w.call(sid).Said, c.said)
				equal(t, "alerts", w.codes(), c.alerts)
				got := w.to(spare)
				if (len(got) == 1) != (c.code != "") {
					t.Fatalf("the fallback got %v", got)
				}
				if len(got) == 1 && (got[0].form.Get("ErrorCode") != c.code || got[0].form.Get("ErrorUrl") != c.url || got[0].form.Get("CallSid") != sid) {
					t.Errorf("the fallback got %v", got[0].form)
				}
			})
		})
	}
}

// TestDocumentsInARowAreBounded: a document that asks for itself ends the call, unless somebody presses keys.
func TestDocumentsInARowAreBounded(t *testing.T) {
	for name, document := range map[string]string{
		"redirect to itself": `<Response><Redirect/></Response>`,
		"redirect by name":   `<Response><Say>Again.</Say><Redirect>/voice/a1</Redirect></Response>`,
		"empty results":      `<Response><Gather actionOnEmptyResult="true"><Say>Press 1.</Say></Gather></Response>`,
	} {
		t.Run(name, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.speak(map[string]string{"/voice/a1": document})
				sid := w.dial("FallbackUrl", gathers)
				w.settle(time.Second)
				do(t, w.sim.Answer(officer))
				w.settle(time.Hour)
				if n := len(w.to(voice)); n != 20 || len(w.to(gathers)) != 0 {
					t.Errorf("%d documents", n)
				}
				equal(t, "alerts", w.codes(), []int{11215})
				if c := w.call(sid); c.Status != twiliosim.CallCompleted {
					t.Errorf("the call is %s", c.Status)
				}
			})
		})
	}
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Gather numDigits="1" timeout="60"/></Response>`}) // its own action
		w.dial()
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		for range 50 {
			w.settle(time.Second)
			do(t, w.sim.Press(officer, "5"))
		}
		w.settle(time.Second)
		if n := len(w.to(voice)); n != 51 || len(w.sim.Alerts()) != 0 {
			t.Errorf("%d documents, alerts %v", n, w.sim.Alerts())
		}
	})
}

func TestDocumentOfTheRequestItself(t *testing.T) {
	for document, want := range map[string][]string{
		`<Response><Say>Hello.</Say></Response>`:                    {"Hello."},
		`<Response><Redirect>` + voice + `</Redirect></Response>`:   {"Elsewhere."},
		`<Response><Redirect>/voice/a1</Redirect></Response>`:       {apology},
		`<Response><Gather actionOnEmptyResult="true"/></Response>`: {apology},
		`Hello.`: {apology},
	} {
		night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
			w.speak(map[string]string{"/voice/a1": `<Response><Say>Elsewhere.</Say></Response>`})
			sid := w.dial("Url", "-", "Twiml", document)
			w.settle(time.Second)
			do(t, w.sim.Answer(officer))
			w.settle(time.Hour)
			equal(t, document, w.call(sid).Said, want)
		})
	}
}

// TestWhatIsSaidIsBounded: a Say that is repeated for ever.
func TestWhatIsSaidIsBounded(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Say loop="0">Hi.</Say><Say loop="1000">Ho.</Say></Response>`})
		sid := w.dial()
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Minute)
		if c := w.call(sid); c.Status != twiliosim.CallCompleted || len(c.Said) != 1000 || c.Said[999] != "Hi." {
			t.Errorf("%s, said %d times", c.Status, len(c.Said))
		}
	})
}

// FuzzTwiML lets calls follow any document, whichever comes next: it ends by itself, within the time limit of a call.
func FuzzTwiML(f *testing.F) {
	for _, seed := range []string{
		prompt, `<Response/>`, `<Response><Redirect/></Response>`, `<Response><Say loop="0">x</Say><Redirect>a</Redirect></Response>`,
		`<Response><Gather finishOnKey="" numDigits="3"><Say>a<break/>b</Say><Pause length="3"/></Gather><Hangup/></Response>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>`, `<Response><Reject reason="busy"/></Response>`,
		`<?xml version="1.0"?><Response xmlns:a="b"><a:Say a:voice="c">d</a:Say></Response>`, "<Response><Say>\xff\x00</Say></Response>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
			w.customer = func(_ int, out http.ResponseWriter, _ *http.Request) {
				out.Header().Set("Content-Type", "text/xml")
				_, _ = io.WriteString(out, document)
			}
			sid := w.dial("FallbackUrl", gathers)
			w.settle(time.Second)
			do(t, w.sim.Answer(officer))
			w.settle(time.Millisecond)
			_ = w.sim.Press(officer, "1#") // in vain, where the call is over
			w.settle(5 * time.Hour)
			if c := w.call(sid); c.Status != twiliosim.CallCompleted {
				t.Errorf("the call is %s", c.Status)
			}
			if n := len(w.webhooks()); n > 41 {
				t.Errorf("%d webhooks", n)
			}
		})
	})
}
