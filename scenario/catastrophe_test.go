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
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
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

	by     string            // who takes it; "": ada, who is on duty
	grace  time.Duration     // beyond the wait of a step, where it is the next one who is reached
	within time.Duration     // where chance says which of text and call comes first: the longest that either takes; 0: it does not
	only   []request.Urgency // nil: told
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

// catastrophes are those of the field and of the telephone. The provider that is meant where none is named is the first.
var catastrophes = []catastrophe{
	{
		outage: "Twilio, 2021-02-26", breaks: "texts and calls end in errors for two and a half hours, and the status page says nothing for 25 minutes",
		strike: fault(phonesim.FaultInternal, 150*time.Minute), lasts: 150 * time.Minute, alarms: failing,
	},
	{
		outage: "Twilio, 2025-03-31", breaks: "a quarter of the documents of calls fail for an hour and a half, while officers sleep through texts",
		strike: func(n *night) { n.hooks[first].meet(stumbles(4)) }, lasts: 90 * time.Minute, deaf: true,
	},
	{
		outage: "Twilio, 2025-03-31, at its worst", breaks: "every document fails, and officers sleep through texts",
		strike: func(n *night) { n.hooks[first].meet(stumbles(1)) }, deaf: true,
	},
	{
		outage: "PagerDuty, 2025", breaks: "95 of 100 calls to the interface are turned away for 38 minutes",
		strike: at(first, turnsAway(20)), lasts: 38 * time.Minute, alarms: failing,
	},
	{
		outage: "Carriers confirm texts that never arrive", breaks: "every text is reported as delivered, and no telephone shows it",
		with: setting{canaries: true}, strike: func(n *night) { n.api[first].meet(n.fates("delivered", 0)) }, lasts: 40 * time.Minute, alarms: lost,
	},
	{
		outage: "A carrier sits on texts", breaks: "texts are sent, and nobody says anything more",
		with: setting{canaries: true}, strike: func(n *night) { n.api[first].meet(n.fates("sent", 0)) }, lasts: 40 * time.Minute, alarms: lost,
	},
	{outage: "503 for 90 s", breaks: "a load balancer answers in place of the provider", strike: fault(phonesim.FaultDown503, 90*time.Second)},
	{
		outage: "kill -9 with a send in flight", breaks: "the node dies before the provider has the text; another one is there",
		with: setting{nodes: 2}, strike: func(n *night) { n.api[first].meet(n.dies(false)) }, after: (*night).bereaved,
	},
	{
		outage: "kill -9 with a send that arrived", breaks: "the node dies when the provider has the text",
		with: setting{nodes: 2}, strike: func(n *night) { n.api[first].meet(n.dies(true)) }, after: (*night).bereaved,
	},
	{outage: "It took the text, and the answer is lost", breaks: "each order is carried out, and the connection breaks", strike: fault(phonesim.FaultLostAnswer, 0)},
	{outage: "The provider hangs", breaks: "no call to it comes back", strike: fault(phonesim.FaultHang, 0), alarms: failing},
	{outage: "429 for five minutes", breaks: "too many requests, try again in a second", strike: fault(phonesim.FaultTooMany, 5*time.Minute), alarms: failing},
	{
		outage: "The provider cannot reach our address", breaks: "each call is refused with 21205, no receipt and no reply comes in",
		with: setting{canaries: true}, lasts: 40 * time.Minute, alarms: append(lost, failing...),
		strike: func(n *night) {
			n.api[first].meet(refuses(http.StatusBadRequest, 21205, "Calls"))
			n.hooks[first].meet(breaks)
		},
	},
	{
		outage: "Nobody can reach our address", breaks: "as above, for both providers; officers sign in on the spot",
		lasts: 40 * time.Minute, alarms: failing, signs: true,
		strike: func(n *night) {
			n.api[first].meet(refuses(http.StatusBadRequest, 21205, "Calls"))
			n.hooks[first].meet(breaks)
			n.hooks[second].meet(breaks)
		},
	},
	{outage: "The account is suspended, or its token revoked", breaks: "everything is refused with 20003", strike: at(first, refuses(http.StatusUnauthorized, 20003, "Messages", "Calls")), alarms: failing},
	{outage: "Our number is lost", breaks: "texts and calls are refused with 21606", strike: at(first, refuses(http.StatusBadRequest, 21606, "Messages", "Calls")), alarms: failing},
	{
		outage: "A carrier filters every text", breaks: "texts are taken, and end with 30007",
		with: setting{canaries: true}, strike: func(n *night) { n.api[first].meet(n.fates("undelivered", 30007)) }, lasts: 40 * time.Minute, alarms: lost,
	},
	{outage: "Our campaign is not registered any more", breaks: "texts are taken, and end with 30034", strike: func(n *night) { n.api[first].meet(n.fates("undelivered", 30034)) }, alarms: failing},
	{outage: "The officer has opted out of our number", breaks: "texts to the officer are refused with 21610", strike: at(first, only(ada, refuses(http.StatusBadRequest, 21610, "Messages"))), alarms: contact},
	{outage: "Texts to the country are switched off", breaks: "each is refused with 21408", strike: at(first, refuses(http.StatusBadRequest, 21408, "Messages")), alarms: contact},
	{
		outage: "No webhook comes", breaks: "neither receipts nor replies nor keys reach us",
		with: setting{canaries: true}, strike: func(n *night) { n.hooks[first].meet(breaks) }, lasts: 40 * time.Minute, alarms: lost,
	},
	{
		outage: "Webhooks come late", breaks: "receipts and replies come after three minutes, twice, the last one first",
		with: setting{canaries: true}, lasts: time.Hour, alarms: []request.AlarmKind{request.AlarmCanarySlow},
		strike: func(n *night) {
			n.hooks[first].meet(delays(3*time.Minute, "/webhooks/twilio/voice/", "/webhooks/twilio/gather/"))
		},
	},
	{outage: "No text goes", breaks: "both providers turn texts away", strike: both(unavailable(aboutTexts...)), alarms: failing},
	{outage: "No call goes", breaks: "both providers turn calls away", strike: both(unavailable(aboutCalls...)), alarms: failing},
	{
		outage: "Both are down for ten minutes", breaks: "then the first is back; the second follows ten minutes later",
		strike: func(n *night) {
			n.fail(first, phonesim.FaultDown, 10*time.Minute)
			n.fail(second, phonesim.FaultDown, 20*time.Minute)
		},
		grace: 10*time.Minute + 15*time.Second, alarms: failing,
	},
	{
		outage: "Both are down for three quarters of an hour", breaks: "everyone was asked in vain, and the sender is told so",
		strike: func(n *night) {
			n.fail(first, phonesim.FaultDown, 45*time.Minute)
			n.fail(second, phonesim.FaultDown, 45*time.Minute)
		},
		only: []request.Urgency{request.Emergency}, lasts: 45 * time.Minute, grace: 45*time.Minute + 15*time.Second, alarms: append(failing, request.AlarmUnanswered),
		after: func(n *night, a *appeal) {
			if !slices.ContainsFunc(n.receiver.messages(), func(m message) bool {
				return m.Data.Reference == a.ref.String() && m.Data.Escalation == request.Exhausted && m.at.Before(a.taken.at)
			}) {
				n.t.Errorf("the sender was not told that everyone was asked: %+v", n.receiver.messages())
			}
		},
	},
	{
		outage: "Redis is away as well", breaks: "the provider is down, and nothing reads the roster but from the log",
		with: setting{redis: true}, alarms: append(failing, request.AlarmRedis),
		strike: func(n *night) {
			n.fail(first, phonesim.FaultDown, 0)
			n.redis.mini.SetError("LOADING")
		},
		mend: func(n *night) { n.redis.mini.SetError("") },
	},
	{
		outage: "The officer's telephone is dead", breaks: "both carriers say so",
		strike: func(n *night) { n.behaves(ada, phonesim.Unreachable) }, mend: func(n *night) { n.behaves(ada, phonesim.Answers) }, by: "bruno", alarms: contact,
	},
	{
		outage: "The officer's telephone is gone", breaks: "both carriers report that texts arrive and calls are picked up",
		strike: func(n *night) { n.behaves(ada, phonesim.Lies) }, mend: func(n *night) { n.behaves(ada, phonesim.Answers) }, by: "bruno", grace: time.Second,
	},
	{
		outage: "A storm while the provider is down", breaks: "500 urgent requests for one officer come before this one",
		strike: func(n *night) {
			n.fail(first, phonesim.FaultDown503, 0)
			for range 500 {
				n.storm = append(n.storm, n.world.raise(request.Urgent))
			}
			pass(20 * time.Second)
		},
		only: []request.Urgency{request.Emergency}, alarms: failing, after: (*night).calm,
		within: 4 * time.Second, // the lane may owe three segments
	},
	{
		outage: "The second provider is down", breaks: "and nobody would notice, since the first one works",
		with: setting{canaries: true}, strike: func(n *night) { n.fail(second, phonesim.FaultDown503, 0) }, lasts: 40 * time.Minute, alarms: append(lost, failing...),
	},
}

