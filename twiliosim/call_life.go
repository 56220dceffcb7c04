package twiliosim

import (
	"net/url"
	"strconv"
	"time"
)

// How long the network and machines take.
const (
	lieAfter      = 5 * time.Second // until a phone that Lies is reported as answered
	detectHuman   = 2 * time.Second
	detectMachine = 4 * time.Second
	detectBeep    = 12 * time.Second // MachineDetection=DetectMessageEnd waits for the end of the greeting
)

// The final answers of the telephone network, in the SIP code that callbacks carry.
var sipCodes = map[CallStatus]int{
	CallCompleted: 200, CallFailed: 480, CallBusy: 486, CallNoAnswer: 487, CallCanceled: 487,
}

// next replaces what the call does next.
func (s *Simulator) next(c *call, after time.Duration, do func()) {
	s.schedule.drop(c.step)
	if s.opts.Speed > 0 {
		after = time.Duration(float64(after) / s.opts.Speed)
	}
	c.step = s.schedule.at(time.Now().Add(after), do)
}

// place gives the call its place in the lane of its sender.
func (s *Simulator) place(c *call) {
	slot := c.CreatedAt.Add(s.opts.DeliveryDelay)
	if n := s.numbers[c.From]; n != nil && s.opts.CallsPerSecond > 0 {
		if n.nextCall.After(slot) {
			slot = n.nextCall
		}
		n.nextCall = slot.Add(time.Duration(float64(time.Second) / s.opts.CallsPerSecond))
	}
	s.next(c, time.Until(slot), func() { s.dial(c) })
}

// dial asks the network for the phone.
func (s *Simulator) dial(c *call) {
	c.StartedAt = time.Now().UTC()
	c.updated = c.StartedAt
	s.report(c, eventInitiated, "initiated")
	s.next(c, s.opts.DeliveryDelay, func() { s.reach(c) })
}

// reach finds the phone, as it behaves now.
func (s *Simulator) reach(c *call) {
	p := s.phone(c.To)
	if p.behaviour == Unreachable {
		s.endCall(c, CallFailed)
		return
	}
	if p.behaviour == Busy || p.occupied() {
		s.endCall(c, CallBusy)
		return
	}
	c.Status, c.updated = CallRinging, time.Now().UTC()
	s.report(c, eventRinging, string(CallRinging))
	switch p.behaviour {
	case Lies:
		s.next(c, min(lieAfter, c.timeout), func() { s.pickUp(c, Nobody) })
	case Late:
		s.next(c, c.timeout/2, func() { s.ring(c, p, c.timeout-c.timeout/2) })
	default:
		s.ring(c, p, c.timeout)
	}
}

// ring rings the phone, until it is answered or the time is over.
func (s *Simulator) ring(c *call, p *phone, left time.Duration) {
	if p.occupied() { // by another call since
		s.endCall(c, CallBusy)
		return
	}
	c.RangAt = time.Now().UTC()
	p.call = c
	s.changed()
	giveUp := func() { s.endCall(c, CallNoAnswer) }
	if s.opts.VoicemailDelay >= left {
		s.next(c, left, giveUp)
		return
	}
	s.next(c, s.opts.VoicemailDelay, func() {
		if p.behaviour == Voicemail {
			s.pickUp(c, Machine)
			return
		}
		s.next(c, left-s.opts.VoicemailDelay, giveUp)
	})
}

// pickUp begins the conversation.
func (s *Simulator) pickUp(c *call, by Party) {
	now := time.Now().UTC()
	s.schedule.drop(c.step)
	c.Status, c.PickedUpBy, c.AnsweredAt, c.updated = CallInProgress, by, now, now
	if by == Person {
		s.stats.Answered++
	}
	s.report(c, eventAnswered, string(CallInProgress))
	s.limitCall(c)
	s.detect(c)
	if c.detection == "" || c.background {
		s.begin(c)
	}
}

// limitCall ends the call when its TimeLimit is over.
func (s *Simulator) limitCall(c *call) {
	s.schedule.drop(c.limiting)
	if c.Status == CallInProgress {
		c.limiting = s.schedule.at(c.AnsweredAt.Add(c.limit), func() { s.endCall(c, CallCompleted) })
	}
}

// detect finds out what answered, where the call asks for it. The call waits for the result unless that happens in the background.
func (s *Simulator) detect(c *call) {
	if c.detection == "" {
		return
	}
	result, takes := "human", detectHuman
	if c.PickedUpBy == Machine {
		result, takes = "machine_start", detectMachine
		if c.detection == detectMessageEnd {
			result, takes = "machine_end_beep", detectBeep
		}
	}
	if takes > c.detectionLimit {
		result, takes = "unknown", c.detectionLimit
	}
	c.detecting = s.schedule.at(time.Now().Add(takes), func() {
		c.AnsweredBy = result
		s.changed()
		switch {
		case !c.background && c.script == nil && c.fetching == nil: // it was given no document meanwhile
			s.begin(c)
		case c.background && c.amdCallback.target != "":
			s.post(&webhook{sid: c.SID, target: c.amdCallback.target, method: c.amdCallback.method, form: url.Values{
				"AccountSid":               {s.opts.AccountSID},
				"CallSid":                  {c.SID},
				"AnsweredBy":               {result},
				"MachineDetectionDuration": {strconv.FormatInt(takes.Milliseconds(), 10)},
			}})
		}
	})
}

// endCall ends the call, wherever it is.
func (s *Simulator) endCall(c *call, status CallStatus) {
	for _, it := range []*item{c.step, c.limiting, c.detecting} {
		s.schedule.drop(it)
	}
	c.fetching, c.script, c.gathering = nil, nil, nil
	c.Status, c.EndedAt = status, time.Now().UTC()
	c.updated = c.EndedAt
	s.stats.Ended++
	s.report(c, eventCompleted, string(status))
}

// report tells the StatusCallback where the call is, if it listens to the event. Events are counted whether it does or not, as the
// vendor counts them.
func (s *Simulator) report(c *call, event, status string) {
	s.changed()
	sequence := c.sequence
	c.sequence++
	if c.callback.target == "" || !c.events[event] {
		return
	}
	form := s.callForm(c)
	form.Set("CallStatus", status)
	form.Set("CallbackSource", "call-progress-events")
	form.Set("SequenceNumber", strconv.Itoa(sequence))
	form.Set("Timestamp", time.Now().UTC().Format(time.RFC1123Z))
	if c.Status.ended() {
		spoken := time.Duration(c.seconds()) * time.Second
		form.Set("CallDuration", strconv.Itoa(c.seconds()))
		form.Set("Duration", strconv.Itoa(begun(spoken, time.Minute)))
		form.Set("SipResponseCode", strconv.Itoa(sipCodes[c.Status]))
	}
	s.post(&webhook{sid: c.SID, target: c.callback.target, method: c.callback.method, form: form})
}

// callForm is what every webhook of a call says.
func (s *Simulator) callForm(c *call) url.Values {
	form := url.Values{
		"AccountSid": {s.opts.AccountSID},
		"ApiVersion": {apiVersion},
		"CallSid":    {c.SID},
		"CallStatus": {string(c.Status)},
		"Called":     {c.To},
		"Caller":     {c.From},
		"Direction":  {string(OutboundAPI)},
		"From":       {c.From},
		"To":         {c.To},
	}
	if c.AnsweredBy != "" {
		form.Set("AnsweredBy", c.AnsweredBy)
	}
	return form
}
