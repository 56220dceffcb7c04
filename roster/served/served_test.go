package served_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

func init() { miniredis.DumpMaxLineLen = 1 << 20 } // a scan must see whole values

var errErased = errors.New("erased")

// memory is the stream of the roster, and a sealer that turns bytes around.
type memory struct {
	mu     sync.Mutex
	docs   [][]byte
	down   bool
	erased string // scope
	reads  int
	moved  int  // appends that are told to have lost, although nobody else wrote
	lost   int  // appends that are stored and answered with an error
	shut   bool // nothing can be opened

	meanwhile func() // happens before the newest document is read
}

func (m *memory) Append(_ context.Context, _ string, data []byte, after uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.down:
		return errors.New("down")
	case m.moved > 0:
		m.moved--
		return served.ErrHeadMoved
	case uint64(len(m.docs)) != after:
		return served.ErrHeadMoved
	}
	m.docs = append(m.docs, data)
	if m.lost > 0 {
		m.lost--
		return errors.New("the answer was lost")
	}
	return nil
}

func (m *memory) Last(context.Context) ([]byte, uint64, error) {
	if m.meanwhile != nil {
		m.meanwhile()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.down {
		return nil, 0, errors.New("down")
	}
	if len(m.docs) == 0 {
		return nil, 0, nil
	}
	return m.docs[len(m.docs)-1], uint64(len(m.docs)), nil
}

func (m *memory) History(context.Context) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errors.New("down")
	}
	return slices.Clone(m.docs), nil
}

func (m *memory) Seal(_ context.Context, scope, id string, plain []byte) ([]byte, error) {
	if m.erased == scope {
		return nil, errErased
	}
	out := slices.Clone(plain)
	slices.Reverse(out)
	return append(out, []byte("|"+scope+"|"+id)...), nil
}

func (m *memory) Open(_ context.Context, scope, id string, sealed []byte) ([]byte, error) {
	if m.erased == scope {
		return nil, errErased
	}
	if m.shut {
		return nil, errors.New("the keys are away")
	}
	body, ok := strings.CutSuffix(string(sealed), "|"+scope+"|"+id)
	if !ok {
		return nil, errors.New("sealed elsewhere")
	}
	out := []byte(body)
	slices.Reverse(out)
	return out, nil
}

type bench struct {
	*memory
	redis   *miniredis.Miniredis
	away    atomic.Bool // Redis takes no new connections
	service *served.Service
	clockMu sync.Mutex
	clock   time.Time
	logger  *zap.Logger
	lines   *observer.ObservedLogs
}

func (b *bench) dial(context.Context, string, string) (net.Conn, error) {
	if b.away.Load() {
		return nil, errors.New("connection refused")
	}
	return b.redis.Dial()
}

// at sets the clock, and now reads it: the loop of a service does so at any time.
func (b *bench) at(t time.Time) {
	b.clockMu.Lock()
	defer b.clockMu.Unlock()
	b.clock = t
}

func (b *bench) now() time.Time {
	b.clockMu.Lock()
	defer b.clockMu.Unlock()
	return b.clock
}

// hold makes these the documents of the log.
func (b *bench) hold(docs [][]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.docs = docs
}

func (b *bench) node(t *testing.T) *served.Service {
	client := redis.NewClient(&redis.Options{
		Dialer: b.dial, MaxRetries: -1, DialerRetries: 1, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	return served.New(served.Options{
		Redis: client, Log: b.memory, Sealer: b.memory, ErrErased: errErased, Now: b.now, Logger: b.logger,
	})
}

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// bubble runs a test with one node in a bubble, where 50 ms are 50 ms however busy the machine is.
func bubble(t *testing.T, test func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{memory: &memory{}, redis: miniredis.NewMiniRedis(), clock: now}
		t.Cleanup(b.redis.Close)
		core, lines := observer.New(zap.DebugLevel)
		b.logger, b.lines = zap.New(core), lines
		b.service = b.node(t)
		test(t, b)
	})
}

