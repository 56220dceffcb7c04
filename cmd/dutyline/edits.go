package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/roster"
)

// editFlags are what all edits in a few words have.
type editFlags struct {
	Roster   string `placeholder:"ID" help:"On this roster. Default: the first; for an answer, the one that has what is answered."`
	Reason   string `placeholder:"R" help:"Why, for the history. It must name nobody."`
	Revision uint64 `placeholder:"N" help:"Only if this revision of the roster stands, which you have seen."`
	DryRun   bool   `help:"Only say what would change."`
	confirmFlags
}

// head is what an edit says besides itself. One that is absolute is made of the revision that stands when nobody says of which.
func (f *editFlags) head(ctx context.Context, line *client.Client, absolute bool) (client.EditHead, error) {
	head := client.EditHead{Roster: f.Roster, Reason: f.Reason}
	base := f.Revision
	if base == 0 && absolute {
		book, err := line.Roster(ctx)
		if err != nil {
			return head, err
		}
		base = book.Revision
	}
	if base != 0 || absolute {
		head.Base = &base
	}
	return head, nil
}

// edit makes an edit, or says what it would do.
func (f *editFlags) edit(ctx context.Context, c *console, absolute bool, edit func(client.EditHead) client.RosterEdit) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	head, err := f.head(ctx, line, absolute)
	if err != nil {
		return err
	}
	if f.DryRun {
		preview, err := line.PreviewEdit(ctx, edit(head))
		if err != nil {
			return staleEdit(err)
		}
		return c.printPreview(preview)
	}
	edited, err := line.EditRoster(ctx, edit(head), f.ConfirmUnverified...)
	if err != nil {
		return staleEdit(err)
	}
	return c.printEdited(edited)
}

// staleEdit adds what to do to the answer that somebody was faster, which says who it was, when and why.
func staleEdit(err error) error {
	if isConflict(err) {
		return &hinted{err, "Look at it with dutyline roster show, then repeat the command with --revision and the number that stands."}
	}
	return err
}

type rotationCommand struct {
	Add          rotationAddCommand          `cmd:"" help:"Give somebody a turn."`
	Remove       rotationRemoveCommand       `cmd:"" help:"Take somebody out of all turns."`
	Reorder      rotationReorderCommand      `cmd:"" help:"Put the turns into another order."`
	Length       rotationLengthCommand       `cmd:"" help:"Change how long turns are, and when they change."`
	Restrictions rotationRestrictionsCommand `cmd:"" help:"Change the hours in which a layer has somebody."`
}

// rotationFlags are what all edits of a rotation have.
type rotationFlags struct {
	editFlags

	Layer       string    `placeholder:"ID" help:"This layer. Default: the only one."`
	At          time.Time `placeholder:"TIME" help:"From this time on (RFC 3339, as in 2026-01-02T03:04:05Z). Default: now. Shifts that are over never change."`
	KeepCurrent bool      `default:"true" negatable:"" help:"Whoever is on duty then stays to the end of the turn. Default: yes."`
}

func (f *rotationFlags) edit(ctx context.Context, c *console, absolute bool, e client.RotationEdit) error {
	return f.editFlags.edit(ctx, c, absolute, func(head client.EditHead) client.RosterEdit {
		e.EditHead, e.Layer, e.At = head, f.Layer, f.At
		if !f.KeepCurrent {
			e.KeepCurrent = &f.KeepCurrent
		}
		return e
	})
}

type rotationAddCommand struct {
	rotationFlags

	Turn  string `arg:"" help:"The person, or several who have the turn together: ada+bruno."`
	Place *int   `placeholder:"N" help:"Before the turn of this place, counted from 0. Default: after the last."`
}

// Run gives somebody a turn.
func (a *rotationAddCommand) Run(ctx context.Context, c *console) error {
	return a.edit(ctx, c, false, client.RotationEdit{Operation: "add", People: strings.Split(a.Turn, "+"), Place: a.Place})
}

type rotationRemoveCommand struct {
	rotationFlags

	Person string `arg:"" help:"The person."`
}

// Run takes somebody out of all turns.
func (r *rotationRemoveCommand) Run(ctx context.Context, c *console) error {
	return r.edit(ctx, c, false, client.RotationEdit{Operation: "remove", Person: r.Person})
}

