package natsdoor

import (
	"crypto/rand"
	"fmt"

	"github.com/nats-io/nkeys"
)

// Keys are what the door signs permissions with, and what NATS seals the tokens of those who connect for. All nodes of a deployment have the
// same. The zero value is no key: NATS cannot ask.
type Keys struct{ issuer, box nkeys.KeyPair }

// NewKeys makes the keys of two secrets.
func NewKeys(issuer, box [32]byte) (k Keys, err error) {
	if k.issuer, err = nkeys.FromRawSeed(nkeys.PrefixByteAccount, issuer[:]); err != nil {
		return Keys{}, fmt.Errorf("make the issuer's key: %w", err)
	}
	seed, err := nkeys.EncodeSeed(nkeys.PrefixByteCurve, box[:])
	if err != nil {
		return Keys{}, fmt.Errorf("make the key for tokens: %w", err)
	}
	if k.box, err = nkeys.FromCurveSeed(seed); err != nil {
		return Keys{}, fmt.Errorf("make the key for tokens: %w", err)
	}
	return k, nil
}

// RandomKeys makes keys that nobody else has, for a NATS in this process that asks nobody else.
func RandomKeys() (Keys, error) {
	var issuer, box [32]byte
	_, _ = rand.Read(issuer[:]) // never fails
	_, _ = rand.Read(box[:])
	return NewKeys(issuer, box)
}

// Public gives what the configuration of NATS names: the issuer and the xkey of its auth_callout.
func (k Keys) Public() (issuer, xkey string) {
	if k.issuer == nil {
		return "", ""
	}
	issuer, _ = k.issuer.PublicKey() // of keys that were made
	xkey, _ = k.box.PublicKey()
	return issuer, xkey
}
