package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/vault"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

// TestKeyWorksForEver repeats an idempotency key long after the server has forgotten the id of the append, on another node.
func TestKeyWorksForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := eventlogtest.Start(t)
		key := vault.NewDeploymentKey()
		requests := eventlogtest.Open(t, server, eventlog.Requests)
		keys := eventlogtest.Open(t, server, eventlog.Keys)
		service := func(node string) *intake.Service { // a new one remembers nothing
			return intake.New(intake.Options{
				Log: requestLog{requests}, Sealer: vault.New(key, keyLog{keys}), Deployment: key, Node: node, Now: time.Now,
			})
		}
		body := []byte(`{"type":"preservation","urgency":"critical"}`)
		first, err := service("n1").Raise(context.Background(), "s1", "key", body)
		if err != nil {
			t.Fatal(err)
		}
		for _, later := range []time.Duration{time.Second, 3 * time.Minute, 12 * time.Hour} {
			time.Sleep(later)
			again, err := service("n2").Raise(context.Background(), "s1", "key", body)
			if err != nil || again.Ref != first.Ref || !again.Receipt.ReceivedAt.Equal(first.Receipt.ReceivedAt.Time) {
				t.Errorf("after %s: %s, was %s (%v)", later, again.Ref, first.Ref, err)
			}
		}
		if head, err := requests.Head(context.Background()); err != nil || head != 1 {
			t.Errorf("the log holds %d commits (%v), want one", head, err)
		}
		other, err := service("n1").Raise(context.Background(), "s2", "key", body)
		if err != nil || other.Ref == first.Ref {
			t.Errorf("another sender's key gave %s (%v)", other.Ref, err)
		}
	})
}
