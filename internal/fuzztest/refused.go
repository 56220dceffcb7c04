package fuzztest

import (
	"strings"
	"testing"
)

// Refused holds what a target keeps to a table: for every file what it is refused with, by its name. Files whose names begin with crasher_
// once broke something and are taken now. verdict gives the word for what comes of the arguments, "" when they are taken.
func Refused(t *testing.T, target string, want map[string]string, verdict func(args []string) string) {
	t.Helper()
	seen := 0
	for _, name := range Names(t, target) {
		if strings.HasPrefix(name, "crasher_") {
			continue
		}
		expected, described := want[name]
		if !described || expected == "" {
			t.Errorf("%s keeps %s, and the table does not say why it is refused", target, name)
			continue
		}
		seen++
		if got := verdict(Read(t, target, name)); got != expected {
			t.Errorf("%s/%s is refused with %q, want %q", target, name, got, expected)
		}
	}
	if seen != len(want) {
		t.Errorf("%s keeps %d of %d inputs of the table", target, seen, len(want))
	}
}
