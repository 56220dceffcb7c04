package node_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// nobody takes everybody off duty for a while.
func nobody(from, until time.Time) func(*roster.Book) {
	return func(b *roster.Book) {
		b.Rosters[0].Overrides = append(b.Rosters[0].Overrides, roster.Override{ID: "gap", Kind: roster.Replace, From: from, Until: until})
	}
}

// toErik lists the texts to the coordinator, who has no shift that is near.
func (w *world) toErik() (texts []taken) {
	for _, text := range w.phones.got("") {
		if text.To == erik {
			texts = append(texts, text)
		}
	}
	return texts
}

func TestAGapThatAnEditMakesIsToldByDayPagesAnHourBeforeAndIsClearedWhenItIsMended(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		begin := time.Now() // midnight
		w.pass(7 * time.Hour)
		n, other := w.start("n1"), w.start("n2")
		w.rosters.edit(nobody(begin.Add(11*time.Hour), begin.Add(12*time.Hour)))
		w.pass(10 * time.Second)
		const found = "roster_gap roster national: 2000-01-01 11:00 UTC to 2000-01-01 12:00 UTC received"
		if got := standing(n); got != found || standing(other) != found {
			t.Fatalf("alarms %q, %q", got, standing(other))
		}
		ref := w.alarmOf(n, request.AlarmGap)
		w.pass(time.Hour - 11*time.Second)
		if got := w.toErik(); len(got) != 0 {
			t.Fatalf("somebody was woken: %+v", got)
		}
		w.pass(2 * time.Second)
		if got := w.phones.got(ref); len(got) != 1 || got[0].To != erik || got[0].About != notifier.TellAhead || got[0].Code != "" {
			t.Fatalf("told %+v", got)
		}
		w.pass(2*time.Hour - 2*time.Second)
		if got := w.toErik(); len(got) != 1 {
			t.Fatalf("told again: %+v", got)
		}
		w.pass(2 * time.Second)
		got := w.phones.got(ref)
		if len(got) != 2 || got[1].About != notifier.AskToLookAfter || got[1].Code == "" || w.count(ref, request.AlarmRaised) != 1 {
			t.Fatalf("an hour before: %+v, raised %d times", got, w.count(ref, request.AlarmRaised))
		}
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Overrides = nil })
		w.pass(40 * time.Second)
		if s := w.state(ref); s.Status != request.StatusCleared || !s.Closed || len(w.toErik()) != 2 {
			t.Errorf("mended: %s, %d texts, %v", s.Status, len(w.toErik()), w.events(ref))
		}
	})
}

func TestAGapWithinTheHourPagesAtOnceAndBecomesNobodyOnDutyWhenItBegins(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		w.start("n2")
		w.rosters.edit(nobody(time.Now().Add(30*time.Minute), time.Now().Add(2*time.Hour)))
		w.pass(10 * time.Second)
		ref := w.alarmOf(n, request.AlarmGap)
		if got := w.toErik(); len(got) != 1 || got[0].About != notifier.AskToLookAfter || got[0].Alarm != request.AlarmGap || got[0].Ref != ref {
			t.Fatalf("texts %+v", got)
		}
		w.pass(31 * time.Minute)
		began := w.alarmOf(n, request.AlarmNobody)
		if s := w.state(ref); s.Status != request.StatusCleared || w.state(began).Status.Ended() || w.count(began, request.AlarmRaised) != 1 {
			t.Errorf("it has begun: %s", standing(n))
		}
		w.pass(90 * time.Minute)
		if got := standing(n); strings.Contains(got, "received") {
			t.Errorf("it is over: %s", got)
		}
	})
}

func TestAGapThatComesNearerIsFoundWithinTheHourInWhichItIsAWeekAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		week := 7 * 24 * time.Hour
		w.rosters.edit(nobody(time.Now().Add(week+90*time.Minute), time.Now().Add(week+3*time.Hour)))
		w.pass(time.Hour + 10*time.Second)
		if got := standing(n); got != "" {
			t.Errorf("alarms %s", got)
		}
		w.pass(time.Hour)
		if got := standing(n); !strings.HasPrefix(got, "roster_gap roster national: 2000-01-08 01:30 UTC") {
			t.Errorf("alarms %s", got)
		}
	})
}

func TestATelephoneThatNobodyVerifiedIsPagedAndItsAlarmStandsUntilItIsVerified(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		w.rosters.edit(func(b *roster.Book) {
			b.People[0].Contacts = []roster.Contact{{ID: "m", Channel: "sms", Address: string(ada)}}
		})
		w.pass(10 * time.Second)
		ref := w.alarmOf(n, request.AlarmUnverified)
		if got := w.toErik(); len(got) != 1 || got[0].To != erik || got[0].Alarm != request.AlarmUnverified {
			t.Fatalf("texts %+v", got)
		}
		if a := n.Reply(t.Context(), erik, "in1", w.phones.got(ref)[0].Code); a.Kind != notifier.AlarmTaken {
			t.Errorf("answer %+v", a)
		}
		asked := w.raise(request.Critical)
		w.pass(time.Second)
		if got := w.phones.got(asked); len(got) != 1 || got[0].To != ada {
			t.Errorf("that telephone is paged all the same: %+v", got)
		}
		w.pass(3 * time.Hour)
		s := w.state(ref)
		if s.Status.Ended() || s.Owner != "erik" || len(w.phones.got(ref)) != 1 {
			t.Errorf("%s, looked after by %q, %d texts", s.Status, s.Owner, len(w.phones.got(ref)))
		}
		w.rosters.edit(func(b *roster.Book) { b.People[0].Contacts[0].Verified = true })
		w.pass(40 * time.Second)
		if s := w.state(ref); s.Status != request.StatusCleared {
			t.Errorf("verified: %s", s.Status)
		}
	})
}

func TestABrokenCoverageRuleIsAlarmed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		w.rosters.edit(func(b *roster.Book) {
			b.Rosters[0].Coverage = []roster.Coverage{{ID: "spanish", Languages: roster.Languages("es")}}
		})
		w.pass(10 * time.Second)
		if got := standing(n); !strings.HasPrefix(got, "coverage_broken roster national, rule spanish: without language es, ") || len(w.toErik()) != 1 {
			t.Errorf("alarms %s, texts %+v", got, w.toErik())
		}
	})
}

func TestAnEditThatBringsAGapNearerPagesInTheSameLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarming()
		n := w.start("n1")
		w.start("n2")
		now := time.Now()
		w.rosters.edit(nobody(now.Add(5*time.Hour), now.Add(6*time.Hour)))
		w.pass(10 * time.Second)
		ref := w.alarmOf(n, request.AlarmGap)
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Overrides[0].From = now.Add(50 * time.Minute) })
		w.pass(10 * time.Second)
		if got := w.phones.got(ref); len(got) != 1 || got[0].About != notifier.AskToLookAfter || w.count(ref, request.AlarmRaised) != 2 {
			t.Errorf("texts %+v, raised %d times", got, w.count(ref, request.AlarmRaised))
		}
		if s := w.state(ref); s.Alarm.Due.Sub(now) != 50*time.Minute {
			t.Errorf("%+v", s.Alarm)
		}
	})
}
