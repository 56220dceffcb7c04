package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// telephone is the name of the provider of texts and calls.
const telephone = "twilio"

// provider takes texts and calls, with what goes wrong there; and the servers of senders.
type provider struct {
	w      *night
	modes  map[string]int // what goes wrong now → causes
	dead   map[string]int // people whose number does not exist for now
	taken  []taking       // in order
	ids    map[string]int // provider's id → index in taken
	times  map[string]int // page → how often it was taken
	down   map[string]int // senders' servers that do not answer
	faults map[string]int // calls to the provider that went wrong, by mode
}

// taking is one message or call that the provider has.
type taking struct {
	id      string
	ref     request.Ref
	page    string
	attempt string
	medium  string
	to      notifier.Phone
	at      time.Duration
}

func (p *provider) init(w *night) {
	*p = provider{
		w: w, modes: map[string]int{}, dead: map[string]int{}, ids: map[string]int{}, times: map[string]int{}, down: map[string]int{}, faults: map[string]int{},
	}
}

// broken reports whether the provider of telephones has trouble now.
func (p *provider) broken() bool {
	for _, mode := range []string{"slow", "too_many", "error", "answer_lost", "down"} {
		if p.modes[mode] > 0 {
			return true
		}
	}
	return false
}

// send hands one attempt over: how long it takes, no longer than what is left, and what the node is told.
func (p *provider) send(n *node, c dispatcher.Call, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	w := p.w
	unknown := notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
	if left <= 0 { // nothing is sent
		return 0, unknown
	}
	d := w.throw("send", string(m.Ref), m.Attempt, n.name, strconv.Itoa(n.life))
	took = d.between(30*time.Millisecond, 400*time.Millisecond)
	if c.Recipient == request.ToSender {
		switch {
		case p.down[string(m.To)] > 0:
			return took, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
		case d.chance(0.02):
			w.at(took, func() { p.accept(c, m, took) })
			return left, unknown
		}
		id, in := p.id(m), min(took, left)
		w.at(in, func() { p.accept(c, m, in) })
		return in, notifier.Accepted{ProviderID: id, Delivered: true}
	}
	switch {
	case p.dead[string(m.To)] > 0:
		return took, notifier.Failed{Kind: request.FailedForGood, Code: "21211"}
	case p.modes["down"] > 0:
		if d.chance(0.5) {
			return took, notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
		}
		return left, unknown
	case p.modes["error"] > 0 && d.chance(0.9):
		return took, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
	case p.modes["too_many"] > 0 && d.chance(0.8):
		return took, notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: time.Duration(d.n(20)) * time.Second}
	case p.modes["slow"] > 0:
		took = d.between(2*time.Second, 15*time.Second)
	case p.modes["answer_lost"] > 0 && d.chance(0.8):
		w.at(took, func() { p.accept(c, m, took) })
		if d.chance(0.5) {
			return took, notifier.Failed{Kind: request.FailedUnknown, Code: "connection"}
		}
		return left, unknown
	}
	// What is under way arrives whatever becomes of who sent it; how it is reported hangs on how long that took.
	arrives := took - took/4
	w.at(arrives, func() { p.accept(c, m, took) })
	if took > left {
		return left, unknown
	}
	return took, notifier.Accepted{ProviderID: p.id(m)}
}

// id is what the provider calls an attempt.
func (p *provider) id(m notifier.Message) string {
	return "X" + string(m.Ref) + m.Attempt
}

// find looks an earlier attempt up.
func (p *provider) find(c dispatcher.Call, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	w := p.w
	d := w.throw("find", string(m.Ref), m.Attempt)
	took = d.between(30*time.Millisecond, 300*time.Millisecond)
	switch {
	case left <= 0:
		return 0, notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}
	case c.Recipient == request.ToSender:
		return took, notifier.NotFound{}
	case p.modes["down"] > 0:
		return took, notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
	case p.modes["error"] > 0 && d.chance(0.9), p.modes["too_many"] > 0 && d.chance(0.5):
		return took, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
	}
	found := ""
	for i := range slices.Backward(p.taken) {
		t := &p.taken[i]
		same := t.ref == m.Ref && t.page == m.Page
		if c.Medium == notifier.MediumVoice { // a call carries no mark of its page
			same = t.to == m.To && !w.start.Add(t.at).Before(m.Since) && !slices.Contains(m.Others, t.id)
		}
		if same && t.medium == c.Medium {
			found = t.id
			break
		}
	}
	if w.tamper.found != nil {
		switch said := w.tamper.found(found != ""); {
		case !said:
			found = ""
		case found == "":
			found = "X"
		}
	}
	if found == "" {
		return took, notifier.NotFound{}
	}
	return took, notifier.Accepted{ProviderID: found}
}

