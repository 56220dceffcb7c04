package dispatcher_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// newTwoPathWorld has two providers of texts and calls. Texts arrive, calls ring and nobody picks up, nobody answers.
func newTwoPathWorld(t testing.TB) *world {
	w := newVoiceWorld(t)
	w.second = true
	w.silent = func(dispatcher.Call) bool { return false }
	w.find = func(dispatcher.Call) notifier.Outcome { return notifier.NotFound{} }
	return w
}

// fails lets a provider give this outcome, and the other one take everything.
func (w *world) fails(name string, took time.Duration, o notifier.Outcome) {
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		if c.Provider == name {
			return took, o
		}
		return 50 * time.Millisecond, notifier.Accepted{ProviderID: "X-" + string(c.Message.Ref) + c.Message.Attempt}
	}
}

// throughWhom lists who was called through which provider, as person/provider/channel@seconds.
func (w *world) throughWhom(since time.Time) string {
	var list []string
	for _, c := range w.calls {
		list = append(list, fmt.Sprintf("%s/%s/%s@%d", owner(c.Message.To), c.Provider, c.Medium, int(c.at.Sub(since).Seconds())))
	}
	return strings.Join(list, " ")
}

func TestPathsByUrgency(t *testing.T) {
	for urgency, want := range map[request.Urgency]string{
		// Both at once; a telephone rings once at a time, twice from each number.
		request.Emergency: "ada/twilio/sms@0 ada/twilio/voice@0 ada/vonage/sms@0 ada/twilio/voice@20 ada/vonage/voice@40 ada/vonage/voice@60",
		request.Critical:  "ada/twilio/sms@0 ada/twilio/voice@60 ada/vonage/sms@60",
		request.Urgent:    "ada/twilio/sms@0",
		request.Routine:   "ada/twilio/sms@0",
	} {
		w := newTwoPathWorld(t)
		w.start("n1")
		began := w.now
		w.raise(1, urgency)
		w.run(61 * time.Second)
		if got := w.throughWhom(began); !strings.HasPrefix(got, want) {
			t.Errorf("%s: asked\n%s, want\n%s", urgency, got, want)
		}
	}
}

func TestATextThatAProviderDoesNotTakeGoesThroughTheOtherAtOnce(t *testing.T) {
	for name, failed := range map[string]notifier.Failed{
		"503":           {Kind: request.FailedForNow, Code: "http_503"},
		"429":           {Kind: request.FailedForNow, Code: "20429", RetryAfter: time.Minute},
		"a lost answer": {Kind: request.FailedUnknown, Code: "timeout"},
		"configuration": {Kind: request.FailedConfig, Code: "20003"},
		"opted out":     {Kind: request.FailedForGood, Code: "21610"},
		"carrier":       {Kind: request.FailedCarrier, Code: "30003"},
		"expired":       {Kind: request.FailedExpired, Code: "30036"},
	} {
		w := newTwoPathWorld(t)
		w.voice = false
		w.fails("twilio", 100*time.Millisecond, failed)
		w.start("n1")
		began := w.now
		w.raise(1, request.Urgent)
		w.run(time.Second)
		if got, want := w.throughWhom(began), "ada/twilio/sms@0 ada/vonage/sms@0"; got != want {
			t.Errorf("%s: asked\n%s, want\n%s", name, got, want)
		}
		w.run(20 * time.Second)
		if n := len(w.calls); n != 2 {
			t.Errorf("%s: %d calls", name, n)
		}
	}
}

func TestWhenBothFailTheyTakeTurnsAsEachAsksFor(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
		wait := time.Duration(0)
		if c.Provider == "vonage" {
			wait = 30 * time.Second
		}
		return 100 * time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503", RetryAfter: wait}
	}
	w.start("n1")
	began := w.now
	w.raise(1, request.Urgent)
	w.run(31 * time.Second)
	if got, want := w.throughWhom(began), "ada/twilio/sms@0 ada/vonage/sms@0 ada/twilio/sms@1 ada/twilio/sms@3 ada/twilio/sms@7 ada/twilio/sms@15 ada/vonage/sms@30 ada/twilio/sms@30"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

