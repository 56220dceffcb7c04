package simulation

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A line is one line of a story.
type line struct {
	at   time.Duration // since the start of the night
	who  string
	ref  request.Ref // what it is about; "" when it is about no request
	what string
}

// story is what is told of a night.
type story struct{ lines []line }

func (s *story) add(at time.Duration, who string, ref request.Ref, what string) {
	s.lines = append(s.lines, line{at, who, ref, what})
}

// write tells a night, of some requests or, when none is named, of all.
func (w *night) write(out io.Writer, about []request.Ref) error {
	var text strings.Builder
	for _, l := range w.story.lines {
		if l.ref != "" && len(about) > 0 && !slices.Contains(about, l.ref) {
			continue
		}
		at, what := w.start.Add(l.at), l.what
		if l.ref != "" {
			what = l.ref.String() + "  " + what
		}
		fmt.Fprintf(&text, "%s  %-12s%s\n", at.Format("15:04:05.000"), l.who, strings.TrimRight(what, " "))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

const (
	// toldInFull is how many violations are shrunk and told; of the others the seeds are named.
	toldInFull = 3
	// mostTrials bounds how often a night is played again to make its story shorter.
	mostTrials = 600
)

// shrink leaves out of a night whatever its violation does not need. What happens hangs on the dice of each disturbance alone, so that what is left
// stays as it was.
func shrink(ctx context.Context, v Violation, t tamper) (leftOut map[int]bool, disturbances int) {
	total := len((&night{seed: v.Seed}).draw())
	leftOut = map[int]bool{}
	trials := 0
	without := func(more []int) bool {
		if trials++; trials > mostTrials || ctx.Err() != nil {
			return false
		}
		try := map[int]bool{}
		for n := range leftOut {
			try[n] = true
		}
		for _, n := range more {
			try[n] = true
		}
		w := play(v.Seed, try, t, false)
		if w.failed == nil || w.failed.Invariant != v.Invariant {
			return false
		}
		leftOut = try
		return true
	}
	for size := (total + 1) / 2; size > 0; {
		smaller := false
		var left []int
		for n := range total {
			if !leftOut[n] {
				left = append(left, n)
			}
		}
		for chunk := range slices.Chunk(left, size) {
			smaller = without(chunk) || smaller
		}
		if size > 1 {
			size = (size + 1) / 2
		} else if !smaller {
			break
		}
	}
	return leftOut, total - len(leftOut)
}

// tellViolations tells of each violation the shortest story that was found.
func (o *Options) tellViolations(ctx context.Context, s *summary) error {
	out := o.Out
	if o.JSON {
		out = o.Err
	}
	if out == nil {
		return nil
	}
	for i, v := range s.Violations {
		if i >= toldInFull {
			_, _ = fmt.Fprintf(out, "seed %d: %s: %s\n", v.Seed, v.Invariant, v.What)
			continue
		}
		if err := v.tell(ctx, out, tamper{}); err != nil {
			return err
		}
	}
	return nil
}

func (v Violation) tell(ctx context.Context, out io.Writer, t tamper) error {
	leftOut, left := shrink(ctx, v, t)
	w := play(v.Seed, leftOut, t, true)
	if w.failed == nil { // cannot be: the last trial failed
		return fmt.Errorf("simulate: seed %d does not fail again: %s", v.Seed, v.What)
	}
	about := []request.Ref{w.failed.Ref}
	for _, f := range w.audit.order {
		if strings.Contains(w.failed.What, f.ref.String()) && !slices.Contains(about, f.ref) {
			about = append(about, f.ref)
		}
	}
	if w.failed.Ref == "" {
		about = nil
	}
	_, _ = fmt.Fprintf(out, "\nVIOLATION  seed %d: %s\n  %s\n", v.Seed, v.Invariant, v.What)
	_, _ = fmt.Fprintf(out, "  Play it again: dutyline simulate --nights 1 --seed %d\n  The same with %s:\n\n", v.Seed, plural(left, "disturbance or request", "disturbances and requests"))
	if err := w.write(out, about); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out)
	return err
}