// play plays a catastrophe to one request and, where it is told at length, to all that come until everything is as before.
func play(t *testing.T, c catastrophe, urgency request.Urgency, length bool) (cell string, alarms []string) {
	inNight(t, c.with, func(n *night) {
		n.deaf, n.signsIn = c.deaf, c.signs
		struck := time.Now()
		c.strike(n)
		a := n.raise(urgency)
		n.live(c.wait(urgency)+callGrace, func() bool { return !a.taken.at.IsZero() })
		cell = n.judge(a, c)
		if c.after != nil {
			c.after(n, a)
		}
		if !length {
			n.live(c.wait(urgency)+time.Minute, nil)
			n.quiet(a)
			return
		}
		alarms = n.endure(c, struck)
		n.recover(c)
		for _, a := range n.cases {
			n.quiet(a)
		}
		if got := n.copies(); got != 0 {
			t.Errorf("%d texts were shown twice", got)
		}
	})
	return cell, alarms
}

// wait is within which time an officer is reached.
func (c catastrophe) wait(u request.Urgency) time.Duration {
	return dispatcher.DefaultPolicy().Waits[u] + c.grace
}

// stream is what comes while it lasts, over and over.
var stream = []request.Urgency{request.Urgent, request.Urgent, request.Critical, request.Emergency}

