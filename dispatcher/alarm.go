package dispatcher

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// coordinators is the team that alarms go to when the policy names nobody.
const coordinators = "coordinators"

// AlarmTargets names the people whom alarms reach: those whom the policy lists ("person:<id>", a person's id alone, "team:<id>"), or the
// members of the team coordinators where it lists none. It is empty when nobody is found; people without a contact count, and are told
// apart by whoever pages them.
func (p Planner) AlarmTargets() []request.Target {
	if p.Roster == nil {
		return nil
	}
	list := p.Policy.AlarmTo
	if len(list) == 0 {
		list = []string{"team:" + coordinators}
	}
	var targets []request.Target
	add := func(person, why string) {
		known := func(t request.Target) bool { return t.Person == person }
		if _, ok := p.Roster.Person(person); ok && !slices.ContainsFunc(targets, known) {
			targets = append(targets, request.Target{Person: person, Why: []string{why}})
		}
	}
	for _, name := range list {
		if id, ok := strings.CutPrefix(name, "team:"); ok {
			team, _ := p.Roster.Team(id)
			for _, person := range team.Members {
				add(person, "team "+id)
			}
			continue
		}
		add(strings.TrimPrefix(name, "person:"), "alarm_to")
	}
	return targets
}

// alarm plans for an alarm: everyone whom alarms go to is asked at once, and again after every Repeat, until somebody looks after it or its
// cause is gone. Who looks after it ends the pages and not the alarm. Nobody is told of the end: it is no reason to wake anyone.
func (p *plan) alarm() {
	switch {
	case p.s.Status.Ended():
		p.events = append(p.events, cancelPages(p.s, p.now, string(p.s.Status), everyPage)...)
		p.waitForCalls()
		open := slices.ContainsFunc(p.s.Pages, func(page request.Page) bool { return page.State.Open() })
		if len(p.events) == 0 && !open && !p.s.TooNew() {
			p.add(request.Closed, request.ClosedBody{Reason: string(p.s.Status)})
		}
	case p.s.Alarm.Quiet(p.now):
		p.ahead()
	case p.s.Owner != "" && p.early():
		p.takeBack()
	case p.s.Owner != "":
		p.callOff("acknowledged")
	default:
		p.askAgain()
	}
}

// askAgain takes the next step of an alarm when it is due, or mends the current one.
func (p *plan) askAgain() {
	step := p.s.Step
	cause, due := request.CauseReceived, p.s.Received
	if step.Count > 0 {
		cause, due = request.CauseSilence, step.Decided.Add(p.Policy.Repeat)
	}
	due = later(due, p.s.Alarm.PagesFrom())
	if p.s.TooNew() && due.Before(p.s.LastTime.Add(tooNewGrace)) {
		due = p.s.LastTime.Add(tooNewGrace)
	}
	if p.now.Before(due) {
		p.wakeAt(due)
		p.mend()
		return
	}
	targets := p.AlarmTargets()
	if len(targets) == 0 { // an empty step would say nothing, every quarter of an hour; an edit of the roster is looked at at once
		p.wakeAt(p.now.Add(p.Policy.Repeat))
		return
	}
	body := request.EscalatedBody{Level: 1, Round: step.Count + 1, Cause: cause, RosterRevision: p.Roster.Revision(), Targets: targets}
	p.add(request.Escalated, body)
	for _, t := range targets {
		p.ask(t.Person, body.Level, body.Round)
	}
	p.wakeAt(p.now.Add(p.Policy.Repeat))
}

// recipient is the role in which people are paged from this log.
func (p *plan) recipient() request.Recipient {
	if p.s.Kind() == request.OpsAlarm {
		return request.ToCoordinator
	}
	return request.ToOfficer
}

// aboutOf says what a page asks or tells.
func aboutOf(s *request.State, p *request.Page) notifier.About {
	switch {
	case p.About != "" && p.About != request.AboutAsked:
		return notifier.About(p.About)
	case s.Kind() == request.OpsAlarm:
		return notifier.AskToLookAfter
	default:
		return notifier.AskToTake
	}
}

// acknowledgeAlarm decides what comes of somebody looking after an alarm: the pages stop, and it stands until its cause is gone.
func acknowledgeAlarm(s *request.State, now time.Time, person, page string, via request.Via) ([]request.Event, notifier.AnswerKind) {
	switch {
	case s.Status.Ended():
		return nil, notifier.AlarmOver
	case s.Owner == person:
		return nil, notifier.AlreadyYours
	case s.Owner != "":
		return nil, notifier.AlreadyTaken
	}
	events := []request.Event{request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: page, Person: person, Via: via})}
	return append(events, cancelPages(s, now, "acknowledged", askingPage)...), notifier.AlarmTaken
}

// Alarms lists the alarms that this machine knows, cleared ones of the last two days among them, in the order in which they were raised.
func (m *Machine) Alarms() []*request.State { return m.Matters(request.OpsAlarm) }

// Watched is [Machine.Alarms] for whoever looks and keeps nothing: the states are the machine's own, and change with its next step.
func (m *Machine) Watched() []*request.State { return m.ofKind(request.OpsAlarm) }

// AlarmTargets names the people whom alarms would reach now, each with a contact over a channel that somebody serves.
func (m *Machine) AlarmTargets() []string {
	p := &plan{Planner: m.planner}
	var people []string
	for _, t := range p.AlarmTargets() {
		if p.contact(t.Person, nil) != nil {
			people = append(people, t.Person)
		}
	}
	return people
}

// nobodyOnDuty lists the targets of the first level that name a roster on which nobody is on duty.
func (p Planner) nobodyOnDuty(now time.Time) []string {
	var gaps []string
	if p.Roster == nil || len(p.Policy.Levels) == 0 || len(p.Roster.Everyone(now)) == 0 {
		return nil // a roster without people is shown by /readyz
	}
	for _, target := range p.Policy.Levels[0] {
		kind, id, _ := strings.Cut(target, ":")
		if kind != "roster" {
			continue
		}
		if answer := p.duties.ask(p.Roster, id, now); !answer.ok || len(answer.duty.OnDuty) == 0 {
			gaps = append(gaps, target)
		}
	}
	return gaps
}
