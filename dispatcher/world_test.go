package dispatcher_test

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// world runs one machine over a log in memory, with a clock that jumps from event to event. A second machine on the same log stands for
// another node, or for the next life of the same one.
type world struct {
	conflicts int // decisions that lost a race

	t        testing.TB
	now      time.Time
	log      []stored
	nodes    []*node
	agenda   agenda
	order    int
	provider func(dispatcher.Call) (after time.Duration, outcome notifier.Outcome)
	find     func(dispatcher.Call) notifier.Outcome
	calls    []called
	policy   dispatcher.Policy
	limit    notifier.Limit
	book     roster.Book
	voice    bool // there is a provider of calls
	ring     func(dispatcher.Call) []rung
	webhook  func(sender string) bool   // nil: there is no provider of messages to senders
	mail     bool                       // there is a server of e-mail
	hooks    bool                       // webhooks of people are called
	second   bool                       // there is a second provider, vonage, of what the first has
	silent   func(dispatcher.Call) bool // nobody ever says that this text arrived; nil: nobody says so of any
	also     []dispatcher.Provider      // after the others
	cost     func(notifier.Message) int
	together func(notifier.Message) bool
	slow     func(dispatcher.Append) time.Duration // how much longer an append takes than others; nil: none does
}

// rung is something that a provider says of a call after it took it.
type rung struct {
	after time.Duration
	event request.EventType
	kind  request.FailureKind
	code  string
}

type stored struct {
	ref  request.Ref
	data []byte
}

type called struct {
	dispatcher.Call
	at   time.Time
	node string
}

type node struct {
	name    string
	machine *dispatcher.Machine
	read    int // commits of the log that it has folded
	dead    bool
	wake    time.Time
}

type task struct {
	at    time.Time
	order int
	run   func()
}

type agenda []task

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || (a[i].at.Equal(a[j].at) && a[i].order < a[j].order)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(task)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

const (
	alive   = 2 * time.Millisecond // an append
	timeout = 10 * time.Second     // a call
)

// newWorld begins on a Monday at noon: KESTREL is on duty, HERON is next.
func newWorld(t testing.TB) *world {
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	w := &world{t: t, now: start, policy: dispatcher.DefaultPolicy(), book: roster.Example("UTC", start)}
	w.book.Rosters[0].Layers[0].Rotation.From = "2026-03-02"
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "SM-" + string(c.Message.Ref) + c.Message.Attempt}
	}
	return w
}

func (w *world) start(name string) *node {
	lane := func(notifier.Phone) string { return "+15005550000" }
	providers := []dispatcher.Provider{{Name: "twilio", Medium: "sms", Lane: lane, Limit: w.limit, Cost: w.cost, Together: w.together}}
	if w.voice {
		providers = append(providers, dispatcher.Provider{Name: "twilio", Medium: "voice", Lane: lane, Limit: w.limit})
	}
	for _, p := range providers {
		if w.second {
			p.Name = "vonage"
			providers = append(providers, p)
		}
	}
	if w.webhook != nil {
		receiver := func(notifier.Phone) string { return "receiver.example" }
		providers = append(providers, dispatcher.Provider{Name: "webhook", Medium: dispatcher.SenderMedium, Lane: receiver})
	}
	if w.mail {
		server := func(notifier.Phone) string { return "smtp.example" }
		providers = append(providers, dispatcher.Provider{Name: "smtp", Medium: notifier.MediumEmail, Lane: server, Limit: notifier.Limit{InFlight: 4}})
	}
	if w.hooks {
		providers = append(providers, dispatcher.Provider{Name: "webhook", Medium: notifier.MediumHook, Lane: hostOf, Limit: notifier.Limit{InFlight: 4}})
	}
	providers = append(providers, w.also...)
	n := &node{name: name, machine: dispatcher.NewMachine(dispatcher.Options{
		Node: name, Policy: w.policy, CallTimeout: timeout, Providers: providers, Webhook: w.webhook,
	})}
	w.nodes = append(w.nodes, n)
	w.step(n, dispatcher.RosterChanged{Roster: w.compiled()})
	w.follow(n)
	w.step(n, dispatcher.Ready{})
	return n
}

