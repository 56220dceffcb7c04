package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/config"
)

type runCommand struct {
	Data      string `placeholder:"./data" help:"Where everything is kept (else DUTYLINE_DATA_DIR)."`
	Listen    string `placeholder:"localhost:8080" help:"Where to listen (else DUTYLINE_LISTEN); port 0 is any free one."`
	SimListen string `default:"localhost:8081" help:"Where the simulated telephone network listens; port 0 is any free one."`
}

// Run runs everything in one process until it is interrupted.
func (r *runCommand) Run(ctx context.Context, c *console) error {
	loaded, err := config.Load("", c.environ)
	if err == nil {
		if r.Data != "" {
			loaded.DataDir = r.Data
		}
		if r.Listen != "" {
			loaded.Listen = r.Listen
		}
		err = loaded.Validate(false)
	}
	if err != nil {
		return usage("the configuration is not valid\n%w", err)
	}
	return c.runNode(ctx, app.Options{
		Config: loaded, Standalone: true, SimListen: r.SimListen,
		Ready: func(s app.Started) { c.note("%s", banner(s, c.called())) },
	})
}

type serveCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration, YAML. Without it nothing is started: never a simulator by accident."`
}

// Run runs a node of a production deployment until it is interrupted.
func (s *serveCommand) Run(ctx context.Context, c *console) error {
	loaded, err := loadConfig(s.Config, c, true)
	if err != nil {
		return err
	}
	return c.runNode(ctx, app.Options{
		Config: loaded, Ready: func(started app.Started) { c.note("dutyline takes requests at %s", started.URL) },
	})
}

// runNode runs a node; to be interrupted is its way to end.
func (c *console) runNode(ctx context.Context, o app.Options) error {
	logger := newLogger(o.Config.Log, c)
	defer func() { _ = logger.Sync() }()
	o.Logger, o.Version = logger, version
	if err := app.Run(ctx, o); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// banner says what somebody who has just started a node can do with it.
// program is how it was called.
func banner(s app.Started, program string) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("")
	line("Dutyline takes requests at %s", s.URL)
	if s.Seeded {
		line("An example roster with invented people was stored; replace it with: %s roster apply -f FILE", program)
	}
	line("")
	if s.PhonesURL != "" {
		line("  telephones (simulated)  %s", s.PhonesURL)
	}
	line("  officer's page          %s/", s.URL)
	line("    sign in with          %s", s.Tokens.Officer)
	if s.NATSURL != "" {
		line("  NATS                    %s, for the sender %s (docs/nats.md)", s.NATSURL, s.Sender)
	}
	line("  data                    %s", s.DataDir)
	if s.PhonesURL != "" {
		line("")
		line("The officer on duty is asked by a text message: open the telephones, and answer it with the code in it.")
		line("Two providers carry it, twilio and vonage. Take one down on the same page, and see the other one go on.")
	}
	line("")
	line("Raise a first request, in another terminal:")
	line("")
	line("%s", firstRequest(s, program))
	line("")
	line("or with curl:")
	line("")
	line("%s", firstCurl(s))
	line("")
	out.WriteString("Stop with Ctrl-C.")
	return out.String()
}

// The first request of somebody who tries Dutyline out, as YAML and as JSON.
const (
	firstYAML = "type: readiness_test\nurgency: critical\nlanguage: en\ndetails:\n  scenario: EXERCISE EXERCISE EXERCISE. A provider's logs roll over tonight."
	firstJSON = `{"type": "readiness_test", "urgency": "critical", "language": "en",
  "details": {"scenario": "EXERCISE EXERCISE EXERCISE. A provider logs roll over tonight."}}`
)

func firstRequest(s app.Started, program string) string {
	command := program + " request raise -f - <<'END'\n" + firstYAML + "\nEND"
	if s.DataDir != config.DefaultDataDir && s.DataDir != "data" {
		command = "DUTYLINE_DATA_DIR=" + shellQuoted(s.DataDir) + " " + command
	}
	return command
}

func firstCurl(s app.Started) string {
	return "curl -sS " + shellQuoted(s.URL+"/api/v1/requests") + " \\\n  -H " + shellQuoted("Authorization: Bearer "+s.Tokens.Sender) +
		" \\\n  -H 'Content-Type: application/json' -d '" + firstJSON + "'"
}

// shellQuoted writes an argument so that a shell takes it as it is.
func shellQuoted(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
