package app

import (
	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/webhook"
	"github.com/dutyline/dutyline/vault"
)

// perReceiver is what the receiver of a sender's messages, one host, is given at once.
var perReceiver = notifier.Limit{InFlight: 8, PerRecipient: 4}

// senders are the contact points that want to be told, out of the directory. The keys that sign come from the deployment's: nothing is stored.
type senders struct {
	people *directory.Directory
	keys   vault.Key
}

// address is where a sender wants to be told; "" when nowhere, or not any more.
func (s senders) address(id string) string {
	sender, ok := s.people.Sender(id)
	if !ok || sender.Revoked != nil {
		return ""
	}
	return sender.Webhook
}

func (s senders) wanted(id string) bool { return s.address(id) != "" }

func (s senders) endpoint(id string) (webhook.Endpoint, bool) {
	url := s.address(id)
	return webhook.Endpoint{URL: url, Key: s.keys.MAC(id)}, url != ""
}

func (s senders) secret(id string) string { return webhook.Secret(s.keys.MAC(id)) }
