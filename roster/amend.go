package roster

import (
	"errors"
	"reflect"
	"slices"
	"time"
)

// An Amendment says which rotation is changed, from when on, and whether the officer who is on duty stays.
type Amendment struct {
	Roster, Layer string
	At            time.Time // not before now: past shifts never change
	// KeepCurrent lets the turn that is on at At go on to its end, and then whoever followed follow. Otherwise the rotation begins anew
	// at At with its first turn.
	KeepCurrent bool
}

// Why a rotation cannot be changed.
var (
	ErrNoLayer     = errors.New("the roster has no such layer")
	ErrNotInTurns  = errors.New("this person has no turn in the rotation")
	ErrNobodyLeft  = errors.New("the rotation would have nobody: close the roster, or put somebody else in first")
	ErrClosedLayer = errors.New("the layer is closed")
	ErrAmendTime   = errors.New("a change takes effect between 1970 and 2200")
)

// A WaitingChange says that a layer has a change that begins later: a change before it would have to be one of both.
type WaitingChange struct{ Begins time.Time }

// Error says when it begins.
func (e *WaitingChange) Error() string {
	return "a change of the layer waits and begins at " + e.Begins.UTC().Format(stampLayout) + ": let this one begin then or later, or take that one back"
}

// AddTurn puts a turn of these people into a rotation, before the turn at place, or at the end. Errors: [ErrNoRoster], [ErrNoLayer],
// [ErrClosedLayer], [ErrAmendTime], [*WaitingChange], [*ValidationError].
func (b Book) AddTurn(a Amendment, people []string, place int) (Book, error) {
	return b.amend(a, func(r *Rotation) error {
		if place < 0 || place > len(r.Turns) {
			place = len(r.Turns)
		}
		r.Turns = slices.Insert(slices.Clone(r.Turns), place, people)
		return nil
	})
}

// RemovePerson takes a person out of every turn of a rotation; a turn that loses its last person goes too. Errors: those of [Book.AddTurn],
// [ErrNotInTurns], [ErrNobodyLeft].
func (b Book) RemovePerson(a Amendment, person string) (Book, error) {
	return b.amend(a, func(r *Rotation) error {
		var turns [][]string
		found := false
		for _, turn := range r.Turns {
			left := slices.DeleteFunc(slices.Clone(turn), func(p string) bool { return p == person })
			found = found || len(left) < len(turn)
			if len(left) > 0 || len(turn) == 0 {
				turns = append(turns, left)
			}
		}
		switch {
		case !found:
			return ErrNotInTurns
		case !slices.ContainsFunc(turns, func(turn []string) bool { return len(turn) > 0 }):
			return ErrNobodyLeft
		}
		r.Turns = turns
		return nil
	})
}

// Reorder replaces the turns of a rotation. Errors: those of [Book.AddTurn].
func (b Book) Reorder(a Amendment, turns [][]string) (Book, error) {
	return b.amend(a, func(r *Rotation) error {
		r.Turns = turns
		return nil
	})
}

// A TurnShape is when turns change.
type TurnShape struct {
	Unit     Unit
	Length   int
	Handover string
	Weekday  Weekday
	Pattern  []Change
}

// ChangeLength gives the turns of a rotation another length, or another time of handover. When the current officer stays, the first turn
// of the new kind begins at the first handover of the new kind that is not before the end of the current turn; until then turns
// change as before. Errors: those of [Book.AddTurn].
func (b Book) ChangeLength(a Amendment, s TurnShape) (Book, error) {
	return b.amend(a, func(r *Rotation) error {
		r.Unit, r.Length, r.Handover, r.Weekday, r.Pattern = s.Unit, s.Length, s.Handover, s.Weekday, s.Pattern
		return nil
	})
}

// SetRotation changes turns and their length at once. From and First of the rotation are set by it. Errors: those of [Book.AddTurn].
func (b Book) SetRotation(a Amendment, rotation Rotation) (Book, error) {
	return b.amend(a, func(r *Rotation) error {
		from, first := r.From, r.First
		*r = rotation
		r.From, r.First = from, first
		return nil
	})
}

