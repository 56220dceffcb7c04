package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
)

type requestCommand struct {
	Raise    raiseCommand    `cmd:"" help:"Raise a request."`
	Amend    amendCommand    `cmd:"" help:"Supply what was missing, or correct it (a merge patch: null takes a member out)."`
	Show     showCommand     `cmd:"" help:"Show where a request stands."`
	Watch    watchCommand    `cmd:"" help:"Follow a request as it changes."`
	Withdraw withdrawCommand `cmd:"" help:"Withdraw a request."`
	Urgency  urgencyCommand  `cmd:"" help:"Judge anew how urgent a request is (coordinators and officers)."`
}

type raiseCommand struct {
	File string `short:"f" required:"" placeholder:"FILE" help:"The request, JSON or YAML; - is standard input."`
	Key  string `placeholder:"K" help:"Idempotency key: the same key with the same request is the same request for ever. Absent: a random one."`
}

// Run raises a request.
func (r *raiseCommand) Run(ctx context.Context, c *console) error {
	doc, err := c.readDocument(r.File)
	if err != nil {
		return err
	}
	line, err := c.connect(sender)
	if err != nil {
		return err
	}
	key := r.Key
	if key == "" { // made here, so that a call without an answer can be repeated
		key = rand.Text()
	}
	receipt, err := line.Raise(ctx, key, doc.data, doc.yaml)
	if err != nil {
		if statusOf(err) == exitUnavailable || statusOf(err) == exitFailed {
			return &hinted{err, "It is not known whether the request was stored. Repeat the same call with --key " + key + ": it will be raised once."}
		}
		return err
	}
	return c.printReceipt(receipt)
}

type amendCommand struct {
	Ref  string `arg:"" help:"Reference of the request."`
	File string `short:"f" required:"" placeholder:"FILE" help:"The members to change, JSON or YAML; - is standard input."`
}

// Run amends a request as it stands now.
func (a *amendCommand) Run(ctx context.Context, c *console) error {
	doc, err := c.readDocument(a.File)
	if err != nil {
		return err
	}
	patch, err := doc.json()
	if err != nil {
		return err
	}
	line, err := c.connect(sender)
	if err != nil {
		return err
	}
	now, err := line.Show(ctx, a.Ref)
	if err != nil {
		return err
	}
	receipt, err := line.Amend(ctx, a.Ref, now.Version, patch)
	if err != nil {
		return err
	}
	return c.printReceipt(receipt)
}

type showCommand struct {
	Ref string `arg:"" help:"Reference of the request."`
}

// Run shows a request.
func (s *showCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(sender)
	if err != nil {
		return err
	}
	receipt, err := line.Show(ctx, s.Ref)
	if err != nil {
		return err
	}
	return c.printReceipt(receipt)
}

type withdrawCommand struct {
	Ref    string `arg:"" help:"Reference of the request."`
	Reason string `required:"" placeholder:"T" help:"Why, for the officers."`
}

// Run withdraws a request.
func (w *withdrawCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(sender)
	if err != nil {
		return err
	}
	receipt, err := line.Withdraw(ctx, w.Ref, w.Reason)
	if err != nil {
		return err
	}
	return c.printReceipt(receipt)
}

type urgencyCommand struct {
	Ref    string          `arg:"" help:"Reference of the request."`
	To     request.Urgency `required:"" placeholder:"X" help:"emergency, critical, urgent or routine."`
	Reason string          `placeholder:"T" help:"Why; needed for less urgent than before. It is sealed with the request."`
}

// Validate refuses what is no urgency.
func (u *urgencyCommand) Validate() error {
	if !slices.Contains(request.Urgencies, u.To) {
		return fmt.Errorf("--to: %q is no urgency: use one of %s", string(u.To), strings.Trim(fmt.Sprint(request.Urgencies), "[]"))
	}
	return nil
}

