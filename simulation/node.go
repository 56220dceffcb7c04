package simulation

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// What package dispatcher/node does in real time is done here in the time of the night: its constants, by their names there.
const (
	callTimeout     = 10 * time.Second
	appendsInFlight = 16
	tryTimeout      = 5 * time.Second // of one append to the log, when nobody answers
	clockCheck      = 10 * time.Second
	goneAfter       = 3 * time.Second // a node that is not heard
)

// brain is a [dispatcher.Machine], or one that a test has broken.
type brain interface {
	Step(now time.Time, in dispatcher.Input) ([]dispatcher.Command, time.Time, error)
	State(ref request.Ref) *request.State
	Head(ref request.Ref) uint64
	Channel(ref request.Ref, page string) string
	Asked(person string) []*request.State
	Joined(ref request.Ref, attempt, providerID string) ([]dispatcher.Joined, bool)
	Troubles(now time.Time) []request.AlarmBody
	Watched() []*request.State
	Wanted(now time.Time) []request.MatterBody
	NextNotice(now time.Time) (time.Time, bool)
}

// node is a process on a machine of its own, with the loop of package dispatcher/node.
type node struct {
	w     *night
	name  string
	index int

	// the machine it runs on
	skew     time.Duration // of elapsed time: a machine that was suspended did not count
	wallSkew time.Duration
	downs    int // causes for which the process is down
	pauses   int
	cuts     int // causes for which the log and the other nodes are out of reach
	deaf     map[int]int
	ackLoss  int
	lags     int
	lagUntil time.Duration

	// the process
	life      int
	up        bool
	backlog   []func() // what comes to a process that is stopped
	brain     brain
	monitor   *dispatcher.Monitor
	clock     *dispatcher.Clock
	wakeAt    time.Duration // of the timer; negative: it is not set
	spins     int           // wakes in a row that were due at once
	read      uint64        // position in the log
	ready     bool
	following bool // something of the log is on its way
	folded    []waiter
	appends   *notifier.Lane
	waiting   map[request.Ref]dispatcher.Append
	facts     dispatcher.Facts
	seen      uint64 // revision of the roster's log
	book      *roster.Compiled
	bookAt    time.Duration
	reading   bool // the roster is being read
	heardOf   [nodes]bool
	lostAt    [nodes]time.Duration // when others ceased to be heard
	told      []string
	toldLast  []string
	measures  time.Duration // the clock is measured until
	measuring bool
	lookAt    time.Duration // next look for trouble; negative: none
	sweeping  bool
	changesOf uint64        // revision of the roster whose changes are looked at
	noticeAt  time.Duration // next look for shifts; negative: none
	texts     map[string]notifier.AnswerKind
	steady    time.Duration // since when nothing hampers it
}

type waiter struct {
	seq uint64
	run func()
}

func newNode(w *night, index int) *node {
	return &node{w: w, name: "n" + strconv.Itoa(index+1), index: index, deaf: map[int]int{}}
}

// linked reports whether the log is in reach.
func (n *node) linked() bool { return n.cuts == 0 && n.w.away == 0 }

// serves reports whether it can decide.
func (n *node) serves() bool { return n.up && n.ready && n.book != nil }

// able reports whether it does, now.
func (n *node) able() bool { return n.serves() && n.pauses == 0 && n.lags == 0 && n.linked() }

// do runs something in the process, when it is not stopped.
func (n *node) do(life int, run func()) {
	switch {
	case n.life != life || !n.up:
	case n.pauses > 0:
		n.backlog = append(n.backlog, run)
	default:
		run()
	}
}

// after runs something in this life of the process.
func (n *node) after(d time.Duration, run func()) {
	life := n.life
	n.w.at(d, func() { n.do(life, run) })
}

// hop is how long a message to or from the log is under way.
func (n *node) hop(key uint64) time.Duration {
	return time.Millisecond + time.Duration((key*0x9e3779b97f4a7c15+uint64(n.index)*0xbf58476d1ce4e5b9)>>44) //nolint:gosec // less than a millisecond and a bit
}

// fewTogether is how many pages fit into a text.
func fewTogether(m notifier.Message) bool { return len(m.More) < 5 }

