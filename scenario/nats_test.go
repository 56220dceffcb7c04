package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nkeys"

	"github.com/dutyline/dutyline/request"
)

// dial connects to NATS as a sender does, with the token that it has for HTTP.
func (l *line) dial() *nats.Conn {
	l.t.Helper()
	nc, err := nats.Connect(l.started.NATSURL, nats.Token(l.started.Tokens.Sender), nats.CustomInboxPrefix("_INBOX."+l.started.Sender))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(nc.Close)
	return nc
}

// ask makes one call over NATS; headers are name, value pairs.
func (l *line) ask(nc *nats.Conn, what, body string, header ...string) *nats.Msg {
	l.t.Helper()
	m := nats.NewMsg("dutyline.v1." + l.started.Sender + "." + what)
	m.Data = []byte(body)
	for i := 0; i < len(header); i += 2 {
		m.Header.Set(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	answer, err := nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		l.t.Fatal(err)
	}
	return answer
}

// operate connects as whoever runs the node.
func (l *line) operate() *nats.Conn {
	l.t.Helper()
	data, err := os.ReadFile(filepath.Join(l.started.DataDir, "nats.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	var own struct{ URL, Seed string }
	if err := json.Unmarshal(data, &own); err != nil {
		l.t.Fatal(err)
	}
	key, err := nkeys.FromSeed([]byte(own.Seed))
	if err != nil {
		l.t.Fatal(err)
	}
	public, _ := key.PublicKey()
	nc, err := nats.Connect(own.URL, nats.Nkey(public, key.Sign), nats.MaxReconnects(0))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(nc.Close)
	return nc
}

// tap records what goes over NATS besides the log itself, as the operator sees it. What senders say is theirs to say: of it the subject.
func (l *line) tap(into *record) {
	l.t.Helper()
	nc := l.operate()
	for _, subject := range []string{"dutyline.>", "_INBOX." + l.started.Sender + ".>", "$SRV.>", "$SYS.REQ.USER.AUTH"} {
		if _, err := nc.Subscribe(subject, func(m *nats.Msg) {
			if m.Reply != "" && strings.HasPrefix(m.Subject, "dutyline.v1.") {
				into.add("%s", m.Subject)
				return
			}
			into.add("%s %v %s", m.Subject, m.Header, m.Data)
		}); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		l.t.Fatal(err)
	}
}

func TestTheDoorOnNATSNamesTheVersionOfTheProgram(t *testing.T) {
	l := startLine(t)
	answer, err := l.operate().Request("$SRV.INFO.dutyline", nil, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(answer.Data, &info); err != nil || info.Metadata["build"] != "v1.2.3" || info.Metadata["node"] != "n1" {
		t.Errorf("%v %v", info.Metadata, err)
	}
}

func TestARequestOverNATSIsPagedAndItsSenderHearsThatSomebodyHasIt(t *testing.T) {
	l := startLine(t)
	nc := l.dial()
	news := make(chan *nats.Msg, 16)
	if _, err := nc.ChanSubscribe("dutyline.v1."+l.started.Sender+".status.>", news); err != nil {
		t.Fatal(err)
	}
	heard := func() (r request.Receipt, m *nats.Msg) {
		t.Helper()
		select {
		case m = <-news:
		case <-time.After(time.Minute):
			t.Fatal("no status comes")
		}
		if err := json.Unmarshal(m.Data, &r); err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(r.Version)) || m.Subject != "dutyline.v1."+l.started.Sender+".status."+r.Reference {
			t.Errorf("%s %v %s", m.Subject, m.Header, m.Data)
		}
		return r, m
	}

	raised := l.ask(nc, "raise", `{"type":"preservation","urgency":"critical","language":"en"}`, "Idempotency-Key", "night-1")
	var receipt request.Receipt
	if err := json.Unmarshal(raised.Data, &receipt); err != nil || raised.Header.Get(micro.ErrorCodeHeader) != "" {
		t.Fatalf("%v %s", raised.Header, raised.Data)
	}
	ref, err := request.ParseRef(receipt.Reference)
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := heard(); r.Reference != receipt.Reference || r.Version != 1 || r.Status != request.StatusReceived {
		t.Errorf("first %+v", r)
	}
	// The other door has the same request, by the same key.
	if status, data := l.call("POST", "/api/v1/requests", l.started.Tokens.Sender, `{"type":"preservation","urgency":"critical","language":"en"}`, "Idempotency-Key", "night-1"); status != 202 || !strings.Contains(string(data), receipt.Reference) {
		t.Errorf("over HTTP: %d %s", status, data)
	}

	l.until("the text", func() bool { return l.texts(ada, ref) > 0 })
	if _, err := l.sim.Reply(ada, lastCode(lineWith(l.phone(ada), ref.String()))); err != nil {
		t.Fatal(err)
	}
	acknowledged, m := heard()
	if acknowledged.Status != request.StatusAcknowledged || acknowledged.Version != 2 || acknowledged.AcknowledgedAt.IsZero() || acknowledged.Escalation != request.Stopped {
		t.Errorf("%s", m.Data)
	}
	for _, name := range []string{"ada", "Ada", "KESTREL"} {
		if strings.Contains(string(m.Data), name) {
			t.Errorf("the sender learns of %s", name)
		}
	}
	// Who missed it asks, and amends what it reads.
	shown := l.ask(nc, "show", "", "Dutyline-Reference", receipt.Reference, "Dutyline-Position", raised.Header.Get("Dutyline-Position"))
	if shown.Header.Get("ETag") != `"2"` {
		t.Errorf("%v %s", shown.Header, shown.Data)
	}
	amended := l.ask(nc, "amend", `{"offence":"fraud"}`, "Dutyline-Reference", receipt.Reference, "If-Match", shown.Header.Get("ETag"))
	if amended.Header.Get("ETag") != `"3"` {
		t.Errorf("%v %s", amended.Header, amended.Data)
	}
	if r, _ := heard(); r.Version != 3 || r.Status != request.StatusAcknowledged {
		t.Errorf("after the amendment %+v", r)
	}
	if ended := l.ask(nc, "withdraw", `{"reason":"solved"}`, "Dutyline-Reference", receipt.Reference); ended.Header.Get("ETag") != `"4"` {
		t.Errorf("%v %s", ended.Header, ended.Data)
	}
	if r, _ := heard(); r.Status != request.StatusWithdrawn {
		t.Errorf("after the withdrawal %+v", r)
	}
	select {
	case m := <-news:
		t.Errorf("told again: %s", m.Data)
	default:
	}
	l.stop() // drains while a sender is connected
}
