package app

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/notifier/webhook"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/vault"
	"github.com/dutyline/dutyline/web"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	// drain is how long answers under way may take when the node stops.
	drain = 5 * time.Second
)

// Run runs a node until ctx ends, then drains it: no new request, the answers and the calls under way finish, the log is closed.
func Run(ctx context.Context, o Options) error {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	policy, err := policyOf(o.Config.Policy, o.Speed)
	if err != nil {
		return misconfigured(err)
	}
	policy.AlarmTo = o.Config.AlarmTo
	ends := &cleanups{log: o.Logger}
	defer ends.run()

	if err := os.MkdirAll(o.Config.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	listener, err := listen(o.Config.Listen)
	if err != nil {
		return err
	}
	ends.push("listener", func() { _ = listener.Close() })
	publicURL := strings.TrimSuffix(cmp.Or(o.Config.PublicURL, urlOf(o.Config.Listen, listener)), "/")

	logs, err := o.openLog(ctx, ends)
	if err != nil {
		return err
	}
	remembered := forgetClientFile(o.Config.DataDir, o.Standalone)
	key, sealer, err := o.openVault(ctx, logs.keys)
	if err != nil {
		return err
	}
	sealer.Prepare()
	ends.push("keys made ahead", func() { o.removeSpareKeys(sealer) })
	cache, err := o.openRedis(ctx, ends)
	if err != nil {
		return err
	}
	phone, err := o.openTelephone(publicURL, ends)
	if err != nil {
		return err
	}
	clock := o.startClock(ctx, logs.requests)
	mails, err := o.openMail(clock.Now)
	if err != nil {
		return err
	}
	people := directory.New(directoryLog{logs.directory})
	people.LoopbackWebhooks = o.Standalone
	tellers := senders{people, key.Derive("webhook")}
	duty := served.New(served.Options{
		Redis: cache, Log: rosterLog{logs.roster}, Sealer: sealer, ErrErased: vault.ErrErased, Now: clock.Now, Logger: o.Logger.Named("roster"),
	})
	requests := requestLog{logs.requests}
	code := key.Derive("code")
	inbox := intake.New(intake.Options{Log: requests, Sealer: sealer, Keys: sealer, Deployment: key, Node: o.Config.Node, Now: clock.Now})
	var dispatch *node.Node
	counter, err := o.newDoor(logs, key, natsdoor.Options{
		Intake: inbox, Directory: people, Now: clock.Now,
		WaitFor: func(ctx context.Context, position uint64) error { return forSenders(dispatch.WaitFor(ctx, position)) },
	})
	if err != nil {
		return err
	}
	ends.push("nats door", counter.Close)
	dispatch, err = node.New(node.Options{
		Name: o.Config.Node, Policy: policy, Log: requests, Rosters: rosters{duty, rosterLog{logs.roster}}, Clock: clock,
		Providers: slices.Concat(phone.providers, mails, []node.Provider{
			{Channel: webhook.New(webhook.Options{Endpoint: tellers.endpoint, AllowLoopback: o.Standalone, Now: clock.Now}), Limit: perReceiver},
		}),
		Webhook: tellers.wanted, StatusChanged: counter.StatusChanged,
		Guesses: newGuesses(cache, key, clock.Now),
		Code:    func(ref request.Ref, page string) string { return sixDigits(code.MAC(string(ref), page)) },
		Words:   words(), Duties: duties{duty, clock}, OfferCode: offerCodes(key),
		Seal: func(ctx context.Context, of *request.State, eventID string, plain []byte) ([]byte, error) {
			sealed, err := sealer.Seal(ctx, of.Scope(), of.Place(eventID), plain)
			if errors.Is(err, vault.ErrErased) { // the event counts without the words
				return nil, nil
			}
			return sealed, err
		},
		Clocks: inbox.Clocks, Alarms: alarms(key, duty, clock),
		Logger: o.Logger.Named("dispatcher"), Presence: others{logs.nats, clock, o.Version, o.Logger.Named("presence")}, LogTime: requests.Time,
	})
	if err != nil {
		return err
	}
	door, err := web.New(web.Options{
		Intake:    inbox,
		Directory: people, Officer: officer{dispatch}, States: states{dispatch}, Rosters: books{duty}, Table: table{duty}, Log: shownLog{requests},
		Health: health{requests, dispatch, duty}, UndoWindow: policy.UndoWindow, Escalation: onPaper(policy),
		Sessions: web.NewRedisSessions(cache, clock.Now), SignIns: web.NewSignIns(cache, clock.Now),
		Webhooks: phone.handler(dispatch), WebhookSecret: tellers.secret, PublicURL: publicURL, Now: clock.Now, Logger: o.Logger.Named("web"),
		Number: o.contactable, Tester: tester{dispatch},
	})
	if err != nil {
		return err
	}

	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var running sync.WaitGroup
	ends.push("node", func() {
		stop(nil)
		running.Wait()
	})
	start := func(name string, run func(context.Context) error) {
		running.Go(func() {
			if err := run(work); err != nil && work.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	start("directory", people.Run)
	if err := people.Ready(ctx); err != nil {
		return err
	}
	started := Started{URL: publicURL, SimURL: phone.simURL, DataDir: o.Config.DataDir, NATSURL: logs.url}
	if o.Standalone {
		if err := o.furnish(ctx, &started, remembered, people, duty, clock); err != nil {
			return err
		}
	}
	start("roster in redis", duty.Run)
	start("dispatcher", dispatch.Run)
	ends.push("nats calls", counter.Drain)
	ends.push("web", serve(work, door, listener, stop))
	counter.Open() // last: one that does not open holds up nothing
	if o.Ready != nil {
		o.Ready(started)
	}
	select {
	case <-ctx.Done():
		o.Logger.Info("stopping", zap.NamedError("cause", context.Cause(ctx)))
		return nil
	case <-work.Done():
		return context.Cause(work)
	}
}

// serve answers calls and gives the function that ends it.
func serve(ctx context.Context, door http.Handler, listener net.Listener, stop context.CancelCauseFunc) func() {
	streams, endStreams := context.WithCancel(ctx)
	server := &http.Server{
		Handler: door, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		BaseContext: func(net.Listener) context.Context { return streams },
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			stop(fmt.Errorf("answer calls: %w", err))
		}
	}()
	return func() {
		server.RegisterOnShutdown(endStreams)
		ctx, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
		endStreams()
	}
}

// sixDigits makes a code of a digest.
func sixDigits(mac []byte) string { return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac)%1_000_000) }

// policyOf is the default policy with what is configured.
func policyOf(c config.Policy, speed float64) (dispatcher.Policy, error) {
	p := dispatcher.DefaultPolicy()
	if len(c.Levels) > 0 {
		p.Levels = c.Levels
	}
	p.AckLapse = c.AckLapse
	if c.UndoWindow > 0 {
		p.UndoWindow = c.UndoWindow
	}
	for urgency, wait := range c.Waits {
		p.SetWait(request.Urgency(urgency), wait)
	}
	for urgency, after := range c.SecondPath {
		if p.SecondPath[request.Urgency(urgency)] = after; after == config.Never {
			delete(p.SecondPath, request.Urgency(urgency))
		}
	}
	if speed > 0 {
		p = p.Faster(speed)
	}
	if err := p.Validate(); err != nil {
		return p, err
	}
	return p, nil
}

// clientFile is where a standalone node tells the command line how to reach it.
func clientFile(dataDir string) string { return filepath.Join(dataDir, "client.json") }
