package roster

import (
	"maps"
	"slices"
	"sort"
	"time"
)

// A Compiled answers who is on duty. It is immutable and safe for concurrent use.
type Compiled struct {
	book     Book
	people   map[string]int
	phones   map[string][]PersonContact
	rosters  map[string]*duty
	first    string
	inactive map[string][]span // of people with active dates, in their own zone or that of the first roster
	leave    map[string][]span // sorted, without overlap
	dials    map[string]*dial  // of rosters and people
	ranked   bool              // somebody holds an authority
}

// A PersonContact is one contact of one person.
type PersonContact struct {
	Person, Contact string // ids
}

// A span is half-open; a zero bound is none.
type span struct{ from, until time.Time }

func (s span) holds(t time.Time) bool {
	return !t.Before(s.from) && (s.until.IsZero() || t.Before(s.until))
}

// A duty is a compiled roster.
type duty struct {
	c       *Compiled
	id      string
	dial    *dial
	layers  []layer
	entries entries
	away    map[string][]span // sorted, without overlap
	edges   []time.Time       // at which entries or absences begin or end, sorted
	closes  time.Time         // zero: never

	coverage []Coverage
	rules    [][]window // of each of coverage
}

type layer struct {
	id       string
	segments []segment // the oldest first; only the last has no end
}

type segment struct {
	until    time.Time // zero: no end
	dial     *dial
	rotation rotation
	windows  []window
}

// entries are the overrides, shadows, and accepted covers and swaps of a roster, found by the moment at which they hold.
type entries struct {
	list   []entry
	bounds []time.Time // sorted
	active [][]int32   // between a bound and the next: indices of list, ascending
}

// An entry is one of override, shadow and substitution.
type entry struct {
	span
	override *Override
	layer    int // of an override: its place among the layers; -1: the roster
	shadow   *Shadow
	take     *take
}

// A take puts one person in the place of another.
type take struct {
	what   string // cover or swap, and its id
	of, by string
}

// at lists what holds at t.
func (e *entries) at(t time.Time) []int32 {
	i := sort.Search(len(e.bounds), func(i int) bool { return e.bounds[i].After(t) }) - 1
	if i < 0 {
		return nil
	}
	return e.active[i]
}

// index makes at answer.
func (e *entries) index() {
	for i := range e.list {
		e.bounds = append(e.bounds, e.list[i].from, e.list[i].until)
	}
	e.bounds = distinct(e.bounds)
	starts, ends := make([][]int32, len(e.bounds)), make([][]int32, len(e.bounds))
	for i := range e.list {
		from, _ := slices.BinarySearchFunc(e.bounds, e.list[i].from, time.Time.Compare)
		until, _ := slices.BinarySearchFunc(e.bounds, e.list[i].until, time.Time.Compare)
		starts[from], ends[until] = append(starts[from], int32(i)), append(ends[until], int32(i))
	}
	var now []int32
	for at := range e.bounds {
		for _, i := range ends[at] {
			place, _ := slices.BinarySearch(now, i)
			now = slices.Delete(now, place, place+1)
		}
		for _, i := range starts[at] {
			place, _ := slices.BinarySearch(now, i)
			now = slices.Insert(now, place, i)
		}
		e.active = append(e.active, slices.Clone(now))
	}
}

// distinct sorts instants and takes out what is there twice.
func distinct(times []time.Time) []time.Time {
	slices.SortFunc(times, time.Time.Compare)
	return slices.CompactFunc(times, time.Time.Equal)
}

// merged sorts spans and joins those that touch. A zero until is no end.
func merged(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var list []span
	for _, s := range spans {
		if n := len(list); n > 0 && (list[n-1].until.IsZero() || !s.from.After(list[n-1].until)) {
			if last := &list[n-1]; s.until.IsZero() || (!last.until.IsZero() && s.until.After(last.until)) {
				last.until = s.until
			}
			continue
		}
		list = append(list, s)
	}
	return list
}

// within reports whether one of sorted spans holds at t.
func within(spans []span, t time.Time) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].from.After(t) }) - 1
	return i >= 0 && spans[i].holds(t)
}

// A compiler remembers what several rosters need.
type compiler struct {
	dials     map[string]*dial
	calendars map[string][]wall
}

