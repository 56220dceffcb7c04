package telephone_test

import (
	"net/url"
	"testing"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/internal/fuzztest"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
)

// What the fuzz target keeps, and what the call says first; nothing is taken.
func TestKeptInputsAreRefused(t *testing.T) {
	wrong, noKey := "That PIN is wrong.", "Nothing belongs to that key."
	fuzztest.Refused(t, "FuzzKeys", map[string]string{
		"wrong_pin": wrong, "third_wrong_pin": wrong, "pin_with_the_hash_key": wrong, "digits_of_another_script": wrong,
		"right_pin_too_early": noKey, "try_that_is_none": noKey,
	}, func(args []string) string {
		query, err := url.ParseQuery(args[0])
		if err != nil {
			t.Fatal(err)
		}
		q, ok := telephone.ReadQuestion("7K4M2QX9D", "p1a1", query)
		if !ok {
			t.Fatalf("%s is no question", args[0])
		}
		return q.Heard(t.Context(), args[1], notifier.KeyPress{ProviderID: "c1"}, &guarded{right: "835172"}, zap.NewNop()).Words[0]
	})
}
