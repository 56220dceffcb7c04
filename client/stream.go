package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dutyline/dutyline/request"
)

const (
	// silence is how long a stream may say nothing, not even its heartbeat of 15 s, before it counts as broken.
	silence = 45 * time.Second
	// firstPause and longestPause bound the wait before a broken stream is opened again; it doubles in between.
	firstPause, longestPause = 250 * time.Millisecond, 5 * time.Second
	// maxLine is the longest line of a stream in bytes: one commit of the log is at most 1 MiB.
	maxLine = 4 << 20
)

// ErrStop ends a stream from its callback without an error.
var ErrStop = errors.New("stop")

// Watch calls fn with the status of a request, at once and whenever it changes, until nobody is asked any more, fn returns an error
// ([ErrStop] ends without one) or ctx ends. A broken connection is opened again where it stopped; one that never came about is an error.
func (c *Client) Watch(ctx context.Context, ref string, fn func(request.Receipt) error) error {
	ended := false
	return c.follow(ctx, requestPath(ref, "/events"), "", func(_ string, data []byte) error {
		var receipt request.Receipt
		if err := json.Unmarshal(data, &receipt); err != nil {
			return fmt.Errorf("watch %s: read the status: %w", ref, err)
		}
		ended = receipt.Status.Ended()
		return fn(receipt)
	}, func() bool { return ended })
}

// Tail calls fn for every event of every request: those after a sequence of the log, or from now on when after is nil, until fn returns an
// error ([ErrStop] ends without one) or ctx ends. A broken connection is opened again where it stopped, and no event comes twice; one that
// never came about is an error.
func (c *Client) Tail(ctx context.Context, after *uint64, fn func(Event) error) error {
	path, last := "/api/v1/log", ""
	if after != nil {
		last = strconv.FormatUint(*after, 10)
	}
	// The server gives an id to the last event of a commit. After a break in between, the whole commit comes again.
	seen := map[string]bool{}
	return c.follow(ctx, path, last, func(id string, data []byte) error {
		var event Event
		if err := json.Unmarshal(data, &event); err != nil {
			return fmt.Errorf("tail: read an event: %w", err)
		}
		known := seen[event.ID]
		seen[event.ID] = true
		if id != "" {
			clear(seen)
		}
		if known {
			return nil
		}
		return fn(event)
	}, func() bool { return false })
}

// follow reads a stream again and again: fn takes the id, "" when the event has none of its own, and the data of each event; done says
// whether the end of a connection is the end of the stream.
func (c *Client) follow(ctx context.Context, path, last string, fn func(id string, data []byte) error, done func() bool) error {
	pause := firstPause
	for opened := false; ; {
		open, progress, err := c.readStream(ctx, path, &last, fn)
		switch {
		case errors.Is(err, ErrStop):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case done(), errors.Is(err, errGone):
			return nil
		}
		if failed, ok := errors.AsType[*callbackError](err); ok {
			return failed.err
		}
		if opened = opened || open; err != nil && (!opened || (!open && !Unavailable(err))) {
			return err
		}
		if progress {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// errGone says that the server has nothing more to tell.
var errGone = errors.New("the stream is over")

// A callbackError is an error of the callback: it ends the stream, errors of the connection do not.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return e.err.Error() }

// readStream reads one connection to its end and moves last along. open says that the server took it.
func (c *Client) readStream(ctx context.Context, path string, last *string, fn func(id string, data []byte) error) (open, progress bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	response, err := c.send(ctx, call{
		method: http.MethodGet, path: path, header: map[string]string{"Accept": "text/event-stream", "Last-Event-ID": *last},
	})
	if err != nil {
		return false, false, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNoContent {
		return true, true, errGone
	}
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	err = readEvents(response.Body, func() { quiet.Reset(silence) }, func(id string, data []byte) error {
		progress = true
		if err := fn(id, data); err != nil {
			if errors.Is(err, ErrStop) {
				return err
			}
			return &callbackError{err}
		}
		if id != "" {
			*last = id
		}
		return nil
	})
	return true, progress, err
}

// readEvents reads server-sent events as far as Dutyline writes them: id, event and one line of data.
func readEvents(r io.Reader, alive func(), fn func(id string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var id, data string
	for lines.Scan() {
		alive()
		line := lines.Text()
		if line == "" {
			if data != "" {
				if err := fn(id, []byte(data)); err != nil {
					return err
				}
			}
			id, data = "", ""
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			id = value
		case "data":
			if data != "" {
				data += "\n"
			}
			data += value
		}
	}
	return lines.Err()
}
