package app

import (
	"context"
	"errors"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/web"
)

// tester is the node as it sends test pages.
type tester struct{ node *node.Node }

var _ web.Tester = tester{}

// OrderTest begins one.
func (t tester) OrderTest(ctx context.Context, o web.TestOrder) (request.Ref, error) {
	ref, err := t.node.OrderTest(ctx, node.TestOrder{Person: o.Person, Calls: o.Calls, Night: o.Night})
	switch {
	case errors.Is(err, node.ErrNoPerson):
		return "", web.ErrNoPerson
	case errors.Is(err, node.ErrNoTelephone):
		return "", web.ErrNoTelephone
	case errors.Is(err, node.ErrNight):
		return "", web.ErrNight
	}
	return ref, forWeb(err)
}
