package dispatcher_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// gateway gives a person a contact of a webhook, at a host of its own.
func gateway(b *roster.Book, person string) {
	for i := range b.People {
		if p := &b.People[i]; p.ID == person {
			p.Contacts = append(p.Contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: "https://" + person + ".gateway.example/pages"})
		}
	}
}

// hostOf is the lane of a webhook.
func hostOf(to notifier.Phone) string {
	if u, err := url.Parse(string(to)); err == nil && u.Host != "" {
		return u.Host
	}
	return "none"
}

// newHookWorld has calls, webhooks of people, and one for everybody.
func newHookWorld(t testing.TB) *world {
	w := newVoiceWorld(t)
	w.hooks = true
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	for _, p := range w.book.People {
		gateway(&w.book, p.ID)
	}
	return w
}

// hooked lists whose webhooks were called, in order, as person@seconds, with what a message is about unless it asks.
func (w *world) hooked(since time.Time) string {
	var list []string
	for _, c := range w.calls {
		if c.Medium != notifier.MediumHook {
			continue
		}
		person, _, _ := strings.Cut(hostOf(c.Message.To), ".")
		text := fmt.Sprintf("%s@%d", person, int(c.at.Sub(since).Seconds()))
		if !c.Message.About.Asks() {
			text += " " + string(c.Message.About)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// gatewayDoes makes the gateway of a person answer so.
func (w *world) gatewayDoes(person string, after time.Duration, o notifier.Outcome) {
	inner := w.provider
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == notifier.MediumHook && strings.HasPrefix(hostOf(c.Message.To), person+".") {
			return after, o
		}
		return inner(c)
	}
}

func TestAWebhookGoesBesideTheFirstPagesOfEachStep(t *testing.T) {
	w := newHookWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(7 * time.Minute)
	if got, want := w.hooked(began), "ada@0, bruno@180, ada@360"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if got, want := w.telephoned(began), "ada/sms@0 ada/voice@60 ada/voice@80 bruno/sms@180 bruno/voice@240 bruno/voice@260 ada/sms@360"; got != want {
		t.Errorf("telephones %s, want %s", got, want)
	}
	for _, p := range w.state(ref).Pages {
		if (p.Channel == notifier.MediumHook) != (p.Purpose == request.Notice && p.About == request.AboutAsked) || p.Recipient != request.ToOfficer {
			t.Errorf("page %+v", p.PageBody)
		}
	}
	m := w.calls[0].Message
	if m.About != notifier.AskToTake || m.Urgency != request.Critical || m.CallSign != "KESTREL" || m.Code != "" {
		t.Errorf("message %+v", m)
	}
}

func TestAPersonIsToldOverEveryMediumBesideTheTelephone(t *testing.T) {
	w := newHookWorld(t)
	w.mail = true
	mailbox(&w.book, "ada")
	w.start("n1")
	began := w.now
	w.raise(1, request.Critical)
	w.run(10 * time.Second)
	if mail, hook := w.mailed(began), w.hooked(began); mail != "ada@0" || hook != "ada@0" {
		t.Errorf("mailed %s, told %s", mail, hook)
	}
}

func TestWhoHasOnlyAWebhookIsToldAndTheAlarmStands(t *testing.T) {
	w := newHookWorld(t)
	for i := range w.book.People {
		if p := &w.book.People[i]; p.ID == "ada" {
			p.Contacts = p.Contacts[2:]
		}
	}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(time.Minute)
	if got, want := w.hooked(began), "ada@0, bruno@0"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if got := w.telephoned(began); !strings.HasPrefix(got, "bruno/sms@0") { // the next is asked at once: ada cannot be reached
		t.Errorf("telephones %s", got)
	}
	if s := w.state(ref); len(s.Alarms) != 1 || s.Alarms[0] != (request.AlarmBody{Kind: request.AlarmNoChannel, Cause: "person ada"}) {
		t.Errorf("alarms %v", s.Alarms)
	}
}

func TestAGatewayThatHangsKeepsNobodyWaitingAndWakesNobody(t *testing.T) {
	w := newHookWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen"}}
	w.gatewayDoes("ada", timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"})
	n := w.start("n1")
	began := w.now
	for i := range 9 { // more than one gateway is given at once
		w.raise(i, request.Critical)
	}
	w.run(2 * time.Second)
	told := map[string]int{}
	for _, c := range w.calls {
		if c.at.Sub(began) < time.Second {
			told[c.Medium+" "+c.Message.CallSign]++
		}
	}
	for what, want := range map[string]int{"hook KESTREL": 1, "hook HERON": 9, "hook OSPREY": 9, "sms KESTREL": 9, "sms HERON": 9, "sms OSPREY": 9} {
		if told[what] != want {
			t.Errorf("%s: %d within the second, want %d", what, told[what], want)
		}
	}
	w.run(50 * time.Second) // the last of them waits for longer than a page may
	if got := n.machine.Troubles(w.now); len(got) != 0 {
		t.Errorf("alarms %v", got)
	}
}

// A gateway that wants to be left alone for hours is: the notice ends after half an hour, and the request closes.
func TestAGatewayThatAsksForAPauseHoldsNoRequestOpen(t *testing.T) {
	w := newHookWorld(t)
	w.gatewayDoes("ada", time.Second, notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: 4 * time.Hour})
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(10 * time.Second)
	w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(time.Hour)
	if got, want := w.hooked(began), "ada@0, ada@10 withdrawn"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if s := w.state(ref); !s.Closed {
		t.Errorf("still open: %+v", s.Pages)
	}
}

func TestAWebhookThatWaitsIsCalledOffWithThePages(t *testing.T) {
	w := newHookWorld(t)
	w.gatewayDoes("ada", time.Second, notifier.Failed{Kind: request.FailedUnknown, Code: "http_503"})
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(30 * time.Second)
	if got, want := w.hooked(began), "ada@0, ada@6, ada@17"; got != want { // after 5 s, then 10, then 20
		t.Errorf("told %s, want %s", got, want)
	}
	w.acknowledge(ref, "ada")
	before := len(w.calls)
	w.run(time.Hour)
	if len(w.calls) != before {
		t.Errorf("called after the acknowledgement: %s", w.hooked(began))
	}
}

func TestCoordinatorsAreToldOfAnAlarmByTheirWebhooksToo(t *testing.T) {
	w := newHookWorld(t)
	w.start("n1")
	began := w.now
	ref := w.alarmed(redisAway)
	w.run(16 * time.Minute)
	if got, want := w.hooked(began), "erik@0, erik@900"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if m := w.calls[0].Message; m.About != notifier.AskToLookAfter || m.Alarm != request.AlarmRedis {
		t.Errorf("message %+v", m)
	}
	w.clear(ref)
	w.run(time.Minute)
	if s := w.state(ref); !s.Closed {
		t.Errorf("the alarm is cleared, and not closed: %+v", s.Pages)
	}
}

// Both are webhooks. What is for a sender never goes where a person is told, and the other way round.
func TestASendersReceiverIsNotAPersonsGateway(t *testing.T) {
	w := newHookWorld(t)
	w.webhook = func(sender string) bool { return sender != "" }
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(5 * time.Second)
	w.acknowledge(ref, "ada")
	w.run(5 * time.Second)
	var media []string
	for _, c := range w.calls {
		switch c.Medium {
		case notifier.MediumHook:
			if !strings.HasPrefix(string(c.Message.To), "https://") || c.Recipient != request.ToOfficer || c.Message.About != notifier.AskToTake {
				t.Errorf("to a person: %s, %+v", c.Recipient, c.Message)
			}
		case dispatcher.SenderMedium:
			if strings.Contains(string(c.Message.To), "://") || c.Recipient != request.ToSender || c.Message.About != request.NewsAcknowledged {
				t.Errorf("to the sender: %s, %+v", c.Recipient, c.Message)
			}
		default:
			continue
		}
		media = append(media, c.Medium)
	}
	if want := []string{notifier.MediumHook, dispatcher.SenderMedium}; !slices.Equal(media, want) {
		t.Errorf("over %v, want %v", media, want)
	}
}

func TestNobodyCanBeAskedByWebhook(t *testing.T) {
	for _, channel := range []string{notifier.MediumHook, roster.Webhook} {
		p := dispatcher.DefaultPolicy()
		p.Channels[request.Urgent] = append(p.Channels[request.Urgent], dispatcher.ChannelRule{Channel: channel})
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "policy.channels.urgent[2]") {
			t.Errorf("%s: %v", channel, err)
		}
	}
}
