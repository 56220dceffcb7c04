package web

import (
	"net/http"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// listPage shows who is on duty and the open requests.
func (s *Server) listPage(w http.ResponseWriter, r *http.Request) error {
	view, err := s.listView(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Has("passed") {
		view.Notice = word(languageOf(r), "passed_on")
	}
	if r.URL.Query().Has("undone") {
		view.Notice = word(languageOf(r), "undone")
	}
	return s.render(w, r, http.StatusOK, "list", "list.html", view)
}

// listLive is the part of the list that refreshes itself.
func (s *Server) listLive(w http.ResponseWriter, r *http.Request) error {
	view, err := s.listView(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "list", "list-live", view)
}

// requestPage shows one request with its content, to who may read it.
func (s *Server) requestPage(w http.ResponseWriter, r *http.Request) error {
	return s.showRequest(w, r, http.StatusOK, "")
}

func (s *Server) showRequest(w http.ResponseWriter, r *http.Request, status int, trouble string) error {
	who, _ := callerOf(r)
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	state, sealed, err := s.open(r.Context(), ref, who)
	if err != nil {
		return err
	}
	view, err := s.requestView(r, state, sealed)
	if err != nil {
		return err
	}
	if trouble != "" {
		view.Notice, view.NoticeKind = trouble, "bad"
	}
	return s.render(w, r, status, "request", "request.html", view)
}

// requestLive is the part of the page that refreshes itself: it holds nothing of the content, and asking for it is no reading.
func (s *Server) requestLive(w http.ResponseWriter, r *http.Request) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	state, err := s.States.State(r.Context(), ref)
	if err != nil {
		return err
	}
	if !state.Exists() {
		return ErrNotFound
	}
	return s.render(w, r, http.StatusOK, "request", "request-live", requestPage{Request: s.newView(r).request(state)})
}

// acknowledgeForm takes a request from the page.
func (s *Server) acknowledgeForm(w http.ResponseWriter, r *http.Request) error {
	return s.officerForm(w, r, func(who caller, ref request.Ref) (Outcome, error) {
		return s.Officer.Acknowledge(r.Context(), ref, who.Subject, request.ViaWeb)
	})
}

// passForm passes a request on from the page.
func (s *Server) passForm(w http.ResponseWriter, r *http.Request) error {
	return s.officerForm(w, r, func(who caller, ref request.Ref) (Outcome, error) {
		return s.Officer.Pass(r.Context(), ref, who.Subject, r.PostForm.Get("reason"), request.ViaWeb)
	})
}

// undoForm takes an acknowledgement back from the page.
func (s *Server) undoForm(w http.ResponseWriter, r *http.Request) error {
	return s.officerForm(w, r, func(who caller, ref request.Ref) (Outcome, error) {
		return s.Officer.Undo(r.Context(), ref, who.Subject, request.ViaWeb)
	})
}

// officerForm does what an officer asked for, and leads to the page that shows what came of it.
func (s *Server) officerForm(w http.ResponseWriter, r *http.Request, do func(who caller, ref request.Ref) (Outcome, error)) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	who, _ := callerOf(r)
	if who.Role != directory.RoleOfficer {
		return door.NewProblem(door.CodeForbidden, "")
	}
	outcome, err := do(who, ref)
	if err != nil {
		return err
	}
	language := languageOf(r)
	switch outcome.Verdict {
	case AlreadyTaken:
		return s.showRequest(w, r, http.StatusConflict, takenBy(language, outcome.CallSign))
	case Ended:
		return s.showRequest(w, r, http.StatusConflict, word(language, "status_withdrawn"))
	case CannotPass:
		return s.showRequest(w, r, http.StatusConflict, word(language, "cannot_pass"))
	case UndoOver:
		return s.showRequest(w, r, http.StatusConflict, word(language, "undo_over"))
	case NotYours:
		return s.showRequest(w, r, http.StatusConflict, word(language, "not_yours"))
	case Undone:
		http.Redirect(w, r, "/duty?undone", http.StatusSeeOther)
	case PassedOn:
		http.Redirect(w, r, "/duty?passed", http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/duty/"+ref.String(), http.StatusSeeOther)
	}
	return nil
}
