package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/request"
)

func TestConformance(t *testing.T) {
	t.Run("sms", func(t *testing.T) {
		notifiertest.Exercise(t, notifiertest.Harness{New: func(t *testing.T) notifiertest.Provider { return newVendor(t) }})
	})
	t.Run("voice", func(t *testing.T) {
		notifiertest.Exercise(t, notifiertest.Harness{New: func(t *testing.T) notifiertest.Provider { return newVoiceVendor(t) }})
	})
}

const recipient = "+15005550123"

func page() notifier.Message {
	now := time.Now()
	return notifier.Message{
		Ref: "7K4M2QX9D", Page: "p1", Attempt: "p1a1", About: notifier.AskToTake, To: recipient, Urgency: request.Critical, Language: "fr",
		Reader: "en", Code: "424242", Expires: now.Add(time.Hour), Since: now,
	}
}

func TestCallsFollowTheVendorsDescription(t *testing.T) {
	if _, err := description(); err != nil {
		t.Skipf("NOT CHECKED: the vendor's OpenAPI description is not at hand, set DUTYLINE_SHARED to the folder with data/twilio_api_v2010.json (%v)", err)
	}
	for _, v := range []*fakeVendor{newVendor(t), newVoiceVendor(t)} { // every call to them is checked
		for _, reader := range request.Languages {
			m := page()
			m.Reader = reader
			if o, ok := v.Channel().Send(t.Context(), m).(notifier.Accepted); !ok {
				t.Errorf("%#v", o)
			}
			if o, ok := v.Channel().Find(t.Context(), m).(notifier.Accepted); !ok {
				t.Errorf("%#v", o)
			}
		}
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "dublin") // the library would go to another host
	t.Setenv("TWILIO_REGION", "ie1")
	v := newVendor(t)
	var host string
	v.answer = func(w http.ResponseWriter, r *http.Request) { host = r.Host; refuse(w, http.StatusBadRequest, 21211) }
	v.Channel().Send(t.Context(), page())
	v.answer = nil
	if want := strings.TrimPrefix(v.server.URL, "http://"); host != want {
		t.Errorf("the call went to the host %q, want %q", host, want)
	}

	v.Channel().Send(t.Context(), page())
	form := v.forms[0]
	if got, want := slices.Sorted(maps.Keys(form)), []string{"Body", "From", "StatusCallback", "To", "ValidityPeriod"}; !slices.Equal(got, want) {
		t.Errorf("parameters %v, want %v", got, want)
	}
	if got, want := form.Get("From"), v.Channel().Lane(recipient); got != want {
		t.Errorf("from %q, want its lane %q", got, want)
	}
	if got := form.Get("To"); got != recipient {
		t.Errorf("to %q", got)
	}
	callback, err := url.Parse(form.Get("StatusCallback"))
	if err != nil {
		t.Fatal(err)
	}
	overrides, err := url.ParseQuery(callback.Fragment)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(overrides.Get("rc")); err != nil || n < 1 || n > 5 {
		t.Errorf("repetitions: %q, the vendor knows 0 to 5", overrides.Get("rc"))
	}
	if policy := strings.Split(overrides.Get("rp"), ","); !slices.Contains(policy, "5xx") || !slices.Contains(policy, "rt") {
		t.Errorf("policy %v: without 5xx, the vendor does not repeat what is answered with 503", policy)
	}
	callback.Fragment = ""
	if got, want := callback.String(), public+"/webhooks/twilio/message-status/7K4M2QX9D/p1a1"; got != want {
		t.Errorf("callback %s, want %s", got, want)
	}
}

// trip is a transport in memory.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestATextExpiresWithItsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var form url.Values
		o := options()
		o.Transport = trip(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			form = r.PostForm
			return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader(`{"sid":"SM1"}`)), Header: http.Header{}}, nil
		})
		for _, c := range []struct{ validity, left, want time.Duration }{
			{0, time.Hour, 5 * time.Minute},
			{0, 2 * time.Minute, 2 * time.Minute},
			{0, time.Second, 30 * time.Second}, // this machine's clock may be wrong
			{0, -time.Hour, 30 * time.Second},
			{time.Minute, time.Hour, time.Minute},
			{5 * time.Second, time.Second, 5 * time.Second},
			{10 * time.Hour, 11 * time.Hour, 10 * time.Hour},
		} {
			o.Validity = c.validity
			m := page()
			m.Expires = time.Now().Add(c.left)
			newClient(t, o).SMS().Send(t.Context(), m)
			if got := form.Get("ValidityPeriod"); got != strconv.Itoa(int(c.want.Seconds())) {
				t.Errorf("validity %v, page expires in %v: %s s, want %v", c.validity, c.left, got, c.want)
			}
		}
		o.Validity = 0
		m := page()
		m.Expires = time.Time{}
		newClient(t, o).SMS().Send(t.Context(), m)
		if got := form.Get("ValidityPeriod"); got != "300" {
			t.Errorf("page without an end: %s s, want 300", got)
		}
	})
}

