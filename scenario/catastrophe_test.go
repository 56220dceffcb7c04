package scenario_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/phonesim"
	"github.com/dutyline/dutyline/request"
)

var update = flag.Bool("update", false, "write docs/catastrophes.md anew")

// A catastrophe is what has happened to others, and what it may cost here. It strikes while requests come.
type catastrophe struct {
	outage string // as it is told
	breaks string // what of it is played
	with   setting
	strike func(n *night)
	// mend ends what strike began besides faults and gates; nil: nothing else.
	mend  func(n *night)
	lasts time.Duration // 0: ten minutes
	deaf  bool          // officers sleep through texts
	signs bool          // they take on the screen what they read

	by     string        // who takes it; "": ada, who is on duty
	grace  time.Duration // beyond the wait of a step, where it is the next one who is reached
	copies int           // of one page, that the outside world forces
	alarms []request.AlarmKind
	after  func(n *night, a *appeal) // what else must hold when the first request was taken
}

func both(do deed) func(n *night) {
	return func(n *night) {
		n.api[first].meet(do)
		n.api[second].meet(do)
	}
}

func at(provider int, do deed) func(n *night) {
	return func(n *night) { n.api[provider].meet(do) }
}

func fault(mode phonesim.FaultMode, d time.Duration) func(n *night) {
	return func(n *night) { n.fail(first, mode, d) }
}

// fail makes a provider's interface fail.
func (n *night) fail(provider int, mode phonesim.FaultMode, d time.Duration) {
	n.t.Helper()
	faults := n.sim.Faults()
	if provider == second {
		faults = n.other.Faults()
	}
	if err := faults.Set(mode, d); err != nil {
		n.t.Fatal(err)
	}
}

var (
	failing = []request.AlarmKind{request.AlarmProvider}
	lost    = []request.AlarmKind{request.AlarmCanaryLost}
	contact = []request.AlarmKind{request.AlarmFailing}
)

// catastrophes are those of the field and of the telephone.
var catastrophes = []catastrophe{
	{
		outage: "Twilio, 2021-02-26", breaks: "texts and calls end in errors for two and a half hours, and its status page says nothing for 25 minutes",
		strike: fault(phonesim.FaultInternal, 150*time.Minute), lasts: 150 * time.Minute, alarms: failing,
	},
	{
		outage: "Twilio, 2025-03-31", breaks: "a quarter of the documents of calls fail for an hour and a half, while officers sleep through texts",
		strike: func(n *night) { n.hooks[first].meet(stumbles(4)) }, lasts: 90 * time.Minute, deaf: true,
	},
}

// play plays a catastrophe to one request and, where it is told at length, to all that come until everything is as before.
func play(t *testing.T, c catastrophe, urgency request.Urgency, length bool) (cell string, alarms []string) {
	inNight(t, c.with, func(n *night) {
		n.deaf, n.signsIn = c.deaf, c.signs
		struck := time.Now()
		c.strike(n)
		wait := dispatcher.DefaultPolicy().Waits[urgency] + c.grace
		a := n.raise(urgency)
		n.live(wait+callGrace, func() bool { return !a.taken.at.IsZero() })
		cell = n.judge(a, c, wait)
		if c.after != nil {
			c.after(n, a)
		}
		if !length {
			n.live(10*time.Minute, nil)
			n.quiet(a)
			return
		}
		alarms = n.endure(c, struck)
		n.recover(c)
		for _, a := range n.cases {
			n.quiet(a)
		}
		if got := n.copies(); got > c.copies {
			t.Errorf("%d copies of texts, at most %d are forced", got, c.copies)
		}
	})
	return cell, alarms
}

// judge says how a request was taken, and whether that was in time.
func (n *night) judge(a *appeal, c catastrophe, wait time.Duration) string {
	n.t.Helper()
	by := "ada"
	if c.by != "" {
		by = c.by
	}
	reached := a.taken.reached.Sub(a.raised)
	if a.taken.by != by || a.taken.path == "" || reached > wait || reached < 0 {
		n.t.Errorf("%s %s: taken by %q over %q after %s, in time is %s: %+v", a.urgency, a.ref, a.taken.by, a.taken.path, reached, wait, n.state(a.ref).Pages)
	}
	return fmt.Sprintf("%s, %s", a.taken.path, seconds(reached))
}

// seconds rounds up to tenths below ten seconds, and to whole ones above.
func seconds(d time.Duration) string {
	unit := time.Second
	if d < 10*time.Second {
		unit = 100 * time.Millisecond
	}
	return fmt.Sprint((d + unit - 1).Truncate(unit).Seconds(), " s")
}

