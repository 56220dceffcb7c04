package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

// The people of the example roster. ada is on duty, bruno is next.
const (
	ada, bruno, carmen = notifier.Phone("+15005550101"), notifier.Phone("+15005550102"), notifier.Phone("+15005550103")
	stranger           = notifier.Phone("+15005550199")
)

// world is one log in a bubble of fake time, with a roster, a provider, and as many nodes as a test starts.
type world struct {
	t        *testing.T
	log      *eventlog.Log
	rosters  *rosters
	phones   *provider
	others   []node.Provider // beside the telephones
	policy   dispatcher.Policy
	clocks   func(context.Context, *request.State, request.Urgency) ([]request.Due, error)
	limit    notifier.Limit
	together func(notifier.Message) bool
	guesses  *guesses
	code     func(ref request.Ref, page string) string
	raised   int
	cut      bool // the line of nodes that start
	alarms   node.Alarms
	told     told
	words    dispatcher.Words

	canaries dispatcher.Canaries
	pins     *pins       // nil: nobody is asked for a PIN
	logger   *zap.Logger // nil: none

	server *eventlog.Embedded
	nodes  bool                        // nodes that start hear of each other, and ask the log for its time
	wall   func(name string) time.Time // nil: the wall clock of a node that starts is right
}

// inWorld runs a test in a bubble. Everything that the test started must have ended when it returns: a goroutine that stays behind is a
// failure of the test.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		book := roster.Example("UTC", time.Now())
		book.Revision = 1
		book.Rosters[0].Layers[0].Rotation.From = "1999-12-27"
		server := eventlogtest.Start(t)
		w := &world{
			t: t, server: server, log: eventlogtest.Open(t, server, eventlog.Requests), rosters: newRosters(t, book), phones: newProvider(),
			policy: dispatcher.DefaultPolicy(), guesses: &guesses{},
			code: func(ref request.Ref, page string) string {
				sum := 0
				for _, r := range string(ref) + page {
					sum = (sum*31 + int(r)) % 1_000_000
				}
				return fmt.Sprintf("%06d", sum)
			},
		}
		test(t, w)
	})
}

// life is a running node and its own way to the log.
type life struct {
	*node.Node
	log    *line
	stop   func() // ends it and returns when Run has
	silent func() // ends its presence as a crash does
}

