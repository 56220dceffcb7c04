package dispatcher_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// present is the state as a living node has folded it.
func (w *world) present(ref request.Ref) *request.State {
	for _, n := range w.nodes {
		if s := n.machine.State(ref); s != nil && !n.dead {
			return s
		}
	}
	return w.state(ref)
}

// undo takes an acknowledgement back as the door does.
func (w *world) undo(ref request.Ref, person string) notifier.AnswerKind {
	s := w.present(ref)
	events, answer := dispatcher.Undo(s, w.now, w.policy.UndoWindow, person, request.ViaWeb)
	w.decide(s, request.ByOfficer, events...)
	return answer
}

func (w *world) passOn(ref request.Ref, person string) notifier.AnswerKind {
	s := w.present(ref)
	events, answer := dispatcher.Pass(s, person, "", request.ViaWeb)
	w.decide(s, request.ByOfficer, events...)
	return answer
}

func (w *world) open(ref request.Ref, person string) {
	w.decide(w.present(ref), request.ByOfficer, request.NewEvent(request.Opened, request.OpenedBody{Person: person}))
}

func (w *world) judge(ref request.Ref, to request.Urgency) notifier.AnswerKind {
	s := w.present(ref)
	events, answer := dispatcher.ChangeUrgency(s, to, "a reason", s.ClocksAt(to))
	w.decide(s, request.ByCoordinator, events...)
	return answer
}

// causes lists why the steps of a request were taken.
func (w *world) causes(ref request.Ref) []request.Cause {
	var causes []request.Cause
	for _, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range c.Events {
			var body request.EscalatedBody
			if e.Type == request.Escalated && json.Unmarshal(e.Body, &body) == nil {
				causes = append(causes, body.Cause)
			}
		}
	}
	return causes
}

func (w *world) wantPaged(since time.Time, want string) {
	w.t.Helper()
	if got := w.paged(since); got != want {
		w.t.Errorf("paged\n%s, want\n%s", got, want)
	}
}

func TestAnAcknowledgementThatNobodyReadsLapsesAndTheNextIsAskedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.policy.AckLapse = 10 * time.Minute
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.open(ref, "ada") // a look before taking it shows nothing of afterwards
	w.run(time.Second)
	w.acknowledge(ref, "ada")
	w.open(ref, "bruno") // somebody else's reading does not count
	w.run(9*time.Minute + 59*time.Second)
	if s := w.state(ref); s.Owner != "ada" || s.Status != request.StatusAcknowledged {
		t.Fatalf("owner %q, status %s before the time is over", s.Owner, s.Status)
	}
	before := w.state(ref).Version
	w.run(2 * time.Second)
	w.wantPaged(began, "ada@0 bruno@601")
	s := w.state(ref)
	if s.Owner != "" || s.Status != request.StatusReceived || s.Escalation != request.Running || !s.AcknowledgedAt.IsZero() || s.Version != before+1 {
		t.Errorf("owner %q, status %s, escalation %s, acknowledged %s, version %d after %d", s.Owner, s.Status, s.Escalation, s.AcknowledgedAt, s.Version, before)
	}
	if got := w.causes(ref); !slices.Equal(got, []request.Cause{request.CauseReceived, request.CauseLapsed}) {
		t.Errorf("causes %v", got)
	}
	w.run(10 * time.Minute) // who let it lapse is asked again like anybody
	w.wantPaged(began, "ada@0 bruno@601 ada@901 bruno@1201")
	if answer := w.acknowledge(ref, "ada"); answer != notifier.Taken { // and has the whole time anew
		t.Errorf("answer %s", answer)
	}
	w.run(9 * time.Minute)
	if s := w.state(ref); s.Owner != "ada" {
		t.Errorf("owner %q", s.Owner)
	}
}

func TestAnAcknowledgementStaysWhenItsOwnerHasReadTheContentOrWhenNothingLapses(t *testing.T) {
	for name, story := range map[string]func(*world, request.Ref){
		"opened in time": func(w *world, ref request.Ref) {
			w.policy.AckLapse = 10 * time.Minute
			w.at(9*time.Minute, func() { w.open(ref, "ada") })
		},
		"off": func(*world, request.Ref) {},
		"nothing left to read": func(w *world, ref request.Ref) {
			w.policy.AckLapse = 10 * time.Minute
			w.at(time.Minute, func() {
				w.decide(w.state(ref), request.BySystem, request.NewEvent(request.ContentErased, request.ContentErasedBody{}))
			})
		},
		"withdrawn": func(w *world, ref request.Ref) {
			w.policy.AckLapse = 10 * time.Minute
			w.at(time.Minute, func() {
				w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
			})
		},
	} {
		w := newWorld(t)
		ref := w.raise(1, request.Urgent)
		story(w, ref)
		w.start("n1")
		w.run(time.Second)
		w.acknowledge(ref, "ada")
		w.run(24 * time.Hour)
		if s := w.state(ref); s.Owner != "ada" || slices.Contains(w.events(ref), request.AcknowledgementLapsed) {
			t.Errorf("%s: owner %q: %v", name, s.Owner, w.events(ref))
		}
	}
}

