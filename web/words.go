package web

import (
	"regexp"
	"strings"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/phrase"
)

// word is a text of the pages. A status, type or urgency of a later version has none yet: its own name is then better than no page.
func word(l phrase.Language, name string) string {
	if phrase.Has(phrase.Key(name)) {
		return phrase.Text(l, phrase.Key(name), phrase.Args{})
	}
	for _, prefix := range []string{"status_", "type_", "urgency_", "escalation_", "failing_why_"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return strings.ReplaceAll(name, "_", " ")
}

// takenBy says which colleague has a request. The call sign is isolated: it reads from the left within Arabic, too.
func takenBy(l phrase.Language, callSign string) string {
	return phrase.Text(l, "taken_by", phrase.Args{CallSign: "\u2068" + callSign + "\u2069"})
}

// languageTag is the form of a BCP 47 tag.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)

// languageName is what a language calls itself, or its tag where there are no words in it; "" for what is no tag, which may be anything.
func languageName(tag string) string {
	if l, ok := phrase.Parse(tag); ok {
		return l.Name()
	}
	if languageTag.MatchString(tag) {
		return tag
	}
	return ""
}

// problemWord names the text that tells an officer what went wrong.
func problemWord(c door.Code) string {
	switch c {
	case door.CodeNotFound, door.CodeForbidden, door.CodeCrossOrigin, door.CodeUnavailable, door.CodeInternal:
		return "problem_" + string(c)
	default:
		return "problem_other"
	}
}
