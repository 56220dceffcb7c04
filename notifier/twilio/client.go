package twilio

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

// Options are what a client is made with.
type Options struct {
	BaseURL           string // scheme and host; "" is the vendor
	AccountSID        string
	AuthToken         string
	PreviousAuthToken string            // webhooks signed with it are believed too, while the token is being changed
	Numbers           []string          // our own, E.164; each is a lane
	PublicURL         string            // under which the vendor reaches the webhooks; with a path when a proxy takes that path off
	FallbackURL       string            // another road to the webhooks, for calls that the first one fails; "" is PublicURL again
	Validity          time.Duration     // how long a text may wait at the provider, 1 s to 10 h; 0 is 5 min
	Transport         http.RoundTripper // nil: its own
	Logger            *zap.Logger       // nil: none
}

const (
	// defaultValidity is how long a text may wait at the provider: later, somebody else has been paged.
	defaultValidity = 5 * time.Minute
	// longestValidity is the vendor's own limit.
	longestValidity = 10 * time.Hour
	// shortestValidity is what a text gets whose page is about to expire, or has by this machine's clock: the clock may be wrong.
	shortestValidity = 30 * time.Second
)

const vendor = "https://api.twilio.com"

// A Client is one account. It is safe for concurrent use.
type Client struct {
	opts             Options
	base             *url.URL
	public, fallback string // without a slash at their end; fallback may be ""
	next             http.RoundTripper
	calls            calls
}

var (
	e164       = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	token      = regexp.MustCompile(`^[0-9a-zA-Z]+$`) // the library refuses to send any other
)

