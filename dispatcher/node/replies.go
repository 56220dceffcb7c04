package node

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const (
	// maxGuesses is how many wrong codes a telephone may send within an hour.
	maxGuesses = 5
	// maxFruitless is how many texts that lead to nothing are answered within an hour, and how many answers that a telephone was given already
	// are given again: an answering machine on the other end must not keep a conversation going. What a text decides is stored all the same.
	maxFruitless = 12
	// replyMemory is how long the answer to a text is kept for a provider that repeats it.
	replyMemory = time.Hour
)

// replies remembers what texts were answered with. It is safe for concurrent use.
type replies struct {
	mu        sync.Mutex
	answers   map[string]*answer
	fruitless map[notifier.Phone][]time.Time
	told      map[notifier.Phone]map[told]time.Time
}

// told is an answer as far as a machine could be told it without end.
type told struct {
	kind   notifier.AnswerKind
	ref    request.Ref
	roster string
	from   time.Time
}

type answer struct {
	at   time.Time
	done chan struct{}
	notifier.Answer
}

func newReplies() replies {
	return replies{answers: map[string]*answer{}, fruitless: map[notifier.Phone][]time.Time{}, told: map[notifier.Phone]map[told]time.Time{}}
}

// begin gives the answer of an id; mine is true for the first who asks, and must fill it and close done.
func (r *replies) begin(id string, now time.Time) (a *answer, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, old := range r.answers {
		if now.Sub(old.at) > replyMemory {
			delete(r.answers, other)
		}
	}
	if a := r.answers[id]; a != nil {
		return a, false
	}
	a = &answer{at: now, done: make(chan struct{})}
	r.answers[id] = a
	return a, true
}

// forget makes the next repetition be handled anew.
func (r *replies) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.answers, id)
}

// tire counts a text that led to nothing and reports whether it is one too many to be answered.
func (r *replies) tire(from notifier.Phone, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := slices.DeleteFunc(r.fruitless[from], func(t time.Time) bool { return now.Sub(t) > time.Hour })
	r.fruitless[from] = append(recent, now)
	return len(r.fruitless[from]) > maxFruitless
}

// looping notes what a telephone is to be told, and reports whether it has been told enough that leads to nothing, or that it knows.
func (r *replies) looping(from notifier.Phone, a notifier.Answer, idle bool, now time.Time) bool {
	known := r.again(from, a, now)
	return (idle || known) && r.tire(from, now)
}

// again notes what a telephone is told, and reports whether it was told the same within the last hour.
func (r *replies) again(from notifier.Phone, a notifier.Answer, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	this := told{kind: a.Kind, ref: a.Ref}
	if len(a.Shifts) > 0 {
		this.roster, this.from = a.Shifts[0].Roster, a.Shifts[0].From.UTC()
	}
	known := r.told[from]
	if known == nil {
		known = map[told]time.Time{}
		r.told[from] = known
	}
	maps.DeleteFunc(known, func(_ told, at time.Time) bool { return now.Sub(at) > time.Hour })
	_, again := known[this]
	known[this] = now
	return again
}

// Report appends what a provider says of an attempt, without asking what is known of it. It returns when that is stored, or with ctx's end.
func (n *Node) Report(ctx context.Context, r notifier.Report) error {
	fact, ok := dispatcher.FactOf(r)
	if !ok {
		return ErrNotFound
	}
	select {
	case stored := <-n.keep(fact):
		if !stored {
			return ErrUnavailable
		}
		return n.reportJoined(ctx, r)
	case <-ctx.Done(): // it may be stored yet; the provider repeats it, and nothing changes
		return unavailable(ctx.Err())
	}
}

