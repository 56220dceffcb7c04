package twilio

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/twilio/twilio-go/client"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

const (
	statusPath = "/webhooks/twilio/message-status/"
	// InboundPath is where the provider must be told to post texts that people send.
	InboundPath = "/webhooks/twilio/sms"
)

// largestWebhook bounds a webhook's body.
const largestWebhook = 64 << 10

// Webhooks takes what the provider posts, below /webhooks/twilio/.
func (c *Client) Webhooks(sink notifier.Sink) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+statusPath+"{ref}/{attempt}", c.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) { c.status(w, r, form, sink) }))
	mux.HandleFunc("POST "+InboundPath, c.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) { c.inbound(w, r, form, sink) }))
	return mux
}

// signed lets through what the provider signed over the public address, with the present or the previous token.
func (c *Client) signed(next func(http.ResponseWriter, *http.Request, url.Values)) http.HandlerFunc {
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
		if err != nil || !c.genuine(r, form) {
			c.opts.Logger.Warn("webhook without a valid signature", zap.String("route", r.Pattern))
			http.Error(w, "the signature is not valid", http.StatusForbidden)
			return
		}
		next(w, r, form)
	}
}

func (c *Client) genuine(r *http.Request, form url.Values) bool {
	signature := r.Header.Get("X-Twilio-Signature")
	params := make(map[string]string, len(form))
	for key, values := range form {
		if len(values) != 1 {
			return false // the provider repeats no key, and the validator would see one value alone
		}
		params[key] = values[0]
	}
	if signature == "" || form.Get("AccountSid") != c.opts.AccountSID {
		return false
	}
	address := c.public + r.URL.RequestURI()
	return slices.ContainsFunc([]string{c.opts.AuthToken, c.opts.PreviousAuthToken}, func(token string) bool {
		if token == "" {
			return false
		}
		validator := client.NewRequestValidator(token)
		return validator.Validate(address, params, signature)
	})
}

// status takes a status callback.
func (c *Client) status(w http.ResponseWriter, r *http.Request, form url.Values, sink notifier.Sink) {
	ref, err := request.ParseRef(r.PathValue("ref"))
	_, ok := request.PageOfAttempt(r.PathValue("attempt"))
	if err != nil || !ok {
		http.Error(w, "no such attempt", http.StatusNotFound)
		return
	}
	report := notifier.Report{Ref: ref, Attempt: r.PathValue("attempt"), Provider: "twilio", ProviderID: messageSID(form)}
	switch form.Get("MessageStatus") {
	case "sent":
		report.Progress = notifier.Sent
	case "delivered", "read":
		report.Progress = notifier.Delivered
	case "undelivered", "failed", "canceled":
		report.Progress, report.Kind, report.Code = notifier.Lost, request.FailedCarrier, form.Get("MessageStatus")
		if code, err := strconv.Atoi(form.Get("ErrorCode")); err == nil && code > 0 && code < 100_000 {
			report.Kind, report.Code = kindOfLoss(code), strconv.Itoa(code)
		}
	default: // queued, accepted, sending: nothing that is not known
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := sink.Report(r.Context(), report); err != nil {
		c.opts.Logger.Warn("a status could not be stored", zap.Stringer("request", ref), zap.Error(err))
		http.Error(w, "not stored, please repeat", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// messageSID is the provider's id of a message; webhooks of older accounts have only the second name.
func messageSID(form url.Values) string { return cmp.Or(form.Get("MessageSid"), form.Get("SmsSid")) }

// carriersWords are handled by the provider itself: they opt a phone out and in. They get no answer from us.
var carriersWords = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "REVOKE", "OPTOUT", "CANCEL", "START", "YES", "UNSTOP", "HELP", "INFO"}

// inbound takes a text that somebody sent and answers in TwiML, whatever happens.
func (c *Client) inbound(w http.ResponseWriter, r *http.Request, form url.Values, sink notifier.Sink) {
	answer := ""
	defer func() {
		if trouble := recover(); trouble != nil {
			c.opts.Logger.Error("panic while taking a reply", zap.Stack("stack"))
			answer = phrase.Text(phrase.English, phrase.TryAgain, phrase.Args{})
		}
		writeTwiML(w, answer)
	}()
	if slices.Contains(carriersWords, strings.ToUpper(strings.TrimSpace(form.Get("Body")))) {
		return
	}
	answer = render(sink.Reply(r.Context(), notifier.Phone(form.Get("From")), messageSID(form), form.Get("Body")))
}

// answers says what each kind of answer is told with.
var answers = map[notifier.AnswerKind]phrase.Key{
	notifier.Taken: phrase.Taken, notifier.AlreadyYours: phrase.AlreadyYours, notifier.AlreadyTaken: phrase.AlreadyTaken,
	notifier.AlreadyEnded: phrase.AlreadyEnded, notifier.PassedOn: phrase.PassedOn, notifier.CannotPass: phrase.CannotPass,
	notifier.WrongCode: phrase.WrongCode, notifier.NoCode: phrase.NoCode, notifier.SeveralMatches: phrase.SeveralMatches,
	notifier.TooManyGuesses: phrase.TooManyGuesses, notifier.TryAgain: phrase.TryAgain,
}

// render is an answer in its reader's language; "" says nothing.
func render(a notifier.Answer) string {
	key, ok := answers[a.Kind]
	if !ok {
		return ""
	}
	return phrase.Text(phrase.Pick(a.Language), key, phrase.Args{Reference: a.Ref.String(), CallSign: a.CallSign})
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
