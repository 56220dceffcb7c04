package vonage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/request"
)

const (
	statusPath     = "/webhooks/vonage/message-status/"
	callStatusPath = "/webhooks/vonage/call-status/"
	voicePath      = "/webhooks/vonage/voice/"
	inputPath      = "/webhooks/vonage/input/"
	// InboundPath is where the vendor must be told to post texts that people send.
	InboundPath = "/webhooks/vonage/sms"
	// FallbackPath is what the vendor should be told to ask when none of our answers about a call could be used.
	FallbackPath = "/webhooks/vonage/fallback"
)

// largestWebhook bounds a webhook's body.
const largestWebhook = 64 << 10

// An answer is what a webhook is answered with.
type answer struct {
	status int
	ncco   []byte // what a call does next; nil: nothing
	said   string // why not, to whoever reads the vendor's log
}

// stored says that there is nothing more to do.
var stored = answer{status: http.StatusNoContent}

// Webhooks takes what the vendor posts, below /webhooks/vonage/.
func (c *Client) Webhooks(sink notifier.Sink) http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, take func(r *http.Request, body []byte) answer) {
		mux.HandleFunc("POST "+path, c.once(take))
	}
	for _, path := range []string{callStatusPath, voicePath, inputPath} {
		handle(path+"{ref}/{attempt}", func(r *http.Request, body []byte) answer { return c.aboutCall(r, r.URL, body, sink) })
	}
	handle(FallbackPath, func(r *http.Request, body []byte) answer { return c.fallback(r, body, sink) })
	handle(statusPath+"{ref}/{attempt}", func(r *http.Request, body []byte) answer { return c.status(r, body, sink) })
	handle(InboundPath, func(r *http.Request, body []byte) answer { return c.inbound(r, body, sink) })
	return mux
}

// once reads a webhook, and answers one that is repeated as it was as it was answered before.
func (c *Client) once(take func(*http.Request, []byte) answer) http.HandlerFunc {
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
		id, address := digest(r, body), r.URL.RequestURI()
		first, repeated := c.taken.before(id)
		a := first.answer
		switch {
		case !repeated:
			a = take(r, body)
			c.taken.keep(id, webhook{address, a})
		case first.address != address:
			a = c.refused(r, "it was meant for another address")
		}
		switch {
		case a.status >= 300:
			http.Error(w, a.said, a.status)
		case a.ncco == nil:
			w.WriteHeader(a.status)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(a.ncco)
		}
	}
}

// refused answers what is not believed.
func (c *Client) refused(r *http.Request, why string) answer {
	c.opts.Logger.Warn("webhook without a valid signature", zap.String("route", r.Pattern), zap.String("reason", why))
	return answer{status: http.StatusForbidden, said: why}
}

// An event is what the vendor says of a call.
type event struct {
	UUID     string `json:"uuid"`
	CallUUID string `json:"call_uuid"` // in place of the other, of the guess at who picked up
	To       string `json:"to"`
	Status   string `json:"status"`
	Detail   string `json:"detail"`
	DTMF     *struct {
		Digits   string `json:"digits"`
		TimedOut bool   `json:"timed_out"`
	} `json:"dtmf"`
	Original struct {
		URL string `json:"url"`
	} `json:"original_request"` // to the fallback: what was asked in vain
}

func (e event) call() string { return cmp.Or(e.UUID, e.CallUUID) }

// keys are what was keyed in, "" after silence.
func (e event) keys() string {
	switch {
	case e.DTMF == nil || (e.DTMF.Digits == "" && e.DTMF.TimedOut):
		return ""
	case e.DTMF.Digits == "":
		return "#" // it ends the input, and is no digit to the vendor
	default:
		return e.DTMF.Digits
	}
}

// aboutCall takes a webhook about a call, from the address that the call was given.
func (c *Client) aboutCall(r *http.Request, address *url.URL, body []byte, sink notifier.Sink) answer {
	query := address.Query()
	switch {
	case !c.genuine(r, body):
		return c.refused(r, "the token is not valid")
	case !c.marked(address.Path, query):
		return c.refused(r, "the address is none of ours")
	}
	var e event
	if json.Unmarshal(body, &e) != nil && strings.HasPrefix(address.Path, callStatusPath) {
		return answer{status: http.StatusBadRequest, said: "the body cannot be read"}
	} // whoever listens is told something in any case
	rest, ok := strings.CutPrefix(address.Path, callStatusPath)
	if ok {
		return c.callStatus(r, rest, e, sink)
	}
	rest, pressed := strings.CutPrefix(address.Path, inputPath)
	if !pressed {
		rest = strings.TrimPrefix(address.Path, voicePath)
	}
	ref, attempt, _ := strings.Cut(rest, "/")
	q, ok := telephone.ReadQuestion(ref, attempt, query)
	if !ok {
		return c.speak(q.Unknown())
	}
	c.placed.Note(e.call(), q.Ref, q.Attempt)
	if !pressed {
		return c.speak(q.Ask())
	}
	return c.heard(r.Context(), q, e, sink)
}

