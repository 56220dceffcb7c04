package twiliosim

import (
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

// A Status is where a text is. At the vendor, sent can be final where a carrier gives no receipts; here delivered or undelivered follows.
type Status = phonesim.Status

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

// A Direction is the vendor's word for who sent a text.
type Direction = phonesim.Direction

// The directions of a text.
const (
	OutboundAPI   Direction = "outbound-api"
	OutboundReply Direction = "outbound-reply" // asked for by TwiML
	Inbound                 = phonesim.Inbound
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
	bubble    *phonesim.Text // what the phone shows: redacting changes the vendor's record only
	index     int            // in Simulator.messages
	updated   time.Time
	expires   time.Time // of the validity period
	media     int
	deferred  bool // has waited for a phone that is Late
	byNetwork bool // answers STOP, START or HELP: arrives at a phone that is opted out
	deleted   bool
}

// waiting tells whether the carrier has not taken the text yet, so that it can be canceled and cannot be deleted.
func (m *message) waiting() bool {
	return m.Status == StatusAccepted || m.Status == StatusScheduled || m.Status == StatusQueued
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
	s.net.Lock()
	defer s.net.Unlock()
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
	m.Segments = Segments(m.Body)
	m.bubble = &phonesim.Text{SID: m.SID, Provider: s.Name(), Direction: m.Direction, Body: m.Body, Status: m.Status, From: m.From}
	m.AcceptedAt, m.updated = now, now
	m.index = len(s.messages)
	s.messages = append(s.messages, m)
	s.bySID[m.SID] = m
	s.byPhone[m.remote()] = append(s.byPhone[m.remote()], m)
	s.net.Handset(m.remote()).Log(m.bubble)
	s.net.Changed()
}
