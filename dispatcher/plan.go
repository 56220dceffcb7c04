package dispatcher

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A Decision is what has to happen now with a request, and when to look again.
type Decision struct {
	Events []request.Event // to append in one commit; none: nothing to do now
	Wake   time.Time       // zero: only when something happens
	For    string          // the first person for whom a page is ordered, or the sender who is told; "" when neither is
}

// A Planner holds what Plan decides with, besides the request: immutable while a plan is made.
type Planner struct {
	Policy Policy
	Roster *roster.Compiled
	// Media are the channels that a provider serves, as "sms".
	Media []string
	// Paths are the names of the providers of each of them, the one that is preferred first.
	Paths map[string][]string
	// Beside are those of them over which people are told that they are asked, and nobody answers; they are not among Media.
	Beside []string
	// Webhook says whether a sender wants to be told, by their id; nil: nobody does. It must be quick, and never blocks.
	Webhook func(sender string) bool

	duties *duties
	others map[request.Ref]*entry                         // the logs beside the one that is planned for; nil: there are none
	alarms map[request.Ref]*entry                         // those of operations among them
	naming map[request.Ref]map[request.Ref]*request.State // request → handovers that name it
}

// plan is one run of Plan.
type plan struct {
	Planner
	s      *request.State
	now    time.Time
	events []request.Event
	wake   time.Time
	pages  int // ordered in this plan
	named  int // number of the page that was named last
	first  string
	told   string   // the sender, when a notice to them is ordered
	fresh  []string // "person channel" of each of them
}

// tooNewGrace is how long a node leaves a request to newer nodes when a commit asks for a newer reader than it is.
const tooNewGrace = 30 * time.Second

// Plan decides the next step of one request: which pages to order, cancel or expire, which alarm to raise, or to close it. It never
// starts an attempt: that is the lane's turn. One step of the escalation per plan.
func (p Planner) Plan(s *request.State, now time.Time) Decision {
	if !s.Exists() || s.Closed {
		return Decision{}
	}
	run := &plan{Planner: p, s: s, now: now}
	run.expire()
	run.tellSender()
	handover := run.handedBy()
	switch {
	case s.Ref.IsOps():
		run.ops()
	case s.Status.Ended():
		run.end()
	case handover != nil:
		run.add(request.HandoverConfirmed, request.HandoverConfirmedBody{Person: handover.Owner, From: s.Owner, Handover: handover.Ref})
	case s.Owner != "" && run.lapsed(): // the next plan takes the next step
		run.add(request.AcknowledgementLapsed, request.LapsedBody{Person: s.Owner})
	case s.Owner != "":
		run.callOff("acknowledged")
		run.clearAlarms()
	default:
		run.escalate()
	}
	return Decision{Events: run.events, Wake: run.wake, For: cmp.Or(run.first, run.told)}
}

func (p *plan) add(t request.EventType, body any) {
	p.events = append(p.events, request.NewEvent(t, body))
}

func (p *plan) wakeAt(t time.Time) {
	if p.wake.IsZero() || t.Before(p.wake) {
		p.wake = t
	}
}

// expire gives up pages whose time is over: a page hours late wakes somebody for nothing.
func (p *plan) expire() {
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		switch {
		case page.State != request.PageQueued && page.State != request.PageRetrying:
		case !p.now.Before(page.Expires.Time):
			body := page.PageBody
			p.add(request.PageExpired, body)
		default:
			p.wakeAt(page.Expires.Time)
		}
	}
}

func (p *plan) expired(page *request.Page) bool {
	return !p.now.Before(page.Expires.Time)
}

// callOff cancels the pages that ask, and the notices beside them, that are not with a provider, and looks again when those that are should have
// come back.
func (p *plan) callOff(reason string) {
	p.events = append(p.events, cancelPages(p.s, p.now, reason, askingPage)...)
	p.waitForCalls()
}

// waitForCalls looks again when the asking pages that are with a provider should have come back.
func (p *plan) waitForCalls() {
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if !askingPage(page) || page.State != request.PageSending {
			continue
		}
		if back := page.Last().Deadline.Add(takeOverGrace); p.now.Before(back) {
			p.wakeAt(back)
		}
	}
}

// askingPage and everyPage say which pages are called off: those that ask, with the notices beside them, or all.
func askingPage(p *request.Page) bool {
	return p.Purpose == request.Ask || p.About == request.AboutAsked
}
func everyPage(*request.Page) bool { return true }

