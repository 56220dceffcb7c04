package roster

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// CheckPast compares who was on duty until now by the book and by another that shall take its place, and refuses one that changes it. The
// error is a [*ValidationError], one problem a roster. The first book with rosters has no past to keep, and a book that is not valid counts
// as empty.
func (b Book) CheckPast(after Book, now time.Time) error {
	was, will := compiled(b), compiled(after)
	if len(was.book.Rosters) == 0 {
		return nil
	}
	var problems []Problem
	for i, r := range after.Rosters {
		if problem := changedPast(was, will, r.ID, now); problem != nil {
			problem.Path = fmt.Sprintf("/rosters/%d", i)
			problems = append(problems, *problem)
		}
	}
	for _, r := range was.book.Rosters {
		if will.roster(r.ID) != nil {
			continue
		}
		if problem := changedPast(was, will, r.ID, now); problem != nil {
			problem.Path, problem.Fix = "/rosters", "Keep the roster "+r.ID+" and close it: set until to a time from now on."
			problems = append(problems, *problem)
		}
	}
	if problems == nil {
		return nil
	}
	return &ValidationError{problems}
}

// changedPast finds the first time before now at which two books have other people on duty on a roster.
func changedPast(was, will *Compiled, id string, now time.Time) *Problem {
	from := earliest(was.rosters[id].begins(), will.rosters[id].begins())
	if from.IsZero() || from.Before(firstDial) {
		from = firstDial
	}
	for old := range was.allShifts(id, from, now) {
		for shift := range will.allShifts(id, old.From, old.Until) {
			if slices.Equal(old.People, shift.People) && slices.Equal(old.Shadows, shift.Shadows) {
				continue
			}
			return &Problem{
				Detail: fmt.Sprintf("It changes who was on duty on %s at %s, and that is over: %s, not %s.", id, shift.From.UTC().Format(stampLayout), was.signs(old), will.signs(shift)),
				Fix:    "Let the change begin now or later; put what held before back as it was.",
			}
		}
	}
	return nil
}

// allShifts are the shifts of a roster, one gap where there is no such roster.
func (c *Compiled) allShifts(id string, from, until time.Time) func(func(Shift) bool) {
	if c.rosters[id] == nil {
		return func(yield func(Shift) bool) {
			if from.Before(until) {
				yield(Shift{From: from, Until: until})
			}
		}
	}
	return c.Shifts(id, from, until)
}

func (c *Compiled) signs(s Shift) string {
	if s.Gap() {
		return "nobody"
	}
	signs := func(people []string) string {
		list := make([]string, len(people))
		for i, person := range people {
			list[i] = c.sign(person)
		}
		return strings.Join(list, " and ")
	}
	if len(s.Shadows) > 0 {
		return signs(s.People) + " with " + signs(s.Shadows)
	}
	return signs(s.People)
}

// begins is before when nobody can have been on duty; zero when that is always so, or there is no such roster.
func (d *duty) begins() (first time.Time) {
	if d == nil {
		return first
	}
	for _, l := range d.layers {
		for i := range l.segments {
			if s := &l.segments[i]; len(s.rotation.turns) > 0 {
				first = earliest(first, s.dial.instant(s.rotation.begin))
			}
		}
	}
	for i := range d.entries.list {
		first = earliest(first, d.entries.list[i].from)
	}
	return first
}

// KeepPast is after, an edit of the book, with everything that would reach behind now cut there: what held before now holds for its time as it
// did, and what is new begins now. What it cannot cut, as the order of layers or a holiday, [Book.CheckPast] refuses. The book must be valid;
// after need not be, and what is wrong with it stays.
func (b Book) KeepPast(after Book, now time.Time) Book {
	now = now.UTC()
	k := &compiler{dials: map[string]*dial{}}
	kept := after
	kept.Rosters = slices.Clone(after.Rosters)
	if len(b.Rosters) == 0 {
		return kept
	}
	for i := range kept.Rosters {
		r := &kept.Rosters[i]
		old := Roster{ID: r.ID, TimeZone: r.TimeZone}
		if j := slices.IndexFunc(b.Rosters, func(old Roster) bool { return old.ID == r.ID }); j >= 0 {
			old = b.Rosters[j]
		}
		k.keepRoster(old, r, now)
	}
	for _, old := range b.Rosters {
		if slices.ContainsFunc(kept.Rosters, func(r Roster) bool { return r.ID == old.ID }) {
			continue
		}
		closed := Roster{ID: old.ID, Name: old.Name, TimeZone: old.TimeZone, Until: earliest(old.Until, now)}
		if k.keepRoster(old, &closed, now); len(closed.Layers)+len(closed.Overrides) > 0 {
			kept.Rosters = append(kept.Rosters, closed)
		}
	}
	kept.Leave = keepEntries(b.Leave, after.Leave, now, leaveEntry)
	kept.People = keepPeople(b, kept, now)
	return kept
}

