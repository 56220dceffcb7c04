package app

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dutyline/dutyline/vault"
)

// pinWorld is two nodes over one Redis, with a clock of their own.
func pinWorld(t *testing.T) (one, other *pins, server *miniredis.Miniredis, pass func(time.Duration)) {
	t.Helper()
	server = miniredis.RunT(t)
	var mu sync.Mutex
	now := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	node := func() *pins {
		client := redis.NewClient(&redis.Options{
			Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		t.Cleanup(func() { _ = client.Close() })
		return newPINs(client, vault.Key{1}, clock)
	}
	return node(), node(), server, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
		server.FastForward(d)
	}
}

func TestTriesOfAPINCountOverAllNodesForAnHourAndARepetitionCountsOnce(t *testing.T) {
	one, other, server, pass := pinWorld(t)
	ctx := t.Context()
	for i, p := range []*pins{one, other, one} {
		if n := p.Try(ctx, "ada", fmt.Sprint("call", i)); n != i+1 {
			t.Errorf("%d after %d tries", n, i+1)
		}
	}
	if n := other.Try(ctx, "ada", "call0"); n != 3 {
		t.Errorf("a repetition on another node makes %d", n)
	}
	if n := one.Count(ctx, "bruno"); n != 0 {
		t.Errorf("bruno has %d", n)
	}
	other.Right(ctx, "ada", "call1")
	if n := other.Count(ctx, "ada"); n != 2 {
		t.Errorf("%d when one was right", n)
	}
	if dump := server.Dump(); strings.Contains(dump, "ada") || strings.Contains(dump, "call") {
		t.Errorf("Redis says who was tried: %s", dump)
	}
	pass(pinWindow - time.Second)
	if n := one.Count(ctx, "ada"); n != 2 {
		t.Errorf("%d just before the hour is over", n)
	}
	pass(time.Second)
	if n, m := one.Count(ctx, "ada"), other.Count(ctx, "ada"); n != 0 || m != 0 || len(server.Keys()) > 0 {
		t.Errorf("%d and %d after an hour, keys %v", n, m, server.Keys())
	}
}

func TestWhileRedisIsAwayEachNodeCountsForItself(t *testing.T) {
	one, other, server, pass := pinWorld(t)
	ctx := t.Context()
	one.Try(ctx, "ada", "before")
	server.SetError("LOADING")
	for i := range 4 {
		one.Try(ctx, "ada", fmt.Sprint("call", i))
	}
	if n := one.Count(ctx, "ada"); n != 5 {
		t.Errorf("%d", n)
	}
	if n := other.Try(ctx, "ada", "there"); n != 1 {
		t.Errorf("the other node: %d", n)
	}
	pass(pinWindow)
	if n := one.Count(ctx, "ada"); n != 0 || len(one.local) != 0 {
		t.Errorf("%d after an hour, %d remembered", n, len(one.local))
	}
	if n := one.Try(ctx, "ada", "again"); n != 1 {
		t.Errorf("%d", n)
	}
}

func TestAMatchIsOfTheDigestThatTheWebMakes(t *testing.T) {
	one, _, _, _ := pinWorld(t)
	digest := vault.Key{1}.Derive("pin").PINDigest("ada", "835172") // as app.Run gives it to package web
	if !one.Match("ada", digest, "835172") || one.Match("bruno", digest, "835172") || one.Match("ada", digest, "835173") {
		t.Error("the digests of the two doors are not the same")
	}
}
