package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vault"
)

// crashing is the stream of requests and the stream of keys of a node that dies at one of its calls: before it is done, or after it is done
// and before the answer is back. From then on the node does nothing any more.
type crashing struct {
	*memory
	done bool

	mu    sync.Mutex
	calls int // until it dies
}

var errDead = fmt.Errorf("%w: the node died", intake.ErrUnavailable)

func (c *crashing) call(do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls--; c.calls < 0 || (c.calls == 0 && !c.done) {
		return errDead
	}
	if err := do(); err != nil || c.calls > 0 {
		return err
	}
	return errDead
}

func (c *crashing) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (seq uint64, err error) {
	err = c.call(func() error {
		seq, err = c.memory.Append(ctx, ref, id, data, expect, closes)
		return err
	})
	return seq, err
}

type crashingKeys struct{ *crashing }

func (c crashingKeys) Append(ctx context.Context, subject, id string, data []byte, after uint64) error {
	return c.call(func() error { return keyStore{c.memory}.Append(ctx, subject, id, data, after) })
}

func (c crashingKeys) Messages(ctx context.Context, subject string) ([]vault.Message, error) {
	return keyStore{c.memory}.Messages(ctx, subject)
}

func (c crashingKeys) SecureDelete(ctx context.Context, seq uint64) error {
	return keyStore{c.memory}.SecureDelete(ctx, seq)
}

// withKeys is a service whose keys are made ahead of time.
func withKeys(t *testing.T, log intake.Log, keys vault.Store) *intake.Service {
	v := vault.New(deployment, keys)
	t.Cleanup(func() { _ = v.Close(context.Background()) })
	return intake.New(intake.Options{
		Log: log, Sealer: v, Keys: v, Deployment: deployment, Node: "n1",
		Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) },
	})
}

// scopes gives the key of each request in the log, and fails where two share one.
func (m *memory) scopes(t *testing.T) map[request.Ref]string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	of, by := map[request.Ref]string{}, map[string]request.Ref{}
	for ref, log := range m.logs {
		s := request.NewState(ref)
		for _, c := range log {
			if err := s.Apply(c.Seq, c.Data); err != nil {
				t.Fatal(err)
			}
		}
		if other, taken := by[s.Scope()]; taken {
			t.Errorf("%s and %s are sealed by one key", ref, other)
		}
		of[ref], by[s.Scope()] = s.Scope(), ref
	}
	return of
}

// TestWhereverTheNodeDiesWhatIsInTheLogCanBeRead kills the node at each of its calls to the two streams, and reads what the log then holds
// with nothing but the streams and the deployment's key. The sender repeats what was not answered.
func TestWhereverTheNodeDiesWhatIsInTheLogCanBeRead(t *testing.T) {
	stored := 0
	for calls := 1; calls <= 24; calls++ {
		for _, done := range []bool{false, true} {
			m := newMemory()
			dying := &crashing{memory: m, calls: calls, done: done}
			s := withKeys(t, dying, crashingKeys{dying})
			for n := range 8 {
				if _, err := s.Raise(t.Context(), "s1", fmt.Sprint(n), []byte(body)); err != nil && !errors.Is(err, intake.ErrUnavailable) {
					t.Fatal(err)
				}
			}
			next := withKeys(t, m, keyStore{m})
			before := m.scopes(t)
			stored += len(before)
			for ref := range before {
				if content, err := next.Content(t.Context(), ref); err != nil || !strings.Contains(string(content.Content), "Mallory") {
					t.Errorf("dead at call %d (done %t): the content of %s is %s, %v", calls, done, ref, content.Content, err)
				}
			}
			for n := range 8 {
				if _, err := next.Raise(t.Context(), "s1", fmt.Sprint(n), []byte(body)); err != nil {
					t.Errorf("dead at call %d (done %t): repeated: %v", calls, done, err)
				}
			}
			if after := m.scopes(t); len(after) != 8 {
				t.Errorf("dead at call %d (done %t): %d requests for 8 keys", calls, done, len(after))
			}
		}
	}
	if stored == 0 {
		t.Error("no node lived to store anything")
	}
}

