package web

import (
	"net/http"

	"github.com/dutyline/dutyline/request"
)

// A handover is one that is open, or ended within two days. People are ids.
type handover struct {
	Reference string          `json:"reference"`
	Roster    string          `json:"roster"`
	From      string          `json:"from"` // who went off duty …
	At        request.Instant `json:"at"`   // … then
	To        []string        `json:"to"`   // to whom it is offered now
	Requests  []string        `json:"requests"`
	State     string          `json:"state"` // open, or why it ended: confirmed, unsigned, nothing_left, on_duty_again
	TakenBy   string          `json:"taken_by,omitempty"`
	TakenAt   request.Instant `json:"taken_at"`
	SignedAt  request.Instant `json:"signed_at"` // From confirmed
}

// handovers lists the handovers that are open, and those that ended within two days, the oldest first.
func (s *Server) handovers(w http.ResponseWriter, _ *http.Request, _ caller) error {
	list := []handover{}
	for _, state := range s.States.Handovers() {
		m := state.Matter
		one := handover{
			Reference: state.Ref.String(), Roster: m.Roster, From: m.Person, At: m.From, To: append([]string{}, m.Asks...), Requests: []string{},
			State: "open", TakenBy: state.Owner,
		}
		for _, h := range m.Requests {
			one.Requests = append(one.Requests, h.Request.String())
		}
		if m.Reason != "" {
			one.State = m.Reason
		}
		if !state.AcknowledgedAt.IsZero() {
			one.TakenAt = request.At(state.AcknowledgedAt)
		}
		if !m.Signed.IsZero() {
			one.SignedAt = request.At(m.Signed)
		}
		list = append(list, one)
	}
	return writeJSON(w, http.StatusOK, list)
}
