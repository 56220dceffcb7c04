package served_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/rostertest"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/roster/served/servedtest"
)

const (
	documentKey = "dutyline:roster:document"
	revisionKey = "dutyline:roster:revision"
	tableKey    = "dutyline:roster:table"
)

// pass lets fake time pass, and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// whoNow asks a service and looks where the answer is from.
func whoNow(t *testing.T, s *served.Service, at time.Time, from served.Source) served.Now {
	t.Helper()
	answer, err := s.WhoNow(t.Context(), "", at)
	if err != nil || answer.Source != from {
		t.Fatalf("%+v, %v, want it from %s", answer, err, from)
	}
	return answer
}

// alone puts one person on duty.
func alone(person string) func(*roster.Book) {
	return func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns = [][]string{{person}} }
}

// snapshot is what a Redis holds, and restored puts it back, as a fail-over to an old copy does.
type snapshot struct {
	texts map[string]string
	table map[string]float64
}

func (b *bench) snapshot(t *testing.T) snapshot {
	t.Helper()
	s := snapshot{texts: map[string]string{}}
	for _, key := range []string{documentKey, revisionKey} {
		text, err := b.redis.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		s.texts[key] = text
	}
	table, err := b.redis.SortedSet(tableKey)
	if err != nil {
		t.Fatal(err)
	}
	s.table = maps.Clone(table)
	return s
}

func (b *bench) restore(s snapshot) {
	b.redis.FlushAll()
	for key, text := range s.texts {
		_ = b.redis.Set(key, text)
	}
	for member, score := range s.table {
		_, _ = b.redis.ZAdd(tableKey, score, member)
	}
}

// same reports whether Redis holds a snapshot.
func (b *bench) same(t *testing.T, s snapshot) bool {
	t.Helper()
	is := b.snapshot(t)
	equal := len(is.table) == len(s.table)
	for member := range s.table {
		_, ok := is.table[member]
		equal = equal && ok
	}
	return equal && is.texts[documentKey] == s.texts[documentKey] && is.texts[revisionKey] == s.texts[revisionKey]
}

func TestWhoNowIsOneCommand(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		whoNow(t, b.service, now, served.FromRedis)
		commands, reads := b.redis.CommandCount(), b.reads
		answer := whoNow(t, b.service, now, served.FromRedis)
		if n := b.redis.CommandCount() - commands; n != 1 || b.reads != reads {
			t.Errorf("%d commands to Redis, %d reads of the log", n, b.reads-reads)
		}
		if answer.Roster != "national" || answer.Revision != 1 || answer.Age != 0 || len(answer.OnDuty) != 1 || answer.OnDuty[0].CallSign != "HERON" || !answer.OnDuty[0].Until.Equal(answer.Until) {
			t.Errorf("%+v", answer)
		}
	})
}

func TestEveryNodeReadsTheTableThatAnEditWrote(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, alone("ada"))
		other := b.node(t)
		whoNow(t, other, now, served.FromRedis) // it knows revision 1: reads the document first
		b.apply(t, 1, alone("carmen"))
		b.at(now.Add(time.Minute))
		// It has not read revision 2 yet: the table is newer, and the document is read before it is believed.
		for _, s := range []*served.Service{other, b.service} {
			answer := whoNow(t, s, b.clock, served.FromRedis)
			if answer.Revision != 2 || answer.OnDuty[0].Person != "carmen" {
				t.Errorf("%+v", answer)
			}
		}
	})
}

