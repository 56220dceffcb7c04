package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar"
)

func (s *Server) routeCalendars(mux *http.ServeMux) {
	mux.HandleFunc("GET /calendar/{file}", s.feed)
	mux.Handle("GET /api/v1/roster/ics", s.api(s.rosterCalendar, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster/feeds", s.api(s.listFeeds, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/roster/feeds", s.api(s.addFeed, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("DELETE /api/v1/roster/feeds/{id}", s.api(s.revokeFeed, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/roster/import/leave", s.api(s.importLeave, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/roster/import/holidays", s.api(s.importHolidays, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/roster/sheet", s.api(s.rosterSheet, directory.RoleCoordinator))
}

// A feed's token says what it is of as person:<id> or roster:<id>.
const (
	ofPerson = "person"
	ofRoster = "roster"
)

func scopeOf(subject string) (calendar.Scope, bool) {
	kind, id, _ := strings.Cut(subject, ":")
	switch {
	case id == "":
	case kind == ofPerson:
		return calendar.Scope{Person: id}, true
	case kind == ofRoster:
		return calendar.Scope{Roster: id}, true
	}
	return calendar.Scope{}, false
}

// feed answers a calendar at its secret address. The address is all that a calendar program can present: it opens this and nothing else, and stands in no
// line of the log. One that is wrong, over or revoked, or of somebody who is gone, is not found.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	if err := s.writeFeed(w, r); err != nil {
		s.fail(w, r, err)
	}
}

func (s *Server) writeFeed(w http.ResponseWriter, r *http.Request) error {
	text, isFile := strings.CutSuffix(r.PathValue("file"), ".ics")
	subject, err := s.Directory.Feed(text, s.Now())
	if err != nil || !isFile {
		return door.NewProblem(door.CodeNotFound, "There is no such calendar. A coordinator can make a new address.")
	}
	scope, ok := scopeOf(subject)
	if !ok { // of a later version
		return ErrNotFound
	}
	from, until := calendar.Span(s.Now())
	return s.writeCalendar(w, r, scope, from, until)
}

// rosterCalendar answers the calendar of a person (?person=) or of a roster (?roster=; absent: the first), for ?from= and ?until=.
func (s *Server) rosterCalendar(w http.ResponseWriter, r *http.Request, _ caller) error {
	query := r.URL.Query()
	scope := calendar.Scope{Person: query.Get(ofPerson), Roster: query.Get(ofRoster)}
	if scope.Person != "" && scope.Roster != "" {
		return door.NewProblem(door.CodeUnreadable, "Name a person or a roster, not both.")
	}
	from, until := calendar.Span(s.Now())
	from, until, err := spanOf(r, from, func(time.Time) time.Time { return until })
	if err != nil {
		return err
	}
	return s.writeCalendar(w, r, scope, from, until)
}

// writeCalendar answers with a calendar, or with 304 when the caller has it.
func (s *Server) writeCalendar(w http.ResponseWriter, r *http.Request, scope calendar.Scope, from, until time.Time) error {
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	data, err := calendar.Write(current, scope, from, until, s.revised(r.Context(), current))
	if errors.Is(err, calendar.ErrUnknown) {
		return door.NewProblem(door.CodeNotFound, "There is no such roster or person.")
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	tag := strconv.Quote(hex.EncodeToString(sum[:16]))
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if ifNoneMatch(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", calendar.MediaType)
	h.Set("Content-Disposition", `inline; filename="duty.ics"`)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) //nolint:gosec // a calendar, of a type that no browser runs; the reader is gone when this fails
	return nil
}

// A revisionTime remembers when the newest revision was stored: the history is long, and calendars ask every hour.
type revisionTime struct {
	mu       sync.Mutex
	revision uint64
	at       time.Time
}

// historyPatience is how long a calendar waits for the history.
const historyPatience = 2 * time.Second

// revised is when a revision was stored. While the history cannot be read it is 1970: a calendar is worth more than its stamp.
func (s *Server) revised(ctx context.Context, c *roster.Compiled) time.Time {
	s.revision.mu.Lock()
	defer s.revision.mu.Unlock()
	if s.revision.revision == c.Revision() && !s.revision.at.IsZero() {
		return s.revision.at
	}
	ctx, cancel := context.WithTimeout(ctx, historyPatience)
	defer cancel()
	versions, err := s.Rosters.History(ctx)
	if err != nil {
		return time.Unix(0, 0)
	}
	for _, v := range versions {
		if v.Revision == c.Revision() {
			s.revision.revision, s.revision.at = v.Revision, v.Time.Time
			return v.Time.Time
		}
	}
	return time.Unix(0, 0)
}

// feedAnswer is a feed as it is listed; with its address only in the answer that makes it.
type feedAnswer struct {
	ID      string          `json:"id"`
	Person  string          `json:"person,omitempty"`
	Roster  string          `json:"roster,omitempty"`
	Added   request.Instant `json:"added"`
	Expires request.Instant `json:"expires"`
	Revoked request.Instant `json:"revoked"`
	URL     string          `json:"url,omitempty"`
}

func feedOf(t directory.Token) feedAnswer {
	scope, _ := scopeOf(t.Subject)
	return feedAnswer{
		ID: t.ID, Person: scope.Person, Roster: scope.Roster, Added: request.At(t.Added), Expires: request.At(t.Expires), Revoked: instantOf(t.Revoked),
	}
}

// mayFeed reports whether a caller may see and end a feed: coordinators all, officers their own.
func mayFeed(who caller, t directory.Token) bool {
	return t.Role == directory.RoleFeed && (who.Role == directory.RoleCoordinator || t.Subject == ofPerson+":"+who.Subject)
}

func (s *Server) listFeeds(w http.ResponseWriter, _ *http.Request, who caller) error {
	list := []feedAnswer{}
	for _, t := range s.Directory.Tokens() {
		if mayFeed(who, t) {
			list = append(list, feedOf(t))
		}
	}
	return writeJSON(w, http.StatusOK, list)
}

// addFeed makes the secret address of a calendar, which is in this answer and nowhere else. Officers make those of their own duty.
func (s *Server) addFeed(w http.ResponseWriter, r *http.Request, who caller) error {
	var body struct {
		Person string `json:"person"`
		Roster string `json:"roster"`
		Days   int    `json:"days"` // that it is valid; 0: maxTokenDays, because a calendar that ends in silence shows an old roster
	}
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	if (body.Person == "") == (body.Roster == "") {
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/person", Code: "required", Detail: "A feed is of one person or of one roster.", Fix: "Send person or roster with an id of the roster.",
		})
	}
	if who.Role != directory.RoleCoordinator && body.Person != who.Subject {
		return door.NewProblem(door.CodeForbidden, "Officers make feeds of their own duty. A coordinator can make the others.")
	}
	life, err := lifeOf(cmp.Or(body.Days, maxTokenDays))
	if err != nil {
		return err
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	subject, field := ofPerson+":"+body.Person, "/person"
	p, known := current.Person(body.Person)
	known = known && !p.Erased
	if body.Roster != "" {
		subject, field = ofRoster+":"+body.Roster, "/roster"
		_, known = current.At(body.Roster, s.Now())
	}
	if !known {
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: field, Code: "unknown", Detail: "The roster has nothing with this id.", Fix: "Use an id that GET /api/v1/roster shows.",
		})
	}
	token, text, err := s.Directory.AddFeed(r.Context(), subject, life, s.Now())
	if err != nil {
		return directoryProblem(err)
	}
	answer := feedOf(token)
	answer.URL = s.PublicURL + "/calendar/" + text + ".ics"
	return writeJSON(w, http.StatusCreated, answer)
}

func (s *Server) revokeFeed(w http.ResponseWriter, r *http.Request, who caller) error {
	id := r.PathValue("id")
	for _, t := range s.Directory.Tokens() {
		if t.ID != id || !mayFeed(who, t) {
			continue
		}
		revoked, err := s.Directory.RevokeToken(r.Context(), id, s.Now())
		if err != nil {
			return directoryProblem(err)
		}
		return writeJSON(w, http.StatusOK, feedOf(revoked))
	}
	return door.NewProblem(door.CodeNotFound, "There is no such feed. GET /api/v1/roster/feeds lists them.")
}
