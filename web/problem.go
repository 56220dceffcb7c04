package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A code names what went wrong, for programs. Codes never change their meaning; [kinds] is the one place that gives them a status.
type code string

const (
	codeUnreadable      code = "unreadable"
	codeUnauthorized    code = "unauthorized"
	codeForbidden       code = "forbidden"
	codeCrossOrigin     code = "cross_origin"
	codeNotFound        code = "not_found"
	codeMethod          code = "method_not_allowed"
	codeTaken           code = "taken"
	codeEnded           code = "withdrawn"
	codeCannotPass      code = "cannot_pass"
	codeUndoOver        code = "undo_over"
	codeNotYours        code = "not_yours"
	codeErased          code = "erased"
	codeVersion         code = "version_mismatch"
	codeTooLarge        code = "too_large"
	codeMediaType       code = "unsupported_media_type"
	codeInvalid         code = "invalid"
	codeKeyReused       code = "idempotency_key_reused"
	codeVersionRequired code = "version_required"
	codeTooMany         code = "too_many_failed_sign_ins"
	codeInternal        code = "internal"
	codeUnavailable     code = "unavailable"
)

type kind struct {
	status int
	title  string
	detail string
}

var kinds = map[code]kind{
	codeUnreadable:      {http.StatusBadRequest, "Not readable", "What you sent cannot be read. Check its form and send it again."},
	codeUnauthorized:    {http.StatusUnauthorized, "Not signed in", "Send a valid token in the header Authorization: Bearer. A coordinator can issue one."},
	codeForbidden:       {http.StatusForbidden, "Not allowed", "Your token has another role. Use a token of a role that may do this."},
	codeCrossOrigin:     {http.StatusForbidden, "From another site", "The form was sent from another site. Open the page here and send it again."},
	codeNotFound:        {http.StatusNotFound, "Not found", "There is nothing here for you. Check the address and the reference."},
	codeMethod:          {http.StatusMethodNotAllowed, "Method not allowed", "This address does not take this method. The header Allow lists those that it takes."},
	codeTaken:           {http.StatusConflict, "Already taken", "A colleague already has this request."},
	codeEnded:           {http.StatusConflict, "Already ended", "This request is at its end and takes no change any more. Raise a new one if need be."},
	codeCannotPass:      {http.StatusConflict, "Cannot be passed on", "This request is not yours, and you were not asked to take it."},
	codeUndoOver:        {http.StatusConflict, "Too late to undo", "The time to take the acknowledgement back is over. The request stays yours; pass it on if you cannot do it."},
	codeNotYours:        {http.StatusConflict, "Not yours", "You do not have this request, so there is nothing to take back."},
	codeErased:          {http.StatusConflict, "Content erased", "The content of this request was erased and cannot be changed any more."},
	codeVersion:         {http.StatusPreconditionFailed, "Changed in between", "It has changed since you read it. Read it again and repeat your change on what stands now."},
	codeTooLarge:        {http.StatusRequestEntityTooLarge, "Too large", "The body is larger than 256 KiB. Send a summary; attachments are not accepted yet."},
	codeMediaType:       {http.StatusUnsupportedMediaType, "Media type not supported", "Send application/json or application/yaml."},
	codeInvalid:         {http.StatusUnprocessableEntity, "Cannot be understood", "Some fields cannot be understood. Each is listed with what to do."},
	codeKeyReused:       {http.StatusUnprocessableEntity, "Key used before", "This idempotency key was used for another body. Use a new key for a new request, the same body for a repetition."},
	codeVersionRequired: {http.StatusPreconditionRequired, "Version needed", "Send the version that you read in the header If-Match."},
	codeTooMany:         {http.StatusTooManyRequests, "Too many failed sign-ins", "Too many wrong tokens came from your address. Wait a minute. A valid token is always accepted."},
	codeInternal:        {http.StatusInternalServerError, "Fault", "Something failed here, and it was noted. Try again; if the matter is urgent, use another channel too."},
	codeUnavailable:     {http.StatusServiceUnavailable, "Not available now", "It cannot be stored or read right now. Repeat the same call with the same key in a few seconds."},
}

// retryAfter is what an answer with 503 asks the caller to wait, in seconds.
const retryAfter = 2

// A problem is an error as callers see it (RFC 9457).
type problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Code   code                 `json:"code"`
	Detail string               `json:"detail"`
	Errors []request.FieldError `json:"errors"`

	cause error // for the log
}

// Error makes a problem an error that a handler can return.
func (p *problem) Error() string { return string(p.Code) }

// Unwrap gives what lies behind the problem.
func (p *problem) Unwrap() error { return p.cause }

// newProblem makes a problem of a code; a detail of "" is the code's own.
func newProblem(c code, detail string, fields ...request.FieldError) *problem {
	k := kinds[c]
	if detail == "" {
		detail = k.detail
	}
	if fields == nil {
		fields = []request.FieldError{}
	}
	return &problem{Type: "urn:dutyline:problem:" + string(c), Title: k.title, Status: k.status, Code: c, Detail: detail, Errors: fields}
}

// problemOf translates any error. An error that nobody foresaw says nothing of itself to the caller.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	p := translate(err)
	p.cause = err
	return p
}

func translate(err error) *problem {
	if p := translateIntake(err); p != nil {
		return p
	}
	if invalid, ok := errors.AsType[*roster.ValidationError](err); ok {
		var fields []request.FieldError
		for _, p := range invalid.Problems {
			fields = append(fields, request.FieldError{Field: p.Path, Code: "invalid", Detail: p.Detail, Fix: p.Fix})
		}
		return newProblem(codeInvalid, "The roster is not valid. Each fault is listed with what to do.", fields...)
	}
	if conflict, ok := errors.AsType[*RosterConflict](err); ok {
		return newProblem(codeVersion, "The roster was edited in between. "+conflict.stands()+" Read it again and repeat your change on it.")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newProblem(codeTooLarge, "")
	}
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, request.ErrReference):
		return newProblem(codeNotFound, "")
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newProblem(codeUnavailable, "")
	default:
		return newProblem(codeInternal, "")
	}
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *problem) {
	h := w.Header()
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="dutyline"`)
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller is gone when this fails
}

// writeJSON answers with a document.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the caller is gone when this fails
	return nil
}
