package twiliosim_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/twiliosim"
)

func (a answer) problem(t *testing.T, status int) {
	t.Helper()
	v := a.object(t, status)
	if v["status"] != float64(status) || v["detail"] == "" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answered %s", a.body)
	}
}

func TestControlShapes(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		if a := w.control(http.MethodGet, "/sim/phones", ""); strings.TrimSpace(string(a.body)) != "[]" {
			t.Errorf("no phones are %s", a.body)
		}
		w.control(http.MethodPut, "/sim/phones/"+officer, `{"behaviour":"voicemail"}`).object(t, http.StatusOK)
		w.send("Body", "عاجل")
		w.settle(time.Second)
		sent := w.control(http.MethodPost, "/sim/phones/%2B12025550123/texts", `{"body":"123456"}`).object(t, http.StatusCreated)
		w.settle(time.Second)
		a := w.control(http.MethodGet, "/sim/phones", "")
		var phones []map[string]any
		if err := json.Unmarshal(a.body, &phones); err != nil || len(phones) != 1 {
			t.Fatalf("%s: %v", a.body, err)
		}
		p := phones[0]
		if call, ok := p["call"]; !ok || call != nil || p["number"] != officer || p["behaviour"] != "voicemail" {
			t.Errorf("the phone is %s", a.body)
		}
		texts := p["texts"].([]any)
		if len(texts) != 2 {
			t.Fatalf("texts: %v", texts)
		}
		for i, want := range []map[string]any{
			{"direction": "outbound-api", "body": "عاجل", "status": "delivered"},
			{"direction": "inbound", "body": "123456", "status": "received", "sid": sent["sid"]},
		} {
			for name, value := range want {
				if got := texts[i].(map[string]any)[name]; got != value {
					t.Errorf("text %d: %s is %v, want %v", i, name, got, value)
				}
			}
		}
		if one := w.control(http.MethodGet, "/sim/phones/12025550123", "").object(t, http.StatusOK); one["total"] != 2.0 {
			t.Errorf("the one phone is %v", one)
		}
		got := w.control(http.MethodPut, "/sim/faults", `{"mode":"503","for":"90s"}`).object(t, http.StatusOK)
		if until := time.Now().Add(90 * time.Second).UTC().Format(time.RFC3339); got["mode"] != "503" || got["until"] != until {
			t.Errorf("the fault is %v, want until %s", got, until)
		}
		if got := w.control(http.MethodPut, "/sim/faults", `{"mode":"none"}`).object(t, http.StatusOK); len(got) != 1 {
			t.Errorf("no fault is %v", got)
		}
		w.control(http.MethodPut, "/sim/webhooks", `{"sms_url":"https://new.example/sms"}`).object(t, http.StatusOK)
		if got := w.control(http.MethodGet, "/sim/webhooks", "").object(t, http.StatusOK); got["sms_url"] != "https://new.example/sms" {
			t.Errorf("the webhook is %v", got)
		}
		if got := w.control(http.MethodGet, "/sim/stats", "").object(t, http.StatusOK); got["shown"] != 1.0 || got["replies"] != 1.0 {
			t.Errorf("counted %v", got)
		}
		w.send("To", "+12025550188")
		w.settle(time.Second)
		for path, want := range map[string]int{
			"/sim/messages": 3, "/sim/messages?to=" + q(officer): 1, "/sim/alerts": 0, "/sim/phones?limit=1": 1, "/sim/phones?contains=0188": 1,
		} {
			a := w.control(http.MethodGet, path, "")
			var all []any
			if err := json.Unmarshal(a.body, &all); err != nil || len(all) != want {
				t.Errorf("%s: %s", path, a.body)
			}
		}
		if total := w.control(http.MethodGet, "/sim/phones?limit=1&texts=1", "").header.Get("X-Total-Count"); total != "2" {
			t.Errorf("%s phones in all", total)
		}
		if a := w.control(http.MethodDelete, "/sim/state", ""); a.status != http.StatusNoContent {
			t.Errorf("reset answered %d", a.status)
		}
		if len(w.sim.Phones()) != 0 || len(w.sim.Messages()) != 0 {
			t.Error("something is left")
		}
	})
}

