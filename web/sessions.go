package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// SessionLife is how long a sign-in to the pages lasts: one shift.
const SessionLife = 12 * time.Hour

// A Session is a sign-in to the pages. It names the token it was opened with, which is asked again at every page: a revoked token ends
// the session, whatever is stored here.
type Session struct {
	Token   string    `json:"token"` // the directory's id of the token
	Expires time.Time `json:"expires"`
}

// Sessions keeps sign-ins. Implementations are safe for concurrent use.
type Sessions interface {
	// Create stores a session under a new secret id.
	Create(ctx context.Context, s Session) (id string, err error)
	// Find gives the session of an id; ok is false when there is none or it is over.
	Find(ctx context.Context, id string) (s Session, ok bool)
	// Delete ends a session.
	Delete(ctx context.Context, id string)
}

// redisTimeout bounds what a page waits for Redis; beyond it the node's own memory serves.
const redisTimeout = 300 * time.Millisecond

// RedisSessions keeps sessions in Redis, so that every node knows them, and remembers those that this node opened: while Redis is away an
// officer who signed in here stays signed in, and can sign in anew. Keys are digests of the ids: a dump of Redis opens no session.
type RedisSessions struct {
	client redis.UniversalClient
	now    func() time.Time

	mu    sync.Mutex
	local map[string]localSession
}

type localSession struct {
	Session
	unsaved bool // Redis was away when it was opened: no other node can have ended it
}

var _ Sessions = (*RedisSessions)(nil)

// NewRedisSessions makes a store of sessions over Redis. The client should obey contexts (ContextTimeoutEnabled) and not retry: otherwise a
// Redis that hangs holds every page for as long as the client waits.
func NewRedisSessions(client redis.UniversalClient, now func() time.Time) *RedisSessions {
	return &RedisSessions{client: client, now: now, local: map[string]localSession{}}
}

func sessionKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "dutyline:session:" + hex.EncodeToString(sum[:])
}

// Create stores a session, in this node's memory at least.
func (s *RedisSessions) Create(ctx context.Context, session Session) (string, error) {
	id := rand.Text()
	data, err := json.Marshal(session)
	if err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	key, now := sessionKey(id), s.now()
	s.mu.Lock()
	for k, old := range s.local {
		if !now.Before(old.Expires) {
			delete(s.local, k)
		}
	}
	s.local[key] = localSession{session, true}
	s.mu.Unlock()
	s.save(ctx, key, session, data)
	return id, nil
}

// save writes a session to Redis and notes in memory that it is there.
func (s *RedisSessions) save(ctx context.Context, key string, session Session, data []byte) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	if s.client.Set(ctx, key, data, session.Expires.Sub(s.now())).Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.local[key]; ok {
		s.local[key] = localSession{session, false}
	}
}

// Find asks Redis, and the node's memory when Redis does not answer.
func (s *RedisSessions) Find(ctx context.Context, id string) (Session, bool) {
	if id == "" {
		return Session{}, false
	}
	key := sessionKey(id)
	s.mu.Lock()
	known := s.local[key]
	s.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	data, err := s.client.Get(asking, key).Bytes()
	session := known.Session
	switch {
	case err == nil:
		if json.Unmarshal(data, &session) != nil {
			return Session{}, false
		}
	case errors.Is(err, redis.Nil):
		if !known.unsaved {
			return Session{}, false
		}
		if data, err := json.Marshal(session); err == nil && s.now().Before(session.Expires) {
			s.save(ctx, key, session, data)
		}
	}
	return session, s.now().Before(session.Expires)
}

// Delete ends a session in both places.
func (s *RedisSessions) Delete(ctx context.Context, id string) {
	key := sessionKey(id)
	s.mu.Lock()
	delete(s.local, key)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	_ = s.client.Del(ctx, key).Err() // it expires
}
