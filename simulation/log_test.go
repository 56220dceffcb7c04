package simulation

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/request"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

// TestTheLogInMemoryKeepsThePromisesOfTheRealOne runs the suite that package eventlog runs on its server.
func TestTheLogInMemoryKeepsThePromisesOfTheRealOne(t *testing.T) {
	eventlogtest.Exercise(t, func(*testing.T) eventlogtest.Log {
		s := &shared{log: newMemoryLog(time.Now), moved: make(chan struct{})}
		s.log.follow = append(s.log.follow, func(*entry) {
			close(s.moved)
			s.moved = make(chan struct{})
		})
		return s
	})
}

// shared is a log in memory behind a lock, with contexts and errors as the suite has them.
type shared struct {
	mu    sync.Mutex
	log   *memoryLog
	moved chan struct{} // closed by the next append
}

func (s *shared) entry(e *entry) eventlog.Entry {
	return eventlog.Entry{Subject: string(e.subject), Seq: e.seq, Time: e.at, ID: e.id, Closed: e.closed, Data: e.data}
}

func (s *shared) Append(_ context.Context, subject, id string, data []byte, head *uint64, closed bool) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	expect := anyHead
	if head != nil {
		expect = *head
	}
	seq, err := s.log.append(request.Ref(subject), id, bytes.Clone(data), expect, closed)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", eventlog.ErrConflict, err)
	}
	return seq, nil
}

func (s *shared) Head(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.end(), nil
}

func (s *shared) Time(context.Context) (time.Time, error) { return time.Now(), nil }

func (s *shared) Last(_ context.Context, subject string) (eventlog.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	head := s.log.head(request.Ref(subject))
	if head == 0 {
		return eventlog.Entry{}, false, nil
	}
	return s.entry(s.log.at(head)), true, nil
}

func (s *shared) History(_ context.Context, subject string) ([]eventlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []eventlog.Entry
	for _, seq := range s.log.history(request.Ref(subject)) {
		list = append(list, s.entry(s.log.at(seq)))
	}
	return list, nil
}

func (s *shared) Summaries(context.Context) ([]eventlog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []eventlog.Entry
	for _, seq := range s.log.summaries() {
		e := s.entry(s.log.at(seq))
		e.Data = nil
		list = append(list, e)
	}
	return list, nil
}

func (s *shared) Replay(_ context.Context, subjects []string, upTo uint64, fn func(eventlog.Entry) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[request.Ref]bool{}
	for _, subject := range subjects {
		wanted[request.Ref(subject)] = true
	}
	return s.log.replay(wanted, upTo, func(e *entry) error { return fn(s.entry(e)) })
}

func (s *shared) Follow(ctx context.Context, after uint64, fn func(eventlog.Entry) error) error {
	for seq := after + 1; ; {
		s.mu.Lock()
		moved, there := s.moved, seq <= s.log.end()
		var e eventlog.Entry
		if there {
			e = s.entry(s.log.at(seq))
		}
		s.mu.Unlock()
		if there {
			if err := fn(e); err != nil {
				return err
			}
			seq++
			continue
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
