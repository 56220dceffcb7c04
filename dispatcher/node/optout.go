package node

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

var _ notifier.OptOuts = (*Node)(nil)

// OptedOut notes that a telephone has sent STOP, or START: an alarm about its contacts for texts is raised, or cleared, at once. It is no command of
// Dutyline's; the provider has obeyed it already. What cannot be stored is found with the next text, which the provider refuses.
func (n *Node) OptedOut(ctx context.Context, from notifier.Phone, out bool) {
	now := n.opts.Clock.Now()
	n.mu.Lock()
	book, ready := n.roster, n.ready
	n.mu.Unlock()
	if book == nil || !ready || n.opts.Alarms.Reference == nil {
		return
	}
	contacts := book.ByAddress(string(from))
	if len(contacts) == 0 || n.replies.tire(from, now) { // the sender of a text can be forged: not without end
		return
	}
	n.opts.Logger.Warn("a telephone has opted out of texts, or in again", zap.String("from", from.Masked()), zap.Bool("out", out))
	who, _ := book.Person(contacts[0].Person) // a number belongs to one person
	for _, c := range contacts {
		if !slices.ContainsFunc(who.Contacts, func(have roster.Contact) bool { return have.ID == c.Contact && have.Channel == notifier.MediumSMS }) {
			continue
		}
		if err := n.optOut(ctx, c, out); err != nil {
			n.opts.Logger.Warn("an opt-out is not stored; the next text to this telephone shows it", zap.String("from", from.Masked()), zap.Error(err))
		}
	}
}

func (n *Node) optOut(ctx context.Context, c roster.PersonContact, out bool) error {
	n.mu.Lock()
	a := n.machine.OptOut(c.Person, c.Contact, n.opts.Clock.Now())
	var stands *request.State
	for _, s := range n.machine.Watched() {
		if s.Alarm.Same(a) && !s.Status.Ended() {
			stands = s.Clone()
		}
	}
	n.mu.Unlock()
	switch {
	case out && (stands == nil || stands.Alarm.Failing.Why != request.WhyOptedOut):
		return n.raiseAlarm(ctx, a, stands)
	case !out && stands != nil && stands.Alarm.Failing.Why == request.WhyOptedOut:
		return n.clearAlarm(ctx, stands)
	}
	return nil
}
