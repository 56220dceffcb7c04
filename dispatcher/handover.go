package dispatcher

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// The steps of a handover: the offer by text, and after Policy.Repeat without an answer a text and a call.
const (
	offer  = 1
	remind = 2
)

// handover plans for the log of a handover: who goes off duty and who comes on are asked to confirm. The requests stay with the one until the
// other has confirmed. Whoever is on duty is asked: when that changes, it is offered anew.
func (p *plan) handover() {
	m := p.s.Matter
	switch {
	case p.s.Status.Ended():
		p.finish()
	case p.Roster == nil:
		p.wakeAt(p.now.Add(time.Second))
	case p.s.Owner != "":
		p.takenOver()
	case !p.outstanding():
		p.endWith(EndedNothing)
	case p.now.Before(m.From.Time): // by the clock of whoever raised it the shift is over
		p.wakeAt(m.From.Time)
	case p.onDuty(m.Person):
		p.endWith(EndedOnDuty)
	default:
		p.offer()
	}
}

// offer asks both sides, for as long as nobody has taken over.
func (p *plan) offer() {
	m := p.s.Matter
	incoming := p.incoming(m.Roster, m.Person)
	if at, ok := p.nextShift(); ok {
		p.wakeAt(at)
	}
	switch same := slices.Equal(incoming, m.Asks); {
	case same && len(incoming) == 0: // there is nobody to whom they could pass: who has them keeps them, and an alarm stands
		return
	case same:
		p.chase()
		return
	case p.Roster.Revision() < m.RosterRevision, p.now.Before(m.Offered):
		// Another node offered it by a newer roster, or by a clock that is ahead: two that take back from each other what they offer would ask
		// people over and over. A newer roster, and time, come by themselves.
		if p.now.Before(m.Offered) {
			p.wakeAt(m.Offered)
		}
		if len(m.Asks) > 0 {
			p.chase()
		}
		return
	}
	body := m.MatterBody
	body.Asks, body.RosterRevision = incoming, p.Roster.Revision()
	p.add(request.HandoverOffered, body)
	p.events = append(p.events, cancelPages(p.s, p.now, "offered_to_another", func(page *request.Page) bool {
		return page.Purpose == request.Ask && page.Person != m.Person && !slices.Contains(incoming, page.Person)
	})...)
	if len(incoming) > 0 {
		p.askToConfirm(offer, p.s.Step.Round+1, request.CauseOffered, incoming)
	}
}

// chase takes the steps of the offer that stands.
func (p *plan) chase() {
	p.events = append(p.events, cancelPages(p.s, p.now, "confirmed", func(page *request.Page) bool {
		return page.Purpose == request.Ask && p.s.Settled(page)
	})...)
	step := p.s.Step
	switch at := step.Decided.Add(p.Policy.Repeat); {
	case step.Count == 0:
		p.askToConfirm(offer, 1, request.CauseReceived, p.s.Matter.Asks)
	case step.Level >= remind:
		p.mend()
	case p.now.Before(at):
		p.wakeAt(at)
		p.mend()
	default:
		p.askToConfirm(remind, step.Round, request.CauseSilence, p.s.Matter.Asks)
	}
}

// askToConfirm takes a step: whoever has not confirmed is asked.
func (p *plan) askToConfirm(level, round int, cause request.Cause, incoming []string) {
	people := slices.DeleteFunc(append(slices.Clone(incoming), p.s.Matter.Person), func(person string) bool {
		return p.s.Settled(&request.Page{PageBody: request.PageBody{Person: person}})
	})
	p.add(request.Escalated, request.EscalatedBody{
		Level: level, Round: round, Cause: cause, RosterRevision: p.Roster.Revision(), Targets: targetsOf(people, "handover"),
	})
	for _, person := range people {
		p.ask(person, level, round)
	}
	p.wakeAt(p.now.Add(p.Policy.Repeat))
}

// takenOver tells who went off duty that they have nothing left to do, and asks for their word. When they keep silent, the coordinators are
// told of it by a text: nothing hangs on it that anybody would be woken for.
func (p *plan) takenOver() {
	m := p.s.Matter
	p.notify(m.Person, string(notifier.TellHandedOver))
	reason := EndedConfirmed
	if m.Signed.IsZero() {
		reason = EndedUnsigned
		if !p.onDuty(m.Person) {
			p.chase()
			at := p.s.Received.Add(2 * p.Policy.Repeat)
			if since := p.s.Since.Add(p.Policy.Repeat); since.After(at) { // they may have waited for it for hours
				at = since
			}
			if p.now.Before(at) {
				p.wakeAt(at)
				return
			}
			for _, t := range p.AlarmTargets() {
				p.text(t.Person, request.PageBody{Purpose: request.Notice, About: string(notifier.TellNotSigned), Recipient: request.ToCoordinator})
			}
		}
	}
	told := !slices.ContainsFunc(p.s.Pages, func(page request.Page) bool { return page.Purpose == request.Notice && page.State.Open() })
	if len(p.events) == 0 && told && !p.outstanding() {
		p.endWith(reason)
	}
}

