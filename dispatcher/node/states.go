package node

import (
	"context"
	"errors"
	"slices"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

// State is the state of one request, from memory or by replay. It is the caller's own. Errors: [ErrNotFound], [ErrUnavailable].
func (n *Node) State(ctx context.Context, ref request.Ref) (*request.State, error) {
	if s := n.known(ref); s != nil {
		return s, nil
	}
	return n.read(ctx, ref)
}

// known is a copy of the state that the machine holds, nil when it holds none that is whole.
func (n *Node) known(ref request.Ref) *request.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.knownLocked(ref)
}

func (n *Node) knownLocked(ref request.Ref) *request.State {
	if s := n.machine.State(ref); n.ready && s != nil && s.Exists() {
		return s
	}
	return nil
}

// read folds the whole log of a request.
func (n *Node) read(ctx context.Context, ref request.Ref) (*request.State, error) {
	history, err := n.opts.Log.History(ctx, ref)
	if err != nil {
		return nil, unavailable(err)
	}
	s := request.NewState(ref)
	for _, c := range history {
		if err := s.Apply(c.Seq, c.Data); err != nil && !errors.Is(err, request.ErrCommit) {
			return nil, err
		}
	}
	if !s.Exists() {
		return nil, ErrNotFound
	}
	return s, nil
}

// copied is how many states are copied at once: whoever else needs the machine waits no longer than for those.
const copied = 256

// Open lists the requests that are not closed, oldest first.
func (n *Node) Open() []*request.State {
	n.mu.Lock()
	refs := n.machine.Open()
	n.mu.Unlock()
	open := make([]*request.State, 0, len(refs))
	for some := range slices.Chunk(refs, copied) {
		n.mu.Lock()
		for _, ref := range some {
			if s := n.machine.State(ref); s != nil && !s.Closed {
				open = append(open, s)
			}
		}
		n.mu.Unlock()
	}
	slices.SortStableFunc(open, func(a, b *request.State) int { return a.Received.Compare(b.Received) })
	return open
}

// Watch sends the state of a request, at once and after every commit of it; a slow reader misses intermediate states and never the
// newest. The states must not be changed. The channel is closed when the node stops; cancel must be called. Errors: [ErrNotFound],
// [ErrUnavailable].
func (n *Node) Watch(ctx context.Context, ref request.Ref) (<-chan *request.State, func(), error) {
	present, err := n.State(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	w := make(chan *request.State, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if newer := n.knownLocked(ref); newer != nil && newer.LastSeq > present.LastSeq {
		present = newer
	}
	w <- present
	if n.over {
		close(w)
		return w, func() {}, nil
	}
	if n.watchers[ref] == nil {
		n.watchers[ref] = map[chan *request.State]uint64{}
	}
	n.watchers[ref][w] = present.LastSeq
	return w, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.watchers[ref], w)
		if len(n.watchers[ref]) == 0 {
			delete(n.watchers, ref)
		}
	}, nil
}

// tellWatchers hands the newest state on. The caller holds the lock.
func (n *Node) tellWatchers(ref request.Ref) {
	list := n.watchers[ref]
	if len(list) == 0 {
		return
	}
	s := n.knownLocked(ref)
	if s == nil {
		return
	}
	for w, sent := range list {
		if s.LastSeq <= sent { // what was read from the log may be ahead of what is folded
			continue
		}
		list[w] = s.LastSeq
		select {
		case <-w: // one that was not read is outdated now
		default:
		}
		w <- s
	}
}

// tellChange tells that a commit changed what a sender sees, when it is for this node to tell. The caller holds the lock.
func (n *Node) tellChange(c dispatcher.Committed) {
	if n.opts.StatusChanged == nil || !n.ready {
		return
	}
	commit, err := request.Decode(c.Data)
	if err != nil || !n.tells(commit.Node) {
		return
	}
	if s := n.knownLocked(c.Ref); s != nil {
		n.opts.StatusChanged(s)
	}
}

// tells reports whether this node is the one that tells what a node wrote. The caller holds the lock.
func (n *Node) tells(writer string) bool {
	if writer == n.opts.Name || slices.Contains(n.others, writer) {
		return writer == n.opts.Name
	}
	return len(n.others) == 0 || n.opts.Name < n.others[0] // they are sorted
}
