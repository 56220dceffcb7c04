package twiliosim

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/phonesim"
)

// Options configure a [Simulator]. The zero value works: a random account, no inbound webhook, texts delivered after 100 ms.
type Options struct {
	// Network has the phones. nil = one of the simulator's own, made with the options about phones, which count for nothing otherwise.
	Network *phonesim.Network

	AccountSID string // AC and 32 hexadecimal digits; "" = a random one
	AuthToken  string // signs webhooks and guards the REST API; "" = a random one

	// Numbers are the account's senders, E.164. With none, every well-formed sender is accepted and joins the account.
	Numbers []string
	// InboundURL is the webhook for texts that phones send to numbers without one of their own. It may carry connection overrides.
	InboundURL string
	// Client carries webhooks. nil = one with 5 s to connect and 15 s in all. Redirects are not followed in either case.
	Client *http.Client
	Logger *zap.Logger // nil = none

	// Seed determines SIDs and tokens; 0 = a random one. Two simulators with one seed give the same SIDs in the same order.
	Seed uint64
	// Latency is added to every answer of the REST API.
	Latency time.Duration
	// TextsPerSecond is what the carrier takes from each of the account's numbers; texts wait as queued. 0 = unlimited.
	TextsPerSecond float64
	// DeliveryDelay lies between two statuses of a text. 0 = 50 ms, negative = none.
	DeliveryDelay time.Duration
	// CallsPerSecond is what the network takes from each of the account's numbers; calls wait as queued. 0 = unlimited.
	CallsPerSecond float64

	// LateDelay is how long a text to a phone that is Late waits. 0 = 10 min.
	LateDelay time.Duration
	// SpeechRate is how many times as fast as 15 characters a second a call speaks: 1 = as a person, 2 = twice as fast, 0 = in no time.
	SpeechRate float64
	// Speed divides all that takes time in a call: ringing, speech, pauses, waiting for a key. 0 = 1.
	Speed float64
	// VoicemailDelay is how long a phone with a Voicemail rings before the machine answers. 0 = 20 s.
	VoicemailDelay time.Duration
}

var accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

// Validate names everything that is wrong with options which a person wrote. [New] does not ask it: the vendor's client would.
func (o Options) Validate() error {
	var errs []error
	if o.AccountSID != "" && !accountSID.MatchString(o.AccountSID) {
		errs = append(errs, errors.New("account SID: AC and 32 hexadecimal digits are needed"))
	}
	for _, n := range o.Numbers {
		if !validSender(n) {
			errs = append(errs, fmt.Errorf("number %q: write it in E.164, as in %s", n, defaultSender))
		}
	}
	if o.InboundURL != "" && !absolute(o.InboundURL) {
		errs = append(errs, errNotAbsolute)
	}
	if o.TextsPerSecond < 0 {
		errs = append(errs, errors.New("texts per second: 0 or more are needed"))
	}
	if o.CallsPerSecond < 0 {
		errs = append(errs, errors.New("calls per second: 0 or more are needed"))
	}
	if o.SpeechRate < 0 {
		errs = append(errs, errors.New("speech rate: 0 or more is needed"))
	}
	return errors.Join(errs...)
}

// A Simulator is one Twilio account, an operator on a network of phones. Make one with [New] and end it with [Simulator.Close]. All methods
// are safe for concurrent use.
type Simulator struct {
	opts   Options
	client *http.Client
	own    *http.Transport // of the default client; nil where the caller gave one
	logger *zap.Logger
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	wg     sync.WaitGroup // workers that carry webhooks

	net    *phonesim.Network // its lock guards all that follows
	ownNet bool
	faults *phonesim.Faults

	closed    bool
	epoch     int // counts Resets: what was under way before one changes nothing after it
	random    *rand.ChaCha8
	messages  []*message // by order; deleted ones stay, so that a page whose last text was deleted still has a successor
	bySID     map[string]*message
	byPhone   map[string][]*message // the texts to and from each phone, by order
	calls     []*call               // by order; deleted ones stay, as texts do
	callBySID map[string]*call
	numbers   map[string]*ownNumber
	senders   []*ownNumber
	alerts    []Alert
	stats     Stats
	hooks     []*webhook // waiting for a worker
	workers   int
}

var _ phonesim.Operator = (*Simulator)(nil)

