package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// fewSubjects is up to how many subjects are read one by one; more are read in one pass over the stream.
const fewSubjects = 500

func entry(m *jetstream.RawStreamMsg) Entry {
	return Entry{
		Subject: m.Subject, Seq: m.Sequence, Time: m.Time, ID: m.Header.Get(jetstream.MsgIDHeader), Closed: m.Header.Get(closedHeader) != "", Data: m.Data,
	}
}

// next reads the first entry of a subject at or after seq, from the stream's leader.
func (l *Log) next(ctx context.Context, subject string, seq uint64) (Entry, bool, error) {
	m, err := l.stream.GetMsg(ctx, max(seq, 1), jetstream.WithGetMsgSubject(subject))
	if notFound(err) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, readError(ctx, "read "+subject, err)
	}
	return entry(m), true, nil
}

// Head is the last sequence of the stream, 0 while it is empty.
func (l *Log) Head(ctx context.Context) (uint64, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, readError(ctx, "read the head of "+l.name, err)
	}
	return info.State.LastSeq, nil
}

// Time is the time now of the server that leads the stream: the one whose stamps the entries carry.
func (l *Log) Time(ctx context.Context) (time.Time, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return time.Time{}, readError(ctx, "read the time of "+l.name, err)
	}
	if info.TimeStamp.IsZero() {
		return time.Time{}, fmt.Errorf("read the time of %s: %w: the server does not tell it", l.name, ErrUnavailable)
	}
	return info.TimeStamp, nil
}

// Last reads the last entry of a subject. It asks the leader and is never stale.
func (l *Log) Last(ctx context.Context, subject string) (Entry, bool, error) {
	m, err := l.stream.GetLastMsgForSubject(ctx, subject)
	if notFound(err) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, readError(ctx, "read "+subject, err)
	}
	return entry(m), true, nil
}

// History reads all entries of a subject, in order, complete at the moment of the call.
func (l *Log) History(ctx context.Context, subject string) ([]Entry, error) {
	var list []Entry
	for seq := uint64(1); ; {
		e, ok, err := l.next(ctx, subject, seq)
		if err != nil {
			return nil, err
		}
		if !ok {
			return list, nil
		}
		list = append(list, e)
		seq = e.Seq + 1
	}
}

// Summaries reads the last entry of every subject, in stream order, without data.
func (l *Log) Summaries(ctx context.Context) ([]Entry, error) {
	var list []Entry
	err := l.EachSummary(ctx, func(e Entry) error {
		list = append(list, e)
		return nil
	})
	return list, err
}

// EachSummary calls fn with what [Log.Summaries] lists, and keeps nothing: of a million subjects few may matter.
func (l *Log) EachSummary(ctx context.Context, fn func(Entry) error) error {
	return l.scan(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, HeadersOnly: true}, func(e Entry) error {
		e.Data = nil
		return fn(e)
	})
}

// Replay calls fn with the entries of these subjects up to and including the sequence upTo, in stream order.
func (l *Log) Replay(ctx context.Context, subjects []string, upTo uint64, fn func(Entry) error) error {
	if len(subjects) == 0 {
		return nil
	}
	if len(subjects) > fewSubjects {
		wanted := make(map[string]bool, len(subjects))
		for _, s := range subjects {
			wanted[s] = true
		}
		return l.scan(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}, func(e Entry) error {
			if e.Seq > upTo || !wanted[e.Subject] {
				return nil
			}
			return fn(e)
		})
	}
	var all []Entry
	for _, subject := range subjects {
		list, err := l.History(ctx, subject)
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, e := range all {
		if e.Seq > upTo {
			break
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// scan reads what a consumer has, once, and ends.
func (l *Log) scan(ctx context.Context, config jetstream.OrderedConsumerConfig, fn func(Entry) error) error {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return readError(ctx, "read "+l.name, err)
	}
	if info.State.Msgs == 0 {
		return nil
	}
	consumer, err := l.stream.OrderedConsumer(ctx, config)
	if err != nil {
		return readError(ctx, "read "+l.name, err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return readError(ctx, "read "+l.name, err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return readError(ctx, "read "+l.name, err)
		}
		e, pending, err := delivered(m)
		if err != nil {
			return fmt.Errorf("read %s: %w", l.name, err)
		}
		if err := fn(e); err != nil {
			return err
		}
		if pending == 0 {
			return nil
		}
	}
}

// delivered is a consumer's message as an entry.
func delivered(m jetstream.Msg) (e Entry, pending uint64, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return Entry{}, 0, err
	}
	h := m.Headers()
	return Entry{
		Subject: m.Subject(), Seq: meta.Sequence.Stream, Time: meta.Timestamp, ID: h.Get(jetstream.MsgIDHeader), Closed: h.Get(closedHeader) != "", Data: m.Data(),
	}, meta.NumPending, nil
}

// Follow calls fn with every entry after the sequence after, once and in order, until ctx ends or fn fails; it returns that error and
// no other. While the server is away it waits.
func (l *Log) Follow(ctx context.Context, after uint64, fn func(Entry) error) error {
	pause := firstPause
	for {
		started := after
		if err := l.followOnce(ctx, &after, fn); err != nil {
			return err
		}
		if after > started {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		}
	}
}

// followOnce follows with one consumer; nil means that the consumer broke and another is needed.
func (l *Log) followOnce(ctx context.Context, after *uint64, fn func(Entry) error) error {
	create, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	consumer, err := l.stream.OrderedConsumer(create, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: *after + 1})
	if err != nil {
		return ctx.Err()
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return ctx.Err()
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return ctx.Err()
		}
		e, _, err := delivered(m)
		if err != nil || e.Seq <= *after {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
		*after = e.Seq
	}
}

// SecureDelete overwrites one entry and removes it. Only streams that are deletable allow it.
func (l *Log) SecureDelete(ctx context.Context, seq uint64) error {
	if err := l.stream.SecureDeleteMsg(ctx, seq); err != nil && !notFound(err) {
		return readError(ctx, fmt.Sprintf("delete %d of %s", seq, l.name), err)
	}
	return nil
}
