package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// length is how long a night is.
const length = 12 * time.Hour

// A night is one world: three nodes, their log, one provider or two, carriers, people and their telephones, and an auditor who reads the log. It runs in one
// goroutine, and the seed with the plan decides everything that happens in it.
type night struct {
	seed   uint64
	set    setting
	start  time.Time
	now    time.Duration // since the start
	agenda agenda
	order  uint64

	log      *memoryLog
	nodes    []*node
	books    []*roster.Compiled // what coordinators stored, by revision
	book     roster.Book        // the newest
	requests map[int]*asked     // by their number in the plan

	providers []*provider    // the first of them is configured first
	takings   map[string]int // page → how often a provider took it
	receivers receivers
	carriers  carriers
	phones    phones
	audit     *auditor

	unreadable int // causes for which the roster cannot be read
	away       int // causes for which the log is away for all

	tamper tamper
	sum    summary
	story  *story // nil: nobody listens
	failed *Violation
}

// tamper is how tests break what is simulated. The zero value breaks nothing.
type tamper struct {
	options func(*dispatcher.Options)
	brain   func(n *node, m *dispatcher.Machine) brain
	found   func(found bool) bool // what a look-up says of what is there
	log     func(*memoryLog)
	silent  []string // invariants that are not judged
}

// asked is one request as its sender knows it.
type asked struct {
	ref     request.Ref
	sender  string
	urgency request.Urgency
}

// play runs a night over a plan, without those of its disturbances that are left out.
func play(seed uint64, leaveOut map[int]bool, t tamper, tell bool) *night {
	w := &night{seed: seed, tamper: t, requests: map[int]*asked{}, takings: map[string]int{}, agenda: make(agenda, 0, 256)}
	w.sum.Faults, w.sum.Providers = map[string]int{}, map[string]served{}
	if tell {
		w.story = &story{}
	}
	plan := w.draw()
	w.log = newMemoryLog(w.time)
	if t.log != nil {
		t.log(w.log)
	}
	for _, name := range vendors[:w.set.vendors] {
		w.providers = append(w.providers, newProvider(w, name))
	}
	w.receivers = receivers{w, map[string]int{}}
	w.carriers = carriers{w, map[trouble]map[route]int{}}
	w.phones.init(w)
	w.audit = newAuditor(w)
	w.log.follow = append(w.log.follow, w.stored)
	for i := range nodes {
		n := newNode(w, i)
		w.nodes = append(w.nodes, n)
		n.begin()
	}
	w.audit.survey()
	w.audit.foresee()
	w.audit.shifts()
	for _, d := range plan {
		if leaveOut[d.number] {
			continue
		}
		w.at(d.at, func() { w.disturb(d) })
	}
	for w.failed == nil && len(w.agenda) > 0 && w.agenda[0].at <= length {
		next := w.agenda.pop()
		w.now = next.at
		next.run()
	}
	if w.failed == nil {
		w.now = length
		w.audit.end()
	}
	return w
}

// nodes is how many nodes a deployment has.
const nodes = 3

// time is the true time, which the log's stamps tell.
func (w *night) time() time.Time { return w.start.Add(w.now) }

// at runs something later; what was planned first for one moment comes first.
func (w *night) at(after time.Duration, run func()) {
	w.order++
	w.agenda.push(task{w.now + max(after, 0), w.order, run})
}

// stored is told of every commit when it is in the log.
func (w *night) stored(e *entry) {
	w.audit.read(e)
	for _, n := range w.nodes {
		n.heard()
	}
}

// say tells a line of the story.
func (w *night) say(who, format string, args ...any) {
	if w.story != nil {
		w.story.add(w.now, who, "", fmt.Sprintf(format, args...))
	}
}

// fail ends the night.
func (w *night) fail(invariant string, ref request.Ref, format string, args ...any) {
	if w.failed != nil || slices.Contains(w.tamper.silent, invariant) {
		return
	}
	w.failed = &Violation{Seed: w.seed, Invariant: invariant, Ref: ref, At: w.now, What: fmt.Sprintf(format, args...)}
	w.say("auditor", "%s: %s", invariant, w.failed.What)
}

type task struct {
	at    time.Duration
	order uint64
	run   func()
}

// agenda is a heap of tasks.
type agenda []task

func (a agenda) less(i, j int) bool {
	return a[i].at < a[j].at || (a[i].at == a[j].at && a[i].order < a[j].order)
}

func (a *agenda) push(t task) {
	h := append(*a, t)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*a = h
}

func (a *agenda) pop() task {
	h := *a
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = task{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(h) && h.less(down, least) {
				least = down
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*a = h
	return top
}

// dice are the chances of one thing: they hang on the night's seed and on what they are thrown for, and on nothing that happened before,
// so that a disturbance that is left out leaves the others as they are.
type dice uint64

// throw gives the dice for something.
func (w *night) throw(what string, keys ...string) *dice {
	d := dice(w.seed*0x9e3779b97f4a7c15 + 0x632be59bd9b4e019)
	d.mix(what)
	for _, k := range keys {
		d.mix(k)
	}
	return &d
}

func (d *dice) mix(text string) {
	x := uint64(*d) ^ uint64(len(text))*0x9e3779b97f4a7c15
	for i := range len(text) {
		x = (x ^ uint64(text[i])) * 0x100000001b3
	}
	*d = dice(x ^ x>>29)
}

// next is SplitMix64.
func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	x := uint64(*d)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// n is a number from 0 to below n.
func (d *dice) n(n int) int { return int(d.next() >> 1 % uint64(n)) } //nolint:gosec // n is a small positive number

func (d *dice) chance(p float64) bool { return float64(d.next()>>11)/(1<<53) < p }

func (d *dice) between(a, b time.Duration) time.Duration {
	return a + time.Duration(d.next()>>1%uint64(b-a)) //nolint:gosec // b is greater than a
}

// times is how often something happens whose mean is given: a Poisson number.
func (d *dice) times(mean float64) int {
	n, left := 0, mean
	for { // the gaps between happenings are exponential; a table of their quantiles is close enough
		left -= gaps[d.n(len(gaps))]
		if left < 0 {
			return n
		}
		n++
	}
}

// pick is one of a list.
func pick[T any](d *dice, list []T) T { return list[d.n(len(list))] }
