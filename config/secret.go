package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// mask is what is printed in place of a secret.
const mask = "***"

// A Secret prints as *** wherever it is formatted, logged or encoded. [Secret.Reveal] is the only way to its value; the zero value is "not set".
type Secret string

var (
	_ fmt.Formatter  = Secret("")
	_ slog.LogValuer = Secret("")
)

// Reveal gives the value, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String is the mask.
func (Secret) String() string { return mask }

// GoString is the mask.
func (Secret) GoString() string { return mask }

// Format writes the mask for every verb: a wrong verb would print the plain value otherwise.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText is the mask, so that JSON and YAML have no more.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalLog is the mask, for loggers that ask for it.
func (Secret) MarshalLog() any { return mask }

// LogValue is the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// keySize is the size of the deployment's key in bytes.
const keySize = 32

// DecodeKey gives the 32 bytes of a deployment key, which is written in hexadecimal or base64. The error does not quote it.
func DecodeKey(s Secret) ([]byte, error) {
	text := strings.TrimSpace(s.Reveal())
	if key, err := hex.DecodeString(text); err == nil && len(key) == keySize {
		return key, nil
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, errors.New("it is not 32 bytes in hexadecimal or base64: make one with openssl rand -hex 32")
}
