package request

import (
	"testing"
	"time"
)

var (
	elsewhere = Ref("7K4M2QX9D")
	noon      = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

func offered(asks ...string) Event {
	return NewEvent(HandoverOffered, MatterBody{
		Kind: OpsHandover, Cause: "ada", Roster: "national", Person: "ada", Asks: asks, Requests: []Handed{{elsewhere, At(noon)}},
	})
}

func confirmed(person string) []Event {
	return []Event{NewEvent(HandoverConfirmed, HandoverConfirmedBody{Person: person, Via: ViaCode})}
}

func TestTheTwoSidesOfAHandoverConfirmEachForThemselves(t *testing.T) {
	s := alarmLog(t, noon, []Event{offered("bruno")}, confirmed("ada"))
	ada, bruno := &Page{PageBody: PageBody{Person: "ada"}}, &Page{PageBody: PageBody{Person: "bruno"}}
	if s.Owner != "" || !s.Matter.Signed.Equal(noon.Add(time.Minute)) || !s.Settled(ada) || s.Settled(bruno) || s.Kind() != OpsHandover || s.MinReader != 3 {
		t.Errorf("ada confirmed: %+v", s)
	}
	s = alarmLog(t, noon, []Event{offered("bruno", "carmen")}, confirmed("carmen"), confirmed("bruno"), []Event{offered("dalia")}, confirmed("ada"))
	if s.Owner != "carmen" || !s.AcknowledgedAt.Equal(noon.Add(time.Minute)) || s.Matter.Asks[0] != "dalia" || !s.Matter.Offered.Equal(noon.Add(3*time.Minute)) || s.Status.Ended() {
		t.Errorf("the first has it, and it can be offered anew: %+v", s)
	}
	s = alarmLog(t, noon, []Event{offered("bruno")}, []Event{NewEvent(MatterEnded, MatterEndedBody{Reason: "nothing_left"})}, confirmed("bruno"), []Event{offered("carmen")})
	if s.Owner != "" || s.Status != StatusOver || s.Matter.Reason != "nothing_left" || s.Matter.Asks[0] != "bruno" || !s.Cleared.Equal(noon.Add(time.Minute)) {
		t.Errorf("over is over: %+v", s)
	}
}

func TestALogOfOperationsIsAboutOneThing(t *testing.T) {
	shift := NewEvent(MatterRaised, MatterBody{Kind: OpsShift, Cause: "s", Tells: []string{"ada"}})
	alarm := NewEvent(AlarmRaised, AlarmBody{Kind: AlarmRedis, Cause: "node n1"})
	for name, tc := range map[string]struct {
		first, then Event
		kind        OpsKind
	}{
		"a shift, then an alarm":     {shift, alarm, OpsShift},
		"an alarm, then a shift":     {alarm, shift, OpsAlarm},
		"a shift, then a handover":   {shift, offered("bruno"), OpsShift},
		"a handover that is raised":  {NewEvent(MatterRaised, MatterBody{Kind: OpsHandover, Cause: "x"}), shift, OpsShift},
		"a matter that is an alarm":  {NewEvent(MatterRaised, MatterBody{Kind: OpsAlarm, Cause: "x"}), alarm, OpsAlarm},
		"a matter that says nothing": {NewEvent(MatterRaised, MatterBody{}), shift, OpsShift},
	} {
		s := alarmLog(t, noon, []Event{tc.first}, []Event{tc.then})
		if s.Kind() != tc.kind || (s.Matter == nil) == (tc.kind != OpsAlarm) {
			t.Errorf("%s: %s, %+v", name, s.Kind(), s.Matter)
		}
	}
	if s := alarmLog(t, noon, []Event{shift}, []Event{NewEvent(AlarmCleared, AlarmBody{})}); s.Status.Ended() {
		t.Error("a shift is cleared like an alarm")
	}
	if s := alarmLog(t, noon, []Event{alarm}, []Event{NewEvent(MatterEnded, MatterEndedBody{})}); s.Status.Ended() || s.MinReader > 3 {
		t.Error("an alarm ends like a shift")
	}
}

// requestLog folds decisions of a request, a minute apart.
func requestLog(t *testing.T, commits ...[]Event) *State {
	t.Helper()
	s := NewState(elsewhere)
	for i, events := range commits {
		data, err := s.Decide(noon.Add(time.Duration(i)*time.Minute), "n1", Actor{Kind: BySystem, ID: "n1"}, events...).Encode()
		if err == nil {
			err = s.Apply(uint64(i+1), data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestARequestPassesFromWhoHasItAndFromNobodyElse(t *testing.T) {
	received := []Event{NewEvent(Received, ReceivedBody{Sender: "s1", Type: Preservation, Urgency: Critical})}
	taken := []Event{NewEvent(Acknowledged, AcknowledgedBody{Person: "ada", Via: ViaWeb})}
	pass := []Event{NewEvent(HandoverConfirmed, HandoverConfirmedBody{Person: "bruno", From: "ada", Handover: "X"})}
	read := []Event{NewEvent(Opened, OpenedBody{Person: "ada"})}
	s := requestLog(t, received, taken, read, pass)
	if s.Owner != "bruno" || s.OwnerOpened || !s.Since.Equal(noon.Add(3*time.Minute)) || !s.AcknowledgedAt.Equal(noon.Add(time.Minute)) || s.Version != 2 {
		t.Errorf("passed: %+v", s)
	}
	if s := requestLog(t, received, []Event{NewEvent(Opened, OpenedBody{Person: "bruno"})}, taken, pass); !s.OwnerOpened {
		t.Error("who has read it before has read it")
	}
	for name, s := range map[string]*State{
		"nobody has it": requestLog(t, received, pass),
		"another has":   requestLog(t, received, []Event{NewEvent(Acknowledged, AcknowledgedBody{Person: "carmen", Via: ViaWeb})}, pass),
		"it has ended":  requestLog(t, received, taken, []Event{NewEvent(Withdrawn, WithdrawnBody{})}, pass),
	} {
		if s.Owner == "bruno" {
			t.Errorf("%s: it passes", name)
		}
	}
	hands := MatterBody{Person: "ada", Requests: []Handed{{elsewhere, At(noon.Add(time.Minute))}}}
	if s := requestLog(t, received, taken); !hands.Hands(s) {
		t.Error("what ada has is not handed over")
	}
	again := requestLog(t, received, taken, []Event{NewEvent(Passed, PassedBody{Person: "ada", Via: ViaWeb})}, taken)
	if hands.Hands(again) || hands.Hands(s) || hands.Hands(requestLog(t, received)) {
		t.Error("what she gave away, and took back since, is handed over")
	}
	if copied := alarmLog(t, noon, []Event{offered("bruno")}).Clone(); copied.Matter.Requests[0].Request != elsewhere {
		t.Errorf("a copy: %+v", copied.Matter)
	} else if copied.Matter.Asks[0] = "x"; alarmLog(t, noon, []Event{offered("bruno")}).Matter.Asks[0] == "x" {
		t.Error("a copy shares")
	}
}
