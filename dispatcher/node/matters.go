package node

import (
	"context"
	"errors"

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
