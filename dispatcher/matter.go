package dispatcher

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// Why the log of a matter ends (request.MatterEndedBody.Reason).
const (
	EndedTold      = "told"       // those who were to be told were told
	EndedExpired   = "expired"    // nobody could be told before it was of no use
	EndedCalledOff = "called_off" // an edit took the shift away

	EndedConfirmed = "confirmed"     // both sides of a handover did
	EndedUnsigned  = "unsigned"      // who came on duty confirmed, who went off duty did not
	EndedNothing   = "nothing_left"  // nothing is left to hand over
	EndedOnDuty    = "on_duty_again" // who went off duty is on duty, and keeps the requests
)

// CalledOff reports whether a matter ended because its cause was gone: should that come back, it is raised again.
func CalledOff(s *request.State) bool {
	return s.Matter != nil && (s.Matter.Reason == EndedCalledOff || s.Matter.Reason == EndedOnDuty)
}

// ops plans for a log that belongs to no request, by what it is about. A kind of a later version is left to newer nodes.
func (p *plan) ops() {
	if grace := p.s.LastTime.Add(tooNewGrace); p.s.TooNew() && p.s.Kind() != request.OpsAlarm && p.now.Before(grace) {
		p.wakeAt(grace)
		return
	}
	switch p.s.Kind() {
	case request.OpsAlarm:
		p.alarm()
	case request.OpsShift, request.OpsCover:
		p.matter()
	case request.OpsHandover:
		p.handover()
	case request.OpsTest:
		p.test()
	case request.OpsCanary:
		p.canary()
	case request.OpsContact:
		p.contactLog()
	}
}

// matter plans for a shift or a cover request: who is told gets one text, who is asked one with a code, and nobody a call. What only
// tells ends when its texts have come to an end, a shift also when an edit takes it away; a cover request is ended by whoever keeps the roster.
func (p *plan) matter() {
	m := p.s.Matter
	switch {
	case p.s.Status.Ended():
		p.finish()
		return
	case p.Roster == nil:
		p.wakeAt(p.now.Add(time.Second))
		return
	case m.Kind == request.OpsShift && !p.sent() && !p.begins(m.Roster, m.Person, m.From.Time):
		p.endWith(EndedCalledOff)
		return
	case !m.Expires.IsZero() && !p.now.Before(m.Expires.Time):
	default:
		for _, person := range m.Tells {
			p.notify(person, m.About)
		}
		if p.s.Owner == "" {
			p.askInTexts(m.Asks)
		}
	}
	if p.s.Owner != "" {
		p.callOff("acknowledged")
	}
	if (m.Kind == request.OpsShift || len(m.Asks) == 0) && len(p.events) == 0 && !p.open() {
		if p.sent() {
			p.endWith(EndedTold)
		} else {
			p.endWith(EndedExpired)
		}
	}
}

// askInTexts takes the one step of a cover request, and mends it: each of them is asked by a text with a code.
func (p *plan) askInTexts(people []string) {
	if p.s.Step.Count == 0 && len(people) > 0 {
		p.add(request.Escalated, request.EscalatedBody{
			Level: 1, Round: 1, Cause: request.CauseReceived, RosterRevision: p.Roster.Revision(), Targets: targetsOf(people, string(p.s.Kind())),
		})
	}
	for _, person := range people {
		p.text(person, request.PageBody{Purpose: request.Ask, About: string(p.s.Kind()), Level: 1, Round: 1})
	}
}

func targetsOf(people []string, why string) []request.Target {
	targets := make([]request.Target, len(people))
	for i, person := range people {
		targets[i] = request.Target{Person: person, Why: []string{why}}
	}
	return targets
}

// notify tells a person something once, by a text.
func (p *plan) notify(person, about string) {
	p.text(person, request.PageBody{Purpose: request.Notice, About: about})
}

// text orders a page over a person's first contact for texts, unless there is such a page already; when it failed for good, over the next.
func (p *plan) text(person string, body request.PageBody) {
	var tried []string
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if page.Person != person || page.Purpose != body.Purpose || page.About != body.About || page.Round != body.Round {
			continue
		}
		if page.State != request.PageFailed {
			return
		}
		tried = append(tried, page.Contact)
	}
	if contact := p.contactOver(notifier.MediumSMS, person, tried); contact != nil {
		p.order(person, body, contact)
	}
}

// begins reports whether a person comes on duty on a roster at a moment.
func (p *plan) begins(roster, person string, at time.Time) bool {
	return slices.Contains(p.Roster.Who(roster, at), person) && !slices.Contains(p.Roster.Who(roster, at.Add(-1)), person)
}

