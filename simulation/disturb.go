package simulation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// kinds lists what can happen in a night, each with how often it does on average. Do not modify.
var kinds []kindOf

type kindOf struct {
	name    string
	mean    float64
	fault   bool // of machines, networks, providers and carriers, as against what people do
	request bool // it raises requests
	do      func(w *night, d disturbance, c *dice)
}

func init() { //nolint:gochecknoinits // the table and what it names refer to each other
	kinds = []kindOf{
		{"request", 16, false, true, (*night).raiseOne},
		{"storm", 0.7, false, true, (*night).raiseMany},

		{"crash", 1.5, true, false, (*night).crash},
		{"crash_of_all", 0.15, true, false, (*night).crashAll},
		{"crash_while_sending", 0.8, true, false, (*night).crashSending},
		{"pause", 1, true, false, (*night).pause},
		{"suspension", 0.4, true, false, (*night).suspend},
		{"lag", 0.8, true, false, (*night).lag},
		{"clock_set", 0.5, true, false, (*night).setClock},
		{"clock_runs_ahead", 0.3, true, false, (*night).runAhead},
		{"log_unreachable", 1, true, false, (*night).cut},
		{"log_away", 0.3, true, false, (*night).logAway},
		{"acknowledgements_lost", 0.7, true, false, (*night).loseAcks},
		{"nodes_deaf", 0.7, true, false, (*night).deafen},

		{"provider_slow", 0.5, true, false, mode("slow", time.Minute, 15*time.Minute)},
		{"provider_too_many", 0.4, true, false, mode("too_many", time.Minute, 10*time.Minute)},
		{"provider_error", 0.5, true, false, mode("error", time.Minute, 15*time.Minute)},
		{"provider_answer_lost", 0.6, true, false, mode("answer_lost", time.Minute, 15*time.Minute)},
		{"provider_down", 0.4, true, false, mode("down", time.Minute, 12*time.Minute)},
		{"provider_lies_delivered", 0.5, true, false, mode("lies_delivered", time.Minute, 30*time.Minute)},
		{"provider_lies_failed", 0.4, true, false, mode("lies_failed", time.Minute, 30*time.Minute)},
		{"reports_lost", 0.4, true, false, mode("reports_lost", time.Minute, time.Hour)},
		{"reports_late", 0.4, true, false, mode("reports_late", time.Minute, time.Hour)},
		{"reports_twice", 0.4, true, false, mode("reports_twice", time.Minute, time.Hour)},
		{"texts_lost", 0.5, true, false, carrier(loses)},
		{"texts_failed", 0.3, true, false, carrier(fails)},
		{"texts_late", 0.5, true, false, carrier(delays)},
		{"texts_twice", 0.5, true, false, carrier(doubles)},
		{"texts_out_of_order", 0.4, true, false, carrier(reorders)},
		{"texts_lied_about", 0.7, true, false, carrier(lies)},
		{"number_refused", 0.5, true, false, (*night).refuse},
		{"sender_unreachable", 0.3, true, false, (*night).senderDown},

		{"asleep", 2, false, false, func(w *night, d disturbance, c *dice) { w.person(d, c, w.phones.asleep, 3*time.Hour) }},
		{"late", 1, false, false, habit("late", 4*time.Hour)},
		{"wrong_code", 1, false, false, habit("wrong_code", 4*time.Hour)},
		{"pass", 1, false, false, habit("pass", 3*time.Hour)},
		{"web", 1, false, false, habit("web", 4*time.Hour)},
		{"two_at_once", 1, false, false, twoAtOnce},
		{"busy", 0.7, false, false, habit("busy", time.Hour)},
		{"voicemail", 1, false, false, habit("voicemail", 4*time.Hour)},
		{"no_answer", 1, false, false, habit("no_answer", 4*time.Hour)},
		{"undo", 1, false, false, habit("undo", 2*time.Hour)},
		{"gives_back", 1, false, false, habit("gives_back", 2*time.Hour)},
		{"does_not_read", 1, false, false, habit("does_not_read", 4*time.Hour)},
		{"nobody_answers", 0.2, false, false, (*night).nobodyAnswers},

		{"roster_override", 1.5, false, false, (*night).override},
		{"roster_gap", 0.25, false, false, (*night).gap},
		{"roster_person_leaves", 0.3, false, false, (*night).leaves},
		{"roster_storm", 0.15, false, false, (*night).edits},
		{"roster_unreadable", 0.5, true, false, (*night).unreadableRoster},

		{"withdrawn", 1.5, false, false, (*night).withdraw},
		{"amended", 1.2, false, false, (*night).amend},
		{"urgency_changed", 1.5, false, false, (*night).changeUrgency},
	}
}

