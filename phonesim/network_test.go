package phonesim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

const (
	officer = "+12025550123"
	other   = "+12025550188"
)

// An operator is one of a name and a number, which notes what happens to it.
type operator struct {
	net    *phonesim.Network
	name   string
	number string
	faults *phonesim.Faults
	taken  []string // texts of phones
	forgot int
}

func join(n *phonesim.Network, name, number string) *operator {
	o := &operator{net: n, name: name, number: number}
	o.faults = n.NewFaults(func(w http.ResponseWriter, _ *http.Request, status int) {
		http.Error(w, "in the words of "+name, status)
	})
	n.Join(o)
	return o
}

func (o *operator) Name() string             { return o.name }
func (o *operator) Owns(number string) bool  { return number == o.number }
func (o *operator) Faults() *phonesim.Faults { return o.faults }
func (o *operator) Forget()                  { o.forgot++ }

func (o *operator) Take(from, to, body string) string {
	o.taken = append(o.taken, from+" to "+to+": "+body)
	return o.name + "1"
}

func (o *operator) Mount(api, _ *http.ServeMux) {
	api.HandleFunc("/"+o.name, o.faults.Wrap(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
}

// write has the operator write to a phone, where the text arrives at once.
func (o *operator) write(number, body string) {
	o.net.Lock()
	defer o.net.Unlock()
	text := &phonesim.Text{SID: body, Provider: o.name, Direction: "outbound-api", Body: body, Status: "delivered", From: o.number}
	h := o.net.Handset(number)
	h.Log(text)
	h.Show(text)
}

// A caller notes what becomes of its call.
type caller struct {
	phonesim.Line
	events []phonesim.Event
	keys   string
}

func (c *caller) Came(e phonesim.Event) { c.events = append(c.events, e) }
func (c *caller) Key(key string)        { c.keys += key }

func (o *operator) call(number string) *caller {
	o.net.Lock()
	defer o.net.Unlock()
	c := &caller{Line: phonesim.Line{
		Call: phonesim.Call{SID: "call", Provider: o.name, From: o.number, To: number}, RingFor: 30 * time.Second, TalkFor: time.Minute,
	}}
	o.net.Place(&c.Line, c)
	c.Dial()
	return c
}

// two is a network with two operators.
func two(t testing.TB) (n *phonesim.Network, first, second *operator) {
	t.Helper()
	n = phonesim.New(phonesim.Options{})
	t.Cleanup(n.Close)
	return n, join(n, "first", "+15005550006"), join(n, "second", "+15005550012")
}

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAReplyGoesToTheNumberThatWroteLastWhoeverCarriesIt(t *testing.T) {
	n, first, second := two(t)
	reply := func(body string) {
		t.Helper()
		if _, err := n.Reply(officer, body); err != nil {
			t.Fatal(err)
		}
	}
	reply("to nobody")
	first.write(officer, "one")
	second.write(officer, "two")
	second.write(other, "to another phone")
	reply("after two")
	first.write(officer, "three")
	reply("after three")
	if want := []string{officer + " to : to nobody", officer + " to " + first.number + ": after three"}; !slices.Equal(first.taken, want) {
		t.Errorf("the first took %q, want %q", first.taken, want)
	}
	if want := []string{officer + " to " + second.number + ": after two"}; !slices.Equal(second.taken, want) {
		t.Errorf("the second took %q, want %q", second.taken, want)
	}
	phone, _ := n.Phone(officer)
	var through []string
	for _, text := range phone.Texts {
		through = append(through, text.Provider)
	}
	if want := []string{"first", "second", "first"}; !slices.Equal(through, want) {
		t.Errorf("texts came through %q, want %q", through, want)
	}
}

func TestAPhoneThatRingsIsBusyForTheOtherOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, first, second := two(t)
		one := first.call(officer)
		settle(time.Second)
		too := second.call(officer)
		elsewhere := second.call(other)
		settle(time.Second)
		if too.Status != phonesim.CallBusy || !slices.Equal(too.events, []phonesim.Event{phonesim.Initiated, phonesim.Ended}) {
			t.Errorf("the second call is %s after %q", too.Status, too.events)
		}
		if one.Status != phonesim.CallRinging || elsewhere.Status != phonesim.CallRinging {
			t.Errorf("the calls are %s and %s", one.Status, elsewhere.Status)
		}
		if err := n.Answer(officer); err != nil {
			t.Fatal(err)
		}
		if err := n.Press(officer, "1#"); err != nil || one.keys != "1#" || elsewhere.keys != "" {
			t.Errorf("keys %q and %q: %v", one.keys, elsewhere.keys, err)
		}
		settle(time.Minute)
		if want := []phonesim.Event{phonesim.Initiated, phonesim.Ringing, phonesim.Answered, phonesim.Ended}; !slices.Equal(one.events, want) || one.Status != phonesim.CallCompleted {
			t.Errorf("%s after %q, want %q", one.Status, one.events, want)
		}
		if elsewhere.Status != phonesim.CallNoAnswer {
			t.Errorf("nobody answered, and the call is %s", elsewhere.Status)
		}
		third := second.call(officer) // the line is free again
		settle(time.Second)
		if third.Status != phonesim.CallRinging {
			t.Errorf("the next call is %s", third.Status)
		}
	})
}

