package web

import (
	"strings"

	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A failingContact is a contact over which pages do not arrive, as an alarm says that stands.
type failingContact struct {
	Alarm    string          `json:"alarm"` // its reference
	Why      request.Why     `json:"why"`
	Provider string          `json:"provider,omitempty"`
	Code     string          `json:"code,omitempty"` // the provider's
	Since    request.Instant `json:"since"`
	Detail   string          `json:"detail"`
	Fix      string          `json:"fix"`

	person  roster.Person
	channel string
	works   string // a channel of another contact that does not fail; "": none
}

// failing lists the contacts that fail, by the cause of their alarms.
func failing(c *roster.Compiled, alarms []*request.State) (order []string, contacts map[string]*failingContact) {
	contacts = map[string]*failingContact{}
	for _, s := range alarms {
		id, contact, ok := s.Alarm.OfContact()
		p, known := c.Person(id)
		if !ok || !known || s.Status.Ended() {
			continue
		}
		for _, k := range p.Contacts {
			if k.ID == contact {
				f := s.Alarm.Failing
				order = append(order, s.Alarm.Cause)
				contacts[s.Alarm.Cause] = &failingContact{Alarm: s.Ref.String(), Why: f.Why, Provider: f.Provider, Code: f.Code, Since: f.Since, person: p, channel: k.Channel}
			}
		}
	}
	for cause, one := range contacts {
		for _, k := range one.person.Contacts {
			if contacts[request.FailingCause(one.person.ID, k.ID)] == nil && k.Telephone() && (one.works == "" || k.Channel == "voice") {
				one.works = k.Channel
			}
		}
		one.Detail, one.Fix = adviceOnContact(one, request.Failing{Why: one.Why, Provider: one.Provider, Code: one.Code, Since: one.Since})
		contacts[cause] = one
	}
	return order, contacts
}

// adviceOnContact says in words what fails, and what to do.
func adviceOnContact(c *failingContact, f request.Failing) (detail, fix string) {
	detail = map[string]string{"sms": "Texts", "voice": "Calls"}[c.channel] + " to " + c.person.CallSign + " fail: " + f.Detail() + "; " +
		map[string]string{"sms": "texts still work.", "voice": "calls still work.", "": "nothing else works."}[c.works]
	test := "send a test page (dutyline page test " + c.person.ID + ")."
	switch f.Why {
	case request.WhyOptedOut:
		return detail, "Ask " + c.person.CallSign + " to send START from that telephone to the number that texts them, then " + test
	case request.WhyNoNumber:
		return detail, "Mend the number of " + c.person.CallSign + " under contacts, then " + test
	case request.WhyCountry:
		return detail, "Let the provider's account send to that country, then " + test
	case request.WhyCarrier:
		return detail, "Ask " + c.person.CallSign + " whether that telephone is on, then " + test
	default:
		return detail, "Ask " + c.person.CallSign + " and the carrier, give them another number, then " + test
	}
}

// failingLines says on the page which contacts fail, a line for each.
func (v viewer) failingLines(alarms []*request.State) (lines []string) {
	if v.roster == nil {
		return nil
	}
	order, contacts := failing(v.roster, alarms)
	for _, cause := range order {
		c := contacts[cause]
		works := c.works
		if works == "" {
			works = "none"
		}
		what := phrase.Text(v.language, phrase.Key("failing_"+c.channel), phrase.Args{CallSign: "\u2068" + c.person.CallSign + "\u2069"})
		lines = append(lines, strings.Join([]string{
			what + ": " + word(v.language, "failing_why_"+string(c.Why)), word(v.language, "failing_since") + " \u2066" + v.local(c.Since.Time) + "\u2069", word(v.language, "failing_other_"+works),
		}, " · "))
	}
	return lines
}
