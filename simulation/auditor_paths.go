package simulation

import (
	"slices"
	"time"

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
	of := w.sum.Providers[by]
	of.Attempts++
	if n := len(p.attempts); n > 0 && p.attempts[n-1].by != by {
		of.Failovers++
	}
	w.sum.Providers[by] = of
}

// trouble notes that an attempt failed.
func (a *auditor) trouble(p *page, x *attempt) {
	if p.Recipient == request.ToSender || x.failure == request.FailedDuplicate || x.failure == request.FailedNoKey {
		return
	}
	of := a.w.sum.Providers[x.by]
	of.Failed++
	a.w.sum.Providers[x.by] = of
	a.doubted(x.by, p.Channel)
}

// doubted notes that something speaks against a provider of a medium.
func (a *auditor) doubted(provider, medium string) {
	k := provider + medium
	a.fails[k] = append(slices.DeleteFunc(a.fails[k], func(t time.Duration) bool { return a.w.now-t > remembered }), a.w.now)
}

// sound reports whether hardly anything has spoken against a provider of a medium: it is passed over by nobody.
func (a *auditor) sound(provider, medium string) bool {
	recent := 0
	for _, t := range a.fails[provider+medium] {
		if a.w.now-t <= remembered {
			recent++
		}
	}
	return recent < 3
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
