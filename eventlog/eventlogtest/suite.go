package eventlogtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/eventlog"
)

// A Log is what [Exercise] holds to the promises of package eventlog. An append that finds another head than the one that it expects wraps
// [eventlog.ErrConflict].
type Log interface {
	// Append stores an entry. head is the last sequence that the subject is expected to have; nil expects nothing.
	Append(ctx context.Context, subject, id string, data []byte, head *uint64, closed bool) (seq uint64, err error)
	Head(ctx context.Context) (uint64, error)
	Time(ctx context.Context) (time.Time, error)
	Last(ctx context.Context, subject string) (eventlog.Entry, bool, error)
	History(ctx context.Context, subject string) ([]eventlog.Entry, error)
	Summaries(ctx context.Context) ([]eventlog.Entry, error)
	Replay(ctx context.Context, subjects []string, upTo uint64, fn func(eventlog.Entry) error) error
	Follow(ctx context.Context, after uint64, fn func(eventlog.Entry) error) error
}

// Of is a log of package eventlog as the suite takes it.
func Of(l *eventlog.Log) Log { return stream{l} }

type stream struct{ *eventlog.Log }

// Append stores an entry.
func (s stream) Append(ctx context.Context, subject, id string, data []byte, head *uint64, closed bool) (uint64, error) {
	a := eventlog.Append{Subject: subject, ID: id, Data: data, Closed: closed}
	if head != nil {
		a.Expect = eventlog.Head(*head)
	}
	return s.Log.Append(ctx, a)
}

// suite is one log under test.
type suite struct {
	*testing.T
	Log
}

func (s suite) put(subject, id string, head *uint64) uint64 {
	s.Helper()
	seq, err := s.Append(s.Context(), subject, id, []byte("data of "+id), head, false)
	if err != nil {
		s.Fatalf("append %s to %s: %v", id, subject, err)
	}
	return seq
}

// empty expects that the subject has no entry yet.
var empty = new(uint64)

func (s suite) refuses(subject, id string, head uint64) {
	s.Helper()
	before, err := s.Head(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.Append(s.Context(), subject, id, nil, &head, false); !errors.Is(err, eventlog.ErrConflict) {
		s.Errorf("append %s expecting %d: error %v", id, head, err)
	}
	if after, err := s.Head(s.Context()); err != nil || after != before {
		s.Errorf("a conflict moved the head from %d to %d, error %v", before, after, err)
	}
}

func (s suite) ids(subject string) []string {
	s.Helper()
	list, err := s.History(s.Context(), subject)
	if err != nil {
		s.Fatal(err)
	}
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids
}

// Exercise holds a log to what everything above it relies on. open gives an empty one; it is called in a synctest bubble, and what it starts
// must end with the test.
func Exercise(t *testing.T, open func(t *testing.T) Log) {
	for name, check := range map[string]func(suite){
		"whoever loses the race gets a conflict":                               conflict,
		"an append whose acknowledgement was lost is found again":              foundAgain,
		"an append is found again beyond the window of duplicates":             foundLater,
		"facts expect nothing and come once within the window":                 facts,
		"history, summaries, replay and last agree":                            agree,
		"replay of many subjects has the same result as of few":                many,
		"follow gives everything after a position once and in order":           follow,
		"of many writers one wins each sequence":                               writers,
		"the time is the one of the stamps":                                    stamps,
		"what was given to a log and what was read of it are the caller's own": own,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { check(suite{t, open(t)}) })
		})
	}
}

func conflict(s suite) {
	first := s.put("requests.a", "1", empty)
	s.refuses("requests.a", "2", 0)
	s.refuses("requests.a", "2", first+1)
	second := s.put("requests.a", "3", new(first))
	if second <= first {
		s.Errorf("sequence %d after %d", second, first)
	}
	s.put("requests.b", "4", empty) // each subject has a head of its own
	s.put("requests.a", "5", new(second))
	s.refuses("requests.a", "6", second)
	s.put("requests.a", "f", nil) // a fact moves the head
	s.refuses("requests.a", "7", second+2)
	if got := s.ids("requests.a"); !slices.Equal(got, []string{"1", "3", "5", "f"}) {
		s.Errorf("stored %v", got)
	}
}

