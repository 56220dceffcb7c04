package telephone

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

const (
	// RingTime is how long a phone rings, before most voicemails take the call.
	RingTime = 25 * time.Second
	// LongestCall bounds what is spoken, which is about 90 s when nobody presses a key: a machine that keeps the line would keep others from
	// the phone.
	LongestCall = 2 * time.Minute
	// KeyTimeout is how long silence after the question lasts before it is put again.
	KeyTimeout = 5 * time.Second

	// maxRepeats is how often the question is repeated into silence, or after an answer that could not be stored.
	maxRepeats = 3
)

// questions are what calls can be about, and what asks or tells it.
var questions = map[notifier.About]phrase.Key{
	notifier.AskToTake: phrase.VoiceAsk, notifier.TellWithdrawn: phrase.VoiceWithdrawn, notifier.AskToLookAfter: phrase.VoiceAlarm,
	notifier.AskToHandOver: phrase.VoiceHandoverOut, notifier.AskToTakeOver: phrase.VoiceHandoverIn, notifier.AskToAnswer: phrase.VoiceTest,
	notifier.TellOptedOut: phrase.VoiceContactStop, notifier.TellTextsFail: phrase.VoiceContactTexts, notifier.TellCallsFail: phrase.VoiceContactCalls,
}

// A Question is what a call asks or tells. It travels in addresses: [Question.Path] and [Question.Query] say all of it, [ReadQuestion] reads
// it back. A node needs no state to speak, and knows nothing of the request that may not be said aloud.
type Question struct {
	Ref     request.Ref
	Attempt string

	about    notifier.About
	reader   phrase.Language
	urgency  string // "" when it is not known
	language string // of the request, "" when it is not known
	alarm    string // kind of an alarm, "" when it is none
	repeats  int    // how often it was repeated without an answer
	try      int    // which PIN is asked for, counted from 1; 0: what is asked is the question itself
}

// QuestionOf is what a call about a message asks. ok is false for a page of a later version, which there are no words for.
func QuestionOf(m notifier.Message) (q Question, ok bool) {
	return Question{
		Ref: m.Ref, Attempt: m.Attempt, about: m.About, reader: phrase.Pick(m.Reader), urgency: word(string(m.Urgency)), language: mainLanguage(m.Language),
		alarm: alarmKind(string(m.Alarm)),
	}, questions[m.About] != ""
}

// ReadQuestion reads what stood in an address. ok is false when it is none of ours, or of a later version's; who listens can still be told
// so in the right language ([Question.Unknown]).
func ReadQuestion(ref, attempt string, query url.Values) (q Question, ok bool) {
	parsed, err := request.ParseRef(ref)
	q = Question{
		Ref: parsed, Attempt: attempt, about: notifier.About(query.Get("about")), reader: phrase.Pick(query.Get("reader")),
		urgency: word(query.Get("urgency")), language: mainLanguage(query.Get("language")), alarm: alarmKind(query.Get("alarm")),
	}
	if n, err := strconv.Atoi(query.Get("repeats")); err == nil {
		q.repeats = min(max(n, 0), maxRepeats)
	}
	if n, err := strconv.Atoi(query.Get("try")); err == nil {
		q.try = min(max(n, 0), maxTries)
	}
	_, isAttempt := request.PageOfAttempt(attempt)
	return q, err == nil && isAttempt && questions[q.about] != ""
}

// word keeps a name of an enumeration, and nothing that could be a text.
func word(s string) string {
	if len(s) > 16 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}

// alarmKind keeps the kind of an alarm that there are words for.
func alarmKind(s string) string {
	if !slices.Contains(request.AlarmKinds, request.AlarmKind(s)) {
		return ""
	}
	return s
}

// mainLanguage is the first part of a language tag; nothing that could be a text comes through.
func mainLanguage(tag string) string {
	base, _, _ := strings.Cut(tag, "-")
	base = strings.ToLower(base)
	if len(base) > 3 {
		return ""
	}
	return word(base)
}

// Path is the end of the question's addresses: reference and attempt.
func (q Question) Path() string { return string(q.Ref) + "/" + q.Attempt }

// Query is the rest of the question. It is the caller's own.
func (q Question) Query() url.Values {
	query := url.Values{"about": {string(q.about)}, "reader": {string(q.reader)}}
	for name, text := range map[string]string{"urgency": q.urgency, "language": q.language, "alarm": q.alarm} {
		if text != "" {
			query.Set(name, text)
		}
	}
	if q.repeats > 0 {
		query.Set("repeats", strconv.Itoa(q.repeats))
	}
	if q.try > 0 {
		query.Set("try", strconv.Itoa(q.try))
	}
	return query
}

// A Turn is what a call does next: it says each of the words, in Reader's language, and then listens, or ends.
type Turn struct {
	Reader phrase.Language
	Words  []string
	Next   *Question // what is keyed in, or silence, answers; nil: the call ends
}

