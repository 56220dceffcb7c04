package web

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// coverAnswer is a cover as it stands now: one whose time is over is expired, whether that is stored yet or not.
type coverAnswer struct {
	Roster string `json:"roster"`
	ID     string `json:"id"`
	Person string `json:"person"` // who asks
	spanAnswer

	To       []string          `json:"to"` // who may accept; none: everybody
	Declined []string          `json:"declined"`
	State    roster.CoverState `json:"state"`
	By       string            `json:"by,omitempty"` // who accepted
	Expires  request.Instant   `json:"expires"`
	Reason   string            `json:"reason,omitempty"`
}

func coverOf(in string, c roster.Cover, now time.Time) coverAnswer {
	return coverAnswer{
		Roster: in, ID: c.ID, Person: c.Person, spanAnswer: between(c.From, c.Until), To: append([]string{}, c.To...), Declined: append([]string{}, c.Declined...),
		State: c.StateAt(now), By: c.By, Expires: request.At(c.Ends()), Reason: c.Reason,
	}
}

type coversAnswer struct {
	CallSigns map[string]string `json:"call_signs"`
	Covers    []coverAnswer     `json:"covers"`
}

// listCovers lists the covers of one roster (?roster=) or of all, in one state (?state=) or in any, in the order of the book.
func (s *Server) listCovers(w http.ResponseWriter, r *http.Request, _ caller) error {
	answer := coversAnswer{Covers: []coverAnswer{}}
	return s.list(w, r, &answer, &answer.CallSigns, func(duty roster.Roster, now time.Time, wanted func(roster.CoverState) bool) {
		for _, c := range duty.Covers {
			if wanted(c.StateAt(now)) {
				answer.Covers = append(answer.Covers, coverOf(duty.ID, c, now))
			}
		}
	})
}

// list visits the rosters that a list is asked for, which fills the answer, and answers with it and everybody's call sign.
func (s *Server) list(w http.ResponseWriter, r *http.Request, answer any, signs *map[string]string, visit func(duty roster.Roster, now time.Time, wanted func(roster.CoverState) bool)) error {
	only, state := r.URL.Query().Get("roster"), roster.CoverState(r.URL.Query().Get("state"))
	if !slices.Contains([]roster.CoverState{"", roster.CoverOpen, roster.CoverAccepted, roster.CoverDeclined, roster.CoverExpired}, state) {
		return door.NewProblem(door.CodeUnreadable, "state must be open, accepted, declined or expired.")
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	book, found := current.Book(), only == ""
	for _, duty := range book.Rosters {
		if only == "" || duty.ID == only {
			found = true
			visit(duty, s.Now(), func(is roster.CoverState) bool { return state == "" || state == is })
		}
	}
	if !found {
		return editProblem(roster.ErrNoRoster)
	}
	*signs = callSigns(book)
	return writeJSON(w, http.StatusOK, answer)
}

// newID makes an identifier that people can read to each other.
func newID(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:8]) }

// coverSpan is the span of a body; what it leaves out is that of the person's duty now, or of their next.
func coverSpan(book roster.Book, rosterID, person, field, fromText, untilText string, now time.Time) (from, until time.Time, err error) {
	if from, err = timeOf(field+"/from", fromText, time.Time{}); err != nil {
		return from, until, err
	}
	if until, err = timeOf(field+"/until", untilText, time.Time{}); err != nil {
		return from, until, err
	}
	if !from.IsZero() && !until.IsZero() {
		return from, until, nil
	}
	c, err := roster.Compile(book)
	if err != nil {
		return from, until, err
	}
	first := now
	if from.After(now) {
		first = from
	}
	begins, ends, ok := c.NextDuty(rosterID, person, first)
	switch {
	case !ok:
		return from, until, roster.ErrNoDuty
	case from.IsZero():
		from = begins
	}
	if until.IsZero() {
		until = ends
	}
	return from, until, nil
}

// coverBody asks for cover. Without a span it is for the person's duty now, or for their next.
type coverBody struct {
	editHead
	Person  string   `json:"person"` // who asks; an officer asks for themselves
	From    string   `json:"from"`
	Until   string   `json:"until"`
	To      []string `json:"to"`      // absent: everybody
	Expires string   `json:"expires"` // absent: until
}