// accept is the moment at which the provider has it.
func (p *provider) accept(c dispatcher.Call, m notifier.Message, took time.Duration) {
	w := p.w
	id := p.id(m)
	if c.Recipient == request.ToSender {
		w.say("sender", "the server of %s is told of %s: %s", m.To, m.Ref, m.About)
		return
	}
	p.ids[id] = len(p.taken)
	p.taken = append(p.taken, taking{id, m.Ref, m.Page, m.Attempt, c.Medium, m.To, w.now})
	page := string(m.Ref) + m.Page
	if p.times[page]++; p.times[page] > 1 {
		w.sum.Duplicates++
		w.say("provider", "takes page %s of %s once more", m.Page, m.Ref)
	}
	w.audit.reached(m.Ref, m.Page)
	for i, f := range m.More {
		p.taken = append(p.taken, taking{id, f.Ref, f.Page, c.With[i].Message.Attempt, c.Medium, m.To, w.now})
		p.times[string(f.Ref)+f.Page]++
		w.audit.reached(f.Ref, f.Page)
	}
	if c.Medium == notifier.MediumVoice {
		w.phones.ring(m, id)
		return
	}
	w.phones.text(m, id, took)
}

// knows reports whether something goes under this id.
func (p *provider) knows(id string) bool {
	_, ok := p.ids[id]
	return ok
}

// tell reports on an attempt to a node that is ready. One that cannot store it is asked once more; then the report is lost.
func (p *provider) tell(after time.Duration, m notifier.Message, id string, progress notifier.Progress, kind request.FailureKind, code string) {
	w := p.w
	d := w.throw("report", id, string(progress), code)
	times := []time.Duration{after}
	switch {
	case p.modes["reports_lost"] > 0 && d.chance(0.6):
		return
	case p.modes["reports_late"] > 0: // and so out of order
		times[0] += d.between(time.Second, 3*time.Minute)
	case p.modes["reports_twice"] > 0:
		times = append(times, after+d.between(time.Second, 5*time.Minute))
	}
	r := notifier.Report{Ref: m.Ref, Attempt: m.Attempt, Provider: telephone, ProviderID: id, Progress: progress, Kind: kind, Code: code}
	for _, t := range times {
		w.at(t, func() {
			if n := w.door(d); n != nil && n.report(r) {
				return
			}
			w.at(2*time.Second, func() {
				if n := w.door(d); n != nil {
					n.report(r)
				}
			})
		})
	}
}

// phones are the people's telephones, and the people.
type phones struct {
	w      *night
	asleep map[string]int // people who hear nothing
	late   map[string]int
	habits map[string]map[string]int // what somebody does now → person → causes
	busy   map[string]time.Duration  // telephones that are in a call, until
	modes  map[string]int            // what the carrier does to texts
	wrongs map[notifier.Phone][]time.Duration
}

func (p *phones) init(w *night) {
	*p = phones{
		w: w, asleep: map[string]int{}, late: map[string]int{}, habits: map[string]map[string]int{}, busy: map[string]time.Duration{}, modes: map[string]int{},
		wrongs: map[notifier.Phone][]time.Duration{},
	}
}

func (p *phones) guesses(from notifier.Phone) int {
	p.wrongs[from] = slices.DeleteFunc(p.wrongs[from], func(t time.Duration) bool { return p.w.now-t > time.Hour })
	return len(p.wrongs[from])
}

func (p *phones) wrong(from notifier.Phone) int {
	p.wrongs[from] = append(p.wrongs[from], p.w.now)
	return p.guesses(from)
}

// owner is whose telephone this is: a person keeps it, whatever the roster says.
func owner(phone notifier.Phone) string {
	i, err := strconv.Atoi(string(phone[len(phone)-1:]))
	if err != nil || i >= len(people) {
		return ""
	}
	return people[i]
}

func (p *phones) does(person, habit string) bool { return p.habits[habit][person] > 0 }

// text is a text on its way to a telephone.
func (p *phones) text(m notifier.Message, id string, took time.Duration) {
	w := p.w
	d := w.throw("text", id)
	prov := &w.provider
	if d.chance(0.3) { // most providers say nothing between taking a text and the carrier's report
		prov.tell(took+d.between(200*time.Millisecond, time.Second), m, id, notifier.Sent, "", "")
	}
	arrives := took + d.between(time.Second, 5*time.Second)
	lost := p.modes["texts_lost"] > 0 && d.chance(0.5)
	switch {
	case prov.modes["lies_delivered"] > 0 && d.chance(0.7):
		prov.tell(arrives, m, id, notifier.Delivered, "", "")
		return
	case prov.modes["lies_failed"] > 0 && d.chance(0.5):
		prov.tell(arrives, m, id, notifier.Lost, request.FailedCarrier, "30008")
	case lost && d.chance(0.5):
		prov.tell(arrives, m, id, notifier.Lost, request.FailedCarrier, "30003")
		return
	case lost:
		return
	default:
		prov.tell(arrives, m, id, notifier.Delivered, "", "")
	}
	if p.modes["texts_late"] > 0 {
		arrives += d.between(10*time.Second, 10*time.Minute)
	}
	w.at(arrives, func() { p.read(m, d) })
	if p.modes["texts_twice"] > 0 {
		w.at(arrives+d.between(time.Second, 10*time.Minute), func() { p.read(m, d) })
	}
}