func (k *compiler) keepRoster(old Roster, r *Roster, now time.Time) {
	if !r.Until.IsZero() && r.Until.Before(now) && !r.Until.Equal(old.Until) {
		r.Until = now
	}
	layers := []Layer{}
	for _, l := range r.Layers {
		was := Layer{ID: l.ID}
		if i := slices.IndexFunc(old.Layers, func(was Layer) bool { return was.ID == l.ID }); i >= 0 {
			was = old.Layers[i]
		}
		layers = append(layers, k.keepLayer(was, old.TimeZone, l, r.TimeZone, now))
	}
	place := 0
	for _, was := range old.Layers {
		if i := slices.IndexFunc(layers, func(l Layer) bool { return l.ID == was.ID }); i >= 0 {
			place = i + 1
			continue
		}
		if closed := k.keepLayer(was, old.TimeZone, Layer{ID: was.ID, Name: was.Name}, r.TimeZone, now); len(closed.Past) > 0 {
			layers = slices.Insert(layers, place, closed)
			place++
		}
	}
	r.Layers = layers
	r.Overrides = keepEntries(old.Overrides, r.Overrides, now, overrideEntry)
	r.Covers = keepEntries(old.Covers, r.Covers, now, coverEntry)
	r.Shadows = keepEntries(old.Shadows, r.Shadows, now, shadowEntry)
	r.Swaps = keepSwaps(old.Swaps, r.Swaps, now)
}

// rules are the segments of a layer, the last without an end.
func (l Layer) rules(zoneName string) []Segment {
	return append(slices.Clone(l.Past), Segment{TimeZone: zoneName, Rotation: l.Rotation, Restrictions: l.Restrictions})
}

// holding is the place of the segment that holds at t.
func holding(rules []Segment, t time.Time) int {
	return slices.IndexFunc(rules, func(s Segment) bool { return s.Until.IsZero() || t.Before(s.Until) })
}

// keepLayer joins what held of a layer before now with what holds of another from now on.
func (k *compiler) keepLayer(old Layer, oldZone string, l Layer, zoneName string, now time.Time) Layer {
	before, after := old.rules(oldZone), l.rules(zoneName)
	i, j := holding(before, now), holding(after, now)
	l.Past = slices.Clone(before[:i])
	if !before[i].same(after[j]) && !(k.silent(before[i], now) && k.silent(after[j], now)) {
		cut := before[i]
		cut.Until = now
		l.keep(cut)
	}
	for _, s := range after[j : len(after)-1] {
		l.keep(s)
	}
	if len(l.Past) == 0 {
		l.Past = nil
	}
	return l
}

// same reports whether two segments have the same rule, whenever they end.
func (s Segment) same(other Segment) bool {
	s.Until, other.Until = time.Time{}, time.Time{}
	return reflect.DeepEqual(plain(reflect.ValueOf(s)), plain(reflect.ValueOf(other)))
}

// silent reports whether a segment has nobody before now.
func (k *compiler) silent(s Segment, now time.Time) bool {
	if len(s.Rotation.Turns) == 0 {
		return true
	}
	s.Rotation.Turns = [][]string{{}}
	if s.Rotation.check(s.TimeZone, nil) != nil { // whoever stores it refuses it
		return false
	}
	r := compileRotation(s.Rotation)
	return !k.dial(s.TimeZone).instant(r.begin).Before(now)
}

// An entryOf reads and changes the time of something that holds for a span.
type entryOf[T any] func(e *T) (id *string, from, until *time.Time, counts bool)

func overrideEntry(o *Override) (*string, *time.Time, *time.Time, bool) {
	return &o.ID, &o.From, &o.Until, true
}

func leaveEntry(l *Leave) (*string, *time.Time, *time.Time, bool) {
	return &l.ID, &l.From, &l.Until, true
}

func shadowEntry(s *Shadow) (*string, *time.Time, *time.Time, bool) {
	return &s.ID, &s.From, &s.Until, true
}

func coverEntry(c *Cover) (*string, *time.Time, *time.Time, bool) {
	return &c.ID, &c.From, &c.Until, c.State == CoverAccepted
}

