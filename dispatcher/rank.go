package dispatcher

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// rankDelay is how much later each rank acts than the one before it: longer than an append takes and its news travel, so that of several
// live nodes one decides and the others read, and short enough that nobody notices a node that has just died.
const rankDelay = 150 * time.Millisecond

// LiveChanged says which nodes serve now, this one among them or not: a node counts itself in any case. Those in Last rank after all
// others, because their clocks cannot be relied on. Until the first one, and while it is alone, a node waits for nobody.
type LiveChanged struct {
	Nodes []string
	Last  []string
}

func (LiveChanged) input() {}

// setLive takes over who serves. What waits for its turn is judged anew, and every lane gives its first node its time again.
func (m *Machine) setLive(now time.Time, in LiveChanged) {
	m.live = slices.Clone(in.Nodes)
	if !slices.Contains(m.live, m.opts.Node) {
		m.live = append(m.live, m.opts.Node)
	}
	m.last = slices.Clone(in.Last)
	for _, l := range m.lanes {
		l.moved, l.stalled = now, false
	}
	m.considerAll()
}

// rank is how many live nodes come before one in the order of a key (a request, a lane): by rendezvous hashing, so that every node finds
// the same order by itself, keys spread over the nodes, and a node that comes or goes moves no more than its own share.
func (m *Machine) rank(key, node string) int {
	rank := 0
	for _, other := range m.live {
		if other != node && m.before(key, other, node) {
			rank++
		}
	}
	return rank
}

// before reports whether a comes before b in the order of a key.
func (m *Machine) before(key, a, b string) bool {
	if lastA, lastB := slices.Contains(m.last, a), slices.Contains(m.last, b); lastA != lastB {
		return lastB
	}
	weightA, weightB := weight(key, a), weight(key, b)
	return weightA > weightB || (weightA == weightB && a < b)
}

// weight is part of what nodes of different versions agree on: do not change it.
func weight(key, node string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(node))
	x := h.Sum64() // names differ in their last byte, which alone does not reach the high bits: the finalizer of MurmurHash3 mixes them
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return x
}

// turn is when this node may append a decision that is due: at once as the first of the request's order, later by its rank otherwise,
// counted from when it first found the decision due. By then the log has moved, or the nodes before this one are in trouble.
func (m *Machine) turn(now time.Time, e *entry) time.Time {
	if len(m.live) < 2 {
		return now
	}
	rank := m.rank(string(e.state.Ref), m.opts.Node)
	if rank == 0 {
		return now
	}
	if e.since.IsZero() {
		e.since = now
	}
	return e.since.Add(time.Duration(rank) * rankDelay)
}

// serves reports whether this node lets the pages of a lane go. One node does, the first of the lane's order, so that urgency and the
// provider's rate hold over all nodes, and that of all lanes of calls where several providers make them: nobody's telephone gets two at
// once. If that one is alive and its lane does not move all the same, the next ones serve it too.
func (m *Machine) serves(now time.Time, l *lane) bool {
	if len(m.live) < 2 || l.stalled || l.Waiting() == 0 {
		return true
	}
	rank := m.rank(l.key, m.opts.Node)
	if rank == 0 {
		return true
	}
	if at := l.moved.Add(time.Duration(rank) * m.patienceWith(l)); now.Before(at) {
		m.wakes.at(at)
		return false
	}
	l.stalled = true
	return true
}

// patienceWith is how long a lane in which something waits may stand still while all is well: the calls under way may hold every place in
// it until their deadlines, a telephone that rings is left alone, and the rate may be low.
func (m *Machine) patienceWith(l *lane) time.Duration {
	patience := m.opts.CallTimeout + takeOverGrace
	if l.provider.Medium == "voice" {
		patience += longestCall
	}
	if rate := l.provider.Limit.PerSecond; rate > 0 {
		patience += time.Duration(min(float64(max(1, l.dearest))/rate, time.Hour.Seconds()) * float64(time.Second))
	}
	return patience
}

// begun notes that another node has begun an attempt: it counts against the rate of the number, whoever makes it, and it shows that the
// lane moves.
func (m *Machine) begun(now time.Time, e *entry, b *request.AttemptBody, node string) {
	p := e.state.Page(b.Page)
	if p == nil || node == m.opts.Node || m.planner.Roster == nil {
		return
	}
	by := m.paths.named(p.Channel, b.Provider)
	if by != nil {
		by.tries(now)
	}
	_, l := m.lane(p, by)
	if b.Joint == "" || b.Joint == notifier.JointOf(e.state.Ref, b.Attempt) { // of a text for several, one counts
		l.Spend(now, m.cost(e.state, p, l))
	}
	if m.rank(l.key, node) < m.rank(l.key, m.opts.Node) {
		l.moved, l.stalled = now, false
	}
}