func TestALapseIsNotMissedByTheNextLifeAndTwoNodesDecideItOnce(t *testing.T) {
	w := newWorld(t)
	w.policy.AckLapse = 10 * time.Minute
	first := w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	w.acknowledge(ref, "ada")
	first.dead = true
	w.run(time.Hour)
	began := w.now
	w.start("n1")
	w.start("n2")
	w.run(time.Second)
	lapses := 0
	for _, e := range w.events(ref) {
		if e == request.AcknowledgementLapsed {
			lapses++
		}
	}
	if got := w.paged(began); lapses != 1 || got != "ada@-3600 bruno@0" {
		t.Errorf("%d lapses, paged %s", lapses, got)
	}
}

func TestALapsedRoutineRequestWaitsForTheMorning(t *testing.T) {
	w := newWorld(t)
	w.policy.AckLapse = time.Hour
	w.run(7*time.Hour + 30*time.Minute) // 19:30
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Routine)
	w.run(time.Second)
	w.acknowledge(ref, "ada")
	w.run(12*time.Hour + 45*time.Minute) // it lapses at 20:30, the day begins at 08:00
	if got := w.paged(began); got != fmt.Sprintf("ada@0 bruno@%d", int((12*time.Hour+30*time.Minute).Seconds())) {
		t.Errorf("paged %s", got)
	}
}

func TestUndoWithinTheWindowAsksTheNextAtOnceAndEverybodyAsBefore(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	w.acknowledge(ref, "ada")
	w.run(59*time.Second + 900*time.Millisecond)
	if answer := w.undo(ref, "ada"); answer != notifier.Undone {
		t.Fatalf("answer %s", answer)
	}
	if answer := w.undo(ref, "ada"); answer != notifier.Undone { // a form that is sent twice
		t.Errorf("second answer %s", answer)
	}
	w.run(10*time.Minute + time.Second)
	w.wantPaged(began, "ada@0 bruno@60 ada@360 bruno@660")
	if got := w.causes(ref); !slices.Equal(got, []request.Cause{request.CauseReceived, request.CauseUndone, request.CauseSilence, request.CauseSilence}) {
		t.Errorf("causes %v", got)
	}
	if answer := w.acknowledge(ref, "bruno"); answer != notifier.Taken {
		t.Errorf("somebody else's acknowledgement: %s", answer)
	}
	if answer := w.undo(ref, "ada"); answer != notifier.AlreadyTaken { // the earlier undo is history
		t.Errorf("undo of what another has: %s", answer)
	}
	calls := len(w.calls)
	w.run(24 * time.Hour)
	if s := w.state(ref); s.Owner != "bruno" || len(w.calls) != calls {
		t.Errorf("owner %q, %d calls after %d", s.Owner, len(w.calls), calls)
	}
	w.passOn(ref, "bruno")
	if answer := w.undo(ref, "ada"); answer != notifier.NotYours {
		t.Errorf("undo of what another has passed on: %s", answer)
	}
}

func TestUndoIsRefusedWhenItIsOverOrNotTheirs(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	if answer := w.undo(ref, "ada"); answer != notifier.NotYours {
		t.Errorf("of what nobody has: %s", answer)
	}
	w.acknowledge(ref, "ada")
	if answer := w.undo(ref, "bruno"); answer != notifier.AlreadyTaken {
		t.Errorf("by another: %s", answer)
	}
	w.run(time.Minute) // the window is half-open
	if answer := w.undo(ref, "ada"); answer != notifier.UndoOver {
		t.Errorf("too late: %s", answer)
	}
	if s := w.state(ref); s.Owner != "ada" {
		t.Errorf("owner %q", s.Owner)
	}
	w.passOn(ref, "ada")
	if answer := w.undo(ref, "ada"); answer != notifier.NotYours {
		t.Errorf("after passing on: %s", answer)
	}
	w.acknowledge(ref, "bruno")
	w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	if answer := w.undo(ref, "bruno"); answer != notifier.AlreadyEnded {
		t.Errorf("after the end: %s", answer)
	}
}

