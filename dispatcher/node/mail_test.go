package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// mailer is a provider of e-mail.
type mailer struct{ *provider }

func (mailer) Name() string   { return "smtp" }
func (mailer) Medium() string { return notifier.MediumEmail }

// hooker is a provider of webhooks of people.
type hooker struct{ *provider }

func (hooker) Name() string   { return "webhook" }
func (hooker) Medium() string { return notifier.MediumHook }

// What goes beside the telephone must not hold what answers by telephone: whoever reads a mailbox or a display and forges the sender of a text would
// have both.
func TestNoCodeIsGivenToAChannelThatNobodyAnswersOver(t *testing.T) {
	mails, hooks := newProvider(), newProvider()
	t.Run("email", func(t *testing.T) {
		noCodeBeside(t, mailer{mails}, mails, roster.Contact{ID: "beside", Channel: roster.Email, Address: "ada@officers.example"})
	})
	t.Run("webhook", func(t *testing.T) {
		noCodeBeside(t, hooker{hooks}, hooks, roster.Contact{ID: "beside", Channel: roster.Webhook, Address: "https://gateway.example/ada"})
	})
}

func noCodeBeside(t *testing.T, channel notifier.Channel, letterbox *provider, contact roster.Contact) {
	inWorld(t, func(t *testing.T, w *world) {
		w.others = []node.Provider{{Channel: channel}}
		w.rosters.edit(func(b *roster.Book) { b.People[0].Contacts = append(b.People[0].Contacts, contact) })
		n := w.start("n1")
		ref := w.raise(request.Critical)
		w.pass(time.Second)
		texts, letters := w.phones.got(ref), letterbox.got(ref)
		if len(texts) != 1 || len(letters) != 1 || string(letters[0].To) != contact.Address || letters[0].CallSign != "KESTREL" || !letters[0].About.Asks() {
			t.Fatalf("texts %+v, beside %+v", texts, letters)
		}
		if letters[0].Code != "" {
			t.Errorf("the notice got the code %s", letters[0].Code)
		}
		// Not even the code that the notice would have: it is no page that anybody was asked by.
		if answer := n.Reply(t.Context(), ada, "in1", w.code(ref, letters[0].Page)); answer.Kind != notifier.WrongCode {
			t.Errorf("answer %+v", answer)
		}
		if answer := n.Reply(t.Context(), ada, "in2", texts[0].Code); answer.Kind != notifier.Taken {
			t.Errorf("answer %+v", answer)
		}
	})
}

// A gateway that hangs is left to itself when the node stops: what may have arrived is sent again, and is known by its id.
func TestAGatewayThatHangsHoldsNoShutdownAndIsToldByTheNextLife(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hooks := newProvider()
		hooks.send = func(ctx context.Context, _ notifier.Message, _ func() notifier.Outcome) notifier.Outcome {
			<-ctx.Done()
			return notifier.Failed{Kind: request.FailedUnknown, Code: "connection_lost"}
		}
		hooks.find = func(context.Context, notifier.Message) notifier.Outcome { return notifier.NotFound{} }
		w.others = []node.Provider{{Channel: hooker{hooks}}}
		w.rosters.edit(func(b *roster.Book) {
			b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: "https://gateway.example/ada"})
		})
		n := w.start("n1")
		ref := w.raise(request.Critical)
		w.pass(time.Second)
		if len(w.phones.got(ref)) != 1 {
			t.Error("no text while the gateway hangs")
		}
		began := time.Now()
		n.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("the shutdown took %s", took)
		}
		hooks.send = nil
		w.start("n1")
		w.pass(10 * time.Second)
		if told := hooks.got(ref); len(told) != 1 {
			t.Errorf("told %+v, log %v", told, w.events(ref))
		}
	})
}
