package main

import (
	"context"
	"errors"

	"github.com/dutyline/dutyline/demo"
)

type demoCommand struct {
	Speed         float64 `default:"60" help:"By which the times of the policy are divided: a minute of the story takes a second. 1 to 600."`
	Seed          uint64  `placeholder:"N" help:"Repeats a story. Default: a random one, which is printed."`
	NobodyAnswers bool    `name:"nobody-answers" help:"Nobody picks up: everyone is asked, an alarm stands at the end, and the exit status is 1."`
}

// Validate checks the speed.
func (d *demoCommand) Validate() error {
	if d.Speed < 1 || d.Speed > 600 {
		return errors.New("--speed: 1 to 600")
	}
	return nil
}

// Run plays a night.
func (d *demoCommand) Run(ctx context.Context, c *console) error {
	return demo.Run(ctx, demo.Options{
		JSON: c.flags.JSON, Speed: d.Speed, Seed: d.Seed, NobodyAnswers: d.NobodyAnswers, Colour: c.colour(), Out: c.out, Err: c.err,
	})
}
