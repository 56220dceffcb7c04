package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/vault"
	"github.com/dutyline/dutyline/web"
)

// named is an error of the event log that also goes by the names under which the packages of the domain know it.
type named struct {
	error
	names []error
}

// Is makes errors.Is find the names.
func (n named) Is(target error) bool { return slices.Contains(n.names, target) }

// Unwrap gives the error of the event log.
func (n named) Unwrap() error { return n.error }

var (
	conflictNames    = []error{node.ErrConflict, intake.ErrConflict, vault.ErrConflict, directory.ErrConflict, served.ErrHeadMoved}
	unavailableNames = []error{ErrUnavailable, node.ErrUnavailable, intake.ErrUnavailable, served.ErrUnavailable, web.ErrUnavailable}
)

func translate(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrConflict):
		return named{err, conflictNames}
	case errors.Is(err, eventlog.ErrUnavailable):
		return named{err, unavailableNames}
	default:
		return err
	}
}

// requestLog is the stream REQUESTS as intake, the node and the web see it.
type requestLog struct{ log *eventlog.Log }

var (
	_ intake.Log = requestLog{}
	_ node.Log   = requestLog{}
)

// Append stores a decision.
func (l requestLog) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (uint64, error) {
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.Head(expect), Closed: closes})
	return seq, translate(err)
}

// AppendFact stores a fact.
func (l requestLog) AppendFact(ctx context.Context, ref request.Ref, id string, data []byte) (uint64, error) {
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.AnyHead})
	return seq, translate(err)
}

// Live lists what is open or young.
func (l requestLog) Live(ctx context.Context, since time.Time) ([]request.Ref, uint64, error) {
	head, err := l.log.Head(ctx)
	if err != nil {
		return nil, 0, translate(err)
	}
	var refs []request.Ref
	err = l.log.EachSummary(ctx, func(e eventlog.Entry) error {
		if e.Closed && !e.Time.After(since) {
			return nil
		}
		if ref, ok := request.RefOfSubject(e.Subject); ok {
			refs = append(refs, ref)
		}
		return nil
	})
	if err != nil {
		return nil, 0, translate(err)
	}
	return refs, head, nil
}

// Replay reads some logs up to a sequence.
func (l requestLog) Replay(ctx context.Context, refs []request.Ref, upTo uint64, fn func(node.Commit) error) error {
	subjects := make([]string, len(refs))
	for i, ref := range refs {
		subjects[i] = ref.Subject()
	}
	return translate(l.log.Replay(ctx, subjects, upTo, func(e eventlog.Entry) error { return fn(commitOf(e)) }))
}

// Follow reads what comes. Entries that belong to no request come with an empty reference: they too move the position of who follows.
func (l requestLog) Follow(ctx context.Context, after uint64, fn func(node.Commit) error) error {
	return translate(l.log.Follow(ctx, after, func(e eventlog.Entry) error { return fn(commitOf(e)) }))
}

func commitOf(e eventlog.Entry) node.Commit {
	ref, _ := request.RefOfSubject(e.Subject)
	return node.Commit{Ref: ref, Seq: e.Seq, Time: e.Time, Data: e.Data}
}

// History reads one log.
func (l requestLog) History(ctx context.Context, ref request.Ref) ([]request.Stored, error) {
	entries, err := l.log.History(ctx, ref.Subject())
	stored := make([]request.Stored, len(entries))
	for i, e := range entries {
		stored[i] = request.Stored{Seq: e.Seq, Data: e.Data}
	}
	return stored, translate(err)
}

// Head is the last sequence.
func (l requestLog) Head(ctx context.Context) (uint64, error) {
	seq, err := l.log.Head(ctx)
	return seq, translate(err)
}

// Time is the time of the server that stamps.
func (l requestLog) Time(ctx context.Context) (time.Time, error) {
	t, err := l.log.Time(ctx)
	return t, translate(err)
}

// shownLog is the stream REQUESTS as the pages of the log show it.
type shownLog struct{ requestLog }

