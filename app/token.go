package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/directory"
)

// MintToken makes a token for an officer or a coordinator without HTTP: the first one of a deployment. It needs NATS as it is configured;
// of a standalone node, that the node is not running. text is shown once and stored nowhere.
func MintToken(ctx context.Context, o Options, role directory.Role, person string, life time.Duration) (t directory.Token, text string, err error) {
	err = withDirectory(ctx, o, func(d *directory.Directory) error {
		t, text, err = d.AddToken(ctx, role, person, life, time.Now())
		return err
	})
	return t, text, err
}

// ListTokens lists the tokens without HTTP, under the conditions of [MintToken].
func ListTokens(ctx context.Context, o Options) (list []directory.Token, err error) {
	err = withDirectory(ctx, o, func(d *directory.Directory) error {
		list = d.Tokens()
		return nil
	})
	return list, err
}

// RevokeToken ends a token without HTTP, under the conditions of [MintToken].
func RevokeToken(ctx context.Context, o Options, id string) (t directory.Token, err error) {
	err = withDirectory(ctx, o, func(d *directory.Directory) error {
		t, err = d.RevokeToken(ctx, id, time.Now())
		return err
	})
	return t, err
}

// withDirectory opens the directory, and nothing else of a node.
func withDirectory(ctx context.Context, o Options, do func(*directory.Directory) error) error {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	ends := &cleanups{log: o.Logger}
	defer ends.run()
	logs, err := o.openLog(ctx, ends)
	if err != nil {
		return translate(err)
	}
	d := directory.New(directoryLog{logs.directory})
	ctx, cancel := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		_ = d.Run(ctx) // Ready says whether it was read
	}()
	ends.push("directory", func() {
		cancel()
		<-followed
	})
	if err := d.Ready(ctx); err != nil {
		return err
	}
	return translate(do(d))
}
