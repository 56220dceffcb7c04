package simulation

import (
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Violation is an invariant that did not hold.
type Violation struct {
	Seed      uint64
	Invariant string
	Ref       request.Ref
	At        time.Duration
	What      string
}

// summary is what nights came to. Two of them are added up in any order with the same result.
type summary struct {
	Nights, Requests, Alarms int
	Faults                   map[string]int
	Technical                int // faults of machines, networks, providers and carriers
	Duplicates               int
	Lost                     int // decisions that lost a race
	Commits                  int
	acks                     map[time.Duration]int // by the second
}

func (s *summary) acknowledged(after time.Duration) {
	if s.acks == nil {
		s.acks = map[time.Duration]int{}
	}
	s.acks[after.Round(100*time.Millisecond)]++
}
