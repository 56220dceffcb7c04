package scenario_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/request"
)

// The table of the vendor's error codes by what is to be done after each, as operators and the field have it.
var todo = map[string][]int{
	"alarm the operators, next channel":     {20003, 20005, 10001, 21205, 21210, 21212, 21606, 21608, 21219, 21703, 30002, 30032, 30034, 30035},
	"next channel, this contact is no good": {21211, 21214, 21217, 21610, 21612, 21614, 21635, 30004, 30005, 30006, 21408, 21215, 13227, 21216, 13223, 13224, 13225, 13226, 32224},
	"wait and retry":                        {20429, 21611, 30001, 10004},
	"look up, then send again":              {20500, 20503},
	"next channel, it expired":              {30036, 22005},
	"next channel, the carrier gave it up":  {30003, 30007, 30008, 30017, 30022, 30023, 30027, 30410},
}

// A teller answers texts to ada with an error code, as an answer or, later, as a report of a carrier; everything else reaches the network.
type teller struct {
	code      int
	later     bool
	posts     int // texts to ada
	lookedUp  int
	callbacks []string // of what was taken and is to be lost
}

// ServeHTTP answers before the network does.
func (c *teller) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		texts := strings.HasSuffix(r.URL.Path, "/Messages.json")
		if r.Method == http.MethodGet && texts {
			c.lookedUp++
		}
		if r.Method != http.MethodPost || !texts {
			next.ServeHTTP(w, r)
			return
		}
		_ = r.ParseForm()
		body := r.PostForm.Encode()
		again := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(body))
		again.Header = r.Header.Clone()
		if r.PostForm.Get("To") != ada || c.code == 0 {
			next.ServeHTTP(w, again)
			return
		}
		c.posts++
		w.Header().Set("Content-Type", "application/json")
		switch status := map[int]int{20429: 429, 20500: 500, 20503: 503, 20003: 401}[c.code]; {
		case c.later && c.posts == 1:
			c.callbacks = append(c.callbacks, r.PostForm.Get("StatusCallback"))
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued"}`)
		case c.later:
			next.ServeHTTP(w, again)
		default:
			w.WriteHeader(max(status, 400))
			_, _ = fmt.Fprintf(w, `{"code":%d,"status":%d,"message":"no"}`, c.code, max(status, 400))
		}
	})
}

// lose reports that the text that was taken is lost, signed as the vendor signs.
func (c *teller) lose(t *testing.T, w *world, hooks http.Handler) {
	t.Helper()
	for _, address := range c.callbacks {
		address, _, _ := strings.Cut(address, "#")
		form := url.Values{
			"MessageSid": {"SM00000000000000000000000000000001"}, "MessageStatus": {"undelivered"}, "ErrorCode": {strconv.Itoa(c.code)}, "To": {ada}, "From": {ours},
			"AccountSid": {w.sim.AccountSID()},
		}
		signed := address
		for _, key := range slices.Sorted(maps.Keys(form)) {
			signed += key + form.Get(key)
		}
		mac := hmac.New(sha1.New, []byte(w.sim.AuthToken()))
		mac.Write([]byte(signed))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		answer := httptest.NewRecorder()
		hooks.ServeHTTP(answer, r)
		if answer.Code >= 300 {
			t.Errorf("the report is answered with %d", answer.Code)
		}
	}
}

// Each code of the table is played twice where it can come twice: as the answer to a text, and as what the carrier says of it afterwards. ada is on
// duty with a telephone for texts and calls; nobody answers.
func TestEachErrorCodeEndsInWhatIsToBeDone(t *testing.T) {
	for what, codes := range todo {
		for _, code := range codes {
			for _, later := range []bool{false, true} {
				if later && (what == "wait and retry" || what == "look up, then send again") {
					continue // those are answers
				}
				name := fmt.Sprintf("%s/%d", strings.ReplaceAll(what, " ", "_"), code)
				if later {
					name += "/later"
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { playCode(t, what, code, later) })
				})
			}
		}
	}
}