func foundAgain(s suite) {
	first := s.put("requests.a", "1", empty)
	if again := s.put("requests.a", "1", empty); again != first {
		s.Errorf("repeated at %d, was %d", again, first)
	}
	second := s.put("requests.a", "2", new(first))
	s.put("requests.a", "3", new(second))
	if again := s.put("requests.a", "2", new(first)); again != second {
		s.Errorf("repeated at %d, was %d", again, second)
	}
	if got := s.ids("requests.a"); !slices.Equal(got, []string{"1", "2", "3"}) {
		s.Errorf("stored %v", got)
	}
}

func foundLater(s suite) {
	first := s.put("requests.a", "1", empty)
	s.put("requests.a", "2", new(first))
	time.Sleep(time.Hour)
	if again := s.put("requests.a", "1", empty); again != first {
		s.Errorf("repeated at %d, was %d", again, first)
	}
	if got := s.ids("requests.a"); !slices.Equal(got, []string{"1", "2"}) {
		s.Errorf("stored %v", got)
	}
}

func facts(s suite) {
	s.put("requests.a", "1", empty)
	fact := s.put("requests.a", "f", nil)
	s.put("requests.a", "2", new(fact))
	time.Sleep(time.Minute)
	if again := s.put("requests.a", "f", nil); again != fact {
		s.Errorf("a repeated fact is at %d, was %d", again, fact)
	}
	time.Sleep(time.Hour)
	if again := s.put("requests.a", "f", nil); again == fact { // readers ignore it; nothing here remembers ids for ever
		s.Error("a fact of an hour ago is still known")
	}
	if got := s.ids("requests.a"); !slices.Equal(got, []string{"1", "f", "2", "f"}) {
		s.Errorf("stored %v", got)
	}
}

func agree(s suite) {
	const subjects, each = 20, 7
	ctx := s.Context()
	names := make([]string, subjects)
	for i := range names {
		names[i] = fmt.Sprintf("requests.s%d", i)
	}
	for n := range each {
		for _, name := range names {
			if _, err := s.Append(ctx, name, fmt.Sprint(name, n), fmt.Append(nil, n), nil, n == each-1); err != nil {
				s.Fatal(err)
			}
		}
	}
	head, err := s.Head(ctx)
	if err != nil || head != subjects*each {
		s.Fatalf("head %d, error %v", head, err)
	}
	list, err := s.History(ctx, names[3])
	if err != nil || len(list) != each || string(list[2].Data) != "2" || list[2].Subject != names[3] || list[2].Closed || !list[each-1].Closed {
		s.Errorf("history %v, error %v", list, err)
	}
	summaries, err := s.Summaries(ctx)
	if err != nil || len(summaries) != subjects || !summaries[0].Closed || summaries[0].Data != nil || summaries[0].Seq != subjects*(each-1)+1 {
		s.Errorf("%d summaries, error %v", len(summaries), err)
	}
	count, last := 0, uint64(0)
	if err := s.Replay(ctx, names[:5], head-subjects, func(e eventlog.Entry) error {
		if e.Seq <= last {
			s.Errorf("%d after %d", e.Seq, last)
		}
		count, last = count+1, e.Seq
		return nil
	}); err != nil || count != 5*(each-1) {
		s.Errorf("replayed %d, error %v", count, err)
	}
	enough := errors.New("enough")
	if err := s.Replay(ctx, names, head, func(eventlog.Entry) error { return enough }); !errors.Is(err, enough) {
		s.Errorf("a replay that is ended gives %v", err)
	}
	if e, ok, err := s.Last(ctx, names[0]); err != nil || !ok || string(e.Data) != "6" || !e.Closed {
		s.Errorf("last %v %v %v", e, ok, err)
	}
	if _, ok, err := s.Last(ctx, "requests.none"); err != nil || ok {
		s.Errorf("last of nothing: %t %v", ok, err)
	}
	if list, err := s.History(ctx, "requests.none"); err != nil || len(list) != 0 {
		s.Errorf("history of nothing: %v %v", list, err)
	}
}