func TestKeyOfARequestErasesAllThatWasWrittenAboutIt(t *testing.T) {
	m := newMemory()
	s := withKeys(t, m, keyStore{m})
	first, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Raise(t.Context(), "s1", "k2", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Amend(t.Context(), "s1", first.Ref, first.Receipt.Version, []byte(`{"facts":"Mallory moved"}`)); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Raise(t.Context(), "s1", "k1", []byte(body)); err != nil || again.Ref != first.Ref {
		t.Errorf("again: %s, %v", again.Ref, err)
	}
	scopes := m.scopes(t)
	if scopes[first.Ref] == string(first.Ref) {
		t.Error("its key goes by its reference")
	}
	if err := vault.New(deployment, keyStore{m}).Erase(t.Context(), scopes[first.Ref]); err != nil {
		t.Fatal(err)
	}
	fresh := withKeys(t, m, keyStore{m})
	if _, err := fresh.Content(t.Context(), first.Ref); !errors.Is(err, intake.ErrErased) {
		t.Errorf("content after the erasure: %v", err)
	}
	if content, err := fresh.Content(t.Context(), second.Ref); err != nil || !strings.Contains(string(content.Content), "Mallory") {
		t.Errorf("the other's content: %s, %v", content.Content, err)
	}
	if _, err := request.Verify(first.Ref, m.logs[first.Ref]); err != nil {
		t.Errorf("history after the erasure: %v", err)
	}
}

func TestRequestWhoseKeyGoesByItsReferenceIsServedOn(t *testing.T) {
	m := newMemory()
	earlier, v := service(m)
	r, err := earlier.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	s := withKeys(t, m, keyStore{m})
	if _, err := s.Amend(t.Context(), "s1", r.Ref, r.Receipt.Version, []byte(`{"facts":"amended later"}`)); err != nil {
		t.Fatal(err)
	}
	if content, err := s.Content(t.Context(), r.Ref); err != nil || !strings.Contains(string(content.Content), "amended later") {
		t.Errorf("content %s, %v", content.Content, err)
	}
	if err := v.Erase(t.Context(), string(r.Ref)); err != nil {
		t.Fatal(err)
	}
	fresh := withKeys(t, m, keyStore{m})
	if _, err := fresh.Content(t.Context(), r.Ref); !errors.Is(err, intake.ErrErased) {
		t.Errorf("content after the erasure: %v", err)
	}
}

// lying is a stream that stores, and then says that somebody else was first: an answer was lost, and the one to the repetition is of a server
// that knows no better. It can be unreadable meanwhile.
type lying struct {
	*memory
	lies       int
	unreadable bool
}

func (l *lying) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (uint64, error) {
	seq, err := l.memory.Append(ctx, ref, id, data, expect, closes)
	if l.lies--; l.lies >= 0 && err == nil {
		return 0, intake.ErrConflict
	}
	return seq, err
}

func (l *lying) History(ctx context.Context, ref request.Ref) ([]request.Stored, error) {
	if l.unreadable && l.lies >= 0 {
		return nil, intake.ErrUnavailable
	}
	return l.memory.History(ctx, ref)
}

// A key that is given back while a request is sealed under it seals two, and is removed when the node stops: nobody could read either.
func TestKeyUnderWhichSomethingMayBeStoredIsNotGivenBack(t *testing.T) {
	for _, unreadable := range []bool{false, true} {
		m := newMemory()
		log := &lying{memory: m, lies: 1, unreadable: unreadable}
		v := vault.New(deployment, keyStore{m})
		s := intake.New(intake.Options{
			Log: log, Sealer: v, Keys: v, Deployment: deployment, Node: "n1", Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) },
		})
		if _, err := s.Raise(t.Context(), "s1", "first", []byte(body)); (err != nil) != unreadable || unreadable && !errors.Is(err, intake.ErrUnavailable) {
			t.Fatal(err)
		}
		log.lies = 0
		for n := range 3 {
			if _, err := s.Raise(t.Context(), "s1", fmt.Sprint(n), []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		requests := m.scopes(t)
		if len(requests) != 4 {
			t.Errorf("%d requests", len(requests))
		}
		next := withKeys(t, m, keyStore{m})
		for ref := range requests {
			if content, err := next.Content(t.Context(), ref); err != nil || !strings.Contains(string(content.Content), "Mallory") {
				t.Errorf("the content of %s: %v", ref, err)
			}
		}
	}
}
