package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/request"
)

func (s *Server) routeLog(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/requests/{ref}/log", s.api(s.showLog, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/log", s.api(s.tail, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/alarms", s.api(s.alarms, directory.RoleOfficer, directory.RoleCoordinator))
}

// showLog answers with the events of one request: an array, or one event a line for who accepts application/x-ndjson.
func (s *Server) showLog(w http.ResponseWriter, r *http.Request, _ caller) error {
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	history, err := s.Log.History(r.Context(), ref)
	if err != nil {
		return err
	}
	if len(history) == 0 {
		return ErrNotFound
	}
	events := []event{}
	for _, stored := range history {
		of, err := eventsOf(stored)
		if err != nil {
			return err
		}
		events = append(events, of...)
	}
	if !strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
		return writeJSON(w, http.StatusOK, events)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for _, e := range events {
		if encoder.Encode(e) != nil {
			break // the reader is gone
		}
	}
	return nil
}

// tail streams the log of all requests from a sequence on (?after=, Last-Event-ID), or from now on. The id of a stream event is the
// sequence of its commit and stands with the last event of the commit: a reader that comes back misses none, and can see some twice.
func (s *Server) tail(w http.ResponseWriter, r *http.Request, who caller) error {
	after, err := s.after(r)
	if err != nil {
		return err
	}
	out, err := newStream(w)
	if err != nil {
		return nil // the reader is gone
	}
	ctx, cancel := context.WithCancel(r.Context())
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	commits := make(chan request.Stored)
	following.Go(func() {
		defer close(commits)
		_ = s.Log.Follow(ctx, after, func(stored request.Stored) error {
			select {
			case commits <- stored:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}) // the reader comes back with the last id that it saw
	})
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case stored, ok := <-commits:
			if !ok || sendCommit(out, stored) != nil {
				return nil
			}
		case <-beat.C:
			if !s.stillValid(who) || out.beat() != nil {
				return nil
			}
		}
	}
}

func sendCommit(out *stream, stored request.Stored) error {
	events, err := eventsOf(stored)
	if err != nil {
		return nil // what is no commit is shown by log verify
	}
	for n, e := range events {
		id := ""
		if n == len(events)-1 {
			id = strconv.FormatUint(stored.Seq, 10)
		}
		if err := out.send(id, "event", e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) after(r *http.Request) (uint64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return s.Log.Head(r.Context())
	}
	after, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, newProblem(codeUnreadable, "after must be a sequence of the log: a number from 0.")
	}
	return after, nil
}

// An alarm is one that stands (CONTRACT: GET /api/v1/alarms).
type alarm struct {
	Reference string            `json:"reference"`
	Kind      request.AlarmKind `json:"kind"`
	Cause     string            `json:"cause"`
	Since     request.Instant   `json:"since"`
	ClearedAt request.Instant   `json:"cleared_at"`
	Paged     []string          `json:"paged"` // people who were told of it
}

// alarms lists the alarms that stand, the oldest first.
func (s *Server) alarms(w http.ResponseWriter, r *http.Request, _ caller) error {
	list := []alarm{}
	for _, state := range s.States.Open() {
		if len(state.Alarms) == 0 {
			continue
		}
		history, err := s.Log.History(r.Context(), state.Ref)
		if err != nil {
			return err
		}
		since := raised(history)
		for _, a := range state.Alarms {
			list = append(list, alarm{
				Reference: state.Ref.String(), Kind: a.Kind, Cause: a.Cause, Since: since[a], Paged: told(state),
			})
		}
	}
	slices.SortFunc(list, func(a, b alarm) int {
		return cmp.Or(a.Since.Compare(b.Since.Time), strings.Compare(a.Reference, b.Reference), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return writeJSON(w, http.StatusOK, list)
}

// raised gives when each alarm of a log was raised last.
func raised(history []request.Stored) map[request.AlarmBody]request.Instant {
	since := map[request.AlarmBody]request.Instant{}
	for _, stored := range history {
		c, err := request.Decode(stored.Data)
		if err != nil {
			continue
		}
		for _, e := range c.Events {
			var body request.AlarmBody
			if e.Type == request.AlarmRaised && json.Unmarshal(e.Body, &body) == nil {
				since[body] = c.Time
			}
		}
	}
	return since
}

// told lists the coordinators who were paged about a request.
func told(state *request.State) []string {
	people := []string{}
	for _, p := range state.Pages {
		if p.Recipient == request.ToCoordinator && !slices.Contains(people, p.Person) {
			people = append(people, p.Person)
		}
	}
	return people
}
