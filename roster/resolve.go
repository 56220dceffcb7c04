package roster

import (
	"iter"
	"slices"
	"sort"
	"time"
)

// A Duty is who is on duty at a moment (CONTRACT: GET /api/v1/duty).
type Duty struct {
	At       time.Time    `json:"at"`
	Roster   string       `json:"roster"`
	Revision uint64       `json:"revision"`
	OnDuty   []Assignment `json:"on_duty"`
	Next     []Assignment `json:"next"`              // those who come on duty at the next change that brings other people
	Shadows  []Assignment `json:"shadows,omitempty"` // who is in training beside them

	AgeSeconds int64 `json:"age_seconds,omitempty"` // since the roster was last known to be the newest; 0: it is
}

// An Assignment is one person's time on duty, and why.
type Assignment struct {
	Person    string    `json:"person"`
	CallSign  string    `json:"call_sign"`
	Layer     string    `json:"layer"` // "override" where an override put the person there, "shadow" where they are in training
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Languages []string  `json:"languages"`
	Why       []string  `json:"why"`
}

// A Shift is a half-open span with the same people on duty throughout. Without people it is a gap.
type Shift struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	People  []string  `json:"people"`
	Shadows []string  `json:"shadows,omitempty"` // who is in training beside them
}

// Gap reports whether nobody is on duty.
func (s Shift) Gap() bool { return len(s.People) == 0 }

// lookAround bounds how far the resolver looks for the end of somebody's duty and for the next people.
const lookAround = 60 * 24 * time.Hour

// lookSteps bounds the same by the number of changes on the way.
const lookSteps = 200

// A holder is on duty at a moment.
type holder struct {
	person   string
	layer    int       // among the layers; -1: by an override of the roster
	override *Override // that put them there, nil: the layer's turn
	takes    []*take   // by which the duty came to them
	shadow   *Shadow   // in training
}

// holders are who is on duty at a moment.
type holders struct {
	list    []holder
	shadows []holder
}

// A moment resolves one instant. It is used once.
type moment struct {
	d      *duty
	t      time.Time
	active []int32 // entries that hold
	dial   *dial   // of face
	face   face
	notes  *[]string // what kept others off duty; nil: nobody asks
}

func (d *duty) moment(t time.Time) moment {
	return moment{d: d, t: t, active: d.entries.at(t)}
}

// reached is what a zone's clock has reached.
func (m *moment) reached(d *dial) face {
	if m.dial != d {
		m.dial, m.face = d, d.reached(m.t).face()
	}
	return m.face
}

func (d *duty) holders(t time.Time) holders {
	m := d.moment(t)
	return m.resolve()
}

// resolve follows the steps of the package's comment.
func (m *moment) resolve() (h holders) {
	if m.closed() {
		return h
	}
	for i := len(m.d.layers) - 1; i >= 0 && len(h.list) == 0; i-- {
		h.list = m.layer(i)
	}
	for _, i := range m.active {
		if e := &m.d.entries.list[i]; e.override != nil && e.layer < 0 {
			h.list = m.override(h.list, e)
		}
	}
	if len(h.list) == 0 {
		return h
	}
	for _, i := range m.active {
		s := m.d.entries.list[i].shadow
		if s == nil || has(h.list, s.Person) || has(h.shadows, s.Person) || (s.Follows != "" && !has(h.list, s.Follows)) || m.away(s.Person) {
			continue
		}
		h.shadows = append(h.shadows, holder{person: s.Person, layer: -1, shadow: s})
	}
	return h
}

func (m *moment) closed() bool { return !m.d.closes.IsZero() && !m.t.Before(m.d.closes) }

// layer is who a layer has, after its own overrides.
func (m *moment) layer(i int) (list []holder) {
	l := &m.d.layers[i]
	s := l.segment(m.t)
	f := m.reached(s.dial)
	if n, ok := s.rotation.turn(f.now); ok {
		if s.open(f) {
			people := s.rotation.people(n)
			list = make([]holder, 0, len(people))
			for _, person := range people {
				list = m.put(list, holder{person: person, layer: i})
			}
		} else if m.notes != nil {
			m.note("layer " + l.id + ": outside its hours")
		}
	}
	for _, n := range m.active {
		if e := &m.d.entries.list[n]; e.override != nil && e.layer == i {
			list = m.override(list, e)
		}
	}
	return list
}

