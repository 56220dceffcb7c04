package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/doctor"
)

type doctorCommand struct {
	Config string `placeholder:"FILE" help:"Look at everything that a node of this configuration needs, from this machine. Default: ask a running node."`
}

// errSick says that something must be mended; the result has said what.
var errSick = errors.New("something is wrong: mend what is marked, then look again")

// Run looks at a deployment, or at a running node, and says what to mend.
func (d *doctorCommand) Run(ctx context.Context, c *console) error {
	report, err := d.examine(ctx, c)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		err = c.printJSON(report)
	} else {
		err = c.printReport(report)
	}
	if err == nil && !report.OK {
		return errSick
	}
	return err
}

func (d *doctorCommand) examine(ctx context.Context, c *console) (doctor.Report, error) {
	if d.Config == "" {
		return c.examineNode(ctx)
	}
	loaded, err := loadConfig(d.Config, c, true)
	if err != nil {
		return doctor.Report{}, err
	}
	return app.Doctor(ctx, app.Options{Config: loaded, Version: version})
}

// nodePatience is how long a running node may take to answer one question.
const nodePatience = 15 * time.Second

// examineNode asks a running node how it is, what alarms stand, and whether somebody is on duty.
func (c *console) examineNode(ctx context.Context) (doctor.Report, error) {
	line, err := c.connect(coordinator)
	if err != nil {
		return doctor.Report{}, err
	}
	failed := func(err error) []doctor.Line {
		return []doctor.Line{{State: doctor.Wrong, Detail: printable(describe(err)), Fix: "check the address and the token, and that the node runs"}}
	}
	return doctor.Examine(ctx, nodePatience, []doctor.Check{
		{Name: "node", Look: func(ctx context.Context) []doctor.Line {
			health, err := line.Health(ctx)
			if err != nil {
				return failed(err)
			}
			var lines []doctor.Line
			for _, p := range health.Parts {
				l := doctor.Line{Name: p.Name, State: doctor.Fine, Detail: p.Detail}
				if !p.OK {
					l.State, l.Fix = doctor.Wrong, "look into the node's log, and at dutyline doctor --config FILE on its machine"
				}
				lines = append(lines, l)
			}
			return lines
		}},
		{Name: "alarms that stand", Look: func(ctx context.Context) []doctor.Line {
			alarms, err := line.Alarms(ctx)
			if err != nil {
				return failed(err)
			}
			var lines []doctor.Line
			for _, a := range alarms {
				if a.ClearedAt.IsZero() {
					lines = append(lines, doctor.Line{
						Name: "alarm " + a.Reference, State: doctor.Warning, Detail: string(a.Kind) + " since " + moment(a.Since), Fix: "docs/alarms.md says what to do",
					})
				}
			}
			if len(lines) == 0 {
				return []doctor.Line{{State: doctor.Fine, Detail: "none"}}
			}
			return lines
		}},
		{Name: "canary", Look: func(ctx context.Context) []doctor.Line {
			report, err := line.Canary(ctx)
			if err != nil {
				return failed(err)
			}
			return canaryLines(report)
		}},
		{Name: "duty", Look: func(ctx context.Context) []doctor.Line {
			gaps, err := line.Gaps(ctx, "", time.Time{}, time.Time{})
			if err != nil {
				return failed(err)
			}
			if len(gaps.Gaps) == 0 {
				return []doctor.Line{{State: doctor.Fine, Detail: "somebody is on duty until " + minute(gaps.Until.Time)}}
			}
			first := gaps.Gaps[0]
			l := doctor.Line{State: doctor.Warning, Detail: fmt.Sprintf("nobody is on duty on %s from %s", first.Roster, minute(first.From.Time)), Fix: "dutyline roster gaps lists them all"}
			if !first.From.After(gaps.From.Time) {
				l.State = doctor.Wrong
			}
			return []doctor.Line{l}
		}},
	}), nil
}

func (c *console) printReport(report doctor.Report) error {
	colours := map[doctor.State]string{doctor.Fine: settled, doctor.Warning: pressing, doctor.Wrong: alarming, doctor.Skipped: faint}
	name, state := 0, 0
	for _, l := range report.Lines {
		name, state = max(name, len([]rune(printable(l.Name)))), max(state, len(l.State))
	}
	var out strings.Builder
	for _, l := range report.Lines {
		title := printable(l.Name)
		line := fmt.Sprintf("%s  %s%s  %s", c.paint(colours[l.State], fmt.Sprintf("%-*s", state, l.State)), title, strings.Repeat(" ", name-len([]rune(title))), printable(l.Detail))
		fmt.Fprintln(&out, strings.TrimRight(line, " "))
		if l.Fix != "" {
			fmt.Fprintf(&out, "%s→ %s\n", strings.Repeat(" ", state+name+4), printable(l.Fix))
		}
	}
	return c.print("%s", out.String())
}
