package dispatcher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// newShifts is a world in which turns change every day at 08:00: ada is on duty until Tuesday, then bruno, then carmen. Nodes raise what is
// wanted every five seconds.
func newShifts(t *testing.T) *world {
	w := newWorld(t)
	w.book.Rosters[0].Layers[0].Rotation.Unit = roster.Days
	var look func()
	look = func() {
		for _, n := range w.nodes {
			if !n.dead {
				for _, b := range n.machine.Wanted(w.now) {
					w.raiseMatter(b)
				}
			}
		}
		w.at(5*time.Second, look)
	}
	w.at(0, look)
	return w
}

// raiseMatter begins the first log of the series that nobody has used.
func (w *world) raiseMatter(b request.MatterBody) {
	for i := 0; ; i++ {
		ref, _ := request.NewOpsRef([]byte(request.FactID(string(b.Kind), b.Cause, fmt.Sprint(i))))
		switch s := w.state(ref); {
		case !s.Exists():
			w.decide(s, request.BySystem, dispatcher.RaiseMatter(b))
			return
		case !dispatcher.CalledOff(s):
			return
		}
	}
}

// until runs to a time of the first Tuesday.
func (w *world) until(clock string) {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(time.Date(2026, 3, 3, t.Hour(), t.Minute(), t.Second(), 0, time.UTC).Sub(w.now))
}

// only is the only log of a kind.
func (w *world) only(kind request.OpsKind) *request.State {
	w.t.Helper()
	list := w.nodes[len(w.nodes)-1].machine.Matters(kind)
	if len(list) != 1 {
		w.t.Fatalf("%d logs of kind %s", len(list), kind)
	}
	return list[0]
}

// heard lists what people were sent about since a time, as person about over a channel.
func (w *world) heard(since time.Time, abouts ...notifier.About) string {
	var list []string
	for _, c := range w.calls {
		if c.at.Before(since) || !slices.Contains(abouts, c.Message.About) {
			continue
		}
		name := owner(c.Message.To)
		list = append(list, fmt.Sprintf("%s %s %s %s", c.at.Format("15:04"), name, c.Message.About, c.Medium))
	}
	slices.SortStableFunc(list, func(a, b string) int { // who is first within a minute is nobody's promise
		if a[:2] == b[:2] {
			return strings.Compare(a, b)
		}
		return 0
	})
	return strings.Join(list, "\n")
}

func (w *world) trouble(kind request.AlarmKind) int {
	n := 0
	for _, a := range w.nodes[0].machine.Troubles(w.now) {
		if a.Kind == kind {
			n++
		}
	}
	return n
}

var (
	notices   = []notifier.About{notifier.TellShiftSoon, notifier.TellShiftNow}
	handovers = []notifier.About{notifier.AskToHandOver, notifier.AskToTakeOver, notifier.TellHandedOver, notifier.TellNotSigned}
)

func wantHeard(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimSpace(strings.ReplaceAll(want, "\t", "")); got != want {
		t.Errorf("heard\n%s\nwant\n%s", got, want)
	}
}

func TestAnOfficerIsToldTheDayBeforeAndWhenTheShiftBegins(t *testing.T) {
	w := newShifts(t)
	w.start("n1")
	w.start("n2")
	began := w.now
	w.acknowledge(w.raise(1, request.Urgent), "erik") // who is not on duty: nothing of theirs is handed over
	w.raise(2, request.Routine)
	w.run(48 * time.Hour)
	wantHeard(t, w.heard(began, notices...), `
		12:00 bruno shift_soon sms
		08:00 bruno shift_now sms
		08:00 carmen shift_now sms
		08:00 carmen shift_soon sms
		08:00 dalia shift_soon sms`)
	for _, c := range w.calls {
		d := c.Message.Duty
		switch {
		case c.Message.About == notifier.TellShiftSoon && (d.Roster != "national" || d.Until.Sub(d.From) != 24*time.Hour || d.From.Hour() != 8):
			t.Errorf("soon: %+v", d)
		case c.Message.About == notifier.TellShiftNow && (d.Open != 2 || d.From.After(c.at) || !d.Until.After(c.at)):
			t.Errorf("now: %+v", d)
		}
	}
	for _, s := range w.nodes[0].machine.Matters(request.OpsShift) {
		if !s.Closed || s.Matter.Reason != dispatcher.EndedTold {
			t.Errorf("%s: %q, closed %t", s.Matter.Cause, s.Matter.Reason, s.Closed)
		}
	}
	if list := w.nodes[0].machine.Matters(request.OpsHandover); len(list) != 0 {
		t.Errorf("%d handovers", len(list))
	}
}