func (w *world) compiled() *roster.Compiled {
	c, err := roster.Compile(w.book)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// edit changes the book and tells every node.
func (w *world) edit(change func(*roster.Book)) {
	change(&w.book)
	w.book.Revision++
	for _, n := range w.nodes {
		w.step(n, dispatcher.RosterSeen{Revision: w.book.Revision})
		w.step(n, dispatcher.RosterChanged{Roster: w.compiled()})
	}
}

func (w *world) at(after time.Duration, run func()) {
	w.order++
	heap.Push(&w.agenda, task{w.now.Add(after), w.order, run})
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.agenda) > 0 && !w.agenda[0].at.After(end) {
		next := heap.Pop(&w.agenda).(task)
		if next.at.After(w.now) {
			w.now = next.at
		}
		next.run()
	}
	w.now = end
}

func (w *world) step(n *node, in dispatcher.Input) {
	if n.dead {
		return
	}
	commands, wake, err := n.machine.Step(w.now, in)
	if err != nil {
		w.t.Fatalf("step: %v", err)
	}
	for _, command := range commands {
		switch c := command.(type) {
		case dispatcher.Append:
			took := alive
			if w.slow != nil {
				took += w.slow(c)
			}
			w.at(took, func() {
				if n.dead {
					return
				}
				if w.head(c.Ref) != c.Expect {
					w.conflicts++
					w.step(n, dispatcher.Lost{Ref: c.Ref, ID: c.ID})
					return
				}
				w.append(c.Ref, c.Data)
			})
		case dispatcher.Call:
			w.call(n, c)
		}
	}
	if !wake.IsZero() && (n.wake.IsZero() || wake.Before(n.wake) || !n.wake.After(w.now)) {
		n.wake = wake
		w.at(max(wake.Sub(w.now), 0), func() { w.step(n, dispatcher.Tick{}) })
	}
}

func (w *world) call(n *node, c dispatcher.Call) {
	w.calls = append(w.calls, called{c, w.now, n.name})
	var events []request.Event
	after, send := time.Duration(0), true
	if c.LookUp {
		after = 50 * time.Millisecond
		events, send = c.AfterLookUp(w.find(c), w.now.Add(after))
	}
	if send {
		took, outcome := w.provider(c)
		after += took
		events = c.AfterSend(outcome, w.now.Add(after))
		for _, one := range c.With {
			w.at(after, func() {
				if !n.dead {
					w.outcome(n, one, one.AfterSend(outcome, w.now))
				}
			})
		}
	}
	w.at(after, func() {
		if n.dead {
			return
		}
		w.outcome(n, c, events)
		if c.Medium == "voice" && w.ring != nil {
			for _, r := range w.ring(c) {
				w.at(r.after, func() { w.report(c, r) })
			}
		}
		if c.Medium == "sms" && send && w.silent != nil && !w.silent(c) && events[0].Type == request.AttemptSent {
			w.at(2*time.Second, func() { w.report(c, rung{event: request.AttemptDelivered}) })
		}
	})
}

// outcome stores what came of a call.
func (w *world) outcome(n *node, c dispatcher.Call, events []request.Event) {
	id := request.FactID(c.Message.Attempt, "outcome")
	w.append(c.Message.Ref, encode(w.t, request.Fact(c.Message.Ref, id, w.now, n.name, request.Actor{Kind: request.ByProvider, ID: c.Provider}, events...)))
	w.step(n, dispatcher.Returned{Ref: c.Message.Ref, Attempts: []string{c.Message.Attempt}})
}

