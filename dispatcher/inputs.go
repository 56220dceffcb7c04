package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A Command is an effect that the owner carries out: [Append] or [Call].
type Command interface{ command() }

// An Append asks for a decision to be appended, expecting Expect as the head of the request's log. Its result comes back as [Committed]
// or [Lost]; while nobody knows, it is repeated with the same id.
type Append struct {
	Ref     request.Ref
	ID      string
	Data    []byte
	Expect  uint64
	Closes  bool
	Urgency request.Urgency
	For     string // the first person that it is about, "" when there is none: people take turns
	Starts  bool   // it is the intent of attempts: calls wait for it
}

// A Call asks for a call to a provider, ended by Deadline. Its outcome is appended as a fact and comes back as [Committed]; that the call
// is over comes back as [Returned].
type Call struct {
	Provider  string
	Medium    string
	Recipient request.Recipient
	Message   notifier.Message // without the code, and without the status that goes to a sender
	LookUp    bool             // ask the provider for an earlier attempt first, and do not send when it is there
	Earlier   string           // the attempt that may have arrived …
	EarlierBy string           // … at this provider, which is the one to ask
	// SendAnyway says that a look-up that fails is no reason to wait longer.
	SendAnyway bool
	Tries      int // attempts of this page so far, this one included
	Deadline   time.Time
	// With are the calls of further pages that go in the same text, which the message lists: what comes of the one call comes of each.
	With []Call
}

func (Append) command() {}
func (Call) command()   {}

// An Input is something that happened.
type Input interface{ input() }

// Committed says that a commit is in the log, from its acknowledgement or from the stream; twice is harmless.
type Committed struct {
	Ref    request.Ref
	Seq    uint64
	Data   []byte
	Parsed *request.Parsed // Data, when it was read already; nil: it is read when it is folded
}

// Lost says that a decision was not appended: somebody else moved the head.
type Lost struct {
	Ref request.Ref
	ID  string
}

// Returned says that the calls of some attempts are over and their outcomes are in the log.
type Returned struct {
	Ref      request.Ref
	Attempts []string
}

// RosterSeen says that the roster's log holds this revision: nothing is decided with an older one.
type RosterSeen struct{ Revision uint64 }

// RosterChanged brings a roster.
type RosterChanged struct{ Roster *roster.Compiled }

// Ready says that the log was read up to the head noted at the start. Nothing is decided before.
type Ready struct{}

// Tick says that time has passed.
type Tick struct{}

func (Committed) input()     {}
func (Lost) input()          {}
func (Returned) input()      {}
func (RosterSeen) input()    {}
func (RosterChanged) input() {}
func (Ready) input()         {}
func (Tick) input()          {}
