package door

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

// A Code names what went wrong, for programs. Codes never change their meaning; [Kinds] is the one place that gives them a status.
type Code string

// The codes.
const (
	CodeUnreadable      Code = "unreadable"
	CodeUnauthorized    Code = "unauthorized"
	CodeForbidden       Code = "forbidden"
	CodeCrossOrigin     Code = "cross_origin"
	CodeNotFound        Code = "not_found"
	CodeMethod          Code = "method_not_allowed"
	CodeTaken           Code = "taken"
	CodeEnded           Code = "withdrawn"
	CodeCannotPass      Code = "cannot_pass"
	CodeUndoOver        Code = "undo_over"
	CodeNotYours        Code = "not_yours"
	CodeErased          Code = "erased"
	CodeNotPossible     Code = "not_possible"
	CodeVersion         Code = "version_mismatch"
	CodeTooLarge        Code = "too_large"
	CodeMediaType       Code = "unsupported_media_type"
	CodeInvalid         Code = "invalid"
	CodeKeyReused       Code = "idempotency_key_reused"
	CodeVersionRequired Code = "version_required"
	CodeTooMany         Code = "too_many_failed_sign_ins"
	CodeInternal        Code = "internal"
	CodeUnavailable     Code = "unavailable"
)

// A Kind is what all problems of a code have in common.
type Kind struct {
	Status int    // as HTTP has it
	Title  string // for people
	Detail string // what to do, when nothing more is known
}

// Kinds gives each code its kind. Do not modify.
var Kinds = map[Code]Kind{
	CodeUnreadable:      {http.StatusBadRequest, "Not readable", "What you sent cannot be read. Check its form and send it again."},
	CodeUnauthorized:    {http.StatusUnauthorized, "Not signed in", "Send a valid token in the header Authorization: Bearer. A coordinator can issue one."},
	CodeForbidden:       {http.StatusForbidden, "Not allowed", "Your token has another role. Use a token of a role that may do this."},
	CodeCrossOrigin:     {http.StatusForbidden, "From another site", "The form was sent from another site. Open the page here and send it again."},
	CodeNotFound:        {http.StatusNotFound, "Not found", "There is nothing here for you. Check the address and the reference."},
	CodeMethod:          {http.StatusMethodNotAllowed, "Method not allowed", "This address does not take this method. The header Allow lists those that it takes."},
	CodeTaken:           {http.StatusConflict, "Already taken", "A colleague already has this request."},
	CodeEnded:           {http.StatusConflict, "Already ended", "This request is at its end and takes no change any more. Raise a new one if need be."},
	CodeCannotPass:      {http.StatusConflict, "Cannot be passed on", "This request is not yours, and you were not asked to take it."},
	CodeUndoOver:        {http.StatusConflict, "Too late to undo", "The time to take the acknowledgement back is over. The request stays yours; pass it on if you cannot do it."},
	CodeNotYours:        {http.StatusConflict, "Not yours", "You do not have this request, so there is nothing to take back."},
	CodeErased:          {http.StatusConflict, "Content erased", "The content of this request was erased and cannot be changed any more."},
	CodeNotPossible:     {http.StatusConflict, "Not possible now", "It cannot be done as things stand. Look at what stands now, and decide anew."},
	CodeVersion:         {http.StatusPreconditionFailed, "Changed in between", "It has changed since you read it. Read it again and repeat your change on what stands now."},
	CodeTooLarge:        {http.StatusRequestEntityTooLarge, "Too large", "The body is larger than 256 KiB. Send a summary; attachments are not accepted yet."},
	CodeMediaType:       {http.StatusUnsupportedMediaType, "Media type not supported", "Send application/json or application/yaml."},
	CodeInvalid:         {http.StatusUnprocessableEntity, "Cannot be understood", "Some fields cannot be understood. Each is listed with what to do."},
	CodeKeyReused:       {http.StatusUnprocessableEntity, "Key used before", "This idempotency key was used for another body. Use a new key for a new request, the same body for a repetition."},
	CodeVersionRequired: {http.StatusPreconditionRequired, "Version needed", "Send the version that you read in the header If-Match."},
	CodeTooMany:         {http.StatusTooManyRequests, "Too many failed sign-ins", "Too many wrong tokens came from your address. Wait a minute. A valid token is always accepted."},
	CodeInternal:        {http.StatusInternalServerError, "Fault", "Something failed here, and it was noted. Try again; if the matter is urgent, use another channel too."},
	CodeUnavailable:     {http.StatusServiceUnavailable, "Not available now", "It cannot be stored or read right now. Repeat the same call with the same key in a few seconds."},
}

// RetryAfter is what an answer with 503 asks the caller to wait, in seconds.
const RetryAfter = 2

// A Problem is an error as callers see it (RFC 9457).
type Problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Code   Code                 `json:"code"`
	Detail string               `json:"detail"`
	Errors []request.FieldError `json:"errors"`

	cause error // for the log; never told
}

// Error makes a problem an error that a handler can return.
func (p *Problem) Error() string { return string(p.Code) }

// Unwrap gives what lies behind the problem, for the log alone; nil when it is its own cause.
func (p *Problem) Unwrap() error { return p.cause }

// NewProblem makes a problem of a code; a detail of "" is the code's own.
func NewProblem(c Code, detail string, fields ...request.FieldError) *Problem {
	k := Kinds[c]
	if detail == "" {
		detail = k.Detail
	}
	if fields == nil {
		fields = []request.FieldError{}
	}
	return &Problem{Type: "urn:dutyline:problem:" + string(c), Title: k.Title, Status: k.Status, Code: c, Detail: detail, Errors: fields}
}

// Because notes what lies behind the problem.
func (p *Problem) Because(cause error) *Problem {
	p.cause = cause
	return p
}

// ProblemOf translates any error: a problem is itself, and an error that nobody foresaw says nothing of itself to the caller.
func ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return translate(err).Because(err)
}

func translate(err error) *Problem {
	if invalid, ok := errors.AsType[*intake.InvalidError](err); ok {
		return NewProblem(CodeInvalid, "", invalid.Fields...)
	}
	switch {
	case errors.Is(err, request.ErrUnreadable):
		return NewProblem(CodeUnreadable, "The body is not readable JSON"+strings.TrimPrefix(err.Error(), request.ErrUnreadable.Error())+".")
	case errors.Is(err, intake.ErrKeyReused):
		return NewProblem(CodeKeyReused, "")
	case errors.Is(err, intake.ErrNotFound), errors.Is(err, request.ErrReference):
		return NewProblem(CodeNotFound, "")
	case errors.Is(err, intake.ErrVersion):
		return NewProblem(CodeVersion, "")
	case errors.Is(err, intake.ErrEnded):
		return NewProblem(CodeEnded, "")
	case errors.Is(err, intake.ErrErased):
		return NewProblem(CodeErased, "")
	case errors.Is(err, intake.ErrTooLarge):
		return NewProblem(CodeTooLarge, "The request is too large to be stored with all that it grew to. Send a summary.")
	case errors.Is(err, intake.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return NewProblem(CodeUnavailable, "")
	default:
		return NewProblem(CodeInternal, "")
	}
}
