package node_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	probe  = notifier.Phone("+15005550171") // answers what comes from twilio
	beyond = notifier.Phone("+15005550172") // our number at vonage
	own    = notifier.Phone("+15005550006") // our number at twilio
)

// other is another provider of texts.
type other struct{ *provider }

func (other) Name() string { return "vonage" }

// flights is what becomes of canaries at a provider.
type flights struct {
	w *world

	mu        sync.Mutex
	node      *life // that the provider's webhooks reach
	from      notifier.Phone
	delivered time.Duration // after it was accepted; negative: never
	answered  time.Duration // after it was accepted; negative: never
	refused   *notifier.Failed
	texts     int
}

func (f *flights) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// reach is the node that the provider's webhooks reach now.
func (f *flights) reach() *life {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.node
}

// bird is how a canary is written.
func bird(m notifier.Message) string {
	return fmt.Sprintf("Dutyline check %s, code %s. Automatic.", m.Ref, m.Code)
}

// flying is a world in which a canary goes through twilio every quarter of an hour.
func (w *world) flying(f *flights) *life {
	w.alarming()
	w.canaries = dispatcher.Canaries{
		Every: 15 * time.Minute, Slow: time.Minute, Probes: []dispatcher.Probe{{Provider: "twilio", Medium: "sms", To: probe, From: []notifier.Phone{own}}},
	}
	f.w, f.from = w, probe
	f.fly(w.phones)
	w.pass(time.Minute)
	n := w.start("n1")
	f.set(func() { f.node = n })
	return n
}

// fly has a provider treat canaries as f says, at the time when each is sent.
func (f *flights) fly(p *provider) {
	p.set(func() {
		p.send = func(_ context.Context, m notifier.Message, take func() notifier.Outcome) notifier.Outcome {
			if m.About != notifier.AskProbe {
				return take()
			}
			time.Sleep(100 * time.Millisecond)
			f.mu.Lock()
			f.texts++
			refused, delivered, answered, from, id := f.refused, f.delivered, f.answered, f.from, fmt.Sprint("canary", f.texts)
			f.mu.Unlock()
			if refused != nil {
				take()
				return *refused
			}
			if delivered >= 0 {
				time.AfterFunc(delivered, func() {
					_ = f.reach().Report(context.Background(), notifier.Report{Ref: m.Ref, Attempt: m.Attempt, Provider: "twilio", Progress: notifier.Delivered})
				})
			}
			if answered >= 0 {
				time.AfterFunc(answered, func() {
					if a := f.reach().Reply(context.Background(), from, id, bird(m)); a.Kind != notifier.NoAnswer {
						f.w.t.Errorf("a machine is answered: %+v", a)
					}
				})
			}
			return take()
		}
	})
}

// birds lists the canaries that a provider took.
func birds(p *provider) (list []taken) {
	for _, m := range p.got("") {
		if m.About == notifier.AskProbe {
			list = append(list, m)
		}
	}
	return list
}

// report is what a node says of its only probe.
func report(n *life) dispatcher.ProbeReport { return n.Probed()[0] }

func TestACanaryGoesByTheClockAndItsWayIsMeasured(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: 3 * time.Second, answered: 5 * time.Second}
		n := w.flying(f)
		w.pass(10 * time.Second)
		sent := birds(w.phones)
		if len(sent) != 1 || sent[0].To != probe || sent[0].Urgency != request.Routine || len(sent[0].Code) != 6 || sent[0].Duty.CallSign != "" {
			t.Fatalf("sent %+v", sent)
		}
		r := report(n)
		last, ok := r.Last()
		if !ok || r.State != dispatcher.ProbeFine || last.Reason != dispatcher.EndedAcknowledged {
			t.Fatalf("report %+v", r)
		}
		for name, want := range map[string]struct{ at, from, to time.Duration }{
			"accepted":  {mustAfter(t, last, last.Accepted), 100 * time.Millisecond, time.Second},
			"delivered": {mustAfter(t, last, last.Delivered), 3 * time.Second, 4 * time.Second},
			"answered":  {mustAfter(t, last, last.Acknowledged), 5 * time.Second, 6 * time.Second},
		} {
			if want.at < want.from || want.at > want.to {
				t.Errorf("%s after %s", name, want.at)
			}
		}
		if s := w.state(last.Ref); s.Owner != "" || !s.Closed || s.Matter.Reason != dispatcher.EndedAcknowledged {
			t.Errorf("the log %+v, closed %v", s.Matter, s.Closed)
		}
		w.pass(2 * time.Hour)
		if got := len(birds(w.phones)); got != 9 || standing(n) != "" {
			t.Errorf("%d canaries in two hours, alarms %q", got, standing(n))
		}
		if len(n.Open()) != 0 {
			t.Error("a canary is listed as a request")
		}
	})
}

