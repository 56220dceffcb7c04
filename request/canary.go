package request

import "time"

const (
	// AboutCanary is what a canary's page is about: it tests the one provider that it names, so no other ever takes it.
	AboutCanary = "canary"
	// CanaryProbe stands in pages where they name a person: a probe is none, and nobody on a roster can have this id.
	CanaryProbe = ":probe"
)

// A Flight is how far a canary has come, by the times of the commits that say so; zero: it has not.
type Flight struct {
	Began     time.Time // its first attempt
	Accepted  time.Time // by the provider
	Delivered time.Time // as the provider says
}

// flown folds how far a canary has come. The first news of each counts.
func (s *State) flown(c *Commit, t EventType, b AttemptBody) {
	f := &s.Matter.Flight
	at := map[EventType]*time.Time{AttemptStarted: &f.Began, AttemptSent: &f.Accepted, AttemptDelivered: &f.Delivered}[t]
	if s.Page(b.Page) != nil && at.IsZero() {
		*at = c.Time.Time
	}
}

// Acknowledged is when a canary came back; zero: it has not.
func (m *Matter) Acknowledged() time.Time {
	if len(m.Proofs) == 0 {
		return time.Time{}
	}
	return m.Proofs[0].At
}
