package twiliosim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twilio/twilio-go/client"

	"github.com/dutyline/dutyline/twiliosim"
)

func TestSignAgreesWithTheVendor(t *testing.T) {
	form := text("Body", "Zusage: ja & nein + 100 % 😀\nعاجل")
	params := map[string]string{}
	for key := range form {
		params[key] = form.Get(key)
	}
	const target = "https://line.example:8443/webhooks?x=1&y=%20"
	signature := twiliosim.Sign(token, target+"#rc=3&rt=5000", form)
	validator := client.NewRequestValidator(token)
	if !validator.Validate(target, params, signature) {
		t.Error("the vendor's validator refuses the signature")
	}
	params["Body"] += "!"
	if validator.Validate(target, params, signature) {
		t.Error("the signature does not cover the parameters")
	}
}

func TestWebhooksAreRepeated(t *testing.T) {
	code := func(status int) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	hang := func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	reset := func(int, http.ResponseWriter, *http.Request) { panic("gone") }
	second := func(n int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusNoContent}[min(n, 1)])
	}
	s := func(n ...float64) []float64 { return n }
	for _, c := range []struct {
		name, fragment string
		customer       func(int, http.ResponseWriter, *http.Request)
		unreachable    bool
		tries          []float64 // seconds after the first
		lost           bool
	}{
		{name: "taken at once", customer: code(200), tries: s(0)},
		{name: "an error is not repeated by default", customer: code(500), tries: s(0), lost: true},
		{name: "nor with a count alone", fragment: "#rc=3&rt=5000", customer: code(503), tries: s(0), lost: true},
		{name: "an error is repeated by its policy", fragment: "#rc=3&rp=5xx", customer: code(503), tries: s(0, 1, 3, 6), lost: true},
		{name: "a refusal likewise", fragment: "#rc=2&rp=4xx", customer: code(404), tries: s(0, 1, 3), lost: true},
		{name: "another policy does not concern it", fragment: "#rc=2&rp=4xx,ct,rt", customer: code(503), tries: s(0), lost: true},
		{name: "the second attempt is taken", fragment: "#rc=5&rp=all", customer: second, tries: s(0, 1)},
		{name: "a redirect is a refusal", fragment: "#rc=1&rp=all", customer: code(302), tries: s(0, 1), lost: true},
		{name: "at most five, within the total", fragment: "#rc=5&rp=all", customer: code(500), tries: s(0, 1, 3, 6, 10), lost: true},
		{name: "a count out of range is ignored", fragment: "#rc=6&rp=all", customer: code(500), tries: s(0, 1), lost: true},
		{name: "no repetition", fragment: "#rc=0&rp=all", customer: code(500), tries: s(0), lost: true},
		{name: "no connection", unreachable: true, tries: s(0, 6), lost: true},
		{name: "no connection, quickly", fragment: "#rc=2&ct=500", unreachable: true, tries: s(0, 1.5, 4), lost: true},
		{name: "a broken connection", customer: reset, tries: s(0, 1), lost: true},
		{name: "no answer is given up after 15 s", fragment: "#rc=3&rp=all", customer: hang, tries: s(0), lost: true},
		{name: "no answer in the time set", fragment: "#rc=2&rt=2000&rp=rt", customer: hang, tries: s(0, 3, 7), lost: true},
		{name: "the total cuts the last attempt short", fragment: "#rc=2&rt=10000&rp=rt", customer: hang, tries: s(0, 11), lost: true},
		{name: "the total set", fragment: "#rc=5&rp=all&tt=2500", customer: code(500), tries: s(0, 1), lost: true},
		{name: "a fragment that is none", fragment: "#rc=2;rp=all", customer: code(500), tries: s(0), lost: true},
		{name: "limits out of range", fragment: "#rt=1&ct=99999999999&tt=x&rc=1&rp=5xx", customer: code(500), tries: s(0, 1), lost: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.customer, w.unreachable = c.customer, c.unreachable
				if err := w.sim.SetBehaviour(officer, twiliosim.Late); err != nil { // one callback: failed
					t.Fatal(err)
				}
				w.send("StatusCallback", status+c.fragment, "ValidityPeriod", "1")
				w.settle(time.Hour)
				var tries []float64
				posts := w.webhooks()
				for _, p := range posts {
					tries = append(tries, p.at.Sub(posts[0].at).Seconds())
					if p.url != status || p.header.Get("I-Twilio-Idempotency-Token") != posts[0].header.Get("I-Twilio-Idempotency-Token") {
						t.Errorf("a repetition went to %s with the token %s", p.url, p.header.Get("I-Twilio-Idempotency-Token"))
					}
				}
				equal(t, "attempts", tries, c.tries)
				st, alerts := w.sim.Stats(), w.sim.Alerts()
				if st.WebhooksRetry != len(c.tries)-1 || (st.WebhooksLost == 1) != c.lost || (st.WebhooksDone == 1) == c.lost {
					t.Errorf("counted %+v", st)
				}
				if c.lost && len(alerts) == 1 && alerts[0].At.Sub(posts[0].at) > 15*time.Second {
					t.Errorf("given up only at %s", alerts[0].At)
				}
				if (len(alerts) == 1) != c.lost || c.lost && (alerts[0].Code != 11200 || alerts[0].Level != "error") {
					t.Errorf("alerts: %+v", alerts)
				}
			})
		})
	}
}

