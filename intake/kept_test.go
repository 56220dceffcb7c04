package intake_test

import (
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz targets keep, and what it is refused with.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzRaise", map[string]string{
		"member_twice": "unreadable", "half_a_surrogate_pair_in_utf8": "unreadable", "bracket_behind": "unreadable", "nested_1001_deep": "unreadable",
		"type_null": "invalid", "confidential_as_text": "invalid",
	}, func(args []string) string {
		_, err := clearService(newMemory()).Raise(t.Context(), "s1", args[0], []byte(args[1]))
		return refusal(err)
	})
	fuzztest.Refused(t, "FuzzAmend", map[string]string{
		"member_twice": "unreadable", "patch_is_a_list": "unreadable", "patch_is_null": "unreadable", "overlong_utf8": "unreadable", "nested_1001_deep": "unreadable",
		"type_taken_away": "invalid", "urgency_lowered": "invalid", "details_become_a_text": "invalid",
	}, func(args []string) string {
		s := clearService(newMemory())
		raised, err := s.Raise(t.Context(), "s1", "k", []byte(args[0]))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Amend(t.Context(), "s1", raised.Ref, 1, []byte(args[1]))
		return refusal(err)
	})
}
