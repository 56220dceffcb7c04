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
	synctest.Wait()
	ref := w.raise(request.Urgent)
	pass(time.Second)
	if later {
		vendor.lose(t, w, w.client.Webhooks(w.node))
		pass(time.Second)
	}
	page := w.state(ref).Pages[0]
	called := slices.ContainsFunc(w.state(ref).Pages, func(p request.Page) bool { return p.Channel == "voice" && p.Person == "ada" && len(p.Attempts) > 0 })
	switch what {
	case "wait and retry", "look up, then send again":
		pass(10 * time.Second)
		before := vendor.posts
		if before < 2 || called {
			t.Errorf("%d texts were tried, called: %t", before, called)
		}
		if want := what != "wait and retry"; want != (vendor.lookedUp > 0) {
			t.Errorf("looked up %d times", vendor.lookedUp)
		}
		vendor.code = 0
		pass(20 * time.Second)
		if n := w.texts(ada, ref); n != 1 {
			t.Errorf("%d texts arrived when it was well again", n)
		}
	default: // the next channel, at once: the policy calls after two minutes
		if page.State != request.PageFailed || page.Made().Code != strconv.Itoa(code) || !called {
			t.Errorf("the page is %s with %q, called: %t", page.State, page.Made().Code, called)
		}
		pass(15 * time.Second)
		alarmed := slices.ContainsFunc(w.node.Alarms(), func(s *request.State) bool {
			return s.Alarm.Kind == request.AlarmProvider && strings.Contains(s.Alarm.Detail, strconv.Itoa(code))
		})
		if want := strings.HasPrefix(what, "alarm"); alarmed != want {
			t.Errorf("alarmed: %t", alarmed)
		}
	}
}
