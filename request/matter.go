package request

import (
	"slices"
	"time"
)

// An OpsKind says what an ops log is about.
type OpsKind string

// The kinds of ops log.
const (
	OpsAlarm    OpsKind = "alarm"    // the line itself needs somebody
	OpsShift    OpsKind = "shift"    // a notice that somebody's shift begins, or will
	OpsHandover OpsKind = "handover" // the open requests of who goes off duty pass to who comes on
	OpsCover    OpsKind = "cover"    // a cover request, told to the people who could take it
	OpsTest     OpsKind = "test"     // a test page, over each telephone of a person
	OpsCanary   OpsKind = "canary"   // a page through one provider to a probe, which tests the provider
)

// The events of ops logs that are no alarm's, and of a request that is handed over.
const (
	MatterRaised      EventType = "matter_raised"      // begins the log of a shift or a cover request
	HandoverOffered   EventType = "handover_offered"   // begins the log of a handover; again when it is offered to somebody else
	HandoverConfirmed EventType = "handover_confirmed" // in its own log: one side confirms; in a request's: it passes
	MatterEnded       EventType = "matter_ended"
)

// StatusOver is the end of an ops log that is no alarm's. Requests do not have it.
const StatusOver Status = "over"

// MatterBody is the body of matter_raised and handover_offered. Kind and Cause identify what the log is about; the rest is told, or decides
// when it is over. It names ids and times only.
type MatterBody struct {
	Kind  OpsKind `json:"kind"`
	Cause string  `json:"cause"`
	// About says what Tells are told, as in pages.
	About string `json:"about,omitempty"`
	// Asks are asked, each over their first contact for texts, with codes of their own: whoever answers first has it. Of a handover: who comes on duty.
	Asks []string `json:"asks,omitempty"`
	// Tells are told, without a code.
	Tells []string `json:"tells,omitempty"`
	// Roster and Person say whose duty it is about: whose shift begins, who goes off duty, who asks for cover.
	Roster string `json:"roster,omitempty"`
	Person string `json:"person,omitempty"`
	// From and Until bound the shift; half-open. Of a handover: From is when Person went off duty.
	From  Instant `json:"from,omitzero"`
	Until Instant `json:"until,omitzero"`
	// Expires is from when on nothing of it is sent, because it would be of no use; absent: as long as pages live.
	Expires Instant `json:"expires,omitzero"`
	// Open is how many requests are open, of a shift that begins.
	Open int `json:"open,omitempty"`
	// Requests are those that are handed over, the most urgent first.
	Requests []Handed `json:"requests,omitempty"`
	// RosterRevision is that of the roster by which Asks are on duty, of a handover.
	RosterRevision uint64 `json:"roster_revision,omitempty"`
	// Contacts are those over which Person gets a test page.
	Contacts []Tested `json:"contacts,omitempty"`
	// Provider and Channel are what a canary tests.
	Provider string `json:"provider,omitempty"`
	Channel  string `json:"channel,omitempty"`
	// Contact is that of Person which fails, and Alarm the one that stands about it.
	Contact string `json:"contact,omitempty"`
	Alarm   Ref    `json:"alarm,omitempty"`
}

// A Handed is a request that is handed over. Since is when who goes off duty got it, by its own log: if they gave it away and took it back since,
// it is not handed over any more.
type Handed struct {
	Request Ref     `json:"request"`
	Since   Instant `json:"since"`
}

// Same reports whether two bodies are of one matter: the rest may change.
func (b MatterBody) Same(o MatterBody) bool { return b.Kind == o.Kind && b.Cause == o.Cause }

// Hands reports whether a request, as it is, would pass by this handover: who goes off duty has it, and has not given it away meanwhile.
func (b MatterBody) Hands(s *State) bool {
	return s.Owner != "" && s.Owner == b.Person && !s.Status.Ended() && slices.ContainsFunc(b.Requests, func(h Handed) bool {
		return h.Request == s.Ref && h.Since.Equal(s.Since)
	})
}

