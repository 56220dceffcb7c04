package simulation

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// The invariants, by the names under which a violation is reported. Do not modify.
const (
	oneOwner    = "one owner"
	quiet       = "no attempt after the acknowledgement"
	onceEach    = "each step once"
	inOrder     = "no level skipped"
	givesTime   = "each step gets its time"
	goesOn      = "no silent end"
	isPaged     = "every request is paged"
	alarmStands = "an alarm reaches people"
	byUrgency   = "pages by urgency"
	atRate      = "no faster than the number allows"
	inTime      = "nothing is sent too late"
	oneAttempt  = "one attempt at a time"
	takesOver   = "a call has its time before it is taken over"
	trueNews    = "what is said to be sent was sent"
	noCopies    = "nothing is sent twice that is known to be sent"
	newestBook  = "the newest roster decides"
	chained     = "decisions follow what they were decided on"
	onceStored  = "a decision is stored once"
	sealed      = "nothing outside the content rules"
	answered    = "a right code is never called wrong"
	senderTold  = "the sender is told"
	sameState   = "all nodes see the same"
	readable    = "everything can be read"
	sleeps      = "nobody is woken for a routine request"
	rests       = "a node with nothing to do rests"
)

const (
	// settle is how long the system has to get over a fault before it is held to its times again: a node is missed after three seconds, an append
	// whose acknowledgement was lost is repeated after five, a call that nobody ends is taken over after fifteen.
	settle = 45 * time.Second
	// slack is how much later than due a decision may be stored while all is well.
	slack = 5 * time.Second
	// firstAttempt is within what time a page is attempted while all is well, when nothing else goes to its telephone.
	firstAttempt = 60 * time.Second
)

// An auditor reads the log as it is written and judges it by what it sees, without the fold that the machines use.
type auditor struct {
	w       *night
	files   map[request.Ref]*file
	order   []*file
	waiting []*page                  // asking pages without an attempt under way, in the order in which they were ordered
	busy    map[string]*telephoneUse // channel + person → what goes to that telephone
	starts  map[string][]time.Duration
	onStart []func(node string) // called by the next attempts, one each

	decides calm // how long decisions could be made
	pages   calm // and pages sent

	skew     time.Duration // how far clocks may be apart
	changed  time.Duration // when the roster's revision last changed
	sealedAs [][]byte
}

// file is what the auditor knows of one log.
type file struct {
	ref      request.Ref
	ops      bool
	chain    request.Chain
	ids      map[string]bool
	received time.Time // by the writer's clock
	stored   time.Duration
	last     time.Duration // last commit
	urgency  request.Urgency
	sender   string
	due      time.Time // acknowledge by
	owner    string
	since    time.Time // of the acknowledgement
	first    time.Time // acknowledgement
	opened   bool
	returned bool
	ended    bool
	closed   bool
	pages    []*page
	step     step
	ends     time.Time // of the step, before the commit that is read
	passed   []string
	alarms   []request.AlarmBody
	alarm    request.AlarmBody // of an ops log
	reached  bool              // something reached the provider
	turn     int               // counts what moves the escalation
}

type step struct {
	request.EscalatedBody
	decided time.Time
	sent    time.Time
	count   int
	targets []string
}

type page struct {
	*request.PageBody
	file     *file
	ordered  time.Time
	storedAt time.Duration
	over     bool // cancelled, expired
	attempts []attempt
}

type attempt struct {
	id       string
	node     string
	deadline time.Time
	rings    time.Duration // until when a call may ring, at most
	known    bool          // an outcome
	sent     bool
	failure  request.FailureKind
	retryAt  time.Time
}

// telephoneUse is what goes to one telephone over one channel.
type telephoneUse struct {
	attempts int
	rings    map[string]time.Duration // calls that may ring → until when, at most
	free     time.Duration            // since when nothing does
}

// until is when the last call that may ring is over.
func (u *telephoneUse) until() time.Duration {
	last := time.Duration(0)
	for _, t := range u.rings {
		last = max(last, t)
	}
	return last
}

