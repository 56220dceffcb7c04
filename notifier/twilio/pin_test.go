package twilio_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
)

// The digits of a PIN come in the body of the webhook, go to the sink, and stand in no address.
func TestAPINIsGatheredAndGoesToTheSinkAlone(t *testing.T) {
	s := &sink{answer: notifier.Answer{Kind: notifier.PINWanted}}
	h := webhooks(t, s)
	got := heard(t, deliver(h, voicePath+askedQuery, callForm("CA1", "in-progress")))
	got = press(t, h, got.next, "1")
	got.says(t, false, phrase.English, asked, phrase.VoicePIN)
	want := map[string]string{"input": "dtmf", "numDigits": "8", "timeout": "8", "actionOnEmptyResult": "true", "action": got.gather["action"]}
	if !maps.Equal(got.gather, want) {
		t.Errorf("%v, want %v", got.gather, want)
	}
	s.answer = notifier.Answer{Kind: notifier.WrongPIN}
	second := press(t, h, got.next, "111222")
	second.says(t, false, phrase.English, asked, phrase.VoiceWrongPIN, phrase.VoicePIN)
	if strings.Contains(second.gather["action"], "111222") {
		t.Errorf("the digits are in an address: %s", second.gather["action"])
	}
	press(t, h, got.next, "111222") // the provider repeats it: it is still the first try
	third := press(t, h, second.next, "4711")
	press(t, h, third.next, "0").says(t, true, phrase.English, asked, phrase.VoiceWrongPIN, phrase.VoicePINFailed)
	s.answer = notifier.Answer{Kind: notifier.Taken}
	press(t, h, third.next, "835172").says(t, true, phrase.English, asked, phrase.VoiceTaken)
	s.answer = notifier.Answer{Kind: notifier.PINLocked}
	press(t, h, third.next, "835172").says(t, true, phrase.English, asked, phrase.VoicePINLocked)
	key := notifier.KeyPress{Ref: "7K4M2QX9D", Attempt: "p1a1", Key: notifier.KeyTake, Phone: recipient, Provider: "twilio", ProviderID: "CA1"}
	pin := func(pin notifier.PIN, try int) notifier.KeyPress {
		k := key
		k.PIN, k.Try = pin, try
		return k
	}
	keys := []notifier.KeyPress{key, pin("111222", 1), pin("111222", 1), pin("4711", 2), pin("0", 3), pin("835172", 3), pin("835172", 3)}
	if !slices.Equal(s.keys, keys) {
		for _, k := range s.keys {
			t.Errorf("the sink is told of %s %q, try %d", k.Key, string(k.PIN), k.Try)
		}
	}
}