func (k *compiler) dial(name string) *dial {
	if d, ok := k.dials[name]; ok {
		return d
	}
	z, err := zone(name)
	if err != nil { // a book without rosters has none
		z = time.UTC
	}
	k.dials[name] = newDial(z)
	return k.dials[name]
}

// Compile checks a book and makes it fit for questions. The error is a [*ValidationError].
func Compile(b Book) (*Compiled, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	c := &Compiled{
		book: b, people: map[string]int{}, phones: map[string][]PersonContact{}, rosters: map[string]*duty{}, inactive: map[string][]span{},
		leave: map[string][]span{},
	}
	k := &compiler{dials: map[string]*dial{}, calendars: map[string][]wall{}}
	home := "UTC"
	if len(b.Rosters) > 0 {
		c.first, home = b.Rosters[0].ID, b.Rosters[0].TimeZone
	}
	for i, p := range b.People {
		c.people[p.ID] = i
		c.ranked = c.ranked || len(p.Authorities) > 0
		if spans := inactive(k, p, home); spans != nil {
			c.inactive[p.ID] = spans
		}
		if p.Erased {
			continue
		}
		for _, contact := range p.Contacts {
			if !contact.Telephone() {
				continue
			}
			c.phones[contact.Address] = append(c.phones[contact.Address], PersonContact{p.ID, contact.ID})
		}
	}
	for _, calendar := range b.Calendars {
		days := []wall{}
		for _, text := range calendar.Days {
			days = append(days, parseDate(text))
		}
		slices.Sort(days)
		k.calendars[calendar.ID] = days
	}
	for _, l := range b.Leave {
		c.leave[l.Person] = append(c.leave[l.Person], span{l.From, l.Until})
	}
	for person, spans := range c.leave {
		c.leave[person] = merged(spans)
	}
	for i := range b.Rosters {
		c.rosters[b.Rosters[i].ID] = c.duty(k, &b.Rosters[i])
	}
	for _, p := range b.People {
		if p.TimeZone != "" {
			k.dial(p.TimeZone)
		}
	}
	c.dials = k.dials
	return c, nil
}

// inactive is when a person is on no duty because of their active dates: from midnight to midnight of their own zone, or of home.
func inactive(k *compiler, p Person, home string) (spans []span) {
	if p.TimeZone != "" {
		home = p.TimeZone
	}
	if p.ActiveFrom != "" {
		spans = append(spans, span{until: k.dial(home).instant(parseDate(p.ActiveFrom))})
	}
	if p.ActiveUntil != "" {
		spans = append(spans, span{from: k.dial(home).instant(parseDate(p.ActiveUntil))})
	}
	return spans
}

func (c *Compiled) duty(k *compiler, r *Roster) *duty {
	d := &duty{c: c, id: r.ID, dial: k.dial(r.TimeZone), closes: r.Until, away: map[string][]span{}, coverage: r.Coverage}
	for _, rule := range r.Coverage {
		d.rules = append(d.rules, compileWindows(rule.Restrictions, k.calendars))
	}
	for _, l := range r.Layers {
		d.layers = append(d.layers, k.layer(l, d.dial))
	}
	d.enter(r)
	maps.Copy(d.away, c.leave)
	for i := range c.book.People {
		p := c.book.People[i]
		if spans := inactive(k, p, r.TimeZone); spans != nil {
			d.away[p.ID] = merged(append(spans, c.leave[p.ID]...))
		}
	}
	d.edges = append(slices.Clone(d.entries.bounds), d.closes)
	for _, spans := range d.away {
		for _, s := range spans {
			d.edges = append(d.edges, s.from, s.until)
		}
	}
	d.edges = slices.DeleteFunc(distinct(d.edges), time.Time.IsZero)
	return d
}

