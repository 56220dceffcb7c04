package notifiertest

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
)

// A Behaviour is what a fake provider does with every call that comes after it was told so.
type Behaviour string

// The behaviours. In all but Accept, LoseAnswer and Garble the provider takes nothing.
const (
	Accept              Behaviour = "accept"
	RefuseContact       Behaviour = "refuse_contact"       // says that this contact cannot be reached this way
	RefuseConfiguration Behaviour = "refuse_configuration" // says that our account or number is set up wrong
	TooMany             Behaviour = "too_many"             // processes nothing and asks to come back after [RetryAfter]
	Unavailable         Behaviour = "unavailable"          // answers that it is out of order, as HTTP 503 does
	LoseAnswer          Behaviour = "lose_answer"          // takes the message, and the connection breaks before the answer
	Garble              Behaviour = "garble"               // takes the message, and answers success with nothing that can be read
	Hang                Behaviour = "hang"                 // never answers; tells [Provider.Hung] of each call
	Down                Behaviour = "down"                 // takes no connection
)

// Behaviours lists them. Do not modify.
var Behaviours = []Behaviour{Accept, RefuseContact, RefuseConfiguration, TooMany, Unavailable, LoseAnswer, Garble, Hang, Down}

// RetryAfter is the pause that a provider asks for when it is told to behave as [TooMany].
const RetryAfter = 7 * time.Second

// An Arrival is a message that the provider took.
type Arrival struct {
	To         notifier.Phone
	Text       string // all that the recipient reads, or hears before a key is pressed
	ProviderID string
}

// A Provider is a fake provider and the channel that speaks to it. It starts out with [Accept] and is safe for concurrent use.
type Provider interface {
	// Channel is always the same one.
	Channel() notifier.Channel
	// Behave sets the behaviour from the next call on.
	Behave(b Behaviour)
	// Hung gives a value for each call that hangs. It need not be read.
	Hung() <-chan struct{}
	// Arrived is everything that was taken, oldest first.
	Arrived() []Arrival
}

// A Harness starts providers.
type Harness struct {
	// New starts one; what must be stopped is left to t.Cleanup. All of a harness are configured alike.
	New func(t *testing.T) Provider
	// NoLookUp says that the provider cannot be asked what arrived: Find finds nothing, and recipients know by its id what comes twice.
	NoLookUp bool
	// Certain says that the provider's protocol leaves no doubt about a refusal, and has no word for when to come back, as SMTP: it is known
	// that [Unavailable] took nothing, and [TooMany] asks for no pause.
	Certain bool
}
