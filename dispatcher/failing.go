package dispatcher

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const (
	// evidenceLife is for how long what came of pages says something of a contact: pages are folded for as long by every node.
	evidenceLife = CodeLife
	// mostEvidence is how many attempts are remembered of a contact, the newest.
	mostEvidence = 16
	// lostInARow is how many pages in a row carriers must give up within lostWithin, and none may arrive, for the contact to be failing.
	lostInARow = 3
	lostWithin = 24 * time.Hour
	// farDuty stands for the next duty of whoever has none that is known: the alarm stays quiet until then, and the time moves on before it comes.
	farDuty = roster.VerifiedSpan
)

// A contactKey names a contact of a person.
type contactKey struct{ person, contact string }

// evidence is what came of one attempt over a contact.
type evidence struct {
	ref           request.Ref
	page, attempt string
	joint         string // the text for several in which it went; "" when it went alone
	provider      string
	code          string
	at            time.Time // the attempt was started
	arrived       bool      // else it was refused
	carrier       bool      // by the carrier alone: it may pass
}

// compare orders evidence by time, and in a fixed order where that is the same.
func (e evidence) compare(o evidence) int {
	return cmp.Or(e.at.Compare(o.at), cmp.Compare(e.ref, o.ref), cmp.Compare(e.attempt, o.attempt))
}

// contacts remembers what came of the newest attempts over each contact. What is remembered follows from what was folded alone, in whatever order
// it came.
type contacts map[contactKey][]evidence

// note looks at what a commit says of attempts, after it was folded.
func (c contacts) note(s *request.State, read *request.Parsed) {
	if read.Err() != nil {
		return
	}
	for i, e := range read.Commit().Events {
		switch e.Type {
		case request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed:
			if b, ok := request.Body[request.AttemptBody](read, i); ok {
				c.look(s.Ref, s.Page(b.Page), false)
			}
		case request.Acknowledged:
			if b, ok := request.Body[request.AcknowledgedBody](read, i); ok && (b.Via == request.ViaCode || b.Via == request.ViaKey) {
				c.look(s.Ref, s.Page(b.Page), true)
			}
		case request.Passed:
			if b, ok := request.Body[request.PassedBody](read, i); ok && (b.Via == request.ViaCode || b.Via == request.ViaKey) {
				c.look(s.Ref, s.Page(b.Page), true)
			}
		case request.HandoverConfirmed:
			if b, ok := request.Body[request.HandoverConfirmedBody](read, i); ok && (b.Via == request.ViaCode || b.Via == request.ViaKey) {
				c.look(s.Ref, s.Page(b.Page), true)
			}
		default:
		}
	}
}

// look notes what is known of the attempts of a page. Whose code came back has arrived, whatever was reported.
func (c contacts) look(ref request.Ref, p *request.Page, answered bool) {
	if p == nil || p.Contact == "" || (p.Channel != notifier.MediumSMS && p.Channel != notifier.MediumVoice) {
		return
	}
	key := contactKey{p.Person, p.Contact}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		arrived := a.Arrived() || (answered && i == len(p.Attempts)-1)
		if (!arrived && !a.Refused()) || a.Code == NoAddress.Code {
			continue
		}
		c.add(key, evidence{
			ref: ref, page: p.Page, attempt: a.ID, joint: a.Joint, provider: a.Provider, code: a.Code, at: a.Started, arrived: arrived,
			carrier: !arrived && a.Failure != request.FailedForGood,
		})
	}
}

func (c contacts) add(key contactKey, e evidence) {
	list := c[key]
	if i := slices.IndexFunc(list, func(o evidence) bool { return o.ref == e.ref && o.attempt == e.attempt }); i >= 0 {
		if !list[i].arrived {
			list[i] = e
		}
		return
	}
	at, _ := slices.BinarySearchFunc(list, e, evidence.compare)
	list = slices.Insert(list, at, e)
	c[key] = slices.Delete(list, 0, max(len(list)-mostEvidence, 0))
}

// judge says what is wrong with a contact by what came of the pages to it after a moment; ok is false when nothing is. A provider that refuses for
// good refuses until something arrives through that same provider.
func (c contacts) judge(key contactKey, now, after time.Time) (f request.Failing, ok bool) {
	if old := now.Add(-evidenceLife); after.Before(old) {
		after = old
	}
	list := c[key]
	first, _ := slices.BinarySearchFunc(list, after, func(e evidence, after time.Time) int { return cmp.Or(e.at.Compare(after), -1) })
	if list = list[first:]; allArrived(list) { // as almost everywhere, and each look asks for every contact
		return f, false
	}
	var since time.Time // of the newest refusal
	for i := len(list) - 1; i >= 0; i-- {
		newest := &list[i]
		judged := slices.ContainsFunc(list[i+1:], func(e evidence) bool { return e.provider == newest.provider && !e.carrier })
		if newest.carrier || judged || newest.arrived || newest.at.Before(since) {
			continue
		}
		f = request.Failing{Why: notifier.WhyFailed(newest.provider, newest.code), Provider: newest.provider, Code: newest.code}
		since, ok = newest.at, true
		for j := i; j >= 0; j-- {
			e := &list[j]
			if e.provider == newest.provider && e.arrived {
				break
			}
			if e.provider == newest.provider && !e.carrier {
				f.Since = request.At(e.at)
			}
		}
	}
	if ok {
		return f, true
	}
	return lost(list)
}