func TestNoticesKeepTheHoursOfThePersonUnlessTheShiftLeavesNoOther(t *testing.T) {
	for _, tc := range []struct{ zone, handover, edited, want string }{
		{"UTC", "23:00", "", "07:00 bruno shift_soon"},                 // 24 h before is in the night: in the morning
		{"UTC", "21:00", "", "21:00 bruno shift_soon"},                 // 24 h before is early enough
		{"Asia/Tokyo", "15:00", "", "22:00 bruno shift_soon"},          // the night is theirs: 07:00 in Tokyo is 22:00 here
		{"UTC", "05:00", "23:30", "23:30 bruno shift_soon"},            // put on duty in the night for the same night: at once
		{"UTC", "09:00", "23:30", "07:00 bruno shift_soon"},            // … for the next morning: in the morning
		{"Asia/Kathmandu", "05:00", "22:30", "01:15 bruno shift_soon"}, // 07:00 there
	} {
		w := newShifts(t)
		w.book.People[1].TimeZone = tc.zone
		at, _ := time.Parse("15:04", tc.handover)
		shift := time.Date(2026, 3, 3, at.Hour(), at.Minute(), 0, 0, time.UTC)
		if tc.edited == "" {
			shift = shift.AddDate(0, 0, 1)
		}
		w.book.Rosters[0].Layers[0].Rotation = roster.Rotation{Turns: [][]string{{"ada"}}, Unit: roster.Weeks, Length: 1, Handover: "00:00", From: "2026-02-02"}
		change := func(b *roster.Book) {
			b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: shift, Until: shift.Add(4 * time.Hour), People: []string{"bruno"}}}
		}
		if tc.edited == "" {
			change(&w.book)
		}
		w.start("n1")
		if tc.edited != "" {
			edited, _ := time.Parse("15:04", tc.edited)
			w.at(time.Date(2026, 3, 2, edited.Hour(), edited.Minute(), 0, 0, time.UTC).Sub(w.now), func() { w.edit(change) })
		}
		w.run(60 * time.Hour)
		if got := w.heard(time.Time{}, notifier.TellShiftSoon); !strings.Contains(got, tc.want) || strings.Count(got, "bruno") != 1 {
			t.Errorf("%+v: heard\n%s", tc, got)
		}
	}
}

func TestAShiftThatAnEditTookAwayIsNotAnnounced(t *testing.T) {
	w := newShifts(t)
	down := true
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if down {
			return time.Second, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		}
		return time.Second, notifier.Accepted{ProviderID: "SM" + string(c.Message.Ref)}
	}
	w.start("n1")
	w.run(time.Minute)
	soon := w.only(request.OpsShift)
	w.edit(func(b *roster.Book) {
		b.Rosters[0].Overrides = []roster.Override{{
			ID: "o", Kind: roster.Replace, From: soon.Matter.From.Time, Until: soon.Matter.Until.Time, People: []string{"ada"},
		}}
	})
	w.run(time.Minute)
	if s := w.only(request.OpsShift); s.Matter.Reason != dispatcher.EndedCalledOff || s.Pages[0].State != request.PageCalledOff || !s.Closed {
		t.Errorf("%q, page %s, closed %t", s.Matter.Reason, s.Pages[0].State, s.Closed)
	}
	down = false
	w.edit(func(b *roster.Book) { b.Rosters[0].Overrides = nil }) // and it is bruno's after all
	at := w.now
	w.run(time.Hour)
	wantHeard(t, w.heard(at, notices...), "12:02 bruno shift_soon sms")
	if got := w.nodes[0].machine.Matters(request.OpsShift); len(got) != 2 {
		t.Errorf("%d notices", len(got))
	}
}

