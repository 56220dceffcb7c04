package dispatcher_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// The tests of this file play what users of other systems suffer from; docs/pains.md says which is which.

// everyState folds the log of a request commit by commit.
func (w *world) everyState(ref request.Ref, look func(*request.State)) {
	s := request.NewState(ref)
	for i, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		if err := s.Apply(uint64(i+1), entry.data); err != nil {
			w.t.Fatal(err)
		}
		look(s)
	}
}

// escalations lists the steps in the log of a request, with those of changes of the roster.
func (w *world) escalations(ref request.Ref) []request.EscalatedBody {
	var steps []request.EscalatedBody
	for _, entry := range w.log {
		if entry.ref != ref {
			continue
		}
		c, err := request.Decode(entry.data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range c.Events {
			if e.Type == request.Escalated {
				steps = append(steps, body[request.EscalatedBody](w.t, e))
			}
		}
	}
	return steps
}

func names(targets []request.Target) string {
	var people []string
	for _, t := range targets {
		people = append(people, t.Person)
	}
	return strings.Join(people, " ")
}

// stop kills the nodes, lets time pass and starts one anew.
func (w *world) stop(d time.Duration) {
	for _, n := range w.nodes {
		n.dead = true
	}
	w.run(d)
	w.start("n1")
}

func TestWhenNobodyAtAllCanBePagedAlarmsStandAndItIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	for i := range w.book.People {
		w.book.People[i].Contacts = nil
	}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Emergency)
	w.run(40 * time.Minute)
	s := w.state(ref)
	var kinds []request.AlarmKind
	for _, a := range s.Alarms {
		if !slices.Contains(kinds, a.Kind) {
			kinds = append(kinds, a.Kind)
		}
	}
	if want := []request.AlarmKind{request.AlarmNoChannel, request.AlarmNobody, request.AlarmUnanswered}; !slices.Equal(kinds, want) || s.Escalation != request.Exhausted {
		t.Errorf("alarms %v, escalation %s", s.Alarms, s.Escalation)
	}
	// Three rounds of two levels and everyone at once, then everyone every 15 minutes.
	if steps := w.escalations(ref); len(steps) != 6+1+2 {
		t.Errorf("%d steps: %v", len(steps), steps)
	}
	w.edit(func(b *roster.Book) {
		b.People[4].Contacts = []roster.Contact{{ID: "mobile", Channel: "sms", Address: "+15005550105", Verified: true}}
	})
	w.run(5 * time.Minute)
	if got := w.paged(began); got != "erik@2400" {
		t.Errorf("paged %q once somebody can be", got)
	}
	w.acknowledge(ref, "erik")
	if s := w.state(ref); len(s.Alarms) != 0 {
		t.Errorf("alarms %v stand after the acknowledgement", s.Alarms)
	}
}

func TestDeliveredAndOpenedAcknowledgeNothing(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	w.report(w.calls[0].Call, rung{event: request.AttemptDelivered})
	w.decide(w.state(ref), request.ByOfficer, request.NewEvent(request.Opened, request.OpenedBody{Person: "ada"}))
	w.run(5 * time.Minute)
	s := w.state(ref)
	if s.Pages[0].State != request.PageDelivered || !slices.Equal(s.Opened, []string{"ada"}) {
		t.Errorf("page %s, opened by %v", s.Pages[0].State, s.Opened)
	}
	if got := w.paged(began); got != "ada@0 bruno@300" || s.Owner != "" || s.Status != request.StatusReceived {
		t.Errorf("paged %s, owner %q, status %s", got, s.Owner, s.Status)
	}
}

