package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/request"
)

type senderCommand struct {
	Add    addSenderCommand    `cmd:"" help:"Let a contact point raise requests; prints its first token, and the secret of its webhook."`
	List   listSendersCommand  `cmd:"" help:"List the senders."`
	Revoke revokeSenderCommand `cmd:"" help:"Turn a sender away, with all its tokens."`
}

type addSenderCommand struct {
	Name    string `arg:"" help:"Name of the contact point."`
	State   string `required:"" placeholder:"XX" help:"Its State, two letters (ISO 3166-1)."`
	Webhook string `placeholder:"URL" help:"Where it wants to be told of changes; https."`
	Email   string `placeholder:"ADDRESS" help:"Its e-mail address; kept, and not written to yet."`
}

// Run adds a sender.
func (a *addSenderCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	added, err := line.AddSender(ctx, client.NewSender{Name: a.Name, State: a.State, Webhook: a.Webhook, Email: a.Email})
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(added)
	}
	if err := c.print("sender %s  %s, %s\n", printable(added.ID), printable(added.Name), printable(added.State)); err != nil || added.Token == nil {
		return err
	}
	if err := c.printToken(*added.Token); err != nil || added.WebhookSecret == "" {
		return err
	}
	return c.print("secret of the webhook %s, with which the receiver checks signatures. It is shown this once:\n%s\n", printable(added.Webhook), printable(added.WebhookSecret))
}

type listSendersCommand struct{}

// Run lists the senders.
func (listSendersCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	senders, err := line.Senders(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(senders)
	}
	t := table{head: []string{"SENDER", "STATE", "ADDED", "REVOKED", "NAME"}}
	for _, s := range senders {
		t.add(s.ID, s.State, moment(s.Added), moment(s.Revoked), s.Name)
	}
	return t.write(c.out, "")
}

// revoked is the result of a revocation.
type revoked struct {
	ID      string `json:"id"`
	Revoked bool   `json:"revoked"`
}

func (c *console) printRevoked(what, id string) error {
	if c.flags.JSON {
		return c.printJSON(revoked{id, true})
	}
	return c.print("%s %s is revoked\n", what, printable(id))
}

type revokeSenderCommand struct {
	ID string `arg:"" help:"Id of the sender, as list shows it."`
}

// Run turns a sender away.
func (r *revokeSenderCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	if err := line.RevokeSender(ctx, r.ID); err != nil {
		return err
	}
	return c.printRevoked("sender", r.ID)
}

type tokenCommand struct {
	Add    addTokenCommand    `cmd:"" help:"Make a token. The first one of a deployment needs --config: it works without HTTP."`
	List   listTokensCommand  `cmd:"" help:"List the tokens."`
	Revoke revokeTokenCommand `cmd:"" help:"End a token."`
}

// direct says that a command works on the log itself and calls no server.
type direct struct {
	Config string `placeholder:"FILE" xor:"direct" help:"Do it without HTTP, with the configuration of a node."`
	Data   string `placeholder:"DIR" xor:"direct" help:"Do it without HTTP, in the data directory of a standalone node that is not running."`
}

// options gives what the log is opened with; ok is false when HTTP is wanted.
func (d *direct) options(c *console) (o app.Options, ok bool, err error) {
	switch {
	case d.Config != "":
		o.Config, err = loadConfig(d.Config, c, false) // a machine of the operator's needs no telephone
		if err == nil && o.Config.NATS.URL == "" {
			err = usage("nats.url: it is needed to reach the log: write the address of the NATS servers into %s, or give DUTYLINE_NATS_URL", d.Config)
		}
	case d.Data != "":
		o.Standalone = true
		if o.Config, err = loadConfig("", c, false); err == nil {
			o.Config.DataDir = d.Data
		}
	default:
		return o, false, nil
	}
	return o, true, err
}

// loadConfig reads a configuration; whatever is wrong with it is an error of usage.
func loadConfig(path string, c *console, production bool) (config.Config, error) {
	loaded, err := config.Load(path, c.environ)
	if err == nil {
		err = loaded.Validate(production)
	}
	if err != nil {
		return loaded, usage("the configuration is not valid\n%w", err)
	}
	return loaded, nil
}

// dayLength is the unit in which a token's life is counted.
const dayLength = 24 * time.Hour

// defaultDays is the life of a token unless its maker says otherwise; maxDays is the longest.
const defaultDays, maxDays = 365, 3650

type addTokenCommand struct {
	Role   directory.Role `required:"" enum:"officer,coordinator,sender" help:"What it may do: officer, coordinator or sender."`
	Person string         `placeholder:"ID" help:"The officer or the coordinator, by the id of the roster."`
	Sender string         `placeholder:"ID" help:"The sender, by the id that sender list shows."`
	Days   int            `placeholder:"365" help:"How long it is valid."`
	direct
}