func TestUndoAndPassThatRace(t *testing.T) {
	for _, undoFirst := range []bool{true, false} {
		w := newWorld(t)
		w.start("n1")
		began := w.now
		ref := w.raise(1, request.Urgent)
		w.run(time.Second)
		w.acknowledge(ref, "ada")
		w.run(time.Second)
		// Both were decided on the same head: one append loses and is decided anew.
		if undoFirst {
			if u, p := w.undo(ref, "ada"), w.passOn(ref, "ada"); u != notifier.Undone || p != notifier.PassedOn {
				t.Errorf("undo %s, then pass %s", u, p)
			}
		} else if p, u := w.passOn(ref, "ada"), w.undo(ref, "ada"); u != notifier.NotYours || p != notifier.PassedOn {
			t.Errorf("pass %s, then undo %s", p, u)
		}
		w.run(16 * time.Minute) // in both cases ada has passed, and is left alone until everyone is asked
		w.wantPaged(began, "ada@0 bruno@2 bruno@302 bruno@602 ada@902 bruno@902 carmen@902 dalia@902 erik@902")
	}
}

func TestWhoPassedAndTookItAllTheSameIsAskedAgainAfterUndo(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	w.passOn(ref, "ada")
	w.run(time.Second)
	w.acknowledge(ref, "ada")
	w.run(time.Second)
	w.undo(ref, "ada")
	w.run(time.Second)
	w.wantPaged(began, "ada@0 bruno@1 ada@3")
}

func TestChangeOfUrgencyIsDecided(t *testing.T) {
	w := newWorld(t)
	ref := w.raise(1, request.Critical)
	s := w.state(ref)
	for _, tc := range []struct {
		to     request.Urgency
		reason string
		events int
		want   notifier.AnswerKind
	}{
		{request.Emergency, "", 1, notifier.UrgencyStands},
		{request.Critical, "", 0, notifier.UrgencyStands},
		{request.Urgent, "", 0, notifier.ReasonNeeded},
		{request.Urgent, "calmer", 1, notifier.UrgencyStands},
	} {
		if events, answer := dispatcher.ChangeUrgency(s, tc.to, tc.reason, nil); len(events) != tc.events || answer != tc.want {
			t.Errorf("to %s for %q: %d events, %s", tc.to, tc.reason, len(events), answer)
		}
	}
	w.decide(s, request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	if answer := w.judge(ref, request.Emergency); answer != notifier.AlreadyEnded {
		t.Errorf("after the end: %s", answer)
	}
}

func TestRaisedUrgencyHoldsFromThenOn(t *testing.T) {
	w := newVoiceWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent) // a text at once, a call after two minutes, the next after five
	w.run(10 * time.Second)
	w.judge(ref, request.Emergency) // both at once, the next after two minutes
	w.run(100 * time.Second)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@10 ada/voice@30"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	w.run(20 * time.Second)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@10 ada/voice@30 bruno/sms@120 bruno/voice@120"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	if s := w.state(ref); s.Urgency != request.Emergency || s.Version != 2 || len(s.Due) != 1 || !s.Due[0].At.Equal(s.Received.Add(10*time.Minute)) {
		t.Errorf("urgency %s, version %d, due %v", s.Urgency, s.Version, s.Due)
	}
}

func TestAWaitThatTheNewUrgencyDoesNotKnowIsOverAtOnce(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(200 * time.Second)
	w.judge(ref, request.Emergency)
	w.run(time.Second)
	w.wantPaged(began, "ada@0 bruno@200")
}

func TestLoweredUrgencyHoldsFromThenOn(t *testing.T) {
	w := newVoiceWorld(t)
	w.ring = nil
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical) // the call after one minute, the next after three
	w.run(30 * time.Second)
	w.judge(ref, request.Urgent) // the call after two, the next after five
	w.run(4 * time.Minute)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@120"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	w.run(time.Minute)
	if got, want := w.asked(began), "ada/sms@0 ada/voice@120 bruno/sms@300"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

func TestARoutineRequestThatIsRaisedAtNightIsPagedNow(t *testing.T) {
	w := newWorld(t)
	w.run(14 * time.Hour) // 02:00
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Routine)
	w.run(time.Hour)
	if len(w.calls) != 0 {
		t.Fatalf("paged at night: %s", w.paged(began))
	}
	w.judge(ref, request.Critical)
	w.run(time.Second)
	w.wantPaged(began, "ada@3600")
	w.judge(ref, request.Routine) // and back: nobody else is woken before the morning
	w.run(4 * time.Hour)
	w.wantPaged(began, "ada@3600")
}

func TestAPageThatWaitsGoesByTheUrgencyOfNow(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 0.1}
	w.policy.Levels = [][]string{{"person:ada"}}
	w.start("n1")
	for n := range 5 {
		w.raise(n, request.Urgent)
	}
	last := w.raise(5, request.Urgent)
	w.run(time.Second) // one has gone, five wait
	w.judge(last, request.Emergency)
	w.run(15 * time.Second)
	if len(w.calls) < 2 || w.calls[1].Message.Ref != last || w.calls[1].Message.Urgency != request.Emergency {
		t.Errorf("the raised one did not go next: %+v", w.calls)
	}
	if n := len(w.calls); n != 2 {
		t.Errorf("%d calls within sixteen seconds at one in ten", n)
	}
}

