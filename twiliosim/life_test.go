package twiliosim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/twiliosim"
)

func TestReset(t *testing.T) {
	night(t, twiliosim.Options{Numbers: []string{sender}, TextsPerSecond: 0.01}, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.customer = func(_ int, out http.ResponseWriter, _ *http.Request) {
			<-release
			out.Header().Set("Content-Type", "text/xml")
			_, _ = out.Write([]byte(`<Response><Message>too late</Message></Response>`))
		}
		first := w.send("StatusCallback", status)
		w.send("Body", "waits in the lane")
		w.settle(time.Second)
		if _, err := w.sim.Reply(officer, "123456"); err != nil {
			t.Fatal(err)
		}
		_ = w.sim.SetBehaviour("+12025550188", twiliosim.Late)
		_ = w.sim.SetFault(twiliosim.FaultDown, 0)
		w.settle(time.Second)
		w.sim.Reset()
		close(release)
		w.settle(time.Second)
		if len(w.sim.Phones()) != 0 || len(w.sim.Messages()) != 0 || len(w.sim.Alerts()) != 0 || w.sim.Fault().Mode != twiliosim.FaultNone {
			t.Errorf("left: %v, %v, %v", w.sim.Phones(), w.sim.Messages(), w.sim.Alerts())
		}
		if st := w.sim.Stats(); st != (twiliosim.Stats{}) {
			t.Errorf("counted %+v", st)
		}
		w.api(http.MethodGet, "/Messages/"+first+".json", nil).refused(t, http.StatusNotFound, 20404)
		w.api(http.MethodPost, "/Messages.json", text("From", "+15005550009")).refused(t, http.StatusBadRequest, 21606)
		if w.send() == first {
			t.Error("a SID was given twice")
		}
		w.settle(time.Second) // the lane is free again
		equal(t, "shown", w.shown(officer), []string{"You are needed."})
		w.settle(10 * time.Hour)
		equal(t, "shown at last", w.shown(officer), []string{"You are needed."})
	})
}

func TestSeed(t *testing.T) {
	night(t, twiliosim.Options{Seed: 7}, func(t *testing.T, a *world) {
		b, c := newWorld(t, twiliosim.Options{Seed: 7}), newWorld(t, twiliosim.Options{Seed: 8})
		x, y, z := a.send(), b.send(), c.send()
		if x != y || x == z {
			t.Errorf("SIDs %s, %s, %s", x, y, z)
		}
	})
	one, two := twiliosim.New(twiliosim.Options{}), twiliosim.New(twiliosim.Options{})
	defer one.Close()
	defer two.Close()
	if one.AccountSID() == two.AccountSID() || one.AuthToken() == two.AuthToken() {
		t.Error("two simulators share their credentials")
	}
	if err := (twiliosim.Options{AccountSID: one.AccountSID()}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestCloseLeavesNothing: the bubble itself fails where a goroutine is left.
func TestCloseLeavesNothing(t *testing.T) {
	night(t, twiliosim.Options{TextsPerSecond: 1}, func(t *testing.T, w *world) {
		w.customer = func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		for range 20 {
			w.send("StatusCallback", status)
			_, _ = w.sim.Reply(officer, "123456")
		}
		w.settle(3 * time.Second)
		_ = w.sim.SetFault(twiliosim.FaultHang, 0)
		held := make(chan answer)
		go func() { held <- w.api(http.MethodPost, "/Messages.json", text()) }()
		synctest.Wait()
		before := time.Now()
		w.sim.Close()
		w.sim.Close()
		if a := <-held; !a.aborted {
			t.Errorf("the held request was answered %+v", a)
		}
		if time.Since(before) != 0 {
			t.Error("Close waited")
		}
		n := len(w.webhooks())
		_ = w.sim.SetFault(twiliosim.FaultNone, 0)
		w.send("StatusCallback", status) // nobody asks for it, but it must not start anything
		_, _ = w.sim.Reply(officer, "123456")
		if st := w.sim.Stats(); st.Waiting != 0 {
			t.Errorf("%d steps wait", st.Waiting)
		}
		w.settle(time.Hour)
		if len(w.webhooks()) != n {
			t.Error("webhooks after Close")
		}
	})
}

// TestOverRealConnections runs everything at once over sockets, and then looks for what is left.
func TestOverRealConnections(t *testing.T) {
	before := runtime.NumGoroutine()
	var mu sync.Mutex
	answered := 0
	customer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/sms" {
			mu.Lock()
			answered++
			mu.Unlock()
			w.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(w, "<Response><Message>Taken.</Message></Response>")
			return
		}
		if r.URL.Path == "/voice" {
			w.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(w, `<Response><Say>Taken.</Say><Gather numDigits="1" action="/status"/></Response>`)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	sim := twiliosim.New(twiliosim.Options{InboundURL: customer.URL + "/sms", DeliveryDelay: -1})
	server := httptest.NewServer(sim.Handler())
	const phones, each = 8, 10
	post := func(client *http.Client, kind, to string) error {
		form := url.Values{"To": {to}, "From": {sender}, "StatusCallback": {customer.URL + "/status"}}
		form.Set(map[string]string{"Messages": "Body", "Calls": "Url"}[kind], customer.URL+"/voice")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			server.URL+"/2010-04-01/Accounts/"+sim.AccountSID()+"/"+kind+".json", strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(sim.AccountSID(), sim.AuthToken())
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusCreated {
			return fmt.Errorf("answered %d: %w", res.StatusCode, err)
		}
		return nil
	}
	var crowd sync.WaitGroup
	for i := range phones {
		number := fmt.Sprintf("+1202555%04d", i)
		crowd.Go(func() {
			for range each {
				if err := post(server.Client(), "Messages", number); err != nil {
					t.Error(err)
				}
				if err := post(server.Client(), "Calls", number); err != nil {
					t.Error(err)
				}
				_ = sim.Answer(number) // the calls of one number meet in no order
				_ = sim.Press(number, "1")
				_ = sim.Calls()
				if _, err := sim.Reply(number, "123456"); err != nil {
					t.Error(err)
				}
				_ = sim.Phones()
				_ = sim.Stats()
				_, _ = sim.Phone(number)
				_ = sim.SetFault(twiliosim.FaultNone, time.Hour)
			}
		})
	}
	feed, err := server.Client().Get(server.URL + "/sim/events") //nolint:noctx // ended by Close
	if err != nil {
		t.Fatal(err)
	}
	crowd.Wait()
	// Nothing but the work itself is waited for; the test's own time limit ends a wait in vain.
	for sim.Stats().Shown < 2*phones*each || sim.Stats().Ended < phones*each || sim.Stats().WebhooksDone < 4*phones*each {
		for i := range phones {
			number := fmt.Sprintf("+1202555%04d", i)
			_ = sim.Answer(number)
			_ = sim.Press(number, "1")
		}
		time.Sleep(time.Millisecond)
	}
	if st := sim.Stats(); st.Shown != 2*phones*each || st.Calls != phones*each || st.Answered == 0 || st.Replies != phones*each || st.WebhooksLost != 0 {
		t.Errorf("counted %+v", st)
	}
	mu.Lock()
	if answered != phones*each {
		t.Errorf("%d texts were answered", answered)
	}
	mu.Unlock()
	sim.Close()
	_, _ = io.Copy(io.Discard, feed.Body) // ends, because the feed does
	_ = feed.Body.Close()
	server.Close()
	customer.Close()
	for runtime.NumGoroutine() > before { // the standard library's own take a moment to notice
		time.Sleep(time.Millisecond)
	}
}
