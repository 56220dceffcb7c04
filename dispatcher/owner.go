package dispatcher

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const (
	// ownerSpan is within what time after the alarm the owner of a failing contact is told: a day and a night, so that a day is in it wherever they
	// live. Logs of operations are known for longer than that.
	ownerSpan = 36 * time.Hour
	// ownerCalls is how often the owner is called who does not pick up, and ownerPause the time between two calls.
	ownerCalls = 3
	ownerPause = time.Hour
)

// ownersToTell lists the matters by which owners of failing contacts are told: one for each alarm that stands, whose owner has another contact.
func (m *Machine) ownersToTell(p *plan) (list []request.MatterBody) {
	for _, s := range m.Watched() {
		person, contact, ok := s.Alarm.OfContact()
		if !ok || s.Status.Ended() || !p.now.Before(s.Received.Add(ownerSpan)) {
			continue
		}
		b := request.MatterBody{
			Kind: request.OpsContact, Cause: "alarm " + s.Ref.String(), About: string(p.aboutContact(person, contact, s.Alarm.Failing.Why)), Tells: []string{person},
			Person: person, Contact: contact, Alarm: s.Ref, Expires: request.At(s.Received.Add(ownerSpan)),
		}
		if !m.raised(b) && (p.wayTo(b, nil) != nil || p.besideContact(notifier.MediumEmail, person) != nil) {
			list = append(list, b)
		}
	}
	return list
}

// aboutContact says what the owner of a failing contact is told.
func (p *plan) aboutContact(person, contact string, why request.Why) notifier.About {
	switch c := p.contactNamed(person, contact); {
	case c != nil && c.Channel == notifier.MediumVoice:
		return notifier.TellCallsFail
	case why == request.WhyOptedOut:
		return notifier.TellOptedOut
	default:
		return notifier.TellTextsFail
	}
}

// contactLog plans for the news that a contact fails: by day its owner gets a text over another number, or else a call, and an e-mail beside.
// It is called off when the alarm is over before.
func (p *plan) contactLog() {
	switch {
	case p.s.Status.Ended():
		p.finish()
		return
	case p.Roster == nil:
		p.wakeAt(p.now.Add(time.Second))
		return
	}
	m := &p.s.Matter.MatterBody
	alarm := p.others[m.Alarm]
	switch home := p.home("", m.Person); {
	case !p.now.Before(m.Expires.Time), p.knowsOfContact():
		p.endTold()
	case alarm != nil && alarm.state.Status.Ended() && !p.sent():
		p.endWith(EndedCalledOff)
	case !awake(p.now, home):
		p.wakeAt(morning(p.now, home))
		p.wakeAt(m.Expires.Time)
	default:
		p.tellOwner(m)
		if len(p.events) == 0 && !p.onItsWay() && p.wake.IsZero() {
			p.endTold()
		}
		p.wakeAt(m.Expires.Time)
	}
}

// endTold ends a matter by whether anything of it has gone out.
func (p *plan) endTold() {
	if p.sent() || p.knowsOfContact() {
		p.endWith(EndedTold)
	} else {
		p.endWith(EndedExpired)
	}
}

// tellOwner orders the next page over a contact that works, while nothing is on its way, and an e-mail beside the first.
func (p *plan) tellOwner(m *request.MatterBody) {
	about := func(page *request.Page) bool { return page.About == m.About }
	if mailbox := p.besideContact(notifier.MediumEmail, m.Person); mailbox != nil && !p.hasPage(m.Person, about) {
		p.notice(m.Person, m.About, 0, 0, notifier.MediumEmail, mailbox)
	}
	if p.onItsWay() {
		return
	}
	contact := p.wayTo(*m, p.inVain())
	if contact == nil {
		return
	}
	if again := p.lastCall(contact.ID).Add(ownerPause); p.now.Before(again) {
		p.wakeAt(again)
		return
	}
	local := p.now.In(p.home("", m.Person))
	night := time.Date(local.Year(), local.Month(), local.Day(), quietFrom, 0, 0, 0, local.Location())
	p.order(m.Person, request.PageBody{Purpose: request.Notice, About: m.About, Expires: request.At(sooner(night, m.Expires.Time))}, contact)
}

