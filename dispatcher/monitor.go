package dispatcher

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
)

const (
	// lateAfter is how long a page may be due without an attempt before somebody must know.
	lateAfter = 30 * time.Second
	// goneFor is how long the cause of an alarm must be gone before it is cleared: one that comes and goes is one alarm.
	goneFor = 30 * time.Second
	// failures in a row, over at least failingFor, or failingLong without one that was accepted, make a provider's alarm.
	failures    = 5
	failingFor  = 10 * time.Second
	failingLong = time.Minute
	// wrongTold is how long the alarm of a configuration that is wrong stands, at least.
	wrongTold = 5 * time.Minute
	// redisAway is how long Redis may be away, and logAway the log, without an alarm: a fail-over takes up to nine seconds.
	redisAway = 10 * time.Second
	logAway   = 15 * time.Second
	// logTold is for how long the alarm of a log that was away stands: it is news, and nothing that could go away.
	logTold = 5 * time.Minute
	// maxOffset is how far a node's clock and the log's may differ.
	maxOffset = 2 * time.Second
)

// Troubles lists the alarms that should stand now by what this machine has folded: every node that has read as far lists the same.
func (m *Machine) Troubles(now time.Time) []request.AlarmBody {
	var t troubles
	var refs []request.Ref
	for ref, e := range m.waiting {
		if len(e.state.Alarms) > 0 || m.anyLate(e.state, now) {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	for _, ref := range refs {
		s := m.entries[ref].state
		for _, a := range s.Alarms {
			t.add(s, a.Standing(ref))
		}
		for i := range s.Pages {
			if p := &s.Pages[i]; m.late(p, now) {
				t.add(s, request.AlarmBody{Kind: request.AlarmLate, Cause: "channel " + p.Channel})
			}
		}
	}
	for _, s := range m.ofKind(request.OpsHandover) {
		if s.Owner == "" && !s.Status.Ended() && !now.Before(s.Received.Add(2*m.planner.Policy.Repeat)) {
			t.add(nil, request.AlarmBody{Kind: request.AlarmHandover, Cause: "handover " + s.Ref.String()})
		}
	}
	for _, target := range m.planner.nobodyOnDuty(now) {
		t.add(nil, request.AlarmBody{Kind: request.AlarmNobody, Cause: target})
	}
	for _, a := range slices.Concat(m.rosterTroubles(now), m.failingTroubles(now)) {
		t.add(nil, a)
	}
	for _, a := range m.canaryTroubles() {
		t.add(nil, a)
	}
	return t.list()
}

// troubles collects alarms; one that several requests share is one.
type troubles struct {
	order []request.AlarmBody
	of    map[request.AlarmBody][]request.Ref
	worst map[request.AlarmBody]request.Urgency
}

func (t *troubles) add(s *request.State, a request.AlarmBody) {
	if t.of == nil {
		t.of, t.worst = map[request.AlarmBody][]request.Ref{}, map[request.AlarmBody]request.Urgency{}
	}
	if _, known := t.of[a]; !known {
		t.order, t.of[a] = append(t.order, a), nil
	}
	if s == nil {
		return
	}
	if !slices.Contains(t.of[a], s.Ref) {
		t.of[a] = append(t.of[a], s.Ref)
	}
	if s.Urgency == request.Emergency {
		t.worst[a] = request.Emergency
	}
}

func (t *troubles) list() []request.AlarmBody {
	list := make([]request.AlarmBody, len(t.order))
	for i, a := range t.order {
		list[i] = a
		list[i].Urgency = t.worst[a]
		if refs := t.of[a]; len(refs) > 0 && a.Kind != request.AlarmUnanswered {
			list[i].Detail = "request " + refs[0].String()
			if len(refs) > 1 {
				list[i].Detail += fmt.Sprintf(" and %d more", len(refs)-1)
			}
		}
	}
	return list
}

// A Monitor decides which alarms to raise and to clear. Pure: whoever owns it tells it what is to be seen and carries out what it decides.
// Not safe for concurrent use.
type Monitor struct {
	node      string
	providers map[string]map[string]*record // name → channel → what is known of it: texts that go say nothing of calls
	read      uint64                        // the last fact counted
	redis     away
	log       away
	outage    outage // of the log, that is not told yet
	gone      map[request.Ref]time.Time
}

// record is what is known of a provider.
type record struct {
	failed            int       // attempts in a row
	since, last, took time.Time // first and last of them; the last one that was accepted
	wrong             string    // the code by which it said last that our configuration is wrong …
	wrongAt           time.Time // … and when: it may take something else meanwhile, as calls
}

// away is since when something is away, zero while it is there.
type away struct{ since time.Time }

func (a *away) see(now time.Time, there bool) (back time.Duration) {
	switch {
	case there && !a.since.IsZero():
		back = now.Sub(a.since)
		a.since = time.Time{}
	case !there && a.since.IsZero():
		a.since = now
	}
	return back
}

type outage struct {
	ended  time.Time
	lasted time.Duration
}

// A Sight is what a node sees by itself, besides what it folds.
type Sight struct {
	Troubles []request.AlarmBody // of its machine
	Alarms   []*request.State    // the ops logs that it knows
	Log      bool                // the log answers
	Redis    *bool               // Redis serves the newest roster; nil: not watched
	Offset   *time.Duration      // of its clock to the log's; nil: not known
}

// NewMonitor makes the monitor of a node. It watches the named providers: those that reach officers and coordinators.
func NewMonitor(node string, providers ...string) *Monitor {
	m := &Monitor{node: node, providers: map[string]map[string]*record{}, gone: map[request.Ref]time.Time{}}
	for _, name := range providers {
		m.providers[name] = map[string]*record{}
	}
	return m
}

// See counts what providers made of attempts, in the order of the log. channel says over which channel a page goes, as [Machine.Channel] does.
func (m *Monitor) See(seq uint64, read *request.Parsed, channel func(ref request.Ref, page string) string) {
	c := read.Commit()
	if read.Err() != nil || c.IsDecision() || seq <= m.read {
		return
	}
	m.read = seq
	for i, e := range c.Events {
		if e.Type != request.AttemptSent && e.Type != request.AttemptFailed {
			continue
		}
		b, ok := request.Body[request.AttemptBody](read, i)
		if !ok {
			continue
		}
		channels := m.providers[b.Provider]
		if channels == nil {
			continue
		}
		over := channel(c.Request, b.Page)
		r := channels[over]
		if r == nil {
			r = &record{}
			channels[over] = r
		}
		switch {
		case e.Type == request.AttemptSent:
			r.failed, r.took = 0, c.Time.Time
		case b.Failure.Retryable() || b.Failure == request.FailedConfig: // what one recipient cannot get says nothing of the others
			if r.failed++; r.failed == 1 {
				r.since = c.Time.Time
			}
			r.last = c.Time.Time
			if b.Failure == request.FailedConfig { // it does not mend itself: no second one is waited for
				r.wrong, r.wrongAt = b.Code, c.Time.Time
			}
		}
	}
}

func (r *record) failing(now time.Time) bool {
	lasted := r.last.Sub(r.since)
	return r.misconfigured(now) || (r.failed > 0 && now.Sub(r.last) <= 2*failingLong &&
		((r.failed >= failures && lasted >= failingFor) || (r.failed > 1 && lasted >= failingLong)))
}

// misconfigured reports whether it said a while ago that our configuration is wrong.
func (r *record) misconfigured(now time.Time) bool {
	return r.wrong != "" && now.Sub(r.wrongAt) < wrongTold
}

// saying is what the alarm of a provider tells besides its name.
func (r *record) saying(now time.Time, channel string) string {
	if r.misconfigured(now) {
		return "it says that our configuration is wrong: " + r.wrong
	}
	return fmt.Sprintf("%d attempts over %s failed in a row", r.failed, channel)
}

// recovered reports whether a provider has taken something since a time, and over each channel the last that it was asked. What failed over a
// channel a while ago, and was not tried again, keeps no alarm standing for ever: calls are rare.
func recovered(channels map[string]*record, since, now time.Time) bool {
	took := false
	for _, r := range channels {
		if r.failed > 0 && now.Sub(r.last) < forgotten {
			return false
		}
		took = took || r.took.After(since)
	}
	return took
}

// Standing is the log of an alarm that stands; nil when none does.
func (s Sight) Standing(a request.AlarmBody) *request.State {
	for _, have := range s.Alarms {
		if !have.Status.Ended() && have.Alarm.Same(a) {
			return have
		}
	}
	return nil
}

// Decide gives the alarms to raise and those to clear. An alarm that stands already is not raised again, whoever raised it, unless it comes at
// another time than its log says: then it is raised once more in the same log.
func (m *Monitor) Decide(now time.Time, s Sight) (raise []request.AlarmBody, over []*request.State) {
	wanted := m.wanted(now, s)
	for _, w := range wanted {
		if stands := s.Standing(w); stands == nil || moved(stands.Alarm, w, now) {
			raise = append(raise, w)
		}
	}
	standing := map[request.Ref]bool{}
	for _, a := range s.Alarms {
		if a.Status.Ended() {
			continue
		}
		standing[a.Ref] = true
		wants := slices.ContainsFunc(wanted, a.Alarm.Same)
		switch since, known := m.gone[a.Ref]; {
		case wants || !m.knowsGone(now, a, s):
			delete(m.gone, a.Ref)
		case !known:
			m.gone[a.Ref] = now
		case now.Sub(since) >= goneFor:
			over = append(over, a)
		}
	}
	for ref := range m.gone {
		if !standing[ref] {
			delete(m.gone, ref)
		}
	}
	return raise, over
}

func (m *Monitor) wanted(now time.Time, s Sight) []request.AlarmBody {
	wanted := slices.Clone(s.Troubles)
	for _, name := range slices.Sorted(maps.Keys(m.providers)) {
		for _, over := range slices.Sorted(maps.Keys(m.providers[name])) {
			if r := m.providers[name][over]; r.failing(now) {
				wanted = append(wanted, request.AlarmBody{Kind: request.AlarmProvider, Cause: "provider " + name, Detail: r.saying(now, over)})
				break // one alarm a provider
			}
		}
	}
	if s.Redis != nil {
		m.redis.see(now, *s.Redis)
		if !m.redis.since.IsZero() && now.Sub(m.redis.since) >= redisAway {
			wanted = append(wanted, request.AlarmBody{Kind: request.AlarmRedis, Cause: m.self()})
		}
	}
	if s.Offset != nil && s.Offset.Abs() > maxOffset {
		wanted = append(wanted, request.AlarmBody{Kind: request.AlarmClock, Cause: m.self(), Detail: s.Offset.Round(100 * time.Millisecond).String()})
	}
	if lasted := m.log.see(now, s.Log); lasted >= logAway {
		m.outage = outage{now, lasted}
	}
	if m.outage.lasted > 0 && s.Log {
		told := func(a *request.State) bool {
			return a.Alarm.Kind == request.AlarmLog && a.Received.After(m.outage.ended.Add(-m.outage.lasted))
		}
		if slices.ContainsFunc(s.Alarms, told) {
			m.outage = outage{}
		} else {
			wanted = append(wanted, request.AlarmBody{
				Kind: request.AlarmLog, Cause: "log", Detail: fmt.Sprintf("away for %d s", int(m.outage.lasted.Seconds())),
			})
		}
	}
	return wanted
}

func (m *Monitor) self() string { return "node " + m.node }

// knowsGone reports whether this node can tell that the cause of an alarm is gone, given that it does not see it. What one node alone sees,
// that node alone clears.
func (m *Monitor) knowsGone(now time.Time, a *request.State, s Sight) bool {
	switch a.Alarm.Kind {
	case request.AlarmProvider: // silence is no success
		name, _ := strings.CutPrefix(a.Alarm.Cause, "provider ")
		return recovered(m.providers[name], a.Received, now)
	case request.AlarmRedis:
		return a.Alarm.Cause == m.self() && s.Redis != nil && *s.Redis
	case request.AlarmClock:
		return a.Alarm.Cause == m.self() && s.Offset != nil
	case request.AlarmLog:
		return s.Log && now.Sub(a.Received) >= logTold
	default:
		return true
	}
}

// ClearAlarm gives the events that end an alarm; none when it has ended.
func ClearAlarm(s *request.State, now time.Time) []request.Event {
	if s.Kind() != request.OpsAlarm || s.Status.Ended() {
		return nil
	}
	return append([]request.Event{request.NewEvent(request.AlarmCleared, s.Alarm)}, cancelPages(s, now, string(request.StatusCleared), everyPage)...)
}

// AlarmRef finds where the next alarm of a kind and cause is raised: the first reference of its series that nobody has used, and the one
// before it, "" when there is none. The series is used without holes, so that few of its logs need to be looked at.
func AlarmRef(ref func(i int) request.Ref, used func(request.Ref) (bool, error)) (next, last request.Ref, err error) {
	low, high := 0, 1 // all below low are used; high is the first that is known not to be
	for {
		is, err := used(ref(high - 1))
		if err != nil {
			return "", "", err
		}
		if !is {
			break
		}
		low, high = high, 2*high
	}
	for high--; low < high; {
		middle := (low + high) / 2
		is, err := used(ref(middle))
		if err != nil {
			return "", "", err
		}
		if is {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low > 0 {
		last = ref(low - 1)
	}
	return ref(low), last, nil
}
