package app

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/request"
)

// VerifyLog checks the whole log of every request and calls each with what came of it; err wraps [request.ErrTampered] when a log does not
// verify. It needs no key, and the conditions of [MintToken]. It stops at the first error of reading, or of each.
func VerifyLog(ctx context.Context, o Options, each func(ref request.Ref, v request.Verification, err error) error) error {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	ends := &cleanups{log: o.Logger}
	defer ends.run()
	logs, err := o.openLog(ctx, ends)
	if err != nil {
		return translate(err)
	}
	summaries, err := logs.requests.Summaries(ctx)
	if err != nil {
		return translate(err)
	}
	for _, last := range summaries {
		ref, ok := request.RefOfSubject(last.Subject)
		if !ok {
			continue
		}
		history, err := requestLog{logs.requests}.History(ctx, ref)
		if err != nil {
			return err
		}
		v, err := request.Verify(ref, history)
		if err != nil && !errors.Is(err, request.ErrTampered) {
			return err
		}
		if err := each(ref, v, err); err != nil {
			return err
		}
	}
	return nil
}
