package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// heartbeat is how often a stream says that it is alive, so that proxies keep it open and a dead peer is noticed.
	heartbeat = 15 * time.Second
	// writeTimeout bounds one write to a stream; the server's own bounds whole answers and is lifted for streams.
	writeTimeout = 30 * time.Second
)

// A stream is an answer in text/event-stream. It belongs to one goroutine.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) (*stream, error) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a buffering proxy would hold events back
	s := &stream{w, http.NewResponseController(w)}
	_ = s.control.SetReadDeadline(time.Time{})
	w.WriteHeader(http.StatusOK)
	return s, s.write([]byte(": open\n\n"))
}

// send writes one event; an id of "" leaves the reader's last id as it is.
func (s *stream) send(id, event string, v any) error {
	data, err := json.Marshal(v) // one line: JSON escapes line breaks
	if err != nil {
		return err
	}
	var head string
	if id != "" {
		head = "id: " + id + "\n"
	}
	return s.write(fmt.Appendf(nil, "%sevent: %s\ndata: %s\n\n", head, event, data))
}

func (s *stream) beat() error { return s.write([]byte(": still here\n\n")) }

func (s *stream) write(data []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has deadlines
	if _, err := s.w.Write(data); err != nil {
		return err
	}
	return s.control.Flush()
}