// outstanding reports whether a request is still to pass.
func (p *plan) outstanding() bool {
	return slices.ContainsFunc(p.s.Matter.Requests, func(h request.Handed) bool {
		e := p.others[h.Request]
		return e != nil && p.s.Matter.Hands(e.state)
	})
}

// handedBy is the handover by which the request passes now, nil when there is none.
func (p *plan) handedBy() *request.State {
	var first *request.State
	if p.s.TooNew() { // a newer node passes it
		return nil
	}
	for _, h := range p.naming[p.s.Ref] {
		if h.Owner != "" && h.Owner != p.s.Owner && h.Matter.Hands(p.s) && (first == nil || h.Ref < first.Ref) {
			first = h
		}
	}
	return first
}

// rules are the channels of a step of this log.
func (p *plan) rules(level int) []ChannelRule {
	if p.s.Kind() != request.OpsHandover {
		return p.Policy.channels(p.s.Urgency)
	}
	rules := []ChannelRule{{notifier.MediumSMS, 0}}
	if level >= remind && p.s.Owner == "" {
		rules = append(rules, ChannelRule{notifier.MediumVoice, p.Policy.Repeat / 15})
	}
	return rules
}

// about says what a page to a person asks, where the log alone does not say it.
func (p *plan) about(person string) string {
	switch {
	case p.s.Kind() != request.OpsHandover:
		return ""
	case person == p.s.Matter.Person:
		return string(notifier.AskToHandOver)
	default:
		return string(notifier.AskToTakeOver)
	}
}

// onDuty reports whether a person is on duty on any roster.
func (p *plan) onDuty(person string) bool {
	for _, id := range p.rosters() {
		for _, a := range p.duties.ask(p.Roster, id, p.now).duty.OnDuty {
			if a.Person == person {
				return true
			}
		}
	}
	return false
}

// nextShift is when the people on duty on any roster may change.
func (p *plan) nextShift() (first time.Time, ok bool) {
	for _, id := range p.rosters() {
		if t := p.duties.ask(p.Roster, id, p.now).change; !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first, !first.IsZero()
}

// incoming lists who is on duty on a roster instead of a person; where nobody is, as on a roster of certain hours, on those that the first
// level of the policy names.
func (p *plan) incoming(roster, instead string) []string {
	people := p.onRoster(nil, roster, instead)
	if len(people) > 0 {
		return people
	}
	for _, target := range p.Policy.level(1) {
		if kind, id, _ := strings.Cut(target, ":"); kind == "roster" {
			people = p.onRoster(people, id, instead)
		}
	}
	return people
}

func (p *plan) onRoster(people []string, id, instead string) []string {
	for _, a := range p.duties.ask(p.Roster, id, p.now).duty.OnDuty {
		if a.Person != instead && !slices.Contains(people, a.Person) {
			people = append(people, a.Person)
		}
	}
	return people
}

// rosters lists the ids of all.
func (p Planner) rosters() []string {
	list := p.Roster.Book().Rosters
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// confirm decides what comes of one side of a handover confirming. Who goes off duty gives their word; the first of those who come on has
// the requests: their logs follow.
func confirm(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	m := s.Matter
	outgoing := person == m.Person
	switch {
	case outgoing && !m.Signed.IsZero(), !outgoing && s.Owner == person:
		return nil, notifier.AlreadyConfirmed
	case !outgoing && s.Owner != "":
		return nil, notifier.AlreadyTaken
	case s.Status.Ended():
		return nil, notifier.HandoverOver
	case !outgoing && !slices.Contains(m.Asks, person): // it was offered to them, and is offered to somebody else now
		return nil, notifier.HandoverOver
	}
	events := []request.Event{request.NewEvent(request.HandoverConfirmed, request.HandoverConfirmedBody{Page: page, Person: person, Via: via})}
	events = append(events, cancelPages(s, now, "confirmed", func(p *request.Page) bool {
		return p.Purpose == request.Ask && (p.Person == m.Person) == outgoing
	})...)
	if outgoing {
		return events, notifier.Signed
	}
	return events, notifier.TakenOver
}
