package vonage_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
)

// The digits of a PIN come in the body of the webhook, go to the sink, and stand in no address.
func TestAPINIsGatheredAndGoesToTheSinkAlone(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.PINWanted}
	call := w.rings(page())
	got := w.sim.Press(call.UUID, "1")
	says(t, got, false, phrase.English, asked, phrase.VoicePIN)
	if got.MaxDigits != 8 {
		t.Errorf("%d digits end the input", got.MaxDigits)
	}
	w.sink.answer = notifier.Answer{Kind: notifier.WrongPIN}
	got = w.sim.Press(call.UUID, "111222#")
	says(t, got, false, phrase.English, asked, phrase.VoiceWrongPIN, phrase.VoicePIN)
	if strings.Contains(got.InputURL, "111222") {
		t.Errorf("the digits are in an address: %s", got.InputURL)
	}
	says(t, w.sim.Press(call.UUID, ""), false, phrase.English, asked, phrase.VoicePIN) // silence is no PIN
	w.sink.answer = notifier.Answer{Kind: notifier.Taken}
	says(t, w.sim.Press(call.UUID, "83517294"), true, phrase.English, asked, phrase.VoiceTaken)
	key := notifier.KeyPress{Ref: "7K4M2QX9D", Attempt: "p1a1", Key: notifier.KeyTake, Phone: recipient, Provider: "vonage", ProviderID: call.UUID}
	first, second := key, key
	first.PIN, first.Try, second.PIN, second.Try = "111222", 1, "83517294", 2
	if !slices.Equal(w.sink.keys, []notifier.KeyPress{key, first, second}) {
		for _, k := range w.sink.keys {
			t.Errorf("the sink is told of %s %q, try %d", k.Key, string(k.PIN), k.Try)
		}
	}
}
