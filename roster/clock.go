package roster

import "time"

// A Clock is the wall clock of a zone by the rule of the package's comment, for those who read wall-clock times from elsewhere: dates and
// times of a calendar file. The zero value is not valid. Safe for concurrent use.
type Clock struct{ dial *dial }

// NewClock makes the clock of a zone. It knows the zone's rules from 1970 to 2200.
func NewClock(zone *time.Location) Clock { return Clock{newDial(zone)} }

// Reaches is the first instant at which the clock shows a wall-clock time, or a later one where that time does not exist. Of wall only the
// date and the time of day count, to the second, and not its zone.
func (c Clock) Reaches(wall time.Time) time.Time { return c.dial.instant(wallAt(wall)) }

// Shows is what the clock shows at an instant, as a time in UTC.
func (c Clock) Shows(t time.Time) time.Time {
	local := t.In(c.dial.zone)
	return time.Unix(int64(wallAt(local)), 0).UTC()
}

// wallAt reads date and time of day.
func wallAt(t time.Time) wall {
	return wallOf(t.Date()) + wall(t.Hour())*hour + wall(t.Minute())*minute + wall(t.Second())
}
