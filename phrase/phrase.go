package phrase

import (
	"embed"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// A Language is one of those that the words exist in.
type Language string

// The languages.
const (
	English Language = "en"
	French  Language = "fr"
	Spanish Language = "es"
	Arabic  Language = "ar"
	Russian Language = "ru"
	Chinese Language = "zh"
)

// Languages lists them. Do not modify.
var Languages = []Language{English, French, Spanish, Arabic, Russian, Chinese}

var names = map[Language]string{English: "English", French: "Français", Spanish: "Español", Arabic: "العربية", Russian: "Русский", Chinese: "中文"}

// Name is what the language calls itself.
func (l Language) Name() string { return names[l] }

// RightToLeft reports whether the language is written from the right.
func (l Language) RightToLeft() bool { return l == Arabic }

// Parse gives the language of a BCP 47 tag: fr-CA is French. ok is false for one that there are no words in.
func Parse(tag string) (l Language, ok bool) {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	_, ok = names[Language(base)]
	if !ok {
		return English, false
	}
	return Language(base), true
}

// Pick is the first of the preferred tags that there are words in, else English.
func Pick(preferred ...string) Language {
	for _, tag := range preferred {
		if l, ok := Parse(tag); ok {
			return l
		}
	}
	return English
}

// A Key names a text of the files in lang/. The placeholders of each are the fields of [Args] in small letters.
type Key string

// The text messages. Every one fits one segment in every language.
const (
	Ask            Key = "sms_ask"       // {urgency} {reference} {language} {code}: take this request
	Together       Key = "sms_together"  // {open} {items}: several that ask in one text, of up to three segments
	Withdrawn      Key = "sms_withdrawn" // {reference}: its sender withdrew it
	Taken          Key = "sms_taken"     // {reference}: the answers to a reply, from here on
	AlreadyYours   Key = "sms_already_yours"
	AlreadyTaken   Key = "sms_already_taken" // {reference} {call_sign}
	AlreadyEnded   Key = "sms_already_ended"
	PassedOn       Key = "sms_passed_on"
	CannotPass     Key = "sms_cannot_pass"
	WrongCode      Key = "sms_wrong_code"
	NoCode         Key = "sms_no_code"
	SeveralMatches Key = "sms_several_matches"
	TooManyGuesses Key = "sms_too_many_guesses"
	TryAgain       Key = "sms_try_again"
	Spared         Key = "sms_spared" // {reference}: passed on, and they are not asked about it again
)

// What calls say; [Spoken] fills them.
const (
	VoiceAsk          Key = "voice_ask"       // {urgency} {reference} {language}: 1 takes, 2 passes on, 9 repeats
	VoiceWithdrawn    Key = "voice_withdrawn" // {reference}: 9 repeats
	VoiceTaken        Key = "voice_taken"     // {reference}: the answers to a key, from here on
	VoiceAlreadyYours Key = "voice_already_yours"
	VoiceAlreadyTaken Key = "voice_already_taken" // {reference} {call_sign}
	VoiceAlreadyEnded Key = "voice_already_ended"
	VoicePassedOn     Key = "voice_passed_on"
	VoiceCannotPass   Key = "voice_cannot_pass"
	VoiceTryAgain     Key = "voice_try_again" // the question follows
	VoiceWrongKey     Key = "voice_wrong_key" // the question follows
	VoiceGoodbye      Key = "voice_goodbye"   // after silence
	VoiceUnknown      Key = "voice_unknown"   // nobody knows what the call is about
)

// What is said of alarms, in texts and in calls.
const (
	Alarm           Key = "sms_alarm"       // {reference} {alarm} {code}: look after this alarm
	AlarmAhead      Key = "sms_alarm_ahead" // {reference} {alarm} {from}: what is wrong with the roster, and from when on
	AlarmTaken      Key = "sms_alarm_taken"
	AlarmOver       Key = "sms_alarm_over"
	VoiceAlarm      Key = "voice_alarm" // {reference} {alarm}: 1 takes it, 9 repeats
	VoiceAlarmTaken Key = "voice_alarm_taken"
	VoiceAlarmOver  Key = "voice_alarm_over"
)

// What is told and asked at the beginning and the end of a shift.
const (
	ShiftSoon        Key = "sms_shift_soon"        // {roster} {from} {until}
	ShiftNow         Key = "sms_shift_now"         // {roster} {until} {open}
	HandoverOut      Key = "sms_handover_out"      // {reference} {call_sign} {open} {requests} {code}: to who goes off duty
	HandoverIn       Key = "sms_handover_in"       // {reference} {call_sign} {open} {requests} {code}: to who comes on
	HandedOver       Key = "sms_handed_over"       // {reference} {call_sign}
	HandoverUnsigned Key = "sms_handover_unsigned" // {reference} {call_sign}: to coordinators
	Signed           Key = "sms_signed"            // {reference}: the answers, from here on
	TakenOver        Key = "sms_taken_over"
	AlreadyConfirmed Key = "sms_already_confirmed"
	HandoverOver     Key = "sms_handover_over"

	VoiceHandoverOut      Key = "voice_handover_out" // {reference}: 1 confirms, 9 repeats
	VoiceHandoverIn       Key = "voice_handover_in"
	VoiceSigned           Key = "voice_signed"
	VoiceTakenOver        Key = "voice_taken_over"
	VoiceAlreadyConfirmed Key = "voice_already_confirmed"
	VoiceHandoverOver     Key = "voice_handover_over"
)

// What is said of test pages.
const (
	Test            Key = "sms_test"        // {reference} {code}: this is a test, answer it
	TestPassed      Key = "sms_test_passed" // {reference}
	TestOver        Key = "sms_test_over"   // {reference}
	VoiceTest       Key = "voice_test"      // {reference}: 1 answers, 9 repeats
	VoiceTestPassed Key = "voice_test_passed"
	VoiceTestOver   Key = "voice_test_over"
)

// Canary is what goes through a provider to a telephone that answers by itself: {reference} {code}. No person reads it.
const Canary Key = "sms_canary"

// What calls say about a PIN.
const (
	VoicePIN       Key = "voice_pin"        // asks for it; the hash key ends it
	VoiceWrongPIN  Key = "voice_wrong_pin"  // the question for it follows
	VoicePINFailed Key = "voice_pin_failed" // it was wrong too often in this call
	VoicePINLocked Key = "voice_pin_locked" // no PIN counts for an hour
)

// What is told of a contact that fails: to coordinators, and to its owner over another one.
const (
	ContactAhead       Key = "sms_contact_ahead" // {reference} {call_sign}
	ContactStop        Key = "sms_contact_stop"  // {reference} {digits} {number}: texts do not arrive, because of a STOP
	ContactTexts       Key = "sms_contact_texts" // {reference} {digits}: for another reason
	ContactCalls       Key = "sms_contact_calls" // {reference} {digits}: calls do not arrive
	VoiceContactStop   Key = "voice_contact_stop"
	VoiceContactTexts  Key = "voice_contact_texts"
	VoiceContactCalls  Key = "voice_contact_calls"
	MailContactSubject Key = "mail_contact_subject" // {reference}
	MailContactStop    Key = "mail_contact_stop"    // {digits} {number}
	MailContactTexts   Key = "mail_contact_texts"   // {digits}
	MailContactCalls   Key = "mail_contact_calls"   // {digits}
)

// Messages lists the keys of text messages. Do not modify.
var Messages = []Key{Ask, Withdrawn, Taken, AlreadyYours, AlreadyTaken, AlreadyEnded, PassedOn, CannotPass, WrongCode, NoCode, SeveralMatches, TooManyGuesses, TryAgain, Spared, Alarm, AlarmTaken, AlarmOver, Test, TestPassed, TestOver, Canary}

// LongMessages lists the keys of text messages that may take two segments. Do not modify.
var LongMessages = []Key{
	AlarmAhead, ShiftSoon, ShiftNow, HandoverOut, HandoverIn, HandedOver, HandoverUnsigned, Signed, TakenOver, AlreadyConfirmed, HandoverOver,
	Menu, Who, WhoLast, WhoGap, WhoNobody, WhoAlways, TakeOffer, TakeGap, TookOver, OnDuty, CannotTake, CoverOffer, CoverAsked, CoverOpen, NoDuty, CodeOver, CoverIsYours, CoverOver, Declined, Cover, CoverTaken, CoverExpired,
	ContactAhead, ContactStop, ContactTexts, ContactCalls,
}

// Args fill the placeholders of a text.
type Args struct {
	Reference string
	Urgency   string // as in events: critical; it is translated
	Language  string // BCP 47 tag of the request, shortened to its first part
	Code      string
	CallSign  string
	Alarm     string // kind of an alarm, as in events: redis_away; it is translated

	Roster      string   // id
	Now, Next   []string // call signs
	From, Until string   // moments, as [Moment] writes them
	Open        int      // how many requests
	Requests    []string // their references, of which the first three are named
	Items       []string // of [Together], as [Item] writes them
	Digits      string   // the last two of a number
	Number      string   // one of ours
}

//go:embed lang/*.json
var files embed.FS

var words = load()

func load() map[Language]map[Key]string {
	all := map[Language]map[Key]string{}
	for _, l := range Languages {
		data, err := files.ReadFile("lang/" + string(l) + ".json")
		if err != nil {
			panic("phrase: " + err.Error()) // embedded: a test would have failed
		}
		table := map[Key]string{}
		if err := json.Unmarshal(data, &table); err != nil {
			panic("phrase: " + string(l) + ": " + err.Error())
		}
		all[l] = table
	}
	return all
}

// Text is the text of a key, in English where the language lacks it, and the key itself where English lacks it too.
func Text(l Language, k Key, a Args) string {
	text, ok := words[l][k]
	if !ok {
		if text, ok = words[English][k]; !ok {
			return string(k)
		}
	}
	if !strings.Contains(text, "{") {
		return text
	}
	return fill(l, text, a.Reference, strings.ToUpper(urgency(l, a.Urgency)), shortTag(a.Language), a)
}

// Spoken is the text of a key as a voice should say it: the reference character by character, the urgency in small letters (some engines
// spell what is written in capitals), and the language of the request by its name.
func Spoken(l Language, k Key, a Args) string {
	text := words[l][k]
	if text == "" {
		return Text(l, k, a)
	}
	pressing := urgency(l, a.Urgency)
	if pressing == "" {
		pressing = words[l]["voice_not_stated"]
	}
	return fill(l, text, spell(a.Reference), pressing, spokenLanguage(l, a.Language), a)
}

func fill(l Language, text, reference, urgency, language string, a Args) string {
	return strings.NewReplacer("{reference}", reference, "{urgency}", urgency, "{language}", language, "{code}", a.Code, "{call_sign}", a.CallSign,
		"{alarm}", alarm(l, a.Alarm), "{roster}", a.Roster, "{from}", a.From, "{until}", a.Until, "{open}", strconv.Itoa(a.Open),
		"{requests}", some(a.Requests), "{items}", strings.Join(a.Items, "; "), "{now}", strings.Join(a.Now, ", "), "{next}", strings.Join(a.Next, ", "), "{digits}", a.Digits, "{number}", a.Number).Replace(text)
}

// Item is one of several that ask in one text: its urgency, reference, language and code.
func Item(l Language, a Args) string {
	return strings.ToUpper(urgency(l, a.Urgency)) + " " + a.Reference + " " + shortTag(a.Language) + " " + a.Code
}

// Moment writes a time for every language, in the zone that it carries: 2026-03-29 08:00 CEST.
func Moment(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }

// named is how many references a text names.
const named = 3

// some names the first of a list and counts the rest: 7K4M-2QX9-D, 2QX9-7K4M-H, +3.
func some(list []string) string {
	if len(list) <= named {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:named], ", ") + ", +" + strconv.Itoa(len(list)-named)
}

