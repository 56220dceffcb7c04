package eventlog_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
)

func TestInspectingAStreamMakesNone(t *testing.T) {
	e := eventlogtest.Start(t)
	nc, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for range 2 {
		if c, err := eventlog.Inspect(t.Context(), nc, eventlog.Requests); err != nil || c.Exists {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	eventlogtest.Open(t, e, eventlog.Requests)
	c, err := eventlog.Inspect(t.Context(), nc, eventlog.Requests)
	if err != nil || !c.Exists || c.Misfit != nil || c.Replicas != 1 || c.Current != 1 || time.Since(c.Time).Abs() > time.Minute {
		t.Errorf("%+v, %v", c, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ROSTER", Subjects: []string{"roster.>"}, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if c, err := eventlog.Inspect(t.Context(), nc, eventlog.Roster); err != nil || c.Misfit == nil {
		t.Errorf("a stream that forgets: %+v, %v", c, err)
	}
}

func TestServersTellTheSystemAccountHowTheyTreatTheirDisks(t *testing.T) {
	system, users := server.NewAccount("SYS"), server.NewAccount("LINE")
	for _, always := range []bool{false, true} {
		s, err := server.NewServer(&server.Options{
			ServerName: "n1", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: always,
			Accounts: []*server.Account{system, users}, SystemAccount: "SYS",
			Users: []*server.User{{Username: "sys", Password: "p", Account: system}, {Username: "line", Password: "p", Account: users}},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(s.Shutdown)
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not become ready")
		}
		ask := func(user string) []eventlog.Disk {
			nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, "p"))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			disks, err := eventlog.Disks(ctx, nc)
			if err != nil {
				t.Fatal(err)
			}
			return disks
		}
		if got := ask("sys"); len(got) != 1 || got[0] != (eventlog.Disk{Server: "n1", Always: always}) {
			t.Errorf("sync_always %t: %+v", always, got)
		}
		if got := ask("line"); len(got) != 0 {
			t.Errorf("to others it tells %+v", got)
		}
	}
}
