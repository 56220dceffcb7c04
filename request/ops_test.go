package request

import (
	"strings"
	"testing"
	"time"
)

func TestAnOpsReferenceSaysWhatItIs(t *testing.T) {
	for n := range 500 {
		ref, ok := NewOpsRef([]byte(FactID("ops", string(rune(n)))))
		if !ok || !ref.IsOps() || ref.Subject() != "ops."+string(ref) || !strings.HasSuffix(ref.String(), "-U") {
			t.Fatalf("%s, %v: subject %s", ref, ok, ref.Subject())
		}
		if got, err := ParseRef(strings.ToLower(ref.String())); err != nil || got != ref {
			t.Fatalf("%s is read as %s, %v", ref, got, err)
		}
		if got, ok := RefOfSubject(ref.Subject()); !ok || got != ref {
			t.Errorf("subject %s is of %s, %v", ref.Subject(), got, ok)
		}
		if _, ok := RefOfSubject("requests." + string(ref)); ok {
			t.Errorf("%s is taken for a request", ref)
		}
		if _, err := ParseRef(string(ref) + "0"); err == nil {
			t.Error("a character too many is accepted")
		}
		for i := range 8 { // every single wrong character
			for _, r := range alphabet {
				wrong := string(ref[:i]) + string(r) + string(ref[i+1:])
				if _, err := ParseRef(wrong); (err == nil) != (wrong == string(ref)) {
					t.Fatalf("%s is accepted for %s: %v", wrong, ref, err)
				}
			}
		}
		if asked, ok := NewRef([]byte(FactID("request", string(rune(n))))); ok {
			if asked.IsOps() {
				t.Fatalf("request %s looks like an alarm", asked)
			}
			if _, ok := RefOfSubject("ops." + string(asked)); ok {
				t.Errorf("%s is taken for an alarm", asked)
			}
		}
	}
	if _, ok := NewOpsRef([]byte("four")); ok {
		t.Error("four bytes make a reference")
	}
}

// alarmLog folds decisions one after the other.
func alarmLog(t *testing.T, now time.Time, commits ...[]Event) *State {
	t.Helper()
	ref, _ := NewOpsRef([]byte("alarm"))
	s := NewState(ref)
	for i, events := range commits {
		data, err := s.Decide(now.Add(time.Duration(i)*time.Minute), "n1", Actor{Kind: BySystem, ID: "n1"}, events...).Encode()
		if err == nil {
			err = s.Apply(uint64(i+1), data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestAnAlarmLivesInALogOfItsOwn(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	body := AlarmBody{Kind: AlarmUnanswered, Cause: "request 7K4M2QX9D"}
	raised := []Event{NewEvent(AlarmRaised, body)}
	s := alarmLog(t, now, raised)
	if !s.Exists() || s.Status != StatusReceived || s.Urgency != Critical || s.Escalation != Running || !s.Received.Equal(now) || s.Alarm != body || len(s.Alarms) != 1 {
		t.Errorf("raised: %+v", s)
	}
	body.Urgency = Emergency
	if s := alarmLog(t, now, []Event{NewEvent(AlarmRaised, body)}); s.Urgency != Emergency {
		t.Errorf("urgency %s", s.Urgency)
	}
	s = alarmLog(t, now, raised, []Event{NewEvent(Acknowledged, AcknowledgedBody{Person: "ada", Via: ViaCode})})
	if s.Owner != "ada" || len(s.Alarms) != 1 || s.Status.Ended() {
		t.Errorf("looked after, it stands: %+v", s)
	}
	s = alarmLog(t, now, raised, []Event{NewEvent(AlarmCleared, AlarmBody{Kind: AlarmRedis, Cause: "x"})})
	if s.Status.Ended() {
		t.Error("cleared by another alarm's end")
	}
	s = alarmLog(t, now, raised, []Event{NewEvent(AlarmCleared, s.Alarm)})
	if s.Status != StatusCleared || !s.Status.Ended() || len(s.Alarms) != 0 || !s.Cleared.Equal(now.Add(time.Minute)) || s.Escalation != Stopped {
		t.Errorf("cleared: %+v", s)
	}
	for own, want := range map[AlarmBody]string{
		{Kind: AlarmUnanswered, Cause: "every level"}:      "request 7K4M-2QX9-D",
		{Kind: AlarmNobody, Cause: "next"}:                 "roster",
		{Kind: AlarmNobody, Cause: "next:night"}:           "roster:night",
		{Kind: AlarmNobody, Cause: "team:night"}:           "team:night",
		{Kind: AlarmNoChannel, Cause: "next", Detail: "x"}: "next",
	} {
		if got := own.Standing("7K4M2QX9D"); got != (AlarmBody{Kind: own.Kind, Cause: want}) {
			t.Errorf("%+v stands as %+v", own, got)
		}
	}
	if got := (AlarmBody{Cause: "a", Detail: "b"}).Text(); got != "a: b" || body.Text() != body.Cause {
		t.Errorf("text %q", got)
	}
}
