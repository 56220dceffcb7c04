package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

func put(t testing.TB, l *eventlog.Log, subject, id string, expect eventlog.Expect) uint64 {
	t.Helper()
	seq, err := l.Append(t.Context(), eventlog.Append{Subject: subject, ID: id, Data: []byte(id), Expect: expect})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// TestTheLogKeepsItsPromises is what every log is held to, the simulation's as well.
func TestTheLogKeepsItsPromises(t *testing.T) {
	eventlogtest.Exercise(t, func(t *testing.T) eventlogtest.Log {
		return eventlogtest.Of(eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests))
	})
}

func TestFollowDeliversEverythingOnceAcrossARestart(t *testing.T) {
	dir := t.TempDir()
	start := func() (*eventlog.Embedded, *eventlog.Log) {
		e, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return e, eventlogtest.Open(t, e, eventlog.Requests)
	}
	e, l := start()
	for n := range 50 {
		put(t, l, "requests.a", fmt.Sprint(n), eventlog.AnyHead)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got []uint64
	enough := errors.New("enough")
	err := l.Follow(ctx, 10, func(e eventlog.Entry) error {
		if got = append(got, e.Seq); len(got) == 30 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	e.Shutdown()
	e, l = start()
	defer e.Shutdown()
	go func() {
		for n := range 20 {
			_, _ = l.Append(ctx, eventlog.Append{Subject: "requests.b", ID: fmt.Sprint("b", n)})
		}
	}()
	err = l.Follow(ctx, got[len(got)-1], func(e eventlog.Entry) error {
		if got = append(got, e.Seq); len(got) == 60 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	for i, seq := range got {
		if seq != uint64(11+i) {
			t.Fatalf("entry %d is %d", i, seq)
		}
	}
}

func TestDirectoryBelongsToOneServer(t *testing.T) {
	dir := t.TempDir()
	e, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: dir}); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("second server: %v", err)
	}
	e.Shutdown()
	again, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: dir})
	if err != nil {
		t.Fatalf("after the first stopped: %v", err)
	}
	again.Shutdown()
}

func TestUnreachableServerIsUnavailableAndNotAConflict(t *testing.T) {
	e := eventlogtest.Start(t)
	l := eventlogtest.Open(t, e, eventlog.Requests)
	e.Shutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := l.Append(ctx, eventlog.Append{Subject: "requests.a", ID: "1"}); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestEntryTooLargeIsRefusedAtOnce(t *testing.T) {
	l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
	if _, err := l.Append(t.Context(), eventlog.Append{Subject: "requests.a", ID: "1", Data: make([]byte, 2<<20)}); !errors.Is(err, eventlog.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

func TestStreamThatForgetsIsRefused(t *testing.T) {
	e := eventlogtest.Start(t)
	nc, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ := jetstream.New(nc)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "REQUESTS", Subjects: []string{"requests.*"}, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if _, err := eventlog.Open(t.Context(), nc, eventlog.Requests, 1); err == nil {
		t.Error("a stream with max_age was accepted")
	}
}

func TestOnlyDeletableStreamsDelete(t *testing.T) {
	e := eventlogtest.Start(t)
	requests, keys := eventlogtest.Open(t, e, eventlog.Requests), eventlogtest.Open(t, e, eventlog.Keys)
	if err := requests.SecureDelete(t.Context(), put(t, requests, "requests.a", "1", eventlog.AnyHead)); err == nil {
		t.Error("an entry of REQUESTS was deleted")
	}
	if err := keys.SecureDelete(t.Context(), put(t, keys, "keys.a", "1", eventlog.AnyHead)); err != nil {
		t.Error(err)
	}
	if _, ok, err := keys.Last(t.Context(), "keys.a"); ok || err != nil {
		t.Errorf("the entry is still there: %t %v", ok, err)
	}
}

func BenchmarkCompareAndAppend(b *testing.B) {
	for _, sync := range []bool{true, false} {
		b.Run(fmt.Sprintf("sync=%t", sync), func(b *testing.B) {
			e, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: b.TempDir(), NoSync: !sync})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Shutdown()
			l := eventlogtest.Open(b, e, eventlog.Requests)
			head, n := uint64(0), 0
			data := make([]byte, 600)
			for b.Loop() {
				n++
				if head, err = l.Append(b.Context(), eventlog.Append{Subject: "requests.a", ID: fmt.Sprint(n), Data: data, Expect: eventlog.Head(head)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHistory10(b *testing.B) {
	l := eventlogtest.Open(b, eventlogtest.Start(b), eventlog.Requests)
	for n := range 10 {
		put(b, l, "requests.a", fmt.Sprint(n), eventlog.AnyHead)
	}
	for b.Loop() {
		if list, err := l.History(b.Context(), "requests.a"); err != nil || len(list) != 10 {
			b.Fatal(err)
		}
	}
}
