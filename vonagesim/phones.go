package vonagesim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

var _ phonesim.Operator = (*Simulator)(nil)

const (
	// repeatEvery and repeatFor are how often, and how long, the vendor posts again what nobody took about a text.
	repeatEvery = time.Minute
	repeatFor   = 24 * time.Hour
	// longestWait is how long a text waits where it says nothing, and the most that it may say.
	longestWait = 72 * time.Hour
	// defaultSender answers for an account of which no number is known.
	defaultSender = "+15005550012"
)

// The statuses of a text that the network gives it.
const (
	accepted  = "accepted" // by the carrier
	delivered = "delivered"
	expired   = "expired"
	failed    = "failed"
	rejected  = "rejected"
	receiving = "receiving" // of a text that a phone sent: nobody has taken it yet
	received  = "received"
)

// The codes of receipts (https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts).
const (
	noError          = "0"
	absentSubscriber = "2"
	optedOut         = "9"
)

// join makes the account an operator of its network.
func (s *Simulator) join() {
	s.mu, s.ctx = s.net, s.net.Context()
	s.faults = s.net.NewFaults(func(w http.ResponseWriter, _ *http.Request, status int) {
		write(w, status, map[string]any{"type": "https://developer.nexmo.com/api-errors", "title": http.StatusText(status), "detail": "a fault that was asked for"})
	})
	switch {
	case s.opts.DeliveryDelay == 0:
		s.opts.DeliveryDelay = 50 * time.Millisecond
	case s.opts.DeliveryDelay < 0:
		s.opts.DeliveryDelay = 0
	}
	s.net.Join(s)
}

// Name is vonage.
func (*Simulator) Name() string { return "vonage" }

// Owns tells whether a number is the account's. The lock is held.
func (s *Simulator) Owns(number string) bool {
	return slices.Contains(s.opts.Numbers, number) || slices.ContainsFunc(s.texts, func(t *Text) bool { return "+"+t.From == number })
}

// Faults is how the interfaces fail.
func (s *Simulator) Faults() *phonesim.Faults { return s.faults }

// Mount adds the vendor's interfaces.
func (s *Simulator) Mount(api, _ *http.ServeMux) {
	for _, path := range []string{"/sms/json", "/v1/calls", "/v2/reports/"} {
		api.HandleFunc(path, s.faults.Wrap(s.ServeHTTP))
	}
}

// Forget forgets all texts and calls. Ids are never given twice. The lock is held.
func (s *Simulator) Forget() {
	s.epoch++
	s.texts, s.calls = nil, nil
}

// A letter is a text on its way over the network.
type letter struct {
	text     *Text
	bubble   *phonesim.Text
	taken    time.Time
	expires  time.Time
	deferred bool // has waited for a phone that is Late
}

// carry takes a text to its phone. The lock is held.
func (s *Simulator) carry(t *Text) {
	now := time.Now()
	wait := longestWait
	if ms, err := strconv.ParseInt(t.Form.Get("ttl"), 10, 64); err == nil && ms > 0 {
		wait = min(wait, time.Duration(ms)*time.Millisecond)
	}
	l := &letter{text: t, taken: now, expires: now.Add(wait), bubble: &phonesim.Text{
		SID: t.ID, Provider: s.Name(), Direction: "outbound-api", Body: t.Body, Status: phonesim.Status(t.Status), From: "+" + t.From,
	}}
	s.net.Handset("+" + t.To).Log(l.bubble)
	s.net.Changed()
	s.hand(l, now.Add(s.opts.DeliveryDelay))
}

// hand lets the carrier take a text at the time given, or the text expire before.
func (s *Simulator) hand(l *letter, at time.Time) {
	if at.After(l.expires) {
		s.net.At(l.expires, func() { s.lose(l, expired, noError) })
		return
	}
	s.net.At(at, func() { s.handOver(l) })
}

func (s *Simulator) handOver(l *letter) {
	switch h := s.net.Handset("+" + l.text.To); {
	case h.Behaviour() == phonesim.Late && !l.deferred:
		l.deferred = true
		s.hand(l, l.taken.Add(s.net.LateDelay()))
		return
	case h.Behaviour() == phonesim.OptedOut:
		s.lose(l, rejected, optedOut)
		return
	}
	s.move(l, accepted, noError)
	s.net.At(time.Now().Add(s.opts.DeliveryDelay), func() { s.arrive(l) })
}

func (s *Simulator) arrive(l *letter) {
	h := s.net.Handset("+" + l.text.To)
	switch h.Behaviour() {
	case phonesim.Unreachable:
		s.lose(l, failed, absentSubscriber)
		return
	case phonesim.Lies:
		h.Lose()
	case phonesim.Echoes:
		h.Show(l.bubble)
		s.net.At(time.Now().Add(s.opts.DeliveryDelay), func() { s.Take("+"+l.text.To, l.bubble.From, l.text.Body) })
	default:
		h.Show(l.bubble)
	}
	s.move(l, delivered, noError)
}

// lose ends a text that will not arrive.
func (s *Simulator) lose(l *letter, status, code string) {
	s.net.Handset("+" + l.text.To).Lose()
	s.move(l, status, code)
}

// move sets a status and reports it, where a receipt is wanted.
func (s *Simulator) move(l *letter, status, code string) {
	t := l.text
	t.Status, l.bubble.Status = status, phonesim.Status(status)
	s.net.Changed()
	if receipt := t.receipt(code); receipt.address != "" && t.Form.Get("status-report-req") != "false" {
		s.tell(receipt, func(bool) {})
	}
}

// Take takes a text that a phone sends to one of the account's numbers, "" is the first, and gives its id. The lock is held.
func (s *Simulator) Take(from, to, body string) string {
	if to == "" {
		to = defaultSender
		if len(s.opts.Numbers) > 0 {
			to = s.opts.Numbers[0]
		}
	}
	bubble := &phonesim.Text{
		SID: fmt.Sprintf("0B%s%06X", strings.ToUpper(s.series), s.id()), Provider: s.Name(), Direction: phonesim.Inbound, Body: body, Status: receiving,
	}
	h := s.net.Handset(from)
	h.Log(bubble)
	h.Show(bubble)
	s.net.Changed()
	s.tell(notice{s.opts.InboundURL, written(bubble.SID, from[1:], to[1:], body)}, func(taken bool) {
		bubble.Status = failed
		if taken {
			bubble.Status = received
		}
		s.net.Changed()
	})
	return bubble.SID
}

// tell posts a webhook about a text until somebody takes it, and then says whether somebody did. The lock is held, then as now.
func (s *Simulator) tell(n notice, then func(taken bool)) {
	epoch, until := s.epoch, time.Now().Add(repeatFor)
	var post func()
	post = func() {
		s.net.Go(func() {
			status, err := s.DeliverText(n.address, n.params)
			s.mu.Lock()
			defer s.mu.Unlock()
			next := time.Now().Add(repeatEvery)
			switch taken := err == nil && status < 300; {
			case s.epoch != epoch:
			case taken || n.address == "" || next.After(until):
				then(taken)
			default:
				s.net.At(next, post)
			}
		})
	}
	post()
}
