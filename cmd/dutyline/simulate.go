package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime/debug"

	"github.com/dutyline/dutyline/simulation"
)

type simulateCommand struct {
	Nights int     `default:"1000" placeholder:"1000" help:"How many nights of twelve hours are played. One alone is told in full."`
	Seed   *uint64 `placeholder:"N" help:"Of the first night; each has the next. A night plays the same again from its seed. Default: a random one, which is printed."`
}

// Validate checks the number of nights.
func (s *simulateCommand) Validate() error {
	if s.Nights < 1 || s.Nights > 100_000_000 {
		return errors.New("--nights: 1 to 100000000")
	}
	return nil
}

// Run plays nights. A violation is told, and ends with exit status 1.
func (s *simulateCommand) Run(ctx context.Context, c *console) error {
	seed := rand.Uint64N(1 << 40) //nolint:gosec // it is printed, and guards nothing
	if s.Seed != nil {
		seed = *s.Seed
	}
	debug.SetGCPercent(400) // nights leave much behind and keep little
	c.note("nights from seed %d on", seed)
	return simulation.Run(ctx, simulation.Options{
		Nights: s.Nights, Seed: seed, JSON: c.flags.JSON, Live: c.errTerminal, Out: c.out, Err: c.err,
	})
}
