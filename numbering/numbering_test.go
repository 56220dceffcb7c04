package numbering_test

import (
	"strings"
	"testing"

	"github.com/dutyline/dutyline/numbering"
)

func TestOnlyNumbersThatSomebodyCanHaveAndThatCostWhatCallsCostAreContacts(t *testing.T) {
	for number, says := range map[string]string{
		"+15005550101":   "", // kept for trying out
		"+33612345678":   "", // mobile
		"+33199001234":   "", // fixed
		"+491701234567":  "",
		"+493012345678":  "",
		"+2348012345678": "",
		"+8613912345678": "",
		"+971501234567":  "",
		"+37251234567":   "",
		"+18005551234":   "", // toll free: a switchboard may be one
		"+447700900123":  "", // not assigned, and could be

		"+12":            "No country",
		"+999123456789":  "No country",
		"+1900555123":    "another length",
		"+53512345678":   "another length",
		"+19005551234":   "premium rate",
		"+33899123456":   "premium rate",
		"+449091234567":  "premium rate",
		"+447012345678":  "personal number",
		"+870773111111":  "no country but",
		"+881612345678":  "no country but",
		"+8821612345678": "no country but",
		"+88312345678":   "no country but",
		"+979123456789":  "no country but",
	} {
		trouble, ok := numbering.Check(number, nil)
		if ok != (says == "") || !strings.Contains(trouble.Detail, says) || (trouble.Fix == "") != ok {
			t.Errorf("%s: %t %+v, want %q", number, ok, trouble, says)
		}
		if strings.Contains(trouble.Detail+trouble.Fix, number[1:]) {
			t.Errorf("%s is quoted", number)
		}
	}
}

func TestAnOperatorCanAllowWhatIsRefused(t *testing.T) {
	allowed := []string{"+8816", "+4470"}
	for number, want := range map[string]bool{"+881612345678": true, "+881712345678": false, "+447012345678": true, "+449091234567": false, "+12": false} {
		if _, ok := numbering.Check(number, allowed); ok != want {
			t.Errorf("%s: %t", number, ok)
		}
	}
}