func TestWhoGoesOnWorkingIsToldNothing(t *testing.T) {
	w := newShifts(t)
	w.book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada"}, {"ada", "bruno"}, {"ada"}}
	w.start("n1")
	taken := w.raise(1, request.Critical)
	w.acknowledge(taken, "ada")
	w.run(47 * time.Hour)
	wantHeard(t, w.heard(time.Time{}, append(slices.Clone(notices), handovers...)...), `
		12:00 bruno shift_soon sms
		08:00 bruno shift_now sms`)
	if s := w.present(taken); s.Owner != "ada" {
		t.Errorf("%q has it", s.Owner)
	}
}

// handed is a world at 08:00 on Tuesday, with two requests that ada has and one that nobody has.
func handed(t *testing.T, nodes ...string) (w *world, refs []request.Ref, handover request.Ref) {
	w = newShifts(t)
	w.voice = true
	for _, name := range append([]string{"n1"}, nodes...) {
		w.start(name)
	}
	for i, urgency := range []request.Urgency{request.Urgent, request.Emergency} {
		refs = append(refs, w.raise(i, urgency))
		w.acknowledge(refs[i], "ada")
	}
	w.until("08:00:10")
	return w, refs, w.only(request.OpsHandover).Ref
}

func (w *world) owners(refs []request.Ref) string {
	var list []string
	for _, ref := range refs {
		list = append(list, w.present(ref).Owner)
	}
	return strings.Join(list, " ")
}

func TestOpenRequestsPassWhenTheNextOfficerConfirms(t *testing.T) {
	w, refs, handover := handed(t, "n2")
	wantHeard(t, w.heard(time.Time{}, handovers...), `
		08:00 ada handover_out sms
		08:00 bruno handover_in sms`)
	for _, c := range w.calls {
		d := c.Message.Duty
		want := map[notifier.About]string{notifier.AskToTakeOver: "KESTREL", notifier.AskToHandOver: "HERON"}[c.Message.About]
		if want != "" && (d.CallSign != want || d.Open != 2 || !slices.Equal(d.Requests, []request.Ref{refs[1], refs[0]})) {
			t.Errorf("%s: %+v", c.Message.About, d)
		}
	}
	versions := []int{w.present(refs[0]).Version, w.present(refs[1]).Version}
	if kind := w.acknowledge(handover, "ada"); kind != notifier.Signed {
		t.Errorf("ada is told %s", kind)
	}
	w.run(5 * time.Minute)
	if got := w.owners(refs); got != "ada ada" {
		t.Errorf("before bruno confirms, %s have them", got)
	}
	if kind := w.acknowledge(handover, "bruno"); kind != notifier.TakenOver {
		t.Errorf("bruno is told %s", kind)
	}
	w.run(time.Second)
	if got := w.owners(refs); got != "bruno bruno" {
		t.Errorf("then %s have them", got)
	}
	if ada, bruno, carmen := w.acknowledge(handover, "ada"), w.acknowledge(handover, "bruno"), w.acknowledge(handover, "carmen"); ada != notifier.AlreadyConfirmed ||
		bruno != notifier.AlreadyConfirmed || carmen != notifier.AlreadyTaken {
		t.Errorf("again: %s, %s, %s", ada, bruno, carmen)
	}
	w.run(time.Hour)
	s := w.present(handover)
	if s.Matter.Reason != dispatcher.EndedConfirmed || !s.Closed || w.trouble(request.AlarmHandover) != 0 {
		t.Errorf("%q, closed %t", s.Matter.Reason, s.Closed)
	}
	wantHeard(t, w.heard(time.Time{}, handovers...), `
		08:00 ada handover_out sms
		08:00 bruno handover_in sms
		08:05 ada handed_over sms`)
	for i, ref := range refs {
		s := w.present(ref)
		if s.Version != versions[i] || s.Status != request.StatusAcknowledged || w.count(ref, request.HandoverConfirmed) != 1 {
			t.Errorf("its sender sees version %d, was %d, %s; %v", s.Version, versions[i], s.Status, w.events(ref))
		}
	}
	if kind := w.passOn(refs[0], "bruno"); kind != notifier.PassedOn { // it is his in every way
		t.Errorf("bruno passes it on: %s", kind)
	}
	w.run(time.Second)
	if s := w.present(refs[0]); s.Owner != "" || s.Escalation != request.Running {
		t.Errorf("%q has it, %s", s.Owner, s.Escalation)
	}
}

