package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// caller is a provider of calls.
type caller struct{ *provider }

func (caller) Medium() string { return notifier.MediumVoice }

const (
	desk = notifier.Phone("+15005550151")
	noon = 12 * time.Hour // after midnight, when a world begins
)

// untested is a world at a time of the day whose officers have telephones that nobody tested: ada one for texts and calls, and one at a desk for
// calls alone.
func (w *world) untested(at time.Duration) (n *life, calls caller) {
	w.t.Helper()
	w.alarming()
	w.rosters.edit(func(b *roster.Book) {
		b.People[0].Contacts = []roster.Contact{
			{ID: "mobile", Channel: "sms", Address: string(ada)},
			{ID: "call", Channel: "voice", Address: string(ada)},
			{ID: "desk", Channel: "voice", Address: string(desk)},
		}
	})
	calls = caller{newProvider()}
	w.others = []node.Provider{{Channel: calls}}
	w.pass(at)
	return w.start("n1"), calls
}

func (w *world) test(n *life, o node.TestOrder) request.Ref {
	w.t.Helper()
	ref, err := n.OrderTest(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pass(time.Second)
	return ref
}

// verified lists a person's contacts that are verified now.
func (w *world) verified(person string) (ids []string) {
	w.t.Helper()
	c, err := w.rosters.Current(context.Background(), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	p, _ := c.Person(person)
	for _, contact := range p.Contacts {
		if contact.VerifiedAt(time.Now()) {
			ids = append(ids, contact.ID)
		}
	}
	return ids
}

func TestACodeVerifiesTheTelephoneThatItCameTo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, calls := w.untested(noon)
		say := conversation(w, n)
		ref := w.test(n, node.TestOrder{Person: "ada"})
		texts, rings := w.phones.got(ref), calls.got(ref)
		if len(texts) != 1 || texts[0].To != ada || texts[0].About != notifier.AskToAnswer || len(texts[0].Code) != 6 || texts[0].Urgency != request.Routine {
			t.Fatalf("texts %+v", texts)
		}
		if len(rings) != 1 || rings[0].To != desk || rings[0].About != notifier.AskToAnswer {
			t.Fatalf("calls %+v: only the desk takes nothing else", rings)
		}
		if a := say(ada, "000000"); a.Kind != notifier.WrongCode || len(w.verified("ada")) != 0 {
			t.Errorf("a wrong code: %+v, verified %v", a, w.verified("ada"))
		}
		if a := say(bruno, texts[0].Code); a.Kind != notifier.WrongCode || len(w.verified("ada")) != 0 {
			t.Errorf("somebody else's telephone: %+v", a)
		}
		if a := say(ada, texts[0].Code); a.Kind != notifier.TestPassed || a.Ref != ref || a.Language != "en" {
			t.Errorf("answer %+v", a)
		}
		if got := fmt.Sprint(w.verified("ada")); got != "[mobile]" {
			t.Errorf("verified %s", got)
		}
		if a := say(ada, texts[0].Code); a.Kind != notifier.TestPassed || w.history() != "ada: verified by a test page" {
			t.Errorf("the same once more: %+v, history %s", a, w.history())
		}
		if s := w.state(ref); s.Status.Ended() || s.Owner != "" {
			t.Errorf("status %s: the desk has not answered yet, and nobody owns a test", s.Status)
		}
		if a := n.Key(t.Context(), press(ref, rings[0].Attempt, notifier.KeyTake)); a.Kind != notifier.TestPassed {
			t.Errorf("the key: %+v", a)
		}
		w.pass(time.Second)
		if got, s := fmt.Sprint(w.verified("ada")), w.state(ref); got != "[mobile desk]" || s.Matter.Reason != dispatcher.EndedVerified || len(s.Matter.Proofs) != 2 {
			t.Errorf("verified %s, the log %+v", got, s.Matter)
		}
	})
}

func TestATestByCallsRingsEachTelephoneThatTakesThem(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, calls := w.untested(noon)
		ref := w.test(n, node.TestOrder{Person: "ada", Calls: true})
		if texts, rings := w.phones.got(ref), calls.got(ref); len(texts) != 1 || len(rings) != 2 {
			t.Fatalf("%d texts, %d calls", len(texts), len(rings))
		}
		for _, m := range calls.got(ref) {
			if m.To == ada {
				if a := n.Key(t.Context(), press(ref, m.Attempt, notifier.KeyTake)); a.Kind != notifier.TestPassed {
					t.Errorf("answer %+v", a)
				}
			}
		}
		if got := fmt.Sprint(w.verified("ada")); got != "[call]" {
			t.Errorf("verified %s", got)
		}
	})
}

