package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
)

var (
	// ErrConflict is what a [Store] answers when the head is not the expected one.
	ErrConflict = errors.New("the keys have moved on")
	// ErrErased says that the key was erased: what it sealed cannot be read by anybody any more.
	ErrErased = errors.New("erased")
	// ErrNoKey says that the scope never had a key.
	ErrNoKey = errors.New("no key")
	// ErrSealed says that sealed bytes do not open: another key, another place, or a changed byte.
	ErrSealed = errors.New("the sealed content does not open")
)

// A Message is one entry of the log of a scope's key.
type Message struct {
	Seq  uint64
	Data []byte
}

// A Store holds the logs of keys. Implementations are safe for concurrent use.
type Store interface {
	// Append stores an entry, expecting the subject's last sequence (0: it is empty), and fails with [ErrConflict] when that is another.
	Append(ctx context.Context, subject, id string, data []byte, after uint64) error
	// Messages reads all entries of a subject, in order.
	Messages(ctx context.Context, subject string) ([]Message, error)
	// SecureDelete overwrites and removes one entry.
	SecureDelete(ctx context.Context, seq uint64) error
}

const (
	cached   = 4096        // keys kept in memory
	believed = time.Minute // how long a key is used without looking whether it was erased by another node
)

// A Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	wrap  Key
	store Store
	mu    sync.Mutex
	keys  map[string]known

	pool pool
}

type known struct {
	key     Key
	checked time.Time
}

// wrapped is a key as it is stored.
type wrapped struct {
	V       int    `json:"v"`
	Alg     string `json:"alg"`
	KeyID   string `json:"kid"` // of the deployment's wrapping key
	Wrapped []byte `json:"wrapped"`
}

const algorithm = "A256GCM"

// New makes a vault whose keys are wrapped by the deployment's key.
func New(deployment Key, store Store) *Vault {
	return &Vault{wrap: deployment.Derive("wrap"), store: store, keys: map[string]known{}, pool: newPool()}
}

var scopePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func subject(scope string) (string, error) {
	if !scopePattern.MatchString(scope) {
		return "", fmt.Errorf("vault: %q cannot name a key", scope)
	}
	return "keys." + scope, nil
}

// additional binds sealed bytes to their place: they open nowhere else.
func additional(scope, eventID string) []byte {
	return []byte("dutyline/v1\x00" + scope + "\x00" + eventID)
}

// Seal encrypts plain under the scope's key, made when there is none, for the event of that id. Errors: [ErrErased], or the store's.
func (v *Vault) Seal(ctx context.Context, scope, eventID string, plain []byte) ([]byte, error) {
	key, err := v.key(ctx, scope, true)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return seal(key, plain, additional(scope, eventID)), nil
}

// Open decrypts what Seal made. Errors: [ErrErased], [ErrNoKey], [ErrSealed], or the store's.
func (v *Vault) Open(ctx context.Context, scope, eventID string, sealed []byte) ([]byte, error) {
	key, err := v.key(ctx, scope, false)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	plain, err := open(key, sealed, additional(scope, eventID))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return plain, nil
}

// Erase makes everything that was sealed under the scope's key unreadable. It is repeated safely after a crash at any point: the
// tombstone comes first. The error is [ErrNoKey] when there never was a key.
func (v *Vault) Erase(ctx context.Context, scope string) error {
	name, err := subject(scope)
	if err != nil {
		return err
	}
	v.forget(scope)
	defer v.forget(scope)
	for {
		list, err := v.store.Messages(ctx, name)
		if err != nil {
			return fmt.Errorf("erase: %w", err)
		}
		if len(list) == 0 {
			return fmt.Errorf("erase: %w", ErrNoKey)
		}
		last := list[len(list)-1]
		if len(last.Data) > 0 {
			err := v.store.Append(ctx, name, fmt.Sprintf("erase-%s-%d", scope, last.Seq), nil, last.Seq)
			if err != nil && !errors.Is(err, ErrConflict) {
				return fmt.Errorf("erase: %w", err)
			}
			continue // read again: the tombstone must be the last entry before anything is deleted
		}
		for _, m := range list[:len(list)-1] {
			if err := v.store.SecureDelete(ctx, m.Seq); err != nil {
				return fmt.Errorf("erase: the key is marked as erased, deleting it is not finished, run it again: %w", err)
			}
		}
		return nil
	}
}

