package dispatcher_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
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

// mailbox gives a person a contact of e-mail.
func mailbox(b *roster.Book, person string) {
	for i := range b.People {
		if p := &b.People[i]; p.ID == person {
			p.Contacts = append(p.Contacts, roster.Contact{ID: "mail", Channel: notifier.MediumEmail, Address: person + "@officers.example"})
		}
	}
}

// newMailWorld has calls, e-mail, and a mailbox for everybody.
func newMailWorld(t testing.TB) *world {
	w := newVoiceWorld(t)
	w.mail = true
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	for _, p := range w.book.People {
		mailbox(&w.book, p.ID)
	}
	return w
}

// mailed lists who was written to, in order, as person@seconds, with what a message is about unless it asks.
func (w *world) mailed(since time.Time) string {
	var list []string
	for _, c := range w.calls {
		if c.Medium != notifier.MediumEmail {
			continue
		}
		person, _, _ := strings.Cut(string(c.Message.To), "@")
		text := fmt.Sprintf("%s@%d", person, int(c.at.Sub(since).Seconds()))
		if !c.Message.About.Asks() {
			text += " " + string(c.Message.About)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// telephoned is what happened over telephones, as asked has it.
func (w *world) telephoned(since time.Time) string {
	all := w.calls
	defer func() { w.calls = all }()
	w.calls = slices.DeleteFunc(slices.Clone(all), func(c called) bool { return notifier.Beside(c.Medium) })
	return w.asked(since)
}

// answers makes the server of e-mail answer so, and lets telephones work.
func (w *world) answers(after time.Duration, o notifier.Outcome) {
	inner := w.provider
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == notifier.MediumEmail {
			return after, o
		}
		return inner(c)
	}
}

func TestAnEMailGoesBesideTheFirstPagesOfEachStep(t *testing.T) {
	w := newMailWorld(t)
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(7 * time.Minute)
	if got, want := w.mailed(began), "ada@0, bruno@180, ada@360"; got != want {
		t.Errorf("mailed %s, want %s", got, want)
	}
	if got, want := w.telephoned(began), "ada/sms@0 ada/voice@60 ada/voice@80 bruno/sms@180 bruno/voice@240 bruno/voice@260 ada/sms@360"; got != want {
		t.Errorf("telephones %s, want %s", got, want)
	}
	for _, p := range w.state(ref).Pages {
		if (p.Channel == notifier.MediumEmail) != (p.Purpose == request.Notice && p.About == request.AboutAsked) || p.Recipient != request.ToOfficer {
			t.Errorf("page %+v", p.PageBody)
		}
	}
	m := w.calls[0].Message
	if m.About != notifier.AskToTake || m.Urgency != request.Critical || m.Reader != "en" {
		t.Errorf("message %+v", m)
	}
}

func TestWhoHasOnlyAMailboxIsToldAndTheAlarmStands(t *testing.T) {
	w := newMailWorld(t)
	for i := range w.book.People {
		if p := &w.book.People[i]; p.ID == "ada" {
			p.Contacts = p.Contacts[2:]
		}
	}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(time.Minute)
	if got, want := w.mailed(began), "ada@0, bruno@0"; got != want {
		t.Errorf("mailed %s, want %s", got, want)
	}
	if got := w.telephoned(began); !strings.HasPrefix(got, "bruno/sms@0") { // the next is asked at once: ada cannot be reached
		t.Errorf("telephones %s", got)
	}
	if s := w.state(ref); len(s.Alarms) != 1 || s.Alarms[0] != (request.AlarmBody{Kind: request.AlarmNoChannel, Cause: "person ada"}) {
		t.Errorf("alarms %v", s.Alarms)
	}
	if targets := w.nodes[0].machine.AlarmTargets(); !slices.Equal(targets, []string{"erik"}) {
		t.Errorf("alarms reach %v", targets)
	}
	w.edit(func(b *roster.Book) {
		for i := range b.People {
			b.People[i].Contacts = b.People[i].Contacts[len(b.People[i].Contacts)-1:]
		}
	})
	if targets := w.nodes[0].machine.AlarmTargets(); len(targets) != 0 {
		t.Errorf("alarms reach %v by e-mail alone", targets)
	}
}

func TestAnEMailAcknowledgesNothingAndHoldsNothingUp(t *testing.T) {
	w := newMailWorld(t)
	for i := range w.book.People {
		w.book.People[i].Contacts = append(w.book.People[i].Contacts, roster.Contact{ID: "second", Channel: "sms", Address: fmt.Sprintf("+1500555011%d", i+1)})
	}
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) { // the e-mail is there first, and the telephone is not
		if c.Medium == notifier.MediumEmail {
			return time.Millisecond, notifier.Accepted{ProviderID: "M"}
		}
		return 100 * time.Millisecond, notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
	}
	w.start("n1")
	began := w.now
	w.raise(1, request.Emergency)
	w.run(2 * time.Second)
	// The second contact of each at once, then the next level at once, and at last everyone: as without an e-mail.
	if got := w.telephoned(began); !strings.HasPrefix(got, "ada/sms@0 ada/voice@0 ada/sms@0 bruno/sms@0 bruno/voice@0 bruno/sms@0") {
		t.Errorf("telephones %s", got)
	}
}

func TestAnEMailThatWaitsIsCalledOffWithThePages(t *testing.T) {
	w := newMailWorld(t)
	w.answers(time.Second, notifier.Failed{Kind: request.FailedForNow, Code: "smtp_451_4_7_1"})
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(30 * time.Second)
	if got, want := w.mailed(began), "ada@0, ada@6, ada@17"; got != want { // after 5 s, then 10, then 20
		t.Errorf("mailed %s, want %s", got, want)
	}
	w.acknowledge(ref, "ada")
	before := len(w.calls)
	w.run(time.Hour)
	if len(w.calls) != before {
		t.Errorf("called after the acknowledgement: %s", w.mailed(began))
	}
	if events := w.events(ref); events[len(events)-1] != request.PageCancelled {
		t.Errorf("log %v", events)
	}
}

func TestAServerThatGreylistsTakesItInTheEnd(t *testing.T) {
	w := newMailWorld(t)
	began := w.now
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == notifier.MediumEmail && w.now.Sub(began) < 6*time.Minute {
			return time.Second, notifier.Failed{Kind: request.FailedForNow, Code: "smtp_451_4_7_1"}
		}
		return time.Second, notifier.Accepted{ProviderID: "X"}
	}
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(7 * time.Minute)
	sent := func(p request.Page) bool { return p.Channel == notifier.MediumEmail && p.State == request.PageSent }
	if !slices.ContainsFunc(w.state(ref).Pages, sent) {
		t.Errorf("mailed %s, and none was taken", w.mailed(began))
	}
}

