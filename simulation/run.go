package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dutyline/dutyline/request"
)

// ErrViolation says that an invariant did not hold in some night.
var ErrViolation = errors.New("an invariant did not hold")

// Options say which nights are played.
type Options struct {
	Nights   int    // at least 1
	Seed     uint64 // of the first; each night has the next
	Workers  int    // nights at a time; 0: one a core
	JSON     bool   // the result as one line of JSON, and nothing else on Out
	Live     bool   // Err is a terminal: progress overwrites itself
	Out, Err io.Writer
}

// A Violation is an invariant that did not hold.
type Violation struct {
	Seed      uint64
	Invariant string
	Ref       request.Ref // of the log in which it shows; "" when it is in none
	At        time.Duration
	What      string
}

// summary is what nights came to. Sums do not hang on the order in which nights are added.
type summary struct {
	Nights, Requests, Alarms, Commits int
	Notices, Handovers                int // of shifts

	Faults     map[string]int
	Technical  int // faults of machines, networks, providers and carriers
	Duplicates int // pages that a provider took once more
	Lost       int // decisions that lost a race
	// Unanswered counts requests that nobody had in the morning though there was time; Unreachable those at one of whose steps nobody was in reach.
	Unanswered, Unreachable int
	Providers               map[string]served
	Pages, Beside           int // asking pages by telephone; of them those through a second provider
	Texts                   texts
	Violations              []Violation
	acks                    map[time.Duration]int // requests by the time until somebody had them
}

// ackStep is the precision to which times of acknowledgement are kept.
const ackStep = 100 * time.Millisecond

func (s *summary) acknowledged(after time.Duration) {
	if s.acks == nil {
		s.acks = map[time.Duration]int{}
	}
	s.acks[max(after, 0).Round(ackStep)]++
}

// add adds a night.
func (s *summary) add(w *night) {
	t := &w.sum
	s.Nights++
	s.Requests += t.Requests
	s.Alarms += t.Alarms
	s.Notices += t.Notices
	s.Handovers += t.Handovers
	s.Commits += int(w.log.end()) //nolint:gosec // thousands
	s.Technical += t.Technical
	s.Duplicates += t.Duplicates
	s.Lost += t.Lost
	s.Unanswered += t.Unanswered
	s.Unreachable += t.Unreachable
	s.Pages += t.Pages
	s.Beside += t.Beside
	for name, of := range t.Providers {
		of.add(s.Providers[name])
		s.Providers[name] = of
	}
	s.Texts.add(t.Texts)
	for kind, n := range t.Faults {
		s.Faults[kind] += n
	}
	for after, n := range t.acks {
		s.acks[after] += n
	}
	if w.failed != nil {
		s.Violations = append(s.Violations, *w.failed)
	}
}

// served is what one provider was asked for.
type served struct {
	Attempts  int `json:"attempts"`
	Failed    int `json:"failed"`    // of them, by what became known at first
	Failovers int `json:"failovers"` // of them, for a page that another provider was tried with before
}

func (s *served) add(of served) {
	s.Attempts += of.Attempts
	s.Failed += of.Failed
	s.Failovers += of.Failovers
}

// Percentiles are times in seconds.
type percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// result is the last line (CONTRACT: SIMULATE).
type result struct {
	Type       string         `json:"type"`
	Nights     int            `json:"nights"`
	Seed       uint64         `json:"seed"`
	Requests   int            `json:"requests"`
	Faults     map[string]int `json:"faults"`
	Violations int            `json:"violations"`
	AckSeconds percentiles    `json:"ack_seconds"`
	Duplicates int            `json:"duplicates"`

	Providers   map[string]served `json:"providers"`
	Texts       texts             `json:"texts"`
	Pages       int               `json:"pages"`
	SecondPath  int               `json:"second_path"`
	Unanswered  int               `json:"unanswered"`
	Unreachable int               `json:"unreachable"`
}

// ackTimes gives the percentiles of the times until somebody had a request.
func (s *summary) ackTimes() percentiles {
	count := 0
	for _, n := range s.acks {
		count += n
	}
	times := slices.Sorted(maps.Keys(s.acks))
	at := func(share float64) float64 {
		left := int(share * float64(count-1))
		for _, t := range times {
			if left -= s.acks[t]; left < 0 {
				return t.Seconds()
			}
		}
		return 0
	}
	return percentiles{at(0.5), at(0.95), at(0.99), at(1)}
}

