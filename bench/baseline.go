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

// measureDisk appends to a file and syncs it, as often as asked: what nobody who keeps a promise on this disk can beat.
func measureDisk(ctx context.Context, dir string, n int) (s sample, err error) {
	f, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
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

// measureLog appends to the embedded log, expecting the head, one after the other.
func measureLog(ctx context.Context, dir string, n int) (s sample, err error) {
	server, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: filepath.Join(dir, "log")})
	if err != nil {
		return nil, err
	}
	defer server.Shutdown()
	nc, err := server.Connect()
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	log, err := eventlog.Open(ctx, nc, eventlog.Requests, 1)
	if err != nil {
		return nil, err
	}
	data := bytes.Repeat([]byte("x"), commitSize)
	for i := range n {
		begin := time.Now()
		_, err := log.Append(ctx, eventlog.Append{
			Subject: fmt.Sprintf("requests.%09d", i), ID: fmt.Sprint(i), Data: data, Expect: eventlog.Head(0),
		})
		if err != nil {
			return nil, err
		}
		s = append(s, time.Since(begin))
	}
	return s, nil
}
