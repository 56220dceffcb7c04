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
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	nats := startNATS(t)
	cache := miniredis.RunT(t)
	cache.RequireAuth("secret")
	dir := t.TempDir()
	key := strings.Repeat("0123456789abcdef", 4)
	listens := []string{freeAddress(t), freeAddress(t)}
	simAddress := freeAddress(t)
	sim := "http://" + simAddress
	start(t, nil, path, "twiliosim", "--listen", simAddress, "--account-sid", account, "--auth-token", password,
		"--inbound-url", "http://"+listens[1]+"/webhooks/twilio/sms")

	var nodes []*process
	var configs []string
	for i, listen := range listens {
		file := filepath.Join(dir, fmt.Sprintf("node%d.yaml", i))
		text := fmt.Sprintf(`listen: %s
public_url: http://%s
node: n%d
data_dir: %s
nats: {url: %q, replicas: 1}
redis: {url: "redis://:secret@%s/0"}
twilio: {base_url: %q, account_sid: %s, auth_token: %s, numbers: ["%s"], texts_per_second: 0}
`, listen, listens[1], i, filepath.Join(dir, fmt.Sprint(i)), nats, cache.Addr(), sim, account, password, number)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		configs = append(configs, file)
		nodes = append(nodes, start(t, []string{"DUTYLINE_DEPLOYMENT_KEY=" + key}, path, "serve", "--config", file))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the nodes said:\n%s\n%s", nodes[0].output, nodes[1].output)
		}
	})
	url := func(i int) string { return "http://" + listens[i] }
	for i := range nodes {
		eventually(t, "the node answers", func() error {
			_, _, err := call("GET", url(i)+"/livez", "", nil, nil)
			return err
		})
	}

	run := func(token string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(path, args...)
		cmd.Env = append(clean(os.Environ()), "DUTYLINE_URL="+url(0), "DUTYLINE_TOKEN="+token, "DUTYLINE_DEPLOYMENT_KEY="+key)
		out, err := cmd.Output()
		if err != nil {
			failed, _ := err.(*exec.ExitError) //nolint:errorlint // Output gives it as it is
			t.Fatalf("dutyline %s: %v\n%s", strings.Join(args, " "), err, failed.Stderr)
		}
		return out
	}
	coordinator := field(t, run("", "token", "add", "--role", "coordinator", "--person", "chief", "--config", configs[0], "--json"), "text")
	eventually(t, "the node knows the token", func() error {
		status, _, err := call("GET", url(0)+"/api/v1/roster", coordinator, nil, nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	if status, _, _ := call("GET", url(0)+"/readyz", "", nil, nil); status != http.StatusServiceUnavailable {
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
	run(coordinator, "roster", "apply", "-f", book)
	for i := range nodes {
		eventually(t, "the node is ready", func() error {
			status, data, err := call("GET", url(i)+"/readyz", "", nil, nil)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%d %s", status, data)
			}
			return err
		})
	}
	added := run(coordinator, "sender", "add", "Example", "--state", "XX", "--json")
	var sender struct{ Token struct{ Text string } }
	if err := json.Unmarshal(added, &sender); err != nil || sender.Token.Text == "" {
		t.Fatalf("sender add: %s (%v)", added, err)
	}

	d := &deployment{t: t, sim: sim, client: clientFile{URL: url(0), Tokens: map[string]string{"sender": sender.Token.Text, "coordinator": coordinator}}}
	reference := d.raiseSurely("first")
	d.awaitText(reference)
	phone, code := d.asked(reference)
	status, data, err := call("POST", sim+"/sim/phones/"+phone+"/texts", "", nil, map[string]string{"body": code})
	if err != nil || status >= 300 {
		t.Fatalf("answer: %d %s %v", status, data, err)
	}
	eventually(t, "node 0 knows that the text to node 1 acknowledged", func() error {
		_, data, err := call("GET", url(0)+"/api/v1/requests/"+reference, sender.Token.Text, nil, nil)
		if err == nil && !strings.Contains(string(data), `"acknowledged"`) {
			err = fmt.Errorf("%s", data)
		}
		return err
	})
	// Both nodes saw both requests; each step is decided once.
	nodes[0].kill()
	d.client.URL = url(1)
	second := d.raiseSurely("second")
	d.awaitText(second)
	if again := d.raiseSurely("first"); again != reference {
		t.Errorf("the key of the first request gives %s on the other node, was %s", again, reference)
	}
	for _, ref := range []string{reference, second} {
		_, data, err := call("GET", url(1)+"/api/v1/requests/"+ref+"/log", coordinator, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), `"type":"escalated"`); n != 1 {
			t.Errorf("%s: %d steps were decided, want one", ref, n)
		}
	}
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
