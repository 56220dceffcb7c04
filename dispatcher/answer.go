package dispatcher

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// CodeLife is how long the code of a page is recognised, cancelled pages included: a late reply deserves a true answer.
const CodeLife = 48 * time.Hour

// Acknowledge decides what comes of somebody taking a request: the events to append, if any, and the answer.
func Acknowledge(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	switch {
	case s.Kind() == request.OpsAlarm:
		return acknowledgeAlarm(s, now, person, page, via)
	case s.Kind() == request.OpsHandover:
		return confirm(s, now, person, page, via)
	case s.Kind() != "":
		return acknowledgeMatter(s, now, person, page, via)
	case s.Status.Ended():
		return nil, notifier.AlreadyEnded
	case s.Owner == person:
		return nil, notifier.AlreadyYours
	case s.Owner != "":
		return nil, notifier.AlreadyTaken
	}
	events := []request.Event{request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: page, Person: person, Via: via})}
	events = append(events, cancelPages(s, now, "acknowledged", askingPage)...)
	for _, a := range s.Alarms {
		events = append(events, request.NewEvent(request.AlarmCleared, a))
	}
	return events, notifier.Taken
}

// Pass decides what comes of somebody passing a request on. Whoever has it, or was asked while nobody has it, may.
func Pass(s *request.State, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	asked := slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.Person == person && p.Purpose == request.Ask })
	switch {
	case s.Kind() == request.OpsAlarm && s.Status.Ended():
		return nil, notifier.AlarmOver
	case s.Status.Ended():
		return nil, notifier.AlreadyEnded
	case s.Owner != "" && s.Owner != person:
		return nil, notifier.AlreadyTaken
	case s.Matter != nil, s.Kind() == request.OpsAlarm && s.Owner == "": // it goes to all at once: only who looks after an alarm can give it back
		return nil, notifier.CannotPass
	case s.Owner == "" && slices.Contains(s.Passed, person):
		return nil, notifier.PassedOn
	case s.Owner == "" && !asked:
		return nil, notifier.CannotPass
	}
	return []request.Event{request.NewEvent(request.Passed, request.PassedBody{Page: page, Person: person, Via: via})}, notifier.PassedOn
}

// A Reply is what somebody wrote back.
type Reply struct {
	Pass bool
	Code string      // six ASCII digits, "" when there is none
	Ref  request.Ref // "" when there is none
}

// ParseReply reads a text message: the code alone, "ACK code" or "PASS code", with a reference where the code alone is not enough. Case,
// spaces, hyphens and the script of the digits are forgiven.
func ParseReply(text string) Reply {
	var reply Reply
	var run strings.Builder
	flush := func() {
		word := run.String()
		run.Reset()
		if len(word) == 6 && strings.Trim(word, "0123456789") == "" {
			if reply.Code == "" {
				reply.Code = word
			}
			return
		}
		if strings.EqualFold(word, "PASS") {
			reply.Pass = true
			return
		}
		if ref, err := request.ParseRef(word); err == nil && reply.Ref == "" {
			reply.Ref = ref
		}
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",.;:!?\"'()[]<>«»", r) })
	for _, field := range fields {
		for _, r := range field {
			if value, ok := digit(r); ok {
				run.WriteByte('0' + value)
			} else if r == '-' {
				continue
			} else {
				run.WriteRune(r)
			}
		}
		flush()
	}
	if reply.Code == "" {
		reply.Code = spaced(fields)
	}
	return reply
}

// spaced finds a code written in groups: 123 456. Only neighbours make one: the numbers of a sentence are no code.
func spaced(fields []string) string {
	var run strings.Builder
	for _, field := range append(fields, "") {
		group := digitsOf(field)
		if group == "" && run.Len() == 6 {
			return run.String()
		}
		if group == "" {
			run.Reset()
		}
		run.WriteString(group)
	}
	return ""
}

// digitsOf is a field as ASCII digits, "" when it is not made of digits alone.
func digitsOf(field string) string {
	var digits strings.Builder
	for _, r := range field {
		value, ok := digit(r)
		if !ok {
			return ""
		}
		digits.WriteByte('0' + value)
	}
	return digits.String()
}

// digit gives the value of a decimal digit of any script. Unicode keeps the ten digits of a script together, in order, and where blocks of
// digits touch (the mathematical ones), the first of them begins with a zero.
func digit(r rune) (byte, bool) {
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	first := r
	for unicode.Is(unicode.Nd, first-1) {
		first--
	}
	return byte((r - first) % 10), true //nolint:gosec // a digit
}