// Reply handles a text that somebody sent. A text that the provider repeats gets the answer of the first time.
func (n *Node) Reply(ctx context.Context, from notifier.Phone, id, text string) notifier.Answer {
	now := n.opts.Clock.Now()
	a, mine := n.replies.begin(id, now)
	if !mine {
		select {
		case <-a.done:
			return a.Answer
		case <-ctx.Done():
			return notifier.Answer{Kind: notifier.TryAgain}
		}
	}
	var idle, decided bool
	defer func() { // also when it panics: a repetition must neither wait for ever nor get nothing
		if !decided {
			n.replies.forget(id)
		}
		close(a.done)
	}()
	a.Kind = notifier.TryAgain // until there is another answer
	a.Answer, idle = n.reply(ctx, from, text)
	decided = a.Kind != notifier.TryAgain
	quiet := a.Kind == notifier.NoAnswer || n.replies.looping(from, a.Answer, idle, now)
	n.opts.Logger.Info("text answered", zap.String("from", from.Masked()), zap.String("answer", string(a.Kind)), zap.Bool("quiet", quiet))
	if quiet {
		a.Answer = notifier.Answer{}
	}
	return a.Answer
}

// reply decides what a text comes to; idle says that it leads to nothing, whatever was decided before.
func (n *Node) reply(ctx context.Context, from notifier.Phone, text string) (result notifier.Answer, idle bool) {
	n.mu.Lock()
	book := n.roster
	n.mu.Unlock()
	if book == nil {
		return notifier.Answer{Kind: notifier.TryAgain}, false
	}
	if n.flownBack(ctx, from, text) {
		return notifier.Answer{}, true // a machine must not be answered
	}
	contacts := book.ByAddress(string(from))
	if len(contacts) == 0 {
		return notifier.Answer{}, true // an unknown number learns nothing, not even that somebody reads
	}
	who, _ := book.Person(contacts[0].Person) // a number belongs to one person
	result = notifier.Answer{Language: who.Language()}
	if n.opts.Guesses.Count(ctx, from) >= maxGuesses {
		result.Kind = notifier.TooManyGuesses
		return result, true
	}
	parsed := dispatcher.ParseReply(text, n.opts.Words)
	if parsed.Quoted() && !parsed.Wish.Refuses() { // perhaps by a machine, while everybody sleeps
		parsed.Code = ""
	}
	if parsed.Code == "" { // whatever it asks for, nothing is stored: an answering machine must not keep it going
		return n.command(book, who, parsed.Wish, result), true
	}
	offer, done := n.offered(book, who.ID, parsed)
	if offer != nil && offer.Wish == parsed.Wish {
		return n.confirm(ctx, who, offer, done, parsed.Wish, result), false
	}
	match, several, err := n.match(ctx, who, parsed)
	switch {
	case err != nil: // perhaps the code is right, and nobody knows yet
		result.Kind = notifier.TryAgain
		return result, false
	case several, match.page != "" && offer != nil:
		result.Kind = notifier.SeveralMatches
		return result, false
	case offer != nil:
		return n.confirm(ctx, who, offer, done, parsed.Wish, result), false
	case match.page == "":
		result.Kind = notifier.WrongCode
		if parsed.Wish == dispatcher.WishTake || parsed.Wish == dispatcher.WishCover {
			result.Kind = notifier.CodeOver
		}
		if n.opts.Guesses.Wrong(ctx, from) > maxGuesses {
			result.Kind = notifier.TooManyGuesses
		}
		return result, true
	}
	result.Ref = match.ref
	var outcome Outcome
	switch {
	case parsed.Wish == dispatcher.WishBusy:
		outcome, err = n.Busy(ctx, match.ref, who.ID, match.page, request.ViaCode)
	case parsed.Wish.Refuses():
		outcome, err = n.Pass(ctx, match.ref, who.ID, match.page, "", request.ViaCode)
	default:
		outcome, err = n.Acknowledge(ctx, match.ref, who.ID, match.page, request.ViaCode)
	}
	if err != nil {
		n.opts.Logger.Error("a reply is not stored", zap.Stringer("request", match.ref), zap.Error(err))
		result.Kind = notifier.TryAgain
		return result, false
	}
	result.Kind, result.CallSign, result.Shifts = outcome.Kind, outcome.CallSign, outcome.Shifts
	return result, false
}

