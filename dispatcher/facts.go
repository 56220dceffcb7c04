package dispatcher

import (
	"slices"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// A Fact is news of a request that nobody decides: what came of a call, or what a provider says of one.
type Fact struct {
	Ref    request.Ref
	Actor  request.Actor
	ID     string // derived from what it says
	Events []request.Event
	// Attempt is that whose call is over with it, "" when none is.
	Attempt string
	// Done is told when it is stored, or with stored false that nobody knows of it; nil: nobody waits.
	Done func(seq uint64, stored bool)
}

// A commit of several facts holds no more than these; a message of the log may have a million bytes.
const (
	mostFacts     = 256     // of some 200 bytes each
	mostFactBytes = 1 << 18 // what the provider says may be long
)

// Facts lets the facts of one request share commits: while one is on its way to the log, those that come meanwhile wait, and go together in the
// next. A fact that comes alone goes alone and at once. The zero value is ready. Not safe for concurrent use.
type Facts struct {
	waiting map[source][]Fact // a key without facts: one commit is on its way, and nothing waits
}

// source is what facts have in common that share a commit.
type source struct {
	ref   request.Ref
	actor request.Actor
}

func (f Fact) source() source { return source{f.Ref, f.Actor} }

// size is about how many bytes it takes.
func (f Fact) size() (n int) {
	for _, e := range f.Events {
		n += len(e.Body) + len(e.Type) + 50
	}
	return n
}

// Add takes a fact, and gives what to store now: the fact, or nothing while an earlier commit is on its way. One that waits already is not
// stored twice.
func (f *Facts) Add(fact Fact) Batch {
	if f.waiting == nil {
		f.waiting = map[source][]Fact{}
	}
	list, busy := f.waiting[fact.source()]
	if !busy {
		f.waiting[fact.source()] = nil
		return Batch{fact}
	}
	if i := slices.IndexFunc(list, func(w Fact) bool { return w.ID == fact.ID }); i >= 0 {
		both := Batch{list[i], fact}
		list[i].Done = both.Done
		return nil
	}
	f.waiting[fact.source()] = append(list, fact)
	return nil
}

// Next says that a batch is stored, or never will be, and gives what to store next of the same kind; empty when nothing waits.
func (f *Facts) Next(after Batch) Batch {
	of := after[0].source()
	list := f.waiting[of]
	if len(list) == 0 {
		delete(f.waiting, of)
		return nil
	}
	n, size := 1, list[0].size()
	for ; n < min(len(list), mostFacts); n++ {
		if size += list[n].size(); size > mostFactBytes {
			break
		}
	}
	f.waiting[of] = slices.Clone(list[n:])
	return Batch(list[:n:n])
}

// A Batch is facts that go to the log in one commit.
type Batch []Fact

// Commit is what is stored. The id of one fact is its own, that of several is derived from theirs: a fact that is repeated alone after it was
// stored with others is stored again, and folding it changes nothing.
func (b Batch) Commit(now time.Time, node string) request.Commit {
	id, events := b[0].ID, b[0].Events
	if len(b) > 1 {
		ids := make([]string, len(b))
		events = nil
		for i, f := range b {
			ids[i] = f.ID
			events = append(events, f.Events...)
		}
		id = request.FactID(ids...)
	}
	return request.Fact(b[0].Ref, id, now, node, b[0].Actor, events...)
}

// Done tells everybody who waits for one of the facts.
func (b Batch) Done(seq uint64, stored bool) {
	for _, f := range b {
		if f.Done != nil {
			f.Done(seq, stored)
		}
	}
}

// Failed says that a try to store the batch failed. Whoever waits for a fact that ends no call is told that it is not stored: they repeat it.
// It reports whether a fact is left for whose sake the batch is tried again.
func (b Batch) Failed() (again bool) {
	for i, f := range b {
		switch {
		case f.Attempt != "":
			again = true
		case f.Done != nil:
			b[i].Done = nil
			f.Done(0, false)
		}
	}
	return again
}

// Returned says which calls are over when the batch is folded; ok is false when none is.
func (b Batch) Returned() (in Returned, ok bool) {
	in.Ref = b[0].Ref
	for _, f := range b {
		if f.Attempt != "" {
			in.Attempts = append(in.Attempts, f.Attempt)
		}
	}
	return in, len(in.Attempts) > 0
}

// completed is the code of a call that was picked up and is over.
const completed = "completed"

// FactOf is what a provider's report says of an attempt, with an id that is the same when the report is repeated. ok is false when it names no
// attempt.
func FactOf(r notifier.Report) (f Fact, ok bool) {
	page, ok := request.PageOfAttempt(r.Attempt)
	if !ok {
		return Fact{}, false
	}
	body := request.AttemptBody{Page: page, Attempt: r.Attempt, Provider: r.Provider, ProviderID: r.ProviderID}
	kind := request.AttemptSent
	parts := []string{string(r.Ref), r.Attempt, r.Provider, r.ProviderID, string(r.Progress)}
	switch r.Progress {
	case notifier.Sent:
	case notifier.Delivered:
		kind = request.AttemptDelivered
	case notifier.Answered:
		kind, body.Code = request.AttemptAnswered, r.Code
		if r.Code != "" { // who is thought to have picked up comes later, and is news
			parts = append(parts, r.Code)
		}
	case notifier.Lost:
		kind, body.Failure, body.Code = request.AttemptFailed, r.Kind, r.Code
	case notifier.Ended: // whoever pressed a key has acknowledged or passed by now, and this is no news of them
		kind, body.Failure, body.Code = request.AttemptFailed, request.FailedNoKey, completed
	}
	return Fact{
		Ref: r.Ref, Actor: request.Actor{Kind: request.ByProvider, ID: r.Provider}, ID: request.FactID(parts...),
		Events: []request.Event{request.NewEvent(kind, body)},
	}, true
}

// OutcomeID is the id of what came of a call: the same events have the same id.
func OutcomeID(ref request.Ref, events []request.Event) string {
	parts := []string{string(ref)}
	for _, e := range events {
		parts = append(parts, string(e.Type), string(e.Body))
	}
	return request.FactID(parts...)
}
