package app

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vault"
)

// TestErasedContentIsGoneAndItsHistoryVerifies erases the key of one request: nobody reads its content any more, not even a node with the
// deployment's key; its log is as it was, and another request's content is untouched.
func TestErasedContentIsGoneAndItsHistoryVerifies(t *testing.T) {
	server := eventlogtest.Start(t)
	deployment := vault.NewDeploymentKey()
	requests, keys := eventlogtest.Open(t, server, eventlog.Requests), eventlogtest.Open(t, server, eventlog.Keys)
	sealer := vault.New(deployment, keyLog{keys})
	t.Cleanup(func() { _ = sealer.Close(context.Background()) })
	door := intake.New(intake.Options{Log: requestLog{requests}, Sealer: sealer, Keys: sealer, Deployment: deployment, Node: "n1", Now: time.Now})
	raise := func(key string) request.Ref {
		result, err := door.Raise(t.Context(), "s1", key, []byte(`{"type":"preservation","facts":"marker `+key+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		return result.Ref
	}
	erased, kept := raise("gone"), raise("kept")
	if content, err := door.Content(t.Context(), erased); err != nil || !bytes.Contains(content.Content, []byte("marker gone")) {
		t.Fatalf("content before: %s, %v", content.Content, err)
	}
	before, err := requestLog{requests}.History(t.Context(), erased)
	if err != nil {
		t.Fatal(err)
	}
	state := request.NewState(erased)
	for _, c := range before {
		if err := state.Apply(c.Seq, c.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := sealer.Erase(t.Context(), state.Scope()); err != nil {
		t.Fatal(err)
	}
	fresh := intake.New(intake.Options{
		Log: requestLog{requests}, Sealer: vault.New(deployment, keyLog{keys}), Deployment: deployment, Node: "n2", Now: time.Now,
	})
	for name, service := range map[string]*intake.Service{"the node that erased": door, "another node": fresh} {
		if _, err := service.Content(t.Context(), erased); !errors.Is(err, intake.ErrErased) {
			t.Errorf("%s: content of the erased request: %v", name, err)
		}
		if content, err := service.Content(t.Context(), kept); err != nil || !bytes.Contains(content.Content, []byte("marker kept")) {
			t.Errorf("%s: content of the other request: %s, %v", name, content.Content, err)
		}
	}
	entries, err := keys.History(t.Context(), "keys."+state.Scope())
	if err != nil || len(entries) != 1 || len(entries[0].Data) != 0 {
		t.Errorf("of the key there are %d entries left (%v): want an empty tombstone", len(entries), err)
	}
	after, err := requestLog{requests}.History(t.Context(), erased)
	if err != nil || len(after) != len(before) || !bytes.Equal(after[0].Data, before[0].Data) {
		t.Errorf("the log changed: %d commits, were %d (%v)", len(after), len(before), err)
	}
	if _, err := request.Verify(erased, after); err != nil {
		t.Errorf("the history does not verify: %v", err)
	}
	if _, err := fresh.Withdraw(t.Context(), "s1", erased, "no longer needed"); err == nil {
		after, _ = requestLog{requests}.History(t.Context(), erased)
		if _, err := request.Verify(erased, after); err != nil {
			t.Errorf("the history does not verify after the withdrawal: %v", err)
		}
	} else {
		t.Errorf("an erased request cannot be withdrawn: %v", err)
	}
}