// Keys is how many keys an answer has at most. The hash key ends a shorter one.
func (q Question) Keys() int {
	if q.try > 0 {
		return maxPIN
	}
	return 1
}

// Wait is how long silence lasts before it counts as the answer.
func (q Question) Wait() time.Duration {
	if q.try > 0 {
		return PINTimeout
	}
	return KeyTimeout
}

func (q Question) say(callSign string, keys ...phrase.Key) Turn {
	t := Turn{Reader: q.reader}
	for _, k := range keys {
		args := phrase.Args{Reference: q.Ref.String(), Urgency: q.urgency, Language: q.language, CallSign: callSign, Alarm: q.alarm}
		t.Words = append(t.Words, phrase.Spoken(q.reader, k, args))
	}
	return t
}

// Ask puts the question to whoever picked up.
func (q Question) Ask() Turn { return q.ask() }

// Unknown tells whoever picked up that the call is not valid any more.
func (q Question) Unknown() Turn { return q.say("", phrase.VoiceUnknown) }

// ask puts the question, after a remark on what came before.
func (q Question) ask(remarks ...phrase.Key) Turn {
	asked := questions[q.about]
	if q.try > 0 {
		asked = phrase.VoicePIN
	}
	t := q.say("", append(remarks, asked)...)
	t.Next = &q
	return t
}

// again repeats the question, and says goodbye once it was repeated often enough.
func (q Question) again(remarks ...phrase.Key) Turn {
	if q.repeats >= maxRepeats {
		return q.say("", phrase.VoiceGoodbye)
	}
	q.repeats++
	return q.ask(remarks...)
}

// confirmations say what became of a key. Whatever is not here belongs to texts: the call is over.
var confirmations = map[notifier.AnswerKind]phrase.Key{
	notifier.Taken: phrase.VoiceTaken, notifier.AlreadyYours: phrase.VoiceAlreadyYours, notifier.AlreadyTaken: phrase.VoiceAlreadyTaken,
	notifier.AlreadyEnded: phrase.VoiceAlreadyEnded, notifier.PassedOn: phrase.VoicePassedOn, notifier.CannotPass: phrase.VoiceCannotPass,
	notifier.AlarmTaken: phrase.VoiceAlarmTaken, notifier.AlarmOver: phrase.VoiceAlarmOver,
	notifier.Signed: phrase.VoiceSigned, notifier.TakenOver: phrase.VoiceTakenOver, notifier.AlreadyConfirmed: phrase.VoiceAlreadyConfirmed,
	notifier.HandoverOver: phrase.VoiceHandoverOver,
	notifier.TestPassed:   phrase.VoiceTestPassed, notifier.TestOver: phrase.VoiceTestOver,
	notifier.PINLocked: phrase.VoicePINLocked,
}

// Heard decides what comes after what was keyed in, or after silence (""), whatever happens. The press says the phone, and the provider's name
// and id of the call; the rest of it is the question's. What decides is stored before the end of ctx, which
// must leave the provider the time to speak.
func (q Question) Heard(ctx context.Context, keys string, press notifier.KeyPress, sink notifier.Sink, log *zap.Logger) (next Turn) {
	defer func() {
		if trouble := recover(); trouble != nil {
			log.Error("panic while taking a key", zap.Stringer("request", q.Ref), zap.Stack("stack"))
			next = q.again(phrase.VoiceTryAgain)
		}
	}()
	press.Ref, press.Attempt, press.Key = q.Ref, q.Attempt, notifier.Key(keys)
	notice := !q.about.Asks()
	switch {
	case q.try > 0 && keys != "" && keys != "#":
		press.Key, press.PIN, press.Try = notifier.KeyTake, notifier.PIN(keys), q.try
	case q.try > 0:
		return q.again()
	case press.Key == notifier.KeyRepeat:
		q.repeats = 0
		return q.ask()
	case press.Key == "" && notice:
		return Turn{Reader: q.reader}
	case press.Key == "":
		return q.again()
	case notice, press.Key != notifier.KeyTake && press.Key != notifier.KeyPass, press.Key == notifier.KeyPass && q.about != notifier.AskToTake:
		// an alarm goes to all at once, and a handover to whoever is on duty: there is nobody to pass it on to
		return q.ask(phrase.VoiceWrongKey)
	}
	answer := sink.Key(ctx, press)
	switch {
	case answer.Kind == notifier.TryAgain:
		return q.again(phrase.VoiceTryAgain)
	case answer.Kind == notifier.PINWanted, answer.Kind == notifier.WrongPIN:
		return q.askPIN()
	}
	said, ok := confirmations[answer.Kind]
	if !ok {
		said = phrase.VoiceUnknown
	}
	return q.say(answer.CallSign, said)
}
