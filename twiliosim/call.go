package twiliosim

import "time"

// A CallStatus is where a call is, in the words of the REST API. A status callback also knows initiated, which the REST API calls queued.
type CallStatus string

// The statuses of a call: queued until the network rings, ringing, in-progress from the moment somebody or something picked up, and one
// of the others at the end.
const (
	CallQueued     CallStatus = "queued"
	CallRinging    CallStatus = "ringing"
	CallInProgress CallStatus = "in-progress"
	CallCompleted  CallStatus = "completed" // was in progress. It does not mean that a person heard anything
	CallBusy       CallStatus = "busy"      // the phone was in a call, is Busy, or its holder declined
	CallNoAnswer   CallStatus = "no-answer"
	CallFailed     CallStatus = "failed"
	CallCanceled   CallStatus = "canceled" // by request, before anybody picked up
)

// callStatuses lists all of them, for those who filter by one.
var callStatuses = []string{
	string(CallQueued), string(CallRinging), string(CallInProgress), string(CallCompleted),
	string(CallBusy), string(CallNoAnswer), string(CallFailed), string(CallCanceled),
}

// ended tells whether nothing more happens in the call.
func (t CallStatus) ended() bool { return t != CallQueued && t != CallRinging && t != CallInProgress }

// A Party is who picked a call up. Only the simulator knows it; the vendor guesses (Call.AnsweredBy), where it is asked to.
type Party string

// Who can pick up.
const (
	Person  Party = "person"
	Machine Party = "machine" // a Voicemail
	Nobody  Party = "nobody"  // a phone that Lies: the network claims that somebody did
)

// A Call is the full record of one call, in UTC; times are zero until they come.
type Call struct {
	SID        string     `json:"sid"`
	From       string     `json:"from"`
	To         string     `json:"to"`
	Status     CallStatus `json:"status"`
	Said       []string   `json:"said"`    // what the line said, in order; the first maxSaid
	Pressed    string     `json:"pressed"` // all keys, whether anything listened or not
	PickedUpBy Party      `json:"picked_up_by,omitzero"`
	AnsweredBy string     `json:"answered_by,omitzero"` // what answering machine detection said
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  time.Time  `json:"started_at,omitzero"` // the network was asked to ring the phone
	RangAt     time.Time  `json:"rang_at,omitzero"`    // the phone rang
	AnsweredAt time.Time  `json:"answered_at,omitzero"`
	EndedAt    time.Time  `json:"ended_at,omitzero"`
}

// maxSaid bounds the memory that a document which repeats itself can take.
const maxSaid = 1000

// A call is a Call with what only the simulator needs.
type call struct {
	Call
	index   int // in Simulator.calls
	updated time.Time
	deleted bool

	// As it was asked for.
	url, fallback, callback webhookURL
	amdCallback             webhookURL
	twiml                   string
	events                  map[string]bool
	timeout                 time.Duration // of ringing
	limit                   time.Duration // of speaking
	detection               string        // MachineDetection
	detectionLimit          time.Duration
	background              bool // AsyncAmd

	// As it goes.
	sequence  int      // of the next status callback
	step      *item    // what happens next, unless something comes before
	limiting  *item    // the end of limit
	detecting *item    // the end of machine detection
	fetching  *webhook // the document that is waited for
	script    *script  // the document that is followed
	gathering *gathering
	documents int // in a row, without a key
}

// A webhookURL is where something is asked or told, and how.
type webhookURL struct{ target, method string }

// talking tells whether a person is in the call.
func (c *call) talking() bool { return c.Status == CallInProgress && c.PickedUpBy == Person }

// seconds is how long the call was spoken, as it is billed: begun ones count.
func (c *call) seconds() int {
	if c.AnsweredAt.IsZero() || c.EndedAt.IsZero() {
		return 0
	}
	return begun(c.EndedAt.Sub(c.AnsweredAt), time.Second)
}

// begun counts the units of time that have begun within d.
func begun(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

// view copies the record.
func (c *call) view() Call {
	v := c.Call
	v.Said = append([]string{}, c.Said...) // never null in JSON
	return v
}

// Calls returns a copy of all calls that were not deleted, oldest first.
func (s *Simulator) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Call, 0, len(s.calls))
	for _, c := range s.calls {
		if !c.deleted {
			all = append(all, c.view())
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

// say records what the line says.
func (c *call) say(text string) {
	if len(c.Said) < maxSaid {
		c.Said = append(c.Said, text)
	}
}
