package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
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

func TestWhoeverLosesTheRaceGetsAConflict(t *testing.T) {
	l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
	first := put(t, l, "requests.a", "1", eventlog.Head(0))
	_, err := l.Append(t.Context(), eventlog.Append{Subject: "requests.a", ID: "2", Expect: eventlog.Head(0)})
	if !errors.Is(err, eventlog.ErrConflict) {
		t.Errorf("error %v", err)
	}
	if second := put(t, l, "requests.a", "3", eventlog.Head(first)); second <= first {
		t.Errorf("sequence %d after %d", second, first)
	}
}

func TestAppendWhoseAcknowledgementWasLostIsFoundAgain(t *testing.T) {
	e := eventlogtest.Start(t)
	l := eventlogtest.Open(t, e, eventlog.Requests)
	first := put(t, l, "requests.a", "1", eventlog.Head(0))
	if again := put(t, l, "requests.a", "1", eventlog.Head(0)); again != first {
		t.Errorf("repeated at %d, was %d", again, first)
	}
	second := put(t, l, "requests.a", "2", eventlog.Head(first))
	put(t, l, "requests.a", "3", eventlog.Head(second))
	if again := put(t, l, "requests.a", "2", eventlog.Head(first)); again != second {
		t.Errorf("repeated at %d, was %d", again, second)
	}
}

func TestAppendIsFoundAgainBeyondTheDuplicateWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := eventlogtest.Start(t)
		l := eventlogtest.Open(t, e, eventlog.Requests)
		first := put(t, l, "requests.a", "1", eventlog.Head(0))
		time.Sleep(time.Hour)
		if again := put(t, l, "requests.a", "1", eventlog.Head(0)); again != first {
			t.Errorf("repeated at %d, was %d", again, first)
		}
		if list, err := l.History(t.Context(), "requests.a"); err != nil || len(list) != 1 {
			t.Errorf("%d entries, error %v", len(list), err)
		}
	})
}

func TestFactsExpectNothing(t *testing.T) {
	l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
	put(t, l, "requests.a", "1", eventlog.Head(0))
	fact := put(t, l, "requests.a", "f", eventlog.AnyHead)
	if again := put(t, l, "requests.a", "f", eventlog.AnyHead); again != fact {
		t.Errorf("a repeated fact is at %d, was %d", again, fact)
	}
}

func TestHistorySummariesAndReplayAgree(t *testing.T) {
	l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
	const subjects, each = 20, 7
	var names []string
	for s := range subjects {
		names = append(names, fmt.Sprintf("requests.s%d", s))
	}
	for n := range each {
		for _, name := range names {
			if _, err := l.Append(t.Context(), eventlog.Append{Subject: name, ID: fmt.Sprint(name, n), Data: []byte(fmt.Sprint(n)), Closed: n == each-1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	head, err := l.Head(t.Context())
	if err != nil || head != subjects*each {
		t.Fatalf("head %d, error %v", head, err)
	}
	list, err := l.History(t.Context(), names[3])
	if err != nil || len(list) != each || string(list[2].Data) != "2" {
		t.Errorf("history %v, error %v", list, err)
	}
	summaries, err := l.Summaries(t.Context())
	if err != nil || len(summaries) != subjects || !summaries[0].Closed || summaries[0].Data != nil {
		t.Errorf("%d summaries, error %v", len(summaries), err)
	}
	count, last := 0, uint64(0)
	if err := l.Replay(t.Context(), names[:5], head-uint64(subjects), func(e eventlog.Entry) error {
		if e.Seq <= last {
			t.Errorf("%d after %d", e.Seq, last)
		}
		count, last = count+1, e.Seq
		return nil
	}); err != nil || count != 5*(each-1) {
		t.Errorf("replayed %d, error %v", count, err)
	}
	if e, ok, err := l.Last(t.Context(), names[0]); err != nil || !ok || string(e.Data) != "6" {
		t.Errorf("last %v %v %v", e, ok, err)
	}
	if _, ok, err := l.Last(t.Context(), "requests.none"); err != nil || ok {
		t.Errorf("last of nothing: %t %v", ok, err)
	}
}

func TestReplayOfManySubjectsIsOnePassWithTheSameResult(t *testing.T) {
	l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
	var names []string
	for s := range 600 {
		names = append(names, fmt.Sprintf("requests.s%d", s))
		put(t, l, names[s], names[s], eventlog.Head(0))
	}
	put(t, l, "requests.other", "o", eventlog.Head(0))
	count := 0
	if err := l.Replay(t.Context(), names, 590, func(e eventlog.Entry) error { count++; return nil }); err != nil || count != 590 {
		t.Errorf("replayed %d, error %v", count, err)
	}
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

func TestOneOfManyWritersWinsEachSequence(t *testing.T) {
	l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
	var mu sync.Mutex
	won := map[uint64]int{}
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for n := range 5 {
				for try := 0; ; try++ {
					last, _, err := l.Last(t.Context(), "requests.a")
					if err != nil {
						t.Error(err)
						return
					}
					seq, err := l.Append(t.Context(), eventlog.Append{Subject: "requests.a", ID: fmt.Sprint(w, n, try), Expect: eventlog.Head(last.Seq)})
					if errors.Is(err, eventlog.ErrConflict) {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					won[seq]++
					mu.Unlock()
					break
				}
			}
		})
	}
	wg.Wait()
	for seq, n := range won {
		if n != 1 {
			t.Errorf("sequence %d was won %d times", seq, n)
		}
	}
	if list, err := l.History(t.Context(), "requests.a"); err != nil || len(list) != 64*5 {
		t.Errorf("%d entries, error %v", len(list), err)
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

func TestTimeIsTheOneOfTheStamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t, eventlogtest.Start(t), eventlog.Requests)
		for range 3 {
			time.Sleep(time.Minute)
			put(t, l, "requests.a", time.Now().String(), eventlog.AnyHead)
			e, _, err := l.Last(t.Context(), "requests.a")
			if now, err2 := l.Time(t.Context()); err != nil || err2 != nil || !now.Equal(e.Time) || !now.Equal(time.Now()) {
				t.Errorf("time %s, stamp %s, errors %v %v", now, e.Time, err, err2)
			}
		}
	})
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