// SetRestrictions changes the hours in which a layer has somebody. Turns go on as they are; when the current officer stays, the new hours
// begin with the next turn. Errors: those of [Book.AddTurn].
func (b Book) SetRestrictions(a Amendment, list []Restriction) (Book, error) {
	return b.withLayer(a, func(r *Roster, l *Layer) error {
		if a.KeepCurrent {
			_, _, a.At = l.held(r.TimeZone, a.At)
		}
		// With a rotation that has not begun, the new hours begin then, too.
		l.keep(Segment{Until: a.At, TimeZone: r.TimeZone, Rotation: l.Rotation, Restrictions: l.Restrictions})
		l.Restrictions = list
		return nil
	})
}

// held is the segment that holds at t, how many come after it, and when the turn that is on at t ends by itself; t itself when none is on.
func (l *Layer) held(zoneName string, t time.Time) (held Segment, waiting int, turnEnd time.Time) {
	rules := l.rules(zoneName)
	i := holding(rules, t)
	held, waiting, turnEnd = rules[i], len(rules)-1-i, t
	d := (&compiler{dials: map[string]*dial{}}).dial(held.TimeZone)
	if rotation := compileRotation(held.Rotation); len(rotation.turns) > 0 {
		if n, on := rotation.turn(d.reached(t)); on {
			_, until := rotation.span(n)
			turnEnd = d.instant(until)
		}
	}
	return held, waiting, turnEnd
}

// waitsForTurn reports whether the rotation that comes at begins waits for nothing but the end of the present turn, and its own first
// handover after that: then it becomes part of another change. At any other time it would begin too early by that.
func (l *Layer) waitsForTurn(zoneName string, begins, turnEnd time.Time) bool {
	next := l.Rotation
	return begins.Equal(turnEnd) || begins.Equal(next.after((&compiler{dials: map[string]*dial{}}).dial(zoneName), turnEnd))
}

func (b Book) withLayer(a Amendment, edit func(*Roster, *Layer) error) (Book, error) {
	if a.At.Before(firstDial) || !a.At.Before(lastDial) {
		return b, ErrAmendTime
	}
	return b.withRoster(a.Roster, func(r *Roster) error {
		i := slices.IndexFunc(r.Layers, func(l Layer) bool { return l.ID == a.Layer })
		if i < 0 {
			return ErrNoLayer
		}
		l := &r.Layers[i]
		if len(l.Rotation.Turns) == 0 {
			return ErrClosedLayer
		}
		if held, waiting, end := l.held(r.TimeZone, a.At); waiting > 1 || (waiting == 1 && !l.waitsForTurn(r.TimeZone, held.Until, end)) {
			return &WaitingChange{held.Until}
		}
		l.Past = slices.Clone(l.Past)
		return edit(r, l)
	})
}

func (b Book) amend(a Amendment, change func(*Rotation) error) (Book, error) {
	return b.withLayer(a, func(r *Roster, l *Layer) error {
		next := l.Rotation
		if err := change(&next); err != nil {
			return err
		}
		if err := next.check(r.TimeZone, b.People); err != nil {
			return err
		}
		l.replace(r.TimeZone, next, a)
		return nil
	})
}

// check validates a rotation before anything is reckoned with it.
func (r Rotation) check(zoneName string, people []Person) error {
	r.First = 0
	c := &checker{people: map[string]bool{}, zones: map[string]bool{}}
	for _, p := range people {
		c.people[p.ID] = true
	}
	c.zone("/time_zone", zoneName)
	if c.rotation("/rotation", r, false); len(c.problems) > 0 {
		return &ValidationError{c.problems}
	}
	return nil
}

