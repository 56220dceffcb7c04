package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

func (s *Server) routeRoster(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/duty", s.api(s.duty, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/duty/now", s.api(s.dutyNow, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/roster/rebuild", s.api(s.rebuildRoster, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster", s.api(s.showRoster, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("PUT /api/v1/roster", s.api(s.putRoster, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster/history", s.api(s.rosterHistory, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster/gaps", s.api(s.rosterGaps, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster/readiness", s.api(s.rosterReadiness, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster/fairness", s.api(s.rosterFairness, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/roster/revert", s.api(s.revertRoster, directory.RoleCoordinator))
}

// duty answers who is on duty at a time (?at=, RFC 3339; absent: now) on a roster (?roster=; absent: the first), and why.
func (s *Server) duty(w http.ResponseWriter, r *http.Request, _ caller) error {
	query := r.URL.Query()
	at := s.Now()
	if text := query.Get("at"); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return door.NewProblem(door.CodeUnreadable, "at must be a time in RFC 3339, as in 2026-01-02T03:04:05Z.")
		}
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	duty, ok := current.At(query.Get("roster"), at)
	if !ok {
		return door.NewProblem(door.CodeNotFound, "There is no roster of this name.")
	}
	duty.AgeSeconds = int64(s.Table.Age() / time.Second)
	return writeJSON(w, http.StatusOK, duty)
}

// showRoster answers with the book. Names and numbers are for coordinators, and who has a PIN; officers know each other by call sign.
func (s *Server) showRoster(w http.ResponseWriter, r *http.Request, who caller) error {
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	book := withoutPINs(current.Book())
	if who.Role != directory.RoleCoordinator {
		book = impersonal(book)
	}
	w.Header().Set("ETag", door.FormatVersion(book.Revision))
	return writeJSON(w, http.StatusOK, book)
}

// impersonal is a copy of a book without names, addresses and who has a PIN.
func impersonal(book roster.Book) roster.Book {
	book.People = slices.Clone(book.People)
	for i := range book.People {
		p := &book.People[i]
		p.Name, p.PIN = "", false
		p.Contacts = slices.Clone(p.Contacts)
		for j := range p.Contacts {
			p.Contacts[j].Address = ""
		}
	}
	return book
}

// editBody is a book as a coordinator sends it; reason goes into the history and must name nobody.
type editBody struct {
	roster.Book
	Reason string `json:"reason"`
}

// putRoster replaces the book that If-Match names, unless nothing changes: then the answer has the revision of If-Match. With ?dry_run=true it only tells what would change.
func (s *Server) putRoster(w http.ResponseWriter, r *http.Request, who caller) error {
	base, err := ifMatch(r)
	if err != nil {
		return err
	}
	var body editBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	if len(body.People) == 0 { // most likely a file that was not there: nobody could be paged any more
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/people", Code: "required", Detail: "A roster without people would page nobody.", Fix: "Send the whole book, as GET answers it.",
		})
	}
	return s.edit(w, r, roster.Edit{Book: unsetPINs(body.Book), Base: base, Reason: body.Reason, Actor: who.Subject})
}

// edit stores an edit, or with ?dry_run=true tells what that would do. Each ?confirm_unverified= names a person who may come on duty without a
// verified telephone.
func (s *Server) edit(w http.ResponseWriter, r *http.Request, edit roster.Edit) error {
	if err := s.checkAddresses(r.Context(), edit.Book); err != nil {
		return err
	}
	if r.URL.Query().Get("dry_run") == "true" {
		return s.previewRoster(w, r, edit.Book, edit.Base)
	}
	edit.Confirmed = r.URL.Query()["confirm_unverified"]
	book, err := s.Rosters.Apply(r.Context(), edit)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", door.FormatVersion(book.Revision))
	return writeJSON(w, http.StatusOK, withoutPINs(book))
}

// standing is the roster, if it is of the revision that an edit was made from.
func (s *Server) standing(ctx context.Context, base uint64) (*roster.Compiled, error) {
	current, err := s.Rosters.Current(ctx, 0)
	if err != nil {
		return nil, err
	}
	if current.Revision() != base {
		return nil, s.rosterConflict(ctx, current.Revision())
	}
	return current, nil
}

// previewRoster tells what would be stored, and what that does.
func (s *Server) previewRoster(w http.ResponseWriter, r *http.Request, book roster.Book, base uint64) error {
	current, err := s.standing(r.Context(), base)
	if err != nil {
		return err
	}
	from := s.Now()
	next, err := current.Book().Next(book, from)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, previewOf(current.Book(), next, from, from.Add(previewSpan)))
}

// rosterConflict says who made the revision that stands, when and why. What cannot be read now is left out.
func (s *Server) rosterConflict(ctx context.Context, revision uint64) error {
	conflict := &RosterConflict{Current: revision}
	versions, err := s.Rosters.History(ctx)
	if err != nil {
		return conflict
	}
	for _, v := range versions {
		if v.Revision == revision {
			conflict.By, conflict.When, conflict.Reason = v.Actor.ID, v.Time.Time, v.Reason
		}
	}
	return conflict
}

func (s *Server) rosterHistory(w http.ResponseWriter, r *http.Request, _ caller) error {
	versions, err := s.Rosters.History(r.Context())
	if err != nil {
		return err
	}
	if versions == nil {
		versions = []RosterVersion{}
	}
	return writeJSON(w, http.StatusOK, versions)
}
