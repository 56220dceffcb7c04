package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

func (s *Server) routeOfficer(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/requests/{ref}/content", s.api(s.content, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/requests/{ref}/acknowledge", s.api(s.acknowledge, directory.RoleOfficer))
	mux.Handle("POST /api/v1/requests/{ref}/pass", s.api(s.pass, directory.RoleOfficer))
	mux.Handle("POST /api/v1/requests/{ref}/undo", s.api(s.undo, directory.RoleOfficer))
	mux.Handle("POST /api/v1/requests/{ref}/urgency", s.api(s.changeUrgency, directory.RoleOfficer, directory.RoleCoordinator))
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

// undo takes an acknowledgement back.
func (s *Server) undo(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	if err := readInto(w, r, &struct{}{}); err != nil {
		return err
	}
	outcome, err := s.Officer.Undo(r.Context(), ref, who.Subject, request.ViaAPI)
	return s.answerOutcome(w, r, ref, outcome, err)
}

// changeUrgency judges the urgency anew.
func (s *Server) changeUrgency(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	var body struct {
		Urgency request.Urgency `json:"urgency"`
		Reason  string          `json:"reason"`
	}
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	if !slices.Contains(request.Urgencies, body.Urgency) {
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/urgency", Code: "not_allowed", Detail: "This is no urgency.", Fix: "Use emergency, critical, urgent or routine.",
		})
	}
	actor := request.Actor{Kind: request.ByOfficer, ID: who.Subject}
	if who.Role == directory.RoleCoordinator {
		actor.Kind = request.ByCoordinator
	}
	outcome, err := s.Officer.ChangeUrgency(r.Context(), ref, actor, body.Urgency, strings.TrimSpace(body.Reason))
	return s.answerOutcome(w, r, ref, outcome, err)
}

// answerOutcome answers with the status as it is now, or says why not.
func (s *Server) answerOutcome(w http.ResponseWriter, r *http.Request, ref request.Ref, outcome Outcome, err error) error {
	if err != nil {
		return err
	}
	switch outcome.Verdict {
	case Taken, AlreadyYours, PassedOn, Undone, UrgencyStands:
	case AlreadyTaken:
		detail := ""
		if outcome.CallSign != "" {
			detail = outcome.CallSign + " already has this request."
		}
		return door.NewProblem(door.CodeTaken, detail)
	case Ended:
		return door.NewProblem(door.CodeEnded, "")
	case CannotPass:
		return door.NewProblem(door.CodeCannotPass, "")
	case UndoOver:
		return door.NewProblem(door.CodeUndoOver, "")
	case NotYours:
		return door.NewProblem(door.CodeNotYours, "")
	case ReasonNeeded:
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/reason", Code: "required", Detail: "Less urgent than before needs a reason.", Fix: "Say why; it is sealed with the request.",
		})
	}
	state, err := s.States.State(r.Context(), ref)
	if err != nil {
		return err
	}
	setPosition(w, outcome.Position)
	w.Header().Set("ETag", door.FormatVersion(state.Version))
	return writeJSON(w, http.StatusOK, state.Receipt(nil))
}