type rotationReorderCommand struct {
	rotationFlags

	Turns []string `arg:"" help:"All turns that there are, in the new order: carmen ada+bruno dalia."`
}

// Run puts the turns into another order.
func (r *rotationReorderCommand) Run(ctx context.Context, c *console) error {
	turns := make([][]string, len(r.Turns))
	for i, turn := range r.Turns {
		turns[i] = strings.Split(turn, "+")
	}
	return r.edit(ctx, c, true, client.RotationEdit{Operation: "reorder", Turns: turns})
}

type rotationLengthCommand struct {
	rotationFlags

	Length   int      `placeholder:"N" help:"So many units."`
	Unit     string   `placeholder:"UNIT" help:"hour, day, week, month or pattern."`
	Handover string   `placeholder:"HH:MM" help:"When turns change, by the clock of the roster's zone."`
	Weekday  string   `placeholder:"DAY" help:"On which turns of weeks change: mon to sun."`
	Change   []string `sep:"none" placeholder:"DAY-HH:MM" help:"When turns of a pattern change in a week, as in fri-17:00; once for each."`
}

// Run changes how long turns are.
func (l *rotationLengthCommand) Run(ctx context.Context, c *console) error {
	e := client.RotationEdit{Operation: "length", Unit: roster.Unit(l.Unit), Length: l.Length, Handover: l.Handover, Weekday: roster.Weekday(l.Weekday)}
	for _, text := range l.Change {
		day, at, ok := strings.Cut(text, "-")
		if !ok {
			return usage("%q is no change of turns: write the day and the time, as in fri-17:00", text)
		}
		e.Pattern = append(e.Pattern, roster.Change{Weekday: roster.Weekday(day), At: at})
	}
	return l.edit(ctx, c, true, e)
}

type rotationRestrictionsCommand struct {
	rotationFlags

	Windows []string `arg:"" optional:"" help:"The hours, as in 08:00-20:00, \"mon-fri 18:00-08:00\", \"fri 17:00-mon 08:00\" or \"08:00-20:00 only CALENDAR\"."`
	None    bool     `help:"No restriction: the layer has somebody at all hours."`
}

// Run changes the hours of a layer.
func (r *rotationRestrictionsCommand) Run(ctx context.Context, c *console) error {
	if r.None == (len(r.Windows) > 0) {
		return usage("say the hours in which the layer has somebody, or --none")
	}
	list := []roster.Restriction{}
	for _, text := range r.Windows {
		window, err := parseWindow(text)
		if err != nil {
			return err
		}
		list = append(list, window)
	}
	return r.edit(ctx, c, true, client.RotationEdit{Operation: "restrictions", Restrictions: list})
}

// windowPattern is days, from, day of until, until, use of a calendar, calendar.
var windowPattern = regexp.MustCompile(`^(?:([a-z,-]+) +)?(\d\d:\d\d)-(?:([a-z]+) +)?(\d\d:\d\d)(?: +(only|except) +(\S+))?$`)

// days of the week from Monday, as the roster writes them.
var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// parseWindow reads a restriction as people write it.
func parseWindow(text string) (roster.Restriction, error) {
	parts := windowPattern.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if parts == nil {
		return roster.Restriction{}, usage("%q are no hours: write them as in 08:00-20:00, \"mon-fri 18:00-08:00\", \"fri 17:00-mon 08:00\" or \"08:00-20:00 only CALENDAR\"", text)
	}
	window := roster.Restriction{From: parts[2], Until: parts[4], UntilDay: roster.Weekday(parts[3]), Holidays: roster.Holidays(parts[5]), Calendar: parts[6]}
	for part := range strings.SplitSeq(parts[1], ",") {
		if part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(days, first), slices.Index(days, last)
		if from < 0 || to < 0 {
			return window, usage("%q are no days of the week: write them as in mon, mon,wed or mon-fri", part)
		}
		for day := from; ; day = (day + 1) % len(days) {
			window.Weekdays = append(window.Weekdays, roster.Weekday(days[day]))
			if day == to {
				break
			}
		}
	}
	return window, nil
}

// personFlag says for whom an edit is made.
type personFlag struct {
	Person string `placeholder:"ID" help:"For this person. An officer's token is for themselves."`
}

type takeoverCommand struct {
	editFlags
	personFlag

	Instead string    `placeholder:"ID" help:"Whose duty it is, where several are on duty."`
	Until   time.Time `placeholder:"TIME" help:"Until this time. Default: the end of the shift."`
}

