package twiliosim

import (
	"fmt"
	"slices"
	"time"
)

// A Behaviour says how a phone, or the network before it, treats what is sent to it.
type Behaviour string

// The behaviours of a phone. Those that concern calls only let texts arrive.
const (
	Answers     Behaviour = "answers"     // the default
	Busy        Behaviour = "busy"        // calls only
	NoAnswer    Behaviour = "no_answer"   // calls only
	Voicemail   Behaviour = "voicemail"   // calls only
	Unreachable Behaviour = "unreachable" // texts end undelivered, 30003
	OptedOut    Behaviour = "opted_out"   // sending is refused with 21610
	Late        Behaviour = "late"        // texts wait Options.LateDelay, or fail with 30036 where their validity ends before
	Lies        Behaviour = "lies"        // texts are reported as delivered, but the phone never shows them
)

// Behaviours lists all behaviours in the order in which a person is offered them.
func Behaviours() []Behaviour {
	return []Behaviour{Answers, Busy, NoAnswer, Voicemail, Unreachable, OptedOut, Late, Lies}
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
