package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// SenderMedium is the medium of messages to senders. No officer is asked over it.
const SenderMedium = "webhook"

// noticeLife is how long it is tried to tell a sender of something, from when it happened.
const noticeLife = 72 * time.Hour

// tellSender orders a notice of everything that the sender has not been told yet. Who has no webhook is told nothing; who gets one later is
// told what is not older than [noticeLife]. Nothing is told of a request that the sender withdrew: they know.
func (p *plan) tellSender() {
	if p.Webhook == nil || p.s.Status == request.StatusWithdrawn || !p.Webhook(p.s.Sender) {
		return
	}
	if grace := p.s.LastTime.Add(tooNewGrace); p.s.TooNew() && p.now.Before(grace) {
		p.wakeAt(grace)
		return
	}
	for _, news := range p.s.News {
		if !news.Told {
			p.tell(news.About, news.At)
		}
	}
	at, ok := p.s.Deadline()
	switch {
	case !ok || p.s.Owner != "" || p.s.Status.Ended():
	case p.now.Before(at):
		p.wakeAt(at)
	case p.s.MissedDeadline(p.now) && !p.hasPage(p.s.Sender, func(page *request.Page) bool {
		return page.Recipient == request.ToSender && page.About == request.NewsDeadlineMissed
	}):
		p.tell(request.NewsDeadlineMissed, at)
	}
}

// tell orders one notice to the sender.
func (p *plan) tell(about string, happened time.Time) {
	expires := happened.Add(noticeLife)
	if !p.now.Before(expires) {
		return
	}
	p.told = p.s.Sender
	p.add(request.PageOrdered, request.PageBody{
		Page: p.nextPage(), Purpose: request.Notice, About: about, Recipient: request.ToSender, Person: p.s.Sender,
		Channel: SenderMedium, Contact: SenderMedium, Expires: request.At(expires),
	})
}

// sender is where a page to a sender goes: their id, or "" when they have no webhook any more.
func (m *Machine) sender(p *request.Page) notifier.Phone {
	if m.planner.Webhook == nil || !m.planner.Webhook(p.Person) {
		return ""
	}
	return notifier.Phone(p.Person)
}