// Run puts somebody on duty now.
func (t *takeoverCommand) Run(ctx context.Context, c *console) error {
	return t.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.Takeover{EditHead: head, Person: t.Person, Instead: t.Instead, Until: t.Until}
	})
}

type givebackCommand struct {
	editFlags
	personFlag
}

// Run ends what somebody has taken over.
func (g *givebackCommand) Run(ctx context.Context, c *console) error {
	return g.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.GiveBack{EditHead: head, Person: g.Person}
	})
}

type coverCommand struct {
	Ask     coverAskCommand     `cmd:"" help:"Ask others to take a duty."`
	Accept  coverAcceptCommand  `cmd:"" help:"Take the duty. Of several one has it."`
	Decline coverDeclineCommand `cmd:"" help:"Say that one does not take it."`
	List    coverListCommand    `cmd:"" help:"List the covers: open, accepted, declined, expired."`
}

type coverAskCommand struct {
	editFlags
	personFlag

	From    time.Time `placeholder:"TIME" help:"From this time. Default: the beginning of the duty that the person has, or of their next."`
	Until   time.Time `placeholder:"TIME" help:"Until this time. Default: the end of that duty."`
	To      []string  `placeholder:"ID" help:"Ask these people, with commas between them. Default: everybody."`
	Expires time.Time `placeholder:"TIME" help:"Until when it can be accepted. Default: until it is over."`
}

// Run asks for cover.
func (a *coverAskCommand) Run(ctx context.Context, c *console) error {
	return a.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.CoverWish{EditHead: head, Person: a.Person, From: a.From, Until: a.Until, To: a.To, Expires: a.Expires}
	})
}

// answerFlags say what is answered, and for whom.
type answerFlags struct {
	editFlags
	personFlag

	ID string `arg:"" help:"As the list names it."`
}

type coverAcceptCommand struct{ answerFlags }

// Run accepts a cover.
func (a *coverAcceptCommand) Run(ctx context.Context, c *console) error {
	return a.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.CoverAnswer{EditHead: head, ID: a.ID, Accept: true, Person: a.Person}
	})
}

type coverDeclineCommand struct{ answerFlags }

// Run declines a cover.
func (d *coverDeclineCommand) Run(ctx context.Context, c *console) error {
	return d.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.CoverAnswer{EditHead: head, ID: d.ID, Person: d.Person}
	})
}

// listFlags say which covers or swaps are listed.
type listFlags struct {
	Roster string `placeholder:"ID" help:"Of this roster. Default: of all."`
	State  string `placeholder:"STATE" help:"Only those that are open, accepted, declined or expired."`
}

// printList writes a list as a document, or as a table; empty is what it says when there is nothing in it.
func (c *console) printList(document any, empty string, t *table) error {
	switch {
	case c.flags.JSON:
		return c.printJSON(document)
	case len(t.rows) == 0:
		return c.print("%s\n", empty)
	}
	return t.write(c.out, "")
}

type coverListCommand struct{ listFlags }

// Run lists the covers.
func (l *coverListCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	covers, err := line.Covers(ctx, l.Roster, roster.CoverState(l.State))
	if err != nil {
		return err
	}
	p := &previewer{c: c, signs: covers.CallSigns}
	t := table{head: []string{"COVER", "ROSTER", "FROM", "UNTIL", "WHOSE DUTY", "STATE", "BY", "ASKED", "DECLINED"}}
	for _, one := range covers.Covers {
		t.add(one.ID, one.Roster, minute(one.From.Time), minute(one.Until.Time), p.who(one.Person), string(one.State), p.some("–", one.By), p.some("everybody", one.To...), p.some("–", one.Declined...))
	}
	return c.printList(covers, "no cover", &t)
}

// some lists people, or says what nobody means.
func (p *previewer) some(nobody string, people ...string) string {
	if people = slices.DeleteFunc(slices.Clone(people), func(id string) bool { return id == "" }); len(people) == 0 {
		return nobody
	}
	return p.who(people...)
}

type swapCommand struct {
	Ask     swapAskCommand     `cmd:"" help:"Ask somebody to exchange duties."`
	Accept  swapAcceptCommand  `cmd:"" help:"Exchange them."`
	Decline swapDeclineCommand `cmd:"" help:"Say that one does not."`
	List    swapListCommand    `cmd:"" help:"List the swaps: open, accepted, declined, expired."`
}