func allArrived(list []evidence) bool {
	for i := range list {
		if !list[i].arrived {
			return false
		}
	}
	return true
}

// text is what an attempt's page went in: pages that went in one text have one, as the attempts of one page do.
func (e evidence) text() string { return cmp.Or(e.joint, notifier.JointOf(e.ref, e.page)) }

// lost judges by the last texts alone: whether carriers gave them all up.
func lost(list []evidence) (f request.Failing, ok bool) {
	pages := 0
	for i := len(list) - 1; i >= 0; i-- {
		e := &list[i]
		same := func(o evidence) bool { return o.text() == e.text() }
		switch {
		case slices.ContainsFunc(list, func(o evidence) bool { return same(o) && o.arrived }):
			return f, ok
		case slices.ContainsFunc(list[i+1:], same):
			continue
		case list[len(list)-1].at.Sub(e.at) > lostWithin:
			return f, ok
		}
		if pages++; pages == 1 {
			f = request.Failing{Why: request.WhyCarrier, Code: e.code}
		}
		f.Since, ok = request.At(e.at), pages >= lostInARow
	}
	return f, ok
}

// arrivedAfter reports whether anything arrived over a contact after a moment, through a provider ("": any).
func (c contacts) arrivedAfter(key contactKey, provider string, after time.Time) bool {
	return slices.ContainsFunc(c[key], func(e evidence) bool {
		return e.arrived && e.at.After(after) && (provider == "" || e.provider == provider)
	})
}

// forget drops what is too old to say anything.
func (c contacts) forget(now time.Time) {
	for key, list := range c {
		if list[len(list)-1].at.Before(now.Add(-evidenceLife)) {
			delete(c, key)
		}
	}
}

// failingTroubles lists the alarms about contacts that should stand now. An alarm that stands goes on, also when its pages are forgotten, until
// something arrives over the contact, or an edit makes it another one. While a newer roster was seen and cannot be read, what stands stands.
func (m *Machine) failingTroubles(now time.Time) (list []request.AlarmBody) {
	r := m.planner.Roster
	if r == nil {
		return nil
	}
	standing := map[string]*request.State{}
	cleared := map[string]time.Time{}
	for _, s := range m.Watched() {
		switch cause := s.Alarm.Cause; {
		case s.Alarm.Kind != request.AlarmFailing:
		case !s.Status.Ended():
			standing[cause] = s
		case s.Cleared.After(cleared[cause]):
			cleared[cause] = s.Cleared
		}
	}
	if r.Revision() < m.minimum {
		for _, cause := range slices.Sorted(maps.Keys(standing)) {
			list = append(list, standing[cause].Alarm)
		}
		return list
	}
	m.contacts.forget(now)
	for _, p := range r.Book().People {
		for _, c := range p.Contacts {
			if p.Erased || c.Address == "" || (c.Channel != notifier.MediumSMS && c.Channel != notifier.MediumVoice) {
				continue
			}
			key, cause := contactKey{p.ID, c.ID}, request.FailingCause(p.ID, c.ID)
			if len(m.contacts[key]) == 0 && standing[cause] == nil {
				continue
			}
			f, failing := m.contacts.judge(key, now, later(c.Changed, cleared[cause]))
			if s := standing[cause]; s != nil {
				was := s.Alarm.Failing
				known := was.Since.After(c.Changed) && !m.contacts.arrivedAfter(key, was.Provider, was.Since.Time)
				if known && (!failing || was.Why != request.WhyCarrier || f.Why == request.WhyCarrier) {
					f, failing = was, true // what was said of it goes on being said
				}
			}
			if failing {
				list = append(list, m.failingAlarm(now, key, f))
			}
		}
	}
	return list
}

// failingAlarm is the alarm of a contact. It pages from an hour before its owner is on duty.
func (m *Machine) failingAlarm(now time.Time, key contactKey, f request.Failing) request.AlarmBody {
	due := m.nextDuty.of(m.planner.Roster, key.person, now)
	if due.IsZero() {
		due = now.Truncate(farDuty).Add(2 * farDuty)
	}
	return request.AlarmBody{
		Kind: request.AlarmFailing, Cause: request.FailingCause(key.person, key.contact), Detail: f.Detail(), Due: request.At(due), Failing: f,
	}
}

// nextDuties remembers when people are on duty the next time, for a minute. It belongs to one machine.
type nextDuties struct {
	roster *roster.Compiled
	minute time.Time
	known  map[string]time.Time
}

// of is when a person is on duty the next time, or since when they are; zero when it is not within farDuty.
func (n *nextDuties) of(r *roster.Compiled, person string, now time.Time) (first time.Time) {
	if minute := now.Truncate(time.Minute); n.roster != r || !n.minute.Equal(minute) {
		*n = nextDuties{r, minute, map[string]time.Time{}}
	}
	if at, known := n.known[person]; known {
		return at
	}
	for _, one := range r.Book().Rosters {
		for shift := range r.Shifts(one.ID, n.minute, n.minute.Add(farDuty)) {
			if slices.Contains(shift.People, person) {
				if first.IsZero() || shift.From.Before(first) {
					first = shift.From
				}
				break
			}
		}
	}
	n.known[person] = first
	return first
}

// OptOut is the alarm of a contact whose owner has sent STOP at now: by now the provider refuses texts to it.
func (m *Machine) OptOut(person, contact string, now time.Time) request.AlarmBody {
	return m.failingAlarm(now, contactKey{person, contact}, request.Failing{Why: request.WhyOptedOut, Since: request.At(now)})
}
