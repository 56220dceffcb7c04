package dispatcher

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// ask orders the first pages of a step for one person: over every channel that the policy uses at once, or over the first contact there is.
// A channel over which the person is still being asked is left alone.
func (p *plan) ask(person string, level, round int) {
	body := request.PageBody{Purpose: request.Ask, About: p.about(person), Level: level, Round: round}
	before := p.pages
	for _, rule := range p.rules(level) {
		if rule.After > 0 {
			continue
		}
		if p.asking(person, rule.Channel) {
			p.pages++
		} else if contact := p.contactOver(rule.Channel, person, nil); contact != nil {
			p.order(person, body, contact)
		}
	}
	switch contact := p.contact(person, nil); {
	case p.pages > before:
	case p.asking(person, ""):
		p.pages++
	case contact != nil:
		p.order(person, body, contact)
	case p.s.Ref.IsOps(): // an alarm about an alarm would reach the same people
	default:
		p.raise(request.AlarmNoChannel, "person "+person)
	}
	p.tellBeside(person, level, round) // whatever came of the telephone
}

// asking reports whether an asking page for a person is on its way over a channel ("" is any). One that is left of two does not count.
func (p *plan) asking(person, channel string) bool {
	return p.hasPage(person, func(page *request.Page) bool {
		return page.Purpose == request.Ask && (channel == "" || page.Channel == channel) && page.State.Open() && !p.expired(page) && !p.left(page)
	})
}

// order adds a page over a contact of a person.
func (p *plan) order(person string, body request.PageBody, contact *roster.Contact) {
	wait := max(p.Policy.Validity, p.Policy.wait(p.s.Urgency))
	if p.s.Ref.IsOps() {
		wait = max(p.Policy.Validity, p.Policy.Repeat) // a provider that fails may be what it is about
	}
	expires := p.now.Add(wait)
	if m := p.s.Matter; m != nil && !m.Expires.IsZero() {
		expires = m.Expires.Time
	}
	if !body.Expires.IsZero() {
		expires = body.Expires.Time
	}
	body.Page = p.nextPage()
	body.Recipient, body.Person, body.Channel, body.Contact = cmp.Or(body.Recipient, p.recipient()), person, contact.Channel, contact.ID
	body.RosterRevision, body.Expires = p.Roster.Revision(), request.At(expires)
	p.add(request.PageOrdered, body)
	p.pages++
	p.first = cmp.Or(p.first, person)
	p.fresh = append(p.fresh, person+" "+contact.Channel)
	if p.twice(&body) {
		twin := body
		twin.Provider, twin.Reason = p.Paths[body.Channel][1], request.PathBoth
		p.order(person, twin, contact)
	}
}

// nextPage names the next page that is ordered. A version that counts otherwise may have used a name already.
func (p *plan) nextPage() string {
	for p.named = max(p.named, len(p.s.Pages)); ; {
		p.named++
		if name := fmt.Sprintf("p%d", p.named); p.s.Page(name) == nil {
			return name
		}
	}
}

// contact is the person's first contact over a medium that we have, leaving out those in skip.
func (p *plan) contact(person string, skip []string) *roster.Contact {
	return p.contactOver("", person, skip)
}

// contactOver is the same over one medium; "" is any.
func (p *plan) contactOver(medium, person string, skip []string) *roster.Contact {
	if p.Roster == nil {
		return nil
	}
	who, ok := p.Roster.Person(person)
	if !ok {
		return nil
	}
	for i := range who.Contacts {
		if c := &who.Contacts[i]; c.Address != "" && slices.Contains(p.Media, c.Channel) && (medium == "" || c.Channel == medium) && !slices.Contains(skip, c.ID) {
			return c
		}
	}
	return nil
}

// tried lists the contacts of a person that the current step has used.
func (p *plan) tried(person string) []string {
	var ids []string
	for i := range p.s.Pages {
		if page := &p.s.Pages[i]; page.Person == person && p.inStep(page) {
			ids = append(ids, page.Contact)
		}
	}
	return ids
}

