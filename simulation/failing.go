package simulation

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// contactLife is what the auditor knows of one contact, by the cause of its alarm: when something arrived over it last, and when it was flagged last.
type contactLife struct {
	works   bool
	arrived time.Duration
	flagged bool
	raised  time.Duration
}

// contact gives what is known of a page's contact; nil of what is no telephone of ours.
func (a *auditor) contact(p *page) *contactLife {
	if p.Recipient == request.ToSender || (p.Channel != notifier.MediumSMS && p.Channel != notifier.MediumVoice) {
		return nil
	}
	return a.contactOf(request.FailingCause(p.Person, p.Contact))
}

func (a *auditor) contactOf(cause string) *contactLife {
	if a.contacts[cause] == nil {
		a.contacts[cause] = &contactLife{}
	}
	return a.contacts[cause]
}

// refused expects an alarm of a contact that a provider refuses for good, unless something has arrived over it at about that time, or since.
func (a *auditor) refused(p *page, t request.EventType, b *request.AttemptBody) {
	c := a.contact(p)
	switch {
	case c == nil:
		return
	case t == request.AttemptDelivered, t == request.AttemptAnswered, b.Failure == request.FailedNoKey:
		c.works, c.arrived = true, a.w.now
		return
	case b.Failure != request.FailedForGood, b.Code == "no_address": // they have left the roster
		return
	}
	cause, at, revision := request.FailingCause(p.Person, p.Contact), a.w.now, len(a.w.books)
	met := func() bool {
		works := c.works && c.arrived > at-2*time.Minute-a.skew
		return works || (c.flagged && c.raised >= at) || a.standing(request.AlarmFailing, cause) || len(a.w.books) > revision
	}
	a.expect(&a.decides, foresight+a.tolerance(), met, func() {
		a.w.fail(flagsContacts, p.file.ref, "%s was refused for good by %s, and no alarm stands", b.Attempt, b.Provider)
	})
}
