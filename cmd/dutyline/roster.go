package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

type rosterCommand struct {
	Now        nowCommand        `cmd:"" help:"Say who is on duty, and who is next."`
	Why        whyCommand        `cmd:"" help:"Say why they are on duty."`
	Show       bookCommand       `cmd:"" help:"Show people, rosters and overrides."`
	Preview    previewCommand    `cmd:"" help:"Say what apply would change, and change nothing."`
	Apply      applyCommand      `cmd:"" help:"Replace the roster by a file, made from the revision that stands in it. Shifts that are over stay."`
	Export     exportCommand     `cmd:"" help:"Write the whole roster, as apply reads it."`
	ICS        icsCommand        `cmd:"" name:"ics" help:"Write the final roster as a calendar (iCalendar)."`
	Feed       feedCommand       `cmd:"" help:"Calendars at secret addresses, for calendar programs."`
	Import     importCommand     `cmd:"" help:"Take leave or holidays out of a calendar file."`
	Print      printCommand      `cmd:"" help:"Write the roster for paper, with names and telephones: for the day when everything is down."`
	History    historyCommand    `cmd:"" help:"List the edits: who, when and why."`
	Revert     revertCommand     `cmd:"" help:"Bring an earlier revision back from now on. People keep the telephones that they have."`
	Gaps       gapsCommand       `cmd:"" help:"List when nobody is on duty."`
	Fairness   fairnessCommand   `cmd:"" help:"Say who has how many hours, nights and weekends."`
	Rebuild    rebuildCommand    `cmd:"" help:"Write the roster in Redis anew from the log. It mends itself; this does it now, whatever is there."`
	Rotation   rotationCommand   `cmd:"" help:"Let people join and leave, and change when turns change."`
	Takeover   takeoverCommand   `cmd:"" help:"Put somebody on duty now, to the end of the shift."`
	Giveback   givebackCommand   `cmd:"" help:"End what somebody has taken over."`
	Cover      coverCommand      `cmd:"" help:"Ask others to take a duty, and answer."`
	Swap       swapCommand       `cmd:"" help:"Exchange two duties."`
	WebhookKey webhookKeyCommand `cmd:"" name:"webhook-key" help:"Show the secret with which the receiver of a person's webhook checks signatures."`
	PIN        pinCommand        `cmd:"" name:"pin" help:"Set or remove the PIN that a person keys in before a call lets them take anything."`
	Readiness  readinessCommand  `cmd:"" help:"Say whether everybody on duty can be reached, who comes next, and what to mend."`
}

// dutyFlags say which duty is asked for.
type dutyFlags struct {
	At     time.Time `placeholder:"TIME" help:"At this time (RFC 3339, as in 2026-01-02T03:04:05Z). Default: now."`
	Roster string    `placeholder:"ID" help:"On this roster. Default: the first."`
}

func (f *dutyFlags) ask(ctx context.Context, c *console) (roster.Duty, error) {
	line, err := c.connect(coordinator)
	if err != nil {
		return roster.Duty{}, err
	}
	return line.Duty(ctx, f.Roster, f.At)
}

type nowCommand struct{ dutyFlags }

// Run says who is on duty.
func (n *nowCommand) Run(ctx context.Context, c *console) error {
	duty, err := n.ask(ctx, c)
	if err != nil {
		return err
	}
	return c.printDuty(duty, false)
}

type whyCommand struct{ dutyFlags }

// Run says who is on duty and why.
func (w *whyCommand) Run(ctx context.Context, c *console) error {
	duty, err := w.ask(ctx, c)
	if err != nil {
		return err
	}
	return c.printDuty(duty, true)
}

func (c *console) printDuty(d roster.Duty, why bool) error {
	if c.flags.JSON {
		return c.printJSON(d)
	}
	var out strings.Builder
	if old := oldText(d.AgeSeconds); old != "" {
		fmt.Fprintf(&out, "%s\n", c.paint(alarming, old))
	}
	fmt.Fprintf(&out, "%s at %s, revision %d\n", printable(d.Roster), minute(d.At), d.Revision)
	if len(d.OnDuty) == 0 {
		fmt.Fprintf(&out, "  %s\n", c.paint(alarming, "nobody is on duty"))
	}
	for _, part := range []struct {
		title string
		list  []roster.Assignment
	}{{"on duty", d.OnDuty}, {"next", d.Next}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(&out, "%s\n", part.title)
		if why {
			for _, a := range part.list {
				fmt.Fprintf(&out, "  %s (%s), %s to %s\n", printable(a.CallSign), printable(a.Person), minute(a.Since), minute(a.Until))
				for _, reason := range a.Why {
					fmt.Fprintf(&out, "    %s\n", printable(reason))
				}
			}
			continue
		}
		t := table{head: []string{"CALL SIGN", "PERSON", "LAYER", "SINCE", "UNTIL", "LANGUAGES"}}
		for _, a := range part.list {
			t.add(a.CallSign, a.Person, a.Layer, minute(a.Since), minute(a.Until), words(a.Languages))
		}
		if err := t.write(&out, "  "); err != nil {
			return err
		}
	}
	return c.print("%s", out.String())
}