// note keeps a reason once; the caller has looked whether somebody asks.
func (m *moment) note(text string) {
	if !slices.Contains(*m.notes, text) {
		*m.notes = append(*m.notes, text)
	}
}

func (l *layer) segment(t time.Time) *segment {
	if len(l.segments) == 1 {
		return &l.segments[0]
	}
	i := sort.Search(len(l.segments)-1, func(i int) bool { return l.segments[i].until.After(t) })
	return &l.segments[i]
}

// open reports whether the restrictions let the layer have somebody.
func (s *segment) open(f face) bool {
	if len(s.windows) == 0 {
		return true
	}
	return s.window(f) != nil
}

func (s *segment) window(f face) *window {
	for i := range s.windows {
		if s.windows[i].at(f) {
			return &s.windows[i]
		}
	}
	return nil
}

func (m *moment) away(person string) bool {
	if len(m.d.away) == 0 {
		return false
	}
	return within(m.d.away[person], m.t)
}

// put adds a holder, or whoever took over from them; nobody who is away, and nobody twice.
func (m *moment) put(list []holder, h holder) []holder {
	for _, i := range m.active {
		t := m.d.entries.list[i].take
		if t == nil {
			break // they stand first
		}
		if t.of == h.person && !m.away(t.by) {
			h.person = t.by
			h.takes = append(h.takes, t)
		}
	}
	if m.away(h.person) {
		if m.notes != nil {
			m.note(m.d.c.sign(h.person) + " is away")
		}
		return list
	}
	if has(list, h.person) {
		return list
	}
	return append(list, h)
}

// override applies an override to those who are on duty without it.
func (m *moment) override(list []holder, e *entry) []holder {
	o := e.override
	switch o.Kind {
	case Replace:
		var instead []holder
		for _, person := range o.People {
			instead = m.put(instead, holder{person: person, layer: e.layer, override: o})
		}
		if len(instead) == 0 && len(o.People) > 0 {
			if m.notes != nil {
				m.note("override " + o.ID + ": all whom it names are away")
			}
			return list
		}
		return instead
	case Add:
		for _, person := range o.People {
			list = m.put(list, holder{person: person, layer: e.layer, override: o})
		}
	case Remove:
		return slices.DeleteFunc(list, func(h holder) bool { return slices.Contains(o.People, h.person) })
	}
	return list
}

func has(list []holder, person string) bool {
	for i := range list {
		if list[i].person == person {
			return true
		}
	}
	return false
}

// around gives the nearest instants at which a layer may change: the last at or before t, and the next after it; zero where there is none.
func (l *layer) around(m *moment) (last, next time.Time) {
	i := sort.Search(len(l.segments)-1, func(i int) bool { return l.segments[i].until.After(m.t) })
	s := &l.segments[i]
	now := m.reached(s.dial).now
	if i > 0 {
		last = l.segments[i-1].until
	}
	next = s.until
	consider := func(w wall) {
		if w == forever {
			return
		}
		if at := s.dial.instant(w); at.After(m.t) {
			next = earliest(next, at)
		} else if at.After(last) {
			last = at
		}
	}
	r := &s.rotation
	if len(r.turns) == 0 {
		return last, next
	}
	if n, ok := r.turn(now); ok {
		from, until := r.span(n)
		consider(from)
		consider(until)
		for i := range s.windows {
			from, until := s.windows[i].edges(now)
			consider(from)
			consider(until)
		}
		return last, next
	}
	consider(r.begin)
	consider(r.end)
	return last, next
}

// earliest is the earlier of two instants; zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// around gives the nearest instants at which holders may differ: the last at or before t, and the next after it; zero where there is none.
func (d *duty) around(t time.Time) (last, next time.Time) {
	m := d.moment(t)
	if i := sort.Search(len(d.edges), func(i int) bool { return d.edges[i].After(t) }); i > 0 {
		last = d.edges[i-1]
		if i < len(d.edges) {
			next = d.edges[i]
		}
	} else if len(d.edges) > 0 {
		next = d.edges[0]
	}
	if m.closed() {
		return d.closes, time.Time{}
	}
	for i := range d.layers {
		before, after := d.layers[i].around(&m)
		if before.After(last) {
			last = before
		}
		next = earliest(next, after)
	}
	return last, next
}

