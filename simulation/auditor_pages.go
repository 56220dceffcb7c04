package simulation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// until is when the last call that may ring is over.
func (u *telephoneUse) until() time.Duration {
	last := time.Duration(0)
	for _, t := range u.rings {
		last = max(last, t)
	}
	return last
}

func (a *auditor) ordered(f *file, now time.Time, b *request.PageBody) {
	p := &page{PageBody: b, file: f, ordered: now, storedAt: a.w.now, step: f.step.count}
	f.pages = append(f.pages, p)
	if want := "p" + strconv.Itoa(len(f.pages)); b.Page != want {
		a.w.fail(chained, f.ref, "page %s is ordered where %s is next", b.Page, want)
	}
	if b.Recipient == request.ToSender {
		return
	}
	a.tell(f, "dispatcher", "orders %s: %s for %s (%s)", b.Page, b.Channel, b.Person, b.Purpose)
	if b.Purpose == request.Ask {
		a.counted(p)
	}
	if b.Purpose == request.Ask && a.morning(f, now).After(now) {
		a.w.fail(sleeps, f.ref, "%s is asked at %s", b.Person, clockOf(now))
	}
	if f.alarm.Kind != "" && b.Purpose == request.Notice && a.day(now).After(now) {
		a.w.fail(lets, f.ref, "%s is told at %s", b.Person, clockOf(now))
	}
	if f.matter != nil && f.matter.Kind == request.OpsContact && (now.Hour() >= 22 || now.Hour() < 7) { // the rosters of the nights keep UTC
		a.w.fail(sleeps, f.ref, "%s is told of their telephone at %s", b.Person, clockOf(now))
	}
	others := func(who roster.Person) bool { return len(who.Contacts) > 0 && !slices.Contains(f.busy, who.ID) }
	if b.Purpose == request.Ask && slices.Contains(f.busy, b.Person) && slices.ContainsFunc(a.w.book.People, others) {
		a.w.fail(spares, f.ref, "%s is asked again", b.Person)
	}
	a.waiting = append(a.waiting, p)
	within := firstAttempt
	if b.Channel == notifier.MediumVoice {
		within = 200 * time.Second
	}
	a.expect(&a.pages, within+a.tolerance(), func() bool {
		return p.over || len(p.attempts) > 0 || a.use(p).attempts > 0 || a.w.now < a.use(p).until() || a.w.now-a.use(p).free < within || a.standing(request.AlarmLate, "")
	}, func() {
		a.w.fail(isPaged, f.ref, "%s was ordered and nobody attempts it", p.Page)
	})
}

func (a *auditor) drop(p *page) {
	if i := slices.Index(a.waiting, p); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	}
}

func (a *auditor) use(p *page) *telephoneUse {
	key := p.Channel + p.Person
	u := a.busy[key]
	if u == nil {
		u = &telephoneUse{rings: map[string]time.Duration{}}
		a.busy[key] = u
	}
	return u
}

// started judges an attempt that begins or is taken over.
func (a *auditor) started(f *file, c *request.Commit, t request.EventType, b *request.AttemptBody) {
	w := a.w
	now := c.Time.Time
	p := f.page(b.Page)
	if p == nil {
		w.fail(chained, f.ref, "%s of a page that nobody ordered", b.Attempt)
		return
	}
	if p.Recipient != request.ToSender {
		a.tell(f, c.Node, "%s %s", strings.ReplaceAll(string(t), "_", " "), b.Attempt)
	}
	ask := p.Purpose == request.Ask
	if ask && !f.wants(p) {
		w.fail(quiet, f.ref, "%s: %s of %s while %q has it (ended: %t)", c.Node, t, b.Attempt, f.owner, f.ended)
	}
	if p.over {
		w.fail(inTime, f.ref, "%s: %s of %s, which was called off", c.Node, t, b.Attempt)
	}
	var last *attempt
	if len(p.attempts) > 0 {
		last = &p.attempts[len(p.attempts)-1]
	}
	if t == request.AttemptTakenOver {
		switch {
		case last == nil || last.id != b.Attempt || last.known:
			w.fail(oneAttempt, f.ref, "%s takes over %s, which is not under way", c.Node, b.Attempt)
			return
		case last.node != c.Node && now.Before(last.deadline.Add(5*time.Second)):
			w.fail(takesOver, f.ref, "%s takes over %s %s before its time", c.Node, b.Attempt, told(last.deadline.Add(5*time.Second).Sub(now)))
		}
		if last.by != b.Provider {
			w.fail(rightOne, f.ref, "%s takes %s over through %s, and %s was given it", c.Node, b.Attempt, b.Provider, last.by)
		}
		last.node, last.deadline = c.Node, b.Deadline.Time
		a.stuck(f, p, c.Node)
		a.begun(c.Node)
		return
	}
	switch {
	case last != nil && !last.known:
		w.fail(oneAttempt, f.ref, "%s starts %s while %s is under way", c.Node, b.Attempt, last.id)
	case last != nil && last.sent:
		w.fail(noCopies, f.ref, "%s starts %s, and %s was sent", c.Node, b.Attempt, last.id)
	case !now.Before(p.Expires.Time):
		w.fail(inTime, f.ref, "%s starts %s, %s after it expired", c.Node, b.Attempt, told(now.Sub(p.Expires.Time)))
	}
	if at := p.freeAt(b.Provider); now.Before(at) {
		w.fail(givesTime, f.ref, "%s starts %s, %s before %s may be tried again", c.Node, b.Attempt, told(at.Sub(now)), b.Provider)
	}
	if p.Recipient != request.ToSender {
		if b.Joint == "" || b.Joint == notifier.JointOf(f.ref, b.Attempt) { // what goes with another takes no place
			a.lane(f, c, p, b.Provider)
		}
		a.through(f, p, b.Provider)
	}
	p.attempts = append(p.attempts, attempt{id: b.Attempt, node: c.Node, by: b.Provider, deadline: b.Deadline.Time, rings: w.now + 156*time.Second})
	a.drop(p)
	u := a.use(p)
	u.attempts++
	if p.Channel == notifier.MediumVoice {
		u.rings[string(f.ref)+b.Attempt] = p.attempts[len(p.attempts)-1].rings
	}
	if f.step.sent.IsZero() && ask && p.Level == f.step.Level && p.Round == f.step.Round {
		f.step.sent = now
		a.progress(f, now)
	}
	a.stuck(f, p, c.Node)
	a.begun(c.Node)
}