// start starts a node; it is stopped at the end of the test.
func (w *world) start(name string) *life {
	w.t.Helper()
	l := &line{log: w.log, cut: w.cut}
	clock, silent := node.NewClock(), func() {}
	var presence node.Presence
	var logTime func(context.Context) (time.Time, error)
	if w.nodes {
		clock, presence, logTime, silent = w.company(name)
	}
	var secrets node.PINs
	if w.pins != nil {
		secrets = w.pins
	}
	n, err := node.New(node.Options{
		PINs: secrets, Presence: presence, LogTime: logTime,
		Name: name, Policy: w.policy, Log: l, Rosters: w.rosters, Providers: append([]node.Provider{{Channel: w.phones, Limit: w.limit, Together: w.together}}, w.others...),
		Guesses: w.guesses, Clock: clock, Code: w.code, Logger: w.logger, Alarms: w.alarms,
		Seal: func(_ context.Context, _ *request.State, _ string, plain []byte) ([]byte, error) {
			return []byte(strings.Repeat("x", len(plain))), nil
		},
		Clocks: w.clocks, StatusChanged: w.told.by(name),
		Words: w.words, Duties: w.rosters, OfferCode: offerCode, Canaries: w.canaries,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.Run(ctx); err != nil {
			w.t.Errorf("%s: %v", name, err)
		}
	}()
	stop := func() {
		cancel()
		<-done
	}
	w.t.Cleanup(stop)
	synctest.Wait()
	return &life{n, l, stop, silent}
}

// pass lets time pass, and everything come to rest.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// raise receives a request, as intake does.
func (w *world) raise(urgency request.Urgency) request.Ref {
	w.t.Helper()
	var ref request.Ref
	for ok := false; !ok; {
		w.raised++
		ref, ok = request.NewRef([]byte(request.FactID(fmt.Sprint(w.raised))))
	}
	commit := request.NewState(ref).Decide(time.Now(), "door", request.Actor{Kind: request.BySender, ID: "s1"},
		request.NewEvent(request.Received, request.ReceivedBody{Sender: "s1", Type: request.Preservation, Urgency: urgency, Language: "en", Missing: []string{}}))
	w.append(ref, commit, 0)
	return ref
}

func (w *world) append(ref request.Ref, c request.Commit, expect uint64) {
	w.t.Helper()
	data, err := c.Encode()
	if err == nil {
		_, err = (&line{log: w.log}).Append(w.t.Context(), ref, c.ID, data, expect, c.Closes())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// withdraw ends a request, as its sender does.
func (w *world) withdraw(ref request.Ref) {
	w.t.Helper()
	s := w.state(ref)
	w.append(ref, s.Decide(time.Now(), "door", request.Actor{Kind: request.BySender, ID: "s1"}, request.NewEvent(request.Withdrawn, request.WithdrawnBody{})), s.LastSeq)
}

// state folds the log of a request.
func (w *world) state(ref request.Ref) *request.State {
	w.t.Helper()
	history, err := (&line{log: w.log}).History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	s := request.NewState(ref)
	for _, c := range history {
		if err := s.Apply(c.Seq, c.Data); err != nil {
			w.t.Fatal(err)
		}
	}
	return s
}

// events lists the types in the log of a request, in order.
func (w *world) events(ref request.Ref) []request.EventType {
	w.t.Helper()
	history, err := (&line{log: w.log}).History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	var types []request.EventType
	for _, c := range history {
		commit, err := request.Decode(c.Data)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range commit.Events {
			types = append(types, e.Type)
		}
	}
	return types
}

func (w *world) count(ref request.Ref, t request.EventType) int {
	n := 0
	for _, e := range w.events(ref) {
		if e == t {
			n++
		}
	}
	return n
}

func (w *world) want(ref request.Ref, types ...request.EventType) {
	w.t.Helper()
	if got := w.events(ref); !slices.Equal(got, types) {
		w.t.Errorf("log of the request:\n got %v\nwant %v", got, types)
	}
}

// nobodyIsCalledAfterTheAcknowledgement checks the invariant in log order, of a request that was acknowledged once and stayed so.
func (w *world) nobodyIsCalledAfterTheAcknowledgement(ref request.Ref) {
	w.t.Helper()
	if acknowledged := w.nobodyIsCalledWhileSomebodyHasIt(ref); acknowledged != 1 {
		w.t.Errorf("%d acknowledgements: %v", acknowledged, w.events(ref))
	}
}

// nobodyIsCalledWhileSomebodyHasIt checks the invariant in log order, and that there is one owner at a time.
func (w *world) nobodyIsCalledWhileSomebodyHasIt(ref request.Ref) (acknowledged int) {
	w.t.Helper()
	history, err := (&line{log: w.log}).History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	s := request.NewState(ref)
	for _, c := range history {
		before := s.Owner
		if err := s.Apply(c.Seq, c.Data); err != nil {
			w.t.Fatal(err)
		}
		commit, _ := request.Decode(c.Data)
		for _, e := range commit.Events {
			switch e.Type {
			case request.Acknowledged:
				acknowledged++
				if before != "" {
					w.t.Errorf("%s had it and %s took it: %v", before, s.Owner, w.events(ref))
				}
			case request.AttemptStarted, request.AttemptTakenOver:
				if before != "" {
					w.t.Errorf("attempt while %s has it: %v", before, w.events(ref))
				}
			}
		}
	}
	return acknowledged
}

// inFlight counts the sends that were with the provider when a request was acknowledged: the log had their intent and no outcome.
func (w *world) inFlight(ref request.Ref) int {
	w.t.Helper()
	history, err := (&line{log: w.log}).History(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	s, n := request.NewState(ref), 0
	for _, c := range history {
		if err := s.Apply(c.Seq, c.Data); err != nil {
			w.t.Fatal(err)
		}
		if s.Owner == "" {
			continue
		}
		for i := range s.Pages {
			if a := s.Pages[i].Last(); a != nil && a.InFlight() {
				n++
			}
		}
		break
	}
	return n
}

var errCut = errors.New("the line is cut")

// line is one node's way to the log. It can be cut, held up and slowed down.
type line struct {
	log *eventlog.Log

	mu      sync.Mutex
	cut     bool          // nothing can be written or read
	held    chan struct{} // following waits until it is closed
	latency func() time.Duration
	appends int // tried
	lost    int // appends that met a conflict
}

var _ node.Log = (*line)(nil)

func (l *line) set(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

// hold keeps what follows from this node until the function that it gives is called.
func (l *line) hold() (release func()) {
	held := make(chan struct{})
	l.set(func() { l.held = held })
	return sync.OnceFunc(func() {
		l.set(func() { l.held = nil })
		close(held)
	})
}

func (l *line) pass() error {
	l.mu.Lock()
	cut, latency := l.cut, l.latency
	l.appends++
	l.mu.Unlock()
	if cut {
		return fmt.Errorf("%w: %w", node.ErrUnavailable, errCut)
	}
	if latency != nil {
		time.Sleep(latency())
	}
	return nil
}

func named(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrConflict):
		return fmt.Errorf("%w: %w", node.ErrConflict, err)
	case errors.Is(err, eventlog.ErrUnavailable):
		return fmt.Errorf("%w: %w", node.ErrUnavailable, err)
	default:
		return err
	}
}

func (l *line) Append(ctx context.Context, ref request.Ref, id string, data []byte, expect uint64, closes bool) (uint64, error) {
	if err := l.pass(); err != nil {
		return 0, err
	}
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.Head(expect), Closed: closes})
	if errors.Is(err, eventlog.ErrConflict) {
		l.set(func() { l.lost++ })
	}
	return seq, named(err)
}

func (l *line) AppendFact(ctx context.Context, ref request.Ref, id string, data []byte) (uint64, error) {
	if err := l.pass(); err != nil {
		return 0, err
	}
	seq, err := l.log.Append(ctx, eventlog.Append{Subject: ref.Subject(), ID: id, Data: data, Expect: eventlog.AnyHead})
	return seq, named(err)
}

func (l *line) Live(ctx context.Context, since time.Time) (refs []request.Ref, head uint64, err error) {
	if err := l.pass(); err != nil {
		return nil, 0, err
	}
	if head, err = l.log.Head(ctx); err != nil {
		return nil, 0, named(err)
	}
	entries, err := l.log.Summaries(ctx)
	for _, e := range entries {
		if ref, ok := request.RefOfSubject(e.Subject); ok && (!e.Closed || e.Time.After(since)) {
			refs = append(refs, ref)
		}
	}
	return refs, head, named(err)
}

func commitOf(e eventlog.Entry) node.Commit {
	ref, _ := request.RefOfSubject(e.Subject)
	return node.Commit{Ref: ref, Seq: e.Seq, Time: e.Time, Data: e.Data}
}

func (l *line) Replay(ctx context.Context, refs []request.Ref, upTo uint64, fn func(node.Commit) error) error {
	subjects := make([]string, len(refs))
	for i, ref := range refs {
		subjects[i] = ref.Subject()
	}
	return named(l.log.Replay(ctx, subjects, upTo, func(e eventlog.Entry) error { return fn(commitOf(e)) }))
}

func (l *line) Follow(ctx context.Context, after uint64, fn func(node.Commit) error) error {
	return named(l.log.Follow(ctx, after, func(e eventlog.Entry) error {
		l.mu.Lock()
		held := l.held
		l.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return fn(commitOf(e))
	}))
}

func (l *line) History(ctx context.Context, ref request.Ref) ([]request.Stored, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	entries, err := l.log.History(ctx, ref.Subject())
	stored := make([]request.Stored, len(entries))
	for i, e := range entries {
		stored[i] = request.Stored{Seq: e.Seq, Data: e.Data}
	}
	return stored, named(err)
}

func (l *line) Head(ctx context.Context) (uint64, error) {
	if err := l.pass(); err != nil {
		return 0, err
	}
	seq, err := l.log.Head(ctx)
	return seq, named(err)
}

// rosters is a roster that is edited.
type rosters struct {
	t *testing.T

	mu      sync.Mutex
	book    roster.Book
	edited  chan struct{} // closed by the next edit
	broken  int           // so many more times following breaks at once
	slow    time.Duration // of reading
	refused int           // so many more reads fail
	unsaved int           // so many more edits fail
	saving  time.Duration // of an edit
	history []string
}

// offerCode is the code of an offer.
func offerCode(person, terms string, slot int64) string {
	return fmt.Sprintf("9%05d", sum(person, terms, fmt.Sprint(slot))%100_000)
}

func sum(texts ...string) int {
	total := 0
	for _, r := range strings.Join(texts, "\x00") {
		total = (total*31 + int(r)) % 1_000_000
	}
	return total
}

func newRosters(t *testing.T, b roster.Book) *rosters {
	return &rosters{t: t, book: b, edited: make(chan struct{})}
}

func (r *rosters) edit(change func(*roster.Book)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.book)
	r.book.Revision++
	close(r.edited)
	r.edited = make(chan struct{})
}

