package scenario_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

// bookLog is the stream of the roster as package app has it, which does not export it.
type bookLog struct{ log *eventlog.Log }

const bookSubject = "roster.book"

func (l bookLog) Append(ctx context.Context, id string, data []byte, after uint64) error {
	_, err := l.log.Append(ctx, eventlog.Append{Subject: bookSubject, ID: id, Data: data, Expect: eventlog.Head(after)})
	return err
}

func (l bookLog) Last(ctx context.Context) ([]byte, uint64, error) {
	e, _, err := l.log.Last(ctx, bookSubject)
	return e.Data, e.Seq, err
}

func (l bookLog) History(ctx context.Context) ([][]byte, error) {
	entries, err := l.log.History(ctx, bookSubject)
	documents := make([][]byte, len(entries))
	for i, e := range entries {
		documents[i] = e.Data
	}
	return documents, err
}

// unsealed seals nothing.
type unsealed struct{}

func (unsealed) Seal(_ context.Context, _, _ string, plain []byte) ([]byte, error) { return plain, nil }

func (unsealed) Open(_ context.Context, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}

// books is a served roster as a node follows it.
type books struct {
	*served.Service
	log bookLog
}

func (b books) Follow(ctx context.Context, fn func(revision uint64)) error {
	return b.log.log.Follow(ctx, 0, func(e eventlog.Entry) error {
		d, err := roster.Header(e.Data)
		if err != nil {
			return err
		}
		b.Saw(d.Revision)
		fn(d.Revision)
		return nil
	})
}

// cache is a Redis to which things happen.
type cache struct {
	t    *testing.T
	mini *miniredis.Miniredis
	old  map[string]string  // texts of an old copy
	duty map[string]float64 // its table
}

const tableKey = "dutyline:roster:table"

// remember makes the copy that comes back later.
func (c *cache) remember() {
	c.t.Helper()
	c.old = map[string]string{}
	for _, key := range c.mini.Keys() {
		if key != tableKey {
			c.old[key], _ = c.mini.Get(key)
		}
	}
	table, err := c.mini.SortedSet(tableKey)
	if err != nil || len(c.old) == 0 {
		c.t.Fatalf("there is nothing to remember: %v, %v", c.old, err)
	}
	c.duty = maps.Clone(table)
}

func (c *cache) comeBackOld() {
	c.mini.FlushAll()
	for key, text := range c.old {
		_ = c.mini.Set(key, text)
	}
	for member, score := range c.duty {
		_, _ = c.mini.ZAdd(tableKey, score, member)
	}
}

// serve makes a node's service of the roster.
func (c *cache) serve(log bookLog) *served.Service {
	c.t.Helper()
	options, err := served.ClientOptions("redis://in-process")
	if err != nil {
		c.t.Fatal(err)
	}
	options.Dialer = func(context.Context, string, string) (net.Conn, error) { return c.mini.Dial() }
	client := redis.NewClient(options)
	c.t.Cleanup(func() { _ = client.Close() })
	s := served.New(served.Options{Redis: client, Log: log, Sealer: unsealed{}, Now: time.Now})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	c.t.Cleanup(func() {
		cancel()
		<-done
	})
	return s
}

// asked lists the texts of a night: when, to whom, and what.
func (w *world) asked(began time.Time) (list []string) {
	for _, p := range w.sim.Phones() {
		for _, text := range p.Texts {
			list = append(list, fmt.Sprintf("%9.3f %s %s", text.At.Sub(began).Seconds(), p.Number, text.Body))
		}
	}
	slices.Sort(list)
	return list
}

const carmen = "+15005550103"

