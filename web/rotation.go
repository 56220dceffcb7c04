package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/roster"
)

// rotationBody changes one layer. Which members belong to which operation says rotationMembers.
type rotationBody struct {
	editHead
	Operation   string `json:"operation"`
	Layer       string `json:"layer"`        // absent: the only one
	At          string `json:"at"`           // RFC 3339, not before now; absent: now
	KeepCurrent *bool  `json:"keep_current"` // whoever is on duty stays to the end of the turn; absent: true

	People       []string              `json:"people"` // of one turn
	Place        *int                  `json:"place"`  // before the turn of this place, counted from 0; absent: the last
	Person       string                `json:"person"`
	Turns        [][]string            `json:"turns"`
	Unit         roster.Unit           `json:"unit"` // this and the next four, absent: as it is
	Length       int                   `json:"length"`
	Handover     string                `json:"handover"`
	Weekday      roster.Weekday        `json:"weekday"`
	Pattern      []roster.Change       `json:"pattern"`
	Restrictions *[]roster.Restriction `json:"restrictions"` // all of them; empty: none
}

// rotationMembers are the operations, and the members that each has besides those of all.
var rotationMembers = map[string][]string{
	"add":          {"people", "place"},
	"remove":       {"person"},
	"reorder":      {"turns"},
	"length":       {"unit", "length", "handover", "weekday", "pattern"},
	"restrictions": {"restrictions"},
}