func TestAStaleBacklogExpiresAndWakesNobody(t *testing.T) {
	for _, stopped := range []time.Duration{6 * time.Minute, 90 * 24 * time.Hour} {
		w := newWorld(t)
		w.policy.Levels = [][]string{{"person:ada"}}
		w.limit = notifier.Limit{PerSecond: 0.001} // one page goes, the others wait
		w.start("n1")
		var refs []request.Ref
		for n := range 12 {
			refs = append(refs, w.raise(n, request.Urgent))
		}
		w.run(time.Second)
		taken, withdrawn, open := refs[1:5], refs[5:9], refs[9:]
		for _, n := range w.nodes {
			n.dead = true
		}
		for _, ref := range taken {
			w.acknowledge(ref, "bruno")
		}
		for _, ref := range withdrawn {
			w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
		}
		w.limit = notifier.Limit{}
		before := len(w.calls)
		w.stop(stopped)
		restarted := w.now
		w.run(time.Minute)
		for _, c := range w.calls[before:] {
			if !slices.Contains(append(slices.Clone(open), refs[0]), c.Message.Ref) {
				t.Errorf("%s: somebody was paged for a case that is over or taken: %v", stopped, w.events(c.Message.Ref))
			}
			if p := w.state(c.Message.Ref).Page(c.Message.Page); p.Ordered.Before(restarted) {
				t.Errorf("%s: a page of before the stop was sent: ordered %s", stopped, p.Ordered)
			}
		}
		for _, ref := range open { // they are nobody's: one page each, of now
			if p := w.state(ref).Pages; len(p) != 2 || p[0].State != request.PageLate || p[1].State != request.PageSent {
				t.Errorf("%s: pages %+v", stopped, p)
			}
		}
		for _, ref := range withdrawn {
			if !w.state(ref).Closed {
				t.Errorf("%s: a withdrawn case stays open: %v", stopped, w.events(ref))
			}
		}
	}
}

func TestWhoHasNoUsableChannelIsPassedAtOnceWithAnAlarm(t *testing.T) {
	for name, contacts := range map[string][]roster.Contact{
		"none at all":            nil,
		"one without a provider": {{ID: "desk", Channel: "voice", Address: "+15005550101", Verified: true}},
	} {
		w := newWorld(t)
		w.book.People[0].Contacts = contacts
		w.start("n1")
		began := w.now
		ref := w.raise(1, request.Urgent)
		w.run(time.Minute)
		want := []request.AlarmBody{{Kind: request.AlarmNoChannel, Cause: "person ada"}}
		if got := w.paged(began); got != "bruno@0" || !slices.Equal(w.state(ref).Alarms, want) {
			t.Errorf("%s: paged %q, alarms %v", name, got, w.state(ref).Alarms)
		}
	}
}

func TestOnePersonsFailureHoldsNobodyElseUp(t *testing.T) {
	for name, fails := range map[string]func() (time.Duration, notifier.Outcome){
		"for now": func() (time.Duration, notifier.Outcome) {
			return 0, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		},
		"for good": func() (time.Duration, notifier.Outcome) {
			return 0, notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		},
		"unknown": func() (time.Duration, notifier.Outcome) {
			return 0, notifier.Failed{Kind: request.FailedUnknown, Code: "eof"}
		},
		"hangs": func() (time.Duration, notifier.Outcome) { return timeout, notifier.Failed{Kind: request.FailedUnknown} },
		"asks to wait": func() (time.Duration, notifier.Outcome) {
			return 0, notifier.Failed{Kind: request.FailedForNow, RetryAfter: time.Hour}
		},
	} {
		w := newWorld(t)
		w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen"}}
		w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
			if strings.HasSuffix(string(c.Message.To), "1") {
				return fails()
			}
			return 0, notifier.Accepted{ProviderID: "SM1"}
		}
		w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
		w.start("n1")
		began := w.now
		ref := w.raise(1, request.Urgent)
		w.run(4 * time.Minute)
		got := strings.Join(slices.DeleteFunc(strings.Fields(w.paged(began)), func(p string) bool { return strings.HasPrefix(p, "ada") }), " ")
		s := w.state(ref)
		if got != "bruno@0 carmen@0" || s.Pages[1].State != request.PageSent || s.Pages[2].State != request.PageSent {
			t.Errorf("%s: besides ada paged %q, pages %+v", name, got, s.Pages)
		}
	}
}

