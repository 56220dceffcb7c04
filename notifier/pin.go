package notifier

import (
	"fmt"
	"io"
	"log/slog"
)

// A PIN is what somebody keyed in to show who they are. However it is printed, logged or encoded, it is ***; string(p) is the digits.
type PIN string

// hiddenPIN stands for every PIN, also for none: how long one is, is nobody's business.
const hiddenPIN = "***"

// String hides it.
func (PIN) String() string { return hiddenPIN }

// Format hides it from every verb.
func (PIN) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, hiddenPIN) }

// LogValue hides it.
func (PIN) LogValue() slog.Value { return slog.StringValue(hiddenPIN) }

// MarshalText hides it.
func (PIN) MarshalText() ([]byte, error) { return []byte(hiddenPIN), nil }
