package web

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// Errors that the parts behind this package answer with, plain or wrapped. What is none of them, and none of package intake's or
// directory's, is answered with 500 and logged.
var (
	// ErrNotFound says that there is no such request.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable says that it cannot be read or stored now: 503, to be tried again.
	ErrUnavailable = errors.New("not available now")
)

// An Outcome says what came of somebody's wish to take a request, to pass it on, or to change it. An outcome is no error: it is stored, or it was so
// before.
type Outcome struct {
	Verdict  Verdict
	CallSign string // with AlreadyTaken: of the colleague who has it; never a name
	Position uint64 // of what was appended; 0 when nothing was
}

// A Verdict is the kind of an [Outcome].
type Verdict string

// The verdicts.
const (
	Taken        Verdict = "taken" // it is theirs now
	AlreadyYours Verdict = "already_yours"
	AlreadyTaken Verdict = "already_taken" // by a colleague
	Ended        Verdict = "ended"         // withdrawn: nobody is asked any more
	PassedOn     Verdict = "passed_on"
	CannotPass   Verdict = "cannot_pass" // neither theirs, nor were they asked

	Undone        Verdict = "undone"
	UndoOver      Verdict = "undo_over"      // the time to take an acknowledgement back is over
	NotYours      Verdict = "not_yours"      // nobody has it
	UrgencyStands Verdict = "urgency_stands" // it is as it was asked for
	ReasonNeeded  Verdict = "reason_needed"
)

// An Officer stores what officers do. Implementations are safe for concurrent use and return after the commit is stored.
// Errors: [ErrNotFound], [ErrUnavailable].
type Officer interface {
	// Acknowledge takes the request for a person: Taken, AlreadyYours, AlreadyTaken or Ended.
	Acknowledge(ctx context.Context, ref request.Ref, person string, via request.Via) (Outcome, error)
	// Pass gives it to the next: PassedOn, CannotPass, AlreadyTaken or Ended. The reason is what a person wrote and is sealed; it may be "".
	Pass(ctx context.Context, ref request.Ref, person, reason string, via request.Via) (Outcome, error)
	// Undo takes a person's acknowledgement back: Undone, UndoOver, NotYours, AlreadyTaken or Ended.
	Undo(ctx context.Context, ref request.Ref, person string, via request.Via) (Outcome, error)
	// ChangeUrgency judges the urgency anew, for an officer or a coordinator: UrgencyStands, ReasonNeeded (for what is less urgent) or Ended. The
	// reason is sealed.
	ChangeUrgency(ctx context.Context, ref request.Ref, actor request.Actor, to request.Urgency, reason string) (Outcome, error)
	// Opened appends that a person is about to read the content. The content is not shown when this fails.
	Opened(ctx context.Context, ref request.Ref, person string) error
}

// States gives what this node knows of requests. The states are copies, or are never changed again. Safe for concurrent use.
type States interface {
	// State is the state of one request, from memory or by replay. Errors: [ErrNotFound], [ErrUnavailable].
	State(ctx context.Context, ref request.Ref) (*request.State, error)
	// WaitFor returns when everything up to a position of the log is folded, or with ctx's error.
	WaitFor(ctx context.Context, position uint64) error
	// Watch sends the state after every commit that changes it, beginning with the present one; a slow reader misses intermediate states
	// and never the newest. The channel is closed when the node stops. cancel must be called and frees it. Errors: [ErrNotFound],
	// [ErrUnavailable].
	Watch(ctx context.Context, ref request.Ref) (states <-chan *request.State, cancel func(), err error)
	// Open lists all requests that are not at their end, in no particular order.
	Open() []*request.State
	// Alarms lists the ops logs of the alarms that stand, and of those that were cleared within two days.
	Alarms() []*request.State
	// Handovers lists the ops logs of the handovers that are open, and of those that ended within two days.
	Handovers() []*request.State
}

// Rosters serves the roster and takes edits. Safe for concurrent use.
type Rosters interface {
	// Current is the newest roster that is known, not older than a revision (0: any). It fails with [ErrUnavailable] while there is none.
	Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error)
	// Apply stores what [roster.Book.Next] makes of an edit and gives the book with its new revision; the book that stands when the edit changes
	// nothing. Errors: [*roster.ValidationError], [*roster.UnverifiedError], [*RosterConflict], [ErrUnavailable].
	Apply(ctx context.Context, edit roster.Edit) (roster.Book, error)
	// Version is the book of one revision. Errors: [ErrNotFound], [ErrUnavailable].
	Version(ctx context.Context, revision uint64) (roster.Book, error)
	// History lists the revisions, the newest first.
	History(ctx context.Context) ([]RosterVersion, error)
}

