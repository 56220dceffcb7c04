package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	// appendsInFlight is how many decisions may be with the log at once: enough to keep three replicas busy, few enough that one who comes
	// next does not wait long behind them.
	appendsInFlight = 16
	// appendsPerPerson keeps the way free in a storm for one person. A log that syncs every entry takes them one after the other: each more
	// that is with it makes everybody wait for one more sync, and none come sooner.
	appendsPerPerson = 1
)

// appendQueue lets decisions go to the log by urgency, people taking turns. It is safe for concurrent use.
type appendQueue struct {
	do func(dispatcher.Append)

	mu      sync.Mutex
	lane    *notifier.Lane
	waiting map[request.Ref]dispatcher.Append // one decision at most is in flight a request
	wait    map[string]int                    // how many wait, by turn
	last    string                            // for whom the newest decision was
	company time.Time                         // when last a decision was for somebody else than the one before it
	came    map[request.Urgency]time.Time     // when last one came
}

func newAppendQueue(do func(dispatcher.Append)) *appendQueue {
	return &appendQueue{
		do: do, waiting: map[request.Ref]dispatcher.Append{}, wait: map[string]int{}, came: map[request.Urgency]time.Time{},
		lane: notifier.NewLane(notifier.Limit{InFlight: appendsInFlight, PerRecipient: appendsPerPerson}),
	}
}

func (q *appendQueue) push(a dispatcher.Append) {
	q.mu.Lock()
	q.waiting[a.Ref] = a
	if a.For != q.last {
		q.last, q.company = a.For, time.Now()
	}
	q.came[a.Urgency] = time.Now()
	q.wait[turn(a)]++
	q.lane.Push(notifier.Item{Ref: a.Ref, Page: a.ID, Urgency: a.Urgency, Recipient: turn(a)})
	q.mu.Unlock()
	q.pump()
}

// turn is in whose name a decision waits: a person and an urgency, so that an emergency waits behind nothing less. Attempts do not stand
// behind the first steps of all the other requests: the first text of a storm goes out while the storm is still being planned.
func turn(a dispatcher.Append) string {
	name := string(a.Urgency) + " " + a.For
	if a.Starts {
		return name + " attempt"
	}
	return name
}

// pump starts as many as may go.
func (q *appendQueue) pump() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		item, _, ok := q.lane.Next(time.Time{})
		if !ok {
			return
		}
		a := q.waiting[item.Ref]
		delete(q.waiting, item.Ref)
		if q.wait[item.Recipient]--; q.wait[item.Recipient] == 0 {
			delete(q.wait, item.Recipient)
		}
		go func() {
			began := time.Now()
			q.do(a)
			q.rest(item.Recipient, item.Urgency, time.Since(began))
			q.mu.Lock()
			q.lane.Done(item.Ref, item.Page)
			q.mu.Unlock()
			q.pump()
		}()
	}
}

const (
	restFactor  = 3
	longestRest = 5 * time.Millisecond // bounds what a slow log adds to itself
	// inCompany is how long after a decision for somebody else, or a more urgent one, the log is shared with them.
	inCompany = time.Second
)

// rest keeps a place free for three times as long as the log took: nobody's storm gets more than a quarter of the log's time, while there are
// decisions for others. It is a storm when more than twice as much of it waits as of all others together: where several are busy alike, none is slowed, and they
// take turns. A storm that is alone takes all of the log. When nothing waits, nobody notices. While there are more urgent decisions, for whomever, what is less
// urgent rests even when little of it waits: an emergency stands behind the log's own time and behind little else.
func (q *appendQueue) rest(turn string, urgency request.Urgency, took time.Duration) {
	q.mu.Lock()
	waits := 3*q.wait[turn] > 2*q.lane.Waiting() && time.Since(q.company) < inCompany
	for other, at := range q.came {
		waits = waits || (other.Rank() < urgency.Rank() && time.Since(at) < inCompany)
	}
	q.mu.Unlock()
	if waits {
		time.Sleep(min(restFactor*took, longestRest))
	}
}