// begin starts a life of the process.
func (n *node) begin() {
	w := n.w
	n.life++
	n.up, n.ready, n.following, n.reading, n.measuring, n.sweeping = true, false, false, false, false, false
	n.backlog, n.folded, n.read, n.seen, n.book, n.bookAt = nil, nil, 0, 0, nil, 0
	n.wakeAt, n.lookAt, n.noticeAt, n.measures, n.steady = -1, -1, -1, 0, w.now
	n.told, n.toldLast, n.changesOf = nil, nil, 0
	n.texts, n.waiting = map[string]notifier.AnswerKind{}, map[request.Ref]dispatcher.Append{}
	n.facts = dispatcher.Facts{}
	n.appends = notifier.NewLane(notifier.Limit{InFlight: appendsInFlight, PerRecipient: 1})
	n.clock = dispatcher.NewClockOf(func() time.Time { return w.time().Add(n.wallSkew) }, func() time.Duration { return w.now + n.skew })
	lane := func(notifier.Phone) string { return "number" }
	o := dispatcher.Options{
		Node: n.name, Policy: w.set.policy, CallTimeout: callTimeout, Webhook: hooked, Providers: []dispatcher.Provider{
			{Name: "webhook", Medium: dispatcher.SenderMedium, Lane: func(to notifier.Phone) string { return string(to) }},
		},
	}
	for _, name := range vendors[:w.set.vendors] {
		for _, medium := range [...]string{notifier.MediumSMS, notifier.MediumVoice} {
			p := dispatcher.Provider{Name: name, Medium: medium, Lane: lane, Limit: w.set.limit}
			if medium == notifier.MediumSMS {
				p.Together = fewTogether
			}
			o.Providers = append(o.Providers, p)
		}
	}
	if w.tamper.options != nil {
		w.tamper.options(&o)
	}
	m := dispatcher.NewMachine(o)
	n.brain = m
	if w.tamper.brain != nil {
		n.brain = w.tamper.brain(n, m)
	}
	n.monitor = dispatcher.NewMonitor(n.name, vendors[:w.set.vendors]...)
	for i := range nodes {
		n.heardOf[i], n.lostAt[i] = false, -goneAfter
	}
	n.after(n.hop(1), n.rosterNews)
	n.after(20*time.Millisecond, func() { n.replay(50 * time.Millisecond) })
}

// end kills the process.
func (n *node) end() {
	n.life++
	n.up, n.ready, n.following = false, false, false
	n.w.rollCall()
}

// replay reads the log up to its head, and takes part.
func (n *node) replay(pause time.Duration) {
	if !n.linked() {
		n.after(pause, func() { n.replay(min(2*pause, 2*time.Second)) })
		return
	}
	n.askTime()
	head := n.w.log.end()
	live := map[request.Ref]bool{}
	for _, seq := range n.w.log.summaries() {
		if e := n.w.log.at(seq); !e.closed || n.w.time().Sub(e.at) < dispatcher.CodeLife {
			live[e.subject] = true
		}
	}
	_ = n.w.log.replay(live, head, func(e *entry) error {
		n.clock.AtLeast(e.at)
		n.fold(e)
		return nil
	})
	n.read, n.ready = head, true
	n.step(dispatcher.Ready{})
	n.w.rollCall()
	n.heard()
	n.look(0)
	n.lookHourly()
	n.measure()
}

func (n *node) askTime() {
	if n.linked() {
		_ = n.clock.Ask(context.Background(), func(context.Context) (time.Time, error) { return n.w.time(), nil })
	}
}

// measure measures the clock for a while. The real node does so all the time; as long as nothing is done to clocks the answer is the same.
func (n *node) measure() {
	n.measures = n.w.now + time.Minute
	if n.measuring {
		return
	}
	n.measuring = true
	n.after(clockCheck, n.measureOnce)
}

func (n *node) measureOnce() {
	before := n.clock.Doubted()
	n.askTime()
	if n.clock.Offset().Abs() > time.Second {
		n.look(0)
	}
	if n.clock.Doubted() != before {
		n.w.rollCall()
	}
	if n.measuring = n.w.now < n.measures; n.measuring {
		n.after(clockCheck, n.measureOnce)
	}
}

