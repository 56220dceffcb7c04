package twiliosim

import (
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

// What all operators on a network share: see package phonesim.
type (
	// Behaviour is what a phone does.
	Behaviour = phonesim.Behaviour
	// Call is a call on a phone.
	Call = phonesim.Call
	// CallStatus is where a call is.
	CallStatus = phonesim.CallStatus
	// Fault is how the REST API fails.
	Fault = phonesim.Fault
	// FaultMode is a way in which it does.
	FaultMode = phonesim.FaultMode
	// Party is who picked a call up.
	Party = phonesim.Party
	// Phone is what its holder sees.
	Phone = phonesim.Phone
	// Text is one bubble on a phone.
	Text = phonesim.Text
)

// The behaviours of a phone.
const (
	Answers     = phonesim.Answers
	Busy        = phonesim.Busy
	NoAnswer    = phonesim.NoAnswer
	Voicemail   = phonesim.Voicemail
	Unreachable = phonesim.Unreachable
	OptedOut    = phonesim.OptedOut
	Late        = phonesim.Late
	Lies        = phonesim.Lies
	Echoes      = phonesim.Echoes
)

// The statuses of a call. The REST API says queued until the network rings; a status callback then says initiated.
const (
	CallQueued     = phonesim.CallQueued
	CallRinging    = phonesim.CallRinging
	CallInProgress = phonesim.CallInProgress
	CallCompleted  = phonesim.CallCompleted
	CallBusy       = phonesim.CallBusy
	CallNoAnswer   = phonesim.CallNoAnswer
	CallFailed     = phonesim.CallFailed
	CallCanceled   = phonesim.CallCanceled
)

// Who can pick up.
const (
	Person  = phonesim.Person
	Machine = phonesim.Machine
	Nobody  = phonesim.Nobody
)

// The faults of the REST API.
const (
	FaultNone       = phonesim.FaultNone
	FaultSlow       = phonesim.FaultSlow
	FaultTooMany    = phonesim.FaultTooMany
	FaultInternal   = phonesim.FaultInternal
	FaultDown503    = phonesim.FaultDown503
	FaultTimeout    = phonesim.FaultTimeout
	FaultLostAnswer = phonesim.FaultLostAnswer
	FaultHang       = phonesim.FaultHang
	FaultDown       = phonesim.FaultDown
)

// Behaviours lists all behaviours in the order in which a person is offered them.
func Behaviours() []Behaviour { return phonesim.Behaviours() }

// FaultModes lists all modes in the order in which a person is offered them.
func FaultModes() []FaultMode { return phonesim.FaultModes() }

// Segments returns how many segments a text takes.
func Segments(text string) int { return phonesim.Segments(text) }

// Name is twilio.
func (*Simulator) Name() string { return "twilio" }

// Faults is how the REST API fails.
func (s *Simulator) Faults() *phonesim.Faults { return s.faults }

// SetFault makes the REST API fail for the duration d, or until changed where d is 0.
func (s *Simulator) SetFault(mode FaultMode, d time.Duration) error { return s.faults.Set(mode, d) }

// Fault returns the fault that holds now.
func (s *Simulator) Fault() Fault { return s.faults.Now() }

// Reset forgets all phones, texts, calls, faults and alerts of the network, as if it had just started.
func (s *Simulator) Reset() { s.net.Reset() }

// Phones returns all phones in the order in which they appeared, each with its newest texts.
func (s *Simulator) Phones() []Phone { return s.net.Phones() }

// Phone returns one phone with all its texts; false where the number was never written to, called nor configured.
func (s *Simulator) Phone(number string) (Phone, bool) { return s.net.Phone(number) }

// SetBehaviour changes how a phone treats what is sent to it from now on.
func (s *Simulator) SetBehaviour(number string, b Behaviour) error {
	return s.net.SetBehaviour(number, b)
}

// Reply sends a text from a phone to the number that wrote to it last, and returns its SID.
func (s *Simulator) Reply(number, body string) (string, error) { return s.net.Reply(number, body) }

// Answer picks up the call that rings on a phone, as its holder does.
func (s *Simulator) Answer(number string) error { return s.net.Answer(number) }

// Press presses keys on a phone that is in a call.
func (s *Simulator) Press(number, digits string) error { return s.net.Press(number, digits) }

// HangUp ends the call of a phone: one that rings is declined, which the network reports as busy.
func (s *Simulator) HangUp(number string) error { return s.net.HangUp(number) }
