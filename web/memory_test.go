package web_test

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

// memoryLog is the stream REQUESTS.
type memoryLog struct {
	mu      sync.Mutex
	commits []request.Stored
	moved   chan struct{}
	down    bool
}

func newMemoryLog() *memoryLog { return &memoryLog{moved: make(chan struct{})} }

func (l *memoryLog) setDown(down bool) { l.mu.Lock(); defer l.mu.Unlock(); l.down = down }
func (l *memoryLog) isDown() bool      { l.mu.Lock(); defer l.mu.Unlock(); return l.down }

func (l *memoryLog) clear() { l.mu.Lock(); defer l.mu.Unlock(); l.commits = nil }

func (l *memoryLog) head() (uint64, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.commits)), l.moved
}

func (l *memoryLog) Head(context.Context) (uint64, error) {
	head, _ := l.head()
	return head, nil
}

func (l *memoryLog) of(ref request.Ref) []request.Stored {
	var list []request.Stored
	for _, s := range l.commits {
		if c, err := request.Decode(s.Data); err == nil && c.Request == ref {
			list = append(list, s)
		}
	}
	return list
}

func (l *memoryLog) refs() []request.Ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refs []request.Ref
	for _, s := range l.commits {
		if c, err := request.Decode(s.Data); err == nil && !slices.Contains(refs, c.Request) {
			refs = append(refs, c.Request)
		}
	}
	return refs
}

func (l *memoryLog) Append(_ context.Context, ref request.Ref, _ string, data []byte, expect uint64, _ bool) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, intake.ErrUnavailable
	}
	var head uint64
	if list := l.of(ref); len(list) > 0 {
		head = list[len(list)-1].Seq
	}
	if head != expect {
		return 0, intake.ErrConflict
	}
	seq := uint64(len(l.commits) + 1)
	l.commits = append(l.commits, request.Stored{Seq: seq, Data: bytes.Clone(data)})
	close(l.moved)
	l.moved = make(chan struct{})
	return seq, nil
}

func (l *memoryLog) History(_ context.Context, ref request.Ref) ([]request.Stored, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, intake.ErrUnavailable
	}
	return l.of(ref), nil
}

func (l *memoryLog) Follow(ctx context.Context, after uint64, fn func(request.Stored) error) error {
	for {
		l.mu.Lock()
		fresh, moved := slices.Clone(l.commits[min(after, uint64(len(l.commits))):]), l.moved
		l.mu.Unlock()
		for _, s := range fresh {
			if err := fn(s); err != nil {
				return err
			}
			after = s.Seq
		}
		if len(fresh) > 0 {
			continue
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// memoryDirectory is the stream DIRECTORY.
type memoryDirectory struct {
	mu   sync.Mutex
	docs []struct {
		subject string
		data    []byte
	}
	moved chan struct{}
}

func (d *memoryDirectory) Append(_ context.Context, subject, _ string, data []byte, _ uint64) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.docs = append(d.docs, struct {
		subject string
		data    []byte
	}{subject, data})
	if d.moved != nil {
		close(d.moved)
		d.moved = nil
	}
	return uint64(len(d.docs)), nil
}

func (d *memoryDirectory) Head(context.Context) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(len(d.docs)), nil
}

func (d *memoryDirectory) Follow(ctx context.Context, after uint64, fn func(uint64, string, []byte) error) error {
	for {
		d.mu.Lock()
		if d.moved == nil {
			d.moved = make(chan struct{})
		}
		fresh, moved := d.docs[after:], d.moved
		d.mu.Unlock()
		for _, doc := range fresh {
			after++
			if err := fn(after, doc.subject, doc.data); err != nil {
				return err
			}
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// clearSealer seals nothing: what must not leave the server shows.
type clearSealer struct{}

func (clearSealer) Seal(_ context.Context, _, _ string, plain []byte) ([]byte, error) {
	return plain, nil
}

func (clearSealer) Open(_ context.Context, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}