// New starts a simulator.
func New(opts Options) *Simulator {
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	s := &Simulator{opts: opts, logger: opts.Logger, random: rand.NewChaCha8(chachaSeed(opts.Seed)), net: opts.Network, numbers: make(map[string]*ownNumber)}
	if s.net == nil {
		s.net, s.ownNet = phonesim.New(phonesim.Options{
			DeliveryDelay: opts.DeliveryDelay, LateDelay: opts.LateDelay, SpeechRate: opts.SpeechRate, Speed: opts.Speed, VoicemailDelay: opts.VoicemailDelay,
		}), true
	}
	switch {
	case opts.DeliveryDelay == 0:
		s.opts.DeliveryDelay = 50 * time.Millisecond
	case opts.DeliveryDelay < 0:
		s.opts.DeliveryDelay = 0
	}
	s.faults = s.net.NewFaults(refuseFault)
	s.forget()
	s.ctx, s.stop = context.WithCancel(s.net.Context())
	if s.opts.AccountSID == "" {
		s.opts.AccountSID = s.sid("AC")
	}
	if s.opts.AuthToken == "" {
		s.opts.AuthToken = s.sid("")
	}
	if opts.Client == nil {
		s.own = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: webhookConnect}).DialContext,
			TLSHandshakeTimeout: webhookConnect,
			MaxIdleConnsPerHost: maxWorkers,
			IdleConnTimeout:     30 * time.Second,
		}
		s.client = &http.Client{Transport: s.own, Timeout: webhookTotal}
	} else {
		c := *opts.Client
		s.client = &c
	}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, n := range opts.Numbers {
		s.ownNumberOf(n)
	}
	s.net.Join(s)
	return s
}

// AccountSID returns the user name of the REST API.
func (s *Simulator) AccountSID() string { return s.opts.AccountSID }

// AuthToken returns the password of the REST API, which also signs webhooks.
func (s *Simulator) AuthToken() string { return s.opts.AuthToken }

// Close stops the operator, and a network of its own: what is due later never happens, webhooks under way are broken off, held requests and
// event streams end. It returns when no goroutine of the simulator is left. Close it before the server that serves its Handler is shut down,
// which would wait for the event streams.
func (s *Simulator) Close() {
	s.net.Lock()
	s.closed = true
	s.hooks = nil
	s.net.Unlock()
	s.stop()
	if s.ownNet {
		s.net.Close()
	}
	s.wg.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// Forget forgets all texts, calls and alerts. SIDs are never given twice. The lock is held.
func (s *Simulator) Forget() {
	s.epoch++
	s.forget()
}

func (s *Simulator) forget() {
	s.hooks = nil
	s.messages, s.bySID, s.byPhone = nil, make(map[string]*message), make(map[string][]*message)
	s.calls, s.callBySID = nil, make(map[string]*call)
	s.alerts = nil
	s.stats = Stats{}
	for _, n := range s.senders {
		n.next, n.nextCall = time.Time{}, time.Time{}
	}
}

// Stats counts what happened since the start or the last Reset.
type Stats struct {
	Accepted      int `json:"accepted"`       // texts taken by the REST API
	Refused       int `json:"refused"`        // requests answered with an error, faults included
	Delivered     int `json:"delivered"`      // texts reported as delivered
	Shown         int `json:"shown"`          // texts that a phone shows
	Failed        int `json:"failed"`         // texts undelivered, failed or canceled
	Replies       int `json:"replies"`        // texts that phones sent
	Calls         int `json:"calls"`          // calls taken by the REST API
	Answered      int `json:"answered"`       // calls that a person picked up
	Ended         int `json:"ended"`          // calls that ended, whichever way
	WebhooksDone  int `json:"webhooks_done"`  // webhooks answered with 2xx
	WebhooksRetry int `json:"webhooks_retry"` // attempts that were repeated
	WebhooksLost  int `json:"webhooks_lost"`  // webhooks given up
	Waiting       int `json:"waiting"`        // steps that are due later, now
}

// Stats returns the counts.
func (s *Simulator) Stats() Stats {
	s.net.Lock()
	defer s.net.Unlock()
	st := s.stats
	st.Refused += s.faults.Hits()
	st.Waiting = s.net.Waiting()
	return st
}

// An Alert is a problem with a webhook that the vendor would show in its debugger.
type Alert struct {
	At     time.Time `json:"at"`
	Level  string    `json:"level"` // error, warning
	Code   int       `json:"code"`
	SID    string    `json:"sid"` // of the text or call
	Detail string    `json:"detail"`
}

// maxAlerts bounds the memory that a webhook which is never right can take.
const maxAlerts = 1000

// Alerts returns the newest thousand alerts, oldest first.
func (s *Simulator) Alerts() []Alert {
	s.net.Lock()
	defer s.net.Unlock()
	return append([]Alert{}, s.alerts...)
}

func (s *Simulator) alert(level string, code int, sid, detail string) {
	if len(s.alerts) == maxAlerts {
		s.alerts = append(s.alerts[:0], s.alerts[1:]...)
	}
	s.alerts = append(s.alerts, Alert{At: time.Now().UTC(), Level: level, Code: code, SID: sid, Detail: detail})
	s.logger.Warn("twilio simulator: webhook",
		zap.String("level", level), zap.Int("code", code), zap.String("sid", sid), zap.String("detail", detail))
}

// sid draws a new identifier: the prefix and 32 hexadecimal digits.
func (s *Simulator) sid(prefix string) string {
	var b [16]byte
	_, _ = s.random.Read(b[:]) // a ChaCha8 never fails
	return prefix + hex.EncodeToString(b[:])
}

func chachaSeed(seed uint64) (out [32]byte) {
	if seed == 0 {
		_, _ = crand.Read(out[:]) // never fails, by its documentation
		return out
	}
	binary.LittleEndian.PutUint64(out[:], seed)
	copy(out[8:], "dutyline twilio simulator")
	return out
}
