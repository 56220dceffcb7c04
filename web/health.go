package web

import (
	"context"
	"net/http"
	"time"
)

// readyTimeout bounds how long the parts are asked for their health.
const readyTimeout = 3 * time.Second

func (s *Server) routeHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		_ = writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
	})
	mux.HandleFunc("GET /readyz", s.ready)
}

// readiness is the answer of /readyz.
type readiness struct {
	OK    bool   `json:"ok"`
	Parts []Part `json:"parts"`
}

// ready answers 503 while a part does not work, so that a load balancer sends callers to another node.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := readiness{OK: true, Parts: s.Health.Parts(ctx)}
	status := http.StatusOK
	for _, p := range answer.Parts {
		if !p.OK {
			answer.OK, status = false, http.StatusServiceUnavailable
		}
	}
	if answer.Parts == nil {
		answer.Parts = []Part{}
	}
	_ = writeJSON(w, status, answer)
}
