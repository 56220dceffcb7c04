package twiliosim

import "time"

// A Status is where a text is. At the vendor, sent can be final where a carrier gives no receipts; here delivered or undelivered follows.
type Status string

// The statuses of a text. Outbound: accepted (a messaging service chooses the sender) or scheduled, queued, sent, then delivered or
// undelivered; failed where the carrier never took it; canceled by request. Inbound: receiving, received, or failed where nobody took it.
const (
	StatusAccepted    Status = "accepted"
	StatusScheduled   Status = "scheduled"
	StatusQueued      Status = "queued"
	StatusSent        Status = "sent"
	StatusDelivered   Status = "delivered"
	StatusUndelivered Status = "undelivered"
	StatusFailed      Status = "failed"
	StatusCanceled    Status = "canceled"
	StatusReceiving   Status = "receiving"
	StatusReceived    Status = "received"
)

// waiting tells whether the carrier has not taken the text yet, so that it can be canceled and cannot be deleted.
func (t Status) waiting() bool {
	return t == StatusAccepted || t == StatusScheduled || t == StatusQueued
}

// A Direction is the vendor's word for who sent a text.
type Direction string

// The directions of a text.
const (
	OutboundAPI   Direction = "outbound-api"
	OutboundReply Direction = "outbound-reply" // asked for by TwiML
	Inbound       Direction = "inbound"
)

// A Message is the full record of one text, in UTC. SentAt is zero until the carrier took it, EndedAt until its status is final, ShownAt
// as long as no phone shows it.
type Message struct {
	SID              string    `json:"sid"`
	Direction        Direction `json:"direction"`
	From             string    `json:"from"`
	To               string    `json:"to"`
	Body             string    `json:"body"`
	Segments         int       `json:"segments"`
	Status           Status    `json:"status"`
	ErrorCode        int       `json:"error_code,omitzero"`
	StatusCallback   string    `json:"status_callback,omitzero"`
	MessagingService string    `json:"messaging_service_sid,omitzero"`
	AcceptedAt       time.Time `json:"accepted_at"`
	SentAt           time.Time `json:"sent_at,omitzero"`
	EndedAt          time.Time `json:"ended_at,omitzero"`
	ShownAt          time.Time `json:"shown_at,omitzero"`
}

// A message is a Message with what only the simulator needs.
type message struct {
	Message
	said      string // what the phone shows: redacting changes the vendor's record only
	index     int    // in Simulator.messages
	updated   time.Time
	expires   time.Time // of the validity period
	media     int
	deferred  bool // has waited for a phone that is Late
	byNetwork bool // answers STOP, START or HELP: arrives at a phone that is opted out
	deleted   bool
}

// remote is the number of the phone, whichever way the text goes.
func (m *message) remote() string {
	if m.Direction == Inbound {
		return m.From
	}
	return m.To
}

// listed is the time that filters on DateSent compare.
func (m *message) listed() time.Time {
	if m.SentAt.IsZero() {
		return m.AcceptedAt
	}
	return m.SentAt
}

// Messages returns a copy of all texts that were not deleted, oldest first.
func (s *Simulator) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, 0, len(s.messages))
	for _, m := range s.messages {
		if !m.deleted {
			all = append(all, m.Message)
		}
	}
	return all
}

// message returns a text of the vendor's record, nil where there is none or it was deleted.
func (s *Simulator) message(sid string) *message {
	if m := s.bySID[sid]; m != nil && !m.deleted {
		return m
	}
	return nil
}

// add records a new text in the log of its phone.
func (s *Simulator) add(m *message) {
	now := time.Now().UTC()
	m.SID = s.sid("SM")
	if m.media > 0 {
		m.SID = "MM" + m.SID[2:]
	}
	m.said, m.Segments = m.Body, Segments(m.Body)
	m.AcceptedAt, m.updated = now, now
	m.index = len(s.messages)
	s.messages = append(s.messages, m)
	s.bySID[m.SID] = m
	p := s.phone(m.remote())
	p.log = append(p.log, m)
	s.changed()
}
