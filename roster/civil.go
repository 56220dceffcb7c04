package roster

import (
	"slices"
	"sort"
	"time"
)

// A wall is what the clock on the wall shows: seconds since 1970-01-01 00:00 of that clock. Walls are added and compared without a zone.
type wall int64

const (
	minute = wall(60)
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

func wallOf(year int, month time.Month, d int) wall {
	return wall(time.Date(year, month, d, 0, 0, 0, 0, time.UTC).Unix())
}

// midnight is the one at or before w.
func (w wall) midnight() wall { return w - mod(w, day) }

// weekday counts from Monday.
func (w wall) weekday() int { return int(mod(floor(w, day)+3, 7)) } // 1970-01-01 was a Thursday

func (w wall) date() (int, time.Month, int) { return time.Unix(int64(w), 0).UTC().Date() }

func (w wall) dateText() string { return time.Unix(int64(w), 0).UTC().Format(time.DateOnly) }

// floor divides, rounding down.
func floor(a, b wall) wall {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func mod(a, b wall) wall { return a - floor(a, b)*b }

// parseDate and parseClock read what was validated.
func parseDate(text string) wall {
	t, _ := time.Parse(time.DateOnly, text)
	return wall(t.Unix())
}

func parseClock(text string) wall {
	t, _ := time.Parse("15:04", text)
	return wall(t.Hour())*hour + wall(t.Minute())*minute
}

// A dial translates between instants and what a zone's clock has shown, by the rule of the package's comment. Immutable.
type dial struct {
	zone    *time.Location
	periods []period
}

// A period is time with one offset from UTC.
type period struct {
	start  int64 // Unix seconds
	offset wall
	high   wall // the clock had shown everything before this when the period began
}

// The years for which a dial knows the zone's rules. Before and after, the first and the last offset hold.
var firstDial, lastDial = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

func newDial(zone *time.Location) *dial {
	d := &dial{zone: zone}
	high := wall(-1 << 62)
	for at := firstDial.In(zone); at.Before(lastDial); {
		_, offset := at.Zone()
		if n := len(d.periods); n == 0 {
			d.periods = append(d.periods, period{start: -1 << 62, offset: wall(offset), high: high})
		} else if d.periods[n-1].offset != wall(offset) {
			d.periods = append(d.periods, period{start: at.Unix(), offset: wall(offset), high: high})
		}
		_, end := at.ZoneBounds()
		if end.IsZero() {
			break
		}
		if !end.After(at) { // the last day of a leap year for which the zone has no table but only a rule
			end = at.Add(24 * time.Hour)
		}
		high = max(high, wall(end.Unix())+wall(offset))
		at = end
	}
	return d
}

// reached is the latest time that the clock has shown at t: what it shows, but in the second run of a doubled hour, its last second.
func (d *dial) reached(t time.Time) wall {
	at := t.Unix()
	i := sort.Search(len(d.periods), func(i int) bool { return d.periods[i].start > at }) - 1
	p := &d.periods[i]
	return max(wall(at)+p.offset, p.high-1)
}

// instant is when the clock first reaches w.
func (d *dial) instant(w wall) time.Time {
	i := sort.Search(len(d.periods)-1, func(i int) bool { return d.periods[i+1].high > w })
	p := &d.periods[i]
	return time.Unix(max(int64(w-p.offset), p.start), 0).In(d.zone)
}

// A window is a compiled restriction.
type window struct {
	starts [7]bool // on which weekdays
	from   wall    // of the day
	spans  [7]wall // how long after midnight of its weekday it ends
	days   int     // how many days before a moment one that still holds may have started
	only   []wall  // holidays on which alone it starts, sorted; nil: no such rule
	except []wall  // holidays on which it does not start, sorted
	text   string
}

func compileWindows(list []Restriction, calendars map[string][]wall) []window {
	var windows []window
	for _, r := range list {
		w := window{from: parseClock(r.From), text: r.text()}
		until := parseClock(r.Until)
		for i, weekday := range weekdays {
			w.starts[i] = len(r.Weekdays) == 0 || slices.Contains(r.Weekdays, weekday)
			ahead := 0
			if r.UntilDay != "" {
				ahead = (slices.Index(weekdays, r.UntilDay) - i + 7) % 7
			}
			if ahead == 0 && until <= w.from {
				ahead = 1
				if r.UntilDay != "" {
					ahead = 7
				}
			}
			w.spans[i] = wall(ahead)*day + until
			w.days = max(w.days, ahead)
		}
		switch r.Holidays {
		case OnlyHolidays:
			w.only = append([]wall{}, calendars[r.Calendar]...)
		case NotHolidays:
			w.except = calendars[r.Calendar]
		}
		windows = append(windows, w)
	}
	return windows
}

// text says a restriction in a line.
func (r Restriction) text() string {
	text := ""
	for i, weekday := range r.Weekdays {
		if i > 0 {
			text += ","
		}
		text += string(weekday)
	}
	if text != "" {
		text += " "
	}
	text += r.From + "–"
	if r.UntilDay != "" {
		text += string(r.UntilDay) + " "
	}
	text += r.Until
	switch r.Holidays {
	case OnlyHolidays:
		text += ", only on " + r.Calendar
	case NotHolidays:
		text += ", not on " + r.Calendar
	}
	return text
}

// A face is what a clock has reached, and the day.
type face struct {
	now, today wall
	weekday    int // from Monday
}

func (w wall) face() face {
	today := w.midnight()
	return face{w, today, today.weekday()}
}

// span is the window that starts on the day that begins at midnight.
func (w *window) span(midnight wall, weekday int) (from, until wall, ok bool) {
	if !w.starts[weekday] {
		return 0, 0, false
	}
	if _, holiday := slices.BinarySearch(w.except, midnight); holiday {
		return 0, 0, false
	}
	if w.only != nil {
		if _, holiday := slices.BinarySearch(w.only, midnight); !holiday {
			return 0, 0, false
		}
	}
	return midnight + w.from, midnight + w.spans[weekday], true
}

// at reports whether the window holds.
func (w *window) at(f face) bool {
	for back := range w.days + 1 {
		weekday := f.weekday - back
		if weekday < 0 {
			weekday += 7
		}
		if from, until, ok := w.span(f.today-wall(back)*day, weekday); ok && from <= f.now && f.now < until {
			return true
		}
	}
	return false
}

// reach is how many days around a moment edges looks at.
const reach = 8

// edges gives the nearest times at which the window may begin or end: the last at or before now, and the next after it. Where nothing
// happens for days it gives a time at which nothing changes.
func (w *window) edges(now wall) (last, next wall) {
	today := now.midnight()
	last, next = today-reach*day, today+(reach+1)*day
	consider := func(edge wall) {
		if edge <= now {
			last = max(last, edge)
		} else {
			next = min(next, edge)
		}
	}
	look := func(date wall) {
		if from, until, ok := w.span(date, date.weekday()); ok {
			consider(from)
			consider(until)
		}
	}
	for date := today - wall(w.days)*day; date < next; date += day {
		look(date)
	}
	for date := today; date+wall(w.days+1)*day > last; date -= day {
		look(date)
	}
	return last, next
}
