package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/twiliosim"
)

// measured is what a run of requests took.
type measured struct {
	accept   sample // POST → 202
	provider sample // 202 → the provider has the text; 0 when it had it first
}

const (
	benchAccount = "ACbe0cbe0cbe0cbe0cbe0cbe0cbe0cbe0c"
	benchToken   = "bench"
	benchNumber  = "+15005550006"
	longestPage  = 30 * time.Second // after which a text counts as lost
)

// measureNode raises requests one after the other, each when the text of the one before is with the provider.
func measureNode(ctx context.Context, dir string, n int) (m measured, err error) {
	provider := newProvider()
	defer provider.sim.Close()
	address, err := serve(provider, &provider.server)
	if err != nil {
		return m, err
	}
	defer func() { _ = provider.server.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan app.Started, 1), make(chan error, 1)
	unlimited := 0.0
	go func() {
		ended <- app.Run(ctx, app.Options{
			Config: config.Config{
				Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "node"), Node: "bench",
				Twilio: config.Twilio{BaseURL: address, AccountSID: benchAccount, AuthToken: benchToken, Numbers: []string{benchNumber}, TextsPerSecond: &unlimited},
			},
			Standalone: true, Ready: func(s app.Started) { ready <- s },
		})
	}()
	defer func() {
		cancel()
		if ended != nil {
			err = errors.Join(err, <-ended)
		}
	}()
	var started app.Started
	select {
	case started = <-ready:
	case err := <-ended:
		ended = nil
		return m, err
	}
	sender := client.New(started.URL, started.Tokens.Sender)
	for i := range n {
		body := fmt.Appendf(nil, `{"type":"preservation","urgency":"critical","language":"en","facts":"synthetic request %d of a measurement"}`, i)
		begin := time.Now()
		receipt, err := sender.Raise(ctx, "", body, false)
		if err != nil {
			return m, err
		}
		accepted := time.Now()
		arrived, err := provider.wait(ctx, receipt)
		if err != nil {
			return m, err
		}
		m.accept = append(m.accept, accepted.Sub(begin))
		m.provider = append(m.provider, max(arrived.Sub(accepted), 0))
	}
	return m, nil
}

func serve(handler http.Handler, server *http.Server) (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server.Handler, server.ReadHeaderTimeout = handler, 5*time.Second
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// provider is the simulator, with a note of when each request's first text came in.
type provider struct {
	sim     *twiliosim.Simulator
	handler http.Handler
	server  http.Server

	mu      sync.Mutex
	arrived map[string]time.Time // reference →
	moved   chan struct{}
}

func newProvider() *provider {
	sim := twiliosim.New(twiliosim.Options{AccountSID: benchAccount, AuthToken: benchToken, Numbers: []string{benchNumber}})
	return &provider{sim: sim, handler: sim.Handler(), arrived: map[string]time.Time{}, moved: make(chan struct{})}
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
		if _, known := p.arrived[ref.String()]; !known {
			p.arrived[ref.String()] = now
			close(p.moved)
			p.moved = make(chan struct{})
		}
		return
	}
}

// wait gives when a request's text came in.
func (p *provider) wait(ctx context.Context, r request.Receipt) (time.Time, error) {
	deadline := time.NewTimer(longestPage)
	defer deadline.Stop()
	for {
		p.mu.Lock()
		at, ok := p.arrived[r.Reference]
		moved := p.moved
		p.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-deadline.C:
			return time.Time{}, fmt.Errorf("no text for %s within %s", r.Reference, longestPage)
		}
	}
}
