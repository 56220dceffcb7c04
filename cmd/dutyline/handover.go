package main

import "context"

type handoverCommand struct {
	List listHandoversCommand `cmd:"" help:"List the handovers that are open, and those of the last two days, the oldest first."`
}

type listHandoversCommand struct{}

// Run lists the handovers.
func (listHandoversCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	handovers, err := line.Handovers(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(handovers)
	}
	if len(handovers) == 0 {
		return c.print("no handover is open\n")
	}
	t := table{head: []string{"REFERENCE", "AT", "STATE", "FROM", "CONFIRMED", "TO", "TAKEN", "REQUESTS"}}
	for _, h := range handovers {
		to := words(h.To)
		if h.TakenBy != "" {
			to = h.TakenBy
		}
		t.add(h.Reference, moment(h.At), h.State, h.From, moment(h.SignedAt), dash(to), moment(h.TakenAt), words(h.Requests))
	}
	return t.write(c.out, "")
}
