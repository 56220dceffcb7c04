package node

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/roster"
)

// Duties stores what officers change of the roster from a telephone. Implementations are safe for concurrent use.
type Duties interface {
	// Edit stores what change makes of the newest book, in the name of an officer, and gives the book that then stands. change is called again
	// when somebody else was faster; its error is given as it is, and nothing is stored. Every other error wraps [ErrUnavailable].
	Edit(ctx context.Context, person, reason string, change func(b roster.Book, now time.Time) (roster.Book, error)) (roster.Book, error)
}

// Why an edit stands in the history.
const (
	byTake    = "taken over by text"
	byCover   = "cover asked for by text"
	byAccept  = "cover accepted"
	byDecline = "cover declined"
)

// politeWords is how many words besides command and code a text may have that changes the duty: a machine that sends our own text back has more.
const politeWords = 3

// command answers a text without a code.
func (n *Node) command(book *roster.Compiled, who roster.Person, wish dispatcher.Wish, a notifier.Answer) notifier.Answer {
	now := n.opts.Clock.Now()
	switch wish {
	case dispatcher.WishMenu:
		a.Kind = notifier.ShowMenu
	case dispatcher.WishWho:
		a.Kind, a.Shifts = notifier.WhoIsOn, dispatcher.OnDuty(book, who.ID, now)
	case dispatcher.WishTake:
		offers, on, err := dispatcher.TakeOffers(book, who.ID, now)
		switch {
		case len(offers) > 0 && n.opts.Duties != nil:
			a.Kind, a.Shifts = notifier.TakeOffer, n.coded(who.ID, now, offers...)
		case len(on) > 0:
			a.Kind, a.Shifts = notifier.OnDuty, on
		case n.opts.Duties == nil:
			a.Kind = notifier.NoCode
		default:
			a.Kind = refusal(err)
		}
	case dispatcher.WishCover:
		offer, open, ok := dispatcher.CoverOffer(book, who.ID, now)
		switch {
		case !ok || n.opts.Duties == nil:
			a.Kind = notifier.NoDuty
		case open:
			a.Kind, a.Shifts = notifier.CoverOpen, []notifier.Shift{offer.Shift}
		default:
			a.Kind, a.Shifts = notifier.CoverOffer, n.coded(who.ID, now, offer)
		}
	default:
		a.Kind = notifier.NoCode
	}
	return a
}

// coded are the shifts of offers, each with its code.
func (n *Node) coded(person string, now time.Time, offers ...dispatcher.Offer) []notifier.Shift {
	list := make([]notifier.Shift, len(offers))
	for i, o := range offers {
		list[i] = o.Shift
		list[i].Code = n.opts.OfferCode(person, o.Terms(now), dispatcher.OfferSlots(now)[0])
	}
	return list
}

// offered finds the offer of which a person sends the code back; done says that they have confirmed it before. nil: there is none.
func (n *Node) offered(book *roster.Compiled, person string, r dispatcher.Reply) (offer *dispatcher.Offer, done bool) {
	if n.opts.Duties == nil || r.Extra > politeWords {
		return nil, false
	}
	now := n.opts.Clock.Now()
	offers, _, _ := dispatcher.TakeOffers(book, person, now)
	cover, open, ok := dispatcher.CoverOffer(book, person, now)
	if ok && !open {
		offers = append(offers, cover)
	}
	for _, o := range offers {
		if n.isOffer(person, &o, r.Code, now) {
			return &o, false
		}
	}
	for _, o := range dispatcher.Confirmed(book, person, now) {
		if n.isOffer(person, &o, r.Code, now) {
			return &o, true
		}
	}
	return nil, false
}

func (n *Node) isOffer(person string, o *dispatcher.Offer, code string, now time.Time) bool {
	found := 0
	for _, slot := range dispatcher.OfferSlots(now) {
		found |= subtle.ConstantTimeCompare([]byte(n.opts.OfferCode(person, o.Terms(now), slot)), []byte(code))
	}
	return found == 1
}

// confirm does what somebody was offered, unless they want it no more.
func (n *Node) confirm(ctx context.Context, who roster.Person, o *dispatcher.Offer, done bool, wish dispatcher.Wish, a notifier.Answer) notifier.Answer {
	a.Shifts = []notifier.Shift{o.Shift}
	switch {
	case done && o.Wish == dispatcher.WishTake:
		a.Kind = notifier.OnDuty
		return a
	case done:
		a.Kind = notifier.CoverOpen
		return a
	case wish.Refuses():
		a.Kind, a.Shifts = notifier.Declined, nil
		return a
	}
	reason, change := byTake, o.Take
	a.Kind = notifier.TookOver
	if o.Wish == dispatcher.WishCover {
		reason, change, a.Kind = byCover, o.AskCover, notifier.CoverAsked
	}
	_, err := n.opts.Duties.Edit(ctx, who.ID, reason, func(b roster.Book, now time.Time) (roster.Book, error) { return change(b, who.ID, now) })
	switch {
	case err == nil:
	case errors.Is(err, ErrUnavailable):
		n.opts.Logger.Error("a change of the duty by text is not stored", zap.String("reason", reason), zap.Error(err))
		a.Kind, a.Shifts = notifier.TryAgain, nil
	case errors.Is(err, roster.ErrAlreadyOnDuty):
		a.Kind = notifier.OnDuty
	default: // the roster has changed since it was offered
		n.opts.Logger.Warn("a change of the duty by text is refused", zap.String("reason", reason), zap.Error(err))
		a.Kind, a.Shifts = refusal(err), nil
	}
	return a
}

// refusal says why a person cannot have a duty.
func refusal(err error) notifier.AnswerKind {
	for _, theirs := range []error{roster.ErrAway, roster.ErrInactive, roster.ErrErasedPerson, roster.ErrNoPerson} {
		if errors.Is(err, theirs) {
			return notifier.CannotTake
		}
	}
	return notifier.CodeOver
}
