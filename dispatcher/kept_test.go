package dispatcher_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/internal/fuzztest"
	"github.com/dutyline/dutyline/request"
)

// What the fuzz targets keep, and what it is refused with.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzPolicy", map[string]string{
		"rounds_without_end": "policy.rounds", "a_hundred_levels": "policy.levels", "level_without_a_target": "policy.levels[1]", "target_with_bidi_control": "policy.levels[0]",
		"team_without_a_name": "policy.levels[0]", "wait_of_nothing": "policy.waits.emergency", "lapse_in_the_past": "policy.ack_lapse, policy.undo_window",
		"recalls_below_nothing": "policy.recalls",
	}, func(args []string) string {
		number := func(i int) int {
			n, err := strconv.Atoi(args[i])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		err := fuzzedPolicy(args[0], number(1), int64(number(2)), int64(number(3)), int64(number(4)), int64(number(5)), number(6), request.Emergency).Validate()
		if err == nil {
			return ""
		}
		place, _, _ := strings.Cut(err.Error(), ": ")
		return place
	})
	const noCode = "no code"
	fuzztest.Refused(t, "FuzzReply", map[string]string{
		"seven_digits": noCode, "half_and_roman_digits": noCode, "superscript_digit": noCode, "zero_width_space_within": noCode, "three_numbers_of_a_sentence": noCode,
		"command_within_a_sentence": noCode, "word_that_begins_like_a_command": noCode,
	}, func(args []string) string {
		if read := dispatcher.ParseReply(args[0], everyWord()); read.Code == "" && read.Wish == "" {
			return noCode
		}
		return ""
	})
	const noCommit = "not folded"
	logs, _ := stories(t)
	fuzztest.Refused(t, "FuzzMachine", map[string]string{
		"refused_expires_in_the_year_10000": noCommit, "refused_level_1e400": noCommit, "refused_body_of_another_form": noCommit,
	}, func(args []string) string {
		s := request.NewState(logs[0][0].ref)
		if err := s.Apply(1, logs[0][0].data); err != nil {
			t.Fatal(err)
		}
		before := s.Clone()
		c := s.Decide(storyBegan.Add(time.Second), "n9", request.Actor{Kind: request.BySystem, ID: "n9"}, request.Event{Type: request.EventType(args[2]), Body: json.RawMessage(args[3])})
		if err := s.Apply(2, encode(t, c)); err != nil && s.Owner == before.Owner && len(s.Pages) == len(before.Pages) && s.Step.Count == before.Step.Count {
			return noCommit
		}
		return ""
	})
}
