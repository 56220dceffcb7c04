package app

import (
	"context"
	"encoding/hex"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/vault"
)

const (
	guessWindow   = time.Hour
	guessPatience = 300 * time.Millisecond
)

// guesses counts wrong codes by telephone, in Redis for all nodes together and in memory while Redis is away. Telephones appear as keyed
// digests. It is safe for concurrent use.
type guesses struct {
	client redis.UniversalClient
	key    vault.Key
	now    func() time.Time

	mu    sync.Mutex
	local map[string][]time.Time
}

var _ node.Guesses = (*guesses)(nil)

func newGuesses(client redis.UniversalClient, key vault.Key, now func() time.Time) *guesses {
	return &guesses{client: client, key: key.Derive("guesses"), now: now, local: map[string][]time.Time{}}
}

func (g *guesses) name(from notifier.Phone) string {
	return "dutyline:guesses:" + hex.EncodeToString(g.key.MAC(string(from))[:16])
}

// Wrong counts one wrong code.
func (g *guesses) Wrong(ctx context.Context, from notifier.Phone) int {
	name := g.name(from)
	ctx, cancel := context.WithTimeout(ctx, guessPatience)
	defer cancel()
	pipe := g.client.TxPipeline()
	count := pipe.Incr(ctx, name)
	pipe.ExpireNX(ctx, name, guessWindow)
	_, _ = pipe.Exec(ctx) // the memory counts too
	return max(g.inMemory(name, true), int(count.Val()))
}

// Count gives how many came lately.
func (g *guesses) Count(ctx context.Context, from notifier.Phone) int {
	name := g.name(from)
	ctx, cancel := context.WithTimeout(ctx, guessPatience)
	defer cancel()
	count, _ := g.client.Get(ctx, name).Int()
	return max(g.inMemory(name, false), count)
}

func (g *guesses) inMemory(name string, another bool) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	var recent []time.Time
	for _, t := range g.local[name] {
		if now.Sub(t) < guessWindow {
			recent = append(recent, t)
		}
	}
	if another {
		recent = append(recent, now)
	}
	if len(recent) == 0 {
		delete(g.local, name)
		return 0
	}
	g.local[name] = recent
	return len(recent)
}