func TestNobodyIsWokenBecauseAnEMailIsLate(t *testing.T) {
	w := newMailWorld(t)
	w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen", "person:dalia", "person:erik"}}
	w.answers(2*time.Minute, notifier.Accepted{ProviderID: "M"}) // the server takes four at once
	n := w.start("n1")
	began := w.now
	w.raise(1, request.Critical)
	w.run(90 * time.Second)
	if got, want := w.mailed(began), "ada@0, bruno@0, carmen@0, dalia@0"; got != want {
		t.Errorf("mailed %s, want %s", got, want)
	}
	if got := n.machine.Troubles(w.now); len(got) != 0 {
		t.Errorf("alarms %v", got)
	}
}

func TestWhoWasToldByEMailIsToldOfTheWithdrawal(t *testing.T) {
	w := newMailWorld(t)
	for i := range w.book.People {
		if p := &w.book.People[i]; p.ID == "ada" {
			p.Contacts = p.Contacts[2:]
		}
	}
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Critical)
	w.run(10 * time.Second)
	w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(10 * time.Second)
	if got, want := w.mailed(began), "ada@0, bruno@0, ada@10 withdrawn, bruno@10 withdrawn"; got != want {
		t.Errorf("mailed %s, want %s", got, want)
	}
	if got, want := w.telephoned(began), "bruno/sms@0 bruno/sms@10"; got != want {
		t.Errorf("telephones %s, want %s", got, want)
	}
	if !w.state(ref).Closed {
		t.Error("it is not closed")
	}
}

