package simulation

import (
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	tries        = 16
	foldPatience = 2 * time.Second
	maxGuesses   = 5
	doorPatience = 10 * time.Second // of whoever stands at a door
)

// door is a node that takes what comes from outside, nil when there is none: whoever balances the load asks each whether it is ready.
func (w *night) door(d *dice) *node {
	first := d.n(nodes)
	for i := range nodes {
		if n := w.nodes[(first+i)%nodes]; n.serves() && n.pauses == 0 {
			return n
		}
	}
	return nil
}

// known is a copy of what the machine holds.
func (n *node) known(ref request.Ref) *request.State {
	if s := n.brain.State(ref); n.ready && s != nil && s.Exists() {
		return s
	}
	return nil
}

// ask is a wish: what it comes to on a state, and who is told.
type wish func(s *request.State) ([]request.Event, notifier.AnswerKind)

// decide appends what somebody decides, expecting the head that it was decided on; whoever loses the race decides anew. done may never be
// called: the process dies.
func (n *node) decide(ref request.Ref, actor request.Actor, with wish, done func(notifier.AnswerKind)) {
	left, over := tries, false
	finish := func(kind notifier.AnswerKind) {
		if !over {
			over = true
			done(kind)
		}
	}
	n.after(doorPatience, func() { finish(notifier.TryAgain) })
	var try func(s *request.State, remembered bool)
	read := func() {
		if left--; left == 0 || !n.linked() {
			n.after(doorPatience, func() { finish(notifier.TryAgain) })
			return
		}
		n.after(n.hop(n.w.log.end()), func() {
			s := n.w.replayed(ref)
			if !s.Exists() {
				finish(notifier.NoAnswer)
				return
			}
			try(s, false)
		})
	}
	try = func(s *request.State, remembered bool) {
		if over { // whoever asked has gone, and the call to the log was given up
			return
		}
		events, kind := with(s)
		switch {
		case len(events) == 0 && remembered:
			read()
			return
		case len(events) == 0:
			finish(kind)
			return
		}
		c := s.Decide(n.clock.Now(), n.name, actor, events...)
		data, err := c.Encode()
		if err != nil {
			n.w.fail("readable", ref, "a decision does not encode: %v", err)
			return
		}
		n.keepWhile(func() bool { return !over }, ref, c.ID, data, s.LastSeq, c.Closes(), func(seq uint64, err error) {
			if err != nil {
				read()
				return
			}
			n.foldOwn(ref, s.LastSeq, seq)
			finish(kind)
		})
	}
	if s := n.known(ref); s != nil {
		try(s, true)
		return
	}
	read()
}

func officer(person string) request.Actor { return request.Actor{Kind: request.ByOfficer, ID: person} }

func (n *node) acknowledge(ref request.Ref, person, page string, via request.Via, done func(notifier.AnswerKind)) {
	n.decide(ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		return dispatcher.Acknowledge(s, n.clock.Now(), person, page, via)
	}, done)
}

func (n *node) pass(ref request.Ref, person, page string, via request.Via, done func(notifier.AnswerKind)) {
	n.decide(ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		return dispatcher.Pass(s, person, page, via)
	}, done)
}

func (n *node) busy(ref request.Ref, person, page string, via request.Via, done func(notifier.AnswerKind)) {
	n.decide(ref, officer(person), func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		return dispatcher.Busy(s, n.clock.Now(), person, page, via)
	}, done)
}

// report appends what a provider says of an attempt; stored is false when it should say so again.
func (n *node) report(r notifier.Report) (stored bool) {
	if !n.linked() {
		return false
	}
	if f, ok := dispatcher.FactOf(r); ok {
		n.fact(f)
		n.reportJoined(r, 100)
	}
	return true
}

