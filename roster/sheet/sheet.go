package sheet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// DefaultDays is how far a sheet looks when nobody says how far; MaxDays is the farthest.
const (
	DefaultDays = 14
	MaxDays     = 60
)

// An Escalation is in which order people are asked, as the policy has it.
type Escalation struct {
	Levels  [][]string // roster[:id], next[:id], team:<id>, person:<id>
	Rounds  int        // through the levels, before everyone is asked
	Waits   []Wait     // the most urgent first
	AlarmTo []string   // team:<id>, person:<id> or the id of a person; none: the team coordinators
}

// A Wait is how long a level has to answer.
type Wait struct {
	Urgency request.Urgency
	Time    time.Duration
}

// A Sheet is what stands on the paper. Times are in UTC; what stands beside them as text is the time of the roster.
type Sheet struct {
	Revision  uint64          `json:"revision"`
	PrintedAt request.Instant `json:"printed_at"`
	Days      int             `json:"days"`
	Rosters   []Roster        `json:"rosters"`
	Order     []string        `json:"order"`     // of the escalation, in words
	CallTree  []Branch        `json:"call_tree"` // each is called when nobody of the one before answers
	People    []Person        `json:"people"`    // everybody, in the order of the book
}

// A Roster is one table.
type Roster struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	TimeZone string   `json:"time_zone"`
	Clocks   []string `json:"clocks"` // when the roster's clocks change in these days
	Shifts   []Shift  `json:"shifts"`
}

// Local reports whether the roster's time is another than UTC, so that both stand on the paper.
func (r Roster) Local() bool { return r.TimeZone != "UTC" }

// A Shift is a row. Without people nobody is on duty.
type Shift struct {
	From       request.Instant `json:"from"`
	Until      request.Instant `json:"until"`
	LocalFrom  string          `json:"local_from"` // in the roster's zone
	LocalUntil string          `json:"local_until"`
	People     []Person        `json:"people"`
	Training   []Person        `json:"training,omitempty"`
}

// A Branch is who is called next.
type Branch struct {
	Title  string   `json:"title"`
	Note   string   `json:"note"`   // how long to wait, or where to look
	People []Person `json:"people"` // at the time of printing
}

// A Person is somebody with their telephones.
type Person struct {
	ID        string   `json:"id"`
	CallSign  string   `json:"call_sign"`
	Name      string   `json:"name"`
	Languages []string `json:"languages"`
	Phones    []Phone  `json:"phones"`
}

// A Phone is a number, with what reaches it.
type Phone struct {
	Number   string   `json:"number"`
	Channels []string `json:"channels"`
	Verified bool     `json:"verified"`
}

// localLayout is how a time stands on the paper: nobody in any country reads it wrong.
const localLayout = "Mon 2006-01-02 15:04"

// Build makes the sheet of a roster at now, for days from the beginning of the day on. Erased people are left out.
func Build(c *roster.Compiled, e Escalation, now time.Time, days int) Sheet {
	b := builder{c: c, now: now}
	s := Sheet{Revision: c.Revision(), PrintedAt: request.At(now), Days: days, Rosters: []Roster{}, Order: b.order(e), CallTree: b.tree(e), People: []Person{}}
	for _, r := range c.Book().Rosters {
		if r.Until.IsZero() || r.Until.After(now) {
			s.Rosters = append(s.Rosters, b.roster(r, days))
		}
	}
	for _, p := range c.Book().People {
		if !p.Erased {
			s.People = append(s.People, person(p))
		}
	}
	return s
}

type builder struct {
	c   *roster.Compiled
	now time.Time
}

func (b builder) roster(r roster.Roster, days int) Roster {
	zone := b.c.Zone(r.ID)
	clock := roster.NewClock(zone)
	today := clock.Shows(b.now).Truncate(24 * time.Hour)
	from, until := clock.Reaches(today), clock.Reaches(today.AddDate(0, 0, days))
	if !r.Until.IsZero() && r.Until.Before(until) {
		until = r.Until
	}
	table := Roster{ID: r.ID, Name: clean(cmp.Or(r.Name, r.ID)), TimeZone: r.TimeZone, Clocks: clocks(zone, from, until), Shifts: []Shift{}}
	for s := range b.c.Shifts(r.ID, from, until) {
		table.Shifts = append(table.Shifts, Shift{
			From: request.At(s.From), Until: request.At(s.Until), LocalFrom: s.From.In(zone).Format(localLayout), LocalUntil: s.Until.In(zone).Format(localLayout),
			People: b.people(s.People), Training: b.people(s.Shadows),
		})
	}
	return table
}

// clocks says when a zone's clocks change in a span.
func clocks(zone *time.Location, from, until time.Time) []string {
	list := []string{}
	for at := from.In(zone); ; {
		_, end := at.ZoneBounds()
		if end.IsZero() || !end.Before(until) || !end.After(at) {
			return list
		}
		before, after := end.Add(-time.Nanosecond).In(zone).Format("-07:00"), end.In(zone).Format("-07:00")
		if before != after {
			list = append(list, fmt.Sprintf("The clocks change at %s UTC, from UTC%s to UTC%s.", end.UTC().Format(localLayout), before, after))
		}
		at = end.In(zone)
	}
}