// key gives the scope's key, from memory when it was looked up lately.
func (v *Vault) key(ctx context.Context, scope string, create bool) (Key, error) {
	name, err := subject(scope)
	if err != nil {
		return Key{}, err
	}
	v.mu.Lock()
	k, ok := v.keys[scope]
	v.mu.Unlock()
	if ok && time.Since(k.checked) < believed {
		return k.key, nil
	}
	if create && !ok { // most often there is none yet: trying costs less than looking
		k, err := v.create(ctx, scope, name)
		if !errors.Is(err, ErrConflict) {
			return k, err
		}
	}
	for {
		list, err := v.store.Messages(ctx, name)
		if err != nil {
			return Key{}, fmt.Errorf("read the key: %w", err)
		}
		if len(list) > 0 {
			return v.unwrap(scope, list[len(list)-1].Data)
		}
		if !create {
			return Key{}, ErrNoKey
		}
		k, err := v.create(ctx, scope, name)
		if !errors.Is(err, ErrConflict) { // somebody else made it first: use theirs
			return k, err
		}
	}
}

// create stores a fresh key as the first of its scope. The error wraps [ErrConflict] when there is one already.
func (v *Vault) create(ctx context.Context, scope, name string) (Key, error) {
	fresh, err := v.storeFresh(ctx, scope, name)
	if err != nil {
		return Key{}, err
	}
	v.remember(scope, fresh)
	return fresh, nil
}

// storeFresh makes a key and appends it, wrapped, to the log of its scope, expecting that to be empty.
func (v *Vault) storeFresh(ctx context.Context, scope, name string) (Key, error) {
	fresh := NewDeploymentKey()
	data, err := json.Marshal(wrapped{V: 1, Alg: algorithm, KeyID: v.wrap.id(), Wrapped: seal(v.wrap, fresh[:], additional(scope, "key"))})
	if err != nil {
		return Key{}, err
	}
	if err := v.store.Append(ctx, name, "key-"+scope+"-"+rand.Text(), data, 0); err != nil {
		return Key{}, fmt.Errorf("store the key: %w", err)
	}
	return fresh, nil
}

func (v *Vault) unwrap(scope string, data []byte) (Key, error) {
	if len(data) == 0 {
		v.forget(scope)
		return Key{}, ErrErased
	}
	var w wrapped
	if err := json.Unmarshal(data, &w); err != nil || w.Alg != algorithm {
		return Key{}, fmt.Errorf("%w: the key is stored in a form that this version does not know", ErrSealed)
	}
	if w.KeyID != v.wrap.id() {
		return Key{}, fmt.Errorf("%w: the key was wrapped by deployment key %s, this node has %s", ErrSealed, w.KeyID, v.wrap.id())
	}
	plain, err := open(v.wrap, w.Wrapped, additional(scope, "key"))
	if err != nil || len(plain) != len(Key{}) {
		return Key{}, fmt.Errorf("%w: the wrapped key was changed", ErrSealed)
	}
	v.remember(scope, Key(plain))
	return Key(plain), nil
}

func (v *Vault) remember(scope string, k Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.keys) >= cached {
		for other := range v.keys { // any: a key that is needed again is read again
			delete(v.keys, other)
			break
		}
	}
	v.keys[scope] = known{k, time.Now()}
}

func (v *Vault) forget(scope string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.keys, scope)
}

func seal(k Key, plain, additional []byte) []byte {
	gcm := aead(k)
	nonce := make([]byte, gcm.NonceSize(), gcm.NonceSize()+len(plain)+gcm.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return gcm.Seal(nonce, nonce, plain, additional)
}

func open(k Key, sealed, additional []byte) ([]byte, error) {
	gcm := aead(k)
	if len(sealed) < gcm.NonceSize() {
		return nil, ErrSealed
	}
	plain, err := gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], additional)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func aead(k Key) cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic("vault: AES of 32 bytes: " + err.Error()) // cannot happen: the length is fixed
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("vault: GCM: " + err.Error())
	}
	return gcm
}
