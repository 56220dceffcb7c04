package roster

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// An Edit replaces the book: made from the revision Base, by an opaque actor, for a reason.
type Edit struct {
	Book      Book
	Base      uint64 // 0: there is no roster yet
	Reason    string // stands in the history in clear: it must name nobody
	Actor     string
	ActorKind ActorKind // "" is [Coordinator]
	Confirmed []string  // people who may come on duty without a verified telephone; see [Book.Confirm]
	PINOf     string    // the one whose PIN is set, as it is in Book; all others keep theirs ([Book.KeepPINs])
}

// A Preview shows what an edit would do over a span, before it is made.
type Preview struct {
	From      time.Time             `json:"from"`
	Until     time.Time             `json:"until"`
	Changed   []Shift               `json:"changed"`            // tiles of the new rosters in which other people are on duty than before
	Moves     []Move                `json:"moves"`              // the same, with who is on duty now
	Gaps      []Gap                 `json:"gaps"`               // of the new rosters
	Hours     map[string]HourChange `json:"hours"`              // people whose hours change
	Contacts  []string              `json:"contacts_missing"`   // people without a telephone, and erased ones who are still on duty in the span
	Confirm   []string              `json:"confirm_unverified"` // people whom the edit puts on duty without a verified telephone: see [Book.Confirm]
	Overlaps  []Overlap             `json:"overlaps"`
	Rest      []ShortRest           `json:"rest"`
	Overwork  []Overwork            `json:"overwork"`
	Uncovered []Uncovered           `json:"uncovered"`
	Load      []Load                `json:"load"` // everybody's, in the order of the book
	Mean      Work                  `json:"mean"` // of Load
}

// A HourChange is a person's time on duty in the span before and after an edit, in hours.
type HourChange struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// A Move is a span of a roster in which an edit puts other people on duty.
type Move struct {
	Roster string    `json:"roster"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Before []string  `json:"before"`
	After  []string  `json:"after"`
}

// A Gap is a span in which nobody is on duty on a roster.
type Gap struct {
	Roster string    `json:"roster"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	New    bool      `json:"new"` // the edit makes it
}

// An Overlap is a span in which a person is on duty on several rosters.
type Overlap struct {
	Person  string    `json:"person"`
	Rosters []string  `json:"rosters"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	New     bool      `json:"new"` // the edit makes it
}

// A ShortRest is less time between two shifts of a person than the limits ask for.
type ShortRest struct {
	Person string    `json:"person"`
	From   time.Time `json:"from"`  // the end of a shift
	Until  time.Time `json:"until"` // the start of the next
	New    bool      `json:"new"`
}

// An Overwork is more time on duty than the limits allow within so many days.
type Overwork struct {
	Person string    `json:"person"`
	From   time.Time `json:"from"` // the days in which it is the most
	Until  time.Time `json:"until"`
	Hours  float64   `json:"hours"`
	New    bool      `json:"new"`
}

// An Uncovered is a span in which a coverage rule is broken.
type Uncovered struct {
	Roster  string    `json:"roster"`
	Rule    string    `json:"rule"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Missing []string  `json:"missing"` // "people", "language fr b2", "authority preservation"
	New     bool      `json:"new"`
}

// A Load is what a person has to do in a span: by the book as it stands, by the edit, and how far that is from everybody's mean.
type Load struct {
	Person string `json:"person"`
	Before Work   `json:"before"`
	After  Work   `json:"after"`
	Over   Work   `json:"over"` // After less the mean
}

// A Work is time on duty. A night counts when three hours of it are worked between 22:00 and 06:00 (Directive 2003/88/EC, Art. 2); a day of a
// weekend when three hours of it are. The clock is that of the person's zone, or of the first roster's.
type Work struct {
	Hours       float64 `json:"hours"`
	Nights      float64 `json:"nights"`
	WeekendDays float64 `json:"weekend_days"`
}

