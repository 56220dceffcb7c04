package twiliosim

import (
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

// callStatuses lists all of them, for those who filter by one.
var callStatuses = []string{
	string(CallQueued), string(CallRinging), string(CallInProgress), string(CallCompleted),
	string(CallBusy), string(CallNoAnswer), string(CallFailed), string(CallCanceled),
}

// A call is a call of the network with what only the vendor knows of it.
type call struct {
	phonesim.Line
	sim     *Simulator
	index   int // in Simulator.calls
	updated time.Time
	deleted bool

	// As it was asked for.
	url, fallback, callback webhookURL
	amdCallback             webhookURL
	twiml                   string
	events                  map[string]bool
	detection               string // MachineDetection
	detectionLimit          time.Duration
	background              bool // AsyncAmd

	// As it goes.
	sequence  int            // of the next status callback
	detecting *phonesim.Item // the end of machine detection
	fetching  *webhook       // the document that is waited for
	script    *script        // the document that is followed
	gathering *gathering
	documents int // in a row, without a key
}

// A webhookURL is where something is asked or told, and how.
type webhookURL struct{ target, method string }

// seconds is how long the call was spoken, as it is billed: begun ones count.
func (c *call) seconds() int {
	if c.AnsweredAt.IsZero() || c.EndedAt.IsZero() {
		return 0
	}
	return begun(c.EndedAt.Sub(c.AnsweredAt), time.Second)
}

// begun counts the units of time that have begun within d.
func begun(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

// Calls returns a copy of all calls that were not deleted, oldest first.
func (s *Simulator) Calls() []Call {
	s.net.Lock()
	defer s.net.Unlock()
	all := make([]Call, 0, len(s.calls))
	for _, c := range s.calls {
		if !c.deleted {
			all = append(all, c.View())
		}
	}
	return all
}

// callOf returns a call of the vendor's record, nil where there is none or it was deleted.
func (s *Simulator) callOf(sid string) *call {
	if c := s.callBySID[sid]; c != nil && !c.deleted {
		return c
	}
	return nil
}
