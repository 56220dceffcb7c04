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

func TestWhoeverIsOnDutyIsPagedAtOnceAndAcknowledges(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(time.Second)
	if answer := w.acknowledge(ref, "ada"); answer != notifier.Taken {
		t.Errorf("answer %s", answer)
	}
	w.run(24 * time.Hour)
	w.want(ref, request.Received, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptSent, request.Acknowledged)
	s := w.state(ref)
	if s.Owner != "ada" || s.Status != request.StatusAcknowledged || s.Escalation != request.Stopped || len(w.calls) != 1 {
		t.Errorf("owner %s, status %s, escalation %s, %d calls", s.Owner, s.Status, s.Escalation, len(w.calls))
	}
	if answer := w.acknowledge(ref, "bruno"); answer != notifier.AlreadyTaken {
		t.Errorf("second answer %s", answer)
	}
}

func TestSilenceGoesThroughLevelsAndRoundsThenEveryoneAndNeverEnds(t *testing.T) {
	for urgency, wait := range map[request.Urgency]int{request.Emergency: 120, request.Critical: 180, request.Urgent: 300} {
		w := newWorld(t)
		w.start("n1")
		began := w.now
		ref := w.raise(1, urgency)
		w.run(time.Duration(6*wait)*time.Second + 10*time.Second)
		want := ""
		for n := range 6 {
			want += fmt.Sprintf("%s@%d ", []string{"ada", "bruno"}[n%2], n*wait)
		}
		for _, person := range []string{"ada", "bruno", "carmen", "dalia", "erik"} {
			want += fmt.Sprintf("%s@%d ", person, 6*wait)
		}
		if got := w.paged(began) + " "; got != want {
			t.Errorf("%s: paged\n%s, want\n%s", urgency, got, want)
		}
		w.run(time.Duration(wait) * time.Second)
		if s := w.state(ref); s.Escalation != request.Exhausted || len(s.Alarms) != 1 {
			t.Errorf("%s: escalation %s, alarms %v", urgency, s.Escalation, s.Alarms)
		}
		before := len(w.calls)
		w.run(2 * time.Hour)
		if got := len(w.calls) - before; got < 5*7 {
			t.Errorf("%s: only %d pages in two hours after everyone was asked", urgency, got)
		}
		w.acknowledge(ref, "erik")
		w.run(time.Minute)
		if s := w.state(ref); len(s.Alarms) != 0 || s.Owner != "erik" {
			t.Errorf("%s: alarms %v stand after the acknowledgement by %s", urgency, s.Alarms, s.Owner)
		}
	}
}

func TestRoutineWaitsForTheMorningOfTheRoster(t *testing.T) {
	w := newWorld(t)
	w.book.Rosters[0].TimeZone = "Europe/Paris"
	w.start("n1")
	w.run(11 * time.Hour) // 23:00 UTC
	began := w.now
	w.raise(1, request.Routine)
	w.run(8*time.Hour - time.Second) // 07:59:59 in Paris
	if len(w.calls) != 0 {
		t.Fatalf("paged at night: %s", w.paged(began))
	}
	w.run(2 * time.Second)
	if got := w.paged(began); got != "ada@28800" {
		t.Errorf("paged %s", got)
	}
}

func TestNobodyIsCalledAfterTheAcknowledgement(t *testing.T) {
	// The acknowledgement lands at every moment around the first attempts of a level of five.
	for offset := time.Duration(0); offset < 700*time.Millisecond; offset += 7 * time.Millisecond {
		w := newWorld(t)
		w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen", "person:dalia", "person:erik"}}
		w.limit = notifier.Limit{PerSecond: 10}
		w.start("n1")
		ref := w.raise(1, request.Emergency)
		w.at(offset, func() { w.acknowledge(ref, "ada") })
		w.run(time.Hour)
		acknowledged := false
		for _, e := range w.events(ref) {
			acknowledged = acknowledged || e == request.Acknowledged
			if acknowledged && e == request.AttemptStarted {
				t.Fatalf("offset %s: attempt after the acknowledgement: %v", offset, w.events(ref))
			}
		}
		if open := slices.ContainsFunc(w.state(ref).Pages, func(p request.Page) bool { return p.State.Open() }); open || !acknowledged {
			t.Fatalf("offset %s: a page stays open", offset)
		}
	}
}

func TestTemporaryFailureIsTriedAgainUntilItPasses(t *testing.T) {
	w := newWorld(t)
	began := w.now
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if w.now.Sub(began) < 90*time.Second {
			return 20 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
		}
		return 20 * time.Millisecond, notifier.Accepted{ProviderID: "SM1"}
	}
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(2 * time.Minute)
	if s := w.state(ref); s.Pages[0].State != request.PageSent || len(s.Pages) != 1 {
		t.Errorf("page %s after %d attempts", s.Pages[0].State, len(s.Pages[0].Attempts))
	}
}

