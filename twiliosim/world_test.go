package twiliosim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twilio/twilio-go/client"

	"github.com/dutyline/dutyline/twiliosim"
)

const (
	account = "ACdddddddddddddddddddddddddddddddd"
	token   = "the token of the tests"
	sender  = "+15005550006"
	officer = "+12025550123"
	inbound = "https://line.example/webhooks/twilio/sms"
	voice   = "https://line.example/voice/a1"
	gathers = "https://line.example/gather/a1"
	callURL = "https://line.example/call-status/a1"
	status  = "https://line.example/webhooks/twilio/message-status/7K4M2QX9H/a1"
)

// A world is a simulator and the customer that its webhooks reach. Neither opens a socket, so that it lives in a synctest bubble.
type world struct {
	t   *testing.T
	sim *twiliosim.Simulator
	h   http.Handler

	mu    sync.Mutex
	posts []post
	// customer answers a webhook; nil = 204. It gets the number of the post, from 0.
	customer func(n int, w http.ResponseWriter, r *http.Request)
	// unreachable: no connection to the customer is made.
	unreachable bool
}

// A post is one attempt of a webhook.
type post struct {
	at     time.Time
	url    string
	form   url.Values
	header http.Header
}

func night(t *testing.T, opts twiliosim.Options, story func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(t, newWorld(t, opts)) })
}

func newWorld(t *testing.T, opts twiliosim.Options) *world {
	t.Helper()
	w := &world{t: t}
	opts.AccountSID, opts.AuthToken = account, token
	opts.Client = &http.Client{Transport: w}
	if opts.InboundURL == "" {
		opts.InboundURL = inbound
	}
	if opts.Seed == 0 {
		opts.Seed = 1
	}
	if err := opts.Validate(); err != nil {
		t.Fatal(err)
	}
	w.sim = twiliosim.New(opts)
	w.h = w.sim.Handler()
	t.Cleanup(w.sim.Close)
	return w
}

// RoundTrip carries a webhook to the customer, as a network does: the caller may give up before the customer answers.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		w.t.Errorf("a webhook's body: %v", err)
	}
	w.mu.Lock()
	n := len(w.posts)
	w.posts = append(w.posts, post{at: time.Now(), url: r.URL.String(), form: form, header: r.Header.Clone()})
	customer, unreachable := w.customer, w.unreachable
	w.mu.Unlock()
	if unreachable {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if customer == nil {
		customer = func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	}
	answered := make(chan *http.Response, 1)
	go func() {
		defer func() {
			if recover() != nil {
				close(answered)
			}
		}()
		rec := httptest.NewRecorder()
		customer(n, rec, r)
		answered <- rec.Result()
	}()
	select {
	case res := <-answered:
		if res == nil {
			return nil, errors.New("connection reset by peer")
		}
		return res, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// webhooks returns what the customer got, in order, and checks every signature with the vendor's own code.
func (w *world) webhooks() []post {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	validator := client.NewRequestValidator(token)
	for _, p := range w.posts {
		params := map[string]string{}
		for key, values := range p.form {
			if len(values) != 1 {
				w.t.Errorf("the parameter %s of a webhook stands %d times", key, len(values))
			}
			params[key] = values[0]
		}
		if !validator.Validate(p.url, params, p.header.Get("X-Twilio-Signature")) {
			w.t.Errorf("the signature of a webhook to %s is not valid", p.url)
		}
	}
	return slices.Clone(w.posts)
}

// statuses returns the statuses that were reported.
func (w *world) statuses() []string {
	w.t.Helper()
	all := []string{}
	for _, p := range w.webhooks() {
		all = append(all, p.form.Get("MessageStatus"))
	}
	return all
}

// settle lets the time pass until everything that happens within d has happened.
func (w *world) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// An answer is what the simulator answered; aborted where it closed the connection instead.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	aborted bool
}

func (w *world) serve(r *http.Request) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			a = answer{aborted: true}
		}
	}()
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return answer{status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
}

// api calls the REST API; path continues that of the account.
func (w *world) api(method, path string, form url.Values) answer {
	return w.serve(apiRequest(w.t.Context(), method, path, form))
}

func apiRequest(ctx context.Context, method, path string, form url.Values) *http.Request {
	if !strings.HasPrefix(path, "/2010") {
		path = "/2010-04-01/Accounts/" + account + path
	}
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.SetBasicAuth(account, token)
	return r
}

// control calls the control API.
func (w *world) control(method, path, body string) answer {
	return w.serve(httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body)))
}

// object reads a JSON object of the status that is wanted.
func (a answer) object(t *testing.T, status int) map[string]any {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d %s, want %d", a.status, a.body, status)
	}
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answered %s: %v", a.body, err)
	}
	return v
}

// refused checks an error in the vendor's shape.
func (a answer) refused(t *testing.T, status, code int) {
	t.Helper()
	v := a.object(t, status)
	if v["code"] != float64(code) || v["status"] != float64(status) || v["message"] == "" {
		t.Errorf("answered %s, want code %d and status %d", a.body, code, status)
	}
	if more, _ := v["more_info"].(string); !strings.HasPrefix(more, "https://www.twilio.com/docs/errors/") {
		t.Errorf("more_info is %q", more)
	}
	if len(v) != 4 {
		t.Errorf("the error has other members than the vendor's: %s", a.body)
	}
}

// text is a message that is accepted, with changes.
func text(changes ...string) url.Values {
	form := url.Values{"To": {officer}, "From": {sender}, "Body": {"You are needed."}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "-" {
			form.Del(changes[i])
		}
	}
	return form
}

// send sends a text and returns its SID.
func (w *world) send(changes ...string) string {
	w.t.Helper()
	return w.api(http.MethodPost, "/Messages.json", text(changes...)).object(w.t, http.StatusCreated)["sid"].(string)
}

// status fetches the status and error code of a text.
func (w *world) status(sid string) (string, any) {
	w.t.Helper()
	m := w.api(http.MethodGet, "/Messages/"+sid+".json", nil).object(w.t, http.StatusOK)
	return m["status"].(string), m["error_code"]
}

// shown returns what a phone shows: "> " before what its holder sent.
func (w *world) shown(number string) []string {
	w.t.Helper()
	p, _ := w.sim.Phone(number)
	all := []string{}
	for _, x := range p.Texts {
		line := x.Body
		if x.Direction == twiliosim.Inbound {
			line = "> " + line
		}
		all = append(all, line)
	}
	return all
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
