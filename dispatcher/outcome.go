package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// A backoff is the pause before the next attempt of a page: first, and doubled with every attempt, up to last.
type backoff struct {
	first, last time.Duration
	// chance is how long before the page expires it is tried once more, when the next attempt would come after that; 0: it is not.
	chance time.Duration
}

// ofPeople is how often people are tried: they are waited for.
var ofPeople = backoff{first: time.Second, last: 15 * time.Second}

// backoffs are those of other media. A sender's receiver that is down for a weekend must cost neither it nor the log much. Do not modify.
var backoffs = map[string]backoff{
	SenderMedium: {first: 5 * time.Second, last: 4 * time.Hour, chance: time.Minute},
	// A server that does not know us yet wants to be asked again after some minutes.
	notifier.MediumEmail: {first: 5 * time.Second, last: time.Minute},
	notifier.MediumHook:  {first: 5 * time.Second, last: time.Minute},
}

// NoAddress is what comes of a page that nobody can hand over: the contact has left the roster, or the provider the configuration. It says nothing
// of the contact.
var NoAddress = notifier.Failed{Kind: request.FailedForGood, Code: "no_address"}

// AfterLookUp decides what the answer to a look-up means: send the page all the same, or, when send is false, append these events. An
// attempt that is found has arrived and the new one is superseded. A look-up that fails is repeated, until the call says to send anyway. What
// is not there and whose time is over is not sent any more: the page is recorded as expired.
func (c Call) AfterLookUp(o notifier.Outcome, now time.Time) (events []request.Event, send bool) {
	switch o := o.(type) {
	case notifier.Accepted:
		found := c.body()
		found.Attempt, found.Provider, found.ProviderID = c.Earlier, c.EarlierBy, o.ProviderID
		events = append(events, request.NewEvent(request.AttemptSent, found))
		if c.Earlier != c.Message.Attempt {
			superseded := c.body()
			superseded.Failure, superseded.Earlier = request.FailedDuplicate, c.Earlier
			events = append(events, request.NewEvent(request.AttemptFailed, superseded))
		}
		return events, false
	case notifier.NotFound:
		return c.sendInTime(now)
	}
	if c.SendAnyway {
		return c.sendInTime(now)
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

// sendInTime sends the page, unless its time is over: then nothing was sent, and the plan expires it.
func (c Call) sendInTime(now time.Time) (events []request.Event, send bool) {
	if c.Message.Expires.IsZero() || now.Before(c.Message.Expires) {
		return nil, true
	}
	body := c.body()
	body.Failure, body.Code, body.RetryAt = request.FailedForNow, "late", request.At(now)
	return []request.Event{request.NewEvent(request.AttemptFailed, body)}, false
}

// AfterSend gives the event of what came of handing the page over.
func (c Call) AfterSend(o notifier.Outcome, now time.Time) []request.Event {
	body := c.body()
	switch o := o.(type) {
	case notifier.Accepted:
		body.ProviderID = o.ProviderID
		if !o.Delivered {
			return []request.Event{request.NewEvent(request.AttemptSent, body)}
		}
		events := []request.Event{request.NewEvent(request.AttemptDelivered, body)}
		if c.Recipient == request.ToSender {
			events = append(events, request.NewEvent(request.SenderNotified, request.SenderNotifiedBody{Page: body.Page, About: string(c.Message.About)}))
		}
		return events
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

// retryAt is when to try again, not before what the provider asked for.
func (c Call) retryAt(now time.Time, asked time.Duration) request.Instant {
	b, ok := backoffs[c.Medium]
	if !ok {
		b = ofPeople
	}
	pause := b.first
	for n := 1; n < c.Tries && pause < b.last; n++ {
		pause *= 2
	}
	at := now.Add(max(min(pause, b.last), asked))
	if last := c.Message.Expires.Add(-b.chance); b.chance > 0 && at.After(last) && now.Before(last) {
		at = last
	}
	return request.At(at)
}
