package dispatcher

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

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
