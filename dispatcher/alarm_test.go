package dispatcher_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// alarmed raises an alarm as a node's monitor does.
func (w *world) alarmed(a request.AlarmBody) request.Ref {
	w.t.Helper()
	ref, _ := request.NewOpsRef([]byte(request.FactID(string(a.Kind), a.Cause)))
	w.decide(request.NewState(ref), request.BySystem, request.NewEvent(request.AlarmRaised, a))
	return ref
}

func (w *world) clear(ref request.Ref) {
	s := w.state(ref)
	w.decide(s, request.BySystem, dispatcher.ClearAlarm(s, w.now)...)
}

var redisAway = request.AlarmBody{Kind: request.AlarmRedis, Cause: "node n1"}

func TestAnAlarmPagesAllOfAlarmToAndAgainUntilSomebodyLooksAfterIt(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"person:carmen", "erik", "person:nobody-of-that-name"}
	w.voice = true
	n := w.start("n1")
	began := w.now
	ref := w.alarmed(redisAway)
	w.run(17 * time.Minute)
	// A text at once, a call after a minute as for anything critical, and all of it again.
	if got := w.paged(began); got != "carmen@0 erik@0 carmen@60 erik@60 carmen@900 erik@900 carmen@960 erik@960" {
		t.Errorf("paged %s", got)
	}
	s := w.state(ref)
	for _, p := range s.Pages {
		if p.Recipient != request.ToCoordinator || p.Purpose != request.Ask {
			t.Errorf("page %+v", p.PageBody)
		}
	}
	m := w.calls[0].Message
	if m.About != notifier.AskToLookAfter || m.Alarm != request.AlarmRedis || m.Ref != ref {
		t.Errorf("message %+v", m)
	}
	if kind := w.acknowledge(ref, "erik"); kind != notifier.AlarmTaken {
		t.Errorf("answer %s", kind)
	}
	calls := len(w.calls)
	w.run(2 * time.Hour)
	if s = w.state(ref); len(w.calls) != calls || len(s.Alarms) != 1 || s.Closed {
		t.Errorf("%d calls after it was taken; standing %v, closed %v", len(w.calls)-calls, s.Alarms, s.Closed)
	}
	if kind := w.acknowledge(ref, "carmen"); kind != notifier.AlreadyTaken {
		t.Errorf("the second is told %s", kind)
	}
	if open := n.machine.Open(); len(open) != 0 {
		t.Errorf("an alarm is listed as a request: %v", open)
	}
	pass := func(person string) notifier.AnswerKind {
		s := w.state(ref)
		events, kind := dispatcher.Pass(s, person, "", request.ViaWeb)
		w.decide(s, request.ByOfficer, events...)
		return kind
	}
	if kind := pass("carmen"); kind != notifier.AlreadyTaken {
		t.Errorf("somebody else gives it back: %s", kind)
	}
	if kind := pass("erik"); kind != notifier.PassedOn {
		t.Errorf("given back: %s", kind)
	}
	w.run(time.Minute)
	if again := len(w.calls) - calls; again < 2 {
		t.Errorf("%d calls after it was given back", again)
	}
	if kind := pass("carmen"); kind != notifier.CannotPass {
		t.Errorf("what nobody has is passed on: %s", kind)
	}
	w.clear(ref)
	w.run(time.Minute)
	calls = len(w.calls)
	w.run(time.Hour)
	if s = w.state(ref); !s.Closed || s.Status != request.StatusCleared || len(w.calls) != calls {
		t.Errorf("closed %v, %s, %d calls more", s.Closed, s.Status, len(w.calls)-calls)
	}
	if kind := w.acknowledge(ref, "carmen"); kind != notifier.AlarmOver {
		t.Errorf("too late is told %s", kind)
	}
	if alarms := n.machine.Alarms(); len(alarms) != 1 || alarms[0].Ref != ref {
		t.Errorf("alarms %v", alarms)
	}
	w.run(dispatcher.CodeLife + time.Minute)
	if alarms := n.machine.Alarms(); len(alarms) != 0 {
		t.Errorf("it is remembered for ever: %v", alarms)
	}
}

