package simulation

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// remembered is for how long at most a provider that has failed is passed over.
const remembered = 31 * time.Minute

// through judges which provider an attempt goes to, and counts it.
func (a *auditor) through(f *file, p *page, by string) {
	w := a.w
	if w.provider(by) == nil {
		w.fail(rightOne, f.ref, "an attempt of %s goes through %q, which is not configured", p.Page, by)
		return
	}
	if p.Provider != by && len(p.attempts) == 0 && w.provider(p.Provider) != nil && a.sound(p.Provider, p.Channel) && !p.spokenFor() {
		w.fail(begins, f.ref, "%s is to begin at %s, of which nothing bad is known, and begins at %s", p.Page, p.Provider, by)
	}
	of := w.sum.Providers[by]
	of.Attempts++
	if n := len(p.attempts); n > 0 && p.attempts[n-1].by != by {
		of.Failovers++
	}
	w.sum.Providers[by] = of
}

// spokenFor reports whether another page of the same step asks the same person through the provider that a page names: each keeps to its own.
func (p *page) spokenFor() bool {
	return slices.ContainsFunc(p.file.pages, func(q *page) bool {
		same := q != p && q.Purpose == request.Ask && q.Person == p.Person && q.Channel == p.Channel && q.Level == p.Level && q.Round == p.Round && q.step == p.step
		return same && (q.Provider == p.Provider || slices.ContainsFunc(q.attempts, func(x attempt) bool { return x.by == p.Provider }))
	})
}

// speaksAgainst counts an attempt that failed, and notes what that says of its provider.
func (a *auditor) speaksAgainst(p *page, x *attempt, failure request.FailureKind) {
	if failure == request.FailedDuplicate || failure == request.FailedNoKey {
		return
	}
	if !x.known {
		of := a.w.sum.Providers[x.by]
		of.Failed++
		a.w.sum.Providers[x.by] = of
	}
	a.doubted(x.by, p.Channel)
}

// doubted notes that something speaks against a provider of a medium.
func (a *auditor) doubted(provider, medium string) {
	k := provider + medium
	a.fails[k] = append(slices.DeleteFunc(a.fails[k], func(t time.Duration) bool { return a.w.now-t > remembered }), a.w.now)
}

// sound reports whether nothing has spoken against a provider of a medium for so long that it is passed over by nobody.
func (a *auditor) sound(provider, medium string) bool {
	return !slices.ContainsFunc(a.fails[provider+medium], func(t time.Duration) bool { return a.w.now-t <= remembered })
}

// waitsFor is the provider for which a page waits; "" where that hangs on how well they have worked.
func (a *auditor) waitsFor(p *page) string {
	first := a.w.providers[0].name
	switch {
	case len(a.w.providers) == 1:
		return first
	case len(p.attempts) > 0 || p.Provider != "" || !a.sound(first, p.Channel):
		return ""
	}
	return first
}

// looksUp judges whom a node asks for an earlier attempt.
func (a *auditor) looksUp(n *node, c dispatcher.Call) {
	f := a.files[c.Message.Ref]
	if f == nil {
		return
	}
	p := f.page(c.Message.Page)
	if p == nil {
		return
	}
	if i := slices.IndexFunc(p.attempts, func(x attempt) bool { return x.id == c.Earlier }); i >= 0 && p.attempts[i].by != c.EarlierBy {
		a.w.fail(rightOne, f.ref, "%s asks %s for %s, and %s was given it", n.name, c.EarlierBy, c.Earlier, p.attempts[i].by)
	}
}

// counted counts a page that asks somebody, and judges how many a step has.
func (a *auditor) counted(p *page) {
	w, f := a.w, p.file
	w.sum.Pages++
	if p.Reason != "" { // it goes through a second provider
		w.sum.Beside++
		a.doubted(w.otherThan(p.Provider), p.Channel)
	}
	calls := 1
	if p.Channel == notifier.MediumVoice {
		calls += w.set.policy.Recalls
	}
	have := 0
	for _, q := range f.pages {
		unsent := q.over && !slices.ContainsFunc(q.attempts, func(x attempt) bool { return x.sent }) // called off, or its time was over: another may take its place
		if q.Purpose == request.Ask && q.Person == p.Person && q.Channel == p.Channel && q.step == f.step.count && !unsent {
			have++
		}
	}
	if most := calls * len(w.providers); have > most {
		w.fail(measured, f.ref, "level %d in round %d asks %s %d times by %s: %s is one too many", f.step.Level, f.step.Round, p.Person, have, p.Channel, p.Page)
	}
}

// otherThan is the provider beside which another one was asked.
func (w *night) otherThan(provider string) string {
	for _, p := range w.providers {
		if p.name != provider {
			return p.name
		}
	}
	return ""
}
