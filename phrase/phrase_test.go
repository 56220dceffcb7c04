package phrase

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/dutyline/dutyline/phrase/phrasetest"
)

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

func placeholders(text string) []string {
	list := placeholder.FindAllString(text, -1)
	slices.Sort(list)
	return list
}

func TestEveryLanguageHasEveryTextWithTheSamePlaceholders(t *testing.T) {
	for _, l := range Languages {
		for key, english := range words[English] {
			text, ok := words[l][key]
			if !ok || strings.TrimSpace(text) == "" {
				t.Errorf("%s lacks %s", l, key)
			} else if got, want := placeholders(text), placeholders(english); !slices.Equal(got, want) {
				t.Errorf("%s %s has %v, English %v", l, key, got, want)
			}
		}
		if len(words[l]) != len(words[English]) {
			t.Errorf("%s has %d texts, English %d", l, len(words[l]), len(words[English]))
		}
	}
}

func TestEveryTextMessageFitsOneSegment(t *testing.T) {
	for _, l := range Languages {
		for _, key := range Messages {
			if !Has(key) {
				t.Errorf("%s is not in the files", key)
			}
			for _, urgency := range []string{"emergency", "critical", "urgent", "routine"} {
				for _, sign := range []string{"KESTREL-1234", "СОКОЛ-123456"} {
					text := Text(l, key, Args{Reference: "7K4M-2QX9-D", Urgency: urgency, Language: "zho-Hans", Code: "123456", CallSign: sign})
					n, encoding := phrasetest.Segments(text)
					if n != 1 {
						t.Errorf("%s %s takes %d segments of %s: %q (%d units)", l, key, n, encoding, text, len(utf16.Encode([]rune(text))))
					}
					if encoding == phrasetest.UCS2 && sign == "KESTREL-1234" && (l == English || l == French || l == Spanish) {
						t.Errorf("%s %s needs %s: %q", l, key, encoding, text)
					}
					if strings.Contains(text, "{") {
						t.Errorf("%s %s has an empty place: %q", l, key, text)
					}
				}
			}
		}
	}
}

func TestPagesSayWhatAnOfficerMustKnow(t *testing.T) {
	for _, l := range Languages {
		text := Text(l, Ask, Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Language: "pt-BR", Code: "123456"})
		for _, want := range []string{"7K4M-2QX9-D", "123456", "PASS 123456", "pt", strings.ToUpper(Text(l, "urgency_critical", Args{}))} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q lacks %q", l, text, want)
			}
		}
	}
}

// Carriers act on these words and never hand them on.
var reserved = []string{"STOP", "STOPALL", "CANCEL", "END", "QUIT", "UNSUBSCRIBE", "REVOKE", "OPTOUT", "START", "YES", "UNSTOP", "HELP", "INFO"}

func TestNoTextMessageTellsPeopleToSendAWordThatCarriersKeep(t *testing.T) {
	for _, l := range Languages {
		for _, key := range slices.Concat(Messages, LongMessages) {
			for _, word := range regexp.MustCompile(`[A-Z]{3,}`).FindAllString(words[l][key], -1) {
				if slices.Contains(reserved, word) && (key != ContactStop || word != "START") { // that one is told to, over another telephone
					t.Errorf("%s %s says %s", l, key, word)
				}
			}
			if strings.Contains(words[l][key], "://") {
				t.Errorf("%s %s has a link", l, key)
			}
		}
	}
}

func TestPickFindsTheFirstLanguageThatExists(t *testing.T) {
	for tag, want := range map[string]Language{"fr-CA": French, "ZH-hant": Chinese, "pt": English, "": English, " ar ": Arabic} {
		if got := Pick(tag); got != want {
			t.Errorf("%q is %s, want %s", tag, got, want)
		}
	}
	if got := Pick("pt", "ru", "fr"); got != Russian {
		t.Errorf("picked %s", got)
	}
	if got := Text(English, "nothing of the kind", Args{}); got != "nothing of the kind" {
		t.Errorf("text %q", got)
	}
}

