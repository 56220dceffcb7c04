package scenario_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// On the peer the 201st open alert of a service is refused, and unrelated ones wait behind the storm.
func TestNothingIsRefusedForVolumeAloneAndAnEmergencyOvertakesIt(t *testing.T) {
	storm := 8000
	if testing.Short() || underRace {
		storm = 800
		t.Logf("scaled down: a storm of %d", storm)
	}
	l := startLine(t)
	statuses := make([]atomic.Int64, 600)
	var first atomic.Pointer[string]
	var clients sync.WaitGroup
	begin := time.Now()
	for range 16 {
		clients.Go(func() {
			for range storm / 16 {
				status, data := l.call(http.MethodPost, "/api/v1/requests", l.started.Tokens.Sender, `{"type":"preservation","urgency":"urgent","facts":"a storm"}`)
				statuses[status].Add(1)
				var receipt request.Receipt
				if json.Unmarshal(data, &receipt) == nil {
					first.CompareAndSwap(nil, &receipt.Reference)
				}
			}
		})
	}
	clients.Wait()
	accepted := statuses[http.StatusAccepted].Load()
	t.Logf("%d of %d accepted in %s", accepted, storm, time.Since(begin).Round(time.Millisecond))
	if accepted != int64(storm) {
		t.Errorf("%d of %d accepted", accepted, storm)
	}
	var emergencies []request.Ref
	for range 8 {
		emergencies = append(emergencies, l.raise(map[string]any{"type": "emergency_disclosure", "urgency": "emergency", "facts": "a life"}))
	}
	for _, ref := range emergencies {
		l.until("the text of an emergency", func() bool { return l.texts(ada, ref) > 0 && l.texts(bruno, ref) > 0 })
	}
	phone, _ := l.sim.Phone(ada)
	t.Logf("the officer has %d texts, all emergencies among them", phone.Total)
	if phone.Total > storm/2+8 && !underRace {
		t.Errorf("the emergencies stood behind %d of %d texts", phone.Total, storm)
	}
}
