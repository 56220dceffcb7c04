package node

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// lookForCovers tells people of cover requests, and of what became of them. The roster is the truth: whatever a crash leaves out, the next look
// makes good.
func (n *Node) lookForCovers(ctx context.Context) {
	if n.opts.Duties == nil {
		return
	}
	n.mu.Lock()
	book, now := n.roster, n.opts.Clock.Now()
	var known []*request.State
	var coordinators []string
	if book != nil && n.ready {
		known, coordinators = n.machine.Matters(request.OpsCover), n.machine.AlarmTargets()
	}
	ready := n.ready
	n.mu.Unlock()
	if book == nil || !ready {
		return
	}
	tell, over := dispatcher.CoverNews(book, known, coordinators, now)
	for _, b := range tell {
		ref, err := n.RaiseMatter(ctx, b)
		if err != nil {
			if ctx.Err() == nil {
				n.opts.Logger.Warn("a cover request is not told yet; trying again", zap.String("roster", b.Roster), zap.Error(err))
			}
			return // what is over ends when it was told
		}
		n.opts.Logger.Info("raised", zap.String("kind", string(b.Kind)), zap.Stringer("reference", ref), zap.String("roster", b.Roster))
	}
	for _, o := range over {
		if err := n.EndMatter(ctx, o.Ref, o.Reason); err != nil && ctx.Err() == nil {
			n.opts.Logger.Warn("the log of a cover request is not ended yet; trying again", zap.Stringer("reference", o.Ref), zap.Error(err))
		}
	}
}

// coverLog is the log of a cover request; nil where a reference is that of something else.
func (n *Node) coverLog(ctx context.Context, ref request.Ref) (*request.State, error) {
	if !ref.IsOps() {
		return nil, nil
	}
	s, err := n.State(ctx, ref)
	if err != nil || s.Kind() != request.OpsCover {
		return nil, err
	}
	return s, nil
}

// acceptCover gives the duty of a cover request to a person, in the roster first: whoever is first there has it.
func (n *Node) acceptCover(ctx context.Context, s *request.State, person, page string, via request.Via) (Outcome, error) {
	var cover roster.Cover // as it stood when it was accepted, or not
	_, err := n.editDuty(ctx, person, byAccept, func(b roster.Book, now time.Time) (roster.Book, error) {
		cover, _ = dispatcher.CoverOf(b, s)
		if cover.From.Before(now) {
			cover.From = now
		}
		return b.AcceptCover(s.Matter.Roster, dispatcher.CoverID(s), person, now)
	})
	zone := n.zone(s.Matter.Roster)
	yours := Outcome{Kind: notifier.CoverIsYours, Shifts: []notifier.Shift{{Roster: s.Matter.Roster, From: cover.From.In(zone), Until: cover.Until.In(zone)}}}
	switch {
	case err == nil:
		noted, err := n.decide(ctx, s.Ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
			events, kind := dispatcher.Acknowledge(s, n.opts.Clock.Now(), person, page, via)
			return events, kind, ""
		})
		if err != nil { // the roster has it; the next look for covers ends the log
			n.opts.Logger.Warn("that a cover was accepted is not noted in its log yet", zap.Stringer("reference", s.Ref), zap.Error(err))
		}
		yours.Seq = noted.Seq
		return yours, nil
	case errors.Is(err, roster.ErrCoverTaken) && cover.By == person:
		return yours, nil
	case errors.Is(err, roster.ErrCoverTaken):
		return Outcome{Kind: notifier.AlreadyTaken, CallSign: n.signOf(cover.By)}, nil
	}
	return coverRefused(err)
}

// declineCover notes that a person does not take the duty of a cover request.
func (n *Node) declineCover(ctx context.Context, s *request.State, person string) (Outcome, error) {
	_, err := n.editDuty(ctx, person, byDecline, func(b roster.Book, now time.Time) (roster.Book, error) {
		return b.DeclineCover(s.Matter.Roster, dispatcher.CoverID(s), person, now)
	})
	switch {
	case err == nil, errors.Is(err, roster.ErrCoverTaken), errors.Is(err, roster.ErrCoverOver):
		return Outcome{Kind: notifier.Declined}, nil
	}
	return coverRefused(err)
}

// coverRefused says why somebody cannot answer a cover request.
func coverRefused(err error) (Outcome, error) {
	for _, over := range []error{roster.ErrCoverOver, roster.ErrNoCover, roster.ErrNoRoster} {
		if errors.Is(err, over) {
			return Outcome{Kind: notifier.CoverOver}, nil
		}
	}
	switch {
	case errors.Is(err, ErrUnavailable):
		return Outcome{}, err
	case errors.Is(err, roster.ErrNotAsked), errors.Is(err, roster.ErrOwnCover):
		return Outcome{Kind: notifier.NotYours}, nil
	}
	return Outcome{Kind: notifier.CannotTake}, nil
}

// errNoEdits says that a node was made without [Options.Duties].
var errNoEdits = errors.New("this node changes no roster")

func (n *Node) editDuty(ctx context.Context, person, reason string, change func(roster.Book, time.Time) (roster.Book, error)) (roster.Book, error) {
	if n.opts.Duties == nil {
		return roster.Book{}, unavailable(errNoEdits)
	}
	return n.opts.Duties.Edit(ctx, person, reason, change)
}

// zone is that of a roster.
func (n *Node) zone(id string) *time.Location {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.roster == nil {
		return time.UTC
	}
	return n.roster.Zone(id)
}

// signOf is a person's call sign.
func (n *Node) signOf(person string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.roster == nil {
		return ""
	}
	who, _ := n.roster.Person(person)
	return who.CallSign
}