func mustAfter(t *testing.T, c dispatcher.Canary, at time.Time) time.Duration {
	t.Helper()
	took, ok := c.After(at)
	if !ok {
		t.Errorf("it has not happened: %+v", c)
	}
	return took
}

func TestWhatArrivesAtOurOwnNumberOfTheOtherProviderHasComeBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Second, answered: 2 * time.Second}
		n := w.flying(f)
		f.set(func() { f.from = own }) // the text itself, at vonage's webhook
		w.pass(15 * time.Minute)
		if r := report(n); r.State != dispatcher.ProbeFine || r.Canaries[0].Acknowledged.IsZero() {
			t.Errorf("report %+v", r)
		}
	})
}

func TestThreeNodesSendOneCanary(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.nodes = true
		f := &flights{delivered: time.Second, answered: 2 * time.Second}
		n := w.flying(f)
		others := []*life{w.start("n2"), w.start("n3")}
		w.pass(time.Hour)
		if got := len(birds(w.phones)); got != 5 {
			t.Errorf("%d canaries", got)
		}
		for _, other := range others {
			if a, b := report(other), report(n); len(a.Canaries) != 5 || a.State != b.State {
				t.Errorf("two nodes say %+v and %+v", a, b)
			}
		}
	})
}

func TestTextsThatAreConfirmedAndNeverArriveAreAnAlarmUntilOneComesBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Second, answered: -1}
		n := w.flying(f)
		w.pass(15 * time.Minute) // one is lost, the second is on its way
		if got := standing(n); got != "" || report(n).State != dispatcher.ProbeShaky {
			t.Fatalf("one is a mishap: %s, %s", got, report(n).State)
		}
		w.pass(10 * time.Minute)
		const says = "canary_lost provider twilio sms: the provider says that the last one arrived, and nothing came back "
		if got := standing(n); got != says+"received" {
			t.Fatalf("alarms %q", got)
		}
		ref := w.alarmOf(n, request.AlarmCanaryLost)
		if got := w.phones.got(ref); len(got) == 0 || got[0].To != erik {
			t.Errorf("pages %+v", got)
		}
		f.set(func() { f.answered = 2 * time.Second })
		w.pass(16 * time.Minute)
		if got := standing(n); got != says+"cleared" || report(n).State != dispatcher.ProbeFine {
			t.Errorf("alarms %q, %s", got, report(n).State)
		}
	})
}

func TestTextsThatArriveLateAreAnAlarmUntilOneIsInTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: 90 * time.Second, answered: 90 * time.Second}
		n := w.flying(f)
		w.pass(20 * time.Minute)
		if got := standing(n); got != "" {
			t.Fatalf("two are not enough: %s", got)
		}
		w.pass(14 * time.Minute)
		if got := standing(n); got != "canary_slow provider twilio sms: the last one took 90 s received" {
			t.Fatalf("alarms %q", got)
		}
		f.set(func() { f.answered = time.Second })
		w.pass(16 * time.Minute)
		if got := standing(n); !strings.HasSuffix(got, "cleared") {
			t.Errorf("alarms %q", got)
		}
	})
}

