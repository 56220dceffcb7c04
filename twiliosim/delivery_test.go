package twiliosim_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/twiliosim"
)

func TestBehavioursOfPhones(t *testing.T) {
	arrives := []string{"You are needed."}
	for _, c := range []struct {
		behaviour twiliosim.Behaviour
		reported  []string
		code      any
		shown     []string
		lost      int
	}{
		{twiliosim.Answers, []string{"sent", "delivered"}, nil, arrives, 0},
		{twiliosim.Busy, []string{"sent", "delivered"}, nil, arrives, 0},
		{twiliosim.NoAnswer, []string{"sent", "delivered"}, nil, arrives, 0},
		{twiliosim.Voicemail, []string{"sent", "delivered"}, nil, arrives, 0},
		{twiliosim.Unreachable, []string{"sent", "undelivered"}, 30003.0, nil, 1},
		{twiliosim.Late, []string{}, nil, nil, 0},
		{twiliosim.Lies, []string{"sent", "delivered"}, nil, nil, 1},
	} {
		t.Run(string(c.behaviour), func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				if err := w.sim.SetBehaviour(officer, c.behaviour); err != nil {
					t.Fatal(err)
				}
				sid := w.send("StatusCallback", status)
				w.settle(time.Minute)
				equalSet(t, "reported", w.statuses(), c.reported)
				equal(t, "shown", w.shown(officer), c.shown)
				got, code := w.status(sid)
				want := "queued"
				if len(c.reported) > 0 {
					want = c.reported[1]
				}
				if got != want || code != c.code {
					t.Errorf("it is %s with %v", got, code)
				}
				if p, _ := w.sim.Phone(officer); p.Lost != c.lost {
					t.Errorf("%d texts are lost", p.Lost)
				}
				for _, p := range w.webhooks() {
					f := p.form
					if f.Get("MessageSid") != sid || f.Get("SmsSid") != sid || f.Get("SmsStatus") != f.Get("MessageStatus") ||
						f.Get("AccountSid") != account || f.Get("From") != sender || f.Get("To") != officer || f.Get("ApiVersion") == "" {
						t.Errorf("the callback says %v", f)
					}
					if want := map[bool]string{true: "30003"}[f.Get("MessageStatus") == "undelivered"]; f.Get("ErrorCode") != want {
						t.Errorf("a callback's ErrorCode is %q", f.Get("ErrorCode"))
					}
				}
			})
		})
	}
}

func TestAPhoneThatEchoesSendsEveryTextBack(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		if err := w.sim.SetBehaviour(officer, twiliosim.Echoes); err != nil {
			t.Fatal(err)
		}
		w.send()
		w.settle(time.Minute)
		phone, _ := w.sim.Phone(officer)
		if len(phone.Texts) != 2 || phone.Texts[1].Direction != twiliosim.Inbound || phone.Texts[1].Body != phone.Texts[0].Body {
			t.Errorf("texts %+v", phone.Texts)
		}
	})
}

