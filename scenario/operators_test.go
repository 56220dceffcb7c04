package scenario_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phonesim"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

// oursToo is the node's number at the second operator.
const oursToo = "+15005550012"

// applicationKey is made once: it takes time.
var applicationKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// onTwoOperators plays a story in a bubble with a node whose texts and calls go through two operators to the same phones.
func onTwoOperators(t *testing.T, story func(t *testing.T, w *world, second *vonagesim.Simulator), change ...func(*world)) {
	t.Helper()
	applicationKey() // outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		var second *vonagesim.Simulator
		w := newWorld(t, eventlogtest.Start(t), dispatcher.DefaultPolicy(), func(w *world, o *node.Options) {
			for _, do := range change {
				do(w)
			}
			var client *vonage.Client
			second, client = w.secondOperator(t, func(api http.Handler) http.Handler { return api })
			o.Providers = append([]node.Provider{{Channel: w.client.SMS()}, {Channel: w.client.Voice()}, {Channel: client.SMS()}, {Channel: client.Voice()}}, o.Providers[1:]...)
		})
		synctest.Wait()
		story(t, w, second)
	})
}

// ordered receives a request of which ada is asked already, over a channel and through the second provider.
func (w *world) ordered(channel, contact string) request.Ref {
	w.t.Helper()
	var ref request.Ref
	for ok := false; !ok; { // not every word makes one
		w.raised++
		ref, ok = request.NewRef([]byte(request.FactID(fmt.Sprint(w.raised))))
	}
	commit := request.NewState(ref).Decide(time.Now(), "door", request.Actor{Kind: request.BySender, ID: "s1"},
		request.NewEvent(request.Received, request.ReceivedBody{Sender: "s1", Type: request.Preservation, Urgency: request.Critical, Language: "en", Missing: []string{}}),
		request.NewEvent(request.Escalated, request.EscalatedBody{Level: 1, Round: 1, Cause: request.CauseReceived, RosterRevision: 1, Targets: []request.Target{{Person: "ada"}}}),
		request.NewEvent(request.PageOrdered, request.PageBody{
			Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "ada", Level: 1, Round: 1, Channel: channel, Contact: contact, RosterRevision: 1, Provider: "vonage",
			Expires: request.At(time.Now().Add(5 * time.Minute)),
		}))
	data, err := commit.Encode()
	if err == nil {
		_, err = requests{w.log}.Append(w.t.Context(), ref, commit.ID, data, 0, false)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

// attempts are the providers of a page's attempts.
func attempts(s *request.State, page string) (providers []string) {
	for _, a := range s.Page(page).Attempts {
		providers = append(providers, a.Provider)
	}
	return providers
}

func TestATextThroughTheSecondProviderIsAnsweredOnTheSamePhone(t *testing.T) {
	onTwoOperators(t, func(t *testing.T, w *world, _ *vonagesim.Simulator) {
		if err := w.sim.SetFault(phonesim.FaultDown, 0); err != nil {
			t.Fatal(err)
		}
		ref := w.ordered("sms", "mobile")
		pass(2 * time.Second)
		phone, _ := w.sim.Phone(ada)
		if len(phone.Texts) != 1 || phone.Texts[0].Provider != "vonage" || phone.Texts[0].Status != "delivered" || !strings.Contains(phone.Texts[0].Body, ref.String()) {
			t.Fatalf("the phone shows %+v", phone.Texts)
		}
		if got := attempts(w.state(ref), "p1"); !slices.Equal(got, []string{"vonage"}) {
			t.Errorf("attempted through %q", got)
		}
		if _, err := w.sim.Reply(ada, w.code(ref, "p1")); err != nil { // to the number that wrote last
			t.Fatal(err)
		}
		pass(2 * time.Second)
		if s := w.state(ref); s.Owner != "ada" {
			t.Errorf("owned by %q", s.Owner)
		}
		phone, _ = w.sim.Phone(ada)
		if n := len(phone.Texts); n != 3 || phone.Texts[1].Status != "received" || phone.Texts[2].Provider != "vonage" {
			t.Errorf("the phone shows %+v", phone.Texts)
		}
	})
}

func TestACallThroughTheSecondProviderIsAnsweredOnTheSamePhone(t *testing.T) {
	onTwoOperators(t, func(t *testing.T, w *world, second *vonagesim.Simulator) {
		ref := w.ordered("voice", "call")
		pass(2 * time.Second)
		phone, _ := w.sim.Phone(ada)
		if phone.Call == nil || phone.Call.Provider != "vonage" || phone.Call.Status != phonesim.CallRinging {
			t.Fatalf("the phone's call: %+v", phone.Call)
		}
		for _, do := range []func() error{func() error { return w.sim.Answer(ada) }, func() error { return w.sim.Press(ada, "1") }} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
			pass(3 * time.Second)
		}
		if s := w.state(ref); s.Owner != "ada" {
			t.Errorf("owned by %q", s.Owner)
		}
		phone, _ = w.sim.Phone(ada)
		if phone.Call.Status != phonesim.CallCompleted || phone.Call.Pressed != "1" || len(phone.Call.Said) < 2 {
			t.Errorf("the call was %+v", phone.Call)
		}
		if calls := second.Calls(); len(calls) != 1 || calls[0].Status != "completed" || calls[0].Trouble != "" {
			t.Errorf("the vendor lists %+v", calls)
		}
	})
}

// However the first provider fails, an officer gets the text through the second, on the same phone, and takes the request with the code in it.
func TestWhateverTheFirstProviderDoesATextComesThroughTheSecond(t *testing.T) {
	for mode, within := range map[phonesim.FaultMode]time.Duration{
		phonesim.FaultTooMany: 2 * time.Second, phonesim.FaultInternal: 2 * time.Second, phonesim.FaultDown503: 2 * time.Second, phonesim.FaultDown: 2 * time.Second,
		phonesim.FaultHang: 20 * time.Second, phonesim.FaultTimeout: 20 * time.Second, // nobody knows whether it was taken, and who could say so hangs too
	} {
		t.Run(string(mode), func(t *testing.T) {
			onTwoOperators(t, func(t *testing.T, w *world, _ *vonagesim.Simulator) {
				if err := w.sim.SetFault(mode, 0); err != nil {
					t.Fatal(err)
				}
				ref := w.raise(request.Critical)
				pass(within)
				phone, _ := w.sim.Phone(ada)
				came := slices.IndexFunc(phone.Texts, func(text phonesim.Text) bool {
					return text.Provider == "vonage" && strings.Contains(text.Body, ref.String())
				})
				if came < 0 {
					t.Fatalf("the phone shows %+v", phone.Texts)
				}
				words := strings.FieldsFunc(phone.Texts[came].Body, func(r rune) bool { return r < '0' || r > '9' })
				code := words[slices.IndexFunc(words, func(word string) bool { return len(word) == 6 })]
				if _, err := w.sim.Reply(ada, code); err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Second)
				if s := w.state(ref); s.Owner != "ada" {
					t.Errorf("owned by %q", s.Owner)
				}
			})
		})
	}
}
