package natsdoor_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dutyline/dutyline/directory"
)

// denied is what a client hears of what it may not do; NATS says it after the fact.
type denied chan error

func (d denied) option() nats.Option {
	return nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case d <- err:
		default:
		}
	})
}

// none fails the test unless NATS refused what was just done.
func (d denied) refused(t *testing.T, nc *nats.Conn, what string) {
	t.Helper()
	flush(t, nc)
	select {
	case err := <-d:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("%s: NATS let it through", what)
	}
}

// These tests connect over TCP as a sender does, and try what a sender must not be able to do.

func TestASenderMayPublishToItsFourSubjectsAlone(t *testing.T) {
	w := newWorld(t, false)
	trouble := make(denied, 16)
	nc := w.as(w.sender, trouble.option())
	if r := w.call(nc, w.sender.id, "raise", preservation); r.receipt.Status != "received" {
		t.Fatalf("%v %s", r.Header, r.Data)
	}
	head, err := w.log.log.Head(t.Context())
	must(t, err)
	for _, subject := range []string{
		"dutyline.v1." + w.other.id + ".raise", "dutyline.v1." + w.other.id + ".withdraw", "dutyline.v1." + w.sender.id + ".raise.more",
		"dutyline.v1." + w.sender.id + ".status.7K4M-2QX9-D", "dutyline.v1." + w.sender.id + ".acknowledge",
		"_INBOX." + w.other.id + ".x", "_INBOX.x", "_INBOX." + w.sender.id + ".x",
		"requests.7K4M2QX9D", "ops.7K4M2QX9U", "keys.7K4M2QX9D", "roster.book", "directory.token.x", "directory.sender." + w.sender.id,
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.DELETE.REQUESTS", "$JS.API.STREAM.MSG.GET.KEYS", "$JS.API.CONSUMER.CREATE.REQUESTS",
		"$JS.ACK.REQUESTS.x", "$SYS.REQ.USER.AUTH", "$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.x.KICK", "$SRV.INFO.dutyline", "$SRV.STATS",
		"dutyline.presence",
	} {
		must(t, nc.Publish(subject, []byte(`{"v":1}`)))
		trouble.refused(t, nc, "publish to "+subject)
	}
	if now, err := w.log.log.Head(t.Context()); err != nil || now != head {
		t.Errorf("the log moved from %d to %d: %v", head, now, err)
	}
}

func TestASenderHearsItsStatusAndItsInboxAlone(t *testing.T) {
	w := newWorld(t, false)
	trouble := make(denied, 16)
	nc := w.as(w.sender, trouble.option())
	for _, subject := range []string{
		">", "*", "dutyline.>", "dutyline.v1.>", "dutyline.v1.*.raise", "dutyline.v1." + w.sender.id + ".raise", "dutyline.v1.*.status.>",
		"dutyline.v1." + w.other.id + ".status.>", "dutyline.v1." + w.other.id + ".>", "_INBOX.>", "_INBOX.*.*", "_INBOX." + w.other.id + ".>",
		"requests.>", "ops.>", "keys.>", "roster.>", "directory.>", "dutyline.presence", "$SYS.>", "$SYS.REQ.USER.AUTH", "$SRV.>", "$JS.>",
	} {
		_, err := nc.SubscribeSync(subject)
		must(t, err)
		trouble.refused(t, nc, "subscribe to "+subject)
		_, err = nc.QueueSubscribeSync(subject, "dutyline")
		must(t, err)
		trouble.refused(t, nc, "join the queue on "+subject)
	}
	for _, subject := range []string{"dutyline.v1." + w.sender.id + ".status.>", "_INBOX." + w.sender.id + ".>"} {
		_, err := nc.SubscribeSync(subject)
		must(t, err)
	}
	flush(t, nc)
	select {
	case err := <-trouble:
		t.Errorf("its own: %v", err)
	default:
	}
}

// The door's rights are wider than a sender's: a reply subject must not lend them.
func TestAReplySubjectLendsNobodyTheRightsOfTheDoor(t *testing.T) {
	w := newWorld(t, false)
	nc := w.as(w.sender)
	internal, err := w.server.Connect()
	must(t, err)
	t.Cleanup(internal.Close)
	everything, err := internal.SubscribeSync(">")
	must(t, err)
	flush(t, internal)
	victims := []string{
		"requests.7K4M2QX9D", "ops.7K4M2QX9U", "keys.7K4M2QX9D", "roster.book", "directory.token.x", "$JS.API.STREAM.DELETE.REQUESTS",
		"$JS.API.STREAM.PURGE.KEYS", "_INBOX." + w.other.id + ".guess", "_INBOX." + w.sender.id, "_INBOX." + w.sender.id + ".",
		"dutyline.v1." + w.other.id + ".raise", "dutyline.v1." + w.other.id + ".status.x", "dutyline.presence",
	}
	for _, victim := range victims {
		for _, call := range []string{"raise", "show"} { // one that succeeds, one that fails
			must(t, nc.PublishMsg(&nats.Msg{Subject: "dutyline.v1." + w.sender.id + "." + call, Reply: victim, Data: []byte(`{"type":"readiness_test"}`)}))
		}
	}
	// NATS would write a trace of a message wherever its header says.
	traced := nats.NewMsg("dutyline.v1." + w.sender.id + ".show")
	traced.Header.Set("Nats-Trace-Dest", "requests.7K4M2QX9D")
	must(t, nc.PublishMsg(traced))
	flush(t, nc)
	w.door.Close() // everything is answered
	flush(t, internal)
	for {
		m := next(t, everything, 200*time.Millisecond)
		if m == nil {
			break
		}
		if strings.HasPrefix(m.Subject, "dutyline.v1."+w.sender.id) || strings.HasPrefix(m.Subject, "_INBOX.") && !strings.Contains(m.Subject, w.other.id) && !strings.Contains(m.Subject, w.sender.id) ||
			strings.HasPrefix(m.Subject, "$JS.API.DIRECT.") || strings.HasPrefix(m.Subject, "$JS.API.STREAM.MSG.GET") || strings.HasPrefix(m.Subject, "$JS.API.STREAM.INFO") || strings.HasPrefix(m.Subject, "$JS.FC") || strings.HasPrefix(m.Subject, "$JS.ACK") {
			continue
		}
		if strings.HasPrefix(m.Subject, "requests.") && strings.Contains(string(m.Data), `"received"`) && m.Subject != "requests.7K4M2QX9D" {
			continue // what was raised is stored all the same
		}
		t.Errorf("a message on %s: %v", m.Subject, m.Header)
	}
}

