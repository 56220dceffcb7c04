package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dutyline/dutyline/client"
)

type readinessCommand struct{ spanFlags }

// Run tells whether everybody who is on duty can be reached, and what to mend.
func (r *readinessCommand) Run(ctx context.Context, c *console) error {
	if err := r.check(); err != nil {
		return err
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	readiness, err := line.Readiness(ctx, r.From, r.Until)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(readiness)
	}
	return c.printReadiness(readiness)
}

func (c *console) printReadiness(r client.Readiness) error {
	p := &previewer{c: c, signs: map[string]string{}}
	for _, person := range r.People {
		p.signs[person.Person] = person.CallSign
	}
	fmt.Fprintf(&p.out, "revision %d, from %s to %s\n", r.Revision, minute(r.From.Time), minute(r.Until.Time))
	rosters := table{head: []string{"ROSTER", "ZONE", "ON DUTY", "NEXT HANDOVER", "THEN"}}
	for _, one := range r.Rosters {
		then := "–"
		if !one.NextHandover.IsZero() {
			then = p.who(one.Next...)
		}
		rosters.add(one.Roster, one.TimeZone, p.who(one.OnDuty...), minute(one.NextHandover.Time), then)
	}
	var failing []*client.ContactFailing
	people := table{head: []string{"PERSON", "NEXT DUTY", "UNTIL", "ON", "TELEPHONES"}}
	for _, person := range r.People {
		from, until, on := "–", "–", "–"
		if d := person.Duty; d != nil {
			from, until, on = minute(d.From.Time), minute(d.Until.Time), d.Roster
		}
		people.add(named(person.CallSign, person.Person), from, until, on, telephones(person.Contacts, r.From.Time))
		for _, k := range person.Contacts {
			if k.Failing != nil {
				failing = append(failing, k.Failing)
			}
		}
	}
	for _, t := range []*table{&rosters, &people} {
		if err := t.write(&p.out, ""); err != nil {
			return err
		}
	}
	if len(r.Findings)+len(failing) == 0 {
		p.out.WriteString("nothing is wrong\n")
		return c.print("%s", p.out.String())
	}
	fmt.Fprintf(&p.out, "%s\n", c.paint(alarming, "to mend"))
	for _, f := range failing {
		fmt.Fprintf(&p.out, "  %s\n    %s\n", c.paint(alarming, printable(f.Detail)), printable(f.Fix))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&p.out, "  %s  %s  %s: %s\n", minute(f.From.Time), minute(f.Until.Time), printable(f.Roster), printable(f.Detail))
		fmt.Fprintf(&p.out, "    %s\n", printable(f.Fix))
	}
	return c.print("%s", p.out.String())
}

// failingMark stands beside a contact over which pages do not arrive.
const failingMark = " (FAILS)"

// telephones lists contacts by their channels, and how long their verifications last from a moment on.
func telephones(contacts []client.ContactReady, from time.Time) string {
	if len(contacts) == 0 {
		return "none"
	}
	list := make([]string, len(contacts))
	for i, k := range contacts {
		list[i] = k.Channel
		if k.Failing != nil {
			list[i] += failingMark
		}
		switch {
		case !k.Verified && !k.VerifiedUntil.IsZero():
			list[i] += " (not verified since " + k.VerifiedUntil.Format(time.DateOnly) + ")"
		case !k.Verified:
			list[i] += " (not verified)"
		case !k.VerifiedUntil.IsZero():
			days := int(from.Sub(k.VerifiedAt.Time) / (24 * time.Hour))
			list[i] += fmt.Sprintf(" (verified %d days ago, again before %s)", max(days, 0), k.VerifiedUntil.Format(time.DateOnly))
		}
	}
	return strings.Join(list, ", ")
}
