package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar/calendartest"
	"github.com/dutyline/dutyline/roster/rostertest"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/web"
)

// line is a node as far as the roster goes: the roster in Redis as every node serves it, behind the interface that the command line calls.
type line struct {
	service *served.Service
	address string

	mu  sync.Mutex
	now time.Time
}

// at sets the clock of the line.
func (l *line) at(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = t
}

func (l *line) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// newLine serves a book.
func newLine(t *rapid.T, server *miniredis.Miniredis, book roster.Book, now time.Time) *line {
	server.FlushAll()
	l := &line{now: now}
	options, err := served.ClientOptions("redis://" + server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	log := &rosterLog{}
	l.service = served.New(served.Options{Redis: client, Log: log, Sealer: unsealed{}, ErrErased: errErased, Now: l.clock})
	if _, err := l.service.Apply(t.Context(), roster.Edit{Book: book, Actor: "coordinator", Reason: "first"}); err != nil {
		t.Fatal(err)
	}
	handler, err := web.New(web.Options{
		Directory: everyone{}, Rosters: books{service: l.service}, Now: l.clock, SignIns: web.NewSignIns(client, l.clock),
		Sessions: web.NewRedisSessions(client, l.clock),
		// Nobody asks for these here.
		Intake: struct{ web.Intake }{}, Officer: struct{ web.Officer }{}, States: struct{ web.States }{}, Table: dutyTable{service: l.service}, Log: struct{ web.Log }{}, Health: struct{ web.Health }{},
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(handler)
	t.Cleanup(listener.Close)
	l.address = listener.URL
	return l
}

// dutyline runs a command line and gives what it printed.
func (l *line) dutyline(t *rapid.T, args ...string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	c := &console{in: bytes.NewReader(nil), out: &stdout, err: &stderr, environ: []string{"DUTYLINE_URL=" + l.address, "DUTYLINE_TOKEN=dl_test_token"}}
	if status := execute(t.Context(), args, c); status != exitDone {
		t.Fatalf("dutyline %s: status %d\n%s", strings.Join(args, " "), status, stderr.String())
	}
	return stdout.String()
}

// paged gives the people whom the dispatcher asks first, for a request that comes at t.
func paged(t *rapid.T, current *roster.Compiled, at time.Time) []string {
	t.Helper()
	address := func(notifier.Phone) string { return "+15005550000" }
	machine := dispatcher.NewMachine(dispatcher.Options{
		Node: "n1", Policy: dispatcher.DefaultPolicy(), CallTimeout: 10 * time.Second,
		Providers: []dispatcher.Provider{{Name: "twilio", Medium: notifier.MediumSMS, Lane: address}},
	})
	ref, ok := request.NewRef([]byte("a fixed digest"))
	if !ok {
		t.Fatal("no reference")
	}
	received := request.NewState(ref).Decide(at, "n1", request.Actor{Kind: request.BySender, ID: "s1"}, request.NewEvent(request.Received, request.ReceivedBody{
		Sender: "s1", Type: request.Preservation, Urgency: request.Emergency, Missing: []string{},
	}))
	data, err := received.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var people []string
	for _, in := range []dispatcher.Input{dispatcher.RosterChanged{Roster: current}, dispatcher.Ready{}, dispatcher.Committed{Ref: ref, Seq: 1, Data: data}} {
		commands, _, err := machine.Step(at, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands {
			decision, ok := command.(dispatcher.Append)
			if !ok || decision.Ref != ref {
				continue
			}
			commit, err := request.Decode(decision.Data)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range commit.Events {
				var page request.PageBody
				if e.Type != request.PageOrdered {
					continue
				}
				if err := json.Unmarshal(e.Body, &page); err != nil {
					t.Fatal(err)
				}
				if page.Level == 1 {
					people = append(people, page.Person)
				}
			}
		}
	}
	return people
}

// tabled gives the people of the duty table in Redis, which must answer, and nothing else in its place.
func (l *line) tabled(t *rapid.T, at time.Time) []string {
	t.Helper()
	now, err := l.service.WhoNow(t.Context(), "", at)
	if err == nil && now.Source != served.FromRedis { // it covers two weeks, and no loop writes it on here
		if _, err = l.service.Rebuild(t.Context()); err == nil {
			now, err = l.service.WhoNow(t.Context(), "", at)
		}
	}
	if err != nil || now.Source != served.FromRedis {
		t.Fatalf("at %s the duty table does not answer: %+v, %v", at.Format(time.RFC3339), now, err)
	}
	people := []string{}
	for _, o := range now.OnDuty {
		people = append(people, o.Person)
	}
	return people
}

// Screen, page, calendar, command line and interface say the same, whatever the roster and whenever they are asked: the resolver, the
// command line over the interface, the calendar as another library reads it, the duty table in Redis, and the people whom the dispatcher pages.
func TestEveryFaceNamesTheSamePeople(t *testing.T) {
	server := miniredis.RunT(t)
	var asked, gaps int
	rapid.Check(t, func(t *rapid.T) {
		book, start := rostertest.Book(t)
		l := newLine(t, server, book, start)
		current, err := l.service.Current(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		until := start.Add(rostertest.Span)
		written := l.dutyline(t, "roster", "ics", "--roster", "national", "--from", start.Format(time.RFC3339), "--until", until.Format(time.RFC3339))
		shown, err := calendartest.Read([]byte(written))
		if err != nil {
			t.Fatal(err)
		}
		minutes := rapid.SliceOfN(rapid.IntRange(0, int(rostertest.Span/time.Minute)-1), 1, 8).Draw(t, "minutes")
		slices.Sort(minutes)
		for _, minute := range minutes {
			at := start.Add(time.Duration(minute) * time.Minute)
			resolved := slices.Sorted(slices.Values(current.Who("", at)))
			asked++
			if len(resolved) == 0 {
				gaps++
			}
			var answer roster.Duty
			if err := json.Unmarshal([]byte(l.dutyline(t, "roster", "now", "--json", "--at", at.Format(time.RFC3339))), &answer); err != nil {
				t.Fatal(err)
			}
			l.at(at) // not before: the command line says for which time it asks
			var commanded []string
			for _, a := range answer.OnDuty {
				commanded = append(commanded, a.Person)
			}
			for face, people := range map[string][]string{
				"the command line": commanded, "the duty table": l.tabled(t, at), "the dispatcher": paged(t, current, at),
			} {
				slices.Sort(people)
				if !slices.Equal(people, resolved) {
					t.Errorf("at %s %s says %v, the resolver %v", at.Format(time.RFC3339), face, people, resolved)
				}
			}
			signs := []string{}
			for _, id := range resolved {
				p, _ := current.Person(id)
				signs = append(signs, p.CallSign)
			}
			slices.Sort(signs)
			if got := shown.At("national", at); !slices.Equal(got, signs) {
				t.Errorf("at %s the calendar shows %v, the resolver says %v", at.Format(time.RFC3339), got, signs)
			}
			if gap, open := shown.GapAt("national", at), len(resolved) == 0 && (book.Rosters[0].Until.IsZero() || at.Before(book.Rosters[0].Until)); gap != open {
				t.Errorf("at %s the calendar shows a gap: %t, there is one: %t", at.Format(time.RFC3339), gap, open)
			}
		}
	})
	if testing.Short() { // a fifth of the cases need not come to everything
		return
	}
	if gaps == 0 || gaps == asked {
		t.Errorf("of %d moments nobody was on duty in %d: the rosters are all alike", asked, gaps)
	}
}

// everyone lets everybody in as a coordinator.
type everyone struct{ web.Directory }

func (everyone) Authenticate(string, time.Time) (directory.Principal, error) {
	return directory.Principal{Role: directory.RoleCoordinator, Subject: "coordinator"}, nil
}

// books is the served roster as web asks for it.
type books struct {
	web.Rosters

	service *served.Service
}

func (b books) Current(ctx context.Context, atLeast uint64) (*roster.Compiled, error) {
	return b.service.Current(ctx, atLeast)
}

func (b books) History(ctx context.Context) ([]web.RosterVersion, error) {
	versions, err := b.service.History(ctx)
	list := make([]web.RosterVersion, len(versions))
	for i, v := range versions {
		list[i] = web.RosterVersion{Revision: v.Revision, Time: request.At(v.Time)}
	}
	return list, err
}

// dutyTable is the duty table as web asks for it.
type dutyTable struct {
	web.Table

	service *served.Service
}

func (d dutyTable) Age() time.Duration { return d.service.Age() }

// rosterLog is the stream of the roster in memory.
type rosterLog struct {
	mu   sync.Mutex
	docs [][]byte
}

func (m *rosterLog) Append(_ context.Context, _ string, data []byte, after uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint64(len(m.docs)) != after {
		return served.ErrHeadMoved
	}
	m.docs = append(m.docs, data)
	return nil
}

func (m *rosterLog) Last(context.Context) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.docs) == 0 {
		return nil, 0, nil
	}
	return m.docs[len(m.docs)-1], uint64(len(m.docs)), nil
}

func (m *rosterLog) History(context.Context) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.docs), nil
}

var errErased = errors.New("erased")

// unsealed seals nothing: there are no secrets here.
type unsealed struct{}

func (unsealed) Seal(_ context.Context, _, _ string, plain []byte) ([]byte, error) { return plain, nil }

func (unsealed) Open(_ context.Context, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}