func TestATextWithoutAReceiptGoesThroughTheOther(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.silent = func(c dispatcher.Call) bool { return c.Provider == "twilio" }
	w.start("n1")
	began := w.now
	ref := w.raise(1, request.Urgent)
	w.run(100 * time.Second)
	if got, want := w.throughWhom(began), "ada/twilio/sms@0 ada/vonage/sms@30"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	pages := w.state(ref).Pages
	if len(pages) != 2 || pages[1].Provider != "vonage" || pages[1].Reason != request.PathNoReceipt || pages[1].Contact != pages[0].Contact {
		t.Errorf("pages %+v", pages)
	}
}

func TestNobodyIsAskedThroughTheOtherAfterTheAnswer(t *testing.T) {
	for after, silent := range map[time.Duration]bool{29 * time.Second: true, 119 * time.Second: false} {
		w := newTwoPathWorld(t)
		w.voice = false
		w.silent = func(dispatcher.Call) bool { return silent }
		w.start("n1")
		ref := w.raise(1, request.Urgent)
		w.run(after)
		if n := len(w.calls); n != 1 {
			t.Fatalf("%d texts", n)
		}
		w.acknowledge(ref, "ada")
		w.run(10 * time.Minute)
		if n := len(w.calls); n != 1 {
			t.Errorf("%d texts", n)
		}
	}
}

func TestAPageThatMayHaveArrivedIsLookedUpWhereItWent(t *testing.T) {
	for name, tc := range map[string]struct {
		found notifier.Outcome
		want  string
	}{
		"found":        {notifier.Accepted{ProviderID: "SM1"}, "twilio"},
		"not found":    {notifier.NotFound{}, "twilio vonage"},
		"no answer":    {notifier.Failed{Kind: request.FailedForNow, Code: "connection"}, "twilio vonage"},
		"unknown code": {notifier.Failed{Kind: request.FailedConfig, Code: "20003"}, "twilio vonage"},
	} {
		w := newTwoPathWorld(t)
		w.voice = false
		var asked, sent []string
		w.provider = func(c dispatcher.Call) (time.Duration, notifier.Outcome) {
			sent = append(sent, c.Provider)
			if c.Provider == "twilio" {
				return 10 * time.Second, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
			}
			return 50 * time.Millisecond, notifier.Accepted{ProviderID: "V1"}
		}
		w.find = func(c dispatcher.Call) notifier.Outcome {
			asked = append(asked, c.EarlierBy)
			return tc.found
		}
		w.start("n1")
		ref := w.raise(1, request.Urgent)
		w.run(20 * time.Second)
		if got := strings.Join(sent, " "); got != tc.want || strings.Join(asked, " ") != "twilio" {
			t.Errorf("%s: sent through %q, want %q; asked %q", name, got, tc.want, asked)
		}
		page := w.state(ref).Pages[0]
		if page.State != request.PageSent && page.State != request.PageDelivered {
			t.Errorf("%s: the page is %s", name, page.State)
		}
		for _, a := range page.Attempts {
			if a.Took() && a.ProviderID != map[string]string{"twilio": "SM1", "vonage": "V1"}[a.Provider] {
				t.Errorf("%s: %s is known to %s as %s", name, a.ID, a.Provider, a.ProviderID)
			}
		}
	}
}

