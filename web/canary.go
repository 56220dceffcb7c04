package web

import (
	"net/http"

	"github.com/dutyline/dutyline/request"
)

// Canaries tells what came of the texts that test the providers. Safe for concurrent use.
type Canaries interface {
	// Canary tells how each provider is that has a probe; without any it lists none.
	Canary() CanaryReport
}

// A CanaryReport is how the providers are by their canaries (GET /api/v1/canary). Times are in milliseconds.
type CanaryReport struct {
	EveryMS int64         `json:"every_ms"` // between two through the same provider
	SlowMS  int64         `json:"slow_ms"`  // what takes longer to come back is slow
	Probes  []ProbeReport `json:"probes"`   // none: canaries are off
}

// A ProbeReport is how one provider is.
type ProbeReport struct {
	Provider string   `json:"provider"`
	Channel  string   `json:"channel"`
	State    string   `json:"state"`    // unknown, ok, shaky, slow, lost
	Canaries []Flight `json:"canaries"` // the newest first
}

// A Flight is what became of a canary. What has not happened is null; what has is counted from its first attempt.
type Flight struct {
	Reference      string          `json:"reference"`
	Sent           request.Instant `json:"sent"`
	State          string          `json:"state"` // flying, acknowledged, lost, unsent
	AcceptedMS     *int64          `json:"accepted_ms"`
	DeliveredMS    *int64          `json:"delivered_ms"`
	AcknowledgedMS *int64          `json:"acknowledged_ms"`
	Code           string          `json:"code,omitempty"` // of its last failure at the provider
}

// mostFlights is how many canaries of each provider are told.
const mostFlights = 12

// canary tells how the providers are by their canaries.
func (s *Server) canary(w http.ResponseWriter, _ *http.Request, _ caller) error {
	report := CanaryReport{Probes: []ProbeReport{}}
	if s.Canaries != nil {
		report = s.Canaries.Canary()
	}
	for i := range report.Probes {
		p := &report.Probes[i]
		p.Canaries = p.Canaries[:min(len(p.Canaries), mostFlights)]
	}
	return writeJSON(w, http.StatusOK, report)
}
