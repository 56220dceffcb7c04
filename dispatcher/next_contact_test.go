package dispatcher_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A page through the other provider stands beside a contact that failed, and keeps nobody from the contact after the next.
func TestEachContactThatFailsIsFollowedByTheNextWhateverGoesThroughTheOtherProvider(t *testing.T) {
	for _, u := range []request.Urgency{request.Emergency, request.Critical, request.Urgent} {
		w := newTwoPathWorld(t)
		w.voice = false
		w.policy.Levels = [][]string{{"person:ada"}}
		w.book.People[0].Contacts = nil
		for _, id := range []string{"1", "2", "3"} {
			w.book.People[0].Contacts = append(w.book.People[0].Contacts, roster.Contact{ID: "c" + id, Channel: "sms", Address: "+1500555020" + id, Verified: true})
		}
		w.fails("twilio", 50*time.Millisecond, notifier.Failed{Kind: request.FailedForGood, Code: "21610"})
		w.start("n1")
		w.raise(1, u)
		w.run(5 * time.Second)
		asked := map[string]int{}
		for _, c := range w.calls {
			asked[c.Provider+string(c.Message.To[len(c.Message.To)-1:])]++
		}
		for _, contact := range []string{"1", "2", "3"} {
			if asked["twilio"+contact] != 1 || asked["vonage"+contact] != 1 {
				t.Errorf("%s: asked %v", u, asked)
				break
			}
		}
	}
}
