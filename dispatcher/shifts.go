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
	// aheadOfShift is how long before a shift its notice is sent.
	aheadOfShift = 24 * time.Hour
	// shiftNews is how long the notice that a shift has begun is of use.
	shiftNews = time.Hour
	// quietFrom and quietTo bound the hours in which no notice of a later shift is sent, in the zone of the person.
	quietFrom, quietTo = 22, 7
	// lookBack is how long after the end of a duty its open requests are still handed over, when no node has served meanwhile.
	lookBack = CodeLife
	// shiftsLife is how long a list of shifts is kept.
	shiftsLife = time.Hour
)

// A coming is the moment at which somebody comes on duty on a roster, and was not before.
type coming struct {
	roster, person string
	at             time.Time
	zone           *time.Location // in which the person lives
}

// shifts remembers which shifts begin around now. It belongs to one machine.
type shifts struct {
	book   *roster.Compiled
	until  time.Time // the list is whole before
	coming []coming  // in order of time
	ends   map[string]end
	fixed  time.Time // ends are right before; zero: for ever
}

// An end is the last moment at which somebody went off duty.
type end struct {
	roster string
	at     time.Time // zero: not within lookBack
}

// refresh makes the list anew when the roster has changed or time has passed.
func (c *shifts) refresh(p *plan) {
	book, now := p.Roster, p.now
	if c.book == book && now.Before(c.until) {
		return
	}
	c.book, c.until, c.coming, c.ends = book, now.Add(shiftsLife), nil, nil
	for _, id := range p.rosters() {
		var before []string
		first := true
		for shift := range book.Shifts(id, now.Add(-shiftNews-time.Minute), now.Add(aheadOfShift+shiftsLife)) {
			for _, person := range shift.People {
				if !first && !slices.Contains(before, person) {
					c.coming = append(c.coming, coming{id, person, shift.From, p.home(id, person)})
				}
			}
			before, first = shift.People, false
		}
	}
	slices.SortStableFunc(c.coming, func(a, b coming) int { return a.at.Compare(b.at) })
}

// ended says when somebody who is not on duty now went off duty last.
func (c *shifts) ended(p *plan, person string) end {
	if c.ends == nil || (!c.fixed.IsZero() && !p.now.Before(c.fixed)) {
		c.ends = map[string]end{}
		c.fixed, _ = p.nextShift()
	}
	last, known := c.ends[person]
	if known {
		return last
	}
	for _, id := range p.rosters() {
		for shift := range p.Roster.Shifts(id, p.now.Add(-lookBack), p.now) {
			if slices.Contains(shift.People, person) && shift.Until.After(last.at) {
				last = end{id, shift.Until}
			}
		}
	}
	c.ends[person] = last
	return last
}

// Wanted lists the matters that should have been raised by now and are not known to be: notices of shifts and of failing contacts, handovers, test
// pages that renew verifications, and canaries. Every node that has
// read as far lists the same.
func (m *Machine) Wanted(now time.Time) []request.MatterBody {
	if !m.decides(now) {
		return nil
	}
	p := &plan{Planner: m.planner, now: now}
	m.shifts.refresh(p)
	var list []request.MatterBody
	for _, s := range m.shifts.coming {
		if b, ok := m.notice(p, s); ok {
			list = append(list, b)
		}
	}
	for _, person := range slices.Sorted(maps.Keys(m.owned)) {
		if b, ok := m.handoverOf(p, person); ok {
			list = append(list, b)
		}
	}
	return slices.Concat(list, m.ownersToTell(p), m.renewalsDue(p), m.canariesDue(now))
}