// meanings is the table of what to do after each error code, as the vendor's dictionary and the field have it.
var meanings = map[request.FailureKind][]int{
	request.FailedConfig: {20003, 20005, 10001, 21205, 21210, 21212, 21606, 21608, 21219, 21703, 30002, 30032, 30034, 30035},
	request.FailedForGood: {
		21211, 21214, 21217, 21610, 21612, 21614, 21635, 30004, 30005, 30006, // the contact
		21408, 21215, 13227, // the country
		21216, 13223, 13224, 13225, 13226, 32224, // voice
	},
	request.FailedForNow:  {20429, 21611, 30001, 10004},
	request.FailedUnknown: {20500, 20503},
	request.FailedExpired: {30036, 22005},
	request.FailedCarrier: {30003, 30007, 30008, 30017, 30022, 30023, 30027, 30410},
}

func TestErrorCodes(t *testing.T) {
	for _, v := range []*fakeVendor{newVendor(t), newVoiceVendor(t)} {
		check := func(code int, want request.FailureKind) {
			v.answer = func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusBadRequest, code) }
			got, ok := v.Channel().Send(t.Context(), page()).(notifier.Failed)
			if !ok || got.Kind != want || got.Code != strconv.Itoa(code) {
				t.Errorf("%s, %d: %#v, want %s", v.Channel().Medium(), code, got, want)
			}
		}
		for kind, codes := range meanings {
			for _, code := range codes {
				check(code, kind)
			}
		}
		check(29999, request.FailedConfig) // not in the table: what we sent was refused, somebody must look
	}
}