// replace makes next the rotation of a layer. A change that was to come and has not begun is part of next, and not of what is kept.
func (l *Layer) replace(zoneName string, next Rotation, a Amendment) {
	held := Segment{TimeZone: zoneName, Rotation: l.Rotation, Restrictions: l.Restrictions}
	for i, s := range l.Past {
		if a.At.Before(s.Until) {
			held, l.Past = s, l.Past[:i]
			break
		}
	}
	k := &compiler{dials: map[string]*dial{}}
	was, is := k.dial(held.TimeZone), k.dial(zoneName)
	old := compileRotation(held.Rotation)
	n, on := old.turn(was.reached(a.At))
	same := held.TimeZone == zoneName && held.Rotation.sameTimes(next)
	if same {
		next.From = held.Rotation.From
	}
	held.Until = a.At
	switch {
	case !on: // there is nobody to keep: next begins where it says
		next.First = wrap(next.First, len(next.Turns))
		begins := compileRotation(next).begin
		if len(l.Past) == 0 && !was.instant(old.begin).Before(a.At) && !is.instant(begins).Before(a.At) {
			l.Rotation = next
			return
		}
	case !a.KeepCurrent && same:
		next.First = wrap(-n, len(next.Turns))
	case !a.KeepCurrent:
		next.begin(is.reached(a.At))
	case same:
		place, to := match(&old, n, next.Turns), n
		if place < 0 { // whoever goes has this turn to its end
			_, until := old.span(n)
			held.Until, to = was.instant(until), n+1
			place = follower(&old, n+1, next.Turns)
		} else if !reflect.DeepEqual(plain(reflect.ValueOf(held.Restrictions)), plain(reflect.ValueOf(l.Restrictions))) { // other hours wait, too
			_, until := old.span(n)
			held.Until = was.instant(until)
		}
		next.First = wrap(place-to, len(next.Turns))
	default:
		_, until := old.span(n)
		end := was.instant(until)
		held.Until = next.after(is, end)
		to := n + 1
		if held.Until.After(end) { // turns change as before until then, and whoever has the last one goes on
			if last, ok := old.turn(was.reached(held.Until.Add(-1))); ok {
				to = last
			}
		}
		next.First = follower(&old, to, next.Turns)
	}
	l.keep(held)
	l.Rotation = next
}

// keep adds a segment to the past, unless it has no length.
func (l *Layer) keep(s Segment) {
	if n := len(l.Past); n == 0 || l.Past[n-1].Until.Before(s.Until) {
		l.Past = append(l.Past, s)
	}
}

// sameTimes reports whether turns change at the same times, in everything but the day of the first.
func (r Rotation) sameTimes(other Rotation) bool {
	return r.Unit == other.Unit && r.Length == other.Length && r.Handover == other.Handover && r.Weekday == other.Weekday && slices.Equal(r.Pattern, other.Pattern)
}

// match finds turn n of a rotation among other turns, -1 where it is not: one with the same follower before others.
func match(old *rotation, n int, turns [][]string) int {
	found := -1
	for i, turn := range turns {
		if !slices.Equal(turn, old.people(n)) {
			continue
		}
		if slices.Equal(turns[(i+1)%len(turns)], old.people(n+1)) {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// follower is the first turn from n on that is among other turns; 0 where none is.
func follower(old *rotation, n int, turns [][]string) int {
	for i := range old.turns {
		if place := match(old, n+i, turns); place >= 0 {
			return place
		}
	}
	return 0
}

// Round is about how long a rotation takes from a turn to the end of the same turn's next time. It is zero for a closed layer.
func (r Rotation) Round() time.Duration {
	if len(r.Turns) == 0 {
		return 0
	}
	turn := map[Unit]time.Duration{Hours: time.Hour, Days: 24 * time.Hour, Weeks: 7 * 24 * time.Hour, Months: 31 * 24 * time.Hour}[r.Unit]
	if n := len(r.Pattern); n > 0 {
		turn = 7 * 24 * time.Hour / time.Duration(n)
	}
	return time.Duration(len(r.Turns)+1) * time.Duration(r.Length) * turn
}

func wrap(i, n int) int { return (i%n + n) % n }

// begin lets the first of Turns be on when the clock has reached now.
func (r *Rotation) begin(now wall) {
	r.First = 0
	for date := now.midnight(); ; date -= day {
		r.From = date.dateText()
		if c := compileRotation(*r); c.begin <= now {
			if n, ok := c.turn(now); ok {
				r.First = wrap(-n, len(r.Turns))
			}
			return
		}
	}
}

// after lets the first turn begin at the first handover that is not before end, and gives that.
func (r *Rotation) after(d *dial, end time.Time) time.Time {
	for date := d.reached(end).midnight() - day; ; date += day {
		r.From = date.dateText()
		c := compileRotation(*r)
		if at := d.instant(c.begin); !at.Before(end) {
			return at
		}
	}
}
