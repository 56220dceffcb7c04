package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
)

// A caller is who calls: the principal of the token that came with the call, or of the one that the session was opened with.
type caller struct {
	directory.Principal
	text string // of the token; "" for sessions
}

// An apiHandler answers one call of the interface. The error becomes a problem document; nothing may have been written before it.
type apiHandler func(w http.ResponseWriter, r *http.Request, who caller) error

// api admits the callers of some roles to a handler, after this node has read as far as the caller has.
func (s *Server) api(handle apiHandler, roles ...directory.Role) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.authenticate(w, r)
		if err == nil && !slices.Contains(roles, who.Role) {
			err = door.NewProblem(door.CodeForbidden, "")
		}
		if err == nil {
			err = s.catchUp(r)
		}
		if err == nil {
			err = handle(w, r, who)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (caller, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	text = strings.TrimSpace(text)
	if text == "" || !strings.EqualFold(scheme, "Bearer") {
		return caller{}, door.NewProblem(door.CodeUnauthorized, "")
	}
	principal, err := s.Directory.Authenticate(text, s.Now())
	if err != nil {
		return caller{}, s.failedSignIn(w, r)
	}
	return caller{principal, text}, nil
}

// failedSignIn counts a wrong token and gives the answer to it.
func (s *Server) failedSignIn(w http.ResponseWriter, r *http.Request) *door.Problem {
	wait, tooMany := s.SignIns.Failed(r.Context(), r.RemoteAddr)
	if !tooMany {
		return door.NewProblem(door.CodeUnauthorized, "The token is not valid: unknown, expired or revoked. A coordinator can issue another.")
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	return door.NewProblem(door.CodeTooMany, "")
}

// stillValid asks again, for streams that outlive a token.
func (s *Server) stillValid(who caller) bool {
	_, err := s.Directory.Authenticate(who.text, s.Now())
	return err == nil
}
