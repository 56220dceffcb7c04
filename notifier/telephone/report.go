package telephone

import (
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// ReportOf begins a report of the attempt whose reference and id stood in an address. ok is false when they cannot be those of one.
func ReportOf(provider, ref, attempt string) (r notifier.Report, ok bool) {
	parsed, err := request.ParseRef(ref)
	_, isAttempt := request.PageOfAttempt(attempt)
	return notifier.Report{Ref: parsed, Attempt: attempt, Provider: provider}, err == nil && isAttempt
}

// KindOfLoss is what the meaning of a code comes to for a text or call that was taken and then lost, by the kind that the provider's table
// gives the code: it is over for it, whatever the code, and the page goes on over the next contact.
func KindOfLoss(kind request.FailureKind, known bool) request.FailureKind {
	if !known || kind.Retryable() {
		return request.FailedCarrier
	}
	return kind
}