func TestAnAttemptOfADeadNodeIsTakenOverWhereItWasMade(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.fails("twilio", 10*time.Second, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"})
	first := w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(time.Second)
	first.dead = true
	w.start("n2")
	w.fails("", 0, nil) // both are well again
	w.run(30 * time.Second)
	last := w.calls[len(w.calls)-1]
	if len(w.calls) != 2 || last.Provider != "twilio" || last.EarlierBy != "twilio" || last.Message.Attempt != "p1a1" {
		t.Errorf("%d calls, the last one %s, %s", len(w.calls), last.Provider, last.Message.Attempt)
	}
	if s := w.state(ref).Pages[0].State; s != request.PageDelivered {
		t.Errorf("the page is %s", s)
	}
}

func TestAProviderThatFailsIsPassedOverAndTriedByOneAgain(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.fails("twilio", 100*time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"})
	w.start("n1")
	texts := func(since time.Time, provider string) (n int) {
		for _, c := range w.calls {
			if c.Provider == provider && !c.at.Before(since) {
				n++
			}
		}
		return n
	}
	n := 0
	raise := func(many int, u request.Urgency) {
		for range many {
			n++
			w.raise(n, u)
		}
	}
	began := w.now
	for range 20 {
		raise(1, request.Urgent)
		w.run(time.Second)
	}
	if got := texts(began, "twilio"); got != 3 {
		t.Errorf("it was tried %d times", got)
	}
	w.run(40 * time.Second)
	again := w.now
	raise(10, request.Urgent)
	w.run(10 * time.Second)
	if one, others := texts(again, "twilio"), texts(again, "vonage"); one != 1 || others != 10 {
		t.Errorf("%d tried it, and %d went through the other", one, others)
	}
	again = w.now
	raise(10, request.Emergency)
	w.run(10 * time.Second)
	if one, others := texts(again, "twilio"), texts(again, "vonage"); one < 10 || others != 10 { // both at once
		t.Errorf("emergencies tried it %d times, and the other one %d times", one, others)
	}
	w.fails("", 0, nil)
	w.run(6 * time.Minute)
	again = w.now
	raise(10, request.Urgent)
	w.run(10 * time.Second)
	if one, others := texts(again, "twilio"), texts(again, "vonage"); one != 10 || others != 0 {
		t.Errorf("well again, %d go through it, and %d through the other", one, others)
	}
}

func TestAProviderThatNeverSaysThatATextArrivedIsPassedOver(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.silent = func(c dispatcher.Call) bool { return c.Provider == "twilio" }
	w.start("n1")
	w.edit(func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada", "bruno", "carmen"}} })
	began := w.now
	w.raise(1, request.Urgent)
	w.run(45 * time.Second)
	w.raise(2, request.Urgent)
	w.run(5 * time.Second)
	want := "ada/twilio/sms@0 bruno/twilio/sms@0 carmen/twilio/sms@0 ada/vonage/sms@30 bruno/vonage/sms@30 carmen/vonage/sms@30 ada/vonage/sms@45 bruno/vonage/sms@45 carmen/vonage/sms@45"
	if got := w.throughWhom(began); got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

// Whoever has one telephone that is dead says nothing of a provider.
func TestATelephoneThatIsDeadKeepsNobodyElseFromAProvider(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.silent = func(c dispatcher.Call) bool { return strings.HasSuffix(string(c.Message.To), "1") }
	w.start("n1")
	for n := range 5 {
		w.raise(n, request.Urgent)
		w.run(40 * time.Second)
	}
	again := w.now
	w.edit(func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"bruno"}} })
	w.raise(9, request.Urgent)
	w.run(time.Second)
	for _, c := range w.calls {
		if !c.at.Before(again) && c.Provider != "twilio" && c.at.Sub(again) < 30*time.Second && c.Message.Page == "p1" {
			t.Errorf("%s goes through %s", c.Message.Attempt, c.Provider)
		}
	}
}

func TestOneProviderIsNeverPassedOverForNone(t *testing.T) {
	w := newWorld(t)
	w.fails("twilio", 100*time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"})
	w.start("n1")
	began := w.now
	w.raise(1, request.Urgent)
	w.run(40 * time.Second)
	if got, want := w.throughWhom(began), "ada/twilio/sms@0 ada/twilio/sms@1 ada/twilio/sms@3 ada/twilio/sms@7 ada/twilio/sms@15 ada/twilio/sms@30"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

// Whatever fails, a step asks nobody more often over a channel than once through each provider, and a call once more.
func TestPathsAreBounded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newTwoPathWorld(t)
		outcome := rapid.SampledFrom([]notifier.Outcome{
			notifier.Accepted{ProviderID: "X"},
			notifier.Failed{Kind: request.FailedForNow, Code: "http_503"},
			notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"},
			notifier.Failed{Kind: request.FailedForGood, Code: "21610"},
			notifier.Failed{Kind: request.FailedConfig, Code: "20003"},
			notifier.Failed{Kind: request.FailedCarrier, Code: "30003"},
			notifier.Failed{Kind: request.FailedExpired, Code: "30036"},
		})
		w.provider = func(dispatcher.Call) (time.Duration, notifier.Outcome) {
			return time.Duration(rapid.IntRange(10, 3000).Draw(r, "took")) * time.Millisecond, outcome.Draw(r, "outcome")
		}
		w.find = func(dispatcher.Call) notifier.Outcome {
			return rapid.SampledFrom([]notifier.Outcome{notifier.NotFound{}, notifier.Accepted{ProviderID: "X"}, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}}).Draw(r, "found")
		}
		w.silent = func(dispatcher.Call) bool { return rapid.Bool().Draw(r, "silent") }
		w.start("n1")
		ref := w.raise(1, rapid.SampledFrom(request.Urgencies).Draw(r, "urgency"))
		w.run(6 * time.Minute)
		type asked struct {
			person, channel string
			level, round    int
		}
		pages, through := map[asked]int{}, map[string]int{}
		for _, p := range w.state(ref).Pages {
			a := asked{p.Person, p.Channel, p.Level, p.Round}
			most := map[string]int{notifier.MediumSMS: 1, notifier.MediumVoice: 1 + w.policy.Recalls}[p.Channel]
			if pages[a]++; pages[a] > 2*most+2 {
				list := ""
				for _, p := range w.state(ref).Pages {
					list += fmt.Sprintf("\n%s %s for %s, level %d round %d, %q %s %s:", p.Page, p.Channel, p.Person, p.Level, p.Round, p.Provider, p.Reason, p.State)
					for _, at := range p.Attempts {
						list += fmt.Sprintf(" %s %s %s;", at.ID, at.Provider, at.Failure)
					}
				}
				r.Fatalf("%s is page %d of a step:%s", p.Page, pages[a], list)
			}
			for _, at := range p.Attempts {
				if at.ProviderID == "" {
					continue
				}
				key, most := fmt.Sprint(a, at.Provider), most
				if p.Channel == notifier.MediumVoice { // a second call to get through silent hours goes through who can make it
					key, most = fmt.Sprint(a), 2*most
				}
				if through[key]++; through[key] > most {
					r.Fatalf("%s has taken %+v %d times", at.Provider, a, through[key])
				}
			}
		}
	})
}

