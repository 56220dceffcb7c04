package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/config"
)

// nodeVariable makes the test binary itself a node, for what the command line does not offer: its value is the options in JSON.
const nodeVariable = "DUTYLINE_TEST_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeVariable); text != "" {
		if err := beNode(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

type nodeOptions struct {
	DataDir, Listen, SimListen string
	NoSync                     bool
}

func beNode(text string) error {
	var o nodeOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	return app.Run(context.Background(), app.Options{
		Config: config.Config{Listen: o.Listen, DataDir: o.DataDir, Node: "n1"}, Standalone: true, SimListen: o.SimListen, NoSync: o.NoSync,
		Logger: zap.NewNop(),
	})
}

var binaryDir string

// binary builds dutyline once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	var err error
	if binaryDir, err = os.MkdirTemp("", "dutyline-e2e-*"); err != nil {
		return "", err
	}
	path := filepath.Join(binaryDir, "dutyline")
	out, err := exec.Command("go", "build", "-o", path, "github.com/dutyline/dutyline/cmd/dutyline").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build dutyline: %w\n%s", err, out)
	}
	return path, nil
})

// process is a program that a test runs and kills.
type process struct {
	cmd    *exec.Cmd
	output *output
	ended  chan struct{}
}

// output keeps what a process said, for when a test fails.
type output struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.String()
}

func start(t testing.TB, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), output: &output{}, ended: make(chan struct{})}
	p.cmd.Env = append(clean(os.Environ()), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // nothing outlives the test
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// clean leaves out what configures Dutyline: a test says all of it itself.
func clean(environ []string) []string {
	var kept []string
	for _, e := range environ {
		if !strings.HasPrefix(e, "DUTYLINE_") {
			kept = append(kept, e)
		}
	}
	return kept
}

func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // with its children; ended already: fine
	<-p.ended
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// eventually tries until what returns no error; the time limit only ends a test that is stuck.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

var browser = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// call makes one HTTP call and gives status and body.
func call(method, url, token string, header map[string]string, body any) (int, []byte, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		reader = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, url, reader)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := browser.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, data, err
}

// clientFile is what a standalone node writes when it takes requests.
type clientFile struct {
	URL    string            `json:"url"`
	SimURL string            `json:"sim_url"`
	Tokens map[string]string `json:"tokens"`
}

// awaitNode waits until a node takes requests.
func awaitNode(t testing.TB, p *process, dataDir string) clientFile {
	t.Helper()
	var c clientFile
	eventually(t, "the node starts", func() error {
		select {
		case <-p.ended:
			t.Fatalf("the node ended:\n%s", p.output)
		default:
		}
		data, err := os.ReadFile(filepath.Join(dataDir, "client.json"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &c); err != nil {
			return err
		}
		status, _, err := call("GET", c.URL+"/readyz", "", nil, nil)
		if err == nil && status != http.StatusOK {
			err = errors.New(http.StatusText(status))
		}
		return err
	})
	return c
}
