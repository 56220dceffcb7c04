package dispatcher_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

var flying = dispatcher.Canaries{Every: 15 * time.Minute, Slow: time.Minute}

// flown are canaries, the oldest first: how many seconds each took to come back, x for one that was lost, - for one that was not sent, and ? for
// one that is on its way.
func flown(t rapid.TB, story string) (list []dispatcher.Canary) {
	t.Helper()
	at := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	for i, word := range strings.Fields(story) {
		c := dispatcher.Canary{Ref: request.Ref(fmt.Sprintf("REF%06d", i)), Sent: at.Add(time.Duration(i) * flying.Every)}
		c.Began = c.Sent
		switch word {
		case "?":
		case "x":
			c.Reason = dispatcher.EndedLost
		case "-":
			c.Began, c.Reason = time.Time{}, dispatcher.EndedUnsent
		default:
			took, err := time.ParseDuration(word + "s")
			if err != nil {
				t.Fatal(err)
			}
			c.Acknowledged, c.Reason = c.Sent.Add(took), dispatcher.EndedAcknowledged
		}
		list = append(list, c)
	}
	return list
}

func TestAProviderIsJudgedByItsLastCanaries(t *testing.T) {
	for story, want := range map[string]dispatcher.ProbeState{
		"": dispatcher.ProbeUnknown, "?": dispatcher.ProbeUnknown, "- - ?": dispatcher.ProbeUnknown,
		"5": dispatcher.ProbeFine, "x 5": dispatcher.ProbeFine, "x x 5": dispatcher.ProbeFine, "5 60": dispatcher.ProbeFine,
		"x": dispatcher.ProbeShaky, "5 x": dispatcher.ProbeShaky, "x 5 x": dispatcher.ProbeShaky, "5 61": dispatcher.ProbeShaky, "90 90": dispatcher.ProbeShaky,
		"x x": dispatcher.ProbeLost, "5 x x": dispatcher.ProbeLost, "x - x": dispatcher.ProbeLost, "5 x x ?": dispatcher.ProbeLost, "x x - -": dispatcher.ProbeLost,
		"90 90 90": dispatcher.ProbeSlow, "5 90 90": dispatcher.ProbeSlow, "90 5 90": dispatcher.ProbeSlow, "90 90 - 90 ?": dispatcher.ProbeSlow,
		"90 90 5": dispatcher.ProbeFine, "5 5 90": dispatcher.ProbeShaky, "90 90 90 x": dispatcher.ProbeShaky, "90 90 x 90": dispatcher.ProbeSlow,
	} {
		if got := flying.Judge(dispatcher.Probe{}, flown(t, story)).State; got != want {
			t.Errorf("%q is %s, want %s", story, got, want)
		}
	}
}

func TestOneCanaryInTimeMakesAProviderWellAndTwoThatAreLostMakeItIll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		past := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"5", "90", "x", "-", "?"}), 0, 8).Draw(t, "past"), " ")
		pause := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"-", "?"}), 0, 3).Draw(t, "pause"), " ")
		order := rapid.Permutation(flown(t, past+" 5 "+pause)).Draw(t, "order")
		if r := flying.Judge(dispatcher.Probe{}, order); r.State != dispatcher.ProbeFine {
			t.Fatalf("after one in time %s", r.State)
		}
		if r := flying.Judge(dispatcher.Probe{}, flown(t, past+" x "+pause+" x "+pause)); r.State != dispatcher.ProbeLost {
			t.Fatalf("after two that are lost %s", r.State)
		}
	})
}

func TestAllNodesNameTheSameCanary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := dispatcher.Canaries{Every: time.Duration(rapid.IntRange(60, 86_400).Draw(t, "every")) * time.Second}
		p := dispatcher.Probe{Provider: rapid.SampledFrom([]string{"twilio", "vonage"}).Draw(t, "provider"), Medium: "sms"}
		slot := time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "time"), 0).UTC().Truncate(c.Every)
		zone := time.FixedZone("", rapid.IntRange(-14, 14).Draw(t, "zone")*3600)
		within := time.Duration(rapid.Int64Range(0, c.Every.Milliseconds()-1).Draw(t, "within")) * time.Millisecond
		first, again, next := c.At(p, slot), c.At(p, slot.Add(within).In(zone)), c.At(p, slot.Add(c.Every))
		if !first.Same(again) || first.Same(next) {
			t.Fatalf("%s, %s, %s", first.Cause, again.Cause, next.Cause)
		}
		if life := c.Life(); life > c.Every || life <= 0 || !again.Expires.Equal(slot.Add(within+life)) {
			t.Fatalf("it lives for %s", life)
		}
	})
}
