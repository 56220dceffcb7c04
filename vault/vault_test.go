package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/vault"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

// store is a log of keys in memory that can break after a number of calls.
type store struct {
	mu     sync.Mutex
	seq    uint64
	log    map[string][]vault.Message
	breaks int // calls until it fails; 0: never
}

var errBroken = errors.New("broken")

func newStore() *store { return &store{log: map[string][]vault.Message{}} }

func (s *store) call() error {
	if s.breaks > 0 {
		if s.breaks--; s.breaks == 0 {
			return errBroken
		}
	}
	return nil
}

func (s *store) Append(_ context.Context, subject, _ string, data []byte, after uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.log[subject]
	last := uint64(0)
	if len(list) > 0 {
		last = list[len(list)-1].Seq
	}
	if last != after {
		return vault.ErrConflict
	}
	s.seq++
	s.log[subject] = append(list, vault.Message{Seq: s.seq, Data: data})
	return s.call()
}

func (s *store) Messages(_ context.Context, subject string) ([]vault.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log[subject]), s.call()
}

func (s *store) SecureDelete(_ context.Context, seq uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, list := range s.log {
		s.log[subject] = slices.DeleteFunc(list, func(m vault.Message) bool { return m.Seq == seq })
	}
	return s.call()
}

// natsStore is the store over a real stream, as the application wires it.
type natsStore struct{ log *eventlog.Log }

func (s natsStore) Append(ctx context.Context, subject, id string, data []byte, after uint64) error {
	_, err := s.log.Append(ctx, eventlog.Append{Subject: subject, ID: id, Data: data, Expect: eventlog.Head(after)})
	if errors.Is(err, eventlog.ErrConflict) {
		return vault.ErrConflict
	}
	return err
}

func (s natsStore) Messages(ctx context.Context, subject string) ([]vault.Message, error) {
	entries, err := s.log.History(ctx, subject)
	var list []vault.Message
	for _, e := range entries {
		list = append(list, vault.Message{Seq: e.Seq, Data: e.Data})
	}
	return list, err
}

func (s natsStore) SecureDelete(ctx context.Context, seq uint64) error {
	return s.log.SecureDelete(ctx, seq)
}

func stores(t *testing.T) map[string]vault.Store {
	return map[string]vault.Store{
		"memory": newStore(),
		"nats":   natsStore{eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Keys)},
	}
}

