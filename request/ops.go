package request

import (
	"encoding/binary"
	"strings"
	"time"
)

// opsCheck is the check character of what belongs to no request. The values whose check it is (36 of 37) never name a request ([NewRef]
// passes them over), so the reference alone says what it is: every place that reads, writes, speaks or stores one treats both alike.
const opsCheck = 'U'

const (
	requestSubjects = "requests."
	opsSubjects     = "ops."
)

// NewOpsRef derives the reference of an ops log, as of an alarm, from the first five bytes of mac, a keyed digest. Its log has the subject
// ops.<ref>, and it ends in U, as in 7K4M-2QX9-U. ok is false when mac is too short.
func NewOpsRef(mac []byte) (ref Ref, ok bool) {
	if len(mac) < 5 {
		return "", false
	}
	var wide [8]byte
	copy(wide[3:], mac[:5])
	const values = 1 << 40
	value := binary.BigEndian.Uint64(wide[:]) % (values / 37)
	return written(value*37+36, opsCheck), true
}

// written spells 40 bits and a check character.
func written(value uint64, check byte) Ref {
	var out [referenceLength]byte
	for i := range 8 {
		out[i] = alphabet[value>>(35-5*i)&31]
	}
	out[8] = check
	return Ref(out[:])
}

// IsOps reports whether the log belongs to no request: [State.Kind] says what it is about.
func (r Ref) IsOps() bool { return len(r) == referenceLength && r[referenceLength-1] == opsCheck }

// refOfOpsSubject is the reverse of [Ref.Subject] for ops logs.
func refOfOpsSubject(subject string) (Ref, bool) {
	text, ok := strings.CutPrefix(subject, opsSubjects)
	return Ref(text), ok && Ref(text).IsOps()
}

// The alarms that only ops logs carry, besides those that begin in a request's own log.
const (
	AlarmProvider AlarmKind = "provider_failing" // a provider takes nothing
	AlarmRedis    AlarmKind = "redis_away"       // Redis does not serve the newest roster to a node
	AlarmLog      AlarmKind = "log_was_away"     // NATS did not answer for a while; it cannot be stored before it is over
	AlarmClock    AlarmKind = "clock_offset"     // a node's clock and the log's differ by more than two seconds
	AlarmLate     AlarmKind = "page_late"        // a page was due and nobody has attempted it

	AlarmHandover AlarmKind = "handover_unconfirmed" // nobody has taken over the open requests of who went off duty

	AlarmGap        AlarmKind = "roster_gap"         // nobody will be on duty on a roster
	AlarmUnverified AlarmKind = "unverified_on_duty" // somebody without a verified telephone is on duty, or will be
	AlarmUncovered  AlarmKind = "coverage_broken"    // those who will be on duty break a coverage rule

	AlarmCanaryLost AlarmKind = "canary_lost" // what goes through a provider comes to nothing, whatever the provider says
	AlarmCanarySlow AlarmKind = "canary_slow" // it takes too long
)

// AlarmLead is how long before what it is about begins an alarm of the roster pages: until then it is told once, by day, and nobody is woken.
const AlarmLead = time.Hour

// AlarmKinds lists the kinds of alarm that page coordinators. Do not modify.
var AlarmKinds = []AlarmKind{
	AlarmUnanswered, AlarmNobody, AlarmNoChannel, AlarmProvider, AlarmRedis, AlarmLog, AlarmClock, AlarmLate,
	AlarmHandover, AlarmGap, AlarmUnverified, AlarmUncovered, AlarmFailing, AlarmCanaryLost, AlarmCanarySlow,
}

// StatusCleared is the end of an alarm: its cause is gone. Requests do not have it.
const StatusCleared Status = "cleared"

// Same reports whether two bodies are of one alarm: kind and cause identify it, the rest is told.
func (a AlarmBody) Same(b AlarmBody) bool { return a.Kind == b.Kind && a.Cause == b.Cause }

// OfRoster reports whether the alarm is about the roster as it is written: only an edit mends it, or time.
func (a AlarmBody) OfRoster() bool {
	return a.Kind == AlarmGap || a.Kind == AlarmUnverified || a.Kind == AlarmUncovered
}

// PagesFrom is when the alarm begins to page people: zero when at once.
func (a AlarmBody) PagesFrom() time.Time {
	if a.Due.IsZero() {
		return time.Time{}
	}
	return a.Due.Add(-AlarmLead)
}

// Quiet reports whether the alarm wakes nobody yet at t.
func (a AlarmBody) Quiet(t time.Time) bool { return t.Before(a.PagesFrom()) }

// Text is the cause with its detail, for people.
func (a AlarmBody) Text() string {
	if a.Detail == "" {
		return a.Cause
	}
	return a.Cause + ": " + a.Detail
}

// applyOps folds the events that mean something else in an ops log than in a request's: the first alarm_raised, matter_raised or
// handover_offered begins it, as received begins a request, and alarm_cleared or matter_ended ends it. done is false for all other events.
func (s *State) applyOps(c *Commit, e happening) (done bool, err error) {
	switch e.Type {
	case MatterRaised, HandoverOffered:
		return true, fold(e, func(b MatterBody) { s.begin(c, e.Type, b) })
	case HandoverConfirmed:
		return true, fold(e, func(b HandoverConfirmedBody) { s.confirmed(c, b) })
	case Acknowledged:
		if s.Kind() != OpsTest && s.Kind() != OpsCanary {
			return false, nil
		}
		return true, fold(e, func(b AcknowledgedBody) { s.proved(c, b) })
	case AttemptStarted, AttemptSent, AttemptDelivered:
		if s.Kind() != OpsCanary {
			return false, nil
		}
		return false, fold(e, func(b AttemptBody) { s.flown(c, e.Type, b) })
	case MatterEnded:
		return true, fold(e, func(b MatterEndedBody) { s.over(c, b) })
	case AlarmRaised:
		return true, fold(e, func(b AlarmBody) {
			if s.Alarm.Kind != "" || s.Matter != nil {
				if b.Same(s.Alarm) && !b.Due.IsZero() && !s.Status.Ended() { // it comes at another time than was thought
					s.Alarm, s.Alarms = b, []AlarmBody{b}
				}
				return // one log, one alarm
			}
			s.Alarm, s.Alarms = b, []AlarmBody{b}
			s.Urgency, s.Received, s.Status, s.Escalation = Critical, c.Time.Time, StatusReceived, Running
			if b.Urgency == Emergency {
				s.Urgency = Emergency
			}
		})
	case AlarmCleared:
		return true, fold(e, func(b AlarmBody) {
			if s.Kind() == OpsAlarm && b.Same(s.Alarm) && !s.Status.Ended() {
				s.Alarms, s.Cleared, s.Status, s.Escalation = nil, c.Time.Time, StatusCleared, Stopped
			}
		})
	default:
		return false, nil
	}
}

// Standing is the alarm that an ops log carries for one of a request's own: requests that share a trouble share its alarm.
func (a AlarmBody) Standing(of Ref) AlarmBody {
	switch {
	case a.Kind == AlarmUnanswered:
		a.Cause = "request " + of.String()
	case a.Kind == AlarmNobody && (a.Cause == "next" || strings.HasPrefix(a.Cause, "next:")): // nobody is next where nobody is on duty
		a.Cause = "roster" + strings.TrimPrefix(a.Cause, "next")
	}
	return AlarmBody{Kind: a.Kind, Cause: a.Cause}
}