func cancelPages(s *request.State, now time.Time, reason string, which func(*request.Page) bool) []request.Event {
	var events []request.Event
	for i := range s.Pages {
		page := &s.Pages[i]
		if !which(page) {
			continue
		}
		waits := (page.State == request.PageQueued || page.State == request.PageRetrying) && now.Before(page.Expires.Time) // else it gets page_expired
		if waits || (page.State == request.PageSending && stale(page, now)) {
			body := page.PageBody
			body.Reason = reason
			events = append(events, request.NewEvent(request.PageCancelled, body))
		}
	}
	return events
}

func (p *plan) clearAlarms() {
	for _, a := range p.s.Alarms {
		p.add(request.AlarmCleared, a)
	}
}

// end tells those who were paged, and closes the request when nothing is left to do. A notice to the sender keeps it open, for as long as it
// is tried: what is closed is not read when a node starts.
func (p *plan) end() {
	p.callOff(string(p.s.Status))
	p.clearAlarms()
	for _, person := range p.asked() {
		if p.hasPage(person, func(page *request.Page) bool {
			return page.Purpose == request.Notice && page.About == string(p.s.Status)
		}) {
			continue
		}
		if contact := p.contactOver(notifier.MediumSMS, person, nil); contact != nil { // nobody is called to be told that there is nothing to do
			p.order(person, request.PageBody{Purpose: request.Notice, About: string(p.s.Status), Level: p.s.Step.Level, Round: p.s.Step.Round}, contact)
		}
	}
	p.tellEndBeside()
	open := slices.ContainsFunc(p.s.Pages, func(page request.Page) bool { return page.State.Open() })
	if len(p.events) == 0 && !open && !p.s.TooNew() {
		p.add(request.Closed, request.ClosedBody{Reason: string(p.s.Status)})
	}
}

// asked lists the people to whom an asking page may have gone.
func (p *plan) asked() []string {
	var people []string
	for i := range p.s.Pages {
		if page := &p.s.Pages[i]; page.Purpose == request.Ask && len(page.Attempts) > 0 && !slices.Contains(people, page.Person) {
			people = append(people, page.Person)
		}
	}
	return people
}

func (p *plan) hasPage(person string, is func(*request.Page) bool) bool {
	for i := range p.s.Pages {
		if p.s.Pages[i].Person == person && is(&p.s.Pages[i]) {
			return true
		}
	}
	return false
}

// lapsed reports whether the acknowledgement ends now, because its owner has not read the content in time.
func (p *plan) lapsed() bool {
	if p.Policy.AckLapse <= 0 || p.s.Status != request.StatusAcknowledged || p.s.OwnerOpened || p.s.Erased {
		return false
	}
	at := p.s.Since.Add(p.Policy.AckLapse)
	if p.s.TooNew() && at.Before(p.s.LastTime.Add(tooNewGrace)) {
		at = p.s.LastTime.Add(tooNewGrace)
	}
	if p.now.Before(at) {
		p.wakeAt(at)
		return false
	}
	return true
}

// escalate takes the next step when it is due, or mends the current one: a changed roster, a channel that failed.
func (p *plan) escalate() {
	cause, due := p.due()
	if cause != request.CauseSilence { // whatever the clock said that it happened by
		due = earlier(due, p.now)
	}
	if p.s.TooNew() && due.Before(p.s.LastTime.Add(tooNewGrace)) {
		due = p.s.LastTime.Add(tooNewGrace)
	}
	if morning := p.nextMorning(); !morning.IsZero() { // until then nobody is woken, not even by a shift that changes
		if morning.After(due) {
			due = morning
		}
		p.wakeAt(due)
		return
	}
	if p.now.Before(due) {
		p.wakeAt(due)
		p.mend()
		return
	}
	p.step(cause)
}

// due says when the next step is to be taken, and why.
func (p *plan) due() (request.Cause, time.Time) {
	step := p.s.Step
	switch {
	case p.s.Returned != "":
		return p.s.Returned, step.Decided
	case step.Count == 0:
		return request.CauseReceived, p.s.Received
	}
	base := step.Decided.Add(p.Policy.FirstSend)
	if !step.Sent.IsZero() && step.Sent.Before(base) {
		base = step.Sent
	}
	wait := p.Policy.wait(p.s.Urgency)
	if step.Everyone {
		if p.s.Escalation == request.Exhausted || len(step.Targets) == 0 {
			wait = max(wait, p.Policy.Repeat)
		}
		return request.CauseSilence, base.Add(wait)
	}
	switch {
	case len(step.Targets) == 0:
		return request.CauseNobody, step.Decided
	case !slices.ContainsFunc(step.Targets, func(person string) bool { return !slices.Contains(p.s.Passed, person) }):
		return request.CausePassed, step.Decided
	case p.unreachable():
		return request.CauseFailed, step.Decided
	}
	return request.CauseSilence, base.Add(wait)
}

