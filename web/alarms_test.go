package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

// alarmed raises an alarm that carmen was paged for.
func (w *world) alarmed(a request.AlarmBody) request.Ref {
	w.t.Helper()
	ref, _ := request.NewOpsRef([]byte(request.FactID(string(a.Kind), a.Cause)))
	commit := request.NewState(ref).Decide(w.now, "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, request.NewEvent(request.AlarmRaised, a),
		request.NewEvent(request.PageOrdered, request.PageBody{Page: "p1", Purpose: request.Ask, Recipient: request.ToCoordinator, Person: "carmen", Channel: "sms"}))
	data, err := commit.Encode()
	must(w.t, err)
	_, err = w.log.Append(w.t.Context(), ref, commit.ID, data, 0, false)
	must(w.t, err)
	return ref
}

func TestAlarmsHaveAReferenceOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.ask(reference, "ada", request.AlarmBody{Kind: request.AlarmUnanswered, Cause: "every level"}, request.AlarmBody{Kind: request.AlarmNoChannel, Cause: "person ada"})
	w.now = w.now.Add(time.Second)
	unanswered := w.alarmed(request.AlarmBody{Kind: request.AlarmUnanswered, Cause: "request " + reference})
	w.now = w.now.Add(time.Second)
	redis := w.alarmed(request.AlarmBody{Kind: request.AlarmRedis, Cause: "node n1", Detail: "more"})
	w.now = w.now.Add(time.Second)
	state, err := w.State(t.Context(), redis)
	must(t, err)
	_, err = w.append(redis, request.Actor{Kind: request.BySystem, ID: "n1"}, dispatcher.ClearAlarm(state, w.now)...)
	must(t, err)
	want := `[{"reference":"` + reference + `","kind":"no_usable_channel","cause":"person ada","since":"2026-03-04T22:05:00.000Z","cleared_at":null,"paged":[]},` +
		`{"reference":"` + unanswered.String() + `","kind":"unanswered","cause":"request ` + reference + `","since":"2026-03-04T22:05:01.000Z","cleared_at":null,"paged":["carmen"]},` +
		`{"reference":"` + redis.String() + `","kind":"redis_away","cause":"node n1: more","since":"2026-03-04T22:05:02.000Z","cleared_at":"2026-03-04T22:05:03.000Z","paged":["carmen"]}]`
	if got := strings.TrimSpace(w.call("GET", "/api/v1/alarms", w.officer, "").text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	path := "/api/v1/requests/" + unanswered.String()
	if a := w.call("GET", path+"/log", w.coordinator, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.text, "alarm_raised") {
		t.Errorf("log: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("GET", path+"/content", w.officer, ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("content: %d %s", a.StatusCode, a.text)
	}
	if a := w.call("GET", path+"/log", w.coordinator, ""); strings.Contains(a.text, "opened") {
		t.Errorf("somebody opened an alarm: %s", a.text)
	}
	for _, call := range []struct{ method, path string }{{"GET", path}, {"GET", path + "/events"}, {"POST", path + "/withdraw"}, {"GET", path + "/log"}} {
		if a := w.call(call.method, call.path, w.sender, `{"reason":"x"}`); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusForbidden {
			t.Errorf("a sender gets %d from %s %s", a.StatusCode, call.method, call.path)
		}
	}
	if a := w.call("GET", "/duty", "", ""); strings.Contains(a.text, unanswered.String()) {
		t.Error("an alarm stands among the requests")
	}
	if a := w.call("POST", path+"/acknowledge", w.officer, ""); a.StatusCode != http.StatusOK {
		t.Errorf("acknowledge: %d %s", a.StatusCode, a.text)
	}
}

func TestAnAlarmCoversWhatItStandsFor(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	nobody := request.AlarmBody{Kind: request.AlarmNobody, Cause: "roster"}
	w.ask(reference, "ada", nobody)
	ref := w.alarmed(nobody)
	a := w.call("GET", "/api/v1/alarms", w.officer, "")
	if strings.Count(a.text, "nobody_on_duty") != 1 || !strings.Contains(a.text, ref.String()) {
		t.Errorf("while it stands: %s", a.text)
	}
	state, err := w.State(t.Context(), ref)
	must(t, err)
	_, err = w.append(ref, request.Actor{Kind: request.BySystem, ID: "n1"}, dispatcher.ClearAlarm(state, w.now)...)
	must(t, err)
	if a := w.call("GET", "/api/v1/alarms", w.officer, ""); strings.Count(a.text, "nobody_on_duty") != 2 || !strings.Contains(a.text, reference) {
		t.Errorf("when it is cleared, and the request's own is not: %s", a.text)
	}
}
