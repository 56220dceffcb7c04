package request

import (
	"slices"
	"time"
)

// A Tested is a contact that is tested. Mark is a digest of its address at that time, keyed by the deployment and different for each test: it tells
// whether the address is still the same, and nothing else.
type Tested struct {
	Contact string `json:"contact"`
	Mark    string `json:"mark"`
}

// A Proof is that a test page was answered, with its code or by a key: the contact reaches the person. Of a canary: the provider reaches the probe.
type Proof struct {
	Page string
	Via  Via
	At   time.Time
}

// Proved gives the proof of a test page, if there is one.
func (m *Matter) Proved(page string) (Proof, bool) {
	i := slices.IndexFunc(m.Proofs, func(p Proof) bool { return p.Page == page })
	if i < 0 {
		return Proof{}, false
	}
	return m.Proofs[i], true
}

// proved folds the answer to a test page or a canary. Nobody has anything by that: each page is answered for itself.
func (s *State) proved(c *Commit, b AcknowledgedBody) {
	p := s.Page(b.Page)
	if _, known := s.Matter.Proved(b.Page); known || p == nil || p.Person != b.Person || s.Status.Ended() {
		return
	}
	s.Matter.Proofs = append(s.Matter.Proofs, Proof{p.Page, b.Via, c.Time.Time})
}