func TestSealedContentOpensInItsPlaceAndNowhereElse(t *testing.T) {
	for name, s := range stores(t) {
		v := vault.New(vault.NewDeploymentKey(), s)
		sealed, err := v.Seal(t.Context(), "A", "c1.0", []byte("secret"))
		if err != nil {
			t.Fatal(name, err)
		}
		if strings.Contains(string(sealed), "secret") {
			t.Error(name, "the sealed bytes hold the plain text")
		}
		if plain, err := v.Open(t.Context(), "A", "c1.0", sealed); err != nil || string(plain) != "secret" {
			t.Error(name, plain, err)
		}
		if _, err := v.Open(t.Context(), "A", "c2.0", sealed); !errors.Is(err, vault.ErrSealed) {
			t.Error(name, "opened in another event", err)
		}
		if _, err := v.Seal(t.Context(), "B", "c1.0", nil); err != nil {
			t.Error(name, err)
		}
		if _, err := v.Open(t.Context(), "B", "c1.0", sealed); !errors.Is(err, vault.ErrSealed) {
			t.Error(name, "opened under another key", err)
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := v.Open(t.Context(), "A", "c1.0", sealed); !errors.Is(err, vault.ErrSealed) {
			t.Error(name, "opened although it was changed", err)
		}
		if _, err := v.Open(t.Context(), "none", "c1.0", sealed); !errors.Is(err, vault.ErrNoKey) {
			t.Error(name, err)
		}
	}
}

func TestErasedContentIsGoneForEveryNodeAndForEver(t *testing.T) {
	for name, s := range stores(t) {
		deployment := vault.NewDeploymentKey()
		v := vault.New(deployment, s)
		sealed, err := v.Seal(t.Context(), "A", "c1.0", []byte("secret"))
		if err != nil {
			t.Fatal(name, err)
		}
		for range 2 {
			if err := v.Erase(t.Context(), "A"); err != nil {
				t.Fatal(name, err)
			}
		}
		for _, node := range []*vault.Vault{v, vault.New(deployment, s)} {
			if _, err := node.Open(t.Context(), "A", "c1.0", sealed); !errors.Is(err, vault.ErrErased) {
				t.Error(name, err)
			}
			if _, err := node.Seal(t.Context(), "A", "c2.0", nil); !errors.Is(err, vault.ErrErased) {
				t.Error(name, "a key was made after the erasure", err)
			}
		}
		list, err := s.Messages(t.Context(), "keys.A")
		if err != nil || len(list) != 1 || len(list[0].Data) != 0 {
			t.Error(name, "the key still lies in the log", list, err)
		}
		if err := v.Erase(t.Context(), "never"); !errors.Is(err, vault.ErrNoKey) {
			t.Error(name, err)
		}
	}
}

func TestErasureFinishesAfterACrashAtAnyPoint(t *testing.T) {
	for crash := 1; ; crash++ {
		s := newStore()
		v := vault.New(vault.NewDeploymentKey(), s)
		sealed, err := v.Seal(t.Context(), "A", "c1.0", []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		s.breaks = crash
		if err := v.Erase(t.Context(), "A"); err == nil {
			if crash < 4 {
				t.Fatalf("the erasure made only %d calls", crash-1)
			}
			return
		}
		s.breaks = 0
		if err := v.Erase(t.Context(), "A"); err != nil {
			t.Fatalf("again after a crash at call %d: %v", crash, err)
		}
		if _, err := v.Open(t.Context(), "A", "c1.0", sealed); !errors.Is(err, vault.ErrErased) {
			t.Errorf("crash at call %d: %v", crash, err)
		}
		if list := s.log["keys.A"]; len(list) != 1 {
			t.Errorf("crash at call %d: %d entries remain", crash, len(list))
		}
	}
}

func TestRacersShareOneKey(t *testing.T) {
	deployment, s := vault.NewDeploymentKey(), natsStore{eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Keys)}
	var wg sync.WaitGroup
	results := make([][]byte, 16)
	for i := range results {
		wg.Go(func() {
			var err error
			if results[i], err = vault.New(deployment, s).Seal(t.Context(), "A", "e", []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	v := vault.New(deployment, s)
	for i, sealed := range results {
		if _, err := v.Open(t.Context(), "A", "e", sealed); err != nil {
			t.Errorf("racer %d sealed with a key that was lost: %v", i, err)
		}
	}
}

func TestAnotherNodesErasureIsNoticedWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deployment, s := vault.NewDeploymentKey(), newStore()
		here, there := vault.New(deployment, s), vault.New(deployment, s)
		sealed, err := here.Seal(t.Context(), "A", "e", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := there.Erase(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := here.Open(t.Context(), "A", "e", sealed); !errors.Is(err, vault.ErrErased) {
			t.Errorf("error %v", err)
		}
	})
}

func TestWrongDeploymentKeyIsNamed(t *testing.T) {
	s := newStore()
	sealed, err := vault.New(vault.NewDeploymentKey(), s).Seal(t.Context(), "A", "e", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = vault.New(vault.NewDeploymentKey(), s).Open(t.Context(), "A", "e", sealed)
	if err == nil || !strings.Contains(err.Error(), "deployment key") {
		t.Errorf("error %v", err)
	}
}

func TestDeploymentKeyFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	made, err := vault.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := vault.LoadOrCreate(path); err != nil || again != made {
		t.Errorf("read back: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.LoadOrCreate(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable key: %v", err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k := vault.NewDeploymentKey()
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%#v", k), fmt.Sprintf("%v", k), k.String()} {
		if text != "***" {
			t.Errorf("printed %q", text)
		}
	}
}

func TestMACTellsListsOfPartsApart(t *testing.T) {
	k := vault.NewDeploymentKey()
	if string(k.MAC("ab", "c")) == string(k.MAC("a", "bc")) {
		t.Error("two lists, one digest")
	}
	if k.Derive("a") == k.Derive("b") {
		t.Error("two purposes, one key")
	}
}
