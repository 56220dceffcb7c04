package scenario_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phonesim"
	"github.com/dutyline/dutyline/presence"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
	"github.com/dutyline/dutyline/vonagesim"
)

// The two providers of a night.
const (
	first  = 0 // Twilio
	second = 1 // Vonage
)

var vendors = [2]string{"twilio", "vonage"}

// officers are the telephones of those who are asked, in that order.
var officers = []string{ada, bruno}

// A night is a world with two operators at a realistic rate, to which a catastrophe happens, and with officers who look at their telephones
// every second: they answer a text with its code, in its thread, and pick up a call and press 1.
type night struct {
	*world
	other *vonagesim.Simulator
	api   [2]gate // what a provider is asked
	hooks [2]gate // what it posts
	lives []*life // of the nodes, the first is the world's own
	redis *cache
	count atomic.Int64 // of ids that a deed gave

	deaf    bool // officers sleep through texts, and hear calls
	signsIn bool // they take what they read on the screen of the line

	cases []*appeal
	storm []request.Ref  // requests with which they do not deal by telephone
	read  map[string]int // how many texts of a telephone were read
	rings []ring
}

// An appeal is one request, and what became of it.
type appeal struct {
	ref     request.Ref
	urgency request.Urgency
	raised  time.Time
	taken   taking
}

// A taking is how somebody came to have a request.
type taking struct {
	by      string
	page    string
	path    string // over which it was asked, as "text through twilio"
	reached time.Time
	at      time.Time
}

// A ring is a call that somebody heard.
type ring struct {
	phone, provider string
	at              time.Time
	pressed         bool
}

// A deed is done with a call in place of carrying it out.
type deed func(w http.ResponseWriter, r *http.Request, next http.Handler)

// A gate stands before a handler.
type gate struct {
	next http.Handler
	deed atomic.Pointer[deed]
}

func (g *gate) meet(d deed) { g.deed.Store(&d) }
func (g *gate) open()       { g.deed.Store(nil) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if do := g.deed.Load(); do != nil {
		(*do)(w, r, g.next)
		return
	}
	g.next.ServeHTTP(w, r)
}

// A life is a node that can be killed.
type life struct {
	*node.Node
	name string
	line *severable
	nats *nats.Conn
}

// severable is a way to the log that a kill ends.
type severable struct {
	node.Log
	cut atomic.Bool
}

func (l *severable) err() error {
	if l.cut.Load() {
		return fmt.Errorf("%w: the node is dead", node.ErrUnavailable)
	}
	return nil
}

func (l *severable) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (uint64, error) {
	if err := l.err(); err != nil {
		return 0, err
	}
	return l.Log.Append(ctx, ref, id, data, expect, closes)
}

func (l *severable) AppendFact(ctx context.Context, ref request.Ref, id string, data []byte) (uint64, error) {
	if err := l.err(); err != nil {
		return 0, err
	}
	return l.Log.AppendFact(ctx, ref, id, data)
}

func (l *severable) Head(ctx context.Context) (uint64, error) {
	if err := l.err(); err != nil {
		return 0, err
	}
	return l.Log.Head(ctx)
}

// beats is presence as package app wires it.
type beats struct {
	nc    *nats.Conn
	clock *node.Clock
}

func (b beats) Follow(ctx context.Context, self func() (node.Peer, bool), fn func([]node.Peer)) error {
	return presence.Follow(ctx, b.nc, func() presence.Beat {
		as, serves := self()
		return presence.Beat{Node: as.Name, Time: b.clock.Now(), Serves: serves, Last: as.Last}
	}, func(list []presence.Beat) {
		var peers []node.Peer
		for _, one := range list {
			peers = append(peers, node.Peer{Name: one.Node, Last: one.Last})
		}
		fn(peers)
	}, zap.NewNop())
}

// A setting is what a night is played with.
type setting struct {
	nodes    int  // 0 is one
	canaries bool // texts through each provider to a telephone that echoes, every quarter of an hour
	redis    bool // the roster is served from Redis
}