func TestNothingIsVerifiedWhenTheNumberChangedMeanwhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.untested(noon)
		ref := w.test(n, node.TestOrder{Person: "ada"})
		code := w.lastCode(ada, ref)
		w.rosters.edit(func(b *roster.Book) {
			b.People[0].Contacts = []roster.Contact{{ID: "mobile", Channel: "sms", Address: "+15005550152"}, {ID: "old", Channel: "voice", Address: string(ada)}}
		})
		w.pass(time.Second)
		if a := conversation(w, n)(ada, code); a.Kind != notifier.TestOver || len(w.verified("ada")) != 0 {
			t.Errorf("answer %+v, verified %v: nobody saw the new number answer", a, w.verified("ada"))
		}
	})
}

func TestATestIsOverAfterHalfAnHour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.untested(noon)
		ref := w.test(n, node.TestOrder{Person: "ada"})
		w.pass(31 * time.Minute)
		if s := w.state(ref); s.Status != request.StatusOver || s.Matter.Reason != dispatcher.EndedExpired || !s.Closed {
			t.Errorf("status %s, %q, closed %v", s.Status, s.Matter.Reason, s.Closed)
		}
		if a := conversation(w, n)(ada, w.lastCode(ada, ref)); a.Kind != notifier.TestOver || len(w.verified("ada")) != 0 {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestATestIsNoRequestThatSomebodyCouldTakeOrPassOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.untested(noon)
		ref := w.test(n, node.TestOrder{Person: "ada"})
		if o, err := n.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil || o.Kind != notifier.NotYours {
			t.Errorf("on the duty page: %+v, %v", o, err)
		}
		for _, word := range []string{"PASS ", "BUSY ", "NO "} {
			if a := conversation(w, n)(ada, word+w.lastCode(ada, ref)); word == "PASS " && a.Kind != notifier.Declined {
				t.Errorf("%s: %+v", word, a)
			}
		}
		w.pass(20 * time.Minute)
		if got := w.verified("ada"); len(got) != 0 || w.state(ref).Owner != "" || w.count(ref, request.Escalated) != 0 {
			t.Errorf("verified %v", got)
		}
	})
}

func TestNobodyIsWokenForATest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.untested(23 * time.Hour)
		if _, err := n.OrderTest(t.Context(), node.TestOrder{Person: "ada"}); !errors.Is(err, node.ErrNight) {
			t.Errorf("at night: %v", err)
		}
		began := time.Now()
		if w.test(n, node.TestOrder{Person: "ada", Night: true}); len(w.texted(ada, began)) == 0 {
			t.Error("who is awake all the same gets none")
		}
		w.rosters.edit(func(b *roster.Book) { b.People[0].TimeZone = "America/Bogota"; b.People[1].Contacts = nil })
		w.pass(time.Minute)
		if _, err := n.OrderTest(t.Context(), node.TestOrder{Person: "ada"}); err != nil {
			t.Errorf("where it is evening: %v", err)
		}
		for person, want := range map[string]error{"bruno": node.ErrNoTelephone, "nobody": node.ErrNoPerson} {
			if _, err := n.OrderTest(t.Context(), node.TestOrder{Person: person, Night: true}); !errors.Is(err, want) {
				t.Errorf("%s: %v", person, err)
			}
		}
	})
}

func TestAProofThatCannotBeStoredIsAskedForAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.untested(noon)
		say := conversation(w, n)
		ref := w.test(n, node.TestOrder{Person: "ada"})
		w.rosters.mu.Lock()
		w.rosters.unsaved = 1
		w.rosters.mu.Unlock()
		if a := say(ada, w.lastCode(ada, ref)); a.Kind != notifier.TryAgain || w.count(ref, request.Acknowledged) != 0 {
			t.Errorf("answer %+v", a)
		}
		w.rosters.mu.Lock()
		w.rosters.saving = time.Second // and somebody else is faster
		w.rosters.mu.Unlock()
		go func() {
			time.Sleep(500 * time.Millisecond)
			w.rosters.edit(func(b *roster.Book) {
				b.People = slices.Clone(b.People) // the node reads the book that stands
				b.People[1].CallSign = "CRANE"
			})
		}()
		if a := say(ada, w.lastCode(ada, ref)); a.Kind != notifier.TestPassed {
			t.Errorf("answer %+v", a)
		}
		c, _ := w.rosters.Current(t.Context(), 0)
		if p, _ := c.Person("bruno"); p.CallSign != "CRANE" || fmt.Sprint(w.verified("ada")) != "[mobile]" {
			t.Errorf("%s, verified %v: one of two edits is lost", p.CallSign, w.verified("ada"))
		}
	})
}