// A RosterVersion is one edit of the roster: who made it, when and why. The actor is an opaque id.
type RosterVersion struct {
	Revision uint64          `json:"revision"`
	Time     request.Instant `json:"time"`
	Actor    request.Actor   `json:"actor"`
	Reason   string          `json:"reason"`
	// ConfirmedUnverified are the people whom the edit put on duty without a verified telephone: its actor has confirmed it.
	ConfirmedUnverified []string `json:"confirmed_unverified,omitempty"`
}

// A RosterConflict says that somebody else edited the roster since the revision that an edit was made from.
type RosterConflict struct {
	Current uint64    // the revision that stands
	By      string    // opaque id of who made it; "": not known
	When    time.Time // it was made; zero: not known
	Reason  string    // that was given for it; it names nobody
}

// Error says it without naming anybody.
func (e *RosterConflict) Error() string { return "the roster was edited in between" }

// stands says who made the revision that stands, when and why, as far as it is known.
func (e *RosterConflict) stands() string {
	if e.Current == 0 {
		return "No roster stands."
	}
	text := fmt.Sprintf("Revision %d stands", e.Current)
	if !e.When.IsZero() {
		text += ", made at " + request.At(e.When).Format("2006-01-02T15:04:05.000Z")
		if e.By != "" {
			text += " by " + e.By
		}
	}
	if e.Reason != "" {
		text += ": " + strconv.Quote(e.Reason)
	}
	return text + "."
}

// A Log reads the log of requests as it was stored. Safe for concurrent use.
type Log interface {
	// History is every commit of one request in order. Errors: [ErrNotFound], [ErrUnavailable].
	History(ctx context.Context, ref request.Ref) ([]request.Stored, error)
	// Follow calls fn for every commit of every request with a sequence above after, first what is stored and then what comes, until ctx
	// ends or fn fails; it returns that error.
	Follow(ctx context.Context, after uint64, fn func(request.Stored) error) error
	// Head is the sequence of the last commit.
	Head(ctx context.Context) (uint64, error)
}

// Health tells how the node is.
type Health interface {
	// Parts lists the parts that a node needs to do its work, in a fixed order.
	Parts(ctx context.Context) []Part
}

// A Part is one thing that must work. Detail is for operators and names no secret.
type Part struct {
	Name   string `json:"name"` // log, roster, redis, provider …
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// An Intake takes what senders say; *intake.Service is one. Safe for concurrent use. Errors: those of package intake.
type Intake interface {
	Raise(ctx context.Context, sender, key string, body []byte) (intake.Result, error)
	Show(ctx context.Context, sender string, ref request.Ref) (request.Receipt, error)
	Amend(ctx context.Context, sender string, ref request.Ref, version int, patch []byte) (intake.Result, error)
	Withdraw(ctx context.Context, sender string, ref request.Ref, reason string) (intake.Result, error)
	// Content is the newest content, for those who may read it.
	Content(ctx context.Context, ref request.Ref) (request.SealedContent, error)
}

// A Directory knows who may call; *directory.Directory is one. Safe for concurrent use.
type Directory interface {
	// Authenticate gives who presents a token. The error is [directory.ErrToken].
	Authenticate(text string, now time.Time) (directory.Principal, error)
	// Principal gives who a token belongs to while it is valid. The error is [directory.ErrToken].
	Principal(token string, now time.Time) (directory.Principal, error)
	AddSender(ctx context.Context, sender directory.NewSender, now time.Time) (directory.Sender, error)
	RevokeSender(ctx context.Context, id string, now time.Time) (directory.Sender, error)
	AddToken(ctx context.Context, role directory.Role, subject string, life time.Duration, now time.Time) (t directory.Token, text string, err error)
	// AddFeed mints the token of a calendar's address.
	AddFeed(ctx context.Context, subject string, life time.Duration, now time.Time) (t directory.Token, text string, err error)
	// Feed gives what such a token is of. The error is [directory.ErrToken].
	Feed(text string, now time.Time) (subject string, err error)
	RevokeToken(ctx context.Context, id string, now time.Time) (directory.Token, error)
	Senders() []directory.Sender
	Tokens() []directory.Token
}

var (
	_ Intake    = (*intake.Service)(nil)
	_ Directory = (*directory.Directory)(nil)
)
