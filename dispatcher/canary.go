package dispatcher

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	// canaryLife is how long a canary may take to come back, at most: a page that takes longer wakes nobody in time.
	canaryLife = 5 * time.Minute
	// canariesLost in a row make an alarm, and canariesSlow are looked at together: a single one may be the carrier's, or the probe's, mishap.
	canariesLost = 2
	canariesSlow = 3
)

// Why the log of a canary ends.
const (
	EndedAcknowledged = "acknowledged"
	EndedLost         = "lost"   // it did not come back
	EndedUnsent       = "unsent" // no lane was free for it, so it says nothing of the provider
)

// Canaries are pages that go through each provider by the clock, to a telephone that answers by itself. The zero value sends none.
type Canaries struct {
	Every  time.Duration // between two over the same provider and medium
	Slow   time.Duration // an answer that takes longer, from the first attempt on, is slow
	Probes []Probe
}

// A Probe is the telephone that answers what goes through a provider.
type Probe struct {
	Provider string
	Medium   string
	To       notifier.Phone
	// From are the numbers from which the provider writes. Where To is a number of our own at another provider, what arrives there comes from one
	// of these, and that it arrived is the answer.
	From []notifier.Phone
}

// Life is how long a canary may take to come back: afterwards it is lost, even if it comes.
func (c Canaries) Life() time.Duration { return min(c.Every, canaryLife) }

// At is the canary of a probe at a moment. All nodes derive the same, whichever moment of the time between two it is.
func (c Canaries) At(p Probe, now time.Time) request.MatterBody {
	slot := now.UTC().Truncate(c.Every)
	return request.MatterBody{
		Kind: request.OpsCanary, Cause: p.Provider + " " + p.Medium + " " + slot.Format(time.RFC3339), About: request.AboutCanary,
		Provider: p.Provider, Channel: p.Medium, Expires: request.At(now.Add(c.Life())),
	}
}

// probe is that of a provider and a medium; nil where there is none.
func (c Canaries) probe(provider, medium string) *Probe {
	i := slices.IndexFunc(c.Probes, func(p Probe) bool { return p.Provider == provider && p.Medium == medium })
	if i < 0 {
		return nil
	}
	return &c.Probes[i]
}

// Answers reports whether a text from a number may be the answer to a canary that went to this probe.
func (p Probe) Answers(from notifier.Phone) bool {
	return from == p.To || slices.Contains(p.From, from)
}

// probed is where the page of a canary goes; "" when the probe is gone from the configuration.
func (m *Machine) probed(page *request.Page) notifier.Phone {
	if p := m.opts.Canaries.probe(page.Provider, page.Channel); p != nil {
		return p.To
	}
	return ""
}

// canariesDue lists the canaries that should have been sent by now and are not known to be.
func (m *Machine) canariesDue(now time.Time) (due []request.MatterBody) {
	for _, p := range m.opts.Canaries.Probes {
		if b := m.opts.Canaries.At(p, now); !m.raised(b) {
			due = append(due, b)
		}
	}
	return due
}

// nextCanary is when the next ones are due; zero: never.
func (m *Machine) nextCanary(now time.Time) time.Time {
	if len(m.opts.Canaries.Probes) == 0 {
		return time.Time{}
	}
	return now.UTC().Truncate(m.opts.Canaries.Every).Add(m.opts.Canaries.Every)
}

// canary plans for one: a single page, pinned to the provider. It ends when it has come back and the provider says that it arrived, when it
// cannot come back any more, or when its time is over.
func (p *plan) canary() {
	m := p.s.Matter
	answered, over := !m.Acknowledged().IsZero(), !p.now.Before(m.Expires.Time)
	switch {
	case p.s.Status.Ended():
		p.finish()
	case answered && (over || !m.Flight.Delivered.IsZero()):
		p.endWith(EndedAcknowledged)
	case answered:
		p.wakeAt(m.Expires.Time)
	case over && m.Flight.Began.IsZero():
		p.endWith(EndedUnsent)
	case over, len(p.s.Pages) > 0 && p.s.Pages[0].State == request.PageFailed:
		p.endWith(EndedLost)
	case len(p.s.Pages) == 0:
		p.add(request.PageOrdered, request.PageBody{
			Page: p.nextPage(), Purpose: request.Ask, About: request.AboutCanary, Recipient: request.ToProbe, Person: request.CanaryProbe, Level: 1, Round: 1,
			Channel: m.Channel, Provider: m.Provider, Expires: m.Expires,
		})
		p.first = cmp.Or(p.first, request.CanaryProbe)
	default:
		p.wakeAt(m.Expires.Time)
	}
}

