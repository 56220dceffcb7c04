package twiliosim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/twiliosim"
)

// prompt is what an officer is asked, as the line asks it.
const prompt = `<Response><Gather numDigits="1" timeout="5" action="/gather/a1" actionOnEmptyResult="true">` +
	`<Say language="en-GB" voice="Polly.Amy">Press 1 to take it.</Say></Gather></Response>`

// dialled is a call that is accepted, with changes as in text. Several values of one parameter are separated by commas.
func dialled(changes ...string) url.Values {
	form := url.Values{"To": {officer}, "From": {sender}, "Url": {voice}}
	for i := 0; i < len(changes); i += 2 {
		form[changes[i]] = strings.Split(changes[i+1], ",")
		if changes[i+1] == "-" {
			form.Del(changes[i])
		}
	}
	return form
}

// every asks for all callbacks.
var every = []string{"StatusCallback", callURL, "StatusCallbackEvent", "initiated,ringing,answered,completed"}

// dial makes a call and returns its SID.
func (w *world) dial(changes ...string) string {
	w.t.Helper()
	return w.api(http.MethodPost, "/Calls.json", dialled(changes...)).object(w.t, http.StatusCreated)["sid"].(string)
}

// call returns the record of a call.
func (w *world) call(sid string) twiliosim.Call {
	w.t.Helper()
	for _, c := range w.sim.Calls() {
		if c.SID == sid {
			return c
		}
	}
	w.t.Fatalf("there is no call %s", sid)
	return twiliosim.Call{}
}

// speak answers webhooks with documents, by path. A document that begins with a number has that status; the rest get 204.
func (w *world) speak(documents map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.customer = func(_ int, out http.ResponseWriter, r *http.Request) {
		document, ok := documents[r.URL.Path]
		code := http.StatusOK
		if n, err := fmt.Sscanf(document, "%d", &code); n == 1 && err == nil {
			document = ""
		}
		if !ok {
			code = http.StatusNoContent
		}
		out.Header().Set("Content-Type", "text/xml")
		out.WriteHeader(code)
		_, _ = io.WriteString(out, document)
	}
}

// to returns what one path got.
func (w *world) to(target string) (all []post) {
	w.t.Helper()
	for _, p := range w.webhooks() {
		if p.url == target {
			all = append(all, p)
		}
	}
	return all
}

// reported returns the callbacks of calls, as number and status.
func (w *world) reported() (all []string) {
	w.t.Helper()
	for _, p := range w.to(callURL) {
		all = append(all, p.form.Get("SequenceNumber")+" "+p.form.Get("CallStatus"))
	}
	return all
}

// codes returns the codes of the alerts.
func (w *world) codes() (all []int) {
	for _, a := range w.sim.Alerts() {
		all = append(all, a.Code)
	}
	return all
}

// do checks that something on a phone worked.
func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
