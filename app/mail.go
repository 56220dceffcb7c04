package app

import (
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/mail"
)

// toMailServer is what the server of e-mail is given at once: it is shared with others, and no telephone waits for it.
var toMailServer = notifier.Limit{InFlight: 4, PerRecipient: 1}

// openMail makes the channel of e-mails; there is none where no server is configured.
func (o *Options) openMail(now func() time.Time) ([]node.Provider, error) {
	c := o.Config.Mail
	if c.Host == "" {
		return nil, nil
	}
	channel, err := mail.New(mail.Options{
		Host: c.Host, Port: c.Port, Username: c.Username, Password: c.Password.Reveal(), From: c.From, TLS: mail.TLS(c.TLS), CAFile: c.CAFile, Now: now,
	})
	if err != nil {
		return nil, misconfigured(err)
	}
	return []node.Provider{{Channel: channel, Limit: toMailServer}}, nil
}
