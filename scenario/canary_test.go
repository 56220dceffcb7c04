package scenario_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

const probe = "+15005550171"

// withCanaries plays a story in which a text goes to a telephone that echoes every quarter of an hour, over the vendor's client and its webhooks.
func withCanaries(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		policy := dispatcher.DefaultPolicy()
		policy.AlarmTo = []string{"erik"}
		w := newWorld(t, eventlogtest.Start(t), policy, func(w *world, o *node.Options) {
			o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, fmt.Sprint(i))) }
			o.Canaries = dispatcher.Canaries{
				Every: 15 * time.Minute, Slow: 20 * time.Second, Probes: []dispatcher.Probe{{Provider: "twilio", Medium: "sms", To: probe}},
			}
			w.behave(twiliosim.Echoes)
		})
		pass(10 * time.Minute)
		if r := w.node.Probed()[0]; r.State != dispatcher.ProbeFine || len(r.Canaries) != 1 {
			t.Fatalf("while all is well: %+v", r)
		}
		story(t, w)
	})
}

func (w *world) behave(b twiliosim.Behaviour) {
	if err := w.sim.SetBehaviour(probe, b); err != nil {
		w.t.Fatal(err)
	}
}

// alarm says what became of the alarms about canaries.
func (w *world) alarm() string {
	var list []string
	for _, s := range w.node.Alarms() {
		if strings.HasPrefix(string(s.Alarm.Kind), "canary") {
			list = append(list, string(s.Alarm.Kind)+" "+string(s.Status))
		}
	}
	return strings.Join(list, ", ")
}

func TestACanaryComesBackOverTheVendorsWebhooks(t *testing.T) {
	withCanaries(t, func(t *testing.T, w *world) {
		pass(2 * time.Hour)
		phone, _ := w.sim.Phone(probe)
		words := regexp.MustCompile(`^Dutyline check [0-9A-Z]{4}-[0-9A-Z]{4}-U, code \d{6}\. Automatic\.$`)
		there, back := 0, 0
		for _, text := range phone.Texts {
			if !words.MatchString(text.Body) {
				t.Errorf("the probe reads %q", text.Body)
			}
			if text.Direction == twiliosim.Inbound {
				back++
			} else {
				there++
			}
		}
		if there != 9 || back != 9 || w.alarm() != "" {
			t.Errorf("%d texts, %d came back, alarms %q: nothing answers a machine", there, back, w.alarm())
		}
		for _, c := range w.node.Probed()[0].Canaries {
			delivered, ok := c.After(c.Delivered)
			acknowledged, back := c.After(c.Acknowledged)
			if accepted, sent := c.After(c.Accepted); !sent || !ok || !back || accepted > delivered || acknowledged > time.Minute {
				t.Errorf("%+v", c)
			}
		}
	})
}

func TestACarrierThatConfirmsWhatItLosesIsFoundAndTold(t *testing.T) {
	withCanaries(t, func(t *testing.T, w *world) {
		w.behave(twiliosim.Lies)
		pass(26 * time.Minute)
		if w.alarm() != "canary_lost received" {
			t.Fatalf("alarms %q", w.alarm())
		}
		if phone, _ := w.sim.Phone(erik); len(phone.Texts) == 0 || !strings.Contains(phone.Texts[0].Body, "test texts do not arrive") {
			t.Errorf("erik reads %+v", phone.Texts)
		}
		w.behave(twiliosim.Echoes)
		pass(15 * time.Minute)
		if w.alarm() != "canary_lost cleared" {
			t.Errorf("alarms %q", w.alarm())
		}
	})
}

func TestACarrierThatIsLateIsFound(t *testing.T) {
	withCanaries(t, func(t *testing.T, w *world) {
		w.behave(twiliosim.Answers)
		before, _ := w.sim.Phone(probe)
		for seen := len(before.Texts); seen < len(before.Texts)+6; seen += 2 { // three texts, each with what comes back
			var phone twiliosim.Phone
			for phone, _ = w.sim.Phone(probe); len(phone.Texts) == seen; phone, _ = w.sim.Phone(probe) {
				pass(time.Second)
			}
			pass(30 * time.Second) // the carrier was in no hurry
			if _, err := w.sim.Reply(probe, phone.Texts[seen].Body); err != nil {
				t.Fatal(err)
			}
		}
		pass(10 * time.Second)
		if r := w.node.Probed()[0]; w.alarm() != "canary_slow received" || r.State != dispatcher.ProbeSlow {
			t.Errorf("alarms %q, %+v", w.alarm(), r)
		}
		w.behave(twiliosim.Echoes)
		pass(16 * time.Minute)
		if w.alarm() != "canary_slow cleared" {
			t.Errorf("alarms %q", w.alarm())
		}
	})
}

func TestAProviderThatIsDownLosesCanariesUntilItIsBack(t *testing.T) {
	withCanaries(t, func(t *testing.T, w *world) {
		if err := w.sim.SetFault(twiliosim.FaultDown503, 0); err != nil {
			t.Fatal(err)
		}
		pass(26 * time.Minute)
		last, _ := w.node.Probed()[0].Last()
		if w.alarm() != "canary_lost received" || !last.Accepted.IsZero() || last.Code == "" {
			t.Errorf("alarms %q, the last one %+v", w.alarm(), last)
		}
		if err := w.sim.SetFault(twiliosim.FaultNone, 0); err != nil {
			t.Fatal(err)
		}
		pass(16 * time.Minute)
		if w.alarm() != "canary_lost cleared" {
			t.Errorf("alarms %q", w.alarm())
		}
	})
}
