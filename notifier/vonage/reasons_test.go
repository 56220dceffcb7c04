package vonage

import (
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func TestEachCodeThatIsForGoodSaysWhyToWhoeverHasTheTelephone(t *testing.T) {
	for prefix, table := range map[string]map[string]request.FailureKind{"sms_": refusals, "dlr_": receipts, "": details} {
		for code, kind := range table {
			why := notifier.WhyFailed("vonage", prefix+code)
			if (kind == request.FailedForGood) == (why == request.WhyRefused) {
				t.Errorf("%s%s is %s, and says %s", prefix, code, kind, why)
			}
		}
	}
	if why := notifier.WhyFailed("vonage", "dlr_9"); why != request.WhyOptedOut {
		t.Errorf("an opt-out is %s", why)
	}
}
