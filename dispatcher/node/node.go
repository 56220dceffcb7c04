package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// callTimeout bounds one call to a provider.
const callTimeout = 10 * time.Second

// A Node is one dispatcher. It is safe for concurrent use.
type Node struct {
	opts     Options
	channels map[string]notifier.Channel // provider/medium →
	appends  *appendQueue
	replies  replies
	alarms   watcher

	stopping chan struct{}      // closed when no effect may begin any more
	effects  sync.WaitGroup     // calls and appends under way
	work     context.Context    //nolint:containedctx // of the effects: it outlives Run's own while calls finish
	abandon  context.CancelFunc // ends work

	factsMu sync.Mutex
	facts   dispatcher.Facts // on their way to the log

	mu       sync.Mutex
	machine  *dispatcher.Machine
	roster   *roster.Compiled // the newest that the machine was given
	timer    *time.Timer
	position uint64 // up to which the log was folded
	ready    bool   // the log was read
	folded   waiters
	others   []string                                       // nodes that serve besides this one
	watchers map[request.Ref]map[chan *request.State]uint64 // → sequence of the newest state that was sent
	over     bool                                           // Run has returned: no state will come any more
}

var _ notifier.Sink = (*Node)(nil)

// New makes a node; [Node.Run] starts it.
func New(o Options) (*Node, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	n := &Node{
		opts: o, channels: map[string]notifier.Channel{}, stopping: make(chan struct{}), watchers: map[request.Ref]map[chan *request.State]uint64{},
		replies: newReplies(), alarms: newWatcher(o),
	}
	n.work, n.abandon = context.WithCancel(context.Background())
	var providers []dispatcher.Provider
	for _, p := range o.Providers {
		n.channels[p.Channel.Name()+"/"+p.Channel.Medium()] = p.Channel
		providers = append(providers, dispatcher.Provider{Name: p.Channel.Name(), Medium: p.Channel.Medium(), Lane: p.Channel.Lane, Limit: p.Limit, Cost: p.Cost, Together: p.Together})
	}
	machine := dispatcher.Options{Node: o.Name, Policy: o.Policy, Providers: providers, CallTimeout: callTimeout, Webhook: o.Webhook, Canaries: o.Canaries}
	if o.Alarms.Reference != nil {
		machine.Mark = n.mark
	}
	n.machine = dispatcher.NewMachine(machine)
	n.appends = newAppendQueue(n.append)
	n.timer = time.AfterFunc(time.Hour, func() { n.step(dispatcher.Tick{}) })
	n.timer.Stop()
	return n, nil
}