// A level that is asked again in the same round, because its people changed while somebody had the request, is another step.
func TestAStepThatIsTakenOnceMoreHasBothPathsAgain(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.silent = func(c dispatcher.Call) bool { return c.Provider == "twilio" }
	w.start("n1")
	ref := w.raise(1, request.Urgent)
	w.run(40 * time.Second)
	w.acknowledge(ref, "carmen")
	w.run(10 * time.Minute)
	w.edit(func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"ada", "bruno"}} })
	again := w.now
	w.passOn(ref, "carmen")
	w.run(40 * time.Second)
	var since []called
	for _, c := range w.calls {
		if !c.at.Before(again) {
			since = append(since, c)
		}
	}
	w.calls = since
	if got, want := w.throughWhom(again), "ada/twilio/sms@0 bruno/twilio/sms@0 ada/vonage/sms@30 bruno/vonage/sms@30"; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	if s := w.state(ref).Step; s.Level != 1 || s.Round != 1 || s.Count != 2 {
		t.Errorf("step %+v", s)
	}
}

// An emergency is no trial of a provider that fails, whether it goes through both or not.
func TestAnEmergencyTriesNoProviderThatFails(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	delete(w.policy.SecondPath, request.Emergency)
	w.fails("twilio", 100*time.Millisecond, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"})
	w.start("n1")
	for n := range 3 {
		w.raise(n, request.Urgent)
		w.run(time.Second)
	}
	w.run(40 * time.Second) // it may be tried again
	w.calls = nil
	began := w.now
	w.raise(9, request.Emergency)
	w.run(time.Second)
	if got, want := w.throughWhom(began), "ada/vonage/sms@0"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestAProviderWhoseTextsCarriersGiveUpIsPassedOver(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.policy.Levels = [][]string{{"person:ada", "person:bruno", "person:carmen"}}
	w.fails("twilio", 100*time.Millisecond, notifier.Failed{Kind: request.FailedCarrier, Code: "30007"})
	w.start("n1")
	w.raise(1, request.Urgent)
	w.run(5 * time.Second)
	w.calls = nil
	began := w.now
	w.raise(2, request.Urgent)
	w.run(time.Second)
	if got, want := w.throughWhom(began), "ada/vonage/sms@0 bruno/vonage/sms@0 carmen/vonage/sms@0"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestBothPathsOfAnEmergencyAreOneDecision(t *testing.T) {
	w := newTwoPathWorld(t)
	w.voice = false
	w.start("n1")
	ref := w.raise(1, request.Emergency)
	w.run(time.Second)
	pages := w.state(ref).Pages
	if len(pages) != 2 || pages[1].Reason != request.PathBoth || !pages[0].Ordered.Equal(pages[1].Ordered) {
		t.Errorf("pages %+v", pages)
	}
}