// freeAt is when a page may be tried again through a provider.
func (p *page) freeAt(provider string) time.Time {
	for _, x := range slices.Backward(p.attempts) {
		if x.by == provider && x.failure != request.FailedDuplicate { // one that was not made says nothing
			return x.retryAt
		}
	}
	return time.Time{}
}

// begun lets whatever waits for an attempt to begin happen.
func (a *auditor) begun(node string) {
	if len(a.onStart) > 0 {
		next := a.onStart[0]
		a.onStart = a.onStart[1:]
		next(node)
	}
}

// stuck expects an outcome of the attempt that is under way, or that another node takes it over.
func (a *auditor) stuck(f *file, p *page, node string) {
	n := len(p.attempts) - 1
	id, deadline := p.attempts[n].id, p.attempts[n].deadline
	within := callTimeout + 5*time.Second + 30*time.Second + 4*time.Minute
	a.expect(&a.pages, within+a.tolerance(), func() bool {
		at := &p.attempts[n]
		there := slices.ContainsFunc(p.attempts, func(x attempt) bool { return x.sent }) // another attempt has arrived
		return at.known || there || at.node != node || !at.deadline.Equal(deadline) || p.over || (p.Purpose == request.Ask && !f.wants(p)) || a.standing(request.AlarmLate, "") ||
			p.Recipient == request.ToSender || a.w.now < a.use(p).until()
	}, func() {
		a.w.fail(isPaged, f.ref, "nobody knows what became of %s of %s, and nobody takes it over", id, node)
	})
}

// lane judges that an attempt goes in its turn and at the rate of its number.
func (a *auditor) lane(f *file, c *request.Commit, p *page, by string) {
	w := a.w
	if rate := w.set.limit.PerSecond; rate > 0 {
		const window = 3 * time.Second
		recent := append(slices.DeleteFunc(a.starts[by+p.Channel], func(t time.Duration) bool { return w.now-t > window }), w.now)
		a.starts[by+p.Channel] = recent
		// Three nodes that do not hear each other have a full bucket each.
		if most := nodes*max(1, int(rate)) + int(rate*window.Seconds()) + 1; len(recent) > most {
			w.fail(atRate, f.ref, "%d attempts over %s of %s within %s at %g a second", len(recent), p.Channel, by, told(window), rate)
		}
	}
	s := a.share(c.Node, by, p.Channel)
	s.went[f.urgency.Rank()]++
	const while = 3 * time.Second
	var server *node
	for _, n := range w.nodes {
		if n.name == c.Node {
			server = n
		}
	}
	if server == nil || !server.able() || w.now-server.steady < settle || a.tolerance() > 0 || server.ackLoss > 0 {
		return
	}
	for _, q := range a.waiting {
		u := a.use(q)
		switch {
		case q == p || q.Channel != p.Channel || a.waitsFor(q) != by || q.file.urgency.Rank() >= f.urgency.Rank():
		case w.now-q.storedAt < while || w.now-q.file.last < while || !q.file.wants(q):
		case u.attempts > 0 || w.now < u.until() || w.now-u.free < while:
		case len(q.attempts) > 0 && w.time().Sub(q.attempts[len(q.attempts)-1].retryAt) < while:
		case !c.Time.Before(q.Expires.Add(-while)):
		default:
			a.overtaken(f, p, q, server, c.Time.Time)
		}
	}
}

