package scenario_test

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// The stories of this file are those of FIELD.md's last table about a provider that fails, and the bounds are stricter than the peer's.

func TestAfter90SecondsOf503EveryRequestIsDelivered(t *testing.T) {
	const count = 40 // of 6, the peer delivers none
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		if err := w.sim.SetFault(twiliosim.FaultDown503, 90*time.Second); err != nil {
			t.Fatal(err)
		}
		var refs []request.Ref
		for range count {
			refs = append(refs, w.raise(request.Urgent))
		}
		pass(85 * time.Second)
		if got := w.sim.Stats(); got.Accepted != 0 || got.Refused < count {
			t.Fatalf("the fault did not hold: %+v", got)
		}
		pass(40 * time.Second) // longest pause between two attempts: 15 s
		delivered, copies := 0, 0
		for _, ref := range refs {
			if n := w.texts(ada, ref); n > 0 {
				delivered++
				copies += n - 1
			}
			if s := w.state(ref); s.Pages[0].State != request.PageDelivered {
				t.Errorf("the page is %s after %d attempts", s.Pages[0].State, len(s.Pages[0].Attempts))
			}
		}
		t.Logf("%d of %d delivered, %d copies, %d calls refused", delivered, count, copies, w.sim.Stats().Refused)
		if delivered != count || copies != 0 {
			t.Errorf("%d of %d delivered, %d copies", delivered, count, copies)
		}
	})
}

func TestALostAnswerMakesNoCopyAndTheAttemptIsMarkedRight(t *testing.T) {
	for name, silent := range map[string]bool{"webhooks arrive": false, "webhooks are lost too": true} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
				w.webhooksFail.Store(silent)
				if err := w.sim.SetFault(twiliosim.FaultLostAnswer, 20*time.Second); err != nil {
					t.Fatal(err)
				}
				var refs []request.Ref
				for range 10 {
					refs = append(refs, w.raise(request.Urgent))
				}
				pass(time.Minute)
				for _, ref := range refs {
					copies := w.texts(ada, ref)
					p := w.state(ref).Pages[0]
					want := request.PageDelivered
					if silent {
						want = request.PageSent
					}
					if copies != 1 || p.State != want || p.Attempts[0].ProviderID == "" {
						t.Errorf("%d texts (the peer: 4), page %s, attempts %+v", copies, p.State, p.Attempts)
					}
				}
			})
		})
	}
}

func TestAHungProviderHoldsUpNobodyElse(t *testing.T) {
	policy := dispatcher.DefaultPolicy()
	policy.Levels = [][]string{{"person:ada", "person:bruno"}}
	inFakeTime(t, policy, func(t *testing.T, w *world) {
		hangs := true
		w.hold = func(v url.Values) bool { return hangs && v.Get("To") == ada }
		var refs []request.Ref
		for range 30 {
			refs = append(refs, w.raise(request.Urgent))
		}
		pass(time.Second)
		for _, ref := range refs {
			if w.texts(bruno, ref) != 1 || w.texts(ada, ref) != 0 {
				t.Errorf("after a second: %d texts on the other phone, %d on the hung one", w.texts(bruno, ref), w.texts(ada, ref))
			}
		}
		pass(time.Minute)
		w.mu.Lock()
		hangs = false
		w.mu.Unlock()
		pass(time.Minute)
		for _, ref := range refs {
			if n := w.texts(ada, ref); n != 1 {
				t.Errorf("%d texts after the provider came back", n)
			}
		}
	})
}

func TestWhileTheWholeProviderHangsTheLineIsStillAnswered(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		first := w.raise(request.Emergency)
		pass(time.Second)
		if err := w.sim.SetFault(twiliosim.FaultHang, 45*time.Second); err != nil {
			t.Fatal(err)
		}
		second := w.raise(request.Emergency)
		pass(5 * time.Second)
		began := time.Now()
		if _, err := w.node.Acknowledge(t.Context(), first, "ada", "", request.ViaWeb); err != nil || time.Since(began) > time.Second {
			t.Errorf("acknowledge: %v after %s", err, time.Since(began))
		}
		synctest.Wait()
		if s := w.state(first); s.Owner != "ada" {
			t.Errorf("owner %q", s.Owner)
		}
		pass(70 * time.Second) // before the next level
		if n := w.texts(ada, second); n != 1 || w.state(second).Pages[0].State != request.PageDelivered {
			t.Errorf("%d texts after the provider came back, page %s", n, w.state(second).Pages[0].State)
		}
	})
}

func TestAFullyHungProviderDoesNotStopTheEscalation(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		w.hold = func(v url.Values) bool { return v.Get("To") == ada }
		ref := w.raise(request.Emergency)
		pass(2*time.Minute + 35*time.Second) // the wait, which begins at the first attempt
		if w.texts(bruno, ref) != 1 {
			t.Errorf("the next level was not paged: step %+v", w.state(ref).Step)
		}
	})
}

func TestAnAnswerFromThePhoneStopsEverything(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		ref := w.raise(request.Critical)
		pass(time.Second)
		phone, _ := w.sim.Phone(ada)
		code := lastCode(phone.Texts[len(phone.Texts)-1].Body)
		if _, err := w.sim.Reply(ada, "hello"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.sim.Reply(ada, code); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if s := w.state(ref); s.Owner != "ada" || s.Status != request.StatusAcknowledged {
			t.Errorf("owner %q, status %s", s.Owner, s.Status)
		}
		before := w.sim.Stats().Accepted
		pass(time.Hour)
		if after := w.sim.Stats().Accepted; after != before {
			t.Errorf("%d texts after the acknowledgement", after-before)
		}
		if alerts := w.sim.Alerts(); len(alerts) != 0 {
			t.Errorf("the provider complains: %+v", alerts)
		}
	})
}

// lastCode is the six digits of a text.
func lastCode(text string) string {
	for i := len(text) - 6; i >= 0; i-- {
		if isDigits(text[i:i+6]) && (i == 0 || !isDigits(text[i-1:i])) && (i+6 == len(text) || !isDigits(text[i+6:i+7])) {
			return text[i : i+6]
		}
	}
	return ""
}

func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
