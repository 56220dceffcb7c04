package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	account  = "AC0123456789abcdef0123456789abcdef"
	password = "e2e"
	number   = "+15005550006"
)

// kills is how often the node is killed in each window: ten in CI, a hundred as a proof.
func kills() int {
	if os.Getenv("DUTYLINE_TEST_PROOF") != "" {
		return 100
	}
	return 10
}

// deployment is a node that is killed, and a telephone network that survives.
type deployment struct {
	t       *testing.T
	dir     string
	path    string
	listen  string
	sim     string // its address
	node    *process
	client  clientFile
	env     []string
	random  *rand.Rand
	started int
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	return newDeploymentWith(t)
}

// newDeploymentWith adds to the environment of the node.
func newDeploymentWith(t *testing.T, env ...string) *deployment {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("DUTYLINE_TEST_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d (repeat with DUTYLINE_TEST_SEED)", seed)
	d := &deployment{t: t, dir: t.TempDir(), path: path, listen: freeAddress(t), env: env, random: rand.New(rand.NewPCG(seed, 1))}
	address := freeAddress(t)
	d.sim = "http://" + address
	sim := start(t, nil, path, "twiliosim", "--listen", address, "--account-sid", account, "--auth-token", password,
		"--inbound-url", "http://"+d.listen+"/webhooks/twilio/sms")
	eventually(t, "the simulator starts", func() error {
		_, _, err := call("GET", d.sim+"/sim/phones", "", nil, nil)
		return err
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the node said:\n%s\nthe simulator said:\n%s", d.node.output, sim.output)
		}
	})
	d.start()
	return d
}

func (d *deployment) data() string { return filepath.Join(d.dir, "data") }

func (d *deployment) start() {
	d.t.Helper()
	env := append([]string{
		"DUTYLINE_NODE=n1", "DUTYLINE_TWILIO_BASE_URL=" + d.sim, "DUTYLINE_TWILIO_ACCOUNT_SID=" + account, "DUTYLINE_TWILIO_AUTH_TOKEN=" + password,
		"DUTYLINE_TWILIO_NUMBERS=" + number, "DUTYLINE_TWILIO_TEXTS_PER_SECOND=0",
	}, d.env...)
	d.node = start(d.t, env, d.path, "run", "--data", d.data(), "--listen", d.listen)
	d.client = awaitNode(d.t, d.node, d.data())
	d.started++
}

// pause waits a random time, for the kill to fall anywhere in a window.
func (d *deployment) pause(longest time.Duration) {
	time.Sleep(time.Duration(d.random.Int64N(int64(longest))))
}

func body(key string) map[string]any {
	return map[string]any{"type": "preservation", "urgency": "emergency", "language": "en", "facts": "synthetic " + key}
}

// raise posts a request once; reference is "" when no 202 came.
func (d *deployment) raise(key string) (reference string) {
	status, data, err := call("POST", d.client.URL+"/api/v1/requests", d.client.Tokens["sender"], map[string]string{"Idempotency-Key": key}, body(key))
	if err != nil || status != http.StatusAccepted {
		return ""
	}
	return referenceOf(data)
}

func referenceOf(data []byte) string {
	var receipt struct{ Reference string }
	if json.Unmarshal(data, &receipt) != nil {
		return ""
	}
	return receipt.Reference
}

// raiseSurely repeats until 202.
func (d *deployment) raiseSurely(key string) (reference string) {
	d.t.Helper()
	eventually(d.t, "the request is accepted", func() error {
		if reference = d.raise(key); reference == "" {
			return fmt.Errorf("no 202 for %s", key)
		}
		return nil
	})
	return reference
}

func (d *deployment) fault(mode string) {
	d.t.Helper()
	status, data, err := call("PUT", d.sim+"/sim/faults", "", nil, map[string]string{"mode": mode})
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("set fault: %d %s %v", status, data, err)
	}
}

// texts counts, for each reference, the asking texts that phones got.
func (d *deployment) texts() map[string]int {
	d.t.Helper()
	status, data, err := call("GET", d.sim+"/sim/phones?texts=100000", "", nil, nil)
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("list phones: %d %v", status, err)
	}
	var phones []struct {
		Texts []struct{ Direction, Body string }
	}
	if err := json.Unmarshal(data, &phones); err != nil {
		d.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, p := range phones {
		for _, text := range p.Texts {
			if text.Direction == "inbound" || !strings.Contains(text.Body, "PASS") { // an answer or a notice asks nobody
				continue
			}
			for word := range strings.FieldsSeq(text.Body) {
				if word = strings.Trim(word, ".,;:"); len(word) == len("7K4M-2QX9-H") && strings.Count(word, "-") == 2 {
					counts[word]++
				}
			}
		}
	}
	return counts
}

// awaitText waits for the first text that names a reference.
func (d *deployment) awaitText(reference string) {
	d.t.Helper()
	eventually(d.t, "a text names the reference", func() error {
		if d.texts()[reference] == 0 {
			return fmt.Errorf("no text for %s", reference)
		}
		return nil
	})
}

