package twiliosim

import (
	"fmt"
	"slices"
	"time"
)

// A Behaviour says how a phone, or the network before it, treats what is sent to it.
type Behaviour string

// The behaviours of a phone. What one does not change is as with Answers: texts arrive, and calls ring until somebody answers them, by
// [Simulator.Answer] or on the page, or until their Timeout and then end as no-answer.
const (
	// Answers is the default.
	Answers Behaviour = "answers"
	// Busy: calls end as busy.
	Busy Behaviour = "busy"
	// NoAnswer: calls ring, and nobody is there to answer or decline them.
	NoAnswer Behaviour = "no_answer"
	// Voicemail: after Options.VoicemailDelay a machine answers, unless the call's Timeout is over before. It listens to the end and presses
	// nothing; the call is completed. Machine detection says machine_start or, with DetectMessageEnd, machine_end_beep.
	Voicemail Behaviour = "voicemail"
	// Unreachable: texts end undelivered, 30003; calls end as failed without ringing.
	Unreachable Behaviour = "unreachable"
	// OptedOut: sending is refused with 21610; calls are not concerned.
	OptedOut Behaviour = "opted_out"
	// Late: texts wait Options.LateDelay, or fail with 30036 where their validity ends before; calls are reported as ringing at once, but
	// the phone rings only for the second half of their Timeout.
	Late Behaviour = "late"
	// Lies: texts are reported as delivered, but the phone never shows them; calls never ring, but are reported as answered by a human after
	// 5 s, followed to the end of their document and reported as completed. Nobody heard anything, and no key is pressed.
	Lies Behaviour = "lies"
	// Echoes: a machine sends every text that arrives back to the number that it came from, after Options.DeliveryDelay.
	Echoes Behaviour = "echoes"
)

// Behaviours lists all behaviours in the order in which a person is offered them.
func Behaviours() []Behaviour {
	return []Behaviour{Answers, Busy, NoAnswer, Voicemail, Unreachable, OptedOut, Late, Lies, Echoes}
}

// A FaultMode is a way in which the REST API fails.
type FaultMode string

// The faults of the REST API. Except for LostAnswer they hit every request alike.
const (
	FaultNone       FaultMode = "none"
	FaultSlow       FaultMode = "slow"        // every answer takes 3 s longer
	FaultTooMany    FaultMode = "429"         // 20429 with Retry-After: 1
	FaultInternal   FaultMode = "500"         // 20500 as JSON
	FaultDown503    FaultMode = "503"         // an HTML page, as load balancers send
	FaultTimeout    FaultMode = "timeout"     // held for 30 s, then 504; nothing is accepted
	FaultLostAnswer FaultMode = "lost_answer" // a POST is carried out, and the connection closed without an answer
	FaultHang       FaultMode = "hang"        // held until the client gives up; nothing is accepted
	FaultDown       FaultMode = "down"        // the connection is closed at once
)

// FaultModes lists all modes in the order in which a person is offered them.
func FaultModes() []FaultMode {
	return []FaultMode{
		FaultNone, FaultSlow, FaultTooMany, FaultInternal, FaultDown503, FaultTimeout, FaultLostAnswer, FaultHang, FaultDown,
	}
}

// A Fault is the mode that holds now. Until is zero where it holds until changed.
type Fault struct {
	Mode  FaultMode `json:"mode"`
	Until time.Time `json:"until,omitzero"`
}

// SetFault makes the REST API fail for the duration d, or until changed where d is 0.
func (s *Simulator) SetFault(mode FaultMode, d time.Duration) error {
	if !slices.Contains(FaultModes(), mode) {
		return fmt.Errorf("set fault: unknown mode %q", mode)
	}
	if d < 0 {
		return fmt.Errorf("set fault: negative duration %s", d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = Fault{Mode: mode}
	if d > 0 && mode != FaultNone {
		s.fault.Until = time.Now().UTC().Add(d)
	}
	s.changed()
	return nil
}

// Fault returns the fault that holds now.
func (s *Simulator) Fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fault.Until.IsZero() && !time.Now().Before(s.fault.Until) {
		s.fault = Fault{Mode: FaultNone}
	}
	return s.fault
}