// read is a person who gets a text, and perhaps answers.
func (p *phones) read(m notifier.Message, d *dice) {
	w := p.w
	for _, f := range m.More { // one after the other
		one := m
		one.Ref, one.Page, one.Urgency, one.Language, one.Code, one.More = f.Ref, f.Page, f.Urgency, f.Language, f.Code, nil
		p.read(one, d)
	}
	person := owner(m.To)
	w.say(person, "gets a text about %s (%s)", m.Ref, m.About)
	if !m.About.Asks() || p.asleep[person] > 0 || w.audit.owner(m.Ref) == person {
		return
	}
	if !d.chance(w.set.diligent) && !p.does(person, "two_at_once") {
		return // did not hear it
	}
	after := d.between(10*time.Second, 100*time.Second)
	if p.does(person, "late") {
		after = d.between(3*time.Minute, 40*time.Minute)
	}
	text := m.Code
	switch {
	case p.does(person, "two_at_once"): // whoever else was asked answers in this very moment
		after = 30*time.Second - w.now%(30*time.Second)
	case p.does(person, "wrong_code") && d.chance(0.7):
		wrong := fmt.Sprintf("%06d", d.n(1_000_000))
		w.at(after, func() { p.write(person, m, wrong, d, 3) })
		after += d.between(5*time.Second, 30*time.Second)
	case p.does(person, "pass") && d.chance(0.7):
		text = "PASS " + m.Code
		if d.chance(0.4) {
			text = "BUSY " + m.Code
		}
	case p.does(person, "web"):
		w.at(after, func() { p.web(person, m.Ref, m.Page, d) })
		return
	}
	w.at(after, func() { p.write(person, m, text, d, 3) })
}

// write is a text that a person sends back.
func (p *phones) write(person string, m notifier.Message, text string, d *dice, again int) {
	w := p.w
	if w.audit.owner(m.Ref) == person && text == m.Code {
		return
	}
	w.say(person, "writes %s about %s", text, m.Ref)
	under := d.between(500*time.Millisecond, 3*time.Second)
	if p.modes["texts_lost"] > 0 && d.chance(0.5) {
		return
	}
	if p.modes["texts_late"] > 0 {
		under += d.between(10*time.Second, 5*time.Minute)
	}
	id := strconv.FormatUint(d.next(), 36)
	send := func() {
		n := w.door(d)
		if n == nil {
			p.retry(person, m, text, d, again)
			return
		}
		life := n.life
		answered := false
		n.reply(m.To, id, text, func(kind notifier.AnswerKind) {
			answered = true
			p.answered(person, m, text, kind, d, again)
		})
		w.at(15*time.Second, func() {
			if !answered && n.life != life { // the node has died over it: the provider says that nobody answered
				answered = true
				p.retry(person, m, text, d, again)
			}
		})
	}
	w.at(under, send)
	if p.modes["texts_twice"] > 0 {
		w.at(under+d.between(0, 5*time.Second), send)
	}
}

func (p *phones) retry(person string, m notifier.Message, text string, d *dice, again int) {
	if again > 0 {
		p.w.at(d.between(10*time.Second, time.Minute), func() { p.write(person, m, text, d, again-1) })
	}
}

// answered is what a person makes of what they are told.
func (p *phones) answered(person string, m notifier.Message, text string, kind notifier.AnswerKind, d *dice, again int) {
	w := p.w
	w.say(person, "is told of %s: %s", m.Ref, kind)
	w.audit.told(person, m, text, kind)
	switch kind {
	case notifier.TryAgain:
		p.retry(person, m, text, d, again)
	case notifier.SeveralMatches:
		if again > 0 {
			w.at(d.between(5*time.Second, 30*time.Second), func() { p.write(person, m, text+" "+string(m.Ref), d, again-1) })
		}
	case notifier.Taken, notifier.AlarmTaken:
		p.took(person, m.Ref, d)
	case notifier.TakenOver:
		p.tookOver(person, m, d)
	default:
	}
}

