package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

func TestAContactThatFailsIsMarkedInReadinessOnThePageAndInTheListOfAlarms(t *testing.T) {
	w := newWorld(t)
	person := w.book.People[0]
	number := person.Contacts[0].Address
	w.book.People[0].Contacts = []roster.Contact{
		{ID: "mobile", Channel: "sms", Address: number, Verified: true},
		{ID: "call", Channel: "voice", Address: number, Verified: true},
		{ID: "other", Channel: "sms", Address: "+15005550155", Verified: true},
	}
	since := request.At(w.now.Add(-time.Hour))
	f := request.Failing{Why: request.WhyOptedOut, Provider: "twilio", Code: "21610", Since: since}
	ref := w.alarmed(request.AlarmBody{Kind: request.AlarmFailing, Cause: request.FailingCause(person.ID, "mobile"), Detail: f.Detail(), Failing: f})
	w.alarmed(request.AlarmBody{Kind: request.AlarmFailing, Cause: request.FailingCause("nobody", "mobile"), Failing: f}) // who has left the roster
	a := w.call("GET", "/api/v1/roster/readiness", w.officer, "")
	var ready client.Readiness
	a.into(t, &ready)
	contacts := ready.People[0].Contacts
	got := contacts[0].Failing
	if a.StatusCode != http.StatusOK || got == nil || got.Failing != f || got.Alarm != ref.String() || contacts[1].Failing != nil || contacts[2].Failing != nil {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if want := "Texts to " + person.CallSign + " fail: opted out with STOP (twilio 21610), since 2026-03-04 21:05 UTC; calls still work."; got.Detail != want {
		t.Errorf("detail %q, want %q", got.Detail, want)
	}
	if !strings.Contains(got.Fix, "START") || strings.Contains(a.text, number) || strings.Contains(a.text, person.Name) {
		t.Errorf("fix %q in %s", got.Fix, a.text)
	}
	if a := w.call("GET", "/api/v1/alarms", w.officer, ""); !strings.Contains(a.text, `"failing":{"why":"opted_out","provider":"twilio","code":"21610","since":"`) || strings.Contains(a.text, number) {
		t.Errorf("alarms %s", a.text)
	}
	b := w.signedIn(w.officer)
	for _, language := range phrase.Languages {
		b.open("GET", "/duty?lang="+string(language), "")
		for _, path := range []string{"/duty", "/duty/live"} {
			page := b.open("GET", path, "").text
			for _, want := range []string{
				person.CallSign, phrase.Text(language, "failing_why_opted_out", phrase.Args{}), phrase.Text(language, "failing_other_voice", phrase.Args{}), "\u20662026-03-04 22:05",
			} {
				if !strings.Contains(page, want) {
					t.Errorf("%s in %s lacks %q", path, language, want)
				}
			}
			if strings.Contains(page, number) {
				t.Errorf("%s shows a number", path)
			}
		}
	}
}

func TestWhatToDoAboutAContactThatFailsIsSaidForEachReason(t *testing.T) {
	for why, fix := range map[request.Why]string{
		request.WhyOptedOut: "START", request.WhyNoNumber: "Mend the number", request.WhyCountry: "account", request.WhyCarrier: "is on",
		request.WhyBlocked: "another number", request.WhyRefused: "another number", "a_later_versions": "another number",
	} {
		w := newWorld(t)
		person := w.book.People[0]
		w.book.People[0].Contacts = []roster.Contact{
			{ID: "desk", Channel: "voice", Address: person.Contacts[0].Address, Verified: true},
			{ID: "display", Channel: "webhook", Address: "https://gateway.example/pages"},
			{ID: "mail", Channel: "email", Address: "ada@example.org"},
		}
		w.alarmed(request.AlarmBody{Kind: request.AlarmFailing, Cause: request.FailingCause(person.ID, "desk"), Failing: request.Failing{Why: why, Since: request.At(w.now)}})
		var ready client.Readiness
		w.call("GET", "/api/v1/roster/readiness", w.officer, "").into(t, &ready)
		got := ready.People[0].Contacts[0].Failing
		if got == nil || !strings.Contains(got.Fix, fix) || !strings.HasPrefix(got.Detail, "Calls to ") || !strings.HasSuffix(got.Detail, "nothing else works.") {
			t.Errorf("%s: %+v", why, got)
		}
	}
}

func TestWhoHasNoTelephoneButTheOneThatFailsIsSaidToHaveNothingElse(t *testing.T) {
	w := newWorld(t)
	person := w.book.People[0]
	w.book.People[0].Contacts = []roster.Contact{
		{ID: "mobile", Channel: "sms", Address: person.Contacts[0].Address, Verified: true},
		{ID: "mail", Channel: roster.Email, Address: "kestrel@example.org"},
		{ID: "display", Channel: roster.Webhook, Address: "https://display.example.org/kestrel"},
	}
	f := request.Failing{Why: request.WhyNoNumber, Since: request.At(w.now.Add(-time.Hour))}
	w.alarmed(request.AlarmBody{Kind: request.AlarmFailing, Cause: request.FailingCause(person.ID, "mobile"), Detail: f.Detail(), Failing: f})
	if a := w.call("GET", "/api/v1/roster/readiness", w.officer, ""); !strings.Contains(a.text, "; nothing else works.") {
		t.Errorf("readiness: %s", a.text)
	}
	b := w.signedIn(w.officer)
	b.open("GET", "/duty?lang=en", "")
	if page := b.open("GET", "/duty", "").text; !strings.Contains(page, "nothing else works") {
		t.Errorf("the page does not say it: %s", page)
	}
}
