package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Options are what a run is started with.
type Options struct {
	JSON    bool
	Out     io.Writer // the results
	Err     io.Writer // progress; nil: none
	Quick   bool      // a small run, to see that everything works; its figures say little
	Only    []string  // the parts to measure, of [Parts]; none: all
	Dir     string    // where data is written, which decides what disk is measured; "": the system's temporary directory
	Program string    // that runs a node; "": this one
}

// size is how much is measured.
type size struct {
	alone   int           // one after the other
	crowd   int           // by 64 at once
	storm   int           // requests for one person
	errands int           // unrelated ones meanwhile
	paged   int           // for several officers
	burst   int           // people, and requests, at once
	bursts  int           // how often
	open    int           // requests
	due     int           // steps of them that come due while it is measured …
	rate    int           // … so many a second
	closed  int           // commits
	asks    int           // who is on duty now
	idle    time.Duration // how long nothing happens

	pressure    int // requests that wait while …
	emergencies int // … these are raised
	pages       int // requests for a team
}

var (
	whole = size{
		alone: 1000, crowd: 3200, storm: 3000, errands: 200, paged: 800, burst: 200, bursts: 5,
		open: 100_000, due: 3000, rate: 100, closed: 1_000_000, asks: 20_000, idle: 10 * time.Second,
		pressure: 10_000, emergencies: 200, pages: 256,
	}
	quick = size{
		alone: 20, crowd: 128, storm: 200, errands: 20, paged: 64, burst: 10, bursts: 1,
		open: 300, due: 60, rate: 60, closed: 2000, asks: 500, idle: 300 * time.Millisecond,
		pressure: 256, emergencies: 10, pages: 16,
	}
)

// run is one run.
type run struct {
	size    size
	err     io.Writer
	dir     string // of everything; it is removed
	program string
	results []Result
}

// parts are what can be measured, in order. The baseline always is.
var parts = []struct {
	name    string
	measure func(*run, context.Context) error
}{
	{"idle", (*run).measureIdle},
	{"accept", (*run).measureAccept},
	{"crowd", (*run).measureCrowd},
	{"storm", (*run).measureStorm},
	{"pressure", (*run).measurePressure},
	{"paged", (*run).measurePaged},
	{"burst", (*run).measureBurst},
	{"open", (*run).measureOpen},
	{"closed", (*run).measureClosed},
	{"duty", (*run).measureDuty},
}

// Parts names what [Options.Only] can choose.
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// ErrOption says that an option has a value that it cannot have.
var ErrOption = errors.New("this cannot be measured")

// Run measures and writes the results. A limit that is missed is no error. When ctx ends, the nodes end in order and what was written is
// removed.
func Run(ctx context.Context, o Options) (results []Result, err error) {
	for _, name := range o.Only {
		if !slices.Contains(Parts(), name) {
			return nil, fmt.Errorf("%w: there is no part %q: choose of %s", ErrOption, name, strings.Join(Parts(), ", "))
		}
	}
	r := &run{size: whole, err: cmp.Or[io.Writer](o.Err, io.Discard), program: o.Program}
	if o.Quick {
		r.size = quick
	}
	if r.program == "" {
		if r.program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("bench: find this program: %w", err)
		}
	}
	if r.dir, err = os.MkdirTemp(o.Dir, "dutyline-bench-"); err != nil {
		return nil, fmt.Errorf("bench: %w: %w", ErrOption, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	if err := r.measureBaseline(ctx); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	for _, part := range parts {
		if len(o.Only) > 0 && !slices.Contains(o.Only, part.name) {
			continue
		}
		if err := part.measure(r, ctx); err != nil {
			return nil, fmt.Errorf("bench: measure %s: %w", part.name, err)
		}
	}
	return r.results, write(o, r.results)
}

// add notes figures with their ratios and verdicts.
func (r *run) add(figures ...Result) {
	for _, f := range figures {
		r.results = append(r.results, f.judged())
	}
}

// say tells what is measured now.
func (r *run) say(format string, v ...any) { _, _ = fmt.Fprintf(r.err, "measuring "+format+"\n", v...) }

// note tells something about it.
func (r *run) note(format string, v ...any) { _, _ = fmt.Fprintf(r.err, "  "+format+"\n", v...) }
