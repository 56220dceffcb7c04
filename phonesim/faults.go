package phonesim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// A FaultMode is a way in which an operator's API fails.
type FaultMode string

// The faults of an API. Except for LostAnswer they hit every request alike.
const (
	FaultNone       FaultMode = "none"
	FaultSlow       FaultMode = "slow"        // every answer takes 3 s longer
	FaultTooMany    FaultMode = "429"         // in the vendor's words, with Retry-After: 1
	FaultInternal   FaultMode = "500"         // in the vendor's words
	FaultDown503    FaultMode = "503"         // an HTML page, as load balancers send
	FaultTimeout    FaultMode = "timeout"     // held for 30 s, then 504; nothing is accepted
	FaultLostAnswer FaultMode = "lost_answer" // a POST is carried out, and the connection closed without an answer
	FaultHang       FaultMode = "hang"        // held until the client gives up; nothing is accepted
	FaultDown       FaultMode = "down"        // the connection is closed at once
)

// FaultModes lists all modes in the order in which a person is offered them.
func FaultModes() []FaultMode {
	return []FaultMode{
		FaultNone, FaultSlow, FaultTooMany, FaultInternal, FaultDown503, FaultTimeout, FaultLostAnswer, FaultHang, FaultDown,
	}
}

// A Fault is the mode that holds now. Until is zero where it holds until changed.
type Fault struct {
	Mode  FaultMode `json:"mode"`
	Until time.Time `json:"until,omitzero"`
}

// Faults are how one operator's API fails. They are safe for concurrent use.
type Faults struct {
	net    *Network
	refuse func(w http.ResponseWriter, r *http.Request, status int)
	fault  Fault
	hits   int
}

// NewFaults makes the faults of an API that works. It refuses with 429 and 500 in the vendor's words; Retry-After stands already.
func (n *Network) NewFaults(refuse func(w http.ResponseWriter, r *http.Request, status int)) *Faults {
	return &Faults{net: n, refuse: refuse, fault: Fault{Mode: FaultNone}}
}

// Set makes the API fail for the duration d, or until changed where d is 0.
func (f *Faults) Set(mode FaultMode, d time.Duration) error {
	if !slices.Contains(FaultModes(), mode) {
		return fmt.Errorf("set fault: there is no mode %q: write one of %s", mode, list(FaultModes()))
	}
	if d < 0 {
		return fmt.Errorf("set fault: negative duration %s", d)
	}
	f.net.Lock()
	defer f.net.Unlock()
	f.fault = Fault{Mode: mode}
	if d > 0 && mode != FaultNone {
		f.fault.Until = time.Now().UTC().Add(d)
	}
	f.net.Changed()
	return nil
}

// Now returns the fault that holds now.
func (f *Faults) Now() Fault {
	f.net.Lock()
	defer f.net.Unlock()
	if !f.fault.Until.IsZero() && !time.Now().Before(f.fault.Until) {
		f.fault = Fault{Mode: FaultNone}
	}
	return f.fault
}

// Hits counts the requests that were not carried out. The lock is held.
func (f *Faults) Hits() int { return f.hits }

const (
	slowness    = 3 * time.Second
	holding     = 30 * time.Second // of the mode timeout
	longestHang = 10 * time.Minute
	maxRequest  = 1 << 20 // bytes of a request's body
)

// Wrap makes the API behind it fail.
func (f *Faults) Wrap(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mode := f.Now().Mode
		if mode == FaultNone || mode == FaultLostAnswer && r.Method != http.MethodPost {
			next(w, r)
			return
		}
		if mode != FaultSlow && mode != FaultLostAnswer {
			f.net.Lock()
			f.hits++
			f.net.Unlock()
		}
		switch mode {
		case FaultSlow:
			if f.net.Pause(r.Context(), slowness) != nil {
				panic(http.ErrAbortHandler)
			}
			next(w, r)
		case FaultTooMany:
			w.Header().Set("Retry-After", "1")
			f.refuse(w, r, http.StatusTooManyRequests)
		case FaultInternal:
			f.refuse(w, r, http.StatusInternalServerError)
		case FaultDown503:
			page(w, http.StatusServiceUnavailable, "503 Service Temporarily Unavailable")
		case FaultTimeout:
			if f.hold(r, holding) != nil {
				panic(http.ErrAbortHandler)
			}
			page(w, http.StatusGatewayTimeout, "504 Gateway Time-out")
		case FaultLostAnswer:
			next(&discard{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case FaultHang:
			_ = f.hold(r, longestHang)
			panic(http.ErrAbortHandler)
		default:
			panic(http.ErrAbortHandler)
		}
	}
}

// hold keeps a request waiting. Its body is read first: the server notices only then that the client has gone.
func (f *Faults) hold(r *http.Request, d time.Duration) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxRequest))
	return f.net.Pause(r.Context(), d)
}

// Pause waits, unless the client goes or the network closes before.
func (n *Network) Pause(client context.Context, d time.Duration) error {
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
	case <-n.ctx.Done():
		return context.Cause(n.ctx)
	}
}

// page answers as a load balancer does before an API.
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
