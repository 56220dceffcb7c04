package request

import (
	"cmp"
	"slices"
	"time"
)

// A Status is where a request stands, for its sender (DOMAIN: Life of a request). There is no status "closed".
type Status string

// The statuses of which this version writes received, acknowledged and withdrawn.
const (
	StatusReceived     Status = "received"     // stored; officers are being paged
	StatusAcknowledged Status = "acknowledged" // a named officer has it
	StatusWithdrawn    Status = "withdrawn"    // an end, by the sender
)

// Ended reports whether nobody is to be asked any more.
func (s Status) Ended() bool {
	switch s {
	case StatusWithdrawn, StatusCleared, StatusOver, "refused", "answered", "transferred":
		return true
	default:
		return false
	}
}

// An Escalation says whether people are being paged.
type Escalation string

// The states of an escalation.
const (
	Running   Escalation = "running"
	Stopped   Escalation = "stopped"
	Exhausted Escalation = "exhausted" // everyone was asked; an alarm stands, and paging goes on at long intervals
)

// A PageState is how far a page has come. Sent, delivered and acknowledged are different facts.
type PageState string

// The states of a page; the lane of its provider moves it on until it has an outcome.
const (
	PageQueued    PageState = "queued"    // ordered, waiting for its lane; a crash leaves it here and any node serves it
	PageSending   PageState = "sending"   // an attempt is with the provider; after a crash another node takes it over
	PageRetrying  PageState = "retrying"  // an attempt failed for now; tried again at RetryAt
	PageSent      PageState = "sent"      // the provider has it
	PageDelivered PageState = "delivered" // the carrier says it arrived
	PageAnswered  PageState = "answered"  // a call: somebody, or a machine, picked up; nobody has pressed a key yet
	PageFailed    PageState = "failed"    // failed for good
	PageCalledOff PageState = "cancelled"
	PageLate      PageState = "expired"
)

// Open reports whether the lane still has work with the page.
func (p PageState) Open() bool { return p == PageQueued || p == PageSending || p == PageRetrying }

// A Page is one person asked (or told) over one channel.
type Page struct {
	PageBody
	Ordered  time.Time
	Step     int // of the escalation in which it was ordered (see Step.Count): a level is asked again in the same round when it is given back
	State    PageState
	Attempts []Attempt
}

// Beside reports whether two pages ask the same in one step: one contact of one person.
func (p *Page) Beside(q *Page) bool {
	return p.Purpose == Ask && q.Purpose == Ask && p.Person == q.Person && p.Contact == q.Contact && p.Step == q.Step && p.Level == q.Level && p.Round == q.Round
}

// Last is the newest attempt, nil when there is none.
func (p *Page) Last() *Attempt {
	if len(p.Attempts) == 0 {
		return nil
	}
	return &p.Attempts[len(p.Attempts)-1]
}

// Made is the attempt whose outcome is the page's while none has arrived: one that failed for good, as a call that rang in vain, before any that
// failed for now, whichever was heard of last; else the newest. One that was not made, because a look-up found an earlier one to have arrived,
// says nothing of what became of the page. Nil when there is none.
func (p *Page) Made() *Attempt {
	var made *Attempt
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		a := &p.Attempts[i]
		if a.Rank == rankFailedForGood {
			return a
		}
		if made == nil && a.Failure != FailedDuplicate {
			made = a
		}
	}
	return made
}

// MadeBy is [Page.Made] among the attempts through one provider.
func (p *Page) MadeBy(provider string) *Attempt {
	var made *Attempt
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		switch a := &p.Attempts[i]; {
		case a.Provider != provider:
		case a.Rank == rankFailedForGood:
			return a
		case made == nil && a.Failure != FailedDuplicate:
			made = a
		}
	}
	return made
}

// LookUp reports whether an earlier attempt may have arrived without our knowing.
func (p *Page) LookUp() bool {
	return slices.ContainsFunc(p.Attempts, func(a Attempt) bool { return a.Failure == FailedUnknown })
}

// An Attempt is one hand-over of a page to a provider.
type Attempt struct {
	ID         string
	Provider   string
	ProviderID string
	Node       string // that makes the call
	Rank       int    // see the ranks; never falls
	Started    time.Time
	Deadline   time.Time
	Failure    FailureKind
	Code       string
	RetryAt    time.Time
	Joint      string // the text in which it goes with other requests; "" when it goes alone
}

// Ranks of what is known of an attempt. A fact with a lower rank than what is known is ignored: callbacks repeat and come out of order.
// A failure for good outranks sent and answered (carriers report it after, and a call ends), and delivered outranks all.
const (
	rankStarted = iota + 1
	rankFailedForNow
	rankSent
	rankAnswered
	rankFailedForGood
	rankDelivered
)

