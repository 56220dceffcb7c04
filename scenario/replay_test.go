package scenario_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

// A tape is what somebody has who saw every webhook of both providers.
type tape struct {
	mu       sync.Mutex
	webhooks []taped
}

// A taped webhook is one that was posted, as it came.
type taped struct {
	target string
	header http.Header
	body   string
}

func (p *tape) record(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.webhooks = append(p.webhooks, taped{r.URL.RequestURI(), r.Header.Clone(), string(body)})
}

func (p *tape) all() []taped {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.webhooks)
}

// bring posts it to the node.
func (h taped) bring(t *testing.T, door http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, public+h.target, bytes.NewReader([]byte(h.body)))
	r.RequestURI, r.Header = h.target, h.header
	answer := httptest.NewRecorder()
	door.ServeHTTP(answer, r)
	return answer
}

// forgeries are what somebody makes of a webhook who has no secret.
func (h taped) forgeries() map[string]taped {
	without := h
	without.header = h.header.Clone()
	without.header.Del("X-Twilio-Signature")
	without.header.Del("Authorization")
	without.body = regexp.MustCompile(`"sig":"[0-9A-F]+"`).ReplaceAllString(h.body, `"sig":""`)
	elsewhere, another := h, h
	elsewhere.target = regexp.MustCompile(`/p(\d+)a\d+`).ReplaceAllString(h.target, "/p${1}a9")
	if elsewhere.target == h.target { // an inbound text, which has no attempt in its address
		elsewhere.body = strings.Replace(h.body, bruno[1:], ada[1:], 1)
		elsewhere.body = strings.Replace(elsewhere.body, ada[1:], "15005550177", 1)
	}
	another.body = strings.NewReplacer("delivered", "failed", "completed", "busy", `"digits":"1"`, `"digits":"2"`, "Digits=1", "Digits=2", "AccountSid=", "AccountSid=AC", `"uuid":"`, `"uuid":"0`, `"nonce":"`, `"nonce":"0`).Replace(h.body)
	return map[string]taped{"without a signature": without, "for another attempt or number": elsewhere, "with another body": another}
}

// An emergency goes out through both providers, by text and by call; ada takes it by key and writes, a stranger writes, somebody guesses. Whoever saw
// all of these webhooks then brings them again and again, as they were and changed. Nothing of what was stored moves, nobody is told anything more,
// and no line of the log has a number, a text or a code.
func TestWhoeverBringsWebhooksAgainOrForgesThemChangesNothing(t *testing.T) {
	var seen tape
	onTwoOperators(t, func(t *testing.T, w *world, second *vonagesim.Simulator) {
		ref := w.raise(request.Emergency)
		pass(5 * time.Second)
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		write := func(from, text string) {
			t.Helper()
			_, err := w.sim.Reply(from, text)
			do(err)
			_, err = second.Write(public+vonage.InboundPath, fmt.Sprint("in", len(seen.all())), from[1:], oursToo[1:], text)
			do(err)
			pass(time.Second)
		}
		write("+15005550199", w.code(ref, "p1")) // nobody's
		write(ada, "000000")
		answer := func() {
			t.Helper()
			do(w.sim.Answer(ada))
			pass(2 * time.Second)
			do(w.sim.Press(ada, "1"))
			pass(10 * time.Second)
		}
		answer()
		write(ada, w.code(ref, "p1"))
		other := w.ordered("voice", "call")
		pass(5 * time.Second)
		answer()
		pass(10 * time.Second)

		doors := http.NewServeMux()
		doors.Handle("/webhooks/twilio/", w.client.Webhooks(w.node))
		doors.Handle("/webhooks/vonage/", w.second.Webhooks(w.node))
		kept := seen.all()
		before, texts := w.story(ref, other), len(w.received(ada, 0))
		if strings.Count(before, "ada acknowledged") != 2 {
			t.Fatalf("before: %s", before)
		}
		ways := map[string]bool{}
		for _, h := range kept {
			ways[strings.Join(strings.Split(h.target, "/")[:4], "/")] = true
			for name, f := range h.forgeries() {
				if f.target == h.target && f.body == h.body && len(f.header) == len(h.header) {
					continue // that leaves it as it was
				}
				if got := f.bring(t, doors); got.Code != http.StatusForbidden {
					t.Errorf("%s, %s: %d", h.target, name, got.Code)
				}
			}
		}
		if len(ways) < 9 {
			t.Errorf("only %d ways in were seen: %v", len(ways), ways)
		}
		for _, later := range []time.Duration{0, time.Minute, 3 * time.Hour, 30 * time.Hour} {
			pass(later)
			if later > time.Hour { // what was stored by itself meanwhile
				before = w.story(ref, other)
			}
			for _, h := range kept {
				if got := h.bring(t, doors); got.Code != http.StatusForbidden && got.Code >= 300 {
					t.Errorf("%s: %d after %s", h.target, got.Code, later)
				}
			}
			pass(5 * time.Second)
			if after := w.story(ref, other); after != before {
				t.Errorf("after %s: %s\nwas %s", later, after, before)
			}
		}
		if more := len(w.received(ada, texts)); more > 4 { // the second provider's texts are believed for a day: the two of ada are answered after an hour
			t.Errorf("%d more texts to ada: %q", more, w.received(ada, texts))
		}
		log := w.logs.String()
		for what, secret := range map[string]string{"number": ada[1:], "number of a stranger": "15005550199", "code": w.code(ref, "p1")} {
			if strings.Contains(log, secret) {
				t.Errorf("the log has a %s", what)
			}
		}
		if n := strings.Count(log, "webhook without a valid signature"); n < 2*len(kept) {
			t.Errorf("%d lines tell of %d webhooks that were forged in three ways", n, len(kept))
		}
	}, func(w *world) { w.tape = seen.record })
}

// story is what stands about requests.
func (w *world) story(refs ...request.Ref) string {
	var list []string
	for _, ref := range refs {
		s := w.state(ref)
		list = append(list, s.Owner, string(s.Status), fmt.Sprint(s.Version))
		for _, p := range s.Pages {
			list = append(list, p.Page+" "+string(p.State)+" "+fmt.Sprint(len(p.Attempts)))
		}
	}
	return strings.Join(list, " ")
}