// answerCanary decides what comes of a canary that has come back. There is nobody to be told.
func answerCanary(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	p := s.Page(page)
	switch {
	case p == nil || person != request.CanaryProbe || p.Person != person:
		return nil, notifier.NotYours
	case s.Status.Ended() || !s.Matter.Acknowledged().IsZero():
		return nil, notifier.NoAnswer
	}
	events := []request.Event{request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: page, Person: person, Via: via})}
	return append(events, cancelPages(s, now, "acknowledged", askingPage)...), notifier.NoAnswer
}

// A Canary is what became of one.
type Canary struct {
	Ref  request.Ref
	Sent time.Time // ordered
	request.Flight

	Acknowledged time.Time // zero: not yet, or never
	Reason       string    // [EndedAcknowledged], [EndedLost], [EndedUnsent]; "" while it is on its way
	Code         string    // of its last failure at the provider, "" when there was none
}

// CanaryOf reads what became of a canary from its log.
func CanaryOf(s *request.State) Canary {
	c := Canary{Ref: s.Ref, Sent: s.Received, Flight: s.Matter.Flight, Acknowledged: s.Matter.Acknowledged(), Reason: s.Matter.Reason}
	if c.Reason == "" && !c.Acknowledged.IsZero() {
		c.Reason = EndedAcknowledged
	}
	for i := range s.Pages {
		for _, a := range s.Pages[i].Attempts {
			c.Code = cmp.Or(a.Code, c.Code)
		}
	}
	return c
}

// State is the reason for its end; "flying" while it is on its way.
func (c Canary) State() string { return cmp.Or(c.Reason, "flying") }

// Say tells in words what became of a canary, and how long ago it was sent.
func (c Canary) Say(now time.Time) string {
	parts := []string{fmt.Sprintf("the last one was sent %s ago", max(now.Sub(c.Sent), 0).Round(time.Second))}
	for _, step := range []struct {
		name string
		at   time.Time
	}{{"accepted", c.Accepted}, {"delivered", c.Delivered}, {"acknowledged", c.Acknowledged}} {
		if took, ok := c.After(step.at); ok {
			parts = append(parts, fmt.Sprintf("%s after %.1f s", step.name, took.Seconds()))
		} else {
			parts = append(parts, "not "+step.name)
		}
	}
	if c.Code != "" {
		parts = append(parts, "error "+c.Code)
	}
	return strings.Join(parts, ", ")
}

// After is how long something of the canary took, from its first attempt on; ok is false when it has not happened. Clocks that differ make
// nothing happen before that.
func (c Canary) After(at time.Time) (took time.Duration, ok bool) {
	if at.IsZero() || c.Began.IsZero() {
		return 0, false
	}
	return max(at.Sub(c.Began), 0), true
}

// A ProbeState says how a provider is, by its canaries.
type ProbeState string

// The states of a probe. A canary that is still on its way, and one that was not sent, changes none.
const (
	ProbeUnknown ProbeState = "unknown" // none has come to its end within two days
	ProbeFine    ProbeState = "ok"      // the last one came back in time
	ProbeShaky   ProbeState = "shaky"   // the last one did not, and those before did: no alarm yet
	ProbeSlow    ProbeState = "slow"    // the last one was slow, and so is the median of the last three
	ProbeLost    ProbeState = "lost"    // the last two were lost
)

// A ProbeReport is what the canaries of a probe say of its provider.
type ProbeReport struct {
	Provider string
	Medium   string
	State    ProbeState
	Canaries []Canary // of the last two days, the newest first
}

