package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func (m *Machine) anyLate(s *request.State, now time.Time) bool {
	for i := range s.Pages {
		if m.late(&s.Pages[i], now) {
			return true
		}
	}
	return false
}

// late reports whether a page should have been attempted a while ago.
func (m *Machine) late(p *request.Page, now time.Time) bool {
	var due time.Time
	if p.Recipient == request.ToSender || notifier.Beside(p.Channel) {
		return false // nobody of ours waits for it
	}
	switch p.State {
	case request.PageQueued:
		due = p.Ordered
	case request.PageRetrying:
		due = p.Made().RetryAt
	default:
		return false
	}
	return now.After(due.Add(lateAfter)) && now.Before(p.Expires.Time) && now.After(m.onPhoneUntil(p).Add(lateAfter))
}

// onPhoneUntil says until when the telephone of a call that waits may have been in another one; zero when there was none. A telephone is called once
// at a time, and a call that waits for that is not late. When a call ended is not kept, so the longest one is thought of.
func (m *Machine) onPhoneUntil(p *request.Page) (until time.Time) {
	if p.Channel != notifier.MediumVoice {
		return until
	}
	for ref := range m.asked[p.Person] {
		pages := m.entries[ref].state.Pages
		for i := range pages {
			q := &pages[i]
			if q.Channel != p.Channel || q.Person != p.Person || q.Contact != p.Contact {
				continue
			}
			for _, a := range q.Attempts {
				if a.RetryAt.IsZero() { // else nothing rang
					until = later(until, a.Started.Add(longestCall))
				}
			}
		}
	}
	return until
}
