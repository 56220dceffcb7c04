package vonagesim

import (
	"maps"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

const (
	defaultRinging = 60 * time.Second
	defaultLength  = 2 * time.Hour
	detectHuman    = 2 * time.Second
	detectMachine  = 4 * time.Second
)

// A conversation is a call on a network of phones: it follows the actions that its webhooks answer with. All happens under the lock.
type conversation struct {
	phonesim.Line

	sim    *Simulator
	call   *Call // as the vendor lists it
	order  order
	left   []action // of the NCCO
	input  *action  // that waits for keys
	digits string
	asked  int // counts questions: an answer to an earlier one is late
	epoch  int // of the account when it was placed
}

var _ phonesim.Caller = (*conversation)(nil)

// dial places a call on the network. The lock is held.
func (s *Simulator) dial(c *Call, o order) {
	seconds := func(n int, otherwise time.Duration) time.Duration {
		if n <= 0 {
			return otherwise
		}
		return time.Duration(n) * time.Second
	}
	v := &conversation{sim: s, call: c, order: o, epoch: s.epoch, Line: phonesim.Line{
		Call:    phonesim.Call{SID: c.UUID, Provider: s.Name(), From: "+" + c.From, To: "+" + c.To},
		RingFor: seconds(o.RingingTimer, defaultRinging), TalkFor: seconds(o.LengthTimer, defaultLength),
	}}
	s.net.Place(&v.Line, v)
	v.Next(s.opts.DeliveryDelay, v.Dial)
}

// endings are the vendor's words for how a call ended.
var endings = map[phonesim.CallStatus]string{
	phonesim.CallCompleted: "completed", phonesim.CallBusy: "busy", phonesim.CallNoAnswer: "timeout", phonesim.CallFailed: failed, phonesim.CallCanceled: "cancelled",
}

// Came follows the call on the network.
func (v *conversation) Came(e phonesim.Event) {
	switch e {
	case phonesim.Initiated:
		v.report("started", nil)
	case phonesim.Ringing:
		v.report("ringing", nil)
	case phonesim.Answered:
		v.report("answered", nil)
		v.detect()
		v.ask(v.order.AnswerURL[0], "answer", map[string]any{})
	case phonesim.Ended:
		v.left, v.input = nil, nil
		v.asked++
		more := map[string]any{"end_time": v.EndedAt.Format(time.RFC3339)}
		if !v.AnsweredAt.IsZero() {
			more["start_time"] = v.AnsweredAt.Format(time.RFC3339)
			more["duration"] = strconv.Itoa(int(v.EndedAt.Sub(v.AnsweredAt).Seconds()))
		}
		v.report(endings[v.Status], more)
	}
}

// report posts where the call is.
func (v *conversation) report(status string, more map[string]any) {
	s := v.sim
	v.call.Status = status
	if len(v.order.EventURL) == 0 {
		return
	}
	payload := map[string]any{
		"uuid": v.call.UUID, "conversation_uuid": "CON-" + v.call.UUID, "from": v.call.From, "to": v.call.To,
		"status": status, "direction": "outbound", "timestamp": s.now().Format(time.RFC3339),
	}
	maps.Copy(payload, more)
	s.net.Go(func() { _, _, _ = s.Deliver(v.order.EventURL[0], payload) }) // the vendor posts it once, too
}

// detect guesses who picked up, where the call asks for it. The conversation does not wait for that.
func (v *conversation) detect() {
	if v.order.MachineDetection == "" {
		return
	}
	result, takes := "human", detectHuman
	if v.PickedUpBy == phonesim.Machine {
		result, takes = "machine", detectMachine
	}
	v.sim.net.At(time.Now().Add(takes), func() {
		if v.Status == phonesim.CallInProgress {
			v.AnsweredBy = result
			v.report(result, nil)
			v.sim.net.Changed()
		}
	})
}

// ask asks a webhook what follows.
func (v *conversation) ask(address, kind string, payload map[string]any) {
	s := v.sim
	v.Rest()
	v.left, v.input, v.digits = nil, nil, ""
	v.asked++
	question := v.asked
	s.net.Go(func() {
		ncco, err := s.retrieve(v.call, address, kind, payload)
		s.mu.Lock()
		defer s.mu.Unlock()
		if v.asked != question || v.epoch != s.epoch {
			return
		}
		if err == nil && ncco != nil {
			if err = follow(&Call{}, ncco); err == nil { // it is one that can be followed to its end
				v.left, err = read(ncco)
			}
		}
		if err != nil {
			v.call.Trouble = err.Error()
		}
		v.proceed()
	})
}

// proceed carries out the next action; after the last the call ends.
func (v *conversation) proceed() {
	if len(v.left) == 0 {
		v.End(phonesim.CallCompleted)
		return
	}
	next := v.left[0]
	switch next.Action {
	case "talk":
		v.Say(next.Text, func() {
			v.left = v.left[1:]
			v.proceed()
		})
	default: // an input
		v.left, v.input = v.left[1:], &next
		v.listen()
	}
}

// listen waits for the next key, or the end of the input's time.
func (v *conversation) listen() {
	v.Next(time.Duration(v.input.DTMF.TimeOut)*time.Second, func() { v.entered(true) })
}

// Key hands a key to the input. The first one ends what is said before it, where that may be ended.
func (v *conversation) Key(key string) {
	for v.input == nil {
		if len(v.left) == 0 || v.left[0].Action == "talk" && !v.left[0].BargeIn {
			return // nobody listens
		}
		if v.left[0].Action == "talk" {
			v.left = v.left[1:]
			continue
		}
		v.proceed()
	}
	if key == "#" && v.input.DTMF.SubmitOnHash {
		v.entered(false)
		return
	}
	v.digits += key
	if len(v.digits) == v.input.DTMF.MaxDigits {
		v.entered(false)
		return
	}
	v.listen()
}

// entered tells the webhook of an input what was entered.
func (v *conversation) entered(timedOut bool) {
	v.ask(v.input.EventURL[0], "event", map[string]any{
		"dtmf": map[string]any{"digits": v.digits, "timed_out": timedOut}, "speech": map[string]any{"results": []any{}},
	})
}
