package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/vault"
)

// entries counts the keys that lie in the store, and the scopes that have one.
func (s *store) entries() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.log {
		n += len(list)
	}
	return n
}

func take(t *testing.T, v *vault.Vault) string {
	t.Helper()
	scope, err := v.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

func TestTakenKeyIsStoredBeforeItSealsAndGivenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deployment, s := vault.NewDeploymentKey(), newStore()
		nodes := []*vault.Vault{vault.New(deployment, s), vault.New(deployment, s)}
		nodes[0].Prepare() // the other makes its first key when it is asked for
		time.Sleep(time.Second)
		seen := map[string]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for n := range 200 { // more than lie ready
			wg.Go(func() {
				v := nodes[n%2]
				scope := take(t, v)
				sealed, err := v.Seal(t.Context(), scope, "e", []byte("secret"))
				if err != nil {
					t.Error(err)
				}
				// A node that knows nothing but the store and the deployment's key, as after a crash now.
				if plain, err := vault.New(deployment, s).Open(t.Context(), scope, "e", sealed); err != nil || string(plain) != "secret" {
					t.Errorf("after a crash: %q, %v", plain, err)
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[scope] {
					t.Errorf("%s was given twice", scope)
				}
				seen[scope] = true
			})
		}
		wg.Wait()
		time.Sleep(time.Second) // they are made anew
		if n := s.entries(); n > 200+2*32 {
			t.Errorf("%d keys for 200 uses", n)
		}
		for _, v := range nodes {
			_ = v.Close(t.Context())
		}
	})
}

func TestKeyMadeAheadIsErasedLikeAnyOther(t *testing.T) {
	deployment, s := vault.NewDeploymentKey(), newStore()
	v := vault.New(deployment, s)
	scope := take(t, v)
	sealed, err := v.Seal(t.Context(), scope, "e", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Erase(t.Context(), scope); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*vault.Vault{v, vault.New(deployment, s)} {
		if _, err := node.Open(t.Context(), scope, "e", sealed); !errors.Is(err, vault.ErrErased) {
			t.Errorf("opened after the erasure: %v", err)
		}
	}
}

func TestKeyTakenInVainIsGivenToTheNextAndNoneLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		v := vault.New(vault.NewDeploymentKey(), s)
		v.Prepare()
		time.Sleep(time.Second)
		full := s.entries()
		for range 1000 { // a sender who repeats one request for ever
			v.Return(take(t, v))
			time.Sleep(20 * time.Millisecond)
		}
		if n := s.entries(); n > full+1 {
			t.Errorf("%d keys lie in the store, were %d", n, full)
		}
		_ = v.Close(t.Context())
	})
}

func TestClosedVaultLeavesOnlyKeysThatWereTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deployment, s := vault.NewDeploymentKey(), newStore()
		v := vault.New(deployment, s)
		scope := take(t, v)
		sealed, err := v.Seal(t.Context(), scope, "e", []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if s.entries() < 2 {
			t.Fatal("no keys are made ahead")
		}
		for range 2 {
			if err := v.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		late := take(t, v) // an answer that is still under way
		v.Return(late)
		time.Sleep(time.Second)
		if n := s.entries(); n != 2 {
			t.Errorf("%d keys are left, want those of the two that were taken", n)
		}
		if _, err := vault.New(deployment, s).Open(t.Context(), scope, "e", sealed); err != nil {
			t.Error(err)
		}
	})
}

// away is a store that can be out of reach.
type away struct {
	*store
	mu   sync.Mutex
	gone bool
}

func (a *away) set(gone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = gone
}

func (a *away) Append(ctx context.Context, subject, id string, data []byte, after uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return errBroken
	}
	return a.store.Append(ctx, subject, id, data, after)
}

func TestWithoutAStoreTheKeysThatLieReadyAreUsedUpAndMadeAnewAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &away{store: newStore()}
		v := vault.New(vault.NewDeploymentKey(), s)
		v.Prepare()
		time.Sleep(time.Second)
		s.set(true)
		given := 0
		for ; ; given++ {
			if _, err := v.Take(t.Context()); err != nil {
				if !errors.Is(err, errBroken) {
					t.Error(err)
				}
				break
			}
		}
		if given != 32 {
			t.Errorf("%d keys lay ready", given)
		}
		s.set(false)
		take(t, v)
		time.Sleep(time.Second)
		s.set(true)
		take(t, v) // made ahead
		if err := v.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
