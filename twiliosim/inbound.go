package twiliosim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

// The words that opt a phone out and in again or explain it, as the whole text, in any case. Source: the vendor's page on opt-out keywords.
var (
	stopWords  = []string{"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
	startWords = []string{"START", "YES", "UNSTOP"}
	helpWords  = []string{"HELP", "INFO"}
)

// What the network itself answers to those words.
const (
	stopAnswer  = "You will get no more texts from this number. Send START to get them again."
	startAnswer = "You get texts from this number again. Send STOP to end them."
	helpAnswer  = "Send STOP to get no more texts from this number, START to get them again."
)

// defaultValidity is how long a text may wait in the vendor's queue unless it says otherwise, and the most that it may say.
const defaultValidity = 36_000 * time.Second

// Owns tells whether a number is the account's. The lock is held.
func (s *Simulator) Owns(number string) bool { return s.numbers[number] != nil }

// Take takes a text that a phone sends to one of the account's numbers, "" is the first, and gives its SID. The text is handed to the webhook
// in the background: its status becomes received, or failed where nobody took it. The lock is held.
func (s *Simulator) Take(from, to, body string) string {
	if to == "" {
		to = s.serviceSender().Number
	}
	m := &message{Message: Message{Direction: Inbound, From: from, To: to, Body: body, Status: StatusReceiving}}
	s.add(m)
	m.SentAt, m.ShownAt = m.AcceptedAt, m.AcceptedAt
	h := s.net.Handset(from)
	h.Show(m.bubble)
	s.stats.Replies++
	s.obey(h, m)
	s.offer(m)
	return m.SID
}

// obey does what the network does by itself where the text is one of its words. The text is handed to the webhook all the same.
func (s *Simulator) obey(h *phonesim.Handset, m *message) {
	word := strings.ToUpper(strings.TrimSpace(m.Body))
	switch {
	case slices.Contains(stopWords, word) && h.Behaviour() != OptedOut:
		h.StopTexts()
		s.respond(m, m.From, stopAnswer, true)
	case slices.Contains(startWords, word) && h.Behaviour() == OptedOut:
		h.StartTexts()
		s.respond(m, m.From, startAnswer, true)
	case slices.Contains(helpWords, word):
		s.respond(m, m.From, helpAnswer, true)
	}
}

// respond sends a text from the number that the inbound text was sent to.
func (s *Simulator) respond(inbound *message, to, body string, byNetwork bool) {
	m := &message{
		Message:   Message{Direction: OutboundReply, From: inbound.To, To: to, Body: body, Status: StatusQueued},
		byNetwork: byNetwork,
	}
	s.add(m)
	m.expires = m.AcceptedAt.Add(defaultValidity)
	s.send(m, m.AcceptedAt)
}

// offer hands an inbound text to the webhook of its number.
func (s *Simulator) offer(m *message) {
	target := s.opts.InboundURL
	if n := s.numbers[m.To]; n != nil && n.SMSURL != "" {
		target = n.SMSURL
	}
	if target == "" {
		m.EndedAt = time.Now().UTC()
		s.move(m, StatusFailed, codeNotRetrieved)
		s.alert("warning", codeNotRetrieved, m.SID, "no webhook for inbound texts is set")
		return
	}
	s.post(&webhook{sid: m.SID, target: target, then: func(got answer) { s.answered(m, got) }, form: url.Values{
		"AccountSid":    {s.opts.AccountSID},
		"ApiVersion":    {apiVersion},
		"Body":          {m.Body},
		"From":          {m.From},
		"MessageSid":    {m.SID},
		"NumMedia":      {"0"},
		"NumSegments":   {strconv.Itoa(m.Segments)},
		"SmsMessageSid": {m.SID},
		"SmsSid":        {m.SID},
		"SmsStatus":     {string(StatusReceived)},
		"To":            {m.To},
	}})
}

// answered settles an inbound text: the webhook took it, or nobody did.
func (s *Simulator) answered(m *message, got answer) {
	m.EndedAt = time.Now().UTC()
	if got.class != done {
		s.move(m, StatusFailed, codeNotRetrieved)
		return
	}
	s.move(m, StatusReceived, 0)
	texts, problems := readTwiML(got)
	for _, p := range problems {
		s.alert(p.level, p.code, m.SID, p.detail)
	}
	for _, t := range texts {
		to := t.to
		if to == "" {
			to = m.From
		}
		if !e164.MatchString(to) {
			s.alert("warning", codeInvalidTo, m.SID, "the recipient of a Message is not a phone number")
			continue
		}
		s.respond(m, to, t.body, false)
	}
}
