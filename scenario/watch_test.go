package scenario_test

import (
	"encoding/json"
	"net/http"
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

// shown lists what a phone shows of what was sent to it.
func (w *world) shown(number string) (texts []string) {
	phone, _ := w.sim.Phone(number)
	for _, text := range phone.Texts {
		if text.Direction != twiliosim.Inbound {
			texts = append(texts, text.Body)
		}
	}
	return texts
}

func TestACoordinatorReadsOfAGapByDayAndIsWokenAnHourBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(7 * time.Hour) // from midnight on
		w := newWorld(t, eventlogtest.Start(t), dispatcher.DefaultPolicy(), func(_ *world, o *node.Options) {
			current, _ := o.Rosters.Current(t.Context(), 0)
			book := current.Book()
			book.Rosters[0].Overrides = []roster.Override{{ID: "gap", Kind: roster.Replace, From: time.Now().Add(4 * time.Hour), Until: time.Now().Add(5 * time.Hour)}}
			compiled, err := roster.Compile(book)
			if err != nil {
				t.Fatal(err)
			}
			o.Rosters = still{compiled}
			o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, strconv.Itoa(i))) }
		})
		pass(time.Hour - time.Minute)
		alarms := w.node.Alarms()
		if got := w.shown(erik); len(got) != 0 || len(alarms) != 1 || alarms[0].Alarm.Kind != request.AlarmGap {
			t.Fatalf("at night: %q, %v", got, alarms)
		}
		ref := alarms[0].Ref
		pass(2 * time.Minute)
		want := "Dutyline notice " + ref.String() + ": the roster has a gap, from 2000-01-01 11:00 UTC. No reply is needed."
		if got := w.shown(erik); len(got) != 1 || got[0] != want {
			t.Fatalf("in the morning: %q", got)
		}
		pass(2 * time.Hour)
		got := w.shown(erik)
		if len(got) != 2 || !strings.HasPrefix(got[1], "Dutyline ALARM "+ref.String()+": the roster has a gap. Reply ") {
			t.Fatalf("an hour before: %q", got)
		}
		if _, err := w.sim.Reply(erik, got[1][strings.Index(got[1], "Reply ")+6:][:6]); err != nil {
			t.Fatal(err)
		}
		pass(30 * time.Minute)
		if got := w.shown(erik); len(got) != 3 || !strings.Contains(got[2], "you look after this alarm") || w.state(ref).Owner != "erik" {
			t.Errorf("after the reply: %q", got)
		}
	})
}

func TestAnUnverifiedTelephoneIsConfirmedAlarmedAndPagedAllTheSame(t *testing.T) {
	l := startLine(t)
	coordinator := l.started.Tokens.Coordinator
	_, data := l.call(http.MethodGet, "/api/v1/roster", coordinator, nil)
	var book roster.Book
	if err := json.Unmarshal(data, &book); err != nil {
		t.Fatal(err)
	}
	for i := range book.People {
		for j := range book.People[i].Contacts {
			book.People[i].Contacts[j].Verified = book.People[i].ID != "ada"
		}
	}
	status, data := l.call(http.MethodPut, "/api/v1/roster", coordinator, book, "If-Match", `"1"`)
	if status != http.StatusUnprocessableEntity || !strings.Contains(string(data), "unverified_on_duty") || !strings.Contains(string(data), "KESTREL") {
		t.Fatalf("%d %s", status, data)
	}
	if status, data = l.call(http.MethodPut, "/api/v1/roster?confirm_unverified=ada", coordinator, book, "If-Match", `"1"`); status != http.StatusOK {
		t.Fatalf("%d %s", status, data)
	}
	l.until("the alarm", func() bool {
		_, data := l.call(http.MethodGet, "/api/v1/alarms", coordinator, nil)
		return strings.Contains(string(data), `"kind":"unverified_on_duty"`)
	})
	if _, data := l.call(http.MethodGet, "/readyz", "", nil); !strings.Contains(string(data), "; 1 person on duty without a verified telephone") {
		t.Errorf("%s", data)
	}
	ref := l.raise(map[string]any{"type": "preservation", "urgency": "critical"})
	l.until("the page", func() bool { return l.texts(ada, ref) > 0 })
	if _, data := l.call(http.MethodGet, "/api/v1/roster/history", coordinator, nil); !strings.Contains(string(data), `"confirmed_unverified":["ada"]`) {
		t.Errorf("%s", data)
	}
}