// NextNotice is when, after now, a notice of a shift or a handover may be wanted by the roster alone, or a canary by the clock; ok is false when there is nothing to wait for.
func (m *Machine) NextNotice(now time.Time) (next time.Time, ok bool) {
	if !m.decides(now) {
		return time.Time{}, false
	}
	p := &plan{Planner: m.planner, now: now}
	m.shifts.refresh(p)
	next = m.shifts.until
	earlier := func(t time.Time) {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	for _, s := range m.shifts.coming {
		earlier(s.at)
		earlier(s.at.Add(-aheadOfShift))
		earlier(morning(now, s.zone))
	}
	if at, changes := p.nextShift(); changes {
		earlier(at)
	}
	earlier(m.nextCanary(now))
	return next, true
}

// notice is the notice that a shift wants now.
func (m *Machine) notice(p *plan, s coming) (b request.MatterBody, ok bool) {
	b = request.MatterBody{
		Kind: request.OpsShift, About: string(notifier.TellShiftSoon), Tells: []string{s.person}, Roster: s.roster, Person: s.person,
		From: request.At(s.at), Expires: request.At(s.at),
	}
	switch {
	case p.now.Before(s.at.Add(-aheadOfShift)), !p.now.Before(s.at.Add(shiftNews)):
		return b, false
	case !p.now.Before(s.at):
		b.About = string(notifier.TellShiftNow)
	case !awake(p.now, s.zone) && morning(p.now, s.zone).Before(s.at):
		return b, false
	}
	b.Cause = b.About + " " + s.roster + " " + s.person + " " + s.at.UTC().Format(time.RFC3339)
	if m.raised(b) || p.contactOver(notifier.MediumSMS, s.person, nil) == nil {
		return b, false
	}
	duty, _ := p.Roster.At(s.roster, s.at)
	i := slices.IndexFunc(duty.OnDuty, func(a roster.Assignment) bool { return a.Person == s.person })
	if i < 0 {
		return b, false
	}
	until := duty.OnDuty[i].Until
	if !until.IsZero() {
		b.Until = request.At(until)
	}
	if b.About == string(notifier.TellShiftNow) {
		expires := s.at.Add(shiftNews)
		if !until.IsZero() && until.Before(expires) {
			expires = until
		}
		b.Expires, b.Open = request.At(expires), m.openRequests()
	}
	return b, p.now.Before(b.Expires.Time)
}

// home is the zone in which somebody lives: that of the roster where they have none.
func (p *plan) home(roster, person string) *time.Location {
	if who, ok := p.Roster.Person(person); ok && who.TimeZone != "" {
		if zone, err := time.LoadLocation(who.TimeZone); err == nil {
			return zone
		}
	}
	return p.Roster.Zone(roster)
}

// awake reports whether people may be told of what is not urgent.
func awake(t time.Time, zone *time.Location) bool {
	hour := t.In(zone).Hour()
	return hour >= quietTo && hour < quietFrom
}

// morning is the next end of the quiet hours.
func morning(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	day := local.Day()
	if local.Hour() >= quietTo {
		day++
	}
	return time.Date(local.Year(), local.Month(), day, quietTo, 0, 0, 0, zone)
}

// handoverOf is the handover that is wanted of somebody who has open requests and has gone off duty.
func (m *Machine) handoverOf(p *plan, person string) (b request.MatterBody, ok bool) {
	if p.onDuty(person) {
		return b, false
	}
	last := m.shifts.ended(p, person)
	if last.at.IsZero() {
		return b, false
	}
	b = request.MatterBody{
		Kind: request.OpsHandover, Cause: person + " " + last.at.UTC().Format(time.RFC3339), Roster: last.roster, Person: person, From: request.At(last.at),
		RosterRevision: m.planner.Roster.Revision(),
	}
	var states []*request.State
	for _, e := range m.owned[person] {
		if e.state.Since.Before(last.at) && !m.offered(b, e.state) { // who took it when their duty was over meant to
			states = append(states, e.state)
		}
	}
	slices.SortFunc(states, func(a, b *request.State) int {
		return cmp.Or(cmp.Compare(a.Urgency.Rank(), b.Urgency.Rank()), a.Received.Compare(b.Received), cmp.Compare(a.Ref, b.Ref))
	})
	for _, s := range states {
		b.Requests = append(b.Requests, request.Handed{Request: s.Ref, Since: request.At(s.Since)})
	}
	if m.raised(b) && len(states) > 0 { // by a node that had not read so far yet: what it did not know of is a handover of its own
		b.Cause += " " + string(states[0].Ref)
	}
	b.Asks = p.incoming(last.roster, person)
	return b, len(states) > 0
}

// offered reports whether a request is handed over already at the end of that shift.
func (m *Machine) offered(b request.MatterBody, s *request.State) bool {
	for _, h := range m.planner.naming[s.Ref] {
		if h.Matter.Person == b.Person && h.Matter.From.Equal(b.From.Time) && !CalledOff(h) && h.Matter.Hands(s) {
			return true
		}
	}
	return false
}

// raised reports whether the log of a matter is known, and serves.
func (m *Machine) raised(b request.MatterBody) bool {
	s := m.matters[keyOf(b)]
	return s != nil && !CalledOff(s)
}

// matterKey identifies a matter.
type matterKey struct {
	kind  request.OpsKind
	cause string
}

func keyOf(b request.MatterBody) matterKey { return matterKey{b.Kind, b.Cause} }

// openRequests counts the requests that are not at their end.
func (m *Machine) openRequests() int {
	n := 0
	for _, e := range m.entries {
		if !e.state.Ref.IsOps() && e.state.Exists() && !e.state.Status.Ended() {
			n++
		}
	}
	return n
}

// own keeps the index of who has which requests, and of which handovers name them; what hangs on the commit that was just folded is considered.
func (m *Machine) own(now time.Time, e *entry) {
	s := e.state
	if s.Matter != nil {
		key := keyOf(s.Matter.MatterBody)
		if known := m.matters[key]; known == nil || (known != s && CalledOff(known)) {
			m.matters[key] = s
		}
	}
	if s.Kind() == request.OpsHandover {
		for _, h := range s.Matter.Requests {
			if m.planner.naming[h.Request] == nil {
				m.planner.naming[h.Request] = map[request.Ref]*request.State{}
			}
			m.planner.naming[h.Request][s.Ref] = s
			m.wakeEntry(now, h.Request)
		}
		return
	}
	if s.Ref.IsOps() {
		return
	}
	owner := s.Owner
	if s.Status.Ended() {
		owner = ""
	}
	if e.owner != owner {
		m.disown(e)
		if e.owner = owner; owner != "" {
			if m.owned[owner] == nil {
				m.owned[owner] = map[request.Ref]*entry{}
			}
			m.owned[owner][s.Ref] = e
		}
	}
	for ref := range m.planner.naming[s.Ref] {
		m.wakeEntry(now, ref)
	}
}

// disown takes an entry out of the index of owners.
func (m *Machine) disown(e *entry) {
	if e.owner == "" {
		return
	}
	delete(m.owned[e.owner], e.state.Ref)
	if len(m.owned[e.owner]) == 0 {
		delete(m.owned, e.owner)
	}
	e.owner = ""
}

// unname takes a matter out of the indices.
func (m *Machine) unname(s *request.State) {
	if s.Matter == nil {
		return
	}
	if key := keyOf(s.Matter.MatterBody); m.matters[key] == s {
		delete(m.matters, key)
	}
	for _, h := range s.Matter.Requests {
		delete(m.planner.naming[h.Request], s.Ref)
		if len(m.planner.naming[h.Request]) == 0 {
			delete(m.planner.naming, h.Request)
		}
	}
}

// wakeEntry has a log considered in this step.
func (m *Machine) wakeEntry(now time.Time, ref request.Ref) {
	if e := m.entries[ref]; e != nil && !e.state.Closed {
		e.wake = now
		m.wakes.push(e)
	}
}
