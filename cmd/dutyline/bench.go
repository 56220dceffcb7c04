package main

import (
	"context"
	"errors"

	"github.com/dutyline/dutyline/bench"
)

type benchCommand struct {
	Quick bool     `help:"A small run, of about half a minute, to see that everything works; its figures say little."`
	Only  []string `placeholder:"PART,…" help:"The parts to measure: idle, accept, crowd, storm, paged, burst, open, closed. Default: all."`
	Dir   string   `placeholder:"DIR" help:"Where data is written, which decides what disk is measured; up to 2 GB. Default: the system's temporary directory."`
	Doc   string   `placeholder:"FILE" help:"Also write the table into this Markdown file, between its marks, and the plot beside it."`
}

// Run measures this machine. A figure that misses its limit is a result and no error.
func (b *benchCommand) Run(ctx context.Context, c *console) error {
	if b.Doc != "" {
		if err := bench.CheckPaper(b.Doc); err != nil {
			return usage("%w", err)
		}
	}
	results, err := bench.Run(ctx, bench.Options{JSON: c.flags.JSON, Out: c.out, Err: c.err, Quick: b.Quick, Only: b.Only, Dir: b.Dir})
	if errors.Is(err, bench.ErrOption) {
		return usage("%w", err)
	}
	if err != nil || b.Doc == "" {
		return err
	}
	return bench.UpdatePaper(b.Doc, results)
}