// judge says how a request was taken, and whether that was in time.
func (n *night) judge(a *appeal, c catastrophe) string {
	n.t.Helper()
	wait := c.wait(a.urgency)
	by := "ada"
	if c.by != "" {
		by = c.by
	}
	reached := a.taken.reached.Sub(a.raised)
	if a.taken.by != by || a.taken.path == "" || reached > wait || reached < 0 {
		n.t.Errorf("%s %s: taken by %q over %q after %s, in time is %s", a.urgency, a.ref, a.taken.by, a.taken.path, reached, wait)
	}
	if c.within == 0 {
		return fmt.Sprintf("%s, %s", a.taken.path, seconds(reached))
	}
	if reached > c.within {
		n.t.Errorf("%s %s: it takes %s to %s", a.urgency, a.ref, reached, a.taken.path)
	}
	_, through, _ := strings.Cut(a.taken.path, " ")
	return fmt.Sprintf("text or call %s, within %s", through, seconds(c.within))
}

// seconds rounds up to tenths below ten seconds, and to whole ones above. What takes minutes is told in minutes.
func seconds(d time.Duration) string {
	switch {
	case d > 10*time.Minute:
		return minutes(d)
	case d > 10*time.Second:
		return fmt.Sprint((d + time.Second - 1).Truncate(time.Second).Seconds(), " s")
	default:
		return fmt.Sprint((d + time.Second/10 - 1).Truncate(time.Second/10).Seconds(), " s")
	}
}

// minutes rounds to the nearest one, and to one below: nodes look for alarms every five seconds.
func minutes(d time.Duration) string {
	return fmt.Sprint(max(1, d.Round(time.Minute).Minutes()), " min")
}

