// Package eventlogtest starts event logs for tests. They work inside a testing/synctest bubble when the test's TestMain is [Main].
package eventlogtest

import (
	"os"
	"testing"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/dutyline/dutyline/eventlog"
)

// Main runs the tests of a package. The server's access-time service must be started outside every bubble.
func Main(m *testing.M) {
	ats.Register()
	code := m.Run()
	ats.Unregister()
	os.Exit(code)
}

// Start starts a server without TCP and without fsync in a directory of the test.
func Start(t testing.TB) *eventlog.Embedded {
	t.Helper()
	e, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: t.TempDir(), DontListen: true, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	return e
}

// Open opens a stream of a server over a connection of its own.
func Open(t testing.TB, e *eventlog.Embedded, s eventlog.Stream) *eventlog.Log {
	t.Helper()
	nc, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	log, err := eventlog.Open(t.Context(), nc, s, 1)
	if err != nil {
		t.Fatal(err)
	}
	return log
}
