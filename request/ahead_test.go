package request

import (
	"strings"
	"testing"
	"time"
)

func TestTheTimeOfAnAlarmOfTheRosterStandsInItsLogAndMayMove(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	gap := AlarmBody{Kind: AlarmGap, Cause: "roster national", Due: At(now.Add(48 * time.Hour))}
	nearer, other := gap, gap
	nearer.Due, nearer.Detail = At(now.Add(3*time.Hour)), "an edit"
	other.Cause, other.Due = "roster night", At(now)
	s := alarmLog(t, now, []Event{NewEvent(AlarmRaised, gap)}, []Event{NewEvent(AlarmRaised, other)}, []Event{NewEvent(AlarmRaised, nearer)})
	if s.Alarm != nearer || len(s.Alarms) != 1 || s.Alarms[0] != nearer || !s.Received.Equal(now) {
		t.Errorf("%+v, %+v, %s", s.Alarm, s.Alarms, s.Received)
	}
	if !s.Alarm.Quiet(now.Add(2*time.Hour-1)) || s.Alarm.Quiet(now.Add(2*time.Hour)) || !s.Alarm.PagesFrom().Equal(now.Add(2*time.Hour)) {
		t.Errorf("it pages from %s", s.Alarm.PagesFrom())
	}
	s = alarmLog(t, now, []Event{NewEvent(AlarmRaised, gap)}, []Event{NewEvent(AlarmCleared, gap)}, []Event{NewEvent(AlarmRaised, nearer)})
	if s.Alarm != gap || s.Status != StatusCleared || len(s.Alarms) != 0 {
		t.Errorf("an alarm that ended is raised again in its log: %+v, %s", s.Alarm, s.Status)
	}
	redis := AlarmBody{Kind: AlarmRedis, Cause: "node n1"}
	if e := NewEvent(AlarmRaised, redis); strings.Contains(string(e.Body), "due") || redis.Quiet(now) || redis.OfRoster() || !gap.OfRoster() {
		t.Errorf("%s is an alarm like those before", e.Body)
	}
}
