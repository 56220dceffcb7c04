package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dutyline/dutyline/eventlog"
)

// commitSize is about what a received commit weighs, in bytes.
const commitSize = 1500

// crowd is how many clients, or writers, come at once where many do.
const crowd = 64

// A baseline is what the log can do by itself.
type baseline struct {
	alone sample  // compare-and-append, one writer
	many  sample  // the same, of each of 64 writers at once
	rate  float64 // of the 64 together, a second
}

// best is the better of two baselines, figure by figure: what measures itself against it is not flattered by somebody else who used the disk
// for a moment.
func best(a, b baseline) baseline {
	if b.alone.p(50) < a.alone.p(50) {
		a.alone = b.alone
	}
	if b.rate > a.rate {
		a.many, a.rate = b.many, b.rate
	}
	return a
}

// measureBaseline measures the disk and the log.
func (r *run) measureBaseline(ctx context.Context) error {
	r.say("the disk: append and fsync")
	disk, err := measureDisk(ctx, r.dir, r.size.alone)
	if err != nil {
		return fmt.Errorf("measure the disk: %w", err)
	}
	r.say("the log: compare and append, 1 writer and %d", crowd)
	b, err := r.measureLog(ctx)
	if err != nil {
		return fmt.Errorf("measure the log: %w", err)
	}
	r.add(
		Result{Name: "append_fsync_p50", Value: disk.p(50), Unit: "ms"},
		Result{Name: "append_fsync_p99", Value: disk.p(99), Unit: "ms"},
		Result{Name: "compare_and_append_p50", Value: b.alone.p(50), Unit: "ms", Baseline: disk.p(50)},
		Result{Name: "compare_and_append_p99", Value: b.alone.p(99), Unit: "ms", Baseline: disk.p(99)},
		Result{Name: "compare_and_append_64_writers", Value: b.rate, Unit: "appends/s"},
	)
	return nil
}

// measureLog measures the embedded log, on the same disk as the nodes.
func (r *run) measureLog(ctx context.Context) (b baseline, err error) {
	dir := filepath.Join(r.dir, "log")
	server, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: dir})
	if err != nil {
		return b, err
	}
	defer func() {
		server.Shutdown()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	nc, err := server.Connect()
	if err != nil {
		return b, err
	}
	defer nc.Close()
	log, err := eventlog.Open(ctx, nc, eventlog.Requests, 1)
	if err != nil {
		return b, err
	}
	if _, _, err = compareAndAppend(ctx, log, "warm", 1, min(r.size.alone, 50)); err != nil {
		return b, err
	}
	if b.alone, _, err = compareAndAppend(ctx, log, "alone", 1, r.size.alone); err != nil {
		return b, err
	}
	var took time.Duration
	if b.many, took, err = compareAndAppend(ctx, log, "many", crowd, r.size.crowd); err != nil {
		return b, err
	}
	b.rate = perSecond(len(b.many), took)
	return b, nil
}

// beside measures the log once more after a part, and gives the best that it did right before and right after it.
func (r *run) beside(ctx context.Context, before baseline) (baseline, error) {
	after, err := r.measureLog(ctx)
	if err != nil {
		return baseline{}, fmt.Errorf("measure the log: %w", err)
	}
	return best(before, after), nil
}

// measureDisk appends to a file and syncs it, as often as asked: what nobody who keeps a promise on this disk can beat.
func measureDisk(ctx context.Context, dir string, n int) (s sample, err error) {
	f, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	data := bytes.Repeat([]byte("x"), commitSize)
	for range n {
		begin := time.Now()
		if _, err := f.Write(data); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		s = append(s, time.Since(begin))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return s, nil
}

// compareAndAppend appends n commits, each expecting the head of its log, over some writers, and gives how long all of it took.
func compareAndAppend(ctx context.Context, log *eventlog.Log, name string, writers, n int) (s sample, took time.Duration, err error) {
	data := bytes.Repeat([]byte("x"), commitSize)
	samples := make([]sample, writers)
	begin := time.Now()
	err = together(ctx, writers, func(ctx context.Context, w int) error {
		for i := range max(n/writers, 1) {
			begin := time.Now()
			id := fmt.Sprintf("%s-%d-%d", name, w, i)
			_, err := log.Append(ctx, eventlog.Append{Subject: "requests." + id, ID: id, Data: data, Expect: eventlog.Head(0)})
			if err != nil {
				return err
			}
			samples[w] = append(samples[w], time.Since(begin))
		}
		return nil
	})
	took = time.Since(begin)
	for _, one := range samples {
		s = append(s, one...)
	}
	return s, took, err
}
