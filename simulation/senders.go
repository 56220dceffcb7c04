package simulation

import (
	"strconv"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// receivers are the servers of senders, who want to be told what becomes of their requests.
type receivers struct {
	w    *night
	down map[string]int // those that do not answer
}

// send tells a sender something: how long it takes, no longer than what is left, and what the node is told.
func (r *receivers) send(n *node, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	w := r.w
	if left <= 0 { // nothing is sent
		return 0, timedOut
	}
	d := w.throw("send", string(m.Ref), m.Attempt, n.name, strconv.Itoa(n.life))
	took = d.between(30*time.Millisecond, 400*time.Millisecond)
	told := func() { w.say("sender", "the server of %s is told of %s: %s", m.To, m.Ref, m.About) }
	switch {
	case r.down[string(m.To)] > 0:
		return took, notifier.Failed{Kind: request.FailedForNow, Code: "http_503"}
	case d.chance(0.02): // the answer is lost
		w.at(took, told)
		return left, timedOut
	}
	took = min(took, left)
	w.at(took, told)
	return took, notifier.Accepted{ProviderID: string(m.Ref) + m.Attempt, Delivered: true}
}

// find cannot say: a receiver is told again, and knows by the id of the notice that it was.
func (r *receivers) find(left time.Duration) (took time.Duration, o notifier.Outcome) {
	if left <= 0 {
		return 0, timedOut
	}
	return min(100*time.Millisecond, left), notifier.NotFound{}
}