func TestWebhookGivenUpAfterFifteenSeconds(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.customer = func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		if _, err := w.sim.Reply(officer, "123456"); err != nil {
			t.Fatal(err)
		}
		w.settle(14900 * time.Millisecond)
		if n := len(w.sim.Alerts()); n != 0 {
			t.Errorf("%d alerts early", n)
		}
		w.settle(200 * time.Millisecond)
		if n := len(w.sim.Alerts()); n != 1 {
			t.Errorf("%d alerts late", n)
		}
		if m := w.sim.Messages()[0]; m.Status != twiliosim.StatusFailed {
			t.Errorf("the text is %s", m.Status)
		}
	})
}

func TestEveryWebhookHasItsOwnToken(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.send("StatusCallback", status)
		w.settle(time.Second)
		posts := w.webhooks()
		if len(posts) != 2 {
			t.Fatalf("%d webhooks", len(posts))
		}
		a, b := posts[0].header.Get("I-Twilio-Idempotency-Token"), posts[1].header.Get("I-Twilio-Idempotency-Token")
		if a == b || len(a) != 36 {
			t.Errorf("tokens %q and %q", a, b)
		}
	})
}

// The texts of the conversation below are inbound; the customer answers what the case says.
func TestInboundText(t *testing.T) {
	const xml = "text/xml"
	long := strings.Repeat("a", 1601)
	for _, c := range []struct {
		name   string
		status int
		media  string
		body   string
		shown  []string // after "> 123456"
		level  string
		code   int
		failed bool
	}{
		{name: "an answer", media: xml, body: `<Response><Message>It is yours.</Message></Response>`, shown: []string{"It is yours."}},
		{name: "with a declaration", media: xml, body: `<?xml version="1.0" encoding="UTF-8"?><!-- x --><Response><Message>A &amp; B</Message></Response>`, shown: []string{"A & B"}},
		{name: "two answers", media: xml, body: `<Response><Message><Body>1</Body></Message><Message> 2 </Message></Response>`, shown: []string{"1", "2"}},
		{name: "plain text", media: "text/plain; charset=utf-8", body: `It is yours.`, shown: []string{"It is yours."}},
		{name: "Arabic", media: xml, body: `<Response><Message>الطلب لك</Message></Response>`, shown: []string{"الطلب لك"}},
		{name: "no content", status: 204},
		{name: "an empty Response", media: xml, body: `<Response/>`},
		{name: "an empty 200", level: "error", code: 12100},
		{name: "white space", body: " \n", level: "error", code: 12100},
		{name: "no document", media: xml, body: `It is yours.`, level: "error", code: 12100},
		{name: "half a document", media: xml, body: `<Response><Message>It is`, level: "error", code: 12100},
		{name: "another document", media: xml, body: `<html><Message>x</Message></html>`, level: "error", code: 12100},
		{name: "two documents", media: xml, body: `<Response/><Response/>`, level: "error", code: 12100},
		{name: "text after the end", media: xml, body: `<Response/>x`, level: "error", code: 12100},
		{name: "an unknown verb", media: xml, body: `<Response><Dial>1</Dial><Message>x</Message></Response>`, shown: []string{"x"}, level: "warning", code: 12200},
		{name: "an empty Message", media: xml, body: `<Response><Message/></Response>`, level: "error", code: 12200},
		{name: "a long Message", media: xml, body: `<Response><Message>` + long + `</Message></Response>`, level: "error", code: 12200},
		{name: "a long text", media: "text/plain", body: long, level: "error", code: 12200},
		{name: "a huge answer", media: xml, body: strings.Repeat(" ", 1<<17), level: "error", code: 11750},
		{name: "to nobody", media: xml, body: `<Response><Message to="me">x</Message></Response>`, level: "warning", code: 21211},
		{name: "refused", status: 403, level: "error", code: 11200, failed: true},
		{name: "failed", status: 500, media: xml, body: `<Response><Message>x</Message></Response>`, level: "error", code: 11200, failed: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.customer = func(_ int, out http.ResponseWriter, _ *http.Request) {
					out.Header().Set("Content-Type", c.media)
					if c.status != 0 {
						out.WriteHeader(c.status)
					}
					_, _ = out.Write([]byte(c.body))
				}
				w.send("From", "+15005550009")
				w.settle(time.Second)
				sid, err := w.sim.Reply(officer, "123456")
				if err != nil {
					t.Fatal(err)
				}
				w.settle(time.Minute)
				posts := w.webhooks()
				if len(posts) != 1 || posts[0].url != inbound {
					t.Fatalf("posted %v", posts)
				}
				for key, want := range map[string]string{
					"From": officer, "To": "+15005550009", "Body": "123456", "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid,
					"NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "AccountSid": account, "ApiVersion": "2010-04-01",
				} {
					if got := posts[0].form.Get(key); got != want {
						t.Errorf("%s is %q, want %q", key, got, want)
					}
				}
				equal(t, "shown", w.shown(officer), append([]string{"You are needed.", "> 123456"}, c.shown...))
				for _, m := range w.sim.Messages()[2:] {
					if m.From != "+15005550009" || m.Direction != twiliosim.OutboundReply {
						t.Errorf("the answer is %+v", m)
					}
				}
				want := map[bool]twiliosim.Status{false: twiliosim.StatusReceived, true: twiliosim.StatusFailed}[c.failed]
				if got := w.sim.Messages()[1].Status; got != want {
					t.Errorf("the text is %s", got)
				}
				alerts := w.sim.Alerts()
				if c.level == "" && len(alerts) == 0 {
					return
				}
				if len(alerts) != 1 || alerts[0].Level != c.level || alerts[0].Code != c.code || alerts[0].SID != sid || alerts[0].Detail == "" {
					t.Errorf("alerts: %+v", alerts)
				}
			})
		})
	}
}

