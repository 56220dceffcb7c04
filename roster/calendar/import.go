package calendar

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// A Report says what an import does. Lines are those at which events begin; words of the events are not read and not told.
type Report struct {
	Taken     []Item // new, or at another time than before
	Unchanged int    // times or days that stand in the book as they are
	Removed   []Item // what the same events had brought, and bring no more
	Ignored   []Item // with Why
}

// An Item is one time, or one day, of an event.
type Item struct {
	Line        int
	From, Until time.Time // of leave
	Day         string    // of holidays
	Why         string    // it is ignored
}

// A dated is an event with all its times from now on.
type dated struct {
	line  int
	uid   string
	spans []span
}

// ReadLeave makes an edit of the book: the person is on leave at the times of a file's events. An event that was imported before is replaced, one
// that is cancelled is taken out. zone is that of dates and of times without one; nil: the person's, or the first roster's. What is over
// at now is ignored. Errors: [ErrUnknown], [*FileError]; the edit is checked when it is stored.
func ReadLeave(book roster.Book, person string, data []byte, zone *time.Location, now time.Time) (roster.Book, Report, error) {
	var r Report
	who := slices.IndexFunc(book.People, func(p roster.Person) bool { return p.ID == person && !p.Erased })
	if who < 0 {
		return book, r, ErrUnknown
	}
	if zone == nil {
		zone = homeOf(book, book.People[who].TimeZone)
	}
	list, err := readFile(data, zone, now, &r)
	if err != nil {
		return book, r, err
	}
	book.Leave = slices.Clone(book.Leave)
	for _, e := range list {
		book.Leave = r.leave(book.Leave, person, e, now)
	}
	r.inOrder()
	return book, r, nil
}

// ReadHolidays makes an edit of the book: the days of a file's events are days of a calendar of the book. An event that was imported before is
// replaced, one that is cancelled is taken out; days that were written by hand stay. A day that has begun in the zone of a roster is
// ignored. The rest is as for [ReadLeave].
func ReadHolidays(book roster.Book, calendar string, data []byte, zone *time.Location, now time.Time) (roster.Book, Report, error) {
	var r Report
	at := slices.IndexFunc(book.Calendars, func(c roster.Calendar) bool { return c.ID == calendar })
	if at < 0 {
		return book, r, ErrUnknown
	}
	if zone == nil {
		zone = homeOf(book, "")
	}
	list, err := readFile(data, zone, now, &r)
	if err != nil {
		return book, r, err
	}
	begun := lastBegun(book, now)
	book.Calendars = slices.Clone(book.Calendars)
	c := &book.Calendars[at]
	for _, e := range list {
		r.holidays(c, e, begun)
	}
	r.inOrder()
	return book, r, nil
}

// homeOf is the zone of that name, else that of the first roster, else UTC.
func homeOf(book roster.Book, name string) *time.Location {
	if name == "" && len(book.Rosters) > 0 {
		name = book.Rosters[0].TimeZone
	}
	if zone := zoneOf(name); zone != nil {
		return zone
	}
	return time.UTC
}

// lastBegun is the last day that has begun at now somewhere on the rosters.
func lastBegun(book roster.Book, now time.Time) string {
	last := ""
	for _, r := range book.Rosters {
		last = max(last, roster.NewClock(homeOf(book, r.TimeZone)).Shows(now).Format(time.DateOnly))
	}
	if last == "" {
		last = now.UTC().Format(time.DateOnly)
	}
	return last
}

// keyOf names an event of a file in the book, without its UID: that may hold an address.
func keyOf(kind, of, uid string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + of + "\x00" + uid))
	return "ics-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}

// leave replaces what an event brought.
func (r *Report) leave(list []roster.Leave, person string, e dated, now time.Time) []roster.Leave {
	key := keyOf("leave", person, e.uid) + "-"
	old := func(l roster.Leave) bool { // what is over is nobody's to change
		return strings.HasPrefix(l.ID, key) && l.Person == person && l.Until.After(now)
	}
	used := map[string]bool{}
	for _, s := range e.spans {
		i := slices.IndexFunc(list, func(l roster.Leave) bool {
			running := !l.From.After(now) && !s.from.After(now)
			return old(l) && !used[l.ID] && (l.From.Equal(s.from) || running)
		})
		switch {
		case i < 0:
			id := freshID(list, key+s.from.Format("20060102t1504"))
			used[id] = true
			list = append(list, roster.Leave{ID: id, Person: person, From: s.from, Until: s.until})
		case list[i].Until.Equal(s.until):
			used[list[i].ID] = true
			r.Unchanged++
			continue
		default:
			used[list[i].ID] = true
			list[i].Until = s.until
		}
		r.Taken = append(r.Taken, Item{Line: e.line, From: later(s.from, now), Until: s.until})
	}
	return slices.DeleteFunc(list, func(l roster.Leave) bool {
		if !old(l) || used[l.ID] {
			return false
		}
		r.Removed = append(r.Removed, Item{Line: e.line, From: later(l.From, now), Until: l.Until})
		return true // what is over of it is kept when the edit is stored
	})
}

