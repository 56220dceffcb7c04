package web

import (
	"net/http"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/roster"
)

func (s *Server) routeGateways(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/people/{id}/webhook-key", s.api(s.gatewayKey, directory.RoleCoordinator))
}

// gatewayAnswer is the secret with which the receiver of a person's webhook checks signatures.
type gatewayAnswer struct {
	Person        string `json:"person"`
	Contact       string `json:"contact"`
	WebhookSecret string `json:"webhook_secret"`
}

// gatewayKey answers with the secret of a webhook of a person (?contact=; absent: the first, which is the one that is told).
func (s *Server) gatewayKey(w http.ResponseWriter, r *http.Request, _ caller) error {
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	p, ok := current.Person(r.PathValue("id"))
	if !ok {
		return door.NewProblem(door.CodeNotFound, "Nobody has this identifier. Use the id of a person of the roster.")
	}
	wanted := r.URL.Query().Get("contact")
	for _, c := range p.Contacts {
		if c.Channel != roster.Webhook || c.Address == "" || s.GatewaySecret == nil || (wanted != "" && wanted != c.ID) {
			continue
		}
		return writeJSON(w, http.StatusOK, gatewayAnswer{p.ID, c.ID, s.GatewaySecret(c.Address)})
	}
	if wanted != "" {
		return door.NewProblem(door.CodeNotFound, "This person has no such contact of channel webhook. Use the id of the contact, or leave it out for the first.")
	}
	return door.NewProblem(door.CodeNotFound, "This person has no contact of channel webhook. Give them one in the roster first.")
}
