package node

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
)

// callTogether hands one text for several pages to the provider, and stores what comes of it for each.
func (n *Node) callTogether(c dispatcher.Call) {
	outcome := n.sendTogether(c)
	calls := append([]dispatcher.Call{c}, c.With...)
	stored := make([]<-chan bool, len(calls))
	for i, one := range calls {
		events := one.AfterSend(outcome, n.opts.Clock.Now())
		stored[i] = n.keep(dispatcher.Fact{
			Ref: one.Message.Ref, Actor: providerActor(one.Provider), ID: dispatcher.OutcomeID(one.Message.Ref, events), Events: events, Attempt: one.Message.Attempt,
		})
	}
	for _, one := range stored {
		<-one
	}
}

func (n *Node) sendTogether(c dispatcher.Call) notifier.Outcome {
	ctx, cancel := context.WithTimeout(n.work, n.opts.Clock.Until(c.Deadline))
	defer cancel()
	m := c.Message
	log := n.opts.Logger.With(zap.Stringer("request", m.Ref), zap.String("attempt", m.Attempt), zap.String("provider", c.Provider),
		zap.String("channel", c.Medium), zap.Int("pages", 1+len(m.More)))
	channel := n.channels[c.Provider+"/"+c.Medium]
	if channel == nil || m.To == "" {
		return dispatcher.NoAddress
	}
	m.Code = n.opts.Code(m.Ref, m.Page)
	more := make([]notifier.Further, len(m.More))
	for i, f := range m.More {
		f.Code = n.opts.Code(f.Ref, f.Page)
		more[i] = f
	}
	m.More = more
	outcome := safely(ctx, log, func() notifier.Outcome { return channel.Send(ctx, m) })
	if _, ok := outcome.(notifier.Accepted); ok {
		log.Debug("handed to the provider", outcomeField(outcome))
	} else {
		log.Warn("not handed to the provider", outcomeField(outcome))
	}
	return outcome
}

// reportJoined notes what a provider says of a text for every page that went in it. A page whose outcome is still on its way to the log is
// waited for: a report may be faster.
func (n *Node) reportJoined(ctx context.Context, r notifier.Report) error {
	ctx, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	for {
		n.mu.Lock()
		others, settled := n.machine.Joined(r.Ref, r.Attempt, r.ProviderID)
		n.mu.Unlock()
		if !settled {
			select {
			case <-ctx.Done(): // what is known to have gone with it gets its news
			case <-time.After(jointPause):
				continue
			}
		}
		for _, o := range others {
			report := r
			report.Ref, report.Attempt = o.Ref, o.Attempt
			fact, ok := dispatcher.FactOf(report)
			if ok && !<-n.keep(fact) {
				return ErrUnavailable
			}
		}
		return nil
	}
}

// jointPause is between two looks at whether the pages of a text are all stored.
const jointPause = 20 * time.Millisecond