// count counts the events of a type in a log.
func (w *world) count(ref request.Ref, t request.EventType) int {
	n := 0
	for _, e := range w.events(ref) {
		if e == t {
			n++
		}
	}
	return n
}

func TestAHandoverThatNobodyConfirmsIsRepeatedCalledAndAlarmedAndCanStillBeConfirmed(t *testing.T) {
	w, refs, handover := handed(t)
	w.ring = func(dispatcher.Call) []rung { return nil }
	w.until("08:29:59")
	if n := w.trouble(request.AlarmHandover); n != 0 {
		t.Errorf("%d alarms before half an hour is over", n)
	}
	w.until("08:30:10")
	if n := w.trouble(request.AlarmHandover); n != 1 {
		t.Errorf("%d alarms after half an hour", n)
	}
	w.until("09:30:00")
	wantHeard(t, w.heard(time.Time{}, handovers...), `
		08:00 ada handover_out sms
		08:00 bruno handover_in sms
		08:15 ada handover_out sms
		08:15 bruno handover_in sms
		08:16 ada handover_out voice
		08:16 bruno handover_in voice`)
	if got := w.owners(refs); got != "ada ada" {
		t.Errorf("%s have them", got)
	}
	if kind := w.acknowledge(handover, "bruno"); kind != notifier.TakenOver {
		t.Errorf("bruno is told %s", kind)
	}
	w.run(time.Second)
	if got := w.owners(refs); got != "bruno bruno" || w.trouble(request.AlarmHandover) != 0 {
		t.Errorf("%s have them, %d alarms", got, w.trouble(request.AlarmHandover))
	}
}

func TestTheSilenceOfWhoWentOffDutyIsToldToTheCoordinatorsByAText(t *testing.T) {
	w, refs, handover := handed(t)
	w.acknowledge(handover, "bruno")
	w.until("09:30:00")
	wantHeard(t, w.heard(time.Time{}, handovers...), `
		08:00 ada handed_over sms
		08:00 ada handover_out sms
		08:00 bruno handover_in sms
		08:15 ada handover_out sms
		08:30 erik handover_unsigned sms`)
	s := w.present(handover)
	if s.Matter.Reason != dispatcher.EndedUnsigned || !s.Closed || w.owners(refs) != "bruno bruno" || w.trouble(request.AlarmHandover) != 0 {
		t.Errorf("%q, closed %t, %s have them", s.Matter.Reason, s.Closed, w.owners(refs))
	}
	if last := w.calls[len(w.calls)-1]; last.Recipient != request.ToCoordinator || last.Message.Duty.CallSign != "KESTREL" {
		t.Errorf("told %+v", last)
	}
	if kind := w.acknowledge(handover, "ada"); kind != notifier.HandoverOver {
		t.Errorf("too late, ada is told %s", kind)
	}
}