// Edit lets two edits that meet be made one after the other, each of the newest book.
func (r *rosters) Edit(_ context.Context, person, reason string, change func(roster.Book, time.Time) (roster.Book, error)) (roster.Book, error) {
	r.mu.Lock()
	book, refused := r.book, r.unsaved > 0
	r.unsaved--
	r.mu.Unlock()
	if refused {
		return roster.Book{}, fmt.Errorf("%w: %w", node.ErrUnavailable, errCut)
	}
	for {
		edited, err := change(book, time.Now())
		if err != nil {
			return roster.Book{}, err
		}
		time.Sleep(r.saving) // somebody else may be faster
		r.mu.Lock()
		if r.book.Revision != book.Revision {
			book = r.book
			r.mu.Unlock()
			continue
		}
		r.mu.Unlock()
		r.edit(func(b *roster.Book) {
			revision := b.Revision
			*b = edited
			b.Revision = revision
		})
		r.mu.Lock()
		r.history = append(r.history, person+": "+reason)
		r.mu.Unlock()
		return edited, nil
	}
}

func (r *rosters) Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error) {
	r.mu.Lock()
	book, slow := r.book, r.slow
	refused := r.refused > 0
	r.refused--
	r.mu.Unlock()
	if refused {
		return nil, errCut
	}
	time.Sleep(slow)
	if book.Revision < atLeast {
		r.t.Errorf("revision %d was asked for and never told", atLeast)
	}
	return roster.Compile(book)
}

