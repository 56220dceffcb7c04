package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
)

type logCommand struct {
	Show   timelineCommand `cmd:"" help:"Show every event of one request."`
	Tail   tailCommand     `cmd:"" help:"Follow the events of all requests."`
	Verify verifyCommand   `cmd:"" help:"Check the hashes of the whole log; without HTTP and without a key."`
}

type timelineCommand struct {
	Ref string `arg:"" help:"Reference of the request."`
}

// Run shows the log of a request. People are not told twice that an attempt was sent; JSON has every event.
func (t *timelineCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	events, err := line.Log(ctx, t.Ref)
	if err != nil {
		return err
	}
	sent := map[string]bool{}
	for _, e := range events {
		// The provider's webhook says once more what its answer said. It is an event, and no news.
		if e.Type == request.AttemptSent && !c.flags.JSON {
			if sent[facts(e)] {
				continue
			}
			sent[facts(e)] = true
		}
		if err := c.printEvent(e, false); err != nil {
			return err
		}
	}
	return nil
}

type tailCommand struct {
	After *uint64 `placeholder:"SEQ" help:"Begin after this sequence of the log; 0 is everything. Default: from now on."`
}

// Run follows the log until it is interrupted, which is its end and no error.
func (t *tailCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	if _, err := line.Health(ctx); err != nil { // the stream itself is patient with a server that is away
		return err
	}
	err = line.Tail(ctx, t.After, func(e client.Event) error { return c.printEvent(e, true) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// printEvent prints one event: when, of which request (in a tail), what, and its facts. Events carry identifiers and no names.
func (c *console) printEvent(e client.Event, withReference bool) error {
	if c.flags.JSON {
		return c.printJSON(e)
	}
	when := e.Time.UTC().Format("2006-01-02 15:04:05.000Z")
	what := fmt.Sprintf("%-18s", printable(string(e.Type)))
	head := c.paint(faint, when) + "  "
	if withReference {
		head += printable(e.Request) + "  "
	}
	return c.print("%s\n", strings.TrimRight(head+c.paint(eventColour(e.Type), what)+"  "+printable(facts(e)), " "))
}

func eventColour(t request.EventType) string {
	switch t {
	case request.AlarmRaised, request.AttemptFailed, request.PageExpired:
		return alarming
	case request.Received, request.Escalated, request.Passed, request.HandoverOffered, request.AcknowledgementUndone, request.AcknowledgementLapsed:
		return pressing
	case request.Acknowledged, request.HandoverConfirmed, request.AlarmCleared, request.MatterEnded, request.Closed:
		return settled
	default:
		return plainText
	}
}

// facts says in a few words what an event tells.
func facts(e client.Event) string {
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, strings.TrimSpace(label+" "+value))
		}
	}
	switch e.Type {
	case request.Received:
		var b request.ReceivedBody
		decode(e, &b)
		add("", string(b.Type))
		add("", string(b.Urgency))
		add("from", b.Sender)
		add("", missingText(b.Missing, b.Warnings))
	case request.Amended:
		var b request.AmendedBody
		decode(e, &b)
		add("", string(b.Type))
		add("", missingText(b.Missing, b.Warnings))
	case request.Escalated:
		var b request.EscalatedBody
		decode(e, &b)
		if b.Everyone {
			add("", "everyone")
		} else {
			add("level", fmt.Sprint(b.Level))
		}
		add("round", fmt.Sprint(b.Round))
		add("because", string(b.Cause))
		var people []string
		for _, t := range b.Targets {
			people = append(people, t.Person)
		}
		add("to", words(people))
		add("roster", fmt.Sprint(b.RosterRevision))
	case request.PageOrdered, request.PageCancelled, request.PageExpired:
		var b request.PageBody
		decode(e, &b)
		add("", b.Page)
		add("", string(b.Purpose))
		add("", b.About)
		add("to", string(b.Recipient)+" "+b.Person)
		by := b.Channel
		if b.Provider != "" {
			by += " through " + b.Provider
		}
		add("by", by)
		add("", cmp.Or(pathText[b.Reason], b.Reason))
	case request.AttemptStarted, request.AttemptTakenOver, request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed:
		var b request.AttemptBody
		decode(e, &b)
		add("", b.Attempt)
		add("by", b.Provider)
		add("as", b.ProviderID)
		add("", string(b.Failure))
		add("code", b.Code)
		if !b.RetryAt.IsZero() {
			add("again at", b.RetryAt.Format("15:04:05.000Z"))
		}
	case request.Acknowledged:
		var b request.AcknowledgedBody
		decode(e, &b)
		add("by", b.Person)
		add("via", string(b.Via))
		add("page", b.Page)
	case request.Passed:
		var b request.PassedBody
		decode(e, &b)
		add("by", b.Person)
		add("via", string(b.Via))
	case request.AcknowledgementUndone:
		var b request.UndoneBody
		decode(e, &b)
		add("by", b.Person)
		add("via", string(b.Via))
	case request.AcknowledgementLapsed:
		var b request.LapsedBody
		decode(e, &b)
		add("of", b.Person)
	case request.UrgencyChanged:
		var b request.UrgencyChangedBody
		decode(e, &b)
		add("from", string(b.From))
		add("to", string(b.To))
	case request.Opened:
		var b request.OpenedBody
		decode(e, &b)
		add("by", b.Person)
	case request.AlarmRaised, request.AlarmCleared:
		var b request.AlarmBody
		decode(e, &b)
		add("", string(b.Kind))
		add("", b.Text())
	case request.MatterRaised, request.HandoverOffered:
		var b request.MatterBody
		decode(e, &b)
		matterFacts(b, add)
	case request.HandoverConfirmed:
		var b request.HandoverConfirmedBody
		decode(e, &b)
		add("from", b.From)
		add("by", b.Person)
		add("via", string(b.Via))
		add("page", b.Page)
		if b.Handover != "" {
			add("handover", b.Handover.String())
		}
	case request.MatterEnded:
		var b request.MatterEndedBody
		decode(e, &b)
		add("", b.Reason)
	case request.Closed:
		var b request.ClosedBody
		decode(e, &b)
		add("", b.Reason)
	default:
		add("", unknownFacts(e.Body))
	}
	if e.Type != request.Received && (e.Actor.Kind == request.BySender || e.Actor.Kind == request.ByCoordinator) {
		add("by", actorText(e.Actor))
	}
	add("", sealedText(e))
	return strings.Join(parts, ", ")
}

