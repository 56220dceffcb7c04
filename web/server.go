package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/roster/sheet"
)

// Options is what [New] needs. All fields without a remark are required.
type Options struct {
	Intake    Intake
	Directory Directory
	Officer   Officer
	States    States
	Rosters   Rosters
	Table     Table
	Log       Log
	Health    Health
	Sessions  Sessions
	SignIns   *SignIns
	Tester    Tester       // sends test pages; nil: none goes out
	Canaries  Canaries     // tells of canaries; nil: there are none
	Webhooks  http.Handler // serves everything under /webhooks/ and verifies its signatures itself; nil: none
	// WebhookSecret gives the secret that signs what goes to a sender's webhook, by their id; nil: nothing goes there.
	WebhookSecret func(sender string) string

	// Number says whether a telephone number can be a contact, and otherwise why not and what to do; nil: every number can.
	Number func(e164 string) (detail, fix string, ok bool)
	// Gateway says the same of the address of a person's webhook; nil: every address can be one.
	Gateway func(address string) (detail, fix string, ok bool)
	// GatewaySecret gives the secret that signs what goes to that address; nil: nothing goes there.
	GatewaySecret func(address string) string

	// PINDigest makes what is stored of a person's PIN; nil: nobody can be given one.
	PINDigest func(person, pin string) string

	PublicURL string           // as callers and browsers see it, https://line.example; "": cookies are not bound to https
	Roster    string           // id of the roster that the pages show; "" is the first
	Now       func() time.Time // the node's now
	Logger    *zap.Logger      // nil: nothing is logged

	Escalation sheet.Escalation // in which order people are asked, for the roster on paper

	UndoWindow time.Duration // how long after an acknowledgement the pages offer to take it back; 0: they do not
}

// Server is the HTTP face. It is safe for concurrent use. The server that carries it must cancel its base context when it shuts down:
// streams end with it, and by nothing else.
type Server struct {
	Options
	secure   bool // cookies over https only
	pages    *pages
	revision revisionTime
	handler  http.Handler
}

var _ http.Handler = (*Server)(nil)

// New makes the HTTP face of a node.
func New(o Options) (*Server, error) {
	var missing []error
	for name, absent := range map[string]bool{
		"intake": o.Intake == nil, "directory": o.Directory == nil, "officer": o.Officer == nil, "states": o.States == nil,
		"rosters": o.Rosters == nil, "table": o.Table == nil, "log": o.Log == nil, "health": o.Health == nil, "sessions": o.Sessions == nil,
		"sign-ins": o.SignIns == nil, "now": o.Now == nil,
	} {
		if absent {
			missing = append(missing, fmt.Errorf("make web server: %s is missing", name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	s := &Server{Options: o, secure: strings.HasPrefix(o.PublicURL, "https://")}
	var err error
	if s.pages, err = loadPages(); err != nil {
		return nil, fmt.Errorf("make web server: %w", err)
	}
	if s.handler, err = s.wrap(s.routes()); err != nil {
		return nil, fmt.Errorf("make web server: %w", err)
	}
	return s, nil
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	s.routeRequests(mux)
	s.routeOfficer(mux)
	s.routeLog(mux)
	s.routeRoster(mux)
	s.routeEdits(mux)
	s.routeTests(mux)
	s.routeGateways(mux)
	s.routePINs(mux)
	s.routeDirectory(mux)
	s.routeCalendars(mux)
	s.routeHealth(mux)
	s.routePages(mux)
	if s.Webhooks != nil {
		mux.Handle("/webhooks/", s.Webhooks)
	}
	return mux
}

// wrap puts around the routes what holds for all of them: recovery, a line in the log, security headers, and the refusal of forms from
// other sites. Webhooks come from other sites by nature and are signed.
func (s *Server) wrap(mux *http.ServeMux) (http.Handler, error) {
	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("/webhooks/")
	if s.PublicURL != "" {
		address, err := url.Parse(s.PublicURL)
		if err != nil || address.Host == "" {
			return nil, errors.New("public address: a URL with scheme and host is needed")
		}
		if err := guard.AddTrustedOrigin(address.Scheme + "://" + address.Host); err != nil {
			return nil, fmt.Errorf("public address: %w", err)
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, door.NewProblem(door.CodeCrossOrigin, ""))
	}))
	return s.observe(s.secureHeaders(guard.Handler(s.unmatched(mux)))), nil
}

// secureHeaders sets what browsers must hold to. Nothing is inline, nothing comes from elsewhere, nothing is kept.
func (s *Server) secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		next.ServeHTTP(w, r)
	})
}

// unmatched answers what no route takes in the form of the part that was asked, and leaves the rest to the routes.
func (s *Server) unmatched(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fallback, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		answer := &discarded{header: w.Header()} // keeps Allow
		fallback.ServeHTTP(answer, r)
		if answer.status == http.StatusMethodNotAllowed {
			s.fail(w, r, door.NewProblem(door.CodeMethod, ""))
			return
		}
		s.fail(w, r, door.NewProblem(door.CodeNotFound, ""))
	})
}

// discarded takes the status and the headers of an answer and drops its body.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }

// observe writes one line a call, by its route and never by its address, and turns a panic into an answer.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &observed{ResponseWriter: w}
		defer func() {
			if trouble := recover(); trouble != nil {
				if aborted, ok := trouble.(error); ok && errors.Is(aborted, http.ErrAbortHandler) {
					panic(trouble)
				}
				// The value of a panic can quote anything; its type and the stack do not.
				s.Logger.Error("panic while answering", zap.String("route", r.Pattern), zap.String("panic", fmt.Sprintf("%T", trouble)), zap.Stack("stack"))
				if seen.status == 0 {
					s.fail(seen, r, door.NewProblem(door.CodeInternal, ""))
				}
			}
			s.Logger.Debug("answered", zap.String("method", r.Method), zap.String("route", r.Pattern), zap.Int("status", seen.status),
				zap.Duration("took", time.Since(began)))
		}()
		next.ServeHTTP(seen, r)
	})
}

// observed notes the status of an answer.
type observed struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the first final status.
func (o *observed) WriteHeader(status int) {
	if o.status == 0 && status >= http.StatusOK {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write counts as a 200 when nothing was said before.
func (o *observed) Write(p []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(p)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// fail answers with an error: a page where pages are, a problem document elsewhere.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if cause := p.Unwrap(); p.Code == door.CodeInternal && cause != nil {
		s.Logger.Error("call failed", zap.String("method", r.Method), zap.String("route", r.Pattern), zap.Error(cause))
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(door.RetryAfter))
	}
	if isPage(r) {
		s.pageError(w, r, p)
		return
	}
	writeProblem(w, p)
}

func isPage(r *http.Request) bool {
	path := r.URL.Path
	return !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/webhooks/") && !strings.HasPrefix(path, "/calendar/") && path != "/livez" && path != "/readyz"
}
