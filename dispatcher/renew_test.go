package dispatcher_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// renewing is a world in which ada's telephones were verified at a moment, with a machine that wants test pages; none is ever answered.
func renewing(t testing.TB, verified time.Time, zone string) (*world, *dispatcher.Machine) {
	w := newWorld(t)
	w.book.People = slices.Clone(w.book.People)
	p := &w.book.People[0]
	p.TimeZone = zone
	p.Contacts = []roster.Contact{
		{ID: "mobile", Channel: "sms", Address: "+15005550101", Verified: true, Tested: verified},
		{ID: "call", Channel: "voice", Address: "+15005550101", Verified: true, Tested: verified},
		{ID: "desk", Channel: "voice", Address: "+15005550151", Verified: true, Tested: verified},
		{ID: "old", Channel: "sms", Address: "+15005550152", Verified: true},
		{ID: "new", Channel: "sms", Address: "+15005550153"},
	}
	lane := func(notifier.Phone) string { return "+15005550000" }
	m := dispatcher.NewMachine(dispatcher.Options{
		Node: "n1", Policy: w.policy, Providers: []dispatcher.Provider{{Name: "twilio", Medium: "sms", Lane: lane}, {Name: "twilio", Medium: "voice", Lane: lane}},
		Mark: func(cause, contact, address string) string { return cause + contact + address },
	})
	n := &node{name: "n1", machine: m}
	w.step(n, dispatcher.RosterChanged{Roster: w.compiled()})
	w.step(n, dispatcher.Ready{})
	return w, m
}

// renewals lists the test pages that are wanted over a span, looked at every so often, as contact@time.
func renewals(m *dispatcher.Machine, from, until time.Time, every time.Duration) (causes map[string][]time.Time) {
	causes = map[string][]time.Time{}
	for at := from; at.Before(until); at = at.Add(every) {
		for _, b := range m.Wanted(at) {
			if b.Kind == request.OpsTest {
				causes[b.Cause] = append(causes[b.Cause], at)
			}
		}
	}
	return causes
}

func TestAVerificationThatEndsIsRenewedByDayTwiceAtMost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		verified := time.Date(2026, 1, 5, 0, rapid.IntRange(0, 10*24*60).Draw(rt, "minute"), 0, 0, time.UTC)
		zone := rapid.SampledFrom([]string{"UTC", "Pacific/Auckland", "America/Bogota", "Asia/Kathmandu"}).Draw(rt, "zone")
		_, m := renewing(t, verified, zone)
		end := verified.Add(roster.VerificationLife)
		home, _ := time.LoadLocation(zone)
		causes := renewals(m, end.AddDate(0, 0, -20), end.AddDate(0, 0, 3), 30*time.Minute)
		if len(causes) != 4 {
			rt.Fatalf("%d causes: %v", len(causes), causes)
		}
		for _, contact := range []string{"mobile", "desk"} {
			first, again := []time.Time{}, []time.Time{}
			for cause, times := range causes {
				if strings.HasPrefix(cause, "ada "+contact+" verified ") && strings.HasSuffix(cause, "1") {
					first = times
				} else if strings.HasPrefix(cause, "ada "+contact+" verified ") {
					again = times
				}
			}
			if len(first) == 0 || len(again) == 0 {
				rt.Fatalf("%s: %v", contact, causes)
			}
			for _, at := range slices.Concat(first, again) {
				if hour := at.In(home).Hour(); hour < 10 || hour >= 18 || at.Before(end.Add(-roster.VerifyAgain)) || !at.Before(end) {
					rt.Errorf("%s: at %s, and it ends at %s", contact, at.In(home), end.In(home))
				}
			}
			if again[0].Sub(first[len(first)-1]) < 7*24*time.Hour {
				rt.Errorf("%s: at %s and %s", contact, first[len(first)-1], again[0])
			}
		}
	})
}

func TestNoVerificationIsRenewedOfWhoHasNoDutyAndNoneTwice(t *testing.T) {
	verified := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	due := verified.Add(roster.VerificationLife - roster.VerifyAgain + 23*time.Hour)
	w, m := renewing(t, verified, "")
	wanted := m.Wanted(due)
	tests := slices.DeleteFunc(slices.Clone(wanted), func(b request.MatterBody) bool { return b.Kind != request.OpsTest })
	if len(tests) != 2 || len(tests[0].Contacts) != 1 || tests[0].Contacts[0].Contact != "mobile" || tests[1].Contacts[0].Contact != "desk" || tests[0].Contacts[0].Mark == "" {
		t.Fatalf("%+v", tests)
	}
	ref, _ := request.NewOpsRef([]byte(request.FactID(tests[0].Cause)))
	c := request.NewState(ref).Decide(due, "n2", request.Actor{Kind: request.BySystem}, dispatcher.RaiseMatter(tests[0]))
	if _, _, err := m.Step(due, dispatcher.Committed{Ref: ref, Seq: 1, Data: encode(t, c)}); err != nil {
		t.Fatal(err)
	}
	if again := m.Wanted(due.Add(time.Hour)); slices.ContainsFunc(again, func(b request.MatterBody) bool { return b.Cause == tests[0].Cause }) {
		t.Error("it is wanted although it is on its way")
	}
	w.book.Rosters[0].Layers[0].Rotation.Turns = [][]string{{"bruno"}}
	w.book.Revision++
	if _, _, err := m.Step(due, dispatcher.RosterChanged{Roster: w.compiled()}); err != nil {
		t.Fatal(err)
	}
	for _, b := range m.Wanted(due.Add(time.Hour)) {
		if b.Kind == request.OpsTest {
			t.Errorf("who has no duty: %+v", b)
		}
	}
}
