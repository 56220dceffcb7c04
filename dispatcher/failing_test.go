package dispatcher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// came is what came of a page to ada's mobile: when it was attempted, through whom, and a word: delivered, sent, answered (her code), or the
// provider's code of a failure, with its kind.
type came struct {
	at       time.Duration
	provider string
	what     string
	kind     request.FailureKind
}

func refused(at time.Duration, provider, code string) came {
	return came{at, provider, code, request.FailedForGood}
}

func lostBy(at time.Duration, kind request.FailureKind) came {
	return came{at, "twilio", "30003", kind}
}

func arrived(at time.Duration, provider string) came { return came{at, provider, "delivered", ""} }

// seen makes the commits of a page with one attempt, of a request of its own.
func (w *world) seen(i int, c came) (commits []stored) {
	ref, _ := request.NewRef([]byte(request.FactID("page", fmt.Sprint(i))))
	for j := 0; ref == ""; j++ {
		ref, _ = request.NewRef([]byte(request.FactID("page", fmt.Sprint(i, "-", j))))
	}
	at := w.now.Add(c.at)
	s := request.NewState(ref)
	add := func(commit request.Commit) {
		data := encode(w.t, commit)
		commits = append(commits, stored{ref, data})
		if err := s.Apply(s.LastSeq+1, data); err != nil {
			w.t.Fatal(err)
		}
	}
	body := request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: c.provider}
	add(s.Decide(at, "n1", request.Actor{Kind: request.BySystem}, request.NewEvent(request.Received, request.ReceivedBody{Urgency: request.Urgent, Type: request.Preservation}),
		request.NewEvent(request.PageOrdered, request.PageBody{Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "ada", Channel: "sms", Contact: "mobile"}),
		request.NewEvent(request.AttemptStarted, body)))
	event := request.AttemptFailed
	switch c.what {
	case "sent":
		event = request.AttemptSent
	case "answered":
		add(s.Decide(at.Add(time.Second), "n1", request.Actor{Kind: request.ByOfficer}, request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: "p1", Person: "ada", Via: request.ViaCode})))
		return commits
	case "delivered":
		event = request.AttemptDelivered
	default:
		body.Failure, body.Code = c.kind, c.what
	}
	add(request.Fact(ref, request.FactID(string(ref), "came"), at.Add(time.Second), "n1", request.Actor{Kind: request.ByProvider}, request.NewEvent(event, body)))
	return commits
}

// reader is a machine that reads, and decides nothing.
func (w *world) reader() *node {
	n := &node{name: "n1", machine: dispatcher.NewMachine(dispatcher.Options{Node: "n1", Policy: w.policy, CallTimeout: timeout})}
	w.step(n, dispatcher.RosterChanged{Roster: w.compiled()})
	return n
}

// failing lists what is found of contacts, with the reasons.
func (w *world) failing(n *node) string {
	var list []string
	for _, a := range n.machine.Troubles(w.now) {
		if a.Kind == request.AlarmFailing {
			list = append(list, fmt.Sprintf("%s %s%s", a.Failing.Why, a.Failing.Provider, a.Failing.Code))
		}
	}
	return strings.Join(list, "; ")
}