// TestThePageGoesToWhomTheRosterNames holds the pages against an account of the turns and overrides that does not use the resolver, and
// against what the screens ask.
func TestThePageGoesToWhomTheRosterNames(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	people := []string{"ada", "bruno", "carmen", "dalia", "erik"}
	replaced := 0
	for n := range 150 {
		w := newWorld(t)
		turns := w.now.Add(-4 * time.Hour) // Monday 08:00, ada's turn begins
		for o := range random.IntN(4) {
			from := w.now.Add(time.Duration(random.IntN(50*24)) * time.Hour)
			w.book.Rosters[0].Overrides = append(w.book.Rosters[0].Overrides, roster.Override{
				ID: fmt.Sprint("o", o), Kind: roster.Replace, From: from, Until: from.Add(time.Duration(1+random.IntN(14*24)) * time.Hour),
				People: []string{people[random.IntN(5)]},
			})
		}
		w.run(time.Duration(random.IntN(60*24*60)) * time.Minute)
		want := people[int(w.now.Sub(turns)/(7*24*time.Hour))%5]
		for _, o := range w.book.Rosters[0].Overrides {
			if !w.now.Before(o.From) && w.now.Before(o.Until) {
				want = o.People[0]
				replaced++
			}
		}
		w.start("n1")
		began := w.now
		ref := w.raise(n, request.Emergency)
		w.run(time.Millisecond * 100)
		duty, _ := w.compiled().At("national", began)
		shown := duty.OnDuty[0].Person
		if got := w.paged(began); got != want+"@0" || shown != want || w.state(ref).Pages[0].Person != want {
			t.Errorf("seed %d, night %d: paged %s, the screen says %s, on duty is %s; overrides %+v", seed, n, got, shown, want, w.book.Rosters[0].Overrides)
		}
	}
	if replaced < 20 {
		t.Errorf("only %d overrides mattered", replaced)
	}
}

func TestWhileTextsAreTurnedAwayCallsGo(t *testing.T) {
	w := newVoiceWorld(t)
	began := w.now
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == "sms" && w.now.Sub(began) < 90*time.Second {
			return 20 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		}
		return 20 * time.Millisecond, notifier.Accepted{ProviderID: "X1"}
	}
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(2 * time.Minute)
	if got := w.asked(began); !strings.Contains(got, "ada/voice@60") {
		t.Errorf("no call at its time: %s", got)
	}
	if p := w.state(ref).Pages[0]; p.Channel != "sms" || p.State != request.PageSent || len(p.Attempts) < 8 {
		t.Errorf("the text is %s after %d attempts", p.State, len(p.Attempts))
	}
}

// Everyone is asked every quarter of an hour while no provider takes anything. Whenever one does again, they hear of it then, and not with the
// next quarter.
func TestWhoeverIsAskedInVainWhileNothingGoesIsReachedAsSoonAsItGoes(t *testing.T) {
	for _, after := range []time.Duration{16 * time.Minute, 27 * time.Minute, 41 * time.Minute, 58 * time.Minute} {
		w := newVoiceWorld(t)
		began := w.now
		w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) {
			if w.now.Sub(began) < after {
				return 20 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
			}
			return 20 * time.Millisecond, notifier.Accepted{ProviderID: "X1"}
		}
		w.start("n1")
		ref := w.raise(1, request.Emergency)
		w.run(after + 16*time.Second) // the longest pause between two attempts is 15 s
		if s := w.state(ref); !slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.Person == "ada" && p.State == request.PageSent }) {
			t.Errorf("nothing went out when the provider was back after %s: %s", after, s.Escalation)
		}
	}
}

func TestABacklogGoesByUrgencyAndAgeAndWhatIsTooOldExpires(t *testing.T) {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"person:ada"}}
	w.limit = notifier.Limit{PerSecond: 0.1} // a provider that takes a text in ten seconds
	w.start("n1")
	arrived := map[request.Ref]int{}
	for n := range 60 {
		arrived[w.raise(n, request.Urgent)] = n
	}
	w.run(95 * time.Second)
	emergency, at := w.raise(100, request.Emergency), w.now
	w.run(20 * time.Minute)
	expired, last := 0, -1
	for ref := range arrived {
		for _, p := range w.state(ref).Pages {
			if p.State == request.PageLate {
				expired++
			}
		}
	}
	for _, c := range w.calls {
		if p := w.state(c.Message.Ref).Page(c.Message.Page); c.at.After(p.Expires.Time.Add(alive)) {
			t.Errorf("a page was sent %s after its time was over", c.at.Sub(p.Expires.Time))
		}
		if n, ok := arrived[c.Message.Ref]; ok && c.Message.Page == "p1" {
			if n < last {
				t.Errorf("number %d was sent after number %d", n, last)
			}
			last = n
		}
	}
	i := slices.IndexFunc(w.calls, func(c called) bool { return c.Message.Ref == emergency })
	if i < 0 || w.calls[i].at.Sub(at) > 11*time.Second {
		t.Errorf("the emergency waited behind the backlog")
	}
	if expired == 0 || last < 20 || last == 59 {
		t.Errorf("%d pages expired, number %d was the last sent: no backlog", expired, last)
	}
}