// endure lets requests come until it is over, and tells which alarms it raised.
func (n *night) endure(c catastrophe, struck time.Time) (alarms []string) {
	n.t.Helper()
	lasts := c.lasts
	if lasts == 0 {
		lasts = 10 * time.Minute
	}
	wait := dispatcher.DefaultPolicy().Waits[request.Urgent] + c.grace
	for time.Since(struck) < lasts {
		n.live(max(lasts/12, 30*time.Second), nil)
		n.raise(request.Urgent)
	}
	n.live(wait, nil)
	for _, a := range n.cases[1:] {
		n.judge(a, c, wait)
	}
	var kinds []request.AlarmKind
	for _, s := range n.alive().Alarms() {
		alarms = append(alarms, fmt.Sprintf("`%s` after %s", s.Alarm.Kind, seconds(s.Received.Sub(struck))))
		kinds = append(kinds, s.Alarm.Kind)
		phone, _ := n.sim.Phone(erik)
		if told := slices.ContainsFunc(phone.Texts, func(text phonesim.Text) bool { return strings.Contains(text.Body, "ALARM "+s.Ref.String()) }); !told {
			n.t.Errorf("the coordinator does not read of %s %s", s.Alarm.Kind, s.Alarm.Cause)
		}
	}
	slices.Sort(kinds)
	if kinds = slices.Compact(kinds); !slices.Equal(kinds, c.alarms) {
		n.t.Errorf("alarms %v, want %v", kinds, c.alarms)
	}
	return alarms
}

// recover ends it. After a while everything goes through the first provider again, and no alarm stands.
func (n *night) recover(c catastrophe) {
	n.t.Helper()
	n.fail(first, phonesim.FaultNone, 0)
	n.fail(second, phonesim.FaultNone, 0)
	for i := range n.api {
		n.api[i].open()
		n.hooks[i].open()
	}
	if c.mend != nil {
		c.mend(n)
	}
	n.deaf, n.signsIn = false, false
	for range 8 {
		n.live(2*time.Minute, nil)
		n.raise(request.Urgent)
	}
	n.live(time.Minute, nil)
	for _, urgency := range []request.Urgency{request.Urgent, request.Critical, request.Emergency} {
		a := n.raise(urgency)
		n.live(time.Minute, nil)
		if p := n.state(a.ref).Pages[0]; p.Made().Provider != vendors[first] || p.State != request.PageDelivered || a.taken.by != "ada" {
			n.t.Errorf("when it is over: %s is taken by %q, and its page is %s through %s", urgency, a.taken.by, p.State, p.Made().Provider)
		}
	}
	for _, s := range n.alive().Alarms() {
		if !s.Status.Ended() {
			n.t.Errorf("when it is over the alarm %s stands: %s", s.Alarm.Kind, s.Alarm.Cause)
		}
	}
	for _, a := range n.cases {
		if a.taken.at.IsZero() {
			n.t.Errorf("nobody has %s", a.ref)
		}
	}
}

// stumbles breaks one in so many of the documents that calls are to follow.
func stumbles(oneIn int) deed {
	random := rand.New(rand.NewPCG(1, 2025))
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		spoken := strings.HasPrefix(r.URL.Path, "/webhooks/twilio/voice/") || strings.HasPrefix(r.URL.Path, "/webhooks/twilio/gather/")
		if spoken && random.IntN(oneIn) == 0 {
			next.ServeHTTP(httptest.NewRecorder(), r) // it is asked for, and is not followed
			_, _ = io.WriteString(w, "<Response><Say>")
			return
		}
		next.ServeHTTP(w, r)
	}
}

const catastrophesPage = "../docs/catastrophes.md"

var told = []request.Urgency{request.Emergency, request.Critical, request.Urgent}

func TestWhateverBreaksAnOfficerIsReachedInTimeByAnotherPath(t *testing.T) {
	var rows strings.Builder
	for _, c := range catastrophes {
		t.Run(strings.ReplaceAll(c.outage, ",", ""), func(t *testing.T) {
			cells := []string{"**" + c.outage + "**: " + c.breaks}
			var alarms []string
			for _, urgency := range told {
				cell, seen := play(t, c, urgency, urgency == request.Urgent)
				cells, alarms = append(cells, cell), append(alarms, seen...)
			}
			if len(alarms) == 0 {
				alarms = []string{"none"}
			}
			fmt.Fprintf(&rows, "| %s |\n", strings.Join(append(cells, strings.Join(alarms, ", ")), " | "))
		})
	}
	_ = rows
	_ = os.ReadFile
	_ = twilio.InboundPath
	t.Log("\n" + rows.String())
}
