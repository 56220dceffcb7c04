package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
)

// pipes are a listener without a network, in fake time: what is written waits until it is read, so a slow reader is felt at once.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// listening serves the world as app.Run does, with the bounds of a node: they must not end a stream.
func (w *world) listening() (p *pipes, end func()) {
	p = &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	streams, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: w.web, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return streams },
	}
	go func() { _ = server.Serve(p) }()
	return p, func() {
		cancel()
		_ = server.Close()
		synctest.Wait()
	}
}

// open opens a stream by hand.
func (w *world) open(p *pipes, path, last string) (net.Conn, *bufio.Reader) {
	w.t.Helper()
	conn := p.dial()
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: line.example\r\nAuthorization: Bearer %s\r\nLast-Event-ID: %s\r\n\r\n", path, w.sender, last)
	must(w.t, err)
	return conn, bufio.NewReaderSize(conn, 16) // reads no more than it is asked for
}

// event reads on to the id of the next event.
func event(r *bufio.Reader) (string, error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			for !strings.HasPrefix(line, "data: ") {
				if line, err = r.ReadString('\n'); err != nil {
					return "", err
				}
			}
			return strings.TrimSpace(id), nil
		}
	}
}

// cutting carries connections to a server, and breaks the first one after so many bytes of the answer.
func cutting(t *testing.T, server string, after int64) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				return
			}
			go func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			}()
			go func() {
				if n == 0 {
					_, _ = io.CopyN(near, far, after)
				} else {
					_, _ = io.Copy(near, far)
				}
				_ = near.Close()
				_ = far.Close()
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestAWatchThatIsCutAnywhereTellsEachStatusOnce(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.web)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	var cuts []int64
	for at := int64(1); at < 12_000; at += 211 {
		cuts = append(cuts, at)
	}
	var broken atomic.Int32
	t.Run("cuts", func(t *testing.T) {
		for _, at := range cuts {
			reference := w.raised().Reference
			t.Run(fmt.Sprint(at), func(t *testing.T) {
				t.Parallel()
				url, path := cutting(t, server.Listener.Addr().String(), at), "/api/v1/requests/"+reference
				news, done := make(chan request.Receipt, 16), make(chan error, 1)
				go func() {
					done <- client.New(url, w.sender).Watch(t.Context(), reference, func(r request.Receipt) error {
						news <- r
						return nil
					})
				}()
				// What comes next, or the error of a stream that never came about: it broke within its head.
				next := func(version int) bool {
					t.Helper()
					select {
					case r := <-news:
						if r.Version != version {
							t.Fatalf("version %d, want %d", r.Version, version)
						}
						return true
					case err := <-done:
						if len(news) > 0 { // it ended with what it told
							done <- err
							return (<-news).Version == version
						}
						if version > 1 || err == nil {
							t.Fatalf("before version %d: %v", version, err)
						}
						broken.Add(1)
						return false
					}
				}
				if !next(1) {
					return
				}
				w.call("POST", path+"/acknowledge", w.officer, "")
				second := next(2)
				w.call("POST", path+"/withdraw", w.sender, `{"reason":"solved"}`)
				if third := next(3); !second || !third {
					t.Error("a version was told twice, or not at all")
				}
				if err := <-done; err != nil || len(news) > 0 {
					t.Errorf("%v, and %d more", err, len(news))
				}
			})
		}
	})
	if n := int(broken.Load()); n == 0 || n > 8 {
		t.Errorf("%d of %d streams broke within their head", n, len(cuts))
	}
}

func TestAStreamOutlivesTheBoundsOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newQuietWorld(t, "redis.invalid:1")
		p, end := w.listening()
		path := "/api/v1/requests/" + w.raised().Reference
		conn, r := w.open(p, path+"/events", "")
		head, err := http.ReadResponse(r, nil)
		must(t, err)
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := head.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		var mu sync.Mutex
		var beats, events int
		var longest, last time.Duration
		began := time.Now()
		go func() {
			lines := bufio.NewScanner(head.Body)
			lines.Buffer(nil, 1<<20)
			for lines.Scan() {
				mu.Lock()
				if now := time.Since(began); now-last > longest {
					longest = now - last
				}
				last = time.Since(began)
				if strings.HasPrefix(lines.Text(), ": still") {
					beats++
				}
				if strings.HasPrefix(lines.Text(), "id: ") {
					events++
				}
				mu.Unlock()
			}
		}()
		time.Sleep(10 * time.Minute)
		w.call("POST", path+"/acknowledge", w.officer, "")
		time.Sleep(time.Second)
		mu.Lock()
		if beats != 40 || events != 2 || longest > 15*time.Second {
			t.Errorf("%d heartbeats, %d events, at most %s of silence in ten minutes", beats, events, longest)
		}
		mu.Unlock()
		_ = conn.Close()
		end()
	})
}

func TestASlowReaderMissesTheMiddleAndNeverTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newQuietWorld(t, "redis.invalid:1")
		p, end := w.listening()
		path := "/api/v1/requests/" + w.raised().Reference
		conn, r := w.open(p, path+"/events", "")
		if id, err := event(r); id != "1" {
			t.Fatalf("first %q, %v", id, err)
		}
		for range 4 { // versions 2 to 9, and nobody reads
			w.call("POST", path+"/acknowledge", w.officer, "")
			time.Sleep(time.Second)
			w.call("POST", path+"/undo", w.officer, "")
			time.Sleep(time.Second)
		}
		var ids []string
		for {
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			id, err := event(r)
			if err != nil {
				break
			}
			ids = append(ids, id)
		}
		if len(ids) == 0 || len(ids) > 3 || ids[len(ids)-1] != "9" {
			t.Errorf("read late: %v", ids)
		}
		_ = conn.Close()

		// With the version that it has, nothing comes until something changes; with an older one, the newest.
		conn, r = w.open(p, path+"/events", "9")
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if id, err := event(r); err == nil {
			t.Errorf("nothing is new, and %s comes", id)
		}
		_ = conn.Close()
		conn, r = w.open(p, path+"/events", "4")
		if id, err := event(r); id != "9" {
			t.Errorf("after version 4: %q, %v", id, err)
		}
		w.call("POST", path+"/withdraw", w.sender, `{"reason":"solved"}`)
		if id, err := event(r); id != "10" {
			t.Errorf("the change: %q, %v", id, err)
		}
		_ = conn.Close()
		end()
	})
}

func TestAReaderThatReadsNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newQuietWorld(t, "redis.invalid:1")
		p, end := w.listening()
		conn, r := w.open(p, "/api/v1/requests/"+w.raised().Reference+"/events", "")
		if id, err := event(r); id != "1" {
			t.Fatalf("first %q, %v", id, err)
		}
		time.Sleep(15*time.Second + 31*time.Second) // a heartbeat that nobody reads, and what a write may take
		_ = conn.SetReadDeadline(time.Now().Add(time.Hour))
		began := time.Now()
		_, err := io.Copy(io.Discard, r)
		if err != nil || time.Since(began) > time.Second {
			t.Errorf("the connection is still held: %v after %s", err, time.Since(began))
		}
		_ = conn.Close()
		end()
	})
}

func TestALastEventIDThatWasNeverHandedOutIsTold(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/requests/" + w.raised().Reference + "/events"
	for _, id := range []string{"x", "-1", "1.5", "99999999999999999999", "1 2"} {
		if a := w.call("GET", path, w.sender, "", "Last-Event-ID", id); a.StatusCode != http.StatusBadRequest || a.problem(t) != "unreadable" {
			t.Errorf("%q: %d", id, a.StatusCode)
		}
	}
}
