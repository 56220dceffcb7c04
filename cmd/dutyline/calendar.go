package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/dutyline/dutyline/client"
)

type icsCommand struct {
	From   time.Time `placeholder:"TIME" help:"From this time (RFC 3339, as in 2026-01-02T03:04:05Z). Default: 30 days ago."`
	Until  time.Time `placeholder:"TIME" help:"Until this time. Default: 180 days ahead."`
	Person string    `placeholder:"ID" xor:"scope" help:"Of this person, on all rosters."`
	Roster string    `placeholder:"ID" xor:"scope" help:"Of this roster. Default: the first."`
}

// Run writes the calendar as it is: with --json it is a member of one document.
func (i *icsCommand) Run(ctx context.Context, c *console) error {
	if err := (&spanFlags{i.From, i.Until}).check(); err != nil {
		return err
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	data, err := line.Calendar(ctx, i.Person, i.Roster, i.From, i.Until)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(struct {
			ICS string `json:"ics"`
		}{string(data)})
	}
	return c.print("%s", data)
}

type feedCommand struct {
	Add    addFeedCommand    `cmd:"" help:"Make the secret address of a calendar; it is shown once."`
	List   listFeedsCommand  `cmd:"" help:"List the feeds."`
	Revoke revokeFeedCommand `cmd:"" help:"End a feed: its address is not found any more."`
}

type addFeedCommand struct {
	Person string `placeholder:"ID" xor:"scope" required:"" help:"Of this person, on all rosters."`
	Roster string `placeholder:"ID" xor:"scope" required:"" help:"Of this roster."`
	Days   int    `placeholder:"3650" help:"How long it is valid."`
}

// Validate checks the days before a call is made.
func (a *addFeedCommand) Validate() error {
	if a.Days < 0 || a.Days > maxDays {
		return fmt.Errorf("--days: a feed is valid for 1 to %d days", maxDays)
	}
	return nil
}

// Run makes a feed.
func (a *addFeedCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	added, err := line.AddFeed(ctx, client.NewFeed{Person: a.Person, Roster: a.Roster, Days: a.Days})
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(added)
	}
	return c.print("feed %s of %s, valid until %s. Whoever has its address reads the calendar; it is shown this once:\n%s\n",
		printable(added.ID), printable(feedText(added)), moment(added.Expires), printable(added.URL))
}

func feedText(f client.Feed) string {
	if f.Person != "" {
		return "person " + f.Person
	}
	return "roster " + f.Roster
}

type listFeedsCommand struct{}

// Run lists the feeds.
func (listFeedsCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	feeds, err := line.Feeds(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(feeds)
	}
	t := table{head: []string{"FEED", "OF", "ADDED", "EXPIRES", "REVOKED"}}
	for _, f := range feeds {
		t.add(f.ID, feedText(f), moment(f.Added), moment(f.Expires), moment(f.Revoked))
	}
	return t.write(c.out, "")
}

type revokeFeedCommand struct {
	ID string `arg:"" help:"Id of the feed, as list shows it."`
}

// Validate refuses an address in place of its id: command lines are kept in histories.
func (r *revokeFeedCommand) Validate() error {
	if strings.Contains(r.ID, "/") || strings.HasPrefix(r.ID, "dl_") {
		return errors.New("give the id of the feed, not its address")
	}
	return nil
}

// Run ends a feed.
func (r *revokeFeedCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	if err := line.RevokeFeed(ctx, r.ID); err != nil {
		return err
	}
	return c.printRevoked("feed", r.ID)
}

type importCommand struct {
	Leave    importLeaveCommand    `cmd:"" help:"Take the events of a calendar file as leave of a person."`
	Holidays importHolidaysCommand `cmd:"" help:"Take the events of a calendar file as days of a calendar of the roster."`
}

// importFlags are those of both imports.
type importFlags struct {
	File   string `arg:"" placeholder:"FILE.ics" help:"The calendar file; - is standard input."`
	Zone   string `placeholder:"NAME" help:"Time zone of days and of times without one, as Europe/Paris. Default: the person's, else that of the first roster."`
	DryRun bool   `help:"Only say what would change."`
}

type importLeaveCommand struct {
	Person string `required:"" placeholder:"ID" help:"Whose leave it is, by the id of the roster."`
	importFlags
}

