package dispatcher

import (
	"cmp"
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// twice reports whether what is asked goes through two providers at once.
func (p *plan) twice(body *request.PageBody) bool {
	after, ok := p.Policy.SecondPath[p.s.Urgency]
	return ok && after == 0 && body.Purpose == request.Ask && body.Provider == "" && len(p.Paths[body.Channel]) > 1
}

// secondPaths asks the people of the current step through the other provider, too: at once when a page failed, after a while when nobody says that
// a text arrived, and when they do not answer. Each page has its own code, and either one answers.
func (p *plan) secondPaths() {
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if !p.inStep(page) || slices.Contains(p.s.Passed, page.Person) || p.s.Settled(page) {
			continue
		}
		why, at := p.second(page)
		if why == "" {
			continue
		}
		other := p.otherPath(page)
		switch {
		case other == "":
		case p.now.Before(at):
			p.wakeAt(at)
		case !p.ordered(page.Person, page.Channel+" through "+other):
			if contact := p.contactNamed(page.Person, page.Contact); contact != nil {
				body := p.body(page.Person)
				body.Provider, body.Reason = other, why
				p.order(page.Person, body, contact)
				p.fresh = append(p.fresh, page.Person+" "+page.Channel+" through "+other)
			}
		}
	}
}

// second says why and when a page wants another one beside it, through another provider; why is "" when it does not. A page that is tried again
// changes providers by itself.
func (p *plan) second(page *request.Page) (why string, at time.Time) {
	after, timed := p.Policy.SecondPath[p.s.Urgency]
	if timed {
		why, at = request.PathSilence, later(p.s.Step.Decided, p.s.Step.Sent).Add(after)
	}
	made := page.Made()
	switch page.State {
	case request.PageFailed:
		if made == nil || made.Failure != request.FailedNoKey {
			return request.PathFailed, p.now
		}
		return why, at
	case request.PageSent:
		if receipt := made.Started.Add(p.Policy.Receipt); page.Channel == notifier.MediumSMS && (!timed || receipt.Before(at)) {
			return request.PathNoReceipt, receipt
		}
		return why, at
	case request.PageQueued, request.PageAnswered, request.PageDelivered:
		return why, at
	default:
		return "", time.Time{}
	}
}

// left reports whether what a page asks has gone through another provider already, by another page of its step: this one keeps to its own provider,
// whatever becomes of that.
func (p *plan) left(page *request.Page) bool {
	return p.hasPage(page.Person, func(q *request.Page) bool {
		return q.Beside(page) && !q.State.Open() && p.via(q) != p.via(page)
	})
}

// via is the provider through which a page went, or is to go; the first one for what nobody serves any more.
func (p *plan) via(page *request.Page) string {
	name, serving := page.Provider, p.Paths[page.Channel]
	if made := page.Made(); made != nil {
		name = made.Provider
	}
	if len(serving) > 0 && !slices.Contains(serving, name) {
		return serving[0]
	}
	return name
}

// otherPath is the first provider through which what a page asks has not gone in its step, nor is to go; "" when there is none.
func (p *plan) otherPath(page *request.Page) string {
	all := p.Paths[page.Channel]
	if len(all) < 2 {
		return ""
	}
	var used []string
	for i := range p.s.Pages {
		q := &p.s.Pages[i]
		if !q.Beside(page) {
			continue
		}
		if q.State.Open() || q.Reason != "" || len(q.Attempts) == 0 {
			used = append(used, cmp.Or(q.Provider, all[0]))
		}
		for _, a := range q.Attempts {
			if a.Failure != request.FailedDuplicate && (!a.Failure.Retryable() || a.Took()) { // one that did not take it may take another one
				used = append(used, a.Provider)
			}
		}
	}
	for _, name := range all {
		if !slices.Contains(used, name) {
			return name
		}
	}
	return ""
}
