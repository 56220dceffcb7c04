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
// as empty. It resolves only the time for which the books do not say the same, so an edit that has kept the past costs next to nothing.
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
	for _, s := range suspect(was.rosters[id], will.rosters[id], now) {
		for old := range was.allShifts(id, later(s.from, firstDial), s.until) {
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
	}
	return nil
}

// suspect lists the spans before now for which two rosters do not say the same, in order. In all other time who is on duty is the same:
// it follows from the segments, entries and absences that hold at the moment, and from nothing else. Either may be nil.
func suspect(was, will *duty, now time.Time) []span {
	if was == nil {
		was = &duty{}
	}
	if will == nil {
		will = &duty{}
	}
	first := earliest(was.begins(), will.begins())
	if first.IsZero() {
		first = firstDial
	}
	before, after := was.spoken(now), will.spoken(now)
	if !slices.EqualFunc(before, after, func(a, b *layer) bool { return a.id == b.id }) {
		return clipped([]span{{first, now}}, first, now)
	}
	var spans []span
	for i := range before {
		spans = append(spans, suspectSegments(before[i].segments, after[i].segments, now)...)
	}
	if !was.closes.Equal(will.closes) {
		spans = append(spans, span{earliest(was.closes, will.closes), now})
	}
	spans = append(spans, suspectEntries(was, will)...)
	for person, away := range was.away {
		spans = append(spans, differing(away, will.away[person], now)...)
	}
	for person, away := range will.away {
		spans = append(spans, differing(away, was.away[person], now)...)
	}
	return clipped(spans, first, now)
}

// clipped cuts spans at both ends, sorts them and joins those that touch.
func clipped(spans []span, from, until time.Time) (list []span) {
	for _, s := range spans {
		if s = (span{later(s.from, from), earliest(s.until, until)}); s.from.Before(s.until) {
			list = append(list, s)
		}
	}
	return merged(list)
}

// spoken are the layers that have somebody before now, or that an entry names.
func (d *duty) spoken(now time.Time) (list []*layer) {
	for i := range d.layers {
		l := &d.layers[i]
		named := slices.ContainsFunc(d.entries.list, func(e entry) bool { return e.override != nil && e.layer == i })
		if begins := l.begins(); named || (!begins.IsZero() && begins.Before(now)) {
			list = append(list, l)
		}
	}
	return list
}

// suspectSegments are the spans before now in which a layer has not the same rule by two lists of segments.
func suspectSegments(before, after []segment, now time.Time) (spans []span) {
	for from := (time.Time{}); len(before) > 0 && len(after) > 0 && from.Before(now); {
		a, b := &before[0], &after[0]
		until := earliest(a.until, b.until)
		if begins := earliest(a.begins(), b.begins()); !begins.IsZero() && !a.same(b) {
			if from = later(from, begins); until.IsZero() || from.Before(until) {
				spans = append(spans, span{from, until})
			}
		}
		if until.IsZero() {
			break
		}
		from = until
		if a.until.Equal(until) {
			before = before[1:]
		}
		if b.until.Equal(until) {
			after = after[1:]
		}
	}
	return spans
}

func (s *segment) same(other *segment) bool {
	return s.dial.zone.String() == other.dial.zone.String() && reflect.DeepEqual(s.rotation, other.rotation) && reflect.DeepEqual(s.windows, other.windows)
}

// suspectEntries are the spans of all that stands between the first and the last difference of two lists: the order counts, too.
func suspectEntries(was, will *duty) (spans []span) {
	before, after := was.entries.list, will.entries.list
	same := func(a, b entry) bool {
		named := func(d *duty, e entry) string {
			if e.override == nil || e.layer < 0 {
				return ""
			}
			return d.layers[e.layer].id
		}
		if !a.from.Equal(b.from) || !a.until.Equal(b.until) || named(was, a) != named(will, b) {
			return false
		}
		alike := func(a, b any) bool { return reflect.DeepEqual(plain(reflect.ValueOf(a)), plain(reflect.ValueOf(b))) }
		return alike(a.override, b.override) && alike(a.shadow, b.shadow) && reflect.DeepEqual(a.take, b.take)
	}
	for len(before) > 0 && len(after) > 0 && same(before[0], after[0]) {
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && same(before[len(before)-1], after[len(after)-1]) {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	for _, e := range slices.Concat(before, after) {
		spans = append(spans, e.span)
	}
	return spans
}

// differing are those of sorted spans, cut at now, that are not in another list as they are.
func differing(spans, other []span, now time.Time) []span {
	other = clipped(other, time.Time{}, now)
	return slices.DeleteFunc(clipped(spans, time.Time{}, now), func(s span) bool {
		return slices.ContainsFunc(other, func(o span) bool { return s.from.Equal(o.from) && s.until.Equal(o.until) })
	})
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

// begins is before when nobody can have been on duty; zero: nobody ever is.
func (d *duty) begins() (first time.Time) {
	for i := range d.layers {
		first = earliest(first, d.layers[i].begins())
	}
	for i := range d.entries.list {
		first = earliest(first, d.entries.list[i].from)
	}
	return first
}

// begins is when the layer's first turn begins; zero: it has none.
func (l *layer) begins() (first time.Time) {
	from := time.Time{}
	for i := range l.segments {
		s := &l.segments[i]
		if begins := s.begins(); !begins.IsZero() {
			if begins = later(begins, from); s.until.IsZero() || begins.Before(s.until) {
				first = earliest(first, begins)
			}
		}
		from = s.until
	}
	return first
}

// begins is when the first turn of the segment's rotation begins, whenever the segment does; zero: it has none.
func (s *segment) begins() time.Time {
	if len(s.rotation.turns) == 0 {
		return time.Time{}
	}
	return s.dial.instant(s.rotation.begin)
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

// Next is what an edit of the book stores at now: after, with the past of the book kept, and with the covers and swaps that nobody accepted
// in time marked so, unless that were all. A contact whose address changes is not verified any more. Errors: a [*ValidationError] when it is not valid, or changes a shift that is over all the same.
func (b Book) Next(after Book, now time.Time) (Book, error) {
	now = now.Truncate(time.Millisecond) // as all instants are written
	kept := b.keepVerified(b.KeepPast(after, now), now)
	if expired, changed := kept.Expire(now); changed && !Same(kept, b) {
		kept = expired
	}
	if err := kept.Validate(); err != nil {
		if written := after.Validate(); written != nil { // it names the places as they were written
			return kept, written
		}
		return kept, err
	}
	return kept, b.CheckPast(kept, now)
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
