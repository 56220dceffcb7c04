package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// Undo decides what comes of somebody taking their acknowledgement back: the events to append, if any, and the answer. Only who has the request may,
// within window after they got it, its end not included; later it is passed on. Asking goes on with the next step.
func Undo(s *request.State, now time.Time, window time.Duration, person string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	switch {
	case s.Status.Ended():
		return nil, notifier.AlreadyEnded
	case s.Owner == "" && s.Undid == person:
		return nil, notifier.Undone
	case s.Owner == "":
		return nil, notifier.NotYours
	case s.Owner != person:
		return nil, notifier.AlreadyTaken
	case !now.Before(s.Since.Add(window)):
		return nil, notifier.UndoOver
	}
	return []request.Event{request.NewEvent(request.AcknowledgementUndone, request.UndoneBody{Person: person, Via: via})}, notifier.Undone
}

// ChangeUrgency decides what comes of somebody judging the urgency anew: the events to append, if any, and the answer. Due are the clocks at
// that urgency. Less urgent needs a reason, which the caller seals.
func ChangeUrgency(s *request.State, to request.Urgency, reason string, due []request.Due) ([]request.Event, notifier.AnswerKind) {
	switch {
	case s.Status.Ended():
		return nil, notifier.AlreadyEnded
	case to == s.Urgency:
		return nil, notifier.UrgencyStands
	case to.Rank() > s.Urgency.Rank() && reason == "":
		return nil, notifier.ReasonNeeded
	}
	return []request.Event{request.NewEvent(request.UrgencyChanged, request.UrgencyChangedBody{From: s.Urgency, To: to, Due: due})}, notifier.UrgencyStands
}