func TestAHandoverGoesToWhoeverIsOnDutyNow(t *testing.T) {
	w, refs, handover := handed(t)
	w.until("08:10:00")
	w.edit(func(b *roster.Book) {
		b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: w.now, Until: w.now.Add(4 * time.Hour), People: []string{"dalia"}}}
	})
	w.until("08:11:00")
	if kind := w.acknowledge(handover, "bruno"); kind != notifier.HandoverOver {
		t.Errorf("bruno, who is not on duty any more, is told %s", kind)
	}
	w.until("12:11:00") // and bruno is on again: nobody confirmed
	if kind := w.acknowledge(handover, "bruno"); kind != notifier.TakenOver {
		t.Errorf("bruno is told %s", kind)
	}
	w.run(time.Minute)
	if got := w.owners(refs); got != "bruno bruno" {
		t.Errorf("%s have them", got)
	}
	want := strings.Join([]string{
		"08:00 ada handover_out sms", "08:00 bruno handover_in sms", "08:10 ada handover_out sms", "08:10 dalia handover_in sms", "08:25 ada handover_out sms",
		"08:25 dalia handover_in sms", "08:26 ada handover_out voice", "08:26 dalia handover_in voice", "12:10 ada handover_out sms", "12:10 bruno handover_in sms",
		"12:11 ada handed_over sms",
	}, "\n")
	wantHeard(t, w.heard(time.Time{}, handovers...), want)
	if n := w.count(handover, request.HandoverOffered); n != 3 {
		t.Errorf("offered %d times", n)
	}
}

func TestWhatIsOverOrGivenAwayIsNotHandedOver(t *testing.T) {
	w, refs, handover := handed(t)
	w.decide(w.present(refs[0]), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.passOn(refs[1], "ada")
	w.run(time.Second)
	s := w.present(handover)
	if s.Matter.Reason != dispatcher.EndedNothing || !s.Status.Ended() {
		t.Errorf("%q", s.Matter.Reason)
	}
	if kind := w.acknowledge(handover, "bruno"); kind != notifier.HandoverOver {
		t.Errorf("bruno is told %s", kind)
	}
	w.acknowledge(refs[1], "ada") // she takes it back, and means to: her duty is over
	w.run(2 * time.Hour)
	if got := w.present(refs[1]).Owner; got != "ada" || len(w.nodes[0].machine.Matters(request.OpsHandover)) != 1 {
		t.Errorf("%s has it", got)
	}
}

func TestOneOfSeveralThatIsOverStaysBehind(t *testing.T) {
	w, refs, handover := handed(t)
	w.decide(w.present(refs[0]), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.acknowledge(handover, "bruno")
	w.acknowledge(handover, "ada")
	w.run(time.Hour)
	if s := w.present(handover); w.present(refs[0]).Owner != "ada" || w.present(refs[1]).Owner != "bruno" || s.Matter.Reason != dispatcher.EndedConfirmed {
		t.Errorf("%s have them; %q", w.owners(refs), s.Matter.Reason)
	}
}

func TestWhoIsBackOnDutyKeepsTheRequests(t *testing.T) {
	w, refs, handover := handed(t)
	w.edit(func(b *roster.Book) {
		b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Add, From: w.now, Until: w.now.Add(time.Hour), People: []string{"ada"}}}
	})
	w.until("08:30:10")
	if s := w.present(handover); s.Matter.Reason != dispatcher.EndedOnDuty || w.owners(refs) != "ada ada" || w.trouble(request.AlarmHandover) != 0 {
		t.Errorf("%q, %s have them", s.Matter.Reason, w.owners(refs))
	}
	if kind := w.acknowledge(handover, "bruno"); kind != notifier.HandoverOver {
		t.Errorf("bruno is told %s", kind)
	}
	w.until("09:01:00") // her second duty is over: they pass on
	list := w.nodes[0].machine.Matters(request.OpsHandover)
	if len(list) != 2 || w.acknowledge(list[1].Ref, "bruno") != notifier.TakenOver {
		t.Fatalf("%d handovers", len(list))
	}
	w.run(time.Second)
	if got := w.owners(refs); got != "bruno bruno" {
		t.Errorf("%s have them", got)
	}
}