func playCode(t *testing.T, what string, code int, later bool) {
	vendor := &teller{code: code, later: later}
	w := newWorld(t, eventlogtest.Start(t), dispatcher.DefaultPolicy(), func(w *world, o *node.Options) {
		var err error
		w.client, err = twilio.New(twilio.Options{
			BaseURL: "http://sim.example", AccountSID: w.sim.AccountSID(), AuthToken: w.sim.AuthToken(), Numbers: []string{ours}, PublicURL: public,
			Transport: &memory{handler: vendor.before(w.sim.Handler())}, Logger: w.logs.logger(),
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Providers = []node.Provider{{Channel: w.client.SMS()}, {Channel: w.client.Voice()}}
		o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, strconv.Itoa(i))) }
	})
	p := failure{
		what: what, code: strconv.Itoa(code), first: "sms", then: "voice",
		posts: func() int { return vendor.posts }, lookedUp: func() int { return vendor.lookedUp }, heal: func() { vendor.code = 0 },
		arrived: func(ref request.Ref) int { return w.texts(ada, ref) },
	}
	if later {
		p.report = func() { vendor.lose(t, w, w.client.Webhooks(w.node)) }
	}
	p.play(t, w)
}

// A failure is what a provider says of the first page of ada, in the words of its protocol, and what is to be done then.
type failure struct {
	what        string // as the tables have it
	code        string // as the page has it
	first, then string // the channels of ada, in her order

	posts    func() int // of pages to ada over the first channel
	lookedUp func() int
	report   func() // tells it of a page that was taken; nil: it is the answer to a page
	heal     func()
	arrived  func(request.Ref) int // over the first channel
}

// play raises a request and looks at what is done. Nobody answers.
func (f failure) play(t *testing.T, w *world) {
	t.Helper()
	synctest.Wait()
	ref := w.raise(request.Urgent)
	pass(time.Second)
	if first := w.state(ref).Pages[0]; first.Channel != f.first || f.posts() == 0 {
		t.Fatalf("the first page goes over %s: %+v", first.Channel, first)
	}
	if f.report != nil {
		f.report()
		pass(time.Second)
	}
	page := w.state(ref).Pages[0]
	next := func() bool {
		return slices.ContainsFunc(w.state(ref).Pages, func(p request.Page) bool { return p.Channel == f.then && p.Person == "ada" && len(p.Attempts) > 0 })
	}
	switch f.what {
	case "wait and retry", "look up, then send again":
		pass(10 * time.Second)
		if before := f.posts(); before < 2 || next() {
			t.Errorf("%d pages were tried, the next channel: %t", before, next())
		}
		if want := f.what != "wait and retry"; want != (f.lookedUp() > 0) {
			t.Errorf("looked up %d times", f.lookedUp())
		}
		f.heal()
		pass(20 * time.Second)
		if n := f.arrived(ref); n != 1 {
			t.Errorf("%d arrived when it was well again", n)
		}
	case "call again":
		pass(10 * time.Second)
		if n, again := f.posts(), f.arrived(ref); n != 2 || again != 1 {
			t.Errorf("%d calls, of which %d arrived", n, again)
		}
	default: // the next channel, at once: the policy waits for two minutes
		if made := page.Made(); page.State != request.PageFailed || made == nil || made.Code != f.code || !next() {
			t.Errorf("the page is %s, %+v, the next channel: %t", page.State, made, next())
		}
		pass(15 * time.Second)
		if n := f.posts(); n != 1 {
			t.Errorf("it was tried %d times", n)
		}
		if alarmed, want := f.alarmed(w, request.AlarmProvider), strings.HasPrefix(f.what, "alarm"); alarmed != want {
			t.Errorf("the operators alarmed: %t", alarmed)
		}
		if flagged, want := f.alarmed(w, request.AlarmFailing), strings.HasSuffix(f.what, "is no good"); flagged != want {
			t.Errorf("the contact flagged: %t", flagged)
		}
	}
}

// alarmed reports whether an alarm of a kind stands that has the code.
func (f failure) alarmed(w *world, kind request.AlarmKind) bool {
	return slices.ContainsFunc(w.node.Alarms(), func(s *request.State) bool {
		return s.Alarm.Kind == kind && (strings.Contains(s.Alarm.Detail, f.code) || s.Alarm.Failing.Code == f.code)
	})
}
