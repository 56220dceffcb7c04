package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrConflict says that the head of the subject was not the expected one: somebody else appended first. Nothing was stored.
	ErrConflict = errors.New("the log has moved on")
	// ErrUnavailable says that no acknowledgement came: the server is unreachable, has no quorum, or is shutting down. Whether the entry
	// is stored is unknown.
	ErrUnavailable = errors.New("the event log is not available")
	// ErrTooLarge says that the server does not take an entry of this size. Nothing was stored.
	ErrTooLarge = errors.New("the entry is too large for the event log")
	// ErrLocked says that another server works in the data directory.
	ErrLocked = errors.New("the data directory is in use")
)

// Error codes of JetStream that nats.go does not name.
const (
	codeWrongLastSequence = 10071
	codeNotFound          = 10037 // no message found
	codeInProcess         = 10158 // an append with this id is being replicated
	codeReplication       = 10163 // the expected sequence is being replicated
	codeConcurrent        = 10164 // the expected sequence has a concurrent append
)

// verdict is what an error of the server means for an append.
type verdict int

const (
	again   verdict = iota // nobody knows, or not now: repeat with the same id and expectation
	moved                  // the expected head is not the head
	refused                // it will never be taken
)

// judge sorts the errors of a publish. Everything that is not known to be final is tried again until the context ends.
func judge(err error) (verdict, error) {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api):
		switch api.ErrorCode {
		case codeWrongLastSequence:
			return moved, ErrConflict
		case codeInProcess, codeReplication, codeConcurrent:
			return again, err
		case 10054: // message size exceeds maximum allowed
			return refused, fmt.Errorf("%w: %w", ErrTooLarge, err)
		}
		if api.Code >= 500 || api.Code == 408 {
			return again, err
		}
		return refused, err
	case errors.Is(err, nats.ErrMaxPayload):
		return refused, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrAuthorization):
		return refused, unavailable(err)
	default:
		return again, err
	}
}

// unavailable wraps what kept an answer from coming.
func unavailable(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// notFound reports whether a read found nothing, which is an answer and not a failure.
func notFound(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrMsgNotFound) || (errors.As(err, &api) && api.ErrorCode == codeNotFound)
}

// readError is the error of a read: the caller's own end stays visible.
func readError(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, unavailable(ctx.Err()))
	}
	return fmt.Errorf("%s: %w", what, unavailable(err))
}
