package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// A Result is how a night ended (CONTRACT: DEMO).
type Result struct {
	Type      string      `json:"type"` // result
	OK        bool        `json:"ok"`
	Reference string      `json:"reference"`
	Level     int         `json:"level"` // at which it was acknowledged; 0: it was not
	Via       request.Via `json:"via"`
	Texts     int         `json:"texts"` // that phones were sent
	Calls     int         `json:"calls"`
	Seed      uint64      `json:"seed"`
}

// tally is what one side knows of the night.
type tally struct {
	texts, calls int
	level        int
	via          request.Via
	person       string
}

// add puts another log's share to it.
func (t *tally) add(other tally) {
	t.texts += other.texts
	t.calls += other.calls
	if other.person != "" {
		t.level, t.via, t.person = other.level, other.via, other.person
	}
}

// finish waits until both sides have nothing more to say, compares them, and prints the result.
func (n *night) finish(ctx context.Context) error {
	log, phones := tally{}, tally{}
	for try := 0; ; try++ { // the outcome of what is under way is a moment behind
		log = tally{}
		for _, ref := range n.logs {
			events, err := n.coord.Log(ctx, ref)
			if err != nil {
				return err
			}
			log.add(n.fromLog(events))
		}
		phones = n.fromPhones()
		if (log.texts == phones.texts && log.calls == phones.calls) || try == 250 {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	agree := agreed(log, phones)
	result := Result{
		Type: "result", OK: agree && log.person != "", Reference: n.receipt.Reference, Level: log.level, Via: log.via,
		Texts: phones.texts, Calls: phones.calls, Seed: n.Seed,
	}
	if err := n.story.end(result, agree); err != nil {
		return err
	}
	switch {
	case !agree:
		return fmt.Errorf("demo: %w: the log has %+v, the telephones %+v", errDisagree, log, phones)
	case log.person == "":
		return ErrUnanswered
	}
	return nil
}

// agreed reports whether both sides saw the same: as many texts and calls, and the same person's key.
func agreed(log, phones tally) bool {
	return log.texts == phones.texts && log.calls == phones.calls && log.person == phones.person
}

// fromLog counts what the node says that it did.
func (n *night) fromLog(events []client.Event) tally {
	var t tally
	pages, sent := map[string]request.PageBody{}, map[string]bool{}
	for _, e := range events {
		switch e.Type {
		case request.PageOrdered:
			var p request.PageBody
			if json.Unmarshal(e.Body, &p) == nil {
				pages[p.Page] = p
			}
		case request.AttemptSent:
			var a request.AttemptBody
			if json.Unmarshal(e.Body, &a) != nil || sent[a.ProviderID] {
				continue
			}
			sent[a.ProviderID] = true
			if pages[a.Page].Channel == "voice" {
				t.calls++
			} else {
				t.texts++
			}
		case request.Acknowledged:
			var a request.AcknowledgedBody
			if json.Unmarshal(e.Body, &a) == nil {
				t.via, t.person, t.level = a.Via, a.Person, pages[a.Page].Level
			}
		default:
		}
	}
	return t
}

// fromPhones counts what the telephone network saw: who pressed 1 in a call that asked about this request.
func (n *night) fromPhones() tally {
	var t tally
	for _, m := range n.sim.Messages() {
		if _, about := referenceIn(m.Body); about && m.Direction == twiliosim.OutboundAPI { // a notice of a shift depends on the day of the week
			t.texts++
		}
	}
	for _, c := range n.sim.Calls() {
		t.calls++
		if c.Pressed == "1" {
			t.person = n.ownerOf(c.To)
		}
	}
	return t
}

func (n *night) ownerOf(number string) string {
	for _, p := range n.book.People {
		if phoneOf(p) == number {
			return p.ID
		}
	}
	return ""
}

func alarmOf(e client.Event) request.AlarmKind {
	var b request.AlarmBody
	_ = json.Unmarshal(e.Body, &b) // one that cannot be read is none that ends a story
	return b.Kind
}