// The node that was writing the e-mail dies, and the request ends: the e-mail must not keep it open for ever.
func TestAnEMailWhoseNodeIsGoneEndsWithTheRequest(t *testing.T) {
	w := newMailWorld(t)
	w.answers(timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"})
	n := w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(time.Second)
	n.dead = true
	w.start("n2")
	w.decide(w.state(ref), request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	w.run(time.Hour)
	if s := w.state(ref); !s.Closed {
		t.Errorf("still open: %+v", s.Pages)
	}
}

func TestCoordinatorsAreToldOfAnAlarmByEMailToo(t *testing.T) {
	w := newMailWorld(t)
	w.start("n1")
	began := w.now
	ref := w.alarmed(redisAway)
	w.run(16 * time.Minute)
	if got, want := w.mailed(began), "erik@0, erik@900"; got != want {
		t.Errorf("mailed %s, want %s", got, want)
	}
	if m := w.calls[0].Message; m.About != notifier.AskToLookAfter || m.Alarm != request.AlarmRedis {
		t.Errorf("message %+v", m)
	}
	w.clear(ref)
	w.run(time.Minute)
	if s := w.state(ref); !s.Closed {
		t.Errorf("the alarm is cleared, and not closed: %+v", s.Pages)
	}
}

func TestNobodyCanBeAskedByEMail(t *testing.T) {
	p := dispatcher.DefaultPolicy()
	p.Channels[request.Urgent] = append(p.Channels[request.Urgent], dispatcher.ChannelRule{Channel: notifier.MediumEmail})
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "policy.channels.urgent[2]") {
		t.Errorf("%v", err)
	}
}

// withoutBeside is a state as it would be if nobody had a mailbox or a webhook.
func withoutBeside(s *request.State) *request.State {
	c := s.Clone()
	c.Pages = slices.DeleteFunc(c.Pages, func(p request.Page) bool { return notifier.Beside(p.Channel) })
	return c
}

// ofTelephones are the events of a plan without those of e-mails and webhooks, and without the names of new pages.
func ofTelephones(t testing.TB, events []request.Event) (list []string) {
	for _, e := range events {
		switch e.Type {
		case request.PageOrdered, request.PageCancelled, request.PageExpired:
			b := body[request.PageBody](t, e)
			if notifier.Beside(b.Channel) {
				continue
			}
			if e.Type == request.PageOrdered {
				b.Page = ""
			}
			e = request.NewEvent(e.Type, b)
		case request.Closed: // a notice that is on its way keeps the log open
			continue
		default:
		}
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(data))
	}
	return list
}

// draw gives numbers that depend on what is drawn for and on nothing that happened before.
func draw(seed uint64, of ...any) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, of...)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// besideNight plays a night in which telephones, the server of e-mail, the gateways of webhooks and people do what the seed says. What a telephone
// does depends on nothing that goes beside it.
func besideNight(t testing.TB, seed uint64, beside bool) (*world, []request.Ref) {
	w := newHookWorld(t)
	w.mail, w.hooks = beside, beside
	for _, p := range w.book.People {
		mailbox(&w.book, p.ID)
	}
	random := draw(seed)
	if random.IntN(2) == 0 {
		w.policy.Levels = [][]string{{"person:ada", "person:bruno"}, {"team:coordinators", "person:carmen"}}
	}
	for i := range w.book.People { // some have no telephone, some no call, some another contact
		p := &w.book.People[i]
		switch random.IntN(6) {
		case 0:
			p.Contacts = p.Contacts[2:]
		case 1:
			p.Contacts = slices.Delete(p.Contacts, 1, 2)
		case 2:
			p.Contacts = append(p.Contacts, roster.Contact{ID: "second", Channel: "sms", Address: fmt.Sprintf("+1500555011%d", i+1)})
		}
	}
	times := map[string]int{}
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		key := fmt.Sprint(c.Message.Ref, c.Medium, string(c.Message.To))
		times[key]++
		r := draw(seed, key, times[key])
		after := time.Duration(r.Int64N(int64(2 * time.Second)))
		switch r.IntN(8) {
		case 0:
			return after, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		case 1:
			return timeout, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
		case 2, 3:
			return after, notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		default:
			return after, notifier.Accepted{ProviderID: "X"}
		}
	}
	w.start("n1")
	var refs []request.Ref
	for n := range 1 + random.IntN(4) {
		w.run(time.Duration(random.IntN(600)) * time.Second)
		ref := w.raise(n, request.Urgencies[random.IntN(len(request.Urgencies))])
		refs = append(refs, ref)
		for range random.IntN(3) {
			person := w.book.People[random.IntN(5)].ID
			w.at(time.Duration(random.IntN(1800))*time.Second, func() { w.acknowledge(ref, person) })
		}
		if random.IntN(3) == 0 {
			w.at(time.Duration(random.IntN(2400))*time.Second, func() {
				s := w.state(ref)
				if events, _ := dispatcher.Pass(s, s.Owner, "", request.ViaWeb); s.Owner != "" {
					w.decide(s, request.ByOfficer, events...)
				}
			})
		}
		if random.IntN(5) == 0 {
			w.at(time.Duration(random.IntN(2400))*time.Second, func() {
				if s := w.state(ref); !s.Status.Ended() {
					w.decide(s, request.BySender, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
				}
			})
		}
	}
	w.run(time.Hour)
	return w, refs
}

