package dispatcher_test

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// manyOpen is how many requests wait for an answer while a machine is measured.
const manyOpen = 100_000

// waiting is a request whose first step waits for its answer, in one commit.
func waiting(b *testing.B, i int, now time.Time) dispatcher.Committed {
	b.Helper()
	for try := 0; ; try++ {
		mac := sha256.Sum256([]byte(strconv.Itoa(i) + " " + strconv.Itoa(try)))
		ref, ok := request.NewRef(mac[:])
		if !ok {
			continue
		}
		page := request.PageBody{
			Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "ada", Level: 1, Round: 1, Channel: "sms", Contact: "mobile", Expires: request.At(now.Add(5 * time.Minute)),
		}
		attempt := request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", ProviderID: "SM0123456789abcdef0123456789abcdef"}
		c := request.NewState(ref).Decide(now, "n1", request.Actor{Kind: request.BySystem, ID: "n1"},
			request.NewEvent(request.Received, request.ReceivedBody{Sender: "s1", Type: request.Preservation, Urgency: request.Urgent, Language: "en", Missing: []string{}, Due: []request.Due{}}),
			request.NewEvent(request.Escalated, request.EscalatedBody{Level: 1, Round: 1, Cause: request.CauseReceived, Targets: []request.Target{{Person: "ada"}}}),
			request.NewEvent(request.PageOrdered, page), request.NewEvent(request.AttemptStarted, attempt), request.NewEvent(request.AttemptSent, attempt),
		)
		data, err := c.Encode()
		if err != nil {
			b.Fatal(err)
		}
		return dispatcher.Committed{Ref: ref, Seq: uint64(i + 1), Data: data}
	}
}

// crowded is a ready machine with that many requests, none of which is due before it was measured.
func crowded(b *testing.B) (m *dispatcher.Machine, refs []request.Ref, now time.Time) {
	b.Helper()
	now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	book, err := roster.Compile(roster.Example("UTC", now))
	if err != nil {
		b.Fatal(err)
	}
	policy := dispatcher.DefaultPolicy()
	policy.Levels = [][]string{{"person:ada"}, {"person:bruno"}}
	policy.Waits[request.Urgent] = 100 * time.Hour
	m = dispatcher.NewMachine(dispatcher.Options{Node: "n1", Policy: policy, CallTimeout: timeout, Providers: []dispatcher.Provider{
		{Name: "twilio", Medium: "sms", Lane: func(notifier.Phone) string { return "" }},
	}})
	step(b, m, now, dispatcher.RosterChanged{Roster: book})
	for i := range manyOpen {
		in := waiting(b, i, now)
		refs = append(refs, in.Ref)
		step(b, m, now, in)
	}
	if commands := step(b, m, now, dispatcher.Ready{}); len(commands) != 0 {
		b.Fatalf("%d commands at rest", len(commands))
	}
	return m, refs, now
}

func step(b *testing.B, m *dispatcher.Machine, now time.Time, in dispatcher.Input) []dispatcher.Command {
	b.Helper()
	commands, _, err := m.Step(now, in)
	if err != nil {
		b.Fatal(err)
	}
	return commands
}

// BenchmarkStepAmongManyOpen folds one fact of one request, as every report of the provider does, among a hundred thousand open requests.
func BenchmarkStepAmongManyOpen(b *testing.B) {
	m, refs, now := crowded(b)
	seq, n := uint64(manyOpen), 0
	b.ReportAllocs()
	for b.Loop() {
		ref := refs[n%manyOpen]
		n++
		seq++
		c := request.Fact(ref, request.FactID(strconv.Itoa(n)), now, "n1", request.Actor{Kind: request.ByProvider, ID: "twilio"},
			request.NewEvent(request.AttemptDelivered, request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio"}))
		data, err := c.Encode()
		if err != nil {
			b.Fatal(err)
		}
		step(b, m, now, dispatcher.Committed{Ref: ref, Seq: seq, Data: data})
	}
}

// BenchmarkTroublesAmongManyOpen looks for what alarms should stand; while it does, nothing else of the node is decided.
func BenchmarkTroublesAmongManyOpen(b *testing.B) {
	m, _, now := crowded(b)
	for b.Loop() {
		m.Troubles(now)
	}
}

// BenchmarkConsiderManyOpen considers every open request anew, as an edit of the roster asks for.
func BenchmarkConsiderManyOpen(b *testing.B) {
	m, _, now := crowded(b)
	book := roster.Example("UTC", now)
	for b.Loop() {
		book.Revision++
		compiled, err := roster.Compile(book)
		if err != nil {
			b.Fatal(err)
		}
		step(b, m, now, dispatcher.RosterChanged{Roster: compiled})
	}
}

// BenchmarkPlan plans for one request whose step waits.
func BenchmarkPlan(b *testing.B) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	book, err := roster.Compile(roster.Example("UTC", now))
	if err != nil {
		b.Fatal(err)
	}
	planner := dispatcher.Planner{Policy: dispatcher.DefaultPolicy(), Roster: book, Media: []string{"sms"}}
	in := waiting(b, 1, now)
	state := request.NewState(in.Ref)
	if err := state.Apply(in.Seq, in.Data); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		planner.Plan(state, now.Add(time.Minute))
	}
}