func TestWhatCameOfPagesSaysWhetherAContactFails(t *testing.T) {
	const h, m = time.Hour, time.Minute
	for name, c := range map[string]struct {
		pages []came
		want  string
	}{
		"nothing":                               {nil, ""},
		"opted out":                             {[]came{refused(-h, "twilio", "21610")}, "opted_out twilio21610"},
		"no such number":                        {[]came{refused(-h, "twilio", "21211")}, "no_number twilio21211"},
		"a code that nobody knows":              {[]came{refused(-h, "vonage", "dlr_77")}, "refused vonagedlr_77"},
		"it arrived before":                     {[]came{arrived(-2*h, "twilio"), refused(-h, "twilio", "21610")}, "opted_out twilio21610"},
		"it arrives again":                      {[]came{refused(-2*h, "twilio", "21610"), arrived(-h, "twilio")}, ""},
		"its code came back, without a receipt": {[]came{refused(-2*h, "twilio", "21610"), {-h, "twilio", "answered", ""}}, ""},
		"one is on its way":                     {[]came{refused(-2*h, "twilio", "21610"), {-h, "twilio", "sent", ""}}, "opted_out twilio21610"},
		"it arrives through the other":          {[]came{refused(-2*h, "twilio", "21610"), arrived(-h, "vonage")}, "opted_out twilio21610"},
		"both refuse, the newest counts":        {[]came{refused(-2*h, "twilio", "21610"), refused(-h, "vonage", "dlr_3")}, "no_number vonagedlr_3"},
		"our configuration":                     {[]came{{-h, "twilio", "20003", request.FailedConfig}}, ""},
		"nobody to hand it to":                  {[]came{refused(-h, "none", dispatcher.NoAddress.Code)}, ""},
		"for now":                               {[]came{lostBy(-h, request.FailedForNow), lostBy(-h+m, request.FailedUnknown), lostBy(-h+2*m, request.FailedForNow)}, ""},
		"two days ago":                          {[]came{refused(-49*h, "twilio", "21610")}, ""},
		"the carrier gave up two":               {[]came{lostBy(-3*h, request.FailedCarrier), lostBy(-h, request.FailedCarrier)}, ""},
		"the carrier gave up three":             {[]came{lostBy(-3*h, request.FailedCarrier), lostBy(-2*h, request.FailedExpired), lostBy(-h, request.FailedCarrier)}, "carrier 30003"},
		"one of them arrived":                   {[]came{lostBy(-4*h, request.FailedCarrier), lostBy(-3*h, request.FailedCarrier), arrived(-2*h, "twilio"), lostBy(-h, request.FailedCarrier)}, ""},
		"one arrived after them":                {[]came{lostBy(-4*h, request.FailedCarrier), lostBy(-3*h, request.FailedCarrier), lostBy(-2*h, request.FailedCarrier), arrived(-h, "vonage")}, ""},
		"over more than a day":                  {[]came{lostBy(-27*h, request.FailedCarrier), lostBy(-2*h, request.FailedCarrier), lostBy(-h, request.FailedCarrier)}, ""},
		"calls that ring in vain":               {[]came{lostBy(-3*h, request.FailedNoKey), lostBy(-2*h, request.FailedNoKey), lostBy(-h, request.FailedNoKey)}, ""},
	} {
		w := newWorld(t)
		var log []stored
		for i, page := range c.pages {
			log = append(log, w.seen(i, page)...)
		}
		for _, order := range []string{"as it was", "backwards"} { // of requests: no order is promised between them
			n := w.reader()
			if order == "backwards" {
				slices.SortStableFunc(log, func(a, b stored) int { return strings.Compare(string(b.ref), string(a.ref)) })
			}
			for i, entry := range log {
				w.step(n, dispatcher.Committed{Ref: entry.ref, Seq: uint64(i + 1), Data: entry.data})
			}
			if got := w.failing(n); got != c.want {
				t.Errorf("%s, %s: found %q, want %q", name, order, got, c.want)
			}
		}
	}
}

func TestWhatIsFoundOfContactsHangsOnNoOrderOfTheLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		var requests [][]stored
		for i := range rapid.IntRange(1, 24).Draw(rt, "pages") {
			at := time.Duration(rapid.IntRange(-50*60, 0).Draw(rt, "minute")) * time.Minute
			provider := rapid.SampledFrom([]string{"twilio", "vonage"}).Draw(rt, "provider")
			c := rapid.SampledFrom([]came{
				arrived(at, provider), {at, provider, "answered", ""}, refused(at, provider, "21610"), {at, provider, "30003", request.FailedCarrier}, {at, provider, "sent", ""},
			}).Draw(rt, "came")
			requests = append(requests, w.seen(i, c))
		}
		one, other := w.reader(), w.reader()
		for i, entry := range slices.Concat(requests...) {
			w.step(one, dispatcher.Committed{Ref: entry.ref, Seq: uint64(i + 1), Data: entry.data})
		}
		for i, entry := range slices.Concat(rapid.Permutation(requests).Draw(rt, "order")...) {
			w.step(other, dispatcher.Committed{Ref: entry.ref, Seq: uint64(i + 1), Data: entry.data})
		}
		if a, b := w.failing(one), w.failing(other); a != b {
			rt.Fatalf("one finds %q, the other %q", a, b)
		}
	})
}

