package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
)

// TestTwoNodesServeOneLog runs production's command twice on one NATS and one Redis over TCP: the first token is made without HTTP, the
// roster and a sender are stored by the command line, a request raised on one node is acknowledged through the other, and one node that is
// killed is not missed.
func TestTwoNodesServeOneLog(t *testing.T) {
	c := newCluster(t, 2, "")
	d := &deployment{t: t, sim: c.sim, client: clientFile{URL: c.url(0), Tokens: map[string]string{"sender": c.sender, "coordinator": c.coordinator}}}
	reference := d.raiseSurely("first")
	d.awaitText(reference)
	phone, code := d.asked(reference)
	status, data, err := call("POST", c.sim+"/sim/phones/"+phone+"/texts", "", nil, map[string]string{"body": code})
	if err != nil || status >= 300 {
		t.Fatalf("answer: %d %s %v", status, data, err)
	}
	eventually(t, "node 0 knows that the text to the other node acknowledged", func() error {
		_, data, err := call("GET", c.url(0)+"/api/v1/requests/"+reference, c.sender, nil, nil)
		if err == nil && !strings.Contains(string(data), `"acknowledged"`) {
			err = fmt.Errorf("%s", data)
		}
		return err
	})
	// Both nodes saw both requests; each step is decided once.
	c.nodes[0].kill()
	d.client.URL = c.url(1)
	second := d.raiseSurely("second")
	d.awaitText(second)
	if again := d.raiseSurely("first"); again != reference {
		t.Errorf("the key of the first request gives %s on the other node, was %s", again, reference)
	}
	for _, ref := range []string{reference, second} {
		_, data, err := call("GET", c.url(1)+"/api/v1/requests/"+ref+"/log", c.coordinator, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), `"type":"escalated"`); n != 1 {
			t.Errorf("%s: %d steps were decided, want one", ref, n)
		}
	}
}

// cluster is production's command run several times on one NATS and one Redis, with a roster, a coordinator and a sender. The provider
// reaches the last node.
type cluster struct {
	t                   *testing.T
	path, sim           string
	listens, configs    []string
	nodes               []*process // the present lives
	coordinator, sender string     // tokens
}

// deploymentKey is the one of all nodes.
var deploymentKey = strings.Repeat("0123456789abcdef", 4)

// newCluster starts nodes and waits until each is ready. more is added to their configuration.
func newCluster(t *testing.T, size int, more string) *cluster {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	nats := startNATS(t)
	cache := miniredis.RunT(t)
	cache.RequireAuth("secret")
	dir := t.TempDir()
	c := &cluster{t: t, path: path, nodes: make([]*process, size)}
	for range size {
		c.listens = append(c.listens, freeAddress(t))
	}
	simAddress := freeAddress(t)
	c.sim = "http://" + simAddress
	start(t, nil, path, "twiliosim", "--listen", simAddress, "--account-sid", account, "--auth-token", password,
		"--inbound-url", c.url(size-1)+"/webhooks/twilio/sms")
	for i, listen := range c.listens {
		file := filepath.Join(dir, fmt.Sprintf("node%d.yaml", i))
		text := fmt.Sprintf(`listen: %s
public_url: %s
node: n%d
data_dir: %s
nats: {url: %q, replicas: 1}
redis: {url: "redis://:secret@%s/0"}
twilio: {base_url: %q, account_sid: %s, auth_token: %s, numbers: ["%s"], texts_per_second: 0}
%s`, listen, c.url(size-1), i, filepath.Join(dir, fmt.Sprint(i)), nats, cache.Addr(), c.sim, account, password, number, more)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.configs = append(c.configs, file)
		c.start(i)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for i, n := range c.nodes {
				t.Logf("node %d said:\n%s", i, n.output)
			}
		}
	})
	for i := range c.nodes {
		eventually(t, "the node answers", func() error {
			_, _, err := call("GET", c.url(i)+"/livez", "", nil, nil)
			return err
		})
	}
	c.furnish(dir)
	return c
}