func TestWithNobodyOnDutyTheRequestsStayWhereTheyAre(t *testing.T) {
	w := newShifts(t)
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.acknowledge(ref, "ada")
	nobody := roster.Override{ID: "o", Kind: roster.Replace, From: w.now.Add(19 * time.Hour), Until: w.now.Add(22 * time.Hour)} // 07:00 to 10:00
	w.edit(func(b *roster.Book) { b.Rosters[0].Overrides = []roster.Override{nobody} })
	w.until("07:31:00")
	if s := w.only(request.OpsHandover); w.trouble(request.AlarmHandover) != 1 || len(s.Pages) != 0 || w.present(ref).Owner != "ada" {
		t.Errorf("%d alarms, %d pages, %s has it", w.trouble(request.AlarmHandover), len(s.Pages), w.present(ref).Owner)
	}
	w.until("10:01:00")
	wantHeard(t, w.heard(time.Time{}, handovers...), `
		10:00 ada handover_out sms
		10:00 bruno handover_in sms`)
}

func TestACrashAfterTheConfirmationLosesNoRequest(t *testing.T) {
	w, refs, handover := handed(t)
	w.nodes[0].dead = true
	s := w.present(handover)
	events, _ := dispatcher.Acknowledge(s, w.now, "bruno", "p1", request.ViaCode)
	w.decide(s, request.ByOfficer, events...)
	if got := w.state(refs[0]).Owner + " " + w.state(refs[1]).Owner; got != "ada ada" {
		t.Fatalf("%s have them", got)
	}
	w.run(3 * time.Hour)
	w.start("n2")
	w.run(time.Second)
	if got := w.owners(refs); got != "bruno bruno" || w.only(request.OpsHandover).Owner != "bruno" {
		t.Errorf("%s have them", got)
	}
}

func TestAfterAStopOverTheEndOfAShiftItIsHandedOver(t *testing.T) {
	w := newShifts(t)
	n := w.start("n1")
	ref := w.raise(1, request.Critical)
	w.acknowledge(ref, "ada")
	w.run(time.Minute)
	n.dead = true
	w.until("14:00:00")
	w.start("n2")
	w.run(time.Minute)
	wantHeard(t, w.heard(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), append(slices.Clone(notices), handovers...)...), `
		14:00 ada handover_out sms
		14:00 bruno handover_in sms
		14:00 carmen shift_soon sms`)
}

func TestTheLapseAndTheUndoOfAnOwnerRunFromTheHandover(t *testing.T) {
	w := newShifts(t)
	w.policy.AckLapse = 30 * time.Minute
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.acknowledge(ref, "ada")
	w.open(ref, "ada")
	w.until("08:01:00")
	w.acknowledge(w.only(request.OpsHandover).Ref, "bruno")
	w.run(20 * time.Second)
	if kind := w.undo(ref, "bruno"); kind != notifier.Undone {
		t.Errorf("undo: %s", kind)
	}
	w.run(time.Second)
	if s := w.present(ref); s.Owner != "" || s.Escalation != request.Running {
		t.Errorf("%q has it", s.Owner)
	}
	w.acknowledge(ref, "bruno")
	w.run(31 * time.Minute)
	if s := w.present(ref); s.Owner != "" {
		t.Errorf("%q has not read it for half an hour and has it", s.Owner)
	}
}

func TestAHandoverThatAClockRaisedTooEarlyWaitsForTheEndOfTheShift(t *testing.T) {
	w := newShifts(t)
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.acknowledge(ref, "ada")
	w.until("07:59:50")
	end := w.now.Add(10 * time.Second)
	w.raiseMatter(request.MatterBody{ // as a node does whose clock is ten seconds ahead
		Kind: request.OpsHandover, Cause: "ada " + end.Format(time.RFC3339), Roster: "national", Person: "ada", From: request.At(end), Asks: []string{"bruno"},
		Requests: []request.Handed{{Request: ref, Since: request.At(w.present(ref).Since)}},
	})
	w.until("07:59:59")
	if s := w.only(request.OpsHandover); s.Status.Ended() || len(s.Pages) != 0 {
		t.Errorf("%q, %d pages", s.Matter.Reason, len(s.Pages))
	}
	w.until("08:00:10")
	wantHeard(t, w.heard(time.Time{}, handovers...), `
		08:00 ada handover_out sms
		08:00 bruno handover_in sms`)
	w.only(request.OpsHandover)
}

