package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dutyline/dutyline/eventlog"
)

// commitSize is about what a received commit weighs, in bytes.
const commitSize = 1500

// crowd is how many clients, or writers, come at once where many do.
const crowd = 64

// measureBaseline measures the disk and the log, each by itself.
func (r *run) measureBaseline(ctx context.Context) (err error) {
	r.say("the disk: append and fsync")
	disk, err := measureDisk(ctx, r.dir, r.size.alone)
	if err != nil {
		return fmt.Errorf("measure the disk: %w", err)
	}
	r.say("the log: compare and append, 1 writer and %d", crowd)
	log, err := r.openLog(ctx)
	if err != nil {
		return fmt.Errorf("measure the log: %w", err)
	}
	defer func() { err = errors.Join(err, log.close()) }()
	alone, _, err := log.compareAndAppend(ctx, 1, r.size.alone)
	if err != nil {
		return fmt.Errorf("measure the log: %w", err)
	}
	_, rate, err := log.compareAndAppend(ctx, crowd, r.size.crowd)
	if err != nil {
		return fmt.Errorf("measure the log: %w", err)
	}
	r.add(
		Result{Name: "append_fsync_p50", Value: disk.p(50), Unit: "ms", About: "append to a file and fsync, median"},
		Result{Name: "append_fsync_p99", Value: disk.p(99), Unit: "ms", About: "the same, 99th percentile"},
		Result{Name: "compare_and_append_p50", Value: alone.p(50), Unit: "ms", Baseline: disk.p(50), About: "one append to the log that expects its head, one writer, median"},
		Result{Name: "compare_and_append_p99", Value: alone.p(99), Unit: "ms", Baseline: disk.p(99), About: "the same, 99th percentile"},
		Result{Name: "compare_and_append_64_writers", Value: rate, Unit: "appends/s", About: "the same by 64 writers together"},
	)
	return nil
}

// A bareLog is an embedded log on the same disk as the nodes, as a node has one, and nothing beside it. What is held against it is measured in
// turns with it, a second or so each: a disk, or a machine, that somebody else uses for a while is slow for both.
type bareLog struct {
	dir    string
	server *eventlog.Embedded
	nc     *nats.Conn
	log    *eventlog.Log
	serial int
}

func (r *run) openLog(ctx context.Context) (b *bareLog, err error) {
	b = &bareLog{}
	if b.dir, err = os.MkdirTemp(r.dir, "log-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.server, err = eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: b.dir}); err != nil {
		return nil, err
	}
	if b.nc, err = b.server.Connect(); err != nil {
		return nil, err
	}
	if b.log, err = eventlog.Open(ctx, b.nc, eventlog.Requests, 1); err != nil {
		return nil, err
	}
	_, _, err = b.compareAndAppend(ctx, 1, warmUps)
	return b, err
}

func (b *bareLog) close() error {
	if b.nc != nil {
		b.nc.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
	}
	return os.RemoveAll(b.dir)
}

// compareAndAppend appends n commits, each expecting the head of its log, over some writers, and gives what each took and how many all of them
// made a second.
func (b *bareLog) compareAndAppend(ctx context.Context, writers, n int) (s sample, rate float64, err error) {
	data := bytes.Repeat([]byte("x"), commitSize)
	samples := make([]sample, writers)
	b.serial++
	begin := time.Now()
	err = together(ctx, writers, func(ctx context.Context, w int) error {
		for i := range max(n/writers, 1) {
			begin := time.Now()
			id := fmt.Sprintf("%d-%d-%d", b.serial, w, i)
			_, err := b.log.Append(ctx, eventlog.Append{Subject: "requests." + id, ID: id, Data: data, Expect: eventlog.Head(0)})
			if err != nil {
				return err
			}
			samples[w] = append(samples[w], time.Since(begin))
		}
		return nil
	})
	took := time.Since(begin)
	for _, one := range samples {
		s = append(s, one...)
	}
	return s, perSecond(len(s), took), err
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