// append stores a decision of the machine and tells it what came of it.
func (n *Node) append(a dispatcher.Append) {
	defer n.effects.Done()
	if n.stopped() {
		return // of what waited in the queue nothing is begun any more
	}
	told := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		ctx, cancel := context.WithTimeout(n.work, 10*time.Second)
		seq, err := n.opts.Log.Append(ctx, a.Ref, a.ID, a.Data, a.Expect, a.Closes)
		cancel()
		switch {
		case err == nil:
			n.step(dispatcher.Committed{Ref: a.Ref, Seq: seq, Data: a.Data})
			return
		case errors.Is(err, ErrConflict):
			n.step(dispatcher.Lost{Ref: a.Ref, ID: a.ID})
			return
		}
		if !told {
			n.opts.Logger.Warn("a decision is not stored yet; trying until it is", zap.Stringer("request", a.Ref), zap.Error(err))
			told = true
		}
		select {
		case <-n.stopping:
			return // nobody acted on it: the next life, or another node, decides anew
		case <-time.After(pause):
		}
	}
}

// call hands one attempt to its provider, stores the outcome, and tells the machine when that is folded.
func (n *Node) call(c dispatcher.Call) {
	defer n.effects.Done()
	if len(c.With) > 0 {
		n.callTogether(c)
		return
	}
	events := n.attempt(c)
	<-n.keep(dispatcher.Fact{
		Ref: c.Message.Ref, Actor: providerActor(c.Provider), ID: dispatcher.OutcomeID(c.Message.Ref, events), Events: events, Attempt: c.Message.Attempt,
	})
}