func TestAnAlarmThatIsClearedWakesNobodyAnyMore(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"carmen", "erik"}
	w.limit = notifier.Limit{PerSecond: 0.01} // the second page waits for its turn
	w.start("n1")
	ref := w.alarmed(redisAway)
	w.run(10 * time.Second)
	w.clear(ref)
	w.run(time.Hour)
	if s := w.state(ref); len(w.calls) != 1 || !s.Closed || s.Pages[1].State != request.PageCalledOff {
		t.Errorf("%d calls, closed %v, %v", len(w.calls), s.Closed, w.events(ref))
	}
}

func TestAnAlarmOutlivesAnOutageOfItsProvider(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"erik"}
	recovers := w.now.Add(12 * time.Minute)
	arrived := time.Time{}
	w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) {
		if w.now.Before(recovers) {
			return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		}
		if arrived.IsZero() {
			arrived = w.now
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "SM1"}
	}
	w.start("n1")
	w.alarmed(request.AlarmBody{Kind: request.AlarmProvider, Cause: "provider twilio"})
	w.run(14 * time.Minute)
	if arrived.IsZero() || arrived.Sub(recovers) > 20*time.Second {
		t.Errorf("it recovered at %s, the text went out at %s", recovers, arrived)
	}
}

func TestAlarmsGoToTheTeamOfCoordinatorsWhereNobodyIsNamed(t *testing.T) {
	w := newWorld(t)
	w.book.Teams = []roster.Team{{ID: "coordinators", Name: "Coordinators", Members: []string{"dalia"}}, {ID: "night", Name: "Night", Members: []string{"ada"}}}
	w.start("n1")
	began := w.now
	w.alarmed(redisAway)
	w.run(time.Minute)
	if got := w.paged(began); got != "dalia@0" {
		t.Errorf("paged %s", got)
	}
	w = newWorld(t)
	w.book.Teams = []roster.Team{{ID: "night", Name: "Night", Members: []string{"ada", "bruno"}}}
	w.policy.AlarmTo = []string{"team:night", "ada"}
	w.start("n1")
	w.alarmed(redisAway)
	w.run(time.Minute)
	if got := w.paged(began); got != "ada@0 bruno@0" {
		t.Errorf("paged %s", got)
	}
}

func TestAnAlarmForSomebodyWithoutAContactRaisesNoOther(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"dalia", "erik"}
	w.book.People[3].Contacts = nil
	n := w.start("n1")
	ref := w.alarmed(redisAway)
	w.run(time.Minute)
	w.want(ref, request.AlarmRaised, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptSent)
	if got := n.machine.AlarmTargets(); !slices.Equal(got, []string{"erik"}) {
		t.Errorf("it reaches %v", got)
	}
}

func TestAnAlarmForNobodyWritesNothingAndIsPagedOnceSomebodyIsNamed(t *testing.T) {
	w := newWorld(t)
	w.book.Teams = nil
	n := w.start("n1")
	ref := w.alarmed(redisAway)
	w.run(2 * time.Hour)
	w.want(ref, request.AlarmRaised)
	if got := n.machine.AlarmTargets(); len(got) != 0 {
		t.Errorf("targets %v", got)
	}
	began := w.now
	w.edit(func(b *roster.Book) {
		b.Teams = []roster.Team{{ID: "coordinators", Name: "Coordinators", Members: []string{"erik"}}}
	})
	w.run(time.Minute)
	if got := w.paged(began); got != "erik@0" || !slices.Equal(n.machine.AlarmTargets(), []string{"erik"}) {
		t.Errorf("paged %s, targets %v", got, n.machine.AlarmTargets())
	}
}

