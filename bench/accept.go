package bench

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dutyline/dutyline/request"
)

// warmUps are raised before anything is measured.
const warmUps = 30

// rests is how long a node rests between two requests that are raised one after the other: the outcome of the page and the receipts of the
// provider are stored meanwhile.
const rests = 5 * time.Millisecond

// turns is how often a part and the bare log take turns.
const turns = 5

// measureAccept raises requests one after the other to a node that does nothing else: how long until the 202, and from there until the
// provider has the text. A text that was there before the 202 counts as 0. The bare log is at rest before each of its appends too: back to back, one
// takes half as long, and so would a request.
func (r *run) measureAccept(ctx context.Context) (err error) {
	r.say("one client: %d requests", r.size.alone)
	log, err := r.openLog(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	s, err := r.startStandalone(ctx, book(1, 1, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, 1); err != nil {
		return err
	}
	var bare, accept, provider sample
	for i := range r.size.alone {
		// One append for each request, after a rest too: a machine that was at rest is slower to answer, whoever asks.
		one, _, err := log.compareAndAppend(ctx, 1, 1)
		if err != nil {
			return err
		}
		bare = append(bare, one...)
		time.Sleep(rests)
		begin := time.Now()
		receipt, err := s.sender.Raise(ctx, "", body(i), false)
		if err != nil {
			return err
		}
		accepted := time.Now()
		arrived, err := s.provider.await(ctx, receipt.Reference, 1)
		if err != nil {
			return err
		}
		accept, provider = append(accept, accepted.Sub(begin)), append(provider, max(arrived.first.Sub(accepted), 0))
		time.Sleep(rests)
	}
	r.add(
		Result{Name: "accept_p50", Value: accept.p(50), Unit: "ms", Baseline: bare.p(50), Limit: 3, About: "POST to 202, one client at rest, median; against one append at rest"},
		Result{Name: "accept_p99", Value: accept.p(99), Unit: "ms", Baseline: bare.p(99), About: "the same, 99th percentile"},
		Result{Name: "accepted_to_provider_p50", Value: provider.p(50), Unit: "ms", Baseline: bare.p(50), About: "202 to the text at the provider, at rest, median"},
		Result{Name: "accepted_to_provider_p99", Value: provider.p(99), Unit: "ms", Limit: 25, About: "202 to the text at the provider, at rest, 99th percentile"},
	)
	return nil
}

// measureCrowd lets 64 clients raise requests for one officer, each as soon as its last one was accepted, and waits until the last text is with
// the provider. A storm for one person is paged at a part of the log's speed, so that it holds up nobody else: the second rate says how fast.
func (r *run) measureCrowd(ctx context.Context) error {
	r.say("%d clients: %d requests for one officer", crowd, r.size.crowd)
	m, err := r.measureTurns(ctx, 1, r.size.crowd)
	if err != nil {
		return err
	}
	p := median(m.turns, func(t turn) float64 { return t.paged / (t.bare / t.appends) })
	a := median(m.turns, func(t turn) float64 { return t.accepted / t.bare })
	r.add(
		Result{Name: "accept_64_clients_p50", Value: m.accept.p(50), Unit: "ms", Baseline: m.bare.p(50), About: "POST to 202, each of 64 clients at once, median"},
		Result{Name: "accept_64_clients_p99", Value: m.accept.p(99), Unit: "ms", Baseline: m.bare.p(99), About: "the same, 99th percentile"},
		// Two entries a request: its key, and received.
		Result{Name: "accepted_64_clients", Value: a.accepted, Unit: "requests/s", Baseline: a.bare / 2, About: "accepted, 64 clients, against two appends a request"},
		Result{Name: "paged_one_officer", Value: p.paged, Unit: "requests/s", Baseline: p.bare / p.appends, About: "accepted and paged, 64 clients, all for one officer"},
	)
	return nil
}

// several is how many officers are on duty together where several are paged.
const several = 4

// measurePaged lets 64 clients raise requests for four officers who are on duty together: each request pages all four. What the number of
// appends allows is the rate of compare-and-append with 64 writers, divided by the entries that a request left in the logs.
func (r *run) measurePaged(ctx context.Context) error {
	r.say("%d clients: %d requests, each for %d officers", crowd, r.size.paged, several)
	m, err := r.measureTurns(ctx, several, r.size.paged)
	if err != nil {
		return err
	}
	p := median(m.turns, func(t turn) float64 { return t.paged / (t.bare / t.appends) })
	r.add(
		Result{Name: "appends_per_request", Value: p.appends, Unit: "appends", About: "entries that a request for four officers leaves in the logs"},
		Result{Name: "accepted_and_paged", Value: p.paged, Unit: "requests/s", Baseline: p.bare / p.appends, Limit: 0.6, About: "accepted and paged, 64 clients, each for four officers, against what the appends allow"},
	)
	return nil
}

// A turn is some requests of 64 clients, between two turns of the bare log.
type turn struct {
	bare     float64 // appends a second of the bare log: the faster of its turns before and after
	accepted float64 // requests a second, until the last was accepted
	paged    float64 // requests a second, until nothing more was appended for any of them
	appends  float64 // entries of all logs, a request
}

// measuredTurns are all of them.
type measuredTurns struct {
	turns        []turn
	bare, accept sample
}

// median is the turn that is in the middle by some measure: one during which somebody else used the machine says nothing.
func median(turns []turn, by func(turn) float64) turn {
	sorted := slices.SortedFunc(slices.Values(turns), func(a, b turn) int { return cmp.Compare(by(a), by(b)) })
	return sorted[len(sorted)/2]
}

// measureTurns raises requests from 64 clients to a node with so many officers on duty together, in turns with the bare log, n in all.
func (r *run) measureTurns(ctx context.Context, officers, n int) (m measuredTurns, err error) {
	log, err := r.openLog(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	s, err := r.startStandalone(ctx, book(officers, officers, time.Now()), "[[roster]]")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, officers); err != nil {
		return m, err
	}
	var rates []float64
	for i := range turns + 1 {
		bare, rate, err := log.compareAndAppend(ctx, crowd, r.size.crowd/turns)
		if err != nil {
			return m, err
		}
		m.bare, rates = append(m.bare, bare...), append(rates, rate)
		if i == turns {
			break
		}
		accept, t, err := r.raiseAndPage(ctx, s, max(n/turns, crowd), officers)
		if err != nil {
			return m, err
		}
		m.accept, m.turns = append(m.accept, accept...), append(m.turns, t)
	}
	for i := range m.turns {
		m.turns[i].bare = max(rates[i], rates[i+1])
	}
	return m, nil
}

// raiseAndPage raises requests from 64 clients and waits until all of them are paged and everything that is known of that is stored.
func (r *run) raiseAndPage(ctx context.Context, s *standalone, n, texts int) (accept sample, t turn, err error) {
	before, err := s.level(ctx)
	if err != nil {
		return nil, t, err
	}
	had := s.provider.count()
	begin := time.Now()
	accept, err = s.raiseAll(ctx, crowd, n, request.Critical)
	if err != nil {
		return nil, t, err
	}
	took := time.Since(begin)
	last, err := s.provider.awaitAll(ctx, had+texts*len(accept))
	if err != nil {
		return nil, t, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return nil, t, err
	}
	r.note("%d accepted within %s, the last text after %s, the last append after %s", len(accept), round(took), round(last.Sub(begin)), round(after.last.Sub(begin)))
	return accept, turn{
		accepted: perSecond(len(accept), took), paged: perSecond(len(accept), after.last.Sub(begin)),
		appends: float64(after.requests-before.requests+after.keys-before.keys) / float64(len(accept)),
	}, nil
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
