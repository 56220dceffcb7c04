package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/request"
)

// openWait is how long the policy waits for an answer where open requests are measured: so long that only what is meant to comes due.
const openWait = 100 * time.Hour

// measureOpen fills the log with open requests, ten commits each, and starts a node on it. Steps of some of them come due one after the other
// while it is measured, for many people; the others come due long after. Each step that comes due is decided, paged and reported: about
// five appends. The memory is the most that the process of the node ever had, from its start to the end of that.
func (r *run) measureOpen(ctx context.Context) (err error) {
	n := r.size.open
	r.say("%d open requests, of which %d steps come due at %d a second", n, r.size.due, r.size.rate)
	levels := make([]string, openLevels)
	for i := range levels {
		levels[i] = "[person:" + person(i) + "]"
	}
	d, err := r.deploy(ctx, book(openLevels, 1, time.Now()), "["+strings.Join(levels, ", ")+"]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()

	// The first step comes due when the node should have started: at about 100 µs a request, and to fill takes half of that.
	first := time.Now().Add(3*time.Second + time.Duration(n)*200*time.Microsecond).Truncate(time.Millisecond)
	due := func(i int) time.Time {
		if i < r.size.due {
			return first.Add(time.Duration(i) * time.Second / time.Duration(r.size.rate)).Truncate(time.Millisecond) // as commits tell it
		}
		return first.Add(time.Hour + time.Duration(i)*time.Second)
	}
	dues := map[request.Ref]time.Time{}
	for i := range r.size.due {
		dues[seeded("open", i)] = due(i)
	}
	begin := time.Now()
	commits, err := d.fill(ctx, n, first.Add(-openWait), time.Millisecond, func(i int) *history {
		return openHistory(seeded("open", i), i, due(i).Add(-openWait))
	})
	if err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	r.note("%d commits were written within %s", commits, round(time.Since(begin)))
	replay, err := d.scan(ctx, func(ctx context.Context, log *eventlog.Log) error {
		head, err := log.Head(ctx)
		if err != nil {
			return err
		}
		return log.Replay(ctx, make([]string, n+1000), head, func(eventlog.Entry) error { return nil })
	})
	if err != nil {
		return err
	}
	node, started, err := d.serveReady(ctx)
	if err != nil {
		return err
	}
	defer node.stop()
	ready := time.Now()
	last := due(r.size.due - 1)
	if early := first.Sub(ready); early < 0 {
		r.note("the node is ready %s after the first step was due; what was due before is left out", round(-early))
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(max(time.Until(last), 0) + 2*time.Second):
	}
	late, err := d.lateness(ctx, commits, ready.Add(settle), dues)
	if err != nil {
		return err
	}
	r.note("%d steps came due after the start, and were decided", len(late.decided))
	name := fmt.Sprintf("open_%d", n)
	r.add(
		Result{Name: fmt.Sprintf("start_%d_open_commits", commits), Value: started.Seconds(), Unit: "s", Baseline: replay.Seconds()},
		Result{Name: name + "_lateness_p50", Value: late.decided.p(50), Unit: "ms"},
		Result{Name: name + "_lateness_p99", Value: late.decided.p(99), Unit: "ms", Limit: 50},
		Result{Name: name + "_stored_p99", Value: late.stored.p(99), Unit: "ms"},
	)
	return r.measureMemory(node, "VmHWM", name+"_memory", 600)
}

// measureMemory adds a figure of a process's memory, where the system tells it.
func (r *run) measureMemory(p *process, of, name string, limit float64) error {
	mib, err := p.memory(of)
	if errors.Is(err, errNoProc) {
		r.note("%s is left out: %v", name, err)
		return nil
	}
	if err != nil {
		return err
	}
	r.add(Result{Name: name, Value: mib, Unit: "MiB", Limit: limit})
	return nil
}

// settle is how long after its start a node is not measured.
const settle = time.Second

// lateness is how late steps were: decided, by the time that the node wrote into the commit; stored, by the server's stamp.
type lateness struct{ decided, stored sample }

// lateness reads what was appended after some commits, and finds the step of each request that was due, of those due after from. One that is
// missing is an error.
func (d *deployment) lateness(ctx context.Context, after int, from time.Time, dues map[request.Ref]time.Time) (late lateness, err error) {
	_, err = d.scan(ctx, func(ctx context.Context, log *eventlog.Log) error {
		head, err := log.Head(ctx)
		if err != nil {
			return err
		}
		err = log.Follow(ctx, uint64(after), func(e eventlog.Entry) error { //nolint:gosec // a count
			c, err := request.Decode(e.Data)
			if err != nil {
				return err
			}
			due, ok := dues[c.Request]
			if ok && slices.ContainsFunc(c.Events, func(e request.Event) bool { return e.Type == request.Escalated }) {
				delete(dues, c.Request)
				if !due.Before(from) {
					late.decided, late.stored = append(late.decided, c.Time.Sub(due)), append(late.stored, e.Time.Sub(due))
				}
			}
			if e.Seq >= head {
				return errRead
			}
			return nil
		})
		if errors.Is(err, errRead) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return late, fmt.Errorf("read what was decided: %w", err)
	case len(dues) > 0:
		return late, fmt.Errorf("%d steps were due and not taken", len(dues))
	case len(late.decided) == 0:
		return late, errors.New("the node was not ready before the last step was due: give it a machine that does less beside it")
	}
	return late, nil
}

// errRead ends a log that is followed up to a point.
var errRead = errors.New("read")

// measureClosed fills the log with the histories of requests that ended a year ago, ten commits each, and starts a node on it, against the bare scan of
// the last header of each history.
func (r *run) measureClosed(ctx context.Context) (err error) {
	r.say("a start with %d commits of closed requests", r.size.closed)
	d, err := r.deploy(ctx, book(1, 1, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	from := time.Now().AddDate(-1, 0, 0)
	begin := time.Now()
	commits, err := d.fill(ctx, r.size.closed/closedCommits, from, time.Second, func(i int) *history {
		return closedHistory(seeded("closed", i), from.Add(time.Duration(i)*closedCommits*time.Second))
	})
	if err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	r.note("%d commits were written within %s", commits, round(time.Since(begin)))
	scanned, err := d.scan(ctx, func(ctx context.Context, log *eventlog.Log) error {
		heads, err := log.Summaries(ctx)
		if err == nil && len(heads) != r.size.closed/closedCommits {
			err = fmt.Errorf("%d histories are in the log", len(heads))
		}
		return err
	})
	if err != nil {
		return err
	}
	node, started, err := d.serveReady(ctx)
	if err != nil {
		return err
	}
	node.stop()
	r.add(Result{Name: fmt.Sprintf("start_%d_closed_commits", commits), Value: started.Seconds(), Unit: "s", Baseline: scanned.Seconds(), Limit: 1.5})
	return nil
}
