package twiliosim

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dutyline/dutyline/internal/fuzztest"
	"github.com/dutyline/dutyline/phrase/phrasetest"
)

// What the fuzz targets keep, and the vendor's code that it is refused with.
func TestKeptInputsAreRefused(t *testing.T) {
	want := map[string]string{}
	for _, name := range []string{"entity_of_entities", "two_responses", "nul_in_a_text", "small_letters", "invalid_utf8", "text_beside_the_response"} {
		want[name] = "12100"
	}
	for _, target := range []string{"FuzzAnswer", "FuzzTwiML"} {
		fuzztest.Refused(t, target, want, func(args []string) string {
			verbs, _, fatal := readVoice(answer{class: done, status: 200, contentType: "text/xml", body: []byte(args[0])})
			if fatal == nil || len(verbs) > 0 {
				return ""
			}
			return strconv.Itoa(fatal.code)
		})
	}
}

// FuzzAnswer reads any answer of a webhook, as one to a text and as one to a call. What is followed is within the vendor's bounds, and what is
// not followed is reported: a document that fails has a problem and no verbs, and a problem has a code of the vendor's.
func FuzzAnswer(f *testing.F) {
	for _, document := range []string{
		`<Response><Message>Hi</Message></Response>`, `<Response><Message to="+15005550101"><Body>a</Body><Body>b</Body></Message><Sms>x</Sms></Response>`, `<Response/>`, ``,
		`<Response><Gather timeout="-1" numDigits="99999999999999999999" finishOnKey="##" action="%zz"><Say loop="-1">a</Say><Gather/></Gather></Response>`,
		`<Response><Pause length="1e9"/><Say voice="Polly.Nobody" language="xx">x</Say><Play>a</Play></Response>`, `<Response>stray</Response>`, `<Response><Message>` + strings.Repeat("é", 1601) + `</Message></Response>`,
		`<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]><Response><Say>&b;</Say></Response>`, "<Response><Message>\xff\x00</Message></Response>", `<Response><Message>&#x202e;&#0;</Message></Response>`,
		`<Response></Response><Response></Response>`, `<response/>`, strings.Repeat("<a>", 2000), `<?xml version="1.1" encoding="utf-7"?><Response/>`, `<Response><Message><![CDATA[<x>]]></Message></Response>`,
	} {
		f.Add([]byte(document), "text/xml", 200)
		f.Add([]byte(document), "text/plain; charset=utf-8", 200)
	}
	f.Add([]byte(`x`), "image/png", 200)
	f.Add([]byte(`x`), "", 204)
	f.Fuzz(func(t *testing.T, document []byte, kind string, status int) {
		a := answer{class: done, status: status, contentType: kind, body: document}
		texts, problems := readTwiML(a)
		for _, text := range texts {
			if n := utf8.RuneCountInString(text.body); text.body == "" || n > maxBody {
				t.Fatalf("a text of %d characters is sent", n)
			}
		}
		verbs, more, fatal := readVoice(a)
		if fatal != nil {
			if len(verbs) > 0 {
				t.Fatalf("%+v, and %d verbs", fatal, len(verbs))
			}
			more = append(more, *fatal)
		}
		for _, p := range append(problems, more...) {
			if p.code < 11000 || p.code > 99999 || p.detail == "" || (p.level != "error" && p.level != "warning") {
				t.Fatalf("problem %+v", p)
			}
		}
		var bounded func([]verb, bool)
		bounded = func(list []verb, nested bool) {
			for _, v := range list {
				switch v := v.(type) {
				case say:
					if p, ok := v.spoken(); ok && (v.loop < 0 || v.loop > maxLoop || utf8.RuneCountInString(v.text) > maxSay) {
						t.Fatalf("said %d times: %.80q, %+v", v.loop, v.text, p)
					}
				case pauseFor:
					if v.length < 0 || v.length.Seconds() > maxPause {
						t.Fatalf("a pause of %s", v.length)
					}
				case gather:
					if nested || v.timeout < 0 || v.digits < 0 || (v.method != "GET" && v.method != "POST") {
						t.Fatalf("gather %+v", v)
					}
					bounded(v.prompt, true)
				case redirect, hangup, reject:
					if nested {
						t.Fatalf("%T within a Gather", v)
					}
				default:
					t.Fatalf("a verb %T", v)
				}
			}
		}
		bounded(verbs, false)
	})
}

// FuzzSegments counts the segments of any text, twice: as the simulator bills it, and as the tests of the phrases count. Both agree, a text
// takes no fewer than its beginning, two texts together at most one more than each by itself, and one segment holds 160 letters or 70 signs.
func FuzzSegments(f *testing.F) {
	for _, text := range []string{"", "a", strings.Repeat("a", 160), strings.Repeat("a", 161), strings.Repeat("€", 80), strings.Repeat("€", 77) + "a€", strings.Repeat("я", 70), strings.Repeat("я", 71), strings.Repeat("😀", 35), strings.Repeat("я", 66) + "😀я", "\xff", "\x1b", "\u202e", "`", "ç", "Ç"} {
		f.Add(text, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, at uint8) {
		n := Segments(text)
		other, encoding := phrasetest.Segments(text)
		if n != other {
			t.Fatalf("%q takes %d segments, or %d of %s", text, n, other, encoding)
		}
		runes := []rune(text)
		cut := int(at) % (len(runes) + 1)
		if first := Segments(string(runes[:cut])); first > n {
			t.Fatalf("%q takes %d, its beginning %d", text, n, first)
		}
		switch length := len(runes); {
		case n < 1, encoding == phrasetest.GSM7 && (length <= 80 && n != 1 || n > length/76+1), encoding == phrasetest.UCS2 && (length <= 35 && n != 1 || n > length/33+1):
			t.Fatalf("%d characters of %s take %d", length, encoding, n)
		}
	})
}
