// Package roster says who is on duty at a moment, and why. It is pure: a [Book] is the whole document that coordinators edit, and
// [Compile] makes of it the one resolver that screen, page, calendar, command line and interface ask.
//
// Spans are half-open: a shift includes its start and not its end, so that shifts tile time without overlap or hole. Turns change at a
// wall-clock time of the roster's zone. Where that time does not exist (clocks go forward) the turn changes at the first instant after
// the gap; where it comes twice (clocks go back), at its first occurrence.
package roster

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A Book is everything that coordinators edit, under one revision: an edit that touches a person and a roster is one edit.
type Book struct {
	Schema   int      `json:"schema"`
	Revision uint64   `json:"revision"`
	People   []Person `json:"people"`
	Rosters  []Roster `json:"rosters"`
	Teams    []Team   `json:"teams,omitempty"`
}

// A Person can be paged. Name and the addresses of the contacts are personal: they are sealed wherever the book is stored.
type Person struct {
	ID        string    `json:"id"`
	CallSign  string    `json:"call_sign"` // what colleagues are told; never a name
	Name      string    `json:"name,omitempty"`
	Languages []string  `json:"languages"` // BCP 47, preferred first
	Contacts  []Contact `json:"contacts"`  // in the order in which they are tried
	Erased    bool      `json:"erased,omitempty"`
}

// A Contact is one way to reach a person.
type Contact struct {
	ID       string `json:"id"`
	Channel  string `json:"channel"`           // sms, voice
	Address  string `json:"address,omitempty"` // E.164
	Verified bool   `json:"verified"`
}

// A Team is a named list of people.
type Team struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Members []string `json:"members"`
}

// A Roster is a duty that somebody holds at every moment.
type Roster struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	TimeZone  string     `json:"time_zone"` // IANA
	Layers    []Layer    `json:"layers"`    // a later layer covers an earlier one where it has somebody
	Overrides []Override `json:"overrides,omitempty"`
}

// A Layer is one rotation.
type Layer struct {
	ID       string   `json:"id"`
	Rotation Rotation `json:"rotation"`
}

// A Rotation goes through its turns in order and starts again.
type Rotation struct {
	Turns    [][]string `json:"turns"`           // the people of each turn
	Unit     Unit       `json:"unit"`            // of Length
	Length   int        `json:"length"`          // of one turn
	Handover string     `json:"handover"`        // wall clock of the roster's zone, 15:04
	From     string     `json:"from"`            // 2006-01-02: the first turn starts on this day; a week begins on its weekday
	Until    string     `json:"until,omitempty"` // 2006-01-02: the last turn ends at this day's handover
}

// A Unit is what turns are counted in.
type Unit string

// The units.
const (
	Days  Unit = "day"
	Weeks Unit = "week"
)

// An Override changes who is on duty for a span.
type Override struct {
	ID     string    `json:"id"`
	Kind   Kind      `json:"kind"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"` // not included
	People []string  `json:"people"`
	Reason string    `json:"reason,omitempty"`
}

// A Kind says what an override does with its people.
type Kind string

// The kinds of override.
const (
	Replace Kind = "replace" // they and nobody else are on duty
	Add     Kind = "add"
	Remove  Kind = "remove"
)

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