// Judge says how a provider is. The canaries are in any order, and are sorted.
func (c Canaries) Judge(p Probe, list []Canary) ProbeReport {
	slices.SortFunc(list, func(a, b Canary) int {
		return cmp.Or(b.Sent.Compare(a.Sent), strings.Compare(string(a.Ref), string(b.Ref)))
	})
	r := ProbeReport{Provider: p.Provider, Medium: p.Medium, State: ProbeUnknown, Canaries: list}
	ended := r.judged()
	if len(ended) == 0 {
		return r
	}
	slow := func(one Canary) bool {
		took, ok := one.After(one.Acknowledged)
		return ok && took > c.Slow
	}
	lost := func(one Canary) bool { return one.Reason == EndedLost }
	switch last := ended[0]; {
	case all(ended, canariesLost, lost):
		r.State = ProbeLost
	case lost(last):
		r.State = ProbeShaky
	case slow(last) && len(ended) >= canariesSlow && slices.ContainsFunc(ended[1:canariesSlow], slow):
		r.State = ProbeSlow // two of the last three: so is their median
	case slow(last):
		r.State = ProbeShaky
	default:
		r.State = ProbeFine
	}
	return r
}

// judged are the canaries that say something of the provider, the newest first.
func (r ProbeReport) judged() []Canary {
	return slices.DeleteFunc(slices.Clone(r.Canaries), func(c Canary) bool { return c.Reason == "" || c.Reason == EndedUnsent })
}

// Last is the newest canary that says something of the provider; ok is false when there is none.
func (r ProbeReport) Last() (c Canary, ok bool) {
	if ended := r.judged(); len(ended) > 0 {
		return ended[0], true
	}
	return c, false
}

// all reports whether the first n of a list are there and each is so.
func all(list []Canary, n int, is func(Canary) bool) bool {
	return len(list) >= n && !slices.ContainsFunc(list[:n], func(c Canary) bool { return !is(c) })
}

// Probed says by its canaries how each provider is that has a probe.
func (m *Machine) Probed() []ProbeReport {
	reports := make([]ProbeReport, 0, len(m.opts.Canaries.Probes))
	if len(m.opts.Canaries.Probes) == 0 {
		return reports
	}
	known := m.ofKind(request.OpsCanary)
	for _, p := range m.opts.Canaries.Probes {
		var list []Canary
		for _, s := range known {
			if s.Matter.Provider == p.Provider && s.Matter.Channel == p.Medium {
				list = append(list, CanaryOf(s))
			}
		}
		reports = append(reports, m.opts.Canaries.Judge(p, list))
	}
	return reports
}

// heed puts a provider whose canaries are lost behind the others, until one comes back: what it says of itself is not to be believed.
func (m *Machine) heed() {
	for _, r := range m.Probed() {
		o := m.paths.named(r.Medium, r.Provider)
		if lost := r.State == ProbeLost; o != nil && o.lost != lost {
			o.lost = lost
			m.considerAll()
		}
	}
}

// canaryTroubles lists the alarms about providers whose canaries are lost or slow.
func (m *Machine) canaryTroubles() (list []request.AlarmBody) {
	for _, r := range m.Probed() {
		a := request.AlarmBody{Cause: "provider " + r.Provider + " " + r.Medium}
		last, _ := r.Last()
		switch r.State {
		case ProbeLost:
			a.Kind, a.Detail = request.AlarmCanaryLost, last.lostAs()
		case ProbeSlow:
			took, _ := last.After(last.Acknowledged)
			a.Kind, a.Detail = request.AlarmCanarySlow, fmt.Sprintf("the last one took %d s", int(took.Seconds()))
		default:
			continue
		}
		list = append(list, a)
	}
	return list
}

// lostAs says how far a canary came that was lost.
func (c Canary) lostAs() string {
	switch {
	case !c.Delivered.IsZero():
		return "the provider says that the last one arrived, and nothing came back"
	case c.Accepted.IsZero() && c.Code != "":
		return "the provider did not take the last one: " + c.Code
	case c.Accepted.IsZero():
		return "the provider did not take the last one"
	case c.Code != "":
		return "the provider took the last one and gave it up: " + c.Code
	default:
		return "the provider took the last one and never said that it arrived"
	}
}

// Flying lists the canaries to which a text from a number may be the answer, late ones of the last two days among them. Do not keep beyond the
// next step.
func (m *Machine) Flying(from notifier.Phone) (list []*request.State) {
	for _, s := range m.Asked(request.CanaryProbe) {
		if p := m.opts.Canaries.probe(s.Matter.Provider, s.Matter.Channel); p != nil && p.Answers(from) {
			list = append(list, s)
		}
	}
	return list
}
