package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// record is what was seen leaving the process, as text. It is safe for concurrent use.
type record struct {
	mu   sync.Mutex
	data bytes.Buffer
}

// Write adds to it.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data.Write(p)
}

// Sync belongs to zapcore.WriteSyncer.
func (*record) Sync() error { return nil }

func (r *record) add(format string, args ...any) { _, _ = fmt.Fprintf(r, format+"\n", args...) }

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data.String()
}

// logger writes every field of every level.
func (r *record) logger() *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, r, zapcore.DebugLevel), zap.AddCaller())
}

// line is a node as app.Run starts it, with its telephone network and its Redis outside of it, where what comes can be seen.
type line struct {
	t       *testing.T
	started app.Started
	sim     *twiliosim.Simulator
	redis   *miniredis.Miniredis
	stop    func()

	logs, webhooks, calls, headers record

	mu     sync.Mutex
	refuse func(to, body string) (status int, answer string) // in place of the provider, 0: nothing
	http   *http.Client
}

// startLine starts one; change may set up another configuration.
func startLine(t *testing.T, change ...func(*config.Config)) *line {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, redis: miniredis.RunT(t), http: &http.Client{
		Jar:           jar,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(l.http.CloseIdleConnections)
	hooks := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(hooks.CloseIdleConnections)
	l.sim = twiliosim.New(twiliosim.Options{Numbers: []string{ours}, Seed: simSeed, VoicemailDelay: 10 * time.Millisecond, Client: &http.Client{
		Transport: tripFunc(func(r *http.Request) (*http.Response, error) {
			l.webhooks.add("%s %s", r.Method, r.URL)
			response, err := hooks.RoundTrip(r)
			if err == nil {
				l.webhooks.add("%v", response.Header)
			}
			return response, err
		}), Timeout: 15 * time.Second,
	}})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.calls.add("%s %s", r.Method, r.URL.Path) // the query of a look-up and the form may name the recipient: that is what they are for
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		values := form(r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		l.mu.Lock()
		refuse := l.refuse
		l.mu.Unlock()
		if refuse != nil && r.Method == http.MethodPost {
			l.calls.add("%s %s", values.Get("StatusCallback"), values.Get("Body"))
			if status, answer := refuse(values.Get("To"), values.Get("Body")); status != 0 {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, answer)
				return
			}
		}
		l.sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(provider.Close)
	t.Cleanup(l.sim.Close)

	unlimited := 0.0
	set := config.Config{
		Listen: "127.0.0.1:0", Node: "n1", DataDir: t.TempDir(), Redis: config.Redis{URL: config.Secret("redis://" + l.redis.Addr())},
		Twilio: config.Twilio{
			BaseURL: provider.URL, AccountSID: l.sim.AccountSID(), AuthToken: config.Secret(l.sim.AuthToken()), Numbers: []string{ours},
			TextsPerSecond: &unlimited,
		},
		Policy: config.Policy{Levels: [][]string{{"person:ada", "person:bruno"}, {"person:carmen"}}},
	}
	for _, do := range change {
		do(&set)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan app.Started, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{
			Version:    "v1.2.3",
			Config:     set,
			Standalone: true, Logger: l.logs.logger(), Ready: func(s app.Started) { ready <- s },
		})
	}()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	select {
	case l.started = <-ready:
	case err := <-ended:
		ended <- nil
		cancel()
		t.Fatalf("run: %v", err)
	}
	t.Cleanup(l.stop)
	if err := l.sim.SetInboundURL(l.started.URL + twilio.InboundPath); err != nil {
		t.Fatal(err)
	}
	return l
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// call makes a call and gives status and body. Headers are kept.
func (l *line) call(method, path, token string, body any, header ...string) (int, []byte) {
	l.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			l.t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(l.t.Context(), method, l.started.URL+path, reader)
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := l.http.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	l.headers.add("%s: %d %v", method, response.StatusCode, response.Header)
	return response.StatusCode, data
}

// raise raises a request, which must be taken.
func (l *line) raise(content map[string]any) request.Ref {
	l.t.Helper()
	status, data := l.call(http.MethodPost, "/api/v1/requests", l.started.Tokens.Sender, content)
	var receipt request.Receipt
	if err := json.Unmarshal(data, &receipt); err != nil || status != http.StatusAccepted {
		l.t.Fatalf("raise: %d %s", status, data)
	}
	ref, err := request.ParseRef(receipt.Reference)
	if err != nil {
		l.t.Fatal(err)
	}
	return ref
}

// texts counts the texts about a request on a phone.
func (l *line) texts(number string, ref request.Ref) int {
	return strings.Count(l.phone(number), ref.String())
}

// phone is everything that a phone shows of what was sent to it.
func (l *line) phone(number string) string {
	phone, _ := l.sim.Phone(number)
	var all strings.Builder
	for _, text := range phone.Texts {
		if text.Direction != twiliosim.Inbound {
			all.WriteString(text.Body + "\n")
		}
	}
	return all.String()
}

// until waits for something that must come.
func (l *line) until(what string, is func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("it does not come: %s", what)
		}
	}
}
