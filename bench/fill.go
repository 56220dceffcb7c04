package bench

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/request"
)

// sideBySide is how many histories are written side by side, as requests that came in the same minutes lie in a log.
const sideBySide = 64

// closedHeader is how eventlog marks the last commit of a history that is at its end.
const closedHeader = "Dutyline-Closed"

// fill writes histories into the stream of requests, at times of the past: a node treats a history that ended long ago otherwise than one
// that ended this minute, and a server stamps only with the present. So they go into the store below the stream, of a server that
// serves nobody else; the stream is made anew by the server's own restore, which hands out its store. The server must be started again
// afterwards.
func (d *deployment) fill(ctx context.Context, n int, from time.Time, every time.Duration, write func(i int) *history) (commits int, err error) {
	d.stopNATS()
	s, err := d.startServer(false)
	if err != nil {
		return 0, err
	}
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
		if err == nil {
			err = d.startNATS()
		}
	}()
	d.nats = s
	store, err := d.emptyStore(ctx)
	if err != nil {
		return 0, fmt.Errorf("make the stream anew: %w", err)
	}
	seq := uint64(0)
	stamp := from
	for batch := range batches(ctx, n, write) {
		for c := range longest(batch) {
			for _, h := range batch {
				if c >= len(h.commits) {
					continue
				}
				seq++
				stamp = stamp.Add(every)
				header := fmt.Sprintf("NATS/1.0\r\n%s: %s-%d\r\n", jetstream.MsgIDHeader, h.state.Ref, c)
				if h.closed && c == len(h.commits)-1 {
					header += closedHeader + ": 1\r\n"
				}
				if err := store.StoreRawMsg(h.state.Ref.Subject(), []byte(header+"\r\n"), h.commits[c], seq, stamp.UnixNano(), 0, false); err != nil {
					return int(seq), fmt.Errorf("store a commit: %w", err) //nolint:gosec // far below the largest int
				}
			}
		}
	}
	return int(seq), ctx.Err()
}

// emptyStore removes the stream of requests and restores it from an empty backup.
func (d *deployment) emptyStore(ctx context.Context) (server.StreamStore, error) {
	nc, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, eventlog.Requests.Name)
	if err != nil {
		return nil, err
	}
	present, err := json.Marshal(stream.CachedInfo().Config)
	if err != nil {
		return nil, err
	}
	info := server.FileStreamInfo{Created: time.Now().UTC()}
	if err := json.Unmarshal(present, &info.StreamConfig); err != nil {
		return nil, err
	}
	meta, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	var backup bytes.Buffer
	compressed := s2.NewWriter(&backup)
	files := tar.NewWriter(compressed)
	if err := files.WriteHeader(&tar.Header{Name: server.JetStreamMetaFile, Mode: 0o600, Size: int64(len(meta)), Typeflag: tar.TypeReg}); err != nil {
		return nil, err
	}
	if _, err := files.Write(meta); err != nil {
		return nil, err
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	if err := js.DeleteStream(ctx, eventlog.Requests.Name); err != nil {
		return nil, err
	}
	restored, err := d.nats.GlobalAccount().RestoreStream(&info.StreamConfig, &backup)
	if err != nil {
		return nil, err
	}
	return restored.Store(), nil
}

// batches makes histories on all processors, in order, so many a batch.
func batches(ctx context.Context, n int, write func(i int) *history) iter.Seq[[]*history] {
	return func(yield func([]*history) bool) {
		workers := runtime.GOMAXPROCS(0)
		for first := 0; first < n && ctx.Err() == nil; first += workers * sideBySide {
			group := make([][]*history, workers)
			var all sync.WaitGroup
			for w := range workers {
				all.Go(func() {
					for i := first + w*sideBySide; i < min(first+(w+1)*sideBySide, n); i++ {
						group[w] = append(group[w], write(i))
					}
				})
			}
			all.Wait()
			for _, batch := range group {
				if len(batch) > 0 && !yield(batch) {
					return
				}
			}
		}
	}
}

func longest(batch []*history) int {
	n := 0
	for _, h := range batch {
		n = max(n, len(h.commits))
	}
	return n
}

// seeded are references of a kind of history, by their number.
func seeded(kind string, i int) request.Ref { return referenceOf(fmt.Sprint(kind, " ", i)) }
