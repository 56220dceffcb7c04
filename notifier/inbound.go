package notifier

import (
	"context"

	"github.com/dutyline/dutyline/request"
)

// A Report is what a provider says of an attempt after it took it.
type Report struct {
	Ref        request.Ref
	Attempt    string
	Provider   string
	ProviderID string
	Progress   Progress
	Kind       request.FailureKind // with Lost
	Code       string              // with Lost
}

// Progress is how far the provider says a message has come.
type Progress string

// The steps of progress, in order.
const (
	Sent      Progress = "sent"
	Delivered Progress = "delivered"
	Lost      Progress = "lost"
)

// An Answer is what a reply by text is answered with; the provider's package renders it. NoAnswer sends nothing.
type Answer struct {
	Kind     AnswerKind
	Ref      request.Ref
	CallSign string // of the colleague who has it; never a name
	Language string // of the person who wrote, BCP 47
}

// An AnswerKind says what a reply came to.
type AnswerKind string

// The answers to a reply.
const (
	NoAnswer       AnswerKind = ""      // an unknown number: silence
	Taken          AnswerKind = "taken" // it is yours
	AlreadyYours   AnswerKind = "already_yours"
	AlreadyTaken   AnswerKind = "already_taken" // by CallSign
	AlreadyEnded   AnswerKind = "already_ended" // withdrawn
	PassedOn       AnswerKind = "passed_on"
	CannotPass     AnswerKind = "cannot_pass" // not yours, or nobody is asked any more
	WrongCode      AnswerKind = "wrong_code"
	NoCode         AnswerKind = "no_code"
	SeveralMatches AnswerKind = "several_matches" // two requests carry this code: the reference is needed
	TooManyGuesses AnswerKind = "too_many_guesses"
	TryAgain       AnswerKind = "try_again" // it could not be stored
)

// The answers to what is not done by text.
const (
	Undone        AnswerKind = "undone"
	UndoOver      AnswerKind = "undo_over"      // the time to take an acknowledgement back is over
	NotYours      AnswerKind = "not_yours"      // nobody has it
	UrgencyStands AnswerKind = "urgency_stands" // it is as it was asked for
	ReasonNeeded  AnswerKind = "reason_needed"
)

// A Sink takes what providers send to webhooks. Implementations are safe for concurrent use.
type Sink interface {
	// Report appends what a provider says of an attempt. An error means that it is not stored: answer with 503, so that the provider repeats it.
	Report(ctx context.Context, r Report) error
	// Reply handles a text that somebody sent; id is the provider's id of it, by which repetitions are recognised. It returns after the
	// decision is stored, and never an error: what cannot be stored is answered with TryAgain.
	Reply(ctx context.Context, from Phone, id, text string) Answer
}
