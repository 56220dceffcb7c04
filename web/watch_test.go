package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

func TestReadinessTellsWhoCanBeReachedWhoComesNextAndWhatToMend(t *testing.T) {
	w := newWorld(t)
	person := w.book.People[1]
	w.book.People[1].Contacts = []roster.Contact{{ID: "m", Channel: "sms", Address: person.Contacts[0].Address}}
	w.book.Rosters[0].Coverage = []roster.Coverage{{ID: "two", People: 2}}
	gap := w.now.Add(24 * time.Hour)
	w.book.Rosters[0].Overrides = []roster.Override{{ID: "gap", Kind: roster.Replace, From: gap, Until: gap.Add(time.Hour)}}
	a := w.call("GET", "/api/v1/roster/readiness", w.officer, "")
	var got client.Readiness
	a.into(t, &got)
	if a.StatusCode != http.StatusOK || got.Until.Sub(got.From.Time) != 28*24*time.Hour || len(got.Rosters) != len(w.book.Rosters) || len(got.People) != len(w.book.People) {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	c, err := roster.Compile(w.book)
	must(t, err)
	one := got.Rosters[0]
	if !slices.Equal(one.OnDuty, c.Who("", w.now)) || !one.NextHandover.Equal(gap) || len(one.Next) != 0 {
		t.Errorf("%+v", one)
	}
	p := got.People[1]
	if p.Verified || p.CallSign != person.CallSign || p.Duty == nil || !slices.Contains(c.Who(p.Duty.Roster, p.Duty.From.Time), p.Person) || slices.Contains(c.Who(p.Duty.Roster, p.Duty.Until.Time), p.Person) {
		t.Errorf("%+v", p)
	}
	kinds := map[roster.FindingKind]int{}
	for _, f := range got.Findings {
		if kinds[f.Kind]++; f.Detail == "" || f.Fix == "" || !f.From.Before(f.Until.Time) {
			t.Errorf("%+v", f)
		}
	}
	if len(kinds) != 3 || kinds[roster.FoundGap] != 1 {
		t.Errorf("%v", kinds)
	}
	if strings.Contains(a.text, person.Name) || strings.Contains(a.text, person.Contacts[0].Address) {
		t.Errorf("it tells what is personal: %s", a.text)
	}
	if a := w.call("GET", "/api/v1/roster/readiness", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender: %d", a.StatusCode)
	}
	for _, query := range []string{"?from=soon", "?until=2026-01-02T03:04:05Z", "?until=2036-01-02T03:04:05Z"} {
		if a := w.call("GET", "/api/v1/roster/readiness"+query, w.officer, ""); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.StatusCode)
		}
	}
}

func TestTheListOfAlarmsSaysWhenWhatIsAheadBegins(t *testing.T) {
	w := newWorld(t)
	w.alarmed(request.AlarmBody{Kind: request.AlarmGap, Cause: "roster national", Due: request.At(w.now.Add(48 * time.Hour))})
	if a := w.call("GET", "/api/v1/alarms", w.officer, ""); !strings.Contains(a.text, `"due":"2026-03-06T22:05:00.000Z"`) {
		t.Errorf("%s", a.text)
	}
	w = newWorld(t)
	w.alarmed(request.AlarmBody{Kind: request.AlarmNobody, Cause: "roster"})
	if a := w.call("GET", "/api/v1/alarms", w.officer, ""); strings.Contains(a.text, `"due"`) {
		t.Errorf("%s", a.text)
	}
}
