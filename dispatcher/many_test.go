package dispatcher_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// many is a machine that knows n open requests, as they look after their first text was delivered; of every other one somebody has taken
// charge.
func many(t testing.TB, n int, now time.Time) *dispatcher.Machine {
	t.Helper()
	m := dispatcher.NewMachine(dispatcher.Options{
		Node: "n1", Policy: dispatcher.DefaultPolicy(), CallTimeout: 10 * time.Second,
		Providers: []dispatcher.Provider{{Name: "twilio", Medium: "sms", Lane: func(notifier.Phone) string { return "+15005550006" }}},
	})
	seq := uint64(0)
	for i := range n {
		history(t, i, now, func(ref request.Ref, data []byte) {
			seq++
			if _, _, err := m.Step(now, dispatcher.Committed{Ref: ref, Seq: seq, Data: data}); err != nil {
				t.Fatal(err)
			}
		})
	}
	return m
}

// history makes the commits of the i-th request, each as bytes of their own.
func history(t testing.TB, i int, now time.Time, store func(request.Ref, []byte)) {
	ref, ok := request.NewRef([]byte(request.FactID(fmt.Sprint("many", i))))
	if !ok {
		return
	}
	s := request.NewState(ref)
	put := func(c request.Commit) {
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(s.LastSeq+1, data); err != nil {
			t.Fatal(err)
		}
		store(ref, data)
	}
	system := request.Actor{Kind: request.BySystem, ID: "n1"}
	due := request.Clocks(request.Content{}, request.Critical, now)
	received := request.NewEvent(request.Received, request.ReceivedBody{
		Sender: "s1", OriginDigest: request.FactID("o", ref.String()) + "012345", BodyDigest: request.FactID("b", ref.String()) + "012345", Type: request.Preservation,
		Urgency: request.Critical, UrgencyProposed: request.Critical, Language: "en", Due: due, Key: request.FactID("k", ref.String()),
		Missing: []string{"/requesting_state", "/authority", "/callback_person", "/legal_provision", "/details/data"},
	})
	received.Sealed = make([]byte, 700)
	put(s.Decide(now, "n1", request.Actor{Kind: request.BySender, ID: "s1"}, received))
	page := request.PageBody{
		Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "ada", Level: 1, Round: 1, Channel: "sms", Contact: "mobile",
		RosterRevision: 1, Expires: request.At(now.Add(time.Hour)),
	}
	put(s.Decide(now, "n1", system, request.NewEvent(request.Escalated, request.EscalatedBody{
		Level: 1, Round: 1, Cause: request.CauseReceived, RosterRevision: 1, Targets: []request.Target{{Person: "ada", Why: []string{"roster duty", "layer weekly"}}},
	}), request.NewEvent(request.PageOrdered, page)))
	attempt := request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", Deadline: request.At(now.Add(10 * time.Second))}
	put(s.Decide(now, "n1", system, request.NewEvent(request.AttemptStarted, attempt)))
	attempt.Deadline, attempt.ProviderID = request.Instant{}, "SM"+request.FactID("sid", ref.String())+"012345"
	provider := request.Actor{Kind: request.ByProvider, ID: "twilio"}
	put(request.Fact(ref, request.FactID("sent", ref.String()), now, "n1", provider, request.NewEvent(request.AttemptSent, attempt)))
	put(request.Fact(ref, request.FactID("delivered", ref.String()), now, "n1", provider, request.NewEvent(request.AttemptDelivered, attempt)))
	if i%2 == 0 {
		put(s.Decide(now, "n1", request.Actor{Kind: request.ByOfficer, ID: "ada"}, request.NewEvent(request.Acknowledged, request.AcknowledgedBody{
			Page: "p1", Person: "ada", Via: request.ViaCode,
		})))
	}
}

func heapInUse() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestAnOpenRequestTakesAFewKilobytes holds the machine to 4 KiB a request, and below it to what it takes now and a fifth.
func TestAnOpenRequestTakesAFewKilobytes(t *testing.T) {
	if testing.Short() {
		t.Skip("counts what is in memory")
	}
	const n, limit = 5000, 2500
	before := heapInUse()
	m := many(t, n, noon)
	known := len(m.Open())
	each := (heapInUse() - before) / uint64(known)
	runtime.KeepAlive(m)
	t.Logf("%d bytes a request", each)
	if known < n*3/4 || each > limit {
		t.Errorf("%d requests take %d bytes each, more than %d", known, each, limit)
	}
}

// TestNoStepConsidersThousands gives a machine everything to do at once, as after a start or when the shift changes: it decides in many
// steps that follow each other at once, and misses nothing.
func TestNoStepConsidersThousands(t *testing.T) {
	book := roster.Example("UTC", noon)
	book.Revision = 1
	compiled, err := roster.Compile(book)
	if err != nil {
		t.Fatal(err)
	}
	m := many(t, 3000, noon)
	open := m.Open()
	now := noon.Add(24 * time.Hour) // every step of those whom nobody has is long overdue
	due := 0
	for _, ref := range open {
		if m.State(ref).Owner == "" {
			due++
		}
	}
	decided := map[request.Ref]int{}
	step := func(in dispatcher.Input) (more bool) {
		commands, wake, err := m.Step(now, in)
		if err != nil {
			t.Fatal(err)
		}
		appends := 0
		for _, c := range commands {
			if a, ok := c.(dispatcher.Append); ok {
				decided[a.Ref]++
				appends++
			}
		}
		if appends > 64 {
			t.Fatalf("%d decisions in one step", appends)
		}
		return !wake.IsZero() && !now.Before(wake)
	}
	step(dispatcher.RosterChanged{Roster: compiled})
	steps := 0
	for more := step(dispatcher.Ready{}); more; steps++ {
		if steps > 10000 {
			t.Fatal("it does not come to an end")
		}
		if steps == 5 { // another change while the first is not worked off
			step(dispatcher.LiveChanged{Nodes: []string{"n1"}})
		}
		more = step(dispatcher.Tick{})
	}
	if len(decided) != due || due < 1000 || steps < 20 {
		t.Errorf("%d of %d decided, in %d steps", len(decided), due, steps)
	}
	for ref, n := range decided {
		if n != 1 {
			t.Errorf("%s was decided %d times", ref, n)
		}
	}
}

// TestPagesThatGoTogetherBeginInOneCommit orders a page for each of a team at once: their attempts are one append, and each has its call.
func TestPagesThatGoTogetherBeginInOneCommit(t *testing.T) {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "person:bruno"}}
	n := w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(5 * time.Second)
	commits, attempts := 0, map[string]int{}
	for _, s := range w.log {
		c, err := request.Decode(s.data)
		if err != nil {
			t.Fatal(err)
		}
		started := 0
		for _, e := range c.Events {
			if e.Type == request.AttemptStarted {
				var body request.AttemptBody
				if err := json.Unmarshal(e.Body, &body); err != nil {
					t.Fatal(err)
				}
				attempts[body.Attempt]++
				started++
			}
		}
		if started > 0 {
			commits++
		}
	}
	if commits != 1 || len(attempts) != 2 {
		t.Errorf("%d commits begin %v", commits, attempts)
	}
	calls := map[string]int{}
	for _, c := range w.calls {
		calls[c.Message.Attempt]++
	}
	for attempt, n := range attempts {
		if n != 1 || calls[attempt] != 1 {
			t.Errorf("%s was begun %d times and called %d times", attempt, n, calls[attempt])
		}
	}
	if s := n.machine.State(ref); len(s.Pages) != 2 || s.Pages[1].State != request.PageSent {
		t.Errorf("%+v", s.Pages)
	}
}
