package simulation

import (
	"time"

	"github.com/dutyline/dutyline/request"
)

// lookAtChanges looks when somebody else may come on duty, by the roster that the node has.
func (n *node) lookAtChanges() {
	revision := n.book.Revision()
	n.changesOf = revision
	var next func()
	next = func() {
		change, ok := n.book.NextChange("", n.w.time())
		if !ok || n.changesOf != revision {
			return
		}
		n.after(change.Sub(n.w.time())+time.Second, func() {
			if n.changesOf == revision {
				n.look(0)
				next()
			}
		})
	}
	next()
}

// lookHourly looks when what the watch remembers of the roster is forgotten.
func (n *node) lookHourly() {
	hour := n.w.time().Truncate(time.Hour).Add(time.Hour)
	n.after(hour.Sub(n.w.time())+time.Second, func() {
		n.look(0)
		n.lookHourly()
	})
}

// foresight is within what time an alarm of the roster stands once it is due to page.
const foresight = time.Minute

// foresee expects an alarm of each gap that the newest book has, from an hour before it begins, and of a telephone that nobody has verified.
func (a *auditor) foresee() {
	w := a.w
	revision, book := len(w.books), w.books[len(w.books)-1]
	now := w.time()
	superseded := func() bool { return len(w.books) > revision }
	for _, gap := range book.Gaps("", now, w.start.Add(length+request.AlarmLead)) {
		a.foreseen(revision, max(gap.From.Sub(now)-request.AlarmLead, 0), func() bool {
			return superseded() || !w.time().Before(gap.Until.Add(-foresight)) || a.standing(request.AlarmGap, "roster national") || a.standing(request.AlarmNobody, "")
		}, "the gap from "+clockOf(gap.From)+" is an hour away, or nearer, and no alarm stands")
	}
	for _, p := range book.Book().People {
		if !p.VerifiedAt(now) {
			a.foreseen(revision, 0, func() bool {
				return superseded() || a.standing(request.AlarmUnverified, "person "+p.ID)
			}, p.ID+" is on duty without a verified telephone, and no alarm stands")
		}
	}
}

// foreseen expects something of the nodes that have a revision of the roster.
func (a *auditor) foreseen(revision int, after time.Duration, met func() bool, what string) {
	a.expect(&a.decides, after+foresight+a.tolerance(), met, func() {
		if !a.haveRead(revision) {
			a.foreseen(revision, 0, met, what)
			return
		}
		a.w.fail(foreseen, "", "%s", what)
	})
}

// haveRead reports whether a node that decides has had a revision of the roster for a while.
func (a *auditor) haveRead(revision int) bool {
	for _, n := range a.w.nodes {
		if n.able() && n.book.Revision() >= uint64(revision) && a.w.now-n.bookAt > foresight { //nolint:gosec // it counts books
			return true
		}
	}
	return false
}

// mended judges that an alarm of a gap is cleared.
func (a *auditor) mended(f *file) {
	w := a.w
	if f.alarm.Kind != request.AlarmGap || w.now-a.changed < settle {
		return
	}
	now, book := w.time(), w.books[len(w.books)-1]
	margin := foresight + a.tolerance()
	for _, gap := range book.Gaps("", now.Add(margin), now.Add(request.AlarmLead-margin)) {
		if gap.From.After(now.Add(margin)) {
			w.fail(foreseen, f.ref, "the alarm is cleared, and there is a gap from %s", clockOf(gap.From))
		}
	}
}
