package dispatcher

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

type lane struct {
	*notifier.Lane
	provider *Provider
	key      string // by which the nodes that may serve it are ordered
	dearest  int    // what the costliest of what was put into it costs
	costs    map[wording]int
	moved    time.Time // a node before this one began an attempt, or something came to wait in the empty lane
	stalled  bool      // it stood still for too long: this node serves it too
}

// longestCall is how long a call may hold a telephone when nobody says that it is over: to ring, to be picked up, to last.
const longestCall = 155 * time.Second

// rings says until when a call that this node made may be under way: until then no other call goes to the same telephone. Zero when there is
// none.
func (m *Machine) rings(e *entry, p *request.Page) time.Time {
	name := e.lanes[p.Page]
	if p.Channel != notifier.MediumVoice || (p.State != request.PageSent && p.State != request.PageAnswered) || name == "" {
		return time.Time{}
	}
	if !m.lanes[name].Flies(e.state.Ref, p.Page) { // it waits for another attempt, and an earlier one has turned out to have arrived
		return time.Time{}
	}
	return p.Made().Started.Add(longestCall)
}

// release gives a page's place in its lane back.
func (m *Machine) release(e *entry, page string) {
	if name, ok := e.lanes[page]; ok {
		m.lanes[name].Drop(e.state.Ref, page)
		m.lanes[name].Done(e.state.Ref, page)
		e.leaveLane(page)
	}
}

// leaveLane notes that no lane has a page any more. Most open requests wait for people and not for lanes: they keep no map.
func (e *entry) leaveLane(page string) {
	if delete(e.lanes, page); len(e.lanes) == 0 {
		e.lanes = nil
	}
}

// requeue takes the pages that wait out of their lanes: they go back by the urgency that holds now.
func (m *Machine) requeue(e *entry) {
	for page, name := range e.lanes {
		m.lanes[name].Drop(e.state.Ref, page)
		if !m.lanes[name].Flies(e.state.Ref, page) {
			e.leaveLane(page)
		}
	}
}

// putBack gives a page's place back and what it took of the lane's rate: it was not used.
func (m *Machine) putBack(e *entry, page string) {
	if name, ok := e.lanes[page]; ok {
		m.lanes[name].Refund(e.state.Ref, page)
	}
	m.release(e, page)
}

// queue puts the pages that are due into their lanes and takes out those that no longer are.
func (m *Machine) queue(now time.Time, e *entry) {
	for i := range e.state.Pages {
		p := &e.state.Pages[i]
		by, due, ok := m.due(e.state, p, now)
		switch {
		case !ok:
			if until := m.rings(e, p); now.Before(until) {
				if e.wake.IsZero() || until.Before(e.wake) {
					e.wake = until
				}
			} else if a := p.Last(); a == nil || !m.calls[call{e.state.Ref, a.ID}] {
				m.release(e, p.Page)
			}
		case now.Before(due):
			if a := p.Last(); a == nil || !m.calls[call{e.state.Ref, a.ID}] {
				m.release(e, p.Page) // another node has begun it, or it is to be tried again later
			}
			if e.wake.IsZero() || due.Before(e.wake) {
				e.wake = due
			}
		default:
			name, l := m.lane(p, by)
			if have := e.lanes[p.Page]; have != "" {
				a, flies := p.Last(), m.lanes[have].Flies(e.state.Ref, p.Page)
				if (flies && (a == nil || m.calls[call{e.state.Ref, a.ID}])) || (!flies && have == name) {
					continue // its call is under way, or it waits
				}
				m.release(e, p.Page) // a place that a call had which is over, or one at a provider that is passed over now
			}
			if l.Waiting() == 0 {
				l.moved = now
			}
			item := notifier.Item{Ref: e.state.Ref, Page: p.Page, Urgency: e.state.Urgency, Recipient: p.Person + "/" + p.Contact, Cost: m.cost(e.state, p, l), Since: due}
			l.dearest = max(l.dearest, item.Cost)
			l.Push(item)
			if e.lanes == nil {
				e.lanes = map[string]string{}
			}
			e.lanes[p.Page] = name
		}
	}
}

// due says when a page wants its next attempt, and through whom; ok is false when it wants none.
func (m *Machine) due(s *request.State, p *request.Page, now time.Time) (by *path, at time.Time, ok bool) {
	if s.Closed { // whatever it was closed with: nothing more is expected of it
		return nil, time.Time{}, false
	}
	over := askingPage(p) && s.Settled(p) // then it is called off, and never sent or taken over
	switch p.State {
	case request.PageQueued, request.PageRetrying:
		by, at = m.pick(s, p, now)
		return by, at, !over
	case request.PageSending:
		a := p.Last()
		if m.calls[call{s.Ref, a.ID}] {
			return nil, time.Time{}, false
		}
		by, _ = m.pick(s, p, now)
		if a.Node == m.opts.Node {
			return by, a.Started, !over // an earlier life of this node: it makes no call any more
		}
		return by, a.Deadline.Add(takeOverGrace), !over
	default:
		return nil, time.Time{}, false
	}
}

// takeOverGrace is how long after the deadline of a call another node waits for its outcome.
const takeOverGrace = 5 * time.Second

func stale(p *request.Page, now time.Time) bool {
	a := p.Last()
	return a != nil && a.InFlight() && !now.Before(a.Deadline.Add(takeOverGrace))
}

// lane is where a page waits for a provider; by is nil when nobody serves its medium.
func (m *Machine) lane(p *request.Page, by *path) (name string, l *lane) {
	provider := &Provider{Name: "none", Medium: p.Channel}
	name = "none/" + p.Channel
	if by != nil {
		provider = by.Provider
		name = provider.Name + "/" + provider.Medium + "/" + provider.Lane(m.address(p))
	}
	if l = m.lanes[name]; l == nil {
		l = m.newLane(name, provider)
		m.lanes[name] = l
		m.order = append(m.order, name)
		slices.Sort(m.order)
	}
	return name, l
}

