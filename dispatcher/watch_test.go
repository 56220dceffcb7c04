package dispatcher_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// troubles lists what a machine finds, as "kind cause: detail".
func (w *world) troubles(n *node) string {
	var list []string
	for _, a := range n.machine.Troubles(w.now) {
		list = append(list, string(a.Kind)+" "+a.Text())
	}
	return strings.Join(list, "; ")
}

func (w *world) found(n *node, want string) {
	w.t.Helper()
	if got := w.troubles(n); got != want {
		w.t.Errorf("at %s: found %q, want %q", w.now.Format(time.DateTime), got, want)
	}
}

// nobody takes everybody off duty for a while.
func nobody(id string, from time.Time, d time.Duration) func(*roster.Book) {
	return func(b *roster.Book) {
		b.Rosters[0].Overrides = append(b.Rosters[0].Overrides, roster.Override{ID: id, Kind: roster.Replace, From: from, Until: from.Add(d)})
	}
}

// silence takes a person's verified telephones away.
func silence(person int) func(*roster.Book) {
	return func(b *roster.Book) {
		p := &b.People[person]
		p.Contacts = []roster.Contact{{ID: "mobile", Channel: "sms", Address: p.Contacts[0].Address}}
	}
}

func TestAGapIsFoundWithTheEditThatMakesItAndAWeekAheadOfOneThatComes(t *testing.T) {
	w := newWorld(t)
	n := w.start("n1")
	w.found(n, "")
	from := w.now.Add(3 * 24 * time.Hour)
	w.edit(nobody("gap", from, 2*time.Hour))
	w.found(n, "roster_gap roster national: 2026-03-05 12:00 UTC to 2026-03-05 14:00 UTC")
	w.edit(nobody("again", from.Add(24*time.Hour), time.Hour))
	w.found(n, "roster_gap roster national: 2026-03-05 12:00 UTC to 2026-03-05 14:00 UTC, and 1 more")
	w.edit(func(b *roster.Book) { b.Rosters[0].Overrides = nil })
	w.found(n, "")

	w.edit(nobody("far", w.now.Add(7*24*time.Hour+90*time.Minute), time.Hour))
	w.found(n, "")
	w.run(time.Hour)
	w.found(n, "")
	w.run(time.Hour)
	w.found(n, "roster_gap roster national: 2026-03-09 13:30 UTC to 2026-03-09 14:30 UTC")
	w.run(7*24*time.Hour - 31*time.Minute)
	w.found(n, "roster_gap roster national: 2026-03-09 13:30 UTC to 2026-03-09 14:30 UTC")
	w.run(time.Minute) // it has begun: that alarm is another one
	w.found(n, "nobody_on_duty roster")
	w.run(time.Hour)
	w.found(n, "")
}

func TestAGapOfARosterThatTheFirstLevelDoesNotAskGoesOnBeingOne(t *testing.T) {
	w := newWorld(t)
	w.book.Rosters = append(w.book.Rosters, roster.Roster{ID: "second", TimeZone: "Asia/Tokyo", Layers: []roster.Layer{{ID: "l", Rotation: roster.Rotation{
		Turns: [][]string{{"dalia"}}, Unit: roster.Days, Length: 1, Handover: "08:00", From: "2026-03-01", Until: "2026-03-03",
	}}}})
	n := w.start("n1")
	w.found(n, "roster_gap roster second: from 2026-03-03 08:00 JST on")
	w.run(12 * time.Hour)
	w.found(n, "roster_gap roster second: from 2026-03-03 09:00 JST on")
}

func TestWhoHasNoVerifiedTelephoneAndWhatRuleIsBrokenIsFound(t *testing.T) {
	w := newWorld(t)
	n := w.start("n1")
	w.edit(silence(3)) // dalia, on duty in three weeks
	w.found(n, "unverified_on_duty person dalia: on national, 2026-03-23 08:00 UTC to 2026-03-30 08:00 UTC")
	w.edit(func(b *roster.Book) {
		b.Rosters[0].Coverage = []roster.Coverage{{ID: "french", Languages: roster.Languages("fr")}, {ID: "russian", Languages: roster.Languages("ru")}}
	})
	w.found(n, "coverage_broken roster national, rule russian: without language ru, 2026-03-02 12:00 UTC to 2026-03-30 08:00 UTC; "+
		"unverified_on_duty person dalia: on national, 2026-03-23 08:00 UTC to 2026-03-30 08:00 UTC")
}

