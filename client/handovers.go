package client

import (
	"context"
	"net/http"

	"github.com/dutyline/dutyline/request"
)

// A Handover is one that is open, or that ended within two days: requests that From had when they went off duty At. State is open, or why it
// ended: confirmed, unsigned (From has not confirmed), nothing_left, on_duty_again. TakenAt and SignedAt are when either side confirmed.
type Handover struct {
	Reference string          `json:"reference"`
	Roster    string          `json:"roster"`
	From      string          `json:"from"`
	At        request.Instant `json:"at"`
	To        []string        `json:"to"`
	Requests  []string        `json:"requests"`
	State     string          `json:"state"`
	TakenBy   string          `json:"taken_by,omitempty"`
	TakenAt   request.Instant `json:"taken_at"`
	SignedAt  request.Instant `json:"signed_at"`
}

// Handovers lists the handovers that are open, and those that ended within two days, the oldest first.
func (c *Client) Handovers(ctx context.Context) ([]Handover, error) {
	var handovers []Handover
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/handovers"}, &handovers)
	return handovers, err
}