// pathText says why a page goes through another provider than the first.
var pathText = map[string]string{
	request.PathBoth: "both at once", request.PathFailed: "the other one failed", request.PathNoReceipt: "no receipt from the other one",
	request.PathSilence: "no answer yet",
}

// matterFacts says what a log is about that is no alarm's.
func matterFacts(b request.MatterBody, add func(label, value string)) {
	add("", string(b.Kind))
	add("", b.About)
	add("of", b.Person)
	add("provider", b.Provider)
	add("channel", b.Channel)
	add("roster", b.Roster)
	if !b.From.IsZero() {
		add("from", moment(b.From))
	}
	if !b.Until.IsZero() {
		add("until", moment(b.Until))
	}
	add("to", strings.Join(b.Asks, ", "))
	var refs []string
	for _, h := range b.Requests {
		refs = append(refs, h.Request.String())
	}
	add("requests", strings.Join(refs, ", "))
	if b.Open > 0 {
		add("", plural(b.Open, "open request", "open requests"))
	}
}

// decode reads the body of an event. One of a later version leaves out what this one does not know.
func decode(e client.Event, body any) { _ = json.Unmarshal(e.Body, body) }

func missingText(missing []string, warnings int) string {
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, plural(len(missing), "field missing", "fields missing"))
	}
	if warnings > 0 {
		parts = append(parts, plural(warnings, "warning", "warnings"))
	}
	return strings.Join(parts, ", ")
}

func sealedText(e client.Event) string {
	if e.Sealed && e.Type != request.Received && e.Type != request.Amended {
		return "with a sealed text"
	}
	return ""
}

// unknownFacts lists the plain members of a body that this version does not know.
func unknownFacts(body json.RawMessage) string {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return ""
	}
	var parts []string
	for _, name := range sortedKeys(members) {
		switch v := members[name].(type) {
		case string, bool, float64:
			parts = append(parts, fmt.Sprintf("%s %v", name, v))
		}
	}
	return strings.Join(parts, ", ")
}