var _ web.Log = shownLog{}

// Follow reads the commits of all requests.
func (l shownLog) Follow(ctx context.Context, after uint64, fn func(request.Stored) error) error {
	return l.requestLog.Follow(ctx, after, func(c node.Commit) error {
		if c.Ref == "" {
			return nil
		}
		return fn(request.Stored{Seq: c.Seq, Data: c.Data})
	})
}

// keyLog is the stream KEYS.
type keyLog struct{ log *eventlog.Log }

var _ vault.Store = keyLog{}

// Append stores a wrapped key or a tombstone.
func (l keyLog) Append(ctx context.Context, subject, id string, data []byte, after uint64) error {
	_, err := l.log.Append(ctx, eventlog.Append{Subject: subject, ID: id, Data: data, Expect: eventlog.Head(after)})
	return translate(err)
}

// Messages reads the log of one key.
func (l keyLog) Messages(ctx context.Context, subject string) ([]vault.Message, error) {
	entries, err := l.log.History(ctx, subject)
	messages := make([]vault.Message, len(entries))
	for i, e := range entries {
		messages[i] = vault.Message{Seq: e.Seq, Data: e.Data}
	}
	return messages, translate(err)
}

// SecureDelete overwrites and removes one entry.
func (l keyLog) SecureDelete(ctx context.Context, seq uint64) error {
	return translate(l.log.SecureDelete(ctx, seq))
}

// directoryLog is the stream DIRECTORY.
type directoryLog struct{ log *eventlog.Log }

var _ directory.Log = directoryLog{}

// Append stores a document.
func (l directoryLog) Append(ctx context.Context, subject, id string, data []byte, expect uint64) (uint64, error) {
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: subject, ID: id, Data: data, Expect: eventlog.Head(expect)})
	return seq, translate(err)
}

// Follow reads the documents.
func (l directoryLog) Follow(ctx context.Context, after uint64, fn func(seq uint64, subject string, data []byte) error) error {
	return translate(l.log.Follow(ctx, after, func(e eventlog.Entry) error { return fn(e.Seq, e.Subject, e.Data) }))
}

// Head is the last sequence.
func (l directoryLog) Head(ctx context.Context) (uint64, error) {
	seq, err := l.log.Head(ctx)
	return seq, translate(err)
}

// bookSubject is where the roster's documents lie in the stream ROSTER.
const bookSubject = "roster.book"

// rosterLog is the stream ROSTER.
type rosterLog struct{ log *eventlog.Log }

var _ served.Log = rosterLog{}

// Append stores a document.
func (l rosterLog) Append(ctx context.Context, id string, data []byte, after uint64) error {
	_, err := l.log.Append(ctx, eventlog.Append{Subject: bookSubject, ID: id, Data: data, Expect: eventlog.Head(after)})
	return translate(err)
}

// Last reads the newest document.
func (l rosterLog) Last(ctx context.Context) ([]byte, uint64, error) {
	e, _, err := l.log.Last(ctx, bookSubject)
	return e.Data, e.Seq, translate(err)
}

// History reads all documents.
func (l rosterLog) History(ctx context.Context) ([][]byte, error) {
	entries, err := l.log.History(ctx, bookSubject)
	documents := make([][]byte, len(entries))
	for i, e := range entries {
		documents[i] = e.Data
	}
	return documents, translate(err)
}

// rosters is the roster as a node reads it.
type rosters struct {
	*served.Service
	log rosterLog
}

var _ node.Rosters = rosters{}

// Follow tells the revision of every document.
func (r rosters) Follow(ctx context.Context, fn func(revision uint64)) error {
	return translate(r.log.log.Follow(ctx, 0, func(e eventlog.Entry) error {
		d, err := roster.Header(e.Data)
		if err != nil {
			return fmt.Errorf("follow the roster at %d: %w", e.Seq, err)
		}
		r.Saw(d.Revision)
		fn(d.Revision)
		return nil
	}))
}