// Every plan that was made in nights with e-mail and webhooks is made anew for the state as it would be without: it orders, cancels and raises the
// same.
func TestPlansForTelephonesKnowNothingOfWhatGoesBesideThem(t *testing.T) {
	plans, different := 0, 0
	for seed := range uint64(fifth(12)) {
		w, refs := besideNight(t, seed, true)
		with := dispatcher.Planner{Policy: w.policy, Roster: w.compiled(), Media: []string{"sms", "voice"}, Beside: []string{notifier.MediumEmail, notifier.MediumHook}}
		without := with
		without.Beside = nil
		for _, ref := range refs {
			s := request.NewState(ref)
			for i, entry := range w.log {
				if entry.ref != ref {
					continue
				}
				if err := s.Apply(uint64(i+1), entry.data); err != nil {
					t.Fatal(err)
				}
				for _, later := range []time.Duration{0, 20 * time.Second, time.Minute, 4 * time.Minute} {
					plans++
					now := s.LastTime.Add(later)
					mine, plain := with.Plan(s, now), without.Plan(withoutBeside(s), now)
					got, want := ofTelephones(t, mine.Events), ofTelephones(t, plain.Events)
					if !slices.Equal(got, want) || mine.For != plain.For {
						t.Fatalf("seed %d, %s at %d, %s later: with what goes beside\n%s\nwithout\n%s", seed, ref, i+1, later, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
					if len(mine.Events) != len(plain.Events) {
						different++
					}
				}
			}
		}
	}
	if plans < fifth(1000) || different < fifth(100) {
		t.Errorf("%d plans, of %d of which a notice beside is a part: this proves little", plans, different)
	}
}

// Whole nights, too: each telephone is called as often, for the same, within a second of when it would be.
func TestANightPagesTheSameWithoutWhatGoesBeside(t *testing.T) {
	notices, calls := map[string]int{}, 0
	for seed := range uint64(fifth(60)) {
		with, _ := besideNight(t, seed, true)
		without, _ := besideNight(t, seed, false)
		of := func(w *world) map[string][]time.Time {
			m := map[string][]time.Time{}
			for _, c := range w.calls {
				if notifier.Beside(c.Medium) {
					notices[c.Medium]++
					continue
				}
				calls++
				key := fmt.Sprint(c.Message.Ref, " ", c.Medium, " ", c.Message.About, " ", c.Message.Urgency, " ", string(c.Message.To))
				m[key] = append(m[key], c.at)
			}
			return m
		}
		got, want := of(with), of(without)
		for key, times := range want {
			if len(got[key]) != len(times) {
				t.Errorf("seed %d: %s: %d calls with them, %d without", seed, key, len(got[key]), len(times))
				continue
			}
			for i, at := range times {
				if got[key][i].Sub(at).Abs() > time.Second {
					t.Errorf("seed %d: %s: call %d at %s with them, at %s without", seed, key, i, got[key][i], at)
				}
			}
			delete(got, key)
		}
		if len(got) > 0 {
			t.Errorf("seed %d: with them only: %v", seed, got)
		}
	}
	if notices[notifier.MediumEmail] < fifth(100) || notices[notifier.MediumHook] < fifth(100) || calls < fifth(1000) {
		t.Errorf("%v beside, and %d calls: this proves little", notices, calls)
	}
}