func TestACanaryIsTriedAtItsOwnProviderAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{refused: &notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}}
		beside := other{newProvider()}
		w.others = []node.Provider{{Channel: beside}}
		n := w.flying(f)
		w.pass(25 * time.Minute)
		if got := birds(w.phones); len(got) < 4 {
			t.Errorf("tried %d times", len(got))
		}
		if got := birds(beside.provider); len(got) != 0 {
			t.Errorf("the other provider got %d", len(got))
		}
		if got := standing(n); !strings.Contains(got, "canary_lost provider twilio sms: the provider did not take the last one: http_503 received") {
			t.Errorf("alarms %q", got)
		}
	})
}

func TestWhileCanariesAreLostPagesGoThroughTheOtherProvider(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Second, answered: time.Second}
		beside := other{newProvider()}
		w.others = []node.Provider{{Channel: beside}}
		w.nodes = true
		n := w.flying(f)
		behind := w.start("n2") // it decides alike
		first := func() string {
			w.t.Helper()
			ref := w.raise(request.Urgent)
			w.pass(10 * time.Second)
			by := w.state(ref).Pages[0].Attempts[0].Provider
			if _, err := n.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
				t.Fatal(err)
			}
			return by
		}
		if by := first(); by != "twilio" {
			t.Fatalf("at first through %s", by)
		}
		f.set(func() { f.answered = -1 }) // twilio says that all is delivered
		w.pass(40 * time.Minute)
		if by := first(); by != "vonage" {
			t.Errorf("through %s, which loses what it confirms", by)
		}
		ref := w.alarmOf(n, request.AlarmCanaryLost)
		if s := w.state(ref); len(s.Pages) == 0 || s.Pages[0].Attempts[0].Provider != "vonage" {
			t.Errorf("the alarm goes through the provider that it is about: %+v", s.Pages)
		}
		n.stop()
		f.set(func() { f.node = behind })
		n = behind
		if by := first(); by != "vonage" {
			t.Errorf("the next node: through %s", by)
		}
		n = w.start("n3") // the next life reads it in the log
		behind.stop()
		f.set(func() { f.node = n })
		if by := first(); by != "vonage" {
			t.Errorf("a new node: through %s", by)
		}
		f.set(func() { f.answered = time.Second })
		w.pass(16 * time.Minute)
		if by := first(); by != "twilio" {
			t.Errorf("when one came back: through %s", by)
		}
	})
}

func TestEachProviderHasItsOwnCanaries(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Second, answered: time.Second}
		beside := other{newProvider()}
		w.others = []node.Provider{{Channel: beside}}
		w.flying(f).stop()
		w.canaries.Probes = append(w.canaries.Probes, dispatcher.Probe{Provider: "vonage", Medium: "sms", To: own, From: []notifier.Phone{beyond}})
		n := w.start("n1")
		f.set(func() { f.node = n })
		w.pass(26 * time.Minute)
		if a, b := len(birds(w.phones)), birds(beside.provider); a != 2 || len(b) != 2 || b[0].To != own {
			t.Errorf("%d and %+v", a, b)
		}
		reports := n.Probed()
		if reports[0].State != dispatcher.ProbeFine || reports[1].State != dispatcher.ProbeLost || reports[1].Provider != "vonage" {
			t.Errorf("reports %+v", reports)
		}
	})
}

