package simulation

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A way is how a person can be reached: through a provider, by text or by call.
type way struct{ provider, medium, person string }

var media = [...]string{notifier.MediumSMS, notifier.MediumVoice}

const (
	// answers is how long somebody who is awake and watchful takes at most to answer a text.
	answers = 200 * time.Second
	// rings is how long a call waits at most for a telephone that is free.
	rings = 200 * time.Second
)

// brings reports whether what is given to a provider now gets to somebody's telephone at once and for sure.
func (p *provider) brings(medium, person string) bool {
	w := p.w
	switch {
	case !p.works(), p.modes["lies_delivered"] > 0, p.refuses[numberOf(person)] > 0:
		return false
	case medium == notifier.MediumVoice:
		return !w.phones.does(person, "busy")
	}
	return !slices.ContainsFunc([]trouble{loses, fails, delays, reorders, lies}, func(t trouble) bool { return w.carriers.has(t, p.name, person) })
}

// attends reports whether somebody answers with their code whatever they hear.
func (p *phones) attends(person string) bool {
	return person == p.w.set.watchful && p.asleep[person] == 0 && !slices.ContainsFunc([]string{"late", "pass", "wrong_code", "web"}, func(habit string) bool {
		return p.does(person, habit)
	})
}

// survey notes since when each way works and who is there: it is called when any of that may have changed.
func (a *auditor) survey() {
	w := a.w
	note := func(k way, works bool) {
		if _, did := a.ways[k]; did == works {
			return
		}
		if delete(a.ways, k); works {
			a.ways[k] = w.now
		}
	}
	for _, person := range people {
		note(way{person: person}, w.phones.attends(person))
		for _, p := range w.providers {
			for _, medium := range media {
				note(way{p.name, medium, person}, p.brings(medium, person))
			}
		}
	}
}

// since is since when a medium reaches a person, through whichever provider has done so for longest; ok is false when none does.
func (a *auditor) since(medium, person string) (since time.Duration, ok bool) {
	for _, p := range a.w.providers {
		if t, works := a.ways[way{p.name, medium, person}]; works && (!ok || t < since) {
			since, ok = t, true
		}
	}
	return since, ok
}

// undisturbed reports whether nothing has hampered the nodes since a time, nor shortly before: a provider may have.
func (a *auditor) undisturbed(since time.Duration) bool {
	for _, n := range a.w.nodes {
		if n.serves() && (!n.able() || n.ackLoss > 0) {
			return false
		}
	}
	return a.decides.from >= 0 && a.shaken+settle <= since
}

// onRoster reports whether somebody can be asked by the newest roster, which has not changed since a time.
func (a *auditor) onRoster(person string, since time.Duration) bool {
	return a.changed <= since && slices.ContainsFunc(a.w.book.People, func(p roster.Person) bool { return p.ID == person })
}

// asks expects that the people of a step are reached, each over whatever way works all the while.
func (a *auditor) asks(f *file, people []string) {
	if f.ops || f.matter != nil {
		return
	}
	f.lonely = f.lonely || !a.inReach()
	p, u, began := a.w.set.policy, f.urgency, a.w.now
	text := p.SecondPath[u] + 2*firstAttempt
	call := time.Duration(-1) // a routine request is called about only when texts fail
	for _, rule := range p.Channels[u] {
		if rule.Channel == notifier.MediumVoice {
			call = rule.After + rings
		}
	}
	for _, person := range people {
		a.mustHear(f, person, notifier.MediumSMS, began, text)
		if call > 0 {
			a.mustHear(f, person, notifier.MediumVoice, began, call)
		}
	}
}

// earlier is how much before a step a telephone may have got what a page of an earlier step asks, so that the step needs no page of its own: an attempt
// whose answer was lost is looked up first.
const earlier = 3 * time.Minute

