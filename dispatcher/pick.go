package dispatcher

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// paths are the providers that serve each medium, in the order in which they are preferred.
type paths map[string][]*path

// A path is one provider of one medium, and what its attempts say of it.
type path struct {
	*Provider
	breaker

	lost bool // what it confirms does not arrive: its canaries are lost
}

func pathsOf(providers []Provider) paths {
	all := paths{}
	for i := range providers {
		p := &providers[i]
		all[p.Medium] = append(all[p.Medium], &path{Provider: p})
	}
	return all
}

// named is the path of a provider; nil when it does not serve the medium.
func (all paths) named(medium, provider string) *path {
	for _, o := range all[medium] {
		if o.Name == provider {
			return o
		}
	}
	return nil
}

// pick says who takes the next attempt of a page, and from when on. An attempt that is under way stays with its provider: nobody else can say
// whether it arrived. Else it is the first that has not just failed with this page, and does not fail with others; a provider is passed over for
// another one, and never for none. The first is the one that the page names. Where the same is asked by another page through another provider, each
// keeps to its own. A canary goes through the provider that it tests. Nil when nobody serves the medium.
func (m *Machine) pick(s *request.State, p *request.Page, now time.Time) (by *path, at time.Time) {
	serving, named := m.paths[p.Channel], m.paths.named(p.Channel, p.Provider)
	if a := p.Last(); a != nil && a.InFlight() {
		if o := m.paths.named(p.Channel, a.Provider); o != nil {
			return o, a.Started
		}
	}
	const (
		ready = iota
		broken
		later
		spoken
	)
	best := spoken + 1
	consider := func(o *path) {
		free, class := earlier(p.Ordered, now), ready // ordered by a clock that is ahead: now all the same
		if a := p.MadeBy(o.Name); a != nil {
			free = a.RetryAt
		}
		switch {
		case len(serving) > 1 && spokenFor(s, p, o, serving[0]):
			class = spoken
		case free.After(now):
			class = later
		case len(serving) > 1 && (o.lost || o.open(now, s.Urgency == request.Emergency)):
			class = broken
		}
		if class < best || (class == best && class >= later && free.Before(at)) {
			best, by, at = class, o, free
		}
	}
	if named != nil {
		consider(named)
	}
	for _, o := range serving {
		if o != named && p.About != request.AboutCanary {
			consider(o)
		}
	}
	return by, at
}

// spokenFor reports whether what a page asks goes through a provider already by another page of the same step, or cannot.
func spokenFor(s *request.State, p *request.Page, o, first *path) bool {
	for i := range s.Pages {
		q := &s.Pages[i]
		if q.Page == p.Page || !q.Beside(p) {
			continue
		}
		if q.State.Open() && (q.Provider == o.Name || (q.Provider == "" && o == first)) {
			return true
		}
		for i := range q.Attempts {
			a := &q.Attempts[i]
			rang := a.Failure == request.FailedNoKey
			if a.Provider == o.Name && (a.Took() || (a.Failure != "" && !a.Failure.Retryable() && a.Failure != request.FailedDuplicate && !rang)) {
				return true
			}
		}
	}
	return false
}

const (
	// breakAfter is how many attempts in a row fail before a provider is passed over.
	breakAfter = 3
	// For how long it is: for half of the time for which it has failed. Then one page tries it, unless it is an emergency.
	shortestBreak = 30 * time.Second
	longestBreak  = 5 * time.Minute
	// forgotten is when failures say nothing any more.
	forgotten = 30 * time.Minute
)

// A breaker says whether a provider is to be passed over. It is made of what stands in the log, so that every node has the same. There are two
// ways to fail: to take nothing, and to take everything and deliver nothing. The zero value is a provider of which nothing bad is known.
type breaker struct {
	failed      int    // attempts in a row that it did not take, those of one text as one
	failedFor   string // the text for several of the last of them; "" when it was of one page
	silent      int    // people in a row of whom it never said that a text arrived
	silentFor   string // the last of them
	since, last time.Time
	trial       time.Time // a page has tried it
}

// fails notes that an attempt was not taken. One text for several pages, named by its joint, has failed once.
func (b *breaker) fails(at time.Time, joint string) {
	if joint == "" || joint != b.failedFor {
		b.failed++
	}
	b.failedFor = joint
	b.bad(at)
}

