package request

import (
	"errors"
	"fmt"
)

// ErrTampered says that the chain of a log does not hold: a commit was changed, removed, added or moved.
var ErrTampered = errors.New("the log does not verify")

// A Stored is one commit as it lies in the stream.
type Stored struct {
	Seq  uint64
	Data []byte
}

// A Verification is the result of [Verify].
type Verification struct {
	Commits   int
	Uncovered []string // ids of the facts after the last decision, which no hash covers yet
}

// Verify checks the whole log of one request: every decision must carry the chain over all commits before it. It needs no key:
// a log verifies after its content was erased.
func Verify(ref Ref, log []Stored) (Verification, error) {
	chain := NewChain(ref)
	v := Verification{Uncovered: []string{}}
	for i, stored := range log {
		c, err := Decode(stored.Data)
		if err != nil {
			return v, fmt.Errorf("verify %s at %d: %w: %w", ref, stored.Seq, ErrTampered, err)
		}
		switch {
		case c.Request != ref:
			return v, fmt.Errorf("verify %s at %d: %w: the commit names another request", ref, stored.Seq, ErrTampered)
		case i == 0 && !c.IsDecision():
			return v, fmt.Errorf("verify %s at %d: %w: it does not begin with a decision", ref, stored.Seq, ErrTampered)
		case c.IsDecision() && c.Prev != chain.String():
			return v, fmt.Errorf("verify %s at %d: %w: what stands before commit %s is not what its writer had read", ref, stored.Seq, ErrTampered, c.ID)
		}
		if c.IsDecision() {
			v.Uncovered = v.Uncovered[:0]
		} else {
			v.Uncovered = append(v.Uncovered, c.ID)
		}
		chain = chain.Next(stored.Data)
		v.Commits++
	}
	return v, nil
}
