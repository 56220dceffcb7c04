package served_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/roster/served/servedtest"
)

// kept runs the loop that keeps Redis whole, to the end of the test.
func kept(t *testing.T, s *served.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func TestRedisIsMendedBeforeAnybodyAsks(t *testing.T) {
	for name, spoil := range map[string]func(*bench, snapshot){
		"nothing":               func(*bench, snapshot) {},
		"empty":                 func(b *bench, _ snapshot) { b.redis.FlushAll() },
		"old":                   func(b *bench, old snapshot) { b.restore(old) },
		"no table":              func(b *bench, _ snapshot) { b.redis.Del(tableKey) },
		"no document":           func(b *bench, _ snapshot) { b.redis.Del(documentKey) },
		"no revision":           func(b *bench, _ snapshot) { b.redis.Del(revisionKey) },
		"rubbish":               func(b *bench, _ snapshot) { _ = b.redis.Set(documentKey, "rubbish") },
		"rubbish and late":      func(b *bench, _ snapshot) { _ = b.redis.Set(documentKey, "rubbish"); _ = b.redis.Set(revisionKey, "9") },
		"a revision of letters": func(b *bench, _ snapshot) { _ = b.redis.Set(revisionKey, "many") },
		"a table that is a text": func(b *bench, _ snapshot) {
			b.redis.Del(tableKey)
			_ = b.redis.Set(tableKey, "rubbish")
		},
		"a document that is a set": func(b *bench, _ snapshot) {
			b.redis.Del(documentKey)
			_, _ = b.redis.ZAdd(documentKey, 0, "x")
		},
		"a revision that is a set": func(b *bench, _ snapshot) {
			b.redis.Del(revisionKey)
			_, _ = b.redis.ZAdd(revisionKey, 0, "x")
		},
		"a tile is missing": func(b *bench, _ snapshot) {
			members, _ := b.redis.ZMembers(tableKey)
			_, _ = b.redis.ZRem(tableKey, members[len(members)-1])
		},
		"the head is missing": func(b *bench, _ snapshot) {
			members, _ := b.redis.ZMembers(tableKey)
			_, _ = b.redis.ZRem(tableKey, members[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.apply(t, 0, nil)
				old := b.snapshot(t)
				b.apply(t, 1, renamed)
				good := b.snapshot(t)
				kept(t, b.service)
				pass(time.Second)
				spoil(b, old)
				pass(5 * time.Second)
				if !b.same(t, good) {
					t.Errorf("not mended:\n%s", b.redis.Dump())
				}
				mended := b.lines.FilterMessage("the roster in redis was mended from the log").Len()
				want := 1
				if name == "nothing" || name == "rubbish and late" { // the second is mended by a read
					want = 0
				}
				if mended != want {
					t.Errorf("it was mended %d times, want %d", mended, want)
				}
				if h := b.service.Health(t.Context()); h.Redis != nil {
					t.Errorf("health: %v", h.Redis)
				}
			})
		})
	}
}

func TestATroubleOfMendingIsLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.apply(t, 1, renamed)
		kept(t, b.service)
		pass(time.Second)
		whole := b.docs
		b.hold(b.docs[:1]) // a log that was restored from an old backup
		b.redis.FlushAll()
		pass(time.Minute)
		if n := b.lines.FilterMessageSnippet("cannot be mended").Len(); n != 1 {
			t.Errorf("%d lines", n)
		}
		if keys := b.redis.Keys(); len(keys) != 0 {
			t.Errorf("an old revision was written: %v", keys)
		}
		b.hold(whole)
		pass(5 * time.Second)
		whoNow(t, b.service, now, served.FromRedis)
	})
}

func TestTheTableGoesOnWithTime(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		kept(t, b.service)
		first := b.snapshot(t)
		b.at(now.AddDate(0, 0, 6))
		pass(5 * time.Second)
		if !b.same(t, first) {
			t.Error("it was written while more than half was left")
		}
		b.at(now.AddDate(0, 0, 8))
		pass(5 * time.Second)
		if b.same(t, first) {
			t.Error("it was not written anew")
		}
		whoNow(t, b.service, now.AddDate(0, 0, 20), served.FromRedis)
		// When nobody kept it for a month, it is not believed beyond its end.
		b.restore(first)
		b.at(now.AddDate(0, 0, 40))
		if answer := whoNow(t, b.node(t), b.clock, served.FromRedis); !slices.Equal(persons(answer), who(t, b, b.clock)) {
			t.Errorf("%+v", answer)
		}
	})
}

