package simulation

import (
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// vendors are the providers of texts and calls, in the order in which they are configured. Do not modify.
var vendors = []string{"twilio", "vonage"}

// provider takes texts and calls, with what goes wrong there.
type provider struct {
	w       *night
	name    string
	modes   map[string]int         // what goes wrong now → causes
	refuses map[notifier.Phone]int // numbers to which it brings nothing for now
	taken   []taking               // in order
	ids     map[string]int         // provider's id → index in taken
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

func newProvider(w *night, name string) *provider {
	return &provider{w: w, name: name, modes: map[string]int{}, refuses: map[notifier.Phone]int{}, ids: map[string]int{}}
}

// provider finds one by its name; nil when the night has none of that name.
func (w *night) provider(name string) *provider {
	for _, p := range w.providers {
		if p.name == name {
			return p
		}
	}
	return nil
}

// works reports whether the provider has no trouble now with what it is given.
func (p *provider) works() bool {
	for _, mode := range [...]string{"slow", "too_many", "error", "answer_lost", "down"} {
		if p.modes[mode] > 0 {
			return false
		}
	}
	return true
}

// timedOut is what a node knows of a call to which no answer came.
var timedOut = notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}

// send hands one attempt over: how long it takes, no longer than what is left, and what the node is told.
func (p *provider) send(n *node, c dispatcher.Call, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	w := p.w
	if left <= 0 { // nothing is sent
		return 0, timedOut
	}
	d := w.throw("send", p.name, string(m.Ref), m.Attempt, n.name, strconv.Itoa(n.life))
	took = d.between(30*time.Millisecond, 400*time.Millisecond)
	switch {
	case p.refuses[m.To] > 0:
		return took, notifier.Failed{Kind: request.FailedForGood, Code: "21211"}
	case p.modes["down"] > 0:
		if d.chance(0.5) {
			return took, notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
		}
		return left, timedOut
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
		return left, timedOut
	}
	// What is under way arrives whatever becomes of who sent it; how it is reported hangs on how long that took.
	arrives := took - took/4
	w.at(arrives, func() { p.accept(c, m, took) })
	if took > left {
		return left, timedOut
	}
	return took, notifier.Accepted{ProviderID: p.id(m)}
}

// id is what the provider calls an attempt.
func (p *provider) id(m notifier.Message) string {
	return p.name + " " + string(m.Ref) + m.Attempt
}

// find looks an earlier attempt up.
func (p *provider) find(c dispatcher.Call, m notifier.Message, left time.Duration) (took time.Duration, o notifier.Outcome) {
	w := p.w
	d := w.throw("find", p.name, string(m.Ref), m.Attempt)
	took = d.between(30*time.Millisecond, 300*time.Millisecond)
	switch {
	case left <= 0:
		return 0, timedOut
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
	p.ids[id] = len(p.taken)
	p.taken = append(p.taken, taking{id, m.Ref, m.Page, m.Attempt, c.Medium, m.To, w.now})
	page := string(m.Ref) + m.Page
	if w.takings[page]++; w.takings[page] > 1 {
		w.sum.Duplicates++
		w.say(p.name, "takes page %s of %s once more", m.Page, m.Ref)
	}
	w.audit.reached(m.Ref, m.Page)
	for i, f := range m.More {
		p.taken = append(p.taken, taking{id, f.Ref, f.Page, c.With[i].Message.Attempt, c.Medium, m.To, w.now})
		w.takings[string(f.Ref)+f.Page]++
		w.audit.reached(f.Ref, f.Page)
	}
	if c.Medium == notifier.MediumVoice {
		w.phones.ring(p, m, id)
		return
	}
	w.phones.text(p, m, id, took)
}

// has reports whether a provider knows something under this id.
func (w *night) has(name, id string) bool {
	p := w.provider(name)
	if p == nil {
		return false
	}
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
	r := notifier.Report{Ref: m.Ref, Attempt: m.Attempt, Provider: p.name, ProviderID: id, Progress: progress, Kind: kind, Code: code}
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