// change is the first instant after t at which holders may differ; zero when there is none.
func (d *duty) change(t time.Time) time.Time {
	_, next := d.around(t)
	return next
}

// before is the last instant at or before t at which holders may have changed; zero when there is none.
func (d *duty) before(t time.Time) time.Time {
	last, _ := d.around(t)
	return last
}

// Who lists who is on duty on a roster ("" is the first) at t, without those in training.
func (c *Compiled) Who(id string, t time.Time) []string {
	d := c.roster(id)
	if d == nil {
		return nil
	}
	return names(d.holders(t).list)
}

// At says who is on duty on a roster ("" is the first) at t. ok is false when there is no such roster.
func (c *Compiled) At(id string, t time.Time) (Duty, bool) {
	answer := Duty{At: t.UTC(), Revision: c.Revision(), OnDuty: []Assignment{}, Next: []Assignment{}}
	d := c.roster(id)
	if d == nil {
		return answer, false
	}
	answer.Roster = d.id
	now := d.holders(t)
	answer.OnDuty = append(answer.OnDuty, d.assignments(now.list, t)...)
	answer.Shadows = d.assignments(now.shadows, t)
	steps := 0
	for at := d.change(t); !at.IsZero() && at.Sub(t) < lookAround && steps < lookSteps; at = d.change(at) {
		steps++
		next := slices.DeleteFunc(d.holders(at).list, func(h holder) bool { return has(now.list, h.person) })
		if len(next) > 0 {
			answer.Next = d.assignments(next, at)
			break
		}
	}
	return answer, true
}

// assignments say since when and until when people who are on duty, or in training, at t are so without a break, and why.
func (d *duty) assignments(list []holder, t time.Time) []Assignment {
	if len(list) == 0 {
		return nil
	}
	since, until := make([]time.Time, len(list)), make([]time.Time, len(list))
	first, steps := d.before(t), 0
	for at, still := first, all(len(list)); ; {
		for _, i := range still {
			since[i] = at
		}
		if steps++; at.IsZero() || t.Sub(at) >= lookAround || steps > lookSteps {
			break
		}
		if still = d.still(list, still, at.Add(-1)); len(still) == 0 {
			break
		}
		at = d.before(at.Add(-1))
	}
	steps = 0
	for at, still := d.change(t), all(len(list)); ; {
		for _, i := range still {
			until[i] = at
		}
		if steps++; at.IsZero() || at.Sub(t) >= lookAround || steps > lookSteps {
			break
		}
		if still = d.still(list, still, at); len(still) == 0 {
			break
		}
		at = d.change(at)
	}
	answer := make([]Assignment, len(list))
	notes := d.notes(t)
	for i, h := range list {
		who, _ := d.c.Person(h.person)
		layer := "override"
		switch {
		case h.shadow != nil:
			layer = "shadow"
		case h.override == nil:
			layer = d.layers[h.layer].id
		}
		answer[i] = Assignment{
			Person: h.person, CallSign: who.CallSign, Layer: layer, Since: since[i].UTC(), Until: until[i].UTC(), Languages: who.tags(),
			Why: append(d.why(h, t), notes...),
		}
	}
	return answer
}