func (b *bench) apply(t *testing.T, base uint64, change func(*roster.Book)) roster.Book {
	t.Helper()
	book := roster.Example("Europe/Paris", now)
	if change != nil {
		change(&book)
	}
	book, err := b.service.Apply(t.Context(), roster.Edit{Book: book, Base: base, Reason: "why", Actor: "c1"})
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// renamed is a change.
func renamed(b *roster.Book) { b.People[1].CallSign = "EGRET" }

func current(t *testing.T, s *served.Service, atLeast, want uint64) {
	t.Helper()
	c, err := s.Current(t.Context(), atLeast)
	if err != nil || c.Revision() != want {
		t.Fatalf("revision %v, error %v, want %d", c, err, want)
	}
	if p, ok := c.Person("ada"); !ok || p.Name != "Ada Example" || p.Contacts[0].Address != "+15005550101" {
		t.Errorf("ada is %+v", p)
	}
}

func TestEditIsServedFromRedisToEveryNode(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if _, err := b.service.Current(t.Context(), 0); !errors.Is(err, served.ErrEmpty) {
			t.Errorf("empty: %v", err)
		}
		b.apply(t, 0, nil)
		other := b.node(t)
		b.down = true // the log is not needed
		current(t, b.service, 1, 1)
		current(t, other, 1, 1)
	})
}

func TestRedisHoldsNoNameAndNoNumber(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		dump := b.redis.Dump()
		for _, secret := range []string{"Ada", "Example", "+1500"} {
			if strings.Contains(dump, secret) {
				t.Errorf("Redis holds %q", secret)
			}
		}
		if !strings.Contains(dump, "KESTREL") {
			t.Error("Redis holds no roster at all")
		}
	})
}

func TestFlushedOrOldRedisIsPassedOverAndRepaired(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		old, _ := b.redis.Get("dutyline:roster:document")
		b.apply(t, 1, renamed)
		b.redis.FlushAll()
		current(t, b.service, 0, 2)
		if got, _ := b.redis.Get("dutyline:roster:revision"); got != "2" {
			t.Errorf("not repaired after FLUSHALL: %q", got)
		}
		for range 2 { // a failover brings back an old copy
			_ = b.redis.Set("dutyline:roster:document", old)
			_ = b.redis.Set("dutyline:roster:revision", "1")
			current(t, b.service, 0, 2)
			if got, _ := b.redis.Get("dutyline:roster:revision"); got != "2" {
				t.Errorf("not repaired after a failover: %q", got)
			}
		}
		// A fresh node that has seen revision 2 in the log does not believe the old copy either.
		_ = b.redis.Set("dutyline:roster:document", old)
		_ = b.redis.Set("dutyline:roster:revision", "1")
		current(t, b.node(t), 2, 2)
	})
}

func TestWithoutRedisTheLogServesAndWithoutBothTheLastKnown(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		fresh := b.node(t)
		b.away.Store(true)
		b.redis.Close()
		current(t, b.service, 1, 1)
		if b.reads == 0 {
			t.Error("the log was not read")
		}
		b.down = true
		current(t, b.service, 1, 1)
		if c, err := b.service.Current(t.Context(), 2); !errors.Is(err, served.ErrUnavailable) || c == nil || c.Revision() != 1 {
			t.Errorf("a newer revision was seen: %v, and the last known is %v", err, c)
		}
		if c, err := fresh.Current(t.Context(), 0); !errors.Is(err, served.ErrUnavailable) || c != nil {
			t.Errorf("a fresh node: %v, %v", c, err)
		}
	})
}

func TestALogBehindWhatWasSeenIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.apply(t, 1, renamed)
		b.redis.FlushAll()
		b.hold(b.docs[:1]) // a log that was restored from an old backup
		current(t, b.service, 2, 2)
		b.hold(nil)
		current(t, b.service, 2, 2)
		if c, err := b.service.Current(t.Context(), 3); !errors.Is(err, served.ErrUnavailable) || c.Revision() != 2 {
			t.Errorf("%v, %v", c, err)
		}
		if got, _ := b.redis.Get("dutyline:roster:revision"); got != "" {
			t.Errorf("an old revision was written to Redis: %q", got)
		}
	})
}

func TestRedisThatHoldsNoRosterIsOverwritten(t *testing.T) {
	for name, spoil := range map[string]func(*bench){
		"document": func(b *bench) {
			_ = b.redis.Set("dutyline:roster:document", "rubbish")
			b.redis.Del("dutyline:roster:revision")
		},
		"revision":         func(b *bench) { _ = b.redis.Set("dutyline:roster:revision", "many") },
		"document is gone": func(b *bench) { b.redis.Del("dutyline:roster:document") },
		"both": func(b *bench) {
			_ = b.redis.Set("dutyline:roster:document", "rubbish")
			_ = b.redis.Set("dutyline:roster:revision", "9")
		},
		"later version": func(b *bench) { _ = b.redis.Set("dutyline:roster:document", `{"v":9,"revision":7}`) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.apply(t, 0, nil)
				good, _ := b.redis.Get("dutyline:roster:document")
				spoil(b)
				current(t, b.service, 0, 1)
				current(t, b.node(t), 0, 1) // a fresh node reads the document, whatever the revision says
				revision, _ := b.redis.Get("dutyline:roster:revision")
				if document, _ := b.redis.Get("dutyline:roster:document"); document != good || revision != "1" {
					t.Errorf("not repaired: revision %q, %.40q", revision, document)
				}
			})
		})
	}
}