// Key handles a key that somebody pressed during a call, for the person whom the attempt's page asked.
func (n *Node) Key(ctx context.Context, k notifier.KeyPress) (result notifier.Answer) {
	log := n.opts.Logger.With(zap.Stringer("request", k.Ref), zap.String("attempt", k.Attempt))
	defer func() {
		if trouble := recover(); trouble != nil {
			log.Error("panic while a key is handled", zap.String("panic", fmt.Sprintf("%T", trouble)), zap.Stack("stack"))
			result = notifier.Answer{Kind: notifier.TryAgain, Ref: k.Ref}
		}
		log.Info("key answered", zap.String("key", string(k.Key)), zap.String("answer", string(result.Kind)))
	}()
	result = notifier.Answer{Ref: k.Ref}
	page, err := n.pageOf(ctx, k.Ref, k.Attempt)
	switch {
	case errors.Is(err, ErrNotFound):
		return result
	case err != nil:
		result.Kind = notifier.TryAgain
		return result
	}
	if k.Key != notifier.KeyPass {
		if result.Kind = n.refusesKey(ctx, page.Person, k, log); result.Kind != "" {
			return result
		}
	}
	var outcome Outcome
	if k.Key == notifier.KeyPass {
		outcome, err = n.Pass(ctx, k.Ref, page.Person, page.Page, "", request.ViaKey)
	} else {
		outcome, err = n.Acknowledge(ctx, k.Ref, page.Person, page.Page, request.ViaKey)
	}
	if err != nil {
		log.Error("a key is not stored", zap.Error(err))
		result.Kind = notifier.TryAgain
		return result
	}
	result.Kind, result.CallSign, result.Language = outcome.Kind, outcome.CallSign, n.language(page.Person)
	return result
}

// pageOf finds the asking page of an attempt; what this node has not folded yet is read from the log. The error is [ErrNotFound] or
// [ErrUnavailable].
func (n *Node) pageOf(ctx context.Context, ref request.Ref, attempt string) (request.Page, error) {
	id, ok := request.PageOfAttempt(attempt)
	if !ok {
		return request.Page{}, ErrNotFound
	}
	s := n.known(ref)
	if s == nil || s.Page(id) == nil {
		var err error
		if s, err = n.read(ctx, ref); err != nil {
			return request.Page{}, err
		}
	}
	if p := s.Page(id); p != nil && p.Purpose == request.Ask {
		return *p, nil
	}
	return request.Page{}, ErrNotFound
}

// language is the one in which a person is addressed.
func (n *Node) language(person string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.roster == nil {
		return ""
	}
	who, _ := n.roster.Person(person)
	return who.Language()
}

// matched is a page whose code somebody sent.
type matched struct {
	ref  request.Ref
	page string
}

// match finds the page of a person that has a code. What this node has not folded yet is waited for once; an error says that it was in vain.
func (n *Node) match(ctx context.Context, who roster.Person, r dispatcher.Reply) (found matched, several bool, err error) {
	found, several = n.matchFolded(who, r)
	if found.page != "" || several {
		return found, several, nil
	}
	ctx, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	head, err := n.opts.Log.Head(ctx)
	if err == nil {
		err = n.WaitFor(ctx, head)
	}
	if err != nil {
		return matched{}, false, unavailable(err)
	}
	found, several = n.matchFolded(who, r)
	return found, several, nil
}

func (n *Node) matchFolded(who roster.Person, r dispatcher.Reply) (found matched, several bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	since := n.opts.Clock.Now().Add(-dispatcher.CodeLife)
	for _, s := range n.machine.Asked(who.ID) {
		if r.Ref != "" && r.Ref != s.Ref {
			continue
		}
		for i := range s.Pages {
			p := &s.Pages[i]
			if p.Person != who.ID || p.Purpose != request.Ask || p.Ordered.Before(since) {
				continue
			}
			if subtle.ConstantTimeCompare([]byte(n.opts.Code(s.Ref, p.Page)), []byte(r.Code)) != 1 {
				continue
			}
			if found.page != "" && found.ref != s.Ref {
				return matched{}, true
			}
			found = matched{s.Ref, p.Page}
		}
	}
	return found, false
}