// address is where a page goes, "" when the contact has left the roster.
func (m *Machine) address(p *request.Page) notifier.Phone {
	if p.Recipient == request.ToSender {
		return m.sender(p)
	}
	if p.Recipient == request.ToProbe {
		return m.probed(p)
	}
	who, _ := m.planner.Roster.Person(p.Person)
	for _, c := range who.Contacts {
		if c.ID == p.Contact {
			return notifier.Phone(c.Address)
		}
	}
	return ""
}

// newLane makes a lane. Two calls to one telephone at once help nobody, over whichever providers: lanes of calls share who is busy, and where
// several providers make calls, one node serves all of them. Texts do not wait for each other: one provider that hangs keeps none from
// going through the other.
func (m *Machine) newLane(name string, provider *Provider) *lane {
	l := &lane{provider: provider, key: name}
	if provider.Medium != notifier.MediumVoice {
		l.Lane = notifier.NewLane(provider.Limit)
		return l
	}
	if len(m.paths[notifier.MediumVoice]) > 1 {
		l.key = notifier.MediumVoice
	}
	l.Lane = notifier.NewLaneBeside(provider.Limit, m.onPhone)
	return l
}

// wording is what tells how long the words of two messages are, unless they speak of a duty: references and codes have a length.
type wording struct {
	about            notifier.About
	alarm            request.AlarmKind
	urgency          request.Urgency
	language, reader string
}

// mostWordings bounds what a lane remembers: the language of a request is what its sender wrote.
const mostWordings = 1024

// cost is what a page takes of the rate of its lane. A page goes in and out of its lane with every race that its request loses, and its words
// stay the same.
func (m *Machine) cost(s *request.State, p *request.Page, l *lane) int {
	if l.provider.Cost == nil {
		return 1
	}
	msg := m.words(s, p)
	if s.Matter != nil || !msg.Duty.From.IsZero() {
		return l.provider.Cost(msg)
	}
	key := wording{msg.About, msg.Alarm, msg.Urgency, msg.Language, msg.Reader}
	cost, ok := l.costs[key]
	if !ok {
		if l.costs == nil || len(l.costs) == mostWordings {
			l.costs = map[wording]int{}
		}
		cost = l.provider.Cost(msg)
		l.costs[key] = cost
	}
	return cost
}

// mostStarts is how many intents one commit holds at most, each of some 150 bytes: a message of the log may have a million.
const mostStarts = 256

// serve starts attempts: whatever the lanes let go now. What they let go of one request goes to the log in one commit.
func (m *Machine) serve(now time.Time) {
	if !m.decides(now) {
		return
	}
	var begun []*entry // in the order of their first pages
	for _, name := range m.order {
		l := m.lanes[name]
		for m.serves(now, l) {
			item, wake, ok := l.Next(now)
			if !ok {
				if !wake.IsZero() {
					m.wakes.at(wake)
				}
				break
			}
			e := m.entries[item.Ref]
			p := e.state.Page(item.Page)
			if !tooLate(p, now) && m.moves(now, e, item.Page, l) {
				continue
			}
			// Decided first, here or by another node, or the commit is full: consider puts the page back. Of many pages that expire together some
			// are in their lanes until they are considered.
			if e.pending != nil || !e.since.IsZero() || len(e.starts) == mostStarts || tooLate(p, now) {
				m.putBack(e, item.Page)
				continue
			}
			if len(e.starts) == 0 {
				begun = append(begun, e)
			}
			e.starts = append(e.starts, start{page: item.Page, lane: name})
			if o := m.paths.named(l.provider.Medium, l.provider.Name); o != nil {
				o.tries(now)
			}
			begun = m.gather(now, l, item, begun)
		}
	}
	for _, e := range begun {
		m.begin(now, e)
	}
}

// tooLate reports whether the time of a page is over that nobody has on its way. An attempt that may have arrived is looked up all the same.
func tooLate(p *request.Page, now time.Time) bool {
	return p.State != request.PageSending && !now.Before(p.Expires.Time)
}

// moves gives the place of a page back whose provider is passed over since it came to wait there.
func (m *Machine) moves(now time.Time, e *entry, page string, l *lane) bool {
	by, _ := m.pick(e.state, e.state.Page(page), now)
	if by == nil || by.Provider == l.provider {
		return false
	}
	m.putBack(e, page)
	e.wake = now
	m.wakes.push(e)
	return true
}

// begin appends the intents of the attempts that were gathered; the calls follow when they are in the log.
func (m *Machine) begin(now time.Time, e *entry) {
	events := make([]request.Event, len(e.starts))
	for i := range e.starts {
		s := &e.starts[i]
		p := e.state.Page(s.page)
		body := request.AttemptBody{Page: s.page, Provider: m.lanes[s.lane].provider.Name, Deadline: request.At(now.Add(m.opts.CallTimeout))}
		kind := request.AttemptStarted
		if a := p.Last(); p.State == request.PageSending && a != nil && a.InFlight() {
			kind, body.Attempt, s.takenOver = request.AttemptTakenOver, a.ID, true
		} else {
			body.Attempt, body.LookUp = request.AttemptID(s.page, len(p.Attempts)+1), p.LookUp()
			if s.joint != nil {
				body.Joint = s.joint.name
			}
		}
		events[i] = request.NewEvent(kind, body)
	}
	m.decide(now, e, e.state.Page(e.starts[0].page).Person, events)
}
