package dispatcher

import (
	"cmp"
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// A Provider is what the machine knows of a channel: enough to route and pace, not to call.
type Provider struct {
	Name   string // twilio
	Medium string // sms
	Lane   func(to notifier.Phone) string
	Limit  notifier.Limit // of each of its lanes
	// Cost is what a message takes of the rate of its lane, the segments of a text: the words and everything else are there, but for the code.
	// nil: one. It is called while a page is put into its lane, must not block, and gives the same for messages that differ only in reference,
	// page, recipient and times.
	Cost func(notifier.Message) int
	// Together reports whether the pages of a message go in one text, when they wait for one person and the number has a rate; nil: each goes
	// alone.
	Together func(notifier.Message) bool
}

// Options are what a machine is made with.
type Options struct {
	Node        string
	Policy      Policy
	Providers   []Provider    // the first of a medium is preferred
	CallTimeout time.Duration // one call to a provider
	// Webhook says whether a sender wants to be told over [SenderMedium], by their id; nil: nobody does.
	Webhook func(sender string) bool
	// Canaries test the providers; the zero value: none do.
	Canaries Canaries
	// Mark gives the digests of addresses that are tested; nil: this machine orders no test pages by itself.
	Mark MarkOf
}

// A Machine is the dispatcher of one node. Not safe for concurrent use: its owner steps it from one goroutine or under a lock.
type Machine struct {
	opts     Options
	planner  Planner
	minimum  uint64    // revision of the roster seen in its log: no older one decides …
	patience time.Time // … before this
	gaveUp   uint64    // the minimum for which it was waited in vain
	ready    bool
	entries  map[request.Ref]*entry
	list     []*entry               // all of them, oldest first but for those that took the place of a forgotten one
	swept    int                    // how many of the list need not be considered again
	waiting  map[request.Ref]*entry // requests with an alarm, or with a page that no provider has yet
	ops      map[request.Ref]*entry
	owned    map[string]map[request.Ref]*entry // who has which requests that have not ended
	matters  map[matterKey]*request.State      // the newest of each
	shifts   shifts
	wakes    wakes
	paths    paths
	lanes    map[string]*lane
	order    []string       // names of the lanes, sorted: a machine is deterministic
	onPhone  *notifier.Busy // who has a call, over whichever lane
	calls    map[call]bool
	asked    map[string]map[request.Ref]bool // person → requests that asked
	live     []string                        // nodes that serve, this one included
	last     []string                        // those that rank last
	commands []Command
	joints   []*joint // texts that wait for the intents of their pages
	watched  watched
	contacts contacts
	nextDuty nextDuties

	appointed appointments
}

type call struct {
	ref     request.Ref
	attempt string
}

// entry is one request.
type entry struct {
	state   *request.State
	pending *Append // decision in flight
	starts  []start // attempts that the pending decision starts
	index   int     // in the machine's list
	owner   string  // under whom it stands in the machine's owned
	wake    time.Time
	woken   int64             // the wake, in ns, for which it stands in the heap of wakes last; 0: none
	since   time.Time         // a decision is due since then and waits for this node's turn; zero when none is
	lanes   map[string]string // page → lane that has it waiting or flying; nil while none has
	noted   int               // pages that are in the machine's asked
	open    int               // pages with which the lanes still have work
	missed  []string          // pages whose intents were stored when their text had gone
}

// start is an attempt whose intent is being appended.
type start struct {
	page, lane string
	takenOver  bool   // the attempt of a call that never came back: it may have arrived
	joint      *joint // it goes with others; nil: alone
}

// NewMachine makes a machine that knows no request.
func NewMachine(opts Options) *Machine {
	m := &Machine{
		opts: opts, planner: Planner{Policy: opts.Policy, duties: &duties{}}, entries: map[request.Ref]*entry{}, waiting: map[request.Ref]*entry{},
		ops: map[request.Ref]*entry{}, lanes: map[string]*lane{}, onPhone: notifier.NewBusy(), calls: map[call]bool{}, asked: map[string]map[request.Ref]bool{}, live: []string{opts.Node},
		owned: map[string]map[request.Ref]*entry{}, matters: map[matterKey]*request.State{}, paths: pathsOf(opts.Providers), contacts: contacts{},
	}
	m.planner.Paths, m.planner.alarms = map[string][]string{}, m.ops
	m.planner.others, m.planner.naming = m.entries, map[request.Ref]map[request.Ref]*request.State{}
	for _, p := range opts.Providers {
		if p.Medium == SenderMedium {
			m.planner.Webhook = opts.Webhook
			continue
		}
		if notifier.Beside(p.Medium) {
			m.planner.Beside = append(m.planner.Beside, p.Medium)
			continue
		}
		if !slices.Contains(m.planner.Media, p.Medium) {
			m.planner.Media = append(m.planner.Media, p.Medium)
		}
		m.planner.Paths[p.Medium] = append(m.planner.Paths[p.Medium], p.Name)
	}
	return m
}

// Step takes one input and returns what to do now, and when to be stepped again (zero: when something happens). The error is of the
// input alone (bytes that are no commit); the machine has gone on.
func (m *Machine) Step(now time.Time, in Input) (commands []Command, wake time.Time, err error) {
	switch in := in.(type) {
	case Committed:
		err = m.committed(now, in)
	case Lost:
		m.lost(now, in)
	case Returned:
		m.returned(now, in)
	case RosterSeen:
		m.seen(now, in.Revision)
	case RosterChanged:
		if m.planner.Roster == nil || in.Roster.Revision() >= m.planner.Roster.Revision() {
			m.planner.Roster = in.Roster
			if in.Roster.Revision() >= m.minimum {
				m.patience = time.Time{}
			}
			m.considerAll()
		}
	case LiveChanged:
		m.setLive(now, in)
	case Ready:
		m.ready = true
		m.heed()
		m.considerAll()
	}
	m.tick(now)
	m.serve(now)
	commands, m.commands = m.commands, nil
	return commands, m.nextWake(now), err
}

// State is a copy of a request's state, nil when the machine does not know it.
func (m *Machine) State(ref request.Ref) *request.State {
	if e := m.entries[ref]; e != nil {
		return e.state.Clone()
	}
	return nil
}

// Head is the sequence of the last commit of a request that was folded, 0 when there is none.
func (m *Machine) Head(ref request.Ref) uint64 {
	if e := m.entries[ref]; e != nil {
		return e.state.LastSeq
	}
	return 0
}

// Channel is the channel of a page, "" when the machine does not know it.
func (m *Machine) Channel(ref request.Ref, page string) string {
	if e := m.entries[ref]; e != nil {
		if p := e.state.Page(page); p != nil {
			return p.Channel
		}
	}
	return ""
}

// Version counts the changes of what a request's sender sees, 0 when the machine does not know it.
func (m *Machine) Version(ref request.Ref) int {
	if e := m.entries[ref]; e != nil {
		return e.state.Version
	}
	return 0
}

// Open lists the requests that are not closed; alarms are listed by [Machine.Alarms].
func (m *Machine) Open() []request.Ref {
	open := make([]request.Ref, 0, len(m.list))
	for _, e := range m.list {
		if !e.state.Ref.IsOps() && e.state.Exists() && !e.state.Closed {
			open = append(open, e.state.Ref)
		}
	}
	return open
}

// Asked lists the requests for which a person was asked.
func (m *Machine) Asked(person string) []*request.State {
	var states []*request.State
	for ref := range m.asked[person] {
		if e := m.entries[ref]; e != nil {
			states = append(states, e.state)
		}
	}
	return states
}

func (m *Machine) committed(now time.Time, in Committed) error {
	e := m.entries[in.Ref]
	if e == nil {
		e = &entry{state: request.NewState(in.Ref)}
		m.enter(e)
	}
	if in.Seq <= e.state.LastSeq {
		return nil
	}
	read := in.Parsed
	if read == nil {
		read = request.Parse(in.Data)
	}
	urgency := e.state.Urgency
	err := e.state.Fold(in.Seq, read)
	if urgency != e.state.Urgency {
		m.requeue(e)
	}
	if !e.state.Exists() { // late news of a request that was forgotten
		m.leave(e)
		return err
	}
	for ; e.noted < len(e.state.Pages); e.noted++ {
		if p := &e.state.Pages[e.noted]; p.Purpose == request.Ask {
			if m.asked[p.Person] == nil {
				m.asked[p.Person] = map[request.Ref]bool{}
			}
			m.asked[p.Person][in.Ref] = true
		}
	}
	m.contacts.note(e.state, read)
	e.open = 0
	for i := range e.state.Pages {
		if e.state.Pages[i].State.Open() {
			e.open++
		}
	}
	m.watch(e)
	m.own(now, e)
	if read.Err() == nil {
		m.learn(now, e, read)
	}
	if m.ready && e.state.Kind() == request.OpsCanary {
		m.heed()
	}
	if read.Err() == nil && (e.pending != nil || m.ready) {
		m.heard(now, e, read)
	}
	m.consider(now, e)
	return err
}

// heard tells what a commit means for what this node is about to do, as against what it means for the request.
func (m *Machine) heard(now time.Time, e *entry, read *request.Parsed) {
	c := read.Commit()
	if c.IsDecision() {
		e.since = time.Time{} // it was decided; what is due now is due since now
	}
	if e.pending != nil && e.pending.ID == c.ID {
		m.decided(now, e)
		return
	}
	for i, event := range c.Events {
		if event.Type != request.AttemptStarted && event.Type != request.AttemptTakenOver {
			continue
		}
		if body, ok := request.Body[request.AttemptBody](read, i); ok {
			m.begun(now, e, body, c.Node)
		}
	}
}

// decided starts the calls of the attempts whose intents are now in the log.
func (m *Machine) decided(now time.Time, e *entry) {
	starts := e.starts
	e.pending, e.starts = nil, nil
	for _, started := range starts {
		if started.joint != nil && started.joint.gone {
			m.release(e, started.page)
			e.missed = append(e.missed, started.page)
			continue
		}
		command := m.call(e, started)
		switch {
		case started.joint != nil:
			m.board(now, started.joint, command)
		case command != nil:
			m.commands = append(m.commands, *command)
		}
	}
}

// call is the call of an attempt that is in the log, nil when none is needed any more.
func (m *Machine) call(e *entry, started start) *Call {
	p := e.state.Page(started.page)
	a := p.Last()
	if a == nil || !a.InFlight() {
		m.release(e, started.page)
		return nil
	}
	m.calls[call{e.state.Ref, a.ID}] = true
	provider := m.lanes[started.lane].provider
	command := Call{Provider: provider.Name, Medium: provider.Medium, Recipient: p.Recipient, Message: m.message(e.state, p), Deadline: a.Deadline}
	if started.takenOver {
		command.LookUp, command.Earlier, command.EarlierBy = true, a.ID, a.Provider
	}
	failed := 0
	for i := range p.Attempts {
		b := &p.Attempts[i]
		if b.Provider == provider.Name {
			command.Tries++
		}
		switch b.Failure {
		case request.FailedUnknown:
			command.LookUp, command.Earlier, command.EarlierBy, failed = true, b.ID, b.Provider, 0
		case request.FailedForNow:
			failed++
		default: // says nothing of whether the page may have arrived
		}
	}
	// Who cannot be asked whether it has the page keeps nobody from sending it through another provider.
	command.SendAnyway = failed >= lookUps || (command.LookUp && command.EarlierBy != provider.Name)
	return &command
}

// lookUps is how often the provider is asked for an attempt that may have arrived before the page is sent again all the same: a text
// that comes twice is better than none.
const lookUps = 3

// message is what goes to the provider, without the code. To is empty when the person or the contact has left the roster meanwhile, or the
// sender the directory.
func (m *Machine) message(s *request.State, p *request.Page) notifier.Message {
	msg := m.words(s, p)
	msg.Attempt, msg.Since = p.Last().ID, p.Attempts[0].Started
	for _, a := range p.Attempts {
		if a.Failure != request.FailedForNow { // else the page did not go in that text
			msg.Joint = cmp.Or(msg.Joint, a.Joint)
		}
	}
	if p.Channel == notifier.MediumVoice && p.Recipient != request.ToSender {
		msg.Others = m.otherCalls(s, p)
	}
	return msg
}

// words is a message without what belongs to its attempt.
func (m *Machine) words(s *request.State, p *request.Page) notifier.Message {
	msg := notifier.Message{
		Ref: s.Ref, Page: p.Page, About: aboutOf(s, p), Alarm: s.Alarm.Kind, Urgency: s.Urgency, Language: s.Language,
		Ordered: p.Ordered, Expires: p.Expires.Time,
	}
	switch {
	case s.Matter != nil:
		msg.Duty = m.duty(s, p.Person)
	case !s.Alarm.Due.IsZero():
		msg.Duty.From = s.Alarm.Due.In((&plan{Planner: m.planner}).zone())
		if person, _, ok := s.Alarm.OfContact(); ok {
			who, _ := m.planner.Roster.Person(person)
			msg.Duty.CallSign = who.CallSign
		}
	}
	if p.Recipient == request.ToSender {
		msg.To = m.sender(p)
		return msg
	}
	if p.Recipient == request.ToProbe {
		msg.To = m.probed(p)
		return msg
	}
	who, _ := m.planner.Roster.Person(p.Person)
	msg.Reader, msg.CallSign = who.Language(), who.CallSign
	for _, c := range who.Contacts {
		if c.ID == p.Contact {
			msg.To = notifier.Phone(c.Address)
		}
	}
	return msg
}

// otherCalls lists the provider's ids of the calls that went to the same contact for other pages since a page was first attempted: a call
// carries no mark by which a look-up could tell them apart.
func (m *Machine) otherCalls(s *request.State, p *request.Page) []string {
	var ids []string
	for ref := range m.asked[p.Person] {
		other := m.entries[ref].state
		for i := range other.Pages {
			q := &other.Pages[i]
			if q.Channel != p.Channel || q.Person != p.Person || q.Contact != p.Contact || (ref == s.Ref && q.Page == p.Page) {
				continue
			}
			for _, a := range q.Attempts {
				// A call is made a while after its attempt was started, and clocks differ.
				if a.ProviderID != "" && a.Started.After(p.Attempts[0].Started.Add(-15*time.Second)) {
					ids = append(ids, a.ProviderID)
				}
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *Machine) lost(now time.Time, in Lost) {
	e := m.entries[in.Ref]
	if e == nil || e.pending == nil || e.pending.ID != in.ID {
		return
	}
	expected, starts := e.pending.Expect, e.starts
	e.pending, e.starts = nil, nil
	for _, started := range starts {
		m.putBack(e, started.page)
		if started.joint != nil {
			m.board(now, started.joint, nil)
		}
	}
	if e.state.LastSeq > expected {
		m.consider(now, e)
		return
	}
	e.wake = now.Add(100 * time.Millisecond) // the winner's commit is on its way; look again even if it is not
	m.wakes.push(e)
}

func (m *Machine) returned(now time.Time, in Returned) {
	e := m.entries[in.Ref]
	for _, attempt := range in.Attempts {
		delete(m.calls, call{in.Ref, attempt})
		page, _ := request.PageOfAttempt(attempt)
		if e == nil {
			continue
		}
		if p := e.state.Page(page); p == nil || m.rings(e, p).IsZero() {
			m.release(e, page)
		}
	}
	if e != nil {
		m.consider(now, e)
	}
}

// enter makes a request known.
func (m *Machine) enter(e *entry) {
	if m.swept == len(m.list) { // its own commit has it considered
		m.swept++
	}
	e.index = len(m.list)
	m.list = append(m.list, e)
	m.entries[e.state.Ref] = e
	if e.state.Ref.IsOps() {
		m.ops[e.state.Ref] = e
	}
}

// leave is the opposite. The places of the list that are to be considered stay together.
func (m *Machine) leave(e *entry) {
	hole, last := e.index, len(m.list)-1
	if hole < m.swept {
		m.swept--
		m.place(m.list[m.swept], hole)
		hole = m.swept
	}
	if hole != last {
		m.place(m.list[last], hole)
	}
	m.list[last] = nil
	m.list = m.list[:last]
	m.swept = min(m.swept, last)
	delete(m.entries, e.state.Ref)
	delete(m.waiting, e.state.Ref)
	delete(m.ops, e.state.Ref)
	m.disown(e)
	m.unname(e.state)
}

func (m *Machine) place(e *entry, index int) { m.list[index], e.index = e, index }

// watch notes whether a request may be in trouble, so that whoever looks for it need not look at all of them.
func (m *Machine) watch(e *entry) {
	s := e.state
	if !s.Ref.IsOps() && !s.Closed && (len(s.Alarms) > 0 || e.open > 0) {
		m.waiting[s.Ref] = e
		return
	}
	delete(m.waiting, s.Ref)
}

const (
	// stepBudget bounds what one step considers, so that with a hundred thousand requests nobody waits for the machine for more than a
	// few milliseconds: plans that change nothing cost one, decisions cost decisionCost.
	stepBudget   = 512
	decisionCost = 16
)

// considerAll has every request considered again: now, or, where they are many, in the steps that follow at once.
func (m *Machine) considerAll() { m.swept = 0 }

// sweep goes on with what considerAll began, within a budget, and gives what is left of it.
func (m *Machine) sweep(now time.Time, budget int) int {
	for m.swept < len(m.list) && budget > 0 {
		e := m.list[m.swept]
		m.swept++
		if e.state.Closed && !e.wake.IsZero() { // a closed one is considered once, to be forgotten in time
			continue
		}
		decided := len(m.commands)
		m.consider(now, e)
		budget -= 1 + decisionCost*(len(m.commands)-decided)
	}
	return budget
}

// rosterPatience is how long decisions wait for a roster that was seen and not read yet. After it the last known one decides: an officer of
// yesterday who is woken beats nobody.
const rosterPatience = 5 * time.Second

// seen notes that the roster's log holds a revision.
func (m *Machine) seen(now time.Time, revision uint64) {
	if revision <= m.minimum {
		return
	}
	m.minimum = revision
	if m.patience.IsZero() { // later edits do not prolong it
		m.patience = now.Add(rosterPatience)
	}
}

// decides reports whether anything may be decided: the log is read, and the roster is not older than one that was seen, or too long was
// waited for that one.
func (m *Machine) decides(now time.Time) bool {
	if !m.ready || m.planner.Roster == nil {
		return false
	}
	return m.planner.Roster.Revision() >= m.minimum || !now.Before(m.patience)
}

// patienceEnds considers everything once the wait for a roster is over.
func (m *Machine) patienceEnds(now time.Time) {
	if m.patience.IsZero() || now.Before(m.patience) || m.planner.Roster == nil {
		return
	}
	if m.gaveUp != m.minimum {
		m.gaveUp = m.minimum
		m.considerAll()
	}
}

// consider plans for one request, and keeps its pages in their lanes.
func (m *Machine) consider(now time.Time, e *entry) {
	if !m.decides(now) || e.pending != nil || m.giveUp(now, e) {
		return
	}
	d := m.planner.Plan(e.state, now)
	e.wake = d.Wake
	if len(d.Events) > 0 {
		if turn := m.turn(now, e); now.Before(turn) {
			e.wake = turn
			m.wakes.push(e)
			return
		}
		e.since = time.Time{}
		m.decide(now, e, d.For, d.Events)
		return
	}
	e.since = time.Time{}
	if e.state.Closed { // kept for as long as somebody may still reply
		if e.wake = e.state.LastTime.Add(CodeLife); !now.Before(e.wake) {
			m.forget(e)
			return
		}
	}
	m.queue(now, e)
	if !e.wake.IsZero() {
		m.wakes.push(e)
	}
}

// forget drops a request from memory; its log can still be read.
func (m *Machine) forget(e *entry) {
	m.leave(e)
	e.wake = time.Time{}        // where it stands among the wakes, it is passed over
	for page := range e.lanes { // a log may have been closed with pages that were still open
		m.release(e, page)
	}
	for i := range e.state.Pages {
		person := e.state.Pages[i].Person
		delete(m.asked[person], e.state.Ref)
		if len(m.asked[person]) == 0 {
			delete(m.asked, person)
		}
	}
}

func (m *Machine) decide(now time.Time, e *entry, person string, events []request.Event) {
	c := e.state.Decide(now, m.opts.Node, request.Actor{Kind: request.BySystem, ID: m.opts.Node}, events...)
	data, err := c.Encode()
	if err != nil {
		panic("dispatcher: a decision does not encode: " + err.Error())
	}
	e.pending = &Append{
		Ref: e.state.Ref, ID: c.ID, Data: data, Expect: e.state.LastSeq, Closes: c.Closes(), Urgency: e.state.Urgency, For: person,
		Starts: len(e.starts) > 0,
	}
	m.commands = append(m.commands, *e.pending)
}

func (m *Machine) tick(now time.Time) {
	m.patienceEnds(now)
	m.departs(now)
	budget := m.sweep(now, stepBudget)
	for budget > 0 {
		e := m.wakes.pop(now)
		if e == nil {
			return
		}
		decided := len(m.commands)
		m.consider(now, e)
		budget -= 1 + decisionCost*(len(m.commands)-decided)
	}
}

func (m *Machine) nextWake(now time.Time) time.Time {
	if m.swept < len(m.list) {
		return now
	}
	next := m.wakes.next(now)
	waiting := m.planner.Roster != nil && m.gaveUp != m.minimum && !m.patience.IsZero() // without any roster there is nothing to give up for
	if waiting && (next.IsZero() || m.patience.Before(next)) {
		next = m.patience
	}
	return next
}
