package dispatcher_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

// strange puts a commit of somebody else's into the log of a request that waits for an answer of its first step, and lets a machine go on
// alone from there.
func strange(t *testing.T, events ...request.Event) *lonely {
	t.Helper()
	all, policy := stories(t)
	log := all[0][:4]
	last, err := request.Decode(log[3].data)
	if err != nil {
		t.Fatal(err)
	}
	l := newLonely(t, log[0].ref, policy, exampleBook(t), last.Time.Add(time.Second))
	for _, entry := range log {
		l.read(entry.data)
	}
	c := l.state.Decide(l.now, "n9", request.Actor{Kind: request.BySystem, ID: "n9"}, events...)
	l.read(encode(t, c))
	l.step(dispatcher.Ready{})
	l.live(90*time.Minute, 150)
	return l
}

// A step of a level that no policy has (a fault of another version, or of the disk) made every node that read it panic, and again after
// every start. The nearest level counts.
func TestAStepOfALevelThatThereIsNotStopsNobody(t *testing.T) {
	for _, level := range []int{0, -1, 99, 1 << 62, -1 << 63} {
		l := strange(t, request.NewEvent(request.Escalated, request.EscalatedBody{
			Level: level, Round: level, Cause: request.CauseSilence, Targets: []request.Target{{Person: "ada"}},
		}))
		if l.state.Step.Count < 4 {
			t.Errorf("level %d: %d steps in an hour and a half", level, l.state.Step.Count)
		}
	}
}

// A log that was closed with a page that waits: its page went out two days later, when the request had left the memory, and the node panicked.
func TestAClosedLogWithAnOpenPageSendsNothing(t *testing.T) {
	page := request.PageBody{Page: "p9", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "bruno", Contact: "sms", Level: 1, Round: 1, Channel: "sms"}
	l := strange(t, request.NewEvent(request.PageOrdered, page), request.NewEvent(request.Closed, request.ClosedBody{Reason: "withdrawn"}))
	l.live(dispatcher.CodeLife+time.Hour, 100)
	if p := l.state.Page("p9"); p.State != request.PageQueued || len(p.Attempts) > 0 {
		t.Errorf("page %+v", p)
	}
	if l.machine.State(l.state.Ref) != nil {
		t.Error("the request is still in memory")
	}
}

// A second page of a name that was used was never moved on by what the log said of that name: once somebody had the request, it was called
// off for ever, one commit after the other, as fast as the log takes them.
func TestTwoPagesOfOneNameAreOne(t *testing.T) {
	page := request.PageBody{Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "bruno", Level: 1, Round: 1, Channel: "sms"}
	l := strange(t, request.NewEvent(request.PageOrdered, page), request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Person: "ada"}))
	if p := l.state.Page("p1"); p.Person != "ada" || l.state.Pages[len(l.state.Pages)-1].Page == "p1" {
		t.Errorf("pages %+v", l.state.Pages)
	}
}

// A version that counts pages otherwise has used the name of the page that comes next.
func TestANameOfAPageThatIsTakenIsPassedOver(t *testing.T) {
	page := request.PageBody{Page: "p3", Purpose: request.Notice, Recipient: request.ToOfficer, Person: "bruno", Channel: "sms"}
	l := strange(t, request.NewEvent(request.PageOrdered, page))
	names := map[string]bool{}
	for _, p := range l.state.Pages {
		if names[p.Page] {
			t.Errorf("%s twice", p.Page)
		}
		names[p.Page] = true
	}
	if len(names) < 5 || l.state.Page("p3").Person != "bruno" {
		t.Errorf("pages %v", names)
	}
}

// Levels that reach nobody are passed in one commit: with too many of them it would not fit the log, or never end.
func TestAPolicyWithoutEndIsRefused(t *testing.T) {
	for name, change := range map[string]func(*dispatcher.Policy){
		"rounds": func(p *dispatcher.Policy) { p.Rounds = 1 << 40 },
		"levels": func(p *dispatcher.Policy) { p.Levels = make([][]string, 50_000) },
	} {
		p := dispatcher.DefaultPolicy()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "policy."+name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := dispatcher.DefaultPolicy()
	p.Rounds, p.Levels = 20, nil
	for range 20 {
		p.Levels = append(p.Levels, []string{"team:nobody"})
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	l := newLonely(t, "7K4M2QX9D", p, exampleBook(t), storyBegan)
	w := &world{t: t, now: storyBegan}
	l.state.Ref = w.raise(1, request.Emergency)
	l.state = request.NewState(l.state.Ref)
	l.read(w.log[0].data)
	l.step(dispatcher.Ready{})
	if !l.state.Step.Everyone || len(l.state.Pages) == 0 {
		t.Errorf("after 400 levels without anybody, step %+v and %d pages", l.state.Step, len(l.state.Pages))
	}
}

// Mathematical digits stand in Unicode without a gap between their blocks: every one after the first block was read as 9.
func TestDigitsOfEveryScriptAreRead(t *testing.T) {
	for _, text := range []string{"012345", "𝟎𝟏𝟐𝟑𝟒𝟓", "𝟘𝟙𝟚𝟛𝟜𝟝", "𝟢𝟣𝟤𝟥𝟦𝟧", "𝟬𝟭𝟮𝟯𝟰𝟱", "𝟶𝟷𝟸𝟹𝟺𝟻", "٠١٢٣٤٥", "۰۱۲۳۴۵", "०१२३४५", "０１２３４５"} {
		if got := dispatcher.ParseReply(text, nil).Code; got != "012345" {
			t.Errorf("%s is read as %q", text, got)
		}
	}
}

// The numbers of a sentence, put together, were taken for a code, and counted as a wrong guess.
func TestOnlyNeighboursMakeACode(t *testing.T) {
	for text, want := range map[string]string{
		"23456 2T[[[4": "", "call 112 at 03 in 5": "", "12 people, 34 cars, 56": "", "123 456": "123456", "PASS 12 34 56 7K4M-2QX9-D": "123456", "12 345 6789": "", "1 in 123 456": "123456",
	} {
		if got := dispatcher.ParseReply(text, nil).Code; got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}
