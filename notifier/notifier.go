// Package notifier says what it is to reach a human: a [Message] that one attempt hands to a provider, the [Channel] that takes it,
// the [Outcome] that comes back, and the [Lane] that decides, purely, which of the waiting pages goes next.
package notifier

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Phone is a telephone number in E.164, as +15005550100. It prints masked: a whole number never reaches a log line.
type Phone string

// Masked keeps the country's first digit and the last two: +1…00. Of what is no number in E.164 (a short code, a name) it keeps nothing.
func (p Phone) Masked() string {
	if len(p) < 8 || p[0] != '+' || strings.Trim(string(p[1:]), "0123456789") != "" {
		return "…"
	}
	return string(p[:2]) + "…" + string(p[len(p)-2:])
}

// String is the masked form; convert with string(p) where the number itself is needed.
func (p Phone) String() string { return p.Masked() }

// GoString is the masked form: %#v shows no number either.
func (p Phone) GoString() string { return p.Masked() }

// LogValue is the masked form.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.Masked()) }

// About says what a message tells, for the phrase that renders it.
type About string

// What messages can be about.
const (
	AskToTake      About = "ask"       // take this request; carries a code
	TellWithdrawn  About = "withdrawn" // its sender withdrew it
	AskToLookAfter About = "alarm"     // look after this alarm; carries a code

	TellAhead      About = "alarm_ahead"       // coordinators: what is wrong with the roster, and from when on
	TellShiftSoon  About = "shift_soon"        // a shift begins, from when to when
	TellShiftNow   About = "shift_now"         // it has begun; how many requests are open
	AskToHandOver  About = "handover_out"      // who goes off duty: their open requests pass on; carries a code
	AskToTakeOver  About = "handover_in"       // who comes on duty: open requests pass to them; carries a code
	TellHandedOver About = "handed_over"       // who went off duty: who has the requests now
	TellNotSigned  About = "handover_unsigned" // coordinators: who went off duty has not confirmed
	AskToCover     About = "cover"             // take this shift for a colleague; carries a code
	AskToAnswer    About = "test"              // a test page: answer it; carries a code
	AskProbe       About = request.AboutCanary // a machine: send this back; carries a code

	TellCoverTaken   About = "cover_taken"   // who asked for cover: who has it
	TellCoverExpired About = "cover_expired" // who asked for cover, and coordinators: nobody took it

	TellContactAhead About = "contact_ahead" // coordinators: a contact of a colleague fails, and they are not on duty yet
	TellOptedOut     About = "contact_stop"  // an officer, over another contact: texts do not reach them because of a STOP
	TellTextsFail    About = "contact_texts" // the same, for another reason
	TellCallsFail    About = "contact_calls" // calls do not reach them
)

// Asks reports whether the message asks for something, and carries a code to answer with.
func (a About) Asks() bool {
	switch a {
	case AskToTake, AskToLookAfter, AskToHandOver, AskToTakeOver, AskToCover, AskToAnswer, AskProbe:
		return true
	default:
		return false
	}
}

// A Duty fills the words of what is told of shifts, handovers and cover requests. It holds no name and no case.
type Duty struct {
	Roster      string        // id
	CallSign    string        // of the colleague whom it concerns; several are separated by commas
	Open        int           // requests that are open
	Requests    []request.Ref // that are handed over
	From, Until time.Time     // of the shift, in the zone of its roster
	Digits      string        // the last two of the number that fails
	Number      string        // ours, from which texts to that number go
}

