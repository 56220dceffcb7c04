package roster

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// A Book is everything that coordinators edit, under one revision: an edit that touches a person and a roster is one edit.
type Book struct {
	Schema    int        `json:"schema"`
	Revision  uint64     `json:"revision"`
	People    []Person   `json:"people"`
	Rosters   []Roster   `json:"rosters"`
	Teams     []Team     `json:"teams,omitempty"`
	Leave     []Leave    `json:"leave,omitempty"`     // on every roster
	Calendars []Calendar `json:"calendars,omitempty"` // for restrictions
	Limits    *Limits    `json:"limits,omitempty"`    // of everybody's work; absent: DefaultRest
}

// A Person can be paged. Name, the addresses of the contacts and the digest of the PIN are personal: they are sealed wherever the book is
// stored.
type Person struct {
	ID          string     `json:"id"`
	CallSign    string     `json:"call_sign"` // what colleagues are told; never a name
	Name        string     `json:"name,omitempty"`
	Languages   []Language `json:"languages"`              // preferred first
	Authorities []string   `json:"authorities,omitempty"`  // what they may decide: a type of request, or a word of the coordinators' own
	Contacts    []Contact  `json:"contacts"`               // in the order in which they are tried
	PINDigest   string     `json:"pin_digest,omitempty"`   // "<algorithm>:<digest>", never the PIN; see [Book.SetPIN]
	PIN         bool       `json:"pin,omitempty"`          // in answers, which hide the digest: there is one. Of an edit it says nothing
	TimeZone    string     `json:"time_zone,omitempty"`    // IANA, where they live; absent: that of each roster
	ActiveFrom  string     `json:"active_from,omitempty"`  // 2006-01-02: before this day they are on no duty
	ActiveUntil string     `json:"active_until,omitempty"` // 2006-01-02: from this day on they are on no duty
	Erased      bool       `json:"erased,omitempty"`
}

// Language is the language in which the person is addressed, "" when none is known.
func (p Person) Language() string {
	if len(p.Languages) == 0 {
		return ""
	}
	return p.Languages[0].Tag
}

// tags lists the languages without their levels.
func (p Person) tags() []string {
	tags := make([]string, len(p.Languages))
	for i, l := range p.Languages {
		tags[i] = l.Tag
	}
	return tags
}

// A Language is one that somebody speaks. In a document it is the tag alone, or {tag, level} when a level is known.
type Language struct {
	Tag   string // BCP 47
	Level Level  // "" where nobody has said: they work in it, so it is as good as any
}

// A Level of a language is one of the Common European Framework of Reference.
type Level string

// levels from the lowest to the highest.
var levels = []Level{"a1", "a2", "b1", "b2", "c1", "c2"}

// Languages makes a list of languages without levels.
func Languages(tags ...string) []Language {
	list := make([]Language, len(tags))
	for i, tag := range tags {
		list[i] = Language{Tag: tag}
	}
	return list
}

// MarshalJSON writes the tag alone when there is no level.
func (l Language) MarshalJSON() ([]byte, error) {
	if l.Level == "" {
		return json.Marshal(l.Tag)
	}
	return json.Marshal(languageDocument(l))
}

type languageDocument struct {
	Tag   string `json:"tag"`
	Level Level  `json:"level,omitempty"`
}

// UnmarshalJSON reads a tag, or an object with tag and level and nothing else: a misspelt level must not be lost silently.
func (l *Language) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] != '{' {
		*l = Language{}
		return json.Unmarshal(data, &l.Tag)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var document languageDocument
	if err := decoder.Decode(&document); err != nil {
		return err
	}
	*l = Language(document)
	return nil
}

// A Contact is one way to reach a person.
type Contact struct {
	ID       string `json:"id"`
	Channel  string `json:"channel"`           // sms, voice; email and webhook go beside them
	Address  string `json:"address,omitempty"` // E.164; of an e-mail: the address alone; of a webhook: https
	Verified bool   `json:"verified"`
	// Tested is when the person answered a test page over it: the contact is verified for [VerificationLife] from then on. Zero of one that is
	// verified: a coordinator says so, and it has no end.
	Tested time.Time `json:"verified_at,omitzero"`
	// Changed is when its address or channel became another one, or it was given to a person who was there before; zero when it is as it was at
	// first. Whoever stores an edit sets it, whatever the edit says. What was known of the contact before that says nothing of it any more.
	Changed time.Time `json:"changed_at,omitzero"`
}

// A Team is a named list of people.
type Team struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Members []string `json:"members"`
}

