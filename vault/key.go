package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Key is 256 secret bits. It prints as ***.
type Key [32]byte

// NewDeploymentKey makes a random key.
func NewDeploymentKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// ParseDeploymentKey reads a key in base64 (44 characters) or hexadecimal (64).
func ParseDeploymentKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){base64.StdEncoding.DecodeString, hex.DecodeString} {
		if data, err := decode(text); err == nil && len(data) == len(Key{}) {
			return Key(data), nil
		}
	}
	return Key{}, errors.New("the deployment key is not 32 bytes in base64 or hexadecimal; make one with: openssl rand -base64 32")
}

// LoadOrCreate reads the deployment key from a file, or makes one and writes it there with mode 0600. A file that others can read is
// refused.
func LoadOrCreate(path string) (Key, error) {
	k, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k = NewDeploymentKey()
	if err := write(path, base64.StdEncoding.EncodeToString(k[:])+"\n"); err != nil {
		return Key{}, fmt.Errorf("write the deployment key: %w", err)
	}
	return k, nil
}

// Load reads the deployment key from a file that only its owner can read.
func Load(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the deployment key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("read the deployment key: %s can be read by others; run: chmod 600 %s", path, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the deployment key: %w", err)
	}
	return ParseDeploymentKey(string(data))
}

// write puts a file in place whole and durable.
func write(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone when it was put in place
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Derive gives the key for one purpose by HKDF-SHA-256. Purposes in use: wrap, reference, code, digest, webhook, hook, nats issuer, nats xkey,
// guesses, offer, pin, pin tries.
func (k Key) Derive(purpose string) Key {
	data, err := hkdf.Key(sha256.New, k[:], nil, "dutyline/v1 "+purpose, len(k))
	if err != nil {
		panic("vault: HKDF of 32 bytes: " + err.Error()) // cannot happen: the length is fixed
	}
	return Key(data)
}

// MAC is HMAC-SHA-256 over the parts, each preceded by its length, so that no two lists of parts give the same bytes.
func (k Key) MAC(parts ...string) []byte {
	h := hmac.New(sha256.New, k[:])
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// id names a key without telling it.
func (k Key) id() string {
	sum := sha256.Sum256(k[:])
	return hex.EncodeToString(sum[:4])
}

// String hides the key.
func (Key) String() string { return "***" }

// GoString hides the key.
func (Key) GoString() string { return "***" }

// MarshalText hides the key.
func (Key) MarshalText() ([]byte, error) { return []byte("***"), nil }
