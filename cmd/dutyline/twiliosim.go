package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/twiliosim"
)

type twiliosimCommand struct {
	Listen     string `default:"localhost:8081" help:"Where to listen; port 0 is any free one. It asks nobody for a password: keep it on this machine."`
	AccountSID string `name:"account-sid" placeholder:"AC…" help:"Account of the interface. Default: a random one."`
	AuthToken  string `placeholder:"T" help:"Password of the interface, which also signs webhooks. Default: a random one."`
	InboundURL string `name:"inbound-url" placeholder:"URL" help:"Webhook for texts that phones send, as in http://localhost:8080/webhooks/twilio/sms."`
}

// A twiliosimDocument says how to reach the simulator.
type twiliosimDocument struct {
	URL        string `json:"url"`
	PhonesURL  string `json:"phones_url"`
	AccountSID string `json:"account_sid"`
	AuthToken  string `json:"auth_token"`
}

// Run runs the simulator until it is interrupted.
func (t *twiliosimCommand) Run(ctx context.Context, c *console) error {
	options := twiliosim.Options{
		AccountSID: t.AccountSID, AuthToken: t.AuthToken, InboundURL: t.InboundURL, SpeechRate: 1,
		Logger: newLogger(config.Log{Level: "info", Format: "auto"}, c),
	}
	if err := options.Validate(); err != nil {
		return usage("%w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", t.Listen)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", t.Listen, err)
	}
	defer func() { _ = listener.Close() }()
	sim := twiliosim.New(options)
	defer sim.Close()
	address := "http://" + listener.Addr().String()
	d := twiliosimDocument{address, address + "/phones", sim.AccountSID(), sim.AuthToken()}
	if c.flags.JSON {
		err = c.printJSON(d)
	} else {
		err = c.print("interface    %s\ntelephones   %s\naccount SID  %s\nauth token   %s\n", d.URL, d.PhonesURL, d.AccountSID, d.AuthToken)
	}
	if err != nil {
		return err
	}
	server := &http.Server{Handler: sim.Handler(), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer calls: %w", err)
	}
	return nil
}
