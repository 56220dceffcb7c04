package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/dutyline/dutyline/roster"
)

// Horizon is how far repetitions are worked out, and how far off a time may begin to be taken.
const Horizon = 2 * 366 * 24 * time.Hour

// A moment is a time as it is written: on the wall clock of a zone.
type moment struct {
	wall time.Time      // date and time of day, as a time in UTC
	zone *time.Location // nil: of whoever reads it
	date bool           // the whole day is meant
}

// A clocks knows the wall clocks that a file names.
type clocks struct {
	home  *time.Location // of times without a zone
	known map[string]roster.Clock
}

func (c *clocks) of(zone *time.Location) roster.Clock {
	if zone == nil {
		zone = c.home
	}
	clock, ok := c.known[zone.String()]
	if !ok {
		clock = roster.NewClock(zone)
		c.known[zone.String()] = clock
	}
	return clock
}

func (c *clocks) instant(m moment) time.Time { return c.of(m.zone).Reaches(m.wall) }

// on is a moment on the clock of another.
func (c *clocks) on(m, of moment) time.Time {
	if m.date || of.date || cmp.Or(m.zone, c.home).String() == cmp.Or(of.zone, c.home).String() {
		return m.wall
	}
	return c.of(of.zone).Shows(c.instant(m))
}

const (
	dateLayout = "20060102"
	timeLayout = "20060102T150405"
)

// parseMoment reads one DATE or DATE-TIME value.
func parseMoment(value string, p property) (moment, error) {
	if p.params["VALUE"] == "DATE" || (len(value) == len(dateLayout) && p.params["VALUE"] == "") {
		day, err := time.Parse(dateLayout, value)
		if err != nil {
			return moment{}, trouble(p.line, "This is no date.", "Write year, month and day, as in 20261224.")
		}
		return inYears(moment{wall: day, date: true}, p)
	}
	local, utc := strings.CutSuffix(value, "Z")
	at, err := time.Parse(timeLayout, local)
	if err != nil {
		return moment{}, trouble(p.line, "This is no time.", "Write date and time, as in 20261224T080000Z for UTC, or with TZID in front.")
	}
	m := moment{wall: at}
	switch name := p.params["TZID"]; {
	case utc:
		m.zone = time.UTC
	case name != "":
		if m.zone = zoneOf(name); m.zone == nil {
			return m, trouble(p.line, "This time zone is not of the IANA database.", "Export whole days, or write a name as Europe/Paris into TZID.")
		}
	}
	return inYears(m, p)
}

// inYears refuses years for which nobody has a clock.
func inYears(m moment, p property) (moment, error) {
	if year := m.wall.Year(); year < 1970 || year > 2199 {
		return m, trouble(p.line, "This year is not taken.", "Use years from 1970 to 2199.")
	}
	return m, nil
}

// zoneOf finds a zone by its name, also behind the prefix of a registry (RFC 5545, 3.2.19); nil when there is none.
func zoneOf(name string) *time.Location {
	if name == "Local" || name == "" {
		return nil
	}
	for {
		if zone, err := time.LoadLocation(strings.TrimPrefix(name, "/")); err == nil && name != "/" {
			return zone
		}
		_, rest, more := strings.Cut(strings.TrimPrefix(name, "/"), "/")
		if !more || !strings.HasPrefix(name, "/") || rest == "" || rest == "Local" {
			return nil
		}
		name = "/" + rest
	}
}

func parseMoments(list []property) (moments []moment, err error) {
	for _, p := range list {
		if p.params["VALUE"] == "PERIOD" {
			return nil, trouble(p.line, "Periods are not taken.", "Write the event once for each time.")
		}
		for value := range strings.SplitSeq(p.value, ",") {
			m, err := parseMoment(strings.TrimSpace(value), p)
			if err != nil {
				return nil, err
			}
			moments = append(moments, m)
			if len(moments) > maxTimes {
				return nil, trouble(p.line, fmt.Sprintf("The event has more than %d times.", maxTimes), "Export a shorter time.")
			}
		}
	}
	return moments, nil
}

// A length is how long each time of an event is: to a wall-clock time later, and then so much longer.
type length struct {
	wall  time.Duration
	exact time.Duration
}

var durations = regexp.MustCompile(`^\+?P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?)$`)

// lengthOf reads DTEND or DURATION.
func (c *clocks) lengthOf(e component, start moment) (length, error) {
	if p, ok := e.first("DTEND"); ok {
		end, err := parseMoment(p.value, p)
		if err != nil {
			return length{}, err
		}
		if end.date != start.date {
			return length{}, trouble(p.line, "It begins or ends with a day, and the other is a time.", "Write both as days, or both as times.")
		}
		if end.date || cmp.Or(start.zone, c.home).String() == cmp.Or(end.zone, c.home).String() {
			return length{wall: end.wall.Sub(start.wall)}, positive(end.wall.Before(start.wall), p.line)
		}
		exact := c.instant(end).Sub(c.instant(start))
		return length{exact: exact}, positive(exact < 0, p.line)
	}
	if p, ok := e.first("DURATION"); ok {
		m := durations.FindStringSubmatch(strings.ToUpper(p.value))
		if m == nil {
			return length{}, trouble(p.line, "This is no duration.", "Write it as P2D for two days, or PT12H for twelve hours.")
		}
		number := func(i int) time.Duration { n, _ := strconv.Atoi(m[i]); return time.Duration(n) }
		return length{
			wall:  number(1)*7*24*time.Hour + number(2)*24*time.Hour,
			exact: number(3)*time.Hour + number(4)*time.Minute + number(5)*time.Second,
		}, nil
	}
	if start.date {
		return length{wall: 24 * time.Hour}, nil
	}
	return length{}, nil
}