// Run reads the log and works until ctx ends. It returns after the calls under way have come to an end; it starts none after ctx's end.
func (n *Node) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer n.close(&following)
	following.Go(func() { n.followRoster(ctx) })
	if n.opts.Presence != nil {
		following.Go(func() { n.followPresence(ctx) })
	}
	head, err := n.replay(ctx)
	if err != nil {
		return err
	}
	if n.opts.LogTime != nil {
		following.Go(func() { n.watchClock(ctx) })
	}
	following.Go(func() { n.watchAlarms(ctx) })
	err = n.opts.Log.Follow(ctx, head, func(c Commit) error {
		n.opts.Clock.Stamp(c.Time)
		n.committed(c)
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follow the log: %w", err)
}

// close waits for what is under way, in order: no new effects, those under way, the rest.
func (n *Node) close(following *sync.WaitGroup) {
	n.mu.Lock()
	close(n.stopping)
	n.timer.Stop()
	n.mu.Unlock()
	n.effects.Wait()
	n.abandon()
	following.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.over = true
	for ref, list := range n.watchers {
		for w := range list {
			close(w)
		}
		delete(n.watchers, ref)
	}
}

// replay folds what is open and what is young enough to be asked about, up to the head noted first. While the log is away it tries again.
func (n *Node) replay(ctx context.Context) (head uint64, err error) {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		if head, err = n.replayOnce(ctx); err == nil {
			break
		}
		if ctx.Err() == nil {
			n.opts.Logger.Warn("the log cannot be read yet", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return 0, nil
		case <-time.After(pause):
		}
	}
	n.mu.Lock()
	n.ready = true
	for ref := range n.watchers { // what was folded so far was told to nobody
		n.tellWatchers(ref)
	}
	n.mu.Unlock()
	n.reached(head)
	n.step(dispatcher.Ready{})
	return head, nil
}

func (n *Node) replayOnce(ctx context.Context) (uint64, error) {
	if err := n.askTime(ctx); err != nil { // before anything is decided by it
		n.opts.Logger.Warn("the wall clock is trusted for now", zap.Error(err))
	}
	refs, head, err := n.opts.Log.Live(ctx, n.opts.Clock.Now().Add(-dispatcher.CodeLife))
	if err != nil {
		return 0, err
	}
	err = n.opts.Log.Replay(ctx, refs, head, func(c Commit) error {
		n.opts.Clock.AtLeast(c.Time)
		n.fold(c)
		return nil
	})
	if err != nil {
		return 0, err
	}
	n.opts.Logger.Info("the log was read", zap.Int("requests", len(refs)), zap.Uint64("head", head))
	return head, nil
}

// committed folds what following brings.
func (n *Node) committed(c Commit) {
	if c.Ref != "" { // an entry of the stream that is no request's moves the position all the same
		n.fold(c)
	}
	n.reached(c.Seq)
}

// fold reads a commit, once for all who want to know of it.
func (n *Node) fold(c Commit) {
	read := request.Parse(c.Data)
	n.step(dispatcher.Committed{Ref: c.Ref, Seq: c.Seq, Data: c.Data, Parsed: read})
	n.observe(c.Seq, read)
}

// reached notes how far the log was folded, and runs what waited for it.
func (n *Node) reached(seq uint64) {
	n.mu.Lock()
	n.position = max(n.position, seq)
	due := n.folded.upTo(n.position)
	n.mu.Unlock()
	for _, run := range due {
		run()
	}
}

// step gives the machine one input and sets out to do what it commands.
func (n *Node) step(in dispatcher.Input) {
	n.mu.Lock()
	if n.stopped() {
		n.mu.Unlock()
		return
	}
	now := n.opts.Clock.Now()
	c, committed := in.(dispatcher.Committed)
	version := n.machine.Version(c.Ref)
	commands, wake, err := n.machine.Step(now, in)
	n.setTimer(now, wake)
	if committed {
		n.tellWatchers(c.Ref)
		if n.machine.Version(c.Ref) != version {
			n.tellChange(c)
		}
	}
	n.effects.Add(len(commands)) // under the lock: close waits for all that were counted before it stopped the node
	n.mu.Unlock()
	if err != nil {
		n.opts.Logger.Error("a commit of the log cannot be read", zap.Error(err))
	}
	for _, command := range commands {
		switch c := command.(type) {
		case dispatcher.Append:
			n.appends.push(c)
		case dispatcher.Call:
			go n.call(c)
		}
	}
}

func (n *Node) stopped() bool {
	select {
	case <-n.stopping:
		return true
	default:
		return false
	}
}

// setTimer makes sure that the machine is stepped again at wake. It sets the timer anew even for the same wake: the clock may have moved.
// The caller holds the lock.
func (n *Node) setTimer(now, wake time.Time) {
	if wake.IsZero() {
		n.timer.Stop()
		return
	}
	n.timer.Reset(max(wake.Sub(now), 0))
}

// followRoster keeps the machine's roster the newest there is.
func (n *Node) followRoster(ctx context.Context) {
	changed := make(chan uint64, 1)
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() { n.readRosters(ctx, changed) })
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := n.opts.Rosters.Follow(ctx, func(revision uint64) {
			n.step(dispatcher.RosterSeen{Revision: revision})
			select {
			case older := <-changed: // a newer revision replaces one that was not read yet
				revision = max(revision, older)
			default:
			}
			changed <- revision
			pause = 50 * time.Millisecond
		})
		if ctx.Err() != nil {
			return
		}
		n.opts.Logger.Error("the roster's log cannot be followed; trying again", zap.Error(err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// rosterCheck is how often the roster is read without news of it, so that a Redis that lost it has it again before it is needed.
const rosterCheck = 10 * time.Second

func (n *Node) readRosters(ctx context.Context, changed <-chan uint64) {
	var revision uint64
	for {
		select {
		case <-ctx.Done():
			return
		case revision = <-changed:
		case <-time.After(rosterCheck):
		}
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
			current, err := n.opts.Rosters.Current(ctx, revision)
			if err == nil {
				n.useRoster(current)
				break
			}
			if ctx.Err() == nil {
				n.opts.Logger.Error("the roster cannot be read; after five seconds the last known one is used", zap.Uint64("revision", revision), zap.Error(err))
			}
			select {
			case <-ctx.Done():
				return
			case revision = <-changed:
			case <-time.After(pause):
			}
		}
	}
}

func (n *Node) useRoster(r *roster.Compiled) {
	n.mu.Lock()
	news := n.roster == nil || r.Revision() > n.roster.Revision()
	if news {
		n.roster = r
	}
	n.mu.Unlock()
	if !news {
		return
	}
	n.step(dispatcher.RosterChanged{Roster: r})
	select { // there may be cover requests to tell of
	case n.alarms.poke <- struct{}{}:
	default:
	}
}

// Ready reports whether the node has read the log and has a roster: from then on it pages.
func (n *Node) Ready() (log, roster bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready, n.roster != nil
}

// unavailable keeps an error's own kind, and makes every other one an [ErrUnavailable].
func unavailable(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