// A Matter is what an ops log is about that is no alarm's.
type Matter struct {
	MatterBody
	Offered time.Time // of a handover: when it was offered last
	Signed  time.Time // of a handover: when Person confirmed; zero before
	Proofs  []Proof   `json:",omitempty"` // of a test page: which contacts were answered over, in this order; of a canary: its answer
	Flight  Flight    `json:",omitzero"`  // of a canary
	Reason  string    // why it ended; "" while it has not
}

// HandoverConfirmedBody is the body of handover_confirmed. In the log of the handover Person is who confirms. In the log of a request it
// passes from From to Person; Handover is the log that says why.
type HandoverConfirmedBody struct {
	Page     string `json:"page,omitempty"`
	Person   string `json:"person"`
	Via      Via    `json:"via,omitempty"`
	From     string `json:"from,omitempty"`
	Handover Ref    `json:"handover,omitempty"`
}

// MatterEndedBody is the body of matter_ended.
type MatterEndedBody struct {
	Reason string `json:"reason"`
}

// Kind is the kind of an ops log; "" of a request, and of a log that has not begun.
func (s *State) Kind() OpsKind {
	switch {
	case s.Matter != nil:
		return s.Matter.Kind
	case s.Alarm.Kind != "":
		return OpsAlarm
	default:
		return ""
	}
}

// Settled reports whether the answer to an asking page is not needed any more: somebody has what it asks for, or it is over. The two sides
// of a handover answer each for themselves, and each telephone or provider that is tested for itself.
func (s *State) Settled(p *Page) bool {
	switch {
	case s.Status.Ended():
		return true
	case s.Kind() == OpsTest, s.Kind() == OpsCanary:
		_, proved := s.Matter.Proved(p.Page)
		return proved
	case s.Kind() == OpsHandover && p.Person == s.Matter.Person:
		return !s.Matter.Signed.IsZero()
	default:
		return s.Owner != ""
	}
}

// begin folds the first event of an ops log that is no alarm's, or the news of whom a handover is offered to now.
func (s *State) begin(c *Commit, t EventType, b MatterBody) {
	switch {
	case b.Kind == "" || b.Kind == OpsAlarm: // nobody could say what it is about
	case !s.Exists() && (t == HandoverOffered) == (b.Kind == OpsHandover):
		s.Matter = &Matter{MatterBody: b, Offered: c.Time.Time}
		s.Received, s.Status, s.Escalation, s.Urgency = c.Time.Time, StatusReceived, Running, Urgent
		if b.Kind == OpsShift || b.Kind == OpsTest || b.Kind == OpsCanary || b.Kind == OpsContact {
			s.Urgency = Routine // nothing waits behind it
		}
	case s.Kind() == OpsHandover && t == HandoverOffered && !s.Status.Ended():
		s.Matter.Asks, s.Matter.RosterRevision, s.Matter.Offered = b.Asks, b.RosterRevision, c.Time.Time
	}
}

// confirmed folds what one side of a handover says, in the log of the handover.
func (s *State) confirmed(c *Commit, b HandoverConfirmedBody) {
	switch {
	case s.Kind() != OpsHandover || s.Status.Ended():
	case b.Person == s.Matter.Person:
		if s.Matter.Signed.IsZero() {
			s.Matter.Signed = c.Time.Time
		}
	case s.Owner == "":
		s.Owner, s.AcknowledgedAt, s.Since, s.Escalation = shared(b.Person), c.Time.Time, c.Time.Time, Stopped
	}
}

// handed folds that a request passes from one officer to the next. For its sender nothing changes.
func (s *State) handed(c *Commit, b HandoverConfirmedBody) {
	if s.Owner == "" || s.Owner != b.From || s.Status.Ended() {
		return
	}
	s.Owner, s.Since, s.OwnerOpened = shared(b.Person), c.Time.Time, slices.Contains(s.Opened, b.Person)
	s.free(b.Person)
}

// over folds the end of an ops log that is no alarm's.
func (s *State) over(c *Commit, b MatterEndedBody) {
	if s.Matter != nil && !s.Status.Ended() {
		s.Matter.Reason = b.Reason
		s.Cleared, s.Status, s.Escalation = c.Time.Time, StatusOver, Stopped
	}
}
