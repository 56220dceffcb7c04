package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// readinessOfRoster is everything that a coordinator wants to know of the roster before the next night.
type readinessOfRoster struct {
	spanAnswer

	Revision uint64           `json:"revision"`
	Rosters  []rosterReady    `json:"rosters"`
	People   []personReady    `json:"people"`
	Findings []findingsAnswer `json:"findings"` // what is wrong within the span, in the order in which it begins
}

// rosterReady says who is on duty at the begin of the span, and who comes after them.
type rosterReady struct {
	Roster       string          `json:"roster"`
	TimeZone     string          `json:"time_zone"`
	OnDuty       []string        `json:"on_duty"`
	NextHandover request.Instant `json:"next_handover"` // null: not within the span
	Next         []string        `json:"next"`
}

// personReady says how somebody is reached, and when they are on duty the next time within the span. Numbers are left out.
type personReady struct {
	Person   string         `json:"person"`
	CallSign string         `json:"call_sign"`
	Contacts []contactReady `json:"contacts"`
	Verified bool           `json:"verified"` // one of them is
	Duty     *dutyReady     `json:"duty"`     // null: none
}

type contactReady struct {
	ID       string `json:"id"`
	Channel  string `json:"channel"`
	Verified bool   `json:"verified"`
	// Of a contact that was verified by a test page: when, and until when that counts (not included).
	VerifiedAt    request.Instant `json:"verified_at,omitzero"`
	VerifiedUntil request.Instant `json:"verified_until,omitzero"`
	// Failing says why pages over it do not arrive now; absent of one that works as far as is known.
	Failing *failingContact `json:"failing,omitempty"`
}

type dutyReady struct {
	Roster string `json:"roster"`
	spanAnswer
}

// findingsAnswer is one thing that is wrong, and what to do.
type findingsAnswer struct {
	Kind   roster.FindingKind `json:"kind"`
	Roster string             `json:"roster"`
	spanAnswer

	People  []string `json:"people"`         // unverified: who; uncovered: who is on duty
	Rule    string   `json:"rule,omitempty"` // uncovered
	Missing []string `json:"missing,omitempty"`
	Detail  string   `json:"detail"`
	Fix     string   `json:"fix"`
}

// rosterReadiness tells over a span whether everybody who is on duty can be reached, and what is wrong. Officers may read it: it has no names and no
// numbers.
func (s *Server) rosterReadiness(w http.ResponseWriter, r *http.Request, _ caller) error {
	from, until, err := s.span(r)
	if err != nil {
		return err
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, readinessFor(current, s.States.Alarms(), from, until))
}

func readinessFor(c *roster.Compiled, alarms []*request.State, from, until time.Time) readinessOfRoster {
	answer := readinessOfRoster{
		spanAnswer: between(from, until), Revision: c.Revision(), Rosters: []rosterReady{}, People: []personReady{}, Findings: []findingsAnswer{},
	}
	duties := map[string]*dutyReady{}
	for _, one := range c.Book().Rosters {
		ready := rosterReady{Roster: one.ID, TimeZone: one.TimeZone, OnDuty: []string{}, Next: []string{}}
		first := true
		for shift := range c.Shifts(one.ID, from, until) {
			switch {
			case first:
				ready.OnDuty, first = append(ready.OnDuty, shift.People...), false
			case ready.NextHandover.IsZero() && !slices.Equal(shift.People, ready.OnDuty):
				ready.NextHandover, ready.Next = request.At(shift.From), append(ready.Next, shift.People...)
			}
			for _, person := range shift.People {
				switch d := duties[person]; {
				case d == nil || shift.From.Before(d.From.Time):
					duties[person] = &dutyReady{one.ID, between(shift.From, shift.Until)}
				case d.Roster == one.ID && d.Until.Equal(shift.From):
					d.Until = request.At(shift.Until)
				}
			}
		}
		answer.Rosters = append(answer.Rosters, ready)
	}
	_, fail := failing(c, alarms)
	for _, p := range c.Book().People {
		if p.Erased && duties[p.ID] == nil {
			continue
		}
		ready := personReady{Person: p.ID, CallSign: p.CallSign, Contacts: []contactReady{}, Verified: p.VerifiedAt(from), Duty: duties[p.ID]}
		for _, contact := range p.Contacts {
			if !contact.Telephone() { // nobody is reached by it, and nothing of it can be verified
				continue
			}
			one := contactReady{ID: contact.ID, Channel: contact.Channel, Verified: contact.VerifiedAt(from), Failing: fail[request.FailingCause(p.ID, contact.ID)]}
			if end, ends := contact.VerifiedUntil(); ends {
				one.VerifiedAt, one.VerifiedUntil = request.At(contact.Tested), request.At(end)
			}
			ready.Contacts = append(ready.Contacts, one)
		}
		answer.People = append(answer.People, ready)
	}
	for _, f := range c.Findings(from, until) {
		detail, fix := adviceOn(c, f)
		answer.Findings = append(answer.Findings, findingsAnswer{f.Kind, f.Roster, between(f.From, f.Until), append([]string{}, f.People...), f.Rule, f.Missing, detail, fix})
	}
	return answer
}

// adviceOn says in words what is wrong, and what to do.
func adviceOn(c *roster.Compiled, f roster.Finding) (detail, fix string) {
	switch f.Kind {
	case roster.FoundUnverified:
		p, _ := c.Person(f.People[0])
		if !p.Telephone() {
			return p.CallSign + " is on duty and has no telephone.", "Give " + p.CallSign + " a telephone under contacts, and send a test page (dutyline page test " + p.ID + ")."
		}
		return p.CallSign + " is on duty and no telephone is verified.", "Send a test page to " + p.CallSign + " (dutyline page test " + p.ID + "), or try a telephone and set verified of that contact."
	case roster.FoundUncovered:
		return "Rule " + f.Rule + " is broken: without " + strings.Join(f.Missing, ", ") + ".", "Put somebody on duty beside them who has it: an override of the kind add."
	default:
		return "Nobody is on duty.", "Put somebody on duty: an override of the kind replace, or a turn."
	}
}