// alarm says in words what is wrong; a kind of a later version says nothing.
func alarm(l Language, kind string) string { return words[l][Key("alarm_"+kind)] }

// urgency translates an urgency; one of a later version stays as it is.
func urgency(l Language, name string) string {
	if text, ok := words[l][Key("urgency_"+name)]; ok {
		return text
	}
	return name
}

// spell separates the characters of a reference with commas, at which every engine pauses, and its groups with semicolons. A full stop would
// make abbreviations of some letters: "M. 2" begins with Monsieur.
func spell(reference string) string {
	var b strings.Builder
	pause := ""
	for _, r := range reference {
		if r == '-' {
			pause = "; "
			continue
		}
		b.WriteString(pause)
		b.WriteRune(r)
		pause = ", "
	}
	return b.String()
}

// spokenLanguage is the name of a language of a request.
func spokenLanguage(l Language, tag string) string {
	short := shortTag(tag)
	if short == noTag {
		return words[l]["voice_not_stated"]
	}
	if name, ok := words[l][Key("voice_language_"+threeLetters[short])]; ok {
		return name
	}
	if name, ok := words[l][Key("voice_language_"+short)]; ok {
		return name
	}
	return words[l]["voice_language_other"]
}

// threeLetters are the codes of three letters of the languages that calls can name, which senders may use as well.
var threeLetters = map[string]string{
	"ara": "ar", "arb": "ar", "deu": "de", "eng": "en", "spa": "es", "fra": "fr", "ita": "it", "por": "pt", "rus": "ru", "zho": "zh", "cmn": "zh",
}

// Has reports whether there is a text of a key.
func Has(k Key) bool {
	_, ok := words[English][k]
	return ok
}

// noTag stands for a language that nobody stated.
const noTag = "?"

// shortTag is the first part of a language tag, "?" when there is none that could be one.
func shortTag(tag string) string {
	base, _, _ := strings.Cut(tag, "-")
	base = strings.ToLower(strings.TrimSpace(base))
	if len(base) < 2 || len(base) > 3 || strings.Trim(base, "abcdefghijklmnopqrstuvwxyz") != "" {
		return noTag
	}
	return base
}
