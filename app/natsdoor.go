package app

import (
	"errors"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/vault"
)

// newDoor makes the door on NATS, over a connection of its own: a storm of senders must not hold up the log. NATS in this process asks by keys
// of its own; one outside is configured with those that all nodes derive from the deployment's key.
func (o *Options) newDoor(logs streams, key vault.Key, d natsdoor.Options) (*natsdoor.Door, error) {
	d.Node, d.Build, d.Logger, d.Keys = o.Config.Node, build(), o.Logger.Named("natsdoor"), logs.ask
	if d.Keys == (natsdoor.Keys{}) {
		var err error
		if d.Keys, err = natsdoor.NewKeys(key.Derive("nats issuer"), key.Derive("nats xkey")); err != nil {
			return nil, err
		}
		issuer, xkey := d.Keys.Public()
		d.Logger.Info("NATS may ask this deployment who connects", zap.String("issuer", issuer), zap.String("xkey", xkey))
	}
	var err error
	if d.Conn, err = logs.dial(); err != nil {
		return nil, err
	}
	return natsdoor.New(d)
}

// build is the version of the program as Go stamped it, "" when it did not.
func build() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// forSenders gives the node's errors their names in package intake.
func forSenders(err error) error {
	if errors.Is(err, node.ErrUnavailable) {
		return named{err, []error{intake.ErrUnavailable}}
	}
	return err
}
