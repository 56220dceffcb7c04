package dispatcher

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// boarding is how long a text for several pages waits for the log to take their intents. What is stored later goes alone, by another attempt.
const boarding = 300 * time.Millisecond

// A joint is one text for several pages that ask one person. Each page keeps its own log, code and attempt: the intents are appended one by
// one, each expecting the head of its own log, and the text goes when it is known which of them are stored.
type joint struct {
	name  string // of the attempt that it was planned for
	lane  *lane
	paid  int       // what the lane took for it
	until time.Time // it waits no longer
	waits int       // intents that are on their way
	calls []Call    // of those that are stored
	gone  bool
}

// joins reports whether a page may go in one text with others: one that asks an officer to take a request, for the first time. An emergency
// goes at once and alone.
func joins(s *request.State, p *request.Page) bool {
	return p.Channel == notifier.MediumSMS && p.Purpose == request.Ask && p.Recipient == request.ToOfficer && aboutOf(s, p) == notifier.AskToTake &&
		p.State == request.PageQueued && len(p.Attempts) == 0 && s.Urgency != request.Emergency
}

// gather lets what else asks the same person, and waits in the same lane, go in the text of a page that was let go: as much as fits. A number
// without a rate gains nothing by it: there each goes at once. begun collects the requests whose intents are to be appended.
func (m *Machine) gather(now time.Time, l *lane, item notifier.Item, begun []*entry) []*entry {
	e := m.entries[item.Ref]
	p := e.state.Page(item.Page)
	if l.provider.Together == nil || !(l.provider.Limit.PerSecond > 0) || !joins(e.state, p) {
		return begun
	}
	text := m.words(e.state, p)
	items := l.Join(item.Ref, item.Page, func(i notifier.Item) bool {
		other := m.entries[i.Ref]
		q := other.state.Page(i.Page)
		if other == e || other.pending != nil || !other.since.IsZero() || len(other.starts) > 0 || tooLate(q, now) || !joins(other.state, q) {
			return false
		}
		if by, _ := m.pick(other.state, q, now); by != nil && by.Provider != l.provider { // it moves to another provider's lane
			return false
		}
		more := text
		more.More = append(slices.Clip(text.More), further(m.words(other.state, q)))
		if !l.provider.Together(more) {
			return false
		}
		text = more
		return true
	})
	if len(items) == 0 {
		return begun
	}
	j := &joint{
		name: notifier.JointOf(item.Ref, request.AttemptID(item.Page, 1)), lane: l, paid: m.cost(e.state, p, l), until: now.Add(boarding), waits: 1 + len(items),
	}
	e.starts[len(e.starts)-1].joint = j
	name := e.starts[len(e.starts)-1].lane
	for _, i := range items {
		other := m.entries[i.Ref]
		other.starts = append(other.starts, start{page: i.Page, lane: name, joint: j})
		begun = append(begun, other)
	}
	m.joints = append(m.joints, j)
	m.wakes.at(j.until)
	return begun
}

func further(msg notifier.Message) notifier.Further {
	return notifier.Further{Ref: msg.Ref, Page: msg.Page, Urgency: msg.Urgency, Language: msg.Language}
}

// board takes a call whose intent is stored, or notes that one will not be. The text goes when nothing more is waited for.
func (m *Machine) board(now time.Time, j *joint, c *Call) {
	j.waits--
	if c != nil {
		j.calls = append(j.calls, *c)
	}
	if !j.gone && j.waits == 0 {
		m.depart(now, j)
	}
}

// codeMissed is the code of an attempt whose intent was stored when the text that it was to go in had gone.
const codeMissed = "joint_left"

// giveUp notes in the log that attempts missed their text, and reports whether it does: their pages go alone, by further attempts. Else whoever looked
// for one would find a text that went without it.
func (m *Machine) giveUp(now time.Time, e *entry) bool {
	e.missed = slices.DeleteFunc(e.missed, func(page string) bool { a := e.state.Page(page).Last(); return a.Joint == "" || !a.InFlight() })
	if len(e.missed) == 0 {
		e.missed = nil
		return false
	}
	events := make([]request.Event, len(e.missed))
	for i, page := range e.missed {
		a := e.state.Page(page).Last()
		events[i] = request.NewEvent(request.AttemptFailed, request.AttemptBody{
			Page: page, Attempt: a.ID, Provider: a.Provider, Failure: request.FailedForNow, Code: codeMissed, RetryAt: request.At(now),
		})
	}
	m.decide(now, e, e.state.Page(e.missed[0]).Person, events)
	return true
}

// departs lets the texts go that have waited for long enough.
func (m *Machine) departs(now time.Time) {
	for _, j := range slices.Clone(m.joints) {
		if now.Before(j.until) {
			m.wakes.at(j.until)
		} else {
			m.depart(now, j)
		}
	}
}

// depart makes the call of a text for several pages. The first carries it, the one that it was planned for if its intent is stored: the provider
// reports on it under that attempt's name.
func (m *Machine) depart(now time.Time, j *joint) {
	j.gone = true
	m.joints = slices.DeleteFunc(m.joints, func(other *joint) bool { return other == j })
	if len(j.calls) == 0 {
		return
	}
	planned := func(c Call) int {
		if notifier.JointOf(c.Message.Ref, c.Message.Attempt) == j.name {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(j.calls, func(a, b Call) int {
		return cmp.Or(planned(a)-planned(b), a.Message.Urgency.Rank()-b.Message.Urgency.Rank(), a.Message.Ordered.Compare(b.Message.Ordered))
	})
	c := j.calls[0]
	c.With = slices.Clone(j.calls[1:])
	for _, other := range c.With {
		c.Message.More = append(c.Message.More, further(other.Message))
	}
	paid := j.paid
	if planned(c) > 0 { // its place was given back
		paid = 0
	}
	if costs := m.price(j.lane, c.Message); costs > paid {
		j.lane.Spend(now, costs-paid)
	}
	m.commands = append(m.commands, c)
}

// price is what a message takes of the rate of a lane.
func (m *Machine) price(l *lane, msg notifier.Message) int {
	if l.provider.Cost == nil {
		return 1
	}
	return l.provider.Cost(msg)
}

// Joined lists the attempts that went in one text with an attempt, and whether all of them are known to have been handed over: of one that is
// not, the provider's word on the text may not be passed on yet.
func (m *Machine) Joined(ref request.Ref, attempt, providerID string) (others []Joined, settled bool) {
	page, _ := request.PageOfAttempt(attempt)
	e := m.entries[ref]
	if e == nil {
		return nil, true
	}
	p := e.state.Page(page)
	if p == nil {
		return nil, true
	}
	a := p.Attempt(attempt)
	if a == nil || a.Joint == "" {
		return nil, true
	}
	name, settled := a.Joint, true
	for _, other := range slices.Sorted(maps.Keys(m.asked[p.Person])) {
		s := m.entries[other].state
		for q := range s.Pages {
			for _, a := range s.Pages[q].Attempts {
				switch {
				case a.Joint != name || (other == ref && a.ID == attempt):
				case a.ProviderID == providerID:
					others = append(others, Joined{other, a.ID})
				case a.InFlight():
					settled = false
				}
			}
		}
	}
	return others, settled
}

// Joined is an attempt that went in one text with another.
type Joined struct {
	Ref     request.Ref
	Attempt string
}
