package vonage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/request"
)

// SMS is the channel of text messages.
func (c *Client) SMS() notifier.Channel { return sms{c} }

type sms struct{ *Client }

// Name is vonage.
func (sms) Name() string { return "vonage" }

// Medium is sms.
func (sms) Medium() string { return notifier.MediumSMS }

// Send hands a text over.
func (s sms) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := s.Client
	text, ok := telephone.Text(m)
	switch {
	case !telephone.Dialable(m.To): // also the empty number of somebody who has left the roster
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_number"}
	case !ok: // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	form := textForm(c.Lane(m.To), m.To, text, telephone.Validity(m.Expires, c.opts.Validity))
	form.Set("callback", c.public+statusPath+string(m.Ref)+"/"+m.Attempt)
	form.Set("client-ref", clientRef(m.Ref, m.Attempt))
	return c.hand(ctx, form)
}

// textForm is what every text is sent with.
func textForm(from string, to notifier.Phone, text string, validity time.Duration) url.Values {
	form := url.Values{"from": {digits(from)}, "to": {digits(to)}, "text": {text}, "type": {"text"}, "ttl": {strconv.FormatInt(validity.Milliseconds(), 10)}}
	if !telephone.FitsGSM7(text) {
		form.Set("type", "unicode")
	}
	return form
}

// hand gives a text to the vendor.
func (c *Client) hand(ctx context.Context, form url.Values) notifier.Outcome {
	form.Set("api_key", c.opts.APIKey)
	form.Set("api_secret", c.opts.APISecret)
	body, seen := c.exchange(ctx, c.texts, call{
		method: http.MethodPost, target: "/sms/json", contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()),
	})
	var answer struct {
		Messages []struct {
			ID     string `json:"message-id"`
			Status string `json:"status"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Messages) == 0 {
		return seen.Failure("", request.FailedConfig)
	}
	first, status := answer.Messages[0], "0"
	for _, part := range answer.Messages { // one for each segment
		if status == "0" {
			status = number(part.Status)
		}
	}
	switch {
	case status == "", status == "0" && first.ID == "":
		return seen.Failure("", request.FailedConfig)
	case !seen.Success():
		return seen.Failure("sms_"+status, refusal(status))
	case status == "0":
		return notifier.Accepted{ProviderID: first.ID}
	}
	f := notifier.Failed{Kind: refusal(status), Code: "sms_" + status}
	if number(first.Status) == "0" {
		f.Kind = request.FailedUnknown // a part of it is on its way
	}
	if f.Kind.Retryable() {
		f.RetryAfter = seen.RetryAfter
	}
	return f
}

// number keeps a code of the vendor's, "" of what cannot be one.
func number(code string) string {
	if n, err := strconv.ParseUint(code, 10, 16); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return ""
}

// clientRef names an attempt to the vendor, which gives it back in delivery receipts and reports.
func clientRef(ref request.Ref, attempt string) string { return notifier.JointOf(ref, attempt) }

const (
	// reportSkew is how much earlier than the page's first attempt a report is looked at, and later than now. What is searched for carries
	// its client reference, so that a wide margin makes no mistakes.
	reportSkew = 10 * time.Minute
	// longestReport is what the vendor reports on at a time, with the margins.
	longestReport = 24*time.Hour - 2*reportSkew
	lookUpPages   = 10
)

// reportTime is how the vendor writes times.
const reportTime = "2006-01-02T15:04:05Z"

// Find looks for the page's text in the vendor's report of those to the same number since the page was first attempted, whichever of our
// numbers wrote it. One that failed is as good as none. The vendor's reports can lag behind; then the page is sent again.
func (s sms) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := s.Client
	if !telephone.Dialable(m.To) {
		return notifier.NotFound{} // without a number, nothing was handed over
	}
	now := c.now().UTC()
	query := url.Values{
		"account_id": {c.opts.APIKey}, "product": {"SMS"}, "direction": {"outbound"}, "to": {digits(m.To)},
		"date_start": {now.Add(-min(telephone.Age(m), longestReport) - reportSkew).Format(reportTime)},
		"date_end":   {now.Add(reportSkew).Format(reportTime)},
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.opts.APIKey+":"+c.opts.APISecret))
	for range lookUpPages {
		var report struct {
			Records *[]struct {
				ID        string `json:"message_id"`
				ClientRef string `json:"client_ref"`
				To        string `json:"to"`
				Status    string `json:"status"`
			} `json:"records"`
			Links struct {
				Next struct {
					Href string `json:"href"`
				} `json:"next"`
			} `json:"_links"`
		}
		seen, ok := c.get(ctx, c.reports, "/v2/reports/records", query, basic, &report)
		if !ok || report.Records == nil { // an answer without a list is not an empty list
			return seen.Failure("", request.FailedConfig)
		}
		for _, found := range *report.Records {
			if found.ID != "" && digits(found.To) == digits(m.To) && isPage(found.ClientRef, m) && !slices.Contains(gone, found.Status) {
				return notifier.Accepted{ProviderID: found.ID}
			}
		}
		next, err := url.Parse(report.Links.Next.Href)
		if err != nil || next.Query().Get("cursor") == "" || next.Query().Get("cursor") == query.Get("cursor") {
			break
		}
		query.Set("cursor", next.Query().Get("cursor"))
		query.Set("iv", next.Query().Get("iv"))
	}
	return notifier.NotFound{}
}

// gone are the states of a text that did not arrive.
var gone = []string{"expired", "failed", "rejected", "deleted"}

// isPage reports whether a client reference is that of an attempt of the message's page.
func isPage(ref string, m notifier.Message) bool {
	if m.Joint != "" && ref == m.Joint { // it went with others
		return true
	}
	name, attempt, _ := strings.Cut(ref, ".")
	page, ok := request.PageOfAttempt(attempt)
	return ok && name == string(m.Ref) && page == m.Page
}
