// Package served is the roster as everybody reads it: from Redis, which holds the same sealed bytes as the log that is the truth.
//
// A read never uses a revision older than one that was seen: a Redis that is empty, behind, or an old one that came back after a failover
// is passed over for the log and repaired. Without Redis and without the log, the last revision that this node knew goes on serving.
package served

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
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
	Seal(ctx context.Context, scope, eventID string, plain []byte) ([]byte, error)
	// Open decrypts; its error wraps ErrErased of [Options] when the person's key is gone.
	Open(ctx context.Context, scope, eventID string, sealed []byte) ([]byte, error)
}

// Options are what a service is made with; all but Logger are required.
type Options struct {
	Redis     redis.UniversalClient
	Log       Log
	Sealer    Sealer
	ErrErased error // how the sealer says that a key is gone
	Now       func() time.Time
	Logger    *zap.Logger
}

// A Service serves the roster and takes edits. It is safe for concurrent use.
type Service struct {
	Options
	mu    sync.Mutex
	known *roster.Compiled // last known good
}

// New makes a service.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Service{Options: o}
}

const (
	documentKey   = "dutyline:roster:document"
	revisionKey   = "dutyline:roster:revision"
	redisPatience = 50 * time.Millisecond
)

// newer stores a document in Redis unless it holds a newer one.
var newer = redis.NewScript(`
local have = tonumber(redis.call('GET', KEYS[2]) or '-1')
if have > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1])
return 1`)

// Current is the newest roster that is known, at least of a revision. It asks Redis for at most 50 ms, then the log, and at the end gives
// the last that this node knew. Errors: [ErrEmpty], [ErrUnavailable].
func (s *Service) Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error) {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	minimum := atLeast
	if known != nil {
		minimum = max(minimum, known.Revision())
	}
	if c, err := s.fromRedis(ctx, minimum, known); err == nil {
		return c, nil
	}
	c, err := s.fromLog(ctx)
	switch {
	case err == nil && c.Revision() >= atLeast:
		return c, nil
	case errors.Is(err, ErrEmpty):
		return nil, err
	case known != nil && known.Revision() >= atLeast:
		s.Logger.Warn("serving the last roster known", zap.Uint64("revision", known.Revision()), zap.Error(err))
		return known, nil
	case err == nil:
		return nil, fmt.Errorf("%w: revision %d was seen, the log holds %d", ErrUnavailable, atLeast, c.Revision())
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// errBehind says that Redis does not hold what is needed.
var errBehind = errors.New("redis holds no roster that is new enough")

func (s *Service) fromRedis(ctx context.Context, minimum uint64, known *roster.Compiled) (*roster.Compiled, error) {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	if known != nil && known.Revision() >= minimum { // the revision alone tells whether there is anything to read
		text, err := s.Redis.Get(ctx, revisionKey).Result()
		if err != nil {
			return nil, err
		}
		if revision, err := strconv.ParseUint(text, 10, 64); err == nil && revision == known.Revision() {
			return known, nil
		} else if err == nil && revision < minimum {
			return nil, errBehind
		}
	}
	data, err := s.Redis.Get(ctx, documentKey).Bytes()
	if err != nil {
		return nil, err
	}
	header, err := roster.Header(data)
	if err != nil {
		return nil, err
	}
	if header.Revision < minimum {
		return nil, errBehind
	}
	return s.keep(ctx, data)
}

func (s *Service) fromLog(ctx context.Context) (*roster.Compiled, error) {
	data, _, err := s.Log.Last(ctx)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, ErrEmpty
	}
	c, err := s.keep(ctx, data)
	if err != nil {
		return nil, err
	}
	s.publish(ctx, c.Revision(), data)
	return c, nil
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
	if s.known == nil || c.Revision() >= s.known.Revision() {
		s.known = c
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

func scope(person string) string { return "person-" + person }

// publish puts a document into Redis, as far as Redis is there: reads repair it otherwise.
func (s *Service) publish(ctx context.Context, revision uint64, data []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := newer.Run(ctx, s.Redis, []string{documentKey, revisionKey}, revision, data).Err(); err != nil {
		s.Logger.Warn("redis does not have the roster's revision yet", zap.Uint64("revision", revision), zap.Error(err))
	}
}

// A Conflict says that somebody else edited since the revision that an edit was made from. Nothing was stored.
type Conflict struct {
	Current uint64
	By      string // opaque id
	When    time.Time
	Reason  string
}

// Error says which revision stands.
func (e *Conflict) Error() string {
	return fmt.Sprintf("the roster was edited in between: revision %d stands", e.Current)
}

// Apply stores an edit and gives the book with its new revision. Errors: [*roster.ValidationError], [*Conflict], [ErrUnavailable].
func (s *Service) Apply(ctx context.Context, edit roster.Edit) (roster.Book, error) {
	book := edit.Book
	book.Schema, book.Revision = 1, edit.Base+1
	if err := book.Validate(); err != nil {
		return roster.Book{}, err
	}
	data, seq, err := s.Log.Last(ctx)
	if err != nil {
		return roster.Book{}, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	if data != nil {
		last, err := roster.Header(data)
		if err != nil {
			return roster.Book{}, err
		}
		if last.Revision != edit.Base {
			return roster.Book{}, &Conflict{last.Revision, last.Actor, last.Time, last.Reason}
		}
	} else if edit.Base != 0 {
		return roster.Book{}, &Conflict{}
	}
	stored, err := roster.Encode(book, s.Now(), edit.Actor, edit.Reason, func(person string, plain []byte) ([]byte, error) {
		return s.Sealer.Seal(ctx, scope(person), roster.SealID(book.Revision), plain)
	})
	if err != nil {
		return roster.Book{}, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	switch err := s.Log.Append(ctx, rand.Text(), stored, seq); {
	case errors.Is(err, ErrHeadMoved):
		return s.Apply(ctx, edit) // reads the winner and reports the conflict
	case err != nil:
		return roster.Book{}, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	s.publish(ctx, book.Revision, stored)
	if _, err := s.keep(ctx, stored); err != nil {
		return roster.Book{}, err
	}
	return book, nil
}

// A Version is one edit: who made it, when and why.
type Version struct {
	Revision uint64
	Time     time.Time
	Actor    string
	Reason   string
}

// History lists the edits, newest first.
func (s *Service) History(ctx context.Context) ([]Version, error) {
	documents, err := s.Log.History(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the roster's history: %w: %w", ErrUnavailable, err)
	}
	versions := []Version{}
	for i := len(documents) - 1; i >= 0; i-- {
		d, err := roster.Header(documents[i])
		if err != nil {
			return nil, err
		}
		versions = append(versions, Version{d.Revision, d.Time, d.Actor, d.Reason})
	}
	return versions, nil
}

// Rebuild writes the newest document of the log into Redis, whatever Redis holds.
func (s *Service) Rebuild(ctx context.Context) error {
	data, _, err := s.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("rebuild the roster in Redis: %w", err)
	}
	if data == nil {
		return ErrEmpty
	}
	header, err := roster.Header(data)
	if err != nil {
		return err
	}
	if err := s.Redis.MSet(ctx, documentKey, data, revisionKey, header.Revision).Err(); err != nil {
		return fmt.Errorf("rebuild the roster in Redis: %w", err)
	}
	return nil
}
