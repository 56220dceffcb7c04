package simulation

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
)

// The invariants, by the names under which a violation is reported. Do not modify.
const (
	oneOwner    = "one owner"
	quiet       = "no attempt after the acknowledgement"
	onceEach    = "each step once"
	inOrder     = "no level skipped"
	givesTime   = "each step gets its time"
	goesOn      = "no silent end"
	isPaged     = "every request is paged"
	alarmStands = "an alarm reaches people"
	byUrgency   = "pages by urgency"
	atRate      = "no faster than the number allows"
	inTime      = "nothing is sent too late"
	oneAttempt  = "one attempt at a time"
	takesOver   = "a call has its time before it is taken over"
	trueNews    = "what is said to be sent was sent"
	noCopies    = "nothing is sent twice that is known to be sent"
	newestBook  = "the newest roster decides"
	chained     = "decisions follow what they were decided on"
	onceStored  = "a decision is stored once"
	sealed      = "nothing outside the content rules"
	answered    = "a right code is never called wrong"
	senderTold  = "the sender is told"
	handedOver  = "a handover is confirmed, over or alarmed"
	notBack     = "a handover is not taken back and forth"
	sameState   = "all nodes see the same"
	readable    = "everything can be read"
	spares      = "who is busy is not asked again"
	sleeps      = "nobody is woken for a routine request"
	rightOne    = "the provider is asked that has it"
	reached     = "who can be reached is reached"
	kept        = "who is reached and answers is heard"
	begins      = "a page begins where it is to begin"
	measured    = "nobody is asked more often than the policy allows"
	foreseen    = "what is wrong with the roster is foreseen"
	lets        = "nobody is woken for what is far"
	rests       = "a node with nothing to do rests"

	flagsContacts = "a contact that is refused is flagged"
)

const (
	// settle is how long the system has to get over a fault before it is held to its times again: a node is missed after three seconds, an append
	// whose acknowledgement was lost is repeated after five, a call that nobody ends is taken over after fifteen.
	settle = 45 * time.Second
	// slack is how much later than due a decision may be stored while all is well.
	slack = 5 * time.Second
	// firstAttempt is within what time a page is attempted while all is well, when nothing else goes to its telephone.
	firstAttempt = 60 * time.Second
)

// An auditor reads the log as it is written and judges it by what it sees, without the fold that the machines use.
type auditor struct {
	w       *night
	files   map[request.Ref]*file
	order   []*file
	waiting []*page                  // asking pages without an attempt under way, in the order in which they were ordered
	busy    map[string]*telephoneUse // channel + person → what goes to that telephone
	starts  map[string][]time.Duration
	shares  map[string]*share   // node, provider and channel → what went before what has waited for too long
	onStart []func(node string) // called by the next attempts, one each

	decides calm // how long decisions could be made
	pages   calm // and pages sent

	fails  map[string][]time.Duration // provider and channel → when attempts failed
	ways   map[way]time.Duration      // → since when they work; those without a provider: since when somebody is there and answers
	rang   map[string]time.Duration   // person → when a call came last
	shaken time.Duration              // when something of the nodes changed last

	skew     time.Duration // how far clocks may be apart
	changed  time.Duration // when the roster's revision last changed
	sealedAs [][]byte
	contacts map[string]*contactLife // by the cause of their alarms
}

// file is what the auditor knows of one log.
type file struct {
	ref       request.Ref
	ops       bool
	chain     request.Chain
	ids       map[string]bool
	received  time.Time // by the writer's clock
	stored    time.Duration
	last      time.Duration // last commit
	urgency   request.Urgency
	sender    string
	due       time.Time // acknowledge by
	owner     string
	since     time.Time // of the acknowledgement
	first     time.Time // acknowledgement
	opened    bool
	returned  bool
	ended     bool
	closed    bool
	pages     []*page
	step      step
	ends      time.Time // of the step, before the commit that is read
	passed    []string
	busy      []string // of those: who is not to be asked again
	alarms    []request.AlarmBody
	alarm     request.AlarmBody        // of an ops log
	matter    *request.MatterBody      // of an ops log that is no alarm's
	offeredTo *string                  // of a handover: whom it is offered to; nil: to nobody yet
	replaced  map[string]time.Duration // of a handover: to whom it was offered → when it was offered to others
	signed    bool                     // of a handover: who went off duty has confirmed
	readers   []string
	reached   bool                     // something reached the provider
	heard     map[string]time.Duration // person → when their telephone last got something about it
	lonely    bool                     // nobody was in reach at one of its steps
	runs      time.Duration            // since when somebody is sought for it, at one urgency
	turn      int                      // counts what moves the escalation
}

type step struct {
	request.EscalatedBody
	decided time.Time
	sent    time.Time
	count   int
	targets []string
}

type page struct {
	*request.PageBody
	file     *file
	ordered  time.Time
	storedAt time.Duration
	step     int  // of the escalation, counted, in which it was ordered
	over     bool // cancelled, expired
	attempts []attempt
}