func newAuditor(w *night) *auditor {
	a := &auditor{w: w, files: map[request.Ref]*file{}, busy: map[string]*telephoneUse{}, starts: map[string][]time.Duration{}}
	for _, text := range []string{"CANARY", base64.StdEncoding.EncodeToString([]byte(canary))[:24]} {
		a.sealedAs = append(a.sealedAs, []byte(text))
	}
	return a
}

// calm is a clock that runs while nothing hampers the system, and has not for a while.
type calm struct {
	sum  time.Duration
	at   time.Duration // of sum
	from time.Duration // it runs from then on; negative: it stands
}

func (c *calm) time(now time.Duration) time.Duration {
	if c.from >= 0 && now > max(c.at, c.from) {
		c.sum += now - max(c.at, c.from)
	}
	c.at = now
	return c.sum
}

func (c *calm) set(now time.Duration, runs bool) {
	c.time(now)
	c.from = now + settle
	if !runs {
		c.from = -1
	}
}

// moved notes that something has changed in what hampers the system.
func (a *auditor) moved() {
	w := a.w
	able, slow := false, w.provider.broken()
	for _, n := range w.nodes {
		able = able || n.able()
		slow = slow || n.lags > 0
		n.steady = w.now
	}
	a.decides.set(w.now, able)
	a.pages.set(w.now, able && !slow)
}

// skewed notes that clocks are further apart than before.
func (a *auditor) skewed(by time.Duration) { a.skew += by.Abs() }

func (a *auditor) edited() { a.changed = a.w.now }

// tolerance is how much later something may happen because clocks are apart: a node whose clock is behind by no more than half a minute is not
// doubted, and waits by its own time.
func (a *auditor) tolerance() time.Duration { return min(a.skew, time.Minute) }

// expect fails the night when something has not come true within a time on a clock.
func (a *auditor) expect(c *calm, within time.Duration, met func() bool, fail func()) {
	began := c.time(a.w.now)
	var look func()
	look = func() {
		if met() {
			return
		}
		if passed := c.time(a.w.now) - began; passed < within {
			a.w.at(within-passed+10*time.Millisecond, look)
			return
		}
		fail()
	}
	a.w.at(within+10*time.Millisecond, look)
}

func (a *auditor) owner(ref request.Ref) string {
	if f := a.files[ref]; f != nil {
		return f.owner
	}
	return ""
}

// running reports whether somebody must be asked.
func (f *file) running() bool { return !f.received.IsZero() && !f.ended && f.owner == "" }

// read judges one commit.
func (a *auditor) read(e *entry) {
	w := a.w
	if err := e.read.Err(); err != nil {
		w.fail(readable, e.subject, "a commit cannot be read: %v", err)
		return
	}
	c := e.read.Commit()
	f := a.files[e.subject]
	if f == nil {
		f = &file{ref: e.subject, ops: e.subject.IsOps(), chain: request.NewChain(e.subject), ids: map[string]bool{}}
		a.files[e.subject] = f
		a.order = append(a.order, f)
	}
	if c.IsDecision() {
		var have [64]byte
		hex.Encode(have[:], f.chain[:])
		if string(have[:]) != c.Prev {
			w.fail(chained, f.ref, "%s decides on a log that is not the one it appends to", c.Node)
		}
		if f.ids[c.ID] {
			w.fail(onceStored, f.ref, "the same decision of %s is stored twice", c.Node)
		}
	}
	if c.Actor.Kind != request.BySender {
		for _, text := range a.sealedAs {
			if bytes.Contains(e.data, text) {
				w.fail(sealed, f.ref, "%s writes what was sealed", c.Node)
			}
		}
	}
	f.chain = f.chain.Next(e.data)
	if f.ids[c.ID] {
		return // a fact that the window of duplicates has forgotten: nothing new
	}
	f.ids[c.ID] = true
	f.ends = time.Time{}
	if f.step.count > 0 {
		f.ends = a.stepEnds(f)
	}
	for i := range c.Events {
		a.event(f, c, e.read, i)
	}
	f.last = w.now
}

