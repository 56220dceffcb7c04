package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

// measureDuty asks a redis-server who is on duty now, as a node does, in turns with a plain GET over the same client. Without a redis-server
// on the PATH it is left out: one in this process would measure something else.
func (r *run) measureDuty(ctx context.Context) (err error) {
	r.say("who is on duty now, through Redis")
	program, err := exec.LookPath("redis-server")
	if err != nil {
		r.note("left out: redis-server is not installed")
		return nil
	}
	url, stop, err := r.startRedis(ctx, program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	options, err := served.ClientOptions(url)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	kept := &paperLog{}
	service := served.New(served.Options{Redis: client, Log: kept, Sealer: kept})
	if _, err := service.Apply(ctx, roster.Edit{Book: roster.Example("Europe/Paris", time.Now())}); err != nil {
		return err
	}
	const key, value = "dutyline:bench", "a value of some length"
	if err := client.Set(ctx, key, value, 0).Err(); err != nil {
		return err
	}
	var plain, asked sample
	others := 0 // answers that Redis was too slow for; they took long, and count
	for i := range warmUps + r.size.asks {
		begin := time.Now()
		if _, err := client.Get(ctx, key).Result(); err != nil {
			return err
		}
		between := time.Now()
		answer, err := service.WhoNow(ctx, "", between)
		took := time.Since(between)
		if err != nil {
			return err
		}
		if answer.Source != served.FromRedis {
			others++
		}
		if i >= warmUps {
			plain, asked = append(plain, between.Sub(begin)), append(asked, took)
		}
	}
	if others > r.size.asks/2 {
		return fmt.Errorf("%d of %d answers are not from Redis", others, r.size.asks)
	}
	r.add(Result{
		Name: "who_now_p50", Value: asked.p(50), Unit: "ms", Baseline: plain.p(50), Limit: 1.5,
		About: "who is on duty now, out of the duty table in Redis, against a plain GET, median",
	})
	return nil
}

// startRedis starts a redis-server on a socket of its own, without a disk, and gives its address and how it ends.
func (r *run) startRedis(ctx context.Context, program string) (url string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "dutyline-redis-") // the path of a socket must be short
	if err != nil {
		return "", nil, err
	}
	socket := filepath.Join(dir, "s")
	server := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir) //nolint:gosec // found on the PATH
	if err := server.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait()
		close(ended)
	}()
	stop = func() error {
		_ = server.Process.Kill()
		<-ended
		return os.RemoveAll(dir)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			return "unix://" + socket, stop, nil
		}
		select {
		case <-ended:
			return "", nil, errors.Join(errors.New("redis-server ended at once"), os.RemoveAll(dir))
		case <-ctx.Done():
			return "", nil, errors.Join(ctx.Err(), stop())
		default:
		}
	}
	return "", nil, errors.Join(fmt.Errorf("redis-server is not ready within %s", patience), stop())
}

// A paperLog is the log of a roster in memory, which seals nothing: what is measured reads neither.
type paperLog struct {
	mu   sync.Mutex
	last []byte
}

// Append keeps a document.
func (p *paperLog) Append(_ context.Context, _ string, data []byte, _ uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = data
	return nil
}

// Last is the one that was kept.
func (p *paperLog) Last(context.Context) (data []byte, seq uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, 1, nil
}

// History is the same.
func (p *paperLog) History(context.Context) ([][]byte, error) { return [][]byte{p.last}, nil }

// Seal seals nothing.
func (*paperLog) Seal(_ context.Context, _, _ string, plain []byte) ([]byte, error) {
	return plain, nil
}

// Open opens it.
func (*paperLog) Open(_ context.Context, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}
