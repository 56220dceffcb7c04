package node

import (
	"container/heap"
	"context"
	"fmt"
)

// waiters run when the log was folded up to a sequence. The owner's lock guards them.
type waiters []*waiter

type waiter struct {
	seq   uint64
	run   func()
	index int // in the heap; gone when it was taken out
}

const gone = -1

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].seq < w[j].seq }

// Swap belongs to [heap.Interface].
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}

// Push belongs to [heap.Interface].
func (w *waiters) Push(x any) {
	one := x.(*waiter)
	one.index = len(*w)
	*w = append(*w, one)
}

// Pop belongs to [heap.Interface].
func (w *waiters) Pop() any {
	old := *w
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	last.index = gone
	return last
}

// upTo takes out those whose time has come.
func (w *waiters) upTo(seq uint64) []func() {
	var due []func()
	for len(*w) > 0 && (*w)[0].seq <= seq {
		due = append(due, heap.Pop(w).(*waiter).run)
	}
	return due
}

// whenFolded runs run once the log was folded up to seq, in the goroutine that folds it, or at once. forget takes it back.
func (n *Node) whenFolded(seq uint64, run func()) (forget func()) {
	n.mu.Lock()
	if n.position < seq {
		w := &waiter{seq: seq, run: run}
		heap.Push(&n.folded, w)
		n.mu.Unlock()
		return func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			if w.index != gone {
				heap.Remove(&n.folded, w.index)
			}
		}
	}
	n.mu.Unlock()
	run()
	return func() {}
}

// WaitFor returns when the log was folded up to a position, or with ctx's error, or with [ErrUnavailable] when the node stops.
func (n *Node) WaitFor(ctx context.Context, position uint64) error {
	done := make(chan struct{})
	forget := n.whenFolded(position, func() { close(done) })
	defer forget()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.stopping:
		return fmt.Errorf("%w: the node stops", ErrUnavailable)
	}
}