func TestANodeWithAnOlderRosterTakesNoOfferBack(t *testing.T) {
	w, _, handover := handed(t, "n2")
	w.until("08:10:00")
	w.book.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: w.now, Until: w.now.Add(4 * time.Hour), People: []string{"dalia"}}}
	w.book.Revision++
	w.step(w.nodes[0], dispatcher.RosterChanged{Roster: w.compiled()}) // and n2 cannot read it
	w.until("08:10:05")                                                // two nodes that take an offer back from each other do so in milliseconds
	if n := w.count(handover, request.HandoverOffered); n != 2 {
		t.Errorf("offered %d times", n)
	}
	if got := w.present(handover).Matter.Asks; !slices.Equal(got, []string{"dalia"}) {
		t.Errorf("it is offered to %v", got)
	}
	w.step(w.nodes[1], dispatcher.RosterChanged{Roster: w.compiled()})
	w.until("12:11:00")
	if n := w.count(handover, request.HandoverOffered); n != 3 {
		t.Errorf("with the next shift it was offered %d times", n)
	}
}

func TestWhatTheNodeThatRaisedAHandoverDidNotKnowOfIsHandedOverByItself(t *testing.T) {
	w := newShifts(t)
	w.start("n1")
	refs := []request.Ref{w.raise(1, request.Critical), w.raise(2, request.Urgent)}
	for _, ref := range refs {
		w.acknowledge(ref, "ada")
	}
	w.until("07:59:59")
	end := w.now.Add(time.Second)
	w.raiseMatter(request.MatterBody{ // as a node does that hears of the log late
		Kind: request.OpsHandover, Cause: "ada " + end.Format(time.RFC3339), Roster: "national", Person: "ada", From: request.At(end), Asks: []string{"bruno"},
		Requests: []request.Handed{{Request: refs[0], Since: request.At(w.present(refs[0]).Since)}},
	})
	w.until("08:00:30")
	offers := w.nodes[0].machine.Matters(request.OpsHandover)
	if len(offers) != 2 || len(offers[1].Matter.Requests) != 1 || offers[1].Matter.Requests[0].Request != refs[1] {
		t.Fatalf("%d handovers", len(offers))
	}
	for _, s := range offers {
		w.acknowledge(s.Ref, "bruno")
	}
	w.until("08:30:00")
	if got := w.owners(refs); got != "bruno bruno" {
		t.Errorf("%s have them", got)
	}
	if n := len(w.nodes[0].machine.Matters(request.OpsHandover)); n != 2 {
		t.Errorf("%d handovers", n)
	}
}

func TestANodeWhoseClockIsBehindTakesNoOfferBack(t *testing.T) {
	w, _, handover := handed(t)
	w.until("08:10:00")
	w.edit(func(b *roster.Book) {
		b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: w.now, Until: w.now.Add(4 * time.Hour), People: []string{"dalia"}}}
	})
	w.until("12:09:57")
	s := w.present(handover)
	body := s.Matter.MatterBody
	body.Asks, body.RosterRevision = []string{"bruno"}, w.book.Revision
	actor := request.Actor{Kind: request.BySystem, ID: "n2"}
	w.append(handover, encode(t, s.Decide(w.now.Add(3*time.Second), "n2", actor, request.NewEvent(request.HandoverOffered, body))))
	w.acknowledge(handover, "ada") // and by this clock something is stored after it, at an earlier time
	w.until("12:09:59")
	if got := w.present(handover).Matter.Asks; !slices.Equal(got, []string{"bruno"}) {
		t.Errorf("it is offered to %v", got)
	}
	w.until("12:11:00")
	if n := w.count(handover, request.HandoverOffered); n != 3 {
		t.Errorf("offered %d times", n)
	}
}