func positive(negative bool, line int) error {
	if negative {
		return trouble(line, "It ends before it begins.", "Set DTEND after DTSTART.")
	}
	return nil
}

// A repeated is when an event is: the wall-clock times at which it begins, in order.
type repeated struct {
	walls []time.Time
	more  bool // it goes on behind the horizon
}

// walls works out when an event begins: by RRULE, RDATE and EXDATE, from its first time until the horizon.
func (c *clocks) walls(e component, start moment, horizon time.Time) (r repeated, err error) {
	last := c.of(start.zone).Shows(horizon)
	r.walls = []time.Time{start.wall}
	rules := e.props["RRULE"]
	switch {
	case len(rules) > 1:
		return r, trouble(rules[1].line, "It has several rules of repetition.", "Write the event once for each rule.")
	case len(e.props["EXRULE"]) > 0:
		return r, trouble(e.props["EXRULE"][0].line, "Rules of exception are not taken.", "Write the exceptions as EXDATE.")
	case len(rules) == 1:
		if r, err = c.byRule(rules[0], start, last); err != nil {
			return r, err
		}
	}
	added, err := parseMoments(e.props["RDATE"])
	if err != nil {
		return r, err
	}
	for _, m := range added {
		wall := c.on(m, start)
		if m.date && !start.date {
			wall = wall.Add(start.wall.Sub(start.wall.Truncate(24 * time.Hour)))
		}
		r.walls = append(r.walls, wall)
	}
	except, err := parseMoments(e.props["EXDATE"])
	if err != nil {
		return r, err
	}
	r.walls = slices.DeleteFunc(r.walls, func(wall time.Time) bool {
		return slices.ContainsFunc(except, func(m moment) bool { return c.names(m, start, wall) })
	})
	slices.SortFunc(r.walls, time.Time.Compare)
	r.walls = slices.CompactFunc(r.walls, time.Time.Equal)
	return r, nil
}

// names reports whether a moment means the time of an event that begins at wall. A date means the whole day.
func (c *clocks) names(m, start moment, wall time.Time) bool {
	if m.date && !start.date {
		return wall.Truncate(24 * time.Hour).Equal(m.wall)
	}
	return c.on(m, start).Equal(wall)
}

// frequencies are those that leave and holidays have.
var frequencies = []rrule.Frequency{rrule.YEARLY, rrule.MONTHLY, rrule.WEEKLY, rrule.DAILY}

var untilPart = regexp.MustCompile(`(?i)(?:^|;)UNTIL=([^;]*)`)

// byRule works a rule out on the wall clock, to the first second after last.
func (c *clocks) byRule(p property, start moment, last time.Time) (r repeated, err error) {
	broken := func(detail string) error {
		return trouble(p.line, detail, "Write the event once for each time, or with a rule of RFC 5545 by years, months, weeks or days.")
	}
	option, err := rrule.StrToROption(strings.ToUpper(p.value))
	if err != nil {
		return r, broken("This rule of repetition cannot be read.")
	}
	switch {
	case !slices.Contains(frequencies, option.Freq), len(option.Byhour)+len(option.Byminute)+len(option.Bysecond)+len(option.Byeaster) > 0:
		return r, broken("This rule of repetition is not taken.")
	case option.Interval > 1000, option.Count > 10000:
		return r, broken("This rule of repetition goes too far.")
	}
	if m := untilPart.FindStringSubmatch(p.value); m != nil {
		until, err := parseMoment(strings.ToUpper(m[1]), property{line: p.line})
		if err != nil {
			return r, err
		}
		option.Until = c.on(until, start)
		if until.date && !start.date { // the whole day is meant
			option.Until = until.wall.Add(24*time.Hour - time.Second)
		}
	}
	option.Dtstart = start.wall
	// A library that panics on a rule must not end the call: the rule is refused.
	defer func() {
		if recover() != nil {
			err = broken("This rule of repetition cannot be worked out.")
		}
	}()
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return r, broken("This rule of repetition cannot be read.")
	}
	for next := rule.Iterator(); ; {
		wall, ok := next()
		if !ok {
			return r, nil
		}
		if wall.After(last) {
			r.more = true
			return r, nil
		}
		if r.walls = append(r.walls, wall.UTC()); len(r.walls) > 100_000 {
			return r, broken("This rule of repetition goes too far.")
		}
	}
}

// A span is one time of an event.
type span struct {
	from, until time.Time
	days        []string // that it touches on its own clock
}

// spanAt is the time of an event that begins at wall.
func (c *clocks) spanAt(start moment, l length, wall time.Time) span {
	clock := c.of(start.zone)
	s := span{from: clock.Reaches(wall).UTC(), until: clock.Reaches(wall.Add(l.wall)).Add(l.exact).UTC()}
	first, last := wall, wall.Add(l.wall)
	if zone := start.zone; !start.date && (zone == time.UTC || l.exact > 0) {
		if zone == time.UTC { // the days of a time in UTC are those of the people whom it concerns
			clock = c.of(nil)
		}
		first, last = clock.Shows(s.from), clock.Shows(s.until)
	}
	for day := first.Truncate(24 * time.Hour); day.Before(last) && len(s.days) < 1000; day = day.AddDate(0, 0, 1) {
		s.days = append(s.days, day.Format(time.DateOnly))
	}
	return s
}

// asFileError gives the troubles of an error.
func asFileError(err error) []Trouble {
	if file, ok := errors.AsType[*FileError](err); ok {
		return file.Troubles
	}
	return nil
}