type attempt struct {
	id       string
	node     string
	by       string // the provider
	deadline time.Time
	rings    time.Duration // until when a call may ring, at most
	known    bool          // an outcome
	sent     bool
	failure  request.FailureKind
	retryAt  time.Time
}

// telephoneUse is what goes to one telephone over one channel.
type telephoneUse struct {
	attempts int
	rings    map[string]time.Duration // calls that may ring → until when, at most
	free     time.Duration            // since when nothing does
}

func newAuditor(w *night) *auditor {
	a := &auditor{
		w: w, files: map[request.Ref]*file{}, busy: map[string]*telephoneUse{}, starts: map[string][]time.Duration{}, shares: map[string]*share{},
		fails: map[string][]time.Duration{}, rang: map[string]time.Duration{}, ways: map[way]time.Duration{}, contacts: map[string]*contactLife{},
	}
	for _, text := range []string{"CANARY", base64.StdEncoding.EncodeToString([]byte(canary))[:24]} {
		a.sealedAs = append(a.sealedAs, []byte(text))
	}
	return a
}

// calm is a clock that runs while nothing hampers the system, and has not for a while.
type calm struct {
	sum  time.Duration
	at   time.Duration // of sum
	from time.Duration // it runs from then on; negative: it stands
}

func (c *calm) time(now time.Duration) time.Duration {
	if c.from >= 0 && now > max(c.at, c.from) {
		c.sum += now - max(c.at, c.from)
	}
	c.at = now
	return c.sum
}

func (c *calm) set(now time.Duration, runs bool) {
	c.time(now)
	c.from = now + settle
	if !runs {
		c.from = -1
	}
}

// moved notes that something has changed in what hampers the system.
func (a *auditor) moved() {
	w := a.w
	a.shaken = w.now
	// A node whose clock is doubted decides too, by its own time: nobody says when.
	a.decides.set(w.now, slices.ContainsFunc(w.nodes, func(n *node) bool { return n.able() && !n.clock.Doubted() }))
	a.troubled()
}

// troubled notes that something has changed at a provider.
func (a *auditor) troubled() {
	w := a.w
	able, slow := false, !slices.ContainsFunc(w.providers, (*provider).works)
	for _, n := range w.nodes {
		able = able || n.able()
		slow = slow || n.lags > 0
		n.steady = w.now
	}
	a.pages.set(w.now, able && !slow)
	a.survey()
}

// skewed notes that clocks are further apart than before.
func (a *auditor) skewed(by time.Duration) { a.skew += by.Abs() }

func (a *auditor) edited() {
	a.changed = a.w.now
	books, now := a.w.books, a.w.time()
	for _, person := range books[len(books)-2].Who("", now) {
		if !slices.Contains(books[len(books)-1].Who("", now), person) {
			a.goesOff(person, now.Truncate(time.Minute)) // overrides of the nights begin with a minute
		}
	}
	a.shifts()
	a.foresee()
}

// tolerance is how much later something may happen because clocks are apart: a node whose clock is behind by no more than half a minute is not
// doubted, and waits by its own time.
func (a *auditor) tolerance() time.Duration { return min(a.skew, time.Minute) }

// expect fails the night when something has not come true within a time on a clock.
func (a *auditor) expect(c *calm, within time.Duration, met func() bool, fail func()) {
	began := c.time(a.w.now)
	var look func()
	look = func() {
		if met() {
			return
		}
		if passed := c.time(a.w.now) - began; passed < within {
			a.w.at(within-passed+10*time.Millisecond, look)
			return
		}
		fail()
	}
	a.w.at(within+10*time.Millisecond, look)
}

func (a *auditor) running(ref request.Ref) bool {
	f := a.files[ref]
	return f != nil && f.running()
}

func (a *auditor) owner(ref request.Ref) string {
	if f := a.files[ref]; f != nil {
		return f.owner
	}
	return ""
}

// running reports whether somebody must be asked.
func (f *file) running() bool { return !f.received.IsZero() && !f.ended && f.owner == "" }

// read judges one commit.
func (a *auditor) read(e *entry) {
	w := a.w
	if err := e.read.Err(); err != nil {
		w.fail(readable, e.subject, "a commit cannot be read: %v", err)
		return
	}
	c := e.read.Commit()
	f := a.files[e.subject]
	if f == nil {
		f = &file{ref: e.subject, ops: e.subject.IsOps(), chain: request.NewChain(e.subject), ids: map[string]bool{}}
		a.files[e.subject] = f
		a.order = append(a.order, f)
	}
	if c.IsDecision() {
		var have [64]byte
		hex.Encode(have[:], f.chain[:])
		if string(have[:]) != c.Prev {
			w.fail(chained, f.ref, "%s decides on a log that is not the one it appends to", c.Node)
		}
		if f.ids[c.ID] {
			w.fail(onceStored, f.ref, "the same decision of %s is stored twice", c.Node)
		}
	}
	if c.Actor.Kind != request.BySender {
		for _, text := range a.sealedAs {
			if bytes.Contains(e.data, text) {
				w.fail(sealed, f.ref, "%s writes what was sealed", c.Node)
			}
		}
	}
	f.chain = f.chain.Next(e.data)
	if f.ids[c.ID] {
		return // a fact that the window of duplicates has forgotten: nothing new
	}
	f.ids[c.ID] = true
	f.ends = time.Time{}
	if f.step.count > 0 {
		f.ends = a.stepEnds(f)
	}
	for i := range c.Events {
		a.event(f, c, e.read, i)
	}
	f.last = w.now
}