func freshID(list []roster.Leave, id string) string {
	next := id
	for n := 2; slices.ContainsFunc(list, func(l roster.Leave) bool { return l.ID == next }); n++ {
		next = id + "-" + strconv.Itoa(n)
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// holidays replaces what an event brought. Days up to begun stay as they are.
func (r *Report) holidays(c *roster.Calendar, e dated, begun string) {
	key := keyOf("holidays", c.ID, e.uid)
	wanted := map[string]bool{}
	for _, s := range e.spans {
		for _, day := range s.days {
			wanted[day] = true
		}
	}
	c.Days, c.Imported = slices.Clone(c.Days), slices.Clone(c.Imported)
	mine := roster.EventDays{Event: key}
	if i := slices.IndexFunc(c.Imported, func(i roster.EventDays) bool { return i.Event == key }); i >= 0 {
		mine = roster.EventDays{Event: key, Days: slices.Clone(c.Imported[i].Days)}
		c.Imported = slices.Delete(c.Imported, i, i+1)
	}
	others := func(day string) bool {
		return slices.ContainsFunc(c.Imported, func(i roster.EventDays) bool { return slices.Contains(i.Days, day) })
	}
	mine.Days = slices.DeleteFunc(mine.Days, func(day string) bool {
		if wanted[day] || day <= begun {
			return false
		}
		if i := slices.Index(c.Days, day); i >= 0 && !others(day) {
			c.Days = slices.Delete(c.Days, i, i+1)
		}
		r.Removed = append(r.Removed, Item{Line: e.line, Day: day})
		return true
	})
	over := 0
	for _, day := range sorted(wanted) {
		stands := slices.Contains(c.Days, day)
		switch {
		case stands && (slices.Contains(mine.Days, day) || !others(day)): // brought before, or written by hand
			r.Unchanged++
		case day <= begun:
			over++
		default:
			if !stands {
				c.Days = append(c.Days, day)
			}
			mine.Days = append(mine.Days, day)
			r.Taken = append(r.Taken, Item{Line: e.line, Day: day})
		}
	}
	if over > 0 {
		r.ignore(e.line, plural(over, "day has begun or is over", "days have begun or are over")+": shifts that are over do not change")
	}
	if len(mine.Days) > 0 {
		slices.Sort(mine.Days)
		c.Imported = append(c.Imported, mine)
	}
	slices.SortFunc(c.Imported, func(a, b roster.EventDays) int { return strings.Compare(a.Event, b.Event) })
	slices.Sort(c.Days)
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for key := range set {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// inOrder sorts what a file does by its lines.
func (r *Report) inOrder() {
	byLine := func(a, b Item) int { return cmp.Compare(a.Line, b.Line) }
	slices.SortStableFunc(r.Taken, byLine)
	slices.SortStableFunc(r.Removed, byLine)
	slices.SortStableFunc(r.Ignored, byLine)
}

func (r *Report) ignore(line int, why string) {
	r.Ignored = append(r.Ignored, Item{Line: line, Why: why})
}

// A series is what a file says of one UID: the event, and changes of single times of it.
type series struct {
	uid     string
	event   *component
	rank    int
	changes []component
}

// readFile lists the events of a file with their times that are not over. The error is a [*FileError] with all that is wrong.
func readFile(data []byte, home *time.Location, now time.Time, r *Report) ([]dated, error) {
	if len(data) > MaxFile {
		return nil, trouble(1, "The file is larger than 1 MiB.", "Export a shorter time, or one calendar alone.")
	}
	all, others, err := events(data)
	if err != nil {
		return nil, err
	}
	for _, line := range others {
		r.ignore(line, "this is no event")
	}
	list, troubles := grouped(all, r)
	c := &clocks{home: home, known: map[string]roster.Clock{}}
	var result []dated
	rules, times := 0, 0
	for _, s := range list {
		if len(s.event.props["RRULE"]) > 0 {
			rules++
		}
		if rules > maxRules {
			return nil, trouble(s.event.line, fmt.Sprintf("More than %d events are repeated.", maxRules), "Export one calendar alone.")
		}
		e, found := c.dated(s, now, r)
		troubles = append(troubles, found...)
		result = append(result, e)
		if times += len(e.spans); times > maxTimes {
			return nil, trouble(s.event.line, fmt.Sprintf("The file has more than %d times from now on.", maxTimes), "Export a shorter time.")
		}
	}
	if len(troubles) > 0 {
		return nil, &FileError{troubles[:min(len(troubles), maxTrouble)]}
	}
	return result, nil
}

// grouped joins what belongs together, in the order of the file.
func grouped(all []component, r *Report) (list []*series, troubles []Trouble) {
	byUID := map[string]*series{}
	for i := range all {
		e := &all[i]
		uid, ok := e.first("UID")
		if !ok || uid.value == "" {
			troubles = append(troubles, Trouble{e.line, "The event has no UID.", "Export the calendar again: without a UID an event cannot be replaced later."})
			continue
		}
		s := byUID[uid.value]
		if s == nil {
			s = &series{uid: uid.value}
			byUID[uid.value] = s
			list = append(list, s)
		}
		if len(e.props["RECURRENCE-ID"]) > 0 {
			s.changes = append(s.changes, *e)
			continue
		}
		rank := 0
		if p, ok := e.first("SEQUENCE"); ok {
			rank, _ = strconv.Atoi(p.value)
		}
		if s.event == nil || rank >= s.rank {
			e, s.event, s.rank = s.event, e, rank
		}
		if e != nil {
			r.ignore(e.line, "the file has the same event in a later version")
		}
	}
	return slices.DeleteFunc(list, func(s *series) bool {
		if s.event == nil {
			troubles = append(troubles, Trouble{s.changes[0].line, "This changes one time of a repeated event, and the event itself is not in the file.", "Export the whole calendar."})
		}
		return s.event == nil
	}), troubles
}

func (c component) isCancelled() bool {
	status, _ := c.first("STATUS")
	return c.cancelled || strings.EqualFold(status.value, "CANCELLED")
}

// dated works out the times of an event, with the changes of single ones.
func (c *clocks) dated(s *series, now time.Time, r *Report) (dated, []Trouble) {
	e := dated{line: s.event.line, uid: s.uid}
	if s.event.isCancelled() {
		return e, nil
	}
	start, l, err := c.when(*s.event)
	if err != nil {
		return e, asFileError(err)
	}
	horizon := now.Add(Horizon)
	times, err := c.walls(*s.event, start, horizon)
	if err != nil {
		return e, asFileError(err)
	}
	var spans []span
	for _, change := range s.changes {
		p, _ := change.first("RECURRENCE-ID")
		m, err := parseMoment(p.value, p)
		if err == nil && p.params["RANGE"] != "" {
			err = trouble(p.line, "This changes a repeated event from one time on.", "Write the rest as an event of its own.")
		}
		if err != nil {
			return e, asFileError(err)
		}
		times.walls = slices.DeleteFunc(times.walls, func(wall time.Time) bool { return c.names(m, start, wall) })
		if change.isCancelled() {
			continue
		}
		other, otherLength, err := c.when(change)
		if err != nil {
			return e, asFileError(err)
		}
		spans = append(spans, c.spanAt(other, otherLength, other.wall))
	}
	for _, wall := range times.walls {
		spans = append(spans, c.spanAt(start, l, wall))
	}
	slices.SortStableFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	over, far := 0, 0
	for _, at := range spans {
		switch {
		case !at.from.Before(at.until):
			r.ignore(s.event.line, "it takes no time")
		case !at.until.After(now):
			over++
		case at.from.After(horizon):
			far++
		case len(at.days) >= 1000:
			return e, []Trouble{{s.event.line, "One time of this event is longer than 999 days.", "Write when it ends."}}
		case len(e.spans) > 0 && e.spans[len(e.spans)-1].from.Equal(at.from): // twice at once: the longer counts
			if last := &e.spans[len(e.spans)-1]; at.until.After(last.until) {
				*last = at
			}
		default:
			e.spans = append(e.spans, at)
		}
	}
	if over > 0 {
		r.ignore(s.event.line, plural(over, "time is", "times are")+" over: shifts that are over do not change")
	}
	if far > 0 || times.more {
		r.ignore(s.event.line, "what begins after "+horizon.UTC().Format(time.DateOnly)+" is too far off: import the file again later")
	}
	return e, nil
}

// when is how an event begins, and how long each of its times is.
func (c *clocks) when(e component) (moment, length, error) {
	p, ok := e.first("DTSTART")
	if !ok {
		return moment{}, length{}, trouble(e.line, "The event has no DTSTART.", "Write when it begins.")
	}
	start, err := parseMoment(p.value, p)
	if err != nil {
		return start, length{}, err
	}
	l, err := c.lengthOf(e, start)
	return start, l, err
}
