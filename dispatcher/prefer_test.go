package dispatcher_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// escalated are the targets of each step of a request.
func escalated(t *testing.T, w *world, ref request.Ref) (steps [][]request.Target) {
	for _, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Events {
			if e.Type != request.Escalated {
				continue
			}
			var body request.EscalatedBody
			if err := json.Unmarshal(e.Body, &body); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, body.Targets)
		}
	}
	return steps
}

// The requests of this world come in English and ask for a preservation.
func TestWhoSpeaksTheLanguageAndMayDecideIsPagedFirstAndNobodyWaits(t *testing.T) {
	w := newWorld(t)
	w.book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada", "bruno", "carmen"}}
	w.book.People[0].Languages = roster.Languages("fr")
	w.book.People[1].Languages = roster.Languages("fr", "en")
	w.book.People[2].Authorities = []string{string(request.Preservation)}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Emergency)
	w.run(time.Second)
	if got := w.paged(began); got != "carmen@0 bruno@0 ada@0" {
		t.Errorf("paged %s", got)
	}
	targets := escalated(t, w, ref)[0]
	if why := targets[0].Why; !slices.Contains(why, "speaks en") || !slices.Contains(why, "may decide: preservation") {
		t.Errorf("reasons %q", why)
	}
}

func TestThatNobodyOnDutySpeaksTheLanguageIsSaidAndDelaysNothing(t *testing.T) {
	w := newWorld(t)
	w.book.People[0].Languages = roster.Languages("fr")
	w.book.People[1].Authorities = []string{string(request.Preservation)}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Emergency)
	w.run(time.Second)
	if got := w.paged(began); got != "ada@0" {
		t.Errorf("paged %s", got)
	}
	why := escalated(t, w, ref)[0][0].Why
	if !slices.Contains(why, "nobody on duty speaks en") || !slices.Contains(why, "nobody on duty may decide: preservation") || len(why) != 3 {
		t.Errorf("reasons %q", why)
	}
}
