package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/doctor"
)

type canaryCommand struct{}

// Run tells how the providers are by their canaries.
func (canaryCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	report, err := line.Canary(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(report)
	}
	if len(report.Probes) == 0 {
		return c.print("canaries are off: set canary.twilio_to or canary.vonage_to (docs/operations.md)\n")
	}
	for _, p := range report.Probes {
		if err := c.print("%s %s: %s, one every %s\n", printable(p.Provider), printable(p.Channel), printable(p.State), milliseconds(report.EveryMS)); err != nil {
			return err
		}
		t := table{head: []string{"  SENT", "STATE", "ACCEPTED", "DELIVERED", "ACKNOWLEDGED", "CODE", "REFERENCE"}}
		for _, f := range p.Canaries {
			t.add("  "+moment(f.Sent), f.State, took(f.AcceptedMS), took(f.DeliveredMS), took(f.AcknowledgedMS), dash(f.Code), f.Reference)
		}
		if err := t.write(c.out, ""); err != nil {
			return err
		}
	}
	return nil
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// took writes how long something took; a dash for what has not happened.
func took(ms *int64) string {
	if ms == nil {
		return dash("")
	}
	return fmt.Sprintf("%.1f s", milliseconds(*ms).Seconds())
}

// canaryLines say how each provider is by what a node knows of its canaries.
func canaryLines(report client.CanaryReport) []doctor.Line {
	if len(report.Probes) == 0 {
		return doctor.CanariesOff()
	}
	lines := make([]doctor.Line, 0, len(report.Probes))
	for _, p := range report.Probes {
		detail := "none has come to its end within two days"
		for _, f := range p.Canaries {
			if f.State == "acknowledged" || f.State == "lost" {
				detail = fmt.Sprintf("the last one was sent at %s: accepted %s, delivered %s, acknowledged %s", moment(f.Sent), took(f.AcceptedMS), took(f.DeliveredMS), took(f.AcknowledgedMS))
				break
			}
		}
		lines = append(lines, doctor.Canary(p.Provider, p.State, detail))
	}
	return lines
}