func TestControlRefuses(t *testing.T) {
	w := newWorld(t, twiliosim.Options{})
	phone := "/sim/phones/" + officer
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPut, phone, `{"behaviour":"sulks"}`, 422},
		{http.MethodPut, phone, `{}`, 422},
		{http.MethodPut, phone, `null`, 422},
		{http.MethodPut, phone, `{"behaves":"busy"}`, 400},
		{http.MethodPut, phone, `{"behaviour":1}`, 400},
		{http.MethodPut, phone, `{"behaviour":"busy"}{}`, 400},
		{http.MethodPut, phone, `busy`, 400},
		{http.MethodPut, phone, ``, 400},
		{http.MethodPut, "/sim/phones/officer", `{"behaviour":"busy"}`, 422},
		{http.MethodGet, phone, "", 404},
		{http.MethodGet, "/sim/phones?texts=x", "", 400},
		{http.MethodGet, "/sim/phones?limit=-1", "", 400},
		{http.MethodPost, phone + "/texts", `{"body":""}`, 422},
		{http.MethodPost, phone + "/texts", `{"body":" \n"}`, 422},
		{http.MethodPost, phone + "/texts", `{"body":"` + strings.Repeat("a", 1601) + `"}`, 422},
		{http.MethodPost, phone + "/texts", `{"body":"` + strings.Repeat("a", 1<<17) + `"}`, 400},
		{http.MethodPost, phone + "/texts", `{"body":"x","to":"+15005550099"}`, 422},
		{http.MethodPost, phone + "/texts", `[]`, 400},
		{http.MethodPost, "/sim/phones/1/texts", `{"body":"x"}`, 422},
		{http.MethodPost, phone + "/call", `{"answer":true}`, 409},
		{http.MethodPost, phone + "/call", `{"digits":"1"}`, 409},
		{http.MethodPut, "/sim/faults", `{"mode":"broken"}`, 422},
		{http.MethodPut, "/sim/faults", `{"mode":"slow","for":"soon"}`, 422},
		{http.MethodPut, "/sim/faults", `{"mode":"slow","for":"-1s"}`, 422},
		{http.MethodPut, "/sim/faults", `{"mode":429}`, 400},
		{http.MethodPut, "/sim/webhooks", `{"sms_url":"nowhere"}`, 422},
		{http.MethodPut, "/sim/webhooks", `{"url":"https://x.example"}`, 400},
	} {
		t.Run(c.method+" "+c.path+" "+c.body[:min(len(c.body), 30)], func(t *testing.T) {
			w.control(c.method, c.path, c.body).problem(t, c.status)
		})
	}
	if a := w.control(http.MethodPost, phone+"/call", `{"answer":true}`); !strings.Contains(string(a.body), "no call is ringing") {
		t.Errorf("the call answered %s", a.body)
	}
	if len(w.sim.Phones()) != 0 || w.sim.Fault().Mode != twiliosim.FaultNone {
		t.Error("something changed")
	}
}

func TestOtherSitesAreKeptOut(t *testing.T) {
	sim := twiliosim.New(twiliosim.Options{})
	defer sim.Close()
	server := httptest.NewServer(sim.Handler())
	defer server.Close()
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"the page itself":    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, http.StatusNoContent},
		"no browser":         {func(*http.Request) {}, http.StatusNoContent},
		"another site":       {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"another origin":     {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		"a rebound host":     {func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
		"localhost":          {func(r *http.Request) { r.Host = "LOCALHOST:8081" }, http.StatusNoContent},
		"the IPv6 loopback":  {func(r *http.Request) { r.Host = "[::1]:8081" }, http.StatusNoContent},
		"an address outside": {func(r *http.Request) { r.Host = "192.0.2.1" }, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, server.URL+"/sim/state", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			c.change(r)
			res, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != c.status {
				t.Errorf("answered %d, want %d", res.StatusCode, c.status)
			}
		})
	}
}

