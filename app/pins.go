package app

import (
	"context"
	"encoding/hex"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/vault"
)

// pinWindow is how long the PINs that a person is tried with count, from the first of them on.
const pinWindow = time.Hour

// pins compares PINs and counts those that were tried, in Redis for all nodes together and in memory while Redis is away. People and tries
// appear there as keyed digests, PINs not at all. It is safe for concurrent use.
type pins struct {
	client       redis.UniversalClient
	digests, key vault.Key
	now          func() time.Time

	mu    sync.Mutex
	local map[string]tried
}

// tried are the tries of a person since the first.
type tried struct {
	since time.Time
	ids   map[string]bool
}

var _ node.PINs = (*pins)(nil)

func newPINs(client redis.UniversalClient, key vault.Key, now func() time.Time) *pins {
	return &pins{client: client, digests: key.Derive("pin"), key: key.Derive("pin tries"), now: now, local: map[string]tried{}}
}

func (p *pins) name(person string) string { return "dutyline:pins:" + p.digest(person) }

func (p *pins) digest(parts ...string) string { return hex.EncodeToString(p.key.MAC(parts...)[:16]) }

// Match reports whether digits are a person's PIN.
func (p *pins) Match(person, digest, digits string) bool {
	return p.digests.IsPIN(person, digest, digits)
}

// Try counts a PIN.
func (p *pins) Try(ctx context.Context, person, id string) int {
	name, id := p.name(person), p.digest(person, id)
	ctx, cancel := context.WithTimeout(ctx, guessPatience)
	defer cancel()
	pipe := p.client.TxPipeline()
	pipe.SAdd(ctx, name, id)
	pipe.ExpireNX(ctx, name, pinWindow)
	count := pipe.SCard(ctx, name)
	_, _ = pipe.Exec(ctx) // the memory counts too
	return max(p.inMemory(name, func(t tried) { t.ids[id] = true }), int(count.Val()))
}

// Right takes back one that was right, also for a caller who does not wait.
func (p *pins) Right(ctx context.Context, person, id string) {
	name, id := p.name(person), p.digest(person, id)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guessPatience)
	defer cancel()
	_ = p.client.SRem(ctx, name, id).Err() // one too many is no way in
	p.inMemory(name, func(t tried) { delete(t.ids, id) })
}

// Count gives how many stand.
func (p *pins) Count(ctx context.Context, person string) int {
	name := p.name(person)
	ctx, cancel := context.WithTimeout(ctx, guessPatience)
	defer cancel()
	count, _ := p.client.SCard(ctx, name).Result()
	return max(p.inMemory(name, func(tried) {}), int(count))
}

func (p *pins) inMemory(name string, change func(tried)) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	t, known := p.local[name]
	if !known || now.Sub(t.since) >= pinWindow {
		t = tried{now, map[string]bool{}}
	}
	change(t)
	if p.local[name] = t; len(t.ids) == 0 {
		delete(p.local, name)
	}
	return len(t.ids)
}
