package app

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vault"
)

// natsDoor is the door on NATS as the node has it: whatever becomes of the door, the node starts, and pages. It is safe for concurrent use.
type natsDoor struct {
	create func() (*natsdoor.Door, error)
	pause  time.Duration // between two tries
	logger *zap.Logger

	door atomic.Pointer[natsdoor.Door] // nil: there is none yet
	end  chan struct{}                 // closed by Drain
	once sync.Once
	loop sync.WaitGroup
}

// newDoor prepares the door on NATS, over a connection of its own: a storm of senders must not hold up the log. NATS in this process asks by
// keys of its own; one outside is configured with those that all nodes derive from the deployment's key.
func (o *Options) newDoor(logs streams, key vault.Key, d natsdoor.Options) (*natsDoor, error) {
	d.Node, d.Build, d.Logger, d.Keys = o.Config.Node, o.Version, o.Logger.Named("natsdoor"), logs.ask
	if d.Keys == (natsdoor.Keys{}) {
		var err error
		if d.Keys, err = natsdoor.NewKeys(key.Derive("nats issuer"), key.Derive("nats xkey")); err != nil {
			return nil, err
		}
		issuer, xkey := d.Keys.Public()
		d.Logger.Info("NATS may ask this deployment who connects", zap.String("issuer", issuer), zap.String("xkey", xkey))
	}
	return openLater(d.Logger, func() (*natsdoor.Door, error) {
		var err error
		if d.Conn, err = logs.dial(); err != nil {
			return nil, err
		}
		return natsdoor.New(d)
	}), nil
}

// openLater makes a door, if it can be made now, that [natsDoor.Open] opens.
func openLater(logger *zap.Logger, create func() (*natsdoor.Door, error)) *natsDoor {
	n := &natsDoor{create: create, pause: doorPause, logger: logger, end: make(chan struct{})}
	if d, err := create(); err == nil { // else Open says so
		n.door.Store(d)
	}
	return n
}

// doorPause is how long after a failure the door is tried again.
const doorPause = 30 * time.Second

// StatusChanged tells a sender where the request stands, if there is a door.
func (n *natsDoor) StatusChanged(s *request.State) {
	if d := n.door.Load(); d != nil {
		d.StatusChanged(s)
	}
}

// Open opens the door, or goes on trying.
func (n *natsDoor) Open() {
	if n.try() {
		return
	}
	n.loop.Go(func() {
		for {
			select {
			case <-n.end:
				return
			case <-time.After(n.pause):
			}
			if n.try() {
				n.logger.Info("senders are served over NATS again")
				return
			}
		}
	})
}

// try makes a door, unless there is one, and opens it.
func (n *natsDoor) try() bool {
	d := n.door.Load()
	var err error
	if d == nil {
		d, err = n.create()
	}
	if err == nil {
		n.door.Store(d)
		if err = d.Open(); err == nil {
			return true
		}
		n.door.Store(nil)
		d.Close()
	}
	n.logger.Error("senders cannot be served over NATS; trying again", zap.Error(err))
	return false
}

// Drain takes no more calls, and returns when those that had arrived are answered.
func (n *natsDoor) Drain() {
	n.once.Do(func() { close(n.end) })
	n.loop.Wait()
	if d := n.door.Load(); d != nil {
		d.Drain()
	}
}

// Close drains, tells what is left to tell, and closes the connection. It may be called more than once.
func (n *natsDoor) Close() {
	n.Drain()
	if d := n.door.Load(); d != nil {
		d.Close()
	}
}

// forSenders gives the node's errors their names in package intake.
func forSenders(err error) error {
	if errors.Is(err, node.ErrUnavailable) {
		return named{err, []error{intake.ErrUnavailable}}
	}
	return err
}
