package web

import (
	"errors"
	"io"
	"net/http"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// readBody reads a body as [readRaw] does and gives it as JSON: YAML is translated.
func readBody(w http.ResponseWriter, r *http.Request, allowed ...string) ([]byte, error) {
	body, isYAML, err := readRaw(w, r, allowed...)
	if err != nil || !isYAML {
		return body, err
	}
	return door.FromYAML(body)
}

// readRaw reads a body of at most [request.MaxBody] bytes and says whether it is YAML.
func readRaw(w http.ResponseWriter, r *http.Request, allowed ...string) (body []byte, isYAML bool, err error) {
	if isYAML, err = door.IsYAML(r.Header.Get("Content-Type"), allowed...); err != nil {
		if allowed[0] == door.TypeMerge {
			w.Header().Set("Accept-Patch", door.TypeMerge)
		}
		return nil, false, err
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, request.MaxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, false, err
		}
		return nil, false, door.NewProblem(door.CodeUnreadable, "The body ended too early.")
	}
	return body, isYAML, nil
}

// readInto reads a JSON or YAML body into v, as [door.Into] does.
func readInto(w http.ResponseWriter, r *http.Request, v any) error {
	body, isYAML, err := readRaw(w, r, door.TypeJSON)
	if err != nil {
		return err
	}
	return door.Into(body, isYAML, v)
}
