package vonage_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz target keeps, and the status that it is answered with; nothing of it reaches us.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzWebhook", map[string]string{
		"forged": "403", "call_without_a_mark": "403", "call_with_a_mark_of_nothing": "403", "receipt_of_another_attempt": "403", "receipt_with_a_token": "403",
		"text_of_another_account": "403", "text_of_1970": "403", "receipt_of_a_wrong_reference": "404", "fallback_for_another_site": "404",
		"fallback_that_cannot_be_read": "400",
	}, func(args []string) string {
		target, err := url.ParseRequestURI("/" + args[0])
		if err != nil {
			t.Fatal(err)
		}
		way, err := strconv.Atoi(args[4])
		if err != nil {
			t.Fatal(err)
		}
		body := args[1]
		if way == asText {
			body = textOf(args[2], args[3])
		}
		s := &sink{}
		got := bring(newClient(t, options()).Webhooks(s), target, body, way)
		if s.reached() > 0 {
			t.Errorf("%v reached us", args)
		}
		return strconv.Itoa(got.Code)
	})
}