func body[B any](p *request.Parsed, i int) *B {
	b, ok := request.Body[B](p, i)
	if !ok {
		return new(B)
	}
	return b
}

func (a *auditor) event(f *file, c *request.Commit, p *request.Parsed, i int) {
	w := a.w
	now := c.Time.Time
	switch t := c.Events[i].Type; t {
	case request.Received:
		b := body[request.ReceivedBody](p, i)
		f.received, f.stored, f.urgency, f.sender = now, w.now, b.Urgency, b.Sender
		w.sum.Requests++
		a.tell(f, "request", "is received: %s", b.Urgency)
		a.progress(f, now)
		a.mustBePaged(f)
	case request.Withdrawn:
		f.ended = true
		a.tell(f, "sender", "withdraws it")
	case request.Escalated:
		a.escalated(f, c, body[request.EscalatedBody](p, i))
	case request.PageOrdered:
		a.ordered(f, now, body[request.PageBody](p, i))
	case request.PageCancelled, request.PageExpired:
		b := body[request.PageBody](p, i)
		if pg := f.page(b.Page); pg != nil {
			pg.over = true
			a.drop(pg)
			a.tell(f, c.Node, "%s %s", strings.ReplaceAll(string(t), "_", " "), b.Page)
		}
	case request.AttemptStarted, request.AttemptTakenOver:
		a.started(f, c, t, body[request.AttemptBody](p, i))
	case request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed:
		a.outcome(f, t, body[request.AttemptBody](p, i))
	case request.Acknowledged:
		a.acknowledged(f, c, body[request.AcknowledgedBody](p, i))
	case request.Opened:
		if b := body[request.OpenedBody](p, i); b.Person == f.owner && f.owner != "" {
			f.opened = true
		}
	case request.Passed:
		b := body[request.PassedBody](p, i)
		a.tell(f, b.Person, "passes it on")
		if !slices.Contains(f.passed, b.Person) {
			f.passed = append(f.passed, b.Person)
		}
		if f.owner == b.Person {
			a.release(f, now, false)
		} else if f.owner == "" {
			a.progress(f, now)
		}
	case request.AcknowledgementUndone, request.AcknowledgementLapsed:
		a.tell(f, f.owner, "%s", strings.ReplaceAll(string(t), "_", " "))
		f.passed = slices.DeleteFunc(f.passed, func(person string) bool { return person == f.owner })
		a.release(f, now, true)
	case request.UrgencyChanged:
		b := body[request.UrgencyChangedBody](p, i)
		f.urgency = b.To
		a.tell(f, c.Actor.ID, "judges it %s", b.To)
		a.progress(f, now)
	case request.AlarmRaised:
		a.raised(f, now, *body[request.AlarmBody](p, i))
	case request.AlarmCleared:
		b := *body[request.AlarmBody](p, i)
		f.alarms = slices.DeleteFunc(f.alarms, func(have request.AlarmBody) bool { return have == b })
		if f.ops {
			f.ended = true
			a.tell(f, c.Node, "clears the alarm")
		}
	case request.Closed:
		f.closed = true
	default:
	}
}

func (a *auditor) tell(f *file, who, format string, args ...any) {
	if a.w.story != nil {
		a.w.story.add(a.w.now, who, f.ref, fmt.Sprintf(format, args...))
	}
}

func (f *file) page(id string) *page {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "p"))
	if err != nil || n < 1 || n > len(f.pages) {
		return nil
	}
	return f.pages[n-1]
}

func (a *auditor) release(f *file, now time.Time, asStep bool) {
	f.owner, f.opened, f.returned = "", false, asStep
	a.progress(f, now)
}