// check refuses an operation that there is not, one that says nothing, and members that belong to another.
func (b *rotationBody) check() error {
	own, ok := rotationMembers[b.Operation]
	if !ok {
		return fieldProblem("/operation", "not_allowed", "This operation is not known.", "Use add, remove, reorder, length or restrictions.")
	}
	given := []string{}
	for name, is := range map[string]bool{
		"people": b.People != nil, "place": b.Place != nil, "person": b.Person != "", "turns": b.Turns != nil, "unit": b.Unit != "", "length": b.Length != 0,
		"handover": b.Handover != "", "weekday": b.Weekday != "", "pattern": b.Pattern != nil, "restrictions": b.Restrictions != nil,
	} {
		if is {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	for _, name := range given {
		if !slices.Contains(own, name) {
			return fieldProblem("/"+name, "not_allowed", "This does not belong to the operation "+b.Operation+".", "Leave it out, or use another operation.")
		}
	}
	switch {
	case len(given) == 0 || (b.Operation == "add" && len(b.People) == 0):
		return fieldProblem("/"+own[0], "required", "The operation does not say enough.", "Send "+strings.Join(own, ", ")+" as need be.")
	case b.Place != nil && *b.Place < 0:
		return fieldProblem("/place", "not_allowed", "There is no such place.", "Count the turns from 0, or leave it out for the last.")
	}
	return nil
}

// changeRotation adds, removes or reorders people of a rotation, or changes when its turns or its hours are. Past shifts never change, and unless
// keep_current is false the present one does not either.
func (s *Server) changeRotation(w http.ResponseWriter, r *http.Request, who caller) error {
	var body rotationBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	at, err := timeOf("/at", body.At, time.Time{})
	if err != nil {
		return err
	}
	var a roster.Amendment
	return s.change(w, r, who, change{
		editHead: body.editHead,
		said:     "rotation: " + body.Operation,
		absolute: body.Operation != "add" && body.Operation != "remove",
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			a = roster.Amendment{At: at, KeepCurrent: body.KeepCurrent == nil || *body.KeepCurrent}
			switch now = now.Truncate(time.Millisecond); {
			case at.IsZero():
				a.At = now
			case at.Before(now):
				return book, fieldProblem("/at", "not_allowed", "This time is over, and shifts that are over never change.", "Send a time to come, or leave it out for now.")
			}
			duty, err := rosterOf(book, body.Roster)
			if err != nil {
				return book, err
			}
			layer, err := layerOf(duty, body.Layer)
			if err != nil {
				return book, err
			}
			a.Roster, a.Layer = duty.ID, layer.ID
			return body.amend(book, layer.Rotation, a)
		},
		horizon: func(edited roster.Book) time.Time { // everybody's first turn of the new kind
			duty, _ := rosterOf(edited, a.Roster) // it was there, and so was its layer
			layer, _ := layerOf(duty, a.Layer)
			return a.At.Add(layer.Rotation.Round())
		},
	})
}

// layerOf finds a layer of a roster; "" is the only one.
func layerOf(r roster.Roster, id string) (roster.Layer, error) {
	names := []string{}
	for _, l := range r.Layers {
		if l.ID == id || (id == "" && len(r.Layers) == 1) {
			return l, nil
		}
		names = append(names, l.ID)
	}
	if id == "" && len(names) > 1 {
		return roster.Layer{}, fieldProblem("/layer", "required", "The roster has several layers.", "Say which: "+strings.Join(names, ", ")+".")
	}
	return roster.Layer{}, roster.ErrNoLayer
}

// amend makes the edit of a book.
func (b *rotationBody) amend(book roster.Book, stands roster.Rotation, a roster.Amendment) (roster.Book, error) {
	switch b.Operation {
	case "add":
		if err := known(book, mentions("/people", b.People)...); err != nil {
			return book, err
		}
		if slices.ContainsFunc(stands.Turns, func(turn []string) bool { return sameMembers(turn, b.People) }) {
			return book, door.NewProblem(door.CodeNotPossible, "They have this turn already. To give a second one, edit the roster's document.")
		}
		place := len(stands.Turns)
		if b.Place != nil {
			place = *b.Place
		}
		return book.AddTurn(a, b.People, place)
	case "remove":
		if err := known(book, mention{"/person", b.Person}); err != nil {
			return book, err
		}
		return book.RemovePerson(a, b.Person)
	case "reorder":
		if err := b.sameTurns(stands.Turns); err != nil {
			return book, err
		}
		return book.Reorder(a, b.Turns)
	case "length":
		return book.ChangeLength(a, b.shape(stands))
	default:
		return book.SetRestrictions(a, *b.Restrictions)
	}
}

// sameTurns refuses another order that is not one of the same turns: whoever is forgotten would be on duty no more.
func (b *rotationBody) sameTurns(stands [][]string) error {
	left := slices.Clone(stands)
	for i, turn := range b.Turns {
		j := slices.IndexFunc(left, func(other []string) bool { return sameMembers(turn, other) })
		if j < 0 {
			return fieldProblem(fmt.Sprintf("/turns/%d", i), "not_allowed", "The rotation has no such turn, or not so many of it.", "List the turns that it has, each once; add and remove change them.")
		}
		left = slices.Delete(left, j, j+1)
	}
	if len(left) > 0 {
		data, _ := json.Marshal(left[0]) // texts always can be written
		return fieldProblem("/turns", "incomplete", "A turn of the rotation is missing: "+string(data)+".", "List all turns; remove takes somebody out.")
	}
	return nil
}

func sameMembers(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// shape is when turns change by the body; what it does not say stays, unless it belongs to another unit.
func (b *rotationBody) shape(stands roster.Rotation) roster.TurnShape {
	shape := roster.TurnShape{Unit: stands.Unit, Length: stands.Length, Handover: stands.Handover, Weekday: stands.Weekday, Pattern: stands.Pattern}
	if b.Unit != "" {
		shape.Unit = b.Unit
	}
	if b.Length != 0 {
		shape.Length = b.Length
	}
	if b.Handover != "" {
		shape.Handover = b.Handover
	}
	if shape.Unit != roster.Weeks {
		shape.Weekday = ""
	}
	if shape.Unit != roster.Pattern {
		shape.Pattern = nil
	}
	if b.Weekday != "" {
		shape.Weekday = b.Weekday
	}
	if b.Pattern != nil {
		shape.Pattern = b.Pattern
	}
	return shape
}
