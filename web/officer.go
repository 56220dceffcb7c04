package web

import (
	"encoding/json"
	"net/http"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/request"
)

func (s *Server) routeOfficer(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/requests/{ref}/content", s.api(s.content, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/requests/{ref}/acknowledge", s.api(s.acknowledge, directory.RoleOfficer))
	mux.Handle("POST /api/v1/requests/{ref}/pass", s.api(s.pass, directory.RoleOfficer))
}

// contentAnswer is what was asked for, as its sender wrote it.
type contentAnswer struct {
	Reference string            `json:"reference"`
	Version   int               `json:"version"`
	Erased    bool              `json:"erased,omitempty"`
	Content   json.RawMessage   `json:"content"` // null when erased
	Warnings  []request.Warning `json:"warnings"`
}

// content answers with the content. That an officer opened it is stored first.
func (s *Server) content(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	state, sealed, err := s.open(r.Context(), ref, who)
	if err != nil {
		return err
	}
	answer := contentAnswer{Reference: ref.String(), Version: state.Version, Erased: state.Erased, Content: sealed.Content, Warnings: sealed.Warnings}
	if answer.Warnings == nil {
		answer.Warnings = []request.Warning{}
	}
	return writeJSON(w, http.StatusOK, answer)
}

// acknowledge takes a request for the officer who calls.
func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	if err := readInto(w, r, &struct{}{}); err != nil {
		return err
	}
	outcome, err := s.Officer.Acknowledge(r.Context(), ref, who.Subject, request.ViaAPI)
	return s.answerOutcome(w, r, ref, outcome, err)
}

// pass gives a request to the next.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	var body reasonBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	outcome, err := s.Officer.Pass(r.Context(), ref, who.Subject, body.Reason, request.ViaAPI)
	return s.answerOutcome(w, r, ref, outcome, err)
}

// answerOutcome answers with the status as it is now, or says why not.
func (s *Server) answerOutcome(w http.ResponseWriter, r *http.Request, ref request.Ref, outcome Outcome, err error) error {
	if err != nil {
		return err
	}
	switch outcome.Verdict {
	case Taken, AlreadyYours, PassedOn:
	case AlreadyTaken:
		detail := ""
		if outcome.CallSign != "" {
			detail = outcome.CallSign + " already has this request."
		}
		return newProblem(codeTaken, detail)
	case Ended:
		return newProblem(codeEnded, "")
	case CannotPass:
		return newProblem(codeCannotPass, "")
	}
	state, err := s.States.State(r.Context(), ref)
	if err != nil {
		return err
	}
	setPosition(w, outcome.Position)
	w.Header().Set("ETag", etag(state.Version))
	return writeJSON(w, http.StatusOK, state.Receipt(nil))
}