// A Leave is time for which a person is on no duty, whatever rotation, override or cover names them. It has no reason: why somebody is
// away is nobody's business, and would be personal.
type Leave struct {
	ID     string    `json:"id"`
	Person string    `json:"person"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"` // not included
}

// A Calendar is a list of holidays.
type Calendar struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Days     []string    `json:"days"`               // 2006-01-02
	Imported []EventDays `json:"imported,omitempty"` // which of Days came from which event of a file
}

// EventDays are the days that an event of an imported file brought. The same event again replaces them; see package roster/calendar. Who is on
// duty does not depend on them.
type EventDays struct {
	Event string   `json:"event"` // a digest of its UID
	Days  []string `json:"days"`  // 2006-01-02
}

// Limits bound everybody's work over all rosters. What breaks them is shown, not prevented: a tired officer beats none.
type Limits struct {
	RestHours   *int `json:"rest_hours,omitempty"`    // between two shifts of a person; absent: DefaultRest; 0: no rule
	MaxHours    int  `json:"max_hours,omitempty"`     // on duty within MaxHoursPer days; 0: no rule
	MaxHoursPer int  `json:"max_hours_per,omitempty"` // days; 0: 7
}

// DefaultRest is the least time between two shifts of a person, in hours, where the book says nothing (Directive 2003/88/EC, Art. 3).
const DefaultRest = 11

// A Roster is a duty that somebody holds at every moment.
type Roster struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	TimeZone  string     `json:"time_zone"` // IANA
	Layers    []Layer    `json:"layers"`    // a later layer covers an earlier one where it has somebody
	Overrides []Override `json:"overrides,omitempty"`
	Covers    []Cover    `json:"covers,omitempty"`
	Swaps     []Swap     `json:"swaps,omitempty"`
	Shadows   []Shadow   `json:"shadows,omitempty"`
	Coverage  []Coverage `json:"coverage,omitempty"`
	Until     time.Time  `json:"until,omitzero"` // it is closed from here on: nobody is on duty, and that is no gap
}

// A Layer is one rotation, with the hours in which it has somebody.
type Layer struct {
	ID           string        `json:"id"`
	Name         string        `json:"name,omitempty"`
	Rotation     Rotation      `json:"rotation"`
	Restrictions []Restriction `json:"restrictions,omitempty"` // on duty only within one of them; none: always
	Past         []Segment     `json:"past,omitempty"`         // how the layer worked before, the oldest first
}

// A Segment is how a layer worked until an edit changed it: it answers for its time for ever. What makes it up was copied from the layer
// and its roster.
type Segment struct {
	Until        time.Time     `json:"until"` // not included; the next segment goes on from here
	TimeZone     string        `json:"time_zone"`
	Rotation     Rotation      `json:"rotation"`
	Restrictions []Restriction `json:"restrictions,omitempty"`
}

// A Rotation goes through its turns in order and starts again. Restrictions do not stop it: a turn counts whether its hours are restricted
// or not.
type Rotation struct {
	Turns    [][]string `json:"turns"`             // the people of each turn; none: the layer is closed
	Unit     Unit       `json:"unit"`              // of Length
	Length   int        `json:"length"`            // of one turn
	Handover string     `json:"handover"`          // wall clock of the roster's zone, 15:04; not for a pattern
	Weekday  Weekday    `json:"weekday,omitempty"` // of the handover when turns are weeks; absent: that of From
	Pattern  []Change   `json:"pattern,omitempty"` // when turns change, for the unit pattern
	From     string     `json:"from"`              // 2006-01-02: the first turn starts on this day; a week begins on its weekday
	Until    string     `json:"until,omitempty"`   // 2006-01-02: the last turn ends at this day's handover
	First    int        `json:"first,omitempty"`   // which of Turns is the first, counted from 0
}

// A Unit is what turns are counted in.
type Unit string

// The units. A turn of hours is counted on the wall clock: twelve hours from 08:00 end at 20:00 on a day of 23 hours too. A turn of months
// starts on the same day of a later month, or on its last day. A pattern has its changes every week, and Length of them make a turn.
const (
	Hours   Unit = "hour"
	Days    Unit = "day"
	Weeks   Unit = "week"
	Months  Unit = "month"
	Pattern Unit = "pattern"
)

// A Weekday is mon, tue, wed, thu, fri, sat or sun.
type Weekday string

// weekdays from Monday.
var weekdays = []Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// A Change is when turns change in a week.
type Change struct {
	Weekday Weekday `json:"weekday"`
	At      string  `json:"at"` // 15:04
}

