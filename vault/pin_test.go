package vault_test

import (
	"strings"
	"testing"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/vault"
)

func TestAPINMatchesItsDigestForItsPersonAndItsKeyAlone(t *testing.T) {
	key, other := vault.Key{1}, vault.Key{2}
	digest := key.PINDigest("ada", "835172")
	if !roster.IsPINDigest(digest) || strings.Contains(digest, "835172") {
		t.Errorf("digest %q", digest)
	}
	if !key.IsPIN("ada", digest, "835172") {
		t.Error("the PIN does not match its digest")
	}
	if again := key.PINDigest("ada", "835172"); again == digest {
		t.Error("two digests of one PIN are the same: who has the same PIN could be seen")
	}
	head, tail := digest[:len(digest)-4], digest[len(digest)-4:]
	for name, match := range map[string]bool{
		"another PIN":    key.IsPIN("ada", digest, "835173"),
		"no PIN":         key.IsPIN("ada", digest, ""),
		"another person": key.IsPIN("bruno", digest, "835172"),
		"another key":    other.IsPIN("ada", digest, "835172"),
		"cut off":        key.IsPIN("ada", head, "835172"),
		"changed":        key.IsPIN("ada", head+strings.Map(func(r rune) rune { return 'A' + (r+1)%26 }, tail), "835172"),
		"fewer rounds":   key.IsPIN("ada", strings.Replace(digest, ":100000$", ":1$", 1), "835172"),
		"endless rounds": key.IsPIN("ada", strings.Replace(digest, ":100000$", ":2000000000$", 1), "835172"),
		"no rounds":      key.IsPIN("ada", strings.Replace(digest, ":100000$", ":0$", 1), "835172"),
		"no digest":      key.IsPIN("ada", "", ""),
		"empty parts":    key.IsPIN("ada", "pbkdf2-hmac-sha256:1$$", ""),
		"another way":    key.IsPIN("ada", strings.Replace(digest, "pbkdf2", "argon2", 1), "835172"),
	} {
		if match {
			t.Errorf("%s matches", name)
		}
	}
}

func BenchmarkIsPIN(b *testing.B) {
	key := vault.Key{1}
	digest := key.PINDigest("ada", "835172")
	for b.Loop() {
		key.IsPIN("ada", digest, "835173")
	}
}