func TestTheAlarmOfAContactStandsWithoutItsPagesAndEndsWithAnEditOrAnArrival(t *testing.T) {
	flagged := func() (*world, *node, request.AlarmBody) {
		w := newWorld(t)
		n := w.reader()
		w.nodes = append(w.nodes, n)
		for _, entry := range w.seen(1, refused(-time.Minute, "twilio", "21610")) {
			w.append(entry.ref, entry.data)
		}
		found := n.machine.Troubles(w.now)
		if len(found) != 1 || found[0].Kind != request.AlarmFailing || found[0].Cause != "person ada contact mobile" || found[0].Quiet(w.now) {
			t.Fatalf("found %+v: ada is on duty", found)
		}
		w.alarmed(found[0])
		return w, n, found[0]
	}
	w, n, was := flagged()
	w.now = w.now.Add(60 * time.Hour) // the pages are forgotten
	if found := n.machine.Troubles(w.now); len(found) != 1 || found[0].Failing != was.Failing {
		t.Errorf("after two days and a half: %+v", found)
	}
	for _, entry := range w.seen(2, arrived(0, "vonage")) {
		w.append(entry.ref, entry.data)
	}
	if found := n.machine.Troubles(w.now); len(found) != 1 {
		t.Errorf("the other provider says nothing of the one that refuses: %+v", found)
	}
	for _, entry := range w.seen(3, arrived(0, "twilio")) {
		w.append(entry.ref, entry.data)
	}
	w.found(n, "")

	w, n, _ = flagged()
	w.edit(func(b *roster.Book) {
		b.People = slices.Clone(b.People)
		b.People[0].Contacts = slices.Clone(b.People[0].Contacts)
		b.People[0].Contacts[0].Address, b.People[0].Contacts[0].Changed = "+15005550199", w.now
	})
	w.found(n, "")
	for name, gone := range map[string]func(*roster.Person){
		"the contact is gone": func(p *roster.Person) {
			p.Contacts = []roster.Contact{{ID: "other", Channel: "sms", Address: "+15005550198", Verified: true}}
		},
	} {
		w, n, _ = flagged()
		w.edit(func(b *roster.Book) { b.People = slices.Clone(b.People); gone(&b.People[0]) })
		if found := n.machine.Troubles(w.now); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
	w, n, was = flagged()
	w.step(n, dispatcher.RosterSeen{Revision: w.book.Revision + 1}) // and cannot be read
	if found := n.machine.Troubles(w.now); len(found) != 1 || found[0] != was {
		t.Errorf("while a newer roster is not read: %+v", found)
	}
}

func TestOnlyWhoIsOnDutyWithinTheHourHasAnAlarmOfTheirContactThatWakesAnybody(t *testing.T) {
	w := newWorld(t)
	w.policy.AlarmTo = []string{"erik"}
	w.now = time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC)
	w.book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada"}, {"bruno"}}
	n := w.start("n1")
	began := w.now
	flag := func(person string) request.AlarmBody { return n.machine.OptOut(person, "mobile", w.now) }
	if a := flag("ada"); a.Quiet(w.now) || a.Failing.Why != request.WhyOptedOut || !strings.HasPrefix(a.Detail, "opted out with STOP, since 2026-03-02 22:00") {
		t.Errorf("on duty: %+v", a)
	}
	bruno := flag("bruno") // on duty next, in a week
	if !bruno.Quiet(w.now) || !bruno.Due.Equal(time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("next: %+v", bruno)
	}
	if a := flag("erik"); !a.Quiet(w.now.Add(27 * 24 * time.Hour)) {
		t.Errorf("never on duty: %+v", a)
	}
	w.alarmed(bruno)
	w.run(9 * time.Hour)
	if len(w.calls) != 0 {
		t.Fatalf("at night: %s", w.paged(began))
	}
	w.run(2 * time.Hour)
	told := w.calls
	if len(told) != 1 || told[0].Message.About != notifier.TellContactAhead || told[0].Message.Duty.CallSign != "HERON" || told[0].Message.About.Asks() {
		t.Errorf("by day: %+v", told)
	}
}

func TestTheOfficerWhoseTextIsRefusedIsCalledWithinTheSameStep(t *testing.T) {
	w := newWorld(t)
	w.voice = true
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Medium == "sms" && strings.HasSuffix(string(c.Message.To), "01") {
			return 50 * time.Millisecond, notifier.Failed{Kind: request.FailedForGood, Code: "21610"}
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "X" + string(c.Message.Ref) + c.Message.Attempt}
	}
	w.start("n1")
	ref := w.raise(1, request.Urgent) // whose calls come after the texts
	w.run(2 * time.Second)
	s := w.state(ref)
	if len(w.calls) != 2 || w.calls[1].Medium != "voice" || w.calls[1].Message.To != w.calls[0].Message.To || s.Step.Count != 1 {
		t.Errorf("%d calls, %d steps, %+v", len(w.calls), s.Step.Count, w.calls)
	}
}

func TestAContactFailsSinceTheFirstRefusalAfterTheLastArrivalThroughTheSameProvider(t *testing.T) {
	const h = time.Hour
	w := newWorld(t)
	n := w.reader()
	w.nodes = append(w.nodes, n)
	for i, c := range []came{
		refused(-5*h, "twilio", "21610"), arrived(-4*h, "twilio"), refused(-3*h, "twilio", "21610"), arrived(-2*h, "vonage"), refused(-h, "twilio", "21610"),
	} {
		for _, entry := range w.seen(i, c) {
			w.append(entry.ref, entry.data)
		}
	}
	if found := n.machine.Troubles(w.now); len(found) != 1 || !found[0].Failing.Since.Equal(w.now.Add(-3*h)) {
		t.Errorf("found %+v", found)
	}
}

func TestOneTextForSeveralThatACarrierGivesUpIsOne(t *testing.T) {
	w := newTogetherWorld(t)
	n := w.start("n1")
	w.raise(0, request.Urgent)
	w.run(time.Second)
	for i := range 4 {
		w.raise(1+i, request.Urgent)
	}
	w.run(7 * time.Second)
	if len(w.calls) != 2 || len(w.calls[1].With) != 3 {
		t.Fatalf("%d texts, the last with %d others", len(w.calls), len(w.calls[1].With))
	}
	lost := rung{event: request.AttemptFailed, kind: request.FailedCarrier, code: "30003"}
	for _, c := range append([]dispatcher.Call{w.calls[1].Call}, w.calls[1].With...) {
		w.report(c, lost)
	}
	if got := w.failing(n); got != "" {
		t.Errorf("one text was lost, and the contact is said to fail: %s", got)
	}
	w.report(w.calls[0].Call, lost)
	if got := w.failing(n); got != "" {
		t.Errorf("two texts were lost, and the contact is said to fail: %s", got)
	}
}
