package natsdoor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vault"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

const secretFacts = "the account zebra-crossing moves funds tonight"

var preservation = `{"type":"preservation","instrument":"budapest_convention","urgency":"critical","language":"fr","facts":"` + secretFacts + `",
 "callback_person":{"name":"Jeanne Martin","phone":"+33 1 99 00 12 34"},"colour":"blue","sender":"somebody-else","requesting_state":"DE"}`

// world is a door over an embedded server, with real intake and directory.
type world struct {
	t      *testing.T
	server *eventlog.Embedded
	log    *slowLog
	dir    *directory.Directory
	keys   natsdoor.Keys
	door   *natsdoor.Door
	nc     *nats.Conn // of the newest door
	logs   *observer.ObservedLogs
	logger *zap.Logger

	sender, other party
}

// party is a sender with its token.
type party struct{ id, token, tokenID string }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inFakeTime plays in a bubble, over connections within the process.
func inFakeTime(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		story(t, newWorld(t, true))
	})
	forgetTimers()
}

// forgetTimers empties the pool of timers that the client of NATS keeps for the whole process: whoever takes one that a bubble left in it ends
// the process. A pool is empty after two collections.
func forgetTimers() {
	runtime.GC()
	runtime.GC()
}

func newWorld(t *testing.T, inProcess bool) *world {
	t.Helper()
	keys, err := natsdoor.NewKeys([32]byte{1}, [32]byte{2})
	must(t, err)
	w := &world{t: t, keys: keys}
	issuer, xkey := keys.Public()
	w.server, err = eventlog.StartEmbedded(eventlog.EmbeddedOptions{
		Dir: t.TempDir(), DontListen: inProcess, NoSync: true, Callout: eventlog.Callout{Issuer: issuer, XKey: xkey},
	})
	must(t, err)
	t.Cleanup(w.server.Shutdown)
	w.log = &slowLog{log: eventlogtest.Open(t, w.server, eventlog.Requests)}
	w.dir = directory.New(people{eventlogtest.Open(t, w.server, eventlog.Directory)})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() { _ = w.dir.Run(ctx) }()
	var core zapcore.Core
	core, w.logs = observer.New(zap.DebugLevel)
	w.logger = zap.New(core)
	w.door = w.open()
	w.sender, w.other = w.enter("Border Police", "FR"), w.enter("Somebody Else", "DE")
	return w
}

// open opens a door, as another node of the same deployment would.
func (w *world) open() *natsdoor.Door {
	w.t.Helper()
	return w.openFor(w.dir)
}

// openFor opens a door of who is in a directory.
func (w *world) openFor(people natsdoor.Directory) *natsdoor.Door {
	w.t.Helper()
	nc, err := w.server.Connect()
	must(w.t, err)
	w.nc = nc
	d, err := natsdoor.New(natsdoor.Options{
		Conn: nc, Directory: people, Keys: w.keys, Node: "n1", Now: time.Now, Logger: w.logger, WaitFor: w.log.waitFor,
		Intake: intake.New(intake.Options{Log: w.log, Sealer: clearSealer{}, Deployment: vault.Key{1}, Node: "n1", Now: time.Now}),
	})
	must(w.t, err)
	must(w.t, d.Open())
	w.t.Cleanup(func() {
		nc.Close() // what drains shares timers between bubbles; TestADoorThatCloses is about draining
		d.Close()
	})
	return d
}

func (w *world) enter(name, state string) party {
	w.t.Helper()
	s, err := w.dir.AddSender(w.t.Context(), directory.NewSender{Name: name, State: state}, time.Now())
	must(w.t, err)
	token, text, err := w.dir.AddToken(w.t.Context(), directory.RoleSender, s.ID, 24*time.Hour, time.Now())
	must(w.t, err)
	return party{s.ID, text, token.ID}
}

// connect connects as somebody with a token, as a sender would.
func (w *world) connect(token, inbox string, more ...nats.Option) (*nats.Conn, error) {
	opts := append([]nats.Option{nats.Token(token), nats.CustomInboxPrefix(inbox), nats.ReconnectWait(10 * time.Millisecond)}, more...)
	if w.server.URL() == "" {
		opts = append(opts, w.server.InProcess())
	}
	nc, err := nats.Connect(w.server.URL(), opts...)
	if err == nil {
		w.t.Cleanup(nc.Close)
	}
	return nc, err
}

