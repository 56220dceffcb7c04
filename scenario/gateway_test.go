package scenario_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// gateways receive the webhooks of people, each below a path that is a secret of theirs.
type gateways struct {
	*httptest.Server

	mu     sync.Mutex
	got    []arrival
	answer map[string]int // by person, in place of 204; -1: none ever comes
	hung   int
	done   chan struct{}
}

type arrival struct {
	person string
	header http.Header
	body   []byte
}

func newGateways(t *testing.T) *gateways {
	g := &gateways{answer: map[string]int{}, done: make(chan struct{})}
	g.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		close(g.done)
		g.Close()
	})
	return g
}

const pathSecret = "zebulonopensesame"

func (g *gateways) address(person string) string {
	return g.URL + "/" + pathSecret + "/" + person + "?token=" + pathSecret
}

// ServeHTTP takes a message.
func (g *gateways) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	person := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	g.mu.Lock()
	answer := g.answer[person]
	if answer < 0 {
		g.hung++
		g.mu.Unlock()
		select {
		case <-g.done:
		case <-r.Context().Done():
		}
		return
	}
	g.got = append(g.got, arrival{person, r.Header, body})
	g.mu.Unlock()
	if answer == 0 {
		answer = http.StatusNoContent
	}
	w.WriteHeader(answer)
}

func (g *gateways) answers(person string, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer[person] = status
}

func (g *gateways) of(ref request.Ref) (list []arrival) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.got {
		if strings.Contains(string(a.body), ref.String()) {
			list = append(list, a)
		}
	}
	return list
}

// A whole node tells an officer's gateway beside the text, so that a library by other people believes it with the key that a coordinator was shown. It
// says nothing of the case, and neither the address nor the key is in anything that could be seen from outside. One that hangs keeps nobody waiting.
func TestAnOfficersGatewayIsToldBesideTheTextAndLearnsNothing(t *testing.T) {
	g := newGateways(t)
	l := startLine(t)
	status, data := l.call(http.MethodGet, "/api/v1/roster", l.started.Tokens.Coordinator, nil)
	var book roster.Book
	if err := json.Unmarshal(data, &book); err != nil || status != http.StatusOK {
		t.Fatalf("roster: %d %s", status, data)
	}
	all := secrets(book)
	for i := range book.People {
		p := &book.People[i]
		p.Contacts = append(p.Contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: g.address(p.ID)})
	}
	at := []string{"If-Match", strconv.Quote(strconv.FormatUint(book.Revision, 10))}
	if status, data = l.call(http.MethodPut, "/api/v1/roster", l.started.Tokens.Coordinator, edit{book, "displays"}, at...); status/100 != 2 {
		t.Fatalf("edit: %d %s", status, data)
	}
	keys, checks := map[string]string{}, map[string]*standard.Webhook{}
	for _, person := range []string{"ada", "bruno"} {
		status, data = l.call(http.MethodGet, "/api/v1/people/"+person+"/webhook-key", l.started.Tokens.Coordinator, nil)
		var key struct {
			Secret string `json:"webhook_secret"`
		}
		if err := json.Unmarshal(data, &key); err != nil || status != http.StatusOK {
			t.Fatalf("key: %d %s", status, data)
		}
		check, err := standard.NewWebhook(key.Secret)
		if err != nil {
			t.Fatal(err)
		}
		keys[person], checks[person] = key.Secret, check
	}
	if keys["ada"] == keys["bruno"] {
		t.Error("two addresses have one key")
	}

	ref := l.raise(filled(request.EmergencyDisclosure))
	l.until("a message to each of the two", func() bool { return len(g.of(ref)) == 2 })
	l.until("a text to each of the two", func() bool { return l.texts(ada, ref) > 0 && l.texts(bruno, ref) > 0 })
	all = append(all, secretOf("the code of the text", lastCode(lineWith(l.phone(ada), ref.String()))), secretOf("the path", pathSecret))
	signs := map[string]string{"ada": "KESTREL", "bruno": "HERON"}
	for _, a := range g.of(ref) {
		if err := checks[a.person].Verify(a.body, a.header); err != nil {
			t.Errorf("the gateway of %s does not believe it: %v", a.person, err)
		}
		if !strings.Contains(string(a.body), `"type":"page.asked"`) || !strings.Contains(string(a.body), `"call_sign":"`+signs[a.person]+`"`) {
			t.Errorf("%s was told %s", a.person, a.body)
		}
		if code := regexp.MustCompile(`\b\d{6}\b`).FindString(string(a.body)); code != "" {
			t.Errorf("a message with a code: %s", a.body)
		}
		for _, leak := range leaks("message", string(a.body), all) {
			t.Error(leak)
		}
	}

	g.answers("ada", -1)
	g.answers("bruno", http.StatusGone)
	second := l.raise(filled(request.Preservation))
	l.until("texts although a gateway hangs", func() bool { return l.texts(ada, second) > 0 && l.texts(bruno, second) > 0 })
	l.until("the refusal", func() bool { return strings.Contains(l.eventsOf(second), "http_410") })
	events := l.eventsOf(ref) + l.eventsOf(second)
	l.stop() // it is not held up either
	g.mu.Lock()
	hung := g.hung
	g.mu.Unlock()
	if hung != 1 {
		t.Errorf("%d calls hang", hung)
	}
	for where, seen := range map[string]string{"log": l.logs.String(), "events": events, "headers": l.headers.String()} {
		for _, leak := range leaks(where, seen, []secret{
			secretOf("the path", pathSecret), secretOf("the host", strings.TrimPrefix(g.URL, "http://")), secretOf("a key", keys["ada"]), secretOf("a key", keys["bruno"]),
		}) {
			t.Error(leak)
		}
	}
	if !strings.Contains(l.logs.String(), "http_410") {
		t.Error("the refusal is in no log line")
	}
}