// Diff compares two books over the half-open span from from to until. A book that is not valid counts as an empty one: [Book.Validate]
// says why. A roster that is taken out changes all its tiles to nobody.
func Diff(before, after Book, from, until time.Time) Preview {
	p := Preview{
		From: from.UTC(), Until: until.UTC(), Changed: []Shift{}, Moves: []Move{}, Gaps: []Gap{}, Hours: map[string]HourChange{}, Contacts: []string{},
	}
	was, will := compiled(before), compiled(after)
	for _, r := range will.book.Rosters {
		p.Gaps = append(p.Gaps, fresher(was.gaps(r.ID, from, until), will.gaps(r.ID, from, until), func(g *Gap) *bool { return &g.New }, func(a, b Gap) bool {
			return !a.From.After(b.From) && !a.Until.Before(b.Until)
		})...)
		p.compare(was, will, r.ID)
	}
	for _, r := range was.book.Rosters {
		if will.roster(r.ID) == nil {
			p.compare(was, will, r.ID)
		}
	}
	past, planned := was.work(from, until), will.work(from, until)
	p.load(was, will, past, planned)
	for _, person := range after.People {
		if (person.Erased && len(planned[person.ID]) > 0) || (!person.Erased && !person.Telephone()) {
			p.Contacts = append(p.Contacts, person.ID)
		}
	}
	p.Confirm = []string{}
	for _, person := range before.Unconfirmed(after, from) {
		p.Confirm = append(p.Confirm, person.ID)
	}
	p.Overlaps = fresher(was.Overlaps(from, until), will.Overlaps(from, until), func(o *Overlap) *bool { return &o.New }, func(a, b Overlap) bool {
		return a.Person == b.Person && slices.Equal(a.Rosters, b.Rosters) && a.From.Equal(b.From) && a.Until.Equal(b.Until)
	})
	p.Rest = fresher(was.ShortRests(from, until), will.ShortRests(from, until), func(r *ShortRest) *bool { return &r.New }, func(a, b ShortRest) bool {
		return a.Person == b.Person && a.From.Equal(b.From) && a.Until.Equal(b.Until)
	})
	p.Overwork = fresher(was.Overworks(from, until), will.Overworks(from, until), func(o *Overwork) *bool { return &o.New }, func(a, b Overwork) bool {
		return a.Person == b.Person && b.Hours <= a.Hours
	})
	p.Uncovered = []Uncovered{}
	for _, r := range will.book.Rosters {
		p.Uncovered = append(p.Uncovered, fresher(was.Uncovered(r.ID, from, until), will.Uncovered(r.ID, from, until), func(u *Uncovered) *bool { return &u.New }, func(a, b Uncovered) bool {
			return a.Rule == b.Rule && slices.Equal(a.Missing, b.Missing) && !a.From.After(b.From) && !a.Until.Before(b.Until)
		})...)
	}
	return p
}

// compare lists the tiles of one roster that have other people by two books.
func (p *Preview) compare(was, will *Compiled, id string) {
	for shift := range will.allShifts(id, p.From, p.Until) {
		for old := range was.allShifts(id, shift.From, shift.Until) {
			if !slices.Equal(old.People, shift.People) {
				p.Changed = append(p.Changed, Shift{From: old.From, Until: old.Until, People: shift.People})
				p.Moves = append(p.Moves, Move{id, old.From, old.Until, append([]string{}, old.People...), append([]string{}, shift.People...)})
			}
		}
	}
}

// fresher marks which problems were not there before.
func fresher[T any](was, will []T, mark func(*T) *bool, same func(a, b T) bool) []T {
	for i := range will {
		*mark(&will[i]) = !slices.ContainsFunc(was, func(old T) bool { return same(old, will[i]) })
	}
	if will == nil {
		return []T{}
	}
	return will
}

func compiled(b Book) *Compiled {
	c, err := Compile(b)
	if err != nil {
		return &Compiled{}
	}
	return c
}

// Gaps lists the tiles of a span in which nobody is on duty. After a roster is closed there are none.
func (c *Compiled) Gaps(id string, from, until time.Time) []Shift {
	gaps := []Shift{}
	for shift := range c.Shifts(id, from, c.open(id, until)) {
		if shift.Gap() {
			gaps = append(gaps, shift)
		}
	}
	return gaps
}

func (c *Compiled) gaps(id string, from, until time.Time) (list []Gap) {
	for shift := range c.Shifts(id, from, c.open(id, until)) {
		if shift.Gap() {
			list = append(list, Gap{Roster: id, From: shift.From.UTC(), Until: shift.Until.UTC()})
		}
	}
	return list
}

// open is the end of a span, or when the roster is closed if that is earlier.
func (c *Compiled) open(id string, until time.Time) time.Time {
	if d := c.roster(id); d != nil {
		return earliest(d.closes, until)
	}
	return until
}

// A worked is time of a person on one roster.
type worked struct {
	span
	roster string
}

// work lists everybody's time on duty, by person, in order.
func (c *Compiled) work(from, until time.Time) map[string][]worked {
	list := map[string][]worked{}
	for _, r := range c.book.Rosters {
		for shift := range c.Shifts(r.ID, from, until) {
			for _, person := range shift.People {
				mine := list[person]
				if n := len(mine); n > 0 && mine[n-1].roster == r.ID && mine[n-1].until.Equal(shift.From) {
					mine[n-1].until = shift.Until
					continue
				}
				list[person] = append(mine, worked{span{shift.From, shift.Until}, r.ID})
			}
		}
	}
	for _, mine := range list {
		slices.SortStableFunc(mine, func(a, b worked) int { return a.from.Compare(b.from) })
	}
	return list
}

