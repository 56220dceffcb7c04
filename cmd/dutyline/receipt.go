package main

import (
	"fmt"
	"strings"

	"github.com/dutyline/dutyline/request"
)

// printReceipt prints where a request stands: as a card, or as JSON.
func (c *console) printReceipt(r request.Receipt) error {
	if c.flags.JSON {
		return c.printJSON(r)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s\n", printable(r.Reference), c.paint(statusColour(r.Status), printable(string(r.Status))))
	card := columns(2)
	card.add("type", string(r.Type))
	card.add("urgency", urgencyText(r))
	card.add("received", moment(r.ReceivedAt))
	if !r.AcknowledgedAt.IsZero() {
		card.add("acknowledged", moment(r.AcknowledgedAt))
	}
	card.add("paging", escalationText(r))
	card.add("version", fmt.Sprint(r.Version))
	if err := card.write(&out, "  "); err != nil {
		return err
	}
	if len(r.Due) > 0 && !r.Status.Ended() {
		out.WriteString("due\n")
		due := columns(3)
		for _, d := range r.Due {
			due.add(string(d.Clock), moment(d.At), d.Rule)
		}
		if err := due.write(&out, "  "); err != nil {
			return err
		}
	}
	if len(r.Missing) > 0 {
		fmt.Fprintf(&out, "missing (%s; the request counts all the same)\n", plural(len(r.Missing), "field", "fields"))
		missing := columns(3)
		for _, m := range r.Missing {
			missing.add(m.Field, m.Label, m.Source)
		}
		if err := missing.write(&out, "  "); err != nil {
			return err
		}
	}
	if len(r.Warnings) > 0 {
		out.WriteString("warnings\n")
		warnings := columns(2)
		for _, w := range r.Warnings {
			warnings.add(w.Field, w.Detail)
		}
		if err := warnings.write(&out, "  "); err != nil {
			return err
		}
	}
	if steps := nextSteps(r, c.called()); len(steps) > 0 {
		out.WriteString("next\n")
		for _, s := range steps {
			fmt.Fprintf(&out, "  %s\n", s)
		}
	}
	return c.print("%s", out.String())
}

func urgencyText(r request.Receipt) string {
	switch {
	case r.UrgencyProposed == nil:
		return string(r.Urgency) + " (none was proposed)"
	case *r.UrgencyProposed != r.Urgency:
		return string(r.Urgency) + " (you proposed " + string(*r.UrgencyProposed) + ")"
	default:
		return string(r.Urgency)
	}
}

func escalationText(r request.Receipt) string {
	switch {
	case r.Escalation == request.Running:
		return "running: officers are being asked"
	case r.Escalation == request.Exhausted:
		return "exhausted: everyone was asked, an alarm stands, and asking goes on"
	case r.Escalation == request.Stopped && r.Status == request.StatusAcknowledged:
		return "stopped: an officer has it"
	default:
		return string(r.Escalation)
	}
}

// nextSteps says what happens now, and what the sender can do. program is how dutyline was called.
func nextSteps(r request.Receipt, program string) []string {
	var steps []string
	ref := printable(r.Reference)
	switch {
	case r.Status == request.StatusReceived && r.Escalation == request.Exhausted:
		steps = append(steps, "Nobody has answered yet. If lives are at risk, use another channel too.")
	case r.Status == request.StatusReceived:
		steps = append(steps, "Officers are asked until one of them has it. Follow it:", "  "+program+" request watch "+ref+" --until acknowledged")
	case r.Status == request.StatusAcknowledged:
		steps = append(steps, "An officer has it and will decide on it.")
	case r.Status.Ended():
		return nil
	}
	if len(r.Missing) > 0 {
		steps = append(steps, "Supply what is missing, in a file with these members alone:", "  "+program+" request amend "+ref+" -f FILE")
	}
	return steps
}

func statusColour(s request.Status) string {
	switch s {
	case request.StatusReceived:
		return pressing
	case request.StatusWithdrawn:
		return faint
	default:
		return settled
	}
}