// escalated judges a step.
func (a *auditor) escalated(f *file, c *request.Commit, b *request.EscalatedBody) {
	w := a.w
	now := c.Time.Time
	names := make([]string, len(b.Targets))
	for i, t := range b.Targets {
		names[i] = t.Person
	}
	a.tell(f, c.Node, "asks level %d in round %d, because %s: %s", b.Level, b.Round, strings.ReplaceAll(string(b.Cause), "_", " "), strings.Join(names, ", "))
	if f.ended || f.owner != "" {
		w.fail(quiet, f.ref, "%s escalates while %q has it (ended: %t)", c.Node, f.owner, f.ended)
	}
	a.revision(f, c, b.RosterRevision)
	if b.Cause == request.CauseRoster {
		for _, name := range names {
			if !slices.Contains(f.step.targets, name) {
				f.step.targets = append(f.step.targets, name)
			}
		}
		a.progress(f, now)
		return
	}
	last := f.step
	before, place := w.place(last.Level, last.Round), w.place(b.Level, b.Round)
	if f.ops {
		before, place = last.Round, b.Round
	}
	fresh := slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(last.targets, name) })
	switch {
	case last.count == 0 && place == first(f.ops), last.count > 0 && place == before+1:
	case last.count > 0 && place == before && b.Cause == request.CauseSilence && fresh && !b.Everyone:
		// The time ran out while nobody looked, and the shift has changed since: whoever is on duty now was never asked.
	case last.count > 0 && place <= before:
		w.fail(onceEach, f.ref, "%s decides level %d in round %d again (%s)", c.Node, b.Level, b.Round, b.Cause)
	default:
		w.fail(inOrder, f.ref, "%s goes from level %d in round %d to level %d in round %d", c.Node, last.Level, last.Round, b.Level, b.Round)
	}
	if last.count > 0 && b.Cause == request.CauseSilence {
		if now.Before(f.ends) {
			w.fail(givesTime, f.ref, "%s takes the next step %s before the time of level %d in round %d is over", c.Node, told(f.ends.Sub(now)), last.Level, last.Round)
		}
	}
	f.step = step{EscalatedBody: *b, decided: now, count: last.count + 1, targets: names}
	f.returned = false
	a.progress(f, now)
}

// first is the place of the first step.
func first(ops bool) int {
	if ops {
		return 1
	}
	return 0
}

// place is where a step stands in the order of all steps.
func (w *night) place(level, round int) int {
	levels := len(w.set.policy.Levels)
	if round > w.set.policy.Rounds {
		return levels*w.set.policy.Rounds + round - w.set.policy.Rounds - 1
	}
	return (round-1)*levels + level - 1
}

// stepEnds is when the time of the current step is over, by the policy and the clocks of those who wrote.
func (a *auditor) stepEnds(f *file) time.Time {
	p := a.w.set.policy
	if f.ops {
		return f.step.decided.Add(p.Repeat)
	}
	base := f.step.decided.Add(p.FirstSend)
	if !f.step.sent.IsZero() && f.step.sent.Before(base) {
		base = f.step.sent
	}
	wait := p.Waits[f.urgency]
	unanswered := slices.ContainsFunc(f.alarms, func(x request.AlarmBody) bool { return x.Kind == request.AlarmUnanswered })
	if f.step.Everyone && (unanswered || len(f.step.targets) == 0) {
		wait = max(wait, p.Repeat)
	}
	return base.Add(wait)
}

// morning moves a time at which a routine request would wake somebody.
func (a *auditor) morning(f *file, t time.Time) time.Time {
	if f.urgency != request.Routine || f.ops {
		return t
	}
	p := a.w.set.policy
	day := t.Truncate(24 * time.Hour) // the rosters of the nights keep UTC
	switch of := t.Sub(day); {
	case of < p.DayFrom:
		return day.Add(p.DayFrom)
	case of >= p.DayTo:
		return day.Add(24*time.Hour + p.DayFrom)
	}
	return t
}

