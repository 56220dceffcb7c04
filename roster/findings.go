package roster

import (
	"slices"
	"time"
)

// A FindingKind says what is wrong with a roster over a span.
type FindingKind string

// The kinds of finding.
const (
	FoundGap        FindingKind = "gap"        // nobody is on duty
	FoundUnverified FindingKind = "unverified" // somebody is on duty whom no verified telephone reaches
	FoundUncovered  FindingKind = "uncovered"  // a coverage rule is broken by those who are on duty
)

// A Finding is something that is wrong with a roster over a half-open span.
type Finding struct {
	Kind    FindingKind
	Roster  string
	From    time.Time
	Until   time.Time
	People  []string // unverified: who; uncovered: who is on duty meanwhile; gap: nobody
	Rule    string   // uncovered: the rule that is broken
	Missing []string // uncovered: as in [Uncovered]
}

// Subject says what it is that is wrong, whenever it is: findings of one subject are one trouble that comes again. It names ids alone.
func (f Finding) Subject() string {
	switch f.Kind {
	case FoundUnverified:
		return string(f.Kind) + " " + f.Roster + " " + f.People[0]
	case FoundUncovered:
		return string(f.Kind) + " " + f.Roster + " " + f.Rule
	default:
		return string(f.Kind) + " " + f.Roster
	}
}

// Findings lists what is wrong on all rosters in a span, in the order in which it begins. Where nobody is on duty the gap says it all: no
// coverage rule is named beside it. Neighbours of one subject are one finding, as far as the same is missing. Those in training are no
// officers, and a roster that is closed has no findings.
func (c *Compiled) Findings(from, until time.Time) []Finding {
	var list []Finding
	for i := range c.book.Rosters {
		l := look{d: c.rosters[c.book.Rosters[i].ID], last: map[string]int{}}
		for shift := range c.Shifts(l.d.id, from, c.open(l.d.id, until)) {
			l.at(shift)
		}
		list = append(list, l.found...)
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return a.From.Compare(b.From) })
	return list
}

// A look goes over the tiles of one roster.
type look struct {
	d     *duty
	found []Finding
	last  map[string]int // subject → the newest of found
}

func (l *look) at(tile Shift) {
	if tile.Gap() {
		l.find(Finding{Kind: FoundGap, From: tile.From, Until: tile.Until})
		return
	}
	for _, id := range tile.People {
		p, _ := l.d.c.Person(id)
		if from := p.unverifiedFrom(tile.From); from.Before(tile.Until) {
			l.find(Finding{Kind: FoundUnverified, From: from, Until: tile.Until, People: []string{id}})
		}
	}
	for i, rule := range l.d.coverage {
		missing := l.d.c.missing(rule, tile.People)
		if len(missing) == 0 {
			continue
		}
		for _, part := range l.d.within(l.d.rules[i], span{tile.From, tile.Until}) {
			l.find(Finding{
				Kind: FoundUncovered, From: part.from, Until: part.until, People: slices.Clone(tile.People), Rule: rule.ID, Missing: missing,
			})
		}
	}
}

// find adds a finding, or lets the last of its subject go on.
func (l *look) find(f Finding) {
	f.Roster, f.From, f.Until = l.d.id, f.From.UTC(), f.Until.UTC()
	subject := f.Subject()
	if i, known := l.last[subject]; known && l.found[i].Until.Equal(f.From) && slices.Equal(l.found[i].Missing, f.Missing) {
		last := &l.found[i]
		last.Until = f.Until
		for _, id := range f.People {
			if !slices.Contains(last.People, id) {
				last.People = append(last.People, id)
			}
		}
		return
	}
	l.last[subject] = len(l.found)
	l.found = append(l.found, f)
}
