package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// problemOf translates any error: those that this package names, and those of every door.
func problemOf(err error) *door.Problem {
	if _, ok := errors.AsType[*door.Problem](err); ok {
		return door.ProblemOf(err)
	}
	if p := translate(err); p != nil {
		return p.Because(err)
	}
	return door.ProblemOf(err)
}

// translate gives the problems of HTTP and of the roster; nil for an error that is none of them.
func translate(err error) *door.Problem {
	if invalid, ok := errors.AsType[*roster.ValidationError](err); ok {
		var fields []request.FieldError
		for _, p := range invalid.Problems {
			fields = append(fields, request.FieldError{Field: p.Path, Code: "invalid", Detail: p.Detail, Fix: p.Fix})
		}
		return door.NewProblem(door.CodeInvalid, "The roster is not valid. Each fault is listed with what to do.", fields...)
	}
	if unverified, ok := errors.AsType[*roster.UnverifiedError](err); ok {
		return unverifiedProblem(unverified)
	}
	if conflict, ok := errors.AsType[*RosterConflict](err); ok {
		return door.NewProblem(door.CodeVersion, "The roster was edited in between. "+conflict.stands()+" Read it again and repeat your change on it.")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return door.NewProblem(door.CodeTooLarge, "")
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return door.NewProblem(door.CodeNotFound, "")
	case errors.Is(err, ErrUnavailable):
		return door.NewProblem(door.CodeUnavailable, "")
	default:
		return nil
	}
}

// unverifiedProblem names who would be on duty without a verified telephone, and how that is confirmed.
func unverifiedProblem(err *roster.UnverifiedError) *door.Problem {
	var signs []string
	var fields []request.FieldError
	for _, p := range err.People {
		signs = append(signs, p.CallSign)
		fields = append(fields, request.FieldError{
			Field: "/people/" + p.ID, Code: string(door.CodeUnverified), Detail: p.CallSign + " would be on duty and has no verified telephone.",
			Fix: "Store it all the same with --confirm-unverified " + p.ID + " (HTTP: ?confirm_unverified=" + p.ID + "), then send a test page to that telephone (dutyline page test " +
				p.ID + "). The history keeps that, an alarm stands until it is answered, and the telephone is paged.",
		})
	}
	return door.NewProblem(door.CodeUnverified, "On duty without a verified telephone: "+strings.Join(signs, ", ")+". Nothing was stored.", fields...)
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *door.Problem) {
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
