package web_test

import (
	"strconv"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz target keeps, and the status and code that it is answered with.
func TestKeptInputsAreRefused(t *testing.T) {
	w := newWorld(t)
	gatewayOf(w, "ada")
	fuzztest.Refused(t, "FuzzCall", map[string]string{
		"400_member_twice": "400 unreadable", "400_bracket_behind_a_reason": "400 unreadable", "400_yaml_alias": "400 unreadable", "400_key_of_256_bytes": "400 unreadable",
		"400_position_beyond_64_bits": "400 unreadable", "400_leap_second": "400 unreadable", "401_token_of_nobody": "401 unauthorized", "404_reference_with_a_wrong_check": "404 not_found",
		"412_version_2_to_the_62": "412 version_mismatch", "412_any_version": "412 version_mismatch", "415_json_as_a_patch": "415 unsupported_media_type",
		"403_webhook_key_for_an_officer": "403 forbidden", "404_key_of_a_contact_that_is_no_webhook": "404 not_found", "403_pin_of_a_colleague": "403 forbidden", "422_empty_roster": "422 invalid", "428_no_version": "428 version_required",
	}, func(args []string) string {
		got := w.fuzzed(calls[args[0][0]], w.raised().Reference, args[1], args[2], args[3], args[4], args[5], args[6])
		if got.StatusCode < 400 {
			return ""
		}
		return strconv.Itoa(got.StatusCode) + " " + got.problem(t)
	})
}
