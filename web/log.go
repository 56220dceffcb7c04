package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

func (s *Server) routeLog(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/requests/{ref}/log", s.api(s.showLog, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/log", s.api(s.tail, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/alarms", s.api(s.alarms, directory.RoleOfficer, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/canary", s.api(s.canary, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/handovers", s.api(s.handovers, directory.RoleOfficer, directory.RoleCoordinator))
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
		return 0, door.NewProblem(door.CodeUnreadable, "after must be a sequence of the log: a number from 0.")
	}
	return after, nil
}
