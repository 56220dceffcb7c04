package app

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/presence"
)

// others is how a node hears of the others.
type others struct {
	nats  *nats.Conn
	clock *node.Clock
	build string // of the program
	log   *zap.Logger
}

var _ node.Presence = others{}

// Follow announces this node and tells of the others.
func (o others) Follow(ctx context.Context, self func() (node.Peer, bool), fn func([]node.Peer)) error {
	return presence.Follow(ctx, o.nats, func() presence.Beat {
		as, serves := self()
		return presence.Beat{Node: as.Name, Time: o.clock.Now(), Build: o.build, Serves: serves, Last: as.Last}
	}, func(beats []presence.Beat) {
		peers := make([]node.Peer, len(beats))
		for i, b := range beats {
			peers[i] = node.Peer{Name: b.Node, Last: b.Last}
		}
		fn(peers)
	}, o.log)
}