// askCover opens a cover. The same wish that is open already is that one.
func (s *Server) askCover(w http.ResponseWriter, r *http.Request, who caller) error {
	var body coverBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	person, err := onBehalf(who, body.Person, "/person")
	if err != nil {
		return err
	}
	in, id := "", ""
	return s.change(w, r, who, change{
		editHead: body.editHead, said: "cover asked for",
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			duty, err := rosterOf(book, body.Roster)
			if err != nil {
				return book, err
			}
			if err := known(book, append(mentions("/to", body.To), mention{"/person", person})...); err != nil {
				return book, err
			}
			c := roster.Cover{ID: newID("cover"), Person: person, To: body.To, Reason: body.Reason}
			if c.From, c.Until, err = coverSpan(book, duty.ID, person, "", body.From, body.Until, now); err != nil {
				return book, err
			}
			if c.Expires, err = timeOf("/expires", body.Expires, time.Time{}); err != nil {
				return book, err
			}
			in, id = duty.ID, c.ID
			for _, open := range duty.Covers {
				if open.StateAt(now) == roster.CoverOpen && open.Person == person && open.From.Equal(c.From) && open.Until.Equal(c.Until) && sameMembers(open.To, c.To) {
					id = open.ID
					return book, nil
				}
			}
			return book.AskCover(duty.ID, c, now)
		},
		tell:    func(answer *editAnswer, book roster.Book, now time.Time) { answer.tellCover(book, in, id, now) },
		horizon: func(edited roster.Book) time.Time { return endOfCover(edited, in, id) },
	})
}

// coverIn finds a cover of a book.
func coverIn(book roster.Book, in, id string) (roster.Cover, bool) {
	duty, _ := rosterOf(book, in)
	i := slices.IndexFunc(duty.Covers, func(c roster.Cover) bool { return c.ID == id })
	if i < 0 {
		return roster.Cover{}, false
	}
	return duty.Covers[i], true
}

func (a *editAnswer) tellCover(book roster.Book, in, id string, now time.Time) {
	if c, ok := coverIn(book, in, id); ok {
		cover := coverOf(in, c, now)
		a.Cover = &cover
	}
}

func endOfCover(book roster.Book, in, id string) time.Time {
	c, _ := coverIn(book, in, id)
	return c.Until
}

// answerBody answers a cover or a swap.
type answerBody struct {
	editHead
	Person string `json:"person"` // who answers; an officer answers for themselves
}

// taken says by call sign who was faster.
func taken(book roster.Book, by string) error {
	return door.NewProblem(door.CodeTaken, callSigns(book)[by]+" has already accepted it.")
}

func (s *Server) acceptCover(w http.ResponseWriter, r *http.Request, who caller) error {
	return s.answerCover(w, r, who, "accepted", roster.Book.AcceptCover)
}

func (s *Server) declineCover(w http.ResponseWriter, r *http.Request, who caller) error {
	return s.answerCover(w, r, who, "declined", roster.Book.DeclineCover)
}

// answerCover answers a cover. Of several who accept one has it, and the others are told who; to accept once more what one has is no error.
func (s *Server) answerCover(w http.ResponseWriter, r *http.Request, who caller, said string, answer func(b roster.Book, rosterID, id, by string, now time.Time) (roster.Book, error)) error {
	var body answerBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	by, err := onBehalf(who, body.Person, "/person")
	if err != nil {
		return err
	}
	in, id := "", r.PathValue("id")
	return s.change(w, r, who, change{
		editHead: body.editHead, said: "cover " + said,
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			duty, c, err := findIn(book, body.Roster, func(r roster.Roster) []roster.Cover { return r.Covers }, func(c roster.Cover) bool { return c.ID == id })
			if err != nil {
				return book, err
			}
			if err := known(book, mention{"/person", by}); err != nil {
				return book, err
			}
			in = duty
			if c.State == roster.CoverAccepted {
				if c.By == by && said == "accepted" {
					return book, nil
				}
				return book, taken(book, c.By)
			}
			return answer(book, duty, id, by, now)
		},
		tell:    func(answer *editAnswer, book roster.Book, now time.Time) { answer.tellCover(book, in, id, now) },
		horizon: func(edited roster.Book) time.Time { return endOfCover(edited, in, id) },
	})
}

// findIn finds an entry, and the roster that has it, on one roster or ("") on any.
func findIn[T any](book roster.Book, only string, list func(roster.Roster) []T, is func(T) bool) (in string, found T, err error) {
	if only != "" {
		if _, err := rosterOf(book, only); err != nil {
			return "", found, err
		}
	}
	for _, r := range book.Rosters {
		if only != "" && r.ID != only {
			continue
		}
		if i := slices.IndexFunc(list(r), is); i >= 0 {
			return r.ID, list(r)[i], nil
		}
	}
	return "", found, roster.ErrNoCover
}
