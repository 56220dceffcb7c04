package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// swapAnswer is a swap as it stands now.
type swapAnswer struct {
	Roster  string            `json:"roster"`
	ID      string            `json:"id"`
	One     partAnswer        `json:"one"` // who asks
	Other   partAnswer        `json:"other"`
	State   roster.CoverState `json:"state"`
	Expires request.Instant   `json:"expires"`
}

type partAnswer struct {
	Person string `json:"person"`
	spanAnswer
}

func swapOf(in string, s roster.Swap, now time.Time) swapAnswer {
	return swapAnswer{
		Roster: in, ID: s.ID, One: partAnswer{s.One.Person, between(s.One.From, s.One.Until)}, Other: partAnswer{s.Other.Person, between(s.Other.From, s.Other.Until)},
		State: s.StateAt(now), Expires: request.At(s.Ends()),
	}
}

type swapsAnswer struct {
	CallSigns map[string]string `json:"call_signs"`
	Swaps     []swapAnswer      `json:"swaps"`
}

// listSwaps lists the swaps, as listCovers does the covers.
func (s *Server) listSwaps(w http.ResponseWriter, r *http.Request, _ caller) error {
	answer := swapsAnswer{Swaps: []swapAnswer{}}
	return s.list(w, r, &answer, &answer.CallSigns, func(duty roster.Roster, now time.Time, wanted func(roster.CoverState) bool) {
		for _, one := range duty.Swaps {
			if wanted(one.StateAt(now)) {
				answer.Swaps = append(answer.Swaps, swapOf(duty.ID, one, now))
			}
		}
	})
}

// swapIn finds a swap of a book.
func swapIn(book roster.Book, in, id string) (roster.Swap, bool) {
	duty, _ := rosterOf(book, in)
	i := slices.IndexFunc(duty.Swaps, func(s roster.Swap) bool { return s.ID == id })
	if i < 0 {
		return roster.Swap{}, false
	}
	return duty.Swaps[i], true
}

func (a *editAnswer) tellSwap(book roster.Book, in, id string, now time.Time) {
	if s, ok := swapIn(book, in, id); ok {
		swap := swapOf(in, s, now)
		a.Swap = &swap
	}
}

func endOfSwap(book roster.Book, in, id string) time.Time {
	s, _ := swapIn(book, in, id)
	if s.One.Until.After(s.Other.Until) {
		return s.One.Until
	}
	return s.Other.Until
}

// partBody is one side of a swap. Without a span it is the person's duty now, or their next.
type partBody struct {
	Person string `json:"person"`
	From   string `json:"from"`
	Until  string `json:"until"`
}

// swapBody asks for a swap.
type swapBody struct {
	editHead
	One     partBody `json:"one"` // who asks; an officer asks for themselves
	Other   partBody `json:"other"`
	Expires string   `json:"expires"` // absent: when a part is over
}

// askSwap opens a swap. The same wish that is open already is that one.
func (s *Server) askSwap(w http.ResponseWriter, r *http.Request, who caller) error {
	var body swapBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	person, err := onBehalf(who, body.One.Person, "/one/person")
	if err != nil {
		return err
	}
	in, id := "", ""
	return s.change(w, r, who, change{
		editHead: body.editHead, said: "swap asked for",
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			duty, err := rosterOf(book, body.Roster)
			if err != nil {
				return book, err
			}
			if err := known(book, mention{"/one/person", person}, mention{"/other/person", body.Other.Person}); err != nil {
				return book, err
			}
			swap := roster.Swap{ID: newID("swap"), One: roster.Part{Person: person}, Other: roster.Part{Person: body.Other.Person}}
			if swap.One.From, swap.One.Until, err = coverSpan(book, duty.ID, person, "/one", body.One.From, body.One.Until, now); err != nil {
				return book, err
			}
			if swap.Other.From, swap.Other.Until, err = coverSpan(book, duty.ID, body.Other.Person, "/other", body.Other.From, body.Other.Until, now); err != nil {
				return book, err
			}
			if swap.Expires, err = timeOf("/expires", body.Expires, time.Time{}); err != nil {
				return book, err
			}
			in, id = duty.ID, swap.ID
			same := func(a, b roster.Part) bool {
				return a.Person == b.Person && a.From.Equal(b.From) && a.Until.Equal(b.Until)
			}
			for _, open := range duty.Swaps {
				if open.StateAt(now) == roster.CoverOpen && same(open.One, swap.One) && same(open.Other, swap.Other) {
					id = open.ID
					return book, nil
				}
			}
			return book.AskSwap(duty.ID, swap, now)
		},
		tell:    func(answer *editAnswer, book roster.Book, now time.Time) { answer.tellSwap(book, in, id, now) },
		horizon: func(edited roster.Book) time.Time { return endOfSwap(edited, in, id) },
	})
}

func (s *Server) acceptSwap(w http.ResponseWriter, r *http.Request, who caller) error {
	return s.answerSwap(w, r, who, true)
}

func (s *Server) declineSwap(w http.ResponseWriter, r *http.Request, who caller) error {
	return s.answerSwap(w, r, who, false)
}

// answerSwap answers a swap for the one who was asked.
func (s *Server) answerSwap(w http.ResponseWriter, r *http.Request, who caller, accept bool) error {
	var body answerBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	by, err := onBehalf(who, body.Person, "/person")
	if err != nil {
		return err
	}
	in, id, said := "", r.PathValue("id"), "swap declined"
	if accept {
		said = "swap accepted"
	}
	return s.change(w, r, who, change{
		editHead: body.editHead, said: said,
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			duty, swap, err := findIn(book, body.Roster, func(r roster.Roster) []roster.Swap { return r.Swaps }, func(s roster.Swap) bool { return s.ID == id })
			if err != nil {
				return book, err
			}
			if err := known(book, mention{"/person", by}); err != nil {
				return book, err
			}
			in = duty
			if swap.State == roster.CoverAccepted {
				if swap.Other.Person == by && accept {
					return book, nil
				}
				return book, taken(book, swap.Other.Person)
			}
			return book.AnswerSwap(duty, id, by, accept, now)
		},
		tell:    func(answer *editAnswer, book roster.Book, now time.Time) { answer.tellSwap(book, in, id, now) },
		horizon: func(edited roster.Book) time.Time { return endOfSwap(edited, in, id) },
	})
}
