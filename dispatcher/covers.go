package dispatcher

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// coverNews is how long what became of a cover request is still told.
const coverNews = 12 * time.Hour

// Why the log of a cover request ends, besides [EndedCalledOff] and [EndedExpired].
const (
	EndedAccepted = "accepted"
	EndedDeclined = "declined"
)

// An EndedCover is the log of a cover request that is over, and why.
type EndedCover struct {
	Ref    request.Ref
	Reason string
}

// CoverNews compares the cover requests of a roster with the logs that tell people of them: what is to be told, and which logs are over then.
// known are those of [Machine.Matters]. Whoever asked over the web or the command line is served like whoever asked by text.
func CoverNews(r *roster.Compiled, known []*request.State, alarmTo []string, now time.Time) (tell []request.MatterBody, over []EndedCover) {
	told := map[string]bool{}
	for _, s := range known {
		if !CalledOff(s) {
			told[s.Matter.Cause] = true
		}
	}
	for _, book := range r.Book().Rosters {
		for _, c := range book.Covers {
			cause := book.ID + "/" + c.ID
			if c.StateAt(now) != roster.CoverOpen || told[cause] {
				continue
			}
			b := request.MatterBody{
				Kind: request.OpsCover, Cause: cause, About: string(notifier.AskToCover), Asks: couldCover(r, book, c, now),
				Roster: book.ID, Person: c.Person, From: request.At(c.From), Until: request.At(c.Until), Expires: request.At(endOf(c)),
			}
			if len(b.Asks) == 0 { // nobody is there to wait for
				b.About, b.Tells, b.Expires = string(notifier.TellCoverExpired), with(c.Person, alarmTo), request.At(now.Add(coverNews))
			}
			tell = append(tell, b)
		}
	}
	for _, s := range known {
		if s.Status.Ended() || len(s.Matter.Asks) == 0 {
			continue
		}
		news := request.MatterBody{
			Kind: request.OpsCover, About: string(notifier.TellCoverExpired), Tells: []string{s.Matter.Person},
			Roster: s.Matter.Roster, Person: s.Matter.Person, From: s.Matter.From, Until: s.Matter.Until, Expires: request.At(now.Add(coverNews)),
		}
		reason := ""
		c, ok := CoverOf(r.Book(), s)
		switch state := c.StateAt(now); {
		case !ok:
			over = append(over, EndedCover{s.Ref, EndedCalledOff})
			continue
		case state == roster.CoverOpen:
			continue
		case state == roster.CoverAccepted:
			reason, news.About, news.Person, news.From = EndedAccepted, string(notifier.TellCoverTaken), c.By, request.At(c.From)
		case state == roster.CoverDeclined:
			reason = EndedDeclined
		default:
			reason = EndedExpired
		}
		if reason != EndedAccepted {
			news.Tells = with(s.Matter.Person, alarmTo)
		}
		news.Cause = s.Matter.Cause + "/" + reason
		tell, over = append(tell, news), append(over, EndedCover{s.Ref, reason})
	}
	return tell, over
}

// with is a person and others, nobody twice.
func with(person string, others []string) []string {
	list := []string{person}
	for _, other := range others {
		if !slices.Contains(list, other) {
			list = append(list, other)
		}
	}
	return list
}

// CoverOf finds the cover request that a log tells people of.
func CoverOf(b roster.Book, s *request.State) (roster.Cover, bool) {
	for _, r := range b.Rosters {
		for _, c := range r.Covers {
			if r.ID == s.Matter.Roster && c.ID == CoverID(s) {
				return c, true
			}
		}
	}
	return roster.Cover{}, false
}

// CoverID is the identifier of the cover request that a log tells people of.
func CoverID(s *request.State) string { return strings.TrimPrefix(s.Matter.Cause, s.Matter.Roster+"/") }

// endOf is when a cover request can no longer be accepted.
func endOf(c roster.Cover) time.Time {
	if c.Expires.IsZero() || c.Until.Before(c.Expires) {
		return c.Until
	}
	return c.Expires
}

// couldCover lists who is asked: those whom the request names, or those who have a turn on the roster, or else everyone; of them, who could have
// the duty all the time and has not got it already.
func couldCover(r *roster.Compiled, book roster.Roster, c roster.Cover, now time.Time) []string {
	candidates := c.To
	if len(candidates) == 0 {
		for _, l := range book.Layers {
			for _, turn := range l.Rotation.Turns {
				for _, person := range turn {
					if !slices.Contains(candidates, person) {
						candidates = append(candidates, person)
					}
				}
			}
		}
		others := func(person string) bool { return person != c.Person }
		if !slices.ContainsFunc(candidates, others) {
			candidates = r.Everyone(now)
		}
	}
	begins := c.From
	if begins.Before(now) {
		begins = now
	}
	on := r.Who(book.ID, begins)
	var able []string
	for _, person := range candidates {
		if slices.Contains(on, person) {
			continue
		}
		if _, err := r.Book().AcceptCover(book.ID, c.ID, person, now); err == nil {
			able = append(able, person)
		}
	}
	return able
}