func TestEachProviderFailsByItself(t *testing.T) {
	n, first, second := two(t)
	h := n.Handler()
	ask := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	works := func(want ...int) {
		t.Helper()
		for i, path := range []string{"/first", "/second"} {
			if status, body := ask(http.MethodPost, path, ""); status != want[i] || status == 429 && body != "in the words of "+path[1:]+"\n" {
				t.Errorf("%s answers %d %q, want %d", path, status, body, want[i])
			}
		}
	}
	works(202, 202)
	for _, c := range []struct {
		body   string
		status int
		first  int
		second int
	}{
		{`{"mode":"503"}`, 200, 503, 202}, // without a name: the first, as when it was alone
		{`{"mode":"429","provider":"second"}`, 200, 503, 429},
		{`{"mode":"none","provider":"first"}`, 200, 202, 429},
		{`{"mode":"down","provider":"third"}`, 422, 202, 429},
		{`{"mode":"asleep","provider":"second"}`, 422, 202, 429},
	} {
		if status, body := ask(http.MethodPut, "/sim/faults", c.body); status != c.status || status == 422 && !strings.Contains(body, "detail") {
			t.Errorf("%s: answered %d %s, want %d", c.body, status, body, c.status)
		}
		works(c.first, c.second)
	}
	var state struct {
		Mode      string
		Providers map[string]struct{ Mode string }
	}
	if _, body := ask(http.MethodGet, "/sim/faults", ""); json.Unmarshal([]byte(body), &state) != nil || state.Mode != "none" || len(state.Providers) != 2 || state.Providers["second"].Mode != "429" {
		t.Errorf("the faults are %s", body)
	}
	if status, _ := ask(http.MethodDelete, "/sim/state", ""); status != 204 || first.forgot != 1 || second.forgot != 1 {
		t.Errorf("reset: %d, forgotten %d and %d", status, first.forgot, second.forgot)
	}
	works(202, 202)
}

func TestATextToANumberOfNobodyIsRefused(t *testing.T) {
	n, first, second := two(t)
	h := n.Handler()
	for to, want := range map[string]int{"": 201, first.number: 201, second.number: 201, "+15005550099": 422} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sim/phones/"+officer+"/texts", strings.NewReader(`{"body":"hello","to":"`+to+`"}`)))
		if w.Code != want {
			t.Errorf("to %q: %d %s, want %d", to, w.Code, w.Body, want)
		}
	}
	if len(first.taken) != 2 || len(second.taken) != 1 {
		t.Errorf("taken: %q and %q", first.taken, second.taken)
	}
}
