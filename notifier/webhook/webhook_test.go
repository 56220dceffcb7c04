package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/webhook"
	"github.com/dutyline/dutyline/request"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// receiver is a sender's, on this machine. It checks every signature with the library of the specification.
type receiver struct {
	t       *testing.T
	server  *httptest.Server
	channel *webhook.Channel
	check   *standard.Webhook
	hung    chan struct{}
	done    chan struct{} // closed at the end: lets go of what hangs

	mu        sync.Mutex
	behaviour notifiertest.Behaviour
	answer    func(w http.ResponseWriter, r *http.Request) // in place of the behaviour
	arrived   []notifiertest.Arrival
	taken     []taken
	calls     int
	waiting   map[string]bool // calls whose caller has not gone
}

// waits carries calls, and notes which are waited for: what a machine under load brings after its caller has gone did not arrive.
type waits struct {
	*receiver
	next http.RoundTripper
}

const callHeader = "X-Call"

func (w waits) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.calls++
	call := fmt.Sprint(w.calls)
	w.waiting[call] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, call)
	}()
	r = r.Clone(r.Context())
	r.Header.Set(callHeader, call)
	return w.next.RoundTrip(r)
}

type taken struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, hung: make(chan struct{}, 1000), done: make(chan struct{}), behaviour: notifiertest.Accept, waiting: map[string]bool{}}
	var err error
	if r.check, err = standard.NewWebhook(webhook.Secret(key)); err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(r)
	t.Cleanup(func() {
		close(r.done)
		r.server.Close()
	})
	r.channel = webhook.New(webhook.Options{AllowLoopback: true, Endpoint: r.endpoint, Transport: r.transport()})
	return r
}

// transport leads to the receiver, whatever the address.
func (r *receiver) transport() http.RoundTripper {
	return waits{r, &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			if r.is() == notifiertest.Down {
				return nil, errors.New("connection refused")
			}
			return (&net.Dialer{}).DialContext(ctx, network, r.server.Listener.Addr().String())
		},
		DisableKeepAlives: true, // so that Down holds from the next call on
	}}
}

func (*receiver) endpoint(sender string) (webhook.Endpoint, bool) {
	return webhook.Endpoint{URL: "http://localhost:9/hooks?of=" + strings.TrimPrefix(sender, "+"), Key: key}, strings.HasPrefix(sender, "+")
}

func (r *receiver) is() notifiertest.Behaviour {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.behaviour
}

