package twilio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	"github.com/dutyline/dutyline/notifier/telephone"
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
)

const vendor = "https://api.twilio.com"

// A Client is one account. It is safe for concurrent use.
type Client struct {
	opts             Options
	base             *url.URL
	public, fallback string // without a slash at their end; fallback may be ""
	next             http.RoundTripper
	calls            telephone.Calls
}

var (
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
	if err != nil || !telephone.IsBase(base) || strings.Trim(base.Path, "/") != "" {
		wrong("twilio.base_url: an address of scheme and host alone is needed, or none for the vendor's own")
	}
	if !accountSID.MatchString(o.AccountSID) {
		wrong("twilio.account_sid: AC and 32 hexadecimal digits are needed")
	}
	if !token.MatchString(o.AuthToken) {
		wrong("twilio.auth_token: letters and digits are needed")
	}
	errs = append(errs, telephone.CheckNumbers("twilio.numbers", o.Numbers)...)
	public, err := url.Parse(o.PublicURL)
	switch {
	case err != nil || !telephone.IsBase(public):
		wrong("public_url: the address under which the provider reaches this node is needed, as in https://line.example")
	case public.Scheme != "https" && o.BaseURL == "":
		wrong("public_url: the provider needs https")
	}
	if o.FallbackURL != "" {
		fallback, err := url.Parse(o.FallbackURL)
		if err != nil || !telephone.IsBase(fallback) || (fallback.Scheme != "https" && o.BaseURL == "") {
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
		next = telephone.NewTransport()
	}
	return &Client{
		opts: o, base: base, public: strings.TrimRight(o.PublicURL, "/"), fallback: strings.TrimRight(o.FallbackURL, "/"), next: next,
	}, nil
}

// SMS is the channel of text messages.
func (c *Client) SMS() notifier.Channel { return sms{c} }

type sms struct{ *Client }

// Name is twilio.
func (sms) Name() string { return "twilio" }

// Medium is sms.
func (sms) Medium() string { return notifier.MediumSMS }

// Lane is the number that writes to a recipient, or calls.
func (c *Client) Lane(to notifier.Phone) string { return telephone.Serving(c.opts.Numbers, to) }

// Send hands a text over.
func (s sms) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := s.Client
	body, ok := telephone.Text(m)
	switch {
	case !telephone.Dialable(m.To): // also the empty number of somebody who has left the roster
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_number"}
	case !ok: // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	params := &api.CreateMessageParams{}
	params.SetTo(string(m.To))
	params.SetFrom(c.Lane(m.To))
	params.SetBody(body)
	params.SetValidityPeriod(int(telephone.Validity(m.Expires, c.opts.Validity).Seconds()))
	params.SetStatusCallback(c.public + statusPath + string(m.Ref) + "/" + m.Attempt + overrides)
	service, seen := c.service(ctx)
	answer, err := service.CreateMessage(params)
	if err != nil || !seen.Success() || value(answer.Sid) == "" {
		return failure(seen, err)
	}
	return notifier.Accepted{ProviderID: *answer.Sid}
}

// overrides tell the vendor to repeat a callback that is answered with 5xx, or not at all: it would repeat only what cannot connect
// (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). 15 s in all.
const overrides = "#rc=5&rp=ct,rt,5xx&rt=5000"

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
	if !telephone.Dialable(m.To) {
		return notifier.NotFound{} // without a number, nothing was handed over
	}
	ours := telephone.Recognise(m)
	since := m.Since.Add(-lookUpSkew)
	params := &api.ListMessageParams{}
	params.SetTo(string(m.To))
	params.SetPageSize(lookUpPage)
	pageToken, pageNumber := "", ""
	for range lookUpPages {
		service, seen := c.service(ctx)
		page, err := service.PageMessage(params, pageToken, pageNumber)
		if err != nil || !seen.Success() || page.Messages == nil { // an answer without a list is not an empty list
			return failure(seen, err)
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
func (c *Client) service(ctx context.Context) (*api.ApiService, *telephone.Exchange) {
	seen := &telephone.Exchange{}
	inner := &client.Client{
		Credentials: client.NewCredentials(c.opts.AccountSID, c.opts.AuthToken), HTTPClient: seen.Client(ctx, c.base, c.next),
	}
	inner.SetAccountSid(c.opts.AccountSID)
	// Not NewRequestHandler: it takes edge and region from the environment.
	return api.NewApiService(&client.RequestHandler{Client: inner}), seen
}

// failure decides what came of a call that brought nothing that can be used; err may be nil.
func failure(seen *telephone.Exchange, err error) notifier.Outcome {
	code, text := 0, ""
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok && rest.Code != 0 {
		code, text = rest.Code, strconv.Itoa(rest.Code)
	}
	return seen.Failure(text, kindOf(code))
}