// owned checks in log order that no attempt of an officer's asking page starts while somebody has the request, and that the fold agrees.
func (w *world) owned(ref request.Ref) (acknowledged int) {
	w.t.Helper()
	owner := ""
	asks := map[string]bool{}
	for i, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range c.Events {
			var b struct{ Person, Page, Purpose, Recipient string }
			if err := json.Unmarshal(e.Body, &b); err != nil {
				w.t.Fatal(err)
			}
			switch e.Type {
			case request.PageOrdered:
				asks[b.Page] = b.Purpose == string(request.Ask) && b.Recipient == string(request.ToOfficer)
			case request.Acknowledged:
				if owner != "" {
					w.t.Fatalf("%s has it and %s takes it, commit %d", owner, b.Person, i+1)
				}
				owner = b.Person
				acknowledged++
			case request.AcknowledgementUndone, request.AcknowledgementLapsed:
				if owner != b.Person {
					w.t.Fatalf("%s of %s, and %q has it", e.Type, b.Person, owner)
				}
				owner = ""
			case request.Passed:
				if owner == b.Person {
					owner = ""
				}
			case request.AttemptStarted:
				if owner != "" && asks[b.Page] {
					w.t.Fatalf("attempt while %s has it: %v", owner, w.events(ref))
				}
			}
		}
	}
	if s := w.state(ref); s.Owner != owner {
		w.t.Fatalf("the fold says %q, the log %q", s.Owner, owner)
	}
	return acknowledged
}

func TestNobodyIsCalledWhileSomebodyHasTheRequest(t *testing.T) {
	people := []string{"ada", "bruno", "carmen", "dalia", "erik"}
	acknowledged, lapsed, undone, passed := 0, 0, 0, 0
	for seed := range uint64(fifth(20)) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := newVoiceWorld(t)
		w.policy.Levels = [][]string{{"person:ada", "person:bruno"}, {"next", "person:carmen"}}
		w.policy.AckLapse = time.Duration(random.IntN(3)) * 5 * time.Minute
		w.limit = notifier.Limit{PerSecond: []float64{0, 0.5, 10}[random.IntN(3)]}
		w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
		w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) {
			took := time.Duration(random.IntN(2000)) * time.Millisecond
			switch random.IntN(6) {
			case 0:
				return took, notifier.Failed{Kind: request.FailedForNow, Code: "503"}
			case 1:
				return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
			default:
				return took, notifier.Accepted{ProviderID: "SM1"}
			}
		}
		w.start("n1")
		w.start("n2")
		var refs []request.Ref
		for n := range 4 {
			refs = append(refs, w.raise(n, request.Urgencies[random.IntN(4)]))
		}
		for range 120 {
			ref, person := refs[random.IntN(len(refs))], people[random.IntN(len(people))]
			w.at(time.Duration(random.IntN(3600_000))*time.Millisecond, func() {
				if owner := w.present(ref).Owner; owner != "" && random.IntN(2) == 0 {
					person = owner
				}
				switch random.IntN(8) {
				case 0, 1, 2:
					w.acknowledge(ref, person)
					w.at(time.Duration(random.IntN(80_000))*time.Millisecond, func() { w.undo(ref, person) })
				case 3:
					w.passOn(ref, person)
				case 4:
					w.open(ref, person)
				case 5:
					w.judge(ref, request.Urgencies[random.IntN(4)])
				default:
					w.acknowledge(ref, person)
				}
			})
		}
		w.run(2 * time.Hour)
		for _, ref := range refs {
			acknowledged += w.owned(ref)
			for _, e := range w.events(ref) {
				switch e {
				case request.AcknowledgementLapsed:
					lapsed++
				case request.AcknowledgementUndone:
					undone++
				case request.Passed:
					passed++
				}
			}
			s := w.state(ref)
			if s.Owner != "" && slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.State.Open() }) {
				t.Fatalf("seed %d: a page stays open: %v", seed, w.events(ref))
			}
			if s.Owner == "" && s.Urgency != request.Routine { // no silent end: somebody was asked lately, or an alarm stands
				last := s.Pages[len(s.Pages)-1].Ordered
				if w.now.Sub(last) > w.policy.Repeat+time.Minute {
					t.Fatalf("seed %d: nobody has it and nobody was asked since %s: %v", seed, w.now.Sub(last), w.events(ref))
				}
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d acknowledgements, %d lapsed, %d undone, %d passed", acknowledged, lapsed, undone, passed)
	if lapsed < fifth(20) || undone < fifth(50) || passed < fifth(50) {
		t.Error("the nights do not try enough")
	}
}
