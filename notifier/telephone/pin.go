package telephone

import (
	"time"

	"github.com/dutyline/dutyline/phrase"
)

const (
	// PINTimeout is how long silence after the question for a PIN, or within one, lasts before it is put again.
	PINTimeout = 8 * time.Second
	// maxPIN is how many digits a PIN has at most.
	maxPIN = 8
	// maxTries is how many PINs a call takes.
	maxTries = 3
)

// askPIN asks for a PIN, again after a wrong one, and ends the call after too many. Which one it is stands in the address: a press that the
// provider repeats is of the same try, and nobody goes back to an earlier one.
func (q Question) askPIN() Turn {
	q.repeats = 0
	if q.try++; q.try > maxTries {
		return q.say("", phrase.VoiceWrongPIN, phrase.VoicePINFailed)
	}
	if q.try == 1 {
		return q.ask()
	}
	return q.ask(phrase.VoiceWrongPIN)
}
