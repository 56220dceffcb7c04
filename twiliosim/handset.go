package twiliosim

import (
	"errors"
	"fmt"
	"strings"
)

// A handsetError says that the phone is not in the state that something asks for.
type handsetError string

func (e handsetError) Error() string { return string(e) }

// What a phone cannot do now.
const (
	errNoRing    = handsetError("no call is ringing on this phone")
	errInCall    = handsetError("the call is answered already")
	errNoCall    = handsetError("this phone is in no call")
	errRingsOnly = handsetError("the call rings and is not answered yet")
	errNobody    = handsetError("nobody is at this phone: set it to answers first")
	errMachine   = handsetError("a machine has taken this call")
)

var errKeys = errors.New("digits are 1 to 64 of 0-9, * and #")

// maxKeys bounds the keys of one Press, and those that Call.Pressed keeps.
const (
	maxKeys    = 64
	maxPressed = 1000
)

// occupied tells whether the phone rings or is spoken on: it is busy for another call.
func (p *phone) occupied() bool { return p.call != nil && !p.call.Status.ended() }

// attended tells whether somebody would pick this phone up.
func (p *phone) attended() bool { return p.behaviour != NoAnswer && p.behaviour != Voicemail }

// Answer picks up the call that rings on a phone, as its holder does.
func (s *Simulator) Answer(number string) error {
	return s.handle("answer", number, func(p *phone) error {
		switch {
		case p == nil || !p.occupied():
			return errNoRing
		case p.call.Status == CallInProgress:
			return errInCall
		case !p.attended():
			return errNobody
		}
		s.pickUp(p.call, Person)
		return nil
	})
}

// Press presses keys on a phone that is in a call: 0 to 9, * and #. What no Gather listens to is pressed in vain.
func (s *Simulator) Press(number, digits string) error {
	if digits == "" || len(digits) > maxKeys || strings.Trim(digits, keys) != "" {
		return fmt.Errorf("press: %w", errKeys)
	}
	return s.handle("press", number, func(p *phone) error {
		switch {
		case p == nil || !p.occupied():
			return errNoCall
		case p.call.Status == CallRinging:
			return errRingsOnly
		case !p.call.talking():
			return errMachine
		}
		c := p.call
		for _, key := range digits {
			c.Pressed += string(key)
			c.documents = 0
			s.key(c, string(key))
		}
		c.Pressed = c.Pressed[max(0, len(c.Pressed)-maxPressed):]
		s.changed()
		return nil
	})
}

// HangUp ends the call of a phone: one that rings is declined, which the network reports as busy.
func (s *Simulator) HangUp(number string) error {
	return s.handle("hang up", number, func(p *phone) error {
		switch {
		case p == nil || !p.occupied():
			return errNoCall
		case p.call.Status == CallRinging && !p.attended():
			return errNobody
		case p.call.Status == CallRinging:
			s.endCall(p.call, CallBusy)
		case !p.call.talking():
			return errMachine
		default:
			s.endCall(p.call, CallCompleted)
		}
		return nil
	})
}

// handle does something with a phone, which is nil where there is none of this number.
func (s *Simulator) handle(what, number string, do func(*phone) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := do(s.phones[number]); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