// nightOfEdits plays a quarter of an hour: dalia had the duty until an edit gave it to ada; a request comes and nobody answers; at ten past
// bruno's turn begins; a little later a coordinator on another node gives the duty to carmen. Every second something may befall Redis.
func nightOfEdits(t *testing.T, befall func(second int, c *cache)) (texts []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := eventlogtest.Start(t)
		log := bookLog{eventlogtest.Open(t, server, eventlog.Roster)}
		c := &cache{t: t, mini: miniredis.NewMiniRedis()}
		t.Cleanup(c.mini.Close)
		duty, other := c.serve(log), c.serve(log)
		edit := func(s *served.Service, base uint64, change func(*roster.Book)) {
			t.Helper()
			book := roster.Example("UTC", time.Now())
			if base > 0 {
				current, err := s.Current(t.Context(), base)
				if err != nil {
					t.Fatal(err)
				}
				book = current.Book()
				book.Rosters = slices.Clone(book.Rosters)
				book.Rosters[0].Layers = slices.Clone(book.Rosters[0].Layers)
			}
			change(&book)
			if _, err := s.Apply(t.Context(), roster.Edit{Book: book, Base: base, Actor: "c1", Reason: "why"}); err != nil {
				t.Fatal(err)
			}
		}
		turns := func(people ...string) func(*roster.Book) {
			return func(b *roster.Book) {
				r := roster.Rotation{Unit: roster.Days, Length: 1, Handover: "00:10", From: time.Now().AddDate(0, 0, -len(people)).Format(time.DateOnly)}
				for _, p := range people {
					r.Turns = append(r.Turns, []string{p})
				}
				b.Rosters[0].Layers[0].Rotation = r
			}
		}
		edit(duty, 0, turns("dalia"))
		c.remember()
		time.Sleep(time.Second)
		edit(duty, 1, turns("bruno", "ada")) // ada's turn ends at ten past
		w := newWorld(t, server, dispatcher.DefaultPolicy(), func(_ *world, o *node.Options) { o.Rosters = books{duty, log} })
		pass(time.Minute)
		began := time.Now()
		ref := w.raise(request.Critical)
		for second := range 15 * 60 {
			if second == 740 { // while the officer on duty is asked for the third time
				edit(other, 2, func(b *roster.Book) {
					b.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: time.Now(), Until: time.Now().Add(time.Hour), People: []string{"carmen"}}}
				})
			}
			befall(second, c)
			pass(time.Second)
		}
		texts = w.asked(began)
		if n := w.texts(dalia, ref); n != 0 {
			t.Errorf("yesterday's officer was asked %d times", n)
		}
		c.mini.SetError("")
		pass(10 * time.Second)
		if revision, _ := c.mini.Get("dutyline:roster:revision"); revision != "3" {
			t.Errorf("Redis holds revision %q", revision)
		}
		for _, s := range []*served.Service{duty, other} {
			if now, err := s.WhoNow(t.Context(), "", time.Now()); err != nil || now.Source != served.FromRedis || now.Revision != 3 || now.OnDuty[0].Person != "carmen" {
				t.Errorf("who now: %+v, %v", now, err)
			}
		}
	})
	return texts
}

func TestWhateverBefallsRedisNoPageIsLateAndNoneGoesToYesterdaysOfficer(t *testing.T) {
	quiet := nightOfEdits(t, func(int, *cache) {})
	for _, want := range []string{"    0.100 " + ada, "  539.100 " + bruno, "  740.100 " + carmen} { // each at once, but for the tenth of a second on the way
		if !slices.ContainsFunc(quiet, func(text string) bool { return strings.HasPrefix(text, want) }) {
			t.Fatalf("no text %q in the quiet night:\n%s", want, strings.Join(quiet, "\n"))
		}
	}
	nights := map[string]func(int, *cache){
		"emptied every second": func(_ int, c *cache) { c.mini.FlushAll() },
		"old every second":     func(_ int, c *cache) { c.comeBackOld() },
		"away":                 func(_ int, c *cache) { c.mini.SetError("LOADING") },
	}
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 5))
		nights[fmt.Sprintf("seed %d", seed)] = func(_ int, c *cache) {
			switch random.IntN(20) {
			case 0:
				c.mini.FlushAll()
			case 1:
				c.comeBackOld()
			case 2:
				c.mini.SetError("LOADING")
			case 3:
				_ = c.mini.Set("dutyline:roster:document", "rubbish")
			case 4, 5, 6:
				c.mini.SetError("")
			}
		}
	}
	for name, befall := range nights {
		t.Run(name, func(t *testing.T) {
			if texts := nightOfEdits(t, befall); !slices.Equal(texts, quiet) {
				t.Errorf("other texts than in a quiet night:\n%s\nwant\n%s", strings.Join(texts, "\n"), strings.Join(quiet, "\n"))
			}
		})
	}
}