// kindNamed finds a row of the table.
func kindNamed(name string) *kindOf {
	return &kinds[slices.IndexFunc(kinds, func(k kindOf) bool { return k.name == name })]
}

func (w *night) disturb(d disturbance) {
	k := kindNamed(d.kind)
	if !k.request {
		w.sum.Faults[d.kind]++
	}
	if k.fault {
		w.sum.Technical++
	}
	k.do(w, d, w.dice(d))
}

// canary is what people write: it must stand nowhere but sealed.
const canary = "CANARY the suspect lives in Elm Street"

// mixOf is how often each urgency comes.
var mixOf = []request.Urgency{
	request.Emergency, request.Emergency, request.Critical, request.Critical, request.Critical, request.Urgent, request.Urgent, request.Urgent, request.Urgent, request.Routine,
}

func (w *night) raiseOne(d disturbance, c *dice) {
	w.receive(d.nth, pick(c, mixOf), c)
}

// raiseMany is a storm: many requests within seconds, of which one may be more urgent than all the others.
func (w *night) raiseMany(d disturbance, c *dice) {
	first := 1000 * (d.nth + 1)
	count := 5 + c.n(8)
	base, special := pick(c, []request.Urgency{request.Urgent, request.Critical}), c.n(count)
	for i := range count {
		urgency := base
		if i == special {
			urgency = request.Emergency
		}
		w.at(c.between(0, 3*time.Second), func() { w.receive(first+i, urgency, w.throw("storm", strconv.Itoa(first+i))) })
	}
}

// receive is intake: the request is in the log, or its sender repeats it until it is.
func (w *night) receive(number int, urgency request.Urgency, c *dice) {
	n := w.door(c)
	if n == nil || !n.linked() {
		w.at(5*time.Second, func() { w.receive(number, urgency, c) })
		return
	}
	r := &asked{ref: w.ref(number), sender: "s" + strconv.Itoa(c.n(4)), urgency: urgency}
	now := n.clock.Now()
	e := request.NewEvent(request.Received, request.ReceivedBody{
		Sender: r.sender, OriginDigest: "o", BodyDigest: "b", Type: request.Preservation, Urgency: urgency, UrgencyProposed: urgency, Language: "en",
		Missing: []string{}, Due: request.Clocks(request.Content{}, urgency, now),
	})
	e.Sealed = []byte(canary)
	s := request.NewState(r.ref)
	commit := s.Decide(now, n.name, request.Actor{Kind: request.BySender, ID: r.sender}, e)
	data, err := commit.Encode()
	if err != nil {
		w.fail("readable", r.ref, "a request does not encode: %v", err)
		return
	}
	n.keep(r.ref, commit.ID, data, 0, false, func(uint64, error) {})
	// If the node dies now, the request may be stored or not; its sender repeats it with the same key, which is answered with what is stored.
	w.at(15*time.Second, func() {
		if w.log.head(r.ref) == 0 {
			w.receive(number, urgency, c)
		} else if w.requests[number] == nil {
			w.requests[number] = r
		}
	})
}

