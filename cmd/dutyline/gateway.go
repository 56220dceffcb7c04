package main

import "context"

type webhookKeyCommand struct {
	Person  string `arg:"" help:"Id of the person."`
	Contact string `arg:"" optional:"" help:"Id of the contact. Default: the first of channel webhook, which is the one that is told."`
}

// Run shows the secret of a webhook.
func (k *webhookKeyCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	key, err := line.WebhookKey(ctx, k.Person, k.Contact)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(key)
	}
	return c.print("secret of the webhook %s of %s, with which the receiver checks signatures:\n%s\n",
		printable(key.Contact), printable(key.Person), printable(key.WebhookSecret))
}
