package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/request"
)

// TestMain lets this binary be the program that runs a node. With DUTYLINE_TEST_PROFILE a node leaves the profiles of its life in that directory.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "run" || os.Args[1] == "serve") {
		if err := node(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func node(args []string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if dir := os.Getenv("DUTYLINE_TEST_PROFILE"); dir != "" {
		f, err := os.CreateTemp(dir, args[0]+"-*.cpu")
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		var stopped context.CancelFunc
		signalled := ctx
		ctx, stopped = context.WithCancel(context.Background())
		context.AfterFunc(signalled, func() { // while everything is still in memory
			pprof.StopCPUProfile()
			runtime.GC()
			heap, err := os.Create(strings.TrimSuffix(f.Name(), "cpu") + "heap")
			if err = errors.Join(err, pprof.WriteHeapProfile(heap), heap.Close(), f.Close()); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			stopped()
		})
	}
	c, err := config.Load("", os.Environ())
	if err != nil {
		return err
	}
	o := app.Options{Config: c, Logger: zap.NewNop()}
	if args[0] == "run" {
		o.Config.DataDir, o.Config.Listen, o.Standalone, o.SimListen = args[2], args[4], true, args[6]
	}
	return app.Run(ctx, o)
}

// TestProfile runs the parts that DUTYLINE_TEST_PARTS names (as in accept,open), whole, with nodes that leave their profiles in DUTYLINE_TEST_PROFILE.
func TestProfile(t *testing.T) {
	if os.Getenv("DUTYLINE_TEST_PROFILE") == "" {
		t.Skip("DUTYLINE_TEST_PROFILE names no directory for profiles")
	}
	if _, err := Run(t.Context(), Options{Out: os.Stdout, Err: os.Stderr, Only: strings.Split(os.Getenv("DUTYLINE_TEST_PARTS"), ","), Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
}

// figures are the names of all that is measured in a quick run; those of the kernel's on Linux alone.
var figures = []string{
	"append_fsync_p50", "append_fsync_p99", "compare_and_append_p50", "compare_and_append_p99", "compare_and_append_64_writers",
	"idle_processor", "idle_memory",
	"accept_p50", "accept_p99", "accepted_to_provider_p50", "accepted_to_provider_p99",
	"accept_64_clients_p50", "accept_64_clients_p99", "accepted_64_clients", "paged_one_officer",
	"others_storm_raised_p50", "others_storm_raised_p99", "others_storm_paged_p50", "others_storm_paged_p99",
	"emergency_storm_p50", "emergency_storm_p99", "emergency_storm_paced_rest", "emergency_storm_paced_p50", "emergency_storm_paced_p99", "pages",
	"appends_per_request", "accepted_and_paged",
	"burst_10_requests", "burst_10_people", "burst_10_requests_for_10_people",
	"start_2400_open_commits", "open_300_lateness_p50", "open_300_lateness_p99", "open_300_stored_p99", "open_300_memory",
	"start_2000_closed_commits",
	"who_now_p50",
}

func TestRunMeasuresEveryFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("measures whole nodes")
	}
	var out, progress bytes.Buffer
	dir := t.TempDir()
	if _, err := Run(t.Context(), Options{JSON: true, Out: &out, Err: &progress, Quick: true, Dir: dir}); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	var names []string
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var r Result
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		names = append(names, r.Name)
		if r.Unit == "" || (r.Value <= 0 && !mayBeNothing(r.Name)) {
			t.Errorf("%+v: nothing was measured", r)
		}
		if r.Baseline > 0 && r.Ratio != r.Value/r.Baseline {
			t.Errorf("%+v: the ratio is wrong", r)
		}
	}
	want := figures
	if _, err := exec.LookPath("redis-server"); err != nil {
		want = slices.DeleteFunc(slices.Clone(want), func(name string) bool { return name == "who_now_p50" })
	}
	if runtime.GOOS != "linux" {
		want = slices.DeleteFunc(slices.Clone(want), func(name string) bool {
			return strings.HasSuffix(name, "_memory") || strings.HasSuffix(name, "_processor")
		})
	}
	if !slices.Equal(names, want) {
		t.Errorf("figures\n%q\nwant\n%q", names, want)
	}
	if !strings.Contains(progress.String(), "measuring") {
		t.Errorf("progress %q", progress.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// mayBeNothing tells the figures that can be 0: a text that is there before the 202, a step that is taken in the millisecond in which it is due, a
// processor that slept for a third of a second.
func mayBeNothing(name string) bool {
	return strings.HasPrefix(name, "accepted_to_provider") || strings.Contains(name, "lateness") || strings.HasPrefix(name, "others_storm") || name == "idle_processor"
}

func TestRunRefusesWhatItCannotMeasure(t *testing.T) {
	if _, err := Run(t.Context(), Options{Out: &bytes.Buffer{}, Only: []string{"accept", "everything"}}); !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), "everything") {
		t.Errorf("an unknown part: %v", err)
	}
	if _, err := Run(t.Context(), Options{Out: &bytes.Buffer{}, Dir: filepath.Join(t.TempDir(), "absent")}); !errors.Is(err, ErrOption) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// TestInterruptedRunLeavesNothingBehind interrupts a run once a node is up: the run ends with the cause, the node with it, and nothing that was written stays.
func TestInterruptedRunLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Options{Out: &bytes.Buffer{}, Only: []string{"crowd"}, Dir: dir}) // the whole part, far longer than this test waits
		ended <- err
	}()
	var file struct{ URL string }
	for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		found, _ := filepath.Glob(filepath.Join(dir, "*", "node-*", "client.json"))
		if len(found) > 0 && readJSON(found[0], &file) == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatal("no node was started")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestANodeThatDoesNotStartIsAnError(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{size: quick, err: &bytes.Buffer{}, dir: t.TempDir(), program: program}
	_, err = r.startStandalone(t.Context(), book(1, 1, time.Now()), "no levels")
	if err == nil || !strings.Contains(err.Error(), "DUTYLINE_POLICY_LEVELS") {
		t.Errorf("error %v: want what the node said", err)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		result Result
		ratio  float64
		met    bool
		limit  string
	}{
		{Result{Unit: "ms", Value: 6, Baseline: 2, Limit: 3}, 3, true, "≤ 3 ×"},
		{Result{Unit: "ms", Value: 7, Baseline: 2, Limit: 3}, 3.5, false, "≤ 3 ×"},
		{Result{Unit: "ms", Value: 25, Limit: 25}, 0, true, "≤ 25 ms"},
		{Result{Unit: "ms", Value: 26, Limit: 25}, 0, false, "≤ 25 ms"},
		{Result{Unit: "ms", Value: 26, Baseline: 2}, 13, true, ""},
		{Result{Unit: "requests/s", Value: 60, Baseline: 100, Limit: 0.6}, 0.6, true, "≥ 0.6 ×"},
		{Result{Unit: "requests/s", Value: 59, Baseline: 100, Limit: 0.6}, 0.59, false, "≥ 0.6 ×"},
		{Result{Unit: "MiB", Value: 600, Limit: 600}, 0, true, "≤ 600 MiB"},
	} {
		got := c.result.judged()
		if got.Ratio != c.ratio || got.Met != c.met || got.limit() != c.limit {
			t.Errorf("%+v: ratio %v, met %t, limit %q", c.result, got.Ratio, got.Met, got.limit())
		}
	}
}

