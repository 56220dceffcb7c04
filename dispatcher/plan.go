package dispatcher

import (
	"cmp"
	"fmt"
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
	// Beside are those of them over which people are told that they are asked, and nobody answers; they are not among Media.
	Beside []string
	// Webhook says whether a sender wants to be told, by their id; nil: nobody does. It must be quick, and never blocks.
	Webhook func(sender string) bool

	duties *duties
	others map[request.Ref]*entry                         // the logs beside the one that is planned for; nil: there are none
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

// ask orders the first pages of a step for one person: over every channel that the policy uses at once, or over the first contact there is.
// A channel over which the person is still being asked is left alone.
func (p *plan) ask(person string, level, round int) {
	body := request.PageBody{Purpose: request.Ask, About: p.about(person), Level: level, Round: round}
	before := p.pages
	for _, rule := range p.rules(level) {
		if rule.After > 0 {
			continue
		}
		if p.asking(person, rule.Channel) {
			p.pages++
		} else if contact := p.contactOver(rule.Channel, person, nil); contact != nil {
			p.order(person, body, contact)
		}
	}
	switch contact := p.contact(person, nil); {
	case p.pages > before:
	case p.asking(person, ""):
		p.pages++
	case contact != nil:
		p.order(person, body, contact)
	case p.s.Ref.IsOps(): // an alarm about an alarm would reach the same people
	default:
		p.raise(request.AlarmNoChannel, "person "+person)
	}
	p.tellBeside(person, level, round) // whatever came of the telephone
}

// asking reports whether an asking page for a person is on its way over a channel ("" is any).
func (p *plan) asking(person, channel string) bool {
	return p.hasPage(person, func(page *request.Page) bool {
		return page.Purpose == request.Ask && (channel == "" || page.Channel == channel) && page.State.Open() && !p.expired(page)
	})
}

// order adds a page over a contact of a person.
func (p *plan) order(person string, body request.PageBody, contact *roster.Contact) {
	wait := max(p.Policy.Validity, p.Policy.wait(p.s.Urgency))
	if p.s.Ref.IsOps() {
		wait = max(p.Policy.Validity, p.Policy.Repeat) // a provider that fails may be what it is about
	}
	expires := p.now.Add(wait)
	if m := p.s.Matter; m != nil && !m.Expires.IsZero() {
		expires = m.Expires.Time
	}
	if !body.Expires.IsZero() {
		expires = body.Expires.Time
	}
	body.Page = p.nextPage()
	body.Recipient, body.Person, body.Channel, body.Contact = cmp.Or(body.Recipient, p.recipient()), person, contact.Channel, contact.ID
	body.RosterRevision, body.Expires = p.Roster.Revision(), request.At(expires)
	p.add(request.PageOrdered, body)
	p.pages++
	p.first = cmp.Or(p.first, person)
	p.fresh = append(p.fresh, person+" "+contact.Channel)
}

// nextPage names the next page that is ordered. A version that counts otherwise may have used a name already.
func (p *plan) nextPage() string {
	for p.named = max(p.named, len(p.s.Pages)); ; {
		p.named++
		if name := fmt.Sprintf("p%d", p.named); p.s.Page(name) == nil {
			return name
		}
	}
}

// contact is the person's first contact over a medium that we have, leaving out those in skip.
func (p *plan) contact(person string, skip []string) *roster.Contact {
	return p.contactOver("", person, skip)
}

// contactOver is the same over one medium; "" is any.
func (p *plan) contactOver(medium, person string, skip []string) *roster.Contact {
	if p.Roster == nil {
		return nil
	}
	who, ok := p.Roster.Person(person)
	if !ok {
		return nil
	}
	for i := range who.Contacts {
		if c := &who.Contacts[i]; c.Address != "" && slices.Contains(p.Media, c.Channel) && (medium == "" || c.Channel == medium) && !slices.Contains(skip, c.ID) {
			return c
		}
	}
	return nil
}

// tried lists the contacts of a person that the current step has used.
func (p *plan) tried(person string) []string {
	var ids []string
	for i := range p.s.Pages {
		if page := &p.s.Pages[i]; page.Person == person && page.Purpose == request.Ask && page.Level == p.s.Step.Level && page.Round == p.s.Step.Round {
			ids = append(ids, page.Contact)
		}
	}
	return ids
}

// mend keeps the current step whole while it waits: the next contact for whoever's page failed for good, and pages for whoever a shift
// or an edit has put on duty since.
func (p *plan) mend() {
	step := p.s.Step
	if step.Count == 0 || p.Roster == nil {
		return
	}
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if page.Purpose != request.Ask || page.State != request.PageFailed || page.Level != step.Level || page.Round != step.Round || slices.Contains(p.s.Passed, page.Person) || p.s.Settled(page) {
			continue
		}
		if last := page.Made(); last != nil && last.Failure == request.FailedNoKey {
			p.recall(page)
			continue
		}
		if p.hasPage(page.Person, func(q *request.Page) bool { return q.Purpose == request.Ask && q.Ordered.After(page.Ordered) }) || p.hasLater(page) {
			continue
		}
		if contact := p.contact(page.Person, p.tried(page.Person)); contact != nil {
			p.order(page.Person, p.body(page.Person), contact)
		}
	}
	p.laterChannels()
	targets, _ := p.resolve(step.Level, step.Everyone)
	fresh := targets[:0:0]
	for _, t := range targets {
		if !slices.Contains(step.Targets, t.Person) {
			fresh = append(fresh, t)
		}
	}
	if len(fresh) > 0 {
		p.add(request.Escalated, request.EscalatedBody{
			Level: step.Level, Round: step.Round, Everyone: step.Everyone, Cause: request.CauseRoster, RosterRevision: p.Roster.Revision(), Targets: fresh,
		})
		for _, t := range fresh {
			p.ask(t.Person, step.Level, step.Round)
		}
	}
	if change, ok := p.nextChange(step); ok {
		p.wakeAt(change)
	}
}