// report appends what the provider says of a call.
func (w *world) report(c dispatcher.Call, r rung) {
	body := request.AttemptBody{Page: c.Message.Page, Attempt: c.Message.Attempt, Provider: c.Provider, Failure: r.kind, Code: r.code}
	id := request.FactID(string(c.Message.Ref), c.Message.Attempt, string(r.event))
	w.append(c.Message.Ref, encode(w.t, request.Fact(c.Message.Ref, id, w.now, "door", request.Actor{Kind: request.ByProvider, ID: c.Provider}, request.NewEvent(r.event, body))))
}

func encode(t testing.TB, c request.Commit) []byte {
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (w *world) head(ref request.Ref) uint64 {
	for i, entry := range slices.Backward(w.log) {
		if entry.ref == ref {
			return uint64(i + 1)
		}
	}
	return 0
}

func (w *world) append(ref request.Ref, data []byte) {
	w.log = append(w.log, stored{ref, data})
	for _, n := range w.nodes {
		w.follow(n)
	}
}

func (w *world) follow(n *node) {
	for !n.dead && n.read < len(w.log) {
		entry := w.log[n.read]
		n.read++
		w.step(n, dispatcher.Committed{Ref: entry.ref, Seq: uint64(n.read), Data: entry.data})
	}
}

// state folds the log of one request.
func (w *world) state(ref request.Ref) *request.State {
	s := request.NewState(ref)
	for i, entry := range w.log {
		if entry.ref == ref {
			if err := s.Apply(uint64(i+1), entry.data); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return s
}

// decide appends a decision that a door makes: the sender, an officer.
func (w *world) decide(s *request.State, actor request.ActorKind, events ...request.Event) {
	if len(events) == 0 {
		return
	}
	w.append(s.Ref, encode(w.t, s.Decide(w.now, "door", request.Actor{Kind: actor, ID: "x"}, events...)))
}

// raise receives a request.
func (w *world) raise(n int, urgency request.Urgency) request.Ref {
	var ref request.Ref
	for i := 0; ; i++ {
		var ok bool
		if ref, ok = request.NewRef([]byte(request.FactID(fmt.Sprint(n, i)))); ok {
			break
		}
	}
	w.decide(request.NewState(ref), request.BySender, request.NewEvent(request.Received, request.ReceivedBody{
		Sender: "s1", Type: request.Preservation, Urgency: urgency, Language: "en", Missing: []string{},
	}))
	return ref
}

func (w *world) acknowledge(ref request.Ref, person string) notifier.AnswerKind {
	s := w.present(ref)
	events, answer := dispatcher.Acknowledge(s, w.now, person, "", request.ViaWeb)
	w.decide(s, request.ByOfficer, events...)
	return answer
}

// events lists the types in the log of a request, in order.
func (w *world) events(ref request.Ref) []request.EventType {
	var types []request.EventType
	for _, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range c.Events {
			types = append(types, e.Type)
		}
	}
	return types
}

func (w *world) want(ref request.Ref, types ...request.EventType) {
	w.t.Helper()
	if got := w.events(ref); !slices.Equal(got, types) {
		w.t.Errorf("log of the request:\n got %v\nwant %v", got, types)
	}
}

// paged lists who was called, in order, as person@seconds.
func (w *world) paged(since time.Time) string {
	var list []string
	for _, c := range w.calls {
		person := strings.TrimPrefix(string(c.Message.To[len(c.Message.To)-1:]), "0")
		name := map[string]string{"1": "ada", "2": "bruno", "3": "carmen", "4": "dalia", "5": "erik"}[person]
		list = append(list, fmt.Sprintf("%s@%d", name, int(c.at.Sub(since).Seconds())))
	}
	return strings.Join(list, " ")
}

// fifth is how many of n nights are played: a fifth with -short, as rapid makes a fifth of its checks.
func fifth(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

// owner is whose telephone a number of the example roster is.
func owner(number notifier.Phone) string {
	return map[byte]string{'1': "ada", '2': "bruno", '3': "carmen", '4': "dalia", '5': "erik"}[number[len(number)-1]]
}
