package request

import (
	"errors"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz targets keep, and what it is refused with.
func TestKeptInputsAreRefused(t *testing.T) {
	const unreadable = "unreadable"
	fuzztest.Refused(t, "FuzzParseContent", map[string]string{
		"member_twice": unreadable, "member_twice_by_escape": unreadable, "overlong_utf8": unreadable, "nested_1001_deep": unreadable, "byte_order_mark": unreadable,
		"type_in_a_list": "/type:wrong_type", "urgency_with_bidi_control": "/urgency:not_allowed",
	}, func(args []string) string {
		_, fields, err := ParseContent([]byte(args[0]))
		if errors.Is(err, ErrUnreadable) {
			return unreadable
		}
		var words []string
		for _, f := range fields {
			words = append(words, f.Field+":"+f.Code)
		}
		return strings.Join(words, " ")
	})
	const noCommit = "no commit"
	fuzztest.Refused(t, "FuzzFold", map[string]string{
		"leap_second": noCommit, "year_10000_behind_an_offset": noCommit, "another_request": noCommit, "version_2_to_the_63": noCommit, "no_event": noCommit,
		"body_is_a_list": noCommit, "expires_in_the_year_10000": noCommit,
	}, func(args []string) string {
		log, s := night(t)
		pages, version := len(s.Pages), s.Version
		if err := s.Apply(log[len(log)-1].Seq+1, []byte(args[0])); errors.Is(err, ErrCommit) && len(s.Pages) == pages && s.Version == version {
			return noCommit
		}
		return ""
	})
	const noReference = "no reference"
	fuzztest.Refused(t, "FuzzReference", map[string]string{
		"two_neighbours_exchanged": noReference, "kelvin_sign": noReference, "bidi_control": noReference, "nul_behind": noReference, "one_too_many": noReference, "en_dashes": noReference,
	}, func(args []string) string {
		if _, err := ParseRef(args[0]); errors.Is(err, ErrReference) {
			return noReference
		}
		return ""
	})
}
