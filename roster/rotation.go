package roster

import (
	"math"
	"slices"
	"sort"
	"time"
)

// A rotation is compiled: everything is reckoned on the wall clock.
type rotation struct {
	turns  [][]string
	first  int
	begin  wall // before it there is no turn
	end    wall // from here on there is none
	base   wall // turn 0 starts here; at or before begin
	step   wall // of hours, days and weeks
	months int
	points []wall // of a pattern: seconds since the start of a week, sorted
	length int    // of a pattern
	skip   int    // of a pattern: how many of points lie before begin in its week
}

const forever = wall(math.MaxInt64)

func compileRotation(r Rotation) rotation {
	c := rotation{turns: r.Turns, first: r.First, end: forever}
	clock, from := wall(0), parseDate(r.From)
	if r.Unit != Pattern {
		clock = parseClock(r.Handover)
	}
	c.begin = from + clock
	c.base = c.begin
	switch r.Unit {
	case Hours:
		c.step = wall(r.Length) * hour
	case Days:
		c.step = wall(r.Length) * day
	case Weeks:
		c.step = wall(r.Length) * week
		if r.Weekday != "" {
			c.base -= mod(wall(from.weekday()-slices.Index(weekdays, r.Weekday)), 7) * day
		}
	case Months:
		c.months = r.Length
	case Pattern:
		c.length = r.Length
		for _, change := range r.Pattern {
			c.points = append(c.points, wall(slices.Index(weekdays, change.Weekday))*day+parseClock(change.At))
		}
		slices.Sort(c.points)
		monday := from - wall(from.weekday())*day
		c.skip, _ = slices.BinarySearch(c.points, from-monday)
		c.base = monday
		c.begin = c.start(0)
	}
	if r.Until != "" {
		c.end = parseDate(r.Until) + clock
	}
	return c
}

// turn counts from the first; ok is false where there is none.
func (r *rotation) turn(now wall) (n int, ok bool) {
	if len(r.turns) == 0 || now < r.begin || now >= r.end {
		return 0, false
	}
	switch {
	case r.step > 0:
		return int(floor(now-r.base, r.step)), true
	case r.months > 0:
		y, m, _ := now.date()
		by, bm, _ := r.base.date()
		n = ((y-by)*12 + int(m) - int(bm)) / r.months
		if r.start(n) > now { // later in the month
			n--
		}
		return n, true
	}
	weeks := floor(now-r.base, week)
	in := sort.Search(len(r.points), func(i int) bool { return r.points[i] > now-r.base-weeks*week }) - 1
	return (int(weeks)*len(r.points) + in - r.skip) / r.length, true
}

// start is when turn n starts, whatever begin and end say.
func (r *rotation) start(n int) wall {
	switch {
	case r.step > 0:
		return r.base + wall(n)*r.step
	case r.months > 0:
		y, m, d := r.base.date()
		clock := mod(r.base, day)
		last := wallOf(y, m+time.Month(n*r.months+1), 0)
		if _, _, days := last.date(); d > days {
			d = days
		}
		return wallOf(y, m+time.Month(n*r.months), d) + clock
	}
	point := n*r.length + r.skip
	return r.base + wall(point/len(r.points))*week + r.points[point%len(r.points)]
}

// span is the turn's time between begin and end.
func (r *rotation) span(n int) (from, until wall) {
	return max(r.start(n), r.begin), min(r.start(n+1), r.end)
}

// people are those of turn n.
func (r *rotation) people(n int) []string {
	return r.turns[r.index(n)]
}

func (r *rotation) index(n int) int { return (r.first + n) % len(r.turns) }