// keepEntries joins what held before now of one list with what holds from now on of another.
func keepEntries[T any](before, after []T, now time.Time, entry entryOf[T]) []T {
	taken := map[string]bool{}
	for _, list := range [][]T{before, after} {
		for i := range list {
			id, _, _, _ := entry(&list[i])
			taken[*id] = true
		}
	}
	find := func(list []T, want string) int {
		return slices.IndexFunc(list, func(e T) bool { id, _, _, _ := entry(&e); return *id == want })
	}
	var kept []T
	for i := range after {
		e := after[i]
		id, from, until, counts := entry(&e)
		if at := find(before, *id); at >= 0 {
			old := before[at]
			_, oldFrom, oldUntil, oldCounts := entry(&old)
			if oldCounts && oldFrom.Before(now) {
				if extended(old, e, now, entry) {
					kept = append(kept, e)
					continue
				}
				*oldUntil = earliest(*oldUntil, now)
				kept = append(kept, old)
				if !counts || !until.After(now) {
					continue
				}
				*from, *id = later(*from, now), fresh(*id, taken)
				kept = append(kept, e)
				continue
			}
		}
		if counts && from.Before(now) {
			if !until.After(now) && from.Before(*until) {
				continue
			}
			*from = now
		}
		kept = append(kept, e)
	}
	place := 0
	for i := range before {
		old := before[i]
		id, from, until, counts := entry(&old)
		if at := find(kept, *id); at >= 0 {
			place = at + 1
			continue
		}
		if counts && from.Before(now) {
			*until = earliest(*until, now)
			kept = slices.Insert(kept, place, old)
			place++
		}
	}
	return kept
}

// extended reports whether two entries are the same up to now: they differ at most in an end that is not before it.
func extended[T any](old, e T, now time.Time, entry entryOf[T]) bool {
	_, _, oldUntil, _ := entry(&old)
	_, _, until, _ := entry(&e)
	if !oldUntil.Equal(*until) && (oldUntil.Before(now) || until.Before(now)) {
		return false
	}
	*oldUntil = *until
	return reflect.DeepEqual(plain(reflect.ValueOf(old)), plain(reflect.ValueOf(e)))
}

// fresh makes an identifier that is not taken.
func fresh(id string, taken map[string]bool) string {
	for n := 2; ; n++ {
		suffix := fmt.Sprintf("-%d", n)
		if next := id[:min(len(id), 41-len(suffix))] + suffix; !taken[next] {
			taken[next] = true
			return next
		}
	}
}

// keepSwaps keeps accepted swaps that have begun as they were: an override changes what is left of them.
func keepSwaps(before, after []Swap, now time.Time) []Swap {
	begun := func(s Swap) bool {
		return s.State == CoverAccepted && (s.One.From.Before(now) || s.Other.From.Before(now))
	}
	kept := slices.Clone(after)
	place := 0
	for _, old := range before {
		i := slices.IndexFunc(kept, func(s Swap) bool { return s.ID == old.ID })
		switch {
		case i >= 0 && begun(old):
			kept[i] = old
			fallthrough
		case i >= 0:
			place = i + 1
		case begun(old):
			kept = slices.Insert(kept, place, old)
			place++
		}
	}
	for i := range kept {
		s := &kept[i]
		if s.State == CoverAccepted && !slices.ContainsFunc(before, func(old Swap) bool { return old.ID == s.ID && begun(old) }) {
			s.One.From, s.Other.From = later(s.One.From, now), later(s.Other.From, now)
		}
	}
	return kept
}

// keepPeople are the people of a book, and those of the one before it whom the past names. Those are on no duty any more, from
// the day after next.
func keepPeople(before, kept Book, now time.Time) []Person {
	named := map[string]bool{}
	name := func(people ...string) {
		for _, p := range people {
			named[p] = true
		}
	}
	for _, r := range kept.Rosters {
		for _, l := range r.Layers {
			for _, s := range l.Past {
				name(slices.Concat(s.Rotation.Turns...)...)
			}
		}
		for _, o := range r.Overrides {
			name(o.People...)
		}
		for _, c := range r.Covers {
			name(append(slices.Concat(c.To, c.Declined), c.Person, c.By)...)
		}
		for _, s := range r.Swaps {
			name(s.One.Person, s.Other.Person)
		}
		for _, s := range r.Shadows {
			name(s.Person, s.Follows)
		}
	}
	for _, l := range kept.Leave {
		name(l.Person)
	}
	people := slices.Clone(kept.People)
	soon := now.AddDate(0, 0, 2).UTC().Format(time.DateOnly) // in every zone after the next midnight
	for _, p := range before.People {
		if !named[p.ID] || slices.ContainsFunc(people, func(have Person) bool { return have.ID == p.ID }) {
			continue
		}
		if p.ActiveUntil == "" || p.ActiveUntil > soon {
			p.ActiveUntil = soon
		}
		people = append(people, p)
	}
	return people
}

// Revert makes an edit that brings an earlier version of the book back, from now on. The past stays that of the book. People who are
// there now stay as they are, with their telephones, PIN and erasure; people who were there then come back.
func (b Book) Revert(version Book, now time.Time) Book {
	people := slices.Clone(b.People)
	for _, p := range version.People {
		if !slices.ContainsFunc(people, func(have Person) bool { return have.ID == p.ID }) {
			people = append(people, p)
		}
	}
	version.People, version.Revision = people, b.Revision
	return b.KeepPast(version, now)
}
