package served

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/roster"
)

var (
	// ErrEmpty says that no roster was ever stored.
	ErrEmpty = errors.New("there is no roster yet")
	// ErrUnavailable says that no roster can be read or stored now.
	ErrUnavailable = errors.New("the roster is not available now")
	// ErrHeadMoved is what a [Log] answers when the head is not the expected one.
	ErrHeadMoved = errors.New("the roster has moved on")
)

// A Log is the stream of the roster's documents. Implementations are safe for concurrent use.
type Log interface {
	// Append stores a document, expecting the last sequence (0: none), and fails with [ErrHeadMoved] when that is another.
	Append(ctx context.Context, id string, data []byte, after uint64) error
	// Last reads the newest document and its sequence; data is nil when there is none.
	Last(ctx context.Context) (data []byte, seq uint64, err error)
	// History reads all documents, oldest first.
	History(ctx context.Context) ([][]byte, error)
}

// A Sealer is the part of the vault that the roster needs. The scope of a person is "person-" and the id.
type Sealer interface {
	// Seal encrypts; its error wraps ErrErased of [Options] when the person's key is gone.
	Seal(ctx context.Context, scope, eventID string, plain []byte) ([]byte, error)
	// Open decrypts; its error wraps ErrErased of [Options] when the person's key is gone.
	Open(ctx context.Context, scope, eventID string, sealed []byte) ([]byte, error)
}

// Options are what a service is made with; Redis, Log, Sealer and ErrErased are required.
type Options struct {
	Redis     redis.UniversalClient // not closed by the service
	Log       Log
	Sealer    Sealer
	ErrErased error            // how the sealer says that a key is gone
	Now       func() time.Time // of edits and ages; nil: time.Now
	Logger    *zap.Logger      // nil: none
}

// A Service serves the roster and takes edits. It is safe for concurrent use.
type Service struct {
	Options
	redis store
	seen  atomic.Uint64 // newest revision that the log was seen to have
	poke  chan struct{} // makes Run look at once

	mu        sync.Mutex
	known     *roster.Compiled // last known good; revisions only rise
	confirmed time.Time        // when Redis or the log last said that known is the newest
	source    Source           // of the last read
}

// New makes a service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Service{Options: o, redis: newStore(o.Redis), poke: make(chan struct{}, 1)}
}

// A Source is where the last read came from.
type Source string

// The sources, the best first.
const (
	FromRedis  Source = "redis"
	FromLog    Source = "log"    // Redis did not serve
	FromMemory Source = "memory" // neither did the log: the roster may be old
)

// logPatience is how long a read waits for the log when this node knows a roster that it can go on with.
const logPatience = time.Second

// Current is the newest roster that is known. It asks Redis for at most 50 ms, then the log, and without both gives the last that this node
// knew. Errors: [ErrEmpty], and [ErrUnavailable] while nothing at least as new as revision atLeast (0: any) can be read; with that error the
// roster is the last known, nil when there never was one, for a caller who must act on something.
func (s *Service) Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error) {
	c, _, err := s.current(ctx, atLeast)
	return c, err
}

// current says where the roster is from, too.
func (s *Service) current(ctx context.Context, atLeast uint64) (*roster.Compiled, Source, error) {
	known := s.lastKnown()
	minimum := max(atLeast, revisionOf(known))
	begin := time.Now()
	c, trouble := s.readRedis(ctx, minimum, known)
	if trouble == nil {
		s.confirm(FromRedis, nil)
		return c, FromRedis, nil
	}
	left := readPatience - time.Since(begin)
	c, data, err := s.readLog(ctx, known)
	known = s.lastKnown() // another read may have been luckier
	switch {
	case err == nil && c.Revision() >= minimum:
		s.confirm(FromLog, trouble)
		s.repair(ctx, left, c.Revision(), data, trouble)
		return c, FromLog, nil
	case known == nil && atLeast == 0 && errors.Is(err, ErrEmpty):
		return nil, "", ErrEmpty
	case err == nil || errors.Is(err, ErrEmpty):
		err = errors.New("the log is behind what was seen")
	}
	s.fellBack(err)
	if revisionOf(known) >= atLeast && known != nil {
		return known, FromMemory, nil
	}
	return known, FromMemory, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Age is how long ago the roster was last known to be the newest; 0 while Redis or the log serves it.
func (s *Service) Age() time.Duration {
	s.mu.Lock()
	source := s.source
	s.mu.Unlock()
	return s.age(source)
}

func (s *Service) age(source Source) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if source != FromMemory || s.known == nil {
		return 0
	}
	return s.Now().Sub(s.confirmed)
}

