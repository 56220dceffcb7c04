package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// listener takes every request for whoever presses 1.
type listener struct {
	language map[notifier.Phone]string
	pressed  []notifier.KeyPress
}

// Report hears nothing of interest here.
func (*listener) Report(context.Context, notifier.Report) error { return nil }

// Reply is for texts.
func (*listener) Reply(context.Context, notifier.Phone, string, string) notifier.Answer {
	return notifier.Answer{}
}

// Key confirms in the caller's language.
func (l *listener) Key(_ context.Context, k notifier.KeyPress) notifier.Answer {
	l.pressed = append(l.pressed, k)
	return notifier.Answer{Kind: notifier.Taken, Ref: k.Ref, Language: l.language[k.Phone]}
}

// TestEveryLanguageIsSpoken calls an officer of each language: the prompt and the confirmation pass through the telephone network, which
// refuses a language with another one's voice, and are the words of that language.
func TestEveryLanguageIsSpoken(t *testing.T) {
	ref, err := request.ParseRef("7K4M2QX9D")
	for _, letter := range "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U" { // whatever its check character is
		if err == nil {
			break
		}
		ref, err = request.ParseRef("7K4M2QX9" + string(letter))
	}
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		hooks := &memory{}
		sim := twiliosim.New(twiliosim.Options{
			Numbers: []string{ours}, Client: &http.Client{Transport: hooks}, Seed: simSeed, SpeechRate: 1, VoicemailDelay: time.Second,
		})
		defer sim.Close()
		client, err := twilio.New(twilio.Options{
			BaseURL: "http://sim.example", AccountSID: sim.AccountSID(), AuthToken: sim.AuthToken(), Numbers: []string{ours}, PublicURL: public,
			Transport: &memory{handler: sim.Handler()},
		})
		if err != nil {
			t.Fatal(err)
		}
		l := &listener{language: map[notifier.Phone]string{}}
		hooks.handler = client.Webhooks(l)
		for i, language := range phrase.Languages {
			phone := notifier.Phone(fmt.Sprintf("+1500555020%d", i))
			l.language[phone] = string(language)
			outcome := client.Voice().Send(t.Context(), notifier.Message{
				Ref: ref, Page: "p1", Attempt: fmt.Sprintf("p1a%d", i+1), About: notifier.AskToTake, To: phone, Urgency: request.Emergency,
				Language: "fr", Reader: string(language), Expires: time.Now().Add(time.Minute), Since: time.Now(),
			})
			if _, ok := outcome.(notifier.Accepted); !ok {
				t.Fatalf("%s: %+v", language, outcome)
			}
			time.Sleep(5 * time.Second)
			if err := sim.Answer(string(phone)); err != nil {
				t.Fatalf("%s: %v", language, err)
			}
			time.Sleep(2 * time.Second) // the key is pressed while the prompt is spoken
			if err := sim.Press(string(phone), "1"); err != nil {
				t.Fatalf("%s: %v", language, err)
			}
			time.Sleep(time.Minute)
			said := sim.Calls()[i].Said
			args := phrase.Args{Reference: ref.String(), Urgency: "emergency", Language: "fr"}
			want := []string{phrase.Spoken(language, phrase.VoiceAsk, args), phrase.Spoken(language, phrase.VoiceTaken, args)}
			if !slices.Equal(said, want) {
				t.Errorf("%s: heard\n%q, want\n%q", language, said, want)
			}
		}
		if alerts := sim.Alerts(); len(alerts) != 0 {
			t.Errorf("the telephone network complains: %+v", alerts)
		}
		if len(l.pressed) != len(phrase.Languages) {
			t.Errorf("%d keys were heard", len(l.pressed))
		}
	})
}
