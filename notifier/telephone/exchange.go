package telephone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// NewTransport is the transport of a provider's client. It speaks HTTP/1 alone: a connection that has died is dropped together with its call
// there, whereas all the calls of HTTP/2 go on sharing it, for minutes.
func NewTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 64,
		Protocols:           protocols,
	}
}

// An Exchange is what was seen of one call to a provider's interface. The zero value has seen nothing. It belongs to one goroutine.
type Exchange struct {
	Status     int           // 0: no answer, or one that broke off
	RetryAfter time.Duration // what the provider asked for, a minute at most
	Date       time.Time     // by the clock of whoever answered; zero when it did not say

	wrote   bool // the request may have left this machine
	timeout bool
}

// Success reports whether the answer was one; a redirect is none.
func (e *Exchange) Success() bool { return e.Status >= 200 && e.Status < 300 }

// Client makes the one call of the exchange: to the scheme and host of base, over next, ending with ctx. It follows no redirect, reads the
// whole answer, and leaves nothing open.
func (e *Exchange) Client(ctx context.Context, base *url.URL, next http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     &tripper{ctx: ctx, base: base, next: next, seen: e},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Failure decides what came of a call that brought nothing that can be used. code is the provider's own, "" when it gave none; refused is
// what that means where the provider has certainly not processed the call.
func (e *Exchange) Failure(code string, refused request.FailureKind) notifier.Failed {
	f := notifier.Failed{Kind: request.FailedUnknown, Code: code}
	if code == "" {
		f.Code = "http_" + strconv.Itoa(e.Status)
	}
	switch {
	case e.Status == 0 && !e.wrote:
		f.Kind, f.Code = request.FailedForNow, "connection"
	case e.Status == 0 && e.timeout:
		f.Code = "timeout"
	case e.Status == 0:
		f.Code = "connection_lost"
	case e.Status == http.StatusTooManyRequests:
		f.Kind = request.FailedForNow
	case e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Success():
		// perhaps processed
	default: // a refusal, a redirect, or a page of something that is not the provider
		f.Kind = refused
	}
	if f.Kind.Retryable() {
		f.RetryAfter = e.RetryAfter
	}
	return f
}

// tripper carries one call: it gives it its context and its host, and leaves nothing open.
type tripper struct {
	ctx  context.Context //nolint:containedctx // a provider's library may hand none on
	base *url.URL
	next http.RoundTripper
	seen *Exchange
}

// largestAnswer bounds what is read of an answer.
const largestAnswer = 1 << 20

// RoundTrip makes the call and reads the whole answer.
func (t *tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.ctx.Err(); err != nil {
		t.seen.timeout = errors.Is(err, context.DeadlineExceeded)
		return nil, err
	}
	// Only a transport that looked for a connection and found none has certainly written nothing. Once there is one, the request may be on
	// its way before the trace says so.
	var looked, got atomic.Bool
	r = r.Clone(httptrace.WithClientTrace(t.ctx, &httptrace.ClientTrace{
		GetConn: func(string) { looked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) },
	}))
	r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
	response, err := t.next.RoundTrip(r)
	t.seen.wrote = got.Load() || !looked.Load()
	if err != nil {
		t.broken(err)
		return nil, err
	}
	t.seen.wrote = true
	body, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	_ = response.Body.Close() // a library may leave it open after an error
	if err != nil {
		t.broken(err)
		return nil, err
	}
	t.seen.Status, t.seen.RetryAfter = response.StatusCode, retryAfter(response.Header.Get("Retry-After"))
	t.seen.Date, _ = http.ParseTime(response.Header.Get("Date"))
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// broken notes why a call broke off. Where one connection has died, the idle ones beside it have too, and each would cost another call
// its deadline.
func (t *tripper) broken(err error) {
	t.seen.timeout = errors.Is(err, context.DeadlineExceeded) || errors.Is(t.ctx.Err(), context.DeadlineExceeded)
	if idle, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// longestRetryAfter bounds what a provider may ask for: a page must not sleep for an hour.
const longestRetryAfter = time.Minute

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