func (r *rosters) Follow(ctx context.Context, fn func(uint64)) error {
	for {
		r.mu.Lock()
		revision, edited := r.book.Revision, r.edited
		broken := r.broken > 0
		r.broken--
		r.mu.Unlock()
		if broken {
			return errCut
		}
		fn(revision)
		select {
		case <-edited:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// guesses counts wrong codes.
type guesses struct {
	mu    sync.Mutex
	wrong map[notifier.Phone]int
}

func (g *guesses) Wrong(_ context.Context, from notifier.Phone) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wrong == nil {
		g.wrong = map[notifier.Phone]int{}
	}
	g.wrong[from]++
	return g.wrong[from]
}

func (g *guesses) Count(_ context.Context, from notifier.Phone) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wrong[from]
}

// provider is a telephone network. What it takes is remembered; a test may put something else in the place of Send and Find.
type provider struct {
	mu    sync.Mutex
	taken []taken
	calls int // of Send
	finds int
	send  func(ctx context.Context, m notifier.Message, take func() notifier.Outcome) notifier.Outcome
	find  func(ctx context.Context, m notifier.Message) notifier.Outcome
}

type taken struct {
	notifier.Message
	at time.Time
}

func newProvider() *provider {
	return &provider{}
}

func (*provider) Name() string               { return "twilio" }
func (*provider) Medium() string             { return "sms" }
func (*provider) Lane(notifier.Phone) string { return "+15005550006" }

func (p *provider) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	p.mu.Lock()
	p.calls++
	send := p.send
	p.mu.Unlock()
	take := func() notifier.Outcome {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken = append(p.taken, taken{m, time.Now()})
		return notifier.Accepted{ProviderID: fmt.Sprintf("SM%d", len(p.taken))}
	}
	if send != nil {
		return send(ctx, m, take)
	}
	time.Sleep(20 * time.Millisecond)
	return take()
}

func (p *provider) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	p.mu.Lock()
	p.finds++
	find := p.find
	p.mu.Unlock()
	if find != nil {
		return find(ctx, m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range p.taken {
		if t.Ref == m.Ref && t.Page == m.Page {
			return notifier.Accepted{ProviderID: fmt.Sprintf("SM%d", i+1)}
		}
	}
	return notifier.NotFound{}
}

func (p *provider) set(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

// got lists what was taken for a request, "" for all.
func (p *provider) got(ref request.Ref) []taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.taken), func(t taken) bool { return ref != "" && t.Ref != ref })
}

// to lists who was written to, in order, as seconds since a moment.
func (p *provider) to(since time.Time) string {
	var list []string
	for _, t := range p.got("") {
		name := map[notifier.Phone]string{ada: "ada", bruno: "bruno", carmen: "carmen"}[t.To]
		list = append(list, fmt.Sprintf("%s@%d", name, int(t.at.Sub(since).Seconds())))
	}
	return strings.Join(list, " ")
}