func TestRetryAfterIsRespected(t *testing.T) {
	w := newWorld(t)
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if len(w.calls) == 1 {
			return 0, notifier.Failed{Kind: request.FailedForNow, Code: "20429", RetryAfter: 7 * time.Second}
		}
		return 0, notifier.Accepted{ProviderID: "SM1"}
	}
	began := w.now
	w.start("n1")
	w.raise(1, request.Urgent)
	w.run(time.Minute)
	if got := w.paged(began); got != "ada@0 ada@7" {
		t.Errorf("paged %s", got)
	}
}

func TestLostAnswerIsLookedUpAndNotSentTwice(t *testing.T) {
	w := newWorld(t)
	sent := 0
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		sent++
		return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
	}
	w.find = func(c dispatcher.Call) notifier.Outcome { return notifier.Accepted{ProviderID: "SM-found"} }
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Minute)
	p := w.state(ref).Pages[0]
	if sent != 1 || p.State != request.PageSent || p.Attempts[0].ProviderID != "SM-found" || p.Attempts[1].Failure != request.FailedDuplicate {
		t.Errorf("%d sends, page %s, attempts %+v", sent, p.State, p.Attempts)
	}
}

func TestLookUpThatFindsNothingSends(t *testing.T) {
	w := newWorld(t)
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if len(w.calls) == 1 {
			return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		}
		return 0, notifier.Accepted{ProviderID: "SM2"}
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Minute)
	if p := w.state(ref).Pages[0]; p.State != request.PageSent || len(w.calls) != 2 {
		t.Errorf("page %s after %d calls", p.State, len(w.calls))
	}
}

func TestBrokenLookUpDoesNotKeepThePageForEver(t *testing.T) {
	w := newWorld(t)
	sent := 0
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if sent++; sent == 1 {
			return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		}
		return 0, notifier.Accepted{ProviderID: "SM2"}
	}
	w.find = func(dispatcher.Call) notifier.Outcome {
		return notifier.Failed{Kind: request.FailedForNow, Code: "http_500"}
	}
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Minute)
	if p := w.state(ref).Pages[0]; p.State != request.PageSent || sent != 2 {
		t.Errorf("page %s after %d sends and %d calls", p.State, sent, len(w.calls))
	}
}

func TestFailureForGoodGoesOnAtOnce(t *testing.T) {
	w := newWorld(t)
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Message.To == "+15005550101" {
			return 0, notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		}
		return 0, notifier.Accepted{ProviderID: "SM1"}
	}
	began := w.now
	w.start("n1")
	w.raise(1, request.Urgent)
	w.run(time.Minute)
	if got := w.paged(began); got != "ada@0 bruno@0" {
		t.Errorf("paged %s", got)
	}
}

func TestNextLifeTakesTheCallOver(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		w := newWorld(t)
		first := w.start("n1")
		w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
			if len(w.calls) == 1 {
				w.at(time.Millisecond, func() { first.dead = true })
			}
			return 500 * time.Millisecond, notifier.Accepted{ProviderID: "SM2"}
		}
		w.find = func(dispatcher.Call) notifier.Outcome {
			if arrived {
				return notifier.Accepted{ProviderID: "SM1"}
			}
			return notifier.NotFound{}
		}
		ref := w.raise(1, request.Urgent)
		w.run(time.Second)
		w.start("n1")
		w.run(time.Second)
		w.want(ref, request.Received, request.Escalated, request.PageOrdered, request.AttemptStarted, request.AttemptTakenOver, request.AttemptSent)
		if len(w.calls) != 2 || !w.calls[1].LookUp {
			t.Errorf("arrived %t: calls %+v", arrived, w.calls)
		}
	}
}

func TestAnotherNodeWaitsForTheDeadlineBeforeItTakesACallOver(t *testing.T) {
	w := newWorld(t)
	first := w.start("n1")
	began := w.now
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		first.dead = true
		return 100 * time.Millisecond, notifier.Accepted{ProviderID: "SM1"}
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	ref := w.raise(1, request.Urgent)
	w.run(100 * time.Millisecond)
	w.start("n2")
	w.run(time.Minute)
	if got := w.paged(began); got != "ada@0 ada@15" || w.state(ref).Pages[0].State != request.PageSent {
		t.Errorf("paged %s, page %s", got, w.state(ref).Pages[0].State)
	}
}