// one is a request that was received before.
func (w *night) one(c *dice) *asked {
	if len(w.requests) == 0 {
		return nil
	}
	numbers := make([]int, 0, len(w.requests))
	for n := range w.requests {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return w.requests[numbers[min(c.n(len(numbers)), c.n(len(numbers)))]]
}

// act is what a sender or an officer does at a door.
func (w *night) act(ref request.Ref, actor request.Actor, c *dice, with wish) {
	if n := w.door(c); n != nil {
		n.decide(ref, actor, with, func(notifier.AnswerKind) {})
	}
}

func (w *night) withdraw(_ disturbance, c *dice) {
	if r := w.one(c); r != nil {
		w.act(r.ref, request.Actor{Kind: request.BySender, ID: r.sender}, c, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
			if s.Status.Ended() {
				return nil, notifier.AlreadyEnded
			}
			return []request.Event{{Type: request.Withdrawn, Body: json.RawMessage("{}"), Sealed: []byte(canary)}}, notifier.NoAnswer
		})
	}
}

func (w *night) amend(_ disturbance, c *dice) {
	if r := w.one(c); r != nil {
		w.act(r.ref, request.Actor{Kind: request.BySender, ID: r.sender}, c, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
			if s.Status.Ended() {
				return nil, notifier.AlreadyEnded
			}
			e := request.NewEvent(request.Amended, request.AmendedBody{BodyDigest: s.Body + "+", Type: s.Type, Language: "en", Missing: []string{}, Due: s.Due})
			e.Sealed = []byte(canary)
			return []request.Event{e}, notifier.NoAnswer
		})
	}
}

func (w *night) changeUrgency(_ disturbance, c *dice) {
	r, to := w.one(c), pick(c, request.Urgencies)
	if r != nil {
		w.act(r.ref, officer(pick(c, people)), c, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
			return dispatcher.ChangeUrgency(s, to, "a reason", s.ClocksAt(to))
		})
	}
}

func (w *night) any(c *dice) *node { return w.nodes[c.n(nodes)] }

// down takes a node down for a while.
func (w *night) down(n *node, d time.Duration) {
	w.say(n.name, "crashes, for %s", told(d))
	if n.downs++; n.downs == 1 {
		n.end()
	}
	w.at(d, func() {
		if n.downs--; n.downs == 0 {
			w.say(n.name, "starts again")
			n.begin()
			w.audit.moved()
		}
	})
}

// spell is how long something lasts: mostly short, at times long.
func spell(c *dice, short, long time.Duration) time.Duration {
	if c.chance(0.8) {
		return c.between(short/20, short)
	}
	return c.between(short, long)
}

func (w *night) crash(_ disturbance, c *dice) {
	w.down(w.any(c), spell(c, 40*time.Second, 2*time.Hour))
}

func (w *night) crashAll(_ disturbance, c *dice) {
	for _, n := range w.nodes {
		w.down(n, spell(c, time.Minute, 30*time.Minute))
	}
}

// crashSending kills the node that starts the next attempt, milliseconds later.
func (w *night) crashSending(_ disturbance, c *dice) {
	after := c.between(0, 500*time.Millisecond)
	length := spell(c, 30*time.Second, 10*time.Minute)
	w.audit.onStart = append(w.audit.onStart, func(name string) {
		for _, n := range w.nodes {
			if n.name == name {
				w.at(after, func() { w.down(n, length) })
			}
		}
	})
}

func (w *night) hold(n *node, d time.Duration, over func()) {
	n.pauses++
	w.rollCall()
	w.at(d, func() {
		if n.pauses--; n.pauses > 0 {
			return
		}
		if over != nil {
			over()
		}
		w.rollCall()
		for len(n.backlog) > 0 && n.pauses == 0 {
			run := n.backlog[0]
			n.backlog = n.backlog[1:]
			run()
		}
		n.heard()
	})
}

func (w *night) pause(_ disturbance, c *dice) {
	n, d := w.any(c), spell(c, 30*time.Second, 10*time.Minute)
	w.say(n.name, "stands still, for %s", told(d))
	w.hold(n, d, func() { w.say(n.name, "goes on") })
}

