package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// A Table says who is on duty now out of the duty table in Redis, and writes Redis anew. Safe for concurrent use.
type Table interface {
	// WhoNow says who is on duty on a roster ("" is the first) at the present moment. Errors: [ErrNotFound], [ErrUnavailable].
	WhoNow(ctx context.Context, roster string, now time.Time) (DutyNow, error)
	// Rebuild writes everything in Redis anew from the log. Errors: [ErrNotFound] while there is no roster, [ErrUnavailable].
	Rebuild(ctx context.Context) (Rebuilt, error)
	// Age is how long ago the roster was last known to be the newest; 0 while Redis or the log serves it.
	Age() time.Duration
}

// A DutyNow is who is on duty on a roster at a moment.
type DutyNow struct {
	At         request.Instant `json:"at"`
	Roster     string          `json:"roster"`
	Revision   uint64          `json:"revision"`
	OnDuty     []OnDutyNow     `json:"on_duty"`
	Until      request.Instant `json:"until"`                 // when others are; null: not within 60 days
	Source     string          `json:"source"`                // redis, log or memory
	AgeSeconds int64           `json:"age_seconds,omitempty"` // since the roster was last known to be the newest; absent: it is
}

// An OnDutyNow is somebody on duty.
type OnDutyNow struct {
	Person   string          `json:"person"`
	CallSign string          `json:"call_sign"`
	Until    request.Instant `json:"until"` // without a break; null: for more than 60 days
}

// A Rebuilt is what was found in Redis and what was left there.
type Rebuilt struct {
	Revision uint64      `json:"revision"` // of the log
	Before   RedisRoster `json:"before"`
	After    RedisRoster `json:"after"`
}

// A RedisRoster is what Redis holds of the roster.
type RedisRoster struct {
	Document   uint64          `json:"document"`    // its revision; 0: none
	Same       bool            `json:"same"`        // it is byte for byte the newest document of the log
	Table      uint64          `json:"table"`       // revision of the duty table; 0: none
	TableUntil request.Instant `json:"table_until"` // null: there is none
	Tiles      int             `json:"tiles"`       // spans with the same people, over all rosters
}

// dutyNow answers who is on duty at this moment on a roster (?roster=; absent: the first).
func (s *Server) dutyNow(w http.ResponseWriter, r *http.Request, _ caller) error {
	now, err := s.Table.WhoNow(r.Context(), r.URL.Query().Get("roster"), s.Now())
	if errors.Is(err, ErrNotFound) {
		return door.NewProblem(door.CodeNotFound, "There is no roster of this name.")
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, now)
}

// rebuildRoster writes everything in Redis anew and says what was there.
func (s *Server) rebuildRoster(w http.ResponseWriter, r *http.Request, _ caller) error {
	rebuilt, err := s.Table.Rebuild(r.Context())
	switch {
	case errors.Is(err, ErrNotFound):
		return door.NewProblem(door.CodeNotFound, "There is no roster yet, so there is nothing to write. Store one: dutyline roster apply.")
	case errors.Is(err, ErrUnavailable):
		return door.NewProblem(door.CodeUnavailable, "Redis or the log does not answer, so Redis is not written anew. "+
			"The roster is safe in the log, and pages go on without Redis. Mend what is away and try again.").Because(err)
	case err != nil:
		return err
	}
	return writeJSON(w, http.StatusOK, rebuilt)
}
