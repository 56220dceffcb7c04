package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	spares = 32 // keys kept ready
	// quiet is for how long nobody takes a key before those that are missing are made, while at least half are left: whoever takes keys is
	// using the disk.
	quiet = 250 * time.Millisecond
	// makeTimeout bounds the making of one key. Who needs keys meanwhile makes their own.
	makeTimeout = 10 * time.Second
)

// pool holds keys that are stored and that nobody has used.
type pool struct {
	work context.Context    //nolint:containedctx // of whoever fills the pool: nobody waits for them but Close
	stop context.CancelFunc // ends work
	done sync.WaitGroup

	mu     sync.Mutex
	ready  []spare
	taken  time.Time // when the last one was taken
	making bool      // one goroutine at a time fills it
}

func newPool() pool {
	work, stop := context.WithCancel(context.Background())
	return pool{work: work, stop: stop}
}

func (p *pool) closed() bool { return p.work.Err() != nil }

type spare struct {
	id  string
	key Key
}

// Take gives the scope of a key that nobody has used: one that was made ahead of time, so that sealing under it waits for no disk, or, when
// none is ready, one that is made now. It is stored either way, and given to nobody else, in no life of any node. Whoever stored nothing that
// it sealed, and is sure of that, gives it back by [Vault.Return].
func (v *Vault) Take(ctx context.Context) (scope string, err error) {
	v.pool.mu.Lock()
	var s spare
	if last := len(v.pool.ready) - 1; last >= 0 {
		s, v.pool.ready = v.pool.ready[last], v.pool.ready[:last]
	}
	v.pool.taken = time.Now()
	v.fill()
	v.pool.mu.Unlock()
	if s.id == "" {
		if s, err = v.makeSpare(ctx); err != nil {
			return "", fmt.Errorf("take a key: %w", err)
		}
	}
	v.remember(s.id, s.key) // it cannot have been erased: nobody else knew of it
	return s.id, nil
}

// Return gives a key back that was taken in vain.
func (v *Vault) Return(scope string) {
	v.mu.Lock()
	k, ok := v.keys[scope]
	delete(v.keys, scope)
	v.mu.Unlock()
	v.pool.mu.Lock()
	defer v.pool.mu.Unlock()
	if ok && !v.pool.closed() {
		v.pool.ready = append(v.pool.ready, spare{scope, k.key})
	}
}

// Prepare begins to make keys ahead of time. It does not wait for them.
func (v *Vault) Prepare() {
	v.pool.mu.Lock()
	defer v.pool.mu.Unlock()
	v.fill()
}

// Close removes the keys that nobody took, as far as the store allows within ctx, and makes none ahead any more. Keys that a crash leaves
// behind are never used: no commit names them.
func (v *Vault) Close(ctx context.Context) error {
	v.pool.mu.Lock()
	if v.pool.closed() {
		v.pool.mu.Unlock()
		return nil
	}
	v.pool.stop()
	v.pool.mu.Unlock()
	v.pool.done.Wait()
	v.pool.mu.Lock()
	unused := v.pool.ready
	v.pool.ready = nil
	v.pool.mu.Unlock()
	var errs []error
	for _, s := range unused {
		errs = append(errs, v.remove(ctx, s.id))
	}
	return errors.Join(errs...)
}

// remove deletes the only entry of a key that sealed nothing.
func (v *Vault) remove(ctx context.Context, scope string) error {
	name, err := subject(scope)
	if err != nil {
		return err
	}
	list, err := v.store.Messages(ctx, name)
	if err != nil {
		return fmt.Errorf("remove an unused key: %w", err)
	}
	for _, m := range list {
		if err := v.store.SecureDelete(ctx, m.Seq); err != nil {
			return fmt.Errorf("remove an unused key: %w", err)
		}
	}
	return nil
}

// fill sees to it that somebody makes what is missing. The caller holds the pool's lock.
func (v *Vault) fill() {
	if v.pool.making || v.pool.closed() || len(v.pool.ready) >= spares {
		return
	}
	v.pool.making = true
	v.pool.done.Go(v.makeSpares)
}

// makeSpares fills the pool, one key after the other: a log that syncs every entry takes no two at once. It waits for a quiet moment, or until half
// are gone; then it makes all that are missing. It gives up on the first failure; the next who takes a key begins anew.
func (v *Vault) makeSpares() {
	for hurry, failed := false, false; ; {
		v.pool.mu.Lock()
		missing, wait := spares-len(v.pool.ready), quiet-time.Since(v.pool.taken)
		if failed || missing <= 0 || v.pool.closed() {
			v.pool.making = false
			v.pool.mu.Unlock()
			return
		}
		v.pool.mu.Unlock()
		if hurry = hurry || missing > spares/2; !hurry && wait > 0 {
			select {
			case <-time.After(min(wait, quiet/10)): // half may be gone sooner
			case <-v.pool.work.Done():
			}
			continue
		}
		ctx, cancel := context.WithTimeout(v.pool.work, makeTimeout)
		s, err := v.makeSpare(ctx)
		cancel()
		if failed = err != nil; failed {
			continue
		}
		v.pool.mu.Lock()
		v.pool.ready = append(v.pool.ready, s)
		v.pool.mu.Unlock()
	}
}

// makeSpare stores a key under an id that says nothing.
func (v *Vault) makeSpare(ctx context.Context) (spare, error) {
	id := rand.Text()
	name, err := subject(id)
	if err != nil {
		return spare{}, err
	}
	key, err := v.storeFresh(ctx, id, name)
	return spare{id, key}, err
}