func TestAnswers(t *testing.T) {
	const pageOfAProxy = "<html><body>nothing to see here</body></html>"
	later := func(text string) http.Header { return http.Header{"Retry-After": {text}} }
	cases := []struct {
		name   string
		status int
		header http.Header
		body   string
		want   notifier.Failed
	}{
		{"an empty success", 201, nil, "", notifier.Failed{Kind: request.FailedUnknown, Code: "http_201"}},
		{"a success that says null", 201, nil, "null", notifier.Failed{Kind: request.FailedUnknown, Code: "http_201"}},
		{"a success without an id", 201, nil, "{}", notifier.Failed{Kind: request.FailedUnknown, Code: "http_201"}},
		{"a success with an empty id", 201, nil, `{"sid":"","messages":null,"calls":null}`, notifier.Failed{Kind: request.FailedUnknown, Code: "http_201"}},
		{"a success of a proxy", 200, nil, pageOfAProxy, notifier.Failed{Kind: request.FailedUnknown, Code: "http_200"}},
		{"a success that is cut", 200, http.Header{"Content-Length": {"100"}}, "{", notifier.Failed{Kind: request.FailedUnknown, Code: "connection_lost"}},
		{"a redirect", 302, http.Header{"Location": {"/elsewhere"}}, "", notifier.Failed{Kind: request.FailedConfig, Code: "http_302"}},
		{"a redirect that looks like success", 307, http.Header{"Location": {"/elsewhere"}}, `{"sid":"SM1","messages":[],"calls":[]}`, notifier.Failed{Kind: request.FailedConfig, Code: "http_307"}},
		{"a refusal of a proxy", 403, nil, pageOfAProxy, notifier.Failed{Kind: request.FailedConfig, Code: "http_403"}},
		{"a refusal without a code", 404, nil, `{"status":404}`, notifier.Failed{Kind: request.FailedConfig, Code: "http_404"}},
		{"a refusal that says null", 400, nil, "null", notifier.Failed{Kind: request.FailedConfig, Code: "http_400"}},
		{"an empty refusal", 400, nil, "", notifier.Failed{Kind: request.FailedConfig, Code: "http_400"}},
		{"too long on the way", 408, nil, "", notifier.Failed{Kind: request.FailedUnknown, Code: "http_408"}},
		{"too many", 429, later("3"), `{"code":20429}`, notifier.Failed{Kind: request.FailedForNow, Code: "20429", RetryAfter: 3 * time.Second}},
		{"too many, by a proxy", 429, later("3"), pageOfAProxy, notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: 3 * time.Second}},
		{"too many, with another code", 429, nil, `{"code":21211}`, notifier.Failed{Kind: request.FailedForNow, Code: "21211"}},
		{"too many, for hours", 429, later("86400"), "", notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: time.Minute}},
		{"too many, for ages", 429, later("9223372036854775807"), "", notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: time.Minute}},
		{"too many, until a day of the past", 429, later("Thu, 01 Jan 1970 00:00:00 GMT"), "", notifier.Failed{Kind: request.FailedForNow, Code: "http_429"}},
		{"too many, until a day far off", 429, later("Fri, 31 Dec 9999 23:59:59 GMT"), "", notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: time.Minute}},
		{"too many, until nonsense", 429, later("soon"), "", notifier.Failed{Kind: request.FailedForNow, Code: "http_429"}},
		{"too many, since", 429, later("-5"), "", notifier.Failed{Kind: request.FailedForNow, Code: "http_429"}},
		{"too many, as a code", 400, later("3"), `{"code":20429}`, notifier.Failed{Kind: request.FailedForNow, Code: "20429", RetryAfter: 3 * time.Second}},
		{"out of order", 500, nil, `{"code":20500}`, notifier.Failed{Kind: request.FailedUnknown, Code: "20500"}},
		{"out of order, for a while", 503, later("4"), `{"code":20503}`, notifier.Failed{Kind: request.FailedUnknown, Code: "20503", RetryAfter: 4 * time.Second}},
		{"out of order, with the code of a refusal", 500, nil, `{"code":21211}`, notifier.Failed{Kind: request.FailedUnknown, Code: "21211"}},
		{"out of order, by a proxy", 502, nil, pageOfAProxy, notifier.Failed{Kind: request.FailedUnknown, Code: "http_502"}},
		{"out of order, at length", 504, nil, strings.Repeat("x", 2<<20), notifier.Failed{Kind: request.FailedUnknown, Code: "http_504"}},
		{"a contact refused", 400, later("3"), `{"code":21211,"message":"The 'To' number +15005550123 is not valid"}`, notifier.Failed{Kind: request.FailedForGood, Code: "21211"}},
	}
	for _, v := range []*fakeVendor{newVendor(t), newVoiceVendor(t)} {
		for _, c := range cases {
			t.Run(v.Channel().Medium()+" "+c.name, func(t *testing.T) {
				v.answers(c.status, c.header, c.body)
				before := v.calls.Load()
				if got := v.Channel().Send(t.Context(), page()); got != c.want {
					t.Errorf("send: %#v, want %#v", got, c.want)
				}
				if got := v.Channel().Find(t.Context(), page()); got != c.want {
					t.Errorf("find: %#v, want %#v", got, c.want)
				}
				if n := v.calls.Load() - before; n != 2 {
					t.Errorf("%d calls, want one each: nothing is repeated or followed here", n)
				}
			})
		}
	}
}

func TestWhatNeverLeftIsTemporary(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, base := range map[string]string{
		"refused": "http://" + closedPort(), "no TLS there": "https" + strings.TrimPrefix(plain.URL, "http"),
	} {
		o := options()
		o.BaseURL = base
		want := notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
		if got := newClient(t, o).SMS().Send(t.Context(), page()); got != want {
			t.Errorf("%s: %#v, want %#v", name, got, want)
		}
	}
}