// sent reports whether a page of this log has reached a provider.
func (p *plan) sent() bool {
	return slices.ContainsFunc(p.s.Pages, func(page request.Page) bool {
		return page.State == request.PageSending || page.State == request.PageSent || page.State == request.PageAnswered || page.State == request.PageDelivered
	})
}

// open reports whether the lanes still have work with this log.
func (p *plan) open() bool {
	return slices.ContainsFunc(p.s.Pages, func(page request.Page) bool { return page.State.Open() })
}

// endWith ends a matter and calls off what was not sent yet. What is left nothing to do with is closed in the same commit.
func (p *plan) endWith(reason string) {
	p.add(request.MatterEnded, request.MatterEndedBody{Reason: reason})
	p.events = append(p.events, cancelPages(p.s, p.now, reason, everyPage)...)
	if !p.open() && !p.s.TooNew() {
		p.add(request.Closed, request.ClosedBody{Reason: string(request.StatusOver)})
	}
}

// finish closes the log of a matter that has ended, when nothing of it is under way any more.
func (p *plan) finish() {
	p.events = append(p.events, cancelPages(p.s, p.now, string(request.StatusOver), everyPage)...)
	if len(p.events) == 0 && !p.open() && !p.s.TooNew() {
		p.add(request.Closed, request.ClosedBody{Reason: string(request.StatusOver)})
	}
	p.waitForCalls()
}

// EndMatter gives the events that end a matter, as a cover request that was accepted or has expired; none when it has ended. Whoever
// must hear of the end is told by another matter.
func EndMatter(s *request.State, now time.Time, reason string) []request.Event {
	if s.Matter == nil || s.Status.Ended() {
		return nil
	}
	return append([]request.Event{request.NewEvent(request.MatterEnded, request.MatterEndedBody{Reason: reason})}, cancelPages(s, now, reason, everyPage)...)
}

// RaiseMatter is the event that begins the log of a matter.
func RaiseMatter(b request.MatterBody) request.Event {
	if b.Kind == request.OpsHandover {
		return request.NewEvent(request.HandoverOffered, b)
	}
	return request.NewEvent(request.MatterRaised, b)
}

// acknowledgeMatter decides what comes of somebody answering what a matter asks: the first one has it.
func acknowledgeMatter(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	switch {
	case s.Owner == person:
		return nil, notifier.AlreadyYours
	case s.Owner != "":
		return nil, notifier.AlreadyTaken
	case s.Status.Ended():
		return nil, notifier.AlreadyEnded
	}
	events := []request.Event{request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: page, Person: person, Via: via})}
	return append(events, cancelPages(s, now, "acknowledged", askingPage)...), notifier.Taken
}

// Matters lists the ops logs of a kind that this machine knows, those that ended within two days among them, the oldest first.
func (m *Machine) Matters(kind request.OpsKind) []*request.State {
	list := m.ofKind(kind)
	for i, s := range list {
		list[i] = s.Clone()
	}
	return list
}

// ofKind lists the machine's own states of a kind.
func (m *Machine) ofKind(kind request.OpsKind) []*request.State {
	var list []*request.State
	for _, e := range m.ops {
		if e.state.Exists() && e.state.Kind() == kind {
			list = append(list, e.state)
		}
	}
	slices.SortFunc(list, func(a, b *request.State) int {
		if c := a.Received.Compare(b.Received); c != 0 {
			return c
		}
		return strings.Compare(string(a.Ref), string(b.Ref))
	})
	return list
}

// duty fills the words of what is told of a matter. Colleagues appear by their call signs, times in the zone of the roster.
func (m *Machine) duty(s *request.State, person string) notifier.Duty {
	b := &s.Matter.MatterBody
	d := notifier.Duty{Roster: b.Roster, Open: b.Open + len(b.Requests)}
	for _, h := range b.Requests {
		d.Requests = append(d.Requests, h.Request)
	}
	if m.planner.Roster == nil {
		return d
	}
	others := []string{b.Person}
	if b.Kind == request.OpsHandover && person == b.Person {
		if others = b.Asks; s.Owner != "" {
			others = []string{s.Owner}
		}
	}
	var signs []string
	for _, id := range others {
		if who, ok := m.planner.Roster.Person(id); ok {
			signs = append(signs, who.CallSign)
		}
	}
	d.CallSign = strings.Join(signs, ", ")
	if b.Kind == request.OpsContact {
		m.describe(&d, b)
	}
	zone := m.planner.Roster.Zone(b.Roster)
	if !b.From.IsZero() {
		d.From = b.From.In(zone)
	}
	if !b.Until.IsZero() {
		d.Until = b.Until.In(zone)
	}
	return d
}
