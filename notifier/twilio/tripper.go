package twilio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// sighting is what was seen of one call.
type sighting struct {
	wrote      bool // the request may have left this machine
	timeout    bool
	status     int // 0: no answer, or one that broke off
	retryAfter time.Duration
	date       time.Time // by the clock of whoever answered; zero when it did not say
}

// success reports whether the answer was one. The library takes a redirect for one, too.
func (s *sighting) success() bool { return s.status >= 200 && s.status < 300 }

// tripper carries one call: it gives it its context and its host, and leaves nothing open.
type tripper struct {
	ctx  context.Context //nolint:containedctx // the library hands none on
	base *url.URL
	next http.RoundTripper
	seen *sighting
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
	_ = response.Body.Close() // the library would leave it open after an error
	if err != nil {
		t.broken(err)
		return nil, err
	}
	t.seen.status, t.seen.retryAfter = response.StatusCode, retryAfter(response.Header.Get("Retry-After"))
	t.seen.date, _ = http.ParseTime(response.Header.Get("Date"))
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
