package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/roster"
)

func (s *Server) routePINs(mux *http.ServeMux) {
	both := []directory.Role{directory.RoleOfficer, directory.RoleCoordinator}
	mux.Handle("PUT /api/v1/roster/people/{id}/pin", s.api(s.setPIN, both...))
	mux.Handle("DELETE /api/v1/roster/people/{id}/pin", s.api(s.removePIN, both...))
}

// pinHead is what the edits of a PIN may say besides it.
type pinHead struct {
	Base   *uint64 `json:"base"`
	DryRun bool    `json:"dry_run"`
	Reason string  `json:"reason"`
}

func (h pinHead) edit() editHead { return editHead{Base: h.Base, DryRun: h.DryRun, Reason: h.Reason} }

// pinAnswer is whether somebody has a PIN.
type pinAnswer struct {
	Person string `json:"person"`
	PIN    bool   `json:"pin"`
}

// setPIN gives a person a PIN, by which they confirm the key that takes a request during a call; an officer does for themselves. What was sent
// is told to nobody again.
func (s *Server) setPIN(w http.ResponseWriter, r *http.Request, who caller) error {
	var body struct {
		pinHead

		PIN string `json:"pin"`
	}
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	if s.PINDigest == nil {
		return ErrUnavailable
	}
	return s.changePIN(w, r, who, body.edit(), "PIN set", func(p roster.Person) (string, error) {
		if err := p.CheckPIN(body.PIN); err != nil {
			return "", err
		}
		return s.PINDigest(p.ID, body.PIN), nil
	})
}

// removePIN takes a person's PIN away: a key takes without one again.
func (s *Server) removePIN(w http.ResponseWriter, r *http.Request, who caller) error {
	var body pinHead
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	return s.changePIN(w, r, who, body.edit(), "PIN removed", func(roster.Person) (string, error) { return "", nil })
}

// changePIN edits the roster. Whose PIN it is, is said in the reason when it is not the actor's own.
func (s *Server) changePIN(w http.ResponseWriter, r *http.Request, who caller, head editHead, said string, digest func(roster.Person) (string, error)) error {
	person, err := onBehalf(who, r.PathValue("id"), "/person")
	if err != nil {
		return err
	}
	if who.Role != directory.RoleOfficer {
		said += " of " + person
	}
	return s.change(w, r, who, change{
		editHead: head, said: said, pinOf: person,
		make: func(book roster.Book, _ time.Time) (roster.Book, error) {
			i := slices.IndexFunc(book.People, func(p roster.Person) bool { return p.ID == person })
			if i < 0 {
				return book, door.NewProblem(door.CodeNotFound, "Nobody has this identifier. Nothing was changed. Use the id of a person of the roster.")
			}
			made, err := digest(book.People[i])
			if err != nil {
				return book, pinProblem(err)
			}
			return book.SetPIN(person, made)
		},
		tell: func(answer *editAnswer, book roster.Book, _ time.Time) {
			i := slices.IndexFunc(book.People, func(p roster.Person) bool { return p.ID == person })
			answer.PIN = &pinAnswer{person, i >= 0 && book.People[i].PINDigest != ""}
		},
	})
}

// pinProblem says why something cannot be a PIN, and never what it was.
func pinProblem(err error) error {
	for _, r := range []struct {
		err         error
		detail, fix string
	}{
		{roster.ErrPINForm, "This is no PIN.", "Use 4 to 8 digits, 0 to 9; in JSON as a string."},
		{roster.ErrPINTrivial, "This PIN is among those that are guessed first.", "Use neither one digit alone, nor a row such as 1234 or 2580, nor a part that repeats such as 1212."},
		{roster.ErrPINOwn, "This PIN is part of the person's own telephone number, which whoever finds the telephone knows.", "Use other digits."},
	} {
		if errors.Is(err, r.err) {
			return fieldProblem("/pin", "not_allowed", r.detail, r.fix)
		}
	}
	return err
}

// withoutPINs is a copy of a book that says who has a PIN, and holds no digest of one.
func withoutPINs(book roster.Book) roster.Book {
	book.People = slices.Clone(book.People)
	for i := range book.People {
		p := &book.People[i]
		p.PIN, p.PINDigest = p.PINDigest != "", ""
	}
	return book
}

// unsetPINs is a copy of a book that was sent, without digests of PINs: a document brings none, also not for somebody who comes back by it.
func unsetPINs(book roster.Book) roster.Book {
	book.People = slices.Clone(book.People)
	for i := range book.People {
		if p := &book.People[i]; roster.IsPINDigest(p.PINDigest) { // what is none may be a PIN: it is refused
			p.PINDigest = ""
		}
	}
	return book
}