// heard is called when the log has something new, or is in reach again.
func (n *node) heard() {
	if !n.up || !n.ready || n.following || !n.linked() || n.read == n.w.log.end() {
		return
	}
	n.following = true
	n.after(n.hop(n.w.log.end()), n.follow)
}

// follow folds what is new in the log.
func (n *node) follow() {
	n.following = false
	switch w := n.w; {
	case !n.linked():
	case w.now < n.lagUntil:
		n.following = true
		n.after(n.lagUntil-w.now, n.follow)
	default:
		for n.read < w.log.end() {
			n.read++
			e := w.log.at(n.read)
			n.clock.Stamp(e.at)
			n.fold(e)
		}
		for len(n.folded) > 0 { // what it runs may add to the list
			i := slices.IndexFunc(n.folded, func(w waiter) bool { return w.seq <= n.read })
			if i < 0 {
				break
			}
			run := n.folded[i].run
			n.folded = slices.Delete(n.folded, i, i+1)
			run()
		}
	}
}

func (n *node) whenFolded(seq uint64, run func()) {
	if n.read >= seq {
		run()
		return
	}
	n.folded = append(n.folded, waiter{seq, run})
}

func (n *node) fold(e *entry) {
	n.step(dispatcher.Committed{Ref: e.subject, Seq: e.seq, Data: e.data, Parsed: e.read})
	n.monitor.See(e.seq, e.read, n.brain.Channel)
	for i := range e.read.Commit().Events {
		switch event := &e.read.Commit().Events[i]; event.Type {
		case request.AlarmRaised, request.AlarmCleared:
			n.look(200 * time.Millisecond)
		case request.Acknowledged:
			n.look(0)
		case request.HandoverOffered: // an alarm, when nobody confirms
			n.after(2*n.w.set.policy.Repeat, func() { n.look(0) })
		case request.AttemptFailed:
			if b, ok := request.Body[request.AttemptBody](e.read, i); ok && b.Failure != request.FailedNoKey {
				n.look(0)
			}
		case request.PageOrdered:
			n.sweep()
		default:
		}
	}
}

// step gives the machine one input and sets out to do what it commands.
func (n *node) step(in dispatcher.Input) {
	now := n.clock.Now()
	commands, wake, err := n.brain.Step(now, in)
	if err != nil {
		n.w.fail("readable", "", "%s cannot read a commit: %v", n.name, err)
	}
	n.setTimer(now, wake)
	for _, command := range commands {
		switch c := command.(type) {
		case dispatcher.Append:
			n.push(c)
		case dispatcher.Call:
			n.call(c)
		}
	}
}

func (n *node) setTimer(now, wake time.Time) {
	if wake.IsZero() {
		n.wakeAt = -1
		return
	}
	d := max(wake.Sub(now), 0)
	at := n.w.now + d
	if n.wakeAt == at {
		return
	}
	if n.wakeAt = at; d > 0 {
		n.spins = 0
	} else if n.spins++; n.spins > 1000 {
		n.w.fail(rests, "", "%s is stepped again and again, and nothing comes of it", n.name)
		return
	}
	n.after(d, func() {
		if n.wakeAt == at {
			n.wakeAt = -1
			n.step(dispatcher.Tick{})
		}
	})
}

// push lets a decision wait for its turn on the way to the log.
func (n *node) push(a dispatcher.Append) {
	turn := string(a.Urgency) + " " + a.For
	if a.Starts {
		turn += " attempt"
	}
	n.waiting[a.Ref] = a
	n.appends.Push(notifier.Item{Ref: a.Ref, Page: a.ID, Urgency: a.Urgency, Recipient: turn})
	n.pump()
}

func (n *node) pump() {
	for {
		item, _, ok := n.appends.Next(time.Time{})
		if !ok {
			return
		}
		a := n.waiting[item.Ref]
		delete(n.waiting, item.Ref)
		n.keep(a.Ref, a.ID, a.Data, a.Expect, a.Closes, func(seq uint64, err error) {
			if err == nil {
				n.step(dispatcher.Committed{Ref: a.Ref, Seq: seq, Data: a.Data, Parsed: n.w.log.at(seq).read})
			} else {
				n.w.sum.Lost++
				if n.w.story != nil {
					n.w.story.add(n.w.now, n.name, a.Ref, "loses a race: somebody else was faster")
				}
				n.step(dispatcher.Lost{Ref: a.Ref, ID: a.ID})
			}
			n.appends.Done(item.Ref, item.Page)
			n.pump()
		})
	}
}