// suspend stops a machine with its clock: what has elapsed there is less than what has passed.
func (w *night) suspend(_ disturbance, c *dice) {
	n, d := w.any(c), spell(c, 20*time.Second, 5*time.Minute)
	w.say(n.name, "is suspended with its clock, for %s", told(d))
	w.audit.skewed(d)
	w.hold(n, d, func() {
		n.skew -= d
		w.say(n.name, "goes on, its clock behind")
		n.measure()
		if n.up && n.ready { // timers go by the clock that stood still
			n.step(dispatcher.Tick{})
		}
	})
}

func (w *night) lag(_ disturbance, c *dice) {
	n, d := w.any(c), spell(c, 20*time.Second, 3*time.Minute)
	w.say(n.name, "hears of the log late, for %s", told(d))
	n.lags++
	n.lagUntil = max(n.lagUntil, w.now+d)
	w.audit.moved()
	w.at(d, func() { n.lags--; w.audit.moved() })
}

// setClock sets the wall clock of a machine. A node that runs does not notice; one that starts while the log is away believes it.
func (w *night) setClock(_ disturbance, c *dice) {
	n, by := w.any(c), c.between(-10*time.Minute, 10*time.Minute)
	w.say(n.name, "has its wall clock set by %s", told(by))
	n.wallSkew += by
	w.audit.skewed(by)
	n.measure()
}

// runAhead is a clock that has gone too fast.
func (w *night) runAhead(_ disturbance, c *dice) {
	n, by := w.any(c), c.between(100*time.Millisecond, 45*time.Second)
	w.say(n.name, "has a clock that is suddenly %s ahead", told(by))
	n.skew += by
	w.audit.skewed(by)
	n.measure()
	if n.up && n.ready && n.pauses == 0 {
		n.step(dispatcher.Tick{})
	}
}

func (w *night) unlink(n *node, d time.Duration) {
	n.cuts++
	w.rollCall()
	n.look(0)
	w.at(d, func() {
		if n.cuts--; n.cuts == 0 && n.up {
			n.do(n.life, n.back)
		}
		w.rollCall()
	})
}

// back is a node that reaches the log again.
func (n *node) back() {
	n.heard()
	n.rosterNews()
	n.look(0)
}

func (w *night) cut(_ disturbance, c *dice) {
	n, d := w.any(c), spell(c, time.Minute, 15*time.Minute)
	w.say(n.name, "does not reach the log, for %s", told(d))
	w.unlink(n, d)
}

func (w *night) logAway(_ disturbance, c *dice) {
	d := spell(c, 15*time.Second, 4*time.Minute)
	w.say("log", "is away for all, for %s", told(d))
	w.away++
	w.audit.moved()
	for _, n := range w.nodes {
		n.look(0)
	}
	w.at(d, func() {
		w.away--
		w.say("log", "is back")
		w.audit.moved()
		for _, n := range w.nodes {
			if n.up && n.linked() {
				n.do(n.life, n.back)
			}
		}
	})
}

func (w *night) loseAcks(_ disturbance, c *dice) {
	n, d := w.any(c), spell(c, 5*time.Minute, 30*time.Minute)
	w.say(n.name, "misses acknowledgements of the log, for %s", told(d))
	n.ackLoss++
	w.audit.shaken = w.now
	w.at(d, func() { n.ackLoss--; n.steady, w.audit.shaken = w.now, w.now })
}

func (w *night) deafen(_ disturbance, c *dice) {
	n, d := w.any(c), spell(c, 5*time.Minute, time.Hour)
	other := w.nodes[(n.index+1+c.n(nodes-1))%nodes]
	w.say(n.name, "and %s do not hear each other, for %s", other.name, told(d))
	n.deaf[other.index]++
	w.rollCall()
	w.at(d, func() { n.deaf[other.index]--; w.rollCall() })
}

// some are the providers that a trouble strikes: mostly one.
func (w *night) some(c *dice) []*provider {
	which := c.n(4)
	if all := len(w.providers); which < all {
		return w.providers[which : which+1]
	}
	return w.providers
}