type swapAskCommand struct {
	editFlags
	personFlag

	With       string    `required:"" placeholder:"ID" help:"The one who is asked."`
	From       time.Time `placeholder:"TIME" help:"The duty that is given away, from this time. Default: the beginning of the present or next one."`
	Until      time.Time `placeholder:"TIME" help:"Until this time. Default: its end."`
	TheirFrom  time.Time `placeholder:"TIME" help:"The duty that is taken for it, from this time. Default: the beginning of their present or next one."`
	TheirUntil time.Time `placeholder:"TIME" help:"Until this time. Default: its end."`
	Expires    time.Time `placeholder:"TIME" help:"Until when it can be accepted. Default: until one of the two is over."`
}

// Run asks for a swap.
func (a *swapAskCommand) Run(ctx context.Context, c *console) error {
	return a.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.SwapWish{
			EditHead: head, One: client.WishPart{Person: a.Person, From: a.From, Until: a.Until},
			Other: client.WishPart{Person: a.With, From: a.TheirFrom, Until: a.TheirUntil}, Expires: a.Expires,
		}
	})
}

type swapAcceptCommand struct{ answerFlags }

// Run accepts a swap.
func (a *swapAcceptCommand) Run(ctx context.Context, c *console) error {
	return a.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.SwapAnswer{EditHead: head, ID: a.ID, Accept: true, Person: a.Person}
	})
}

type swapDeclineCommand struct{ answerFlags }

// Run declines a swap.
func (d *swapDeclineCommand) Run(ctx context.Context, c *console) error {
	return d.edit(ctx, c, false, func(head client.EditHead) client.RosterEdit {
		return client.SwapAnswer{EditHead: head, ID: d.ID, Person: d.Person}
	})
}

type swapListCommand struct{ listFlags }

// Run lists the swaps.
func (l *swapListCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	swaps, err := line.Swaps(ctx, l.Roster, roster.CoverState(l.State))
	if err != nil {
		return err
	}
	p := &previewer{c: c, signs: swaps.CallSigns}
	t := table{head: []string{"SWAP", "ROSTER", "STATE", "WHOSE DUTY", "FROM", "UNTIL", "AND WHOSE", "FROM", "UNTIL"}}
	for _, one := range swaps.Swaps {
		t.add(one.ID, one.Roster, string(one.State), p.who(one.One.Person), minute(one.One.From.Time), minute(one.One.Until.Time),
			p.who(one.Other.Person), minute(one.Other.From.Time), minute(one.Other.Until.Time))
	}
	return c.printList(swaps, "no swap", &t)
}

// printEdited says which revision stands after an edit, and what it changed.
func (c *console) printEdited(e client.Edited) error {
	if c.flags.JSON {
		return c.printJSON(e)
	}
	p := &previewer{c: c, signs: e.Effect.CallSigns}
	if e.Changed {
		fmt.Fprintf(&p.out, "revision %d stands\n", e.Revision)
	} else {
		fmt.Fprintf(&p.out, "nothing changed: revision %d stands as it is\n", e.Revision)
	}
	if o := e.Takeover; o != nil && e.Changed {
		fmt.Fprintf(&p.out, "%s is on duty until %s\n", printable(p.who(o.Person)), minute(o.Until.Time))
	}
	if o := e.Cover; o != nil {
		by := ""
		if o.By != "" {
			by = " by " + p.who(o.By)
		}
		fmt.Fprintf(&p.out, "%s is %s%s: the duty of %s, %s to %s\n", printable(o.ID), o.State, printable(by), printable(p.who(o.Person)), minute(o.From.Time), minute(o.Until.Time))
	}
	if o := e.Swap; o != nil {
		fmt.Fprintf(&p.out, "%s is %s: the duty of %s, %s to %s, for that of %s, %s to %s\n", printable(o.ID), o.State, printable(p.who(o.One.Person)), minute(o.One.From.Time),
			minute(o.One.Until.Time), printable(p.who(o.Other.Person)), minute(o.Other.From.Time), minute(o.Other.Until.Time))
	}
	if err := p.changes(e.Effect, asMade); err != nil {
		return err
	}
	p.unreachable(e.Effect)
	return c.print("%s", p.out.String())
}