func TestTwoNodesMakeOneCall(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	w.start("n2")
	for n := range 50 {
		w.raise(n, request.Urgent)
	}
	w.run(time.Minute)
	if len(w.calls) != 50 {
		t.Errorf("%d calls for 50 requests", len(w.calls))
	}
}

func TestWithdrawalTellsWhoeverWasPagedAndCloses(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(6 * time.Minute) // ada and bruno were asked
	s := w.state(ref)
	w.decide(s, request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(time.Hour)
	s = w.state(ref)
	var told []string
	for _, p := range s.Pages {
		if p.Purpose == request.Notice {
			told = append(told, p.Person)
		}
	}
	if !slices.Equal(told, []string{"ada", "bruno"}) || !s.Closed {
		t.Errorf("told %v, closed %t", told, s.Closed)
	}
}

func TestPassingOnAsksTheNextAndLeavesWhoeverPassedAlone(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	s := w.state(ref)
	events, answer := dispatcher.Pass(s, "ada", "", request.ViaCode)
	w.decide(s, request.ByOfficer, events...)
	w.run(16 * time.Minute)
	want := "ada@0 bruno@1 bruno@301 bruno@601 ada@901 bruno@901 carmen@901 dalia@901 erik@901"
	if got := w.paged(began); answer != notifier.PassedOn || got != want {
		t.Errorf("answer %s, paged\n%s, want\n%s", answer, got, want)
	}
}

func TestOwnerWhoPassesOnGivesTheRequestBack(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	w.acknowledge(ref, "ada")
	w.run(time.Hour)
	s := w.state(ref)
	events, _ := dispatcher.Pass(s, "ada", "", request.ViaWeb)
	w.decide(s, request.ByOfficer, events...)
	w.run(time.Second)
	if got := w.paged(began); got != "ada@0 bruno@3601" {
		t.Errorf("paged %s", got)
	}
	if s = w.state(ref); s.Status != request.StatusReceived || s.Owner != "" {
		t.Errorf("status %s, owner %q", s.Status, s.Owner)
	}
}

func TestShiftChangePagesTheNewOfficerAndLeavesTheOldPageValid(t *testing.T) {
	w := newWorld(t)
	w.policy.Waits = map[request.Urgency]time.Duration{request.Emergency: 1 << 40, request.Critical: 1 << 40, request.Urgent: time.Hour, request.Routine: 1 << 40}
	w.run(6*24*time.Hour + 19*time.Hour + 50*time.Minute) // Monday 07:50, the turn changes at 08:00
	began := w.now
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(20 * time.Minute)
	if got := w.paged(began); got != "ada@0 bruno@600" {
		t.Errorf("paged %s", got)
	}
	if answer := w.acknowledge(ref, "ada"); answer != notifier.Taken {
		t.Errorf("the old page answers %s", answer)
	}
}

func TestNobodyOnDutyRaisesAnAlarmAndAsksTheNextAtOnce(t *testing.T) {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"roster"}, {"team:backup"}}
	w.book.Teams = []roster.Team{{ID: "backup", Members: []string{"erik"}}}
	w.book.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: w.now.Add(-time.Hour), Until: w.now.Add(time.Hour), People: []string{}}}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(time.Minute)
	s := w.state(ref)
	if got := w.paged(began); got != "erik@0" || len(s.Alarms) != 1 || s.Alarms[0].Kind != request.AlarmNobody {
		t.Errorf("paged %s, alarms %v", got, s.Alarms)
	}
}

func TestPersonWhoLeftTheRosterIsNotCalledAndTheEscalationGoesOn(t *testing.T) {
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 0.1}
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Message.To == "" {
			return 0, dispatcher.NoAddress // as dispatcher/node says without a call
		}
		return 0, notifier.Accepted{ProviderID: "SM1"}
	}
	w.start("n1")
	w.raise(1, request.Urgent) // takes the only token
	w.run(time.Second)
	ref := w.raise(2, request.Urgent)
	w.run(time.Second)
	w.edit(func(b *roster.Book) { b.People[0].Contacts = nil })
	w.run(time.Minute)
	i := slices.IndexFunc(w.calls, func(c called) bool { return c.Message.Ref == ref })
	if i < 0 || w.calls[i].Message.To != "" {
		t.Fatalf("calls %+v", w.calls)
	}
	if s := w.state(ref); s.Pages[0].State != request.PageFailed || s.Pages[1].Person != "bruno" {
		t.Errorf("nobody else was asked: %+v", s.Pages)
	}
}

