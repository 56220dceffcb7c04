package dispatcher_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

// source is what a clock is made of, set by a test.
type source struct {
	wall    time.Time
	elapsed time.Duration
}

func (s *source) clock() *dispatcher.Clock {
	return dispatcher.NewClockOf(func() time.Time { return s.wall }, func() time.Duration { return s.elapsed })
}

// pass lets time pass on both.
func (s *source) pass(d time.Duration) { s.wall, s.elapsed = s.wall.Add(d), s.elapsed+d }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func says(t time.Time) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) { return t, nil }
}

func wantNow(t *testing.T, c *dispatcher.Clock, want time.Time) {
	t.Helper()
	if got := c.Now(); !got.Equal(want) {
		t.Errorf("now is %s, want %s", got, want)
	}
}

func TestClockGoesByElapsedTimeAlone(t *testing.T) {
	s := &source{wall: noon}
	c := s.clock()
	s.pass(time.Minute)
	s.wall = s.wall.Add(-time.Hour)
	wantNow(t, c, noon.Add(time.Minute))
	s.wall = s.wall.Add(5 * time.Hour)
	wantNow(t, c, noon.Add(time.Minute))
}

func TestClockFollowsStampsByTwoSecondsAndNeverGoesBack(t *testing.T) {
	s := &source{wall: noon}
	c := s.clock()
	c.Stamp(noon.Add(-time.Hour))
	wantNow(t, c, noon)
	c.Stamp(noon.Add(2 * time.Second))
	wantNow(t, c, noon.Add(2*time.Second))
	c.Stamp(noon.Add(4*time.Second + time.Millisecond)) // not believed
	wantNow(t, c, noon.Add(2*time.Second))
	c.AtLeast(noon.Add(time.Hour))
	c.AtLeast(noon)
	wantNow(t, c, noon.Add(time.Hour))
}

func TestClockIsSetByTheLogOnce(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second} {
		s := &source{wall: noon.Add(off)}
		c := s.clock()
		if err := c.Ask(t.Context(), says(noon)); err != nil {
			t.Fatal(err)
		}
		wantNow(t, c, noon)
		if c.Offset() != -off {
			t.Errorf("offset %s", c.Offset())
		}
		s.pass(time.Minute)
		s.wall = noon.Add(time.Minute) // mended
		if err := c.Ask(t.Context(), says(noon.Add(time.Minute))); err != nil || c.Offset() != 0 {
			t.Errorf("offset %s, error %v", c.Offset(), err)
		}
		if err := c.Ask(t.Context(), says(noon)); err != nil || c.Offset() != -time.Minute { // the log's own clock went back
			t.Errorf("offset %s, error %v", c.Offset(), err)
		}
		wantNow(t, c, noon.Add(time.Minute))
		if err := c.Ask(t.Context(), says(noon.Add(time.Hour))); err != nil || c.Offset() != 59*time.Minute { // and forward: not believed
			t.Errorf("offset %s, error %v", c.Offset(), err)
		}
		wantNow(t, c, noon.Add(time.Minute))
	}
}

func TestClockDoesNotGoBackBehindWhatWasDecided(t *testing.T) {
	s := &source{wall: noon}
	c := s.clock()
	c.AtLeast(noon.Add(time.Minute))
	if err := c.Ask(t.Context(), says(noon)); err != nil {
		t.Fatal(err)
	}
	wantNow(t, c, noon.Add(time.Minute))
}

func TestClockTakesHalfOfTheWayIntoAccountAndNothingSlow(t *testing.T) {
	s := &source{wall: noon}
	c := s.clock()
	slow := func(took time.Duration, said time.Time) error {
		return c.Ask(t.Context(), func(context.Context) (time.Time, error) { s.pass(took); return said, nil })
	}
	if err := slow(3*time.Second, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantNow(t, c, noon.Add(3*time.Second))
	if err := slow(time.Second, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantNow(t, c, noon.Add(time.Hour+500*time.Millisecond))
	broken := errors.New("broken")
	if err := c.Ask(t.Context(), func(context.Context) (time.Time, error) { return time.Time{}, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// When every clock is minutes behind the one by which something was written, that one's node gone, it is paged all the same, and now.
func TestWhatWasWrittenByAClockThatIsAheadIsPagedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.start("n1")
	began, ref := w.now, request.Ref("CWTP2D3JA")
	ahead := func(s *request.State, by request.ActorKind, events ...request.Event) {
		c := s.Decide(w.now.Add(5*time.Minute), "n2", request.Actor{Kind: by, ID: "x"}, events...)
		w.append(ref, encode(t, c))
	}
	ahead(request.NewState(ref), request.BySender, request.NewEvent(request.Received, request.ReceivedBody{
		Sender: "s1", Type: request.Preservation, Urgency: request.Emergency, Language: "en", Missing: []string{},
	}))
	w.run(time.Second)
	if got, want := w.paged(began), "ada@0"; got != want {
		t.Errorf("paged %q, want %q", got, want)
	}
	ahead(w.present(ref), request.BySystem, request.NewEvent(request.PageOrdered, request.PageBody{
		Page: "p2", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "carmen", Contact: "mobile", Channel: "sms", Level: 1, Round: 1,
		Expires: request.At(w.now.Add(time.Hour)),
	}))
	w.run(time.Second)
	if got, want := w.paged(began), "ada@0 carmen@1"; got != want {
		t.Errorf("paged %q, want %q", got, want)
	}
	s := w.present(ref)
	events, _ := dispatcher.Pass(s, "ada", "", request.ViaWeb)
	ahead(s, request.ByOfficer, events...)
	w.run(time.Second)
	if got, want := w.paged(began), "ada@0 carmen@1 bruno@2"; got != want {
		t.Errorf("paged %q, want %q", got, want)
	}
}
