package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/roster"
)

type previewCommand struct {
	File string `short:"f" required:"" placeholder:"FILE" help:"The roster, YAML or JSON; - is standard input."`
}

// Run says what the file would change.
func (p *previewCommand) Run(ctx context.Context, c *console) error {
	line, book, err := c.basedBook(ctx, p.File)
	if err != nil {
		return err
	}
	preview, err := line.PreviewRoster(ctx, book, book.Revision)
	if err != nil {
		return conflict(err)
	}
	return c.printPreview(preview)
}

type revertCommand struct {
	Revision uint64 `arg:"" help:"The revision that comes back; roster history lists them."`
	Reason   string `required:"" placeholder:"R" help:"Why, for the history. It must name nobody."`
	DryRun   bool   `help:"Only say what would change."`
}

// Run brings a revision back.
func (r *revertCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	now, err := line.Roster(ctx)
	if err != nil {
		return err
	}
	to := client.Reversion{Revision: r.Revision, Reason: r.Reason}
	if r.DryRun {
		preview, err := line.PreviewRevert(ctx, to, now.Revision)
		if err != nil {
			return conflict(err)
		}
		return c.printPreview(preview)
	}
	stored, err := line.RevertRoster(ctx, to, now.Revision)
	if err != nil {
		return conflict(err)
	}
	return c.printStored(stored, now.Revision)
}

// spanFlags say which time is looked at.
type spanFlags struct {
	From  time.Time `placeholder:"TIME" help:"From this time (RFC 3339, as in 2026-01-02T03:04:05Z). Default: now."`
	Until time.Time `placeholder:"TIME" help:"Until this time. Default: 28 days later."`
}

func (f *spanFlags) check() error {
	if !f.From.IsZero() && !f.Until.IsZero() && !f.From.Before(f.Until) {
		return usage("--until must be after --from")
	}
	return nil
}

type gapsCommand struct {
	spanFlags

	Roster string `placeholder:"ID" help:"On this roster. Default: on all."`
}

// Run lists the gaps.
func (g *gapsCommand) Run(ctx context.Context, c *console) error {
	if err := g.check(); err != nil {
		return err
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	gaps, err := line.Gaps(ctx, g.Roster, g.From, g.Until)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(gaps)
	}
	if len(gaps.Gaps) == 0 {
		return c.print("no gap from %s to %s\n", minute(gaps.From.Time), minute(gaps.Until.Time))
	}
	t := table{head: []string{"ROSTER", "NOBODY FROM", "UNTIL", "HOURS"}}
	for _, gap := range gaps.Gaps {
		t.add(gap.Roster, minute(gap.From.Time), minute(gap.Until.Time), fmt.Sprintf("%.1f", gap.Until.Sub(gap.From.Time).Hours()))
	}
	return t.write(c.out, "")
}

type fairnessCommand struct{ spanFlags }

// Run tells how the work is shared.
func (f *fairnessCommand) Run(ctx context.Context, c *console) error {
	if err := f.check(); err != nil {
		return err
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	fairness, err := line.Fairness(ctx, f.From, f.Until)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(fairness)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "from %s to %s\n", minute(fairness.From.Time), minute(fairness.Until.Time))
	t := workTable()
	for _, p := range fairness.People {
		addWork(t, named(p.CallSign, p.Person), p.Work, p.Percent)
	}
	addMean(t, fairness.Mean)
	if err := t.write(&out, "  "); err != nil {
		return err
	}
	return c.print("%s", out.String())
}

func workTable() *table {
	return &table{head: []string{"PERSON", "HOURS", "", "NIGHTS", "", "WEEKEND DAYS", ""}}
}

func addWork(t *table, who string, w, percent roster.Work) {
	share := func(percent float64) string { return fmt.Sprintf("%+.0f %%", math.Round(percent)+0) } // no -0
	t.add(who, number(w.Hours), share(percent.Hours), number(w.Nights), share(percent.Nights), number(w.WeekendDays), share(percent.WeekendDays))
}

