package scenario_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier/webhook"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// receiver is where the sender wants to be told. It believes what the specification's library believes, and keeps what it has not had yet.
type receiver struct {
	wanted atomic.Bool // the sender has a webhook
	calls  atomic.Int64

	mu     sync.Mutex
	answer func(r *http.Request) int // a status in place of taking it, 0: takes it
	secret string                    // with which it checks
	got    []message
}

// hook carries a secret of its own in its path, as the addresses of many receivers do.
const hook = "https://receiver.example/hooks/opensesame?token=opensesame"

var hookKey = []byte("0123456789abcdef0123456789abcdef")

type message struct {
	Type string          `json:"type"`
	Data request.Receipt `json:"data"`
	id   string
	at   time.Time
	text string
}

func (r *receiver) channel() *webhook.Channel {
	r.secret = webhook.Secret(hookKey)
	return webhook.New(webhook.Options{
		Endpoint: func(string) (webhook.Endpoint, bool) {
			return webhook.Endpoint{URL: hook, Key: hookKey}, r.wanted.Load()
		},
		Transport: &memory{handler: r},
	})
}

// ServeHTTP takes a message, each one once.
func (r *receiver) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	r.calls.Add(1)
	body, _ := io.ReadAll(in.Body)
	r.mu.Lock()
	answer, secret := r.answer, r.secret
	r.mu.Unlock()
	if answer != nil {
		if status := answer(in); status != 0 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			return
		}
	}
	check, err := standard.NewWebhook(secret)
	if err != nil || check.Verify(body, in.Header) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	m := message{id: in.Header.Get("webhook-id"), at: time.Now(), text: string(body)}
	if json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.ContainsFunc(r.got, func(o message) bool { return o.id == m.id }) {
		r.got = append(r.got, m)
	}
}

func (r *receiver) set(answer func(*http.Request) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// take answers the first text of a request, as the officer on duty.
func (w *world) take(ref request.Ref) {
	w.t.Helper()
	phone, _ := w.sim.Phone(ada)
	i := slices.IndexFunc(phone.Texts, func(text twiliosim.Text) bool { return strings.Contains(text.Body, ref.String()) })
	if i < 0 {
		w.t.Fatalf("no text about %s", ref)
	}
	if _, err := w.sim.Reply(ada, w.code(ref, "p1")); err != nil {
		w.t.Fatal(err)
	}
}

// notified counts how often the log says that the sender was told.
func (w *world) notified(ref request.Ref) int {
	w.t.Helper()
	history, err := requests{w.log}.History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, stored := range history {
		n += strings.Count(string(stored.Data), `"type":"sender_notified"`)
	}
	return n
}

func TestTheSenderKnowsWithinTheSecondThatAHumanHasIt(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		w.receiver.wanted.Store(true)
		ref := w.raise(request.Critical)
		pass(10 * time.Second)
		if got := w.receiver.messages(); len(got) != 0 {
			t.Errorf("told before anything happened: %+v", got)
		}
		w.take(ref)
		pass(time.Second)
		got := w.receiver.messages()
		if len(got) != 1 {
			t.Fatalf("%d messages", len(got))
		}
		s := w.state(ref)
		if m := got[0]; m.Type != "request.acknowledged" || m.Data.Status != request.StatusAcknowledged || m.Data.Reference != ref.String() || m.Data.Version != s.Version ||
			m.at.Sub(s.AcknowledgedAt) > time.Second || s.AcknowledgedAt.IsZero() {
			t.Errorf("message %+v, acknowledged at %v", m, s.AcknowledgedAt)
		}
		for _, person := range []string{"ada", "KESTREL", ada} {
			if strings.Contains(got[0].text, person) {
				t.Errorf("the message names %s: %s", person, got[0].text)
			}
		}
		pass(time.Hour)
		if w.notified(ref) != 1 || w.receiver.calls.Load() != 1 {
			t.Errorf("notified %d times in %d calls", w.notified(ref), w.receiver.calls.Load())
		}
		if logs := w.logs.String(); strings.Contains(logs, "opensesame") || strings.Contains(logs, "receiver.example") ||
			!strings.Contains(logs, `"channel":"webhook"`) {
			t.Error("the log lines name the address, or tell nothing of the message")
		}
	})
}

func TestAReceiverThatWasDownForDaysIsToldOnce(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		w.receiver.wanted.Store(true)
		w.receiver.set(func(r *http.Request) int { panic(http.ErrAbortHandler) })
		ref := w.raise(request.Critical)
		pass(time.Second)
		w.take(ref)
		pass(71 * time.Hour)
		w.receiver.set(nil)
		pass(time.Hour)
		got := w.receiver.messages()
		if len(got) != 1 || w.notified(ref) != 1 || w.state(ref).Page("p2").State != request.PageDelivered {
			t.Errorf("%d messages, notified %d times, page %s", len(got), w.notified(ref), w.state(ref).Page("p2").State)
		}
		if calls := w.receiver.calls.Load(); calls > 40 {
			t.Errorf("%d calls in three days", calls)
		}
	})
}

func TestAStormOf503LosesNoMessage(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		w.receiver.wanted.Store(true)
		w.receiver.set(func(*http.Request) int { return http.StatusServiceUnavailable })
		var refs []request.Ref
		for range 40 {
			refs = append(refs, w.raise(request.Critical))
		}
		pass(20 * time.Second)
		for _, ref := range refs {
			w.take(ref)
		}
		pass(10 * time.Minute)
		w.receiver.set(nil)
		pass(15 * time.Minute)
		if got := w.receiver.messages(); len(got) != len(refs) {
			t.Errorf("%d messages for %d requests", len(got), len(refs))
		}
		for _, ref := range refs {
			if w.notified(ref) != 1 {
				t.Errorf("%s: notified %d times", ref, w.notified(ref))
			}
		}
	})
}

func TestAReceiverThatHangsDelaysNoOfficer(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		w.receiver.wanted.Store(true)
		w.receiver.set(func(r *http.Request) int {
			<-r.Context().Done()
			return http.StatusServiceUnavailable
		})
		var refs []request.Ref
		for range 40 {
			refs = append(refs, w.raise(request.Emergency))
		}
		pass(20 * time.Second)
		for _, ref := range refs {
			w.take(ref)
		}
		pass(5 * time.Second)
		if w.receiver.calls.Load() == 0 {
			t.Fatal("the receiver was not called")
		}
		for range 10 { // while calls hang
			began := time.Now()
			ref := w.raise(request.Urgent)
			pass(7 * time.Second)
			if at, ok := w.arrived(ref); !ok || at.Sub(began) > 100*time.Millisecond {
				t.Errorf("the officer's text came after %v (%v)", at.Sub(began), ok)
			}
			w.take(ref)
		}
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the node stopped after %v", took)
		}
	})
}

func TestAReceiverThatDoesNotBelieveTheSignatureIsNotTold(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		w.receiver.wanted.Store(true)
		w.receiver.secret = webhook.Secret([]byte("the secret of somebody else, 32."))
		ref := w.raise(request.Critical)
		pass(time.Second)
		w.take(ref)
		pass(time.Hour)
		if got := w.receiver.messages(); len(got) != 0 || w.notified(ref) != 0 {
			t.Errorf("%d messages were believed, notified %d times", len(got), w.notified(ref))
		}
		if page := w.state(ref).Page("p2"); page.State != request.PageFailed || page.Last().Code != "http_401" || page.Last().Failure != request.FailedConfig {
			t.Errorf("page %+v", page)
		}
	})
}
