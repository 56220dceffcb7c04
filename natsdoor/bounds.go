package natsdoor

import "sync"

const (
	// maxCalls and maxBytes, with their headers, bound what is under way over all senders, maxOwnCalls and maxOwnBytes what is of one.
	maxCalls, maxBytes       = 2048, 128 << 20
	maxOwnCalls, maxOwnBytes = maxCalls / 4, maxBytes / 4
)

// bounds count what is under way, so that nobody's storm takes the memory of all. The zero value is not usable.
type bounds struct {
	mu  *sync.Mutex
	all load
	own map[string]load
}

// load is what is under way.
type load struct{ calls, bytes int }

func newBounds() bounds { return bounds{mu: &sync.Mutex{}, own: map[string]load{}} }

// enter counts a call in, or reports that it is too much.
func (b *bounds) enter(sender string, size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.own[sender]
	if b.all.calls >= maxCalls || b.all.bytes+size > maxBytes || own.calls >= maxOwnCalls || own.bytes+size > maxOwnBytes {
		return false
	}
	b.all = load{b.all.calls + 1, b.all.bytes + size}
	b.own[sender] = load{own.calls + 1, own.bytes + size}
	return true
}

// leave counts it out.
func (b *bounds) leave(sender string, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = load{b.all.calls - 1, b.all.bytes - size}
	own := b.own[sender]
	if own = (load{own.calls - 1, own.bytes - size}); own.calls == 0 {
		delete(b.own, sender)
		return
	}
	b.own[sender] = own
}
