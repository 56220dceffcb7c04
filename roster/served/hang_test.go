package served_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

// silent is a Redis that takes connections and commands and never answers.
func silent(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	return near, nil
}

// unreachable is a Redis that does not even take connections, and a network that does not say so.
func unreachable(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestHungRedisCostsAReadAtMost50Milliseconds(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){"silent": silent, "unreachable": unreachable} {
		for client, obedient := range map[string]bool{"a client that waits for its own time-outs": false, "a client as ClientOptions makes it": true} {
			t.Run(name+", "+client, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					options := &redis.Options{MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}}
					if obedient {
						var err error
						if options, err = served.ClientOptions("redis://redis.example"); err != nil {
							t.Fatal(err)
						}
					}
					options.Dialer = dial
					hung(t, options)
				})
			})
		}
	}
}

func hung(t *testing.T, options *redis.Options) {
	t.Helper()
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	m := &memory{}
	s := served.New(served.Options{Redis: client, Log: m, Sealer: m, ErrErased: errErased, Now: time.Now})
	if _, err := s.Current(t.Context(), 0); !errors.Is(err, served.ErrEmpty) {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now)}); err != nil {
		t.Fatal(err)
	}
	for what, read := range map[string]func() error{
		"current": func() error {
			_, err := s.Current(t.Context(), 1)
			return err
		},
		"who now": func() error {
			_, err := s.WhoNow(t.Context(), "", now)
			return err
		},
	} {
		all := time.Now()
		for range 20 {
			begin := time.Now()
			if err := read(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if took := time.Since(begin); took > 50*time.Millisecond {
				t.Fatalf("%s took %s", what, took)
			}
		}
		if took := time.Since(all); took > 100*time.Millisecond { // one question waits, the others go to the log at once
			t.Errorf("%s: 20 took %s", what, took)
		}
		time.Sleep(time.Minute)
	}
}