func many(s suite) {
	var names []string
	for i := range 600 {
		names = append(names, fmt.Sprintf("requests.s%d", i))
		s.put(names[i], names[i], empty)
	}
	s.put("requests.other", "o", empty)
	count := 0
	if err := s.Replay(s.Context(), names, 590, func(eventlog.Entry) error { count++; return nil }); err != nil || count != 590 {
		s.Errorf("replayed %d, error %v", count, err)
	}
}

func follow(s suite) {
	for n := range 20 {
		s.put(fmt.Sprintf("requests.s%d", n%3), fmt.Sprint(n), nil)
	}
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var mu sync.Mutex
	var got []eventlog.Entry
	ended := make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, 5, func(e eventlog.Entry) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, e)
			return nil
		})
	}()
	time.Sleep(time.Second)
	for n := range 10 {
		s.put("ops.later", fmt.Sprint("later", n), nil)
	}
	time.Sleep(time.Second)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		s.Errorf("following ends with %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 25 {
		s.Fatalf("%d entries", len(got))
	}
	for i, e := range got {
		if e.Seq != uint64(6+i) || string(e.Data) != "data of "+e.ID || e.Time.IsZero() {
			s.Fatalf("entry %d is %+v", i, e)
		}
	}
	failed := errors.New("failed")
	if err := s.Follow(s.Context(), 0, func(eventlog.Entry) error { return failed }); !errors.Is(err, failed) {
		s.Errorf("following that fails gives %v", err)
	}
}

func writers(s suite) {
	const count, each = 64, 5
	var mu sync.Mutex
	won := map[uint64]int{}
	var wg sync.WaitGroup
	for w := range count {
		wg.Go(func() {
			for n := range each {
				for try := 0; ; try++ {
					last, _, err := s.Last(s.Context(), "requests.a")
					if err != nil {
						s.Error(err)
						return
					}
					seq, err := s.Append(s.Context(), "requests.a", fmt.Sprint(w, n, try), nil, &last.Seq, false)
					if errors.Is(err, eventlog.ErrConflict) {
						continue
					}
					if err != nil {
						s.Error(err)
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
			s.Errorf("sequence %d was won %d times", seq, n)
		}
	}
	if got := s.ids("requests.a"); len(got) != count*each {
		s.Errorf("%d entries", len(got))
	}
}

func stamps(s suite) {
	for n := range 3 {
		time.Sleep(time.Minute)
		s.put("requests.a", fmt.Sprint(n), nil)
		e, _, err := s.Last(s.Context(), "requests.a")
		if now, err2 := s.Time(s.Context()); err != nil || err2 != nil || !now.Equal(e.Time) || !now.Equal(time.Now()) {
			s.Errorf("time %s, stamp %s, errors %v %v", now, e.Time, err, err2)
		}
	}
}

func own(s suite) {
	data := []byte("mine")
	if _, err := s.Append(s.Context(), "requests.a", "1", data, nil, false); err != nil {
		s.Fatal(err)
	}
	copy(data, "XXXX")
	list, err := s.History(s.Context(), "requests.a")
	if err != nil || len(list) != 1 || string(list[0].Data) != "mine" {
		s.Fatalf("history %v, error %v", list, err)
	}
	list[0].ID = "changed"
	if got := s.ids("requests.a"); !slices.Equal(got, []string{"1"}) {
		s.Errorf("stored %v", got)
	}
}
