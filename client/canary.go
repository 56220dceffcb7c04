package client

import (
	"context"
	"net/http"

	"github.com/dutyline/dutyline/request"
)

// A CanaryReport is how the providers are by the texts that test them. Times are in milliseconds.
type CanaryReport struct {
	EveryMS int64         `json:"every_ms"` // between two through the same provider
	SlowMS  int64         `json:"slow_ms"`  // what takes longer to come back is slow
	Probes  []ProbeReport `json:"probes"`   // none: canaries are off
}

// A ProbeReport is how one provider is. State is unknown, ok, shaky (the last one was lost or slow), slow or lost; the newest canary is the first.
type ProbeReport struct {
	Provider string         `json:"provider"`
	Channel  string         `json:"channel"`
	State    string         `json:"state"`
	Canaries []CanaryFlight `json:"canaries"`
}

// A CanaryFlight is what became of a canary: flying, acknowledged, lost or unsent (the lanes were busy, which says nothing of the provider). What
// has not happened is nil; what has is counted from its first attempt.
type CanaryFlight struct {
	Reference      string          `json:"reference"`
	Sent           request.Instant `json:"sent"`
	State          string          `json:"state"`
	AcceptedMS     *int64          `json:"accepted_ms"`
	DeliveredMS    *int64          `json:"delivered_ms"`
	AcknowledgedMS *int64          `json:"acknowledged_ms"`
	Code           string          `json:"code,omitempty"` // of its last failure at the provider
}

// Canary tells how the providers are by their canaries. It needs the token of a coordinator.
func (c *Client) Canary(ctx context.Context) (CanaryReport, error) {
	var report CanaryReport
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/canary"}, &report)
	return report, err
}