func TestASlowRepairDoesNotUndoAFreshEdit(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		behind := b.node(t)
		current(t, behind, 0, 1)
		b.apply(t, 1, renamed)
		b.hold(b.docs[:1]) // the log as a slow reader saw it
		b.redis.Del("dutyline:roster:document")
		current(t, b.node(t), 0, 1)
		if got, _ := b.redis.Get("dutyline:roster:revision"); got != "2" {
			t.Errorf("revision %q in Redis", got)
		}
	})
}

func TestSecondOfTwoEditorsLearnsOfTheFirst(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.apply(t, 1, renamed)
		_, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 1, Actor: "c2"})
		var conflict *served.Conflict
		if !errors.As(err, &conflict) || conflict.Current != 2 || conflict.By != "c1" || conflict.Reason != "why" || !conflict.When.Equal(now) {
			t.Fatalf("error %v", err)
		}
		if conflict.Book.Revision != 2 || conflict.Book.People[0].Name != "Ada Example" {
			t.Errorf("the book that stands is %+v", conflict.Book)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wg.Go(func() {
				if _, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 2, Actor: "c"}); err == nil {
					mu.Lock()
					won++
					mu.Unlock()
				} else if !errors.As(err, new(*served.Conflict)) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d of 8 editors won", won)
		}
		versions, err := b.service.History(t.Context())
		if err != nil || len(versions) != 3 || versions[0].Revision != 3 {
			t.Fatalf("%+v %v", versions, err)
		}
		if want := (served.Version{Revision: 1, Time: now, Actor: "c1", Reason: "why", Kind: roster.Coordinator}); !reflect.DeepEqual(versions[2], want) {
			t.Errorf("%+v", versions[2])
		}
		b.down = true
		if _, err := b.service.History(t.Context()); !errors.Is(err, served.ErrUnavailable) {
			t.Errorf("without the log: %v", err)
		}
	})
}

func TestAnEditFromARevisionThatNeverWasIsAConflict(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		_, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 7})
		if conflict, ok := errors.AsType[*served.Conflict](err); !ok || conflict.Current != 0 {
			t.Errorf("error %v", err)
		}
		if len(b.docs) != 0 {
			t.Error("it was stored")
		}
	})
}

func TestAnEditIsTriedAgainWhenTheLogMovedAndShowsTheSameHead(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.moved = 2
		b.apply(t, 0, nil)
		b.moved = 3
		if _, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 1}); !errors.Is(err, served.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		if len(b.docs) != 1 {
			t.Errorf("%d documents", len(b.docs))
		}
	})
}

func TestAnEditWhoseAnswerWasLostShowsAsAConflictOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.lost = 1
		edit := roster.Edit{Book: roster.Example("UTC", now), Actor: "c1", Reason: "mine"}
		if _, err := b.service.Apply(t.Context(), edit); !errors.Is(err, served.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
		_, err := b.service.Apply(t.Context(), edit)
		if conflict, ok := errors.AsType[*served.Conflict](err); !ok || conflict.Current != 1 || conflict.By != "c1" || conflict.Reason != "mine" {
			t.Errorf("error %v", err)
		}
		if len(b.docs) != 1 {
			t.Errorf("%d documents", len(b.docs))
		}
	})
}

func TestAnEditNeedsTheLogAndNotRedis(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.redis.SetError("LOADING")
		if book := b.apply(t, 0, nil); book.Revision != 1 {
			t.Errorf("revision %d", book.Revision)
		}
		b.redis.SetError("")
		b.down = true
		if _, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 1}); !errors.Is(err, served.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		if len(b.docs) != 1 {
			t.Errorf("%d documents", len(b.docs))
		}
	})
}

func TestInvalidBookIsNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		book := roster.Example("Nowhere/Land", now)
		_, err := b.service.Apply(t.Context(), roster.Edit{Book: book})
		if !errors.As(err, new(*roster.ValidationError)) || len(b.docs) != 0 {
			t.Errorf("error %v, %d documents", err, len(b.docs))
		}
	})
}

