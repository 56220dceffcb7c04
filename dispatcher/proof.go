package dispatcher

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// testLife is how long a test page can be answered.
const testLife = 30 * time.Minute

// Why the log of a test page ends, besides [EndedExpired].
const (
	EndedVerified  = "verified"  // each telephone that could be reached was answered over
	EndedUnreached = "unreached" // none could be reached
)

// TestPage is the matter of a test page to a person: over each contact for texts, and by a call over each other telephone; with calls, by a call
// over those that take both, too. mark gives the digest of an address for the test that a cause names. Whoever orders the same within a minute
// orders one. ok is false when the person has no telephone.
func TestPage(p roster.Person, calls bool, now time.Time, mark MarkOf) (b request.MatterBody, ok bool) {
	now = now.UTC().Truncate(time.Minute)
	b = request.MatterBody{
		Kind: request.OpsTest, Cause: p.ID + " " + now.Format(time.RFC3339), About: string(notifier.AskToAnswer), Asks: []string{p.ID}, Person: p.ID,
		Expires: request.At(now.Add(testLife)),
	}
	if calls {
		b.Cause += " calls"
	}
	if p.Erased {
		return b, false
	}
	for _, c := range tested(p, calls) {
		b.Contacts = append(b.Contacts, request.Tested{Contact: c.ID, Mark: mark(b.Cause, c.ID, c.Address)})
	}
	return b, len(b.Contacts) > 0
}

// tested lists the contacts that a test goes to: those for texts, and those for calls alone; with calls, all of telephones.
func tested(p roster.Person, calls bool) (list []roster.Contact) {
	texted := map[string]bool{}
	for _, c := range p.Contacts {
		texted[c.Address] = texted[c.Address] || c.Channel == notifier.MediumSMS
	}
	for _, c := range p.Contacts {
		if c.Channel == notifier.MediumSMS || (c.Channel == notifier.MediumVoice && (calls || !texted[c.Address])) {
			list = append(list, c)
		}
	}
	return list
}

// NightOf reports whether nobody may be woken for a test: it is between 22:00 and 07:00 where the person lives, as far as their book says.
func NightOf(c *roster.Compiled, person string, now time.Time) bool {
	return !awake(now, (&plan{Planner: Planner{Roster: c}}).home("", person))
}

// test plans for a test page: one page over each contact. It ends when all were answered, when none is left that could be, or when its time is over.
func (p *plan) test() {
	m := p.s.Matter
	switch {
	case p.s.Status.Ended():
		p.finish()
		return
	case p.Roster == nil:
		p.wakeAt(p.now.Add(time.Second))
		return
	case !p.now.Before(m.Expires.Time):
		p.endWith(EndedExpired)
		return
	}
	waits := false
	for _, tested := range m.Contacts {
		page := p.testOf(tested.Contact)
		if page == nil {
			if contact := p.contactNamed(m.Person, tested.Contact); contact != nil {
				p.order(m.Person, request.PageBody{Purpose: request.Ask, About: m.About, Level: 1, Round: 1}, contact)
				waits = true
			}
			continue
		}
		_, proved := m.Proved(page.Page)
		waits = waits || (!proved && page.State != request.PageFailed)
	}
	switch {
	case waits:
		p.wakeAt(m.Expires.Time)
	case len(m.Proofs) > 0:
		p.endWith(EndedVerified)
	default:
		p.endWith(EndedUnreached)
	}
}

// testOf is the page over a contact that is tested; nil before it is ordered.
func (p *plan) testOf(contact string) *request.Page {
	i := slices.IndexFunc(p.s.Pages, func(page request.Page) bool { return page.Contact == contact })
	if i < 0 {
		return nil
	}
	return &p.s.Pages[i]
}

// contactNamed is a contact of a person over which we can page; nil where there is none.
func (p *plan) contactNamed(person, id string) *roster.Contact {
	who, _ := p.Roster.Person(person)
	for i := range who.Contacts {
		if c := &who.Contacts[i]; c.ID == id && c.Address != "" && slices.Contains(p.Media, c.Channel) {
			return c
		}
	}
	return nil
}

// Proves says which contact an answer to a test page would verify, and what comes of it: TestPassed for one that may be verified now, or was by this
// page; TestOver; NotYours for what is no answer to a page of this person, as from the duty page.
func Proves(s *request.State, now time.Time, person, page string) (tested request.Tested, done bool, kind notifier.AnswerKind) {
	p := s.Page(page)
	if s.Kind() != request.OpsTest || p == nil || p.Person != person || p.Purpose != request.Ask {
		return tested, false, notifier.NotYours
	}
	if _, done = s.Matter.Proved(page); done {
		return tested, true, notifier.TestPassed
	}
	i := slices.IndexFunc(s.Matter.Contacts, func(t request.Tested) bool { return t.Contact == p.Contact })
	if i < 0 || s.Status.Ended() || !now.Before(s.Matter.Expires.Time) {
		return tested, false, notifier.TestOver
	}
	return s.Matter.Contacts[i], false, notifier.TestPassed
}

// acknowledgeTest decides what the log of a test page says of an answer: that page is over, and the others go on.
func acknowledgeTest(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	_, done, kind := Proves(s, now, person, page)
	if done || kind != notifier.TestPassed {
		return nil, kind
	}
	events := []request.Event{request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: page, Person: person, Via: via})}
	return append(events, cancelPages(s, now, "acknowledged", func(p *request.Page) bool { return p.Page == page })...), kind
}