// progress expects the next step of an escalation when it is due.
func (a *auditor) progress(f *file, now time.Time) {
	f.turn++
	if !f.running() {
		return
	}
	due := now
	switch all := f.step.count > 0 && !slices.ContainsFunc(f.step.targets, func(p string) bool { return !slices.Contains(f.passed, p) }); {
	case f.step.count == 0, f.returned:
	case f.step.Everyone, !all, f.ops:
		due = a.stepEnds(f)
	}
	if morning := a.morning(f, now); morning.After(now) {
		due = later(due, morning)
	}
	due = a.morning(f, due)
	turn := f.turn
	a.expect(&a.decides, max(due.Sub(now), 0)+slack+a.tolerance(), func() bool {
		return f.turn != turn || !f.running() || (f.ops && !a.reachable())
	}, func() {
		a.w.fail(goesOn, f.ref, "nothing follows level %d in round %d, which was over at %s", f.step.Level, f.step.Round, clockOf(due))
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reachable reports whether the roster has coordinators; there always are some.
func (a *auditor) reachable() bool { return true }

// mustBePaged expects that a request reaches a provider, or that an alarm stands.
func (a *auditor) mustBePaged(f *file) {
	due := a.morning(f, f.received)
	a.expect(&a.pages, due.Sub(f.received)+2*time.Minute+a.tolerance(), func() bool {
		return f.reached || !f.running() || len(f.alarms) > 0 || a.standing(request.AlarmLate, "")
	}, func() {
		a.w.fail(isPaged, f.ref, "nobody was reached for it, and no alarm stands")
	})
}

// standing reports whether an alarm stands in an ops log; the cause "" is any.
func (a *auditor) standing(kind request.AlarmKind, cause string) bool {
	return slices.ContainsFunc(a.order, func(f *file) bool {
		return f.ops && !f.ended && f.alarm.Kind == kind && (cause == "" || f.alarm.Cause == cause)
	})
}

func (a *auditor) raised(f *file, now time.Time, b request.AlarmBody) {
	a.tell(f, "alarm", "%s: %s", b.Kind, b.Cause)
	if f.ops {
		if f.alarm.Kind != "" {
			return
		}
		f.alarm, f.received, f.stored, f.urgency = b, now, a.w.now, request.Critical
		if b.Urgency == request.Emergency {
			f.urgency = request.Emergency
		}
		a.w.sum.Alarms++
		a.progress(f, now)
		return
	}
	if slices.Contains(f.alarms, b) {
		return
	}
	f.alarms = append(f.alarms, b)
	want := b.Standing(f.ref)
	a.expect(&a.decides, 20*time.Second+a.tolerance(), func() bool {
		return !slices.Contains(f.alarms, b) || f.closed || a.standing(want.Kind, want.Cause)
	}, func() {
		a.w.fail(alarmStands, f.ref, "the alarm %s (%s) stands in its log alone", b.Kind, b.Cause)
	})
}

// revision judges which roster decided.
func (a *auditor) revision(f *file, c *request.Commit, revision uint64) {
	for _, n := range a.w.nodes {
		if n.name == c.Node && n.up && n.book != nil && revision < n.book.Revision() && a.w.now-n.bookAt > 10*time.Second {
			a.w.fail(newestBook, f.ref, "%s decides with revision %d and has had %d for %s", n.name, revision, n.book.Revision(), told(a.w.now-n.bookAt))
		}
	}
}

func (a *auditor) ordered(f *file, now time.Time, b *request.PageBody) {
	p := &page{PageBody: b, file: f, ordered: now, storedAt: a.w.now}
	f.pages = append(f.pages, p)
	if want := "p" + strconv.Itoa(len(f.pages)); b.Page != want {
		a.w.fail(chained, f.ref, "page %s is ordered where %s is next", b.Page, want)
	}
	if b.Recipient == request.ToSender {
		return
	}
	a.tell(f, "dispatcher", "orders %s: %s for %s (%s)", b.Page, b.Channel, b.Person, b.Purpose)
	if b.Purpose == request.Ask && a.morning(f, now).After(now) {
		a.w.fail(sleeps, f.ref, "%s is asked at %s", b.Person, clockOf(now))
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
	if ask && (f.owner != "" || f.ended) {
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
	case last != nil && now.Before(last.retryAt):
		w.fail(givesTime, f.ref, "%s starts %s, %s before it may be tried again", c.Node, b.Attempt, told(last.retryAt.Sub(now)))
	}
	if p.Recipient != request.ToSender {
		a.lane(f, c, p)
	}
	p.attempts = append(p.attempts, attempt{id: b.Attempt, node: c.Node, deadline: b.Deadline.Time, rings: w.now + 156*time.Second})
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
		return at.known || at.node != node || !at.deadline.Equal(deadline) || p.over || (p.Purpose == request.Ask && !f.running()) || a.standing(request.AlarmLate, "") ||
			p.Recipient == request.ToSender || a.w.now < a.use(p).until()
	}, func() {
		a.w.fail(isPaged, f.ref, "nobody knows what became of %s of %s, and nobody takes it over", id, node)
	})
}

// lane judges that an attempt goes in its turn and at the rate of its number.
func (a *auditor) lane(f *file, c *request.Commit, p *page) {
	w := a.w
	if rate := w.set.limit.PerSecond; rate > 0 {
		const window = 3 * time.Second
		recent := append(slices.DeleteFunc(a.starts[p.Channel], func(t time.Duration) bool { return w.now-t > window }), w.now)
		a.starts[p.Channel] = recent
		// Three nodes that do not hear each other have a full bucket each.
		if most := nodes*max(1, int(rate)) + int(rate*window.Seconds()) + 1; len(recent) > most {
			w.fail(atRate, f.ref, "%d attempts over %s within %s at %g a second", len(recent), p.Channel, told(window), rate)
		}
	}
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
		case q == p || q.Channel != p.Channel || q.file.urgency.Rank() >= f.urgency.Rank():
		case w.now-q.storedAt < while || w.now-q.file.last < while || !q.file.running():
		case u.attempts > 0 || w.now < u.until() || w.now-u.free < while:
		case len(q.attempts) > 0 && w.time().Sub(q.attempts[len(q.attempts)-1].retryAt) < while:
		case !c.Time.Before(q.Expires.Add(-while)):
		default:
			a.overtaken(f, p, q, server)
		}
	}
}

