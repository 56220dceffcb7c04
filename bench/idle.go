package bench

import (
	"context"
	"errors"
	"time"
)

// measureIdle starts a node of its own log, raises a few requests, and lets it be: what memory it has then, and what part of one processor it takes.
func (r *run) measureIdle(ctx context.Context) (err error) {
	r.say("a node that has nothing to do, for %s", r.size.idle)
	s, err := r.startStandalone(ctx, book(1, 1, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, 3, 1); err != nil {
		return err
	}
	s.nc.Close()
	before, err := s.processor()
	if errors.Is(err, errNoProc) {
		r.note("left out: %v", err)
		return nil
	}
	begin := time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.size.idle):
	}
	after, err := s.processor()
	if err != nil {
		return err
	}
	r.add(Result{Name: "idle_processor", Value: 100 * float64(after-before) / float64(time.Since(begin)), Unit: "% of a core"})
	return r.measureMemory(s.process, "VmRSS", Result{Name: "idle_memory", Limit: 60, About: "memory of a node with nothing to do"})
}
