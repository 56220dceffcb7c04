package twilio_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz target keeps, and the status that it is answered with; nothing of it reaches us.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzWebhook", map[string]string{
		"forged": "403", "key_repeated": "403", "another_account": "403", "percent_that_is_none": "403", "semicolon": "403",
		"reference_with_a_wrong_check": "404", "attempt_with_a_nul": "404",
	}, func(args []string) string {
		s := &sink{}
		form, _ := url.ParseQuery(args[1])
		signature := "forged"
		if args[2] == "true" {
			signature = sign(authToken, public+args[0], form)
		}
		got := post(webhooks(t, s), args[0], signature, args[1])
		if len(s.reports)+len(s.replies)+len(s.keys) > 0 {
			t.Errorf("%v reached us", args)
		}
		return strconv.Itoa(got.Code)
	})
}