// mend keeps the current step whole while it waits: the next contact for whoever's page failed for good, and pages for whoever a shift
// or an edit has put on duty since.
func (p *plan) mend() {
	step := p.s.Step
	if step.Count == 0 || p.Roster == nil {
		return
	}
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if !p.inStep(page) || page.State != request.PageFailed || slices.Contains(p.s.Passed, page.Person) || p.s.Settled(page) {
			continue
		}
		if last := page.Made(); last != nil && last.Failure == request.FailedNoKey {
			p.recall(page)
			continue
		}
		if p.hasPage(page.Person, func(q *request.Page) bool { return q.Purpose == request.Ask && q.Ordered.After(page.Ordered) }) || p.hasLater(page) {
			continue
		}
		if contact := p.contact(page.Person, p.tried(page.Person)); contact != nil {
			p.order(page.Person, p.body(page.Person), contact)
		}
	}
	p.laterChannels()
	p.secondPaths()
	targets, _ := p.resolve(step.Level, step.Everyone)
	fresh := targets[:0:0]
	for _, t := range targets {
		if !slices.Contains(step.Targets, t.Person) {
			fresh = append(fresh, t)
		}
	}
	if len(fresh) > 0 {
		p.add(request.Escalated, request.EscalatedBody{
			Level: step.Level, Round: step.Round, Everyone: step.Everyone, Cause: request.CauseRoster, RosterRevision: p.Roster.Revision(), Targets: fresh,
		})
		for _, t := range fresh {
			p.ask(t.Person, step.Level, step.Round)
		}
	}
	if change, ok := p.nextChange(step); ok {
		p.wakeAt(change)
	}
}

// inStep reports whether a page asks in the current step.
func (p *plan) inStep(page *request.Page) bool {
	return page.Purpose == request.Ask && page.Step == p.s.Step.Count && page.Level == p.s.Step.Level && page.Round == p.s.Step.Round
}

// body is the page of the current step.
func (p *plan) body(person string) request.PageBody {
	return request.PageBody{Purpose: request.Ask, About: p.about(person), Level: p.s.Step.Level, Round: p.s.Step.Round}
}

// recall repeats a call that nobody answered with a key, as often as the policy says, and through the same provider: what rings through silent
// hours is the second call from one number.
func (p *plan) recall(page *request.Page) {
	calls, same, via := 0, 0, p.via(page)
	for i := range p.s.Pages {
		q := &p.s.Pages[i]
		if !q.Beside(page) {
			continue
		}
		if calls++; p.via(q) != via && q.Provider != via { // one that was to repeat it and went through the other has done so
			continue
		}
		if same++; q.State != request.PageFailed {
			return // it rings again already
		}
	}
	if same > p.Policy.Recalls || calls >= (1+p.Policy.Recalls)*max(1, len(p.Paths[page.Channel])) {
		return
	}
	who, _ := p.Roster.Person(page.Person)
	for i := range who.Contacts {
		if who.Contacts[i].ID == page.Contact {
			body := p.body(page.Person)
			if len(p.Paths[page.Channel]) > 1 {
				body.Provider, body.Reason = via, page.Reason
			}
			p.order(page.Person, body, &who.Contacts[i])
			return
		}
	}
}

// laterChannels asks over the channels whose time within the step has come. Those that are used at once were used when the step was taken,
// except when the urgency has changed since.
func (p *plan) laterChannels() {
	base := p.s.Step.Decided
	if !p.s.Step.Sent.IsZero() {
		base = p.s.Step.Sent
	}
	for _, rule := range p.rules(p.s.Step.Level) {
		if rule.After == 0 && !p.s.UrgencyChanged.After(p.s.Step.Decided) {
			continue
		}
		for _, person := range p.s.Step.Targets {
			contact := p.contactOver(rule.Channel, person, p.tried(person))
			if contact == nil || p.s.Settled(&request.Page{PageBody: request.PageBody{Person: person}}) || (rule.After == 0 && p.asking(person, rule.Channel)) || slices.Contains(p.s.Passed, person) || p.hasPage(person, func(q *request.Page) bool {
				return q.Channel == rule.Channel && p.inStep(q)
			}) {
				continue
			}
			if at := base.Add(rule.After); p.now.Before(at) {
				p.wakeAt(at)
			} else if !p.ordered(person, rule.Channel) {
				p.order(person, p.body(person), contact)
			}
		}
	}
}

// ordered reports whether this plan has ordered a page for a person over a channel.
func (p *plan) ordered(person, channel string) bool {
	return slices.Contains(p.fresh, person+" "+channel)
}

// hasLater reports whether the same person was given another page after this one, in the same commit order.
func (p *plan) hasLater(page *request.Page) bool {
	seen := false
	for i := range p.s.Pages {
		q := &p.s.Pages[i]
		if q.Page == page.Page {
			seen = true
		} else if seen && q.Person == page.Person && q.Purpose == request.Ask {
			return true
		}
	}
	return false
}