// attempt makes the call and gives the events of its outcome.
func (n *Node) attempt(c dispatcher.Call) []request.Event {
	ctx, cancel := context.WithTimeout(n.work, n.opts.Clock.Until(c.Deadline))
	defer cancel()
	log := n.opts.Logger.With(zap.Stringer("request", c.Message.Ref), zap.String("attempt", c.Message.Attempt), zap.String("provider", c.Provider),
		zap.String("channel", c.Medium))
	m := c.Message
	if m.About.Asks() && !notifier.Beside(c.Medium) { // nobody answers over it, and a mailbox or a display may be read by others
		m.Code = n.opts.Code(m.Ref, m.Page)
	}
	channel := n.channels[c.Provider+"/"+c.Medium]
	if channel == nil || m.To == "" { // the provider or the contact is gone from the configuration or the roster
		return c.AfterSend(dispatcher.NoAddress, n.opts.Clock.Now())
	}
	if c.Medium == dispatcher.SenderMedium || c.Medium == notifier.MediumHook {
		go func() { // a receiver that hangs holds no shutdown: what is sent again is known by its id
			select {
			case <-n.stopping:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	if c.Recipient == request.ToSender {
		var err error
		if m.Status, err = n.status(ctx, m.Ref); err != nil {
			return c.AfterSend(notifier.Failed{Kind: request.FailedForNow, Code: "no_status"}, n.opts.Clock.Now())
		}
	}
	if c.LookUp {
		found := notifier.Outcome(notifier.NotFound{}) // as far as anybody can be asked
		if asked := n.channels[c.EarlierBy+"/"+c.Medium]; asked != nil {
			found = n.lookUp(ctx, log, c, asked, m)
		}
		log.Info("earlier attempt looked up", outcomeField(found))
		if events, send := c.AfterLookUp(found, n.opts.Clock.Now()); !send {
			return events
		}
	}
	outcome := safely(ctx, log, func() notifier.Outcome { return channel.Send(ctx, m) })
	if _, ok := outcome.(notifier.Accepted); ok {
		log.Debug("handed to the provider", outcomeField(outcome))
	} else {
		log.Warn("not handed to the provider", outcomeField(outcome))
	}
	return c.AfterSend(outcome, n.opts.Clock.Now())
}

// lookUp asks the provider of an earlier attempt what came of it. Where the page is sent whatever is found, half of the time is kept for that:
// a provider that hangs must not use up the attempt of the other one.
func (n *Node) lookUp(ctx context.Context, log *zap.Logger, c dispatcher.Call, asked notifier.Channel, m notifier.Message) notifier.Outcome {
	if c.SendAnyway {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.Clock.Until(c.Deadline)/2)
		defer cancel()
	}
	return safely(ctx, log, func() notifier.Outcome { return asked.Find(ctx, m) })
}

// status is what the sender of a request may know of it now. Warnings are left out: they quote what was written, and stay behind the door.
func (n *Node) status(ctx context.Context, ref request.Ref) ([]byte, error) {
	s, err := n.State(ctx, ref)
	if err != nil {
		return nil, err
	}
	return json.Marshal(s.Receipt(nil))
}

// overtime is how much longer than its deadline a call may take before it is left to itself.
const overtime = time.Second

// safely makes an outcome that nobody knows of a panic in a provider's package, and of a call that does not end by its deadline: neither
// the recipient's other pages nor a shutdown wait for it.
func safely(ctx context.Context, log *zap.Logger, do func() notifier.Outcome) notifier.Outcome {
	came := make(chan notifier.Outcome, 1)
	go func() {
		defer func() {
			if trouble := recover(); trouble != nil {
				// Not its value: what a provider's package says may quote a number.
				log.Error("panic in a channel", zap.String("panic", fmt.Sprintf("%T", trouble)), zap.Stack("stack"))
				came <- notifier.Failed{Kind: request.FailedUnknown, Code: "panic"}
			}
		}()
		came <- do()
	}()
	select {
	case outcome := <-came:
		return outcome
	case <-ctx.Done():
	}
	select {
	case outcome := <-came:
		return outcome
	case <-time.After(overtime):
		log.Error("a channel does not end its call")
		return notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
	}
}

func outcomeField(o notifier.Outcome) zap.Field {
	switch o := o.(type) {
	case notifier.Accepted:
		return zap.String("provider_id", o.ProviderID)
	case notifier.Failed:
		return zap.String("failure", string(o.Kind)+" "+o.Code)
	default:
		return zap.String("outcome", "not found")
	}
}

func providerActor(name string) request.Actor {
	return request.Actor{Kind: request.ByProvider, ID: name}
}

// keep stores a fact, together with others of the same request that come while the log is busy with one. What is sent is whether it is stored.
func (n *Node) keep(f dispatcher.Fact) <-chan bool {
	done := make(chan bool, 1)
	f.Done = func(_ uint64, stored bool) { done <- stored }
	n.factsMu.Lock()
	batch := n.facts.Add(f)
	n.factsMu.Unlock()
	if len(batch) > 0 {
		go n.keepAll(batch)
	}
	return done
}

// keepAll stores a batch, then what has come meanwhile, until nothing waits.
func (n *Node) keepAll(batch dispatcher.Batch) {
	for len(batch) > 0 {
		seq, stored := n.appendFacts(batch)
		if in, ok := batch.Returned(); ok && stored {
			n.whenFolded(seq, func() { n.step(in) })
		}
		batch.Done(seq, stored)
		n.factsMu.Lock()
		batch = n.facts.Next(batch)
		n.factsMu.Unlock()
	}
}

// appendFacts stores facts in one commit. For the outcome of a call it tries until the node must end, whatever it takes.
func (n *Node) appendFacts(batch dispatcher.Batch) (seq uint64, stored bool) {
	commit := batch.Commit(n.opts.Clock.Now(), n.opts.Name)
	data, err := commit.Encode()
	if err != nil {
		panic("node: a fact does not encode: " + err.Error())
	}
	told := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // not of the node's work: reports come while it ends
		seq, err = n.opts.Log.AppendFact(ctx, commit.Request, commit.ID, data)
		cancel()
		if err == nil {
			return seq, true
		}
		if !batch.Failed() {
			return 0, false
		}
		if !told {
			n.opts.Logger.Warn("an outcome is not stored yet; trying until it is", zap.Stringer("request", commit.Request), zap.Error(err))
			told = true
		}
		select {
		case <-n.stopping:
			return 0, false // whoever takes the attempt over looks it up
		case <-time.After(pause):
		}
	}
}
