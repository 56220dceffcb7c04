package twiliosim

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
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

// Reply sends a text from a phone to the account's number that wrote to it last, and returns its SID. The text is handed to the webhook in
// the background: its status becomes received, or failed where nobody took it.
func (s *Simulator) Reply(number, body string) (string, error) {
	sid, err := s.reply(number, "", body)
	if err != nil {
		return "", fmt.Errorf("reply: %w", err)
	}
	return sid, nil
}

func (s *Simulator) reply(number, to, body string) (string, error) {
	switch {
	case !e164.MatchString(number):
		return "", errNoPhone
	case strings.TrimSpace(body) == "":
		return "", errors.New("the text is empty")
	case utf8.RuneCountInString(body) > maxBody:
		return "", fmt.Errorf("the text is longer than %d characters", maxBody)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case to == "":
		to = s.correspondent(number)
	case s.numbers[to] == nil:
		return "", errors.New("the recipient is not a number of the account")
	}
	return s.write(number, to, body), nil
}

// write sends a text from a phone to a number of the account.
func (s *Simulator) write(number, to, body string) (sid string) {
	m := &message{Message: Message{Direction: Inbound, From: number, To: to, Body: body, Status: StatusReceiving}}
	s.add(m)
	m.SentAt, m.ShownAt = m.AcceptedAt, m.AcceptedAt
	p := s.phone(number)
	p.shown = append(p.shown, m)
	s.stats.Replies++
	s.obey(p, m)
	s.offer(m)
	return m.SID
}

// correspondent is the account's number that wrote to the phone last.
func (s *Simulator) correspondent(number string) string {
	if p := s.phones[number]; p != nil {
		for _, m := range slices.Backward(p.log) {
			if m.Direction != Inbound && m.From != "" {
				return m.From
			}
		}
	}
	return s.serviceSender().Number
}

// obey does what the network does by itself where the text is one of its words. The text is handed to the webhook all the same.
func (s *Simulator) obey(p *phone, m *message) {
	word := strings.ToUpper(strings.TrimSpace(m.Body))
	switch {
	case slices.Contains(stopWords, word) && p.behaviour != OptedOut:
		p.behave(OptedOut)
		s.respond(m, p.number, stopAnswer, true)
	case slices.Contains(startWords, word) && p.behaviour == OptedOut:
		p.behaviour = p.before
		s.respond(m, p.number, startAnswer, true)
	case slices.Contains(helpWords, word):
		s.respond(m, p.number, helpAnswer, true)
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
