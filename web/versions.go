package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// positionHeader carries how far the log was written by an answer, and how far it must be read for a call. Its value is opaque to callers.
const positionHeader = "Dutyline-Position"

// catchUpTimeout is how long a read waits for the position that it presents.
const catchUpTimeout = 5 * time.Second

func setPosition(w http.ResponseWriter, position uint64) {
	if position > 0 {
		w.Header().Set(positionHeader, strconv.FormatUint(position, 36))
	}
}

// catchUp waits until this node has read as far as the caller has.
func (s *Server) catchUp(r *http.Request) error {
	text := r.Header.Get(positionHeader)
	if text == "" {
		return nil
	}
	position, err := strconv.ParseUint(text, 36, 64)
	if err != nil {
		return newProblem(codeUnreadable, "The header "+positionHeader+" is not one that was handed out.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), catchUpTimeout)
	defer cancel()
	return s.States.WaitFor(ctx, position)
}

// ifMatch reads the version that a change was made from.
func ifMatch(r *http.Request) (uint64, error) {
	text := r.Header.Get("If-Match")
	if text == "" {
		return 0, newProblem(codeVersionRequired, "")
	}
	version, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(strings.TrimSpace(text), "W/"), `"`), 10, 62)
	if err != nil {
		return 0, newProblem(codeVersion, "If-Match must name one version, as the header ETag of what you read does.")
	}
	return version, nil
}

// ifNoneMatch reports whether the caller already has a version.
func ifNoneMatch(r *http.Request, current string) bool {
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == current || tag == "*" {
			return true
		}
	}
	return false
}
