// Package scenario plays stories over the whole wiring in one process: a node, its log, the vendor's own client, the telephone network in
// a box with its signed webhooks, and, where the story is about the outside, everything that app.Run starts.
package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
)

func TestMain(m *testing.M) {
	miniredis.DumpMaxLineLen = 1 << 20 // the scan must see whole values
	eventlogtest.Main(m)
}

// The people of the example roster. ada is on duty, bruno is next.
const (
	ada, bruno = "+15005550101", "+15005550102"
	ours       = "+15005550006"
	public     = "http://line.example"
	simSeed    = 42
)

// memory carries calls to a handler without a network. A call whose context ends comes back at once; the handler sees the same context.
type memory struct {
	handler http.Handler
	// before may answer a call in the handler's place, or hold it; nil goes on.
	before func(*http.Request) error
}

var errBroken = errors.New("the connection broke")

func (m *memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		if trace.GetConn != nil {
			trace.GetConn(r.URL.Host)
		}
		if trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{})
		}
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	in := r.Clone(r.Context())
	in.Body, in.RequestURI, in.RemoteAddr = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI(), "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if m.before != nil {
		if err := m.before(in); err != nil {
			return nil, err
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
	}
	answered := make(chan *http.Response, 1)
	go func() {
		defer close(answered)
		defer func() {
			trouble := recover()
			if err, ok := trouble.(error); trouble != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
				panic(trouble)
			}
		}()
		passes.Load()
		out := httptest.NewRecorder()
		m.handler.ServeHTTP(out, in)
		answered <- out.Result()
	}()
	select {
	case response, ok := <-answered:
		if !ok {
			return nil, errBroken
		}
		response.Request = r
		return response, nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// form reads the form of a call.
func form(r *http.Request) url.Values {
	body, _ := io.ReadAll(r.Body)
	values, _ := url.ParseQuery(string(body))
	return values
}

// world is a node with a telephone network.
type world struct {
	t      *testing.T
	log    *eventlog.Log
	sim    *twiliosim.Simulator
	client *twilio.Client
	second *vonage.Client // of [onTwoOperators]
	node   *node.Node
	stop   func()
	raised int
	logs   record // of all parts

	receiver receiver // of the sender's messages

	webhooksFail atomic.Bool                     // they find no connection
	receive      func(http.Handler) http.Handler // what the provider's webhooks meet; nil: nothing in between
	tape         func(*http.Request)             // sees the webhooks of both providers; set before the story begins

	mu       sync.Mutex
	meet     func(url.Values)          // what befalls a call first
	hold     func(url.Values) bool     // calls that never come back
	arrivals map[request.Ref]time.Time // the first text of a request at the provider
}

// inFakeTime plays a story in a bubble.
func inFakeTime(t *testing.T, policy dispatcher.Policy, story func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventlogtest.Start(t), policy)
		synctest.Wait()
		story(t, w)
	})
}

