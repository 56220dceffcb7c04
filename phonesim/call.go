package phonesim

import "time"

// A CallStatus is where a call is, in the words of the first vendor.
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

// Ended tells whether nothing more happens in the call.
func (t CallStatus) Ended() bool { return t != CallQueued && t != CallRinging && t != CallInProgress }

// A Party is who picked a call up. Only the network knows it; vendors guess (Call.AnsweredBy), where they are asked to.
type Party string

// Who can pick up.
const (
	Person  Party = "person"
	Machine Party = "machine" // a Voicemail
	Nobody  Party = "nobody"  // a phone that Lies: the network claims that somebody did
)

// A Call is the full record of one call, in UTC; times are zero until they come.
type Call struct {
	SID        string     `json:"sid"`      // the operator's id
	Provider   string     `json:"provider"` // the name of the operator
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