// Validate asks for the one whom the token is for.
func (a *addTokenCommand) Validate() error {
	switch {
	case a.Role == directory.RoleSender && (a.Sender == "" || a.Person != ""):
		return errors.New("a sender's token needs --sender ID, and no --person")
	case a.Role != directory.RoleSender && a.Sender != "":
		return errors.New("--sender goes with --role sender")
	case a.Role == directory.RoleOfficer && a.Person == "":
		return errors.New("an officer's token needs --person ID: an acknowledgement is somebody's")
	case a.Role == directory.RoleSender && (a.Config != "" || a.Data != ""):
		return errors.New("without HTTP only tokens of officers and coordinators are made")
	case a.Days < 0 || a.Days > maxDays:
		return fmt.Errorf("--days: a token is valid for 1 to %d days", maxDays)
	}
	return nil
}

// subject is whom the token is for. The first coordinator may not stand in a roster yet.
func (a *addTokenCommand) subject() string {
	switch {
	case a.Role == directory.RoleSender:
		return a.Sender
	case a.Person == "":
		return "coordinator"
	default:
		return a.Person
	}
}

// Run makes a token.
func (a *addTokenCommand) Run(ctx context.Context, c *console) error {
	o, ok, err := a.options(c)
	if err != nil {
		return err
	}
	var added client.Token
	if ok {
		days := a.Days
		if days == 0 {
			days = defaultDays
		}
		minted, text, err := app.MintToken(ctx, o, a.Role, a.subject(), time.Duration(days)*dayLength)
		if err != nil {
			return err
		}
		added = tokenOf(minted)
		added.Text = text
	} else {
		line, err := c.connect(coordinator)
		if err != nil {
			return err
		}
		if added, err = line.AddToken(ctx, client.NewToken{Role: string(a.Role), Subject: a.subject(), Days: a.Days}); err != nil {
			return err
		}
	}
	if c.flags.JSON {
		return c.printJSON(added)
	}
	return c.printToken(added)
}

func tokenOf(t directory.Token) client.Token {
	out := client.Token{ID: t.ID, Role: string(t.Role), Subject: t.Subject, Added: request.At(t.Added), Expires: request.At(t.Expires)}
	if t.Revoked != nil {
		out.Revoked = request.At(*t.Revoked)
	}
	return out
}

// printToken shows a token, the only time that it is shown.
func (c *console) printToken(t client.Token) error {
	return c.print("token %s of the %s %s, valid until %s. It is shown this once:\n%s\n",
		printable(t.ID), printable(t.Role), printable(t.Subject), moment(t.Expires), printable(t.Text))
}

type listTokensCommand struct{ direct }

// Run lists the tokens.
func (l *listTokensCommand) Run(ctx context.Context, c *console) error {
	o, ok, err := l.options(c)
	if err != nil {
		return err
	}
	tokens := []client.Token{}
	if ok {
		list, err := app.ListTokens(ctx, o)
		if err != nil {
			return err
		}
		for _, t := range list {
			tokens = append(tokens, tokenOf(t))
		}
	} else {
		line, err := c.connect(coordinator)
		if err != nil {
			return err
		}
		if tokens, err = line.Tokens(ctx); err != nil {
			return err
		}
	}
	if c.flags.JSON {
		return c.printJSON(tokens)
	}
	t := table{head: []string{"TOKEN", "ROLE", "OF", "ADDED", "EXPIRES", "REVOKED"}}
	for _, k := range tokens {
		t.add(k.ID, k.Role, k.Subject, moment(k.Added), moment(k.Expires), moment(k.Revoked))
	}
	return t.write(c.out, "")
}

type revokeTokenCommand struct {
	ID string `arg:"" help:"Id of the token, as list shows it."`
	direct
}

// Validate refuses a token in place of its id: command lines are kept in histories.
func (r *revokeTokenCommand) Validate() error {
	if strings.HasPrefix(r.ID, "dl_") {
		return errors.New("give the id of the token, not the token")
	}
	return nil
}

// Run ends a token.
func (r *revokeTokenCommand) Run(ctx context.Context, c *console) error {
	o, ok, err := r.options(c)
	switch {
	case err != nil:
		return err
	case ok:
		if _, err := app.RevokeToken(ctx, o, r.ID); err != nil {
			return err
		}
	default:
		line, err := c.connect(coordinator)
		if err != nil {
			return err
		}
		if err := line.RevokeToken(ctx, r.ID); err != nil {
			return err
		}
	}
	return c.printRevoked("token", r.ID)
}