func body[B any](p *request.Parsed, i int) *B {
	b, ok := request.Body[B](p, i)
	if !ok {
		return new(B)
	}
	return b
}

func (a *auditor) event(f *file, c *request.Commit, p *request.Parsed, i int) {
	w := a.w
	now := c.Time.Time
	switch t := c.Events[i].Type; t {
	case request.Received:
		b := body[request.ReceivedBody](p, i)
		f.received, f.stored, f.urgency, f.sender = now, w.now, b.Urgency, b.Sender
		w.sum.Requests++
		a.tell(f, "request", "is received: %s", b.Urgency)
		a.runs(f)
		a.progress(f, now)
		a.mustBePaged(f)
	case request.Withdrawn:
		f.ended = true
		a.tell(f, "sender", "withdraws it")
	case request.Escalated:
		a.escalated(f, c, body[request.EscalatedBody](p, i))
	case request.PageOrdered:
		a.ordered(f, now, body[request.PageBody](p, i))
	case request.PageCancelled, request.PageExpired:
		b := body[request.PageBody](p, i)
		if pg := f.page(b.Page); pg != nil {
			pg.over = true
			a.drop(pg)
			a.tell(f, c.Node, "%s %s", strings.ReplaceAll(string(t), "_", " "), b.Page)
		}
	case request.AttemptStarted, request.AttemptTakenOver:
		a.started(f, c, t, body[request.AttemptBody](p, i))
	case request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed:
		a.outcome(f, t, body[request.AttemptBody](p, i))
	case request.Acknowledged:
		a.acknowledged(f, c, body[request.AcknowledgedBody](p, i))
	case request.Opened:
		b := body[request.OpenedBody](p, i)
		f.opened = f.opened || (b.Person == f.owner && f.owner != "")
		f.readers = append(f.readers, b.Person)
	case request.Passed:
		b := body[request.PassedBody](p, i)
		a.tell(f, b.Person, "passes it on")
		if !slices.Contains(f.passed, b.Person) {
			f.passed = append(f.passed, b.Person)
		}
		if b.Busy {
			f.busy = append(f.busy, b.Person)
		}
		if f.owner == b.Person {
			a.release(f, now, false)
		} else if f.owner == "" {
			a.progress(f, now)
		}
	case request.AcknowledgementUndone, request.AcknowledgementLapsed:
		a.tell(f, f.owner, "%s", strings.ReplaceAll(string(t), "_", " "))
		f.passed = slices.DeleteFunc(f.passed, func(person string) bool { return person == f.owner })
		a.release(f, now, true)
	case request.UrgencyChanged:
		b := body[request.UrgencyChangedBody](p, i)
		f.urgency = b.To
		a.tell(f, c.Actor.ID, "judges it %s", b.To)
		a.runs(f)
		a.progress(f, now)
	case request.AlarmRaised:
		a.raised(f, now, *body[request.AlarmBody](p, i))
	case request.AlarmCleared:
		b := *body[request.AlarmBody](p, i)
		f.alarms = slices.DeleteFunc(f.alarms, func(have request.AlarmBody) bool { return have == b })
		if f.ops {
			a.mended(f)
			f.ended = true
			a.tell(f, c.Node, "clears the alarm")
		}
	case request.MatterRaised, request.HandoverOffered:
		a.matter(f, now, body[request.MatterBody](p, i))
	case request.HandoverConfirmed:
		a.confirmed(f, now, body[request.HandoverConfirmedBody](p, i))
	case request.MatterEnded:
		f.ended = true
		f.turn++
		a.tell(f, c.Node, "ends it: %s", body[request.MatterEndedBody](p, i).Reason)
	case request.Closed:
		f.closed = true
	default:
	}
}

func (a *auditor) tell(f *file, who, format string, args ...any) {
	if a.w.story != nil {
		a.w.story.add(a.w.now, who, f.ref, fmt.Sprintf(format, args...))
	}
}

func (f *file) page(id string) *page {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "p"))
	if err != nil || n < 1 || n > len(f.pages) {
		return nil
	}
	return f.pages[n-1]
}

func (a *auditor) release(f *file, now time.Time, asStep bool) {
	f.owner, f.opened, f.returned = "", false, asStep
	a.runs(f)
	a.progress(f, now)
}

// told writes how long something lasts.
func told(d time.Duration) string {
	switch {
	case d.Abs() < 10*time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
