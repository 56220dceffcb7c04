package roster

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Bounds, so that no document makes checking or resolving slow. They are far above what a service needs.
const (
	maxPeople    = 5000
	maxRosters   = 50
	maxLayers    = 20    // of a roster
	maxList      = 1000  // turns, teams, members, days of a calendar
	maxTogether  = 30    // people of a turn, of an override, of a cover
	maxEntries   = 10000 // overrides, covers, swaps, shadows of a roster; leaves of a book
	maxAtOnce    = 32    // of those of a roster at one moment
	maxWindows   = 16    // of a layer or a coverage rule
	maxSegments  = 1000  // of a layer
	maxCalendars = 50
	maxFew       = 50 // contacts, languages, authorities, coverage rules
	maxText      = 1000
)

var (
	idPattern       = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,40}$`)
	callSignPattern = regexp.MustCompile(`^[\p{L}\p{N}-]{1,12}$`)
	phonePattern    = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	pinPattern      = regexp.MustCompile(`^[a-z0-9-]{1,30}:[A-Za-z0-9+/=_$.,-]{16,200}$`)
)

type checker struct {
	problems  []Problem
	people    map[string]bool
	calendars map[string]bool
	zones     map[string]bool // whether the zone is known
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

// most checks that a list is not longer than a book may have it; what is longer is not looked at.
func (c *checker) most(path string, n, limit int) bool {
	if n > limit {
		c.add(path, fmt.Sprintf("There are %d entries, and at most %d are possible.", n, limit), "Take out what is over.")
	}
	return n <= limit
}

func (c *checker) text(path, text string) {
	if len(text) > maxText {
		c.add(path, "This text is too long.", fmt.Sprintf("Use at most %d bytes.", maxText))
	}
}

func (c *checker) known(path string, people []string, limit int) {
	if !c.most(path, len(people), limit) {
		return
	}
	for i, id := range people {
		c.person(fmt.Sprintf("%s/%d", path, i), id)
	}
}

func (c *checker) person(path, id string) {
	if !c.people[id] {
		c.add(path, "Nobody has this identifier.", "Add the person to people, or take the entry out.")
	}
}

// span checks a half-open span.
func (c *checker) span(path string, from, until time.Time) {
	if !from.Before(until) {
		c.add(path+"/until", "It ends before it begins.", "Set until after from.")
	}
}

func (c *checker) date(path, text string) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		c.add(path, "This is no date.", "Write year, month and day, as in 2026-01-05.")
	}
}

func (c *checker) clock(path, text string) {
	if _, err := time.Parse("15:04", text); err != nil {
		c.add(path, "This is no time of day.", "Write hours and minutes, as in 08:00.")
	}
}

func (c *checker) weekday(path string, day Weekday) {
	if !slices.Contains(weekdays, day) {
		c.add(path, "This is no day of the week.", "Use mon, tue, wed, thu, fri, sat or sun.")
	}
}

func (c *checker) zone(path, name string) {
	if _, seen := c.zones[name]; !seen { // loading one takes longer than all other checks
		_, err := zone(name)
		c.zones[name] = err == nil
	}
	if !c.zones[name] {
		c.add(path, "This time zone is not known.", "Use a name of the IANA database, as in Europe/Paris.")
	}
}

// Validate returns a [*ValidationError] with everything that is wrong, nil when nothing is.
func (b Book) Validate() error {
	c := &checker{people: map[string]bool{}, calendars: map[string]bool{}, zones: map[string]bool{}}
	if c.most("/people", len(b.People), maxPeople) {
		c.everybody(b.People)
	}
	teams, rosters, leaves := map[string]bool{}, map[string]bool{}, map[string]bool{}
	if c.most("/teams", len(b.Teams), maxList) {
		for i, t := range b.Teams {
			path := fmt.Sprintf("/teams/%d", i)
			c.id(teams, path, t.ID)
			c.text(path+"/name", t.Name)
			c.known(path+"/members", t.Members, maxPeople)
		}
	}
	if c.most("/calendars", len(b.Calendars), maxCalendars) {
		for i, calendar := range b.Calendars {
			c.calendar(fmt.Sprintf("/calendars/%d", i), calendar)
		}
	}
	if c.most("/leave", len(b.Leave), maxEntries) {
		for i, l := range b.Leave {
			path := fmt.Sprintf("/leave/%d", i)
			c.id(leaves, path, l.ID)
			c.person(path+"/person", l.Person)
			c.span(path, l.From, l.Until)
		}
	}
	c.limits("/limits", b.Limits)
	if c.most("/rosters", len(b.Rosters), maxRosters) {
		for i, r := range b.Rosters {
			path := fmt.Sprintf("/rosters/%d", i)
			c.id(rosters, path, r.ID)
			c.roster(path, r)
		}
	}
	if len(c.problems) == 0 {
		return nil
	}
	return &ValidationError{c.problems}
}

func (c *checker) everybody(people []Person) {
	signs, phones := map[string]bool{}, map[string]string{}
	for i, p := range people {
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
		c.text(path+"/name", p.Name)
		c.abilities(path, p.Languages, p.Authorities)
		if p.PINDigest != "" && !pinPattern.MatchString(p.PINDigest) {
			c.add(path+"/pin_digest", "This is no digest of a PIN.", "Write the algorithm, a colon and the digest; never the PIN itself.")
		}
		if p.TimeZone != "" {
			c.zone(path+"/time_zone", p.TimeZone)
		}
		if p.ActiveFrom != "" {
			c.date(path+"/active_from", p.ActiveFrom)
		}
		if p.ActiveUntil != "" {
			c.date(path+"/active_until", p.ActiveUntil)
			if p.ActiveFrom >= p.ActiveUntil { // dates sort as texts
				c.add(path+"/active_until", "It ends before it begins.", "Set active_until after active_from.")
			}
		}
		if c.most(path+"/contacts", len(p.Contacts), maxFew) {
			c.contacts(path, p, phones)
		}
	}
}

func (c *checker) contacts(path string, p Person, phones map[string]string) {
	contacts := map[string]bool{}
	for j, contact := range p.Contacts {
		at := fmt.Sprintf("%s/contacts/%d", path, j)
		c.id(contacts, at, contact.ID)
		switch contact.Channel {
		case Email:
			c.mailbox(at, p, contact)
			continue
		case Webhook:
			c.gateway(at, p, contact)
			continue
		}
		if !contact.Verified && !contact.Tested.IsZero() {
			c.add(at+"/verified_at", "It is not verified, and says when it was.", "Leave it out, or set verified.")
		}
		if contact.Channel != "sms" && contact.Channel != "voice" {
			c.add(at+"/channel", "This channel is not known.", "Use sms, voice, email or webhook.")
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

// abilities checks the languages and authorities of a person or of a rule. What a tag says is not checked: requests come in any language.
func (c *checker) abilities(path string, languages []Language, authorities []string) {
	if c.most(path+"/languages", len(languages), maxFew) {
		for i, l := range languages {
			at := fmt.Sprintf("%s/languages/%d", path, i)
			c.text(at, l.Tag)
			if l.Level != "" && !slices.Contains(levels, l.Level) {
				c.add(at+"/level", "This level is not known.", "Use a1, a2, b1, b2, c1 or c2, or leave it out.")
			}
		}
	}
	if c.most(path+"/authorities", len(authorities), maxFew) {
		for i, a := range authorities {
			if !idPattern.MatchString(a) {
				c.add(fmt.Sprintf("%s/authorities/%d", path, i), "This is no name of an authority.", "Use small letters, digits, - and _, as in preservation.")
			}
		}
	}
}

func (c *checker) calendar(path string, calendar Calendar) {
	c.id(c.calendars, path, calendar.ID)
	c.text(path+"/name", calendar.Name)
	if !c.most(path+"/days", len(calendar.Days), maxList) {
		return
	}
	for i, day := range calendar.Days {
		c.date(fmt.Sprintf("%s/days/%d", path, i), day)
	}
	if !c.most(path+"/imported", len(calendar.Imported), maxList) {
		return
	}
	events := map[string]bool{}
	for i, e := range calendar.Imported {
		at := fmt.Sprintf("%s/imported/%d", path, i)
		switch {
		case !idPattern.MatchString(e.Event):
			c.add(at+"/event", "This is no identifier.", "Leave what roster import wrote as it is, or take the entry out.")
		case events[e.Event]:
			c.add(at+"/event", "This event is there twice.", "Take one of the entries out.")
		}
		events[e.Event] = true
		if !c.most(at+"/days", len(e.Days), maxList) {
			return
		}
		for j, day := range e.Days {
			c.date(fmt.Sprintf("%s/days/%d", at, j), day)
		}
	}
}

func (c *checker) limits(path string, l *Limits) {
	if l == nil {
		return
	}
	if l.RestHours != nil && (*l.RestHours < 0 || *l.RestHours > 168) {
		c.add(path+"/rest_hours", "This is no time to rest.", "Use a number from 0 to 168.")
	}
	if l.MaxHours < 0 || l.MaxHours > 24*366 {
		c.add(path+"/max_hours", "This is no number of hours.", "Use a number from 0 to 8784.")
	}
	if l.MaxHoursPer < 0 || l.MaxHoursPer > 366 {
		c.add(path+"/max_hours_per", "This is no number of days.", "Use a number from 1 to 366.")
	}
}

func (c *checker) roster(path string, r Roster) {
	c.zone(path+"/time_zone", r.TimeZone)
	c.text(path+"/name", r.Name)
	layers := map[string]bool{}
	if c.most(path+"/layers", len(r.Layers), maxLayers) {
		for i, l := range r.Layers {
			at := fmt.Sprintf("%s/layers/%d", path, i)
			c.id(layers, at, l.ID)
			c.layer(at, l)
		}
	}
	if c.most(path+"/coverage", len(r.Coverage), maxFew) {
		rules := map[string]bool{}
		for i, rule := range r.Coverage {
			at := fmt.Sprintf("%s/coverage/%d", path, i)
			c.id(rules, at, rule.ID)
			c.abilities(at, rule.Languages, rule.Authorities)
			c.restrictions(at+"/restrictions", rule.Restrictions)
			if rule.People < 0 || rule.People > maxList || (rule.People == 0 && len(rule.Languages)+len(rule.Authorities) == 0) {
				c.add(at+"/people", "The rule asks for nothing.", "Say how many people are needed, or which languages and authorities.")
			}
		}
	}
	if n := len(r.Overrides) + len(r.Covers) + len(r.Swaps) + len(r.Shadows); c.most(path+"/overrides", n, maxEntries) {
		c.overrides(path, r, layers)
		c.covers(path, r)
		if most := r.mostAtOnce(); most > maxAtOnce {
			c.add(path+"/overrides", fmt.Sprintf("%d overrides, covers, swaps and shadows hold at one moment, and at most %d are possible.", most, maxAtOnce), "Take out what others make useless.")
		}
	}
}

func (c *checker) overrides(path string, r Roster, layers map[string]bool) {
	overrides, shadows := map[string]bool{}, map[string]bool{}
	for i, o := range r.Overrides {
		at := fmt.Sprintf("%s/overrides/%d", path, i)
		c.id(overrides, at, o.ID)
		c.known(at+"/people", o.People, maxTogether)
		if o.By != "" && !slices.Contains(o.People, o.By) {
			c.add(at+"/by", "Whoever took the duty over is not among the people of the override.", "Add them to people, or take by out.")
		}
		c.text(at+"/reason", o.Reason)
		if o.Kind != Replace && o.Kind != Add && o.Kind != Remove {
			c.add(at+"/kind", "This kind is not known.", "Use replace, add or remove.")
		}
		if o.Layer != "" && !layers[o.Layer] {
			c.add(at+"/layer", "The roster has no such layer.", "Name a layer of this roster, or leave it out to mean the whole roster.")
		}
		c.span(at, o.From, o.Until)
	}
	for i, s := range r.Shadows {
		at := fmt.Sprintf("%s/shadows/%d", path, i)
		c.id(shadows, at, s.ID)
		c.person(at+"/person", s.Person)
		if s.Follows != "" {
			c.person(at+"/follows", s.Follows)
		}
		if s.Follows == s.Person {
			c.add(at+"/follows", "Nobody follows themselves.", "Name the officer whom they accompany, or leave it out to mean everybody.")
		}
		if s.Paged != PagedLast && s.Paged != PagedNever {
			c.add(at+"/paged", "It is not said when they are paged.", "Use last or never.")
		}
		c.span(at, s.From, s.Until)
	}
}

func (c *checker) covers(path string, r Roster) {
	covers, swaps := map[string]bool{}, map[string]bool{}
	for i, cover := range r.Covers {
		at := fmt.Sprintf("%s/covers/%d", path, i)
		c.id(covers, at, cover.ID)
		c.person(at+"/person", cover.Person)
		c.known(at+"/to", cover.To, maxTogether)
		c.known(at+"/declined", cover.Declined, maxTogether)
		c.text(at+"/reason", cover.Reason)
		c.span(at, cover.From, cover.Until)
		c.coverState(at, cover.State)
		switch {
		case cover.State == CoverAccepted:
			c.person(at+"/by", cover.By)
			if cover.By == cover.Person {
				c.add(at+"/by", "Nobody covers for themselves.", "Name somebody else, or take the cover out.")
			}
		case cover.By != "":
			c.add(at+"/by", "Only an accepted cover has somebody who took it.", "Set state to accepted, or take by out.")
		}
	}
	for i, s := range r.Swaps {
		at := fmt.Sprintf("%s/swaps/%d", path, i)
		c.id(swaps, at, s.ID)
		c.coverState(at, s.State)
		c.person(at+"/one/person", s.One.Person)
		c.person(at+"/other/person", s.Other.Person)
		c.span(at+"/one", s.One.From, s.One.Until)
		c.span(at+"/other", s.Other.From, s.Other.Until)
		if s.One.Person == s.Other.Person {
			c.add(at+"/other/person", "Nobody swaps with themselves.", "Name two people.")
		}
		if s.One.From.Before(s.Other.Until) && s.Other.From.Before(s.One.Until) {
			c.add(at+"/other/from", "The two parts are at the same time.", "Swap two spans of which one ends before the other begins.")
		}
	}
}

func (c *checker) coverState(path string, state CoverState) {
	switch state {
	case CoverOpen, CoverAccepted, CoverDeclined, CoverExpired:
	default:
		c.add(path+"/state", "This state is not known.", "Use open, accepted, declined or expired.")
	}
}

// mostAtOnce is how many overrides, covers, swaps and shadows hold at the moment that has the most.
func (r Roster) mostAtOnce() int {
	steps := map[time.Time]int{}
	count := func(from, until time.Time) {
		if from.Before(until) {
			steps[from.UTC().Round(0)]++
			steps[until.UTC().Round(0)]--
		}
	}
	for _, o := range r.Overrides {
		count(o.From, o.Until)
	}
	for _, cover := range r.Covers {
		count(cover.From, cover.Until)
	}
	for _, s := range r.Swaps {
		count(s.One.From, s.One.Until)
		count(s.Other.From, s.Other.Until)
	}
	for _, s := range r.Shadows {
		count(s.From, s.Until)
	}
	most, now := 0, 0
	for _, at := range slices.SortedFunc(maps.Keys(steps), time.Time.Compare) {
		now += steps[at]
		most = max(most, now)
	}
	return most
}

func (c *checker) layer(path string, l Layer) {
	c.text(path+"/name", l.Name)
	c.rotation(path+"/rotation", l.Rotation, len(l.Past) > 0)
	c.restrictions(path+"/restrictions", l.Restrictions)
	if !c.most(path+"/past", len(l.Past), maxSegments) {
		return
	}
	for i, s := range l.Past {
		at := fmt.Sprintf("%s/past/%d", path, i)
		c.zone(at+"/time_zone", s.TimeZone)
		c.rotation(at+"/rotation", s.Rotation, true)
		c.restrictions(at+"/restrictions", s.Restrictions)
		if s.Until.IsZero() || (i > 0 && !l.Past[i-1].Until.Before(s.Until)) {
			c.add(at+"/until", "It does not end after the one before it.", "Leave the past as it was exported.")
		}
	}
}

// rotation checks a rotation. closed says that it may have nobody, because the layer had somebody before.
func (c *checker) rotation(path string, r Rotation, closed bool) {
	if len(r.Turns) == 0 {
		if !closed {
			c.add(path+"/turns", "The rotation has nobody.", "List the people of each turn.")
		}
		return
	}
	if c.most(path+"/turns", len(r.Turns), maxList) {
		for i, turn := range r.Turns {
			c.known(fmt.Sprintf("%s/turns/%d", path, i), turn, maxTogether)
		}
	}
	if r.First < 0 || r.First >= len(r.Turns) {
		c.add(path+"/first", "There is no such turn.", "Count the turns from 0, or leave it out to begin with the first.")
	}
	switch r.Unit {
	case Hours, Days, Weeks, Months, Pattern:
	default:
		c.add(path+"/unit", "This unit is not known.", "Use hour, day, week, month or pattern.")
	}
	if limit := map[Unit]int{Hours: 24 * 366}[r.Unit]; r.Length < 1 || r.Length > max(limit, 366) {
		c.add(path+"/length", "A turn must have a length.", fmt.Sprintf("Use a number from 1 to %d.", max(limit, 366)))
	}
	if r.Unit != Pattern || r.Handover != "" {
		c.clock(path+"/handover", r.Handover)
	}
	if r.Weekday != "" {
		c.weekday(path+"/weekday", r.Weekday)
		if r.Unit != Weeks {
			c.add(path+"/weekday", "Only turns of weeks have a weekday.", "Use the unit week, or take the weekday out.")
		}
	}
	c.pattern(path+"/pattern", r)
	c.date(path+"/from", r.From)
	if r.Until == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, r.Until); err != nil {
		c.add(path+"/until", "This is no date.", "Write year, month and day, or leave it out.")
	}
}

func (c *checker) pattern(path string, r Rotation) {
	if (r.Unit == Pattern) != (len(r.Pattern) > 0) {
		c.add(path, "A pattern and the unit pattern go together.", "List when turns change in a week, or use another unit.")
	}
	if !c.most(path, len(r.Pattern), maxFew) {
		return
	}
	seen := map[Change]bool{}
	for i, change := range r.Pattern {
		at := fmt.Sprintf("%s/%d", path, i)
		c.weekday(at+"/weekday", change.Weekday)
		c.clock(at+"/at", change.At)
		if seen[change] {
			c.add(at, "This change is listed twice.", "Take one out.")
		}
		seen[change] = true
	}
}

func (c *checker) restrictions(path string, list []Restriction) {
	if !c.most(path, len(list), maxWindows) {
		return
	}
	for i, r := range list {
		at := fmt.Sprintf("%s/%d", path, i)
		for j, day := range r.Weekdays {
			c.weekday(fmt.Sprintf("%s/weekdays/%d", at, j), day)
		}
		c.most(at+"/weekdays", len(r.Weekdays), len(weekdays))
		c.clock(at+"/from", r.From)
		c.clock(at+"/until", r.Until)
		if r.UntilDay != "" {
			c.weekday(at+"/until_day", r.UntilDay)
		}
		switch {
		case (r.Calendar == "") != (r.Holidays == ""):
			c.add(at+"/holidays", "A calendar and what it does go together.", "Give a calendar and only or except, or neither.")
		case r.Calendar == "":
		case !c.calendars[r.Calendar]:
			c.add(at+"/calendar", "There is no such calendar.", "Add it to calendars, or take the entry out.")
		case r.Holidays != OnlyHolidays && r.Holidays != NotHolidays:
			c.add(at+"/holidays", "This use of a calendar is not known.", "Use only or except.")
		}
	}
}

// zone loads a zone by its IANA name. "Local" and "" would mean another zone on every machine.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: a name of the IANA database is needed", name)
	}
	return time.LoadLocation(name)
}
