package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const (
	// watchEvery is how often a node looks for what should raise an alarm; an alarm in a request's own log is looked at at once.
	watchEvery = 5 * time.Second
	// headPatience is how long the log may take to say that it is there.
	headPatience = 4 * time.Second
	// redisPatience is how long Redis may take.
	redisPatience = 2 * time.Second
	// breath is the least time between two looks: in a storm every request may carry an alarm.
	breath = 200 * time.Millisecond
)

// Alarms says how a node raises alarms. The zero value raises none.
type Alarms struct {
	// Reference gives a digest, keyed by the deployment, of the i-th alarm of a kind and cause; nil: no alarm is raised.
	Reference func(kind, cause string, i int) []byte
	// Redis tells what is wrong with Redis as this node sees it; nil: not watched.
	Redis func(context.Context) error
	// Offset is how far the log's time is from this node's; nil: not watched.
	Offset func() time.Duration
}

// watcher is what the loop of alarms keeps. Only the loop uses it, but for poke; the monitor is guarded by the node's lock.
type watcher struct {
	monitor *dispatcher.Monitor
	poke    chan struct{}
	silent  bool // the log does not answer, and that was said
	unheard map[request.Ref]bool
}

func newWatcher(o Options) watcher {
	var telephones []string
	for _, p := range o.Providers {
		if medium := p.Channel.Medium(); medium == notifier.MediumSMS || medium == notifier.MediumVoice {
			telephones = append(telephones, p.Channel.Name())
		}
	}
	return watcher{monitor: dispatcher.NewMonitor(o.Name, telephones...), poke: make(chan struct{}, 1), unheard: map[request.Ref]bool{}}
}

// observe counts what a commit says of providers, and wakes the loop when it may be about an alarm.
func (n *Node) observe(seq uint64, read *request.Parsed) {
	if n.opts.Alarms.Reference == nil {
		return
	}
	n.mu.Lock()
	n.alarms.monitor.See(seq, read, n.machine.Channel)
	n.mu.Unlock()
	for _, e := range read.Commit().Events {
		if e.Type == request.AlarmRaised || e.Type == request.AlarmCleared {
			select {
			case n.alarms.poke <- struct{}{}:
			default:
			}
		}
	}
}

// watchAlarms raises and clears alarms until ctx ends.
func (n *Node) watchAlarms(ctx context.Context) {
	if n.opts.Alarms.Reference == nil {
		return
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		n.lookForTrouble(ctx)
		n.lookForCovers(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-n.alarms.poke:
			select {
			case <-ctx.Done():
				return
			case <-time.After(breath):
			}
		}
	}
}

func (n *Node) lookForTrouble(ctx context.Context) {
	sight := n.sight(ctx)
	if ctx.Err() != nil {
		return
	}
	n.mu.Lock()
	now := n.opts.Clock.Now()
	sight.Troubles, sight.Alarms = n.machine.Troubles(now), n.machine.Watched()
	raise, over := n.alarms.monitor.Decide(now, sight)
	stands := make([]*request.State, len(raise))
	for i, a := range raise {
		if s := sight.Standing(a); s != nil {
			stands[i] = s.Clone()
		}
	}
	wanted := n.machine.Wanted(now)
	for i, s := range over {
		over[i] = s.Clone()
	}
	if n.roster != nil && sight.Log {
		n.sayUnheard(sight.Alarms, len(n.machine.AlarmTargets()))
	}
	n.mu.Unlock()
	for _, a := range raise {
		log := n.opts.Logger.Error
		if a.Quiet(now) {
			log = n.opts.Logger.Warn
		}
		log("alarm", zap.String("kind", string(a.Kind)), zap.String("cause", a.Text()))
	}
	if !sight.Log {
		return // an alarm cannot be stored without the log: what stands then is raised when it answers again
	}
	for i, a := range raise {
		if err := n.raiseAlarm(ctx, a, stands[i]); err != nil && ctx.Err() == nil {
			n.opts.Logger.Warn("an alarm is not stored yet; trying again", zap.String("kind", string(a.Kind)), zap.Error(err))
		}
	}
	n.raiseWanted(ctx, wanted)
	for _, s := range over {
		if err := n.clearAlarm(ctx, s); err != nil && ctx.Err() == nil {
			n.opts.Logger.Warn("an alarm is not cleared yet; trying again", zap.Stringer("alarm", s.Ref), zap.Error(err))
		}
	}
}