// sooner is the earlier of two times.
func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// wayTo is a contact of the owner that works, besides those that were tried: for texts to another number, else for calls, to another number first.
// A number that does not exist is not called either.
func (p *plan) wayTo(m request.MatterBody, tried []string) *roster.Contact {
	who, _ := p.Roster.Person(m.Person)
	bad := p.contactNamed(m.Person, m.Contact)
	same := func(c *roster.Contact) bool { return bad != nil && c.Address == bad.Address }
	dead := false
	if alarm := p.others[m.Alarm]; alarm != nil {
		dead = alarm.state.Alarm.Failing.Why == request.WhyNoNumber
	}
	var best *roster.Contact
	rank := func(c *roster.Contact) int {
		switch {
		case c.Channel == notifier.MediumSMS && !same(c):
			return 3
		case c.Channel == notifier.MediumVoice && !same(c):
			return 2
		case c.Channel == notifier.MediumVoice && !dead:
			return 1
		}
		return 0
	}
	for i := range who.Contacts {
		c := &who.Contacts[i]
		usable := c.ID != m.Contact && c.Address != "" && slices.Contains(p.Media, c.Channel) && !slices.Contains(tried, c.ID) && !p.fails(m.Person, c.ID)
		if usable && rank(c) > 0 && (best == nil || rank(c) > rank(best)) {
			best = c
		}
	}
	return best
}

// fails reports whether an alarm stands about a contact.
func (p *plan) fails(person, contact string) bool {
	cause := request.FailingCause(person, contact)
	for _, e := range p.alarms {
		if e.state.Alarm.Kind == request.AlarmFailing && e.state.Alarm.Cause == cause && !e.state.Status.Ended() {
			return true
		}
	}
	return false
}

// onItsWay reports whether a page over a telephone may still reach the owner: it waits, or the telephone rings.
func (p *plan) onItsWay() bool {
	return slices.ContainsFunc(p.s.Pages, func(page request.Page) bool {
		rings := page.Channel == notifier.MediumVoice && page.State == request.PageSent && p.now.Before(page.Ordered.Add(ownerPause))
		return page.State.Open() || rings || page.State == request.PageAnswered
	})
}

// knowsOfContact reports whether the owner was told: a text went out, or somebody has listened to a call.
func (p *plan) knowsOfContact() bool {
	return slices.ContainsFunc(p.s.Pages, func(page request.Page) bool {
		if page.Channel == notifier.MediumVoice {
			made := page.Made()
			return made != nil && made.Failure == request.FailedNoKey && made.Code == completed
		}
		return page.Channel == notifier.MediumSMS && (page.State == request.PageSent || page.State == request.PageDelivered)
	})
}

// inVain lists the contacts that are not tried again: those that failed for good, and those that were called often enough.
func (p *plan) inVain() (ids []string) {
	calls := map[string]int{}
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		made := page.Made()
		if calls[page.Contact]++; (made != nil && page.State == request.PageFailed && made.Failure != request.FailedNoKey) || calls[page.Contact] >= ownerCalls {
			ids = append(ids, page.Contact)
		}
	}
	return ids
}

// lastCall is when a contact was called last; zero when it was not.
func (p *plan) lastCall(contact string) (at time.Time) {
	for i := range p.s.Pages {
		if page := &p.s.Pages[i]; page.Contact == contact && page.Ordered.After(at) {
			at = page.Ordered
		}
	}
	return at
}

// describe fills what the owner of a failing contact is told of it: the last two digits of the number, and from which of ours texts go to it.
func (m *Machine) describe(d *notifier.Duty, b *request.MatterBody) {
	bad := (&plan{Planner: m.planner}).contactNamed(b.Person, b.Contact)
	if bad == nil || len(bad.Address) < 2 {
		return
	}
	d.Digits = bad.Address[len(bad.Address)-2:]
	refuses := ""
	if alarm := m.entries[b.Alarm]; alarm != nil {
		refuses = alarm.state.Alarm.Failing.Provider
	}
	for _, p := range m.opts.Providers {
		if p.Medium == notifier.MediumSMS && (refuses == "" || p.Name == refuses) {
			d.Number = p.Lane(notifier.Phone(bad.Address))
			return
		}
	}
}
