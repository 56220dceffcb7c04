package served_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

var errErased = errors.New("erased")

// memory is the stream of the roster, and a sealer that turns bytes around.
type memory struct {
	mu     sync.Mutex
	docs   [][]byte
	down   bool
	erased string
	reads  int
}

func (m *memory) Append(_ context.Context, _ string, data []byte, after uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.down:
		return errors.New("down")
	case uint64(len(m.docs)) != after:
		return served.ErrHeadMoved
	}
	m.docs = append(m.docs, data)
	return nil
}

func (m *memory) Last(context.Context) ([]byte, uint64, error) {
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
	return slices.Clone(m.docs), nil
}

func (m *memory) Seal(_ context.Context, scope, id string, plain []byte) ([]byte, error) {
	out := slices.Clone(plain)
	slices.Reverse(out)
	return append(out, []byte("|"+scope+"|"+id)...), nil
}

func (m *memory) Open(_ context.Context, scope, id string, sealed []byte) ([]byte, error) {
	if m.erased == scope {
		return nil, errErased
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
	service *served.Service
}

func (b *bench) node(t *testing.T) *served.Service {
	client := redis.NewClient(&redis.Options{
		Addr: b.redis.Addr(), MaxRetries: -1, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	return served.New(served.Options{Redis: client, Log: b.memory, Sealer: b.memory, ErrErased: errErased, Now: func() time.Time { return now }})
}

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func start(t *testing.T) *bench {
	b := &bench{memory: &memory{}, redis: miniredis.RunT(t)}
	b.service = b.node(t)
	return b
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
	b := start(t)
	if _, err := b.service.Current(t.Context(), 0); !errors.Is(err, served.ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	b.apply(t, 0, nil)
	other := b.node(t)
	b.down = true // the log is not needed
	current(t, b.service, 1, 1)
	current(t, other, 1, 1)
}

func TestRedisHoldsNoNameAndNoNumber(t *testing.T) {
	b := start(t)
	b.apply(t, 0, nil)
	dump := ""
	for _, key := range b.redis.Keys() {
		value, err := b.redis.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		dump += key + value
	}
	for _, secret := range []string{"Ada", "Example", "+1500"} {
		if strings.Contains(dump, secret) {
			t.Errorf("Redis holds %q", secret)
		}
	}
	if !strings.Contains(dump, "KESTREL") {
		t.Error("Redis holds no roster at all")
	}
}

func TestFlushedOrOldRedisIsPassedOverAndRepaired(t *testing.T) {
	b := start(t)
	b.apply(t, 0, nil)
	old, _ := b.redis.Get("dutyline:roster:document")
	b.apply(t, 1, func(b *roster.Book) { b.People[1].CallSign = "EGRET" })
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
}

func TestWithoutRedisTheLogServesAndWithoutBothTheLastKnown(t *testing.T) {
	b := start(t)
	b.apply(t, 0, nil)
	fresh := b.node(t)
	b.redis.Close()
	current(t, b.service, 1, 1)
	if b.reads == 0 {
		t.Error("the log was not read")
	}
	b.down = true
	current(t, b.service, 1, 1)
	if _, err := b.service.Current(t.Context(), 2); !errors.Is(err, served.ErrUnavailable) {
		t.Errorf("a newer revision was seen: %v", err)
	}
	if _, err := fresh.Current(t.Context(), 0); !errors.Is(err, served.ErrUnavailable) {
		t.Errorf("a fresh node: %v", err)
	}
}

func TestSecondOfTwoEditorsLearnsOfTheFirst(t *testing.T) {
	b := start(t)
	b.apply(t, 0, nil)
	b.apply(t, 1, nil)
	_, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now), Base: 1, Actor: "c2"})
	var conflict *served.Conflict
	if !errors.As(err, &conflict) || conflict.Current != 2 || conflict.By != "c1" || conflict.Reason != "why" {
		t.Errorf("error %v", err)
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
		t.Errorf("%+v %v", versions, err)
	}
}

func TestInvalidBookIsNotStored(t *testing.T) {
	b := start(t)
	book := roster.Example("Nowhere/Land", now)
	_, err := b.service.Apply(t.Context(), roster.Edit{Book: book})
	if !errors.As(err, new(*roster.ValidationError)) || len(b.docs) != 0 {
		t.Errorf("error %v, %d documents", err, len(b.docs))
	}
}

func TestErasedPersonIsServedWithoutName(t *testing.T) {
	b := start(t)
	b.apply(t, 0, nil)
	b.erased = "person-ada"
	c, err := b.node(t).Current(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := c.Person("ada"); !p.Erased || p.Name != "" || p.Contacts[0].Address != "" {
		t.Errorf("%+v", p)
	}
	if slices.Contains(c.Everyone(now), "ada") {
		t.Error("an erased person is paged")
	}
}

func TestRebuildRepairsWhateverRedisHolds(t *testing.T) {
	b := start(t)
	if err := b.service.Rebuild(t.Context()); !errors.Is(err, served.ErrEmpty) {
		t.Error(err)
	}
	b.apply(t, 0, nil)
	_ = b.redis.Set("dutyline:roster:document", "rubbish")
	if err := b.service.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	current(t, b.node(t), 1, 1)
}
