package calendar

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	ics "github.com/arran4/golang-ical"
)

// Bounds of a file, far above what a person's or a State's calendar has.
const (
	MaxFile    = 1 << 20 // bytes
	maxEvents  = 2000
	maxRules   = 50   // repeated events: one whose rule never comes true takes 0.2 s
	maxTimes   = 1000 // that one file brings
	maxLine    = 64 << 10
	maxHead    = 1 << 10 // of a line: name and parameters
	maxTrouble = 20      // that are told
)

// A Trouble is something in a file that cannot be understood.
type Trouble struct {
	Line   int // counted from 1
	Detail string
	Fix    string
}

// A FileError says what is wrong with a file; it was not taken.
type FileError struct{ Troubles []Trouble }

// Error lists the lines.
func (e *FileError) Error() string {
	list := make([]string, len(e.Troubles))
	for i, t := range e.Troubles {
		list[i] = fmt.Sprintf("line %d: %s %s", t.Line, t.Detail, t.Fix)
	}
	return "the calendar file is not understood: " + strings.Join(list, "; ")
}

func trouble(line int, detail, fix string) *FileError {
	return &FileError{[]Trouble{{line, detail, fix}}}
}

// A property is a line of an event.
type property struct {
	line   int
	params map[string]string
	value  string
}

// A component is an event as it is written, with the properties that say when it is.
type component struct {
	line      int
	cancelled bool // by the method of its calendar
	props     map[string][]property
}

func (c component) first(name string) (property, bool) {
	if list := c.props[name]; len(list) > 0 {
		return list[0], true
	}
	return property{}, false
}

// read are the properties that are read. All others are somebody's words.
var read = []string{"UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "STATUS", "SEQUENCE"}

// events lists the events of a file. others are lines at which something begins that is no event, as a task.
func events(data []byte) (list []component, others []int, err error) {
	var within []string
	cancelled := false
	began := 0
	for l := range unfold(data) {
		name, rest := l.split()
		switch {
		case name == "BEGIN":
			what := strings.ToUpper(rest)
			if (len(within) == 0) != (what == "VCALENDAR") {
				return nil, nil, notACalendar(l.number)
			}
			switch {
			case len(within) == 0:
				cancelled = false
			case len(within) != 1:
			case what == "VEVENT":
				if len(list) == maxEvents {
					return nil, nil, trouble(l.number, fmt.Sprintf("There are more than %d events.", maxEvents), "Export a shorter time, or one calendar alone.")
				}
				list = append(list, component{line: l.number, cancelled: cancelled, props: map[string][]property{}})
			case what != "VTIMEZONE":
				others = append(others, l.number)
			}
			within, began = append(within, what), l.number
		case len(within) == 0:
			return nil, nil, notACalendar(l.number)
		case name == "END":
			if !strings.EqualFold(rest, within[len(within)-1]) {
				return nil, nil, trouble(l.number, "Something ends here that did not begin.", "Export the calendar again and send the whole file.")
			}
			within = within[:len(within)-1]
		case len(within) == 1 && name == "METHOD":
			cancelled = strings.EqualFold(rest, "CANCEL")
		case len(within) == 2 && within[1] == "VEVENT" && slices.Contains(read, name):
			p, err := l.property()
			if err != nil {
				return nil, nil, err
			}
			props := list[len(list)-1].props
			props[name] = append(props[name], p)
		}
	}
	switch {
	case began == 0:
		return nil, nil, notACalendar(1)
	case len(within) > 0:
		return nil, nil, trouble(began, "What begins here has no end.", "Export the calendar again and send the whole file.")
	}
	return list, others, nil
}

func notACalendar(line int) error {
	return trouble(line, "This is no calendar.", "Export the calendar as iCalendar (.ics) and send that file: it begins with BEGIN:VCALENDAR.")
}

// A line is a content line, unfolded (RFC 5545, 3.1).
type line struct {
	number int
	text   string
}

// unfold gives the lines that are not empty.
func unfold(data []byte) func(func(line) bool) {
	return func(yield func(line) bool) {
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		var current line
		var text strings.Builder
		flush := func() bool {
			current.text = text.String()
			text.Reset()
			return strings.TrimSpace(current.text) == "" || yield(current)
		}
		number := 0
		for raw := range bytes.SplitSeq(data, []byte("\n")) {
			number++
			raw = bytes.TrimSuffix(raw, []byte("\r"))
			if len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') && current.number > 0 {
				text.Write(raw[1:])
				continue
			}
			if current.number > 0 && !flush() {
				return
			}
			current.number = number
			text.Write(raw)
		}
		if current.number > 0 {
			flush()
		}
	}
}

// split gives the name of the property, in capitals, and what follows the first colon.
func (l line) split() (name, rest string) {
	if i := strings.IndexAny(l.text, ";:"); i >= 0 {
		name = strings.ToUpper(l.text[:i])
	}
	_, rest, _ = strings.Cut(l.text, ":")
	return name, strings.TrimSpace(rest)
}

// property takes the line apart.
func (l line) property() (property, error) {
	if head := strings.IndexByte(l.text, ':'); len(l.text) > maxLine || head < 0 || head > maxHead {
		return property{}, trouble(l.number, "This line cannot be read.", "Export the calendar again; a line of an event is name, colon and value.")
	}
	parsed, err := ics.ParseProperty(ics.ContentLine(l.text))
	if err != nil || parsed == nil {
		return property{}, trouble(l.number, "This line cannot be read.", "Export the calendar again; a line of an event is name, colon and value.")
	}
	p := property{line: l.number, params: map[string]string{}, value: strings.TrimSpace(parsed.Value)}
	for name, values := range parsed.ICalParameters {
		p.params[strings.ToUpper(name)] = strings.Join(values, ",")
	}
	return p, nil
}
