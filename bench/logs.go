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

// measureOpen fills the log with open requests, ten commits each, and starts a node on it, against replaying the bare stream. Then, one after
// the other at a steady rate, steps of some requests come due, for many people: how much later than that the node decides. Each is paged and
// reported, about five appends. The requests whose steps come due are stored when the node runs, a few seconds before, as another node would
// have: each with its whole history in one commit. The others come due long after.
//
// The memory is the most that the node's process ever had, from its start to the end of that.
func (r *run) measureOpen(ctx context.Context) (err error) {
	n, due := r.size.open-r.size.due, r.size.due
	r.say("%d open requests, of which %d come due, %d a second", n+due, due, r.size.rate)
	levels := make([]string, openLevels)
	for i := range levels {
		levels[i] = "[person:" + person(i) + "]"
	}
	d, err := r.deploy(ctx, book(openLevels, 1, time.Now()), "["+strings.Join(levels, ", ")+"]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	begin := time.Now()
	commits, err := d.fill(ctx, n, begin.Add(-time.Hour), time.Millisecond, func(i int) *history {
		return openHistory(seeded("open", i), i, begin.Add(-time.Hour+time.Duration(i)*time.Millisecond))
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
	r.note("the node started within %s; the bare stream was read within %s", round(started), round(replay))
	dues, last, err := d.comeDue(ctx, n, due, r.size.rate)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(last)):
	}
	late, err := d.lateness(ctx, commits, dues)
	if err != nil {
		return err
	}
	name, with := fmt.Sprintf("open_%d", n+due), fmt.Sprintf("%d open requests, %d steps due a second", n+due, r.size.rate)
	r.add(
		Result{
			Name: fmt.Sprintf("start_%d_open_commits", commits), Value: started.Seconds(), Unit: "s", Baseline: replay.Seconds(),
			About: fmt.Sprintf("a node's start with %d commits of open requests, against reading the bare stream", commits),
		},
		Result{Name: name + "_lateness_p50", Value: late.decided.p(50), Unit: "ms", About: fmt.Sprintf("%s, a step that is due to its decision, median", with)},
		Result{Name: name + "_lateness_p99", Value: late.decided.p(99), Unit: "ms", Limit: 50, About: fmt.Sprintf("%s, a step that is due to its decision, 99th percentile", with)},
		Result{Name: name + "_stored_p99", Value: late.stored.p(99), Unit: "ms", About: fmt.Sprintf("%s, a step that is due to its append, 99th percentile", with)},
	)
	return r.measureMemory(node, "VmHWM", Result{Name: name + "_memory", Limit: 600, About: with + ", the most memory that the node's process had"})
}

// comeDue stores requests whose next steps come due soon, and gives when each does.
func (d *deployment) comeDue(ctx context.Context, after, n, rate int) (dues map[request.Ref]time.Time, last time.Time, err error) {
	nc, err := d.connect()
	if err != nil {
		return nil, last, err
	}
	defer nc.Close()
	log, err := eventlog.Open(ctx, nc, eventlog.Requests, 1)
	if err != nil {
		return nil, last, err
	}
	dues = map[request.Ref]time.Time{}
	// So long takes it to store them, and to come to rest again.
	first := time.Now().Add(2*time.Second + time.Duration(n)*time.Millisecond).Truncate(time.Millisecond) // as commits tell it
	refs := make([]request.Ref, n)
	for i := range n {
		last = first.Add(time.Duration(i) * time.Second / time.Duration(rate)).Truncate(time.Millisecond)
		refs[i] = seeded("open", after+i)
		dues[refs[i]] = last
	}
	err = together(ctx, sideBySide, func(ctx context.Context, w int) error {
		for i := w; i < n; i += sideBySide {
			c := inOne(openHistory(refs[i], i, dues[refs[i]].Add(-openWait)))
			data, err := c.Encode()
			if err != nil {
				return err
			}
			if _, err := log.Append(ctx, eventlog.Append{Subject: refs[i].Subject(), ID: c.ID, Data: data, Expect: eventlog.Head(0)}); err != nil {
				return err
			}
		}
		return nil
	})
	return dues, last, err
}

// measureMemory adds a figure of a process's memory, where the system tells it.
func (r *run) measureMemory(p *process, of string, figure Result) error {
	mib, err := p.memory(of)
	if errors.Is(err, errNoProc) {
		r.note("%s is left out: %v", figure.Name, err)
		return nil
	}
	if err != nil {
		return err
	}
	figure.Value, figure.Unit = mib, "MiB"
	r.add(figure)
	return nil
}

// lateness is how late steps were: decided, by the time that the node wrote into the commit; stored, by the server's stamp.
type lateness struct{ decided, stored sample }

// lateness follows the log after some commits until the step of each request that was due is found. One that does not come is an error.
func (d *deployment) lateness(ctx context.Context, after int, dues map[request.Ref]time.Time) (late lateness, err error) {
	ctx, cancel := context.WithTimeout(ctx, longestPage)
	defer cancel()
	_, err = d.scan(ctx, func(ctx context.Context, log *eventlog.Log) error {
		return log.Follow(ctx, uint64(after), func(e eventlog.Entry) error { //nolint:gosec // a count
			c, err := request.Decode(e.Data)
			if err != nil {
				return err
			}
			due, ok := dues[c.Request]
			if !ok || c.Node == historyNode || !slices.ContainsFunc(c.Events, func(e request.Event) bool { return e.Type == request.Escalated }) {
				return nil
			}
			late.decided, late.stored = append(late.decided, c.Time.Sub(due)), append(late.stored, e.Time.Sub(due))
			if delete(dues, c.Request); len(dues) == 0 {
				return errRead
			}
			return nil
		})
	})
	if !errors.Is(err, errRead) {
		return late, fmt.Errorf("%d steps were due and not taken: %w", len(dues), err)
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
	r.add(Result{
		Name: fmt.Sprintf("start_%d_closed_commits", commits), Value: started.Seconds(), Unit: "s", Baseline: scanned.Seconds(), Limit: 1.5,
		About: fmt.Sprintf("a node's start with %d commits of closed requests, against the bare scan of headers", commits),
	})
	return nil
}