// mustHear expects that a telephone gets something about a request.
func (a *auditor) mustHear(f *file, person, medium string, began, within time.Duration) {
	w, runs := a.w, f.runs
	within += a.tolerance()
	w.at(within, func() {
		since, works := a.since(medium, person)
		switch {
		case !f.running() || f.runs != runs || slices.Contains(f.passed, person):
		case !works || since+settle > began || !a.undisturbed(began) || !a.onRoster(person, began):
		case medium == notifier.MediumVoice && a.rang[person] >= began: // about another request: it could not ring about two
		case f.heard[person]+earlier < began || f.heard[person] == 0:
			w.fail(reached, f.ref, "level %d in round %d asks %s, whose telephone a %s reaches, and nothing comes", f.step.Level, f.step.Round, person, medium)
		}
	})
}

// heard notes that a telephone gets something about a request.
func (a *auditor) heard(ref request.Ref, person, medium string) {
	if medium == notifier.MediumVoice {
		a.rang[person] = a.w.now
	}
	if f := a.files[ref]; f != nil {
		if f.heard == nil {
			f.heard = map[string]time.Duration{}
		}
		f.heard[person] = a.w.now
	}
}

// willAnswer expects that the answer of somebody who attends counts.
func (a *auditor) willAnswer(ref request.Ref, person, through string) {
	w, f, began := a.w, a.files[ref], a.w.now
	if f == nil || f.ops || !w.phones.attends(person) {
		return
	}
	runs := f.runs
	w.at(answers+a.tolerance(), func() {
		since, works := a.ways[way{through, notifier.MediumSMS, person}]
		attends, awake := a.ways[way{person: person}]
		switch {
		case !f.running() || f.runs != runs || slices.Contains(f.passed, person):
		case !works || !awake || max(since, attends) > began || !a.undisturbed(began) || !a.onRoster(person, began) || w.phones.lockedOut(person):
		default:
			w.fail(kept, f.ref, "%s was asked through %s and has answered, and nobody has it", person, through)
		}
	})
}

// runs notes that somebody is sought for a request from now on.
func (a *auditor) runs(f *file) {
	f.runs = a.w.now
	a.promise(f)
}

// promise expects that a request is not left to itself while somebody attends whom a text reaches all the while.
func (a *auditor) promise(f *file) {
	w, runs, person := a.w, f.runs, a.w.set.watchful
	if f.ops || f.urgency == request.Routine || person == "" {
		return
	}
	within := a.patience(f.urgency)
	var look func()
	look = func() {
		if !f.running() || f.runs != runs || slices.Contains(f.busy, person) {
			return
		}
		from := max(f.runs, a.shaken+settle)
		since, works := a.since(notifier.MediumSMS, person)
		attends, awake := a.ways[way{person: person}]
		if from = max(from, since+settle, attends); !works || !awake || !a.undisturbed(from) || !a.onRoster(person, from) || w.phones.lockedOut(person) {
			from = w.now
		}
		if w.now-from < within+a.tolerance() {
			w.at(from+within+a.tolerance()-w.now, look)
			return
		}
		w.fail(reached, f.ref, "%s is awake and within reach since %s, and nobody has it", person, clockOf(w.start.Add(from)))
	}
	w.at(within, look)
}

// patience is how long it takes at most until everyone has been asked once, and has answered.
func (a *auditor) patience(u request.Urgency) time.Duration {
	p := a.w.set.policy
	steps := len(p.Levels)*p.Rounds + 2 // a step is repeated when the shift has changed
	return time.Duration(steps)*(p.Waits[u]+firstAttempt) + p.Repeat + p.SecondPath[u] + 2*firstAttempt + answers
}

// inReach reports whether anybody is awake whose telephone brings something to their ears.
func (a *auditor) inReach() bool {
	phones := &a.w.phones
	return slices.ContainsFunc(people, func(person string) bool {
		_, text := a.since(notifier.MediumSMS, person)
		_, call := a.since(notifier.MediumVoice, person)
		return phones.asleep[person] == 0 && (text || (call && !phones.does(person, "no_answer") && !phones.does(person, "voicemail")))
	})
}

// leftOver counts what nobody has in the morning though there was time enough, and the requests at one of whose steps nobody was in reach.
func (a *auditor) leftOver() {
	for _, f := range a.order {
		if f.lonely {
			a.w.sum.Unreachable++
		}
		if !f.ops && f.running() && f.urgency != request.Routine && a.w.now-f.runs >= a.patience(f.urgency) {
			a.w.sum.Unanswered++
		}
	}
}