// body is the page of the current step.
func (p *plan) body(person string) request.PageBody {
	return request.PageBody{Purpose: request.Ask, About: p.about(person), Level: p.s.Step.Level, Round: p.s.Step.Round}
}

// recall repeats a call that nobody answered with a key, as often as the policy says.
func (p *plan) recall(page *request.Page) {
	calls := 0
	for i := range p.s.Pages {
		if q := &p.s.Pages[i]; q.Person == page.Person && q.Contact == page.Contact && q.Purpose == request.Ask && q.Level == page.Level && q.Round == page.Round {
			calls++
			if q.State != request.PageFailed {
				return // it rings again already
			}
		}
	}
	if calls > p.Policy.Recalls {
		return
	}
	who, _ := p.Roster.Person(page.Person)
	for i := range who.Contacts {
		if who.Contacts[i].ID == page.Contact {
			p.order(page.Person, p.body(page.Person), &who.Contacts[i])
			return
		}
	}
}

// laterChannels asks over the channels whose time within the step has come. Those that are used at once were used when the step was taken,
// except when the urgency has changed since.
func (p *plan) laterChannels() {
	base := p.s.Step.Decided
	if !p.s.Step.Sent.IsZero() {
		base = p.s.Step.Sent
	}
	for _, rule := range p.rules(p.s.Step.Level) {
		if rule.After == 0 && !p.s.UrgencyChanged.After(p.s.Step.Decided) {
			continue
		}
		for _, person := range p.s.Step.Targets {
			contact := p.contactOver(rule.Channel, person, p.tried(person))
			if contact == nil || p.s.Settled(&request.Page{PageBody: request.PageBody{Person: person}}) || (rule.After == 0 && p.asking(person, rule.Channel)) || slices.Contains(p.s.Passed, person) || p.hasPage(person, func(q *request.Page) bool {
				return q.Purpose == request.Ask && q.Channel == rule.Channel && q.Level == p.s.Step.Level && q.Round == p.s.Step.Round
			}) {
				continue
			}
			if at := base.Add(rule.After); p.now.Before(at) {
				p.wakeAt(at)
			} else if !p.ordered(person, rule.Channel) {
				p.order(person, p.body(person), contact)
			}
		}
	}
}

// ordered reports whether this plan has ordered a page for a person over a channel.
func (p *plan) ordered(person, channel string) bool {
	return slices.Contains(p.fresh, person+" "+channel)
}