// all are the indices of a list.
func all(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// still gives those of some holders who are on duty, or in training, at another moment too.
func (d *duty) still(list []holder, some []int, at time.Time) []int {
	h := d.holders(at)
	var left []int
	for _, i := range some {
		if (list[i].shadow == nil && has(h.list, list[i].person)) || (list[i].shadow != nil && has(h.shadows, list[i].person)) {
			left = append(left, i)
		}
	}
	return left
}

// notes say what kept others off duty at t.
func (d *duty) notes(t time.Time) []string {
	notes := []string{}
	m := d.moment(t)
	m.notes = &notes
	m.resolve()
	return notes
}

// stampLayout is how reasons write a time.
const stampLayout = "2006-01-02 15:04 MST"

// why says in the order of the steps what put a holder on duty.
func (d *duty) why(h holder, t time.Time) []string {
	var list []string
	zone := d.dial.zone
	switch {
	case h.shadow != nil:
		text := "shadow " + h.shadow.ID + ": in training until " + h.shadow.Until.In(zone).Format(stampLayout) + ", paged " + string(h.shadow.Paged)
		if h.shadow.Follows != "" {
			text += ", with " + d.c.sign(h.shadow.Follows)
		}
		return []string{text}
	case h.override != nil:
		o := h.override
		text := "override " + o.ID + ": " + string(o.Kind) + " until " + o.Until.In(zone).Format(stampLayout)
		if o.Layer != "" {
			text += ", on layer " + o.Layer
		}
		list = append(list, text)
	default:
		l := &d.layers[h.layer]
		s := l.segment(t)
		now := s.dial.reached(t)
		if n, ok := s.rotation.turn(now); ok {
			from, until := s.rotation.span(n)
			list = append(list, "layer "+l.id+": turn from "+s.dial.instant(from).In(zone).Format(stampLayout)+" to "+d.turnEnd(s, until).In(zone).Format(stampLayout))
		}
		if w := s.window(now.face()); w != nil {
			list = append(list, "restriction: "+w.text)
		}
	}
	for _, e := range h.takes {
		list = append(list, e.what+": "+d.c.sign(e.by)+" takes over from "+d.c.sign(e.of))
	}
	return list
}

// turnEnd is when a turn ends, by itself or because an edit changed the layer.
func (d *duty) turnEnd(s *segment, until wall) time.Time {
	return earliest(s.until, s.dial.instant(until))
}

// NextChange is the next instant at which the people on duty may change.
func (c *Compiled) NextChange(id string, t time.Time) (time.Time, bool) {
	d := c.roster(id)
	if d == nil {
		return time.Time{}, false
	}
	at := d.change(t)
	return at, !at.IsZero()
}

// Shifts is the final roster over a span: tiles without overlap or hole, neighbours with the same people merged, gaps included.
func (c *Compiled) Shifts(id string, from, until time.Time) iter.Seq[Shift] {
	d := c.roster(id)
	if d == nil {
		return func(func(Shift) bool) {}
	}
	return d.shifts(from, until, func(m *moment) holders { return m.resolve() })
}

// LayerShifts is one layer of a roster over a span, with its restrictions and overrides and with leave, covers and swaps, whatever other
// layers have: tiles as those of [Compiled.Shifts]. There are none when there is no such layer.
func (c *Compiled) LayerShifts(id, name string, from, until time.Time) iter.Seq[Shift] {
	d := c.roster(id)
	i := -1
	if d != nil {
		i = slices.IndexFunc(d.layers, func(l layer) bool { return l.id == name })
	}
	if i < 0 {
		return func(func(Shift) bool) {}
	}
	return d.shifts(from, until, func(m *moment) holders {
		if m.closed() {
			return holders{}
		}
		return holders{list: m.layer(i)}
	})
}

func (d *duty) shifts(from, until time.Time, resolve func(*moment) holders) iter.Seq[Shift] {
	tile := func(at time.Time) Shift {
		m := d.moment(at)
		h := resolve(&m)
		return Shift{From: at, People: names(h.list), Shadows: names(h.shadows)}
	}
	return func(yield func(Shift) bool) {
		if !from.Before(until) {
			return
		}
		current := tile(from)
		for at := d.change(from); !at.IsZero() && at.Before(until); at = d.change(at) {
			next := tile(at)
			if slices.Equal(next.People, current.People) && slices.Equal(next.Shadows, current.Shadows) {
				continue
			}
			current.Until = at
			if !yield(current) {
				return
			}
			current = next
		}
		current.Until = until
		yield(current)
	}
}

func names(list []holder) []string {
	if len(list) == 0 {
		return nil
	}
	people := make([]string, len(list))
	for i := range list {
		people[i] = list[i].person
	}
	return people
}