// equalSet compares without order: callbacks overtake each other.
func equalSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	count := map[string]int{}
	for _, x := range got {
		count[x]++
	}
	for _, x := range want {
		count[x]--
	}
	for _, n := range count {
		if n != 0 {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

func TestLateTextArrivesWithinItsValidity(t *testing.T) {
	night(t, twiliosim.Options{LateDelay: time.Hour}, func(t *testing.T, w *world) {
		if err := w.sim.SetBehaviour(officer, twiliosim.Late); err != nil {
			t.Fatal(err)
		}
		sid := w.send()
		if err := w.sim.SetBehaviour("+12025550188", twiliosim.Late); err != nil {
			t.Fatal(err)
		}
		w.send("To", "+12025550188")
		canceled := w.send("Body", "canceled", "ValidityPeriod", "300")
		w.settle(time.Second)
		w.api(http.MethodPost, "/Messages/"+canceled+".json", url.Values{"Status": {"canceled"}}).object(t, http.StatusOK)
		short := w.send("Body", "quick", "ValidityPeriod", "300", "StatusCallback", status)
		w.settle(299 * time.Second)
		if got, _ := w.status(short); got != "queued" {
			t.Errorf("before its validity ends it is %s", got)
		}
		w.settle(2 * time.Second)
		if got, code := w.status(short); got != "failed" || code != 30036.0 {
			t.Errorf("after its validity it is %s with %v", got, code)
		}
		equal(t, "reported", w.statuses(), []string{"failed"})
		w.settle(54 * time.Minute)
		if n := len(w.shown(officer)); n != 0 {
			t.Errorf("it arrived %d texts early", n)
		}
		if err := w.sim.SetBehaviour(officer, twiliosim.Answers); err != nil { // what waits, waits on
			t.Fatal(err)
		}
		w.settle(30 * time.Minute)
		if got, _ := w.status(sid); got != "delivered" {
			t.Errorf("after the delay it is %s", got)
		}
		if got, _ := w.status(canceled); got != "canceled" {
			t.Errorf("what was canceled is %s", got)
		}
		if n := len(w.shown("+12025550188")); n != 1 {
			t.Errorf("the phone that is late still shows %d texts", n)
		}
		equal(t, "shown", w.shown(officer), []string{"You are needed."})
	})
}

func TestPhoneThatOptsOutMeanwhile(t *testing.T) {
	night(t, twiliosim.Options{DeliveryDelay: time.Minute}, func(t *testing.T, w *world) {
		sid := w.send()
		if err := w.sim.SetBehaviour(officer, twiliosim.OptedOut); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Hour)
		if got, code := w.status(sid); got != "failed" || code != 21610.0 {
			t.Errorf("it is %s with %v", got, code)
		}
	})
}

func TestLaneOfANumber(t *testing.T) {
	night(t, twiliosim.Options{TextsPerSecond: 1, DeliveryDelay: -1}, func(t *testing.T, w *world) {
		for i := range 10 {
			w.send("Body", fmt.Sprint(i))
			w.send("Body", fmt.Sprint("other ", i), "From", "+15005550009", "To", "+12025550188")
		}
		hurried := w.send("Body", "hurried", "ValidityPeriod", "5")
		w.send("Body", "last")
		w.settle(4500 * time.Millisecond)
		equal(t, "shown after 4.5 s", w.shown(officer), []string{"0", "1", "2", "3", "4"})
		if n := len(w.shown("+12025550188")); n != 5 {
			t.Errorf("the other lane showed %d texts", n)
		}
		w.settle(6 * time.Second)
		if n := len(w.shown(officer)); n != 11 { // what expires takes nobody's place
			t.Errorf("%d texts arrived", n)
		}
		w.settle(time.Minute)
		if got, code := w.status(hurried); got != "failed" || code != 30036.0 {
			t.Errorf("what expired in the queue is %s with %v", got, code)
		}
		if st := w.sim.Stats(); st.Accepted != 22 || st.Delivered != 21 || st.Shown != 21 || st.Failed != 1 || st.Waiting != 0 {
			t.Errorf("counted %+v", st)
		}
	})
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		mode     twiliosim.FaultMode
		status   int // 0: the connection is closed
		took     time.Duration
		accepted int
	}{
		{twiliosim.FaultNone, 201, 0, 1},
		{twiliosim.FaultSlow, 201, 3 * time.Second, 1},
		{twiliosim.FaultTooMany, 429, 0, 0},
		{twiliosim.FaultInternal, 500, 0, 0},
		{twiliosim.FaultDown503, 503, 0, 0},
		{twiliosim.FaultTimeout, 504, 30 * time.Second, 0},
		{twiliosim.FaultLostAnswer, 0, 0, 1},
		{twiliosim.FaultHang, 0, 10 * time.Minute, 0},
		{twiliosim.FaultDown, 0, 0, 0},
	} {
		t.Run(string(c.mode), func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				if err := w.sim.SetFault(c.mode, time.Hour); err != nil {
					t.Fatal(err)
				}
				before := time.Now()
				a := w.api(http.MethodPost, "/Messages.json", text())
				if took := time.Since(before); took != c.took { // the bubble's time, exact
					t.Errorf("took %s, want %s", took, c.took)
				}
				if a.aborted != (c.status == 0) || a.status != c.status {
					t.Errorf("answered %+v", a)
				}
				switch c.mode {
				case twiliosim.FaultTooMany:
					a.refused(t, 429, 20429)
					if a.header.Get("Retry-After") != "1" {
						t.Error("without Retry-After")
					}
				case twiliosim.FaultInternal:
					a.refused(t, 500, 20500)
				case twiliosim.FaultDown503, twiliosim.FaultTimeout:
					if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(string(a.body), "<html>") {
						t.Errorf("answered %s", a.body)
					}
				}
				w.settle(time.Minute)
				if n := len(w.shown(officer)); n != c.accepted {
					t.Errorf("%d texts arrived, want %d", n, c.accepted)
				}
				if c.mode == twiliosim.FaultLostAnswer { // a look-up finds it
					list := w.api(http.MethodGet, "/Messages.json?To="+q(officer), nil).object(t, http.StatusOK)
					if n := len(list["messages"].([]any)); n != 1 {
						t.Errorf("the look-up found %d texts", n)
					}
				}
				w.settle(time.Hour)
				if got := w.sim.Fault(); got != (twiliosim.Fault{Mode: twiliosim.FaultNone}) {
					t.Errorf("after its time the fault is %+v", got)
				}
				w.send()
			})
		})
	}
}

func TestHeldRequestsEndWithTheirClient(t *testing.T) {
	for _, mode := range []twiliosim.FaultMode{twiliosim.FaultSlow, twiliosim.FaultTimeout, twiliosim.FaultHang} {
		t.Run(string(mode), func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				if err := w.sim.SetFault(mode, 0); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				before := time.Now()
				if a := w.serve(apiRequest(ctx, http.MethodPost, "/Messages.json", text())); !a.aborted {
					t.Errorf("answered %+v", a)
				}
				if took := time.Since(before); took != time.Second {
					t.Errorf("held for %s", took)
				}
				if n := len(w.sim.Messages()); n != 0 {
					t.Errorf("%d texts were accepted", n)
				}
			})
		})
	}
}

func TestLatency(t *testing.T) {
	night(t, twiliosim.Options{Latency: 150 * time.Millisecond}, func(t *testing.T, w *world) {
		before := time.Now()
		w.send()
		if took := time.Since(before); took != 150*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}

func TestUnknownModes(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		for _, err := range []error{
			w.sim.SetFault("broken", 0), w.sim.SetFault(twiliosim.FaultSlow, -time.Second),
			w.sim.SetBehaviour(officer, "sulks"), w.sim.SetBehaviour("officer", twiliosim.Busy),
			w.sim.SetInboundURL("/relative"),
			twiliosim.Options{AccountSID: "AC1"}.Validate(), twiliosim.Options{Numbers: []string{"number one!"}}.Validate(),
			twiliosim.Options{InboundURL: "ftp://x.example"}.Validate(), twiliosim.Options{TextsPerSecond: -1}.Validate(),
			twiliosim.Options{CallsPerSecond: -1}.Validate(), twiliosim.Options{SpeechRate: -1}.Validate(),
		} {
			if err == nil {
				t.Error("taken")
			}
		}
		if len(w.sim.Phones()) != 0 || w.sim.Fault().Mode != twiliosim.FaultNone || w.sim.InboundURL() != inbound {
			t.Error("something changed")
		}
	})
}