// keep stores a commit, and repeats it with the same id until its outcome is known. What is on its way when the process dies may arrive.
func (n *node) keep(ref request.Ref, id string, data []byte, expect uint64, closes bool, done func(seq uint64, err error)) {
	n.keepWhile(func() bool { return true }, ref, id, data, expect, closes, done)
}

// keepWhile is keep for as long as somebody waits for it.
func (n *node) keepWhile(waits func() bool, ref request.Ref, id string, data []byte, expect uint64, closes bool, done func(seq uint64, err error)) {
	w := n.w
	key := id
	if expect != anyHead {
		key = strconv.FormatUint(expect, 10) // the id of a decision is another one in every run
	}
	d := w.throw("keep", n.name, string(ref), key)
	pause := 50 * time.Millisecond
	var try func()
	again := func() {
		n.after(tryTimeout+pause, try)
		pause = min(2*pause, time.Second)
	}
	try = func() {
		if !waits() {
			return
		}
		life := n.life
		cut, silent := !n.linked(), n.ackLoss > 0 && d.chance(0.6)
		if cut && (w.away > 0 || !d.chance(0.3)) { // nothing arrives
			again()
			return
		}
		w.at(n.hop(expect+uint64(len(data))), func() {
			if !cut && !n.linked() { // cut while it was under way
				if n.life == life {
					again()
				}
				return
			}
			seq, err := w.log.append(ref, id, data, expect, closes)
			if cut || silent {
				if n.life == life {
					again()
				}
				return
			}
			w.at(n.hop(seq), func() { n.do(life, func() { done(seq, err) }) })
		})
	}
	try()
}

// fact stores what nobody decides, together with others of the same request that come while one is on its way.
func (n *node) fact(f dispatcher.Fact) {
	if batch := n.facts.Add(f); len(batch) > 0 {
		n.keepAll(batch)
	}
}

// keepAll stores a batch, then what has come meanwhile, until nothing waits.
func (n *node) keepAll(batch dispatcher.Batch) {
	commit := batch.Commit(n.clock.Now(), n.name)
	data, err := commit.Encode()
	if err != nil {
		n.w.fail("readable", commit.Request, "a fact does not encode: %v", err)
		return
	}
	n.keep(commit.Request, commit.ID, data, anyHead, false, func(seq uint64, _ error) {
		if in, ok := batch.Returned(); ok {
			n.whenFolded(seq, func() { n.step(in) })
		}
		if next := n.facts.Next(batch); len(next) > 0 {
			n.keepAll(next)
		}
	})
}

// call makes one attempt, stores its outcome, and tells the machine when that is folded.
func (n *node) call(c dispatcher.Call) {
	m := c.Message
	if m.About.Asks() {
		m.Code = n.w.code(m.Ref, m.Page)
	}
	m.More = slices.Clone(m.More)
	for i, f := range m.More {
		m.More[i].Code = n.w.code(f.Ref, f.Page)
	}
	left := n.clock.Until(c.Deadline)
	over := func(events []request.Event) {
		n.fact(dispatcher.Fact{
			Ref: m.Ref, Actor: request.Actor{Kind: request.ByProvider, ID: c.Provider}, ID: dispatcher.OutcomeID(m.Ref, events), Events: events, Attempt: m.Attempt,
		})
	}
	send := func(left time.Duration) {
		took, outcome := n.handOver(c, m, left)
		n.after(took, func() {
			over(c.AfterSend(outcome, n.clock.Now()))
			for _, one := range c.With { // they went in the same text
				events, ref := one.AfterSend(outcome, n.clock.Now()), one.Message.Ref
				n.fact(dispatcher.Fact{
					Ref: ref, Actor: request.Actor{Kind: request.ByProvider, ID: c.Provider}, ID: dispatcher.OutcomeID(ref, events), Events: events, Attempt: one.Message.Attempt,
				})
			}
		})
	}
	switch {
	case m.To == "":
		over(c.AfterSend(dispatcher.NoAddress, n.clock.Now()))
		return
	case c.Recipient == request.ToSender:
		if s := n.known(m.Ref); s != nil {
			m.Status, _ = json.Marshal(s.Receipt(nil))
		}
	}
	n.w.audit.message(n, c, m)
	if !c.LookUp {
		send(left)
		return
	}
	took, found := n.lookUp(c, m, left)
	n.after(took, func() {
		events, again := c.AfterLookUp(found, n.clock.Now())
		if again {
			send(n.clock.Until(c.Deadline))
			return
		}
		over(events)
	})
}

