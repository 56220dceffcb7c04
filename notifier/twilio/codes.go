package twilio

import (
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/request"
)

// kinds says what an error code of the vendor means for a page (https://www.twilio.com/docs/api/errors).
var kinds = table(map[request.FailureKind][]int{
	// Our own configuration: nobody can be reached until somebody mends it.
	request.FailedConfig: {20003, 20005, 10001, 21205, 21210, 21212, 21606, 21608, 21219, 21703, 30002, 30032, 30034, 30035},
	// This contact cannot be reached this way: the number, an opt-out, a country that is not enabled.
	request.FailedForGood: {
		21211, 21214, 21217, 21610, 21612, 21614, 21635, 30004, 30005, 30006, 21408, 21215, 13227, 21216, 13223, 13224, 13225, 13226, 32224,
	},
	// Not processed: too many calls, a queue that is full.
	request.FailedForNow: {20429, 21611, 30001, 10004},
	// Perhaps processed.
	request.FailedUnknown: {20500, 20503},
	// It waited too long at the provider.
	request.FailedExpired: {30036, 22005},
	// The carrier gave it up.
	request.FailedCarrier: {30003, 30007, 30008, 30017, 30022, 30023, 30027, 30410},
})

func table(lists map[request.FailureKind][]int) map[int]request.FailureKind {
	all := map[int]request.FailureKind{}
	for kind, codes := range lists {
		for _, code := range codes {
			all[code] = kind
		}
	}
	return all
}

// kindOf is what a code means. A refusal that is not in the table concerns what we sent: an operator must look.
func kindOf(code int) request.FailureKind {
	if kind, ok := kinds[code]; ok {
		return kind
	}
	return request.FailedConfig
}

// kindOfLoss is what the code of a text or call that was taken and then lost means.
func kindOfLoss(code int) request.FailureKind {
	kind, known := kinds[code]
	return telephone.KindOfLoss(kind, known)
}
