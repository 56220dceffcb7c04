package main

import (
	"context"

	"github.com/dutyline/dutyline/bench"
)

type benchCommand struct {
	Requests int    `placeholder:"500" help:"How many requests are raised one after the other."`
	Dir      string `placeholder:"DIR" help:"Where data is written, which decides what disk is measured. Default: the system's temporary directory."`
}

// Run measures this machine. A figure that misses its limit is a result and no error.
func (b *benchCommand) Run(ctx context.Context, c *console) error {
	return bench.Run(ctx, bench.Options{JSON: c.flags.JSON, Out: c.out, Err: c.err, Requests: b.Requests, Dir: b.Dir})
}
