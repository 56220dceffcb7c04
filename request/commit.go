package request

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// Version is the version of the commit's envelope.
	Version = 1
	// Reader is the min_reader that this code understands. A commit that asks for more was written by a newer node.
	Reader = 3
)

// ErrCommit says that bytes of the log are no commit of this format.
var ErrCommit = errors.New("not a commit")

// An ActorKind says on whose behalf a commit was made.
type ActorKind string

// The kinds of actor.
const (
	BySender      ActorKind = "sender"
	ByOfficer     ActorKind = "officer"
	ByCoordinator ActorKind = "coordinator"
	BySystem      ActorKind = "system"
	ByProvider    ActorKind = "provider"
)

// An Actor is who made a commit: an opaque id, never a name.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id"`
}

// A Commit is one message of a log: events of one request that become true together, with one id that is also the Nats-Msg-Id.
type Commit struct {
	V         int     `json:"v"`
	ID        string  `json:"id"`
	Request   Ref     `json:"request"`
	Time      Instant `json:"time"` // the writer's now; the only time that folds read
	Node      string  `json:"node"`
	Actor     Actor   `json:"actor"`
	MinReader int     `json:"min_reader"`
	Prev      string  `json:"prev,omitempty"` // decisions only: hex of the Chain over all earlier commits
	Events    []Event `json:"events"`
}

// An Event is one thing that happened. Body is clear and holds identifiers, times and codes; Sealed is what people wrote, encrypted
// under the request's own key.
type Event struct {
	Type   EventType       `json:"type"`
	Body   json.RawMessage `json:"body"`
	Sealed []byte          `json:"sealed,omitempty"`
}

// NewEvent makes an event of a body. A body that does not encode is a programming error and panics.
func NewEvent(t EventType, body any) Event {
	data, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("request: body of %s does not encode: %v", t, err))
	}
	return Event{Type: t, Body: data}
}

// EventID is the id of the n-th event of a commit, counting from 0.
func EventID(commit string, n int) string { return commit + "." + strconv.Itoa(n) }

// IsDecision reports whether the commit was appended expecting the head of its log.
func (c Commit) IsDecision() bool { return c.Prev != "" }

// Closes reports whether the request is at its end after this commit: start-up then needs no more than the header.
func (c Commit) Closes() bool {
	for _, e := range c.Events {
		if e.Type == Closed {
			return true
		}
	}
	return false
}

// Encode gives the bytes that are stored.
func (c Commit) Encode() ([]byte, error) {
	if c.ID == "" || c.Request == "" || len(c.Events) == 0 || c.Time.IsZero() {
		return nil, fmt.Errorf("encode commit: %w: id, request, time and events are needed", ErrCommit)
	}
	if data, ok := encodePlain(c); ok {
		return data, nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode commit: %w", err)
	}
	return data, nil
}

// Decode reads the bytes of one commit. Fields that it does not know are ignored here and survive in the bytes, which are never rewritten.
// The bodies of the events may be parts of data, which must not be changed.
func Decode(data []byte) (Commit, error) {
	c, ok := decodePlain(data)
	if !ok {
		c = Commit{}
		if err := json.Unmarshal(data, &c); err != nil {
			return Commit{}, fmt.Errorf("decode commit: %w: %w", ErrCommit, err)
		}
	}
	if c.V < 1 || c.ID == "" || c.Request == "" || len(c.Events) == 0 || c.Time.IsZero() {
		return Commit{}, fmt.Errorf("decode commit: %w: v, id, request, time and events are needed", ErrCommit)
	}
	return c, nil
}

// encoding is Crockford's alphabet in lower case order of base 32, without padding.
var encoding = base32.NewEncoding(strings.ToLower(alphabet)).WithPadding(base32.NoPadding)

// NewID is a fresh random id of a decision: 128 bits, 26 characters.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return encoding.EncodeToString(b[:])
}

// FactID is the id of a fact: the same parts (attempt, provider's id, status …) give the same id on every node and at every repetition.
func FactID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return encoding.EncodeToString(h.Sum(nil)[:16])
}

// A Chain is the running SHA-256 over the commits of one log, as stored.
type Chain [sha256.Size]byte

// NewChain is the chain of an empty log; it differs for every request, so that no log can stand in for another.
func NewChain(ref Ref) Chain { return sha256.Sum256([]byte("dutyline/v1 " + ref.Subject())) }

// Next is the chain after one more commit.
func (c Chain) Next(stored []byte) Chain {
	h := sha256.New()
	_, _ = h.Write(c[:])
	_, _ = h.Write(stored)
	var next Chain
	h.Sum(next[:0])
	return next
}

// String is the form in which Prev carries it.
func (c Chain) String() string { return hex.EncodeToString(c[:]) }

// Decide makes a decision for the head that s has folded.
func (s *State) Decide(now time.Time, node string, actor Actor, events ...Event) Commit {
	return Commit{
		V: Version, ID: NewID(), Request: s.Ref, Time: At(now), Node: node, Actor: actor, MinReader: minReader(events),
		Prev: s.Chain.String(), Events: events,
	}
}

// Fact makes a fact with a derived id.
func Fact(ref Ref, id string, now time.Time, node string, actor Actor, events ...Event) Commit {
	return Commit{
		V: Version, ID: id, Request: ref, Time: At(now), Node: node, Actor: actor, MinReader: minReader(events), Events: events,
	}
}

// minReader is the reader that these events need. Whoever does not know those of reader 2 would go on as if somebody had the request, or
// ask at another pace; whoever does not know those of reader 3, as if somebody else had it.
func minReader(events []Event) int {
	reader := 1
	for _, e := range events {
		switch e.Type {
		case AcknowledgementUndone, AcknowledgementLapsed, UrgencyChanged:
			reader = max(reader, 2)
		case MatterRaised, HandoverOffered, HandoverConfirmed, MatterEnded:
			reader = max(reader, 3)
		default:
		}
	}
	return reader
}
