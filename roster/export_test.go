package roster

import "time"

// What tests look at from outside the package, and nobody else can.
var (
	Fresh     = fresh
	IDPattern = idPattern
	FirstDial = firstDial
)

// StoredVersion is the version in which a book is stored.
func (b Book) StoredVersion() int { return b.version() }

// Speaks reports whether the person speaks a language at that level or better.
func (p Person) Speaks(l Language) bool { return p.speaks(l) }

// Suspects are the spans in which two books may differ on a roster before now: the starts and ends of each.
func Suspects(was, will Book, id string, now time.Time) (spans [][2]time.Time) {
	for _, s := range suspect(compiled(was).rosters[id], compiled(will).rosters[id], now) {
		spans = append(spans, [2]time.Time{s.from, s.until})
	}
	return spans
}

// TurnOf gives the turn of a layer of the first roster that is on at t and when it ends, by itself or by what was to follow.
func (c *Compiled) TurnOf(layer string, t time.Time) (people []string, until time.Time, on bool) {
	d := c.roster("")
	for i := range d.layers {
		if d.layers[i].id != layer {
			continue
		}
		s := d.layers[i].segment(t)
		n, ok := s.rotation.turn(s.dial.reached(t))
		if !ok {
			return nil, time.Time{}, false
		}
		_, end := s.rotation.span(n)
		return s.rotation.people(n), d.turnEnd(s, end), true
	}
	return nil, time.Time{}, false
}

// KeepVerified is what an edit at now does to the verifications of a book that takes the place of this one.
func (b Book) KeepVerified(after Book, now time.Time) Book { return b.keepVerified(after, now) }
