package twiliosim

import (
	"context"
	"io"
	"net/http"
	"time"
)

const (
	slowness    = 3 * time.Second
	holding     = 30 * time.Second // of the mode timeout
	longestHang = 10 * time.Minute
)

// faulty makes the API behind it fail as SetFault said.
func (s *Simulator) faulty(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mode := s.Fault().Mode
		if mode == FaultNone || mode == FaultLostAnswer && r.Method != http.MethodPost {
			next(w, r)
			return
		}
		if mode != FaultSlow && mode != FaultLostAnswer {
			s.mu.Lock()
			s.stats.Refused++
			s.mu.Unlock()
		}
		switch mode {
		case FaultSlow:
			if pause(r.Context(), s.ctx, slowness) != nil {
				panic(http.ErrAbortHandler)
			}
			next(w, r)
		case FaultTooMany:
			w.Header().Set("Retry-After", "1")
			refuse(http.StatusTooManyRequests, codeTooManyRequests, "Too many requests").write(w)
		case FaultInternal:
			refuse(http.StatusInternalServerError, codeInternal, "An internal server error has occurred").write(w)
		case FaultDown503:
			page(w, http.StatusServiceUnavailable, "503 Service Temporarily Unavailable")
		case FaultTimeout:
			if s.hold(r, holding) != nil {
				panic(http.ErrAbortHandler)
			}
			page(w, http.StatusGatewayTimeout, "504 Gateway Time-out")
		case FaultLostAnswer:
			next(&discard{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case FaultHang:
			_ = s.hold(r, longestHang)
			panic(http.ErrAbortHandler)
		default:
			panic(http.ErrAbortHandler)
		}
	}
}

// hold keeps a request waiting. Its body is read first: the server notices only then that the client has gone.
func (s *Simulator) hold(r *http.Request, d time.Duration) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxRequest))
	return pause(r.Context(), s.ctx, d)
}

// pause waits, unless the client goes or the simulator closes before.
func pause(client, simulator context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-client.Done():
		return context.Cause(client)
	case <-simulator.Done():
		return context.Cause(simulator)
	}
}

// page answers as a load balancer does before the API.
func page(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+"</h1></center>\r\n</body>\r\n</html>\r\n")
}

// A discard swallows an answer that the client shall not get.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
