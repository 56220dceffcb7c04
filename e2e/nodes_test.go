package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// step is the wait between two steps in this file: short, so that steps fall due while nodes are away.
const step = 5 * time.Second

// TestNodesThatAreStoppedAreMissedAndComeBack stops a process as a suspended machine is, and looks at what the others say.
func TestNodesThatAreStoppedAreMissedAndComeBack(t *testing.T) {
	c := newCluster(t, 3, "")
	c.awaitReady(0, "with n1, n2")
	c.awaitReady(1, "with n0, n2")
	began := time.Now()
	c.signal(2, syscall.SIGSTOP)
	c.awaitReady(0, "with n1\"")
	missed := time.Since(began)
	began = time.Now()
	c.signal(2, syscall.SIGCONT)
	c.awaitReady(0, "with n1, n2")
	back := time.Since(began)
	c.awaitReady(2, "with n0, n1")
	began = time.Now()
	if err := c.nodes[1].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.awaitReady(0, "with n2\"")
	t.Logf("stopped: missed after %s, back after %s; ended in order: known after %s", missed, back, time.Since(began))
	if missed < 1500*time.Millisecond { // its last beat is at most a second old, and a beat may be late
		t.Errorf("missed after %s", missed)
	}
}

func (c *cluster) signal(i int, s syscall.Signal) {
	c.t.Helper()
	if err := c.nodes[i].cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// TestNodesKilledAndStoppedAtRandom takes nodes away at random while requests come in: every one that was accepted is paged, and each step
// is decided once, whoever lives.
func TestNodesKilledAndStoppedAtRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("DUTYLINE_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d (repeat with DUTYLINE_TEST_SEED)", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	within := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	c := newCluster(t, 3, fmt.Sprintf("policy: {waits: {emergency: %s}}\n", step))
	c.awaitReady(0, "with n1, n2")
	d := &deployment{t: t, sim: c.sim}
	server := c.server(d)
	d.fault("hang")
	load := c.load()
	killed, stopped := 0, 0
	for round := range kills() {
		victims := random.Perm(3)[:1+random.IntN(2)]
		if round == 0 { // once for certain, in the middle of a call that never comes to the provider
			victims = []int{server}
			time.Sleep(time.Second)
		}
		time.Sleep(within(500 * time.Millisecond))
		var restore []func()
		for _, i := range victims {
			if round == 0 || random.IntN(2) == 0 {
				killed++
				c.nodes[i].kill()
				restore = append(restore, func() { c.start(i) })
			} else {
				stopped++
				c.signal(i, syscall.SIGSTOP)
				restore = append(restore, func() { c.signal(i, syscall.SIGCONT) })
			}
		}
		d.fault([]string{"slow", "lost_answer", "none"}[random.IntN(3)])
		time.Sleep(within(5 * time.Second))
		for _, again := range restore {
			again()
		}
	}
	accepted := load.stop()
	for i := range c.nodes {
		c.awaitReady(i, "")
	}
	d.fault("none")
	for _, reference := range accepted {
		d.awaitText(reference)
	}
	c.check(accepted, d)
	t.Logf("%d requests, %d kills, %d stops", len(accepted), killed, stopped)
}

// server is the node that serves the lane while all live.
func (c *cluster) server(d *deployment) int {
	c.t.Helper()
	reference := c.raise(0, "probe")
	d.awaitText(reference)
	for _, e := range c.log(reference) {
		if e.Type == "attempt_started" {
			i, err := strconv.Atoi(strings.TrimPrefix(e.Node, "n"))
			if err != nil {
				c.t.Fatal(err)
			}
			return i
		}
	}
	c.t.Fatal("no attempt")
	return 0
}

// load raises requests until it is stopped, at whichever node answers.
type load struct {
	stop func() (accepted []string) // the references that were answered 202
}

// hasty does not wait for a node that is stopped.
var hasty = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (c *cluster) load() load {
	var mu sync.Mutex
	var accepted []string
	var raising sync.WaitGroup
	stopping := make(chan struct{})
	for worker := range 3 {
		raising.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stopping:
					return
				case <-time.After(400 * time.Millisecond):
				}
				key := fmt.Sprintf("load-%d-%d", worker, n)
				for i := worker; ; i++ {
					if reference := c.raise(i%len(c.listens), key); reference != "" {
						mu.Lock()
						accepted = append(accepted, reference)
						mu.Unlock()
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	return load{func() []string {
		close(stopping)
		raising.Wait()
		return accepted
	}}
}

// raise posts a request at a node once; the reference is "" when no 202 came.
func (c *cluster) raise(i int, key string) (reference string) {
	data, err := json.Marshal(body(key))
	if err != nil {
		return ""
	}
	r, err := http.NewRequest("POST", c.url(i)+"/api/v1/requests", bytes.NewReader(data))
	if err != nil {
		return ""
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.sender)
	r.Header.Set("Idempotency-Key", key)
	response, err := hasty.Do(r)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil || response.StatusCode != http.StatusAccepted {
		return ""
	}
	return referenceOf(answer.Bytes())
}

// told is an event as the log shows it.
type told struct {
	Type string
	Time time.Time
	Node string
	Body struct {
		Level, Round int
		Cause        string
		Page         string
	}
}

// log reads the log of a request.
func (c *cluster) log(reference string) []told {
	c.t.Helper()
	status, data, err := call("GET", c.url(0)+"/api/v1/requests/"+reference+"/log", c.coordinator, nil, nil)
	var events []told
	if err != nil || status != http.StatusOK || json.Unmarshal(data, &events) != nil {
		c.t.Fatalf("log of %s: %d %v", reference, status, err)
	}
	return events
}

// check reads the log of every request: each step is decided once. It prints how late pages were ordered, and how many texts came twice.
func (c *cluster) check(accepted []string, d *deployment) {
	t := c.t
	t.Helper()
	var late []time.Duration
	pages, attempts, takenOver, steps, twice := 0, 0, 0, 0, 0
	texts := d.texts() // before the logs are read: a page that is ordered meanwhile hides no duplicate but its own
	deciders, servers := map[string]int{}, map[string]int{}
	for _, reference := range accepted {
		decided, ordered := map[string]bool{}, pages
		var due, base time.Time // of the next step; of the present one, moved by its first attempt
		for _, e := range c.log(reference) {
			switch e.Type {
			case "received":
				due = e.Time
			case "escalated":
				place := fmt.Sprintf("level %d, round %d", e.Body.Level, e.Body.Round)
				if decided[place] && e.Body.Cause != "roster" {
					t.Errorf("%s: %s was decided twice", reference, place)
				}
				decided[place] = true
				steps++
				deciders[e.Node]++
				if e.Body.Cause == "received" || e.Body.Cause == "silence" {
					late = append(late, e.Time.Sub(due))
				}
				base, due = e.Time, e.Time.Add(30*time.Second+step)
			case "page_ordered":
				pages++
			case "attempt_started":
				attempts++
				servers[e.Node]++
				if at := e.Time.Add(step); !base.IsZero() && at.Before(due) {
					due, base = at, time.Time{}
				}
			case "attempt_taken_over":
				takenOver++
			}
		}
		twice += max(0, texts[reference]-(pages-ordered))
		if len(decided) == 0 {
			t.Errorf("%s: no step was decided", reference)
		}
	}
	slices.Sort(late)
	if len(late) == 0 {
		t.Fatal("no step was decided")
	}
	at := func(part float64) time.Duration { return late[int(part*float64(len(late)-1))] }
	t.Logf("%d steps by %v, %d pages, %d attempts by %v, %d taken over, at least %d texts came twice", steps, deciders, pages, attempts, servers, takenOver, twice)
	t.Logf("from due to page_ordered: median %s, 95 %% %s, 99 %% %s, longest %s", at(0.5), at(0.95), at(0.99), at(1))
}
