package vonage_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

const (
	apiKey        = "abcd1234"
	apiSecret     = "abcdef0123456789"
	applicationID = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
	signSecret    = "0123456789abcdef0123456789abcdef"
	oldSecret     = "fedcba9876543210fedcba9876543210"
	recipient     = notifier.Phone("+15005550123")
	public        = "https://line.example"
)

// applicationKey is the key of the application, and how it is configured.
var applicationKey = sync.OnceValues(func() (*rsa.PrivateKey, string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

func options() vonage.Options {
	_, key := applicationKey()
	return vonage.Options{
		APIKey: apiKey, APISecret: apiSecret, ApplicationID: applicationID, PrivateKey: key, SignatureSecret: signSecret, PreviousSignatureSecret: oldSecret,
		Numbers: []string{"+15005550006", "+15005550007"}, PublicURL: public,
	}
}

func newClient(t testing.TB, o vonage.Options) *vonage.Client {
	t.Helper()
	c, err := vonage.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func simOptions() vonagesim.Options {
	key, _ := applicationKey()
	return vonagesim.Options{APIKey: apiKey, APISecret: apiSecret, ApplicationID: applicationID, SignatureSecret: signSecret, PublicKey: &key.PublicKey}
}

// sink notes what it is given.
type sink struct {
	mu      sync.Mutex
	reports []notifier.Report
	replies []string
	keys    []notifier.KeyPress
	fails   error
	panics  any
	answer  notifier.Answer
}

func (s *sink) Report(_ context.Context, r notifier.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails == nil {
		s.reports = append(s.reports, r)
	}
	return s.fails
}

func (s *sink) Reply(_ context.Context, from notifier.Phone, id, text string) notifier.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics != nil {
		panic(s.panics)
	}
	s.replies = append(s.replies, string(from)+" "+id+" "+text)
	return s.answer
}

func (s *sink) Key(ctx context.Context, k notifier.KeyPress) notifier.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := ctx.Deadline(); !ok {
		panic("the vendor does not wait for ever")
	}
	if s.panics != nil {
		panic(s.panics)
	}
	s.keys = append(s.keys, k)
	return s.answer
}

func (s *sink) reached() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reports) + len(s.replies) + len(s.keys)
}

// A world is a client, the vendor that it speaks to, and the node that the vendor calls back.
type world struct {
	t      testing.TB
	client *vonage.Client
	sim    *vonagesim.Simulator
	simURL string
	public string
	sink   *sink
	voice  bool
	idle   func()
	down   atomic.Bool
	broken atomic.Bool // the node answers webhooks with 503
	calls  atomic.Int64
}

// newWorld starts one. The changes may be nil.
func newWorld(t testing.TB, change func(*vonage.Options), changeSim func(*vonagesim.Options)) *world {
	w := &world{t: t, sink: &sink{}}
	var webhooks http.Handler
	node := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.broken.Load() && r.URL.Path != vonage.FallbackPath {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		webhooks.ServeHTTP(rw, r)
	}))
	t.Cleanup(node.Close)
	w.public = node.URL
	so := simOptions()
	so.FallbackURL = node.URL + vonage.FallbackPath
	if changeSim != nil {
		changeSim(&so)
	}
	check := so.Check
	so.Check = func(seen vonagesim.Seen) {
		w.calls.Add(1)
		checkExchange(t, seen)
		if check != nil {
			check(seen)
		}
	}
	w.sim = vonagesim.New(so)
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.simURL = server.URL
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if w.down.Load() {
			address = closedPort()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	w.idle = transport.CloseIdleConnections
	t.Cleanup(w.idle)
	o := options()
	o.BaseURL, o.PublicURL, o.Transport = server.URL, node.URL, transport
	if change != nil {
		change(&o)
	}
	w.client = newClient(t, o)
	webhooks = w.client.Webhooks(w.sink)
	return w
}

// closedPort is an address that refuses connections.
var closedPort = sync.OnceValue(func() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
})

func (w *world) Channel() notifier.Channel {
	if w.voice {
		return w.client.Voice()
	}
	return w.client.SMS()
}

func (w *world) Hung() <-chan struct{} { return w.sim.Hung() }

func (w *world) Behave(b notifiertest.Behaviour) {
	w.sim.SetFault(map[notifiertest.Behaviour]vonagesim.Fault{
		notifiertest.RefuseContact: vonagesim.RefuseContact, notifiertest.RefuseConfiguration: vonagesim.RefuseAccount, notifiertest.TooMany: vonagesim.TooMany,
		notifiertest.Unavailable: vonagesim.Unavailable, notifiertest.LoseAnswer: vonagesim.LoseAnswer, notifiertest.Garble: vonagesim.Garble,
		notifiertest.Hang: vonagesim.Hang,
	}[b])
	w.down.Store(b == notifiertest.Down)
	if b == notifiertest.Down {
		w.idle()
	}
}

func (w *world) Arrived() []notifiertest.Arrival {
	var all []notifiertest.Arrival
	for _, text := range w.sim.Texts() {
		all = append(all, notifiertest.Arrival{To: notifier.Phone("+" + text.To), Text: text.Body, ProviderID: text.ID})
	}
	for _, call := range w.sim.Calls() {
		if call.Trouble != "" {
			w.t.Errorf("a call cannot go on: %s", call.Trouble)
		}
		all = append(all, notifiertest.Arrival{To: notifier.Phone("+" + call.To), Text: strings.Join(call.Said, " "), ProviderID: call.UUID})
	}
	return all
}

func TestConformance(t *testing.T) {
	t.Run("sms", func(t *testing.T) {
		notifiertest.Exercise(t, notifiertest.Harness{New: func(t *testing.T) notifiertest.Provider { return newWorld(t, nil, nil) }})
	})
	t.Run("voice", func(t *testing.T) {
		notifiertest.Exercise(t, notifiertest.Harness{New: func(t *testing.T) notifiertest.Provider {
			w := newWorld(t, nil, nil)
			w.voice = true
			return w
		}})
	})
}

func page() notifier.Message {
	now := time.Now()
	return notifier.Message{
		Ref: "7K4M2QX9D", Page: "p1", Attempt: "p1a1", About: notifier.AskToTake, To: recipient, Urgency: request.Critical, Language: "fr",
		Reader: "en", Code: "424242", Expires: now.Add(time.Hour), Since: now,
	}
}

// logged gives a logger, and a check that its lines hold nothing that they must not.
func logged(t *testing.T) (*zap.Logger, func()) {
	core, logs := observer.New(zapcore.DebugLevel)
	return zap.New(core), func() {
		t.Helper()
		for _, entry := range logs.All() {
			line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "message", StacktraceKey: "stack"}).EncodeEntry(entry.Entry, entry.Context)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{string(recipient[1:]), "424242", apiSecret, signSecret, oldSecret, "whole text", "mark="} {
				if strings.Contains(line.String(), secret) {
					t.Errorf("a line holds %q: %s", secret, line.String())
				}
			}
		}
	}
}
