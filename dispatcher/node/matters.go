package node

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// errNoReferences says that a node was made without [Alarms.Reference].
var errNoReferences = errors.New("raise a matter: this node raises none")

// RaiseMatter begins the log of a matter, unless there was one of the same kind and cause that has told, or is telling, what there is to
// tell: of several nodes that see the same, one raises it. It gives the reference of the log. Errors: [ErrUnavailable].
func (n *Node) RaiseMatter(ctx context.Context, b request.MatterBody) (request.Ref, error) {
	if n.opts.Alarms.Reference == nil {
		return "", errNoReferences
	}
	return n.begin(ctx, string(b.Kind), b.Cause, dispatcher.RaiseMatter(b), func(last *request.State) bool {
		return last.Matter != nil && last.Matter.Same(b) && !dispatcher.CalledOff(last)
	})
}

// raiseWanted raises notices of shifts, handovers and canaries.
func (n *Node) raiseWanted(ctx context.Context, wanted []request.MatterBody) {
	for _, b := range wanted {
		switch ref, err := n.RaiseMatter(ctx, b); {
		case ctx.Err() != nil:
			return
		case err != nil:
			n.opts.Logger.Warn("what is due is not raised yet; trying again", zap.String("kind", string(b.Kind)), zap.Error(err))
		default:
			n.opts.Logger.Info("raised", zap.String("kind", string(b.Kind)), zap.Stringer("reference", ref), zap.String("roster", b.Roster))
		}
	}
}

// EndMatter ends a matter; one that has ended stays as it is. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) EndMatter(ctx context.Context, ref request.Ref, reason string) error {
	system := request.Actor{Kind: request.BySystem, ID: n.opts.Name}
	_, err := n.decide(ctx, ref, system, func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		return dispatcher.EndMatter(s, n.opts.Clock.Now(), reason), notifier.NoAnswer, ""
	})
	return err
}

// Matters lists the ops logs of a kind that are known here, those that ended within the last two days among them, the oldest first.
func (n *Node) Matters(kind request.OpsKind) []*request.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ready {
		return nil
	}
	return n.machine.Matters(kind)
}
