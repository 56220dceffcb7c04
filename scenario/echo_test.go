package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phonesim"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
	"github.com/dutyline/dutyline/vonagesim"
)

// mostAnswers is how many texts a machine that answers everything may get about one request within an hour: the page over each provider, what it
// came to, and a dozen that lead to nothing.
const mostAnswers = 20

// received are the texts that a phone was sent since it had n.
func (w *world) received(number string, n int) (texts []string) {
	phone, _ := w.sim.Phone(number)
	for _, text := range phone.Texts {
		if text.Direction != twiliosim.Inbound {
			texts = append(texts, text.Body)
		}
	}
	return texts[min(n, len(texts)):]
}

// A telephone that sends every text back takes nothing, its page goes to the next, and the conversation with it comes to an end.
func TestAMachineThatEchoesOurTextsTakesNothingAndIsNotAnsweredForEver(t *testing.T) {
	onTwoOperators(t, func(t *testing.T, w *world, _ *vonagesim.Simulator) {
		if err := w.sim.SetBehaviour(ada, phonesim.Echoes); err != nil {
			t.Fatal(err)
		}
		ref := w.raise(request.Urgent)
		pass(10 * time.Minute)
		s := w.state(ref)
		if s.Owner != "" || w.texts(bruno, ref) == 0 {
			t.Errorf("owner %q, %d texts to bruno", s.Owner, w.texts(bruno, ref))
		}
		got := w.received(ada, 0)
		if n := len(got); n < 3 || n > mostAnswers {
			t.Errorf("%d texts to a machine: %q", n, got)
		}
		pass(30 * time.Minute)
		if more := w.received(ada, len(got)); len(more) > 4 { // further rounds ask again, and no answer comes to what comes back
			t.Errorf("%d more texts: %q", len(more), more)
		}
		if s := w.state(ref); s.Owner != "" {
			t.Errorf("owner %q", s.Owner)
		}
	})
}

// A machine whose every text holds the code of a page has it taken once, as whoever has the telephone could. That it is theirs already is told a
// dozen times, and no more; what a person writes afterwards is obeyed all the same, and the first answer to it comes.
func TestAMachineThatKeepsSendingACodeIsNotAnsweredForEver(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		ref := w.raise(request.Urgent)
		pass(2 * time.Second)
		code := w.code(ref, w.state(ref).Pages[0].Page)
		answered := 0
		for range 40 {
			before := len(w.received(ada, 0))
			if _, err := w.sim.Reply(ada, "Ticket "+code); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second)
			answered += len(w.received(ada, before))
		}
		if w.state(ref).Owner != "ada" || answered != 14 {
			t.Errorf("owner %q, %d answers", w.state(ref).Owner, answered)
		}
		before := len(w.received(ada, 0))
		if _, err := w.sim.Reply(ada, "PASS "+code); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		if s, got := w.state(ref), w.received(ada, before); s.Owner != "" || len(got) != 1 || w.texts(bruno, ref) == 0 {
			t.Errorf("owner %q, answers %q, %d texts to bruno", s.Owner, got, w.texts(bruno, ref))
		}
		if log := w.logs.String(); strings.Contains(log, ada[1:]) || strings.Contains(log, code) || !strings.Contains(log, notifier.Phone(ada).Masked()) {
			t.Error("the log has the number or the code, or not the masked number")
		}
	})
}
