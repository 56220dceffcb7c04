package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// AfterLookUp decides what the answer to a look-up means: send the page all the same, or, when send is false, append these events. An
// attempt that is found has arrived and the new one is superseded. A look-up that fails is repeated, until the call says to send anyway.
func (c Call) AfterLookUp(o notifier.Outcome, now time.Time) (events []request.Event, send bool) {
	switch o := o.(type) {
	case notifier.Accepted:
		found := c.body()
		found.Attempt, found.ProviderID = c.Earlier, o.ProviderID
		events = append(events, request.NewEvent(request.AttemptSent, found))
		if c.Earlier != c.Message.Attempt {
			superseded := c.body()
			superseded.Failure, superseded.Earlier = request.FailedDuplicate, c.Earlier
			events = append(events, request.NewEvent(request.AttemptFailed, superseded))
		}
		return events, false
	case notifier.NotFound:
		return nil, true
	}
	if c.SendAnyway {
		return nil, true
	}
	failed, _ := o.(notifier.Failed)
	body := c.body()
	body.Code, body.RetryAt = failed.Code, c.retryAt(now, failed.RetryAfter)
	body.Failure = request.FailedForNow // nothing was sent …
	if c.Earlier == c.Message.Attempt {
		body.Failure = request.FailedUnknown // … except perhaps by the call that is being taken over
	}
	return []request.Event{request.NewEvent(request.AttemptFailed, body)}, false
}

// AfterSend gives the event of what came of handing the page over.
func (c Call) AfterSend(o notifier.Outcome, now time.Time) []request.Event {
	body := c.body()
	switch o := o.(type) {
	case notifier.Accepted:
		body.ProviderID = o.ProviderID
		return []request.Event{request.NewEvent(request.AttemptSent, body)}
	case notifier.Failed:
		body.Failure, body.Code = o.Kind, o.Code
		if o.Kind.Retryable() {
			body.RetryAt = c.retryAt(now, o.RetryAfter)
		}
	default: // an outcome that says nothing is one that nobody knows
		body.Failure, body.RetryAt = request.FailedUnknown, c.retryAt(now, 0)
	}
	return []request.Event{request.NewEvent(request.AttemptFailed, body)}
}

func (c Call) body() request.AttemptBody {
	return request.AttemptBody{Page: c.Message.Page, Attempt: c.Message.Attempt, Provider: c.Provider}
}

// retryAt doubles the pause with every attempt, and respects what the provider asked for.
func (c Call) retryAt(now time.Time, asked time.Duration) request.Instant {
	pause := firstRetry
	for n := 1; n < c.Tries && pause < lastRetry; n++ {
		pause *= 2
	}
	return request.At(now.Add(max(min(pause, lastRetry), asked)))
}
