package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/request"
)

// paced is how many texts a second the number with a rate sends.
const paced = 10

// slot is how long that number needs for a text, in milliseconds. A page that comes while others wait goes in the next one; every tenth time
// it may be the one after, when something has waited for more than a minute.
const slot = 1000.0 / paced

// measurePressure raises emergencies, one after the other, over HTTP, while a storm of urgent requests for the same officer waits to be paged:
// from the POST to the text at the provider, against the same at rest on the same node. First with a number that sends whatever comes, then with one
// that has a rate. Then it sees how many pages a node sends in a second.
func (r *run) measurePressure(ctx context.Context) error {
	r.say("an emergency behind a storm of %d", r.size.pressure)
	idle, storm, err := r.emergencies(ctx, 0)
	if err != nil {
		return err
	}
	r.add(
		Result{Name: "emergency_storm_p50", Value: storm.p(50), Unit: "ms", Baseline: idle.p(50), Limit: 2, About: "POST of an emergency to the text at the provider, while a storm for the same officer is paged, median; against the same at rest"},
		Result{Name: "emergency_storm_p99", Value: storm.p(99), Unit: "ms", Baseline: idle.p(99), About: "the same, 99th percentile"},
	)
	if idle, storm, err = r.emergencies(ctx, paced); err != nil {
		return err
	}
	about := fmt.Sprintf("the same with a number that sends %d a second, so that each text takes %.0f ms", paced, slot)
	r.add(
		Result{Name: "emergency_storm_paced_rest", Value: idle.p(50), Unit: "ms", About: about + ": at rest, median"},
		Result{Name: "emergency_storm_paced_p50", Value: storm.p(50), Unit: "ms", Limit: slot, About: about + ": in the storm, median"},
		Result{Name: "emergency_storm_paced_p99", Value: storm.p(99), Unit: "ms", Limit: 2 * slot, About: about + ": in the storm, 99th percentile"},
	)
	return r.measurePages(ctx)
}

// emergencies measures them on a node of its own, at rest and in the storm. perSecond is the rate of the number, 0: none.
func (r *run) emergencies(ctx context.Context, perSecond int) (idle, storm sample, err error) {
	s, err := r.startStandalone(ctx, book(1, 1, time.Now()), "[[roster]]", fmt.Sprintf("DUTYLINE_TWILIO_TEXTS_PER_SECOND=%d", perSecond))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, 1); err != nil {
		return nil, nil, err
	}
	pause := rests
	if perSecond > 0 {
		pause += time.Second / time.Duration(perSecond)
	}
	raised := 0
	several := func(rest time.Duration, more func(done int) bool) (sm sample, err error) {
		for len(sm) < r.size.emergencies && more(len(sm)) {
			raised++
			begin := time.Now()
			receipt, err := s.sender.Raise(ctx, "", bodyOf(request.Emergency, raised), false)
			if err != nil {
				return sm, err
			}
			arrived, err := s.provider.await(ctx, receipt.Reference, 1)
			if err != nil {
				return sm, err
			}
			sm = append(sm, arrived.first.Sub(begin))
			time.Sleep(rest)
		}
		return sm, nil
	}
	if idle, err = several(pause, func(int) bool { return true }); err != nil {
		return nil, nil, err
	}
	had := s.provider.count()
	if _, err := s.raiseAll(ctx, crowd, r.size.pressure, request.Urgent); err != nil {
		return nil, nil, err
	}
	waiting := func(done int) int { return had + r.size.pressure/crowd*crowd + done - s.provider.count() }
	before := waiting(0)
	storm, err = several(rests, func(done int) bool { return done == 0 || waiting(done) > 0 })
	r.note("%d waited at the first of %d emergencies, %d at the last", before, len(storm), waiting(len(storm)))
	return idle, storm, err
}

// measurePages raises requests that page a team at once, until all of its pages are with the provider.
func (r *run) measurePages(ctx context.Context) (err error) {
	const team = 16
	requests := r.size.pages
	r.say("%d requests that page %d people each", requests, team)
	s, err := r.startStandalone(ctx, book(team, 1, time.Now()), "[[team:"+everyone+"]]")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, 2, team); err != nil {
		return err
	}
	had, begin := s.provider.count(), time.Now()
	if _, err := s.raiseAll(ctx, min(crowd, requests), requests, request.Critical); err != nil {
		return err
	}
	pages := requests / min(crowd, requests) * min(crowd, requests) * team
	last, err := s.provider.awaitAll(ctx, had+pages)
	if err != nil {
		return err
	}
	r.add(Result{
		Name: "pages", Value: perSecond(pages, last.Sub(begin)), Unit: "pages/s",
		About: fmt.Sprintf("%d requests that page %d people each, raised at once, from the first POST to the last text: texts of one node at the provider, no rate set", requests, team),
	})
	return nil
}
