package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	// shiftSlack is how long after the end of a shift its handover may take to be offered: nodes look every five seconds.
	shiftSlack = 30 * time.Second
	// backAgain is how soon after it was offered to others a handover that comes back was taken by nodes from each other.
	backAgain = 10 * time.Second
	// handoverTime is how long a handover may take until somebody has confirmed, or coordinators know.
	handoverTime = 45 * time.Minute
)

// matter judges the beginning of an ops log that is no alarm's, and the news of whom a handover is offered to.
func (a *auditor) matter(f *file, now time.Time, b *request.MatterBody) {
	w := a.w
	if f.matter != nil {
		f.matter.Asks = b.Asks
		f.turn++
		a.tell(f, "handover", "is offered to %s", strings.Join(b.Asks, ", "))
		a.offered(f, b)
		return
	}
	f.matter, f.received, f.stored, f.urgency = b, now, w.now, request.Urgent
	if b.Kind == request.OpsShift {
		f.urgency = request.Routine
		w.sum.Notices++
		a.tell(f, "shift", "%s of %s at %s", b.About, b.Person, clockOf(b.From.Time))
		morning := now.Truncate(24 * time.Hour).Add(7 * time.Hour) // the rosters of the nights keep UTC
		if now.Hour() >= 7 {
			morning = morning.Add(24 * time.Hour)
		}
		if b.About == string(notifier.TellShiftSoon) && (now.Hour() >= 22 || now.Hour() < 7) && morning.Before(b.From.Time) {
			w.fail(sleeps, f.ref, "%s is told at %s of a shift at %s", b.Person, clockOf(now), b.From.Format(time.DateTime))
		}
		return
	}
	if b.Kind == request.OpsContact {
		f.urgency = request.Routine
		a.tell(f, "contact", "%s is to hear that pages over their %s fail", b.Person, b.Contact)
		return
	}
	w.sum.Handovers++
	a.offered(f, b)
	a.tell(f, "handover", "%d requests of %s are offered to %s", len(b.Requests), b.Person, strings.Join(b.Asks, ", "))
	a.expect(&a.decides, handoverTime+a.tolerance(), func() bool {
		return f.ended || f.owner != "" || a.standing(request.AlarmHandover, "handover "+f.ref.String())
	}, func() {
		w.fail(handedOver, f.ref, "nobody has confirmed, and no alarm stands")
	})
}

// offered judges an offer: those from whom it was just taken do not get it back, but for an edit or a shift of seconds.
func (a *auditor) offered(f *file, b *request.MatterBody) {
	w, people := a.w, strings.Join(b.Asks, ", ")
	if at, before := f.replaced[people]; before && w.now-at < backAgain && at > a.changed && !a.shortShift() {
		w.fail(notBack, f.ref, "it is taken from %q and offered to them again", people)
	}
	if f.replaced == nil {
		f.replaced = map[string]time.Duration{}
	}
	if f.offeredTo != nil {
		f.replaced[*f.offeredTo] = w.now
	}
	f.offeredTo = &people
}

// shortShift reports whether the newest roster has two changes about now.
func (a *auditor) shortShift() bool {
	book, now := a.w.books[len(a.w.books)-1], a.w.time()
	first, ok := book.NextChange("", now.Add(-2*backAgain))
	if !ok {
		return false
	}
	second, ok := book.NextChange("", first)
	return ok && second.Before(now.Add(backAgain))
}

// confirmed judges a side of a handover that confirms, and a request that passes.
func (a *auditor) confirmed(f *file, now time.Time, b *request.HandoverConfirmedBody) {
	w := a.w
	if !f.ops {
		from := a.files[b.Handover]
		switch {
		case f.owner != b.From || f.ended:
			w.fail(oneOwner, f.ref, "it passes from %s to %s, and %q has it (ended: %t)", b.From, b.Person, f.owner, f.ended)
		case from == nil || from.matter == nil || from.owner != b.Person:
			w.fail(handedOver, f.ref, "it passes to %s, who has not confirmed %s", b.Person, b.Handover)
		}
		a.tell(f, b.Person, "has it (handover %s)", b.Handover)
		f.owner, f.since, f.opened = b.Person, now, slices.Contains(f.readers, b.Person)
		f.free(b.Person)
		f.turn++
		a.mustBeRead(f)
		return
	}
	f.turn++
	switch {
	case f.matter == nil || f.ended:
		w.fail(oneOwner, f.ref, "%s confirms what is no open handover", b.Person)
	case b.Person == f.matter.Person:
		f.signed = true
	case f.owner != "":
		w.fail(oneOwner, f.ref, "%s confirms after %s", b.Person, f.owner)
	default:
		f.owner, f.since = b.Person, now
		for _, h := range f.matter.Requests {
			a.passes(f, h)
		}
	}
	a.tell(f, b.Person, "confirms the handover")
}