// Run plays nights and tells what they came to. The error wraps [ErrViolation] when an invariant did not hold, and ctx's when it ended first:
// what is told then is of the nights that were played.
func Run(ctx context.Context, o Options) error {
	if o.Nights < 1 {
		return errors.New("simulate: at least one night is needed")
	}
	began := time.Now()
	sum := playAll(ctx, o, tamper{}, began)
	slices.SortFunc(sum.Violations, func(a, b Violation) int {
		switch {
		case a.Seed < b.Seed:
			return -1
		case a.Seed > b.Seed:
			return 1
		}
		return 0
	})
	o.note("%s in %s\n", plural(sum.Nights, "night", "nights"), time.Since(began).Round(100*time.Millisecond))
	if !o.JSON && o.Nights == 1 && len(sum.Violations) == 0 && sum.Nights == 1 {
		w := play(o.Seed, nil, tamper{}, true)
		if err := w.write(o.Out, nil); err != nil {
			return err
		}
	}
	if err := o.tellViolations(ctx, sum); err != nil {
		return err
	}
	if err := o.report(sum); err != nil {
		return err
	}
	switch {
	case len(sum.Violations) > 0:
		return fmt.Errorf("simulate: %w in %s", ErrViolation, plural(len(sum.Violations), "night", "nights"))
	case ctx.Err() != nil:
		return fmt.Errorf("simulate: stopped after %d of %d nights: %w", sum.Nights, o.Nights, ctx.Err())
	}
	return nil
}

// playAll plays the nights on all cores.
func playAll(ctx context.Context, o Options, t tamper, began time.Time) *summary {
	sum := &summary{Faults: map[string]int{}, Providers: map[string]served{}, acks: map[time.Duration]int{}}
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next, bad atomic.Int64
	var mu sync.Mutex
	var playing sync.WaitGroup
	for range min(workers, o.Nights) {
		playing.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(o.Nights) {
					return
				}
				w := play(o.Seed+uint64(i), nil, t, false) //nolint:gosec // not negative
				mu.Lock()
				if w.failed != nil { // its story follows at the end
					bad.Add(1)
					o.note("seed %d: %s\n", w.seed, w.failed.Invariant)
				}
				sum.add(w)
				mu.Unlock()
			}
		})
	}
	over := make(chan struct{})
	go func() { playing.Wait(); close(over) }()
	every := 10 * time.Second
	if o.Live {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-over:
			if o.Live {
				o.note("\r\x1b[K")
			}
			return sum
		case <-tick.C:
			mu.Lock()
			done := sum.Nights
			mu.Unlock()
			passed := time.Since(began)
			line := fmt.Sprintf("%d of %d nights, %.0f a second, %d violations", done, o.Nights, float64(done)/passed.Seconds(), bad.Load())
			if o.Live {
				o.note("\r\x1b[K%s", line)
			} else {
				o.note("%s\n", line)
			}
		}
	}
}

func (o *Options) note(format string, args ...any) {
	if o.Err != nil {
		_, _ = fmt.Fprintf(o.Err, format, args...)
	}
}

// report writes the result.
func (o *Options) report(s *summary) error {
	if o.JSON {
		encoder := json.NewEncoder(o.Out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(result{
			Type: "result", Nights: s.Nights, Seed: o.Seed, Requests: s.Requests, Faults: s.Faults, Violations: len(s.Violations), AckSeconds: s.ackTimes(), Duplicates: s.Duplicates,
			Providers: s.Providers, Texts: s.Texts, Pages: s.Pages, SecondPath: s.Beside, Unanswered: s.Unanswered, Unreachable: s.Unreachable,
		})
	}
	var out strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-34s%s\n", name, fmt.Sprintf(format, args...))
	}
	times := s.ackTimes()
	per := func(n int) float64 { return float64(n) / float64(max(s.Nights, 1)) }
	row("nights", "%d, seeds %d to %d", s.Nights, o.Seed, o.Seed+uint64(max(o.Nights, 1))-1)
	row("requests", "%d, %.1f a night", s.Requests, per(s.Requests))
	row("commits in the log", "%d, %.0f a night", s.Commits, per(s.Commits))
	row("alarms", "%d", s.Alarms)
	row("handovers", "%d, and %d notices of shifts", s.Handovers, s.Notices)
	row("until somebody had it", "p50 %s, p95 %s, p99 %s, max %s", seconds(times.P50), seconds(times.P95), seconds(times.P99), seconds(times.Max))
	row("nobody in reach at some step", "%d", s.Unreachable)
	row("nobody had it in the morning", "%d", s.Unanswered)
	row("pages by telephone", "%d, %.1f %% beside another through a second provider", s.Pages, 100*float64(s.Beside)/float64(max(s.Pages, 1)))
	for _, name := range vendors {
		of := s.Providers[name]
		row("  "+name, "%d attempts, %d failed, %d failed over from another", of.Attempts, of.Failed, of.Failovers)
	}
	row("texts", "%d both ways", s.Texts.Sent)
	row("  what carriers did", "%d lost, %d late, %d twice, %d out of order, %d confirmed and never delivered", s.Texts.Lost, s.Texts.Late, s.Texts.Twice, s.Texts.Reordered, s.Texts.LiedAbout)
	row("pages that came twice", "%d", s.Duplicates)
	row("decisions that lost a race", "%d", s.Lost)
	row("faults of machines and networks", "%d, %.1f a night", s.Technical, per(s.Technical))
	for _, k := range kinds {
		if n := s.Faults[k.name]; n > 0 {
			row("  "+strings.ReplaceAll(k.name, "_", " "), "%d", n)
		}
	}
	row("violations", "%d", len(s.Violations))
	_, err := io.WriteString(o.Out, out.String())
	return err
}

func seconds(s float64) string {
	return told(time.Duration(s * float64(time.Second)))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