func TestOnlySendersAreLetIn(t *testing.T) {
	w := newWorld(t, false)
	officer, officerToken, err := w.dir.AddToken(t.Context(), directory.RoleOfficer, "ada", time.Hour, time.Now())
	must(t, err)
	_, coordinator, err := w.dir.AddToken(t.Context(), directory.RoleCoordinator, "carmen", time.Hour, time.Now())
	must(t, err)
	_, brief, err := w.dir.AddToken(t.Context(), directory.RoleSender, w.sender.id, time.Nanosecond, time.Now())
	must(t, err)
	revoked := w.enter("Revoked", "IT")
	_, err = w.dir.RevokeToken(t.Context(), revoked.tokenID, time.Now())
	must(t, err)
	ended := w.enter("Ended", "IT")
	_, err = w.dir.RevokeSender(t.Context(), ended.id, time.Now())
	must(t, err)
	for what, token := range map[string]string{
		"nothing": "", "nonsense": "nonsense", "an officer": officerToken, "a coordinator": coordinator, "expired": brief, "revoked": revoked.token,
		"of a revoked sender": ended.token, "another secret": "dl_" + w.sender.tokenID + "_" + strings.Repeat("A", 52), "an id alone": "dl_" + officer.ID + "_",
	} {
		if _, err := w.connect(token, "_INBOX."+w.sender.id); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v", what, err)
		}
	}
	trouble := make(denied, 1)
	// A claim beside the token counts for nothing: the token says who it is.
	nc, err := nats.Connect(w.server.URL(), nats.UserInfo(w.other.id, w.sender.token), nats.Name(w.other.id), nats.CustomInboxPrefix("_INBOX."+w.sender.id),
		trouble.option())
	must(t, err)
	defer nc.Close()
	if r := w.call(nc, w.sender.id, "raise", preservation); r.code() != "" {
		t.Errorf("by password: %v", r.Header)
	}
	must(t, nc.Publish("dutyline.v1."+w.other.id+".raise", []byte(preservation)))
	trouble.refused(t, nc, "a user name beside the token")
	for _, e := range w.logs.All() {
		line := e.Message
		for _, f := range e.Context {
			line += " " + f.String
		}
		if strings.Contains(line, "dl_") || strings.Contains(line, "zebra") || strings.Contains(line, "Jeanne") {
			t.Errorf("the log says %q", line)
		}
	}
}

// panicking is a directory that fails in the worst way, once.
type panicking struct {
	*directory.Directory
	once *sync.Once
}

func (p panicking) Authenticate(text string, now time.Time) (directory.Principal, error) {
	p.once.Do(func() { panic("zebra-crossing") })
	return p.Directory.Authenticate(text, now)
}

func TestAPanicLetsNobodyInAndTheNodeGoesOn(t *testing.T) {
	w := newWorld(t, false)
	w.nc.Close() // of the door that does not panic
	w.openFor(panicking{w.dir, &sync.Once{}})
	if nc, err := w.connect(w.sender.token, "_INBOX."+w.sender.id); err == nil {
		t.Errorf("let in: %v", nc.ConnectedAddr())
	}
	if r := w.call(w.as(w.sender), w.sender.id, "raise", preservation); r.code() != "" {
		t.Errorf("afterwards: %v", r.Header)
	}
	if w.logs.FilterMessageSnippet("panic while NATS asks").Len() != 1 {
		t.Error("the panic was not noted")
	}
}

func TestARevokedTokenIsDisconnectedAtOnce(t *testing.T) {
	w := newWorld(t, false)
	closed := make(chan struct{})
	nc := w.as(w.sender, nats.ClosedHandler(func(*nats.Conn) { close(closed) }), nats.MaxReconnects(3))
	bystander := w.as(w.other)
	if r := w.call(nc, w.sender.id, "raise", preservation); r.code() != "" {
		t.Fatal(r.Header)
	}
	_, err := w.dir.RevokeToken(t.Context(), w.sender.tokenID, time.Now())
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case <-closed: // it was cut, and nobody let it in again
	case <-ctx.Done():
		t.Fatal("still connected")
	}
	if r := w.call(bystander, w.other.id, "raise", preservation); r.code() != "" {
		t.Errorf("somebody else was cut off: %v", r.Header)
	}
}
