package phonesim

import (
	"time"
	"unicode/utf8"
)

const (
	// lieAfter is how long it takes until a phone that Lies is reported as answered.
	lieAfter = 5 * time.Second
	// speechPerSecond is how many characters a voice says in a second.
	speechPerSecond = 15
)

// An Event is a step in the life of a call. Where the call is stands in its Status.
type Event string

// The events, in the order in which they come. Ended can come after each of the others, and comes once.
const (
	Initiated Event = "initiated" // the network was asked for the phone
	Ringing   Event = "ringing"
	Answered  Event = "answered" // by whom stands in PickedUpBy
	Ended     Event = "ended"
)

// A Caller is an operator's side of a call. Its methods are called with the lock held.
type Caller interface {
	// Came tells that the call came to a step.
	Came(Event)
	// Key is a key that a person pressed during the call.
	Key(key string)
}

// A Line is a call under way. Its operator fills in the Call's SID, Provider, From and To and how long it rings and lasts, and then dials.
// All methods are called with the lock held.
type Line struct {
	Call

	RingFor time.Duration // until nobody answered
	TalkFor time.Duration // the longest conversation

	net      *Network
	caller   Caller
	step     *Item // what happens next, unless something comes before
	limiting *Item // the end of TalkFor
}

// Place makes a call known to the network, in which it is queued. It rings when it is dialled.
func (n *Network) Place(l *Line, caller Caller) {
	l.net, l.caller = n, caller
	l.Status, l.CreatedAt = CallQueued, time.Now().UTC()
	n.Handset(l.To)
	n.Changed()
}

// Next replaces what the call does next. Of the time, the network's Speed is taken into account.
func (l *Line) Next(after time.Duration, do func()) {
	l.Rest()
	if l.net.opts.Speed > 0 {
		after = time.Duration(float64(after) / l.net.opts.Speed)
	}
	l.step = l.net.At(time.Now().Add(after), do)
}

// Rest forgets what the call does next.
func (l *Line) Rest() { l.net.Drop(l.step) }

// Dial asks the network for the phone.
func (l *Line) Dial() {
	l.StartedAt = time.Now().UTC()
	l.came(Initiated)
	l.Next(l.net.opts.DeliveryDelay, l.reach)
}

// reach finds the phone, as it behaves now.
func (l *Line) reach() {
	h := l.net.Handset(l.To)
	if h.behaviour == Unreachable {
		l.End(CallFailed)
		return
	}
	if h.behaviour == Busy || h.occupied() {
		l.End(CallBusy)
		return
	}
	l.Status = CallRinging
	l.came(Ringing)
	switch h.behaviour {
	case Lies:
		l.Next(min(lieAfter, l.RingFor), func() { l.pickUp(Nobody) })
	case Late:
		l.Next(l.RingFor/2, func() { l.ring(h, l.RingFor-l.RingFor/2) })
	default:
		l.ring(h, l.RingFor)
	}
}

// ring rings the phone, until it is answered or the time is over.
func (l *Line) ring(h *Handset, left time.Duration) {
	if h.occupied() { // by another call since
		l.End(CallBusy)
		return
	}
	l.RangAt = time.Now().UTC()
	h.line = l
	l.net.Changed()
	giveUp := func() { l.End(CallNoAnswer) }
	machine := l.net.opts.VoicemailDelay
	if machine >= left {
		l.Next(left, giveUp)
		return
	}
	l.Next(machine, func() {
		if h.behaviour == Voicemail {
			l.pickUp(Machine)
			return
		}
		l.Next(left-machine, giveUp)
	})
}

// pickUp begins the conversation.
func (l *Line) pickUp(by Party) {
	l.Rest()
	l.Status, l.PickedUpBy, l.AnsweredAt = CallInProgress, by, time.Now().UTC()
	l.Limit(l.TalkFor)
	l.came(Answered)
}

// Limit changes how long the conversation lasts at most, from its beginning on.
func (l *Line) Limit(d time.Duration) {
	l.TalkFor = d
	l.net.Drop(l.limiting)
	if l.Status == CallInProgress {
		l.limiting = l.net.At(l.AnsweredAt.Add(d), func() { l.End(CallCompleted) })
	}
}

// End ends the call, wherever it is.
func (l *Line) End(status CallStatus) {
	if l.Status.Ended() {
		return
	}
	l.Rest()
	l.net.Drop(l.limiting)
	l.Status, l.EndedAt = status, time.Now().UTC()
	l.came(Ended)
}

func (l *Line) came(e Event) {
	l.net.Changed()
	l.caller.Came(e)
}

// Say says a text, and then does what follows.
func (l *Line) Say(text string, then func()) {
	if len(l.Said) < maxSaid {
		l.Said = append(l.Said, text)
	}
	l.net.Changed()
	l.Next(l.net.speech(text), then)
}

// Idle tells whether saying a text takes no time and leaves no trace, so that it need not be repeated.
func (l *Line) Idle(text string) bool { return l.net.speech(text) == 0 && len(l.Said) >= maxSaid }

// speech is how long a text takes to say.
func (n *Network) speech(text string) time.Duration {
	if n.opts.SpeechRate <= 0 {
		return 0
	}
	return time.Duration(float64(utf8.RuneCountInString(text)) / speechPerSecond / n.opts.SpeechRate * float64(time.Second))
}

// Talking tells whether a person is in the call.
func (l *Line) Talking() bool { return l.Status == CallInProgress && l.PickedUpBy == Person }

// View copies the record.
func (l *Line) View() Call {
	v := l.Call
	v.Said = append([]string{}, l.Said...) // never null in JSON
	return v
}
