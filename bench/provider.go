package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

const (
	benchAccount = "ACbe0cbe0cbe0cbe0cbe0cbe0cbe0cbe0c"
	benchToken   = "bench"
	benchNumber  = "+15005550006"
	// longestPage is how long nothing may come of a request before the run fails: it counts anew with every text.
	longestPage = 60 * time.Second
)

// A provider is the simulated telephone network, with a note of when the texts of each request came in. It delivers a text at once.
type provider struct {
	sim     *twiliosim.Simulator
	handler http.Handler
	server  http.Server
	url     string

	mu       sync.Mutex
	arrivals map[string]arrival // reference, as people write it →
	texts    int                // of all
	last     time.Time          // of all
	moved    chan struct{}      // closed when something came in
}

// An arrival is what came in for one request.
type arrival struct {
	first, last time.Time
	texts       int
}

func startProvider() (*provider, error) {
	sim := twiliosim.New(twiliosim.Options{
		AccountSID: benchAccount, AuthToken: benchToken, Numbers: []string{benchNumber}, DeliveryDelay: -1,
	})
	p := &provider{sim: sim, handler: sim.Handler(), arrivals: map[string]arrival{}, moved: make(chan struct{})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		sim.Close()
		return nil, err
	}
	p.url = "http://" + listener.Addr().String()
	p.server.Handler, p.server.ReadHeaderTimeout = p, 5*time.Second
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

func (p *provider) close() {
	p.sim.Close()
	_ = p.server.Close()
}

// ServeHTTP notes when a text is there, before it is handled.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Messages.json") {
		now := time.Now()
		if r.ParseForm() == nil {
			p.note(r.PostForm.Get("Body"), now)
		}
	}
	p.handler.ServeHTTP(w, r)
}

func (p *provider) note(text string, now time.Time) {
	for word := range strings.FieldsSeq(text) {
		ref, err := request.ParseRef(strings.Trim(word, ".,"))
		if err != nil {
			continue
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		a := p.arrivals[ref.String()]
		if a.texts == 0 {
			a.first = now
		}
		a.last, a.texts = now, a.texts+1
		p.arrivals[ref.String()] = a
		p.last, p.texts = now, p.texts+1
		close(p.moved)
		p.moved = make(chan struct{})
		return
	}
}

// count is how many texts came in.
func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.texts
}

// await waits until so many texts of a request came in, and gives them.
func (p *provider) await(ctx context.Context, ref string, texts int) (a arrival, err error) {
	err = p.until(ctx, func() bool {
		a = p.arrivals[ref]
		return a.texts >= texts
	})
	if err != nil {
		return a, fmt.Errorf("%d of %d texts of %s: %w", a.texts, texts, ref, err)
	}
	return a, nil
}

// awaitAll waits until so many texts of all requests came in, and gives when the last did.
func (p *provider) awaitAll(ctx context.Context, texts int) (last time.Time, err error) {
	seen := 0
	err = p.until(ctx, func() bool {
		last, seen = p.last, p.texts
		return p.texts >= texts
	})
	if err != nil {
		return last, fmt.Errorf("%d of %d texts: %w", seen, texts, err)
	}
	return last, nil
}

// until waits for a condition, which is asked under the lock.
func (p *provider) until(ctx context.Context, done func() bool) error {
	deadline := time.NewTimer(longestPage)
	defer deadline.Stop()
	for {
		p.mu.Lock()
		ok, moved := done(), p.moved
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-moved:
			deadline.Reset(longestPage)
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("nothing more came within %s", longestPage)
		}
	}
}
