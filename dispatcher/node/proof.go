package node

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// byTest is why an edit that verifies a contact stands in the history.
const byTest = "verified by a test page"

// Why no test page goes out.
var (
	ErrNoPerson    = errors.New("test page: nobody on the roster has this id")
	ErrNoTelephone = errors.New("test page: this person has no telephone")
	ErrNight       = errors.New("test page: it is night where this person lives")
)

// A TestOrder asks for a test page.
type TestOrder struct {
	Person string
	Calls  bool // call the telephones that take texts, too
	Night  bool // also between 22:00 and 07:00 where they live
}

// OrderTest begins a test page to each telephone of a person, and gives the reference of its log. The same order within a minute is one.
// Errors: [ErrNoPerson], [ErrNoTelephone], [ErrNight], [ErrUnavailable].
func (n *Node) OrderTest(ctx context.Context, o TestOrder) (request.Ref, error) {
	n.mu.Lock()
	book, ready := n.roster, n.ready
	n.mu.Unlock()
	if book == nil || !ready || n.opts.Alarms.Reference == nil {
		return "", ErrUnavailable
	}
	who, ok := book.Person(o.Person)
	if !ok {
		return "", ErrNoPerson
	}
	now := n.opts.Clock.Now()
	b, ok := dispatcher.TestPage(who, o.Calls, now, n.mark)
	switch {
	case !ok:
		return "", ErrNoTelephone
	case !o.Night && dispatcher.NightOf(book, o.Person, now):
		return "", ErrNight
	}
	return n.RaiseMatter(ctx, b)
}

// mark tells later whether a contact still has the address that it was tested with.
func (n *Node) mark(cause, contact, address string) string {
	sum := n.opts.Alarms.Reference("test mark", cause+" "+contact+" "+address, 0)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// testLog is the log of a test page; nil where a reference is that of something else.
func (n *Node) testLog(ctx context.Context, ref request.Ref) (*request.State, error) {
	if !ref.IsOps() {
		return nil, nil
	}
	s, err := n.State(ctx, ref)
	if err != nil || s.Kind() != request.OpsTest {
		return nil, err
	}
	return s, nil
}

// proveContact verifies the contact over which a person answers a test page: in the roster first, so that what they hear is true.
func (n *Node) proveContact(ctx context.Context, s *request.State, person, page string, via request.Via) (Outcome, error) {
	tested, done, kind := dispatcher.Proves(s, n.opts.Clock.Now(), person, page)
	if done || kind != notifier.TestPassed {
		return Outcome{Kind: kind}, nil
	}
	_, err := n.editDuty(ctx, person, byTest, func(b roster.Book, now time.Time) (roster.Book, error) {
		if !n.unchanged(b, s, person, tested) {
			return b, roster.ErrNoContact
		}
		return b.VerifyContact(person, tested.Contact, now)
	})
	switch {
	case errors.Is(err, ErrUnavailable):
		return Outcome{}, err
	case err != nil: // the number has changed, or they have left
		n.opts.Logger.Warn("a test page was answered and verifies nothing", zap.Stringer("reference", s.Ref), zap.Error(err))
		return Outcome{Kind: notifier.TestOver}, nil
	}
	noted, err := n.decide(ctx, s.Ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		events, kind := dispatcher.Acknowledge(s, n.opts.Clock.Now(), person, page, via)
		return events, kind, ""
	})
	if err != nil { // the roster has it
		n.opts.Logger.Warn("that a test page was answered is not noted in its log", zap.Stringer("reference", s.Ref), zap.Error(err))
	}
	return Outcome{Kind: notifier.TestPassed, Seq: noted.Seq}, nil
}

// unchanged reports whether a contact of a person has the address that is tested.
func (n *Node) unchanged(b roster.Book, s *request.State, person string, tested request.Tested) bool {
	i := slices.IndexFunc(b.People, func(p roster.Person) bool { return p.ID == person })
	return i >= 0 && slices.ContainsFunc(b.People[i].Contacts, func(c roster.Contact) bool {
		return c.ID == tested.Contact && hmac.Equal([]byte(n.mark(s.Matter.Cause, c.ID, c.Address)), []byte(tested.Mark))
	})
}
