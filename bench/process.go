package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a node may take to start, or to stop.
const patience = 2 * time.Minute

// A process is a node that was started by its command line.
type process struct {
	cmd    *exec.Cmd
	began  time.Time
	said   *tail
	ended  chan struct{}
	err    error // valid once ended is closed
	cancel context.CancelFunc
}

// start runs the program with arguments. Of the environment it gets nothing that configures a node but env.
func (r *run) start(ctx context.Context, env []string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{said: &tail{}, ended: make(chan struct{}), cancel: cancel}
	p.cmd = exec.CommandContext(ctx, r.program, args...) //nolint:gosec // this program, or what tests put in its place
	p.cmd.Env = append(environment(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start a node: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// environment is this process's, without what configures a node.
func environment() []string {
	var kept []string
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "DUTYLINE_") || strings.HasPrefix(line, "DUTYLINE_TEST_") {
			kept = append(kept, line)
		}
	}
	return kept
}

// stop ends the process in order and waits for it.
func (p *process) stop() {
	p.cancel()
	<-p.ended
}

// until waits until done says so; it is asked every few milliseconds. The error is that of a process that ended meanwhile, or of done when
// the time is up.
func (p *process) until(ctx context.Context, done func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := done()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the node is not there within %s: %w\n%s", patience, err, p.said)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return fmt.Errorf("the node ended: %w\n%s", errors.Join(p.err, ctx.Err()), p.said)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// A tail keeps the last of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 8 << 10

// Write never fails.
func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, data...)
	if len(t.text) > tailSize {
		t.text = append(t.text[:0], t.text[len(t.text)-tailSize:]...)
	}
	return len(data), nil
}

// String is what was said last.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// errNoProc says that the system tells nothing of a process's memory.
var errNoProc = errors.New("/proc tells nothing here; memory and processor time are measured on Linux alone")

// memory reads a size of the process from the kernel, in MiB: VmRSS is what it has now, VmHWM the most that it ever had.
func (p *process) memory(name string) (float64, error) {
	data, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, errNoProc
	}
	for line := range strings.Lines(string(data)) {
		value, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		return kib / 1024, err
	}
	return 0, errNoProc
}

// ticks a second: what the kernel counts processor time in, on every architecture that Go runs on.
const ticks = 100

// processor is the processor time that the process has used.
func (p *process) processor() (time.Duration, error) {
	data, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, errNoProc
	}
	_, rest, _ := strings.Cut(string(data), ") ") // behind the name, which may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errNoProc
	}
	user, err := strconv.Atoi(fields[11])
	system, serr := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err, serr)
}

func (p *process) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}
