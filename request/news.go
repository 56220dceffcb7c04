package request

import (
	"slices"
	"time"
)

// What a sender is told of, if they have asked to be told (PageBody.About of a notice to a sender).
const (
	NewsAcknowledged   = "acknowledged"
	NewsDeadlineMissed = "deadline_missed" // the clock for the acknowledgement ran out; no event, [State.MissedDeadline]
	NewsUnanswered     = "unanswered"      // everyone was asked, and nobody answered yet
	NewsUndone         = "undone"          // the acknowledgement was taken back
	NewsLapsed         = "lapsed"          // the acknowledgement ended by itself
)

// newsOf says what a sender is told when something happens, by the state before it; "": nothing. The end of an acknowledgement is news
// when it is that of who has the request.
func newsOf(s *State, e happening) string {
	switch body := e.body.(type) {
	case *AcknowledgedBody:
		return NewsAcknowledged
	case *AlarmBody:
		if e.Type == AlarmRaised && body.Kind == AlarmUnanswered {
			return NewsUnanswered
		}
	case *UndoneBody:
		if s.Owner != "" && body.Person == s.Owner {
			return NewsUndone
		}
	case *LapsedBody:
		if s.Owner != "" && body.Person == s.Owner {
			return NewsLapsed
		}
	}
	return ""
}

// A News is something that a sender may want to know.
type News struct {
	About string
	At    time.Time // when it last happened
	Told  bool      // a notice of it was ordered since
}

// happened notes what the sender may want to know of an event that is about to be folded.
func (s *State) happened(c *Commit, e happening) {
	about := newsOf(s, e)
	if about == "" {
		return
	}
	if i := slices.IndexFunc(s.News, func(n News) bool { return n.About == about }); i >= 0 {
		s.News[i].At, s.News[i].Told = c.Time.Time, false
		return
	}
	s.News = append(s.News, News{About: about, At: c.Time.Time})
}

// told notes that a notice was ordered. What happens again after it is told again.
func (s *State) told(p PageBody) {
	if p.Recipient != ToSender {
		return
	}
	for i := range s.News {
		if s.News[i].About == p.About {
			s.News[i].Told = true
		}
	}
}

// Deadline is until when somebody should acknowledge; ok is false where no clock says so.
func (s *State) Deadline() (at time.Time, ok bool) {
	for _, d := range s.Due {
		if d.Clock == "acknowledge" {
			return d.At.Time, true
		}
	}
	return time.Time{}, false
}

// MissedDeadline reports whether nobody has the request now and nobody had it when [State.Deadline] passed. One that somebody acknowledged
// in time and passed on later was not missed.
func (s *State) MissedDeadline(now time.Time) bool {
	at, ok := s.Deadline()
	return ok && s.Owner == "" && !now.Before(at) && !s.freed.After(at)
}
