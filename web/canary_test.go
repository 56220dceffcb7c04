package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/web"
)

// birds are canaries that a test has made up.
type birds web.CanaryReport

func (b birds) Canary() web.CanaryReport { return web.CanaryReport(b) }

func TestCoordinatorsSeeWhatCameOfTheLastCanaries(t *testing.T) {
	w := newWorld(t)
	if a := w.call("GET", "/api/v1/canary", w.coordinator, ""); strings.TrimSpace(a.text) != `{"every_ms":0,"slow_ms":0,"probes":[]}` {
		t.Errorf("without any: %d %s", a.StatusCode, a.text)
	}
	took := int64(3120)
	probe := web.ProbeReport{Provider: "twilio", Channel: "sms", State: "ok", Canaries: []web.Flight{{
		Reference: "7K4M-2QX9-U", Sent: request.At(w.now), State: "acknowledged", AcceptedMS: &took, AcknowledgedMS: &took,
	}}}
	w.web.Canaries = birds{EveryMS: 900_000, SlowMS: 60_000, Probes: []web.ProbeReport{probe}}
	const want = `{"every_ms":900000,"slow_ms":60000,"probes":[{"provider":"twilio","channel":"sms","state":"ok","canaries":[` +
		`{"reference":"7K4M-2QX9-U","sent":"2026-03-04T22:05:00.000Z","state":"acknowledged","accepted_ms":3120,"delivered_ms":null,"acknowledged_ms":3120}]}]}`
	if got := strings.TrimSpace(w.call("GET", "/api/v1/canary", w.coordinator, "").text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i := range 50 {
		probe.Canaries = append(probe.Canaries, web.Flight{Reference: fmt.Sprint(i)})
	}
	w.web.Canaries = birds{Probes: []web.ProbeReport{probe}}
	if text := w.call("GET", "/api/v1/canary", w.coordinator, "").text; strings.Count(text, "reference") != 12 || !strings.Contains(text, "7K4M-2QX9-U") {
		t.Errorf("the newest twelve: %s", text)
	}
	for _, token := range []string{w.officer, w.sender} {
		if a := w.call("GET", "/api/v1/canary", token, ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("somebody else gets %d", a.StatusCode)
		}
	}
}
