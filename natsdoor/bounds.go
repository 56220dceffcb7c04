package natsdoor

import "sync"

const (
	// maxCalls and maxBytes bound what is under way over all senders, maxOwn the calls of one sender.
	maxCalls, maxBytes, maxOwn = 2048, 128 << 20, 512
)

// bounds count what is under way, so that nobody's storm takes the memory of all. The zero value is not usable.
type bounds struct {
	mu    *sync.Mutex
	bytes int
	calls int
	own   map[string]int
}

func newBounds() bounds { return bounds{mu: &sync.Mutex{}, own: map[string]int{}} }

// enter counts a call in, or reports that it is too much.
func (b *bounds) enter(sender string, size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls >= maxCalls || b.bytes+size > maxBytes || b.own[sender] >= maxOwn {
		return false
	}
	b.calls++
	b.bytes += size
	b.own[sender]++
	return true
}

// leave counts it out.
func (b *bounds) leave(sender string, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls--
	b.bytes -= size
	if b.own[sender]--; b.own[sender] == 0 {
		delete(b.own, sender)
	}
}
