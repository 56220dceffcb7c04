package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Result is one measured figure (CONTRACT: BENCH). Ratio is the value by the baseline; it is what the limit is about, unless there is no
// baseline: then the limit is about the value itself.
//
// Less is better and the limit is the most that is allowed, but for a rate: of a figure whose unit ends in "/s" more is better, and the
// limit is the least.
type Result struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline float64 `json:"baseline"` // in the same unit; 0: none
	Ratio    float64 `json:"ratio"`
	Limit    float64 `json:"limit"` // 0: none
	Met      bool    `json:"met"`
	About    string  `json:"-"` // what it is, for people who read a paper
}

// AtLeast reports whether the limit is the least that is allowed.
func (r Result) AtLeast() bool { return strings.HasSuffix(r.Unit, "/s") }

// measured is what the limit is about.
func (r Result) measured() float64 {
	if r.Baseline > 0 {
		return r.Ratio
	}
	return r.Value
}

// judged is the result with its ratio and verdict.
func (r Result) judged() Result {
	if r.Baseline > 0 {
		r.Ratio = r.Value / r.Baseline
	}
	switch {
	case r.Limit == 0:
		r.Met = true
	case r.AtLeast():
		r.Met = r.measured() >= r.Limit
	default:
		r.Met = r.measured() <= r.Limit
	}
	return r
}

// write prints results as a table, or as one document a line.
func write(o Options, results []Result) error {
	if o.JSON {
		for _, r := range results {
			if err := json.NewEncoder(o.Out).Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
	line(table, "figure", "value", "baseline", "ratio", "limit", "met")
	for _, r := range results {
		line(table, r.cells()...)
	}
	return table.Flush()
}

func line(w io.Writer, cells ...string) { _, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) }

// cells are the columns of a table.
func (r Result) cells() []string {
	baseline, ratio := "", ""
	if r.Baseline > 0 {
		baseline, ratio = number(r.Baseline), number(r.Ratio)
	}
	return []string{r.Name, number(r.Value) + " " + r.Unit, baseline, ratio, r.limit(), r.verdict()}
}

// number has three significant digits.
func number(f float64) string {
	switch {
	case f == 0:
		return "0"
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1:
		return fmt.Sprintf("%.2f", f)
	default:
		return fmt.Sprintf("%.3f", f)
	}
}

// limit says what is allowed, and of what.
func (r Result) limit() string {
	if r.Limit == 0 {
		return ""
	}
	bound, of := "≤ ", " "+r.Unit
	if r.AtLeast() {
		bound = "≥ "
	}
	if r.Baseline > 0 {
		of = " ×"
	}
	return bound + strconv.FormatFloat(r.Limit, 'g', -1, 64) + of
}

func (r Result) verdict() string {
	switch {
	case r.Limit == 0:
		return ""
	case r.Met:
		return "yes"
	default:
		return "no"
	}
}
