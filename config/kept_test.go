package config

import (
	"strings"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz target keeps, and the first thing that an operator is told of it.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzLoad", map[string]string{
		"alias_of_itself":       "fuzz.yaml:1: anchors, aliases, merges and tags are not taken: write the value out",
		"merge_key":             "fuzz.yaml:1: anchors, aliases, merges and tags are not taken: write the value out",
		"rate_not_a_number":     "fuzz.yaml:1: twilio.texts_per_second: a number from 0 is expected: write how many go out in a second, as in 1 or 0.5; 0 is unlimited",
		"wait_beyond_292_years": "fuzz.yaml:1: policy.waits.urgent: a positive time is expected: write it with its unit, as in 90s or 8h",
		"key_with_bidi_control": `fuzz.yaml:1: "\u202enode": this key is not known: take it out, or spell it as the documentation of the configuration does`,
		"replicas_2_to_the_64":  "DUTYLINE_NATS_REPLICAS: a whole number is expected: write digits, as in 3",
		"levels_are_a_text":     "DUTYLINE_POLICY_LEVELS: a list of levels is expected, each a list of targets: write [[roster], [next]]",
		"key_twice":             `fuzz.yaml:2: this is not readable YAML: mapping key "node" already defined at [1:1]`,
	}, func(args []string) string {
		_, err := load("fuzz.yaml", []byte(args[0]), strings.Split(args[1], "\n"))
		if err == nil {
			return ""
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		return first
	})
}
