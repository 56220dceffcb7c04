package eventlog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Stream is a JetStream stream that holds logs.
type Stream struct {
	Name      string
	Subjects  []string
	Deletable bool // single entries can be deleted securely; the others deny it for ever
}

// The streams of Dutyline. Do not modify.
var (
	Requests  = Stream{Name: "REQUESTS", Subjects: []string{"requests.*", "ops.*"}}
	Keys      = Stream{Name: "KEYS", Subjects: []string{"keys.*"}, Deletable: true}
	Roster    = Stream{Name: "ROSTER", Subjects: []string{"roster.>"}}
	Directory = Stream{Name: "DIRECTORY", Subjects: []string{"directory.>"}}
)

// duplicates is how long the server remembers ids. Nothing depends on it.
const duplicates = 2 * time.Minute

// closedHeader marks the last commit of a log of which nothing more is expected: start-up reads headers only.
const closedHeader = "Dutyline-Closed"

// An Entry is one message of a stream.
type Entry struct {
	Subject string
	Seq     uint64    // in the stream
	Time    time.Time // the server's stamp
	ID      string
	Closed  bool
	Data    []byte
}

// An Expect is what an append expects of its subject.
type Expect struct {
	exact bool
	seq   uint64
}

// AnyHead expects nothing.
var AnyHead = Expect{}

// Head expects the subject's last sequence; 0 expects that it is empty.
func Head(seq uint64) Expect { return Expect{exact: true, seq: seq} }

// An Append is one entry to be stored.
type Append struct {
	Subject string
	ID      string
	Data    []byte
	Expect  Expect
	Closed  bool
}

// A Log is one stream. It is safe for concurrent use.
type Log struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	name   string
}

// Open creates the stream, or checks that the one that exists keeps what this package promises. replicas is 1 or 3.
func Open(ctx context.Context, nc *nats.Conn, s Stream, replicas int) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", s.Name, err)
	}
	want := s.config()
	want.Replicas = max(replicas, 1)
	stream, err := js.Stream(ctx, s.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, readError(ctx, "open stream "+s.Name, err)
	}
	if err := fits(stream.CachedInfo().Config, want); err != nil {
		return nil, err
	}
	return &Log{js: js, stream: stream, name: s.Name}, nil
}

// config is how the stream is made, but for its replicas.
func (s Stream) config() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: s.Name, Subjects: s.Subjects, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		Duplicates: duplicates, DenyDelete: !s.Deletable, DenyPurge: !s.Deletable, MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1,
		Discard: jetstream.DiscardNew,
	}
}

// fits refuses a stream that somebody else made with settings that lose events.
func fits(have, want jetstream.StreamConfig) error {
	bad := func(setting string, value any, fix string) error {
		return fmt.Errorf("stream %s has %s = %v: %s", have.Name, setting, value, fix)
	}
	switch {
	case have.Storage != want.Storage:
		return bad("storage", have.Storage, "it must be file; move the stream with log backup and restore")
	case have.MaxAge != 0:
		return bad("max_age", have.MaxAge, "events would disappear; set it to 0")
	case have.Retention != want.Retention:
		return bad("retention", have.Retention, "it must be limits")
	case have.MaxMsgsPerSubject > 0:
		return bad("max_msgs_per_subject", have.MaxMsgsPerSubject, "events would disappear; set it to -1")
	case have.AllowDirect:
		return bad("allow_direct", true, "reads could be stale; set it to false")
	case have.DenyDelete != want.DenyDelete:
		return bad("deny_delete", have.DenyDelete, fmt.Sprintf("it must be %t", want.DenyDelete))
	}
	return nil
}

const (
	tryTimeout = 5 * time.Second // of one try
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// Append stores one entry and returns its stream sequence once it is on disk (on a majority of disks). It repeats until the outcome is known
// or ctx ends. Errors: [ErrConflict], [ErrUnavailable] (outcome unknown), [ErrTooLarge].
func (l *Log) Append(ctx context.Context, a Append) (uint64, error) {
	pause := firstPause
	for {
		seq, err := l.try(ctx, a)
		if err == nil {
			return seq, nil
		}
		switch verdict, err := judge(err); verdict {
		case refused:
			return 0, fmt.Errorf("append to %s: %w", a.Subject, err)
		case again:
		case moved:
			seq, ours, err := l.stored(ctx, a)
			switch {
			case err == nil && ours:
				return seq, nil
			case err == nil:
				return 0, fmt.Errorf("append to %s: %w", a.Subject, ErrConflict)
			}
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("append to %s: %w", a.Subject, unavailable(err))
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // spreads repetitions, guards nothing
			pause = min(2*pause, lastPause)
		}
	}
}

func (l *Log) try(ctx context.Context, a Append) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	msg := nats.NewMsg(a.Subject)
	msg.Data = a.Data
	msg.Header.Set(jetstream.MsgIDHeader, a.ID)
	msg.Header.Set(jetstream.ExpectedStreamHeader, l.name)
	if a.Expect.exact {
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(a.Expect.seq, 10))
	}
	if a.Closed {
		msg.Header.Set(closedHeader, "1")
	}
	ack, err := l.js.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// stored looks whether the entry that took the expected place is this very append, whose acknowledgement was lost.
func (l *Log) stored(ctx context.Context, a Append) (seq uint64, ours bool, err error) {
	if !a.Expect.exact {
		return 0, false, nil
	}
	e, ok, err := l.next(ctx, a.Subject, a.Expect.seq+1)
	if err != nil || !ok {
		return 0, false, err
	}
	return e.Seq, e.ID == a.ID, nil
}
