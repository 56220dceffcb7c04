package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/client"
)

// The exit statuses (CONTRACT: EXIT).
const (
	exitDone        = 0
	exitFailed      = 1 // it did not happen
	exitUsage       = 2 // of the call or of the configuration
	exitRefused     = 3 // by the server
	exitUnavailable = 4 // now; the same call can succeed later
)

// A usageError says that a command was called, or is configured, in a way that cannot work.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

// Unwrap gives what is wrong.
func (e *usageError) Unwrap() error { return e.err }

// usage makes a usage error.
func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errNotHealthy says that a part of the server does not work; the result has said which.
var errNotHealthy = errors.New("the server is not well")

// hinted is an error with what to do next.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }

// Unwrap gives the error alone.
func (e *hinted) Unwrap() error { return e.err }

// statusOf maps an error to the exit status.
func statusOf(err error) int {
	if err == nil {
		return exitDone
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errInterrupted):
		return exitFailed
	case client.Refused(err):
		return exitRefused
	case client.Unavailable(err), errors.Is(err, errNotHealthy), errors.Is(err, app.ErrUnavailable):
		return exitUnavailable
	case errors.Is(err, client.ErrAddress), errors.Is(err, app.ErrConfiguration):
		return exitUsage
	default:
		return exitFailed
	}
}

// finish tells the person at the console about an error and gives the exit status.
func (c *console) finish(err error) int {
	status := statusOf(err)
	if err == nil {
		return status
	}
	_, _ = fmt.Fprintln(c.err, "dutyline: "+describe(err))
	if h, ok := errors.AsType[*hinted](err); ok && h.hint != "" {
		_, _ = fmt.Fprintln(c.err, h.hint)
	}
	return status
}

// describe writes an error for people: of a problem its title, its detail, and each field with what to do.
func describe(err error) string {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return describeProblem(p)
	}
	if errors.Is(err, context.Canceled) {
		return errInterrupted.Error()
	}
	if wrong, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("the server cannot be reached: %s\nCheck the address (--url, DUTYLINE_URL, client.json) and that the server runs, then repeat.", printable(wrong.Err.Error()))
	}
	return err.Error()
}

func describeProblem(p *client.Problem) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%d %s)", printable(p.Title), p.Status, printable(p.Code))
	if p.Detail != "" {
		fmt.Fprintf(&out, "\n%s", printable(p.Detail))
	}
	for _, e := range p.Errors {
		field := printable(e.Field)
		if field == "" {
			field = "/"
		}
		fmt.Fprintf(&out, "\n  %s: %s", field, printable(e.Detail))
		if e.Fix != "" {
			fmt.Fprintf(&out, "\n    %s", printable(e.Fix))
		}
	}
	if p.RetryAfter > 0 {
		fmt.Fprintf(&out, "\nRepeat in %s.", p.RetryAfter)
	}
	return out.String()
}
