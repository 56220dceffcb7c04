package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/numbering"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/web"
)

// forWeb gives the node's errors their names in package web.
func forWeb(err error) error {
	switch {
	case errors.Is(err, node.ErrNotFound), errors.Is(err, served.ErrNoRevision):
		return named{err, []error{web.ErrNotFound}}
	case errors.Is(err, node.ErrUnavailable), errors.Is(err, served.ErrUnavailable), errors.Is(err, served.ErrEmpty):
		return named{err, []error{web.ErrUnavailable}}
	default:
		return err
	}
}

// officer is the node as officers reach it over the web.
type officer struct{ node *node.Node }

var _ web.Officer = officer{}

// Acknowledge takes a request.
func (o officer) Acknowledge(ctx context.Context, ref request.Ref, person string, via request.Via) (web.Outcome, error) {
	outcome, err := o.node.Acknowledge(ctx, ref, person, "", via)
	return outcomeOf(outcome), forWeb(err)
}

// Pass gives it to the next.
func (o officer) Pass(ctx context.Context, ref request.Ref, person, reason string, via request.Via) (web.Outcome, error) {
	outcome, err := o.node.Pass(ctx, ref, person, "", reason, via)
	return outcomeOf(outcome), forWeb(err)
}

// Undo takes an acknowledgement back.
func (o officer) Undo(ctx context.Context, ref request.Ref, person string, via request.Via) (web.Outcome, error) {
	outcome, err := o.node.Undo(ctx, ref, person, via)
	return outcomeOf(outcome), forWeb(err)
}

// ChangeUrgency judges the urgency anew.
func (o officer) ChangeUrgency(ctx context.Context, ref request.Ref, actor request.Actor, to request.Urgency, reason string) (web.Outcome, error) {
	outcome, err := o.node.ChangeUrgency(ctx, ref, actor, to, reason)
	return outcomeOf(outcome), forWeb(err)
}

// Opened notes that the content is read.
func (o officer) Opened(ctx context.Context, ref request.Ref, person string) error {
	return forWeb(o.node.Opened(ctx, ref, person))
}

var verdicts = map[notifier.AnswerKind]web.Verdict{
	notifier.Taken: web.Taken, notifier.AlreadyYours: web.AlreadyYours, notifier.AlreadyTaken: web.AlreadyTaken,
	notifier.AlreadyEnded: web.Ended, notifier.PassedOn: web.PassedOn, notifier.CannotPass: web.CannotPass,
	notifier.Undone: web.Undone, notifier.UndoOver: web.UndoOver, notifier.NotYours: web.NotYours,
	notifier.UrgencyStands: web.UrgencyStands, notifier.ReasonNeeded: web.ReasonNeeded,
	notifier.AlarmTaken: web.Taken, notifier.AlarmOver: web.Ended,
}

func outcomeOf(o node.Outcome) web.Outcome {
	return web.Outcome{Verdict: verdicts[o.Kind], CallSign: o.CallSign, Position: o.Seq}
}

// states is the node as readers reach it over the web.
type states struct{ node *node.Node }

var _ web.States = states{}

// State is one request.
func (s states) State(ctx context.Context, ref request.Ref) (*request.State, error) {
	state, err := s.node.State(ctx, ref)
	return state, forWeb(err)
}

// WaitFor waits until the node has read as far.
func (s states) WaitFor(ctx context.Context, position uint64) error {
	return forWeb(s.node.WaitFor(ctx, position))
}

// Watch follows one request.
func (s states) Watch(ctx context.Context, ref request.Ref) (<-chan *request.State, func(), error) {
	watched, cancel, err := s.node.Watch(ctx, ref)
	return watched, cancel, forWeb(err)
}

// Open lists what is not at its end.
func (s states) Open() []*request.State { return s.node.Open() }

// books is the roster as coordinators reach it over the web.
type books struct{ service *served.Service }

var _ web.Rosters = books{}

// Current is the newest roster. Before the first edit it is an empty one.
func (b books) Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error) {
	current, err := b.service.Current(ctx, atLeast)
	if errors.Is(err, served.ErrEmpty) && atLeast == 0 {
		return roster.Compile(roster.Book{})
	}
	return current, forWeb(err)
}

// Apply stores an edit.
func (b books) Apply(ctx context.Context, edit roster.Edit) (roster.Book, error) {
	book, err := b.service.Apply(ctx, edit)
	if conflict, ok := errors.AsType[*served.Conflict](err); ok {
		return roster.Book{}, &web.RosterConflict{Current: conflict.Current, By: conflict.By, When: conflict.When, Reason: conflict.Reason}
	}
	return book, forWeb(err)
}

// Version is the book of one revision.
func (b books) Version(ctx context.Context, revision uint64) (roster.Book, error) {
	book, err := b.service.Version(ctx, revision)
	return book, forWeb(err)
}

// History lists the edits.
func (b books) History(ctx context.Context) ([]web.RosterVersion, error) {
	versions, err := b.service.History(ctx)
	list := make([]web.RosterVersion, len(versions))
	for i, v := range versions {
		list[i] = web.RosterVersion{
			Revision: v.Revision, Time: request.At(v.Time), Actor: request.Actor{Kind: request.ActorKind(v.Kind), ID: v.Actor}, Reason: v.Reason,
		}
	}
	return list, forWeb(err)
}

// health asks the parts of a node.
type health struct {
	log    requestLog
	node   *node.Node
	roster *served.Service
}

var _ web.Health = health{}

// Parts lists them. Redis is not needed to page: while it is away, that is told and no reason to take the node out of service.
func (h health) Parts(ctx context.Context) []web.Part {
	log := web.Part{Name: "log", OK: true}
	ask, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := h.log.Head(ask); err != nil {
		log.OK, log.Detail = false, "NATS does not answer, or has no quorum"
	}
	read, known := h.node.Ready()
	dispatcher := web.Part{Name: "dispatcher", OK: read}
	if !read {
		dispatcher.Detail = "the log is not read yet"
	} else {
		dispatcher.Detail = nodesOf(h.node)
	}
	how := h.roster.Health(ask)
	book := web.Part{Name: "roster", OK: known && how.Revision > 0, Detail: fmt.Sprintf("revision %d from %s", how.Revision, how.Source)}
	switch {
	case !book.OK:
		book.Detail = "there is no roster yet: store one with dutyline roster apply"
	case how.LogRevision > how.Revision:
		book.OK, book.Detail = false, fmt.Sprintf("revision %d is stored and cannot be read; revision %d is used", how.LogRevision, how.Revision)
	}
	cache := web.Part{Name: "redis", OK: true}
	if how.Redis != nil {
		cache.Detail = "does not serve the newest roster; the log does"
	}
	return []web.Part{log, dispatcher, book, cache, alarmPart(h.node)}
}

// nodesOf says which nodes share the work, and what is wrong with the clock.
func nodesOf(n *node.Node) string {
	detail := "no other node"
	if others := n.Others(); len(others) > 0 {
		detail = "with " + strings.Join(others, ", ")
	}
	switch offset := n.ClockOffset().Round(100 * time.Millisecond); {
	case offset > 0:
		detail += fmt.Sprintf("; this machine's clock is %s behind the log's", offset)
	case offset < 0:
		detail += fmt.Sprintf("; this machine's clock is %s ahead of the log's", -offset)
	}
	return detail
}

// contactable says whether a telephone number can be a contact.
func (o *Options) contactable(e164 string) (detail, fix string, ok bool) {
	trouble, ok := numbering.Check(e164, o.Config.Contacts.Allow)
	return trouble.Detail, trouble.Fix, ok
}
