package twilio_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

func alarmPage() notifier.Message {
	m := page()
	ref, _ := request.NewOpsRef([]byte("alarm"))
	m.Ref, m.About, m.Alarm = ref, notifier.AskToLookAfter, request.AlarmProvider
	return m
}

func TestAnAlarmIsWritten(t *testing.T) {
	v := newVendor(t)
	m := alarmPage()
	if _, ok := v.Channel().Send(t.Context(), m).(notifier.Accepted); !ok {
		t.Fatal("not accepted")
	}
	form := v.forms[0]
	want := "Dutyline ALARM " + m.Ref.String() + ": the telephone provider fails. Reply 424242 to look after it."
	if got := form.Get("Body"); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	path := "/webhooks/twilio/message-status/" + string(m.Ref) + "/p1a1"
	if got := form.Get("StatusCallback"); !strings.HasPrefix(got, public+path) {
		t.Errorf("callback %s", got)
	}
	s := &sink{}
	callback := callForm("", "")
	callback.Set("MessageSid", "SM1")
	callback.Set("MessageStatus", "delivered")
	deliver(webhooks(t, s), path, callback)
	if len(s.reports) != 1 || s.reports[0].Ref != m.Ref || s.reports[0].Ref.Subject() != "ops."+string(m.Ref) {
		t.Errorf("reports %+v", s.reports)
	}
}

func TestAnAlarmIsSpoken(t *testing.T) {
	v := newVoiceVendor(t)
	m := alarmPage()
	if _, ok := v.Channel().Send(t.Context(), m).(notifier.Accepted); !ok {
		t.Fatal("not accepted")
	}
	path := strings.TrimPrefix(v.forms[0].Get("Url"), public)
	path, _, _ = strings.Cut(path, "#")
	args := phrase.Args{Reference: m.Ref.String(), Alarm: string(m.Alarm)}
	s := &sink{answer: notifier.Answer{Kind: notifier.AlarmTaken, Ref: m.Ref}}
	got := heard(t, deliver(webhooks(t, s), path, callForm("CA1", "in-progress")))
	got.says(t, false, phrase.English, args, phrase.VoiceAlarm)
	press(t, webhooks(t, s), got.next, "2").says(t, false, phrase.English, args, phrase.VoiceWrongKey, phrase.VoiceAlarm)
	press(t, webhooks(t, s), got.next, "1").says(t, true, phrase.English, args, phrase.VoiceAlarmTaken)
	if !slices.Equal(s.keys, []notifier.KeyPress{{Ref: m.Ref, Attempt: "p1a1", Key: "1", Phone: recipient, Provider: "twilio", ProviderID: "CA1"}}) {
		t.Errorf("keys %+v", s.keys)
	}
	s = &sink{answer: notifier.Answer{Kind: notifier.AlarmOver, Ref: m.Ref}}
	press(t, webhooks(t, s), got.next, "1").says(t, true, phrase.English, args, phrase.VoiceAlarmOver)
	forged := strings.Replace(got.next, "alarm=provider_failing", "alarm=the+suspect+Doe", 1)
	if forged == got.next {
		t.Fatalf("no kind in %s", got.next)
	}
	if turn := press(t, webhooks(t, s), forged, "9"); len(turn.said) != 1 || strings.Contains(turn.said[0]+turn.next, "Doe") {
		t.Errorf("said %q, then %s", turn.said, turn.next)
	}
}