func TestTroublesAreOneAlarmEachHoweverManyRequestsHaveThem(t *testing.T) {
	w := newWorld(t)
	n := w.start("n1")
	first, second := w.raise(1, request.Urgent), w.raise(2, request.Emergency)
	channel := request.AlarmBody{Kind: request.AlarmNoChannel, Cause: "person ada"}
	for _, ref := range []request.Ref{first, second} {
		w.decide(w.state(ref), request.BySystem, request.NewEvent(request.AlarmRaised, channel),
			request.NewEvent(request.AlarmRaised, request.AlarmBody{Kind: request.AlarmUnanswered, Cause: "every level"}))
	}
	got := map[string]request.AlarmBody{}
	for _, a := range n.machine.Troubles(w.now) {
		got[a.Cause] = a
	}
	if len(got) != 3 || got["request "+second.String()].Urgency != request.Emergency || got["request "+first.String()].Urgency != "" {
		t.Errorf("troubles %v", got)
	}
	if a := got["person ada"]; a.Urgency != request.Emergency || a.Detail != "request "+min(first, second).String()+" and 1 more" {
		t.Errorf("shared trouble %+v", a)
	}
	w.acknowledge(first, "ada")
	w.acknowledge(second, "ada")
	if got := n.machine.Troubles(w.now); len(got) != 0 {
		t.Errorf("taken, and still %v", got)
	}
	w.edit(func(b *roster.Book) { b.Rosters[0].Layers = nil })
	if got := n.machine.Troubles(w.now); len(got) != 1 || got[0].Kind != request.AlarmNobody || got[0].Cause != "roster" {
		t.Errorf("nobody on duty: %v", got)
	}
}

func TestAPageThatIsDueAndNotAttemptedIsLate(t *testing.T) {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
	w.limit = notifier.Limit{PerSecond: 0.01}
	n := w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(30 * time.Second)
	if got := n.machine.Troubles(w.now); len(got) != 0 {
		t.Errorf("after 30 s: %v", got)
	}
	w.run(time.Second)
	got := n.machine.Troubles(w.now)
	if len(got) != 1 || got[0].Kind != request.AlarmLate || got[0].Cause != "channel sms" || got[0].Detail != "request "+ref.String() {
		t.Errorf("after 31 s: %v", got)
	}
}

func TestACallThatWaitsForAnotherToTheSameTelephoneIsNotLate(t *testing.T) {
	w := newTwoPathWorld(t)
	n := w.start("n1")
	began := w.now
	w.raise(1, request.Emergency)
	w.raise(2, request.Emergency)
	for range 120 {
		w.run(time.Second)
		if got := n.machine.Troubles(w.now); len(got) != 0 {
			t.Fatalf("after %v: %v", w.now.Sub(began), got)
		}
	}
}

func TestACallThatWaitsAfterAnotherMustBeOverIsLate(t *testing.T) {
	w := newVoiceWorld(t)
	w.policy.Levels = [][]string{{"person:ada"}}
	w.limit = notifier.Limit{PerSecond: 0.001, PerRecipient: 1}
	n := w.start("n1")
	w.raise(1, request.Emergency) // the text and the call that the rate lets go, and the repetition that it does not
	lateCall := func() bool {
		return slices.ContainsFunc(n.machine.Troubles(w.now), func(a request.AlarmBody) bool { return a.Kind == request.AlarmLate && a.Cause == "channel voice" })
	}
	w.run(185 * time.Second)
	if lateCall() {
		t.Errorf("the call before it may have lasted until now")
	}
	w.run(2 * time.Second)
	if !lateCall() {
		t.Errorf("it waits for nobody: %v", n.machine.Troubles(w.now))
	}
}

// sky is what a monitor sees, made by hand.
type sky struct {
	t       *testing.T
	now     time.Time
	monitor *dispatcher.Monitor
	seq     uint64
	sight   dispatcher.Sight
}

func newSky(t *testing.T) *sky {
	there := true
	return &sky{t: t, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), monitor: dispatcher.NewMonitor("n1", "twilio"), sight: dispatcher.Sight{Log: true, Redis: &there}}
}

// attempts lets a provider answer.
func (s *sky) attempts(n int, every time.Duration, event request.EventType, kind request.FailureKind) {
	s.t.Helper()
	s.over("sms", n, every, event, kind)
}

// over is the same over a channel.
func (s *sky) over(channel string, n int, every time.Duration, event request.EventType, kind request.FailureKind) {
	s.t.Helper()
	channelOf := func(request.Ref, string) string { return channel }
	ref, _ := request.NewRef([]byte("7K4M2"))
	for range n {
		s.seq++
		body := request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", Failure: kind}
		c := request.Fact(ref, request.FactID(fmt.Sprint(s.seq)), s.now, "n1", request.Actor{Kind: request.ByProvider, ID: "twilio"}, request.NewEvent(event, body))
		data := encode(s.t, c)
		s.monitor.See(s.seq, request.Parse(data), channelOf)
		s.monitor.See(s.seq, request.Parse(data), channelOf) // the stream can repeat it
		s.now = s.now.Add(every)
	}
}