// sayUnheard logs each alarm that stands and reaches nobody, once.
func (n *Node) sayUnheard(alarms []*request.State, reached int) {
	for _, a := range alarms {
		if reached > 0 || a.Status.Ended() {
			delete(n.alarms.unheard, a.Ref)
		} else if !n.alarms.unheard[a.Ref] {
			n.alarms.unheard[a.Ref] = true
			n.opts.Logger.Error("an alarm stands and nobody can be paged for it: name people in alarm_to, or make a team coordinators in the roster",
				zap.Stringer("alarm", a.Ref), zap.String("kind", string(a.Alarm.Kind)))
		}
	}
}

// sight asks what this node alone can see.
func (n *Node) sight(ctx context.Context) (s dispatcher.Sight) {
	ask, cancel := context.WithTimeout(ctx, headPatience)
	_, err := n.opts.Log.Head(ask)
	cancel()
	s.Log = err == nil
	if err != nil && ctx.Err() == nil && !n.alarms.silent {
		n.opts.Logger.Error("the log does not answer; an alarm of it can be stored only when it does again", zap.Error(err))
	}
	n.alarms.silent = err != nil
	if n.opts.Alarms.Redis != nil {
		ask, cancel := context.WithTimeout(ctx, redisPatience)
		there := n.opts.Alarms.Redis(ask) == nil
		cancel()
		s.Redis = &there
	}
	if n.opts.Alarms.Offset != nil {
		offset := n.opts.Alarms.Offset()
		s.Offset = &offset
	}
	return s
}

// raiseAlarm raises an alarm that does not stand, or says in the log of one that does at what other time it comes.
func (n *Node) raiseAlarm(ctx context.Context, a request.AlarmBody, stands *request.State) error {
	if stands != nil {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return n.appendAlarm(ctx, stands, request.NewEvent(request.AlarmRaised, a))
	}
	_, err := n.begin(ctx, string(a.Kind), a.Cause, request.NewEvent(request.AlarmRaised, a), func(last *request.State) bool {
		return last.Alarm.Same(a) && !last.Status.Ended() // it stands, and is not folded here yet
	})
	return err
}

// begin appends the first event of an ops log to the first log of its series that nobody has used, expecting it to be empty: of several nodes
// that see the same, one raises it. When the last one used still serves, nothing is appended. It gives the reference of the log that stands now.
func (n *Node) begin(ctx context.Context, kind, cause string, first request.Event, serves func(last *request.State) bool) (request.Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	series := func(i int) request.Ref {
		ref, _ := request.NewOpsRef(n.opts.Alarms.Reference(kind, cause, i))
		return ref
	}
	ref, last, err := dispatcher.AlarmRef(series, func(ref request.Ref) (bool, error) {
		if n.known(ref) != nil {
			return true, nil
		}
		history, err := n.opts.Log.History(ctx, ref)
		return len(history) > 0, err
	})
	if err != nil {
		return "", unavailable(err)
	}
	if last != "" {
		s, err := n.read(ctx, last)
		if err != nil {
			return "", err
		}
		if serves(s) {
			return last, nil
		}
	}
	return ref, n.appendAlarm(ctx, request.NewState(ref), first)
}

func (n *Node) clearAlarm(ctx context.Context, s *request.State) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return n.appendAlarm(ctx, s, dispatcher.ClearAlarm(s, n.opts.Clock.Now())...)
}

// appendAlarm decides for an ops log. Whoever loses the race leaves it to the winner, and looks again.
func (n *Node) appendAlarm(ctx context.Context, s *request.State, events ...request.Event) error {
	if len(events) == 0 {
		return nil
	}
	commit := s.Decide(n.opts.Clock.Now(), n.opts.Name, request.Actor{Kind: request.BySystem, ID: n.opts.Name}, events...)
	data, err := commit.Encode()
	if err != nil {
		return err
	}
	seq, err := n.opts.Log.Append(ctx, s.Ref, commit.ID, data, s.LastSeq, false)
	switch {
	case err == nil:
		n.foldOwn(ctx, s.Ref, s.LastSeq, seq, data)
		return nil
	case errors.Is(err, ErrConflict):
		return nil
	default:
		return unavailable(err)
	}
}

// Alarms lists the alarms that stand, and those that were cleared within the last two days, in the order in which they were raised.
func (n *Node) Alarms() []*request.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ready {
		return nil
	}
	return n.machine.Alarms()
}

// Findings lists what is wrong with the roster that this node decides with: gaps and broken rules of the next week, and who is on duty within four
// weeks without a verified telephone.
func (n *Node) Findings() []roster.Finding {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.machine.Findings(n.opts.Clock.Now()))
}

// AlarmTargets names the people whom alarms would reach now.
func (n *Node) AlarmTargets() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.machine.AlarmTargets()
}