func TestOnePageAtATimePerPersonAndRequest(t *testing.T) {
	w := newVoiceWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "roster", "team:all"}, {"person:ada"}, {"team:all"}}
	w.book.Teams = []roster.Team{{ID: "all", Members: []string{"ada"}}}
	w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) { // no page comes to its end by itself
		return 20 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
	}
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.run(11 * time.Minute) // five steps of the escalation
	steps := 0
	w.everyState(ref, func(s *request.State) {
		steps = max(steps, s.Step.Count)
		open := map[string]int{}
		for _, p := range s.Pages {
			if p.Purpose == request.Ask && p.State.Open() {
				open[p.Person+"/"+p.Channel]++
			}
		}
		for who, n := range open {
			if n > 1 {
				t.Fatalf("%d pages at once on their way to %s: %v", n, who, w.events(ref))
			}
		}
	})
	if steps < 5 {
		t.Errorf("%d steps: nothing asked twice", steps)
	}
}

func TestAfterAStopOfThreeHoursOneStepIsTakenForWhoIsOnDutyNow(t *testing.T) {
	const toShift = 6*24*time.Hour + 19*time.Hour // Monday 07:00: at 08:00 bruno follows ada, and carmen is next
	for name, test := range map[string]struct {
		levels [][]string
		before time.Duration // of the stop, since Monday noon
		first  string
		want   string // people of the one step, and who is paged then
	}{
		"the same officer":             {[][]string{{"roster"}}, 0, "ada", "ada"},
		"a shift later":                {[][]string{{"roster"}}, toShift, "ada", "bruno"},
		"the next level":               {[][]string{{"roster"}, {"next"}}, 0, "ada", "bruno"},
		"the same level a shift later": {[][]string{{"roster"}, {"next"}}, toShift, "ada", "bruno"}, // who is on duty now was never asked
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.policy.Levels = test.levels
			w.run(test.before)
			w.start("n1")
			began := w.now
			ref := w.raise(1, request.Urgent)
			w.run(time.Second)
			if got := w.paged(began); got != test.first+"@0" {
				t.Fatalf("paged %s before the stop", got)
			}
			w.stop(3 * time.Hour)
			back, before := w.now, len(w.escalations(ref))
			w.run(4 * time.Minute)
			steps := w.escalations(ref)[before:]
			if len(steps) != 1 || names(steps[0].Targets) != test.want || steps[0].Cause != request.CauseSilence {
				t.Errorf("36 waits were missed and these steps taken: %+v", steps)
			}
			w.calls = w.calls[1:]
			if got := w.paged(back); got != test.want+"@0" {
				t.Errorf("after the stop paged %q", got)
			}
			w.run(2 * time.Minute) // the wait counts anew
			if again := w.escalations(ref); len(again) != before+2 {
				t.Errorf("%d steps six minutes after the stop", len(again)-before)
			}
		})
	}
}

// A page whose time ran out while its last attempt was under way, with a node that died, was neither called off nor expired when somebody took the
// request: the next node took the attempt over, and the owner's colleague was called.
func TestAPageThatExpiredInFlightIsCalledOffWithTheOthers(t *testing.T) {
	w := newWorld(t)
	w.policy.Levels = [][]string{{"person:ada"}}
	ref := w.raise(1, request.Urgent)
	var expires time.Time
	hung := ""
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if expires.IsZero() {
			expires = c.Message.Expires
		}
		if c.Message.Page != "p1" || w.now.Before(expires.Add(-14*time.Second)) {
			return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		}
		if hung == "" {
			hung = c.Message.Attempt
			for _, n := range w.nodes { // whichever it was
				if n.name == w.calls[len(w.calls)-1].node {
					w.at(0, func() { w.kill(n.name) })
				}
			}
		}
		return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
	}
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	w.join("n1", "n2")
	for hung == "" && w.now.Before(time.Date(2026, 3, 2, 16, 0, 0, 0, time.UTC)) {
		w.run(time.Second)
	}
	w.run(expires.Sub(w.now) + time.Millisecond)
	p := w.state(ref).Page("p1")
	if hung == "" || p.State != request.PageSending || !w.now.After(p.Expires.Time) {
		t.Fatalf("%q hung, page %s at %s, which expires at %s", hung, p.State, w.now, p.Expires)
	}
	w.decide(w.state(ref), request.ByOfficer, request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Person: "bruno", Via: request.ViaWeb}))
	w.run(time.Minute)
	w.audit(ref, &tally{})
	if p := w.state(ref).Page("p1"); p.State != request.PageCalledOff {
		t.Errorf("the page is %s: %v", p.State, w.events(ref))
	}
}