// inNight plays a story in a bubble.
func inNight(t *testing.T, with setting, story func(n *night)) {
	t.Helper()
	applicationKey() // outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		n := &night{read: map[string]int{}}
		server := eventlogtest.Start(t)
		var rosters books
		if with.redis {
			rosters = n.rosters(t, server)
		}
		var options node.Options
		n.world = newWorld(t, server, dispatcher.DefaultPolicy(), func(w *world, o *node.Options) {
			n.world = w
			n.connect(o)
			o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, fmt.Sprint(i))) }
			if with.redis {
				o.Rosters = rosters
				o.Alarms.Redis = func(ctx context.Context) error { return rosters.Health(ctx).Redis }
			}
			if with.canaries {
				w.behave(phonesim.Echoes)
				o.Canaries = dispatcher.Canaries{Every: 15 * time.Minute, Slow: 20 * time.Second}
				for _, vendor := range vendors {
					o.Canaries.Probes = append(o.Canaries.Probes, dispatcher.Probe{Provider: vendor, Medium: notifier.MediumSMS, To: probe})
				}
			}
			n.enliven(server, o, with.nodes > 1)
			options = *o
		})
		n.lives[0].Node = n.node
		for i := range max(with.nodes, 1) - 1 {
			o := options
			o.Name = fmt.Sprint("n", i+2)
			n.enliven(server, &o, true)
			n.start(o)
		}
		n.receiver.wanted.Store(true)
		pass(5 * time.Second)
		story(n)
	})
}

// rosters is a roster that Redis serves.
func (n *night) rosters(t *testing.T, server *eventlog.Embedded) books {
	t.Helper()
	log := bookLog{eventlogtest.Open(t, server, eventlog.Roster)}
	n.redis = &cache{t: t, mini: miniredis.NewMiniRedis()}
	t.Cleanup(n.redis.mini.Close)
	service := n.redis.serve(log)
	book := roster.Example("UTC", time.Now())
	book.Rosters[0].Layers[0].Rotation.From = time.Now().AddDate(0, 0, -3).Format(time.DateOnly)
	if _, err := service.Apply(t.Context(), roster.Edit{Book: book, Actor: "c1", Reason: "why"}); err != nil {
		t.Fatal(err)
	}
	return books{service, log}
}

// connect makes the clients of both providers, and the gates that everything passes.
func (n *night) connect(o *node.Options) {
	w := n.world
	n.api[first].next = w.sim.Handler()
	var err error
	w.client, err = twilio.New(twilio.Options{
		BaseURL: "http://sim.example", AccountSID: w.sim.AccountSID(), AuthToken: w.sim.AuthToken(), Numbers: []string{ours}, PublicURL: public,
		Transport: &memory{handler: &n.api[first]}, Logger: w.logs.logger(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	client, other, hooks := w.joinSecond(func(api http.Handler) http.Handler {
		n.api[second].next = api
		return &n.api[second]
	})
	n.other = other
	n.hooks[first].next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.client.Webhooks(n.alive()).ServeHTTP(rw, r) })
	n.hooks[second].next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { client.Webhooks(n.alive()).ServeHTTP(rw, r) })
	w.receive = func(http.Handler) http.Handler { return &n.hooks[first] }
	hooks.handler = &n.hooks[second]
	limit := notifier.Limit{PerSecond: 1}
	o.Providers = []node.Provider{
		{Channel: w.client.SMS(), Limit: limit, Cost: telephone.Cost, Together: telephone.FitTogether},
		{Channel: w.client.Voice(), Limit: limit},
		{Channel: client.SMS(), Limit: limit, Cost: telephone.Cost, Together: telephone.FitTogether},
		{Channel: client.Voice(), Limit: limit},
		o.Providers[1], // of the sender's messages
	}
}