func TestATableThatIsNewerThanAnythingThatCanBeReadIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, alone("ada"))
		good := b.snapshot(t)
		for member := range good.table {
			_, _ = b.redis.ZRem(tableKey, member)
			_, _ = b.redis.ZAdd(tableKey, 0, strings.NewReplacer("ada", "eve", "! 1 ", "! 9 ", `"revision":1`, `"revision":9`).Replace(member))
		}
		if answer := whoNow(t, b.service, now, served.FromRedis); answer.OnDuty[0].Person != "ada" || answer.Revision != 1 {
			t.Errorf("%+v", answer) // out of the document
		}
		kept(t, b.service)
		pass(10 * time.Second)
		if b.same(t, good) || b.service.Health(t.Context()).Redis == nil {
			t.Error("what is newer was overwritten without anybody asking, or nobody is told")
		}
		if r, err := b.service.Rebuild(t.Context()); err != nil || r.Before.Table != 9 || !b.same(t, good) {
			t.Errorf("rebuilt: %+v, %v", r, err)
		}
	})
}

func TestATableOlderThanWhatWasSeenIsPassedOverAndMended(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		kept(t, b.service)
		b.apply(t, 0, alone("ada"))
		old := b.snapshot(t)
		b.at(now.Add(time.Minute))
		b.apply(t, 1, alone("carmen"))
		good := b.snapshot(t)
		for range 2 {
			b.restore(old)
			if answer := whoNow(t, b.service, b.clock, served.FromLog); answer.Revision != 2 || answer.OnDuty[0].Person != "carmen" {
				t.Errorf("%+v", answer)
			}
			pass(time.Second)
			whoNow(t, b.service, b.clock, served.FromRedis)
			if !b.same(t, good) {
				t.Errorf("not mended: %v", b.snapshot(t))
			}
		}
		// A fresh node that knows of revision 2 only that it is in the log.
		fresh := b.node(t)
		fresh.Saw(2)
		fresh.Saw(1)
		b.restore(old)
		if answer := whoNow(t, fresh, b.clock, served.FromLog); answer.Revision != 2 || answer.OnDuty[0].Person != "carmen" {
			t.Errorf("a fresh node: %+v", answer)
		}
		// One that had read revision 1.
		b.hold(b.docs[:1])
		behind := b.node(t)
		current(t, behind, 0, 2)
	})
}

// who asks the resolver.
func who(t *testing.T, b *bench, at time.Time) []string {
	t.Helper()
	c, err := b.service.Current(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c.Who("", at)
}

func persons(n served.Now) []string {
	var list []string
	for _, o := range n.OnDuty {
		list = append(list, o.Person)
	}
	return list
}

func TestASlowWriterDoesNotUndoANewerTable(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, alone("ada"))
		b.apply(t, 1, alone("carmen"))
		good := b.snapshot(t)
		b.hold(b.docs[:1]) // a node that reads the log as it was …
		b.redis.FlushAll()
		b.meanwhile = sync.OnceFunc(func() { b.restore(good) }) // … and looked at Redis before the edit was there
		kept(t, b.node(t))
		pass(4 * time.Second)
		if b.lines.FilterMessageSnippet("mended").Len() == 0 || !b.same(t, good) {
			t.Errorf("undone: %s", b.redis.Dump())
		}
	})
}

func TestWithoutRedisWhoNowSaysWhereItIsFromAndHowOld(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		if _, err := b.service.WhoNow(t.Context(), "", now); !errors.Is(err, served.ErrEmpty) {
			t.Errorf("empty: %v", err)
		}
		b.apply(t, 0, alone("ada"))
		fresh := b.node(t)
		b.redis.SetError("LOADING")
		if answer := whoNow(t, b.service, now, served.FromLog); answer.Age != 0 || answer.OnDuty[0].Person != "ada" || b.service.Age() != 0 {
			t.Errorf("from the log: %+v", answer)
		}
		b.down = true
		b.at(now.Add(12 * time.Minute))
		if answer := whoNow(t, b.service, b.clock, served.FromMemory); answer.Age != 12*time.Minute || answer.OnDuty[0].Person != "ada" || answer.Revision != 1 || b.service.Age() != 12*time.Minute {
			t.Errorf("from memory: %+v", answer)
		}
		if _, err := fresh.WhoNow(t.Context(), "", b.clock); !errors.Is(err, served.ErrUnavailable) {
			t.Errorf("a fresh node: %v", err)
		}
		b.redis.SetError("")
		if answer := whoNow(t, b.service, b.clock, served.FromRedis); answer.Age != 0 || b.service.Age() != 0 {
			t.Errorf("back: %+v", answer)
		}
	})
}

