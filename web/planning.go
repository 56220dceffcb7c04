package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// previewSpan is how far a preview looks, and what is planned when nobody says how far.
const previewSpan = 28 * 24 * time.Hour

// maxSpan is the longest span that is looked at.
const maxSpan = 366 * 24 * time.Hour

// previewAnswer is what an edit would do.
type previewAnswer struct {
	From      request.Instant              `json:"from"`
	Until     request.Instant              `json:"until"`
	CallSigns map[string]string            `json:"call_signs"` // of everybody before and after
	Changed   []shiftAnswer                `json:"changed"`
	Moves     []moveAnswer                 `json:"moves"`
	Gaps      []newGapAnswer               `json:"gaps"`
	Hours     map[string]roster.HourChange `json:"hours"`
	Contacts  []string                     `json:"contacts_missing"`
	Confirm   []string                     `json:"confirm_unverified"` // who would newly be on duty without a verified telephone
	Overlaps  []overlapAnswer              `json:"overlaps"`
	Rest      []restAnswer                 `json:"rest"`
	Overwork  []overworkAnswer             `json:"overwork"`
	Uncovered []uncoveredAnswer            `json:"uncovered"`
	Load      []loadAnswer                 `json:"load"`
	Mean      roster.Work                  `json:"mean"`
}

type spanAnswer struct {
	From  request.Instant `json:"from"`
	Until request.Instant `json:"until"`
}

type shiftAnswer struct {
	spanAnswer

	People []string `json:"people"`
}

type moveAnswer struct {
	Roster string `json:"roster"`
	spanAnswer

	Before []string `json:"before"`
	After  []string `json:"after"`
}

type newGapAnswer struct {
	gapAnswer

	New bool `json:"new"` // the edit makes it; so below
}

type overlapAnswer struct {
	Person  string   `json:"person"`
	Rosters []string `json:"rosters"`
	spanAnswer

	New bool `json:"new"`
}

type restAnswer struct {
	Person string `json:"person"`
	spanAnswer

	New bool `json:"new"`
}

type overworkAnswer struct {
	Person string `json:"person"`
	spanAnswer

	Hours float64 `json:"hours"`
	New   bool    `json:"new"`
}

type uncoveredAnswer struct {
	Roster string `json:"roster"`
	Rule   string `json:"rule"`
	spanAnswer

	Missing []string `json:"missing"`
	New     bool     `json:"new"`
}

// A loadAnswer is what somebody has to do, and how far that is from the mean: in hours and days, and in percent.
type loadAnswer struct {
	roster.Load

	Percent roster.Work `json:"percent"`
}

func between(from, until time.Time) spanAnswer {
	return spanAnswer{request.At(from), request.At(until)}
}

// previewOf compares two books over a span.
func previewOf(before, after roster.Book, from, until time.Time) previewAnswer {
	p := roster.Diff(before, after, from, until)
	answer := previewAnswer{
		From: request.At(p.From), Until: request.At(p.Until), CallSigns: callSigns(before, after), Changed: shiftsOf(p.Changed), Moves: []moveAnswer{},
		Gaps: []newGapAnswer{}, Hours: p.Hours, Contacts: p.Contacts, Confirm: p.Confirm, Overlaps: []overlapAnswer{}, Rest: []restAnswer{}, Overwork: []overworkAnswer{},
		Uncovered: []uncoveredAnswer{}, Load: loadsOf(p.Load, p.Mean), Mean: p.Mean,
	}
	for _, m := range p.Moves {
		answer.Moves = append(answer.Moves, moveAnswer{m.Roster, between(m.From, m.Until), m.Before, m.After})
	}
	for _, g := range p.Gaps {
		answer.Gaps = append(answer.Gaps, newGapAnswer{gapAnswer{g.Roster, between(g.From, g.Until)}, g.New})
	}
	for _, o := range p.Overlaps {
		answer.Overlaps = append(answer.Overlaps, overlapAnswer{o.Person, o.Rosters, between(o.From, o.Until), o.New})
	}
	for _, r := range p.Rest {
		answer.Rest = append(answer.Rest, restAnswer{r.Person, between(r.From, r.Until), r.New})
	}
	for _, o := range p.Overwork {
		answer.Overwork = append(answer.Overwork, overworkAnswer{o.Person, between(o.From, o.Until), o.Hours, o.New})
	}
	for _, u := range p.Uncovered {
		answer.Uncovered = append(answer.Uncovered, uncoveredAnswer{u.Roster, u.Rule, between(u.From, u.Until), u.Missing, u.New})
	}
	return answer
}

func callSigns(books ...roster.Book) map[string]string {
	signs := map[string]string{}
	for _, book := range books {
		for _, p := range book.People {
			signs[p.ID] = p.CallSign
		}
	}
	return signs
}

func loadsOf(loads []roster.Load, mean roster.Work) []loadAnswer {
	list := []loadAnswer{}
	for _, l := range loads {
		list = append(list, loadAnswer{l, mean.Percent(l.Over)})
	}
	return list
}

