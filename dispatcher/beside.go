package dispatcher

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// beside are the media that go beside the telephone, with the channel that the contacts have in rosters. Nobody answers over them, so what goes
// over them is a notice, and nothing that is decided about pages looks at it. Do not modify.
var beside = map[string]string{notifier.MediumEmail: roster.Email, notifier.MediumHook: roster.Webhook}

// besideLife is how long it is tried to tell somebody beside their telephone: servers that do not know us yet let the first tries pass.
const besideLife = 30 * time.Minute

// tellBeside orders a notice that a person is asked to take a request or to look after an alarm, over each medium that goes beside their
// telephone: one a step, and none while an earlier one is on its way. What is asked about shifts is settled by telephone alone.
func (p *plan) tellBeside(person string, level, round int) {
	if p.s.Matter != nil {
		return
	}
	for _, medium := range p.Beside {
		contact := p.besideContact(medium, person)
		told := p.hasPage(person, func(page *request.Page) bool {
			return page.About == request.AboutAsked && page.Channel == medium &&
				((page.State.Open() && !p.expired(page)) || (page.Level == level && page.Round == round && page.State != request.PageCalledOff))
		})
		if contact != nil && !told && !p.ordered(person, medium) {
			p.notice(person, request.AboutAsked, level, round, medium, contact)
		}
	}
}

// tellEndBeside tells those who were told beside their telephones that a request has ended. Of an alarm nobody is told.
func (p *plan) tellEndBeside() {
	about := string(p.s.Status)
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if page.About != request.AboutAsked || len(page.Attempts) == 0 {
			continue
		}
		told := p.hasPage(page.Person, func(other *request.Page) bool { return other.About == about && other.Channel == page.Channel })
		if contact := p.besideContact(page.Channel, page.Person); contact != nil && !told && !p.ordered(page.Person, page.Channel) {
			p.notice(page.Person, about, page.Level, page.Round, page.Channel, contact)
		}
	}
}

// notice orders one. It counts as no page of the plan.
func (p *plan) notice(person, about string, level, round int, medium string, contact *roster.Contact) {
	p.add(request.PageOrdered, request.PageBody{
		Page: p.nextPage(), Purpose: request.Notice, About: about, Recipient: p.recipient(), Person: person, Level: level, Round: round,
		Channel: medium, Contact: contact.ID, RosterRevision: p.Roster.Revision(), Expires: request.At(p.now.Add(besideLife)),
	})
	p.fresh = append(p.fresh, person+" "+medium)
}

// besideContact is a person's first contact over a medium that goes beside the telephone, nil when there is none, or nobody serves it.
func (p *plan) besideContact(medium, person string) *roster.Contact {
	if p.Roster == nil || !slices.Contains(p.Beside, medium) {
		return nil
	}
	who, _ := p.Roster.Person(person)
	for i := range who.Contacts {
		if c := &who.Contacts[i]; c.Channel == beside[medium] && c.Address != "" {
			return c
		}
	}
	return nil
}
