package scenario_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// keys presses keys on a phone in a call, as somebody does on the page of phones.
func (l *line) keys(number, digits string) {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/sim/phones/"+url.PathEscape(number)+"/call", strings.NewReader(`{"digits":"`+digits+`"}`))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	l.sim.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		l.t.Fatalf("press %s: %d %s", digits, w.Code, w.Body)
	}
}

// hears waits until the newest call to a phone has said something so often.
func (l *line) hears(number, text string, times int) {
	l.t.Helper()
	l.until(fmt.Sprintf("%q, %d times", text, times), func() bool {
		calls := slices.DeleteFunc(l.sim.Calls(), func(c twiliosim.Call) bool { return c.To != number })
		if len(calls) == 0 {
			return false
		}
		return strings.Count(strings.Join(calls[len(calls)-1].Said, "\n"), text) >= times
	})
}

// rings waits for a call to a phone, picks it up, and listens to what it asks.
func (l *line) rings(number, question string) {
	l.t.Helper()
	l.until("a call", func() bool { return l.sim.Answer(number) == nil })
	l.hears(number, question, 1)
}

// Somebody has found ada's telephone: key 1 takes nothing, neither do three PINs that they guess. ada answers the next call with hers. Nothing
// of any PIN is in a log line, an address, Redis or a file, and the history says that there is one.
func TestWhoFindsATelephoneCannotTakeACaseAndItsOwnerCan(t *testing.T) {
	const pin, guess = "70914263", "61852947"
	l := startLine(t, func(c *config.Config) {
		c.Policy.Levels = [][]string{{"person:ada"}, {"person:bruno"}}
		c.Policy.Waits = map[string]time.Duration{"emergency": 5 * time.Second}
	})
	say := func(k phrase.Key) string { return phrase.Spoken(phrase.English, k, phrase.Args{}) }
	path := "/api/v1/roster/people/ada/pin"
	if status, data := l.call(http.MethodPut, path, l.officer("ada"), map[string]string{"pin": pin}); status != http.StatusOK || strings.Contains(string(data), pin) {
		t.Fatalf("%d %s", status, data)
	}
	l.until("the node is ready", func() bool {
		status, _ := l.call(http.MethodGet, "/readyz", "", nil)
		return status == http.StatusOK
	})

	ref := l.raise(map[string]any{"type": request.Preservation, "urgency": request.Emergency, "language": "en"})
	l.rings(ada, "press 1")
	l.keys(ada, "1")
	l.hears(ada, say(phrase.VoicePIN), 1)
	l.keys(ada, guess[:6]+"#")
	l.hears(ada, say(phrase.VoicePIN), 2)
	l.keys(ada, guess)
	l.hears(ada, say(phrase.VoicePIN), 3)
	l.keys(ada, guess[2:]+"#")
	l.hears(ada, say(phrase.VoicePINFailed), 1)
	if strings.Contains(l.eventsOf(ref), `"acknowledged"`) {
		t.Fatal("a guess takes a request")
	}
	l.rings(bruno, "tapez 2") // the escalation goes on all the while; bruno, who has no PIN, is not asked for one
	l.keys(bruno, "2")
	l.until("bruno passes on", func() bool { return strings.Contains(l.eventsOf(ref), `"passed"`) })

	l.rings(ada, "press 1")
	l.keys(ada, "1")
	l.hears(ada, say(phrase.VoicePIN), 1)
	l.keys(ada, pin)
	l.until("ada takes the request", func() bool { return strings.Contains(l.eventsOf(ref), `"via":"key"`) })

	_, history := l.call(http.MethodGet, "/api/v1/roster/history", l.started.Tokens.Coordinator, nil)
	_, book := l.call(http.MethodGet, "/api/v1/roster", l.started.Tokens.Coordinator, nil)
	if !strings.Contains(string(history), `"PIN set"`) || strings.Count(string(book), `"pin":true`) != 1 || strings.Contains(string(book), "pbkdf2") {
		t.Errorf("history %s, roster %s", history, book)
	}
	redis := l.redis.Dump() + strings.Join(l.redis.Keys(), "\n")
	l.stop()
	seen := map[string]string{
		"log": l.logs.String(), "webhooks": l.webhooks.String(), "calls": l.calls.String(), "headers": l.headers.String(), "redis": redis, "history": string(history),
	}
	err := filepath.WalkDir(l.started.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		seen[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	hidden := []secret{secretOf("the PIN", pin), secretOf("a guess", guess), secretOf("a guess", guess[:6]), secretOf("a guess", guess[2:]), secretOf("a digest", "pbkdf2-hmac")}
	for where, what := range seen {
		for _, leak := range leaks(where, what, hidden) {
			t.Error(leak)
		}
	}
	for where, sign := range map[string]string{"log": "a wrong PIN", "webhooks": "/gather/", "redis": "dutyline:pins:"} {
		if !strings.Contains(seen[where], sign) {
			t.Errorf("%s: %q was not recorded at all", where, sign)
		}
	}
}
