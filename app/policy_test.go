package app

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/config"
)

func TestThePolicyTakesWhatIsConfiguredAboutAcknowledgements(t *testing.T) {
	for _, tc := range []struct {
		in           config.Policy
		lapse, undo  time.Duration
		wantTheError bool
	}{
		{config.Policy{}, 0, time.Minute, false},
		{config.Policy{AckLapse: 15 * time.Minute, UndoWindow: 30 * time.Second}, 15 * time.Minute, 30 * time.Second, false},
		{config.Policy{AckLapse: -time.Second}, -time.Second, time.Minute, true},
	} {
		p, err := policyOf(tc.in, 0)
		if p.AckLapse != tc.lapse || p.UndoWindow != tc.undo || (err != nil) != tc.wantTheError {
			t.Errorf("%+v: lapse %s, undo %s, %v", tc.in, p.AckLapse, p.UndoWindow, err)
		}
	}
}
