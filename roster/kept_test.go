package roster_test

import (
	"encoding/json"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"

	"github.com/dutyline/dutyline/roster"
)

// What the fuzz target keeps, and the place that it is refused for.
func TestKeptInputsAreRefused(t *testing.T) {
	const rotation = "/rosters/0/layers/0/rotation/"
	fuzztest.Refused(t, "FuzzBook", map[string]string{
		"zone_outside_the_database": "/rosters/0/time_zone", "zone_of_this_machine": "/rosters/0/time_zone", "day_that_there_is_not": rotation + "from",
		"handover_at_24": rotation + "handover", "turn_of_2_to_the_31": rotation + "length", "override_that_ends_first": "/rosters/0/overrides/0/until",
		"call_sign_with_bidi_control": "/people/0/call_sign", "call_sign_twice_by_case": "/people/1/call_sign",
	}, func(args []string) string {
		var book roster.Book
		if err := json.Unmarshal([]byte(args[0]), &book); err != nil {
			t.Fatal(err)
		}
		_, err := roster.Compile(book)
		invalid, ok := err.(*roster.ValidationError) //nolint:errorlint // it is not wrapped
		if !ok || len(invalid.Problems) != 1 {
			return ""
		}
		return invalid.Problems[0].Path
	})
}
