package plainyaml

import (
	"errors"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz target keeps, and the reason that is given.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzJSON", map[string]string{
		"anchor_and_alias_bomb": reasonPlain, "merge_key": reasonPlain, "tag": reasonPlain, "directive": reasonPlain,
		"a_hundred_and_one_levels": reasonDeep, "key_twice_in_two_forms": reasonTwice, "invalid_utf8": reasonEncoding,
	}, func(args []string) string {
		_, err := JSON([]byte(args[0]))
		if wrong, ok := errors.AsType[*Error](err); ok {
			return wrong.Reason
		}
		return ""
	})
}