// loses notes that a text to somebody was taken, and did not arrive as far as anybody knows. What one person cannot get says nothing of others.
func (b *breaker) loses(at time.Time, person string) {
	if person != b.silentFor {
		b.silent++
		b.silentFor = person
	}
	b.bad(at)
}

func (b *breaker) bad(at time.Time) {
	if b.since.IsZero() || at.Sub(b.last) > forgotten {
		b.since = at
	}
	if at.After(b.last) {
		b.last = at
	}
	b.trial = time.Time{}
}

// takes notes that an attempt was taken, delivers that a text arrived. Of a provider that delivers nothing, to take one more says nothing: the
// page that tries it goes on trying until that arrives.
func (b *breaker) takes() {
	b.failed, b.failedFor = 0, ""
	if b.silent < breakAfter {
		b.trial = time.Time{}
	}
	b.good()
}

func (b *breaker) delivers() {
	b.silent, b.silentFor, b.trial = 0, "", time.Time{}
	b.good()
}

func (b *breaker) good() {
	if b.failed < breakAfter && b.silent < breakAfter {
		b.since = time.Time{}
	}
}

// tries notes that an attempt has begun.
func (b *breaker) tries(now time.Time) {
	if b.broken(now) && !b.rests(now) {
		b.trial = now
	}
}

func (b *breaker) broken(now time.Time) bool {
	return (b.failed >= breakAfter || b.silent >= breakAfter) && now.Sub(b.last) < forgotten
}

// rests reports whether it is not even to be tried.
func (b *breaker) rests(now time.Time) bool {
	return now.Before(b.last.Add(min(max(b.last.Sub(b.since)/2, shortestBreak), longestBreak)))
}

// open reports whether the provider is to be passed over.
func (b *breaker) open(now time.Time, emergency bool) bool {
	return b.broken(now) && (emergency || b.rests(now) || now.Before(b.trial.Add(shortestBreak)))
}

// learn takes what a commit says of the providers. A provider that is passed over from now on loses what waits for it.
func (m *Machine) learn(now time.Time, e *entry, read *request.Parsed) {
	c := read.Commit()
	for i, event := range c.Events {
		switch event.Type {
		case request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed:
			if b, ok := request.Body[request.AttemptBody](read, i); ok && !c.IsDecision() { // what a node decides, no provider said
				m.judge(now, e, c.Time.Time, event.Type, b)
			}
		case request.PageOrdered:
			b, ok := request.Body[request.PageBody](read, i)
			if !ok || b.Reason != request.PathNoReceipt {
				continue
			}
			if o := m.paths.named(b.Channel, providerBefore(e.state, b)); o != nil {
				m.change(now, o, func() { o.loses(c.Time.Time, b.Person) })
			}
		default: // says nothing of providers
		}
	}
}

// judge is learn for one event of an attempt.
func (m *Machine) judge(now time.Time, e *entry, at time.Time, t request.EventType, b *request.AttemptBody) {
	p := e.state.Page(b.Page)
	if p == nil || len(m.paths[p.Channel]) < 2 {
		return
	}
	o := m.paths.named(p.Channel, b.Provider)
	if o == nil {
		return
	}
	joint := ""
	if a := p.Attempt(b.Attempt); a != nil {
		joint = a.Joint
	}
	m.change(now, o, func() {
		switch {
		case t == request.AttemptDelivered:
			o.takes()
			o.delivers()
		case t != request.AttemptFailed:
			o.takes()
		case b.Failure.Retryable(), b.Failure == request.FailedConfig:
			o.fails(at, joint)
		case p.Channel == notifier.MediumSMS && (b.Failure == request.FailedCarrier || b.Failure == request.FailedExpired):
			o.loses(at, p.Person)
		}
	})
}

// change lets the pages that wait move when a provider is passed over from now on, or no longer.
func (m *Machine) change(now time.Time, o *path, learn func()) {
	was := o.broken(now)
	if learn(); o.broken(now) != was {
		m.considerAll()
	}
}

// providerBefore is the provider of the page that another one, through another provider, was ordered for.
func providerBefore(s *request.State, b *request.PageBody) string {
	for _, p := range slices.Backward(s.Pages) {
		if made := p.Made(); p.Page != b.Page && p.Purpose == b.Purpose && p.Person == b.Person && p.Contact == b.Contact && made != nil && made.Provider != b.Provider {
			return made.Provider
		}
	}
	return ""
}
