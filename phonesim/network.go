package phonesim

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Options configure a [Network]. The zero value works.
type Options struct {
	// DeliveryDelay lies between two steps of a call that nobody has to wait for. 0 = 50 ms, negative = none.
	DeliveryDelay time.Duration
	// LateDelay is how long a text to a phone that is Late waits. 0 = 10 min.
	LateDelay time.Duration
	// SpeechRate is how many times as fast as 15 characters a second a call speaks: 1 = as a person, 2 = twice as fast, 0 = in no time.
	SpeechRate float64
	// Speed divides all that takes time in a call: ringing, speech, pauses, waiting for a key. 0 = 1.
	Speed float64
	// VoicemailDelay is how long a phone with a Voicemail rings before the machine answers. 0 = 20 s.
	VoicemailDelay time.Duration
}

// An Operator carries texts and calls to the phones of a network, for one account at one vendor.
type Operator interface {
	// Name is the vendor's, as in events: twilio, vonage.
	Name() string
	// Owns tells whether a number is the account's. The lock is held.
	Owns(number string) bool
	// Take takes a text that a phone sends to one of the account's numbers, "" is any, shows it there and gives its id. The lock is held.
	Take(from, to, body string) (id string)
	// Faults is how its API fails.
	Faults() *Faults
	// Forget forgets all texts and calls. The lock is held.
	Forget()
	// Mount adds the vendor's API, and doors of the operator's own, which are kept from other web sites.
	Mount(api, doors *http.ServeMux)
}

// A Network is phones, and the operators that reach them. Make one with [New], let operators [Network.Join] it, and end it with
// [Network.Close]. All methods are safe for concurrent use, but for those that say that the lock is held.
type Network struct {
	opts Options
	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup // what Go started, and the timer

	mu        sync.Mutex
	closed    bool
	schedule  schedule
	operators []Operator // the first is the one that is meant where none is named
	phones    map[string]*Handset
	order     []*Handset // as they first appeared
	watchers  map[chan struct{}]struct{}
}

// New starts a network without operators.
func New(opts Options) *Network {
	switch {
	case opts.DeliveryDelay == 0:
		opts.DeliveryDelay = 50 * time.Millisecond
	case opts.DeliveryDelay < 0:
		opts.DeliveryDelay = 0
	}
	if opts.VoicemailDelay <= 0 {
		opts.VoicemailDelay = 20 * time.Second
	}
	if opts.LateDelay <= 0 {
		opts.LateDelay = 10 * time.Minute
	}
	n := &Network{opts: opts, phones: make(map[string]*Handset), watchers: make(map[chan struct{}]struct{})}
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.schedule.running = &n.wg
	n.schedule.fire = func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.schedule.run()
	}
	return n
}

// Join lets an operator reach the phones. All join before the Handler is asked for.
func (n *Network) Join(o Operator) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.operators = append(n.operators, o)
}

// Close stops everything: what is due later never happens, held requests and event streams end. It returns when no goroutine of the network
// is left. Close it after its operators, and before the server that serves its Handler is shut down, which would wait for the event streams.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	n.schedule.close()
	n.mu.Unlock()
	n.stop()
	n.wg.Wait()
}

// Reset forgets all phones, texts, calls and faults, as if the network had just started. The operators' accounts stay: their numbers,
// webhooks and credentials, so that a Dutyline that runs meanwhile goes on.
func (n *Network) Reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.schedule.clear()
	n.phones, n.order = make(map[string]*Handset), nil
	for _, o := range n.operators {
		o.Faults().fault = Fault{Mode: FaultNone}
		o.Faults().hits = 0
		o.Forget()
	}
	n.Changed()
}

// Lock takes the lock of the network.
func (n *Network) Lock() { n.mu.Lock() }

// Unlock gives it back.
func (n *Network) Unlock() { n.mu.Unlock() }

// Context ends when the network is closed.
func (n *Network) Context() context.Context { return n.ctx }

// Go runs a function in a goroutine that Close waits for; when the network is closed, not at all. The lock is held when it is called, and
// not when the function is.
func (n *Network) Go(run func()) {
	if !n.closed {
		n.wg.Go(run)
	}
}

// At runs a function at its time, with the lock held. The lock is held. The item is for Drop; nil when the network is closed.
func (n *Network) At(t time.Time, run func()) *Item { return n.schedule.at(t, run) }

// Drop forgets something that is not carried out yet; nil, and what was carried out, is nothing to forget. The lock is held.
func (n *Network) Drop(it *Item) { n.schedule.drop(it) }

// Waiting counts the steps that are due later. The lock is held.
func (n *Network) Waiting() int { return len(n.schedule.items) }

// LateDelay is how long a text to a phone that is Late waits.
func (n *Network) LateDelay() time.Duration { return n.opts.LateDelay }

// Changed tells everyone who watches that phones look different now. The lock is held.
func (n *Network) Changed() {
	for w := range n.watchers {
		select {
		case w <- struct{}{}:
		default: // it has not looked since the last change
		}
	}
}

// watch returns a channel that receives after changes, and its end.
func (n *Network) watch() (<-chan struct{}, func()) {
	w := make(chan struct{}, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watchers[w] = struct{}{}
	return w, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.watchers, w)
	}
}
