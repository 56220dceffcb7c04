package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// Edits of the roster that are said in a few words and not by a whole document (docs/decisions/0020-edits-in-a-few-words.md).
func (s *Server) routeEdits(mux *http.ServeMux) {
	both := []directory.Role{directory.RoleOfficer, directory.RoleCoordinator}
	mux.Handle("POST /api/v1/roster/rotation", s.api(s.changeRotation, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/roster/takeover", s.api(s.takeOver, both...))
	mux.Handle("POST /api/v1/roster/giveback", s.api(s.giveBack, both...))
	mux.Handle("GET /api/v1/roster/covers", s.api(s.listCovers, both...))
	mux.Handle("POST /api/v1/roster/covers", s.api(s.askCover, both...))
	mux.Handle("POST /api/v1/roster/covers/{id}/accept", s.api(s.acceptCover, both...))
	mux.Handle("POST /api/v1/roster/covers/{id}/decline", s.api(s.declineCover, both...))
	mux.Handle("GET /api/v1/roster/swaps", s.api(s.listSwaps, both...))
	mux.Handle("POST /api/v1/roster/swaps", s.api(s.askSwap, both...))
	mux.Handle("POST /api/v1/roster/swaps/{id}/accept", s.api(s.acceptSwap, both...))
	mux.Handle("POST /api/v1/roster/swaps/{id}/decline", s.api(s.declineSwap, both...))
}

// maxRaces is how often an edit without a base is made again because others were faster: each time is somebody else's success.
const maxRaces = 64

// maxReason is the longest reason, in bytes.
const maxReason = 1000

// editHead is what all these edits may say.
type editHead struct {
	Roster string  `json:"roster"` // absent: the first
	Base   *uint64 `json:"base"`   // only of this revision, as If-Match
	DryRun bool    `json:"dry_run"`
	Reason string  `json:"reason"` // for the history, in clear: it must name nobody
}

// editAnswer is what an edit did.
type editAnswer struct {
	Revision uint64        `json:"revision"` // that stands
	Changed  bool          `json:"changed"`  // this call made it; false: it was so before
	Effect   previewAnswer `json:"effect"`   // what it changes

	Takeover *takeoverAnswer `json:"takeover,omitempty"`
	Cover    *coverAnswer    `json:"cover,omitempty"`
	Swap     *swapAnswer     `json:"swap,omitempty"`
	PIN      *pinAnswer      `json:"pin,omitempty"`
}

// A change is an edit that is made of the book that stands, and made again of the newest one when somebody else was faster.
type change struct {
	editHead
	said string // what was done, for the history
	// absolute says that the edit says how something shall be, and not what shall be different: it is made of the revision that its author
	// has seen, and of no other.
	absolute bool
	// themselves are people who may come on duty without a verified telephone, since somebody takes the duty over now: that waits for no formality.
	themselves []string
	pinOf      string                                                     // whose PIN it sets; "": nobody's
	make       func(book roster.Book, now time.Time) (roster.Book, error) // may be called several times
	tell       func(answer *editAnswer, book roster.Book, now time.Time)  // adds what was made; nil: nothing
	horizon    func(edited roster.Book) time.Time                         // until when its effect must be looked at; nil: as for all edits
}

// change makes an edit and answers with what it did, or with what it would do.
func (s *Server) change(w http.ResponseWriter, r *http.Request, who caller, c change) error {
	if len(c.Reason) > maxReason {
		return fieldProblem("/reason", "too_long", "This reason is too long.", fmt.Sprintf("Use at most %d bytes.", maxReason))
	}
	base, based, err := baseOf(r, c.Base)
	switch {
	case err != nil:
		return err
	case c.absolute && !based:
		return door.NewProblem(door.CodeVersionRequired, "This says how something shall be, so it needs the revision of the roster that you have seen: in the header If-Match, or as base.")
	}
	edit := roster.Edit{
		Reason: c.said, Actor: who.Subject, ActorKind: roster.Coordinator, PINOf: c.pinOf, Confirmed: append(r.URL.Query()["confirm_unverified"], c.themselves...),
	}
	if c.Reason != "" {
		edit.Reason += ": " + c.Reason
	}
	if who.Role == directory.RoleOfficer {
		edit.ActorKind = roster.Officer
	}
	newest := uint64(0)
	for range maxRaces {
		current, err := s.Rosters.Current(r.Context(), newest)
		if err != nil {
			return err
		}
		if based && current.Revision() != base {
			return s.rosterConflict(r.Context(), current.Revision())
		}
		now := s.Now()
		edit.Base = current.Revision()
		if edit.Book, err = c.make(current.Book(), now); err != nil {
			return editProblem(err)
		}
		if c.DryRun || r.URL.Query().Get("dry_run") == "true" {
			next, err := current.Book().Next(edit.Book, now)
			if err != nil {
				return editProblem(err)
			}
			return writeJSON(w, http.StatusOK, c.effect(current.Book(), next, now))
		}
		stored, err := s.Rosters.Apply(r.Context(), edit)
		if conflict, ok := errors.AsType[*RosterConflict](err); ok && !based {
			newest = conflict.Current
			continue
		}
		if err != nil {
			return err
		}
		answer := editAnswer{
			Revision: stored.Revision, Changed: stored.Revision != edit.Base, Effect: c.effect(current.Book(), stored, now),
		}
		if c.tell != nil {
			c.tell(&answer, stored, now)
		}
		w.Header().Set("ETag", door.FormatVersion(stored.Revision))
		return writeJSON(w, http.StatusOK, answer)
	}
	return ErrUnavailable
}

// effect is what an edit changes, from now until all of it has shown.
func (c *change) effect(before, after roster.Book, now time.Time) previewAnswer {
	until := now.Add(previewSpan)
	if c.horizon != nil {
		if far := c.horizon(after); far.After(until) {
			until = far
		}
	}
	if latest := now.Add(maxSpan); until.After(latest) {
		until = latest
	}
	return previewOf(before, after, now, until)
}

// baseOf is the revision that an edit was made from, if it says one.
func baseOf(r *http.Request, inBody *uint64) (base uint64, based bool, err error) {
	if r.Header.Get("If-Match") == "" {
		if inBody == nil {
			return 0, false, nil
		}
		return *inBody, true, nil
	}
	if base, err = ifMatch(r); err != nil {
		return 0, false, err
	}
	if inBody != nil && *inBody != base {
		return 0, false, fieldProblem("/base", "contradiction", "The header If-Match names another revision.", "Send one of them.")
	}
	return base, true, nil
}

// onBehalf is whose edit it is: of an officer their own, of a coordinator that of the person named at field.
func onBehalf(who caller, person, field string) (string, error) {
	switch {
	case who.Role == directory.RoleOfficer && person != "" && person != who.Subject:
		return "", door.NewProblem(door.CodeForbidden, "An officer does this for themselves only. A coordinator can do it for others.")
	case who.Role == directory.RoleOfficer:
		return who.Subject, nil
	case person == "":
		return "", fieldProblem(field, "required", "It is not said for whom.", "Name a person of the roster by their identifier.")
	}
	return person, nil
}

func fieldProblem(field, code, detail, fix string) *door.Problem {
	return door.NewProblem(door.CodeInvalid, "", request.FieldError{Field: field, Code: code, Detail: detail, Fix: fix})
}

// timeOf reads a time of a body; "" is otherwise.
func timeOf(field, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fieldProblem(field, "wrong_form", "This is no time.", "Write it in RFC 3339, as in 2026-01-02T03:04:05Z.")
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

// rosterOf finds a roster of a book; "" is the first.
func rosterOf(book roster.Book, id string) (roster.Roster, error) {
	for _, r := range book.Rosters {
		if id == "" || id == r.ID {
			return r, nil
		}
	}
	return roster.Roster{}, roster.ErrNoRoster
}

// A mention is a person whom a body names at a field.
type mention struct{ field, person string }

// mentions are the people of a list.
func mentions(field string, people []string) []mention {
	list := make([]mention, len(people))
	for i, person := range people {
		list[i] = mention{fmt.Sprintf("%s/%d", field, i), person}
	}
	return list
}

// known refuses people who are not in the book.
func known(book roster.Book, list ...mention) error {
	var fields []request.FieldError
	for _, m := range list {
		if !slices.ContainsFunc(book.People, func(p roster.Person) bool { return p.ID == m.person }) {
			fields = append(fields, request.FieldError{Field: m.field, Code: "unknown_person", Detail: "Nobody has this identifier.", Fix: "Use the id of a person of the roster."})
		}
	}
	if fields == nil {
		return nil
	}
	return door.NewProblem(door.CodeInvalid, "", fields...)
}

// A refusal is how callers are told that an edit cannot be.
type refusal struct {
	err    error
	code   door.Code // "": it is not possible as things stand
	detail string
	field  string // with CodeInvalid
	fix    string
}

// refusals are the answers to the errors of package roster.
var refusals = []refusal{
	{err: roster.ErrNoRoster, code: door.CodeNotFound, detail: "There is no roster of this name."},
	{err: roster.ErrNoLayer, code: door.CodeNotFound, detail: "The roster has no layer of this name."},
	{err: roster.ErrNoCover, code: door.CodeNotFound, detail: "There is nothing of this name to answer. The lists of covers and swaps say what is open."},
	{err: roster.ErrNoPerson, code: door.CodeInvalid, field: "/person", detail: "Nobody has this identifier.", fix: "Use the id of a person of the roster."},
	{err: roster.ErrAmendTime, code: door.CodeInvalid, field: "/at", detail: "A change takes effect between 1970 and 2200.", fix: "Send another time, or leave it out for now."},
	{err: roster.ErrTakeoverTime, code: door.CodeInvalid, field: "/until", detail: "A takeover ends after now, and within 60 days.", fix: "Send another time, or leave it out for the end of the shift."},
	{err: roster.ErrSharedDuty, code: door.CodeInvalid, field: "/until", detail: "Several are on duty, and one of them can be replaced until the end of the shift.", fix: "Leave it out, or send an earlier time."},
	{err: roster.ErrNoEnd, code: door.CodeInvalid, field: "/until", detail: "This duty has no end in sight.", fix: "Say until when."},
	{err: roster.ErrWhoseDuty, code: door.CodeInvalid, field: "/instead", detail: "Several are on duty.", fix: "Say whose duty is taken over."},
	{err: roster.ErrCoverLong, code: door.CodeInvalid, field: "/until", detail: "A cover, or a part of a swap, is at most 366 days long.", fix: "Send an earlier time."},

	{err: roster.ErrErasedPerson, detail: "This person was erased and cannot be reached. Somebody else must do it."},
	{err: roster.ErrInactive, detail: "This person is not active in that time: active_from and active_until say when. Somebody else must do it."},
	{err: roster.ErrAway, detail: "This person is on leave in that time. End the leave first, or let somebody else do it."},
	{err: roster.ErrAlreadyOnDuty, detail: "This person is on duty already, so there is nothing to take over."},
	{err: roster.ErrNotOnDuty, detail: "The one who should be replaced is not on duty now. Look who is, and say it again."},
	{err: roster.ErrSubstituted, detail: "Somebody else has this person's duty now, by a cover or a swap that was accepted. That one can take it over."},
	{err: roster.ErrClosedRoster, detail: "The roster is closed: nobody is on duty on it any more."},
	{err: roster.ErrNoTakeover, detail: "This person has taken nothing over that still holds. What a coordinator arranged is changed by a coordinator."},
	{err: roster.ErrNobodyBack, detail: "Nobody would be on duty. Somebody else must take it over first, or accept a cover."},
	{err: roster.ErrNotInTurns, detail: "This person has no turn in the rotation, so there is nothing to take out."},
	{err: roster.ErrNobodyLeft, detail: "The rotation would have nobody. Add somebody else first."},
	{err: roster.ErrClosedLayer, detail: "The layer is closed: it has no rotation any more."},
	{err: roster.ErrCoverOver, detail: "It is no longer open: its time is over, or all have declined."},
	{err: roster.ErrOwnCover, detail: "Nobody covers for themselves."},
	{err: roster.ErrNotAsked, detail: "This person was not asked. Only those who were named can answer."},
	{err: roster.ErrNoDuty, detail: "Whoever gives the duty away is not on duty in that time, so there is nothing to cover. Look at their shifts, and send another time."},
}

// place is what stands before the name of a member in the paths of a book's problems, when the edit put the member there.
var place = regexp.MustCompile(`^/rosters/\d+/(?:layers|covers|swaps|overrides)/\d+|^/rotation`)

// editProblem says in the words of the edit why it cannot be.
func editProblem(err error) error {
	if waits, ok := errors.AsType[*roster.WaitingChange](err); ok {
		return door.NewProblem(door.CodeNotPossible, "Another change of this layer waits and begins at "+request.At(waits.Begins).Format(request.InstantLayout)+
			". Let this one begin then or later, with at, or take that one back first.")
	}
	if invalid, ok := errors.AsType[*roster.ValidationError](err); ok {
		shorter := &roster.ValidationError{}
		for _, p := range invalid.Problems {
			if path := place.ReplaceAllString(p.Path, ""); path != "" {
				p.Path = path
			}
			shorter.Problems = append(shorter.Problems, p)
		}
		return shorter
	}
	for _, r := range refusals {
		if !errors.Is(err, r.err) {
			continue
		}
		if r.code == door.CodeInvalid {
			return fieldProblem(r.field, "not_allowed", r.detail, r.fix)
		}
		return door.NewProblem(cmp.Or(r.code, door.CodeNotPossible), r.detail)
	}
	return err
}