func TestWhoNowOfARosterThatIsNotThere(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		for _, id := range []string{"none", "national 2026", "!", "national\n"} {
			if answer, err := b.service.WhoNow(t.Context(), id, now); !errors.Is(err, served.ErrNoRoster) {
				t.Errorf("%q: %+v, %v", id, answer, err)
			}
		}
	})
}

func TestAGapHasNobodyAndAnEnd(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		until := now.Add(3 * time.Hour)
		b.apply(t, 0, func(book *roster.Book) {
			alone("ada")(book)
			book.Rosters[0].Overrides = []roster.Override{{ID: "gap", Kind: roster.Replace, From: now, Until: until}}
		})
		if answer := whoNow(t, b.service, now, served.FromRedis); len(answer.OnDuty) != 0 || answer.OnDuty == nil || !answer.Until.Equal(until) {
			t.Errorf("the gap: %+v", answer)
		}
		if answer := whoNow(t, b.service, until, served.FromRedis); persons(answer)[0] != "ada" || !answer.Until.IsZero() || !answer.OnDuty[0].Until.IsZero() {
			t.Errorf("after it, for ever: %+v", answer)
		}
	})
}

// onBoth runs a test on miniredis and on a real redis-server; servers gives clients of one that is empty.
func onBoth(t *testing.T, test func(*testing.T, func() redis.UniversalClient)) {
	connect := func(t *testing.T, addr string) func() redis.UniversalClient {
		return func() redis.UniversalClient {
			options, err := served.ClientOptions("redis://" + addr)
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewClient(options)
			t.Cleanup(func() { _ = client.Close() })
			return client
		}
	}
	t.Run("miniredis", func(t *testing.T) { test(t, connect(t, miniredis.RunT(t).Addr())) })
	t.Run("redis-server", func(t *testing.T) { test(t, connect(t, servedtest.Start(t).Addr)) })
}

// surely asks until the answer is from Redis: outside of a bubble a busy machine takes longer than a read waits, and then the log answers, or
// the table was not written.
func surely(s *served.Service, id string, at time.Time) (served.Now, error) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := s.WhoNow(context.Background(), id, at)
		if err != nil || answer.Source == served.FromRedis || time.Now().After(end) {
			return answer, err
		}
		_, _ = s.Rebuild(context.Background())
	}
}

func service(client redis.UniversalClient, m *memory, clock func() time.Time) *served.Service {
	return served.New(served.Options{Redis: client, Log: m, Sealer: m, ErrErased: errErased, Now: clock})
}

// wild draws a book and the moment at which it is stored; of two rosters the one that is not the first may sort before it.
func wild(t *rapid.T) (roster.Book, time.Time) {
	book, now := rostertest.Book(t)
	if rapid.Bool().Draw(t, "second roster") {
		second := book.Rosters[0]
		second.ID = rapid.SampledFrom([]string{"national-2", "a", "z"}).Draw(t, "second id")
		second.Overrides = nil
		book.Rosters = append(book.Rosters, second)
	}
	return book, now
}

