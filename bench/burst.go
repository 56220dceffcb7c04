package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
)

// measureBurst measures from the first byte sent until the last text is with the provider, as the median of some bursts:
//
//   - burst_N_requests: N clients raise one request each at the same moment, for the one officer on duty.
//   - burst_N_people: one request whose level is a team of N people.
//   - burst_N_requests_for_N_people: N requests at the same moment, each for another person. Nothing in a request chooses who is paged, so these
//     are stored in the log as another node would have received them, with everyone but one person of the team having passed them on. They
//     weigh more than usual requests by the passes, and skip HTTP.
func (r *run) measureBurst(ctx context.Context) error {
	n := r.size.burst
	r.say("a burst of %d", n)
	if err := r.measureBurstOfRequests(ctx, n); err != nil {
		return err
	}
	return r.measureBurstOfPeople(ctx, n)
}

// burstLimit is in seconds.
const burstLimit = 0.5

func (r *run) measureBurstOfRequests(ctx context.Context, n int) (err error) {
	s, err := r.startStandalone(ctx, book(1, 1, time.Now()), "[[roster]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, 1); err != nil {
		return err
	}
	clients := make([]*client.Client, n)
	for i := range clients { // connections that a sender's system keeps open
		clients[i] = client.New(s.url, s.token)
		if _, err := clients[i].Health(ctx); err != nil {
			return err
		}
	}
	var took sample
	for b := range r.size.bursts {
		had, begin := s.provider.count(), time.Now()
		err := together(ctx, n, func(ctx context.Context, i int) error {
			_, err := clients[i].Raise(ctx, "", body(b*n+i), false)
			return err
		})
		if err != nil {
			return err
		}
		last, err := s.provider.awaitAll(ctx, had+n)
		if err != nil {
			return err
		}
		took = append(took, last.Sub(begin))
		if _, err := s.settled(ctx); err != nil {
			return err
		}
	}
	r.add(Result{
		Name: fmt.Sprintf("burst_%d_requests", n), Value: took.p(50) / 1000, Unit: "s", Limit: burstLimit,
		About: fmt.Sprintf("%d requests at once for one officer, until the last text", n),
	})
	return nil
}

func (r *run) measureBurstOfPeople(ctx context.Context, n int) (err error) {
	s, err := r.startStandalone(ctx, book(n, 1, time.Now()), "[[team:"+everyone+"]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, 2, n); err != nil {
		return err
	}
	var one, many sample
	for b := range r.size.bursts {
		had, begin := s.provider.count(), time.Now()
		if _, err := s.sender.Raise(ctx, "", body(b), false); err != nil {
			return err
		}
		last, err := s.provider.awaitAll(ctx, had+n)
		if err != nil {
			return err
		}
		one = append(one, last.Sub(begin))
		if _, err := s.settled(ctx); err != nil {
			return err
		}
		had, begin = s.provider.count(), time.Now()
		err = together(ctx, n, func(ctx context.Context, i int) error {
			var passed []string
			for p := range n {
				if p != i {
					passed = append(passed, person(p))
				}
			}
			_, err := s.passedOn(ctx, request.Critical, fmt.Sprintf("burst %d %d", b, i), passed...)
			return err
		})
		if err != nil {
			return err
		}
		if last, err = s.provider.awaitAll(ctx, had+n); err != nil {
			return err
		}
		many = append(many, last.Sub(begin))
		if _, err := s.settled(ctx); err != nil {
			return err
		}
	}
	r.add(
		Result{
			Name: fmt.Sprintf("burst_%d_people", n), Value: one.p(50) / 1000, Unit: "s", Limit: burstLimit,
			About: fmt.Sprintf("one request for %d people at once, until the last text", n),
		},
		Result{
			Name: fmt.Sprintf("burst_%d_requests_for_%d_people", n, n), Value: many.p(50) / 1000, Unit: "s", Limit: burstLimit,
			About: fmt.Sprintf("%d requests at once for %d people, until the last text", n, n),
		},
	)
	return nil
}
