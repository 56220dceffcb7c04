package vonage

import (
	"context"
	"time"

	"github.com/dutyline/dutyline/notifier"
)

// Account asks the vendor whether the credentials are right: texts of the account's key and secret, and of the right to reports, calls of the
// application's key. Nil is right; else the outcome says why, as that of a message would. Nothing is sent.
func (c *Client) Account(ctx context.Context) (texts, calls *notifier.Failed) {
	nobody := notifier.Message{To: notifier.Phone(c.opts.Numbers[0]), Ref: "none", Page: "none", Since: time.Now()}
	return failed(c.SMS().Find(ctx, nobody)), failed(c.Voice().Find(ctx, nobody))
}

func failed(o notifier.Outcome) *notifier.Failed {
	if f, ok := o.(notifier.Failed); ok {
		return &f
	}
	return nil
}