// Run changes the urgency. From then on people are asked at its pace.
func (u *urgencyCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	receipt, err := line.ChangeUrgency(ctx, u.Ref, u.To, u.Reason)
	if err != nil {
		return err
	}
	return c.printReceipt(receipt)
}

// statuses are those of DOMAIN.md, in the order of a request's life.
var statuses = []request.Status{
	request.StatusReceived, request.StatusAcknowledged, "accepted", "more_information", "in_progress", "preserved", "held_pending_mla",
	"answered", "refused", "transferred", request.StatusWithdrawn,
}

// untilTimeout is how long a watch for a status lasts unless it is told otherwise.
const untilTimeout = 5 * time.Minute

type watchCommand struct {
	Ref     string         `arg:"" help:"Reference of the request."`
	Until   request.Status `placeholder:"STATUS" help:"End when this status is reached, as in acknowledged."`
	Timeout time.Duration  `placeholder:"5m" help:"Give up after this time. Default: 5m with --until, never without."`
}

// Validate refuses a status that will never come.
func (w *watchCommand) Validate() error {
	if w.Until != "" && !slices.Contains(statuses, w.Until) {
		return fmt.Errorf("--until: %q is no status: use one of %s", string(w.Until), strings.Trim(fmt.Sprint(statuses), "[]"))
	}
	if w.Timeout < 0 {
		return errors.New("--timeout: write a positive time, as in 5m")
	}
	return nil
}

var (
	errTimeout     = errors.New("the status was not reached in time")
	errInterrupted = errors.New("interrupted")
)

// Run follows a request.
func (w *watchCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(sender)
	if err != nil {
		return err
	}
	if _, err := line.Show(ctx, w.Ref); err != nil { // the stream itself is patient with a server that is away
		return err
	}
	timeout := w.Timeout
	if timeout == 0 && w.Until != "" {
		timeout = untilTimeout
	}
	watching, cancel := ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		watching, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
	}
	defer cancel()
	var last request.Receipt
	met := w.Until == ""
	err = line.Watch(watching, w.Ref, func(r request.Receipt) error {
		if err := c.printChange(last, r); err != nil {
			return err
		}
		last = r
		if w.Until != "" && reached(w.Until, r) {
			met = true
			return client.ErrStop
		}
		return nil
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("watch %s: %w", w.Ref, errInterrupted)
	case err != nil:
		return fmt.Errorf("watch %s: %w", w.Ref, err)
	case !met:
		return fmt.Errorf("watch %s: it ended as %s and will not become %s", w.Ref, last.Status, w.Until)
	}
	return nil
}

// reached reports whether a request has come as far as a status: a watcher can miss what lasted a moment.
func reached(until request.Status, r request.Receipt) bool {
	switch until {
	case r.Status, request.StatusReceived:
		return true
	case request.StatusAcknowledged:
		return r.Status != request.StatusReceived && !r.AcknowledgedAt.IsZero()
	default:
		return false
	}
}

// printChange prints one step of a watch.
func (c *console) printChange(before, r request.Receipt) error {
	if c.flags.JSON {
		return c.printJSON(r)
	}
	if before.Reference == "" {
		return c.printReceipt(r)
	}
	facts := []string{c.paint(statusColour(r.Status), string(r.Status)), "version " + fmt.Sprint(r.Version)}
	if r.Urgency != before.Urgency {
		facts = append(facts, "urgency "+string(r.Urgency))
	}
	if r.Escalation != before.Escalation {
		facts = append(facts, escalationText(r))
	}
	if !r.AcknowledgedAt.IsZero() && r.AcknowledgedAt != before.AcknowledgedAt {
		facts = append(facts, "acknowledged at "+moment(r.AcknowledgedAt))
	}
	switch {
	case len(r.Missing) == len(before.Missing):
	case len(r.Missing) == 0:
		facts = append(facts, "nothing is missing any more")
	default:
		facts = append(facts, plural(len(r.Missing), "field missing", "fields missing"))
	}
	return c.print("%s  %s\n", printable(r.Reference), strings.Join(facts, ", "))
}