func shiftsOf(shifts []roster.Shift) []shiftAnswer {
	list := []shiftAnswer{}
	for _, s := range shifts {
		list = append(list, shiftAnswer{between(s.From, s.Until), append([]string{}, s.People...)})
	}
	return list
}

// span reads ?from= and ?until= (RFC 3339); absent: from now, for four weeks.
func (s *Server) span(r *http.Request) (from, until time.Time, err error) {
	return spanOf(r, s.Now(), func(from time.Time) time.Time { return from.Add(previewSpan) })
}

// spanOf reads ?from= and ?until= (RFC 3339), with what they are when they are absent.
func spanOf(r *http.Request, otherwise time.Time, end func(from time.Time) time.Time) (from, until time.Time, err error) {
	query := r.URL.Query()
	read := func(name string, otherwise time.Time) time.Time {
		text := query.Get(name)
		if text == "" {
			return otherwise
		}
		at, wrong := time.Parse(time.RFC3339, text)
		if wrong != nil {
			err = door.NewProblem(door.CodeUnreadable, name+" must be a time in RFC 3339, as in 2026-01-02T03:04:05Z.")
		}
		return at
	}
	from = read("from", otherwise)
	until = read("until", end(from))
	switch {
	case err != nil:
	case !from.Before(until):
		err = door.NewProblem(door.CodeUnreadable, "until must be after from.")
	case until.Sub(from) > maxSpan:
		err = door.NewProblem(door.CodeUnreadable, fmt.Sprintf("From from to until are at most %d days.", maxSpan/(24*time.Hour)))
	}
	return from, until, err
}

// gapAnswer is a span in which nobody is on duty on a roster.
type gapAnswer struct {
	Roster string `json:"roster"`
	spanAnswer
}

type gapsAnswer struct {
	spanAnswer

	Gaps []gapAnswer `json:"gaps"`
}

// rosterGaps lists when nobody is on duty, on one roster (?roster=) or on all, in the order of the book.
func (s *Server) rosterGaps(w http.ResponseWriter, r *http.Request, _ caller) error {
	from, until, err := s.span(r)
	if err != nil {
		return err
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	answer, found := gapsAnswer{between(from, until), []gapAnswer{}}, false
	only := r.URL.Query().Get("roster")
	for _, one := range current.Book().Rosters {
		if only != "" && one.ID != only {
			continue
		}
		found = true
		for _, gap := range current.Gaps(one.ID, from, until) {
			answer.Gaps = append(answer.Gaps, gapAnswer{one.ID, between(gap.From, gap.Until)})
		}
	}
	if only != "" && !found {
		return door.NewProblem(door.CodeNotFound, "There is no roster of this name.")
	}
	return writeJSON(w, http.StatusOK, answer)
}

// shareAnswer is one person's share of the work, and how far it is from the mean.
type shareAnswer struct {
	Person   string `json:"person"`
	CallSign string `json:"call_sign"`
	roster.Work

	Over    roster.Work `json:"over"`
	Percent roster.Work `json:"percent"`
}

type fairnessAnswer struct {
	spanAnswer

	Mean   roster.Work   `json:"mean"`
	People []shareAnswer `json:"people"`
}

// rosterFairness tells how the work is shared over all rosters.
func (s *Server) rosterFairness(w http.ResponseWriter, r *http.Request, _ caller) error {
	from, until, err := s.span(r)
	if err != nil {
		return err
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	loads, mean := current.Fairness(from, until)
	answer := fairnessAnswer{between(from, until), mean, []shareAnswer{}}
	for _, l := range loads {
		p, _ := current.Person(l.Person)
		answer.People = append(answer.People, shareAnswer{l.Person, p.CallSign, l.After, l.Over, mean.Percent(l.Over)})
	}
	return writeJSON(w, http.StatusOK, answer)
}

// revertBody says which revision comes back; reason goes into the history and must name nobody.
type revertBody struct {
	Revision uint64 `json:"revision"`
	Reason   string `json:"reason"`
}

// revertRoster brings an earlier revision back from now on, as a new edit of the revision that If-Match names. With ?dry_run=true it only
// tells what would change.
func (s *Server) revertRoster(w http.ResponseWriter, r *http.Request, who caller) error {
	base, err := ifMatch(r)
	if err != nil {
		return err
	}
	var body revertBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	if body.Reason == "" {
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/reason", Code: "required", Detail: "The history says why a revision came back.", Fix: "Say why in a few words that name nobody.",
		})
	}
	current, err := s.standing(r.Context(), base)
	if err != nil {
		return err
	}
	version, err := s.Rosters.Version(r.Context(), body.Revision)
	if errors.Is(err, ErrNotFound) {
		return door.NewProblem(door.CodeNotFound, fmt.Sprintf("The roster has no revision %d. Its history lists them.", body.Revision))
	}
	if err != nil {
		return err
	}
	return s.edit(w, r, roster.Edit{
		Book: current.Book().Revert(version, s.Now()), Base: base, Reason: body.Reason, Actor: who.Subject,
	})
}
