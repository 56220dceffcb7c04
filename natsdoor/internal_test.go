package natsdoor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/eventlog"
)

// nobody is a directory in which no token is valid.
type nobody struct{ Directory }

func (nobody) Principal(string, time.Time) (directory.Principal, error) {
	return directory.Principal{}, directory.ErrToken
}

func (nobody) Changed() <-chan struct{} { return nil }

// Servers of NATS come and go; one that is gone answers nobody who wants a connection ended.
func TestConnectionsThatCannotBeEndedHoldUpNoShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: t.TempDir(), DontListen: true, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Shutdown()
		nc, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		silent, err := nc.SubscribeSync("$SYS.REQ.SERVER.*.KICK") // of the nodes' account: nobody answers
		if err != nil {
			t.Fatal(err)
		}
		c := &callout{Options: Options{Conn: nc, Directory: nobody{}, Now: time.Now, Logger: zap.NewNop()}, guests: map[guest]leaseOf{}}
		for i := range uint64(30) {
			c.remember(guest{"gone", i}, leaseOf{"t", time.Now().Add(time.Hour)})
		}
		end, ended := make(chan struct{}), make(chan struct{})
		go func() {
			c.watch(end)
			close(ended)
		}()
		if _, err := silent.NextMsgWithContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		close(end)
		<-ended
		if took := time.Since(began); took > ask {
			t.Errorf("the end took %s", took)
		}
	})
}

func TestOfHeadersThatDifferInCapitalsItIsAlwaysTheSame(t *testing.T) {
	headers := func() micro.Headers {
		return micro.Headers{"idempotency-key": {"a"}, "IDEMPOTENCY-KEY": {"b"}, "Idempotency-key": {"c"}, "other": {"d"}}
	}
	first := call{header: headers()}.get("Idempotency-Key")
	for range 100 {
		if again := (call{header: headers()}).get("Idempotency-Key"); again != first || again == "" {
			t.Fatalf("%q, then %q", first, again)
		}
	}
}
