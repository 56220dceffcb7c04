package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// Name is the provider's name in events, and that of the medium over which senders are told.
const Name = "webhook"

// types are the types of message to senders, by what they are about. Do not modify.
var types = map[notifier.About]string{
	request.NewsAcknowledged:   "request.acknowledged",
	request.NewsDeadlineMissed: "request.deadline_missed",
	request.NewsUnanswered:     "request.unanswered",
	request.NewsUndone:         "request.acknowledgement_undone",
	request.NewsLapsed:         "request.acknowledgement_lapsed",
}

// An Endpoint is where messages go.
type Endpoint struct {
	URL string
	Key []byte // that signs, see [Secret]
}

// Options are what a channel is made with.
type Options struct {
	// Endpoint gives that of a recipient: a sender by their id, a person by the address of their contact. ok is false for who has none. It
	// answers from memory and is safe for concurrent use. Required.
	Endpoint func(to string) (e Endpoint, ok bool)
	// AllowLoopback takes http to this machine, too: for tests, and for trying out.
	AllowLoopback bool
	// Networks are those that are called besides the public internet.
	Networks  []netip.Prefix
	Now       func() time.Time  // the node's now; nil: the wall clock
	Transport http.RoundTripper // nil: its own, the only one that keeps to public addresses
}

// A Channel posts to receivers of one kind: those of senders, or those of people. It is safe for concurrent use.
type Channel struct {
	opts   Options
	client *http.Client
	medium string
	types  map[notifier.About]string
	data   func(notifier.Message) any
	direct bool // what receives is the recipient's own, and has nobody behind it who is to be told
}

var _ notifier.Channel = (*Channel)(nil)

// New makes the channel to senders. It makes no call.
func New(o Options) *Channel {
	c := o.channel()
	c.medium, c.types, c.direct = Name, types, true
	c.data = func(m notifier.Message) any { return json.RawMessage(m.Status) }
	return c
}

func (o Options) channel() *Channel {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = transport(Reach{o.AllowLoopback, o.Networks})
	}
	return &Channel{opts: o, client: &http.Client{
		Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name is webhook.
func (*Channel) Name() string { return Name }

// Medium is webhook to senders, and hook to people.
func (c *Channel) Medium() string { return c.medium }

// Lane is the host that receives: one that hangs keeps nobody else's messages waiting. It is none for who has no address.
func (c *Channel) Lane(to notifier.Phone) string {
	if _, u, ok := c.endpoint(to); ok {
		return strings.ToLower(u.Host)
	}
	return "none"
}

// endpoint is a recipient's, with its address taken apart; ok is false when there is none that may be called.
func (c *Channel) endpoint(to notifier.Phone) (e Endpoint, u *url.URL, ok bool) {
	if e, ok = c.opts.Endpoint(string(to)); !ok {
		return e, nil, false
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return e, nil, false
	}
	return e, u, u.Scheme == "https" || (u.Scheme == "http" && c.opts.AllowLoopback && loopback(u.Hostname()))
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.Unmap().IsLoopback())
}

// payload is the body of a message.
type payload struct {
	Type      string          `json:"type"`
	Timestamp request.Instant `json:"timestamp"` // about when it happened
	Data      any             `json:"data"`      // to a sender: the status of the request as of sending; to a person: see notice
}

// Send posts the message. An answer of 2xx is its delivery to a sender, whatever the answer says. To a person it is only accepted then: whether
// what receives it has shown it to anybody is not known.
func (c *Channel) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	endpoint, u, ok := c.endpoint(m.To)
	kind, known := c.types[m.About]
	switch {
	case !ok:
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_address"}
	case !known: // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	body, err := json.Marshal(payload{kind, request.At(m.Ordered), c.data(m)})
	if err != nil {
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_status"}
	}
	id, now := "msg_"+string(m.Ref)+"_"+m.Page, c.opts.Now()
	var looked, got atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { looked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) },
	})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_address"}
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Dutyline",
		headerID: id, headerTimestamp: strconv.FormatInt(now.Unix(), 10), headerSignature: sign(endpoint.Key, id, now, body),
	} {
		r.Header.Set(name, value)
	}
	response, err := c.client.Do(r)
	if err != nil { // not for a log: it names the address
		return failure(ctx, err, got.Load() || !looked.Load())
	}
	_ = response.Body.Close() // unread: nothing that a receiver says matters beyond its status, and it could go on for ever
	return c.outcome(id, response)
}

// Find finds nothing: there is nobody to ask, and who gets a message twice knows it by its id.
func (*Channel) Find(context.Context, notifier.Message) notifier.Outcome { return notifier.NotFound{} }

// failure is what came of a call that brought no answer. Only a call that found no connection has certainly written nothing.
func failure(ctx context.Context, err error, wrote bool) notifier.Failed {
	if errors.Is(err, errNotPublic) {
		return notifier.Failed{Kind: request.FailedConfig, Code: "address_refused"}
	}
	f := notifier.Failed{Kind: request.FailedForNow, Code: "connection"}
	if wrote {
		f = notifier.Failed{Kind: request.FailedUnknown, Code: "connection_lost"}
	}
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		f.Code = "certificate"
	} else if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.Code = "timeout"
	}
	return f
}

// outcome reads the answer.
func (c *Channel) outcome(id string, r *http.Response) notifier.Outcome {
	f := notifier.Failed{Code: "http_" + strconv.Itoa(r.StatusCode)}
	switch status := r.StatusCode; {
	case status >= 200 && status < 300:
		return notifier.Accepted{ProviderID: id, Delivered: c.direct}
	case status == http.StatusTooManyRequests, status == http.StatusTooEarly:
		f.Kind = request.FailedForNow
	case status >= 500, status == http.StatusRequestTimeout:
		f.Kind = request.FailedUnknown
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		f.Kind = request.FailedConfig // it does not believe the signature
	default: // gone (410), another refusal, or a redirect, which is not followed
		f.Kind = request.FailedForGood
	}
	if f.Kind.Retryable() {
		f.RetryAfter = retryAfter(r.Header.Get("Retry-After"))
	}
	return f
}

// longestRetryAfter bounds what a receiver may ask for.
const longestRetryAfter = 4 * time.Hour

// retryAfter reads the header in seconds or as a date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(longestRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), longestRetryAfter)
	}
	return 0
}