func (b builder) people(ids []string) []Person {
	list := []Person{}
	for _, id := range ids {
		if p, ok := b.c.Person(id); ok && !p.Erased {
			list = append(list, person(p))
		}
	}
	return list
}

func person(p roster.Person) Person {
	one := Person{ID: p.ID, CallSign: clean(p.CallSign), Name: clean(p.Name), Languages: []string{}, Phones: []Phone{}}
	for _, l := range p.Languages {
		one.Languages = append(one.Languages, clean(l.Tag))
	}
	for _, c := range p.Contacts {
		if !c.Telephone() { // nobody is called there
			continue
		}
		i := slices.IndexFunc(one.Phones, func(have Phone) bool { return have.Number == c.Address })
		if i < 0 {
			one.Phones = append(one.Phones, Phone{Number: clean(c.Address), Verified: true})
			i = len(one.Phones) - 1
		}
		one.Phones[i].Channels = append(one.Phones[i].Channels, clean(c.Channel))
		one.Phones[i].Verified = one.Phones[i].Verified && c.Verified
	}
	return one
}

// clean takes out what could change how the text around it is shown.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text)
}

// order says in words how the escalation goes.
func (b builder) order(e Escalation) []string {
	var list []string
	for i, level := range e.Levels {
		targets := make([]string, len(level))
		for j, target := range level {
			targets[j], _ = b.target(target)
		}
		list = append(list, fmt.Sprintf("Level %d: %s.", i+1, strings.Join(targets, ", and ")))
	}
	var waits []string
	for _, w := range e.Waits {
		waits = append(waits, fmt.Sprintf("%s %s", w.Urgency, minutes(w.Time)))
	}
	if len(waits) > 0 {
		list = append(list, "Each level has so long to answer: "+strings.Join(waits, ", ")+".")
	}
	return append(list, fmt.Sprintf("The levels are gone through %s. Then everyone is called, again and again, until somebody takes it.", times(e.Rounds)))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func minutes(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}

// target says in words whom a target of the policy means, and who that is now.
func (b builder) target(text string) (words string, people []Person) {
	kind, id, _ := strings.Cut(text, ":")
	at := func() (roster.Duty, string) {
		duty, ok := b.c.At(id, b.now)
		if !ok {
			return duty, id
		}
		return duty, duty.Roster
	}
	ids := func(list []roster.Assignment) (ids []string) {
		for _, a := range list {
			ids = append(ids, a.Person)
		}
		return ids
	}
	switch kind {
	case "roster":
		duty, name := at()
		return "who is on duty on " + clean(name), b.people(ids(duty.OnDuty))
	case "next":
		duty, name := at()
		return "who is next on " + clean(name), b.people(ids(duty.Next))
	case "team":
		team, _ := b.c.Team(id)
		return "the team " + clean(id), b.people(team.Members)
	default:
		id = cmp.Or(id, kind)
		p, _ := b.c.Person(id)
		return cmp.Or(clean(p.CallSign), clean(id)), b.people([]string{id})
	}
}

// tree is who calls whom when it must be done by hand.
func (b builder) tree(e Escalation) []Branch {
	tree := []Branch{}
	wait := ""
	if n := len(e.Waits); n > 0 {
		shortest, longest := minutes(e.Waits[0].Time), minutes(e.Waits[n-1].Time)
		wait = fmt.Sprintf("No answer within %s (%s) to %s (%s): go on below.", shortest, e.Waits[0].Urgency, longest, e.Waits[n-1].Urgency)
	}
	for i, level := range e.Levels {
		branch := Branch{Title: fmt.Sprintf("Level %d", i+1), Note: wait, People: []Person{}}
		var words []string
		for _, target := range level {
			text, people := b.target(target)
			words = append(words, text)
			for _, p := range people {
				if !slices.ContainsFunc(branch.People, func(have Person) bool { return have.ID == p.ID }) {
					branch.People = append(branch.People, p)
				}
			}
		}
		branch.Title += ": " + strings.Join(words, ", and ")
		tree = append(tree, branch)
	}
	tree = append(tree, Branch{
		Title: "Everyone, one after the other", Note: fmt.Sprintf("After the levels were called %s. Begin again at the end.", times(e.Rounds)), People: b.people(b.c.Everyone(b.now)),
	})
	alarm := e.AlarmTo
	if len(alarm) == 0 {
		alarm = []string{"team:coordinators"}
	}
	last := Branch{Title: "Coordinators", Note: "Tell them at once when a level had nobody, or when everyone was called in vain.", People: []Person{}}
	for _, target := range alarm {
		_, people := b.target(target)
		last.People = append(last.People, people...)
	}
	return append(tree, last)
}
