package twiliosim

import (
	"net/url"
	"strconv"
	"time"
)

// The codes that end a text. Source: the vendor's error dictionary.
const (
	codeUnreachable = 30003
	codeExpired     = 30036
	codeOptedOut    = 21610
)

// send starts an accepted text on its way; it is due at the carrier at the time due at the earliest.
func (s *Simulator) send(m *message, due time.Time) {
	if m.Status != StatusAccepted && m.Status != StatusScheduled {
		s.enqueue(m, due.Add(s.opts.DeliveryDelay))
		return
	}
	s.schedule.at(due.Add(s.opts.DeliveryDelay), func() {
		if !m.Status.waiting() {
			return
		}
		if m.From == "" {
			m.From = s.serviceSender().Number
		}
		s.move(m, StatusQueued, 0)
		s.enqueue(m, time.Now().Add(s.opts.DeliveryDelay))
	})
}

// enqueue gives the text its place in the lane of its sender.
func (s *Simulator) enqueue(m *message, slot time.Time) {
	if n := s.numbers[m.From]; n != nil && s.opts.TextsPerSecond > 0 {
		if n.next.After(slot) {
			slot = n.next
		}
		if !slot.After(m.expires) {
			n.next = slot.Add(time.Duration(float64(time.Second) / s.opts.TextsPerSecond))
		}
	}
	s.hand(m, slot)
}

// hand lets the carrier take the text at the time given, or the text expire before.
func (s *Simulator) hand(m *message, at time.Time) {
	if at.After(m.expires) {
		s.schedule.at(m.expires, func() { s.fail(m, StatusFailed, codeExpired) })
		return
	}
	s.schedule.at(at, func() { s.handOver(m) })
}

func (s *Simulator) handOver(m *message) {
	if !m.Status.waiting() {
		return
	}
	switch s.phone(m.To).behaviour {
	case Late:
		if !m.deferred {
			m.deferred = true
			s.hand(m, m.AcceptedAt.Add(s.opts.LateDelay))
			return
		}
	case OptedOut:
		if !m.byNetwork {
			s.fail(m, StatusFailed, codeOptedOut)
			return
		}
	default: // the others do not concern the carrier
	}
	m.SentAt = time.Now().UTC()
	s.move(m, StatusSent, 0)
	s.schedule.at(time.Now().Add(s.opts.DeliveryDelay), func() { s.arrive(m) })
}

func (s *Simulator) arrive(m *message) {
	p := s.phone(m.To)
	if p.behaviour == Unreachable {
		s.fail(m, StatusUndelivered, codeUnreachable)
		return
	}
	m.EndedAt = time.Now().UTC()
	if p.behaviour == Lies {
		p.lost++
	} else {
		m.ShownAt = m.EndedAt
		p.shown = append(p.shown, m)
		s.stats.Shown++
	}
	if p.behaviour == Echoes {
		s.schedule.at(m.EndedAt.Add(s.opts.DeliveryDelay), func() { s.write(p.number, m.From, m.Body) })
	}
	s.stats.Delivered++
	s.move(m, StatusDelivered, 0)
}

// fail ends a text that will not arrive.
func (s *Simulator) fail(m *message, status Status, code int) {
	if status != StatusUndelivered && !m.Status.waiting() {
		return
	}
	m.EndedAt = time.Now().UTC()
	s.stats.Failed++
	s.phone(m.To).lost++
	s.move(m, status, code)
}

// move sets a status and reports it.
func (s *Simulator) move(m *message, status Status, code int) {
	m.Status, m.ErrorCode, m.updated = status, code, time.Now().UTC()
	s.changed()
	if m.StatusCallback == "" || m.deleted {
		return
	}
	form := url.Values{
		"AccountSid":    {s.opts.AccountSID},
		"ApiVersion":    {apiVersion},
		"From":          {m.From},
		"MessageSid":    {m.SID},
		"MessageStatus": {string(status)},
		"SmsSid":        {m.SID},
		"SmsStatus":     {string(status)},
		"To":            {m.To},
	}
	if m.MessagingService != "" {
		form.Set("MessagingServiceSid", m.MessagingService)
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
	}
	s.post(&webhook{sid: m.SID, target: m.StatusCallback, form: form})
}