// New checks the options and makes a client. It makes no call. The error joins one for each option that is wrong; none quotes a secret.
func New(o Options) (*Client, error) {
	o.Validity = cmp.Or(o.Validity, defaultValidity)
	o.Numbers = slices.Clone(o.Numbers)
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	base, err := url.Parse(cmp.Or(o.BaseURL, vendor))
	if err != nil || !plain(base) || strings.Trim(base.Path, "/") != "" {
		wrong("twilio.base_url: an address of scheme and host alone is needed, or none for the vendor's own")
	}
	if !accountSID.MatchString(o.AccountSID) {
		wrong("twilio.account_sid: AC and 32 hexadecimal digits are needed")
	}
	if !token.MatchString(o.AuthToken) {
		wrong("twilio.auth_token: letters and digits are needed")
	}
	if len(o.Numbers) == 0 {
		wrong("twilio.numbers: at least one number is needed")
	}
	for i, n := range o.Numbers {
		switch {
		case !e164.MatchString(n):
			wrong("twilio.numbers[%d]: write it in E.164, as in +15005550006", i)
		case slices.Contains(o.Numbers[:i], n):
			wrong("twilio.numbers[%d]: it stands there twice, remove one", i)
		}
	}
	public, err := url.Parse(o.PublicURL)
	switch {
	case err != nil || !plain(public):
		wrong("public_url: the address under which the provider reaches this node is needed, as in https://line.example")
	case public.Scheme != "https" && o.BaseURL == "":
		wrong("public_url: the provider needs https")
	}
	if o.FallbackURL != "" {
		fallback, err := url.Parse(o.FallbackURL)
		if err != nil || !plain(fallback) || (fallback.Scheme != "https" && o.BaseURL == "") {
			wrong("the fallback of public_url: an address of https, or none, is needed")
		}
	}
	if o.Validity < time.Second || o.Validity > longestValidity {
		wrong("twilio: the validity of a text must be between 1 s and %v", longestValidity)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	next := o.Transport
	if next == nil {
		next = transport()
	}
	return &Client{
		opts: o, base: base, public: strings.TrimRight(o.PublicURL, "/"), fallback: strings.TrimRight(o.FallbackURL, "/"), next: next,
	}, nil
}

// plain reports whether an address is http or https, with a host and without what no base of addresses can have.
func plain(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

// transport is a client's own. It speaks HTTP/1 alone: a connection that has died is dropped together with its call there, whereas all
// the calls of HTTP/2 go on sharing it, for minutes.
func transport() *http.Transport {
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

// SMS is the channel of text messages.
func (c *Client) SMS() notifier.Channel { return sms{c} }

type sms struct{ *Client }

// Name is twilio.
func (sms) Name() string { return "twilio" }

// Medium is sms.
func (sms) Medium() string { return notifier.MediumSMS }

// Lane is the number that writes to a recipient, or calls: the one whose hash together with the recipient's is highest, so that adding a number
// moves as few conversations as can be.
func (c *Client) Lane(to notifier.Phone) string {
	best, highest := "", [sha256.Size]byte{}
	for _, n := range c.opts.Numbers {
		if sum := sha256.Sum256([]byte(n + "|" + string(to))); best == "" || bytes.Compare(sum[:], highest[:]) > 0 {
			best, highest = n, sum
		}
	}
	return best
}

// key is the phrase of what a message is about: sms_ask.
func key(m notifier.Message) phrase.Key { return phrase.Key("sms_" + string(m.About)) }

// text is what a message says.
func text(m notifier.Message, l phrase.Language) string {
	args := phrase.Args{Reference: m.Ref.String(), Urgency: string(m.Urgency), Language: m.Language, Code: m.Code, Alarm: string(m.Alarm)}
	d := m.Duty
	args.Roster, args.CallSign, args.Open = d.Roster, d.CallSign, d.Open
	args.From, args.Until = moment(d.From), moment(d.Until)
	for _, ref := range d.Requests {
		args.Requests = append(args.Requests, ref.String())
	}
	return phrase.Text(l, key(m), args)
}

// moment writes a time, and a dash for an end that nobody knows.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return phrase.Moment(t)
}

// Send hands a text over.
func (s sms) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := s.Client
	switch {
	case !e164.MatchString(string(m.To)): // also the empty number of somebody who has left the roster
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_number"}
	case !phrase.Has(key(m)): // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	params := &api.CreateMessageParams{}
	params.SetTo(string(m.To))
	params.SetFrom(c.Lane(m.To))
	params.SetBody(text(m, phrase.Pick(m.Reader)))
	params.SetValidityPeriod(int(c.validity(m.Expires).Seconds()))
	params.SetStatusCallback(c.public + statusPath + string(m.Ref) + "/" + m.Attempt + overrides)
	service, seen := c.service(ctx)
	answer, err := service.CreateMessage(params)
	if err != nil || !seen.success() || value(answer.Sid) == "" {
		return seen.failure(err)
	}
	return notifier.Accepted{ProviderID: *answer.Sid}
}

// overrides tell the vendor to repeat a callback that is answered with 5xx, or not at all: it would repeat only what cannot connect
// (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). 15 s in all.
const overrides = "#rc=5&rp=ct,rt,5xx&rt=5000"

// validity is how long a text may wait at the provider.
func (c *Client) validity(expires time.Time) time.Duration {
	if expires.IsZero() {
		return c.opts.Validity
	}
	return min(max(time.Until(expires), shortestValidity), c.opts.Validity)
}

const (
	lookUpPage  = 100
	lookUpPages = 10
	// lookUpSkew is how much older than the page's first attempt a text may be by the provider's clock. What is searched for carries the
	// page's own code, so that a wide margin costs pages of the list, and no mistakes.
	lookUpSkew = 10 * time.Minute
)

// Find looks for the page's text among those to the same number since the page was first attempted, whichever of our numbers wrote it.
func (s sms) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := s.Client
	if !e164.MatchString(string(m.To)) {
		return notifier.NotFound{} // without a number, nothing was handed over
	}
	ours := recognise(m)
	since := m.Since.Add(-lookUpSkew)
	params := &api.ListMessageParams{}
	params.SetTo(string(m.To))
	params.SetPageSize(lookUpPage)
	pageToken, pageNumber := "", ""
	for range lookUpPages {
		service, seen := c.service(ctx)
		page, err := service.PageMessage(params, pageToken, pageNumber)
		if err != nil || !seen.success() || page.Messages == nil { // an answer without a list is not an empty list
			return seen.failure(err)
		}
		old := true
		for _, found := range page.Messages {
			if ours(value(found.Body)) && arrived(value(found.Status)) && value(found.Sid) != "" {
				return notifier.Accepted{ProviderID: *found.Sid}
			}
			created, err := time.Parse(time.RFC1123Z, value(found.DateCreated))
			old = old && err == nil && created.Before(since)
		}
		next, err := url.Parse(value(page.NextPageUri))
		if err != nil || value(page.NextPageUri) == "" || old {
			break
		}
		pageToken, pageNumber = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	return notifier.NotFound{}
}

// recognise tells the text of a page from others, although the urgency of the request or the language of its reader may have changed since
// it was sent, and the vendor may have put words before it. The code is the page's own. A notice has none: no other text says the same of
// the same request.
func recognise(m notifier.Message) func(body string) bool {
	if m.Code != "" {
		return func(body string) bool {
			return strings.Contains(body, m.Ref.String()) && strings.Contains(body, m.Code)
		}
	}
	return func(body string) bool {
		return slices.ContainsFunc(phrase.Languages, func(l phrase.Language) bool { return strings.Contains(body, text(m, l)) })
	}
}

// arrived reports whether a text of this status is on its way or there; one that failed is as good as none.
func arrived(status string) bool {
	return status != "failed" && status != "undelivered" && status != "canceled"
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// service is the library's client for one call, and the note of what is seen of it.
func (c *Client) service(ctx context.Context) (*api.ApiService, *sighting) {
	seen := &sighting{}
	inner := &client.Client{
		Credentials: client.NewCredentials(c.opts.AccountSID, c.opts.AuthToken),
		HTTPClient: &http.Client{
			Transport:     &tripper{ctx: ctx, base: c.base, next: c.next, seen: seen},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	inner.SetAccountSid(c.opts.AccountSID)
	// Not NewRequestHandler: it takes edge and region from the environment.
	return api.NewApiService(&client.RequestHandler{Client: inner}), seen
}

// failure decides what came of a call that brought nothing that can be used; err may be nil.
func (s *sighting) failure(err error) notifier.Outcome {
	code := 0
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok {
		code = rest.Code
	}
	f := notifier.Failed{Kind: request.FailedUnknown, Code: "http_" + strconv.Itoa(s.status)}
	if code != 0 {
		f.Code = strconv.Itoa(code)
	}
	switch {
	case s.status == 0 && !s.wrote:
		f.Kind, f.Code = request.FailedForNow, "connection"
	case s.status == 0 && s.timeout:
		f.Code = "timeout"
	case s.status == 0:
		f.Code = "connection_lost"
	case s.status == http.StatusTooManyRequests:
		f.Kind = request.FailedForNow
	case s.status >= 500 || s.status == http.StatusRequestTimeout || s.success():
		// perhaps processed
	default: // a refusal, a redirect, or a page of something that is not the provider
		f.Kind = kindOf(code)
	}
	if f.Kind.Retryable() {
		f.RetryAfter = s.retryAfter
	}
	return f
}