func TestPage(t *testing.T) {
	w := newWorld(t, twiliosim.Options{})
	for path, media := range map[string]string{
		"/phones": "text/html", "/phones/phones.css": "text/css", "/phones/phones.js": "text/javascript",
	} {
		a := w.control(http.MethodGet, path, "")
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), media) {
			t.Errorf("%s answered %d, %s", path, a.status, a.header.Get("Content-Type"))
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if outside := regexp.MustCompile(`(https?:)?//[a-z]`).Find(a.body); outside != nil {
			t.Errorf("%s asks for something from outside: %s", path, outside)
		}
		if inline := regexp.MustCompile(`style=|<style|\son[a-z]+=|<script>|innerHTML`).Find(a.body); inline != nil {
			t.Errorf("%s has something that its policy forbids: %s", path, inline)
		}
	}
	if a := w.control(http.MethodGet, "/", ""); a.status != http.StatusFound || a.header.Get("Location") != "/phones" {
		t.Errorf("/ answered %d to %s", a.status, a.header.Get("Location"))
	}
	for _, path := range []string{"/phones/", "/phones/none.js", "/phones/..%2Fpage.go", "/sim", "/elsewhere"} {
		if a := w.control(http.MethodGet, path, ""); a.status < 400 {
			t.Errorf("%s answered %d", path, a.status)
		}
	}
}

// TestPageOffersEverything holds the page's selectors to the lists.
func TestPageOffersEverything(t *testing.T) {
	w := newWorld(t, twiliosim.Options{})
	page := string(w.control(http.MethodGet, "/phones", "").body)
	faults, phones, found := strings.Cut(page, "</header>")
	if !found {
		t.Fatal("the page has no header")
	}
	options := func(part string) (all []string) {
		for _, m := range regexp.MustCompile(`<option value="([^"]*)"`).FindAllStringSubmatch(part, -1) {
			all = append(all, m[1])
		}
		return all
	}
	var modes, behaviours []string
	for _, m := range twiliosim.FaultModes() {
		modes = append(modes, string(m))
	}
	for _, b := range twiliosim.Behaviours() {
		behaviours = append(behaviours, string(b))
	}
	equal(t, "faults", options(faults), modes)
	equal(t, "behaviours", options(phones), behaviours)
	_, keypad, _ := strings.Cut(phones, `class="keypad"`)
	var keys []string
	for _, m := range regexp.MustCompile(`<button type="button" value="(.)"`).FindAllStringSubmatch(keypad, -1) {
		keys = append(keys, m[1])
	}
	equal(t, "keys", keys, strings.Split("123456789*0#", ""))
}

// A recorder that is read while it is written, as an event stream is.
type stream struct {
	header http.Header
	lines  chan string
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}
func (s *stream) Write(b []byte) (int, error) {
	for scan := bufio.NewScanner(strings.NewReader(string(b))); scan.Scan(); {
		if line := scan.Text(); line != "" {
			s.lines <- line
		}
	}
	return len(b), nil
}

func TestEventsOfThePage(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		feed := &stream{header: http.Header{}, lines: make(chan string, 1000)}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.h.ServeHTTP(feed, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sim/events", http.NoBody))
		}()
		lines := func() (all []string) {
			synctest.Wait()
			for len(feed.lines) > 0 {
				all = append(all, <-feed.lines)
			}
			return all
		}
		equal(t, "at first", lines(), []string{"retry: 1000", "event: changed", "data: {}"})
		if feed.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("the feed is %s", feed.header.Get("Content-Type"))
		}
		w.settle(10 * time.Second)
		equal(t, "with nothing new", lines(), nil)
		changed := []string{"event: changed", "data: {}"}
		for name, change := range map[string]func(){
			"a text":      func() { w.send() },
			"a reply":     func() { _, _ = w.sim.Reply(officer, "123456") },
			"a behaviour": func() { _ = w.sim.SetBehaviour(officer, twiliosim.Busy) },
			"a fault":     func() { _ = w.sim.SetFault(twiliosim.FaultNone, 0) },
			"a call":      func() { w.dial() },
			"a reset":     w.sim.Reset,
		} {
			w.settle(1100 * time.Millisecond) // not when the feed shows that it lives
			lines()
			change()
			if got := lines(); !slices.Equal(got, changed) {
				t.Errorf("after %s: %q", name, got)
			}
		}
		w.settle(time.Second)
		lines()
		for range 500 {
			w.send()
		}
		w.settle(time.Second)
		if n := len(lines()) / 2; n == 0 || n > 6 {
			t.Errorf("a storm told the page %d times", n)
		}
		w.settle(16 * time.Second)
		equal(t, "when idle", lines(), []string{": alive"})
		w.sim.Close()
		<-ended
	})
}