// ServeHTTP takes a message.
func (r *receiver) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	if err := r.check.Verify(body, in.Header); err != nil {
		r.t.Errorf("a receiver that keeps to the specification refuses it: %v", err)
	}
	r.mu.Lock()
	behaviour, answer := r.behaviour, r.answer
	r.mu.Unlock()
	if answer != nil {
		r.take(in, body)
		answer(w, in)
		return
	}
	switch behaviour {
	case notifiertest.RefuseContact:
		w.WriteHeader(http.StatusGone)
	case notifiertest.RefuseConfiguration:
		w.WriteHeader(http.StatusUnauthorized)
	case notifiertest.TooMany:
		w.Header().Set("Retry-After", fmt.Sprint(int(notifiertest.RetryAfter.Seconds())))
		w.WriteHeader(http.StatusTooManyRequests)
	case notifiertest.Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case notifiertest.LoseAnswer:
		r.take(in, body)
		panic(http.ErrAbortHandler)
	case notifiertest.Garble:
		r.take(in, body)
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 two hundred\r\n\r\n")
			_ = conn.Close()
		}
	case notifiertest.Hang:
		r.hung <- struct{}{}
		select {
		case <-in.Context().Done():
		case <-r.done:
		}
	default:
		r.take(in, body)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *receiver) take(in *http.Request, body []byte) {
	var message struct {
		Type string            `json:"type"`
		Data map[string]string `json:"data"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		r.t.Errorf("body %s: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.waiting[in.Header.Get(callHeader)] {
		return
	}
	r.taken = append(r.taken, taken{in.Header, body})
	r.arrived = append(r.arrived, notifiertest.Arrival{
		To: notifier.Phone("+" + in.URL.Query().Get("of")), Text: message.Type + " " + strings.Join(slices.Sorted(maps.Values(message.Data)), " "),
		ProviderID: in.Header.Get("webhook-id"),
	})
}

// Channel takes the messages of the suite, which are for officers, as those for a sender.
func (r *receiver) Channel() notifier.Channel { return asked{r.channel} }

func (r *receiver) Behave(b notifiertest.Behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behaviour = b
}

func (r *receiver) Hung() <-chan struct{} { return r.hung }

func (r *receiver) Arrived() []notifiertest.Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notifiertest.Arrival(nil), r.arrived...)
}

type asked struct{ *webhook.Channel }

func (a asked) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	m.About = map[notifier.About]notifier.About{
		notifier.AskToTake: request.NewsAcknowledged, notifier.TellWithdrawn: request.NewsUnanswered,
	}[m.About]
	m.Status, _ = json.Marshal(map[string]string{"reference": m.Ref.String(), "code": m.Code})
	return a.Channel.Send(ctx, m)
}

func TestConformance(t *testing.T) {
	notifiertest.Exercise(t, notifiertest.Harness{New: func(t *testing.T) notifiertest.Provider { return newReceiver(t) }, NoLookUp: true})
}

func notice() notifier.Message {
	return notifier.Message{
		Ref: "7K4M2QX9D", Page: "p3", Attempt: "p3a1", About: request.NewsAcknowledged, To: "+s1", Urgency: request.Critical,
		Ordered: time.Date(2026, 3, 2, 12, 0, 0, 5e6, time.UTC), Expires: time.Now().Add(72 * time.Hour), Status: []byte(`{"reference":"7K4M-2QX9-D","status":"acknowledged"}`),
	}
}

func TestWhatIsSent(t *testing.T) {
	r := newReceiver(t)
	got := r.channel.Send(t.Context(), notice())
	if got != (notifier.Accepted{ProviderID: "msg_7K4M2QX9D_p3", Delivered: true}) {
		t.Fatalf("%#v", got)
	}
	if body, want := string(r.taken[0].body), `{"type":"request.acknowledged","timestamp":"2026-03-02T12:00:00.005Z","data":{"reference":"7K4M-2QX9-D","status":"acknowledged"}}`; body != want {
		t.Errorf("body\n%s, want\n%s", body, want)
	}
	header := r.taken[0].header
	if header.Get("Webhook-Id") != "msg_7K4M2QX9D_p3" || header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", header)
	}
}

func TestEveryNewsHasItsType(t *testing.T) {
	r := newReceiver(t)
	for _, about := range []notifier.About{
		request.NewsAcknowledged, request.NewsDeadlineMissed, request.NewsUnanswered, request.NewsUndone, request.NewsLapsed,
	} {
		m := notice()
		m.About = about
		if _, ok := r.channel.Send(t.Context(), m).(notifier.Accepted); !ok {
			t.Errorf("%s is not sent", about)
		}
	}
}

// TestAReceiverTellsAForgery checks the check: one byte of the body, the id, the time or the key changed, and the library refuses.
func TestAReceiverTellsAForgery(t *testing.T) {
	r := newReceiver(t)
	r.channel.Send(t.Context(), notice())
	body, header := r.taken[0].body, r.taken[0].header
	if err := r.check.Verify(body, header); err != nil {
		t.Fatal(err)
	}
	if r.check.Verify([]byte(strings.Replace(string(body), "acknowledged", "unanswered", 1)), header) == nil {
		t.Error("another body passes")
	}
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		forged := header.Clone()
		forged.Set(name, forged.Get(name)+"0")
		if r.check.Verify(body, forged) == nil {
			t.Errorf("another %s passes", name)
		}
	}
	other, err := standard.NewWebhook(webhook.Secret([]byte("another key of thirty-two bytes!")))
	if err != nil {
		t.Fatal(err)
	}
	if other.Verify(body, header) == nil {
		t.Error("another sender's secret passes")
	}
}

func TestAnswers(t *testing.T) {
	for status, want := range map[int]notifier.Outcome{
		200: notifier.Accepted{ProviderID: "msg_7K4M2QX9D_p3", Delivered: true},
		299: notifier.Accepted{ProviderID: "msg_7K4M2QX9D_p3", Delivered: true},
		301: notifier.Failed{Kind: request.FailedForGood, Code: "http_301"},
		307: notifier.Failed{Kind: request.FailedForGood, Code: "http_307"},
		400: notifier.Failed{Kind: request.FailedForGood, Code: "http_400"},
		403: notifier.Failed{Kind: request.FailedConfig, Code: "http_403"},
		404: notifier.Failed{Kind: request.FailedForGood, Code: "http_404"},
		408: notifier.Failed{Kind: request.FailedUnknown, Code: "http_408", RetryAfter: 90 * time.Second},
		410: notifier.Failed{Kind: request.FailedForGood, Code: "http_410"},
		425: notifier.Failed{Kind: request.FailedForNow, Code: "http_425", RetryAfter: 90 * time.Second},
		429: notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: 90 * time.Second},
		500: notifier.Failed{Kind: request.FailedUnknown, Code: "http_500", RetryAfter: 90 * time.Second},
		599: notifier.Failed{Kind: request.FailedUnknown, Code: "http_599", RetryAfter: 90 * time.Second},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			r := newReceiver(t)
			r.answer = func(w http.ResponseWriter, in *http.Request) {
				w.Header().Set("Retry-After", "90")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			}
			if got := r.channel.Send(t.Context(), notice()); got != want {
				t.Errorf("%#v, want %#v", got, want)
			}
			if len(r.taken) != 1 {
				t.Errorf("%d calls: a redirect was followed", len(r.taken))
			}
		})
	}
}

// TestAnAnswerThatNeverEnds checks that a receiver cannot hold a call, or fill the memory, by what it answers.
func TestAnAnswerThatNeverEnds(t *testing.T) {
	r := newReceiver(t)
	r.answer = func(w http.ResponseWriter, in *http.Request) {
		for in.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}
	if got, ok := r.channel.Send(t.Context(), notice()).(notifier.Accepted); !ok {
		t.Errorf("%#v", got)
	}
	own := webhook.New(webhook.Options{AllowLoopback: true, Endpoint: func(string) (webhook.Endpoint, bool) {
		return webhook.Endpoint{URL: r.server.URL, Key: key}, true
	}})
	r.mu.Lock()
	r.answer = func(w http.ResponseWriter, in *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		w.WriteHeader(http.StatusOK)
	}
	r.mu.Unlock()
	if got, ok := own.Send(t.Context(), notice()).(notifier.Failed); !ok || !got.Kind.Retryable() {
		t.Errorf("a header of a megabyte: %#v", got)
	}
}

func TestAddressesThatAreNotCalled(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { called = true }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"http://127.0.0.1:" + port:              "no_address", // not https
		"http://localhost:" + port:              "no_address",
		"https://127.0.0.1:" + port:             "address_refused",
		"https://localhost:" + port:             "address_refused",
		"https://[::1]:" + port:                 "address_refused",
		"https://[::ffff:127.0.0.1]:" + port:    "address_refused",
		"https://0.0.0.0:" + port:               "address_refused",
		"https://10.0.0.1/":                     "address_refused",
		"https://169.254.169.254/latest":        "address_refused",
		"https://user:secret@receiver.example/": "no_address",
		"https://":                              "no_address",
		"ftp://receiver.example/":               "no_address",
		"://":                                   "no_address",
	} {
		channel := webhook.New(webhook.Options{Endpoint: func(string) (webhook.Endpoint, bool) { return webhook.Endpoint{URL: address, Key: key}, true }})
		got, ok := channel.Send(t.Context(), notice()).(notifier.Failed)
		if !ok || got.Kind.Retryable() || got.Code != want {
			t.Errorf("%s: %#v, want %s", address, got, want)
		}
	}
	if called {
		t.Error("one was called")
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called in spite of its certificate") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	channel := webhook.New(webhook.Options{AllowLoopback: true, Endpoint: func(string) (webhook.Endpoint, bool) {
		return webhook.Endpoint{URL: server.URL, Key: key}, true
	}})
	if got, ok := channel.Send(t.Context(), notice()).(notifier.Failed); !ok || got.Kind != request.FailedForNow || got.Code != "certificate" {
		t.Errorf("%#v", got)
	}
}

func TestLaneIsTheHost(t *testing.T) {
	channel := webhook.New(webhook.Options{Endpoint: func(sender string) (webhook.Endpoint, bool) {
		url := map[string]string{"a": "https://Receiver.example/a?x=1", "b": "https://receiver.example/b", "c": "https://other.example:8443/"}[sender]
		return webhook.Endpoint{URL: url}, url != ""
	}})
	for sender, want := range map[notifier.Phone]string{"a": "receiver.example", "b": "receiver.example", "c": "other.example:8443", "d": "none"} {
		if got := channel.Lane(sender); got != want {
			t.Errorf("lane of %q: %s, want %s", string(sender), got, want)
		}
	}
}
