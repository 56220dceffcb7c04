package bench

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/request"
)

// sealedSize is what the sealed content of a request weighs here, in bytes: about a page of text.
const sealedSize = 700

// referenceOf derives a reference that is always the same for the same seed.
func referenceOf(seed string) request.Ref {
	for i := 0; ; i++ {
		mac := sha256.Sum256([]byte(seed + " " + strconv.Itoa(i)))
		if ref, ok := request.NewRef(mac[:]); ok {
			return ref
		}
	}
}

// receivedEvent is received with a sealed part that nobody can read, and that nothing which is measured reads.
func receivedEvent(sender string, urgency request.Urgency, at time.Time) request.Event {
	e := request.NewEvent(request.Received, request.ReceivedBody{
		Sender: sender, OriginDigest: "0123456789abcdef0123456789abcdef", BodyDigest: "fedcba9876543210fedcba9876543210", Type: request.Preservation,
		Urgency: urgency, UrgencyProposed: urgency, Language: "en",
		Missing: []string{"/callback_person", "/callback_person/name", "/details/data"}, Due: []request.Due{{Clock: "acknowledge", At: request.At(at.Add(30 * time.Minute)), Rule: "synthetic"}},
	})
	e.Sealed = bytes.Repeat([]byte{0xa5}, sealedSize)
	return e
}

// A history is the log of one request as it is written: every commit is folded, so that the next decision carries the right chain.
type history struct {
	state   *request.State
	seq     uint64 // within the history; folds ask for no more than that it grows
	commits [][]byte
	closed  bool
}

// historyNode is the node in whose name histories are written: none of those that are measured.
const historyNode = "earlier"

func newHistory(ref request.Ref) *history { return &history{state: request.NewState(ref)} }

func (h *history) decide(at time.Time, actor request.Actor, events ...request.Event) {
	h.store(h.state.Decide(at, historyNode, actor, events...))
}

func (h *history) fact(at time.Time, id string, events ...request.Event) {
	h.store(request.Fact(h.state.Ref, request.FactID(string(h.state.Ref), id), at, historyNode, request.Actor{Kind: request.ByProvider, ID: "twilio"}, events...))
}

// store panics on a commit that does not fold: it is this file that is wrong then.
func (h *history) store(c request.Commit) {
	data, err := c.Encode()
	if err == nil {
		h.seq++
		err = h.state.Apply(h.seq, data)
	}
	if err != nil {
		panic("bench: a commit of a history does not fold: " + err.Error())
	}
	h.commits = append(h.commits, data)
	h.closed = h.closed || c.Closes()
}

func system() request.Actor { return request.Actor{Kind: request.BySystem, ID: historyNode} }

// received begins a history.
func (h *history) received(at time.Time) {
	h.decide(at, request.Actor{Kind: request.BySender, ID: "measurement"}, receivedEvent("measurement", request.Urgent, at))
}

// paged is one page: ordered with whatever else was decided, started, sent, and delivered when that is to be stored too.
func (h *history) paged(at time.Time, page request.PageBody, delivered bool, more ...request.Event) {
	page.Page = "p" + strconv.Itoa(len(h.state.Pages)+1)
	page.Recipient, page.Channel, page.Contact, page.RosterRevision, page.Expires = request.ToOfficer, "sms", "mobile", 2, request.At(at.Add(5*time.Minute))
	h.decide(at, system(), append(more, request.NewEvent(request.PageOrdered, page))...)
	attempt := request.AttemptBody{Page: page.Page, Attempt: request.AttemptID(page.Page, 1), Provider: "twilio"}
	started := attempt
	started.Deadline = request.At(at.Add(10 * time.Second))
	h.decide(at, system(), request.NewEvent(request.AttemptStarted, started))
	attempt.ProviderID = "SM0123456789abcdef0123456789abcdef"
	h.fact(at.Add(20*time.Millisecond), attempt.Attempt+" sent", request.NewEvent(request.AttemptSent, attempt))
	if delivered {
		h.fact(at.Add(time.Second), attempt.Attempt+" delivered", request.NewEvent(request.AttemptDelivered, attempt))
	}
}

// asked is one step of the escalation: one person is asked, and does not answer.
func (h *history) asked(at time.Time, level, round int, who string, delivered bool) {
	cause := request.CauseSilence
	if h.state.Step.Count == 0 {
		cause = request.CauseReceived
	}
	step := request.EscalatedBody{
		Level: level, Round: round, Cause: cause, RosterRevision: 2, Targets: []request.Target{{Person: who, Why: []string{"named by the policy"}}},
	}
	h.paged(at, request.PageBody{Purpose: request.Ask, Person: who, Level: level, Round: round}, delivered, request.NewEvent(request.Escalated, step))
}

const (
	closedCommits = 10
	openCommits   = 10
)

// closedHistory is a request that somebody took, that was withdrawn, and that is at its end: ten commits.
func closedHistory(ref request.Ref, at time.Time) *history {
	h := newHistory(ref)
	h.received(at)
	h.asked(at, 1, 1, person(0), false)
	h.decide(at.Add(time.Minute), request.Actor{Kind: request.ByOfficer, ID: person(0)},
		request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Page: "p1", Person: person(0), Via: request.ViaCode}))
	at = at.Add(time.Hour)
	h.decide(at, request.Actor{Kind: request.BySender, ID: "measurement"}, request.NewEvent(request.Withdrawn, request.WithdrawnBody{}))
	h.paged(at, request.PageBody{Purpose: request.Notice, About: string(request.StatusWithdrawn), Person: person(0), Level: 1, Round: 1}, false)
	h.decide(at.Add(time.Second), system(), request.NewEvent(request.Closed, request.ClosedBody{Reason: string(request.StatusWithdrawn)}))
	return h
}

// openHistory is a request that nobody has answered yet: two people were asked in turn, the second at at, and their wait runs from there.
// Ten commits.
func openHistory(ref request.Ref, i int, at time.Time) *history {
	h := newHistory(ref)
	before := at.Add(-time.Hour)
	h.received(before)
	h.decide(before.Add(time.Second), request.Actor{Kind: request.BySender, ID: "measurement"}, request.NewEvent(request.Amended, request.AmendedBody{
		BodyDigest: "00112233445566778899aabbccddeeff", Type: request.Preservation, Language: "en", Missing: []string{"/details/data"}, Due: h.state.Due,
	}))
	level := i%(openLevels-2) + 1
	h.asked(before.Add(2*time.Second), level, 1, person(level-1), true)
	h.asked(at, level+1, 1, person(level), true)
	return h
}

// inOne is a history as one commit, at the time of its last one but for facts.
func inOne(h *history) request.Commit {
	var events []request.Event
	var at time.Time
	for _, data := range h.commits {
		c, err := request.Decode(data)
		if err != nil {
			panic("bench: a commit of a history does not decode: " + err.Error())
		}
		if events = append(events, c.Events...); c.IsDecision() {
			at = c.Time.Time
		}
	}
	return request.NewState(h.state.Ref).Decide(at, historyNode, system(), events...)
}

// openLevels is how many levels, each of one person, the policy has where open requests are measured: what comes due is for many people.
const openLevels = 18
