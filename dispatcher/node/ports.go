package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

var (
	// ErrConflict is what a [Log] answers when the head is not the expected one.
	ErrConflict = errors.New("the log has moved on")
	// ErrUnavailable says that the log cannot be read or written now.
	ErrUnavailable = errors.New("the log is not available now")
	// ErrNotFound says that there is no such request.
	ErrNotFound = errors.New("no such request")
)

// A Commit is one commit as it lies in the log.
type Commit struct {
	Ref  request.Ref
	Seq  uint64
	Time time.Time // the server's stamp
	Data []byte
}

// A Log is the stream of requests. Implementations are safe for concurrent use and wrap [ErrConflict] and [ErrUnavailable].
type Log interface {
	// Append stores a decision, expecting the head of the request's log.
	Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (seq uint64, err error)
	// AppendFact stores a fact, which expects nothing.
	AppendFact(ctx context.Context, ref request.Ref, id string, data []byte) (seq uint64, err error)
	// Live lists the requests that are open or had a commit since a time, and gives the head of the stream, read before the list.
	Live(ctx context.Context, since time.Time) (refs []request.Ref, head uint64, err error)
	// Replay calls fn for the commits of some requests up to a sequence, in the order of the stream.
	Replay(ctx context.Context, refs []request.Ref, upTo uint64, fn func(Commit) error) error
	// Follow calls fn for every commit after a sequence, once and in order, until ctx ends.
	Follow(ctx context.Context, after uint64, fn func(Commit) error) error
	// History reads the whole log of a request; it is empty where there is no request.
	History(ctx context.Context, ref request.Ref) ([]request.Stored, error)
	// Head is the sequence of the last commit of the stream.
	Head(ctx context.Context) (uint64, error)
}

// Rosters is the roster as it is served, and its log. Implementations are safe for concurrent use.
type Rosters interface {
	// Current is the newest roster, not older than a revision.
	Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error)
	// Follow calls fn with the revision of every edit that is stored, the last one first, until ctx ends.
	Follow(ctx context.Context, fn func(revision uint64)) error
}

// Guesses counts the wrong codes of telephones. Implementations are safe for concurrent use, and say nothing of their troubles: a count
// that is not to be had is no reason to keep an officer from acknowledging.
type Guesses interface {
	// Wrong counts one wrong code and gives how many came from this telephone within the hour.
	Wrong(ctx context.Context, from notifier.Phone) int
	// Count gives how many came within the hour.
	Count(ctx context.Context, from notifier.Phone) int
}

// A Provider is a channel with what the dispatcher must know of it.
type Provider struct {
	Channel notifier.Channel
	Limit   notifier.Limit // of each of its lanes
	// Cost is what a message takes of the rate of its lane, as [dispatcher.Provider] says; nil: one.
	Cost func(notifier.Message) int
	// Together reports whether the pages of a message go in one text; nil: each goes alone.
	Together func(notifier.Message) bool
}

// Options are what a node is made with; all are required but those that say what their absence means.
type Options struct {
	Name      string
	Policy    dispatcher.Policy
	Log       Log
	Rosters   Rosters
	Providers []Provider // the first of a medium is preferred
	Guesses   Guesses
	PINs      PINs // nil: a key takes without a PIN, also for those who have one
	Clock     *Clock
	// Code gives the code of a page: six digits, always the same.
	Code func(ref request.Ref, page string) string
	// Words are what officers may write in texts besides the English words; nil: nothing.
	Words dispatcher.Words
	// Duties takes what officers change of the roster by text, and OfferCode makes the code by which one confirms that: six digits, of the
	// person, the terms and a number that changes with time. nil: nothing can be changed.
	Duties    Duties
	OfferCode func(person, terms string, slot int64) string
	// Clocks gives the clocks of a request at another urgency, from its content. nil: legal clocks, which hang on the content, stay.
	Clocks func(ctx context.Context, s *request.State, to request.Urgency) ([]request.Due, error)
	// Seal encrypts what somebody wrote about a request, for the event of that id.
	Seal func(ctx context.Context, of *request.State, eventID string, plain []byte) ([]byte, error)
	// Alarms says what raises alarms besides the requests themselves.
	Alarms Alarms
	Logger *zap.Logger // nil: none
	// Presence tells of the other nodes; nil: there are none.
	Presence Presence
	// LogTime gives the time of the server that stamps what is stored; nil: the wall clock is trusted.
	LogTime func(context.Context) (time.Time, error)
	// Webhook says whether a sender wants to be told over a provider of [dispatcher.SenderMedium], by their id; nil: nobody does. It is called
	// under the node's lock: it answers from memory, and calls nothing of the node.
	Webhook func(sender string) bool
	// Canaries test the providers; the zero value: none do.
	Canaries dispatcher.Canaries
	// StatusChanged is called with the state of a request when a commit changed what its sender sees, on the one node that is to tell it: the
	// one that wrote the commit, or, when that one does not serve any more, the first by name of those that do. At most once for each change, and
	// rarely twice. It is called under the node's lock, in the order of the request's log: it returns at once and calls nothing of the node. nil:
	// nobody wants to know.
	StatusChanged func(*request.State)
}

func (o *Options) validate() error {
	var errs []error
	for name, absent := range map[string]bool{
		"name": o.Name == "", "log": o.Log == nil, "rosters": o.Rosters == nil, "guesses": o.Guesses == nil, "clock": o.Clock == nil,
		"code": o.Code == nil, "seal": o.Seal == nil,
		"offer code": o.OfferCode == nil && o.Duties != nil,
	} {
		if absent {
			errs = append(errs, fmt.Errorf("make node: %s is missing", name))
		}
	}
	if err := o.Policy.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("make node: %w", err))
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return errors.Join(errs...)
}
