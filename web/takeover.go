package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// takeoverAnswer is a duty that somebody took over.
type takeoverAnswer struct {
	Roster string `json:"roster"`
	Person string `json:"person"`
	spanAnswer
}

// takeoverBody puts somebody on duty now.
type takeoverBody struct {
	editHead
	Person  string `json:"person"`  // an officer takes it over themselves
	Instead string `json:"instead"` // whose duty; absent: that of the one who is on duty
	Until   string `json:"until"`   // absent: the end of the shift
}

// takeOver puts an officer on duty from now on.
func (s *Server) takeOver(w http.ResponseWriter, r *http.Request, who caller) error {
	var body takeoverBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	wish := roster.Takeover{Instead: body.Instead, Reason: body.Reason}
	var err error
	if wish.By, err = onBehalf(who, body.Person, "/person"); err != nil {
		return err
	}
	if wish.Until, err = timeOf("/until", body.Until, time.Time{}); err != nil {
		return err
	}
	var made roster.Override
	return s.change(w, r, who, change{
		editHead: body.editHead, said: "duty taken over", themselves: []string{wish.By},
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			duty, err := rosterOf(book, body.Roster)
			if err != nil {
				return book, err
			}
			wish.Roster = duty.ID
			var edited roster.Book
			edited, made, err = book.TakeOver(wish, now)
			return edited, err
		},
		horizon: func(roster.Book) time.Time { return made.Until },
		tell: func(answer *editAnswer, book roster.Book, _ time.Time) {
			duty, err := rosterOf(book, wish.Roster)
			if i := slices.IndexFunc(duty.Overrides, func(o roster.Override) bool { return o.ID == made.ID }); err == nil && i >= 0 {
				o := duty.Overrides[i]
				answer.Takeover = &takeoverAnswer{duty.ID, o.By, between(o.From, o.Until)}
			}
		},
	})
}

// giveBackBody ends a takeover.
type giveBackBody struct {
	editHead
	Person string `json:"person"` // an officer gives back their own
}

// giveBack ends what an officer has taken over.
func (s *Server) giveBack(w http.ResponseWriter, r *http.Request, who caller) error {
	var body giveBackBody
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	by, err := onBehalf(who, body.Person, "/person")
	if err != nil {
		return err
	}
	return s.change(w, r, who, change{
		editHead: body.editHead, said: "duty given back",
		make: func(book roster.Book, now time.Time) (roster.Book, error) {
			duty, err := rosterOf(book, body.Roster)
			if err != nil {
				return book, err
			}
			return book.GiveBack(duty.ID, by, now)
		},
	})
}