// share counts what a node began over a channel of a provider, by urgency, since something less urgent had its share.
type share struct {
	went  [4]int
	taken string // request and attempt that had it last
}

func (a *auditor) share(node, provider, medium string) *share {
	lane := node + provider + medium
	s := a.shares[lane]
	if s == nil {
		s = &share{}
		a.shares[lane] = s
	}
	return s
}

// take reports whether an attempt may go past what is more urgent: its page has waited for longer than a minute, and nine that are more
// urgent went since the last that did so.
func (s *share) take(attempt string, waited time.Duration, rank int) bool {
	if s.taken == attempt {
		return true
	}
	nine := 0
	for _, went := range s.went[:rank] {
		nine += went
	}
	if waited <= notifier.StarvesAfter || nine < 9 {
		return false
	}
	*s = share{taken: attempt}
	return true
}

// overtaken judges that a page is attempted while a more urgent one waits. The node may have begun both at once, and of two appends for two
// requests either can be stored first: the more urgent one has a second to follow. What has waited for too long has its share.
func (a *auditor) overtaken(f *file, p, urgent *page, server *node, began time.Time) {
	w, before, tries, waited := a.w, f.urgency, len(urgent.attempts), a.w.now-urgent.storedAt
	nth, due := len(p.attempts), p.ordered
	if nth > 0 {
		due = p.attempts[nth-1].retryAt
	}
	starved := began.Sub(due)
	w.at(time.Second, func() {
		u := a.use(urgent)
		if !slices.Contains(a.waiting, urgent) || len(urgent.attempts) > tries || u.attempts > 0 || w.now < u.until() || !urgent.file.wants(urgent) {
			return
		}
		if a.share(server.name, p.attempts[nth].by, p.Channel).take(string(f.ref)+p.attempts[nth].id, starved, before.Rank()) {
			return
		}
		if server.able() && w.now-server.steady >= settle && server.ackLoss == 0 && a.tolerance() == 0 && urgent.file.urgency.Rank() < before.Rank() {
			w.fail(byUrgency, f.ref, "%s attempts %s (%s) while %s of %s (%s) has waited for %s", server.name, p.Page, before, urgent.Page, urgent.file.ref, urgent.file.urgency, told(waited))
		}
	})
}

// outcome notes what became of an attempt.
func (a *auditor) outcome(f *file, t request.EventType, b *request.AttemptBody) {
	w := a.w
	p := f.page(b.Page)
	if p == nil {
		return
	}
	i := slices.IndexFunc(p.attempts, func(x attempt) bool { return x.id == b.Attempt })
	if i < 0 {
		return
	}
	x := &p.attempts[i]
	a.refused(p, t, b)
	if p.Recipient != request.ToSender {
		a.tell(f, b.Provider, "%s %s %s %s", strings.ReplaceAll(string(t), "_", " "), b.Attempt, b.Failure, b.Code)
		if t == request.AttemptSent && !w.has(b.Provider, b.ProviderID) {
			w.fail(trueNews, f.ref, "%s is said to be sent as %s, which the provider does not have", b.Attempt, b.ProviderID)
		}
	}
	u := a.use(p)
	if t == request.AttemptFailed && p.Recipient != request.ToSender {
		a.speaksAgainst(p, x, b.Failure)
	}
	if !x.known {
		x.known = true
		if u.attempts--; u.attempts == 0 {
			u.free = w.now
		}
	}
	over := t == request.AttemptFailed
	if over && p.Channel == notifier.MediumVoice && !(x.sent && b.Failure.Retryable()) { // a call that arrived rings, whatever its answer was
		delete(u.rings, string(f.ref)+b.Attempt)
		u.free = w.now
	}
	switch {
	case !over:
		if p.Channel == notifier.MediumVoice && !x.sent && x.failure.Retryable() { // it was thought not to have arrived
			u.rings[string(f.ref)+b.Attempt] = x.rings
		}
		x.sent = true
		f.reached = true
	case !x.sent && x.failure.Retryable() && b.Failure.Retryable(): // two nodes made one call: what was heard first counts
	case !x.sent:
		x.failure, x.retryAt = b.Failure, b.RetryAt.Time
		if (b.Failure.Retryable() || b.Failure == request.FailedDuplicate) && p.Purpose == request.Ask && !p.over && !slices.ContainsFunc(p.attempts, func(x attempt) bool { return x.sent }) && !slices.Contains(a.waiting, p) {
			a.waiting = append(a.waiting, p)
		}
	}
	if !over {
		a.drop(p)
	}
}

// reached notes that a provider has something for a page.
func (a *auditor) reached(ref request.Ref, _ string) {
	if f := a.files[ref]; f != nil {
		f.reached = true
	}
}
