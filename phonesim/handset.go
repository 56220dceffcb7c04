package phonesim

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

// keys are what a phone has.
const keys = "0123456789*#"

// maxKeys bounds the keys of one Press, and those that Call.Pressed keeps.
const (
	maxKeys    = 64
	maxPressed = 1000
)

// occupied tells whether the phone rings or is spoken on: it is busy for another call.
func (h *Handset) occupied() bool { return h.line != nil && !h.line.Status.Ended() }

// attended tells whether somebody would pick this phone up.
func (h *Handset) attended() bool { return h.behaviour != NoAnswer && h.behaviour != Voicemail }

// Answer picks up the call that rings on a phone, as its holder does.
func (n *Network) Answer(number string) error {
	return n.handle("answer", number, func(h *Handset) error {
		switch {
		case h == nil || !h.occupied():
			return errNoRing
		case h.line.Status == CallInProgress:
			return errInCall
		case !h.attended():
			return errNobody
		}
		h.line.pickUp(Person)
		return nil
	})
}

// Press presses keys on a phone that is in a call: 0 to 9, * and #. What nobody listens to is pressed in vain.
func (n *Network) Press(number, digits string) error {
	if digits == "" || len(digits) > maxKeys || strings.Trim(digits, keys) != "" {
		return fmt.Errorf("press: %w", errKeys)
	}
	return n.handle("press", number, func(h *Handset) error {
		switch {
		case h == nil || !h.occupied():
			return errNoCall
		case h.line.Status == CallRinging:
			return errRingsOnly
		case !h.line.Talking():
			return errMachine
		}
		l := h.line
		for _, key := range digits {
			l.Pressed += string(key)
			l.caller.Key(string(key))
		}
		l.Pressed = l.Pressed[max(0, len(l.Pressed)-maxPressed):]
		n.Changed()
		return nil
	})
}

// HangUp ends the call of a phone: one that rings is declined, which the network reports as busy.
func (n *Network) HangUp(number string) error {
	return n.handle("hang up", number, func(h *Handset) error {
		switch {
		case h == nil || !h.occupied():
			return errNoCall
		case h.line.Status == CallRinging && !h.attended():
			return errNobody
		case h.line.Status == CallRinging:
			h.line.End(CallBusy)
		case !h.line.Talking():
			return errMachine
		default:
			h.line.End(CallCompleted)
		}
		return nil
	})
}

// handle does something with a phone, which is nil where there is none of this number.
func (n *Network) handle(what, number string, do func(*Handset) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := do(n.phones[number]); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