// mode is trouble at a provider, or at both; at times for hours, as the outages that are remembered.
func mode(name string, short, long time.Duration) func(*night, disturbance, *dice) {
	return func(w *night, _ disturbance, c *dice) {
		for _, p := range w.some(c) {
			d := c.between(short, long)
			if c.chance(0.1) {
				d = c.between(long, 8*long)
			}
			w.say(p.name, "%s, for %s", name, told(d))
			p.modes[name]++
			w.audit.troubled()
			w.at(d, func() { p.modes[name]--; w.audit.troubled() })
		}
	}
}

// carrier is trouble on the way of one provider or of all, to one telephone or to all; at times for most of the night.
func carrier(t trouble) func(*night, disturbance, *dice) {
	return func(w *night, _ disturbance, c *dice) {
		var r route
		d := c.between(5*time.Minute, time.Hour)
		if c.chance(0.3) {
			d = c.between(time.Hour, 10*time.Hour)
		}
		if c.chance(0.5) {
			r.provider = pick(c, w.providers).name
		}
		if c.chance(0.5) {
			r.person = pick(c, people)
		}
		w.say("carrier", "%s texts between %s and %s, for %s", t, cmp.Or(r.provider, "all providers"), cmp.Or(r.person, "everyone"), told(d))
		w.carriers.change(t, r, 1)
		w.at(d, func() { w.carriers.change(t, r, -1) })
	}
}

// refuse is a number that one provider refuses, as one that has opted out there or lies where it may not send, or that does not exist at all.
func (w *night) refuse(_ disturbance, c *dice) {
	person := pick(c, people[:firstCoordinator])
	d := c.between(10*time.Minute, 4*time.Hour)
	defer w.audit.survey()
	for _, p := range w.some(c) {
		w.say(p.name, "refuses the number of %s, for %s", person, told(d))
		p.refuses[numberOf(person)]++
		w.at(d, func() { p.refuses[numberOf(person)]--; w.audit.survey() })
	}
}

func (w *night) senderDown(_ disturbance, c *dice) {
	sender, d := "s"+strconv.Itoa(c.n(2)), c.between(time.Minute, 2*time.Hour)
	w.say("sender", "the server of %s does not answer, for %s", sender, told(d))
	w.receivers.down[sender]++
	w.at(d, func() { w.receivers.down[sender]-- })
}

func (w *night) person(d disturbance, c *dice, list map[string]int, longest time.Duration) {
	person, length := pick(c, people), c.between(10*time.Minute, longest)
	w.say(person, "%s, for %s", d.kind, told(length))
	list[person]++
	w.audit.survey()
	w.at(length, func() { list[person]--; w.audit.survey() })
}

// habit is what one person does for a while.
func habit(name string, longest time.Duration) func(*night, disturbance, *dice) {
	return func(w *night, d disturbance, c *dice) { w.person(d, c, w.phones.habit(name), longest) }
}

func (p *phones) habit(name string) map[string]int {
	if p.habits[name] == nil {
		p.habits[name] = map[string]int{}
	}
	return p.habits[name]
}

func twoAtOnce(w *night, _ disturbance, c *dice) {
	list, d := w.phones.habit("two_at_once"), c.between(time.Hour, 4*time.Hour)
	w.say("people", "answer at the same moments, for %s", told(d))
	for _, person := range people {
		list[person]++
		w.at(d, func() { list[person]-- })
	}
}

func (w *night) nobodyAnswers(_ disturbance, c *dice) {
	d := c.between(20*time.Minute, time.Hour)
	w.say("people", "nobody answers, for %s", told(d))
	for _, person := range people {
		w.phones.asleep[person]++
	}
	w.audit.survey()
	w.at(d, func() {
		for _, person := range people {
			w.phones.asleep[person]--
		}
		w.audit.survey()
	})
}