func TestWhatIsNotEvenTriedIsTemporary(t *testing.T) {
	v := newVendor(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := v.Channel().Send(ctx, page()); got != (notifier.Failed{Kind: request.FailedForNow, Code: "connection"}) {
		t.Errorf("%#v, want temporary", got)
	}
	m := page()
	m.To = ""
	v.Channel().Send(t.Context(), m)
	v.Channel().Find(t.Context(), m) // it would list everything that the account sent
	if n := v.calls.Load(); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}

func TestWhatMayHaveLeftIsAmbiguous(t *testing.T) {
	// Headers that arrive and no body: what was sent may have been processed.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close() // before it read anything
		}
	}()
	o := options()
	o.BaseURL = "http://" + l.Addr().String()
	if got, ok := newClient(t, o).SMS().Send(t.Context(), page()).(notifier.Failed); !ok || got.Kind != request.FailedUnknown || got.Code != "connection_lost" {
		t.Errorf("a connection that is closed at once: %#v, want ambiguous", got)
	}

	// A transport of somebody else's that tells nothing of connections.
	o.Transport = trip(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken") })
	if got, ok := newClient(t, o).SMS().Send(t.Context(), page()).(notifier.Failed); !ok || got.Kind != request.FailedUnknown {
		t.Errorf("a transport that tells nothing: %#v, want ambiguous", got)
	}
}

func TestDeadlineOfAProviderThatHangs(t *testing.T) {
	v := newVendor(t)
	v.Behave(notifiertest.Hang)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	late, stop := context.WithDeadline(ctx, time.Now().Add(200*time.Millisecond))
	defer stop()
	if got, ok := v.Channel().Send(late, page()).(notifier.Failed); !ok || got != (notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}) {
		t.Errorf("%#v, want ambiguous, timeout", got)
	}
}