// as connects as a sender.
func (w *world) as(p party, more ...nats.Option) *nats.Conn {
	w.t.Helper()
	nc, err := w.connect(p.token, "_INBOX."+p.id, more...)
	must(w.t, err)
	return nc
}

// reply is an answer of the door.
type reply struct {
	*nats.Msg
	receipt request.Receipt
	problem door.Problem
}

// code is the status of an error, "" of an answer.
func (r reply) code() string { return r.Header.Get(micro.ErrorCodeHeader) }

// call makes one call; headers are name, value pairs.
func (w *world) call(nc *nats.Conn, sender, what, body string, headers ...string) reply {
	w.t.Helper()
	r, err := w.try(nc, sender, what, body, headers...)
	must(w.t, err)
	return r
}

func (w *world) try(nc *nats.Conn, sender, what, body string, headers ...string) (r reply, err error) {
	m := nats.NewMsg("dutyline.v1." + sender + "." + what)
	m.Data = []byte(body)
	for i := 0; i < len(headers); i += 2 {
		m.Header[headers[i]] = []string{headers[i+1]}
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	if r.Msg, err = nc.RequestMsgWithContext(ctx, m); err != nil {
		return r, err
	}
	if r.code() == "" {
		return r, json.Unmarshal(r.Data, &r.receipt)
	}
	if err := json.Unmarshal(r.Data, &r.problem); err != nil {
		return r, err
	}
	if p := r.problem; fmt.Sprint(p.Status) != r.code() || p.Type == "" || p.Title == "" || p.Detail == "" || r.Header.Get("Content-Type") != "application/problem+json" {
		return r, fmt.Errorf("no whole problem: %v %s", r.Header, r.Data)
	}
	return r, nil
}

// slowLog is the stream REQUESTS, of which an append can be held.
type slowLog struct {
	log  *eventlog.Log
	fail bool

	mu   sync.Mutex
	hold func(data []byte)
}

// before has fn called with every commit before it is stored.
func (l *slowLog) before(fn func(data []byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = fn
}

func (l *slowLog) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (uint64, error) {
	l.mu.Lock()
	hold := l.hold
	l.mu.Unlock()
	if hold != nil {
		hold(data)
	}
	if l.fail {
		return 0, intake.ErrUnavailable
	}
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.Head(expect), Closed: closes})
	switch {
	case errors.Is(err, eventlog.ErrConflict):
		return 0, fmt.Errorf("%w: %w", intake.ErrConflict, err)
	case err != nil:
		return 0, fmt.Errorf("%w: %w", intake.ErrUnavailable, err)
	}
	return seq, nil
}

func (l *slowLog) History(ctx context.Context, ref request.Ref) ([]request.Stored, error) {
	entries, err := l.log.History(ctx, ref.Subject())
	stored := make([]request.Stored, len(entries))
	for i, e := range entries {
		stored[i] = request.Stored{Seq: e.Seq, Data: e.Data}
	}
	return stored, err
}

func (l *slowLog) waitFor(ctx context.Context, position uint64) error {
	for {
		if head, err := l.log.Head(ctx); err != nil || head >= position {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

type people struct{ log *eventlog.Log }

func (l people) Append(ctx context.Context, subject, id string, data []byte, expect uint64) (uint64, error) {
	return l.log.Append(ctx, eventlog.Append{Subject: subject, ID: id, Data: data, Expect: eventlog.Head(expect)})
}

func (l people) Follow(ctx context.Context, after uint64, fn func(seq uint64, subject string, data []byte) error) error {
	return l.log.Follow(ctx, after, func(e eventlog.Entry) error { return fn(e.Seq, e.Subject, e.Data) })
}

func (l people) Head(ctx context.Context) (uint64, error) { return l.log.Head(ctx) }

// clearSealer leaves content as it is: what is sealed is another package's matter.
type clearSealer struct{}

func (clearSealer) Seal(_ context.Context, _, _ string, plain []byte) ([]byte, error) {
	return plain, nil
}

func (clearSealer) Open(_ context.Context, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}

// flush returns when NATS has seen to what was written. Flush without a context shares timers between bubbles.
func flush(t testing.TB, nc *nats.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, nc.FlushWithContext(ctx))
}

// next is the next message, nil when none comes within a time.
func next(t testing.TB, s *nats.Subscription, within time.Duration) *nats.Msg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	m, err := s.NextMsgWithContext(ctx)
	if err != nil {
		return nil
	}
	return m
}
