package twilio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/twilio"
)

const (
	sid       = "AC0123456789abcdef0123456789abcdef"
	authToken = "0123456789abcdef0123456789abcdef"
	oldToken  = "fedcba9876543210fedcba9876543210"
	public    = "https://line.example"
)

func options() twilio.Options {
	return twilio.Options{
		AccountSID: sid, AuthToken: authToken, PreviousAuthToken: oldToken, Numbers: []string{"+15005550006", "+15005550007"}, PublicURL: public,
	}
}

func newClient(t testing.TB, o twilio.Options) *twilio.Client {
	t.Helper()
	c, err := twilio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A record is a message as the fake vendor stores it, in the shape of its API.
type record struct {
	SID         string `json:"sid"`
	AccountSID  string `json:"account_sid"`
	To          string `json:"to"`
	From        string `json:"from"`
	Body        string `json:"body"`
	Status      string `json:"status"`
	Direction   string `json:"direction"`
	NumSegments string `json:"num_segments"`
	DateCreated string `json:"date_created"`
}

// A callRecord is the same of a call.
type callRecord struct {
	SID         string `json:"sid"`
	AccountSID  string `json:"account_sid"`
	To          string `json:"to"`
	From        string `json:"from"`
	Status      string `json:"status"`
	Direction   string `json:"direction"`
	DateCreated string `json:"date_created"`
	said        string // to whoever picks up
}

// fakeVendor is the part of the vendor's API that the client uses. It checks credentials, and every call against the vendor's description.
type fakeVendor struct {
	t      *testing.T
	server *httptest.Server
	client *twilio.Client
	idle   func()
	hung   chan struct{}
	down   atomic.Bool
	calls  atomic.Int64

	mu        sync.Mutex
	behaviour notifiertest.Behaviour
	answer    http.HandlerFunc // instead of all else
	skew      time.Duration    // of its clock
	messages  []record
	rung      []callRecord // calls
	forms     []url.Values
	voice     bool // the channel under test is that of calls
}

// newVendor starts a fake vendor and makes a client of it.
func newVendor(t *testing.T) *fakeVendor {
	v := &fakeVendor{t: t, behaviour: notifiertest.Accept, hung: make(chan struct{}, 1000)}
	v.server = httptest.NewServer(v)
	t.Cleanup(v.server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if v.down.Load() {
			address = closedPort()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	v.idle = transport.CloseIdleConnections
	t.Cleanup(v.idle)
	o := options()
	o.BaseURL, o.Transport = v.server.URL, transport
	v.client = newClient(t, o)
	return v
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

// newVoiceVendor is a fake vendor whose calls are under test. Every call is picked up at once, by somebody who listens.
func newVoiceVendor(t *testing.T) *fakeVendor {
	v := newVendor(t)
	v.voice = true
	return v
}

func (v *fakeVendor) Channel() notifier.Channel {
	if v.voice {
		return v.client.Voice()
	}
	return v.client.SMS()
}

func (v *fakeVendor) Hung() <-chan struct{} { return v.hung }

func (v *fakeVendor) Behave(b notifiertest.Behaviour) {
	v.mu.Lock()
	v.behaviour = b
	v.mu.Unlock()
	v.down.Store(b == notifiertest.Down)
	if b == notifiertest.Down {
		v.idle()
	}
}

func (v *fakeVendor) Arrived() []notifiertest.Arrival {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []notifiertest.Arrival
	for _, m := range v.messages {
		all = append(all, notifiertest.Arrival{To: notifier.Phone(m.To), Text: m.Body, ProviderID: m.SID})
	}
	for _, c := range v.rung {
		all = append(all, notifiertest.Arrival{To: notifier.Phone(c.To), Text: c.said, ProviderID: c.SID})
	}
	return all
}

// answers lets the vendor answer every call alike.
func (v *fakeVendor) answers(status int, header http.Header, body string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (v *fakeVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.calls.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	route := v.check(r, body)
	v.mu.Lock()
	behaviour, answer := v.behaviour, v.answer
	v.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	switch behaviour {
	case notifiertest.RefuseContact:
		code := 21610
		if v.voice {
			code = 21216
		}
		refuse(w, http.StatusBadRequest, code)
	case notifiertest.RefuseConfiguration:
		refuse(w, http.StatusForbidden, 20003)
	case notifiertest.TooMany:
		w.Header().Set("Retry-After", strconv.Itoa(int(notifiertest.RetryAfter.Seconds())))
		refuse(w, http.StatusTooManyRequests, 20429)
	case notifiertest.Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html>upstream connect error</html>")
	case notifiertest.Hang:
		select {
		case v.hung <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	case notifiertest.LoseAnswer:
		v.serve(httptest.NewRecorder(), r, body, route)
		panic(http.ErrAbortHandler)
	case notifiertest.Garble:
		v.serve(httptest.NewRecorder(), r, body, route)
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
		}
	default:
		v.serve(w, r, body, route)
	}
}

func refuse(w http.ResponseWriter, status, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": "refused", "more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code), "status": status})
}

func (v *fakeVendor) serve(w http.ResponseWriter, r *http.Request, body []byte, route *routers.Route) {
	if name, password, _ := r.BasicAuth(); name != sid || password != authToken {
		refuse(w, http.StatusUnauthorized, 20003)
		return
	}
	calls := r.URL.Path == "/2010-04-01/Accounts/"+sid+"/Calls.json"
	if !calls && r.URL.Path != "/2010-04-01/Accounts/"+sid+"/Messages.json" {
		refuse(w, http.StatusNotFound, 20404)
		return
	}
	v.mu.Lock()
	w.Header().Set("Date", time.Now().Add(v.skew).UTC().Format(http.TimeFormat))
	v.mu.Unlock()
	status, answer := http.StatusOK, any(nil)
	if r.Method == http.MethodPost {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			refuse(w, http.StatusBadRequest, 20001)
			return
		}
		status = http.StatusCreated
		if calls {
			answer = v.call(form)
		} else {
			answer = v.create(form)
		}
	} else {
		answer = v.list(r.URL, calls)
	}
	data, err := json.Marshal(answer)
	if err != nil {
		v.t.Error(err)
	}
	v.checkAnswer(r, route, status, data)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (v *fakeVendor) create(form url.Values) record {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := record{
		SID: fmt.Sprintf("SM%032x", len(v.messages)+1), AccountSID: sid, To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"),
		Status: "queued", Direction: "outbound-api", NumSegments: "1", DateCreated: time.Now().Add(v.skew).UTC().Format(time.RFC1123Z),
	}
	v.messages = append(v.messages, m)
	v.forms = append(v.forms, form)
	return m
}

// call places a call, and asks the client for what is said.
func (v *fakeVendor) call(form url.Values) callRecord {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := callRecord{
		SID: fmt.Sprintf("CA%032x", len(v.rung)+1), AccountSID: sid, To: form.Get("To"), From: form.Get("From"), Status: "queued",
		Direction: "outbound-api", DateCreated: time.Now().Add(v.skew).UTC().Format(time.RFC1123Z),
	}
	if target, err := url.Parse(form.Get("Url")); err == nil && target.Host != "" {
		w := deliver(v.client.Webhooks(&sink{}), target.RequestURI(), callForm(c.SID, "in-progress"))
		c.said = strings.Join(heard(v.t, w).said, " ")
	}
	v.rung = append(v.rung, c)
	v.forms = append(v.forms, form)
	return c
}

// list gives a page of messages or calls, newest first. Its token is the index of the page's first.
func (v *fakeVendor) list(u *url.URL, calls bool) any {
	v.mu.Lock()
	defer v.mu.Unlock()
	query := u.Query()
	size, _ := strconv.Atoi(query.Get("PageSize"))
	page, _ := strconv.Atoi(query.Get("Page"))
	name, start := "messages", len(v.messages)
	if calls {
		name, start = "calls", len(v.rung)
	}
	if token := query.Get("PageToken"); token != "" {
		start, _ = strconv.Atoi(token[2:])
	}
	found := []any{}
	for ; start > 0 && len(found) < size; start-- {
		var one any
		var to, from string
		if calls {
			c := v.rung[start-1]
			one, to, from = c, c.To, c.From
		} else {
			m := v.messages[start-1]
			one, to, from = m, m.To, m.From
		}
		if (query.Has("To") && to != query.Get("To")) || (query.Has("From") && from != query.Get("From")) {
			continue
		}
		found = append(found, one)
	}
	var next *string
	if start > 0 {
		query.Set("PageToken", "PA"+strconv.Itoa(start))
		query.Set("Page", strconv.Itoa(page+1))
		address := u.Path + "?" + query.Encode()
		next = &address
	}
	return map[string]any{name: found, "page": page, "page_size": size, "next_page_uri": next, "uri": u.RequestURI()}
}

// description is the vendor's OpenAPI description, which is not part of this project; nil where it is not at hand.
var description = sync.OnceValues(func() (routers.Router, error) {
	folder := os.Getenv("DUTYLINE_SHARED")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared")
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile(filepath.Join(folder, "data", "twilio_api_v2010.json"))
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for _, path := range doc.Paths.Map() {
		path.Servers = nil
	}
	return gorillamux.NewRouter(doc)
})

// check holds a call to the description, and gives its route.
func (v *fakeVendor) check(r *http.Request, body []byte) *routers.Route {
	router, err := description()
	if err != nil {
		return nil // TestCallsFollowTheVendorsDescription says so
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		v.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return nil
	}
	described := r.Clone(r.Context())
	described.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{Request: described, PathParams: params, Route: route, Options: &openapi3filter.Options{
		MultiError: true, AuthenticationFunc: func(_ context.Context, a *openapi3filter.AuthenticationInput) error {
			if _, _, ok := a.RequestValidationInput.Request.BasicAuth(); !ok {
				return errors.New("no credentials")
			}
			return nil
		},
	}}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		v.t.Errorf("%s %s does not follow the vendor's description: %v", r.Method, r.URL.Path, err)
	}
	// The description allows members that it does not name; the vendor ignores them, and what we meant by them.
	known := map[string]bool{}
	for _, p := range route.Operation.Parameters {
		known[p.Value.Name] = true
	}
	for name := range r.URL.Query() {
		if !known[name] {
			v.t.Errorf("the vendor knows no parameter %q", name)
		}
	}
	if r.Method == http.MethodPost {
		form, _ := url.ParseQuery(string(body))
		properties := route.Operation.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value.Properties
		for name := range form {
			if properties[name] == nil {
				v.t.Errorf("the vendor knows no parameter %q", name)
			}
		}
	}
	return route
}

// checkAnswer holds the fake itself to the description.
func (v *fakeVendor) checkAnswer(r *http.Request, route *routers.Route, status int, data []byte) {
	if route == nil {
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 status, Header: http.Header{"Content-Type": {"application/json"}},
	}
	input.SetBodyBytes(data)
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		v.t.Errorf("the fake does not follow the vendor's description: %v", err)
	}
}
