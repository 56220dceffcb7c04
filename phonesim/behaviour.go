package phonesim

// A Behaviour says how a phone, or the network before it, treats what is sent to it.
type Behaviour string

// The behaviours of a phone. What one does not change is as with Answers: texts arrive, and calls ring until somebody answers them, by
// [Network.Answer] or on the page, or until their time is over and then end as no-answer.
const (
	// Answers is the default.
	Answers Behaviour = "answers"
	// Busy: calls end as busy.
	Busy Behaviour = "busy"
	// NoAnswer: calls ring, and nobody is there to answer or decline them.
	NoAnswer Behaviour = "no_answer"
	// Voicemail: after Options.VoicemailDelay a machine answers, unless the call's time is over before. It listens to the end and presses
	// nothing; the call is completed. Machine detection, where the call asks for it, finds the machine.
	Voicemail Behaviour = "voicemail"
	// Unreachable: texts end undelivered; calls end as failed without ringing.
	Unreachable Behaviour = "unreachable"
	// OptedOut: no operator's texts arrive, each says so in its way; calls are not concerned.
	OptedOut Behaviour = "opted_out"
	// Late: texts wait Options.LateDelay, or expire where their validity ends before; calls are reported as ringing at once, but the phone
	// rings only for the second half of their time.
	Late Behaviour = "late"
	// Lies: texts are reported as delivered, but the phone never shows them; calls never ring, but are reported as answered by a human after
	// 5 s, followed to the end of their document and reported as completed. Nobody heard anything, and no key is pressed.
	Lies Behaviour = "lies"
	// Echoes: a machine sends every text that arrives back to the number that it came from.
	Echoes Behaviour = "echoes"
)

// Behaviours lists all behaviours in the order in which a person is offered them.
func Behaviours() []Behaviour {
	return []Behaviour{Answers, Busy, NoAnswer, Voicemail, Unreachable, OptedOut, Late, Lies, Echoes}
}
