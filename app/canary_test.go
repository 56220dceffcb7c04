package app

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/doctor"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/vault"
)

func TestEachProviderIsProbedAsConfigured(t *testing.T) {
	c := config.Config{
		Twilio: config.Twilio{Numbers: []string{"+15005550006", "+15005550007"}}, Vonage: config.Vonage{Numbers: []string{"+15005550008"}},
		Canary: config.Canary{TwilioTo: "+15005550008", Every: 15 * time.Minute, Slow: time.Minute},
	}
	one := canariesOf(c)
	if len(one.Probes) != 1 || one.Probes[0].Provider != "twilio" || one.Probes[0].To != "+15005550008" || one.Every != 15*time.Minute || one.Slow != time.Minute {
		t.Errorf("%+v", one)
	}
	for from, want := range map[notifier.Phone]bool{"+15005550008": true, "+15005550006": true, "+15005550007": true, "+15005550009": false, "": false} {
		if got := one.Probes[0].Answers(from); got != want {
			t.Errorf("%s answers: %v", from, got)
		}
	}
	c.Canary.VonageTo = "+15005550006"
	if both := canariesOf(c); len(both.Probes) != 2 || both.Probes[1].Provider != "vonage" || both.Probes[1].Answers("+15005550007") {
		t.Errorf("%+v", both)
	}
	if none := canariesOf(config.Config{}); len(none.Probes) != 0 {
		t.Errorf("%+v", none)
	}
}

func TestWhatIsSlowByConfigurationIsNotLostBefore(t *testing.T) {
	for _, every := range []time.Duration{time.Minute, 15 * time.Minute} {
		life := dispatcher.Canaries{Every: every}.Life()
		for slow, want := range map[time.Duration]bool{life - time.Second: true, life: false} {
			c := config.Config{Canary: config.Canary{TwilioTo: "+15005550008", Every: every, Slow: slow}}
			if got := !strings.Contains(c.Validate(false).Error(), "canary.slow"); got != want {
				t.Errorf("every %s, slow %s: taken %v", every, slow, got)
			}
		}
	}
}

// fly writes the log of a canary that was sent some slots ago.
func fly(t *testing.T, server *eventlog.Embedded, dir string, c dispatcher.Canaries, slots int, back bool) {
	t.Helper()
	nc, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	log, err := eventlog.Open(t.Context(), nc, eventlog.Requests, 1)
	if err != nil {
		t.Fatal(err)
	}
	key, err := vault.Load(filepath.Join(dir, "deployment.key"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Duration(slots) * c.Every)
	b := c.At(c.Probes[0], at)
	ref, _ := request.NewOpsRef(alarmReferences(key)(string(b.Kind), b.Cause, 0))
	s := request.NewState(ref)
	page := request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio"}
	commits := [][]request.Event{
		{dispatcher.RaiseMatter(b)},
		{request.NewEvent(request.PageOrdered, request.PageBody{Page: "p1", Purpose: request.Ask, About: request.AboutCanary, Person: request.CanaryProbe, Provider: "twilio", Channel: "sms"})},
		{request.NewEvent(request.AttemptStarted, page)},
		{request.NewEvent(request.AttemptSent, page)},
		{request.NewEvent(request.AttemptDelivered, page)},
	}
	reason := dispatcher.EndedLost
	if back {
		reason = dispatcher.EndedAcknowledged
		commits = append(commits, []request.Event{request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: "p1", Person: request.CanaryProbe, Via: request.ViaCode})})
	}
	for i, events := range append(commits, []request.Event{request.NewEvent(request.MatterEnded, request.MatterEndedBody{Reason: reason})}) {
		commit := s.Decide(at.Add(time.Duration(i)*time.Second), "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, events...)
		data, err := commit.Encode()
		if err != nil {
			t.Fatal(err)
		}
		seq, err := requestLog{log}.Append(t.Context(), ref, commit.ID, data, s.LastSeq, false)
		if err == nil {
			err = s.Apply(seq, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheDoctorFindsTheLastCanariesByTheClock(t *testing.T) {
	c, server := deployment(t)
	if l := said(t, c)["canary"]; l.State != doctor.Skipped || l.Fix == "" {
		t.Errorf("off: %+v", l)
	}
	c.Canary = config.Canary{TwilioTo: "+15005550008", Every: 15 * time.Minute, Slow: time.Minute}
	if l := said(t, c)["canary"]; l.State != doctor.Skipped {
		t.Errorf("before the first node: %+v", l)
	}
	store(t, server, c.DataDir, roster.Example("UTC", time.Now()))
	expect := func(when string, state doctor.State, detail string) {
		t.Helper()
		l := said(t, c)["canary twilio"]
		if l.State != state || !strings.Contains(l.Detail, detail) || (l.Fix == "") != (state == doctor.Fine) || strings.Contains(l.Detail+l.Fix, "+1500") {
			t.Errorf("%s: %+v", when, l)
		}
	}
	expect("none was sent", doctor.Warning, "none has come to its end within 45m0s")
	canaries := canariesOf(c)
	fly(t, server, c.DataDir, canaries, 3, true)
	expect("one came back", doctor.Fine, "accepted after 1.0 s, delivered after 2.0 s, acknowledged after 3.0 s")
	fly(t, server, c.DataDir, canaries, 2, false)
	expect("one was lost", doctor.Warning, "delivered after 2.0 s, not acknowledged")
	fly(t, server, c.DataDir, canaries, 1, false)
	expect("two were lost", doctor.Wrong, "not acknowledged")
}