func TestTheTableSaysWhatTheResolverSays(t *testing.T) {
	onBoth(t, func(t *testing.T, connect func() redis.UniversalClient) {
		client := connect()
		broken := miniredis.RunT(t)
		broken.SetError("LOADING")
		gone := redis.NewClient(&redis.Options{Addr: broken.Addr()})
		t.Cleanup(func() { _ = gone.Close() })
		rapid.Check(t, func(t *rapid.T) {
			if err := client.FlushAll(context.Background()).Err(); err != nil {
				t.Fatal(err)
			}
			m := &memory{}
			written, now := wild(t)
			clock := func() time.Time { return now }
			s, without := service(client, m, clock), service(gone, m, clock)
			book, err := s.Apply(context.Background(), roster.Edit{Book: written, Actor: "c1"})
			if err != nil {
				t.Fatal(err)
			}
			c, err := roster.Compile(book)
			if err != nil {
				t.Fatal(err)
			}
			for range 6 {
				at := now.Add(time.Duration(rapid.Int64Range(int64(-24*time.Hour), int64(14*24*time.Hour-time.Hour)).Draw(t, "at")))
				if rapid.Bool().Draw(t, "on a boundary") {
					if change, ok := c.NextChange("", at); ok && change.Before(now.AddDate(0, 0, 13)) {
						at = change
					}
				}
				for i, r := range book.Rosters {
					id := r.ID
					if i == 0 {
						id = ""
					}
					said, err := surely(s, id, at)
					if err != nil || said.Source != served.FromRedis {
						t.Fatalf("%s at %s: %+v, %v", r.ID, at, said, err)
					}
					if wrong := differs(c, r.ID, at, said); wrong != "" {
						t.Fatalf("%s at %s: %s", r.ID, at, wrong)
					}
					unaided, err := without.WhoNow(context.Background(), id, at)
					if unaided.Source = said.Source; err != nil || fmt.Sprint(unaided) != fmt.Sprint(said) {
						t.Fatalf("%s at %s:\nwith Redis    %+v\nwithout Redis %+v (%v)", r.ID, at, said, unaided, err)
					}
				}
			}
		})
	})
}

// differs compares an answer with the resolver.
func differs(c *roster.Compiled, id string, at time.Time, said served.Now) string {
	duty, _ := c.At(id, at)
	if said.Roster != id || said.Revision != c.Revision() || !said.At.Equal(at) || !slices.Equal(persons(said), c.Who(id, at)) || len(duty.OnDuty) != len(said.OnDuty) {
		return fmt.Sprintf("the table says %+v, the resolver %+v", said, duty)
	}
	for i, a := range duty.OnDuty {
		o := said.OnDuty[i]
		// The resolver stops looking after two hundred changes, or sixty days: then they are on duty for longer.
		longer := slices.Contains(c.Who(id, a.Until), a.Person) || a.Until.Sub(at) > 60*24*time.Hour
		if o.CallSign != a.CallSign || (!longer && !o.Until.Equal(a.Until)) || (longer && !o.Until.IsZero() && slices.Contains(c.Who(id, o.Until), o.Person)) {
			return fmt.Sprintf("the table says %+v, the resolver %+v", o, a)
		}
	}
	if !said.Until.IsZero() {
		if slices.Equal(c.Who(id, said.Until), persons(said)) || !slices.Equal(c.Who(id, said.Until.Add(-1)), persons(said)) {
			return fmt.Sprintf("others are said to be on duty from %s on", said.Until)
		}
	}
	return ""
}

// BenchmarkGet is what BenchmarkWhoNow is held against: the ratio of the two on one machine must stay within 1.5.
func BenchmarkGet(b *testing.B) {
	client, _ := benched(b)
	for b.Loop() {
		if err := client.Get(b.Context(), revisionKey).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWhoNow(b *testing.B) {
	_, s := benched(b)
	for b.Loop() {
		if _, err := s.WhoNow(b.Context(), "", now); err != nil {
			b.Fatal(err)
		}
	}
}

func benched(b *testing.B) (*redis.Client, *served.Service) {
	b.Helper()
	options, err := served.ClientOptions(servedtest.Start(b).URL())
	if err != nil {
		b.Fatal(err)
	}
	client := redis.NewClient(options)
	b.Cleanup(func() { _ = client.Close() })
	s := service(client, &memory{}, func() time.Time { return now })
	if _, err := s.Apply(b.Context(), roster.Edit{Book: roster.Example("Europe/Paris", now)}); err != nil {
		b.Fatal(err)
	}
	if answer, err := surely(s, "", now); err != nil || answer.Source != served.FromRedis {
		b.Fatal(answer, err)
	}
	return client, s
}
