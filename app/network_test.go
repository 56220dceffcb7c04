package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// A node that is told of no provider has two on its own network, and their clients reach the same phone with the credentials that were made.
func TestStandaloneHasTwoOperatorsOnOneNetwork(t *testing.T) {
	hooks := http.NewServeMux()
	node := httptest.NewServer(hooks)
	t.Cleanup(node.Close)
	o := &Options{Standalone: true, SimListen: "localhost:0", Logger: zap.NewNop()}
	ends := &cleanups{log: zap.NewNop()}
	t.Cleanup(ends.run)
	phone, err := o.openTelephone(node.URL, ends)
	if err != nil {
		t.Fatal(err)
	}
	heard := reports{make(chan notifier.Report, 16)}
	hooks.Handle("/webhooks/", phone.handler(heard))
	var served []string
	for _, p := range phone.providers {
		served = append(served, p.Channel.Name()+" "+p.Channel.Medium())
		if p.Limit.PerSecond != 0 {
			t.Errorf("%s is held to %v a second", p.Channel.Name(), p.Limit.PerSecond)
		}
		if p.Channel.Medium() != notifier.MediumSMS {
			continue
		}
		outcome := p.Channel.Send(t.Context(), notifier.Message{
			Ref: "7K4M2QX9D", Page: "p1", Attempt: "p1a1", About: notifier.AskToTake, To: "+12025550123", Urgency: request.Critical, Language: "en",
			Reader: "en", Code: "424242", Expires: time.Now().Add(time.Hour), Since: time.Now(),
		})
		if _, ok := outcome.(notifier.Accepted); !ok {
			t.Fatalf("%s: %+v", p.Channel.Name(), outcome)
		}
		for said := ""; said != string(notifier.Delivered)+" "+p.Channel.Name(); {
			select {
			case r := <-heard.all: // signed as the client expects it
				said = string(r.Progress) + " " + r.Provider
			case <-time.After(20 * time.Second):
				t.Fatalf("%s says nothing of what became of a text", p.Channel.Name())
			}
		}
	}
	if want := []string{"twilio sms", "twilio voice", "vonage sms", "vonage voice"}; !slices.Equal(served, want) {
		t.Errorf("%q, want %q", served, want)
	}
	response, err := http.Get(phone.simURL + "/sim/phones/+12025550123")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var page strings.Builder
	if err := response.Write(&page); err != nil {
		t.Fatal(err)
	}
	for _, provider := range []string{"twilio", "vonage"} {
		if !strings.Contains(page.String(), `"provider":"`+provider+`"`) {
			t.Errorf("nothing came through %s: %s", provider, page.String())
		}
	}
}

// reports takes what providers say of attempts.
type reports struct{ all chan notifier.Report }

func (r reports) Report(_ context.Context, report notifier.Report) error {
	r.all <- report
	return nil
}

func (reports) Reply(context.Context, notifier.Phone, string, string) notifier.Answer {
	return notifier.Answer{}
}

func (reports) Key(context.Context, notifier.KeyPress) notifier.Answer { return notifier.Answer{} }

func TestNoSimulatorStandsBesideAProviderThatIsConfigured(t *testing.T) {
	first := config.Twilio{
		BaseURL: "http://localhost:1", AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "0123456789abcdef0123456789abcdef", Numbers: []string{simNumber},
	}
	for name, c := range map[string]config.Config{"the first": {Twilio: first}, "the second": {Vonage: secondProvider(t)}} {
		o := &Options{Config: c, Standalone: true, SimListen: "localhost:0", Logger: zap.NewNop()}
		phone, err := o.openTelephone("http://localhost:2", &cleanups{})
		if err != nil {
			t.Fatal(name, err)
		}
		if len(phone.providers) != 2 || phone.simURL != "" {
			t.Errorf("with %s alone configured there are %d channels, and a simulator at %q", name, len(phone.providers), phone.simURL)
		}
	}
}