// reportJoined notes a report for what went in the same text; what is not known to be there yet is waited for.
func (n *node) reportJoined(r notifier.Report, tries int) {
	others, settled := n.brain.Joined(r.Ref, r.Attempt, r.ProviderID)
	if !settled && tries > 0 {
		n.after(20*time.Millisecond, func() { n.reportJoined(r, tries-1) })
		return
	}
	for _, o := range others {
		r.Ref, r.Attempt = o.Ref, o.Attempt
		if f, ok := dispatcher.FactOf(r); ok {
			n.fact(f)
		}
	}
}

// reply handles a text that somebody sent.
func (n *node) reply(from notifier.Phone, id, text string, done func(notifier.AnswerKind)) {
	if kind, known := n.texts[id]; known { // the provider repeats it
		done(kind)
		return
	}
	n.texts[id] = notifier.TryAgain
	answer := func(kind notifier.AnswerKind) {
		n.texts[id] = kind
		if kind == notifier.TryAgain {
			delete(n.texts, id)
		}
		done(kind)
	}
	contacts := n.book.ByAddress(string(from))
	parsed := dispatcher.ParseReply(text, nil)
	switch {
	case len(contacts) == 0:
		answer(notifier.NoAnswer)
		return
	case n.w.phones.guesses(from) >= maxGuesses:
		answer(notifier.TooManyGuesses)
		return
	case parsed.Code == "":
		answer(notifier.NoCode)
		return
	}
	person := contacts[0].Person
	act := func(ref request.Ref, page string) {
		switch parsed.Wish {
		case dispatcher.WishPass:
			n.pass(ref, person, page, request.ViaCode, answer)
		case dispatcher.WishBusy:
			n.busy(ref, person, page, request.ViaCode, answer)
		default:
			n.acknowledge(ref, person, page, request.ViaCode, answer)
		}
	}
	ref, page, several := n.match(person, parsed)
	switch {
	case several:
		answer(notifier.SeveralMatches)
		return
	case page != "":
		act(ref, page)
		return
	case !n.linked():
		n.after(foldPatience, func() { answer(notifier.TryAgain) })
		return
	}
	waits := true
	n.after(foldPatience, func() {
		if waits {
			waits = false
			answer(notifier.TryAgain)
		}
	})
	n.whenFolded(n.w.log.end(), func() {
		if !waits {
			return
		}
		waits = false
		switch ref, page, several := n.match(person, parsed); {
		case several:
			answer(notifier.SeveralMatches)
		case page != "":
			act(ref, page)
		case n.w.phones.wrong(from) > maxGuesses:
			answer(notifier.TooManyGuesses)
		default:
			answer(notifier.WrongCode)
		}
	})
}

// match finds the page of a person that has a code.
func (n *node) match(person string, r dispatcher.Reply) (ref request.Ref, page string, several bool) {
	since := n.clock.Now().Add(-dispatcher.CodeLife)
	for _, s := range n.brain.Asked(person) {
		if r.Ref != "" && r.Ref != s.Ref {
			continue
		}
		for i := range s.Pages {
			p := &s.Pages[i]
			if p.Person != person || p.Purpose != request.Ask || p.Ordered.Before(since) || n.w.code(s.Ref, p.Page) != r.Code {
				continue
			}
			if page != "" && ref != s.Ref {
				return "", "", true
			}
			ref, page = s.Ref, p.Page
		}
	}
	return ref, page, false
}

// key handles a key that somebody pressed during a call.
func (n *node) key(ref request.Ref, attempt string, k notifier.Key, done func(notifier.AnswerKind)) {
	id, _ := request.PageOfAttempt(attempt)
	s := n.known(ref)
	if s == nil || s.Page(id) == nil {
		if !n.linked() {
			done(notifier.TryAgain)
			return
		}
		s = n.w.replayed(ref)
	}
	p := s.Page(id)
	switch {
	case p == nil || p.Purpose != request.Ask:
		done(notifier.NoAnswer)
	case k == notifier.KeyPass:
		n.pass(ref, p.Person, p.Page, request.ViaKey, done)
	default:
		n.acknowledge(ref, p.Person, p.Page, request.ViaKey, done)
	}
}