// edit stores another book, and every node hears of it.
func (w *night) edit(what string, change func(b *roster.Book)) {
	before := w.book
	w.book.People, w.book.Rosters = slices.Clone(before.People), slices.Clone(before.Rosters)
	w.book.Rosters[0].Overrides = slices.Clone(before.Rosters[0].Overrides)
	change(&w.book)
	w.store()
	w.say("coordinator", "edits the roster: %s (revision %d)", what, w.book.Revision)
	w.audit.edited()
	for _, n := range w.nodes {
		if n.up {
			n.after(n.hop(w.book.Revision), n.rosterNews)
		}
	}
}

func (w *night) override(d disturbance, c *dice) {
	kind := pick(c, []roster.Kind{roster.Replace, roster.Add, roster.Add, roster.Remove})
	person := pick(c, w.book.People).ID
	from := w.time().Add(pick(c, []time.Duration{0, time.Minute, 30 * time.Minute})).Truncate(time.Minute)
	until := from.Add(c.between(5*time.Minute, 5*time.Hour)).Truncate(time.Second)
	w.edit(fmt.Sprintf("%s %s until %s", kind, person, until.Format("15:04")), func(b *roster.Book) {
		b.Rosters[0].Overrides = append(b.Rosters[0].Overrides, roster.Override{ID: d.kind + strconv.Itoa(d.nth), Kind: kind, From: from, Until: until, People: []string{person}})
	})
}

func (w *night) gap(d disturbance, c *dice) {
	from, until := w.time().Truncate(time.Second), w.time().Add(c.between(10*time.Minute, time.Hour)).Truncate(time.Second)
	ahead := pick(c, []time.Duration{0, 0, 20 * time.Minute, 50 * time.Minute, 2 * time.Hour, 5 * time.Hour, 30 * time.Hour})
	from, until = from.Add(ahead), until.Add(ahead)
	w.edit("nobody from "+from.Format("15:04")+" until "+until.Format("15:04"), func(b *roster.Book) {
		b.Rosters[0].Overrides = append(b.Rosters[0].Overrides, roster.Override{ID: d.kind + strconv.Itoa(d.nth), Kind: roster.Replace, From: from, Until: until})
	})
}

// leaves takes a person out of the roster, with all their turns.
func (w *night) leaves(_ disturbance, c *dice) {
	person := pick(c, []string{"ada", "bruno"})
	if !slices.ContainsFunc(w.book.People, func(p roster.Person) bool { return p.ID == person }) || len(w.book.People) < len(people) {
		return
	}
	w.edit(person+" leaves", func(b *roster.Book) {
		b.People = slices.DeleteFunc(b.People, func(p roster.Person) bool { return p.ID == person })
		r := &b.Rosters[0]
		r.Layers = slices.Clone(r.Layers)
		turns := r.Layers[0].Rotation.Turns
		r.Layers[0].Rotation.Turns = slices.DeleteFunc(slices.Clone(turns), func(turn []string) bool { return turn[0] == person })
		for i := range r.Overrides {
			o := &r.Overrides[i]
			o.People = slices.DeleteFunc(slices.Clone(o.People), func(p string) bool { return p == person })
		}
	})
}

// edits is a coordinator who saves again and again.
func (w *night) edits(d disturbance, c *dice) {
	for i := range 6 + c.n(6) {
		w.at(time.Duration(i)*c.between(500*time.Millisecond, 4*time.Second), func() {
			w.override(disturbance{kind: "roster_storm" + strconv.Itoa(d.nth) + "_", nth: i}, w.throw("edits", strconv.Itoa(d.nth), strconv.Itoa(i)))
		})
	}
}

func (w *night) unreadableRoster(_ disturbance, c *dice) {
	d := spell(c, 30*time.Second, 20*time.Minute)
	w.say("roster", "cannot be read, for %s", told(d))
	w.unreadable++
	w.audit.moved()
	for _, n := range w.nodes {
		n.look(0)
	}
	w.at(d, func() {
		w.unreadable--
		w.audit.moved()
		for _, n := range w.nodes {
			n.look(0)
		}
	})
}
