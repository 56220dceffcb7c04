package eventlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/eventlog"
)

func TestCredentialsOfAnotherKindAreNamedAndNotQuoted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.creds")
	if err := os.WriteFile(path, []byte("SUAAJ6-not-a-seed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + ".absent"} {
		_, err := eventlog.Connect(eventlog.Server{URL: "nats://127.0.0.1:1", CredentialsFile: file}, zap.NewNop())
		if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "SUAAJ6") || errors.Is(err, eventlog.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	}
}

// doorkeeper turns away a number of those who connect.
type doorkeeper struct{ refuse atomic.Int32 }

func (d *doorkeeper) Check(server.ClientAuthentication) bool { return d.refuse.Add(-1) < 0 }

// Credentials that are refused for a while, as while NATS is configured anew, must not end a node's connection for ever.
func TestAConnectionThatIsRefusedForAWhileComesBack(t *testing.T) {
	keeper := &doorkeeper{}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, CustomClientAuthentication: keeper})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := eventlog.Connect(eventlog.Server{URL: s.ClientURL()}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	keeper.refuse.Store(3)
	cid, err := nc.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DisconnectClientByID(cid); err != nil {
		t.Fatal(err)
	}
	for keeper.refuse.Load() >= 0 || !nc.IsConnected() {
		if nc.IsClosed() {
			t.Fatalf("closed for ever: %v", nc.LastError())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
