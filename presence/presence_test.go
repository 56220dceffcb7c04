package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
)

func TestMain(m *testing.M) { eventlogtest.Main(m) }

// member is a node that takes part.
type member struct {
	nc   *nats.Conn
	stop func() // in order

	mu   sync.Mutex
	beat Beat
	list []Beat
	told int
}

func (m *member) set(do func(*Beat)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do(&m.beat)
}

// hears lists the others.
func (m *member) hears() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, b := range m.list {
		name := b.Node
		if b.Last {
			name += " last"
		}
		names = append(names, name)
	}
	return fmt.Sprint(names)
}

func join(t *testing.T, server *eventlog.Embedded, name string, log *zap.Logger) *member {
	t.Helper()
	nc, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	m := &member{nc: nc, beat: Beat{Node: name, Build: "v1", Serves: true}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = Follow(ctx, nc, func() Beat {
			m.mu.Lock()
			defer m.mu.Unlock()
			b := m.beat
			b.Time = time.Now()
			return b
		}, func(list []Beat) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.list, m.told = list, m.told+1
		}, log)
	}()
	m.stop = func() {
		cancel()
		<-done
		nc.Close()
	}
	t.Cleanup(m.stop)
	synctest.Wait()
	return m
}

func want(t *testing.T, m *member, names ...string) {
	t.Helper()
	synctest.Wait()
	if got := m.hears(); got != fmt.Sprint(names) {
		t.Errorf("%s hears %s, want %v", m.beat.Node, got, names)
	}
}

func inBubble(t *testing.T, test func(t *testing.T, server *eventlog.Embedded)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, eventlogtest.Start(t)) })
}

func TestWhoComesAndGoesInOrderIsKnownAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, server *eventlog.Embedded) {
		n1 := join(t, server, "n1", zap.NewNop())
		time.Sleep(1500 * time.Millisecond) // between two beats
		began := time.Now()
		n2, n3 := join(t, server, "n2", zap.NewNop()), join(t, server, "n3", zap.NewNop())
		want(t, n1, "n2", "n3")
		want(t, n2, "n1", "n3")
		want(t, n3, "n1", "n2")
		n2.stop()
		want(t, n1, "n3")
		if time.Since(began) != 0 {
			t.Errorf("it took %s", time.Since(began))
		}
		told := n1.told
		time.Sleep(time.Hour)
		want(t, n1, "n3")
		if n1.told != told {
			t.Error("it is told what is no news")
		}
	})
}

func TestWhoFallsSilentIsGoneAfterThreeSecondsAndBackAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, server *eventlog.Embedded) {
		n1, n2 := join(t, server, "n1", zap.NewNop()), join(t, server, "n2", zap.NewNop())
		time.Sleep(10 * time.Second)
		n2.nc.Close()
		time.Sleep(goneAfter - beatEvery - lookEvery) // its last beat may have been a second ago
		want(t, n1, "n2")
		time.Sleep(beatEvery + 2*lookEvery)
		want(t, n1)
		join(t, server, "n2", zap.NewNop()) // the same node
		want(t, n1, "n2")
	})
}

func TestWhatANodeSaysOfItselfIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, server *eventlog.Embedded) {
		n1, n2 := join(t, server, "n1", zap.NewNop()), join(t, server, "n2", zap.NewNop())
		n2.set(func(b *Beat) { b.Serves = false })
		time.Sleep(lookEvery)
		want(t, n1)
		n2.set(func(b *Beat) { b.Serves, b.Last = true, true })
		time.Sleep(lookEvery)
		want(t, n1, "n2 last")
		told := n1.told
		n1.set(func(b *Beat) { b.Last = true })
		time.Sleep(lookEvery)
		synctest.Wait()
		if n1.told != told+1 {
			t.Errorf("told %d times more that this node itself has changed", n1.told-told)
		}
	})
}

func TestANodeThatWasStoppedListensBeforeItTakesOthersForGone(t *testing.T) {
	now := time.Now()
	nc := &nats.Conn{} // not connected
	g := &group{nc: nc, self: func() Beat { return Beat{Node: "n1"} }, log: zap.NewNop(), heard: map[string]heard{
		"n2": {Beat{Node: "n2", Serves: true}, now.Add(-time.Minute - time.Second)},
		"n3": {Beat{Node: "n3", Serves: true}, now.Add(-time.Minute - 4*time.Second)}, // was gone already
	}, looked: now.Add(-time.Minute)}
	g.look()
	if _, ok := g.heard["n2"]; !ok || len(g.heard) != 1 {
		t.Errorf("heard %v", g.heard)
	}
}

func TestTwoProcessesUnderOneNameAreNoticedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, server *eventlog.Embedded) {
		core, logs := observer.New(zapcore.ErrorLevel)
		join(t, server, "n1", zap.New(core))
		twin := join(t, server, "n1", zap.NewNop())
		time.Sleep(time.Minute)
		if logs.Len() != 1 {
			t.Errorf("logged %d times", logs.Len())
		}
		want(t, twin)
	})
}

func TestWhatIsNoBeatIsIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, server *eventlog.Embedded) {
		n1 := join(t, server, "n1", zap.NewNop())
		nc, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		for _, data := range []string{"", "{", `{"node":7}`, `{"serves":true}`, `[]`} {
			if err := nc.Publish(Subject, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		want(t, n1)
	})
}

func TestAConnectionThatIsClosedIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, server *eventlog.Embedded) {
		nc, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() {
			closed <- Follow(t.Context(), nc, func() Beat { return Beat{Node: "n1"} }, func([]Beat) {}, zap.NewNop())
		}()
		synctest.Wait()
		nc.Close()
		time.Sleep(lookEvery)
		synctest.Wait()
		select {
		case err := <-closed:
			if !errors.Is(err, nats.ErrConnectionClosed) {
				t.Errorf("error %v", err)
			}
		default:
			t.Error("it goes on")
		}
	})
}