// unreachable reports whether every page of the current step has failed and no contact is left to try.
func (p *plan) unreachable() bool {
	for _, person := range p.s.Step.Targets {
		if slices.Contains(p.s.Passed, person) {
			continue
		}
		if p.hasPage(person, func(page *request.Page) bool {
			rang := page.State == request.PageFailed && page.Made().Failure == request.FailedNoKey // their phone works: the step has its time
			return page.Purpose == request.Ask && (rang || page.State != request.PageFailed) && page.State != request.PageCalledOff && page.State != request.PageLate
		}) {
			return false
		}
		if p.contact(person, p.tried(person)) != nil {
			return false
		}
		if p.hasPage(person, func(page *request.Page) bool {
			return p.inStep(page) && page.State == request.PageFailed && p.otherPath(page) != ""
		}) {
			return false
		}
	}
	return true
}

// nextMorning is the earliest time at which a routine request may page: now is early enough for others.
func (p *plan) nextMorning() time.Time {
	if p.s.Urgency != request.Routine || p.Roster == nil {
		return time.Time{}
	}
	return p.morning()
}

// morning is when the next day of the roster begins; zero while it is day. The roster must be known.
func (p *plan) morning() time.Time {
	local := p.now.In(p.zone())
	since := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	if since >= p.Policy.DayFrom && since < p.Policy.DayTo {
		return time.Time{}
	}
	day := local.Day()
	if since >= p.Policy.DayTo {
		day++
	}
	return time.Date(local.Year(), local.Month(), day, 0, int(p.Policy.DayFrom.Minutes()), 0, 0, local.Location())
}

// evening is when the roster's day ends, or has ended.
func (p *plan) evening() time.Time {
	local := p.now.In(p.zone())
	return time.Date(local.Year(), local.Month(), local.Day(), 0, int(p.Policy.DayTo.Minutes()), 0, 0, local.Location())
}

// zone is the time zone of the roster that the first level names.
func (p *plan) zone() *time.Location {
	id := ""
	for _, target := range p.Policy.Levels[0] {
		if kind, name, _ := strings.Cut(target, ":"); kind == "roster" {
			id = name
		}
	}
	return p.Roster.Zone(id)
}

// step takes the next step of the escalation. A level that resolves to nobody, or to people who cannot be paged, is passed in the same
// commit, with an alarm.
func (p *plan) step(cause request.Cause) {
	if p.Roster == nil {
		p.wakeAt(p.now.Add(time.Second))
		return
	}
	if p.s.Step.Everyone && cause == request.CauseSilence {
		p.raise(request.AlarmUnanswered, "every level and everyone was paged")
	}
	for n := p.place(cause); ; n++ {
		level, round, everyone := p.Policy.place(n)
		targets, nobody := p.resolve(level, everyone)
		body := request.EscalatedBody{Level: level, Round: round, Everyone: everyone, Cause: cause, RosterRevision: p.Roster.Revision(), Targets: targets}
		p.add(request.Escalated, body)
		if nobody != "" {
			p.raise(request.AlarmNobody, nobody)
		}
		ordered := p.pages
		for _, t := range targets {
			p.ask(t.Person, level, round)
		}
		if p.pages > ordered {
			return
		}
		if everyone {
			p.raise(request.AlarmUnanswered, "nobody can be paged")
			p.wakeAt(p.now.Add(p.Policy.Repeat))
			return
		}
		cause = request.CauseNobody
	}
}

// place is where the next step stands, counted from 0: after the current one. When its time ran out while nobody looked, and the shift has
// changed since, it is the same place once more: whoever is on duty now was never asked.
func (p *plan) place(cause request.Cause) int {
	step := p.s.Step
	if step.Count == 0 {
		return 0
	}
	n := p.Policy.number(step.Level, step.Round)
	if cause != request.CauseSilence || step.Everyone {
		return n + 1
	}
	targets, _ := p.resolve(step.Level, false)
	if slices.ContainsFunc(targets, func(t request.Target) bool { return !slices.Contains(step.Targets, t.Person) }) {
		return n
	}
	return n + 1
}

// raise adds an alarm that does not stand yet.
func (p *plan) raise(kind request.AlarmKind, cause string) {
	alarm := request.AlarmBody{Kind: kind, Cause: cause}
	standing := slices.ContainsFunc(p.s.Alarms, func(a request.AlarmBody) bool {
		return a == alarm || (kind == request.AlarmUnanswered && a.Kind == kind)
	})
	if standing {
		return
	}
	e := request.NewEvent(request.AlarmRaised, alarm)
	for _, have := range p.events {
		if have.Type == e.Type && string(have.Body) == string(e.Body) {
			return
		}
	}
	p.events = append(p.events, e)
}
