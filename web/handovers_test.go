package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

// offered offers a request that ada has to bruno.
func (w *world) offered(reference string) request.Ref {
	w.t.Helper()
	asked, err := request.ParseRef(reference)
	must(w.t, err)
	ref, _ := request.NewOpsRef([]byte("handover"))
	commit := request.NewState(ref).Decide(w.now, "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, dispatcher.RaiseMatter(request.MatterBody{
		Kind: request.OpsHandover, Cause: "ada", Roster: "national", Person: "ada", From: request.At(w.now), Asks: []string{"bruno"},
		Requests: []request.Handed{{Request: asked, Since: request.At(w.now)}},
	}))
	data, err := commit.Encode()
	must(w.t, err)
	_, err = w.log.Append(w.t.Context(), ref, commit.ID, data, 0, false)
	must(w.t, err)
	return ref
}

func TestHandoversSayWhoHasConfirmedAndAreNoAlarms(t *testing.T) {
	w := newWorld(t)
	if a := w.call("GET", "/api/v1/handovers", w.coordinator, ""); strings.TrimSpace(a.text) != "[]" {
		t.Errorf("without any: %s", a.text)
	}
	reference := w.raised().Reference
	ref := w.offered(reference)
	started := `[{"reference":"` + ref.String() + `","roster":"national","from":"ada","at":"2026-03-04T22:05:00.000Z","to":["bruno"],"requests":["` + reference + `"],`
	want := started + `"state":"open","taken_at":null,"signed_at":null}]`
	if got := strings.TrimSpace(w.call("GET", "/api/v1/handovers", w.officer, "").text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.now = w.now.Add(time.Second)
	state, err := w.State(t.Context(), ref)
	must(t, err)
	system := request.Actor{Kind: request.BySystem, ID: "n1"}
	events, _ := dispatcher.Acknowledge(state, w.now, "bruno", "p1", request.ViaCode)
	_, err = w.append(ref, system, append(events, request.NewEvent(request.MatterEnded, request.MatterEndedBody{Reason: dispatcher.EndedUnsigned}))...)
	must(t, err)
	want = started + `"state":"unsigned","taken_by":"bruno","taken_at":"2026-03-04T22:05:01.000Z","signed_at":null}]`
	if got := strings.TrimSpace(w.call("GET", "/api/v1/handovers", w.officer, "").text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a := w.call("GET", "/api/v1/alarms", w.officer, ""); strings.Contains(a.text, ref.String()) {
		t.Errorf("alarms %s", a.text)
	}
	if a := w.call("GET", "/api/v1/handovers", w.sender, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("a sender gets %d", a.StatusCode)
	}
}
