package vonage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
)

// Options are what a client is made with.
type Options struct {
	BaseURL                 string // scheme and host in place of all of the vendor's; "" is the vendor
	VoiceURL                string // scheme and host of the region that calls are placed in; "" is BaseURL, or the vendor's nearest
	APIKey                  string
	APISecret               string
	ApplicationID           string
	PrivateKey              string            // of the application, RSA in PEM
	SignatureSecret         string            // of the account, for webhooks
	PreviousSignatureSecret string            // webhooks signed with it are believed too, while the secret is being changed
	Numbers                 []string          // our own, E.164; each is a lane
	PublicURL               string            // under which the vendor reaches the webhooks; with a path when a proxy takes that path off
	Validity                time.Duration     // how long a text may wait at the provider, 20 s to a week; 0 is 5 min
	Transport               http.RoundTripper // nil: its own
	Logger                  *zap.Logger       // nil: none
}

const (
	// defaultValidity is how long a text may wait at the provider: later, somebody else has been paged.
	defaultValidity = 5 * time.Minute
	// The vendor's own limits.
	shortestValidity = 20 * time.Second
	longestValidity  = 7 * 24 * time.Hour
)

// The vendor's addresses.
const (
	vendorTexts = "https://rest.nexmo.com"
	vendor      = "https://api.nexmo.com"
)

// A Client is one account. It is safe for concurrent use.
type Client struct {
	opts                  Options
	texts, calls, reports *url.URL
	public                string // without a slash at its end
	key                   *rsa.PrivateKey
	secrets               [][]byte // that webhooks may be signed with, the present one first
	next                  http.RoundTripper
	placed                telephone.Calls
	taken                 taken
	// ahead is how far the vendor's clock is ahead of this machine's, in nanoseconds, as its last answer said.
	ahead atomic.Int64
}

var (
	apiKey        = regexp.MustCompile(`^[0-9a-zA-Z]{8}$`)
	applicationID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	// shortestSecret is how many characters the secret of signatures must have: with fewer, somebody could try them all.
	shortestSecret = 16
)

// New checks the options and makes a client. It makes no call. The error joins one for each option that is wrong; none quotes a secret.
func New(o Options) (*Client, error) {
	o.Validity = cmp.Or(o.Validity, defaultValidity)
	o.Numbers = slices.Clone(o.Numbers)
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	c := &Client{opts: o, public: strings.TrimRight(o.PublicURL, "/"), next: o.Transport, secrets: [][]byte{[]byte(o.SignatureSecret)}}
	if c.next == nil {
		c.next = telephone.NewTransport()
	}
	if o.PreviousSignatureSecret != "" {
		c.secrets = append(c.secrets, []byte(o.PreviousSignatureSecret))
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	base := func(name, text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil || !telephone.IsBase(u) || strings.Trim(u.Path, "/") != "" {
			wrong("vonage.%s: an address of scheme and host alone is needed, or none for the vendor's own", name)
		}
		return u
	}
	c.texts = base("base_url", cmp.Or(o.BaseURL, vendorTexts))
	c.reports, c.calls = c.texts, c.texts
	if o.BaseURL == "" {
		c.reports = base("base_url", vendor)
		c.calls = c.reports
	}
	if o.VoiceURL != "" {
		c.calls = base("voice_url", o.VoiceURL)
	}
	if !apiKey.MatchString(o.APIKey) {
		wrong("vonage.api_key: 8 letters and digits are needed")
	}
	if o.APISecret == "" || strings.ContainsAny(o.APISecret, " \t\r\n") {
		wrong("vonage.api_secret: the secret of the account is needed, without blanks")
	}
	if !applicationID.MatchString(o.ApplicationID) {
		wrong("vonage.application_id: an id like 78d335fa-323d-0114-9c3d-d6f0d48968cf is needed")
	}
	var err error
	if c.key, err = jwt.ParseRSAPrivateKeyFromPEM([]byte(o.PrivateKey)); err != nil {
		wrong("vonage.private_key: the application's private key is needed, in PEM, from BEGIN to END") // the error could quote it
	}
	for i, secret := range c.secrets {
		if len(secret) < shortestSecret {
			wrong("vonage.%s: at least %d characters are needed, as the vendor's settings show them", []string{"signature_secret", "signature_secret_previous"}[i], shortestSecret)
		}
	}
	errs = append(errs, telephone.CheckNumbers("vonage.numbers", o.Numbers)...)
	public, err := url.Parse(o.PublicURL)
	switch {
	case err != nil || !telephone.IsBase(public):
		wrong("public_url: the address under which the provider reaches this node is needed, as in https://line.example")
	case public.Scheme != "https" && o.BaseURL == "":
		wrong("public_url: the provider needs https")
	}
	if o.Validity < shortestValidity || o.Validity > longestValidity {
		wrong("vonage: the validity of a text must be between %v and %v", shortestValidity, longestValidity)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// Lane is the number that writes to a recipient, or calls.
func (c *Client) Lane(to notifier.Phone) string { return telephone.Serving(c.opts.Numbers, to) }

// digits is a number as the vendor writes it: E.164 without the plus.
func digits[T ~string](number T) string { return strings.TrimPrefix(string(number), "+") }

// now is the time by the vendor's clock, as far as it is known: this machine's may be wrong.
func (c *Client) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// exchange makes one call and gives the whole answer. Where none was had, only what was seen says why.
func (c *Client) exchange(ctx context.Context, base *url.URL, r call) ([]byte, *telephone.Exchange) {
	seen := &telephone.Exchange{}
	built, err := http.NewRequestWithContext(ctx, r.method, base.Scheme+"://"+base.Host+r.target, bytes.NewReader(r.body))
	if err != nil {
		return nil, seen // nothing was sent
	}
	built.Header.Set("Accept", "application/json")
	if r.contentType != "" {
		built.Header.Set("Content-Type", r.contentType)
	}
	if r.authorization != "" {
		built.Header.Set("Authorization", r.authorization)
	}
	response, err := seen.Client(ctx, base, c.next).Do(built)
	if err != nil {
		return nil, seen
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)       // it was read already
	if seen.Success() && !seen.Date.IsZero() { // not by what stands in between
		c.ahead.Store(int64(time.Until(seen.Date)))
	}
	return body, seen
}

// A call is what is asked of the vendor.
type call struct {
	method, target             string
	contentType, authorization string
	body                       []byte
}

// get asks for a document.
func (c *Client) get(ctx context.Context, base *url.URL, path string, query url.Values, authorization string, into any) (*telephone.Exchange, bool) {
	body, seen := c.exchange(ctx, base, call{method: http.MethodGet, target: path + "?" + query.Encode(), authorization: authorization})
	return seen, seen.Success() && json.Unmarshal(body, into) == nil
}
