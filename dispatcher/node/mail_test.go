package node_test

import (
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

// What leaves by e-mail must not hold what answers by telephone: whoever reads a mailbox and forges the sender of a text would have both.
func TestNoCodeIsGivenToAChannelThatNobodyAnswersOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		mails := mailer{newProvider()}
		w.others = []node.Provider{{Channel: mails}}
		w.rosters.edit(func(b *roster.Book) {
			b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "mail", Channel: roster.Email, Address: "ada@officers.example"})
		})
		n := w.start("n1")
		ref := w.raise(request.Critical)
		w.pass(time.Second)
		texts, letters := w.phones.got(ref), mails.got(ref)
		if len(texts) != 1 || len(letters) != 1 || letters[0].To != "ada@officers.example" || !letters[0].About.Asks() {
			t.Fatalf("texts %+v, e-mails %+v", texts, letters)
		}
		if letters[0].Code != "" {
			t.Errorf("the e-mail got the code %s", letters[0].Code)
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