// fallback takes what the vendor asks when it could use none of our answers. It says which address it asked in vain, and all that it said
// there: it gets the answer from here.
func (c *Client) fallback(r *http.Request, body []byte, sink notifier.Sink) answer {
	var e event
	if !c.genuine(r, body) {
		return c.refused(r, "the token is not valid")
	}
	c.opts.Logger.Warn("a call fell back: the provider could not use an answer")
	if json.Unmarshal(body, &e) != nil {
		return answer{status: http.StatusBadRequest, said: "the body cannot be read"}
	}
	ours, ok := strings.CutPrefix(e.Original.URL, c.public)
	address, err := url.Parse(ours)
	if !ok || err != nil || !slices.ContainsFunc([]string{voicePath, inputPath}, func(path string) bool { return strings.HasPrefix(address.Path, path) }) {
		return answer{status: http.StatusNotFound, said: "no such address"}
	}
	return c.aboutCall(r, address, body, sink)
}

// callStatus takes what the vendor says of how far a call has come.
func (c *Client) callStatus(r *http.Request, rest string, e event, sink notifier.Sink) answer {
	ref, attempt, _ := strings.Cut(rest, "/")
	report, ok := telephone.ReportOf("vonage", ref, attempt)
	if !ok {
		return answer{status: http.StatusNotFound, said: "no such attempt"}
	}
	report.ProviderID = e.call()
	c.placed.Note(report.ProviderID, report.Ref, report.Attempt)
	lost := func(kind request.FailureKind, code string) {
		report.Progress, report.Kind, report.Code = notifier.Lost, kind, code
	}
	switch e.Status {
	case "started", "ringing": // the first finds a call whose creation was not answered
		report.Progress = notifier.Sent
	case "answered":
		report.Progress = notifier.Answered
	case "human", "machine":
		report.Progress, report.Code = notifier.Answered, e.Status
	case "completed":
		report.Progress = notifier.Ended
	case "busy":
		lost(request.FailedNoKey, "busy")
	case "timeout", "unanswered":
		lost(request.FailedNoKey, "no_answer")
	case "cancelled":
		lost(request.FailedCarrier, "canceled")
	case "rejected", "failed":
		if kind, known := details[e.Detail]; known {
			lost(kind, e.Detail)
		} else {
			lost(request.FailedCarrier, e.Status)
		}
	case "": // an error in what we answered, or something new
		c.opts.Logger.Warn("the provider reports trouble with a call; its console says what", zap.Stringer("request", report.Ref))
	default: // of a later version: nothing that is not known
	}
	return c.store(r, report, sink)
}

// status takes a delivery receipt of a text.
func (c *Client) status(r *http.Request, body []byte, sink notifier.Sink) answer {
	params, err := c.genuineText(body)
	if err != nil {
		return c.refused(r, err.Error())
	}
	report, ok := telephone.ReportOf("vonage", r.PathValue("ref"), r.PathValue("attempt"))
	if !ok {
		return answer{status: http.StatusNotFound, said: "no such attempt"}
	}
	if params["client-ref"] != clientRef(report.Ref, report.Attempt) {
		return c.refused(r, "the receipt is of another attempt")
	}
	report.ProviderID = params["messageId"]
	switch status := params["status"]; status {
	case "accepted", "buffered":
		report.Progress = notifier.Sent
	case "delivered":
		report.Progress = notifier.Delivered
	case "expired", "failed", "rejected":
		report.Progress, report.Kind, report.Code = notifier.Lost, request.FailedCarrier, status
		if status == "expired" {
			report.Kind = request.FailedExpired
		}
		if code := number(params["err-code"]); code != "" && code != "0" {
			report.Code = "dlr_" + code
			if kind, known := receipts[code]; known && status != "expired" {
				report.Kind = kind
			}
		}
	default: // unknown: no useful information, as the vendor says
	}
	return c.store(r, report, sink)
}

// store hands a report on, when there is something to report.
func (c *Client) store(r *http.Request, report notifier.Report, sink notifier.Sink) answer {
	if report.Progress == "" {
		return stored
	}
	if err := sink.Report(r.Context(), report); err != nil {
		c.opts.Logger.Warn("a status could not be stored", zap.Stringer("request", report.Ref), zap.Error(err))
		return answer{status: http.StatusServiceUnavailable, said: "not stored, please repeat"}
	}
	return stored
}

const (
	// answering bounds the sending of an answer: the vendor waits for us meanwhile.
	answering = 5 * time.Second
	// answerValidity is how long an answer may wait at the provider: whoever wrote is waiting, or asleep again.
	answerValidity = 2 * time.Minute
)

// inbound takes a text that somebody sent. The vendor takes no words in return: an answer is a text of its own, from the number that was
// written to.
func (c *Client) inbound(r *http.Request, body []byte, sink notifier.Sink) answer {
	params, err := c.genuineText(body)
	if err != nil {
		return c.refused(r, err.Error())
	}
	from := notifier.Phone("+" + digits(params["msisdn"]))
	text := telephone.Reply(r.Context(), sink, from, params["messageId"], params["text"], c.opts.Logger)
	if text == "" || !telephone.Dialable(from) {
		return stored
	}
	number := "+" + digits(params["to"])
	if !slices.Contains(c.opts.Numbers, number) {
		number = c.Lane(from)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answering)
	defer cancel()
	form := textForm(number, from, text, answerValidity)
	form.Set("status-report-req", "false")
	if failed, ok := c.hand(ctx, form).(notifier.Failed); ok { // what was decided is stored; whoever wrote sees it on the screen
		c.opts.Logger.Warn("an answer to a text could not be sent", zap.String("kind", string(failed.Kind)), zap.String("code", failed.Code))
	}
	return stored
}
