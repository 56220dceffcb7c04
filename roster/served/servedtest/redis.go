// Package servedtest starts a redis-server for tests, and skips those that need one where it is not installed.
package servedtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A Redis is a redis-server of its own, empty at first, that writes nothing to its directory unless it is told SAVE. It ends with the test.
type Redis struct {
	Addr string // on loopback, the same in every life
	Dir  string // where SAVE leaves dump.rdb, which the next life begins with

	t    testing.TB
	path string
	cmd  *exec.Cmd
}

// URL is its address as the configuration has it.
func (r *Redis) URL() string { return "redis://" + r.Addr }

// Start starts one and waits until it answers.
func Start(t testing.TB) *Redis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIPPED: redis-server is not installed; CI runs this")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Redis{Addr: listener.Addr().String(), Dir: t.TempDir(), t: t, path: path}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	r.Start()
	return r
}

// Start begins another life, on what dump.rdb holds.
func (r *Redis) Start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		r.t.Fatal(err)
	}
	var said bytes.Buffer
	r.cmd = exec.Command(r.path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", r.Dir)
	r.cmd.Stdout, r.cmd.Stderr = &said, &said
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if r.answers() {
			return
		}
	}
	r.Stop()
	r.t.Fatalf("redis-server does not answer:\n%s", &said)
}

func (r *Redis) answers() bool {
	conn, err := net.DialTimeout("tcp", r.Addr, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	answer := make([]byte, 7)
	_, err = fmt.Fprint(conn, "PING\r\n")
	if err == nil {
		_, err = conn.Read(answer)
	}
	return err == nil && string(answer) == "+PONG\r\n"
}

// Stop kills it, as a crash does: what was not saved is gone.
func (r *Redis) Stop() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
}

// Snapshot is what SAVE left.
func (r *Redis) Snapshot() []byte {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Dir, "dump.rdb"))
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

// ComeBack is a fail-over: it ends, and another life begins at the same address, on a snapshot, or empty when that is nil.
func (r *Redis) ComeBack(snapshot []byte) {
	r.t.Helper()
	r.Stop()
	path := filepath.Join(r.Dir, "dump.rdb")
	err := os.WriteFile(path, snapshot, 0o600)
	if snapshot == nil {
		err = os.Remove(path)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.Start()
}
