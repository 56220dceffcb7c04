package scenario_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
)

const private = "+15005550177" // ada's own

// withTwoPhones is a node with texts and calls at midnight, whose officer on duty has a second number for texts.
func withTwoPhones(t *testing.T) *world {
	return newWorld(t, eventlogtest.Start(t), dispatcher.DefaultPolicy(), func(w *world, o *node.Options) {
		current, _ := o.Rosters.Current(t.Context(), 0)
		book := current.Book()
		book.People[0].Contacts = append(book.People[0].Contacts, roster.Contact{ID: "private", Channel: "sms", Address: private, Verified: true})
		compiled, err := roster.Compile(book)
		if err != nil {
			t.Fatal(err)
		}
		o.Rosters = still{compiled}
		o.Providers = append(o.Providers, node.Provider{Channel: w.client.Voice()})
		o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, strconv.Itoa(i))) }
	})
}

// flagged is the alarm of a contact.
func (w *world) flagged() *request.State {
	w.t.Helper()
	for _, s := range w.node.Alarms() {
		if s.Alarm.Kind == request.AlarmFailing {
			return s
		}
	}
	w.t.Fatalf("no contact is flagged: %d alarms", len(w.node.Alarms()))
	return nil
}

func (w *world) behaves(number string, b twiliosim.Behaviour) {
	w.t.Helper()
	if err := w.sim.SetBehaviour(number, b); err != nil {
		w.t.Fatal(err)
	}
}

func TestAnOfficerWhoSentStopIsCalledAtNightToldInTheMorningAndBackAfterStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(6 * time.Hour) // from midnight on
		w := withTwoPhones(t)
		pass(time.Second)
		if _, err := w.sim.Reply(ada, "STOP"); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		s := w.flagged()
		if s.Alarm.Cause != "person ada contact mobile" || s.Alarm.Failing.Why != request.WhyOptedOut {
			t.Fatalf("alarm %+v", s.Alarm)
		}
		if got := w.shown(erik); len(got) == 0 || !strings.HasPrefix(got[0], "Dutyline ALARM "+s.Ref.String()+": a failing telephone is on duty. Reply ") {
			t.Errorf("ada is on duty, and the coordinator reads %q", got)
		}
		ref := w.raise(request.Urgent)
		pass(5 * time.Second)
		if phone, _ := w.sim.Phone(ada); phone.Call == nil || w.state(ref).Step.Count != 1 {
			t.Error("ada is not called within the same step")
		}
		if err := w.sim.Answer(ada); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if err := w.sim.Press(ada, "1"); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if got := w.state(ref).Owner; got != "ada" {
			t.Errorf("%q has it", got)
		}
		pass(55 * time.Minute)
		told := func() (texts []string) {
			for _, text := range w.shown(private) {
				if strings.Contains(text, "opted out") {
					texts = append(texts, text)
				}
			}
			return texts
		}
		if got := told(); len(got) != 0 {
			t.Errorf("at night: %q", got)
		}
		pass(10 * time.Minute)
		want := "texts to your number ending in 01 do not arrive, because it opted out. To get them again, send START from it to " + ours + "."
		if got := told(); len(got) != 1 || !strings.HasSuffix(got[0], want) {
			t.Errorf("in the morning: %q", got)
		}
		if _, err := w.sim.Reply(ada, "START"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if s := w.flagged(); s.Status != request.StatusCleared {
			t.Errorf("after START: %s", s.Status)
		}
		before := len(w.shown(ada))
		w.raise(request.Urgent)
		pass(10 * time.Second)
		if got := w.shown(ada); len(got) != before+1 {
			t.Errorf("ada reads %q", got)
		}
	})
}

func TestATelephoneThatCannotBeReachedIsFlaggedAfterThreePagesAndClearedWhenOneArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour) // from midnight on
		w := withTwoPhones(t)
		w.behaves(ada, twiliosim.Unreachable)
		pass(time.Minute)
		for n := range 3 {
			if alarms := w.node.Alarms(); len(alarms) != 0 {
				t.Fatalf("after %d pages: %+v", n, alarms[0].Alarm)
			}
			ref := w.raise(request.Urgent)
			pass(20 * time.Second)
			if _, err := w.node.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
				t.Fatal(err)
			}
			pass(5 * time.Minute)
		}
		s := w.flagged()
		if s.Alarm.Failing.Why != request.WhyCarrier || s.Alarm.Failing.Code == "" {
			t.Errorf("alarm %+v", s.Alarm)
		}
		w.behaves(ada, twiliosim.Answers)
		w.raise(request.Urgent)
		pass(2 * time.Minute)
		for _, s := range w.node.Alarms() {
			if s.Alarm.Cause == "person ada contact mobile" && s.Status != request.StatusCleared {
				t.Errorf("a text has arrived, and it is %s: %+v", s.Status, s.Alarm)
			}
		}
	})
}
