package served

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	documentKey = "dutyline:roster:document" // the bytes of the log
	revisionKey = "dutyline:roster:revision"
)

const (
	// readPatience is how long a read waits for Redis in all: for the answer, and for the repair.
	readPatience = 50 * time.Millisecond
	// writePatience is how long an edit waits for Redis, after the log has it.
	writePatience = time.Second
)

// rest is how long nobody waits for Redis again after it did not answer in time.
const rest = 500 * time.Millisecond

// newer stores a document unless Redis holds a later revision: a slow reader's repair must not undo a fresh edit.
var newer = redis.NewScript(`
local have = redis.pcall('GET', KEYS[2])
have = type(have) == 'string' and tonumber(have) or -1
if have > tonumber(ARGV[1]) then return 0 end
redis.call('MSET', KEYS[1], ARGV[2], KEYS[2], ARGV[1])
return 1`)

// ClientOptions reads a Redis URL and sets what this package wants of a client: it obeys contexts, does not retry (the log is the second
// try), and sends no maintenance handshake, which servers other than Redis refuse. The error does not repeat the URL, which may hold a password.
func ClientOptions(url string) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("redis.url is not a Redis address: write it as in redis://localhost:6379/0 or rediss://user:password@host:6380")
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// ErrAhead says that Redis holds a duty table of a revision that is nowhere else: that of another deployment, or of a log that was lost.
var ErrAhead = errors.New("redis holds a duty table that is newer than the log: roster rebuild writes it anew")

var (
	// errPatience says that Redis did not answer in time.
	errPatience = errors.New("redis does not answer in time")
	// errBehind says that Redis answered and does not hold what is needed.
	errBehind = errors.New("redis holds no roster that is new enough")
	// errUnreadable says that what Redis holds is no document.
	errUnreadable = errors.New("redis holds something that is no roster")
)

// store is Redis, asked with patience. It is safe for concurrent use.
type store struct {
	client redis.UniversalClient
	obeys  bool         // the client gives up when its context ends, and needs nobody beside it who watches the clock
	hung   atomic.Int32 // questions that ran out of patience and have not come back
	last   atomic.Pointer[readTile]
}

func newStore(client redis.UniversalClient) store {
	c, ok := client.(*redis.Client)
	return store{client: client, obeys: ok && c.Options().ContextTimeoutEnabled && c.Options().MaxRetries == 0}
}

// ask puts one question and waits for the answer no longer than patience, whatever the client does with its context.
func ask[T any](ctx context.Context, s *store, patience time.Duration, question func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if patience <= 0 || s.hung.Load() > 0 {
		return none, errPatience
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	if s.obeys {
		value, err := question(ctx)
		switch cause := context.Cause(ctx); {
		case err == nil || (cause == nil && !errors.Is(err, os.ErrDeadlineExceeded)): // the connection may notice before the context does
			return value, err
		case cause != nil && !errors.Is(cause, errPatience):
			return none, cause
		}
		s.hung.Add(1)
		s.rest()
		return none, errPatience
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := question(ctx)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil && ctx.Err() != nil {
			return none, context.Cause(ctx)
		}
		return a.value, a.err
	case <-ctx.Done():
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, errPatience) { // a caller that gave up says nothing about Redis
		s.hung.Add(1)
		go func() {
			<-answers
			s.rest()
		}()
	}
	return none, cause
}

// rest lets Redis be asked again after a while.
func (s *store) rest() { time.AfterFunc(rest, func() { s.hung.Add(-1) }) }

// fetch reads the document, or nothing when Redis holds the revision that is known (0: none is).
func (s *store) fetch(ctx context.Context, known uint64) (data []byte, err error) {
	return ask(ctx, s, readPatience, func(ctx context.Context) ([]byte, error) {
		if known > 0 {
			revision, err := s.revision(ctx)
			switch {
			case err != nil:
				return nil, err
			case revision == known:
				return nil, nil
			case revision < known:
				return nil, errBehind
			}
		}
		data, err := s.client.Get(ctx, documentKey).Bytes()
		if errors.Is(err, redis.Nil) {
			return nil, errBehind
		}
		return data, err
	})
}

// revision is the revision that Redis says it holds.
func (s *store) revision(ctx context.Context) (uint64, error) {
	text, err := s.client.Get(ctx, revisionKey).Result()
	if errors.Is(err, redis.Nil) {
		return 0, errBehind
	}
	if err != nil {
		return 0, err
	}
	revision, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errUnreadable
	}
	return revision, nil
}

// put stores a document unless Redis holds a later one.
func (s *store) put(ctx context.Context, patience time.Duration, revision uint64, data []byte) error {
	_, err := ask(ctx, s, patience, func(ctx context.Context) (any, error) {
		return newer.Run(ctx, s.client, []string{documentKey, revisionKey}, revision, data).Result()
	})
	if err != nil {
		return fmt.Errorf("write the roster to redis: %w", err)
	}
	return nil
}

// force stores a document whatever Redis holds.
func (s *store) force(ctx context.Context, patience time.Duration, revision uint64, data []byte) error {
	_, err := ask(ctx, s, patience, func(ctx context.Context) (string, error) {
		return s.client.MSet(ctx, documentKey, data, revisionKey, revision).Result()
	})
	if err != nil {
		return fmt.Errorf("write the roster to redis: %w", err)
	}
	return nil
}