// minute writes a time to the minute, as shifts have it.
func minute(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func readBook(ctx context.Context, c *console) (roster.Book, error) {
	line, err := c.connect(coordinator)
	if err != nil {
		return roster.Book{}, err
	}
	return line.Roster(ctx)
}

type bookCommand struct{}

// Run shows the book.
func (bookCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	book, err := line.Roster(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(book)
	}
	failing := map[string]string{} // cause → why
	alarms, err := line.Alarms(ctx)
	if err != nil { // the roster is worth showing without them
		_, _ = fmt.Fprintln(c.err, "dutyline: the alarms cannot be read: contacts that fail are not marked")
	}
	for _, a := range alarms {
		if cause, _, _ := strings.Cut(a.Cause, ":"); a.Kind == request.AlarmFailing && a.ClearedAt.IsZero() {
			failing[cause] = a.Failing.Detail()
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "revision %d\npeople\n", book.Revision)
	people := table{head: []string{"CALL SIGN", "PERSON", "LANGUAGES", "CONTACTS"}}
	for _, p := range book.People {
		var contacts []string
		for _, k := range p.Contacts {
			text := k.Channel
			if !k.Verified && k.Telephone() {
				text += " (not verified)"
			}
			if why := failing[request.FailingCause(p.ID, k.ID)]; why != "" {
				text += " (FAILS: " + why + ")"
			}
			contacts = append(contacts, text)
		}
		people.add(p.CallSign, p.ID, words(languagesText(p.Languages)), words(contacts))
	}
	if err := people.write(&out, "  "); err != nil {
		return err
	}
	if len(book.Teams) > 0 {
		out.WriteString("teams\n")
		teams := columns(2)
		for _, t := range book.Teams {
			teams.add(t.ID, words(t.Members))
		}
		if err := teams.write(&out, "  "); err != nil {
			return err
		}
	}
	for _, r := range book.Rosters {
		fmt.Fprintf(&out, "roster %s, %s\n", printable(r.ID), printable(r.TimeZone))
		for _, l := range r.Layers {
			fmt.Fprintf(&out, "  layer %s: %s\n", printable(l.ID), printable(rotationText(l.Rotation)))
		}
		for _, o := range r.Overrides {
			fmt.Fprintf(&out, "  override %s: %s %s, %s to %s\n", printable(o.ID), printable(string(o.Kind)), printable(words(o.People)), minute(o.From), minute(o.Until))
		}
	}
	return c.print("%s", out.String())
}

// languagesText lists languages with their levels.
func languagesText(languages []roster.Language) []string {
	list := make([]string, len(languages))
	for i, l := range languages {
		list[i] = strings.TrimSpace(l.Tag + " " + string(l.Level))
	}
	return list
}

func rotationText(r roster.Rotation) string {
	turns := make([]string, len(r.Turns))
	for i, people := range r.Turns {
		turns[i] = strings.Join(people, "+")
	}
	text := fmt.Sprintf("%s each, handover at %s, from %s", plural(r.Length, string(r.Unit), string(r.Unit)+"s"), r.Handover, r.From)
	if r.Unit == roster.Pattern {
		changes := make([]string, len(r.Pattern))
		for i, change := range r.Pattern {
			changes[i] = string(change.Weekday) + " " + change.At
		}
		text = fmt.Sprintf("%s each of %s, from %s", plural(r.Length, "change", "changes"), strings.Join(changes, ", "), r.From)
	}
	if r.Until != "" {
		text += " until " + r.Until
	}
	return strings.Join(turns, " → ") + "; " + text
}

type exportCommand struct{}

// Run writes the book.
func (exportCommand) Run(ctx context.Context, c *console) error {
	book, err := readBook(ctx, c)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(book)
	}
	text, err := bookYAML(book)
	if err != nil {
		return err
	}
	return c.print("%s", text)
}

// bookYAML writes a book as apply reads it. A text that does not come through YAML unchanged makes the whole book JSON, which apply reads
// as well.
func bookYAML(book roster.Book) ([]byte, error) {
	data, err := json.Marshal(book)
	if err != nil {
		return nil, fmt.Errorf("export the roster: %w", err)
	}
	if text, err := yaml.JSONToYAML(data); err == nil {
		back, _, err := parseBook(document{name: "export", data: text, yaml: true})
		if again, encodeErr := json.Marshal(back); err == nil && encodeErr == nil && bytes.Equal(data, again) {
			return text, nil
		}
	}
	return append(data, '\n'), nil
}

type historyCommand struct{}

// Run lists the edits.
func (historyCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	versions, err := line.RosterHistory(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(versions)
	}
	t := table{head: []string{"REVISION", "TIME", "BY", "WHY"}}
	for _, v := range versions {
		why := dash(v.Reason)
		if len(v.ConfirmedUnverified) > 0 {
			why += "; confirmed without a verified telephone: " + words(v.ConfirmedUnverified)
		}
		t.add(fmt.Sprint(v.Revision), moment(v.Time), actorText(v.Actor), why)
	}
	return t.write(c.out, "")
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func actorText(a request.Actor) string { return strings.TrimSpace(string(a.Kind) + " " + a.ID) }

type applyCommand struct {
	File   string `short:"f" required:"" placeholder:"FILE" help:"The roster, YAML or JSON; - is standard input."`
	DryRun bool   `help:"Only say what would change."`
	Reason string `placeholder:"R" help:"Why, for the history. It must name nobody."`
	confirmFlags
}

// Run replaces the book.
func (a *applyCommand) Run(ctx context.Context, c *console) error {
	if a.DryRun {
		return (&previewCommand{a.File}).Run(ctx, c)
	}
	line, book, err := c.basedBook(ctx, a.File)
	if err != nil {
		return err
	}
	stored, err := line.PutRoster(ctx, book, book.Revision, a.Reason, a.ConfirmUnverified...)
	if err != nil {
		return conflict(err)
	}
	return c.printStored(stored, book.Revision)
}

// basedBook reads a book from a file that says from which revision it was made.
func (c *console) basedBook(ctx context.Context, file string) (*client.Client, roster.Book, error) {
	doc, err := c.readDocument(file)
	if err != nil {
		return nil, roster.Book{}, err
	}
	book, based, err := parseBook(doc)
	if err != nil {
		return nil, book, err
	}
	line, err := c.connect(coordinator)
	if err != nil {
		return nil, book, err
	}
	if !based { // what stands must not be replaced by somebody who has not seen it
		now, err := line.Roster(ctx)
		if err != nil {
			return nil, book, err
		}
		return nil, book, usage("%s does not say from which revision it was made: write revision: %d into it once you have seen what stands (dutyline roster export)", doc.name, now.Revision)
	}
	return line, book, nil
}

// printStored says which revision stands after an edit of revision base.
func (c *console) printStored(stored roster.Book, base uint64) error {
	if c.flags.JSON {
		return c.printJSON(stored)
	}
	if stored.Revision == base {
		return c.print("nothing changed: revision %d stands as it is\n", stored.Revision)
	}
	return c.print("revision %d stands\n", stored.Revision)
}

// parseBook reads a book strictly: a misspelt member must not be lost silently. based says whether the file names a revision.
func parseBook(doc document) (book roster.Book, based bool, err error) {
	data, err := doc.json()
	if err != nil {
		return book, false, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&book); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			hint := ""
			if wrong.Type.Kind().String() == "string" {
				hint = ": a text is expected there; put it into quotes"
			}
			return book, false, usage("%s: /%s has the wrong type%s", doc.name, strings.ReplaceAll(wrong.Field, ".", "/"), hint)
		}
		return book, false, usage("%s is no roster: %s", doc.name, strings.TrimPrefix(err.Error(), "json: "))
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members)
	_, based = members["revision"]
	return book, based, nil
}

// conflict adds what to do to the answer that somebody was faster, which says who it was, when and why.
func conflict(err error) error {
	if isConflict(err) {
		return &hinted{err, "dutyline roster export writes what stands."}
	}
	return err
}

// isConflict reports whether somebody else was faster.
func isConflict(err error) bool {
	p, ok := errors.AsType[*client.Problem](err)
	return ok && p.Status == http.StatusPreconditionFailed
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
