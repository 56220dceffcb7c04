package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
)

func play(t *testing.T, o Options) (string, error) {
	t.Helper()
	var out bytes.Buffer
	o.Out, o.Speed, o.Seed = &out, 120, 7
	err := Run(t.Context(), o)
	return out.String(), err
}

func TestTheNightEndsWithAKeyAtTheSecondLevel(t *testing.T) {
	t.Parallel()
	story, err := play(t, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, story)
	}
	last := -1
	for _, part := range []string{
		"divided by 120", "raises", "level 1", "✉ HERON", "the answering machine picks up", "level 2", "✉ OSPREY", "picks up", "presses 1",
		"acknowledges (key)", "is told: acknowledged", "Acknowledged at level 2, by a key", "--seed 7",
	} {
		at := strings.Index(story[max(last, 0):], part)
		if at < 0 {
			t.Fatalf("%q does not come after what stands before it in\n%s", part, story)
		}
		last = max(last, 0) + at
	}
	if strings.Contains(story, "\x1b[") {
		t.Error("there is colour that nobody asked for")
	}
}

func TestTheResultIsTheLastLineAndTheEventsStandBeforeIt(t *testing.T) {
	t.Parallel()
	out, err := play(t, Options{JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var result Result
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &result); err != nil {
		t.Fatal(err)
	}
	if want := (Result{"result", true, result.Reference, 2, request.ViaKey, 2, result.Calls, 7}); result != want || result.Calls < 2 {
		t.Errorf("%+v", result)
	}
	for _, line := range lines[:len(lines)-1] {
		var e client.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == "" || e.Request != result.Reference {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestNobodyAnswersEndsWithTheStandingAlarm(t *testing.T) {
	t.Parallel()
	story, err := play(t, Options{NobodyAnswers: true, Colour: true})
	if !errors.Is(err, ErrUnanswered) {
		t.Fatalf("%v\n%s", err, story)
	}
	for _, part := range []string{"for the third time", "everyone", "unanswered", "\x1b[1;31m", "the alarm stands"} {
		if !strings.Contains(story, part) {
			t.Errorf("%q is not in\n%s", part, story)
		}
	}
}

func TestAStoryThatTheTelephonesDoNotConfirmIsNoSuccess(t *testing.T) {
	n := &night{}
	n.book.People = nil
	log := n.fromLog([]client.Event{
		{Type: request.PageOrdered, Body: json.RawMessage(`{"page":"p1","channel":"voice","level":2}`)},
		{Type: request.AttemptSent, Body: json.RawMessage(`{"page":"p1","provider_id":"CA1"}`)},
		{Type: request.AttemptSent, Body: json.RawMessage(`{"page":"p1","provider_id":"CA1"}`)},
		{Type: request.Acknowledged, Body: json.RawMessage(`{"page":"p1","person":"ada","via":"key"}`)},
	})
	if want := (tally{0, 1, 2, request.ViaKey, "ada"}); log != want {
		t.Errorf("from the log %+v, want %+v", log, want)
	}
	if agreed(log, tally{calls: 1}) || agreed(log, tally{person: "bruno", calls: 1}) || agreed(log, tally{person: "ada"}) {
		t.Error("stories that differ agree")
	}
	if !agreed(log, tally{calls: 1, person: "ada"}) {
		t.Error("stories that are the same do not agree")
	}
}