// joinSecond makes a second operator of the world's phones, and a client whose calls go to what before makes of the operator's interfaces. Its
// webhooks go to the handler that is still to be set.
func (w *world) joinSecond(before func(http.Handler) http.Handler) (client *vonage.Client, second *vonagesim.Simulator, hooks *memory) {
	w.t.Helper()
	const secret, account, application = "0123456789abcdef0123456789abcdef", "abcd1234", "78d335fa-323d-0114-9c3d-d6f0d48968cf"
	key := applicationKey()
	hooks, api := &memory{}, http.NewServeMux()
	second = vonagesim.New(vonagesim.Options{
		Network: w.sim.Network(), Numbers: []string{oursToo}, APIKey: account, APISecret: "sesame-opens", ApplicationID: application,
		PublicKey: &key.PublicKey, SignatureSecret: secret, InboundURL: public + vonage.InboundPath, FallbackURL: public + vonage.FallbackPath,
		Client: &http.Client{Transport: hooks},
	})
	second.Mount(api, nil)
	client, err := vonage.New(vonage.Options{
		BaseURL: "http://second.example", APIKey: account, APISecret: "sesame-opens", ApplicationID: application,
		PrivateKey:      string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		SignatureSecret: secret, Numbers: []string{oursToo}, PublicURL: public, Transport: &memory{handler: before(api)}, Logger: w.logs.logger(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return client, second, hooks
}

// enliven gives a node its own way to the log, and to the others where there are any.
func (n *night) enliven(server *eventlog.Embedded, o *node.Options, others bool) {
	nc, err := server.Connect()
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(nc.Close)
	l := &life{name: o.Name, line: &severable{Log: requests{n.log}}, nats: nc}
	o.Clock, o.Log = node.NewClock(), l.line
	if others {
		o.Presence = beats{nc, o.Clock}
	}
	n.lives = append(n.lives, l)
}

// start starts one more node.
func (n *night) start(o node.Options) {
	one, err := node.New(o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.lives[len(n.lives)-1].Node = one
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := one.Run(ctx); err != nil {
			n.t.Errorf("%s: %v", o.Name, err)
		}
	}()
	n.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// kill ends a node at once: it writes nothing any more, and nobody hears it.
func (n *night) kill(name string) {
	for _, l := range n.lives {
		if l.name == name {
			l.line.cut.Store(true)
			l.nats.Close()
		}
	}
}

// alive is a node that was not killed.
func (n *night) alive() *node.Node {
	for _, l := range n.lives {
		if !l.line.cut.Load() {
			return l.Node
		}
	}
	return n.node
}

// raise receives a request, with which the officers deal from now on.
func (n *night) raise(urgency request.Urgency) *appeal {
	e := &appeal{ref: n.world.raise(urgency), urgency: urgency, raised: time.Now()}
	n.cases = append(n.cases, e)
	return e
}

// state is what a living node knows.
func (n *night) state(ref request.Ref) *request.State {
	n.t.Helper()
	s, err := n.alive().State(n.t.Context(), ref)
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

// live lets time pass, second by second, in which the officers answer; it ends sooner when what is waited for is there.
func (n *night) live(d time.Duration, until func() bool) {
	n.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end) && (until == nil || !until()); {
		pass(time.Second)
		for _, number := range officers {
			phone, _ := n.sim.Phone(number)
			n.reads(phone)
			n.picksUp(phone)
		}
		for _, e := range n.cases {
			if e.taken.at.IsZero() && n.state(e.ref).Owner != "" {
				e.taken = n.taking(e.ref)
			}
		}
	}
}

// reads answers the texts that are new on a telephone.
func (n *night) reads(phone phonesim.Phone) {
	unread := slices.Clone(phone.Texts[n.read[phone.Number]:])
	n.read[phone.Number] = len(phone.Texts)
	slices.SortStableFunc(unread, func(a, b phonesim.Text) int { return strings.Compare(a.Provider, b.Provider) }) // what came together, in one order
	if n.deaf {
		return
	}
	for _, text := range unread {
		if text.Direction == phonesim.Inbound || !n.asks(text.Body) {
			continue
		}
		for _, code := range sixDigits.FindAllString(text.Body, -1) {
			if n.signsIn {
				n.takesOnScreen(text)
				continue
			}
			n.sim.Network().Lock()
			if text.Provider == vendors[first] {
				n.sim.Take(phone.Number, text.From, code)
			} else {
				n.other.Take(phone.Number, text.From, code)
			}
			n.sim.Network().Unlock()
			synctest.Wait()
		}
	}
}

// asks reports whether a text asks about a request that nobody has, in whichever language.
func (n *night) asks(text string) bool {
	return slices.ContainsFunc(n.cases, func(a *appeal) bool { return a.taken.at.IsZero() && strings.Contains(text, a.ref.String()) })
}

// takesOnScreen takes what a text names by signing in.
func (n *night) takesOnScreen(text phonesim.Text) {
	for _, e := range n.cases {
		if strings.Contains(text.Body, e.ref.String()) && e.taken.at.IsZero() {
			if _, err := n.alive().Acknowledge(n.t.Context(), e.ref, "ada", "", request.ViaWeb); err != nil {
				n.t.Error(err)
			}
			e.taken = taking{by: "ada", path: "text through " + text.Provider + ", taken on the screen", reached: text.At, at: time.Now()}
		}
	}
}

// picksUp answers a call that rings, and presses 1 a second after.
func (n *night) picksUp(phone phonesim.Phone) {
	c := phone.Call
	if c == nil || c.Status.Ended() {
		return
	}
	i := slices.IndexFunc(n.rings, func(r ring) bool { return r.phone == phone.Number && r.at.Equal(c.RangAt) })
	switch {
	case i < 0 && c.Status == phonesim.CallRinging && n.sim.Answer(phone.Number) == nil:
		n.rings = append(n.rings, ring{phone: phone.Number, provider: c.Provider, at: c.RangAt})
	case i >= 0 && !n.rings[i].pressed:
		n.rings[i].pressed = n.sim.Press(phone.Number, "1") == nil // else it is over
	}
}

// taking tells from the log of a request how somebody came to have it.
func (n *night) taking(ref request.Ref) (how taking) {
	n.t.Helper()
	s := n.state(ref)
	for _, c := range n.history(ref) {
		for i := range c.Commit().Events {
			if b, ok := request.Body[request.AcknowledgedBody](c, i); ok {
				how.by, how.page, how.at = b.Person, b.Page, c.Commit().Time.Time
			}
		}
	}
	number := officers[max(0, slices.Index([]string{"ada", "bruno"}, how.by))]
	if page := s.Page(how.page); page != nil && page.Channel == notifier.MediumVoice {
		for _, r := range n.rings {
			if r.phone == number && !r.at.After(how.at) {
				how.path, how.reached = "call through "+r.provider, r.at
			}
		}
		return how
	}
	phone, _ := n.sim.Phone(number)
	for _, text := range phone.Texts {
		if text.Direction != phonesim.Inbound && strings.Contains(text.Body, n.code(ref, how.page)) && how.reached.IsZero() {
			how.path, how.reached = "text through "+text.Provider, text.At
		}
	}
	return how
}

// history is the log of a request.
func (n *night) history(ref request.Ref) (commits []*request.Parsed) {
	n.t.Helper()
	stored, err := requests{n.log}.History(n.t.Context(), ref)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, one := range stored {
		commits = append(commits, request.Parse(one.Data))
	}
	return commits
}

// quiet checks that a request asks nobody after somebody has it: in the order of its log, and on the telephones.
func (n *night) quiet(e *appeal) {
	n.t.Helper()
	taken := false
	s := n.state(e.ref)
	for _, c := range n.history(e.ref) {
		for i, event := range c.Commit().Events {
			switch event.Type {
			case request.Acknowledged:
				taken = true
			case request.AttemptStarted, request.AttemptTakenOver:
				b, ok := request.Body[request.AttemptBody](c, i)
				if p := s.Page(b.Page); !ok || p == nil || (taken && p.Purpose == request.Ask && p.Recipient == request.ToOfficer) {
					n.t.Errorf("%s: an officer is asked after it was taken: %+v", e.ref, b)
				}
			default: // asks nobody
			}
		}
	}
	for i := range s.Pages {
		if late := n.showing(e.ref, &s.Pages[i], e.taken.at.Add(callGrace)); len(late) > 0 {
			n.t.Errorf("%s: a telephone still shows %+v", e.ref, late)
		}
	}
}

// callGrace is how long a call that was under way may take to reach a telephone.
const callGrace = 15 * time.Second

// showing are the texts of a page that a telephone showed since then.
func (n *night) showing(ref request.Ref, p *request.Page, since time.Time) (texts []phonesim.Text) {
	if p.Purpose != request.Ask || p.Channel != notifier.MediumSMS {
		return nil
	}
	for _, number := range officers {
		phone, _ := n.sim.Phone(number)
		for _, text := range phone.Texts {
			if text.Direction != phonesim.Inbound && strings.Contains(text.Body, ref.String()) && strings.Contains(text.Body, n.code(ref, p.Page)) && text.At.After(since) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// copies counts the texts of one page that were shown more than once.
func (n *night) copies() (copies int) {
	for _, e := range n.cases {
		s := n.state(e.ref)
		for i := range s.Pages {
			copies += max(0, len(n.showing(e.ref, &s.Pages[i], time.Time{}))-1)
		}
	}
	return copies
}

// Deeds.

// orders reports whether a call orders a text or a call of the first provider.
func orders(r *http.Request, what string) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/"+what+".json")
}

// asForm reads the form of a call and leaves it as it was.
func asForm(r *http.Request) url.Values {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	values, _ := url.ParseQuery(string(body))
	return values
}

// refuses answers what is ordered of the first provider with a code.
func refuses(status, code int, what ...string) deed {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !slices.ContainsFunc(what, func(one string) bool { return orders(r, one) }) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"code":%d,"status":%d,"message":"no"}`, code, status)
	}
}

// fates takes texts in the first provider's place and says what became of them; nothing of it reaches a telephone.
func (n *night) fates(status string, code int) deed {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !orders(r, "Messages") {
			next.ServeHTTP(w, r)
			return
		}
		form := asForm(r)
		sid := fmt.Sprintf("SM%032x", n.count.Add(1))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"sid":%q,"status":"queued"}`, sid)
		go func() {
			report := url.Values{"MessageSid": {sid}, "AccountSid": {n.sim.AccountSID()}, "To": {form.Get("To")}, "From": {ours}}
			for _, status := range []string{"sent", status} {
				time.Sleep(time.Second)
				report.Set("MessageStatus", status)
				if status != "sent" && code != 0 {
					report.Set("ErrorCode", fmt.Sprint(code))
				}
				n.post(form.Get("StatusCallback"), report)
			}
		}()
	}
}

// post posts a webhook as the first provider does.
func (n *night) post(address string, form url.Values) {
	address, _, _ = strings.Cut(address, "#")
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", twiliosim.Sign(n.sim.AuthToken(), address, form))
	n.hooks[first].ServeHTTP(httptest.NewRecorder(), r)
}

// breaks ends a connection.
func breaks(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// unavailable answers as a proxy does before an interface that is down, to what concerns texts or calls, of either provider.
func unavailable(paths ...string) deed {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !slices.ContainsFunc(paths, func(one string) bool { return strings.Contains(r.URL.Path, one) }) {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, "<html>upstream connect error</html>", http.StatusServiceUnavailable)
	}
}

// What is asked of either provider about texts, and about calls.
var (
	aboutTexts = []string{"/Messages", "/sms/json", "/v2/reports"}
	aboutCalls = []string{"/Calls", "/v1/calls"}
)

// delays takes webhooks, and brings them after a while, twice and the last first.
func delays(by time.Duration, but ...string) deed {
	var mu sync.Mutex
	var waiting []*http.Request
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if slices.ContainsFunc(but, func(path string) bool { return strings.HasPrefix(r.URL.Path, path) }) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(errors.Join(http.ErrAbortHandler, err))
		}
		mu.Lock()
		waiting = append(waiting, again(r, body))
		alone := len(waiting) == 1
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		if !alone {
			return
		}
		go func() {
			time.Sleep(by)
			mu.Lock()
			due := waiting
			waiting = nil
			mu.Unlock()
			for _, one := range slices.Backward(due) {
				body, _ := io.ReadAll(one.Body)
				for range 2 {
					next.ServeHTTP(httptest.NewRecorder(), again(one, body))
				}
			}
		}()
	}
}

// again is a call to be made once more.
func again(r *http.Request, body []byte) *http.Request {
	copied := httptest.NewRequestWithContext(context.Background(), r.Method, r.URL.String(), strings.NewReader(string(body)))
	copied.Header, copied.Host = r.Header.Clone(), r.Host
	return copied
}