// hasLater reports whether the same person was given another page after this one, in the same commit order.
func (p *plan) hasLater(page *request.Page) bool {
	seen := false
	for i := range p.s.Pages {
		q := &p.s.Pages[i]
		if q.Page == page.Page {
			seen = true
		} else if seen && q.Person == page.Person && q.Purpose == request.Ask {
			return true
		}
	}
	return false
}

// nextChange is when the targets of a step may change by themselves.
func (p *plan) nextChange(step request.Step) (time.Time, bool) {
	if step.Everyone || step.Level > len(p.Policy.Levels) || p.s.Ref.IsOps() {
		return time.Time{}, false
	}
	var first time.Time
	for _, target := range p.Policy.level(step.Level) {
		kind, id, _ := strings.Cut(target, ":")
		if kind != "roster" && kind != "next" {
			continue
		}
		if t := p.duties.ask(p.Roster, id, p.now).change; !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first, !first.IsZero()
}

// resolve names the people of a level, with the reasons. Whoever passed is left out, except from everyone. nobody says which target
// resolved to nobody at all, "" when each found someone.
func (p *plan) resolve(level int, everyone bool) (targets []request.Target, nobody string) {
	add := func(person string, why []string) {
		if !slices.ContainsFunc(targets, func(t request.Target) bool { return t.Person == person }) {
			targets = append(targets, request.Target{Person: person, Why: why})
		}
	}
	switch p.s.Kind() {
	case "":
	case request.OpsAlarm:
		return p.AlarmTargets(), ""
	default:
		return targetsOf(p.s.Step.Targets, ""), "" // an edit changes the matter, and so its targets
	}
	if everyone || level > len(p.Policy.Levels) {
		for _, person := range p.spared(p.Roster.Everyone(p.now)) {
			add(person, []string{"everyone"})
		}
		if len(targets) == 0 {
			nobody = "everyone: the roster has no people"
		}
		return targets, nobody
	}
	for _, target := range p.Policy.level(level) {
		kind, id, _ := strings.Cut(target, ":")
		before := len(targets)
		switch kind {
		case "roster", "next":
			answer := p.duties.ask(p.Roster, id, p.now)
			list := answer.duty.OnDuty
			if kind == "next" {
				list = answer.duty.Next
			}
			for _, t := range p.prefer(list) {
				add(t.Person, t.Why)
			}
			if !answer.ok || len(answer.duty.OnDuty) == 0 {
				nobody = target
			}
		case "team":
			team, _ := p.Roster.Team(id)
			for _, person := range team.Members {
				add(person, []string{"team " + id})
			}
		case "person":
			if _, ok := p.Roster.Person(id); ok {
				add(id, []string{"named by the policy"})
			}
		}
		if len(targets) == before && kind != "next" && nobody == "" {
			nobody = target
		}
	}
	targets = slices.DeleteFunc(targets, func(t request.Target) bool { return slices.Contains(p.s.Passed, t.Person) })
	return targets, nobody
}

// spared leaves out those who are not to be asked again, as long as anybody else can be paged: that nobody is asked helps nobody.
func (p *plan) spared(people []string) []string {
	others := slices.DeleteFunc(slices.Clone(people), func(person string) bool { return slices.Contains(p.s.Busy, person) })
	if slices.ContainsFunc(others, func(person string) bool { return p.contact(person, nil) != nil }) {
		return others
	}
	return people
}

// prefer orders those on duty by the request's language and by who may decide on its type, and adds to the reasons what speaks for each, and
// what none of them has. Everybody stays: a page waits for no language.
func (p *plan) prefer(list []roster.Assignment) []request.Target {
	people := make([]string, len(list))
	why := map[string][]string{}
	for i, a := range list {
		people[i], why[a.Person] = a.Person, a.Why
	}
	order, missing := p.Roster.Prefer(people, roster.Need{Language: p.s.Language, Authority: string(p.s.Type)})
	targets := make([]request.Target, len(order))
	for i, choice := range order {
		targets[i] = request.Target{Person: choice.Person, Why: slices.Concat(why[choice.Person], choice.Why, missing)}
	}
	return targets
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
