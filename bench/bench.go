package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// Options are what a run is started with.
type Options struct {
	JSON     bool
	Out      io.Writer // the results
	Err      io.Writer // progress
	Requests int       // raised one after the other; 0: 500
	Dir      string    // where data is written, which decides what disk is measured; "": the system's temporary directory
}

// A Result is one measured figure (CONTRACT: BENCH). Ratio is the value by the baseline; it is what the limit is about, unless there is no
// baseline: then the limit is about the value itself.
type Result struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline float64 `json:"baseline"` // in the same unit; 0: none
	Ratio    float64 `json:"ratio"`
	Limit    float64 `json:"limit"` // 0: none
	Met      bool    `json:"met"`
}

// Run measures and writes the results. A limit that is missed is no error.
func Run(ctx context.Context, o Options) (err error) {
	o.Requests = cmp.Or(o.Requests, 500)
	if o.Err == nil {
		o.Err = io.Discard
	}
	dir, err := os.MkdirTemp(o.Dir, "dutyline-bench-*")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	say(o.Err, "measuring the disk: append and fsync")
	disk, err := measureDisk(ctx, dir, o.Requests)
	if err != nil {
		return fmt.Errorf("bench: measure the disk: %w", err)
	}
	say(o.Err, "measuring the log: compare and append")
	log, err := measureLog(ctx, dir, o.Requests)
	if err != nil {
		return fmt.Errorf("bench: measure the log: %w", err)
	}
	say(o.Err, "measuring a node: %d requests, one after the other", o.Requests)
	idle, err := measureNode(ctx, dir, o.Requests)
	if err != nil {
		return fmt.Errorf("bench: measure a node: %w", err)
	}
	return write(o, []Result{
		{Name: "append_fsync_p50", Value: disk.p(50), Unit: "ms"},
		{Name: "compare_and_append_p50", Value: log.p(50), Unit: "ms", Baseline: disk.p(50)},
		{Name: "accept_p50", Value: idle.accept.p(50), Unit: "ms", Baseline: log.p(50), Limit: 3},
		{Name: "accept_p99", Value: idle.accept.p(99), Unit: "ms", Baseline: log.p(99)},
		{Name: "accepted_to_provider_p50", Value: idle.provider.p(50), Unit: "ms", Baseline: disk.p(50)},
		{Name: "accepted_to_provider_p99", Value: idle.provider.p(99), Unit: "ms", Baseline: disk.p(99)},
		{Name: "accepted_to_provider_p99_idle", Value: idle.provider.p(99), Unit: "ms", Limit: 25},
	})
}

func say(w io.Writer, format string, v ...any) { _, _ = fmt.Fprintf(w, format+"\n", v...) }

// write gives the figures their ratios and prints them.
func write(o Options, results []Result) error {
	table := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !o.JSON {
		say(table, "figure\tvalue\tbaseline\tratio\tlimit\tmet\t")
	}
	for _, r := range results {
		measured := r.Value
		if r.Baseline > 0 {
			r.Ratio = r.Value / r.Baseline
			measured = r.Ratio
		}
		r.Met = r.Limit == 0 || measured <= r.Limit
		if !o.JSON {
			say(table, "%s\t%.3f %s\t%s\t%s\t%s\t%s\t", r.Name, r.Value, r.Unit, number(r.Baseline), number(r.Ratio), number(r.Limit), verdict(r))
			continue
		}
		if err := json.NewEncoder(o.Out).Encode(r); err != nil {
			return err
		}
	}
	return table.Flush()
}

func number(f float64) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", f)
}

func verdict(r Result) string {
	switch {
	case r.Limit == 0:
		return ""
	case r.Met:
		return "yes"
	default:
		return "no"
	}
}

// A sample is a list of durations.
type sample []time.Duration

// p is a percentile in milliseconds; 0 of an empty sample.
func (s sample) p(percent int) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	i := min(len(sorted)*percent/100, len(sorted)-1)
	return float64(sorted[i]) / float64(time.Millisecond)
}