func TestPercentiles(t *testing.T) {
	var s sample
	for i := range 100 {
		s = append(s, time.Duration(100-i)*time.Millisecond)
	}
	if s.p(50) != 51 || s.p(99) != 100 || sample(nil).p(50) != 0 {
		t.Errorf("p50 %v, p99 %v", s.p(50), s.p(99))
	}
}

// TestHistoriesAreWhatTheySay verifies the logs that starts are measured with, as log verify would, and what they fold to.
func TestHistoriesAreWhatTheySay(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	for name, h := range map[string]*history{"closed": closedHistory(seeded("closed", 7), at), "open": openHistory(seeded("open", 7), 7, at)} {
		var log []request.Stored
		for i, data := range h.commits {
			log = append(log, request.Stored{Seq: uint64(i + 1), Data: data})
		}
		v, err := request.Verify(h.state.Ref, log)
		if err != nil || v.Commits != 10 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if h.closed != (name == "closed") || h.state.Closed != h.closed {
			t.Errorf("%s: closed %t, folded %t", name, h.closed, h.state.Closed)
		}
	}
	open := openHistory(seeded("open", 7), 7, at).state
	if open.Step.Level != 9 || !open.Step.Sent.Equal(at) || !slices.Equal(open.Step.Targets, []string{person(8)}) || open.Owner != "" {
		t.Errorf("the step that waits is %+v", open.Step)
	}
}
