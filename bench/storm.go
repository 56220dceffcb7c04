package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/request"
)

// measureStorm raises thousands of requests for one officer over HTTP, and meanwhile, one after the other, a few for somebody else: from the
// acknowledged append of such a request until its text is with the provider, against the same at rest. First while the storm is being raised,
// then while it is being paged. Nothing in a request chooses who is paged, so those for somebody else are stored in the log as another
// node would have received them, the officer of the storm having passed them on.
func (r *run) measureStorm(ctx context.Context) (err error) {
	r.say("a storm of %d requests for one officer, and requests for another meanwhile", r.size.storm)
	s, err := r.startStandalone(ctx, book(2, 1, time.Now()), fmt.Sprintf("[[person:%s], [person:%s]]", person(0), person(1)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warm(ctx, warmUps, 1); err != nil {
		return err
	}
	errands := 0
	errand := func(ctx context.Context) (time.Duration, error) {
		errands++
		ref, err := s.passedOn(ctx, request.Critical, fmt.Sprint("errand ", errands), person(0))
		if err != nil {
			return 0, err
		}
		accepted := time.Now()
		arrived, err := s.provider.await(ctx, ref.String(), 1)
		time.Sleep(rests)
		return max(arrived.first.Sub(accepted), 0), err
	}
	several := func(ctx context.Context, more func(done int) bool) (sm sample, err error) {
		for len(sm) == 0 || more(len(sm)) {
			took, err := errand(ctx)
			if err != nil {
				return sm, err
			}
			sm = append(sm, took)
		}
		return sm, nil
	}
	enough := func(done int) bool { return done < r.size.errands }
	idle, err := several(ctx, enough)
	if err != nil {
		return err
	}

	had := s.provider.count()
	accepted := make(chan struct{})
	var arriving, behind sample
	err = together(ctx, 2, func(ctx context.Context, part int) (err error) {
		if part == 0 {
			defer close(accepted)
			_, err = s.raiseAll(ctx, crowd, r.size.storm, request.Critical)
			return err
		}
		arriving, err = several(ctx, func(int) bool {
			select {
			case <-accepted:
				return false
			default:
				return true
			}
		})
		return err
	})
	if err != nil {
		return err
	}
	stormed := had + r.size.storm/crowd*crowd
	behind, err = several(ctx, func(done int) bool {
		return done < r.size.errands && s.provider.count() < stormed+len(arriving)+done
	})
	if err != nil {
		return err
	}
	r.note("%d others at rest, %d while the storm was raised, %d while it was paged", len(idle), len(arriving), len(behind))
	for _, f := range []struct {
		name, about string
		sample
	}{
		{"others_storm_raised", "append to the text at the provider, for somebody else while a storm is raised", arriving},
		{"others_storm_paged", "append to the text at the provider, for somebody else while the storm is paged", behind},
	} {
		r.add(
			Result{Name: f.name + "_p50", Value: f.p(50), Unit: "ms", Baseline: idle.p(50), About: f.about + ", median"},
			Result{Name: f.name + "_p99", Value: f.p(99), Unit: "ms", Baseline: idle.p(99), About: f.about + ", 99th percentile"},
		)
	}
	return nil
}
