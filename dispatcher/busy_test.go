package dispatcher_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func TestBusyPassesOnAndCallsOffWhatStillWaits(t *testing.T) {
	s := request.NewState("7K4M2QX9D")
	seq := uint64(0)
	put := func(events ...request.Event) {
		t.Helper()
		seq++
		data, err := s.Decide(storyBegan.Add(time.Duration(seq)*time.Second), "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, events...).Encode()
		if err == nil {
			err = s.Apply(seq, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	page := func(id, person, channel string) request.Event {
		return request.NewEvent(request.PageOrdered, request.PageBody{
			Page: id, Purpose: request.Ask, Recipient: request.ToOfficer, Person: person, Channel: channel, Level: 1, Round: 1, Expires: request.At(storyBegan.Add(time.Hour)),
		})
	}
	put(request.NewEvent(request.Received, request.ReceivedBody{Sender: "s1", Type: request.Preservation, Urgency: request.Emergency}))
	put(page("p1", "ada", "sms"), page("p2", "ada", "voice"), page("p3", "bruno", "sms"))
	put(request.NewEvent(request.AttemptStarted, request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", Deadline: request.At(storyBegan.Add(time.Minute))}))
	put(request.NewEvent(request.AttemptSent, request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio"}))
	now := storyBegan.Add(20 * time.Second)

	if events, kind := dispatcher.Busy(s, now, "carmen", "", request.ViaCode); len(events) != 0 || kind != notifier.CannotPass {
		t.Errorf("somebody who was not asked: %v, %s", events, kind)
	}
	if events, kind := dispatcher.Pass(s, "ada", "p1", request.ViaCode); len(events) != 1 || kind != notifier.PassedOn {
		t.Errorf("passing on alone: %v, %s", events, kind)
	} else {
		put(events...)
	}
	events, kind := dispatcher.Busy(s, now, "ada", "p1", request.ViaCode) // after PASS it still says more
	if len(events) != 2 || kind != notifier.Spared {
		t.Fatalf("%v, %s", events, kind)
	}
	put(events...)
	for id, want := range map[string]request.PageState{"p1": request.PageSent, "p2": request.PageCalledOff, "p3": request.PageQueued} {
		if got := s.Page(id).State; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	if events, kind := dispatcher.Busy(s, now, "ada", "p1", request.ViaCode); len(events) != 0 || kind != notifier.Spared {
		t.Errorf("once more: %v, %s", events, kind)
	}
	taken, _ := dispatcher.Acknowledge(s, now, "ada", "p1", request.ViaCode)
	put(taken...)
	if len(s.Busy) != 0 || s.Owner != "ada" {
		t.Errorf("owner %q, busy %v", s.Owner, s.Busy)
	}
	if events, kind := dispatcher.Busy(s, now, "bruno", "p3", request.ViaCode); len(events) != 0 || kind != notifier.AlreadyTaken {
		t.Errorf("a colleague who has not got it: %v, %s", events, kind)
	}
}
