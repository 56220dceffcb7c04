package request

import "encoding/json"

// A Parsed is a stored commit that was read once, the bodies of its events with it. It is immutable: any number of states may fold it, in any
// number of goroutines.
type Parsed struct {
	commit Commit
	stored []byte
	events []happening
	err    error
}

// happening is an event with its body, read.
type happening struct {
	Type EventType
	body any // a pointer to the type of bodies; nil when the type has none, or it cannot be read
	err  error
}

// bodies says how the bodies of those events are read of which the fold wants to know more than their type. Do not modify.
var bodies = map[EventType]func(json.RawMessage) (any, error){
	Received: readBody[ReceivedBody], Amended: readBody[AmendedBody], Escalated: readBody[EscalatedBody],
	PageOrdered: readBody[PageBody], PageCancelled: readBody[PageBody], PageExpired: readBody[PageBody],
	AttemptStarted: readBody[AttemptBody], AttemptTakenOver: readBody[AttemptBody], AttemptSent: readBody[AttemptBody],
	AttemptDelivered: readBody[AttemptBody], AttemptAnswered: readBody[AttemptBody], AttemptFailed: readBody[AttemptBody],
	Acknowledged: readBody[AcknowledgedBody], Passed: readBody[PassedBody], AcknowledgementUndone: readBody[UndoneBody],
	AcknowledgementLapsed: readBody[LapsedBody], UrgencyChanged: readBody[UrgencyChangedBody], Opened: readBody[OpenedBody],
	AlarmRaised: readBody[AlarmBody], AlarmCleared: readBody[AlarmBody],
	MatterRaised: readBody[MatterBody], HandoverOffered: readBody[MatterBody], MatterEnded: readBody[MatterEndedBody],
	HandoverConfirmed: readBody[HandoverConfirmedBody],
}

func readBody[B any](data json.RawMessage) (any, error) {
	body := new(B)
	if readPlain(data, body) {
		return body, nil
	}
	*body = *new(B) // of what was begun nothing is kept
	if err := json.Unmarshal(data, body); err != nil {
		return nil, err
	}
	return body, nil
}

// Parse reads stored bytes. What is wrong with them comes out when they are folded, and by [Parsed.Err].
func Parse(stored []byte) *Parsed {
	p := &Parsed{stored: stored}
	if p.commit, p.err = Decode(stored); p.err != nil {
		return p
	}
	p.events = make([]happening, len(p.commit.Events))
	for i, e := range p.commit.Events {
		p.events[i].Type = e.Type
		if read := bodies[e.Type]; read != nil {
			p.events[i].body, p.events[i].err = read(e.Body)
		}
	}
	return p
}

// Err is what kept the bytes from being a commit; it wraps [ErrCommit].
func (p *Parsed) Err() error { return p.err }

// Commit is the envelope with the events as they are stored. Do not modify.
func (p *Parsed) Commit() *Commit { return &p.commit }

// Body gives the body of the n-th event, counting from 0, when it is a B. Do not modify what it points to.
func Body[B any](p *Parsed, n int) (*B, bool) {
	if n >= len(p.events) {
		return nil, false
	}
	body, ok := p.events[n].body.(*B)
	return body, ok
}
