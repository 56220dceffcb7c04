package vonage_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phonesim"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

// inMemory carries a call to a handler without a network.
type inMemory struct{ handler http.Handler }

func (m *inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, in)
	response := w.Result()
	response.Request = r
	return response, nil
}

// onPhones plays a story in a bubble, with phones that texts and calls come to. Every exchange is held to the vendor's description.
func onPhones(t *testing.T, story func(t *testing.T, n *phonesim.Network, c *vonage.Client, s *sink)) {
	applicationKey()
	synctest.Test(t, func(t *testing.T) {
		n := phonesim.New(phonesim.Options{SpeechRate: 1, VoicemailDelay: 5 * time.Second})
		t.Cleanup(n.Close)
		hooks := &inMemory{}
		so := simOptions()
		so.Network, so.Numbers, so.Client = n, []string{"+15005550006", "+15005550007"}, &http.Client{Transport: hooks}
		so.InboundURL, so.FallbackURL = public+vonage.InboundPath, public+vonage.FallbackPath
		so.Check = func(seen vonagesim.Seen) { checkExchange(t, seen) }
		vonagesim.New(so)
		o := options()
		o.BaseURL, o.Transport = "http://vendor.example", &inMemory{n.Handler()}
		c, s := newClient(t, o), &sink{}
		hooks.handler = c.Webhooks(s)
		story(t, n, c, s)
	})
}

// progress is what was reported, each once, in the order of a life: webhooks overtake each other.
func (s *sink) progress() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reports {
		line := string(r.Progress)
		if r.Kind != "" {
			line += " " + string(r.Kind)
		}
		if !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return all
}

func TestWhatAPhoneDoesWithATextIsReported(t *testing.T) {
	lost := func(kind request.FailureKind) string { return string(notifier.Lost) + " " + string(kind) }
	sent, delivered := string(notifier.Sent), string(notifier.Delivered)
	for behaviour, c := range map[phonesim.Behaviour]struct {
		want  []string
		shown int
	}{
		phonesim.Answers:     {[]string{delivered, sent}, 1},
		phonesim.Lies:        {[]string{delivered, sent}, 0},
		phonesim.Unreachable: {[]string{lost(request.FailedCarrier), sent}, 0},
		phonesim.OptedOut:    {[]string{lost(request.FailedForGood)}, 0},
		phonesim.Late:        {[]string{lost(request.FailedExpired)}, 0}, // its validity is 5 minutes
	} {
		t.Run(string(behaviour), func(t *testing.T) {
			onPhones(t, func(t *testing.T, n *phonesim.Network, c2 *vonage.Client, s *sink) {
				if err := n.SetBehaviour(string(recipient), behaviour); err != nil {
					t.Fatal(err)
				}
				if o, ok := c2.SMS().Send(t.Context(), page()).(notifier.Accepted); !ok {
					t.Fatalf("%#v", o)
				}
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				if got := s.progress(); !slices.Equal(got, slices.Sorted(slices.Values(c.want))) {
					t.Errorf("reported %q, want %q", got, c.want)
				}
				phone, _ := n.Phone(string(recipient))
				if len(phone.Texts) != c.shown || phone.Lost != 1-c.shown {
					t.Errorf("the phone shows %d texts and misses %d", len(phone.Texts), phone.Lost)
				}
			})
		})
	}
}

func TestATextThatNobodyTakesIsPostedAgainEachMinute(t *testing.T) {
	onPhones(t, func(t *testing.T, n *phonesim.Network, c *vonage.Client, s *sink) {
		c.SMS().Send(t.Context(), page())
		time.Sleep(time.Second)
		s.mu.Lock()
		s.fails = http.ErrServerClosed
		s.reports = nil
		s.mu.Unlock()
		c.SMS().Send(t.Context(), page())
		time.Sleep(30 * time.Second)
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.progress(); !slices.Equal(got, []string{string(notifier.Delivered), string(notifier.Sent)}) {
			t.Errorf("reported %q", got)
		}
		if _, err := n.Reply(string(recipient), "424242"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		phone, _ := n.Phone(string(recipient))
		if last := phone.Texts[len(phone.Texts)-1]; len(s.replies) != 1 || !strings.HasSuffix(s.replies[0], " 424242") || last.Status != "received" {
			t.Errorf("the node read %q; the phone shows %+v", s.replies, last)
		}
	})
}

func TestWhatAPhoneDoesWithACallIsReported(t *testing.T) {
	answered, ended := string(notifier.Answered), string(notifier.Ended)
	noKey := string(notifier.Lost) + " " + string(request.FailedNoKey)
	sent := string(notifier.Sent)
	for behaviour, want := range map[phonesim.Behaviour][]string{
		phonesim.Busy:        {noKey, sent},
		phonesim.NoAnswer:    {noKey, sent},
		phonesim.Unreachable: {string(notifier.Lost) + " " + string(request.FailedCarrier), sent},
		phonesim.Voicemail:   {answered, ended, sent},
		phonesim.Lies:        {answered, ended, sent},
	} {
		t.Run(string(behaviour), func(t *testing.T) {
			onPhones(t, func(t *testing.T, n *phonesim.Network, c *vonage.Client, s *sink) {
				if err := n.SetBehaviour(string(recipient), behaviour); err != nil {
					t.Fatal(err)
				}
				if o, ok := c.Voice().Send(t.Context(), page()).(notifier.Accepted); !ok {
					t.Fatalf("%#v", o)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if got := s.progress(); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
					t.Errorf("reported %q, want %q", got, want)
				}
				for _, k := range s.keys {
					if k.Key == notifier.KeyTake {
						t.Errorf("nobody was there, and took it: %+v", k)
					}
				}
			})
		})
	}
}

func TestAKeyDuringAPromptEndsItAndAnotherPhonesKeysAreItsOwn(t *testing.T) {
	onPhones(t, func(t *testing.T, n *phonesim.Network, c *vonage.Client, s *sink) {
		s.answer = notifier.Answer{Kind: notifier.Taken, Ref: page().Ref}
		c.Voice().Send(t.Context(), page())
		time.Sleep(time.Second)
		if err := n.Answer(string(recipient)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the prompt takes longer
		if err := n.Press(string(recipient), "1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		phone, _ := n.Phone(string(recipient))
		if len(s.keys) != 1 || s.keys[0].Key != notifier.KeyTake || phone.Call.Status != phonesim.CallCompleted || len(phone.Call.Said) < 2 {
			t.Errorf("pressed %+v; the call was %+v", s.keys, phone.Call)
		}
		if took := phone.Call.EndedAt.Sub(phone.Call.AnsweredAt); took > 20*time.Second {
			t.Errorf("the call took %v", took)
		}
	})
}
