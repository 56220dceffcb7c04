package roster

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// A Duty is who is on duty at a moment (CONTRACT: GET /api/v1/duty).
type Duty struct {
	At       time.Time    `json:"at"`
	Roster   string       `json:"roster"`
	Revision uint64       `json:"revision"`
	OnDuty   []Assignment `json:"on_duty"`
	Next     []Assignment `json:"next"` // those who come on duty at the next change that brings other people
}

// An Assignment is one person's time on duty, and why.
type Assignment struct {
	Person    string    `json:"person"`
	CallSign  string    `json:"call_sign"`
	Layer     string    `json:"layer"` // "override" where an override put the person there
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Languages []string  `json:"languages"`
	Why       []string  `json:"why"`
}

// A Shift is a half-open span with the same people on duty throughout. Without people it is a gap.
type Shift struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	People []string  `json:"people"`
}

// Gap reports whether nobody is on duty.
func (s Shift) Gap() bool { return len(s.People) == 0 }

// lookAround bounds how far the resolver looks for the end of somebody's duty and for the next people.
const lookAround = 60 * 24 * time.Hour

type holder struct {
	person, layer string
	why           []string
}

// holders lists who is on duty at t: the highest layer that has somebody, then the overrides in order.
func (d *duty) holders(t time.Time) []holder {
	var list []holder
	for i := len(d.layers) - 1; i >= 0; i-- {
		r := &d.layers[i]
		people, since, until, ok := r.at(t)
		if !ok || len(people) == 0 {
			continue
		}
		for _, p := range people {
			list = append(list, holder{p, r.layer, []string{
				fmt.Sprintf("layer %s: turn from %s to %s", r.layer, since.In(d.zone).Format("2006-01-02 15:04 MST"), until.In(d.zone).Format("2006-01-02 15:04 MST")),
			}})
		}
		break
	}
	for _, o := range d.overrides {
		if t.Before(o.From) || !t.Before(o.Until) {
			continue
		}
		why := fmt.Sprintf("override %s: %s until %s", o.ID, o.Kind, o.Until.In(d.zone).Format("2006-01-02 15:04 MST"))
		if o.Kind == Replace {
			list = nil
		}
		for _, p := range o.People {
			i := slices.IndexFunc(list, func(h holder) bool { return h.person == p })
			switch {
			case o.Kind == Remove && i >= 0:
				list = slices.Delete(list, i, i+1)
			case o.Kind != Remove && i < 0:
				list = append(list, holder{p, "override", []string{why}})
			}
		}
	}
	return list
}

// change is the first instant after t at which holders may differ; zero when there is none.
func (d *duty) change(t time.Time) time.Time {
	var first time.Time
	consider := func(at time.Time) {
		if at.After(t) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for i := range d.layers {
		consider(d.layers[i].next(t))
	}
	for _, o := range d.overrides {
		consider(o.From)
		consider(o.Until)
	}
	return first
}

// before is the last instant at or before t at which holders may have changed; zero when there is none.
func (d *duty) before(t time.Time) time.Time {
	var last time.Time
	consider := func(at time.Time) {
		if !at.After(t) && at.After(last) {
			last = at
		}
	}
	for i := range d.layers {
		r := &d.layers[i]
		if _, since, _, ok := r.at(t); ok {
			consider(since)
			continue
		}
		consider(r.handover(r.from))
		if r.ends {
			consider(r.handover(r.until))
		}
	}
	for _, o := range d.overrides {
		consider(o.From)
		consider(o.Until)
	}
	return last
}

func has(list []holder, person string) bool {
	return slices.ContainsFunc(list, func(h holder) bool { return h.person == person })
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
	for _, h := range now {
		answer.OnDuty = append(answer.OnDuty, c.assignment(d, h, t))
	}
	for at := d.change(t); !at.IsZero() && at.Sub(t) < lookAround; at = d.change(at) {
		for _, h := range d.holders(at) {
			if !has(now, h.person) {
				answer.Next = append(answer.Next, c.assignment(d, h, at))
			}
		}
		if len(answer.Next) > 0 {
			break
		}
	}
	return answer, true
}

func (c *Compiled) assignment(d *duty, h holder, t time.Time) Assignment {
	since := d.before(t)
	for at := since; !at.IsZero() && t.Sub(at) < lookAround && has(d.holders(at.Add(-1)), h.person); {
		at = d.before(at.Add(-1))
		since = at
	}
	until := d.change(t)
	for !until.IsZero() && until.Sub(t) < lookAround && has(d.holders(until), h.person) {
		until = d.change(until)
	}
	who, _ := c.Person(h.person)
	return Assignment{
		Person: h.person, CallSign: who.CallSign, Layer: h.layer, Since: since.UTC(), Until: until.UTC(),
		Languages: append([]string{}, who.Languages...), Why: h.why,
	}
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
	return func(yield func(Shift) bool) {
		d := c.roster(id)
		if d == nil || !from.Before(until) {
			return
		}
		current := Shift{From: from, People: names(d.holders(from))}
		for at := d.change(from); !at.IsZero() && at.Before(until); at = d.change(at) {
			people := names(d.holders(at))
			if slices.Equal(people, current.People) {
				continue
			}
			current.Until = at
			if !yield(current) {
				return
			}
			current = Shift{From: at, People: people}
		}
		current.Until = until
		yield(current)
	}
}

func names(list []holder) []string {
	var people []string
	for _, h := range list {
		people = append(people, h.person)
	}
	return people
}