// InFlight reports whether the call to the provider has no outcome yet.
func (a *Attempt) InFlight() bool { return a.Rank == rankStarted }

// Took reports whether the provider has had the page by this attempt, whatever became of it.
func (a *Attempt) Took() bool {
	return a.Rank == rankSent || a.Rank == rankAnswered || a.Rank == rankDelivered
}

// A Step is one step of the escalation: a level in a round.
type Step struct {
	Level, Round int
	Everyone     bool
	Decided      time.Time
	Sent         time.Time // its first attempt; zero before
	Targets      []string
	Count        int // steps taken so far, this one included; 0 before the first
}

// A State is a fold of one log. It is mutable and belongs to one goroutine; [State.Clone] makes a copy to hand out.
type State struct {
	Ref             Ref
	Type            Type
	Sender          string
	Origin, Body    string // digests
	Urgency         Urgency
	UrgencyProposed Urgency
	UrgencyChanged  time.Time // last; zero while it is what it was judged at first
	Language        string
	Missing         []string
	Warnings        int
	Due             []Due
	Received        time.Time
	AcknowledgedAt  time.Time
	Since           time.Time // the owner has it since then: the acknowledgement, or a handover after it
	Owner           string    // person who has it, "" while nobody does
	OwnerOpened     bool      // the owner has read the content since the acknowledgement
	Returned        Cause     // why nobody has it any more, until the next step of the escalation; "" otherwise
	Undid           string    // who took the last acknowledgement back, until the next one
	Status          Status
	Escalation      Escalation
	Version         int // counts changes of the sender's view
	Step            Step
	Passed          []string // who passed since the step before the last acknowledgement
	Busy            []string // of those: who is not asked again while anybody else can be
	Opened          []string
	Alarms          []AlarmBody // standing
	Alarm           AlarmBody   // of an ops log: what it is about
	Cleared         time.Time   // of an ops log: when its cause was gone, or it was over
	Matter          *Matter     // of an ops log that is no alarm's: what it is about
	Pages           []Page
	News            []News // for the sender; one of a kind
	Closed          bool
	Erased          bool
	Key             string // see [State.Scope]

	LastSeq   uint64 // stream sequence of the last commit folded
	LastTime  time.Time
	Chain     Chain
	MinReader int // highest that a commit asked for

	freed time.Time // when the last who had it ceased to, zero when nobody has had it
	seen  []string  // ids of the facts folded: they alone can repeat
}

// NewState is the state of an empty log.
func NewState(ref Ref) *State { return &State{Ref: ref, Chain: NewChain(ref)} }

// Clone is a deep copy.
func (s *State) Clone() *State {
	c := *s
	c.Missing, c.Due, c.Passed = slices.Clone(s.Missing), slices.Clone(s.Due), slices.Clone(s.Passed)
	c.Busy = slices.Clone(s.Busy)
	c.Opened, c.Alarms, c.seen = slices.Clone(s.Opened), slices.Clone(s.Alarms), slices.Clone(s.seen)
	c.Step.Targets, c.News = slices.Clone(s.Step.Targets), slices.Clone(s.News)
	if s.Matter != nil {
		m := *s.Matter
		m.Asks, m.Tells, m.Requests = slices.Clone(m.Asks), slices.Clone(m.Tells), slices.Clone(m.Requests)
		c.Matter = &m
	}
	c.Pages = slices.Clone(s.Pages)
	for i := range c.Pages {
		c.Pages[i].Attempts = slices.Clone(s.Pages[i].Attempts)
	}
	return &c
}

// Scope names the key that seals what people write about the request; erasing that key erases all of it. Logs of earlier versions name none:
// their key goes by the reference.
func (s *State) Scope() string { return cmp.Or(s.Key, string(s.Ref)) }

// Place is where the sealed part of an event of this request belongs, besides its key: it opens nowhere else.
func (s *State) Place(eventID string) string {
	if s.Key == "" {
		return eventID
	}
	return string(s.Ref) + "/" + eventID
}

// Page returns the page of that id, nil when there is none. The pointer is good until the next Apply.
func (s *State) Page(id string) *Page {
	for i := range s.Pages {
		if s.Pages[i].Page == id {
			return &s.Pages[i]
		}
	}
	return nil
}

// Exists reports whether the request was received, or the alarm or matter raised.
func (s *State) Exists() bool { return !s.Received.IsZero() }

// TooNew reports whether a commit asks for a newer reader than this code: then it decides nothing but the most urgent.
func (s *State) TooNew() bool { return s.MinReader > Reader }
