package twilio

import (
	"strconv"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func TestEachCodeThatIsForGoodSaysWhyToWhoeverHasTheTelephone(t *testing.T) {
	for code, kind := range kinds {
		why := notifier.WhyFailed("twilio", strconv.Itoa(code))
		if (kind == request.FailedForGood) == (why == request.WhyRefused) {
			t.Errorf("%d is %s, and says %s", code, kind, why)
		}
	}
	if why := notifier.WhyFailed("twilio", "21610"); why != request.WhyOptedOut {
		t.Errorf("an opt-out is %s", why)
	}
}