// stands lets an alarm stand.
func (s *sky) stands(a request.AlarmBody) *request.State {
	ref, _ := request.NewOpsRef([]byte(request.FactID(string(a.Kind), a.Cause)))
	state := request.NewState(ref)
	c := state.Decide(s.now, "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, request.NewEvent(request.AlarmRaised, a))
	if err := state.Apply(1, encode(s.t, c)); err != nil {
		s.t.Fatal(err)
	}
	s.sight.Alarms = append(s.sight.Alarms, state)
	return state
}

// expect checks what is decided after a time.
func (s *sky) expect(after time.Duration, raised, cleared string) {
	s.t.Helper()
	s.now = s.now.Add(after)
	raise, over := s.monitor.Decide(s.now, s.sight)
	var r, c string
	for _, a := range raise {
		r += string(a.Kind) + " " + a.Text() + ";"
	}
	for _, a := range over {
		c += string(a.Alarm.Kind) + ";"
	}
	if r != raised || c != cleared {
		s.t.Errorf("at %s: raised %q, cleared %q; want %q, %q", s.now.Format(time.TimeOnly), r, c, raised, cleared)
	}
}

func TestAProviderThatFailsIsAlarmedAndClearedByASuccess(t *testing.T) {
	s := newSky(t)
	s.attempts(5, time.Second, request.AttemptFailed, request.FailedForNow)
	s.expect(0, "", "") // five within four seconds are a hiccup
	s.attempts(1, 8*time.Second, request.AttemptFailed, request.FailedUnknown)
	s.attempts(1, 0, request.AttemptFailed, request.FailedForGood) // says something of one recipient alone
	s.attempts(1, 0, request.AttemptFailed, request.FailedConfig)
	s.expect(0, "provider_failing provider twilio: 7 attempts over sms failed in a row;", "")
	s.stands(request.AlarmBody{Kind: request.AlarmProvider, Cause: "provider twilio"})
	s.expect(time.Hour, "", "") // silence is no success
	s.expect(time.Hour, "", "")
	s.attempts(1, 0, request.AttemptSent, "")
	s.expect(time.Second, "", "")
	s.expect(29*time.Second, "", "")
	s.expect(time.Second, "", "provider_failing;")
}

func TestCallsThatFailAreAlarmedWhileTextsGo(t *testing.T) {
	s := newSky(t)
	for range 5 {
		s.over("voice", 1, 2*time.Second, request.AttemptFailed, request.FailedForNow)
		s.over("sms", 1, time.Second, request.AttemptSent, "")
	}
	s.expect(0, "provider_failing provider twilio: 5 attempts over voice failed in a row;", "")
	s.stands(request.AlarmBody{Kind: request.AlarmProvider, Cause: "provider twilio"})
	s.over("sms", 1, 0, request.AttemptSent, "")
	s.expect(10*time.Minute, "", "") // says nothing of calls
	s.over("sms", 1, 0, request.AttemptSent, "")
	s.expect(time.Minute, "", "")
	s.over("voice", 1, 0, request.AttemptSent, "")
	s.expect(0, "", "")
	s.expect(30*time.Second, "", "provider_failing;")
}

func TestCallsThatFailedOnceAndAreNotTriedAgainKeepNoAlarmForEver(t *testing.T) {
	s := newSky(t)
	s.over("voice", 1, 0, request.AttemptFailed, request.FailedForNow)
	s.attempts(6, 2*time.Second, request.AttemptFailed, request.FailedForNow)
	s.expect(0, "provider_failing provider twilio: 6 attempts over sms failed in a row;", "")
	s.stands(request.AlarmBody{Kind: request.AlarmProvider, Cause: "provider twilio"})
	s.expect(time.Second, "", "")
	s.attempts(1, time.Second, request.AttemptSent, "")
	s.expect(20*time.Minute, "", "")
	s.expect(10*time.Minute, "", "")
	s.expect(30*time.Second, "", "provider_failing;")
}

func TestASendersOwnServerIsNoTroubleOfOurs(t *testing.T) {
	s := newSky(t)
	s.monitor = dispatcher.NewMonitor("n1", "another")
	s.attempts(20, 10*time.Second, request.AttemptFailed, request.FailedForNow)
	s.expect(0, "", "")
}

func TestAProviderThatAcceptsNothingForAMinuteIsAlarmed(t *testing.T) {
	s := newSky(t)
	s.attempts(1, 0, request.AttemptSent, "")
	s.attempts(1, 59*time.Second, request.AttemptFailed, request.FailedForNow)
	s.attempts(1, 0, request.AttemptFailed, request.FailedForNow)
	s.expect(0, "", "")
	s.attempts(1, time.Second, request.AttemptFailed, request.FailedForNow)
	s.attempts(1, 0, request.AttemptFailed, request.FailedForNow)
	s.expect(0, "provider_failing provider twilio: 4 attempts over sms failed in a row;", "")
}

func TestWhatComesAndGoesIsOneAlarm(t *testing.T) {
	s := newSky(t)
	trouble := request.AlarmBody{Kind: request.AlarmNoChannel, Cause: "person ada"}
	s.sight.Troubles = []request.AlarmBody{trouble}
	s.expect(0, "no_usable_channel person ada;", "")
	s.stands(trouble)
	s.expect(time.Second, "", "")
	s.sight.Troubles = nil
	s.expect(time.Second, "", "")
	s.expect(20*time.Second, "", "")
	s.sight.Troubles = []request.AlarmBody{trouble}
	s.expect(5*time.Second, "", "")
	s.sight.Troubles = nil
	s.expect(20*time.Second, "", "")
	s.expect(29*time.Second, "", "")
	s.expect(time.Second, "", "no_usable_channel;")
}

func TestRedisAwayAndAClockThatIsOff(t *testing.T) {
	s := newSky(t)
	away, offset := false, 3*time.Second
	s.sight.Redis, s.sight.Offset = &away, &offset
	s.expect(0, "clock_offset node n1: 3s;", "")
	s.stands(request.AlarmBody{Kind: request.AlarmClock, Cause: "node n1"})
	s.stands(request.AlarmBody{Kind: request.AlarmRedis, Cause: "node n2"}) // what another node alone sees, that node clears
	s.expect(9*time.Second, "", "")
	s.expect(time.Second, "redis_away node n1;", "")
	s.stands(redisAway)
	away, offset = true, -2*time.Second
	s.expect(time.Second, "", "")
	s.expect(30*time.Second, "", "clock_offset;redis_away;")
}

func TestALogThatWasAwayIsToldWhenItAnswersAgain(t *testing.T) {
	s := newSky(t)
	s.expect(0, "", "")
	s.sight.Log = false
	s.expect(5*time.Second, "", "")
	s.sight.Log = true
	s.expect(14*time.Second, "", "") // a fail-over
	s.sight.Log = false
	s.expect(5*time.Second, "", "")
	s.expect(40*time.Second, "", "") // it could not be stored
	s.sight.Log = true
	s.expect(50*time.Second, "log_was_away log: away for 90 s;", "")
	s.expect(5*time.Second, "log_was_away log: away for 90 s;", "") // until it is stored
	s.stands(request.AlarmBody{Kind: request.AlarmLog, Cause: "log"})
	s.expect(time.Second, "", "")
	s.expect(299*time.Second, "", "")
	s.expect(30*time.Second, "", "log_was_away;")
}

func TestTheNextAlarmOfACauseGetsTheFirstReferenceThatNobodyUsed(t *testing.T) {
	series := func(i int) request.Ref { return request.Ref(fmt.Sprint(i)) }
	for n := range 40 {
		looked := 0
		next, last, err := dispatcher.AlarmRef(series, func(ref request.Ref) (bool, error) {
			looked++
			var i int
			_, _ = fmt.Sscan(string(ref), &i)
			return i < n, nil
		})
		before := request.Ref("")
		if n > 0 {
			before = series(n - 1)
		}
		if err != nil || next != series(n) || last != before || looked > 14 {
			t.Errorf("after %d: %s, before it %q, %d looked at, %v", n, next, last, looked, err)
		}
	}
	if _, _, err := dispatcher.AlarmRef(series, func(request.Ref) (bool, error) { return false, fmt.Errorf("no") }); err == nil {
		t.Error("an error is swallowed")
	}
}