func TestErasedPersonIsServedWithoutNameAndContact(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		current(t, b.service, 0, 1) // holds it in memory
		b.erased = "person-ada"
		fresh := b.node(t)
		if _, err := b.service.Rebuild(t.Context()); err != nil { // makes the node forget
			t.Fatal(err)
		}
		for _, s := range []*served.Service{fresh, b.service} {
			c, err := s.Current(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := c.Person("ada"); !ok || !p.Erased || p.Name != "" || len(p.Contacts) != 0 || p.CallSign != "KESTREL" {
				t.Errorf("%+v", p)
			}
			if slices.Contains(c.Everyone(now), "ada") || len(c.ByAddress("+15005550101")) != 0 {
				t.Error("an erased person is paged")
			}
			if p, _ := c.Person("bruno"); p.Name != "Bruno Example" {
				t.Errorf("the others: %+v", p)
			}
		}
	})
}

func TestAnEditCannotBringAnErasedPersonBack(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.erased = "person-bruno"
		_, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 1})
		invalid, ok := errors.AsType[*roster.ValidationError](err)
		if !ok || len(invalid.Problems) != 1 || invalid.Problems[0].Path != "/people/1/id" || invalid.Problems[0].Fix == "" {
			t.Fatalf("error %v", err)
		}
		if len(b.docs) != 1 {
			t.Error("it was stored")
		}
		book := b.apply(t, 1, func(b *roster.Book) { b.People[1].Erased = true })
		if p := book.People[1]; p.Name != "" || len(p.Contacts) != 0 || !p.Erased {
			t.Errorf("%+v", p)
		}
	})
}

func TestHealthTellsWhoServesAndWhoIsBehind(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if h := b.service.Health(t.Context()); h.OK() || !errors.Is(h.Log, served.ErrEmpty) || h.Revision != 0 {
			t.Errorf("empty: %+v", h)
		}
		b.apply(t, 0, nil)
		if h := b.service.Health(t.Context()); !h.OK() || h.Source != served.FromRedis || h.Revision != 1 || h.RedisRevision != 1 || h.LogRevision != 1 || h.Redis != nil || h.Age != 0 {
			t.Errorf("all well: %+v", h)
		}
		b.redis.SetError("LOADING")
		b.at(now.Add(time.Minute))
		if h := b.service.Health(t.Context()); !h.OK() || h.Source != served.FromLog || h.Redis == nil || h.RedisRevision != 0 || h.Age != 0 {
			t.Errorf("without Redis: %+v", h)
		}
		b.down = true
		b.at(b.clock.Add(time.Hour))
		if h := b.service.Health(t.Context()); h.OK() || h.Source != served.FromMemory || h.Log == nil || h.Revision != 1 || h.Age != time.Hour {
			t.Errorf("without both: %+v", h)
		}
		b.redis.SetError("")
		b.down = false
		if h := b.service.Health(t.Context()); !h.OK() || h.Source != served.FromRedis || h.Age != 0 {
			t.Errorf("back: %+v", h)
		}
	})
}

func TestALastingTroubleIsLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		current(t, b.service, 0, 1)
		b.redis.SetError("LOADING")
		for range 5 {
			current(t, b.service, 0, 1)
		}
		b.down = true
		for range 5 {
			current(t, b.service, 0, 1)
		}
		b.redis.SetError("")
		for range 5 {
			current(t, b.service, 0, 1)
		}
		var levels []string
		for _, line := range b.lines.All() {
			levels = append(levels, line.Level.String())
		}
		if got := strings.Join(levels, " "); got != "info warn error info" {
			t.Errorf("lines: %s", got)
		}
	})
}

func TestClientOptionsObeyContextsAndKeepThePassword(t *testing.T) {
	o, err := served.ClientOptions("rediss://user:hunter2@cache.example:6380/3")
	if err != nil || o.Addr != "cache.example:6380" || o.DB != 3 || o.Password != "hunter2" || o.TLSConfig == nil {
		t.Fatalf("%+v, %v", o, err)
	}
	if !o.ContextTimeoutEnabled || o.MaxRetries != -1 || o.MaintNotificationsConfig.Mode != maintnotifications.ModeDisabled {
		t.Errorf("%+v", o)
	}
	for _, url := range []string{"", "cache.example:6379", "http://user:hunter2@cache.example", "redis://user:hunter2@cache.example/many"} {
		if _, err := served.ClientOptions(url); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestRebuildRepairsWhateverRedisHolds(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if _, err := b.service.Rebuild(t.Context()); !errors.Is(err, served.ErrEmpty) {
			t.Error(err)
		}
		b.apply(t, 0, nil)
		_ = b.redis.Set("dutyline:roster:document", "rubbish")
		if _, err := b.service.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		current(t, b.node(t), 1, 1)
	})
}