func TestNobodyElseCanAnswerACanary(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Second, answered: -1}
		n := w.flying(f)
		w.pass(time.Second)
		sent := birds(w.phones)[0]
		say := conversation(w, n)
		wrong := sent
		wrong.Code = fmt.Sprintf("%06d", (sum(sent.Code)+1)%1_000_000)
		for _, forged := range []struct {
			from notifier.Phone
			text string
			want notifier.AnswerKind
		}{
			{stranger, bird(sent.Message), notifier.NoAnswer},
			{beyond, bird(sent.Message), notifier.NoAnswer},
			{ada, bird(sent.Message), notifier.NoCode},
			{probe, bird(wrong.Message), notifier.NoAnswer},
			{probe, "1" + sent.Code, notifier.NoAnswer},
			{probe, sent.Ref.String(), notifier.NoAnswer},
			{own, "hello", notifier.NoAnswer},
		} {
			if a := say(forged.from, forged.text); a.Kind != forged.want {
				t.Errorf("%s: %+v", forged.from, a)
			}
		}
		if o, err := n.Acknowledge(t.Context(), sent.Ref, "ada", "", request.ViaWeb); err != nil || o.Kind != notifier.NotYours {
			t.Errorf("on the duty page: %+v, %v", o, err)
		}
		if o, err := n.Pass(t.Context(), sent.Ref, "ada", "", "", request.ViaWeb); err != nil || o.Kind != notifier.CannotPass {
			t.Errorf("passed on: %+v, %v", o, err)
		}
		if w.count(sent.Ref, request.Acknowledged) != 0 {
			t.Fatal("somebody answered it")
		}
		w.pass(6 * time.Minute)
		if say(probe, bird(sent.Message)); w.count(sent.Ref, request.Acknowledged) != 0 || w.state(sent.Ref).Matter.Reason != dispatcher.EndedLost {
			t.Error("one that is late has come back")
		}
	})
}

func TestTheProbeIsHeardTwiceAndCountsOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Minute, answered: -1}
		n := w.flying(f)
		w.pass(time.Second)
		sent := birds(w.phones)[0]
		say := conversation(w, n)
		for range 20 { // more than a telephone may send in vain
			say(probe, "ECHO: "+strings.ToUpper(bird(sent.Message)))
		}
		if w.count(sent.Ref, request.Acknowledged) != 1 || w.guesses.Count(t.Context(), probe) != 0 {
			t.Errorf("%d answers, %d guesses", w.count(sent.Ref, request.Acknowledged), w.guesses.Count(t.Context(), probe))
		}
		if s := w.state(sent.Ref); s.Status.Ended() {
			t.Error("it ends before the provider has said that it arrived")
		}
		w.pass(time.Minute)
		if s := w.state(sent.Ref); !s.Closed || s.Matter.Flight.Delivered.IsZero() {
			t.Errorf("the log %+v", s.Matter)
		}
	})
}

func TestACanaryWaitsBehindEveryRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.limit = notifier.Limit{PerSecond: 0.05} // one text in 20 s
		f := &flights{delivered: time.Second, answered: 2 * time.Second}
		n := w.flying(f)
		w.pass(13 * time.Minute)
		for range 12 { // the lane is busy for four minutes
			w.raise(request.Urgent)
		}
		w.pass(8 * time.Minute)
		texts := w.phones.got("")
		at, seen := -1, 0
		for i, m := range texts {
			if m.About == notifier.AskProbe {
				if at = i; seen > 0 {
					break
				}
				continue
			}
			seen++
		}
		if seen < 12 || at < 12 {
			t.Errorf("the canary went out after %d of the pages", seen)
		}
		for range 200 {
			w.raise(request.Urgent)
		}
		w.pass(45 * time.Minute)
		r := report(n)
		if r.State != dispatcher.ProbeFine || !strings.Contains(fmt.Sprint(reasons(r)), dispatcher.EndedUnsent) || strings.Contains(standing(n), "canary") {
			t.Errorf("%s, canaries %v, alarms %q: that we were busy says nothing of the provider", r.State, reasons(r), standing(n))
		}
	})
}

func reasons(r dispatcher.ProbeReport) (list []string) {
	for _, c := range r.Canaries {
		list = append(list, c.Reason)
	}
	return list
}

func TestACanaryThatTheNextLifeOfANodeHearsOfCounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := &flights{delivered: time.Second, answered: 30 * time.Second}
		n := w.flying(f)
		w.pass(5 * time.Second)
		n.stop()
		n = w.start("n1")
		f.set(func() { f.node = n })
		w.pass(time.Minute)
		if r := report(n); r.State != dispatcher.ProbeFine || len(r.Canaries) != 1 {
			t.Errorf("report %+v", r)
		}
	})
}