// Run imports leave.
func (i *importLeaveCommand) Run(ctx context.Context, c *console) error {
	return i.run(ctx, c, client.Import{Person: i.Person})
}

type importHolidaysCommand struct {
	Calendar string `required:"" placeholder:"ID" help:"The calendar of the roster that gets the days."`
	importFlags
}

// Run imports holidays.
func (i *importHolidaysCommand) Run(ctx context.Context, c *console) error {
	return i.run(ctx, c, client.Import{Calendar: i.Calendar})
}

func (i *importFlags) run(ctx context.Context, c *console, in client.Import) error {
	data, err := c.readFile(i.File)
	if err != nil {
		return err
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	book, err := line.Roster(ctx)
	if err != nil {
		return err
	}
	in.Data, in.Zone, in.DryRun = data, i.Zone, i.DryRun
	imported, err := line.Import(ctx, in, book.Revision)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusPreconditionFailed {
		return &hinted{err, "Run it again: the file is then read onto what stands now."}
	}
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(imported)
	}
	return c.printImported(imported, book.Revision, i.DryRun)
}

// readFile reads a file as it is, or standard input for "-".
func (c *console) readFile(path string) ([]byte, error) {
	from := c.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, usage("read the file: %w", err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxDocument+1))
	switch {
	case err != nil:
		return nil, usage("read the file: %w", err)
	case len(data) > maxDocument:
		return nil, usage("%s is larger than 16 MiB", path)
	case len(data) == 0:
		return nil, usage("%s is empty", path)
	}
	return data, nil
}

func (c *console) printImported(imported client.Imported, base uint64, dryRun bool) error {
	var out strings.Builder
	for _, part := range []struct {
		title string
		items []client.ImportItem
	}{{"taken", imported.Taken}, {"removed, as the same events say so", imported.Removed}, {"ignored", imported.Ignored}} {
		if len(part.items) == 0 {
			continue
		}
		fmt.Fprintf(&out, "%s\n", part.title)
		t := columns(2)
		for _, i := range part.items {
			what := i.Why
			switch {
			case i.Day != "":
				what = i.Day
			case !i.From.IsZero():
				what = minute(i.From.Time) + " to " + minute(i.Until.Time)
			}
			t.add(fmt.Sprintf("line %d", i.Line), what)
		}
		if err := t.write(&out, "  "); err != nil {
			return err
		}
	}
	if imported.Unchanged > 0 {
		fmt.Fprintf(&out, "%s unchanged\n", plural(imported.Unchanged, "entry stands", "entries stand"))
	}
	if !dryRun {
		if err := c.newGaps(&out, imported.Preview); err != nil {
			return err
		}
		if imported.Revision == base {
			fmt.Fprintf(&out, "nothing changed: revision %d stands as it is\n", base)
		} else {
			fmt.Fprintf(&out, "revision %d stands\n", imported.Revision)
		}
	}
	if err := c.print("%s", out.String()); err != nil || !dryRun {
		return err
	}
	return c.printPreview(imported.Preview)
}

// newGaps says when nobody is on duty any more: somebody's leave puts nobody in their place.
func (c *console) newGaps(out *strings.Builder, preview client.Preview) error {
	t := columns(3)
	for _, g := range preview.Gaps {
		if g.New {
			t.add(row(g.Span, g.Roster)...)
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintf(out, "%s\n", c.paint(alarming, "nobody is on duty then, until you put somebody there"))
	return t.write(out, "  ")
}

type printCommand struct {
	HTML bool `name:"html" xor:"form" help:"As a page to print, which needs nothing but itself."`
	Text bool `name:"text" xor:"form" help:"As plain text. Default."`
	Days int  `placeholder:"14" help:"How many days, from today on."`
}

// Run writes the roster as it is put on paper.
func (p *printCommand) Run(ctx context.Context, c *console) error {
	if c.flags.JSON && (p.HTML || p.Text) {
		return usage("--json is a form of its own: leave out --html and --text")
	}
	format := "text"
	switch {
	case c.flags.JSON:
		format = "json"
	case p.HTML:
		format = "html"
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	data, err := line.Sheet(ctx, format, p.Days)
	if err != nil {
		return err
	}
	c.note("%s", c.paint(pressing, "this holds names and telephone numbers: print it, lock it up, and keep no copy"))
	return c.print("%s", data)
}
