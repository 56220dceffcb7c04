package scenario_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

// What the second vendor says of texts and calls, by what is to be done after each. Of texts: the status of the answer, the error code of a receipt,
// the status of a receipt without one. Of calls: the status of the answer, what its end is called, and its detail.
var vonageTodo = map[string]struct{ refusals, receipts, lost, answers, endings, details []string }{
	"alarm the operators, next channel": {
		refusals: []string{"2", "3", "4", "8", "9", "11", "12", "14", "15", "22", "23", "29", "32"},
		receipts: []string{"10", "50", "51", "52", "53", "54"},
		answers:  []string{"400", "401", "402", "403", "404", "422"},
	},
	"next channel, this contact is no good": {
		refusals: []string{"6", "7", "33"},
		receipts: []string{"3", "4", "9", "12", "13", "14"},
		answers:  []string{"invalid_to"},
		details:  []string{"invalid_number", "cannot_route", "number_out_of_service"},
	},
	"wait and retry":           {refusals: []string{"1", "10"}, answers: []string{"429"}},
	"look up, then send again": {refusals: []string{"5"}, answers: []string{"500", "502", "503", "504", "408"}},
	"next channel, it expired": {lost: []string{"expired"}},
	"next channel, the carrier gave it up": {
		receipts: []string{"1", "2", "5", "6", "7", "8", "11", "15", "99"},
		lost:     []string{"failed", "rejected"},
		endings:  []string{"failed", "rejected", "cancelled"},
		details:  []string{"restricted", "internal_error"},
	},
	"call again": {endings: []string{"busy", "timeout", "unanswered"}, details: []string{"declined"}},
}

// A clerk is the second vendor for pages to ada: it answers or reports the first in the words that it is given; everything else is the simulator's.
type clerk struct {
	channel string
	text    string // status of the answer to a text; "" takes it
	call    string // status of the answer to a call, or invalid_to; "" takes it
	well    bool
	posts   map[string]int // by channel
	looked  map[string]int

	form  url.Values // of the text that was taken
	order struct {
		To       []struct{ Number string }
		EventURL []string `json:"event_url"`
	}
}

func (c *clerk) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		channel := notifier.MediumSMS
		if r.URL.Path == "/v1/calls" {
			channel = notifier.MediumVoice
		}
		if r.Method == http.MethodGet {
			c.looked[channel]++
			next.ServeHTTP(w, r)
			return
		}
		form, _ := url.ParseQuery(string(body))
		if channel == notifier.MediumVoice {
			_ = json.Unmarshal(body, &c.order)
			form = url.Values{"to": {c.order.To[0].Number}}
		}
		if form.Get("to") != ada[1:] {
			next.ServeHTTP(w, r)
			return
		}
		c.posts[channel]++
		answer := func(status int, document string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, document)
		}
		status, _ := strconv.Atoi(c.call)
		switch {
		case c.well || channel != c.channel:
			next.ServeHTTP(w, r)
		case c.text != "":
			answer(http.StatusOK, fmt.Sprintf(`{"message-count":"1","messages":[{"status":%q,"error-text":"no"}]}`, c.text))
		case c.call == "invalid_to":
			answer(http.StatusBadRequest, `{"title":"Bad Request","invalid_parameters":[{"name":"to[0].number","reason":"no"}]}`)
		case c.call != "":
			answer(status, `{"title":"no"}`)
		case channel == notifier.MediumVoice:
			answer(http.StatusCreated, `{"uuid":"`+takenID+`","status":"started"}`)
		default:
			c.form = form
			answer(http.StatusOK, `{"message-count":"1","messages":[{"status":"0","message-id":"`+takenID+`"}]}`)
		}
	})
}

// takenID is the vendor's id of what the clerk takes.
const takenID = "0A0000000000000000000001"

