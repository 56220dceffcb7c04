package dispatcher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A provider that takes everything and delivers nothing has shown nothing by taking one more.
func TestAProviderThatDeliversNothingIsTriedByOneAgain(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.silent = func(c dispatcher.Call) bool { return c.Provider == "twilio" }
	w.start("n1")
	w.edit(func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada", "bruno", "carmen"}} })
	w.raise(1, request.Urgent)
	w.run(65 * time.Second) // it is passed over from 30 s on, and rests until 60 s
	again := w.now
	for n := range 10 {
		w.raise(2+n, request.Urgent)
		w.run(time.Second)
	}
	through := map[string]int{}
	for _, c := range w.calls {
		if !c.at.Before(again) {
			through[c.Provider]++
		}
	}
	if through["twilio"] != 1 || through["vonage"] != 29 {
		t.Errorf("texts went through %v", through)
	}
}

// One text for several pages that is not taken is one failure, however many pages it had.
func TestATextForSeveralThatIsNotTakenBreaksNoProvider(t *testing.T) {
	w := newTogetherWorld(t)
	w.second = true
	w.start("n1")
	w.raise(0, request.Urgent)
	w.run(time.Second)
	for n := range 4 {
		w.raise(1+n, request.Urgent)
	}
	w.fails("twilio", 50*time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"})
	w.run(w.calls[0].at.Add(5*time.Second + 500*time.Millisecond).Sub(w.now))
	if joint := w.calls[1]; joint.Provider != "twilio" || len(joint.With) != 3 {
		t.Fatalf("through %s, with %d others", joint.Provider, len(joint.With))
	}
	w.fails("", 0, nil)
	ref := w.raise(9, request.Urgent)
	w.run(10 * time.Second)
	i := slices.IndexFunc(w.calls, func(c called) bool { return c.Message.Ref == ref })
	if i < 0 || w.calls[i].Provider != "twilio" {
		t.Errorf("the next one does not go through it: call %d of %s", i, w.throughWhom(w.calls[0].at))
	}
}