func TestWhileANewerRosterIsNotReadWhatStandsStandsAndNothingIsFound(t *testing.T) {
	gap := request.AlarmBody{Kind: request.AlarmGap, Cause: "roster national", Due: request.At(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC))}
	for _, mends := range []bool{true, false} {
		w := newWorld(t)
		n := w.start("n1")
		if mends { // the newer roster has no gap any more, and another node has cleared the alarm
			w.edit(nobody("gap", gap.Due.Time, time.Hour))
		} else { // it has one, and another node has raised the alarm
			w.alarmed(gap)
			w.run(time.Second)
		}
		newer := w.book.Revision + 1
		w.step(n, dispatcher.RosterSeen{Revision: newer})
		if got := n.machine.Troubles(w.now); len(got) > 0 == mends || (!mends && got[0] != gap) {
			t.Errorf("mends %t: found %v", mends, got)
		}
		w.run(10 * time.Minute) // longer than decisions wait for it
		if got := n.machine.Troubles(w.now); len(got) > 0 == mends {
			t.Errorf("mends %t: found later %v", mends, got)
		}
	}
}

func TestAnAlarmThatIsAheadIsToldOnceByDayAndPagesAnHourBefore(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"carmen", "erik"}
	w.voice = true
	w.now = time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)
	w.start("n1")
	began := w.now
	due := time.Date(2026, 3, 5, 22, 0, 0, 0, time.UTC)
	ref := w.alarmed(request.AlarmBody{Kind: request.AlarmGap, Cause: "roster national", Due: request.At(due)})
	w.run(11*time.Hour - time.Second)
	if len(w.calls) != 0 {
		t.Fatalf("told at night: %s", w.paged(began))
	}
	w.run(2 * 24 * time.Hour)
	if got := w.paged(began); got != "carmen@39600 erik@39600" {
		t.Errorf("paged %s", got)
	}
	for _, c := range w.calls {
		if m := c.Message; m.About != notifier.TellAhead || m.About.Asks() || m.Alarm != request.AlarmGap || !m.Duty.From.Equal(due) || c.Medium != "sms" {
			t.Errorf("told %+v", m)
		}
	}
	w.run(due.Add(-time.Hour - time.Second).Sub(w.now))
	told := len(w.calls)
	w.run(2 * time.Minute)
	if told != 2 || len(w.calls) != 6 || w.calls[2].Message.About != notifier.AskToLookAfter || w.calls[2].at.Before(due.Add(-time.Hour)) {
		t.Errorf("%d told; paged %s", told, w.paged(began)) // a text and a call for each
	}
	w.clear(ref)
	w.run(time.Minute)
	if s := w.state(ref); !s.Closed {
		t.Errorf("not closed: %v", w.events(ref))
	}
}

func TestATextAboutWhatIsAheadThatCannotBeSentIsTriedOnTheNextDay(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"erik"}
	until := time.Date(2026, 3, 3, 2, 0, 0, 0, time.UTC)
	answer := w.provider
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if w.now.Before(until) {
			return time.Second, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		}
		return answer(c)
	}
	w.start("n1")
	ref := w.alarmed(request.AlarmBody{Kind: request.AlarmUncovered, Cause: "roster national, rule x", Due: request.At(w.now.Add(5 * 24 * time.Hour))})
	w.run(44 * time.Hour)
	s := w.state(ref)
	if len(s.Pages) != 2 || s.Pages[0].State != request.PageLate || s.Pages[1].State != request.PageSent || s.Pages[1].Ordered.Hour() != 8 {
		t.Errorf("%+v", s.Pages)
	}
	w.clear(ref)
	w.run(time.Minute)
	if s := w.state(ref); !s.Closed {
		t.Errorf("not closed: %v", w.events(ref))
	}
}

