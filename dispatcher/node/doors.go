package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	// tries bounds how often a decision is made anew because somebody else was faster.
	tries = 16
	// foldPatience is how long a door waits for this node to fold what it has just stored, or what another node has.
	foldPatience = 2 * time.Second
)

// An Outcome is what came of an officer's wish.
type Outcome struct {
	Kind     notifier.AnswerKind
	CallSign string           // with [notifier.AlreadyTaken]: of the colleague who has it; never a name
	Shifts   []notifier.Shift // with [notifier.CoverIsYours]: the duty
	Seq      uint64           // of what was appended; 0 when nothing was
}

// Acknowledge takes the request for a person. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) Acknowledge(ctx context.Context, ref request.Ref, person, page string, via request.Via) (Outcome, error) {
	switch cover, err := n.coverLog(ctx, ref); {
	case err != nil:
		return Outcome{}, err
	case cover != nil:
		return n.acceptCover(ctx, cover, person, page, via)
	}
	switch test, err := n.testLog(ctx, ref); {
	case err != nil:
		return Outcome{}, err
	case test != nil:
		return n.proveContact(ctx, test, person, page, via)
	}
	return n.decide(ctx, ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		events, kind := dispatcher.Acknowledge(s, n.opts.Clock.Now(), person, page, via)
		return events, kind, ""
	})
}

// Pass gives the request to the next. The reason may be ""; it is sealed. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) Pass(ctx context.Context, ref request.Ref, person, page, reason string, via request.Via) (Outcome, error) {
	switch cover, err := n.coverLog(ctx, ref); {
	case err != nil:
		return Outcome{}, err
	case cover != nil:
		return n.declineCover(ctx, cover, person)
	}
	return n.decide(ctx, ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		events, kind := dispatcher.Pass(s, person, page, via)
		return events, kind, reason
	})
}

// Busy is [Node.Pass] for a person who is not to be asked about this request again. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) Busy(ctx context.Context, ref request.Ref, person, page string, via request.Via) (Outcome, error) {
	switch cover, err := n.coverLog(ctx, ref); {
	case err != nil:
		return Outcome{}, err
	case cover != nil:
		return n.declineCover(ctx, cover, person)
	}
	return n.decide(ctx, ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		events, kind := dispatcher.Busy(s, n.opts.Clock.Now(), person, page, via)
		return events, kind, ""
	})
}

// Opened appends that a person is about to read the content. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) Opened(ctx context.Context, ref request.Ref, person string) error {
	_, err := n.decide(ctx, ref, officer(person), func(*request.State) ([]request.Event, notifier.AnswerKind, string) {
		return []request.Event{request.NewEvent(request.Opened, request.OpenedBody{Person: person})}, notifier.NoAnswer, ""
	})
	return err
}

// Undo takes a person's acknowledgement back. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) Undo(ctx context.Context, ref request.Ref, person string, via request.Via) (Outcome, error) {
	return n.decide(ctx, ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		events, kind := dispatcher.Undo(s, n.opts.Clock.Now(), n.opts.Policy.UndoWindow, person, via)
		return events, kind, ""
	})
}

// ChangeUrgency judges the urgency anew, for an officer or a coordinator. The reason may be "" for what is more urgent; it is sealed. Errors:
// [ErrNotFound], [ErrUnavailable].
func (n *Node) ChangeUrgency(ctx context.Context, ref request.Ref, actor request.Actor, to request.Urgency, reason string) (Outcome, error) {
	var failed error
	outcome, err := n.decide(ctx, ref, actor, func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		failed = nil
		events, kind := dispatcher.ChangeUrgency(s, to, reason, nil)
		if len(events) == 0 { // the content is not read in vain
			return nil, kind, ""
		}
		var due []request.Due
		if due, failed = n.clocksAt(ctx, s, to); failed != nil {
			return nil, notifier.TryAgain, ""
		}
		events, kind = dispatcher.ChangeUrgency(s, to, reason, due)
		return events, kind, reason
	})
	if failed != nil {
		return Outcome{}, unavailable(failed)
	}
	return outcome, err
}

// clocksAt gives the clocks of a request at another urgency.
func (n *Node) clocksAt(ctx context.Context, s *request.State, to request.Urgency) ([]request.Due, error) {
	if n.opts.Clocks == nil || s.Erased {
		return s.ClocksAt(to), nil
	}
	return n.opts.Clocks(ctx, s, to)
}

func officer(person string) request.Actor { return request.Actor{Kind: request.ByOfficer, ID: person} }

// decide appends what somebody decides, expecting the head that it was decided on; whoever loses the race decides anew.
func (n *Node) decide(
	ctx context.Context, ref request.Ref, actor request.Actor, with func(*request.State) (events []request.Event, kind notifier.AnswerKind, reason string),
) (Outcome, error) {
	s := n.known(ref)
	for range tries {
		remembered := s != nil
		if !remembered {
			var err error
			if s, err = n.read(ctx, ref); err != nil {
				return Outcome{}, err
			}
		}
		events, kind, reason := with(s)
		if len(events) == 0 && remembered { // no append checks it: what is remembered may be behind the log
			s = nil
			continue
		}
		outcome := Outcome{Kind: kind, CallSign: n.callSign(s, kind)}
		if len(events) == 0 {
			return outcome, nil
		}
		commit := s.Decide(n.opts.Clock.Now(), n.opts.Name, actor, events...)
		if reason != "" && !s.Erased {
			if err := n.sealReason(ctx, s, &commit, reason); err != nil {
				return Outcome{}, err
			}
		}
		data, err := commit.Encode()
		if err != nil {
			return Outcome{}, err
		}
		outcome.Seq, err = n.opts.Log.Append(ctx, ref, commit.ID, data, s.LastSeq, commit.Closes())
		switch {
		case err == nil:
			n.foldOwn(ctx, ref, s.LastSeq, outcome.Seq, data)
			return outcome, nil
		case !errors.Is(err, ErrConflict):
			return Outcome{}, unavailable(err)
		}
		s = nil // read what the winner wrote
	}
	return Outcome{}, fmt.Errorf("%w: others keep changing the request", ErrUnavailable)
}

func (n *Node) sealReason(ctx context.Context, s *request.State, c *request.Commit, reason string) error {
	plain, err := json.Marshal(request.SealedReason{Reason: reason})
	if err != nil {
		return err
	}
	sealed, err := n.opts.Seal(ctx, s, request.EventID(c.ID, 0), plain)
	if err != nil {
		return unavailable(err)
	}
	c.Events[0].Sealed = sealed
	return nil
}

// foldOwn hands an acknowledged decision to the machine at once when it stands right after what the machine has folded, and waits until
// it is folded in any case, so that whoever reads next here sees it.
func (n *Node) foldOwn(ctx context.Context, ref request.Ref, expected, seq uint64, data []byte) {
	n.mu.Lock()
	next := n.ready && n.machine.Head(ref) == expected
	n.mu.Unlock()
	if next {
		n.step(dispatcher.Committed{Ref: ref, Seq: seq, Data: data})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	_ = n.WaitFor(ctx, seq) // it is stored; a reader who comes too early sees it a moment later
}

// callSign is that of the colleague who has the request.
func (n *Node) callSign(s *request.State, kind notifier.AnswerKind) string {
	if kind != notifier.AlreadyTaken {
		return ""
	}
	return n.signOf(s.Owner)
}