func revisionOf(c *roster.Compiled) uint64 {
	if c == nil {
		return 0
	}
	return c.Revision()
}

func (s *Service) readRedis(ctx context.Context, minimum uint64, known *roster.Compiled) (*roster.Compiled, error) {
	have := revisionOf(known)
	if have < minimum {
		have = 0 // known will not do: read the document at once
	}
	data, err := s.redis.fetch(ctx, have)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return known, nil
	}
	header, err := roster.Header(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if header.Revision < minimum {
		return nil, errBehind
	}
	return s.keep(ctx, data)
}

func (s *Service) readLog(ctx context.Context, known *roster.Compiled) (*roster.Compiled, []byte, error) {
	if known != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, logPatience)
		defer cancel()
	}
	data, _, err := s.Log.Last(ctx)
	if err != nil {
		return nil, nil, err
	}
	if data == nil {
		return nil, nil, ErrEmpty
	}
	c, err := s.keep(ctx, data)
	return c, data, err
}

// repair puts the log's newest document into a Redis that answered and did not have it. One that did not answer is left alone: the first
// read that reaches it finds it behind.
func (s *Service) repair(ctx context.Context, patience time.Duration, revision uint64, data []byte, trouble error) {
	var err error
	switch {
	case errors.Is(trouble, errUnreadable):
		s.wake() // the table may be no better
		err = s.redis.force(ctx, patience, revision, data)
	case errors.Is(trouble, errBehind):
		s.wake()
		err = s.redis.put(ctx, patience, revision, data)
	}
	if err != nil {
		s.Logger.Warn("the roster in redis is not repaired yet", zap.Uint64("revision", revision), zap.Error(err))
	}
}

// keep opens and compiles a document and remembers it.
func (s *Service) keep(ctx context.Context, data []byte) (*roster.Compiled, error) {
	d, err := s.decode(ctx, data)
	if err != nil {
		return nil, err
	}
	c, err := roster.Compile(d.Book)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Revision() >= revisionOf(s.known) {
		s.known, s.confirmed = c, s.Now()
	}
	return c, nil
}

func (s *Service) decode(ctx context.Context, data []byte) (roster.Document, error) {
	header, err := roster.Header(data)
	if err != nil {
		return roster.Document{}, err
	}
	id := roster.SealID(header.Revision)
	return roster.Decode(data, func(person string, sealed []byte) ([]byte, bool, error) {
		plain, err := s.Sealer.Open(ctx, scope(person), id, sealed)
		if err != nil && s.ErrErased != nil && errors.Is(err, s.ErrErased) {
			return nil, true, nil
		}
		return plain, false, err
	})
}

// scope is the person's in the vault.
func scope(person string) string { return "person-" + person }

func (s *Service) lastKnown() *roster.Compiled {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// confirm notes that what is known is the newest there is. A change of source is logged once, not on every read.
func (s *Service) confirm(from Source, trouble error) {
	if !s.change(from, true) {
		return
	}
	if from == FromRedis {
		s.Logger.Info("the roster is served from redis")
		return
	}
	s.Logger.Warn("the roster is served from the log", zap.Error(trouble))
}

// fellBack notes that only memory is left.
func (s *Service) fellBack(err error) {
	if s.change(FromMemory, false) {
		s.Logger.Error("neither redis nor the log gives a roster: the last known is served", zap.Uint64("revision", revisionOf(s.lastKnown())), zap.Error(err))
	}
}

func (s *Service) change(to Source, confirmed bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, s.source = s.source != to, to
	if confirmed {
		s.confirmed = s.Now()
	}
	return changed
}