// A Restriction is a window of the week. It belongs to the day on which it starts, also when it ends on a later one.
type Restriction struct {
	Weekdays []Weekday `json:"weekdays,omitempty"`  // on which it starts; none: all
	From     string    `json:"from"`                // 15:04
	Until    string    `json:"until"`               // 15:04, not included; at or before From: of the next day
	UntilDay Weekday   `json:"until_day,omitempty"` // ends on the first such day at or after the start, as in Friday 17:00 to Monday 08:00
	Calendar string    `json:"calendar,omitempty"`  // with Holidays
	Holidays Holidays  `json:"holidays,omitempty"`
}

// Holidays says what a calendar does to a restriction.
type Holidays string

// The uses of a calendar.
const (
	OnlyHolidays Holidays = "only"   // it starts on days of the calendar and no others
	NotHolidays  Holidays = "except" // it starts on no day of the calendar
)

// An Override changes who is on duty for a span: on the whole roster after all layers, or within one layer before the layers are laid upon
// each other. Overrides apply in the order of the book.
type Override struct {
	ID     string    `json:"id"`
	Layer  string    `json:"layer,omitempty"` // absent: the roster
	Kind   Kind      `json:"kind"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"` // not included
	People []string  `json:"people"`
	By     string    `json:"by,omitempty"` // who of People took the duty over and can give it back; absent: a coordinator put them there
	Reason string    `json:"reason,omitempty"`
}

// A Kind says what an override does with its people.
type Kind string

// The kinds of override.
const (
	Replace Kind = "replace" // they and nobody else are on duty; when all whom it names are away, it does nothing
	Add     Kind = "add"
	Remove  Kind = "remove"
)

// A Cover is somebody's wish that somebody else takes their duty for a span. Accepted it puts By in the place of Person wherever they
// would be on duty; nothing happens where they would not be, or while By is away.
type Cover struct {
	ID       string     `json:"id"`
	Person   string     `json:"person"` // who asks
	From     time.Time  `json:"from"`
	Until    time.Time  `json:"until"`        // not included
	To       []string   `json:"to,omitempty"` // who may accept; none: everybody
	Declined []string   `json:"declined,omitempty"`
	State    CoverState `json:"state"`
	By       string     `json:"by,omitempty"`     // who accepted
	Expires  time.Time  `json:"expires,omitzero"` // an open one can no longer be accepted; zero: Until
	Reason   string     `json:"reason,omitempty"` // in clear: it must name nobody
}

// A Swap is two covers that are accepted together: each takes the other's duty.
type Swap struct {
	ID      string     `json:"id"`
	One     Part       `json:"one"` // who asks
	Other   Part       `json:"other"`
	State   CoverState `json:"state"`
	Expires time.Time  `json:"expires,omitzero"` // an open one can no longer be accepted; zero: when a part is over
}

// A Part is the duty that one side of a swap gives away.
type Part struct {
	Person string    `json:"person"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"` // not included
}

// A CoverState is how far a cover or a swap has come. Only an accepted one changes who is on duty.
type CoverState string

// The states.
const (
	CoverOpen     CoverState = "open"     // until somebody accepts, all decline, or it expires
	CoverAccepted CoverState = "accepted" // for good; an override changes it again
	CoverDeclined CoverState = "declined" // by all who were named
	CoverExpired  CoverState = "expired"  // nobody accepted in time
)

// A Shadow is in training: on duty beside an officer, and counted nowhere as one.
type Shadow struct {
	ID      string    `json:"id"`
	Person  string    `json:"person"`
	Follows string    `json:"follows,omitempty"` // whose duty; absent: everybody's
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"` // not included
	Paged   Paged     `json:"paged"`
}

// Paged says when somebody in training is paged.
type Paged string

// When they are paged.
const (
	PagedLast  Paged = "last"  // when everyone is
	PagedNever Paged = "never" // not even then, as long as there is anybody else
)

// Coverage is what a roster must have at every moment, or within windows of the week. Who is in training does not count.
type Coverage struct {
	ID           string        `json:"id"`
	People       int           `json:"people,omitempty"`      // at least so many
	Languages    []Language    `json:"languages,omitempty"`   // each spoken by somebody, at that level or better
	Authorities  []string      `json:"authorities,omitempty"` // each held by somebody
	Restrictions []Restriction `json:"restrictions,omitempty"`
}

// A Problem is one thing that is wrong with a book, and how to mend it.
type Problem struct {
	Path   string `json:"field"`
	Detail string `json:"detail"`
	Fix    string `json:"fix"`
}

// A ValidationError lists everything that is wrong with a book.
type ValidationError struct{ Problems []Problem }

// Error names the paths and the fixes.
func (e *ValidationError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Path + ": " + p.Detail + " " + p.Fix
	}
	return "the roster is not valid: " + strings.Join(lines, "; ")
}