// calls are the texts that a call begins with, and the answers to a key.
var calls = []Key{
	VoiceAsk, VoiceWithdrawn, VoiceTaken, VoiceAlreadyYours, VoiceAlreadyTaken, VoiceAlreadyEnded, VoicePassedOn, VoiceCannotPass, VoiceTryAgain,
	VoiceWrongKey, VoiceGoodbye, VoiceUnknown, VoiceAlarm, VoiceAlarmTaken, VoiceAlarmOver,
	VoiceHandoverOut, VoiceHandoverIn, VoiceSigned, VoiceTakenOver, VoiceAlreadyConfirmed, VoiceHandoverOver,
	VoicePIN, VoiceWrongPIN, VoicePINFailed, VoicePINLocked,
}

func TestCallsSpellTheReferenceAndNameTheLanguage(t *testing.T) {
	const spelled = "7, K, 4, M; 2, Q, X, 9; D"
	for _, l := range Languages {
		for _, key := range calls {
			if !Has(key) {
				t.Errorf("%s is not in the files", key)
			}
			text := Spoken(l, key, Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Language: "fr-CA", Code: "123456", CallSign: "KESTREL-1234"})
			for placeholder, want := range map[string]string{
				"{reference}": spelled, "{urgency}": Text(l, "urgency_critical", Args{}), "{language}": words[l]["voice_language_fr"], "{call_sign}": "KESTREL-1234",
			} {
				if strings.Contains(words[l][key], placeholder) && !strings.Contains(text, want) {
					t.Errorf("%s %s: %q lacks %q", l, key, text, want)
				}
			}
			if strings.ContainsAny(text, "{}") || strings.Contains(text, "123456") {
				t.Errorf("%s %s: %q has an empty place, or the code", l, key, text)
			}
		}
		ask := words[l][VoiceAsk]
		for _, want := range []string{"1", "2", "9", "{reference}", "{urgency}", "{language}"} {
			if !strings.Contains(ask, want) {
				t.Errorf("%s: a call says %q, without %s", l, ask, want)
			}
		}
		if strings.Count(words[l][VoiceWithdrawn], "9") != 1 || strings.ContainsAny(words[l][VoiceWithdrawn], "12") {
			t.Errorf("%s: a notice has the keys of a question: %q", l, words[l][VoiceWithdrawn])
		}
	}
}

func TestWhatIsNotKnownIsSaidToBe(t *testing.T) {
	for _, l := range Languages {
		unknown, other := words[l]["voice_not_stated"], words[l]["voice_language_other"]
		for tag, want := range map[string]string{
			"": unknown, "Mr Smith": unknown, "x": unknown, "tlh": other, "nl-BE": other, "fra": words[l]["voice_language_fr"], "ZHO-Hans": words[l]["voice_language_zh"],
			"pt-BR": words[l]["voice_language_pt"],
		} {
			if got := spokenLanguage(l, tag); got != want {
				t.Errorf("%s: the language %q is called %q, want %q", l, tag, got, want)
			}
		}
		if text := Spoken(l, VoiceAsk, Args{}); strings.Count(text, unknown) != 2 {
			t.Errorf("%s: neither urgency nor language is known: %q", l, text)
		}
		if text := Spoken(l, VoiceAsk, Args{Urgency: "dire"}); !strings.Contains(text, "dire") {
			t.Errorf("%s: a later version's urgency is not said: %q", l, text)
		}
		for tag := range threeLetters {
			if !Has(Key("voice_language_" + threeLetters[tag])) {
				t.Errorf("%s has no name", tag)
			}
		}
	}
	if got := Spoken(English, "nothing of the kind", Args{}); got != "nothing of the kind" {
		t.Errorf("spoken %q", got)
	}
}
