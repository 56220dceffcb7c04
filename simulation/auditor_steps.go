package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
)

// escalated judges a step.
func (a *auditor) escalated(f *file, c *request.Commit, b *request.EscalatedBody) {
	w := a.w
	now := c.Time.Time
	names := make([]string, len(b.Targets))
	for i, t := range b.Targets {
		names[i] = t.Person
	}
	a.tell(f, c.Node, "asks level %d in round %d, because %s: %s", b.Level, b.Round, strings.ReplaceAll(string(b.Cause), "_", " "), strings.Join(names, ", "))
	a.revision(f, c, b.RosterRevision)
	if f.matter != nil {
		a.chased(f, c, b, names)
		return
	}
	if f.ended || f.owner != "" {
		w.fail(quiet, f.ref, "%s escalates while %q has it (ended: %t)", c.Node, f.owner, f.ended)
	}
	if far := f.alarm.PagesFrom().Sub(now); f.ops && far > 0 {
		w.fail(lets, f.ref, "%s pages %s before it may", c.Node, told(far))
	}
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
	a.asks(f, names)
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
		return later(f.step.decided.Add(p.Repeat), f.alarm.PagesFrom())
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
	return a.day(t)
}

// day is a time itself by day, and the next morning at night.
func (a *auditor) day(t time.Time) time.Time {
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
	if !f.running() || (f.matter != nil && (f.step.Level != 1 || len(f.matter.Asks) == 0)) { // after the reminder of a handover there is an alarm, and no step
		return
	}
	due := now
	switch all := f.step.count > 0 && !slices.ContainsFunc(f.step.targets, func(p string) bool { return !slices.Contains(f.passed, p) }); {
	case f.ops && f.step.count == 0:
		due = later(now, f.alarm.PagesFrom())
	case f.ops:
		due = a.stepEnds(f)
	case f.step.count == 0, f.returned:
	case f.step.Everyone, !all:
		due = a.stepEnds(f)
	}
	if morning := a.morning(f, now); morning.After(now) {
		due = later(due, morning)
	}
	due = a.morning(f, due)
	turn := f.turn
	a.expect(&a.decides, max(due.Sub(now), 0)+slack+a.tolerance(), func() bool {
		return f.turn != turn || !f.running()
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

// mustBePaged expects that a request reaches a provider, or that an alarm stands.
func (a *auditor) mustBePaged(f *file) {
	due := a.morning(f, f.received)
	a.expect(&a.pages, due.Sub(f.received)+2*time.Minute+a.tolerance(), func() bool {
		asleep := a.morning(f, a.w.time()).After(a.w.time()) // it was judged routine meanwhile: the next step has its time in the morning
		return f.reached || !f.running() || len(f.alarms) > 0 || a.standing(request.AlarmLate, "") || a.standing(request.AlarmFailing, "") || asleep
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
	if b.Kind == request.AlarmFailing {
		c := a.contactOf(b.Cause)
		c.flagged, c.raised = true, a.w.now
	}
	if f.ops {
		if f.alarm.Kind != "" {
			f.alarm = b
			a.progress(f, now)
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
