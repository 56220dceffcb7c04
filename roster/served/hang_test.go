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

func TestHungRedisCostsAReadAtMost50Milliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := redis.NewClient(&redis.Options{
			Dialer: silent, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		defer func() { _ = client.Close() }()
		m := &memory{}
		s := served.New(served.Options{Redis: client, Log: m, Sealer: m, ErrErased: errErased, Now: time.Now})
		if _, err := s.Current(t.Context(), 0); !errors.Is(err, served.ErrEmpty) {
			t.Fatal(err)
		}
		if _, err := s.Apply(t.Context(), roster.Edit{Book: roster.Example("UTC", now)}); err != nil {
			t.Fatal(err)
		}
		all := time.Now()
		for range 20 {
			begin := time.Now()
			if c, err := s.Current(t.Context(), 1); err != nil || c.Revision() != 1 {
				t.Fatalf("revision %v, error %v", c, err)
			}
			if took := time.Since(begin); took > 50*time.Millisecond {
				t.Fatalf("a read took %s", took)
			}
		}
		if took := time.Since(all); took > 100*time.Millisecond { // one question waits, the others go to the log at once
			t.Errorf("20 reads took %s", took)
		}
	})
}
