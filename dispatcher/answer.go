package dispatcher

import (
	"slices"
	"time"

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
	case s.Kind() == request.OpsTest:
		return acknowledgeTest(s, now, person, page, via)
	case s.Kind() == request.OpsCanary:
		return answerCanary(s, now, person, page, via)
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
	return pass(s, request.PassedBody{Page: page, Person: person, Via: via})
}

// Busy is [Pass] for somebody who is not to be asked about this request again: as long as anybody else can be, not even when everyone is.
func Busy(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	events, done := pass(s, request.PassedBody{Page: page, Person: person, Via: via, Busy: true})
	if done == notifier.Spared && len(events) > 0 { // what waits for its turn would ask once more
		events = append(events, cancelPages(s, now, "busy", func(p *request.Page) bool { return askingPage(p) && p.Person == person })...)
	}
	return events, done
}

func pass(s *request.State, body request.PassedBody) ([]request.Event, notifier.AnswerKind) {
	asked := slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.Person == body.Person && p.Purpose == request.Ask })
	done := notifier.PassedOn
	if body.Busy {
		done = notifier.Spared
	}
	known := slices.Contains(s.Passed, body.Person) && (!body.Busy || slices.Contains(s.Busy, body.Person))
	switch {
	case s.Kind() == request.OpsTest: // whoever says no has not verified anything
		return nil, notifier.Declined
	case s.Kind() == request.OpsAlarm && s.Status.Ended():
		return nil, notifier.AlarmOver
	case s.Status.Ended():
		return nil, notifier.AlreadyEnded
	case s.Owner != "" && s.Owner != body.Person:
		return nil, notifier.AlreadyTaken
	case s.Matter != nil, s.Kind() == request.OpsAlarm && s.Owner == "": // it goes to all at once: only who looks after an alarm can give it back
		return nil, notifier.CannotPass
	case s.Owner == "" && known:
		return nil, done
	case s.Owner == "" && !asked:
		return nil, notifier.CannotPass
	}
	if s.Ref.IsOps() { // the others are asked again, and whoever gives an alarm back with them
		body.Busy, done = false, notifier.PassedOn
	}
	return []request.Event{request.NewEvent(request.Passed, body)}, done
}