func TestStormForOneDelaysNobodyElse(t *testing.T) {
	const storm, others = 2000, 8
	w := newWorld(t)
	w.limit = notifier.Limit{PerSecond: 20}
	w.policy.Levels = [][]string{{"person:ada"}}
	w.start("n1")
	for n := range storm {
		w.raise(n, request.Urgent)
	}
	w.run(5 * time.Second)
	w.policy.Levels = [][]string{{"person:bruno"}}
	began := w.now
	for n := range others {
		w.raise(storm+n, request.Emergency)
	}
	w.run(10 * time.Second)
	served := 0
	for _, c := range w.calls {
		if c.Message.Urgency == request.Emergency && c.at.Sub(began) < 2*time.Second {
			served++
		}
	}
	if served != others {
		t.Errorf("%d of %d emergencies were paged within two seconds of a storm of %d", served, others, storm)
	}
}

func TestNothingIsDecidedWithARosterOlderThanOneThatWasSeen(t *testing.T) {
	w := newWorld(t)
	n := w.start("n1")
	w.step(n, dispatcher.RosterSeen{Revision: 7})
	ref := w.raise(1, request.Emergency)
	w.run(4 * time.Second)
	w.want(ref, request.Received)
	w.book.Revision = 7
	w.step(n, dispatcher.RosterChanged{Roster: w.compiled()})
	w.run(time.Second)
	if len(w.calls) != 1 {
		t.Errorf("%d calls after the roster came", len(w.calls))
	}
}

func TestSameLogSameDecisions(t *testing.T) {
	run := func() string {
		w := newWorld(t)
		w.start("n1")
		began := w.now
		for n := range 20 {
			w.raise(n, request.Urgencies[n%4])
		}
		w.run(time.Hour)
		return w.paged(began)
	}
	if a, b := run(), run(); a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
}

func TestARosterThatCannotBeReadIsWaitedForAndNotForEver(t *testing.T) {
	w := newWorld(t)
	n := w.start("n1")
	w.step(n, dispatcher.RosterSeen{Revision: 7}) // and it never comes
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(4 * time.Second)
	if len(w.calls) != 0 {
		t.Fatalf("paged by an older roster than one that was seen: %s", w.paged(began))
	}
	w.run(2 * time.Second)
	if got := w.paged(began); got != "ada@5" {
		t.Fatalf("after the patience paged %q, want the officer of the last known roster", got)
	}
	w.step(n, dispatcher.RosterSeen{Revision: 8}) // still none: nothing waits once more
	second := w.raise(2, request.Critical)
	w.run(time.Second)
	if s := w.state(second); len(s.Pages) != 1 {
		t.Errorf("the second request has %d pages", len(s.Pages))
	}
	w.book.Revision = 7
	w.edit(func(b *roster.Book) { // it is read at last: who is on duty now is paged at once
		b.Rosters[0].Overrides = []roster.Override{{ID: "swap", Kind: roster.Replace, From: began.Add(-time.Hour), Until: began.Add(time.Hour), People: []string{"carmen"}}}
	})
	w.run(time.Second)
	if s := w.state(ref); !slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.Person == "carmen" }) {
		t.Errorf("pages %+v", s.Pages)
	}
	w.step(n, dispatcher.RosterSeen{Revision: 9}) // a new one is waited for anew
	third := w.raise(3, request.Critical)
	w.run(4 * time.Second)
	if s := w.state(third); len(s.Pages) != 0 {
		t.Errorf("the third request has %d pages before the patience ends", len(s.Pages))
	}
}

// TestAShiftThatChangesAtNightWakesNobodyForARoutineRequest raises one in the evening; at three in the morning somebody else comes on duty.
func TestAShiftThatChangesAtNightWakesNobodyForARoutineRequest(t *testing.T) {
	w := newWorld(t)
	w.run(7*time.Hour + 50*time.Minute) // 19:50
	w.start("n1")
	w.edit(func(b *roster.Book) {
		night := time.Date(2026, 3, 3, 3, 0, 0, 0, time.UTC)
		b.Rosters[0].Overrides = []roster.Override{{ID: "night", Kind: roster.Replace, From: night, Until: night.Add(8 * time.Hour), People: []string{"dalia"}}}
	})
	began := w.now
	ref := w.raise(1, request.Routine)
	w.run(12 * time.Hour) // 07:50
	if got := w.paged(began); got != "ada@0" {
		t.Errorf("paged %s in the night", got)
	}
	w.run(15 * time.Minute)
	s := w.state(ref)
	if p := s.Pages[len(s.Pages)-1]; len(s.Pages) != 2 || p.Person != "dalia" || p.Ordered.Hour() != 8 {
		t.Errorf("in the morning: %s asked at %s, paged %s", p.Person, p.Ordered, w.paged(began))
	}
}