func TestFindKnowsTheProvidersWays(t *testing.T) {
	for name, skew := range map[string]time.Duration{"behind": -9 * time.Minute, "ahead": 9 * time.Minute} {
		t.Run("clock "+name, func(t *testing.T) {
			v := newVendor(t)
			v.skew = skew
			v.Behave(notifiertest.LoseAnswer)
			v.Channel().Send(t.Context(), page())
			v.Behave(notifiertest.Accept)
			for n := range 150 { // a whole page of the list that looks as old, or as young
				v.create(url.Values{"To": {recipient}, "Body": {fmt.Sprint("another ", n)}})
			}
			if got := v.Channel().Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: v.messages[0].SID}) {
				t.Errorf("%#v, want %s", got, v.messages[0].SID)
			}
		})
	}
	for _, status := range []string{"failed", "undelivered", "canceled"} {
		t.Run(status, func(t *testing.T) {
			v := newVendor(t)
			v.Channel().Send(t.Context(), page())
			v.messages[0].Status = status
			if got := v.Channel().Find(t.Context(), page()); got != (notifier.NotFound{}) {
				t.Errorf("%#v, want not found: a text that is %s is as good as none", got, status)
			}
		})
	}
	t.Run("words of the provider's before the text", func(t *testing.T) {
		for _, about := range []notifier.About{notifier.AskToTake, notifier.TellWithdrawn} {
			v := newVendor(t)
			m := page()
			if m.About = about; about != notifier.AskToTake {
				m.Code = ""
			}
			v.Channel().Send(t.Context(), m)
			v.messages[0].Body = "Sent from your trial account - " + v.messages[0].Body
			if got := v.Channel().Find(t.Context(), m); got != (notifier.Accepted{ProviderID: v.messages[0].SID}) {
				t.Errorf("%s: %#v, want %s", about, got, v.messages[0].SID)
			}
		}
	})
	t.Run("numbers changed since", func(t *testing.T) {
		v := newVendor(t)
		v.Channel().Send(t.Context(), page())
		o := options()
		o.BaseURL, o.Numbers = v.server.URL, []string{"+15005550008"}
		if got := newClient(t, o).SMS().Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: v.messages[0].SID}) {
			t.Errorf("%#v, want %s", got, v.messages[0].SID)
		}
	})
	t.Run("no search in what is old", func(t *testing.T) {
		v := newVendor(t)
		v.skew = -time.Hour
		for n := range 300 {
			v.create(url.Values{"To": {recipient}, "Body": {fmt.Sprint("old ", n)}})
		}
		if got := v.Channel().Find(t.Context(), page()); got != (notifier.NotFound{}) {
			t.Errorf("%#v, want not found", got)
		}
		if n := v.calls.Load(); n != 1 {
			t.Errorf("%d pages of the list were read, want 1", n)
		}
	})
	t.Run("an order that is not by age", func(t *testing.T) {
		v := newVendor(t)
		v.Channel().Send(t.Context(), page())
		v.skew = -time.Hour
		v.create(url.Values{"To": {recipient}, "Body": {"old"}})
		v.skew = 0
		for n := range 99 { // the old one is the last of its page
			v.create(url.Values{"To": {recipient}, "Body": {fmt.Sprint("another ", n)}})
		}
		if got := v.Channel().Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: v.messages[0].SID}) {
			t.Errorf("%#v, want %s", got, v.messages[0].SID)
		}
	})
	t.Run("pages without end", func(t *testing.T) {
		v := newVendor(t)
		v.answer = func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"messages":[{"sid":"SM1","body":"x","date_created":"nonsense"}],"next_page_uri":"https://elsewhere.example/?PageToken=PA1&Page=1"}`)
		}
		if got := v.Channel().Find(t.Context(), page()); got != (notifier.NotFound{}) {
			t.Errorf("%#v, want not found", got)
		}
		if n := v.calls.Load(); n != 10 {
			t.Errorf("%d pages were read, want 10, all from the configured host", n)
		}
	})
}

func TestTwentyLargeErrorsLeaveNothingOpen(t *testing.T) {
	var calls atomic.Int64
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		// By turns shorter and longer than what is read.
		_, _ = io.WriteString(w, strings.Repeat("x", int(512+calls.Add(1)%2*1024)<<10))
	}))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			open[c] = true
		case http.StateClosed, http.StateHijacked:
			delete(open, c)
		}
	}
	server.Start()
	defer server.Close()
	before := runtime.NumGoroutine()
	transport := &http.Transport{}
	o := options()
	o.BaseURL, o.Transport = server.URL, transport
	channel := newClient(t, o).SMS()
	for range 10 {
		for _, got := range []notifier.Outcome{channel.Send(t.Context(), page()), channel.Find(t.Context(), page())} {
			if got != (notifier.Failed{Kind: request.FailedUnknown, Code: "http_502"}) {
				t.Fatalf("%#v", got)
			}
		}
	}
	transport.CloseIdleConnections() // what hangs on an open body is not idle
	left := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(open)
	}
	for n := 0; left() > 0 || runtime.NumGoroutine() > before; n++ {
		if n == 2000 {
			t.Fatalf("%d connections are open, %d goroutines run, %d did before", left(), runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}

var fourNumbers = []string{"+15005550006", "+15005550007", "+447700900123", "+33700555001"}

func lanesOf(t *testing.T, numbers ...string) *twilio.Client {
	o := options()
	o.Numbers = numbers
	return newClient(t, o)
}

func TestLanesShareTheWork(t *testing.T) {
	all := lanesOf(t, fourNumbers...)
	counts := map[string]int{}
	for n := range 4000 {
		counts[all.Lane(notifier.Phone(fmt.Sprintf("+3360055%04d", n)))]++
	}
	for _, number := range fourNumbers {
		if counts[number] < 800 || counts[number] > 1200 {
			t.Errorf("%d of 4000 recipients are served by one of four numbers", counts[number])
		}
	}
}

func TestLanesStay(t *testing.T) {
	all := lanesOf(t, fourNumbers...)
	rapid.Check(t, func(rt *rapid.T) {
		to := notifier.Phone(rapid.StringMatching(`\+[1-9][0-9]{7,14}`).Draw(rt, "to"))
		lane := all.Lane(to)
		if got := lanesOf(t, rapid.Permutation(fourNumbers).Draw(rt, "numbers")...).Lane(to); got != lane {
			rt.Fatalf("%s in another order, %s in the first", got, lane)
		}
		if got := lanesOf(t, fourNumbers[1:]...).Lane(to); lane != fourNumbers[0] && got != lane {
			rt.Fatal("removing a number moved a conversation of another one")
		}
	})
}

func TestOptions(t *testing.T) {
	cases := map[string]struct {
		change func(*twilio.Options)
		want   string // part of the error; "" is none
	}{
		"good":                   {func(*twilio.Options) {}, ""},
		"another base":           {func(o *twilio.Options) { o.BaseURL = "http://localhost:8081/" }, ""},
		"public under a path":    {func(o *twilio.Options) { o.PublicURL = "https://line.example/duty/" }, ""},
		"plain http, simulator":  {func(o *twilio.Options) { o.BaseURL, o.PublicURL = "http://localhost:8081", "http://localhost:8080" }, ""},
		"plain http, the vendor": {func(o *twilio.Options) { o.PublicURL = "http://line.example" }, "public_url"},
		"no public":              {func(o *twilio.Options) { o.PublicURL = "" }, "public_url"},
		"public without scheme":  {func(o *twilio.Options) { o.PublicURL = "line.example" }, "public_url"},
		"public with a query":    {func(o *twilio.Options) { o.PublicURL = "https://line.example?x=1" }, "public_url"},
		"public with a fragment": {func(o *twilio.Options) { o.PublicURL = "https://line.example#x" }, "public_url"},
		"public with a password": {func(o *twilio.Options) { o.PublicURL = "https://a:b@line.example" }, "public_url"},
		"base with a path":       {func(o *twilio.Options) { o.BaseURL = "https://api.example/v1" }, "twilio.base_url"},
		"base of another scheme": {func(o *twilio.Options) { o.BaseURL = "ftp://api.example" }, "twilio.base_url"},
		"base unreadable":        {func(o *twilio.Options) { o.BaseURL = "http://%" }, "twilio.base_url"},
		"no account":             {func(o *twilio.Options) { o.AccountSID = "" }, "twilio.account_sid"},
		"an account of a kind":   {func(o *twilio.Options) { o.AccountSID = "SK" + sid[2:] }, "twilio.account_sid"},
		"no token":               {func(o *twilio.Options) { o.AuthToken = "" }, "twilio.auth_token"},
		"a strange token":        {func(o *twilio.Options) { o.AuthToken = "hunter2\n" }, "twilio.auth_token"},
		"no numbers":             {func(o *twilio.Options) { o.Numbers = nil }, "twilio.numbers"},
		"a number as people say": {func(o *twilio.Options) { o.Numbers[1] = "0500 555 0006" }, "twilio.numbers[1]"},
		"a name":                 {func(o *twilio.Options) { o.Numbers[1] = "DUTYLINE" }, "twilio.numbers[1]"}, // one-way: no reply comes back
		"a number twice":         {func(o *twilio.Options) { o.Numbers[1] = o.Numbers[0] }, "twilio.numbers[1]"},
		"no time at all":         {func(o *twilio.Options) { o.Validity = time.Millisecond }, "validity"},
		"another road":           {func(o *twilio.Options) { o.FallbackURL = "https://other.example/duty/" }, ""},
		"another road, bad":      {func(o *twilio.Options) { o.FallbackURL = "other.example" }, "fallback"},
		"another road, http":     {func(o *twilio.Options) { o.FallbackURL = "http://other.example" }, "fallback"},
		"too much time":          {func(o *twilio.Options) { o.Validity = 11 * time.Hour }, "validity"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := options()
			c.change(&o)
			_, err := twilio.New(o)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want one about %s", err, c.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error quotes the secret: %v", err)
			}
		})
	}
	_, err := twilio.New(twilio.Options{})
	for _, part := range []string{"twilio.account_sid", "twilio.auth_token", "twilio.numbers", "public_url"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not tell of %s: all that is wrong is told at once", err, part)
		}
	}
}

// logged gives a logger, and a check that its lines hold nothing that they must not.
func logged(t *testing.T) (*zap.Logger, func(secrets ...string)) {
	core, logs := observer.New(zapcore.DebugLevel)
	return zap.New(core), func(secrets ...string) {
		t.Helper()
		for _, entry := range logs.All() {
			line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "message", StacktraceKey: "stack"}).EncodeEntry(entry.Entry, entry.Context)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range append(secrets, recipient[1:], "424242", authToken, oldToken, "whole text") {
				if strings.Contains(line.String(), secret) {
					t.Errorf("a line holds %q: %s", secret, line.String())
				}
			}
		}
	}
}

func TestSendingLogsNothingOfAPerson(t *testing.T) {
	v := newVendor(t)
	logger, check := logged(t)
	o := options()
	o.BaseURL, o.Logger = v.server.URL, logger
	c := newClient(t, o)
	for _, b := range []notifiertest.Behaviour{notifiertest.Accept, notifiertest.RefuseContact, notifiertest.Unavailable, notifiertest.LoseAnswer, notifiertest.Garble} {
		v.Behave(b)
		for _, channel := range []notifier.Channel{c.SMS(), c.Voice()} {
			channel.Send(t.Context(), page())
			channel.Find(t.Context(), page())
		}
	}
	check()
}