// endure lets requests come until it is over, and tells which alarms it raised.
func (n *night) endure(c catastrophe, struck time.Time) (alarms []string) {
	n.t.Helper()
	lasts := c.lasts
	if lasts == 0 {
		lasts = 10 * time.Minute
	}
	for time.Since(struck) < lasts {
		n.live(min(max(lasts/12, 30*time.Second), 5*time.Minute), nil)
		n.raise(stream[len(n.cases)%len(stream)])
	}
	n.live(c.wait(request.Urgent), nil)
	for _, a := range n.cases[1:] {
		n.judge(a, c)
	}
	var kinds []request.AlarmKind
	for _, s := range n.alive().Alarms() {
		if !slices.Contains(kinds, s.Alarm.Kind) { // of a kind, the first
			alarms = append(alarms, fmt.Sprintf("`%s` %s", s.Alarm.Kind, minutes(s.Received.Sub(struck))))
		}
		kinds = append(kinds, s.Alarm.Kind)
		phone, _ := n.sim.Phone(erik)
		rang := phone.Call != nil && phone.Call.RangAt.After(s.Received)
		if told := rang || slices.ContainsFunc(phone.Texts, func(text phonesim.Text) bool { return strings.Contains(text.Body, "ALARM "+s.Ref.String()) }); !told {
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

// turnsAway turns away all but one in so many of the calls to a provider.
func turnsAway(oneIn int) deed {
	random := rand.New(rand.NewPCG(2, 2025))
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if random.IntN(oneIn) != 0 {
			http.Error(w, "<html>upstream connect error</html>", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// only does a deed to what is ordered for one number.
func only(number string, do deed) deed {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost && asForm(r).Get("To") == number {
			do(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// dies kills the node that orders the first text, before or after the provider has it. The call never comes back.
func (n *night) dies(taken bool) deed {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		dead := false
		if orders(r, "Messages") {
			once.Do(func() {
				dead = true
				path := strings.Split(strings.TrimPrefix(asForm(r).Get("StatusCallback"), public), "/") // "", webhooks, twilio, message-status, reference, …
				n.kill(n.sender(request.Ref(path[4])))
			})
		}
		if dead && !taken {
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
		if dead {
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
	}
}

// bereaved checks that a node died.
func (n *night) bereaved(*appeal) {
	n.t.Helper()
	if dead := slices.DeleteFunc(slices.Clone(n.lives), func(l *life) bool { return !l.line.cut.Load() }); len(dead) != 1 {
		n.t.Errorf("%d nodes died", len(dead))
	}
}

// sender is the node that began the last attempt of a request.
func (n *night) sender(ref request.Ref) (name string) {
	for _, c := range n.history(ref) {
		for _, e := range c.Commit().Events {
			if e.Type == request.AttemptStarted {
				name = c.Commit().Node
			}
		}
	}
	return name
}

// calm takes what a storm raised on the screen, once the first of it has been read.
func (n *night) calm(*appeal) {
	n.t.Helper()
	asked := 0
	for _, ref := range n.storm {
		if len(n.state(ref).Pages) > 0 {
			asked++
		}
		if _, err := n.alive().Acknowledge(n.t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
			n.t.Error(err)
		}
	}
	if asked != len(n.storm) {
		n.t.Errorf("of %d requests of the storm %d are asked about", len(n.storm), asked)
	}
}

const catastrophesPage = "../docs/catastrophes.md"

const catastrophesHead = `# What happens when it happens

Outages that others have told of, and what may go wrong with telephones, each played in fake time against the default policy, over two simulated providers
with one text and one call a second each. The first provider is Twilio's protocol, the second Vonage's; where none is named, it befalls the first. ada is on duty, bruno is next; they look at their telephones every second.
The columns say over which path the request was taken, and how long after it was received that path had reached the officer. The waits of a step are 2, 3 and 5
minutes: nothing here may take longer, but where both providers are down, or where the telephone of whoever is on duty is gone and no carrier says so (bruno is then asked when the wait is over). While it lasts
more requests come, and each is held to the same. The last column is which alarm stands, after about how many minutes from the beginning; the coordinator is told of each. When it is over everything
goes through the first provider again, every request has somebody, no alarm stands, and nobody was asked about what somebody had.

An emergency goes through both providers at once, as text and call; told is what was answered. An alarm of canaries needs canaries
([operations.md](operations.md#canary)): without them nobody learns that a provider lies. Officers get their pages all the same.

This page is written by ` + "`go test ./scenario -run TestWhateverBreaks -update`" + `, which otherwise compares with it.

| what happens | emergency | critical | urgent | alarms |
|---|---|---|---|---|
`

var told = []request.Urgency{request.Emergency, request.Critical, request.Urgent}

// Whatever breaks: the officer on duty, or the next one, is reached within the wait of the step, by a path on which the answer counts. Run with
// -update to write the page anew, and read what has changed.
func TestWhateverBreaksAnOfficerIsReachedInTimeByAnotherPath(t *testing.T) {
	page, err := os.ReadFile(catastrophesPage)
	if err != nil && !*update {
		t.Fatal(err)
	}
	brief := testing.Short() || underRace // then one urgency, and only until it is taken
	var anew strings.Builder
	anew.WriteString(catastrophesHead)
	for _, c := range catastrophes {
		t.Run(strings.ReplaceAll(c.outage, ",", ""), func(t *testing.T) {
			cells, alarms := []string{"**" + c.outage + "**: " + c.breaks}, []string(nil)
			for _, urgency := range told {
				cell := "–"
				if c.only == nil && (!brief || urgency == request.Critical) || slices.Contains(c.only, urgency) {
					var seen []string
					cell, seen = play(t, c, urgency, !brief && (urgency == request.Urgent || c.only != nil))
					alarms = append(alarms, seen...)
				}
				cells = append(cells, cell)
			}
			if alarms == nil {
				alarms = []string{"none"}
			}
			row := fmt.Sprintf("| %s |\n", strings.Join(append(cells, strings.Join(alarms, ", ")), " | "))
			anew.WriteString(row)
			if !*update && !brief && !strings.Contains(string(page), row) {
				t.Errorf("docs/catastrophes.md does not say\n%s", row)
			}
		})
	}
	if *update && !brief && strings.Count(anew.String(), "\n") == strings.Count(catastrophesHead, "\n")+len(catastrophes) { // all were played
		if err := os.WriteFile(catastrophesPage, []byte(anew.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestThePageOfCatastrophesTellsOfEachAndOfNoOther(t *testing.T) {
	page, err := os.ReadFile(catastrophesPage)
	if err != nil {
		t.Fatal(err)
	}
	rows, found := strings.CutPrefix(string(page), catastrophesHead)
	if !found || strings.Count(rows, "\n") != len(catastrophes) {
		t.Errorf("the page has another beginning, or %d rows for %d catastrophes", strings.Count(rows, "\n"), len(catastrophes))
	}
}