// passes expects that a request follows whoever confirmed.
func (a *auditor) passes(handover *file, h request.Handed) {
	f := a.files[h.Request]
	from := handover.matter.Person
	holds := func() bool { return f != nil && !f.ended && f.owner == from && request.At(f.since).Equal(h.Since.Time) }
	a.expect(&a.decides, slack+a.tolerance(), func() bool { return !holds() }, func() {
		a.w.fail(handedOver, f.ref, "%s has confirmed %s, and %s still has it", handover.owner, handover.ref, from)
	})
}

// wants reports whether the answer to an asking page is needed.
func (f *file) wants(p *page) bool {
	if f.matter != nil && f.matter.Kind == request.OpsHandover && p.Person == f.matter.Person {
		return !f.ended && !f.signed
	}
	return f.running()
}

// chased judges a step of a handover: an offer, and one reminder when its time is over; another offer when somebody else comes on duty.
func (a *auditor) chased(f *file, c *request.Commit, b *request.EscalatedBody, names []string) {
	w, last := a.w, f.step
	switch {
	case f.ended || (f.owner != "" && (f.signed || !slices.Equal(names, []string{f.matter.Person}))):
		w.fail(quiet, f.ref, "%s asks %s while %q has it (ended: %t)", c.Node, strings.Join(names, ", "), f.owner, f.ended)
	case b.Level == 1 && b.Round == last.Round+1:
	case b.Level == 2 && last.Level == 1 && b.Round == last.Round:
		if now := c.Time.Time; now.Before(f.ends) {
			w.fail(givesTime, f.ref, "%s reminds %s before the time is over", c.Node, told(f.ends.Sub(now)))
		}
	default:
		w.fail(onceEach, f.ref, "%s goes from step %d of round %d to step %d of round %d", c.Node, last.Level, last.Round, b.Level, b.Round)
	}
	f.step = step{EscalatedBody: *b, decided: c.Time.Time, count: last.count + 1, targets: names}
	a.progress(f, c.Time.Time)
}

// shifts looks after each end of a shift by the newest book: open requests of who goes off duty are offered.
func (a *auditor) shifts() {
	w := a.w
	book := w.books[len(w.books)-1]
	next, ok := book.NextChange("", w.time())
	if !ok || next.Sub(w.start) > length {
		return
	}
	w.at(next.Sub(w.time()), func() {
		if w.books[len(w.books)-1] != book { // an edit has planned anew
			return
		}
		on := book.Who("", next)
		for _, person := range book.Who("", next.Add(-1)) {
			if !slices.Contains(on, person) {
				a.goesOff(person, next)
			}
		}
		a.shifts()
	})
}

// goesOff expects that what a person has now is offered to whoever is on duty.
func (a *auditor) goesOff(person string, at time.Time) {
	w := a.w
	book := w.books[len(w.books)-1]
	if !slices.Contains(book.Who("", at.Add(-1)), person) { // the edit changed what was
		return
	}
	for _, f := range a.order {
		if f.ops || f.owner != person || f.ended || !f.since.Before(at.Add(-a.tolerance()-time.Second)) {
			continue
		}
		since := f.since
		a.expect(&a.decides, shiftSlack+a.tolerance(), func() bool {
			offered := slices.ContainsFunc(a.order, func(h *file) bool {
				return h.matter != nil && h.matter.Kind == request.OpsHandover && h.matter.Person == person &&
					slices.ContainsFunc(h.matter.Requests, func(r request.Handed) bool { return r.Request == f.ref })
			})
			unread := slices.ContainsFunc(w.nodes, func(n *node) bool { return n.able() && (n.book != book || w.now-n.bookAt < shiftSlack) })
			return offered || unread || f.ended || f.owner != person || f.since != since || w.books[len(w.books)-1] != book ||
				slices.Contains(book.Who("", w.time()), person)
		}, func() {
			w.fail(handedOver, f.ref, "%s went off duty at %s and has it, and it is offered to nobody", person, clockOf(at))
		})
	}
}
