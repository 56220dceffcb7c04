package bench

import (
	"context"
	"errors"
	"time"
)

// warmUps are raised before anything is measured.
const warmUps = 30

// rests is how long a node rests between two requests that are raised one after the other: the outcome of the page and the receipts of the
// provider are stored meanwhile.
const rests = 5 * time.Millisecond

// measureAccept raises requests one after the other to a node that does nothing else: how long until the 202, and from there until the
// provider has the text. A text that was there before the 202 counts as 0.
func (r *run) measureAccept(ctx context.Context) (err error) {
	r.say("one client: %d requests", r.size.alone)
	before, err := r.measureLog(ctx)
	if err != nil {
		return err
	}
	s, err := r.startStandalone(ctx, book(1, 1, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, 1); err != nil {
		return err
	}
	var accept, provider sample
	for i := range r.size.alone {
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
	base, err := r.beside(ctx, before)
	if err != nil {
		return err
	}
	r.add(
		Result{Name: "accept_p50", Value: accept.p(50), Unit: "ms", Baseline: base.alone.p(50), Limit: 3},
		Result{Name: "accept_p99", Value: accept.p(99), Unit: "ms", Baseline: base.alone.p(99)},
		Result{Name: "accepted_to_provider_p50", Value: provider.p(50), Unit: "ms", Baseline: base.alone.p(50)},
		Result{Name: "accepted_to_provider_p99", Value: provider.p(99), Unit: "ms", Limit: 25},
	)
	return nil
}

// measureCrowd lets 64 clients raise requests for one officer, each as soon as its last one was accepted, and waits until the last text is with
// the provider. A storm for one person is paged at a part of the log's speed, so that it holds up nobody else: the second rate says how fast.
func (r *run) measureCrowd(ctx context.Context) (err error) {
	r.say("%d clients: %d requests for one officer", crowd, r.size.crowd)
	before, err := r.measureLog(ctx)
	if err != nil {
		return err
	}
	s, err := r.startStandalone(ctx, book(1, 1, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, 1); err != nil {
		return err
	}
	accept, took, paged, err := r.raiseAndPage(ctx, s, r.size.crowd, 1)
	if err != nil {
		return err
	}
	base, err := r.beside(ctx, before)
	if err != nil {
		return err
	}
	r.add(
		Result{Name: "accept_64_clients_p50", Value: accept.p(50), Unit: "ms", Baseline: base.many.p(50)},
		Result{Name: "accept_64_clients_p99", Value: accept.p(99), Unit: "ms", Baseline: base.many.p(99)},
		// Two entries a request: its key, and received.
		Result{Name: "accepted_64_clients", Value: perSecond(len(accept), took), Unit: "requests/s", Baseline: base.rate / 2},
		Result{Name: "paged_one_officer", Value: paged.rate, Unit: "requests/s", Baseline: base.rate / paged.appends},
	)
	return nil
}

// several is how many officers are on duty together where several are paged.
const several = 4

// measurePaged lets 64 clients raise requests for four officers who are on duty together: each request pages all four. What the number of
// appends allows is the rate of compare-and-append with 64 writers, divided by the entries that a request left in the logs.
func (r *run) measurePaged(ctx context.Context) (err error) {
	r.say("%d clients: %d requests, each for %d officers", crowd, r.size.paged, several)
	before, err := r.measureLog(ctx)
	if err != nil {
		return err
	}
	s, err := r.startStandalone(ctx, book(several, several, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, several); err != nil {
		return err
	}
	_, _, paged, err := r.raiseAndPage(ctx, s, r.size.paged, several)
	if err != nil {
		return err
	}
	base, err := r.beside(ctx, before)
	if err != nil {
		return err
	}
	r.add(
		Result{Name: "appends_per_request", Value: paged.appends, Unit: "appends"},
		Result{Name: "accepted_and_paged", Value: paged.rate, Unit: "requests/s", Baseline: base.rate / paged.appends, Limit: 0.6},
	)
	return nil
}

// paged is what a run of requests came to.
type paged struct {
	rate    float64 // requests a second, from the first POST until nothing more is appended for any of them
	appends float64 // entries of all logs, a request
}

// raiseAndPage raises requests from 64 clients and waits until all of them are paged and everything that is known of that is stored. took is
// how long it took until the last was accepted.
func (r *run) raiseAndPage(ctx context.Context, s *standalone, n, texts int) (accept sample, took time.Duration, p paged, err error) {
	before, err := s.level(ctx)
	if err != nil {
		return nil, 0, p, err
	}
	had := s.provider.count()
	begin := time.Now()
	accept, _, err = s.raiseAll(ctx, crowd, n)
	if err != nil {
		return nil, 0, p, err
	}
	took = time.Since(begin)
	last, err := s.provider.awaitAll(ctx, had+texts*len(accept))
	if err != nil {
		return nil, 0, p, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return nil, 0, p, err
	}
	p.rate = perSecond(len(accept), after.last.Sub(begin))
	p.appends = float64(after.requests-before.requests+after.keys-before.keys) / float64(len(accept))
	r.note("accepted within %s, the last text after %s, the last append after %s", round(took), round(last.Sub(begin)), round(after.last.Sub(begin)))
	return accept, took, p, nil
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
