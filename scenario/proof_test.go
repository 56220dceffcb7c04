package scenario_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestAnAnswerOnThePhoneVerifiesIt(t *testing.T) {
	l := startLine(t)
	coordinator := l.started.Tokens.Coordinator
	var status int
	var data []byte
	l.until("the order", func() bool { // the node may still be reading
		status, data = l.call(http.MethodPost, "/api/v1/people/ada/test-page", coordinator, `{"now": true}`)
		return status != http.StatusServiceUnavailable
	})
	var page struct{ Reference, State string }
	if err := json.Unmarshal(data, &page); err != nil || status != http.StatusAccepted {
		t.Fatalf("%d %s", status, data)
	}
	l.until("the test", func() bool { return strings.Contains(l.phone(ada), page.Reference) })
	words := regexp.MustCompile(`Dutyline TEST ` + page.Reference + `\. No case is waiting\. Reply (\d{6}) `).FindStringSubmatch(l.phone(ada))
	if words == nil {
		t.Fatalf("the phone reads %q", l.phone(ada))
	}
	if _, err := l.sim.Reply(ada, words[1]); err != nil {
		t.Fatal(err)
	}
	l.until("the thanks", func() bool {
		return strings.Contains(l.phone(ada), page.Reference+": thank you. This telephone is verified for 90 days.")
	})
	show := func() string {
		_, data := l.call(http.MethodGet, "/api/v1/people/ada/test-page/"+page.Reference, coordinator, nil)
		return string(data)
	}
	l.until("the end", func() bool { return strings.Contains(show(), `"state":"verified"`) })
	if got := show(); !strings.Contains(got, `"state":"acknowledged"`) || !strings.Contains(got, `"via":"code"`) {
		t.Errorf("shown as %s", got)
	}
	if _, data := l.call(http.MethodGet, "/api/v1/roster/history", coordinator, nil); !strings.Contains(string(data), `"actor":{"kind":"officer","id":"ada"},"reason":"verified by a test page"`) {
		t.Errorf("history %s", data)
	}
	if _, data := l.call(http.MethodGet, "/api/v1/roster/readiness", coordinator, nil); !strings.Contains(string(data), `"verified_until":"`) {
		t.Errorf("readiness %s", data)
	}
}
