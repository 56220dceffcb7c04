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

// phones are the people's telephones, and the people.
type phones struct {
	w      *night
	asleep map[string]int // people who hear nothing
	late   map[string]int
	habits map[string]map[string]int // what somebody does now → person → causes
	busy   map[string]time.Duration  // telephones that are in a call, until
	wrongs map[notifier.Phone][]time.Duration
}

func (p *phones) init(w *night) {
	*p = phones{
		w: w, asleep: map[string]int{}, late: map[string]int{}, habits: map[string]map[string]int{}, busy: map[string]time.Duration{},
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

// lockedOut reports whether somebody has written so many wrong codes within the hour that no code of theirs may count.
func (p *phones) lockedOut(person string) bool { return len(p.wrongs[numberOf(person)]) >= maxGuesses }

// numberOf is the number of a person, for as long as they have one.
func numberOf(person string) notifier.Phone {
	return notifier.Phone(numbers + strconv.Itoa(slices.Index(people, person)))
}

// owner is whose telephone this is: a person keeps it, whatever the roster says.
func owner(phone notifier.Phone) string {
	i, err := strconv.Atoi(string(phone[len(phone)-1:]))
	if err != nil || i >= len(people) {
		return ""
	}
	return people[i]
}

// hears reports whether somebody who is awake notices a telephone.
func (p *phones) hears(person string, d *dice) bool {
	return d.chance(p.w.set.diligent) || person == p.w.set.watchful
}

func (p *phones) does(person, habit string) bool { return p.habits[habit][person] > 0 }

// letter is a text as it lies in a telephone. What is answered goes to the provider that brought it.
type letter struct {
	notifier.Message
	from string
}

// text is a text on its way to a telephone.
func (p *phones) text(by *provider, m notifier.Message, id string, took time.Duration) {
	w := p.w
	d := w.throw("text", id)
	if d.chance(0.3) { // most providers say nothing between taking a text and the carrier's report
		by.tell(took+d.between(200*time.Millisecond, time.Second), m, id, notifier.Sent, "", "")
	}
	arrives := took + d.between(time.Second, 5*time.Second)
	if by.modes["lies_delivered"] > 0 && d.chance(0.7) {
		w.sum.Texts.Sent++
		w.sum.Texts.LiedAbout++
		by.tell(arrives, m, id, notifier.Delivered, "", "")
		return
	}
	f := w.carriers.carry(d, by.name, owner(m.To))
	reported := arrives
	if d.chance(0.5) { // else the carrier says so before it is true
		reported += f.late
	}
	switch {
	case f.silent:
	case f.failed:
		by.tell(arrives, m, id, notifier.Lost, request.FailedCarrier, "30003")
	case by.modes["lies_failed"] > 0 && d.chance(0.5):
		by.tell(reported, m, id, notifier.Lost, request.FailedCarrier, "30008")
	default:
		by.tell(reported, m, id, notifier.Delivered, "", "")
	}
	if !f.arrives {
		return
	}
	l := letter{m, by.name}
	w.at(arrives+f.late, func() { p.read(l, d) })
	if f.again > 0 {
		w.at(arrives+f.late+f.again, func() { p.read(l, d) })
	}
}

// read is a person who gets a text, and perhaps answers.
func (p *phones) read(m letter, d *dice) {
	w := p.w
	for _, f := range m.More { // one after the other
		one := m
		one.Ref, one.Page, one.Urgency, one.Language, one.Code, one.More = f.Ref, f.Page, f.Urgency, f.Language, f.Code, nil
		p.read(one, d)
	}
	person := owner(m.To)
	w.say(person, "gets a text about %s (%s)", m.Ref, m.About)
	w.audit.heard(m.Ref, person, notifier.MediumSMS)
	if !m.About.Asks() || p.asleep[person] > 0 || w.audit.owner(m.Ref) == person {
		return
	}
	if !p.hears(person, d) && !p.does(person, "two_at_once") {
		return
	}
	w.audit.willAnswer(m.Ref, person, m.from)
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
		if d.chance(0.6) {
			text = "BUSY " + m.Code
		}
	case p.does(person, "web"):
		w.at(after, func() { p.web(person, m.Ref, m.Page, d) })
		return
	}
	w.at(after, func() { p.write(person, m, text, d, 3) })
}

// write is a text that a person sends back.
func (p *phones) write(person string, m letter, text string, d *dice, again int) {
	w := p.w
	if w.audit.owner(m.Ref) == person && text == m.Code {
		return
	}
	w.say(person, "writes %s about %s", text, m.Ref)
	under := d.between(500*time.Millisecond, 3*time.Second)
	f := w.carriers.carry(d, m.from, person)
	if !f.arrives {
		return
	}
	under += f.late
	id := strconv.FormatUint(d.next(), 36)
	heard := false
	if person == w.set.watchful && again > 0 { // they know that each text is answered
		w.at(2*time.Minute, func() {
			if !heard && w.audit.running(m.Ref) {
				p.write(person, m, text, d, again-1)
			}
		})
	}
	send := func() {
		n := w.door(d)
		if n == nil {
			p.retry(person, m, text, d, again)
			return
		}
		life := n.life
		answered := false
		n.reply(m.To, id, text, func(kind notifier.AnswerKind) {
			answered, heard = true, true
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
	if f.again > 0 {
		w.at(under+f.again, send)
	}
}

func (p *phones) retry(person string, m letter, text string, d *dice, again int) {
	if again > 0 {
		p.w.at(d.between(10*time.Second, time.Minute), func() { p.write(person, m, text, d, again-1) })
	}
}

// answered is what a person makes of what they are told.
func (p *phones) answered(person string, m letter, text string, kind notifier.AnswerKind, d *dice, again int) {
	w := p.w
	w.say(person, "is told of %s: %s", m.Ref, kind)
	w.audit.told(person, m.Message, text, kind)
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
		p.tookOver(person, m.Message, d)
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
func (p *phones) ring(by *provider, m notifier.Message, id string) {
	w := p.w
	d := w.throw("ring", id)
	person := owner(m.To)
	if !p.does(person, "busy") {
		w.audit.heard(m.Ref, person, notifier.MediumVoice)
	}
	by.tell(d.between(500*time.Millisecond, 2*time.Second), m, id, notifier.Sent, "", "")
	over := func(after time.Duration, code string) {
		by.tell(after, m, id, notifier.Lost, request.FailedNoKey, code)
	}
	switch {
	case p.busy[person] > w.now || p.does(person, "busy"):
		w.say(person, "has a busy telephone (%s)", m.Ref)
		over(d.between(2*time.Second, 5*time.Second), "busy")
		return
	case p.does(person, "voicemail"):
		w.say(person, "has an answering machine that takes the call about %s", m.Ref)
		pick := d.between(10*time.Second, 20*time.Second)
		by.tell(pick, m, id, notifier.Answered, "", "")
		by.tell(pick+2*time.Second, m, id, notifier.Answered, "", "machine")
		by.tell(pick+d.between(10*time.Second, 40*time.Second), m, id, notifier.Ended, "", "")
		p.busy[person] = w.now + pick + 10*time.Second
		return
	case p.asleep[person] > 0 || p.does(person, "no_answer") || w.audit.owner(m.Ref) == person || !p.hears(person, d):
		w.say(person, "does not pick up (%s)", m.Ref)
		over(d.between(25*time.Second, 60*time.Second), "no-answer")
		p.busy[person] = w.now + 25*time.Second
		return
	}
	pick := d.between(4*time.Second, 20*time.Second)
	press := pick + d.between(4*time.Second, 20*time.Second)
	p.busy[person] = w.now + press
	by.tell(pick, m, id, notifier.Answered, "", "")
	by.tell(press+d.between(2*time.Second, 8*time.Second), m, id, notifier.Ended, "", "")
	key := notifier.KeyTake
	if p.does(person, "pass") {
		key = notifier.KeyPass
	}
	if d.chance(0.1) && person != w.set.watchful {
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
