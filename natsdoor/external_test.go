package natsdoor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/vault"
)

// snippet is what docs/nats.md tells operators to put into the configuration of NATS.
func snippet(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/nats.md")
	must(t, err)
	m := regexp.MustCompile("(?s)```conf\n(.*?)```").FindSubmatch(page)
	if m == nil {
		t.Fatal("docs/nats.md has no configuration")
	}
	return string(m[1])
}

// A server outside of the process, configured as docs/nats.md says, with a node on it.
func TestAServerConfiguredByTheManualBindsSenders(t *testing.T) {
	keys, err := natsdoor.NewKeys([32]byte{7}, [32]byte{8})
	must(t, err)
	issuer, xkey := keys.Public()
	user, err := nkeys.CreateUser()
	must(t, err)
	public, err := user.PublicKey()
	must(t, err)
	seed, err := user.Seed()
	must(t, err)
	dir := t.TempDir()
	credentials := filepath.Join(dir, "node.nk")
	must(t, os.WriteFile(credentials, append(seed, '\n'), 0o600))
	text := strings.NewReplacer(
		"<public nkey of the nodes>", public, "<issuer>", issuer, "<xkey>", xkey,
		"<bcrypt of a password>", "$2a$04$XOTLlj3NE0wRYRnjuUBhpOSKCNr8SGmhMSTHYVvRt9x/1KQDxyOAa",
	).Replace(snippet(t))
	if strings.Contains(text, "<") {
		t.Fatalf("something is left to fill in:\n%s", text)
	}
	path := filepath.Join(dir, "nats.conf")
	must(t, os.WriteFile(path, []byte(text+"\nserver_name: n\nlisten: 127.0.0.1:-1\njetstream { store_dir: "+filepath.Join(dir, "store")+" }\n"), 0o600))
	options, err := server.ProcessConfigFile(path)
	must(t, err)
	options.NoSigs, options.NoLog = true, true
	s, err := server.NewServer(options)
	must(t, err)
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}

	dial := func() *nats.Conn {
		t.Helper()
		nc, err := eventlog.Connect(eventlog.Server{URL: s.ClientURL(), CredentialsFile: credentials}, zap.NewNop())
		must(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	if _, err := nats.Connect(s.ClientURL(), nats.Token("dl_any_token")); err == nil {
		t.Error("somebody is let in while no node runs")
	}
	nc := dial()
	requests, err := eventlog.Open(t.Context(), nc, eventlog.Requests, 1)
	must(t, err)
	entries, err := eventlog.Open(t.Context(), nc, eventlog.Directory, 1)
	must(t, err)
	listed := directory.New(people{entries})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() { _ = listed.Run(ctx) }()
	w := &world{t: t, log: &slowLog{log: requests}, dir: listed}
	d, err := natsdoor.New(natsdoor.Options{
		Conn: dial(), Directory: listed, Keys: keys, Now: time.Now, WaitFor: w.log.waitFor,
		Intake: intake.New(intake.Options{Log: w.log, Sealer: clearSealer{}, Deployment: vault.Key{1}, Node: "n1", Now: time.Now}),
	})
	must(t, err)
	must(t, d.Open())
	t.Cleanup(d.Close)
	one, other := w.enter("Border Police", "FR"), w.enter("Somebody Else", "DE")

	trouble := make(denied, 16)
	closed := make(chan struct{})
	sender, err := nats.Connect(s.ClientURL(), nats.Token(one.token), nats.CustomInboxPrefix("_INBOX."+one.id), trouble.option(),
		nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(3), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	must(t, err)
	defer sender.Close()
	if r := w.call(sender, one.id, "raise", preservation); r.receipt.Version != 1 {
		t.Errorf("%v %s", r.Header, r.Data)
	}
	for _, subject := range []string{"dutyline.v1." + other.id + ".raise", "requests.7K4M2QX9D", "$JS.API.INFO", "$SYS.REQ.SERVER.x.KICK", "$SYS.REQ.USER.AUTH"} {
		must(t, sender.Publish(subject, nil))
		trouble.refused(t, sender, "publish to "+subject)
	}
	for _, subject := range []string{">", "_INBOX." + other.id + ".>", "requests.>", "$SYS.>"} {
		_, err := sender.SubscribeSync(subject)
		must(t, err)
		trouble.refused(t, sender, "subscribe to "+subject)
	}
	if _, err := nats.Connect(s.ClientURL(), nats.Token("dl_nobody_nothing")); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a made-up token: %v", err)
	}
	_, err = listed.RevokeSender(t.Context(), one.id, time.Now())
	must(t, err)
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Error("a revoked sender is still connected")
	}
}
