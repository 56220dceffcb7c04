package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/web"
)

// table is a duty table that says what it is told.
type table struct {
	now     web.DutyNow
	rebuilt web.Rebuilt
	age     time.Duration
	err     error
}

func (t *table) WhoNow(_ context.Context, roster string, now time.Time) (web.DutyNow, error) {
	answer := t.now
	answer.At = request.At(now)
	if roster != "" {
		answer.Roster = roster
	}
	return answer, t.err
}

func (t *table) Rebuild(context.Context) (web.Rebuilt, error) { return t.rebuilt, t.err }

func (t *table) Age() time.Duration { return t.age }

func TestDutyNowHasTheMembersOfTheContract(t *testing.T) {
	w := newWorld(t)
	w.table.now = web.DutyNow{
		Roster: "national", Revision: 3, Source: "redis", Until: request.At(w.now.Add(time.Hour)),
		OnDuty: []web.OnDutyNow{{Person: "ada", CallSign: "KESTREL", Until: request.At(w.now.Add(time.Hour))}},
	}
	a := w.call("GET", "/api/v1/duty/now", w.officer, "")
	answer := members(t, a.text, "at", "roster", "revision", "on_duty", "until", "source")
	members(t, first(t, answer["on_duty"]), "person", "call_sign", "until")
	if a.StatusCode != http.StatusOK || string(answer["at"]) != `"2026-03-04T22:05:00.000Z"` || !isInstant(answer["until"]) {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	w.table.now = web.DutyNow{Roster: "national", Revision: 3, OnDuty: []web.OnDutyNow{}, Source: "memory", AgeSeconds: 720}
	if a := w.call("GET", "/api/v1/duty/now?roster=night", w.coordinator, ""); !strings.Contains(a.text, `"roster":"night","revision":3,"on_duty":[],"until":null,"source":"memory","age_seconds":720`) {
		t.Errorf("a gap of an old roster: %s", a.text)
	}
	if a := w.call("GET", "/api/v1/duty/now", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender: %d", a.StatusCode)
	}
	for err, status := range map[error]int{web.ErrNotFound: 404, web.ErrUnavailable: 503} {
		w.table.err = fmt.Errorf("wrapped: %w", err)
		if a := w.call("GET", "/api/v1/duty/now", w.officer, ""); a.StatusCode != status {
			t.Errorf("%v: %d", err, a.StatusCode)
		}
	}
}

func TestDutySaysHowOldTheRosterIs(t *testing.T) {
	w := newWorld(t)
	if a := w.call("GET", "/api/v1/duty", w.officer, ""); strings.Contains(a.text, "age_seconds") {
		t.Errorf("fresh: %s", a.text)
	}
	w.table.age = 12*time.Minute + 400*time.Millisecond
	if a := w.call("GET", "/api/v1/duty", w.officer, ""); !strings.Contains(a.text, `"age_seconds":720`) {
		t.Errorf("old: %s", a.text)
	}
}

func TestRebuildSaysWhatWasThereAndIsForCoordinators(t *testing.T) {
	w := newWorld(t)
	w.table.rebuilt = web.Rebuilt{Revision: 3, Before: web.RedisRoster{Document: 2}, After: web.RedisRoster{
		Document: 3, Same: true, Table: 3, TableUntil: request.At(w.now), Tiles: 4,
	}}
	a := w.call("POST", "/api/v1/roster/rebuild", w.coordinator, "")
	answer := members(t, a.text, "revision", "before", "after")
	members(t, string(answer["after"]), "document", "same", "table", "table_until", "tiles")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.text, `"before":{"document":2,"same":false,"table":0,"table_until":null,"tiles":0}`) {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := w.call("POST", "/api/v1/roster/rebuild", w.officer, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("an officer: %d", a.StatusCode)
	}
	w.table.err = web.ErrUnavailable
	if a := w.call("POST", "/api/v1/roster/rebuild", w.coordinator, ""); a.StatusCode != http.StatusServiceUnavailable || a.problem(t) != "unavailable" || !strings.Contains(a.text, "safe in the log") {
		t.Errorf("without Redis: %d %s", a.StatusCode, a.text)
	}
	w.table.err = web.ErrNotFound
	if a := w.call("POST", "/api/v1/roster/rebuild", w.coordinator, ""); a.StatusCode != http.StatusNotFound || !strings.Contains(a.text, "roster apply") {
		t.Errorf("without a roster: %d %s", a.StatusCode, a.text)
	}
}