// shiftsOf are a person's time on duty on any roster, without overlap.
func shiftsOf(list []worked) []span {
	spans := make([]span, len(list))
	for i, w := range list {
		spans[i] = w.span
	}
	return merged(spans)
}

// inOrder lists the people of a book for whom there is something, in its order.
func inOrder[T any](c *Compiled, of map[string]T) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int { return c.people[a] - c.people[b] })
}

// Overlaps lists where somebody is on duty on several rosters at once.
func (c *Compiled) Overlaps(from, until time.Time) []Overlap {
	var list []Overlap
	work := c.work(from, until)
	for _, person := range inOrder(c, work) {
		mine := work[person]
		for i, a := range mine {
			for _, b := range mine[i+1:] {
				if !b.from.Before(a.until) {
					break
				}
				list = append(list, Overlap{Person: person, Rosters: []string{a.roster, b.roster}, From: b.from, Until: earliest(a.until, b.until)})
			}
		}
	}
	return list
}

// rest is the least time between two shifts of a person.
func (c *Compiled) rest() time.Duration {
	if c.book.Limits == nil || c.book.Limits.RestHours == nil {
		return DefaultRest * time.Hour
	}
	return time.Duration(*c.book.Limits.RestHours) * time.Hour
}

// ShortRests lists where somebody comes on duty within the span too soon after their last shift.
func (c *Compiled) ShortRests(from, until time.Time) []ShortRest {
	var list []ShortRest
	rest := c.rest()
	work := c.work(from.Add(-rest-time.Hour), until)
	for _, person := range inOrder(c, work) {
		shifts := shiftsOf(work[person])
		for i := 1; i < len(shifts); i++ {
			if shifts[i].from.Sub(shifts[i-1].until) < rest && !shifts[i].from.Before(from) {
				list = append(list, ShortRest{Person: person, From: shifts[i-1].until.UTC(), Until: shifts[i].from.UTC()})
			}
		}
	}
	return list
}

// Overworks lists who is on duty for more hours than the limits allow, each with the days of the span in which it is the most.
func (c *Compiled) Overworks(from, until time.Time) []Overwork {
	if c.book.Limits == nil || c.book.Limits.MaxHours == 0 {
		return nil
	}
	days := c.book.Limits.MaxHoursPer
	if days == 0 {
		days = 7
	}
	within := time.Duration(days) * 24 * time.Hour
	var list []Overwork
	work := c.work(from, until)
	for _, person := range inOrder(c, work) {
		most := Overwork{Person: person}
		shifts := shiftsOf(work[person])
		for i, first := range shifts { // the most is within days that begin with a shift: a later begin loses, an earlier one gains nothing
			end, hours := first.from.Add(within), 0.0
			for _, s := range shifts[i:] {
				if worked := earliest(s.until, end).Sub(s.from); worked > 0 {
					hours += worked.Hours()
				}
			}
			if hours > most.Hours {
				most.Hours, most.From, most.Until = hours, first.from.UTC(), end.UTC()
			}
		}
		if most.Hours > float64(c.book.Limits.MaxHours) {
			list = append(list, most)
		}
	}
	return list
}

// Uncovered lists where a roster breaks one of its coverage rules.
func (c *Compiled) Uncovered(id string, from, until time.Time) []Uncovered {
	d := c.roster(id)
	if d == nil {
		return nil
	}
	var list []Uncovered
	for i, rule := range d.coverage {
		windows := d.rules[i]
		for shift := range c.Shifts(id, from, c.open(id, until)) {
			missing := c.missing(rule, shift.People)
			if len(missing) == 0 {
				continue
			}
			for _, part := range d.within(windows, span{shift.From, shift.Until}) {
				if n := len(list) - 1; n >= 0 && list[n].Rule == rule.ID && list[n].Until.Equal(part.from) && slices.Equal(list[n].Missing, missing) {
					list[n].Until = part.until.UTC()
					continue
				}
				list = append(list, Uncovered{Roster: d.id, Rule: rule.ID, From: part.from.UTC(), Until: part.until.UTC(), Missing: missing})
			}
		}
	}
	return list
}

// missing says what a rule asks for and people have not.
func (c *Compiled) missing(rule Coverage, people []string) []string {
	missing := []string{}
	if len(people) < rule.People {
		missing = append(missing, "people")
	}
	has := func(is func(Person) bool) bool {
		return slices.ContainsFunc(people, func(id string) bool {
			p, _ := c.Person(id)
			return is(p)
		})
	}
	for _, l := range rule.Languages {
		if !has(func(p Person) bool { return p.speaks(l) }) {
			missing = append(missing, strings.TrimSpace("language "+l.Tag+" "+string(l.Level)))
		}
	}
	for _, a := range rule.Authorities {
		if !has(func(p Person) bool { return slices.Contains(p.Authorities, a) }) {
			missing = append(missing, "authority "+a)
		}
	}
	return missing
}

