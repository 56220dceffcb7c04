package twilio

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/twilio/twilio-go/client"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/request"
)

const (
	statusPath     = "/webhooks/twilio/message-status/"
	callStatusPath = "/webhooks/twilio/call-status/"
	voicePath      = "/webhooks/twilio/voice/"
	gatherPath     = "/webhooks/twilio/gather/"
	// InboundPath is where the provider must be told to post texts that people send.
	InboundPath = "/webhooks/twilio/sms"
)

// largestWebhook bounds a webhook's body.
const largestWebhook = 64 << 10

// Webhooks takes what the provider posts, below /webhooks/twilio/.
func (c *Client) Webhooks(sink notifier.Sink) http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, take func(http.ResponseWriter, *http.Request, hook)) {
		mux.HandleFunc("POST "+path, c.signed(take))
	}
	handle(statusPath+"{ref}/{attempt}", func(w http.ResponseWriter, r *http.Request, h hook) { c.status(w, r, h.form, sink) })
	handle(callStatusPath+"{ref}/{attempt}", func(w http.ResponseWriter, r *http.Request, h hook) { c.callStatus(w, r, h.form, sink) })
	handle(voicePath+"{ref}/{attempt}", c.pickedUp)
	handle(gatherPath+"{ref}/{attempt}", func(w http.ResponseWriter, r *http.Request, h hook) { c.pressed(w, r, h, sink) })
	handle(InboundPath, func(w http.ResponseWriter, r *http.Request, h hook) { c.inbound(w, r, h.form, sink) })
	return mux
}

// A hook is a webhook that was believed.
type hook struct {
	form url.Values
	base string // the address of ours that the signature covers
}

// signed lets through what the provider signed over a public address, with the present or the previous token.
func (c *Client) signed(next func(http.ResponseWriter, *http.Request, hook)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestWebhook))
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the body broke off", http.StatusBadRequest)
			return
		}
		form, err := url.ParseQuery(string(body))
		base, ok := "", false
		if err == nil {
			base, ok = c.genuine(r, form)
		}
		if !ok {
			c.opts.Logger.Warn("webhook without a valid signature", zap.String("route", r.Pattern))
			http.Error(w, "the signature is not valid", http.StatusForbidden)
			return
		}
		next(w, r, hook{form, base})
	}
}

// genuine reports whether the provider signed a webhook, and over which of our addresses.
func (c *Client) genuine(r *http.Request, form url.Values) (base string, ok bool) {
	signature := r.Header.Get("X-Twilio-Signature")
	params := make(map[string]string, len(form))
	for key, values := range form {
		if len(values) != 1 {
			return "", false // the provider repeats no key, and the validator would see one value alone
		}
		params[key] = values[0]
	}
	if signature == "" || form.Get("AccountSid") != c.opts.AccountSID {
		return "", false
	}
	for _, base := range []string{c.public, c.fallback} {
		for _, token := range []string{c.opts.AuthToken, c.opts.PreviousAuthToken} {
			if base == "" || token == "" {
				continue
			}
			validator := client.NewRequestValidator(token)
			if validator.Validate(base+r.URL.RequestURI(), params, signature) {
				return base, true
			}
		}
	}
	return "", false
}

// status takes a status callback of a text.
func (c *Client) status(w http.ResponseWriter, r *http.Request, form url.Values, sink notifier.Sink) {
	report, ok := reportOf(r)
	if !ok {
		http.Error(w, "no such attempt", http.StatusNotFound)
		return
	}
	report.ProviderID = messageSID(form)
	switch form.Get("MessageStatus") {
	case "sent":
		report.Progress = notifier.Sent
	case "delivered", "read":
		report.Progress = notifier.Delivered
	case "undelivered", "failed", "canceled":
		report.lost(form, form.Get("MessageStatus"))
	default: // queued, accepted, sending: nothing that is not known
	}
	c.store(w, r, report.Report, sink)
}