// overtaken judges that a page is attempted while a more urgent one waits. The node may have begun both at once, and of two appends for two
// requests either can be stored first: the more urgent one has a second to follow.
func (a *auditor) overtaken(f *file, p, urgent *page, server *node) {
	w, before, tries, waited := a.w, f.urgency, len(urgent.attempts), a.w.now-urgent.storedAt
	w.at(time.Second, func() {
		u := a.use(urgent)
		if !slices.Contains(a.waiting, urgent) || len(urgent.attempts) > tries || u.attempts > 0 || w.now < u.until() || !urgent.file.running() {
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
	if p.Recipient != request.ToSender {
		a.tell(f, b.Provider, "%s %s %s %s", strings.ReplaceAll(string(t), "_", " "), b.Attempt, b.Failure, b.Code)
		if t == request.AttemptSent && !w.provider.knows(b.ProviderID) {
			w.fail(trueNews, f.ref, "%s is said to be sent as %s, which the provider does not have", b.Attempt, b.ProviderID)
		}
	}
	u := a.use(p)
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

func (a *auditor) acknowledged(f *file, c *request.Commit, b *request.AcknowledgedBody) {
	w := a.w
	now := c.Time.Time
	if f.owner != "" {
		w.fail(oneOwner, f.ref, "%s takes it while %s has it", b.Person, f.owner)
	}
	if f.ended {
		w.fail(oneOwner, f.ref, "%s takes what has ended", b.Person)
	}
	a.tell(f, b.Person, "has it (%s)", b.Via)
	f.owner, f.since, f.opened, f.returned = b.Person, now, false, false
	f.turn++
	if f.ops {
		return
	}
	if f.first.IsZero() {
		f.first = now
		w.sum.acknowledged(now.Sub(f.received))
	}
	turn := f.turn
	if lapse := w.set.policy.AckLapse; lapse > 0 {
		a.expect(&a.decides, lapse+slack+a.tolerance(), func() bool { return f.turn != turn || f.opened || f.ended }, func() {
			w.fail(goesOn, f.ref, "%s has not read it, and it does not lapse", b.Person)
		})
	}
	if hooked(f.sender) {
		known := len(f.pages)
		a.expect(&a.decides, slack+a.tolerance(), func() bool {
			return f.ended || slices.ContainsFunc(f.pages[known:], func(p *page) bool { return p.Recipient == request.ToSender && p.About == request.NewsAcknowledged })
		}, func() { w.fail(senderTold, f.ref, "nobody tells the sender that somebody has it") })
	}
}

// message judges what goes to a provider.
func (a *auditor) message(n *node, c dispatcher.Call, m notifier.Message) {
	text := fmt.Sprint(m.Ref, m.Page, m.Attempt, m.About, m.Alarm, string(m.To), m.Urgency, m.Language, m.Reader, m.Code, string(m.Status), m.Others)
	for _, secret := range a.sealedAs {
		if strings.Contains(text, string(secret)) {
			a.w.fail(sealed, m.Ref, "%s hands out what was sealed", n.name)
		}
	}
	wrong := ""
	switch {
	case c.Recipient == request.ToSender && (m.Code != "" || string(m.To) != a.files[m.Ref].sender):
		wrong = "a sender is told a code, or what is somebody else's"
	case c.Recipient != request.ToSender && owner(m.To) == "":
		wrong = "somebody outside the roster is told"
	case c.Recipient != request.ToSender && len(m.Status) > 0:
		wrong = "an officer is told what is the sender's"
	case m.About.Asks() && len(m.Code) != 6:
		wrong = "there is no code"
	case len(m.Language) > 5 || len(m.Reader) > 5:
		wrong = "a language is a text"
	}
	if wrong != "" {
		a.w.fail(sealed, m.Ref, "%s hands out %s: %s", n.name, m.Attempt, wrong)
	}
}

// told judges what somebody is answered.
func (a *auditor) told(person string, m notifier.Message, text string, kind notifier.AnswerKind) {
	f := a.files[m.Ref]
	if kind != notifier.WrongCode || f == nil || !strings.Contains(text, m.Code) {
		return
	}
	if p := f.page(m.Page); p != nil && p.Person == person {
		a.w.fail(answered, m.Ref, "the code of %s is called wrong", m.Page)
	}
}

// end judges what is left in the morning.
func (a *auditor) end() {
	w := a.w
	for _, f := range a.order {
		if !f.running() || f.ops {
			continue
		}
		if w.now-f.stored < 30*time.Minute || f.urgency == request.Routine {
			continue
		}
		stands := len(f.alarms) > 0
		if f.step.count == 0 && a.decides.time(w.now) > 0 && w.now-f.stored > time.Hour {
			w.fail(goesOn, f.ref, "it is left in the morning, and nobody was ever asked")
		}
		if f.step.Everyone && f.step.Cause == request.CauseSilence && f.step.Round > w.set.policy.Rounds+1 && !stands {
			w.fail(alarmStands, f.ref, "everyone was asked in vain, and no alarm stands")
		}
	}
	a.compare()
}

// compare holds the states of the nodes to the log, where a node has read it to its end.
func (a *auditor) compare() {
	w := a.w
	for _, n := range w.nodes {
		if !n.serves() || n.read != w.log.end() {
			continue
		}
		for _, f := range a.order {
			s := n.brain.State(f.ref)
			if s == nil {
				continue
			}
			if s.Owner != f.owner || s.Status.Ended() != f.ended || len(s.Pages) != len(f.pages) || s.Chain != f.chain || s.Step.Level != f.step.Level || s.Step.Round != f.step.Round {
				w.fail(sameState, f.ref, "%s has owner %q, %d pages, level %d in round %d; the log says %q, %d, level %d in round %d",
					n.name, s.Owner, len(s.Pages), s.Step.Level, s.Step.Round, f.owner, len(f.pages), f.step.Level, f.step.Round)
			}
		}
	}
}

// clockOf writes a time of the night.
func clockOf(t time.Time) string { return t.Format("15:04:05") }

// told writes how long something lasts.
func told(d time.Duration) string {
	switch {
	case d.Abs() < 10*time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