// took is a person who has a request now: they read it, mostly; some give it back.
func (p *phones) took(person string, ref request.Ref, d *dice) {
	w := p.w
	if ref.IsOps() {
		return
	}
	if p.does(person, "undo") {
		w.at(d.between(2*time.Second, 70*time.Second), func() { p.at(func(n *node) { p.undo(n, ref, person) }, d) })
		return
	}
	if p.does(person, "gives_back") {
		w.at(d.between(time.Minute, time.Hour), func() {
			p.at(func(n *node) {
				w.say(person, "passes %s on", ref)
				n.pass(ref, person, "", request.ViaWeb, func(notifier.AnswerKind) {})
			}, d)
		})
	}
	if p.does(person, "does_not_read") {
		return
	}
	w.at(d.between(30*time.Second, 8*time.Minute), func() {
		p.at(func(n *node) {
			n.decide(ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind) {
				if s.Owner != person {
					return nil, notifier.NotYours
				}
				return []request.Event{request.NewEvent(request.Opened, request.OpenedBody{Person: person})}, notifier.NoAnswer
			}, func(notifier.AnswerKind) {})
		}, d)
	})
}

// tookOver is a person who has the requests of a colleague now.
func (p *phones) tookOver(person string, m notifier.Message, d *dice) {
	for _, ref := range m.Duty.Requests {
		p.w.at(time.Second, func() {
			if p.w.audit.owner(ref) == person {
				p.took(person, ref, d)
			}
		})
	}
}

func (p *phones) undo(n *node, ref request.Ref, person string) {
	p.w.say(person, "takes the acknowledgement of %s back", ref)
	n.decide(ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		return dispatcher.Undo(s, n.clock.Now(), p.w.set.policy.UndoWindow, person, request.ViaWeb)
	}, func(kind notifier.AnswerKind) {
		p.w.say(person, "is told of %s: %s", ref, kind)
	})
}

// at does something at a door, when there is one.
func (p *phones) at(do func(n *node), d *dice) {
	if n := p.w.door(d); n != nil {
		do(n)
	}
}

// web is a person who takes a request on the officers' page.
func (p *phones) web(person string, ref request.Ref, page string, d *dice) {
	p.at(func(n *node) {
		p.w.say(person, "takes %s on the page", ref)
		n.acknowledge(ref, person, page, request.ViaWeb, func(kind notifier.AnswerKind) {
			p.w.say(person, "is told of %s: %s", ref, kind)
			if kind == notifier.Taken || kind == notifier.AlarmTaken {
				p.took(person, ref, d)
			}
		})
	}, d)
}

// ring is a call that goes to a telephone.
func (p *phones) ring(m notifier.Message, id string) {
	w := p.w
	d := w.throw("ring", id)
	person := owner(m.To)
	prov := &w.provider
	prov.tell(d.between(500*time.Millisecond, 2*time.Second), m, id, notifier.Sent, "", "")
	over := func(after time.Duration, code string) {
		prov.tell(after, m, id, notifier.Lost, request.FailedNoKey, code)
	}
	switch {
	case p.busy[person] > w.now || p.does(person, "busy"):
		w.say(person, "has a busy telephone (%s)", m.Ref)
		over(d.between(2*time.Second, 5*time.Second), "busy")
		return
	case p.does(person, "voicemail"):
		w.say(person, "has an answering machine that takes the call about %s", m.Ref)
		pick := d.between(10*time.Second, 20*time.Second)
		prov.tell(pick, m, id, notifier.Answered, "", "")
		prov.tell(pick+2*time.Second, m, id, notifier.Answered, "", "machine")
		prov.tell(pick+d.between(10*time.Second, 40*time.Second), m, id, notifier.Ended, "", "")
		p.busy[person] = w.now + pick + 10*time.Second
		return
	case p.asleep[person] > 0 || p.does(person, "no_answer") || w.audit.owner(m.Ref) == person || !d.chance(w.set.diligent):
		w.say(person, "does not pick up (%s)", m.Ref)
		over(d.between(25*time.Second, 60*time.Second), "no-answer")
		p.busy[person] = w.now + 25*time.Second
		return
	}
	pick := d.between(4*time.Second, 20*time.Second)
	press := pick + d.between(4*time.Second, 20*time.Second)
	p.busy[person] = w.now + press
	prov.tell(pick, m, id, notifier.Answered, "", "")
	prov.tell(press+d.between(2*time.Second, 8*time.Second), m, id, notifier.Ended, "", "")
	key := notifier.KeyTake
	if p.does(person, "pass") {
		key = notifier.KeyPass
	}
	if d.chance(0.1) {
		return // hung up without a key
	}
	w.at(press, func() {
		w.say(person, "presses %s in the call about %s", key, m.Ref)
		p.at(func(n *node) {
			n.key(m.Ref, m.Attempt, key, func(kind notifier.AnswerKind) {
				w.say(person, "is told of %s: %s", m.Ref, kind)
				switch kind {
				case notifier.Taken, notifier.AlarmTaken:
					p.took(person, m.Ref, d)
				case notifier.TakenOver:
					p.tookOver(person, m, d)
				default:
				}
			})
		}, d)
	})
}
