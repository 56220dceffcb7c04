package twiliosim

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor signs with HMAC-SHA1
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// What the vendor allows a webhook. Source: its page on connection overrides.
const (
	webhookConnect = 5 * time.Second
	webhookTotal   = 15 * time.Second
	webhookAnswer  = 64 << 10 // bytes of an answer
	maxRetries     = 5
	maxWorkers     = 256         // webhooks under way at once
	retryPause     = time.Second // before the first repetition, and longer by as much before each further one; the vendor names none
)

// codeNotRetrieved is the vendor's code for a webhook that failed.
const codeNotRetrieved = 11200

// A webhook is one call to a URL of the customer, repeated as its URL's fragment says.
type webhook struct {
	epoch  int    // of the simulator when it was due
	sid    string // of the text or call, for alerts
	target string // with the fragment
	method string // "" = POST
	form   url.Values
	then   func(answer) // called under the lock when it is settled; nil for a status
	token  string       // I-Twilio-Idempotency-Token, one for all attempts
	tries  int
	first  time.Time // of the first attempt
}

// post lets a worker carry the webhook. Callers hold the lock.
func (s *Simulator) post(h *webhook) {
	if s.closed {
		return
	}
	if h.token == "" {
		t := s.sid("")
		h.token = strings.Join([]string{t[:8], t[8:12], t[12:16], t[16:20], t[20:]}, "-")
		h.epoch = s.epoch
	}
	s.hooks = append(s.hooks, h)
	if s.workers < maxWorkers {
		s.workers++
		s.wg.Go(s.work)
	}
}

// work carries webhooks until none waits.
func (s *Simulator) work() {
	for {
		s.net.Lock()
		if len(s.hooks) == 0 || s.closed {
			s.workers--
			s.net.Unlock()
			return
		}
		h := s.hooks[0]
		s.hooks = s.hooks[1:]
		s.net.Unlock()
		s.attempt(h)
	}
}

// attempt calls once and settles what follows from the answer.
func (s *Simulator) attempt(h *webhook) {
	rules := overrides(h.target)
	h.tries++
	if h.tries == 1 {
		h.first = time.Now()
	}
	got := s.call(h, rules)
	s.net.Lock()
	defer s.net.Unlock()
	if s.closed || h.epoch != s.epoch {
		return
	}
	wait := time.Duration(h.tries) * retryPause
	switch {
	case got.class == done:
		s.stats.WebhooksDone++
	case rules.repeats[got.class] && h.tries <= rules.count && time.Since(h.first)+wait < rules.total:
		s.stats.WebhooksRetry++
		s.net.At(time.Now().Add(wait), func() { s.post(h) })
		return
	default:
		s.stats.WebhooksLost++
		s.alert("error", codeNotRetrieved, h.sid, got.detail)
	}
	if h.then != nil {
		h.then(got)
	}
}

// A class is how an attempt ended, in the words of the retry policy.
type class string

const (
	done          class = "done"
	connection    class = "ct"  // no connection, or it broke
	readTimeout   class = "rt"  // no answer in time
	clientFailure class = "4xx" // also what is no answer of a webhook, such as a redirect
	serverFailure class = "5xx"
)

type answer struct {
	class       class
	detail      string
	status      int
	contentType string
	body        []byte
}

func (s *Simulator) call(h *webhook, rules rules) answer {
	target, method, form := h.request()
	ctx, cancel := context.WithDeadline(s.ctx, h.first.Add(rules.total))
	defer cancel()
	var connected atomic.Bool
	timer := time.AfterFunc(rules.connect, cancel)
	defer timer.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		connected.Store(true)
		timer.Reset(rules.read)
	}})
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{class: clientFailure, detail: "the URL cannot be read"}
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("Accept", "*/*")
	req.Header.Set("X-Twilio-Signature", Sign(s.opts.AuthToken, target, form))
	req.Header.Set("I-Twilio-Idempotency-Token", h.token)
	res, err := s.client.Do(req)
	if err != nil {
		return broken(connected.Load(), late(ctx, err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, webhookAnswer+1))
	if err != nil {
		return broken(true, late(ctx, err))
	}
	a := answer{status: res.StatusCode, contentType: res.Header.Get("Content-Type"), body: body}
	a.detail = fmt.Sprintf("answered with %d", res.StatusCode)
	switch {
	case res.StatusCode >= 500:
		a.class = serverFailure
	case res.StatusCode >= 300:
		a.class = clientFailure
	default:
		a.class = done
	}
	return a
}

// request is what an attempt asks: a GET carries its parameters in the URL, which is signed with them.
func (h *webhook) request() (target, method string, form url.Values) {
	target, _, _ = strings.Cut(h.target, "#")
	if h.method != http.MethodGet {
		return target, http.MethodPost, h.form
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + h.form.Encode(), http.MethodGet, nil
}

// late tells a time limit, ours or the client's own, from a connection that broke.
func late(ctx context.Context, err error) bool {
	slow, ok := errors.AsType[net.Error](err)
	return ctx.Err() != nil || ok && slow.Timeout()
}

func broken(connected, timedOut bool) answer {
	switch {
	case connected && timedOut:
		return answer{class: readTimeout, detail: "no answer in time"}
	case connected:
		return answer{class: connection, detail: "the connection broke"}
	default:
		return answer{class: connection, detail: "no connection"}
	}
}

// Sign returns X-Twilio-Signature: HMAC-SHA1 under the auth token over the URL without its fragment and the sorted parameters.
// Source: the vendor's page on securing webhooks.
func Sign(authToken, target string, form url.Values) string {
	target, _, _ = strings.Cut(target, "#")
	mac := hmac.New(sha1.New, []byte(authToken))
	_, _ = io.WriteString(mac, target)
	for _, key := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[key] {
			_, _ = io.WriteString(mac, key+value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// rules are the connection overrides of one URL.
type rules struct {
	count   int
	repeats map[class]bool
	connect time.Duration
	read    time.Duration
	total   time.Duration
}

// overrides reads the fragment of a webhook's URL. Values that are absent or out of range leave the default: one repetition, and only
// where no connection was made. An answer with 5xx is repeated by rp=5xx or rp=all alone.
func overrides(target string) rules {
	r := rules{
		count: 1, repeats: map[class]bool{connection: true},
		connect: webhookConnect, read: webhookTotal, total: webhookTotal,
	}
	_, fragment, _ := strings.Cut(target, "#")
	values, err := url.ParseQuery(fragment)
	if err != nil {
		return r
	}
	if n, err := strconv.Atoi(values.Get("rc")); err == nil && n >= 0 && n <= maxRetries {
		r.count = n
	}
	r.connect = milliseconds(values.Get("ct"), 10*time.Second, r.connect)
	r.read = milliseconds(values.Get("rt"), webhookTotal, r.read)
	r.total = milliseconds(values.Get("tt"), webhookTotal, r.total)
	if rp := values.Get("rp"); rp != "" {
		r.repeats = make(map[class]bool)
		for policy := range strings.SplitSeq(rp, ",") {
			if policy == "all" {
				r.repeats = map[class]bool{connection: true, readTimeout: true, clientFailure: true, serverFailure: true}
				break
			}
			r.repeats[class(policy)] = true
		}
	}
	return r
}

func milliseconds(raw string, most, otherwise time.Duration) time.Duration {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 100 || n > int(most/time.Millisecond) {
		return otherwise
	}
	return time.Duration(n) * time.Millisecond
}