func TestWhoLooksAfterWhatIsFarIsAskedAgainWithEverybodyWhenItComes(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"carmen", "erik"}
	w.start("n1")
	due := w.now.Add(30 * time.Hour)
	ref := w.alarmed(request.AlarmBody{Kind: request.AlarmGap, Cause: "roster national", Due: request.At(due)})
	w.run(time.Minute)
	if kind := w.acknowledge(ref, "erik"); kind != notifier.AlarmTaken {
		t.Fatal(kind)
	}
	told := len(w.calls)
	w.run(29*time.Hour - 2*time.Minute)
	if s := w.state(ref); s.Owner != "erik" || len(w.calls) != told {
		t.Errorf("%q looks after it, %d calls", s.Owner, len(w.calls))
	}
	w.run(2 * time.Minute)
	if s := w.state(ref); s.Owner != "" || len(w.calls) != told+2 {
		t.Errorf("%q looks after it, %d calls", s.Owner, len(w.calls))
	}
	w.acknowledge(ref, "erik")
	calls := len(w.calls)
	w.run(3 * time.Hour)
	if s := w.state(ref); s.Owner != "erik" || len(w.calls) != calls {
		t.Errorf("looked after now: %q, %d calls more", s.Owner, len(w.calls)-calls)
	}
}

func TestAnAcknowledgementOfANodeWhoseClockIsBehindIsNotTakenBack(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"erik"}
	w.start("n1")
	due := w.now.Add(2 * time.Hour)
	ref := w.alarmed(request.AlarmBody{Kind: request.AlarmGap, Cause: "roster national", Due: request.At(due)})
	w.run(time.Hour + time.Minute) // it pages
	s := w.state(ref)
	behind := w.now.Add(-4 * time.Minute)
	events, kind := dispatcher.Acknowledge(s, behind, "erik", "p2", request.ViaKey)
	commit := s.Decide(behind, "n2", request.Actor{Kind: request.ByOfficer, ID: "erik"}, events...)
	w.append(ref, encode(t, commit))
	w.run(time.Hour)
	if s := w.state(ref); kind != notifier.AlarmTaken || s.Owner != "erik" {
		t.Errorf("%s, looked after by %q: %v", kind, s.Owner, w.events(ref))
	}
}

func TestTheTimeOfAnAlarmFollowsTheRoster(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"erik"}
	w.start("n1")
	began := w.now
	at := func(d time.Duration) request.AlarmBody {
		return request.AlarmBody{Kind: request.AlarmGap, Cause: "roster national", Due: request.At(w.now.Add(d))}
	}
	ref := w.alarmed(at(3 * 24 * time.Hour))
	w.run(time.Minute)
	again := func(a request.AlarmBody) {
		w.decide(w.state(ref), request.BySystem, request.NewEvent(request.AlarmRaised, a))
	}
	again(at(30 * time.Minute)) // an edit brought it near
	w.run(time.Minute)
	if got := w.paged(began); got != "erik@0 erik@60" {
		t.Errorf("paged %s", got)
	}
	again(at(24 * time.Hour)) // and another one far
	w.run(20 * time.Hour)
	if got := w.paged(began); got != "erik@0 erik@60" {
		t.Errorf("it is far, and paged %s", got)
	}
	w.run(4 * time.Hour)
	if len(w.calls) < 3 {
		t.Errorf("an hour before: %s", w.paged(began))
	}
}

func TestAnAlarmIsRaisedAgainOnlyWhenItComesAtAnotherTime(t *testing.T) {
	s := newSky(t)
	gap := func(kind request.AlarmKind, from time.Duration) request.AlarmBody {
		return request.AlarmBody{Kind: kind, Cause: "roster national", Detail: from.String(), Due: request.At(s.now.Add(from))}
	}
	for _, kind := range []request.AlarmKind{request.AlarmGap, request.AlarmUnverified} {
		s.sight.Alarms = nil
		s.stands(gap(kind, 24*time.Hour))
		for name, test := range map[string]struct {
			wanted time.Duration
			passed time.Duration
			want   bool
		}{
			"the same":                        {24 * time.Hour, 0, false},
			"nearer":                          {2 * time.Hour, 0, true},
			"farther":                         {48 * time.Hour, 0, true},
			"it has begun":                    {24*time.Hour - 2*time.Minute, 25 * time.Hour, false},
			"it is over, the next one is far": {100 * time.Hour, 26 * time.Hour, kind == request.AlarmGap},
		} {
			s.sight.Troubles = []request.AlarmBody{gap(kind, test.wanted)}
			raise, _ := s.monitor.Decide(s.now.Add(test.passed), s.sight)
			if (len(raise) == 1) != test.want {
				t.Errorf("%s, %s: raised %v", kind, name, raise)
			}
		}
	}
}
