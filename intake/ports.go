package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/dutyline/dutyline/request"
)

var (
	// ErrUnavailable says that the log cannot be read or written now. What was sent may or may not be stored; repeating it with the same
	// key is safe.
	ErrUnavailable = errors.New("the request could not be stored now")
	// ErrConflict is what a [Log] answers when the head is not the expected one.
	ErrConflict = errors.New("the log has moved on")
	// ErrKeyReused says that the idempotency key belongs to an earlier request with another body.
	ErrKeyReused = errors.New("the idempotency key was used for another request")
	// ErrNotFound says that the sender has no such request.
	ErrNotFound = errors.New("no such request")
	// ErrVersion says that the request has changed since the version that an amendment was made from.
	ErrVersion = errors.New("the request has changed")
	// ErrEnded says that the request is at its end.
	ErrEnded = errors.New("the request has ended")
	// ErrTooLarge says that the request does not fit the log as one commit. Nothing was stored.
	ErrTooLarge = errors.New("the request is too large")
	// ErrErased says that the content of the request was erased.
	ErrErased = errors.New("the content was erased")
)

// An InvalidError lists what makes a body impossible to understand. Nothing was stored.
type InvalidError struct{ Fields []request.FieldError }

// Error counts the problems; it quotes nothing of the body.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("the request has %d fields that cannot be understood", len(e.Fields))
}

// A Log is the stream of requests. Implementations are safe for concurrent use and wrap [ErrUnavailable].
type Log interface {
	// Append stores a decision, expecting the head of the request's log (0: none), and fails with [ErrConflict] when that is another.
	Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (seq uint64, err error)
	// History reads the whole log of a request, complete at the moment of the call; it is empty where there is no request.
	History(ctx context.Context, ref request.Ref) ([]request.Stored, error)
}

// Keys are made ahead of time, so that a request waits for one append and not for two. Implementations are safe for concurrent use.
type Keys interface {
	// Take gives the scope of a key that is stored and that nobody else is given, ever.
	Take(ctx context.Context) (scope string, err error)
	// Return gives one back under which nothing was stored.
	Return(scope string)
}

// A Sealer is the part of the vault that intake needs.
type Sealer interface {
	Seal(ctx context.Context, scope, eventID string, plain []byte) ([]byte, error)
	Open(ctx context.Context, scope, eventID string, sealed []byte) ([]byte, error)
}