func TestRebuildSaysWhatWasThereAndWhatIs(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.apply(t, 1, renamed)
		good := b.snapshot(t)
		b.redis.FlushAll()
		_ = b.redis.Set(documentKey, "rubbish")
		_ = b.redis.Set(revisionKey, "9")
		r, err := b.service.Rebuild(t.Context())
		if err != nil || r.Revision != 2 || r.Before.Document != 9 || r.Before.Same || r.Before.Table != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		if r.After.Document != 2 || !r.After.Same || r.After.Table != 2 || r.After.Tiles == 0 || r.After.Until.Sub(now) < 13*24*time.Hour || !b.same(t, good) {
			t.Errorf("%+v", r.After)
		}
		b.redis.SetError("READONLY")
		if _, err := b.service.Rebuild(t.Context()); !errors.Is(err, served.ErrUnavailable) {
			t.Errorf("without Redis: %v", err)
		}
	})
}

func TestEditorsRacingThroughTwoServicesLoseNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, connect func() redis.UniversalClient) {
		const editors, edits = 4, 10
		m := &memory{}
		clock := func() time.Time { return now }
		services := []*served.Service{service(connect(), m, clock), service(connect(), m, clock)}
		if _, err := services[0].Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now)}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for e := range editors {
			wg.Go(func() {
				s := services[e%2]
				var seen uint64 // Redis may be behind for a while on a busy machine, and nothing mends it here
				for n := range edits {
					for {
						c, err := s.Current(t.Context(), seen)
						if err != nil {
							t.Error(err)
							return
						}
						book := c.Book()
						book.Rosters = slices.Clone(book.Rosters)
						book.Rosters[0].Overrides = append(slices.Clone(book.Rosters[0].Overrides), roster.Override{
							ID: fmt.Sprintf("e%d-%d", e, n), Kind: roster.Add, People: []string{"erik"}, From: now.AddDate(0, 0, 10*e+n), Until: now.AddDate(0, 0, 10*e+n+1),
						})
						_, err = s.Apply(t.Context(), roster.Edit{Book: book, Base: book.Revision, Actor: fmt.Sprint(e)})
						if err == nil {
							break
						}
						conflict, ok := errors.AsType[*served.Conflict](err)
						if !ok {
							t.Error(err)
							return
						}
						seen = conflict.Current
					}
				}
			})
		}
		wg.Wait()
		for _, s := range services {
			c, err := s.Current(t.Context(), editors*edits+1)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(c.Book().Rosters[0].Overrides); n != editors*edits {
				t.Errorf("%d of %d edits are left", n, editors*edits)
			}
			if answer, err := surely(s, "", now); err != nil || answer.Source != served.FromRedis || answer.Revision != editors*edits+1 {
				t.Errorf("%+v, %v", answer, err)
			}
		}
	})
}

// TestARealRedisIsMendedAfterEverythingThatCanBefallIt is TestRedisIsMendedBeforeAnybodyAsks on a server with its own scripts, snapshots and
// deaths.
func TestARealRedisIsMendedAfterEverythingThatCanBefallIt(t *testing.T) {
	server := servedtest.Start(t)
	options, err := served.ClientOptions(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	m := &memory{}
	s := service(client, m, func() time.Time { return now })
	apply := func(base uint64, change func(*roster.Book)) {
		t.Helper()
		book := roster.Example("UTC", now)
		change(&book)
		if _, err := s.Apply(t.Context(), roster.Edit{Book: book, Base: base}); err != nil {
			t.Fatal(err)
		}
	}
	apply(0, alone("ada"))
	if err := client.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	old := server.Snapshot()
	apply(1, alone("carmen"))
	kept(t, s)
	for name, befall := range map[string]func(){
		"flushed":           func() { client.FlushAll(t.Context()) },
		"scripts forgotten": func() { client.ScriptFlush(t.Context()); client.FlushAll(t.Context()) },
		"died":              func() { server.ComeBack(nil) },
		"came back old":     func() { server.ComeBack(old) },
		"of the wrong types": func() {
			client.FlushAll(t.Context())
			client.LPush(t.Context(), tableKey, 1)
			client.LPush(t.Context(), revisionKey, 1)
		},
	} {
		befall()
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			answer, err := s.WhoNow(t.Context(), "", now)
			if err != nil || answer.Revision != 2 || answer.OnDuty[0].Person != "carmen" {
				t.Fatalf("%s: %+v, %v", name, answer, err)
			}
			if document := client.Get(t.Context(), documentKey).Val(); answer.Source == served.FromRedis && document == string(m.docs[1]) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: not mended", name)
			}
		}
	}
}