// Each is played where it comes: as the answer to a page, or as what the vendor says of it afterwards. ada is on duty with a telephone for texts and
// calls, through the second vendor alone; a call of hers comes first where it is about calls.
func TestEachErrorOfTheSecondProviderEndsInWhatIsToBeDone(t *testing.T) {
	for what, says := range vonageTodo {
		play := func(kind, code string, f failure, c clerk, report func(w *world, sim *vonagesim.Simulator, c *clerk)) {
			f.what, f.code = what, code
			t.Run(fmt.Sprintf("%s/%s/%s", strings.ReplaceAll(what, " ", "_"), kind, code), func(t *testing.T) {
				applicationKey() // outside of the bubble
				synctest.Test(t, func(t *testing.T) { playVonage(t, f, &c, report) })
			})
		}
		texts, calls := failure{first: notifier.MediumSMS, then: notifier.MediumVoice}, failure{first: notifier.MediumVoice, then: notifier.MediumSMS}
		for _, status := range says.refusals {
			play("text", "sms_"+status, texts, clerk{text: status}, nil)
		}
		receipt := func(status, code string) func(*world, *vonagesim.Simulator, *clerk) {
			return func(w *world, sim *vonagesim.Simulator, c *clerk) {
				answered, err := sim.DeliverText(c.form.Get("callback"), map[string]string{
					"messageId": takenID, "status": status, "err-code": code, "client-ref": c.form.Get("client-ref"), "msisdn": ada[1:], "to": oursToo[1:],
				})
				if err != nil || answered >= 300 {
					w.t.Errorf("the receipt is answered with %d, %v", answered, err)
				}
			}
		}
		for _, code := range says.receipts {
			play("receipt", "dlr_"+code, texts, clerk{}, receipt("failed", code))
		}
		for _, status := range says.lost {
			play("receipt", status, texts, clerk{}, receipt(status, "0"))
		}
		for _, status := range says.answers {
			code := status
			if code != "invalid_to" {
				code = "http_" + status
			}
			play("call", code, calls, clerk{call: status}, nil)
		}
		event := func(status, detail string) func(*world, *vonagesim.Simulator, *clerk) {
			return func(w *world, sim *vonagesim.Simulator, c *clerk) {
				payload := map[string]any{"uuid": takenID, "status": status, "detail": detail, "from": oursToo[1:], "to": ada[1:], "direction": "outbound"}
				if answered, _, err := sim.Deliver(c.order.EventURL[0], payload); err != nil || answered >= 300 {
					w.t.Errorf("the event is answered with %d, %v", answered, err)
				}
			}
		}
		for _, status := range says.endings {
			code := map[string]string{"cancelled": "canceled"}[status]
			if code == "" {
				code = status
			}
			play("event", code, calls, clerk{}, event(status, ""))
		}
		for _, detail := range says.details {
			play("event", detail, calls, clerk{}, event("failed", detail))
		}
	}
}

func playVonage(t *testing.T, f failure, c *clerk, report func(*world, *vonagesim.Simulator, *clerk)) {
	var sim *vonagesim.Simulator
	c.channel, c.posts, c.looked = f.first, map[string]int{}, map[string]int{}
	policy := dispatcher.DefaultPolicy()
	policy.Channels[request.Urgent][0].Channel, policy.Channels[request.Urgent][1].Channel = f.first, f.then
	w := newWorld(t, eventlogtest.Start(t), policy, func(w *world, o *node.Options) {
		var client *vonage.Client
		sim, client = w.secondOperator(t, c.before)
		o.Providers = []node.Provider{{Channel: client.SMS()}, {Channel: client.Voice()}}
		o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, strconv.Itoa(i))) }
	})
	f.posts, f.lookedUp, f.heal = func() int { return c.posts[f.first] }, func() int { return c.looked[f.first] }, func() { c.well = true }
	f.arrived = func(ref request.Ref) int { return w.texts(ada, ref) }
	if f.first == notifier.MediumVoice {
		f.arrived = func(request.Ref) int { return len(sim.Calls()) }
	}
	if report != nil {
		f.report = func() {
			c.well = true
			report(w, sim, c)
		}
	}
	f.play(t, w)
}

// table reads the keys of a table of a provider's package from its source, so that none is left out of the play.
func table(t *testing.T, file, name string) (keys []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name {
			return true
		}
		ast.Inspect(spec, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok {
				keys = append(keys, strings.Trim(literal.Value, `"`))
			}
			return true
		})
		return false
	})
	slices.Sort(keys)
	return keys
}

func TestEveryCodeOfTheProvidersTablesIsPlayed(t *testing.T) {
	var codes, refusals, receipts, details []string
	for _, list := range todo {
		for _, code := range list {
			codes = append(codes, strconv.Itoa(code))
		}
	}
	for _, says := range vonageTodo {
		refusals, receipts, details = append(refusals, says.refusals...), append(receipts, says.receipts...), append(details, says.details...)
	}
	for _, check := range []struct {
		file, table string
		played      []string
	}{
		{"../notifier/twilio/codes.go", "kinds", codes},
		{"../notifier/vonage/codes.go", "refusals", refusals},
		{"../notifier/vonage/codes.go", "receipts", receipts},
		{"../notifier/vonage/codes.go", "details", details},
	} {
		slices.Sort(check.played)
		if want := table(t, check.file, check.table); len(want) == 0 || !slices.Equal(want, check.played) {
			t.Errorf("%s has %s: %v; played are %v", check.file, check.table, want, check.played)
		}
	}
}

// secondOperator is an account at the second vendor on the world's network, and a client of it. What is asked of the vendor goes through before.
func (w *world) secondOperator(t *testing.T, before func(http.Handler) http.Handler) (*vonagesim.Simulator, *vonage.Client) {
	t.Helper()
	client, sim, hooks := w.joinSecond(before)
	hooks.before = func(r *http.Request) error {
		if w.tape != nil {
			w.tape(r)
		}
		return nil
	}
	hooks.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { client.Webhooks(w.node).ServeHTTP(rw, r) })
	w.second = client
	return sim, client
}