func newWorld(t *testing.T, server *eventlog.Embedded, policy dispatcher.Policy, change ...func(*world, *node.Options)) *world {
	t.Helper()
	w := &world{t: t, log: eventlogtest.Open(t, server, eventlog.Requests), arrivals: map[request.Ref]time.Time{}}
	hooks := &memory{before: func(r *http.Request) error {
		if w.webhooksFail.Load() {
			return errBroken
		}
		if w.tape != nil {
			w.tape(r)
		}
		return nil
	}}
	w.sim = twiliosim.New(twiliosim.Options{
		Numbers: []string{ours}, InboundURL: public + twilio.InboundPath, Client: &http.Client{Transport: hooks}, Seed: simSeed, Logger: w.logs.logger(),
	})
	t.Cleanup(w.sim.Close)
	var err error
	w.client, err = twilio.New(twilio.Options{
		BaseURL: "http://sim.example", AccountSID: w.sim.AccountSID(), AuthToken: w.sim.AuthToken(), Numbers: []string{ours}, PublicURL: public,
		Transport: &memory{handler: w.sim.Handler(), before: w.arrive}, Logger: w.logs.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	book := roster.Example("UTC", time.Now())
	book.Revision = 1
	book.Rosters[0].Layers[0].Rotation.From = time.Now().AddDate(0, 0, -3).Format(time.DateOnly)
	compiled, err := roster.Compile(book)
	if err != nil {
		t.Fatal(err)
	}
	options := node.Options{
		Name: "n1", Policy: policy, Log: requests{w.log}, Rosters: still{compiled}, Clock: node.NewClock(), Guesses: noGuesses{},
		Providers: []node.Provider{{Channel: w.client.SMS()}, {Channel: w.receiver.channel(), Limit: notifier.Limit{InFlight: 8, PerRecipient: 4}}},
		Webhook:   func(string) bool { return w.receiver.wanted.Load() },
		Code:      w.code,
		Seal:      func(_ context.Context, _ *request.State, _ string, plain []byte) ([]byte, error) { return plain, nil },
		Logger:    w.logs.logger(),
	}
	for _, do := range change {
		do(w, &options)
	}
	if w.node, err = node.New(options); err != nil {
		t.Fatal(err)
	}
	hooks.handler = w.client.Webhooks(w.node)
	if w.receive != nil {
		hooks.handler = w.receive(hooks.handler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.node.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	w.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(w.stop)
	return w
}

// code is that of a page.
func (*world) code(ref request.Ref, page string) string {
	sum := 0
	for _, r := range string(ref) + page {
		sum = (sum*31 + int(r)) % 1_000_000
	}
	return fmt.Sprintf("%06d", sum)
}

// arrive notes when the provider has a text, and holds what is to hang.
func (w *world) arrive(r *http.Request) error {
	if r.Method != http.MethodPost {
		return nil
	}
	values := form(r)
	w.mu.Lock()
	meet := w.meet
	w.mu.Unlock()
	if meet != nil {
		meet(values)
	}
	w.mu.Lock()
	held := w.hold != nil && w.hold(values)
	for word := range strings.FieldsSeq(values.Get("Body")) {
		if ref, err := request.ParseRef(strings.Trim(word, ".,:;()")); err == nil && !held {
			if _, known := w.arrivals[ref]; !known {
				w.arrivals[ref] = time.Now()
			}
		}
	}
	w.mu.Unlock()
	if held {
		<-r.Context().Done()
		return context.Cause(r.Context())
	}
	return nil
}

func (w *world) arrived(ref request.Ref) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.arrivals[ref]
	return at, ok
}

// raise receives a request; whoever has passed it on already is not asked.
func (w *world) raise(urgency request.Urgency, passed ...string) request.Ref {
	w.t.Helper()
	w.mu.Lock()
	var ref request.Ref
	for ok := false; !ok; {
		w.raised++
		ref, ok = request.NewRef([]byte(request.FactID(fmt.Sprint(w.raised))))
	}
	w.mu.Unlock()
	events := []request.Event{request.NewEvent(request.Received, request.ReceivedBody{
		Sender: "s1", Type: request.Preservation, Urgency: urgency, Language: "en", Missing: []string{},
	})}
	for _, person := range passed {
		events = append(events, request.NewEvent(request.Passed, request.PassedBody{Person: person, Via: request.ViaWeb}))
	}
	commit := request.NewState(ref).Decide(time.Now(), "door", request.Actor{Kind: request.BySender, ID: "s1"}, events...)
	data, err := commit.Encode()
	if err == nil {
		_, err = requests{w.log}.Append(w.t.Context(), ref, commit.ID, data, 0, false)
	}
	if err != nil {
		w.t.Error(err)
	}
	return ref
}

// state is what the node knows.
func (w *world) state(ref request.Ref) *request.State {
	w.t.Helper()
	s, err := w.node.State(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// texts counts the texts about a request on a phone.
func (w *world) texts(number string, ref request.Ref) int {
	phone, _ := w.sim.Phone(number)
	n := 0
	for _, text := range phone.Texts {
		if text.Direction != twiliosim.Inbound && strings.Contains(text.Body, ref.String()) {
			n++
		}
	}
	return n
}

// passes are counted, so that whoever answers a call sees what the test set before it let time pass.
var passes atomic.Int64

// pass lets fake time pass, and everything come to rest.
func pass(d time.Duration) {
	passes.Add(1)
	time.Sleep(d)
	synctest.Wait()
}

// requests is the stream of requests as a node sees it: what package app has, which does not export it.
type requests struct{ log *eventlog.Log }

func named(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrConflict):
		return fmt.Errorf("%w: %w", node.ErrConflict, err)
	case errors.Is(err, eventlog.ErrUnavailable):
		return fmt.Errorf("%w: %w", node.ErrUnavailable, err)
	default:
		return err
	}
}

func (l requests) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (uint64, error) {
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.Head(expect), Closed: closes})
	return seq, named(err)
}

func (l requests) AppendFact(ctx context.Context, ref request.Ref, id string, data []byte) (uint64, error) {
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.AnyHead})
	return seq, named(err)
}

func (l requests) Live(ctx context.Context, since time.Time) (refs []request.Ref, head uint64, err error) {
	if head, err = l.log.Head(ctx); err != nil {
		return nil, 0, named(err)
	}
	entries, err := l.log.Summaries(ctx)
	for _, e := range entries {
		if ref, ok := request.RefOfSubject(e.Subject); ok && (!e.Closed || e.Time.After(since)) {
			refs = append(refs, ref)
		}
	}
	return refs, head, named(err)
}

func commitOf(e eventlog.Entry) node.Commit {
	ref, _ := request.RefOfSubject(e.Subject)
	return node.Commit{Ref: ref, Seq: e.Seq, Time: e.Time, Data: e.Data}
}

func (l requests) Replay(ctx context.Context, refs []request.Ref, upTo uint64, fn func(node.Commit) error) error {
	subjects := make([]string, len(refs))
	for i, ref := range refs {
		subjects[i] = ref.Subject()
	}
	return named(l.log.Replay(ctx, subjects, upTo, func(e eventlog.Entry) error { return fn(commitOf(e)) }))
}

func (l requests) Follow(ctx context.Context, after uint64, fn func(node.Commit) error) error {
	return named(l.log.Follow(ctx, after, func(e eventlog.Entry) error { return fn(commitOf(e)) }))
}

func (l requests) History(ctx context.Context, ref request.Ref) ([]request.Stored, error) {
	entries, err := l.log.History(ctx, ref.Subject())
	stored := make([]request.Stored, len(entries))
	for i, e := range entries {
		stored[i] = request.Stored{Seq: e.Seq, Data: e.Data}
	}
	return stored, named(err)
}

func (l requests) Head(ctx context.Context) (uint64, error) {
	seq, err := l.log.Head(ctx)
	return seq, named(err)
}

// still is a roster that nobody edits.
type still struct{ compiled *roster.Compiled }

func (s still) Current(context.Context, uint64) (*roster.Compiled, error) { return s.compiled, nil }

func (s still) Follow(ctx context.Context, fn func(uint64)) error {
	fn(s.compiled.Revision())
	<-ctx.Done()
	return ctx.Err()
}

type noGuesses struct{}

func (noGuesses) Wrong(context.Context, notifier.Phone) int { return 1 }
func (noGuesses) Count(context.Context, notifier.Phone) int { return 0 }
