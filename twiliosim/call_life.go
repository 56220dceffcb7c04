package twiliosim

import (
	"net/url"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

// How long detection takes.
const (
	detectHuman   = 2 * time.Second
	detectMachine = 4 * time.Second
	detectBeep    = 12 * time.Second // MachineDetection=DetectMessageEnd waits for the end of the greeting
)

// The final answers of the telephone network, in the SIP code that callbacks carry.
var sipCodes = map[CallStatus]int{
	CallCompleted: 200, CallFailed: 480, CallBusy: 486, CallNoAnswer: 487, CallCanceled: 487,
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
	c.Next(time.Until(slot), c.Dial)
}

// Came follows the call on the network.
func (c *call) Came(e phonesim.Event) {
	s := c.sim
	c.updated = time.Now().UTC()
	switch e {
	case phonesim.Initiated:
		s.report(c, eventInitiated, eventInitiated)
	case phonesim.Ringing:
		s.report(c, eventRinging, string(CallRinging))
	case phonesim.Answered:
		if c.PickedUpBy == Person {
			s.stats.Answered++
		}
		s.report(c, eventAnswered, string(CallInProgress))
		s.detect(c)
		if c.detection == "" || c.background {
			s.begin(c)
		}
	case phonesim.Ended:
		s.net.Drop(c.detecting)
		c.fetching, c.script, c.gathering = nil, nil, nil
		s.stats.Ended++
		s.report(c, eventCompleted, string(c.Status))
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
	c.detecting = s.net.At(time.Now().Add(takes), func() {
		c.AnsweredBy = result
		s.net.Changed()
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

// report tells the StatusCallback where the call is, if it listens to the event. Events are counted whether it does or not, as the
// vendor counts them.
func (s *Simulator) report(c *call, event, status string) {
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
	if c.Status.Ended() {
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
