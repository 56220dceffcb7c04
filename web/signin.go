package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

type callerKey struct{}

// callerOf is who is signed in to a page; set by signedIn.
func callerOf(r *http.Request) (caller, bool) {
	who, ok := r.Context().Value(callerKey{}).(caller)
	return who, ok
}

// signedIn lets officers and coordinators through and leads everybody else to the sign-in.
func (s *Server) signedIn(handle pageHandler) pageHandler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, ok := s.sessionCaller(r)
		if !ok {
			target := "/signin"
			if r.Method == http.MethodGet && r.URL.Path != "/duty" && !strings.HasSuffix(r.URL.Path, "/live") {
				target += "?next=" + r.URL.EscapedPath()
			}
			http.Redirect(w, r, target, http.StatusSeeOther)
			return nil
		}
		return handle(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
	}
}

// sessionCaller finds who is signed in. The token of the session is asked again: revoked is revoked.
func (s *Server) sessionCaller(r *http.Request) (caller, bool) {
	cookie, err := r.Cookie(s.sessionCookie(r))
	if err != nil {
		return caller{}, false
	}
	session, ok := s.Sessions.Find(r.Context(), cookie.Value)
	if !ok {
		return caller{}, false
	}
	principal, err := s.Directory.Principal(session.Token, s.Now())
	if err != nil || !mayOpenPages(principal.Role) {
		return caller{}, false
	}
	return caller{Principal: principal}, true
}

func mayOpenPages(role directory.Role) bool {
	return role == directory.RoleOfficer || role == directory.RoleCoordinator
}

// sessionCookie is the cookie's name; the prefix binds it to this host over https.
func (s *Server) sessionCookie(r *http.Request) string {
	if s.overTLS(r) {
		return "__Host-session"
	}
	return "session"
}

type signInView struct {
	frame
	Next string
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	if _, ok := s.sessionCaller(r); ok {
		http.Redirect(w, r, "/duty", http.StatusSeeOther)
		return nil
	}
	return s.showSignIn(w, r, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, status int, next, trouble string) error {
	view := signInView{frame: s.frame(r, "sign_in", "/signin"), Next: safeNext(next)}
	if trouble != "" {
		view.Error = word(languageOf(r), trouble)
	}
	return s.render(w, r, status, "signin", "signin.html", view)
}

// safeNext is the page to open after the sign-in: one request, or the list.
func safeNext(next string) string {
	name, ok := strings.CutPrefix(next, "/duty/")
	if ref, err := request.ParseRef(name); ok && err == nil {
		return "/duty/" + ref.String()
	}
	return "/duty"
}

// signIn opens a session with a token.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	next := r.PostForm.Get("next")
	principal, err := s.Directory.Authenticate(strings.TrimSpace(r.PostForm.Get("token")), s.Now())
	if err != nil || !mayOpenPages(principal.Role) {
		wait, tooMany := s.SignIns.Failed(r.Context(), r.RemoteAddr)
		if tooMany {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
			return s.showSignIn(w, r, http.StatusTooManyRequests, next, "too_many_sign_ins")
		}
		return s.showSignIn(w, r, http.StatusUnauthorized, next, "wrong_token")
	}
	id, err := s.Sessions.Create(r.Context(), Session{Token: principal.TokenID, Expires: s.Now().Add(SessionLife)})
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(r, id, int(SessionLife.Seconds())))
	http.Redirect(w, r, safeNext(next), http.StatusSeeOther)
	return nil
}

// signOut ends the session.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie(s.sessionCookie(r)); err == nil {
		s.Sessions.Delete(r.Context(), cookie.Value)
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}

func (s *Server) cookie(r *http.Request, id string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.sessionCookie(r), Value: id, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.overTLS(r), SameSite: http.SameSiteStrictMode,
	}
}

// maxForm is the largest form in bytes.
const maxForm = 64 << 10

func parseForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return door.NewProblem(door.CodeUnreadable, "")
	}
	return nil
}