// A Message is what one attempt hands to a provider. It holds nothing of the content of a request, and no person but its recipient.
type Message struct {
	Ref      request.Ref
	Page     string
	Attempt  string
	About    About
	Alarm    request.AlarmKind // of an alarm: what is wrong, in one word
	Duty     Duty              // of a shift, a handover or a cover request
	To       Phone             // of an e-mail or a webhook: the address; of a message to a sender: their id
	CallSign string            // of the recipient; "" of a sender
	Urgency  request.Urgency
	Language string    // of the request (BCP 47), "" when unknown
	Reader   string    // language in which the recipient is addressed (BCP 47)
	Code     string    // six digits, for what asks
	Status   []byte    // of a message to a sender: what they may know of the request at this moment, as JSON
	Ordered  time.Time // the page, about when what a notice tells happened
	Expires  time.Time
	// Since is when the page was first attempted: a look-up need not search before it.
	Since time.Time
	// More are further pages that ask the same recipient and go in the same text. Each is a page of its own, with its own code.
	More []Further
	// Joint names the text in which the page went with others, as [JointOf] does; "" when it went alone.
	Joint string
	// Others are the provider's ids of what is known to have gone to the same number for other pages since. A look-up over a medium that
	// carries no mark of the page (a call) takes none of them for this page; over any other medium they say nothing new.
	Others []string
}

// A Further is a page that asks together with another one.
type Further struct {
	Ref      request.Ref
	Page     string
	Urgency  request.Urgency
	Language string // of the request (BCP 47)
	Code     string
}

// JointOf names a text for several pages by the attempt that it was planned for.
func JointOf(ref request.Ref, attempt string) string { return string(ref) + "." + attempt }

// LogValue says which message it is, without the code and with the number masked.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("request", m.Ref.String()), slog.String("page", m.Page), slog.String("attempt", m.Attempt),
		slog.String("about", string(m.About)), slog.String("urgency", string(m.Urgency)), slog.Any("to", m.To))
}

// What [Channel.Medium] says of the ways to reach people.
const (
	MediumSMS   = "sms"
	MediumVoice = "voice"
	// MediumEmail goes beside the telephone: nobody answers over it.
	MediumEmail = "email"
	// MediumHook goes beside the telephone to a webhook of a person's own, which rosters call webhook. In events that word means what goes to
	// senders: another channel, with other keys, other words and another life.
	MediumHook = "hook"
)

// Beside reports whether a medium goes beside the telephone: nobody answers over it, and what goes over it carries no code.
func Beside(medium string) bool { return medium == MediumEmail || medium == MediumHook }

// An Outcome is what is known after a call to a provider. Exactly one of the types below.
type Outcome interface{ outcome() }

// Accepted says that the provider has the message and will report on it under this id.
type Accepted struct {
	ProviderID string
	// Delivered says that there is nothing left to report: no provider stands in between, and the recipient itself has taken it.
	Delivered bool
}

// Failed says that the provider does not have the message, or that nobody knows ([request.FailedUnknown]).
type Failed struct {
	Kind       request.FailureKind
	Code       string        // the provider's error code, or a word: timeout, connection, http_503
	RetryAfter time.Duration // what the provider asked for; 0: nothing said
}

// NotFound says that a look-up found no trace of the message.
type NotFound struct{}

func (Accepted) outcome() {}
func (Failed) outcome()   {}
func (NotFound) outcome() {}

// A Channel hands messages to one provider over one medium. Accepted never means more than that the provider has the message: only a code
// or a key acknowledges. Implementations are safe for concurrent use and end every call by ctx's
// deadline. A panic in one is a [Failed] of unknown kind to its caller.
type Channel interface {
	// Name is the provider's name in events: twilio.
	Name() string
	// Medium is the channel's name in events: [MediumSMS], [MediumVoice], [MediumEmail], [MediumHook].
	Medium() string
	// Lane names the lane (one provider number) that serves a recipient; always the same for the same recipient, so that a conversation
	// stays on one number.
	Lane(to Phone) string
	// Send hands the message over: Accepted or Failed.
	Send(ctx context.Context, m Message) Outcome
	// Find asks the provider whether an earlier attempt of the same page arrived: Accepted, NotFound or Failed.
	Find(ctx context.Context, m Message) Outcome
}