// within gives the parts of a span that lie in windows of the roster's zone; all of it when there are none.
func (d *duty) within(windows []window, s span) (parts []span) {
	if len(windows) == 0 {
		return []span{s}
	}
	rules := segment{dial: d.dial, windows: windows}
	for at := s.from; at.Before(s.until); {
		now := d.dial.reached(at)
		next := s.until
		for i := range windows {
			_, edge := windows[i].edges(now)
			next = earliest(next, d.dial.instant(edge))
		}
		if rules.open(now.face()) {
			parts = append(parts, span{at, next})
		}
		at = next
	}
	return merged(parts)
}

// What counts as a night and as a day of a weekend.
const (
	nightFrom  = 22 * hour
	nightUntil = 30 * hour // of the next day, 06:00
	counts     = 3 * time.Hour
)

// measure sums what a person has to do. Days are those of their zone.
func (c *Compiled) measure(person string, list []worked) (w Work) {
	p, _ := c.Person(person)
	d := c.dials[p.TimeZone]
	if d == nil {
		d = c.roster("").dial
	}
	nights, days := map[wall]time.Duration{}, map[wall]time.Duration{}
	for _, s := range shiftsOf(list) {
		w.Hours += s.until.Sub(s.from).Hours()
		overlap := func(sum map[wall]time.Duration, date, from, until wall) {
			if worked := earliest(s.until, d.instant(date+until)).Sub(later(s.from, d.instant(date+from))); worked > 0 {
				sum[date] += worked
			}
		}
		for date := d.reached(s.from).midnight() - day; d.instant(date).Before(s.until); date += day {
			overlap(nights, date, nightFrom, nightUntil)
			if date.weekday() >= 5 {
				overlap(days, date, 0, day)
			}
		}
	}
	for _, worked := range nights {
		if worked >= counts {
			w.Nights++
		}
	}
	for _, worked := range days {
		if worked >= counts {
			w.WeekendDays++
		}
	}
	return w
}

// load compares everybody's work. Who takes part are those who have a turn in a rotation that holds now, or any time in the span.
func (p *Preview) load(was, will *Compiled, past, planned map[string][]worked) {
	p.Load = []Load{}
	turns := will.inTurns()
	for _, person := range was.book.People {
		if _, stays := will.people[person.ID]; !stays && len(past[person.ID]) > 0 {
			p.Hours[person.ID] = HourChange{Before: was.measure(person.ID, past[person.ID]).Hours}
		}
	}
	for _, person := range will.book.People {
		l := Load{Person: person.ID}
		if len(past[person.ID]) > 0 {
			l.Before = was.measure(person.ID, past[person.ID])
		}
		if len(planned[person.ID]) > 0 {
			l.After = will.measure(person.ID, planned[person.ID])
		}
		if l.Before.Hours != l.After.Hours {
			p.Hours[person.ID] = HourChange{l.Before.Hours, l.After.Hours}
		}
		if turns[person.ID] || l.After.Hours > 0 {
			p.Load = append(p.Load, l)
			p.Mean.Hours += l.After.Hours
			p.Mean.Nights += l.After.Nights
			p.Mean.WeekendDays += l.After.WeekendDays
		}
	}
	if n := float64(len(p.Load)); n > 0 {
		p.Mean = Work{p.Mean.Hours / n, p.Mean.Nights / n, p.Mean.WeekendDays / n}
	}
	for i := range p.Load {
		l := &p.Load[i]
		l.Over = Work{l.After.Hours - p.Mean.Hours, l.After.Nights - p.Mean.Nights, l.After.WeekendDays - p.Mean.WeekendDays}
	}
}

// Fairness is what everybody has to do in a span who has a turn now or any time in it, in the order of the book, and the mean. Before and After
// of a load are the same.
func (c *Compiled) Fairness(from, until time.Time) (loads []Load, mean Work) {
	p := Preview{Hours: map[string]HourChange{}}
	work := c.work(from, until)
	p.load(c, c, work, work)
	return p.Load, p.Mean
}

// Percent is how far a work that differs from a mean by over is from it, in percent; of a mean of nothing it is 0.
func (mean Work) Percent(over Work) Work {
	percent := func(over, mean float64) float64 {
		if mean == 0 {
			return 0
		}
		return 100 * over / mean
	}
	return Work{percent(over.Hours, mean.Hours), percent(over.Nights, mean.Nights), percent(over.WeekendDays, mean.WeekendDays)}
}

// inTurns are the people of all rotations that hold now.
func (c *Compiled) inTurns() map[string]bool {
	people := map[string]bool{}
	for _, r := range c.book.Rosters {
		for _, l := range r.Layers {
			for _, turn := range l.Rotation.Turns {
				for _, person := range turn {
					people[person] = true
				}
			}
		}
	}
	return people
}
