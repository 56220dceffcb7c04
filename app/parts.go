package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/vault"
)

// streams are the logs of a deployment.
type streams struct {
	nats                              *nats.Conn
	dial                              func() (*nats.Conn, error) // another connection like it
	url                               string                     // of NATS in this process; "" when it is outside
	ask                               natsdoor.Keys              // by which NATS in this process asks who connects; zero when it is outside
	requests, keys, roster, directory *eventlog.Log
}

// openLog connects to NATS, or starts it in this process, and opens the streams. Standalone it locks the data directory.
func (o *Options) openLog(ctx context.Context, ends *cleanups) (s streams, err error) {
	if err := o.openNATS(&s, ends); err != nil {
		return s, err
	}
	nc, err := s.dial()
	if err != nil {
		return s, err
	}
	ends.push("nats connection", nc.Close)
	s.nats = nc
	for _, stream := range []struct {
		into **eventlog.Log
		of   eventlog.Stream
	}{{&s.requests, eventlog.Requests}, {&s.keys, eventlog.Keys}, {&s.roster, eventlog.Roster}, {&s.directory, eventlog.Directory}} {
		if *stream.into, err = eventlog.Open(ctx, nc, stream.of, o.Config.NATS.Replicas); err != nil {
			return s, err
		}
	}
	return s, nil
}

// startClock makes the node's clock and sets it by the log's before anything is written by it. A log that does not tell its time is no
// reason not to start: the dispatcher asks again.
func (o *Options) startClock(ctx context.Context, log *eventlog.Log) *node.Clock {
	clock := node.NewClock()
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	if err := clock.Ask(ctx, log.Time); err != nil {
		o.Logger.Warn("the wall clock is trusted for now", zap.Error(err))
	}
	return clock
}

// clockTimeout bounds how long a start waits for the log's time.
const clockTimeout = 5 * time.Second

// serverOf is how the configured NATS is reached.
func serverOf(c config.NATS) eventlog.Server {
	return eventlog.Server{URL: c.URL, CredentialsFile: c.CredentialsFile, CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile}
}

// openNATS finds the way to NATS, which it starts in this process where none is configured.
func (o *Options) openNATS(s *streams, ends *cleanups) error {
	if c := o.Config.NATS; c.URL != "" {
		s.dial = func() (*nats.Conn, error) {
			return eventlog.Connect(serverOf(c), o.Logger)
		}
		return nil
	}
	if !o.Standalone {
		return misconfigured(errors.New("nats.url: the address of NATS is needed"))
	}
	var err error
	if s.ask, err = natsdoor.RandomKeys(); err != nil {
		return err
	}
	issuer, xkey := s.ask.Public()
	embedded, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{
		Dir: o.Config.DataDir, NoSync: o.NoSync, Logger: o.Logger, Callout: eventlog.Callout{Issuer: issuer, XKey: xkey},
	})
	if err != nil {
		return err
	}
	ends.push("embedded nats", embedded.Shutdown)
	s.dial, s.url = func() (*nats.Conn, error) { return embedded.Connect() }, embedded.URL()
	return nil
}

// openVault reads the deployment's key, or makes it, and checks that it is the one that this log was written with.
func (o *Options) openVault(ctx context.Context, keys *eventlog.Log) (vault.Key, *vault.Vault, error) {
	var key vault.Key
	var err error
	if o.Config.DeploymentKey != "" {
		var secret []byte
		if secret, err = config.DecodeKey(o.Config.DeploymentKey); err == nil {
			key = vault.Key(secret)
		}
	} else {
		key, err = vault.LoadOrCreate(filepath.Join(o.Config.DataDir, "deployment.key"))
	}
	if err != nil {
		return vault.Key{}, nil, err
	}
	v := vault.New(key, keyLog{keys})
	if _, err := v.Seal(ctx, "deployment", "check", nil); err != nil {
		return vault.Key{}, nil, fmt.Errorf("this log belongs to another deployment key; give this node the key of the others (deployment_key, or the file deployment.key in data_dir): %w", err)
	}
	return key, v, nil
}

// keysTimeout bounds how long a stop waits for the keys that nobody took to be removed.
const keysTimeout = 2 * time.Second

// removeSpareKeys leaves no key behind that seals nothing. What it cannot remove does no harm.
func (o *Options) removeSpareKeys(v *vault.Vault) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	if err := v.Close(ctx); err != nil {
		o.Logger.Warn("some keys that were made ahead stay in the log; they seal nothing", zap.Error(err))
	}
}

// openRedis makes a client, of a Redis in this process where none is configured.
func (o *Options) openRedis(ctx context.Context, ends *cleanups) (redis.UniversalClient, error) {
	url := o.Config.Redis.URL.Reveal()
	if url == "" && !o.Standalone {
		return nil, misconfigured(errors.New("redis.url: the address of Redis is needed"))
	}
	options, err := served.ClientOptions(cmp.Or(url, "redis://in-process"))
	if err != nil {
		return nil, misconfigured(err)
	}
	if url == "" {
		mini := miniredis.NewMiniRedis()
		options.Dialer = func(context.Context, string, string) (net.Conn, error) { return mini.Dial() }
		ends.push("embedded redis", mini.Close)
		ctx, stop := context.WithCancel(ctx)
		ends.push("embedded redis clock", stop)
		go expire(ctx, mini)
	}
	client := redis.NewClient(options)
	ends.push("redis connection", func() { _ = client.Close() })
	return client, nil
}

// expire lets time pass in a Redis in this process.
func expire(ctx context.Context, mini *miniredis.Miniredis) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			mini.FastForward(time.Second)
		}
	}
}

// listen opens a TCP port.
func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (another program may use it; choose another address): %w", address, err)
	}
	return listener, nil
}

// urlOf is how a listener on this machine is reached.
func urlOf(address string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://" + net.JoinHostPort(host, port)
}
