package phrase

import (
	"embed"
	"encoding/json"
	"strings"
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
)

// Messages lists the keys of text messages. Do not modify.
var Messages = []Key{Ask, Withdrawn, Taken, AlreadyYours, AlreadyTaken, AlreadyEnded, PassedOn, CannotPass, WrongCode, NoCode, SeveralMatches, TooManyGuesses, TryAgain}

// Args fill the placeholders of a text.
type Args struct {
	Reference string
	Urgency   string // as in events: critical; it is translated
	Language  string // BCP 47 tag of the request, shortened to its first part
	Code      string
	CallSign  string
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
	urgency := a.Urgency
	if urgency != "" {
		urgency = Text(l, Key("urgency_"+urgency), Args{})
		if strings.HasPrefix(urgency, "urgency_") { // a later version's
			urgency = a.Urgency
		}
	}
	return strings.NewReplacer("{reference}", a.Reference, "{urgency}", strings.ToUpper(urgency), "{language}", shortTag(a.Language), "{code}", a.Code, "{call_sign}", a.CallSign).Replace(text)
}

// Has reports whether there is a text of a key.
func Has(k Key) bool {
	_, ok := words[English][k]
	return ok
}

// shortTag is the first part of a language tag, "?" when there is none that could be one.
func shortTag(tag string) string {
	base, _, _ := strings.Cut(tag, "-")
	base = strings.ToLower(strings.TrimSpace(base))
	if len(base) < 2 || len(base) > 3 || strings.Trim(base, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "?"
	}
	return base
}
