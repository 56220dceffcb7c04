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
	s.net.At(due.Add(s.opts.DeliveryDelay), func() {
		if !m.waiting() {
			return
		}
		if m.From == "" {
			m.From = s.serviceSender().Number
			m.bubble.From = m.From
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
		s.net.At(m.expires, func() { s.fail(m, StatusFailed, codeExpired) })
		return
	}
	s.net.At(at, func() { s.handOver(m) })
}

func (s *Simulator) handOver(m *message) {
	if !m.waiting() {
		return
	}
	switch s.net.Handset(m.To).Behaviour() {
	case Late:
		if !m.deferred {
			m.deferred = true
			s.hand(m, m.AcceptedAt.Add(s.net.LateDelay()))
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
	s.net.At(time.Now().Add(s.opts.DeliveryDelay), func() { s.arrive(m) })
}

func (s *Simulator) arrive(m *message) {
	h := s.net.Handset(m.To)
	if h.Behaviour() == Unreachable {
		s.fail(m, StatusUndelivered, codeUnreachable)
		return
	}
	m.EndedAt = time.Now().UTC()
	if h.Behaviour() == Lies {
		h.Lose()
	} else {
		m.ShownAt = m.EndedAt
		h.Show(m.bubble)
		s.stats.Shown++
	}
	if h.Behaviour() == Echoes {
		s.net.At(m.EndedAt.Add(s.opts.DeliveryDelay), func() { s.Take(m.To, m.From, m.Body) })
	}
	s.stats.Delivered++
	s.move(m, StatusDelivered, 0)
}

// fail ends a text that will not arrive.
func (s *Simulator) fail(m *message, status Status, code int) {
	if status != StatusUndelivered && !m.waiting() {
		return
	}
	m.EndedAt = time.Now().UTC()
	s.stats.Failed++
	s.net.Handset(m.To).Lose()
	s.move(m, status, code)
}

// move sets a status and reports it.
func (s *Simulator) move(m *message, status Status, code int) {
	m.Status, m.ErrorCode, m.updated = status, code, time.Now().UTC()
	m.bubble.Status, m.bubble.ErrorCode = status, code
	s.net.Changed()
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