// enter takes over what a roster has besides its layers: takes first, then overrides, then shadows.
func (d *duty) enter(r *Roster) {
	add := func(from, until time.Time, e entry) {
		e.span = span{from, until}
		d.entries.list = append(d.entries.list, e)
	}
	for _, cover := range r.Covers {
		if cover.State == CoverAccepted {
			add(cover.From, cover.Until, entry{take: &take{"cover " + cover.ID, cover.Person, cover.By}})
		}
	}
	for _, s := range r.Swaps {
		if s.State == CoverAccepted {
			add(s.One.From, s.One.Until, entry{take: &take{"swap " + s.ID, s.One.Person, s.Other.Person}})
			add(s.Other.From, s.Other.Until, entry{take: &take{"swap " + s.ID, s.Other.Person, s.One.Person}})
		}
	}
	for i := range r.Overrides {
		o := &r.Overrides[i]
		add(o.From, o.Until, entry{override: o, layer: slices.IndexFunc(d.layers, func(l layer) bool { return l.id == o.Layer })})
	}
	for i := range r.Shadows {
		add(r.Shadows[i].From, r.Shadows[i].Until, entry{shadow: &r.Shadows[i]})
	}
	d.entries.index()
}

func (k *compiler) layer(l Layer, current *dial) layer {
	c := layer{id: l.ID}
	for _, past := range l.Past {
		c.segments = append(c.segments, segment{
			until: past.Until, dial: k.dial(past.TimeZone), rotation: compileRotation(past.Rotation), windows: compileWindows(past.Restrictions, k.calendars),
		})
	}
	c.segments = append(c.segments, segment{dial: current, rotation: compileRotation(l.Rotation), windows: compileWindows(l.Restrictions, k.calendars)})
	return c
}

// Revision is the revision of the book.
func (c *Compiled) Revision() uint64 { return c.book.Revision }

// Book is the document that was compiled. Do not modify.
func (c *Compiled) Book() Book { return c.book }

// Zone is a roster's time zone ("" is the first roster); UTC when there is no such roster.
func (c *Compiled) Zone(id string) *time.Location {
	if d := c.roster(id); d != nil {
		return d.dial.zone
	}
	return time.UTC
}

func (c *Compiled) roster(id string) *duty {
	if id == "" {
		id = c.first
	}
	return c.rosters[id]
}

// Person finds a person by id.
func (c *Compiled) Person(id string) (Person, bool) {
	if i, ok := c.people[id]; ok {
		return c.book.People[i], true
	}
	return Person{}, false
}

// sign is a person's call sign, or their id where they have none.
func (c *Compiled) sign(id string) string {
	if p, ok := c.Person(id); ok {
		return p.CallSign
	}
	return id
}

// ByAddress lists the contacts that have exactly this telephone number (E.164), in the order of the book, over every channel of telephones. They all
// belong to one person: [Book.Validate] lets nobody share a number, so that a reply can be told apart. Erased people have none. Do not
// modify.
func (c *Compiled) ByAddress(e164 string) []PersonContact { return c.phones[e164] }

// Everyone lists the people who have a contact and are active, in the order of the book; those on leave and those in training who are paged
// last stand at the end. Somebody in training who is never paged, and is not on duty as an officer either, is left out. If that left
// nobody, it is all who have a contact.
func (c *Compiled) Everyone(t time.Time) []string {
	var first, last, all []string
	training := c.training(t)
	for _, p := range c.book.People {
		if len(p.Contacts) == 0 || p.Erased {
			continue
		}
		all = append(all, p.ID)
		switch paged := training[p.ID]; {
		case within(c.inactive[p.ID], t) || paged == PagedNever:
		case within(c.leave[p.ID], t) || paged == PagedLast:
			last = append(last, p.ID)
		default:
			first = append(first, p.ID)
		}
	}
	if len(first)+len(last) == 0 {
		return all
	}
	return append(first, last...)
}

// training lists who is in training at t on some roster, and on duty as an officer on none.
func (c *Compiled) training(t time.Time) map[string]Paged {
	list := map[string]Paged{}
	for _, r := range c.book.Rosters {
		for _, s := range r.Shadows {
			if (span{s.From, s.Until}).holds(t) && list[s.Person] != PagedLast {
				list[s.Person] = s.Paged
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	for _, d := range c.rosters {
		for _, h := range d.holders(t).list {
			delete(list, h.person)
		}
	}
	return list
}

// Team finds a team by id.
func (c *Compiled) Team(id string) (Team, bool) {
	for _, t := range c.book.Teams {
		if t.ID == id {
			return t, true
		}
	}
	return Team{}, false
}