func TestAnswerToSomebodyElse(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.customer = func(_ int, out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", "application/xml")
			_, _ = out.Write([]byte(`<Response><Message to="+12025550188">Taken by another.</Message></Response>`))
		}
		if _, err := w.sim.Reply(officer, "123456"); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Second)
		equal(t, "shown there", w.shown("+12025550188"), []string{"Taken by another."})
		equal(t, "shown here", w.shown(officer), []string{"> 123456"})
	})
}

func TestReplyWithoutWebhook(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		if err := w.sim.SetInboundURL(""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.sim.Reply(officer, "anyone?"); err != nil {
			t.Fatal(err)
		}
		if m, a := w.sim.Messages()[0], w.sim.Alerts(); m.Status != twiliosim.StatusFailed || len(a) != 1 || a[0].Level != "warning" {
			t.Errorf("the text is %s, alerts %+v", m.Status, a)
		}
	})
}

func TestWordsOfTheNetwork(t *testing.T) {
	for _, word := range []string{"STOP", "stop", " Stop \n", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"} {
		t.Run(word, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				if err := w.sim.SetBehaviour(officer, twiliosim.NoAnswer); err != nil {
					t.Fatal(err)
				}
				reply := func(body string) {
					if _, err := w.sim.Reply(officer, body); err != nil {
						t.Fatal(err)
					}
					w.settle(time.Second)
				}
				behaviour := func() twiliosim.Behaviour {
					p, _ := w.sim.Phone(officer)
					return p.Behaviour
				}
				reply("YES") // nothing to opt in to
				reply(word)
				reply(word)
				if behaviour() != twiliosim.OptedOut {
					t.Fatalf("the phone is %s", behaviour())
				}
				w.api(http.MethodPost, "/Messages.json", text()).refused(t, http.StatusBadRequest, 21610)
				reply("please do not stop")
				reply("help")
				if behaviour() != twiliosim.OptedOut {
					t.Errorf("the phone is %s", behaviour())
				}
				reply("start")
				if behaviour() != twiliosim.NoAnswer {
					t.Errorf("after START the phone is %s", behaviour())
				}
				w.send()
				w.settle(time.Second)
				shown := w.shown(officer)
				if len(shown) != 10 || !strings.Contains(shown[2], "START") || !strings.Contains(shown[6], "STOP") || !strings.Contains(shown[8], "again") {
					t.Errorf("shown: %q", shown)
				}
				if n := len(w.webhooks()); n != 6 {
					t.Errorf("%d texts were handed on, want all 6", n)
				}
			})
		})
	}
}
