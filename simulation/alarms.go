package simulation

import (
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

const (
	watchEvery   = 5 * time.Second
	headPatience = 4 * time.Second
	late         = 31 * time.Second // of a page that nobody attempts
)

// look lets the node look for trouble after a while. The real node looks every five seconds; here it looks when the answer may have changed, at
// moments that are five seconds apart.
func (n *node) look(after time.Duration) {
	at := n.w.now + after
	if after > 200*time.Millisecond || after == 0 {
		phase := time.Duration(n.index) * 1700 * time.Millisecond
		at += watchEvery - (at-phase)%watchEvery
	}
	if n.lookAt >= n.w.now && n.lookAt <= at {
		if after > watchEvery { // not forgotten: there is one task for the next look alone
			n.after(after, func() { n.look(0) })
		}
		return
	}
	n.lookAt = at
	n.after(at-n.w.now, func() {
		if n.lookAt == at {
			n.lookAt = -1
			n.lookForTrouble()
		}
	})
}

// sweep looks for pages that are late, for as long as some wait.
func (n *node) sweep() {
	if n.sweeping {
		return
	}
	n.sweeping = true
	n.after(late, func() {
		n.sweeping = false
		waiting := n.w.audit.waiting
		if len(waiting) > 0 && n.w.now-waiting[0].storedAt >= late {
			n.look(0)
		}
		if len(waiting) > 0 {
			n.sweep()
		}
	})
}

func (n *node) lookForTrouble() {
	if !n.ready || n.book == nil {
		return
	}
	if !n.linked() {
		n.after(headPatience, func() { n.sight(n.linked()) })
		return
	}
	n.sight(true)
}

func (n *node) sight(log bool) {
	now := n.clock.Now()
	redis, offset := n.w.unreadable == 0, n.clock.Offset()
	s := dispatcher.Sight{Troubles: n.brain.Troubles(now), Alarms: n.brain.Watched(), Log: log, Redis: &redis, Offset: &offset}
	raise, over := n.monitor.Decide(now, s)
	self := "node " + n.name
	stands, soon, mayEnd := false, false, false
	for _, a := range s.Alarms {
		if a.Status.Ended() {
			continue
		}
		stands = true
		switch a.Alarm.Kind { // what only time, or one node, can end
		case request.AlarmProvider, request.AlarmLog:
			soon = true
		case request.AlarmClock:
			mayEnd = mayEnd || (a.Alarm.Cause == self && offset.Abs() < 2*time.Second)
		case request.AlarmRedis:
			mayEnd = mayEnd || (a.Alarm.Cause == self && redis)
		default:
			mayEnd = mayEnd || !slices.ContainsFunc(s.Troubles, a.Alarm.Same)
		}
	}
	mine := func(kind request.AlarmKind) bool {
		return slices.ContainsFunc(s.Alarms, func(a *request.State) bool {
			return a.Alarm.Kind == kind && a.Alarm.Cause == self && !a.Status.Ended()
		})
	}
	switch {
	case len(raise) > 0 || len(over) > 0 || (!redis && !mine(request.AlarmRedis)) || (offset.Abs() > time.Second && !mine(request.AlarmClock)):
		n.look(0)
	case mayEnd:
		n.look(25 * time.Second)
	case soon:
		n.look(time.Minute)
	case stands:
		n.look(10 * time.Minute)
	}
	n.lookForShifts()
	if !log {
		return
	}
	for _, a := range raise {
		n.raise(a, s.Standing(a))
	}
	for _, b := range n.brain.Wanted(now) {
		n.beginLog(string(b.Kind), b.Cause, dispatcher.RaiseMatter(b), func(s *request.State) bool {
			return s.Matter != nil && s.Matter.Same(b) && !dispatcher.CalledOff(s)
		})
	}
	for _, a := range over {
		n.storeAlarm(a, dispatcher.ClearAlarm(a, n.clock.Now())...)
	}
}

// lookForShifts looks again when a notice of a shift or a handover may be wanted.
func (n *node) lookForShifts() {
	now := n.clock.Now()
	next, ok := n.brain.NextNotice(now)
	at := n.w.now + next.Sub(now)
	if !ok || at == n.noticeAt {
		return
	}
	n.noticeAt = at
	n.after(next.Sub(now), func() {
		if n.noticeAt == at {
			n.noticeAt = -1
			n.look(0)
		}
	})
}

// raise appends an alarm to the log in which it stands, or else raises it.
func (n *node) raise(a request.AlarmBody, stands *request.State) {
	if stands != nil {
		n.storeAlarm(stands, request.NewEvent(request.AlarmRaised, a))
		return
	}
	n.beginLog(string(a.Kind), a.Cause, request.NewEvent(request.AlarmRaised, a), func(s *request.State) bool {
		return s.Alarm.Same(a) && !s.Status.Ended()
	})
}

// beginLog appends the first event of an ops log to the first log of its series that nobody has used, unless the last one serves.
func (n *node) beginLog(kind, cause string, first request.Event, serves func(*request.State) bool) {
	series := func(i int) request.Ref {
		for j := 0; ; j++ {
			d := n.w.throw("alarm", kind, cause, strconv.Itoa(i), strconv.Itoa(j))
			if ref, ok := request.NewOpsRef([]byte(strconv.FormatUint(d.next(), 36))); ok {
				return ref
			}
		}
	}
	ref, last, _ := dispatcher.AlarmRef(series, func(ref request.Ref) (bool, error) { return n.w.log.head(ref) > 0, nil })
	if last != "" {
		if serves(n.w.replayed(last)) {
			return
		}
	}
	n.storeAlarm(request.NewState(ref), first)
}

func (n *node) storeAlarm(s *request.State, events ...request.Event) {
	if len(events) == 0 {
		return
	}
	c := s.Decide(n.clock.Now(), n.name, request.Actor{Kind: request.BySystem, ID: n.name}, events...)
	data, err := c.Encode()
	if err != nil {
		n.w.fail("readable", s.Ref, "an alarm does not encode: %v", err)
		return
	}
	n.keep(s.Ref, c.ID, data, s.LastSeq, false, func(seq uint64, err error) {
		if err == nil {
			n.foldOwn(s.Ref, s.LastSeq, seq)
		}
	})
}

// foldOwn hands an acknowledged decision to the machine at once when it stands right after what the machine has folded.
func (n *node) foldOwn(ref request.Ref, expected, seq uint64) {
	if e := n.w.log.at(seq); n.ready && n.brain.Head(ref) == expected {
		n.step(dispatcher.Committed{Ref: ref, Seq: seq, Data: e.data, Parsed: e.read})
	}
}

// replayed is the state of a log, folded anew.
func (w *night) replayed(ref request.Ref) *request.State {
	s := request.NewState(ref)
	for _, seq := range w.log.history(ref) {
		_ = s.Fold(seq, w.log.at(seq).read)
	}
	return s
}
