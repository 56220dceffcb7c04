package notifier

import (
	"context"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Report is what a provider says of an attempt after it took it.
type Report struct {
	Ref        request.Ref
	Attempt    string
	Provider   string
	ProviderID string
	Progress   Progress
	Kind       request.FailureKind // with Lost; request.FailedNoKey of a call that was busy or that nobody picked up
	Code       string              // with Lost: why; with Answered: what the provider guesses to have picked up, human, machine or fax, mostly ""
}

// Progress is how far the provider says a message or a call has come.
type Progress string

// The steps of progress. Providers repeat and reorder what they say: of two reports of one attempt the one whose step stands further down
// here counts, whichever came first. No step is an acknowledgement.
//
//	text  Sent → Lost | Delivered
//	call  Sent → Answered → Ended, or Sent → Lost
const (
	Sent      Progress = "sent"      // on its way; a call is being set up, or rings
	Answered  Progress = "answered"  // a call was picked up, by a human or by a machine
	Lost      Progress = "lost"      // it will not arrive; of a call: nobody picked up
	Delivered Progress = "delivered" // a text arrived
	Ended     Progress = "ended"     // a call that was picked up is over; whether somebody pressed a key, Sink.Key has seen
)

// A Key is one key of a telephone.
type Key string

// The keys that mean something during a call.
const (
	KeyTake   Key = "1"
	KeyPass   Key = "2"
	KeyRepeat Key = "9" // the channel repeats by itself: no sink sees it
)

// A KeyPress is a key that somebody pressed during a call of ours. That it is genuine, the provider's package has checked.
type KeyPress struct {
	Ref        request.Ref
	Attempt    string
	Key        Key   // KeyTake or KeyPass
	Phone      Phone // that we called
	Provider   string
	ProviderID string // of the call, in which more than one key can be pressed
	PIN        PIN    // keyed in after KeyTake; "" before it was asked for
	Try        int    // which PIN of this call it is, counted from 1: a repetition by the provider is of the same one
}

// An Answer is what a reply by text or by key is answered with; the provider's package renders it. NoAnswer sends nothing to a text, and
// tells a caller that the call is not valid any more.
type Answer struct {
	Kind     AnswerKind
	Ref      request.Ref
	CallSign string // of the colleague who has it; never a name
	Language string // of the person who wrote, BCP 47
	Shifts   []Shift
}

// A Shift is a duty that an answer speaks of. Times are in the zone of its roster.
type Shift struct {
	Roster      string
	From, Until time.Time // zero where it is not known, or does not matter
	OnDuty      []string  // call signs, with [WhoIsOn]
	Next        []string  // call signs of those who follow
	Code        string    // that confirms, with [TakeOffer] and [CoverOffer]
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
	Spared         AnswerKind = "spared"      // passed on by somebody who is not asked about it again
	CannotPass     AnswerKind = "cannot_pass" // not yours, or nobody is asked any more
	WrongCode      AnswerKind = "wrong_code"
	NoCode         AnswerKind = "no_code"
	SeveralMatches AnswerKind = "several_matches" // two requests carry this code: the reference is needed
	TooManyGuesses AnswerKind = "too_many_guesses"
	TryAgain       AnswerKind = "try_again"   // it could not be stored
	AlarmTaken     AnswerKind = "alarm_taken" // you look after this alarm
	AlarmOver      AnswerKind = "alarm_over"  // its cause is gone already

	Signed           AnswerKind = "signed"            // who goes off duty has confirmed the handover
	TakenOver        AnswerKind = "taken_over"        // who comes on duty has: the requests are theirs
	AlreadyConfirmed AnswerKind = "already_confirmed" // by the same person
	HandoverOver     AnswerKind = "handover_over"     // it is over, or offered to somebody else
)

// The answers to commands about the duty. Those that name a shift have it in Shifts.
const (
	ShowMenu     AnswerKind = "menu"
	WhoIsOn      AnswerKind = "who"         // one shift for each roster
	TakeOffer    AnswerKind = "take_offer"  // each shift has its code
	TookOver     AnswerKind = "took_over"   // the shift is yours
	OnDuty       AnswerKind = "on_duty"     // it was already
	CannotTake   AnswerKind = "cannot_take" // the roster has you away, or not active
	CoverOffer   AnswerKind = "cover_offer" // the shift has its code
	CoverAsked   AnswerKind = "cover_asked" // others are asked for it
	CoverOpen    AnswerKind = "cover_open"  // they were already
	NoDuty       AnswerKind = "no_duty"     // there is no shift to cover
	CodeOver     AnswerKind = "code_over"   // of a command: wrong, or too old; nothing was changed
	CoverIsYours AnswerKind = "cover_yours" // you have the shift of somebody who asked for cover
	CoverOver    AnswerKind = "cover_over"  // nobody has to take it any more
	Declined     AnswerKind = "declined"    // nothing changes
)

// The answers to a test page.
const (
	TestPassed AnswerKind = "test_passed" // the telephone is verified
	TestOver   AnswerKind = "test_over"   // the test is over, or the number has changed: nothing is verified
)

// The answers about a PIN, during a call. Nothing was taken yet.
const (
	PINWanted AnswerKind = "pin_wanted" // this key takes nothing without it
	WrongPIN  AnswerKind = "wrong_pin"
	PINLocked AnswerKind = "pin_locked" // there were too many wrong ones: none counts for an hour
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
	// Key handles a key that somebody pressed during a call: it takes or passes on, for the person whom the attempt's page asked. It returns
	// after the decision is stored, because what it returns is spoken at once, and never an error: what cannot be stored is answered with
	// TryAgain, and what belongs to no page that this node can find, with NoAnswer. A provider repeats a press that it got no answer to:
	// the same key again must lead to an answer that is true, as AlreadyYours is. For somebody who has a PIN KeyTake takes nothing without it:
	// the answer is PINWanted, WrongPIN or PINLocked.
	Key(ctx context.Context, k KeyPress) Answer
}

// OptOuts is what a [Sink] may be besides: it hears of the words that providers obey by themselves. They are no commands, and get no answer.
type OptOuts interface {
	// OptedOut says that a telephone has sent STOP (out), so that texts to it are refused, or START, so that they are taken again. It may be said
	// more than once.
	OptedOut(ctx context.Context, from Phone, out bool)
}