// callStatus takes a status callback of a call, and the guess at who picked up. What it reports depends on the status alone: the vendor's
// SequenceNumber is not needed where every step has its rank ([notifier.Progress]).
func (c *Client) callStatus(w http.ResponseWriter, r *http.Request, form url.Values, sink notifier.Sink) {
	report, ok := reportOf(r)
	if !ok {
		http.Error(w, "no such attempt", http.StatusNotFound)
		return
	}
	report.ProviderID = form.Get("CallSid")
	c.calls.Note(form.Get("CallSid"), report.Ref, report.Attempt)
	switch status := form.Get("CallStatus"); status {
	case "initiated", "ringing": // the first finds a call whose creation was not answered
		report.Progress = notifier.Sent
	case "in-progress", "answered":
		report.Progress, report.Code = notifier.Answered, pickedUpBy[form.Get("AnsweredBy")]
	case "":
		if by := pickedUpBy[form.Get("AnsweredBy")]; by != "" {
			report.Progress, report.Code = notifier.Answered, by
		}
	case "completed":
		report.Progress = notifier.Ended
	case "busy":
		report.Progress, report.Kind, report.Code = notifier.Lost, request.FailedNoKey, "busy"
	case "no-answer":
		report.Progress, report.Kind, report.Code = notifier.Lost, request.FailedNoKey, "no_answer"
	case "failed":
		report.lost(form, "failed")
		if code := form.Get("SipResponseCode"); report.Code == "failed" && len(code) == 3 && strings.Trim(code, "0123456789") == "" {
			report.Code = "sip_" + code
		}
	case "canceled":
		report.lost(form, "canceled")
	default: // queued: nothing that is not known
	}
	c.store(w, r, report.Report, sink)
}

// pickedUpBy are the vendor's guesses at who picked up.
var pickedUpBy = map[string]string{
	"human": "human", "fax": "fax", "machine_start": "machine",
	"machine_end_beep": "machine", "machine_end_silence": "machine", "machine_end_other": "machine",
}

type report struct{ notifier.Report }

// reportOf begins a report of the attempt in an address.
func reportOf(r *http.Request) (report, bool) {
	begun, ok := telephone.ReportOf("twilio", r.PathValue("ref"), r.PathValue("attempt"))
	return report{begun}, ok
}

// lost notes a loss with the vendor's code, or else with its status.
func (r *report) lost(form url.Values, status string) {
	r.Progress, r.Kind, r.Code = notifier.Lost, request.FailedCarrier, status
	if code := errorCode(form); code != "" {
		n, _ := strconv.Atoi(code)
		r.Kind, r.Code = kindOfLoss(n), code
	}
}

// errorCode is the vendor's code of what went wrong, "" when there is none that could be one.
func errorCode(form url.Values) string {
	if code, err := strconv.Atoi(form.Get("ErrorCode")); err == nil && code > 0 && code < 100_000 {
		return strconv.Itoa(code)
	}
	return ""
}

// store hands a report on, when there is something to report.
func (c *Client) store(w http.ResponseWriter, r *http.Request, report notifier.Report, sink notifier.Sink) {
	if report.Progress != "" {
		if err := sink.Report(r.Context(), report); err != nil {
			c.opts.Logger.Warn("a status could not be stored", zap.Stringer("request", report.Ref), zap.Error(err))
			http.Error(w, "not stored, please repeat", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// messageSID is the provider's id of a message; webhooks of older accounts have only the second name.
func messageSID(form url.Values) string { return cmp.Or(form.Get("MessageSid"), form.Get("SmsSid")) }

// inbound takes a text that somebody sent and answers in TwiML.
func (c *Client) inbound(w http.ResponseWriter, r *http.Request, form url.Values, sink notifier.Sink) {
	text := form.Get("Body")
	if obeyed := form.Get("OptOutType"); obeyed == "STOP" || obeyed == "START" { // by a word of the account's own, in whatever language
		text = obeyed
	}
	writeTwiML(w, telephone.Reply(r.Context(), sink, notifier.Phone(form.Get("From")), messageSID(form), text, c.opts.Logger))
}

// writeTwiML answers a webhook with one text, or with none.
func writeTwiML(w http.ResponseWriter, message string) {
	type response struct {
		XMLName xml.Name `xml:"Response"`
		Message string   `xml:"Message,omitempty"`
	}
	data, err := xml.Marshal(response{Message: message})
	if err != nil {
		data = []byte("<Response></Response>")
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte(xml.Header))
	_, _ = w.Write(data)
}
