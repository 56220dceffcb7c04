package roster

import (
	"slices"
	"time"
)

// A Compiled answers who is on duty. It is immutable and safe for concurrent use.
type Compiled struct {
	book    Book
	people  map[string]int
	phones  map[string][]PersonContact
	rosters map[string]*duty
	first   string
}

// A PersonContact is one contact of one person.
type PersonContact struct {
	Person, Contact string // ids
}

type duty struct {
	id        string
	zone      *time.Location
	layers    []rotation
	overrides []Override
}

type rotation struct {
	layer        string
	turns        [][]string
	days         int // length of a turn
	hour, minute int
	from         civil
	until        civil // when it ends
	ends         bool
	zone         *time.Location
}

// civil is a day, counted from 1970-01-01: days are added and subtracted without a zone.
type civil int

func civilOf(t time.Time) civil {
	y, m, d := t.Date()
	return civil(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Compile checks a book and makes it fit for questions. The error is a [*ValidationError].
func Compile(b Book) (*Compiled, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	c := &Compiled{book: b, people: map[string]int{}, phones: map[string][]PersonContact{}, rosters: map[string]*duty{}}
	for i, p := range b.People {
		c.people[p.ID] = i
		if p.Erased {
			continue
		}
		for _, contact := range p.Contacts {
			c.phones[contact.Address] = append(c.phones[contact.Address], PersonContact{p.ID, contact.ID})
		}
	}
	for i, r := range b.Rosters {
		if i == 0 {
			c.first = r.ID
		}
		z, _ := zone(r.TimeZone) // validated
		d := &duty{id: r.ID, zone: z, overrides: slices.Clone(r.Overrides)}
		for _, l := range r.Layers {
			d.layers = append(d.layers, compileRotation(l, z))
		}
		c.rosters[r.ID] = d
	}
	return c, nil
}

func compileRotation(l Layer, z *time.Location) rotation {
	r := rotation{layer: l.ID, turns: l.Rotation.Turns, days: l.Rotation.Length, zone: z}
	if l.Rotation.Unit == Weeks {
		r.days *= 7
	}
	clock, _ := time.Parse("15:04", l.Rotation.Handover)
	r.hour, r.minute = clock.Hour(), clock.Minute()
	from, _ := time.Parse(time.DateOnly, l.Rotation.From)
	r.from = civilOf(from)
	if l.Rotation.Until != "" {
		until, _ := time.Parse(time.DateOnly, l.Rotation.Until)
		r.until, r.ends = civilOf(until), true
	}
	return r
}

// handover is the instant at which turns change on a day, by the rule of the package's comment.
func (r *rotation) handover(day civil) time.Time {
	y, m, d := time.Unix(int64(day)*86400, 0).UTC().Date()
	t := time.Date(y, m, d, r.hour, r.minute, 0, 0, r.zone)
	if t.Hour() != r.hour || t.Minute() != r.minute || t.Day() != d { // the wall clock skips this time
		return transition(t)
	}
	// time.Date does not say which of two occurrences it takes: look for an earlier one.
	for _, back := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		earlier := t.Add(-back)
		if earlier.Hour() == r.hour && earlier.Minute() == r.minute && earlier.Day() == d {
			return earlier
		}
	}
	return t
}

// transition is the first instant of the zone's new offset near t.
func transition(t time.Time) time.Time {
	start, end := t.ZoneBounds()
	if start.IsZero() || (!end.IsZero() && end.Sub(t).Abs() < t.Sub(start).Abs()) {
		return end
	}
	return start
}

// at gives the turn that is on duty at t and its bounds. ok is false before the rotation's first and after its last turn.
func (r *rotation) at(t time.Time) (people []string, since, until time.Time, ok bool) {
	day := civilOf(t.In(r.zone))
	if t.Before(r.handover(day)) {
		day--
	} else if !t.Before(r.handover(day + 1)) {
		day++
	}
	if day < r.from || (r.ends && day >= r.until) {
		return nil, time.Time{}, time.Time{}, false
	}
	n := int(day-r.from) / r.days
	first := r.from + civil(n*r.days)
	last := first + civil(r.days)
	if r.ends && last > r.until {
		last = r.until
	}
	return r.turns[n%len(r.turns)], r.handover(first), r.handover(last), true
}

// next is when the answer of at may change after t.
func (r *rotation) next(t time.Time) time.Time {
	if _, _, until, ok := r.at(t); ok {
		return until
	}
	if start := r.handover(r.from); t.Before(start) {
		return start
	}
	return time.Time{}
}

// Revision is the revision of the book.
func (c *Compiled) Revision() uint64 { return c.book.Revision }

// Book is the document that was compiled. Do not modify.
func (c *Compiled) Book() Book { return c.book }

// Zone is a roster's time zone ("" is the first roster); UTC when there is no such roster.
func (c *Compiled) Zone(id string) *time.Location {
	if d := c.roster(id); d != nil {
		return d.zone
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

// ByAddress lists the contacts that have exactly this telephone number (E.164), in the order of the book, over every channel. They all
// belong to one person: [Book.Validate] lets nobody share a number, so that a reply can be told apart. Erased people have none. Do not
// modify.
func (c *Compiled) ByAddress(e164 string) []PersonContact { return c.phones[e164] }

// Everyone lists all people who have a contact, in the order of the book.
func (c *Compiled) Everyone(time.Time) []string {
	var ids []string
	for _, p := range c.book.People {
		if len(p.Contacts) > 0 && !p.Erased {
			ids = append(ids, p.ID)
		}
	}
	return ids
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
