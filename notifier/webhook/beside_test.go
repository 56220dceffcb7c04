package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/webhook"
	"github.com/dutyline/dutyline/request"
)

// gateway is the receiver as that of people: their contacts' addresses are in place of the numbers of which the suite speaks.
type gateway struct {
	*receiver
	channel notifier.Channel
}

const gatewayPath = "http://localhost:9/hooks?of="

func newGateway(t *testing.T) gateway {
	r := newReceiver(t)
	return gateway{r, addressed{webhook.NewBeside(webhook.Options{
		AllowLoopback: true, Transport: r.transport(),
		Endpoint: func(address string) (webhook.Endpoint, bool) {
			return webhook.Endpoint{URL: address, Key: key}, address != ""
		},
	})}}
}

func (g gateway) Channel() notifier.Channel { return g.channel }

type addressed struct{ notifier.Channel }

func (a addressed) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	if number, ok := strings.CutPrefix(string(m.To), "+"); ok {
		m.To = notifier.Phone(gatewayPath + number)
	}
	return a.Channel.Send(ctx, m)
}

func TestConformanceBesideTheTelephone(t *testing.T) {
	notifiertest.Exercise(t, notifiertest.Harness{New: func(t *testing.T) notifiertest.Provider { return newGateway(t) }, NoLookUp: true})
}

func asking() notifier.Message {
	return notifier.Message{
		Ref: "7K4M2QX9D", Page: "p2", Attempt: "p2a1", About: notifier.AskToTake, To: gatewayPath + "15005550100", CallSign: "KESTREL",
		Urgency: request.Emergency, Language: "fr", Reader: "de", Code: "314159", Ordered: time.Date(2026, 3, 2, 12, 0, 0, 5e6, time.UTC),
		Expires: time.Now().Add(30 * time.Minute), Status: []byte(`{"case":"secret"}`),
	}
}

// What it says is all that is said: no code, no status, no name and no address.
func TestWhatAPersonsGatewayIsTold(t *testing.T) {
	for about, want := range map[notifier.About]string{
		notifier.AskToTake: `{"type":"page.asked","timestamp":"2026-03-02T12:00:00.005Z",` +
			`"data":{"reference":"7K4M-2QX9-D","urgency":"emergency","language":"fr","call_sign":"KESTREL","reader":"de"}}`,
		notifier.TellWithdrawn: `{"type":"request.withdrawn","timestamp":"2026-03-02T12:00:00.005Z",` +
			`"data":{"reference":"7K4M-2QX9-D","urgency":"emergency","language":"fr","call_sign":"KESTREL","reader":"de"}}`,
		notifier.AskToLookAfter: `{"type":"alarm.raised","timestamp":"2026-03-02T12:00:00.005Z",` +
			`"data":{"reference":"7K4M-2QX9-D","urgency":"emergency","language":"fr","alarm":"redis_away","call_sign":"KESTREL","reader":"de"}}`,
	} {
		r := newGateway(t)
		m := asking()
		if m.About = about; about == notifier.AskToLookAfter {
			m.Alarm = request.AlarmRedis
		}
		got := r.channel.Send(t.Context(), m)
		if got != (notifier.Accepted{ProviderID: "msg_7K4M2QX9D_p2"}) { // taken by a gateway is not delivered to a human
			t.Fatalf("%#v", got)
		}
		if body := string(r.taken[0].body); body != want {
			t.Errorf("body\n%s, want\n%s", body, want)
		}
	}
}

// Everything else that people are told goes over telephones alone.
func TestAGatewayIsToldNothingElse(t *testing.T) {
	r := newGateway(t)
	for _, about := range []notifier.About{
		notifier.TellAhead, notifier.TellShiftSoon, notifier.TellShiftNow, notifier.AskToHandOver, notifier.AskToTakeOver, notifier.AskToCover,
		notifier.AskToAnswer, request.NewsAcknowledged, request.NewsUnanswered,
	} {
		m := asking()
		m.About = about
		if got := r.channel.Send(t.Context(), m); got != (notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}) {
			t.Errorf("%s: %#v", about, got)
		}
	}
	if len(r.taken) > 0 {
		t.Errorf("sent: %s", r.taken[0].body)
	}
}

func TestAnswersOfAGateway(t *testing.T) {
	for status, want := range map[int]notifier.Outcome{
		200: notifier.Accepted{ProviderID: "msg_7K4M2QX9D_p2"},
		202: notifier.Accepted{ProviderID: "msg_7K4M2QX9D_p2"},
		302: notifier.Failed{Kind: request.FailedForGood, Code: "http_302"},
		401: notifier.Failed{Kind: request.FailedConfig, Code: "http_401"},
		404: notifier.Failed{Kind: request.FailedForGood, Code: "http_404"},
		408: notifier.Failed{Kind: request.FailedUnknown, Code: "http_408", RetryAfter: 90 * time.Second},
		410: notifier.Failed{Kind: request.FailedForGood, Code: "http_410"},
		425: notifier.Failed{Kind: request.FailedForNow, Code: "http_425", RetryAfter: 90 * time.Second},
		429: notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: 90 * time.Second},
		502: notifier.Failed{Kind: request.FailedUnknown, Code: "http_502", RetryAfter: 90 * time.Second},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			r := newGateway(t)
			r.answer = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "90")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			}
			if got := r.channel.Send(t.Context(), asking()); got != want {
				t.Errorf("%#v, want %#v", got, want)
			}
			if len(r.taken) != 1 {
				t.Errorf("%d calls", len(r.taken))
			}
		})
	}
}

// A network that the operator names is called, over https alone, and no other that is not public.
func TestANetworkOfTheOperatorsOwnIsCalled(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	server.Config.ErrorLog = nil
	for networks, want := range map[string]string{"": "address_refused", "10.0.0.0/8": "address_refused", "127.0.0.0/8": "certificate"} { // reached, and not believed
		o := webhook.Options{Endpoint: func(address string) (webhook.Endpoint, bool) { return webhook.Endpoint{URL: address, Key: key}, true }}
		if networks != "" {
			o.Networks = []netip.Prefix{netip.MustParsePrefix(networks)}
		}
		m := asking()
		m.To = notifier.Phone(server.URL)
		if got, ok := webhook.NewBeside(o).Send(t.Context(), m).(notifier.Failed); !ok || got.Code != want {
			t.Errorf("%q: %#v, want %s", networks, got, want)
		}
		m.To = notifier.Phone(strings.Replace(server.URL, "https://", "http://", 1))
		if got, ok := webhook.NewBeside(o).Send(t.Context(), m).(notifier.Failed); !ok || got.Code != "no_address" {
			t.Errorf("%q, without TLS: %#v", networks, got)
		}
	}
}