// received lists the references of all requests that the log holds, in order.
func (d *deployment) received() []string {
	d.t.Helper()
	r, err := http.NewRequest("GET", d.client.URL+"/api/v1/log?after=0", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.client.Tokens["coordinator"])
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	marker := d.raiseSurely("marker-" + strconv.Itoa(d.started)) // the stream has no end: this one is the last
	var list []string
	var seen bytes.Buffer
	buffer := make([]byte, 64<<10)
	for {
		n, err := response.Body.Read(buffer)
		seen.Write(buffer[:n])
		for {
			line, rest, found := bytes.Cut(seen.Bytes(), []byte("\n"))
			if !found {
				break
			}
			seen = *bytes.NewBuffer(bytes.Clone(rest))
			data, isData := bytes.CutPrefix(line, []byte("data: "))
			var e struct{ Type, Request string }
			if !isData || json.Unmarshal(data, &e) != nil || e.Type != "received" {
				continue
			}
			if e.Request == marker {
				return list
			}
			list = append(list, e.Request)
		}
		if err != nil {
			d.t.Fatalf("the log ended before the marker: %v", err)
		}
	}
}

// check is the promise: what was answered 202 is in the log once, and a text names it.
func (d *deployment) check(accepted map[string]string) {
	d.t.Helper()
	inLog := map[string]int{}
	list := d.received()
	for _, reference := range list {
		inLog[reference]++
	}
	for key, reference := range accepted {
		d.awaitText(reference)
		if inLog[reference] != 1 {
			d.t.Errorf("%s: request %s is %d times in the log", key, reference, inLog[reference])
		}
		if again := d.raiseSurely(key); again != reference {
			d.t.Errorf("%s: repeated after all kills it is %s, was %s", key, again, reference)
		}
	}
	if len(list) != len(accepted) {
		d.t.Errorf("the log holds %d requests for %d keys", len(list), len(accepted))
	}
	copies, duplicates := d.texts(), 0
	for _, reference := range accepted {
		duplicates += copies[reference] - 1
		if copies[reference] > 2 {
			d.t.Errorf("%s was texted %d times", reference, copies[reference])
		}
	}
	d.t.Logf("%d requests accepted, %d lives of the node, %d texts more than one a request", len(accepted), d.started, duplicates)
}

func TestKilledBeforeTheAnswer(t *testing.T) {
	d := newDeployment(t)
	accepted, unanswered := map[string]string{}, 0
	for n := range kills() {
		key := fmt.Sprintf("before-%d", n)
		answered := make(chan string, 1)
		go func() { answered <- d.raise(key) }()
		d.pause(4 * time.Millisecond)
		d.node.kill()
		reference := <-answered
		d.start()
		if reference == "" {
			unanswered++
			reference = d.raiseSurely(key)
		}
		accepted[key] = reference
	}
	t.Logf("%d of %d kills came before the answer", unanswered, kills())
	d.check(accepted)
}

func TestKilledBetweenTheAnswerAndThePage(t *testing.T) {
	d := newDeployment(t)
	accepted, unpaged := map[string]string{}, 0
	for n := range kills() {
		key := fmt.Sprintf("between-%d", n)
		accepted[key] = d.raiseSurely(key)
		d.node.kill()
		if d.texts()[accepted[key]] == 0 {
			unpaged++
		}
		d.start()
	}
	t.Logf("%d of %d kills came before a phone showed the text", unpaged, kills())
	d.check(accepted)
}

func TestKilledWithASendInFlight(t *testing.T) {
	d := newDeployment(t)
	accepted, taken := map[string]string{}, 0
	for n := range kills() {
		// Every other time the provider takes the text and the node dies without its answer: the next life finds it and sends nothing. Else the
		// node dies while the provider thinks, and the provider takes the text three seconds later, when the next life has looked for it in vain
		// and has sent it again: the one duplicate that only the outside world can avoid.
		mode := []string{"slow", "lost_answer"}[n%2]
		d.fault(mode)
		key := fmt.Sprintf("flight-%d", n)
		accepted[key] = d.raiseSurely(key)
		if mode == "lost_answer" {
			d.awaitText(accepted[key])
			taken++
		} else {
			d.awaitAttempt(accepted[key])
			d.pause(20 * time.Millisecond)
		}
		d.node.kill()
		d.fault("none")
		d.start()
	}
	t.Logf("%d of %d kills came after the provider had the text", taken, kills())
	d.check(accepted)
}

// awaitAttempt waits until the log says that an attempt of the request was started.
func (d *deployment) awaitAttempt(reference string) {
	d.t.Helper()
	eventually(d.t, "an attempt is started", func() error {
		_, data, err := call("GET", d.client.URL+"/api/v1/requests/"+reference+"/log", d.client.Tokens["coordinator"], nil, nil)
		if err == nil && !bytes.Contains(data, []byte(`"attempt_started"`)) {
			err = fmt.Errorf("none in %d bytes of log", len(data))
		}
		return err
	})
}
