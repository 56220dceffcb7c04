package vonage_test

import (
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/request"
)

func TestTheAccountIsAskedWhetherItsCredentialsAreRight(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*vonage.Options)
		texts, calls bool // right
	}{
		"all right":           {func(*vonage.Options) {}, true, true},
		"another secret":      {func(o *vonage.Options) { o.APISecret = "another1" }, false, true},
		"another key":         {func(o *vonage.Options) { o.APIKey = "zyxw9876" }, false, true},
		"another application": {func(o *vonage.Options) { o.ApplicationID = "00000000-323d-0114-9c3d-d6f0d48968cf" }, true, false},
	} {
		w := newWorld(t, c.change, nil)
		texts, calls := w.client.Account(t.Context())
		if (texts == nil) != c.texts || (calls == nil) != c.calls {
			t.Errorf("%s: %v, %v", name, texts, calls)
		}
		for _, f := range []*notifier.Failed{texts, calls} {
			if f != nil && f.Kind != request.FailedConfig {
				t.Errorf("%s: %v", name, f)
			}
		}
		if len(w.sim.Texts())+len(w.sim.Calls()) > 0 {
			t.Errorf("%s: something was sent", name)
		}
	}
}
