package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A standalone is a node that runs its own log, `dutyline run`, with this process as its telephone provider.
type standalone struct {
	*process
	provider            *provider
	sender, coordinator *client.Client
	senderID            string
	url, token          string // of the sender
	log                 jetstream.JetStream
	nc                  *nats.Conn
	dir                 string
}

// startStandalone starts a node with a roster and a policy, and raises a few requests so that nothing is measured cold. levels is the
// policy's, as the configuration writes it; more are further variables of its environment.
func (r *run) startStandalone(ctx context.Context, b roster.Book, levels string, more ...string) (s *standalone, err error) {
	s = &standalone{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp(r.dir, "node-"); err != nil {
		return s, err
	}
	if s.provider, err = startProvider(); err != nil {
		return s, err
	}
	environ := append(s.provider.environ(), "DUTYLINE_POLICY_LEVELS="+levels, "DUTYLINE_LOG_LEVEL=error")
	s.process, err = r.start(ctx, append(environ, more...),
		"run", "--data", s.dir, "--listen", "127.0.0.1:0", "--sim-listen", "127.0.0.1:0")
	if err != nil {
		return s, err
	}
	var file struct {
		URL    string
		Tokens struct{ Sender, Coordinator string }
	}
	if err = s.until(ctx, func() error { return readJSON(filepath.Join(s.dir, "client.json"), &file) }); err != nil {
		return s, err
	}
	s.url, s.token = file.URL, file.Tokens.Sender
	s.sender, s.coordinator = client.New(file.URL, file.Tokens.Sender), client.New(file.URL, file.Tokens.Coordinator)
	if err = s.until(ctx, func() error { return ready(ctx, s.coordinator) }); err != nil {
		return s, err
	}
	if err = s.furnish(ctx, b); err != nil {
		return s, err
	}
	return s, s.connect()
}

// environ configures a node for this provider.
func (p *provider) environ() []string {
	return []string{
		"DUTYLINE_TWILIO_BASE_URL=" + p.url, "DUTYLINE_TWILIO_ACCOUNT_SID=" + benchAccount, "DUTYLINE_TWILIO_AUTH_TOKEN=" + benchToken,
		"DUTYLINE_TWILIO_NUMBERS=" + benchNumber, "DUTYLINE_TWILIO_TEXTS_PER_SECOND=0", "DUTYLINE_TWILIO_CALLS_PER_SECOND=0", "DUTYLINE_NODE=bench",
	}
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// ready says why a node does not page yet.
func ready(ctx context.Context, c *client.Client) error {
	health, err := c.Health(ctx)
	if err != nil {
		return err
	}
	if !health.OK {
		return fmt.Errorf("not ready: %v", health.Parts)
	}
	return nil
}

// furnish replaces the roster of a first start.
func (s *standalone) furnish(ctx context.Context, b roster.Book) error {
	present, err := s.coordinator.Roster(ctx)
	if err != nil {
		return err
	}
	if _, err := s.coordinator.PutRoster(ctx, b, present.Revision, "people to measure with"); err != nil {
		return err
	}
	senders, err := s.coordinator.Senders(ctx)
	if err != nil || len(senders) == 0 {
		return errors.Join(errors.New("the node has no sender"), err)
	}
	s.senderID = senders[0].ID
	return nil
}

// connect opens the node's log beside it.
func (s *standalone) connect() (err error) {
	var file struct{ URL, Seed string }
	if err := readJSON(filepath.Join(s.dir, "nats.json"), &file); err != nil {
		return err
	}
	key, err := nkeys.FromSeed([]byte(file.Seed))
	if err != nil {
		return err
	}
	public, err := key.PublicKey()
	if err != nil {
		return err
	}
	if s.nc, err = nats.Connect(file.URL, nats.Nkey(public, key.Sign)); err != nil {
		return err
	}
	s.log, err = jetstream.New(s.nc)
	return err
}

// close ends everything, and leaves nothing behind.
func (s *standalone) close() error {
	if s.nc != nil {
		s.nc.Close()
	}
	if s.process != nil {
		s.stop()
	}
	if s.provider != nil {
		s.provider.close()
	}
	return os.RemoveAll(s.dir)
}

// body is a critical request.
func body(i int) []byte { return bodyOf(request.Critical, i) }

// bodyOf is a request of a few hundred bytes. No two are alike.
func bodyOf(urgency request.Urgency, i int) []byte {
	return fmt.Appendf(nil, `{"type":"preservation","urgency":"%s","language":"en","requesting_state":"XX","authority":"Synthetic authority of a measurement",`+
		`"offence":"Illegal access","legal_provision":"Section 0 of no code","facts":"Synthetic request %d of a measurement. Nothing of this happened. `+
		`It is about as long as a summary of the facts that somebody writes at night, in a hurry, with the logs rolling over."}`, urgency, i)
}

// warm raises requests, each paging so many people, until the paths are warm.
func (s *standalone) warm(ctx context.Context, n, texts int) error {
	for i := range n {
		receipt, err := s.sender.Raise(ctx, "", body(-i), false)
		if err != nil {
			return err
		}
		if _, err := s.provider.await(ctx, receipt.Reference, texts); err != nil {
			return err
		}
	}
	_, err := s.settled(ctx)
	return err
}

// A level is how far the logs of a node have come.
type level struct {
	requests, keys uint64    // entries
	last           time.Time // when the last of the requests' was stored
}

// settled waits until nothing more is appended, and says how far the logs are.
func (s *standalone) settled(ctx context.Context) (l level, err error) {
	const quiet = 300 * time.Millisecond
	for since := time.Now(); time.Since(since) < quiet; {
		now, err := s.level(ctx)
		if err != nil {
			return l, err
		}
		if now.requests != l.requests || now.keys != l.keys {
			since = time.Now()
		}
		l = now
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return l, nil
}

func (s *standalone) level(ctx context.Context) (l level, err error) {
	for name, into := range map[string]*uint64{eventlog.Requests.Name: &l.requests, eventlog.Keys.Name: &l.keys} {
		stream, err := s.log.Stream(ctx, name)
		if err != nil {
			return l, err
		}
		state := stream.CachedInfo().State
		*into = state.LastSeq
		if name == eventlog.Requests.Name {
			l.last = state.LastTime
		}
	}
	return l, nil
}

// raiseAll raises n requests over HTTP from so many clients, each as soon as the one before is accepted.
func (s *standalone) raiseAll(ctx context.Context, clients, n int, urgency request.Urgency) (accept sample, err error) {
	samples := make([]sample, clients)
	err = together(ctx, clients, func(ctx context.Context, c int) error {
		sender := client.New(s.url, s.token)
		for i := range max(n/clients, 1) {
			begin := time.Now()
			if _, err := sender.Raise(ctx, "", bodyOf(urgency, c*1_000_000+i), false); err != nil {
				return err
			}
			samples[c] = append(samples[c], time.Since(begin))
		}
		return nil
	})
	for _, one := range samples {
		accept = append(accept, one...)
	}
	return accept, err
}

// passedOn stores a request as if another node had received it, some people having passed it on already: it is for whoever is left of its
// level. No request that is raised over HTTP can be for somebody else than the others are. seed makes references that differ.
func (s *standalone) passedOn(ctx context.Context, urgency request.Urgency, seed string, people ...string) (request.Ref, error) {
	ref := referenceOf(seed)
	now := time.Now()
	events := []request.Event{receivedEvent(s.senderID, urgency, now)}
	for _, p := range people {
		events = append(events, request.NewEvent(request.Passed, request.PassedBody{Person: p, Via: request.ViaAPI}))
	}
	c := request.NewState(ref).Decide(now, "another", request.Actor{Kind: request.BySender, ID: s.senderID}, events...)
	data, err := c.Encode()
	if err != nil {
		return ref, err
	}
	_, err = s.log.Publish(ctx, ref.Subject(), data, jetstream.WithMsgID(c.ID), jetstream.WithExpectLastSequencePerSubject(0))
	return ref, err
}