func (c *cluster) url(i int) string { return "http://" + c.listens[i] }

// start begins a life of a node.
func (c *cluster) start(i int) {
	c.nodes[i] = start(c.t, []string{"DUTYLINE_DEPLOYMENT_KEY=" + deploymentKey}, c.path, "serve", "--config", c.configs[i])
}

// furnish stores a roster and a sender by the command line, and waits until each node is ready.
func (c *cluster) furnish(dir string) {
	t := c.t
	t.Helper()
	run := func(token string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(c.path, args...)
		cmd.Env = append(clean(os.Environ()), "DUTYLINE_URL="+c.url(0), "DUTYLINE_TOKEN="+token, "DUTYLINE_DEPLOYMENT_KEY="+deploymentKey)
		out, err := cmd.Output()
		if err != nil {
			failed, _ := err.(*exec.ExitError) //nolint:errorlint // Output gives it as it is
			t.Fatalf("dutyline %s: %v\n%s", strings.Join(args, " "), err, failed.Stderr)
		}
		return out
	}
	c.coordinator = field(t, run("", "token", "add", "--role", "coordinator", "--person", "chief", "--config", c.configs[0], "--json"), "text")
	eventually(t, "the node knows the token", func() error {
		status, _, err := call("GET", c.url(0)+"/api/v1/roster", c.coordinator, nil, nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	if status, _, _ := call("GET", c.url(0)+"/readyz", "", nil, nil); status != http.StatusServiceUnavailable {
		t.Errorf("without a roster the node says %d on /readyz", status)
	}
	example, err := os.ReadFile("../examples/roster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	book := filepath.Join(dir, "roster.yaml")
	if err := os.WriteFile(book, regexp.MustCompile(`(?m)^revision: \d+`).ReplaceAll(example, []byte("revision: 0")), 0o600); err != nil {
		t.Fatal(err)
	}
	run(c.coordinator, "roster", "apply", "-f", book)
	for i := range c.nodes {
		c.awaitReady(i, "")
	}
	added := run(c.coordinator, "sender", "add", "Example", "--state", "XX", "--json")
	var sender struct{ Token struct{ Text string } }
	if err := json.Unmarshal(added, &sender); err != nil || sender.Token.Text == "" {
		t.Fatalf("sender add: %s (%v)", added, err)
	}
	c.sender = sender.Token.Text
}

// awaitReady waits until a node is ready, and says something of itself on /readyz.
func (c *cluster) awaitReady(i int, says string) {
	c.t.Helper()
	eventually(c.t, "the node is ready", func() error {
		status, data, err := call("GET", c.url(i)+"/readyz", "", nil, nil)
		if err == nil && (status != http.StatusOK || !strings.Contains(string(data), says)) {
			err = fmt.Errorf("%d %s", status, data)
		}
		return err
	})
}

// startNATS runs a NATS server with JetStream over TCP, as production has one, and gives its address.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS does not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "nats://127.0.0.1:" + port
}

// field reads one text of a JSON document.
func field(t *testing.T, data []byte, name string) string {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	text, _ := document[name].(string)
	if text == "" {
		t.Fatalf("there is no %s in %s", name, data)
	}
	return text
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// asked finds the phone that was asked about a reference, and the code of the page.
func (d *deployment) asked(reference string) (phone, code string) {
	d.t.Helper()
	_, data, err := call("GET", d.sim+"/sim/phones", "", nil, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	var phones []struct {
		Number string
		Texts  []struct{ Body string }
	}
	if err := json.Unmarshal(data, &phones); err != nil {
		d.t.Fatal(err)
	}
	for _, p := range phones {
		for _, text := range p.Texts {
			if strings.Contains(text.Body, reference) && strings.Contains(text.Body, "PASS") {
				return p.Number, sixDigits.FindString(text.Body)
			}
		}
	}
	d.t.Fatalf("no phone was asked about %s", reference)
	return "", ""
}
