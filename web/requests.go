package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

func (s *Server) routeRequests(mux *http.ServeMux) {
	everybody := []directory.Role{directory.RoleSender, directory.RoleOfficer, directory.RoleCoordinator}
	mux.Handle("POST /api/v1/requests", s.api(s.raise, directory.RoleSender))
	mux.Handle("GET /api/v1/requests/{ref}", s.api(s.show, everybody...))
	mux.Handle("PATCH /api/v1/requests/{ref}", s.api(s.amend, directory.RoleSender))
	mux.Handle("POST /api/v1/requests/{ref}/withdraw", s.api(s.withdraw, directory.RoleSender))
	mux.Handle("GET /api/v1/requests/{ref}/events", s.api(s.watch, everybody...))
}

// raise takes a request. It is stored, on disk, when 202 is written.
func (s *Server) raise(w http.ResponseWriter, r *http.Request, who caller) error {
	key, err := door.ParseKey(r.Header.Get(door.KeyHeader))
	if err != nil {
		return err
	}
	body, err := readBody(w, r, door.TypeJSON)
	if err != nil {
		return err
	}
	result, err := s.Intake.Raise(r.Context(), who.Subject, key, body)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/requests/"+result.Receipt.Reference)
	return answerResult(w, http.StatusAccepted, result)
}

// show answers with the status: to its sender, and to those who serve it. What was kept but not understood can quote the sender and is
// for the sender; officers find it with the content.
func (s *Server) show(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	receipt, err := s.receipt(r.Context(), ref, who)
	if err != nil {
		return err
	}
	return answerReceipt(w, r, receipt)
}

func (s *Server) receipt(ctx context.Context, ref request.Ref, who caller) (request.Receipt, error) {
	if who.Role == directory.RoleSender {
		return s.Intake.Show(ctx, who.Subject, ref)
	}
	state, err := s.States.State(ctx, ref)
	if err != nil {
		return request.Receipt{}, err
	}
	if !state.Exists() {
		return request.Receipt{}, ErrNotFound
	}
	return state.Receipt(nil), nil
}

// amend supplies what was missing, or corrects, by a merge patch (RFC 7396) on the version that If-Match names.
func (s *Server) amend(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	version, err := ifMatch(r)
	if err != nil {
		return err
	}
	patch, err := readBody(w, r, door.TypeMerge)
	if err != nil {
		return err
	}
	result, err := s.Intake.Amend(r.Context(), who.Subject, ref, int(version), patch) //nolint:gosec // ifMatch takes 62 bits
	if err != nil {
		return err
	}
	return answerResult(w, http.StatusOK, result)
}

// reasonBody carries why somebody does something, in their own words.
type reasonBody struct {
	Reason string `json:"reason"`
}

// withdraw ends a request; doing it twice is no error.
func (s *Server) withdraw(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	var body reasonBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	result, err := s.Intake.Withdraw(r.Context(), who.Subject, ref, body.Reason)
	if err != nil {
		return err
	}
	return answerResult(w, http.StatusOK, result)
}

func answerResult(w http.ResponseWriter, status int, result intake.Result) error {
	setPosition(w, result.Seq)
	w.Header().Set("ETag", door.FormatVersion(result.Receipt.Version))
	return writeJSON(w, status, result.Receipt)
}

// answerReceipt answers a read: nothing new is 304.
func answerReceipt(w http.ResponseWriter, r *http.Request, receipt request.Receipt) error {
	tag := door.FormatVersion(receipt.Version)
	w.Header().Set("ETag", tag)
	if ifNoneMatch(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeJSON(w, http.StatusOK, receipt)
}

// watch streams the status as it changes, and ends after the status in which nobody is asked any more. A reader that comes back after
// that is told with 204 to stay away, as browsers understand it.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, who caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	receipt, err := s.receipt(r.Context(), ref, who)
	if err != nil {
		return err
	}
	seen := -1
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		if seen, err = strconv.Atoi(text); err != nil {
			return door.NewProblem(door.CodeUnreadable, "The header Last-Event-ID is not one that was handed out.")
		}
	}
	if receipt.Status.Ended() && receipt.Version <= seen {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	states, cancel, err := s.States.Watch(r.Context(), ref)
	if err != nil {
		return err
	}
	defer cancel()
	out, err := newStream(w)
	if err != nil {
		return nil // the reader is gone
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case state, ok := <-states:
			if !ok {
				return nil
			}
			if state.Version <= seen {
				continue
			}
			receipt := s.receiptOf(r.Context(), state, who)
			if out.send(strconv.Itoa(receipt.Version), "status", receipt) != nil || receipt.Status.Ended() {
				return nil
			}
			seen = receipt.Version
		case <-beat.C:
			if !s.stillValid(who) || out.beat() != nil {
				return nil
			}
		}
	}
}

// receiptOf is the receipt of a state that was followed. Warnings are sealed: only they need a second read, and without them the news
// still goes out.
func (s *Server) receiptOf(ctx context.Context, state *request.State, who caller) request.Receipt {
	if who.Role == directory.RoleSender && state.Warnings > 0 {
		if receipt, err := s.Intake.Show(ctx, who.Subject, state.Ref); err == nil && receipt.Version >= state.Version {
			return receipt
		}
	}
	return state.Receipt(nil)
}
