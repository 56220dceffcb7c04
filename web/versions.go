package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/dutyline/dutyline/door"
)

func setPosition(w http.ResponseWriter, position uint64) {
	if position > 0 {
		w.Header().Set(door.PositionHeader, door.FormatPosition(position))
	}
}

// catchUp waits until this node has read as far as the caller has.
func (s *Server) catchUp(r *http.Request) error {
	position, err := door.ParsePosition(r.Header.Get(door.PositionHeader))
	if err != nil || position == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), door.CatchUp)
	defer cancel()
	return s.States.WaitFor(ctx, position)
}

// ifMatch reads the version that a change was made from.
func ifMatch(r *http.Request) (uint64, error) { return door.ParseVersion(r.Header.Get("If-Match")) }

// ifNoneMatch reports whether the caller already has a version.
func ifNoneMatch(r *http.Request, current string) bool {
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == current || tag == "*" {
			return true
		}
	}
	return false
}