// number writes at most one decimal.
func number(n float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") }

func addMean(t *table, mean roster.Work) {
	t.add("mean", number(mean.Hours), "", number(mean.Nights), "", number(mean.WeekendDays), "")
}

func named(sign, id string) string { return strings.TrimSpace(sign + " (" + id + ")") }

// A previewer writes a preview for people.
type previewer struct {
	c     *console
	out   strings.Builder
	signs map[string]string
}

func (p *previewer) who(people ...string) string {
	if len(people) == 0 {
		return "nobody"
	}
	list := make([]string, len(people))
	for i, id := range people {
		list[i] = named(p.signs[id], id)
	}
	return strings.Join(list, ", ")
}

// part writes a table under a title, nothing without rows.
func (p *previewer) part(colour, title string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintf(&p.out, "%s\n", p.c.paint(colour, title))
	t := columns(len(rows[0]))
	t.rows = rows
	return t.write(&p.out, "  ")
}

// row begins a row of a table with a span.
func row(s client.Span, cells ...string) []string {
	return append([]string{minute(s.From.Time), minute(s.Until.Time)}, cells...)
}

// fresh marks what an edit makes.
func fresh(isNew bool, text string) string {
	if isNew {
		return text + " (new)"
	}
	return text
}

// titles are what a preview calls its parts.
type titles struct{ moves, gaps, uncovered string }

var (
	asPlanned = titles{"would change", "nobody would be on duty", "coverage would be broken"}
	asMade    = titles{"changed", "nobody is on duty", "coverage is broken"}
)

func (c *console) printPreview(preview client.Preview) error {
	if c.flags.JSON {
		return c.printJSON(preview)
	}
	p := &previewer{c: c, signs: preview.CallSigns}
	fmt.Fprintf(&p.out, "from %s to %s; nothing was changed\n", minute(preview.From.Time), minute(preview.Until.Time))
	if len(preview.Moves) == 0 {
		p.out.WriteString("nobody's duty would change\n")
	}
	if err := p.changes(preview, asPlanned); err != nil {
		return err
	}
	if err := p.work(preview); err != nil {
		return err
	}
	p.unreachable(preview)
	return c.print("%s", p.out.String())
}

// unreachable writes who has no telephone.
func (p *previewer) unreachable(preview client.Preview) {
	if len(preview.Contacts) > 0 {
		fmt.Fprintf(&p.out, "%s: %s\n", p.c.paint(alarming, "cannot be reached"), printable(p.who(preview.Contacts...)))
	}
}

// changes writes whose duty changes, and what is wrong then.
func (p *previewer) changes(preview client.Preview, named titles) error {
	var moves, gaps, overlaps, rest, overwork, uncovered [][]string
	for _, m := range preview.Moves {
		moves = append(moves, row(m.Span, m.Roster, p.who(m.Before...)+" → "+p.who(m.After...)))
	}
	for _, g := range preview.Gaps {
		gaps = append(gaps, row(g.Span, fresh(g.New, g.Roster)))
	}
	for _, o := range preview.Overlaps {
		overlaps = append(overlaps, row(o.Span, p.who(o.Person), fresh(o.New, words(o.Rosters))))
	}
	for _, r := range preview.Rest {
		rest = append(rest, row(r.Span, p.who(r.Person), fresh(r.New, fmt.Sprintf("%.1f hours", r.Until.Sub(r.From.Time).Hours()))))
	}
	for _, o := range preview.Overwork {
		overwork = append(overwork, row(o.Span, p.who(o.Person), fresh(o.New, fmt.Sprintf("%.1f hours", o.Hours))))
	}
	for _, u := range preview.Uncovered {
		uncovered = append(uncovered, row(u.Span, u.Roster, u.Rule, fresh(u.New, "without "+words(u.Missing))))
	}
	for _, part := range []struct {
		colour, title string
		rows          [][]string
	}{
		{plainText, named.moves, moves},
		{alarming, named.gaps, gaps},
		{alarming, named.uncovered, uncovered},
		{pressing, "on duty on several rosters at once", overlaps},
		{pressing, "too little rest between two shifts", rest},
		{pressing, "too many hours", overwork},
	} {
		if err := p.part(part.colour, part.title, part.rows); err != nil {
			return err
		}
	}
	return nil
}

// work writes everybody's hours, and how far they are from the mean.
func (p *previewer) work(preview client.Preview) error {
	var hours [][]string
	for _, id := range sortedKeys(preview.Hours) {
		h := preview.Hours[id]
		hours = append(hours, []string{p.who(id), fmt.Sprintf("%.1f → %.1f", h.Before, h.After)})
	}
	if err := p.part(plainText, "hours", hours); err != nil {
		return err
	}
	if len(preview.Load) == 0 {
		return nil
	}
	p.out.WriteString("work of each, and how far it is from the mean\n")
	t := workTable()
	for _, l := range preview.Load {
		addWork(t, p.who(l.Person), l.After, l.Percent)
	}
	addMean(t, preview.Mean)
	return t.write(&p.out, "  ")
}
