package vault

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

const (
	pinAlgorithm = "pbkdf2-hmac-sha256"
	pinRounds    = 100_000
	// mostRounds is what a digest of a later version may ask for; more is none of ours.
	mostRounds = 10 * pinRounds
	pinSalt    = 16 // bytes
)

// PINDigest is what is stored of a PIN: "pbkdf2-hmac-sha256:<rounds>$<salt>$<digest>", with a salt of its own each time. It is of this person
// and this key alone: a PIN has so few digits that only the key keeps whoever has the digest from trying them all. The rounds make it slow for
// whoever has both.
func (k Key) PINDigest(person, pin string) string {
	salt := make([]byte, pinSalt)
	_, _ = rand.Read(salt) // never fails
	return strings.Join([]string{pinAlgorithm + ":" + strconv.Itoa(pinRounds), encodePart(salt), encodePart(k.pinMAC(person, pin, salt, pinRounds))}, "$")
}

// IsPIN reports whether a digest is that of a PIN of a person. How long it takes depends on neither the PIN nor how wrong it is. What is no
// digest of ours is that of no PIN.
func (k Key) IsPIN(person, digest, pin string) bool {
	rest, ours := strings.CutPrefix(digest, pinAlgorithm+":")
	parts := strings.Split(rest, "$")
	if !ours || len(parts) != 3 {
		return false
	}
	rounds, err := strconv.Atoi(parts[0])
	if err != nil || rounds < 1 || rounds > mostRounds {
		return false
	}
	salt, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	want, err := base64.RawURLEncoding.DecodeString(parts[2])
	return err == nil && hmac.Equal(want, k.pinMAC(person, pin, salt, rounds))
}

func (k Key) pinMAC(person, pin string, salt []byte, rounds int) []byte {
	slow, err := pbkdf2.Key(sha256.New, pin, salt, rounds, sha256.Size)
	if err != nil {
		panic("vault: PBKDF2 of 32 bytes: " + err.Error()) // cannot happen: the length is fixed
	}
	return k.MAC(person, string(slow))
}

func encodePart(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