// handOver gives an attempt to whom it is for.
func (n *node) handOver(c dispatcher.Call, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	if c.Recipient == request.ToSender {
		return n.w.receivers.send(n, m, left)
	}
	return n.w.provider(c.Provider).send(n, c, m, left)
}

// lookUp asks for an earlier attempt.
func (n *node) lookUp(c dispatcher.Call, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	if c.Recipient == request.ToSender {
		return n.w.receivers.find(left)
	}
	if p := n.w.provider(c.EarlierBy); p != nil {
		return p.find(c, m, left)
	}
	return 0, notifier.NotFound{} // as far as anybody can be asked
}

// rosterNews brings the newest revision of the roster's log, when it is in reach.
func (n *node) rosterNews() {
	newest := uint64(len(n.w.books))
	if !n.up || n.cuts > 0 || n.seen >= newest {
		return
	}
	n.seen = newest
	n.step(dispatcher.RosterSeen{Revision: newest})
	if !n.reading {
		n.reading = true
		n.after(5*time.Millisecond, func() { n.readRoster(50 * time.Millisecond) })
	}
}

func (n *node) readRoster(pause time.Duration) {
	if n.w.unreadable > 0 || n.cuts > 0 {
		n.look(0)
		n.after(pause, func() { n.readRoster(min(2*pause, 2*time.Second)) })
		return
	}
	n.reading = false
	newest := n.w.books[len(n.w.books)-1]
	if n.book != nil && newest.Revision() <= n.book.Revision() {
		return
	}
	first := n.book == nil
	n.book, n.bookAt = newest, n.w.now
	n.step(dispatcher.RosterChanged{Roster: newest})
	n.look(0)
	n.lookAtChanges()
	if first {
		n.w.rollCall()
	}
}

// hears reports whether the beats of another node reach this one.
func (n *node) hears(other *node) bool {
	return other.serves() && other.pauses == 0 && other.cuts == 0 && n.cuts == 0 && n.deaf[other.index] == 0 && other.deaf[n.index] == 0
}

// rollCall lets every node find out who serves, when that may have changed.
func (w *night) rollCall() {
	for _, n := range w.nodes {
		if n.up {
			n.after(20*time.Millisecond, n.others)
		}
		for _, other := range w.nodes {
			if other == n {
				continue
			}
			hears := n.up && n.hears(other)
			if n.heardOf[other.index] && !hears {
				n.lostAt[other.index] = w.now
				n.after(goneAfter+50*time.Millisecond, n.others)
			}
			n.heardOf[other.index] = hears
		}
	}
	w.audit.moved()
}

// others tells the machine who serves.
func (n *node) others() {
	live, last := []string{n.name}, []string(nil)
	if n.clock.Doubted() {
		last = append(last, n.name)
	}
	for _, other := range n.w.nodes {
		if other == n || (!n.heardOf[other.index] && n.w.now-n.lostAt[other.index] >= goneAfter) || (!n.heardOf[other.index] && n.lostAt[other.index] < 0) {
			continue
		}
		live = append(live, other.name)
		if other.clock != nil && other.clock.Doubted() {
			last = append(last, other.name)
		}
	}
	if slices.Equal(live, n.told) && slices.Equal(last, n.toldLast) {
		return
	}
	n.told, n.toldLast = live, last
	n.step(dispatcher.LiveChanged{Nodes: live, Last: last})
}
