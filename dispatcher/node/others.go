package node

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
)

// A Peer is another node of the deployment.
type Peer struct {
	Name string
	Last bool // it ranks after all others: its clock cannot be relied on
}

// A Presence tells the nodes of a deployment of each other. Implementations are safe for concurrent use.
type Presence interface {
	// Follow announces this node by what self says, again whenever that changes, and calls fn with the other nodes that serve, whenever
	// that changes, until ctx ends. Then it takes leave. What it cannot hear of is not there: a node that is cut off finds itself alone.
	Follow(ctx context.Context, self func() (as Peer, serves bool), fn func(others []Peer)) error
}

// followPresence tells the machine which nodes serve.
func (n *Node) followPresence(ctx context.Context) {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := n.opts.Presence.Follow(ctx, n.present, n.useOthers)
		if ctx.Err() != nil {
			return
		}
		n.opts.Logger.Error("the other nodes cannot be heard; acting as if there were none, trying again", zap.Error(err))
		n.useOthers(nil)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// present is what others are told of this node. It serves when it can decide: one that cannot yet would only keep the others waiting.
func (n *Node) present() (Peer, bool) {
	log, roster := n.Ready()
	return Peer{Name: n.opts.Name, Last: n.opts.Clock.Doubted()}, log && roster
}

func (n *Node) useOthers(others []Peer) {
	self, _ := n.present()
	in := dispatcher.LiveChanged{Nodes: []string{self.Name}}
	var names []string
	for _, p := range append(slices.Clone(others), self) {
		if p.Name != self.Name {
			names = append(names, p.Name)
			in.Nodes = append(in.Nodes, p.Name)
		}
		if p.Last {
			in.Last = append(in.Last, p.Name)
		}
	}
	slices.Sort(names)
	n.mu.Lock()
	same := slices.Equal(n.others, names)
	n.others = names
	n.mu.Unlock()
	if !same {
		n.opts.Logger.Info("nodes that serve besides this one", zap.Strings("nodes", names))
	}
	n.step(in)
}

// Others lists the names of the other nodes that serve, as far as this one hears of them.
func (n *Node) Others() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.others)
}

// clockCheck is how often the log is asked for its time.
const clockCheck = 10 * time.Second

// watchClock measures how far this machine's time and the log's are apart. It says so once, and once when it is over.
func (n *Node) watchClock(ctx context.Context) {
	told := false
	for {
		if err := n.askTime(ctx); err == nil {
			offset := n.opts.Clock.Offset()
			switch off := offset.Abs() > noticed; {
			case off && !told:
				n.opts.Logger.Error("this machine's clock and the log's are apart: check the time service of both", zap.Duration("log_ahead_by", offset))
			case !off && told:
				n.opts.Logger.Info("this machine's clock and the log's agree again")
			}
			told = offset.Abs() > noticed
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(clockCheck):
		}
	}
}

// askTime asks within a time of its own; without a log to ask it does nothing.
func (n *Node) askTime(ctx context.Context) error {
	if n.opts.LogTime == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dispatcher.Believed)
	defer cancel()
	return n.opts.Clock.Ask(ctx, n.opts.LogTime)
}

// ClockOffset is how far the log's time is ahead of this machine's, when that is more than somebody should leave alone; else 0.
func (n *Node) ClockOffset() time.Duration {
	if offset := n.opts.Clock.Offset(); offset.Abs() > noticed {
		return offset
	}
	return 0
}