var (
	idPattern       = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,40}$`)
	callSignPattern = regexp.MustCompile(`^[\p{L}\p{N}-]{1,12}$`)
	phonePattern    = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
)

type checker struct {
	problems []Problem
	people   map[string]bool
}

func (c *checker) add(path, detail, fix string) {
	c.problems = append(c.problems, Problem{path, detail, fix})
}

// id checks an identifier, and that it is used once among its kind.
func (c *checker) id(seen map[string]bool, path, id string) {
	switch {
	case !idPattern.MatchString(id):
		c.add(path+"/id", "This is no identifier.", "Use small letters, digits, - and _, at most 41.")
	case seen[id]:
		c.add(path+"/id", "This identifier is used twice.", "Give each its own.")
	}
	seen[id] = true
}

func (c *checker) known(path string, people []string) {
	for i, id := range people {
		if !c.people[id] {
			c.add(fmt.Sprintf("%s/%d", path, i), "Nobody has this identifier.", "Add the person to people, or take the entry out.")
		}
	}
}

// Validate returns a [*ValidationError] with everything that is wrong, nil when nothing is.
func (b Book) Validate() error {
	c := &checker{people: map[string]bool{}}
	signs, phones := map[string]bool{}, map[string]string{}
	for i, p := range b.People {
		path := fmt.Sprintf("/people/%d", i)
		c.id(c.people, path, p.ID)
		sign := strings.ToUpper(p.CallSign)
		switch {
		case !callSignPattern.MatchString(p.CallSign):
			c.add(path+"/call_sign", "A call sign is needed.", "Use at most 12 letters, digits and hyphens; not a name.")
		case signs[sign]:
			c.add(path+"/call_sign", "This call sign is used twice.", "Colleagues must be able to tell people apart.")
		}
		signs[sign] = true
		contacts := map[string]bool{}
		for j, contact := range p.Contacts {
			at := fmt.Sprintf("%s/contacts/%d", path, j)
			c.id(contacts, at, contact.ID)
			if contact.Channel != "sms" && contact.Channel != "voice" {
				c.add(at+"/channel", "This channel is not known.", "Use sms or voice.")
			}
			if p.Erased {
				continue
			}
			if !phonePattern.MatchString(contact.Address) {
				c.add(at+"/address", "This is no telephone number.", "Write it in E.164, as in +15005550100.")
			} else if owner, taken := phones[contact.Address]; taken && owner != p.ID {
				c.add(at+"/address", "Somebody else has this number.", "A reply could not be told apart: give each person their own.")
			}
			phones[contact.Address] = p.ID
		}
	}
	teams, rosters := map[string]bool{}, map[string]bool{}
	for i, t := range b.Teams {
		path := fmt.Sprintf("/teams/%d", i)
		c.id(teams, path, t.ID)
		c.known(path+"/members", t.Members)
	}
	for i, r := range b.Rosters {
		path := fmt.Sprintf("/rosters/%d", i)
		c.id(rosters, path, r.ID)
		c.roster(path, r)
	}
	if len(c.problems) == 0 {
		return nil
	}
	return &ValidationError{c.problems}
}

func (c *checker) roster(path string, r Roster) {
	if _, err := zone(r.TimeZone); err != nil {
		c.add(path+"/time_zone", "This time zone is not known.", "Use a name of the IANA database, as in Europe/Paris.")
	}
	layers, overrides := map[string]bool{}, map[string]bool{}
	for i, l := range r.Layers {
		at := fmt.Sprintf("%s/layers/%d", path, i)
		c.id(layers, at, l.ID)
		c.rotation(at+"/rotation", l.Rotation)
	}
	for i, o := range r.Overrides {
		at := fmt.Sprintf("%s/overrides/%d", path, i)
		c.id(overrides, at, o.ID)
		c.known(at+"/people", o.People)
		if o.Kind != Replace && o.Kind != Add && o.Kind != Remove {
			c.add(at+"/kind", "This kind is not known.", "Use replace, add or remove.")
		}
		if !o.From.Before(o.Until) {
			c.add(at+"/until", "The override ends before it begins.", "Set until after from.")
		}
	}
}

func (c *checker) rotation(path string, r Rotation) {
	if len(r.Turns) == 0 {
		c.add(path+"/turns", "The rotation has nobody.", "List the people of each turn.")
	}
	for i, turn := range r.Turns {
		c.known(fmt.Sprintf("%s/turns/%d", path, i), turn)
	}
	if r.Unit != Days && r.Unit != Weeks {
		c.add(path+"/unit", "This unit is not known.", "Use day or week.")
	}
	if r.Length < 1 || r.Length > 366 {
		c.add(path+"/length", "A turn must have a length.", "Use a number from 1 to 366.")
	}
	if _, err := time.Parse("15:04", r.Handover); err != nil {
		c.add(path+"/handover", "This is no time of day.", "Write hours and minutes, as in 08:00.")
	}
	if _, err := time.Parse(time.DateOnly, r.From); err != nil {
		c.add(path+"/from", "This is no date.", "Write year, month and day, as in 2026-01-05.")
	}
	if r.Until == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, r.Until); err != nil {
		c.add(path+"/until", "This is no date.", "Write year, month and day, or leave it out.")
	}
}

// zone loads a zone by its IANA name. "Local" and "" would mean another zone on every machine.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: a name of the IANA database is needed", name)
	}
	return time.LoadLocation(name)
}
