package app

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/webhook"
	"github.com/dutyline/dutyline/vault"
)

// perGateway is what the host of people's webhooks is given at once, and each contact there.
var perGateway = notifier.Limit{InFlight: 8, PerRecipient: 4}

// gateways are the webhooks of people, which are told beside their telephones. The key that signs comes from the deployment's and the address:
// several people may share a gateway and its key, and another address has another key. Nothing is stored.
type gateways struct {
	keys  vault.Key
	reach webhook.Reach
}

func (o *Options) gateways(key vault.Key) gateways {
	g := gateways{key.Derive("hook"), webhook.Reach{Loopback: o.Standalone}}
	for _, text := range o.Config.Contacts.WebhookNetworks {
		if network, err := netip.ParsePrefix(text); err == nil { // the configuration is validated
			g.reach.Networks = append(g.reach.Networks, network)
		}
	}
	return g
}

func (g gateways) provider(now func() time.Time) node.Provider {
	return node.Provider{Limit: perGateway, Channel: webhook.NewBeside(webhook.Options{
		Endpoint: g.endpoint, AllowLoopback: g.reach.Loopback, Networks: g.reach.Networks, Now: now,
	})}
}

func (g gateways) endpoint(address string) (webhook.Endpoint, bool) {
	return webhook.Endpoint{URL: address, Key: g.keys.MAC(address)}, address != ""
}

func (g gateways) secret(address string) string { return webhook.Secret(g.keys.MAC(address)) }

// callable says whether an address would be called, as far as that is seen without looking its name up, and otherwise why not and what to do.
// What is no address at all is told elsewhere.
func (g gateways) callable(address string) (detail, fix string, ok bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", true
	}
	if u.Scheme == "http" && !g.reach.Loopback {
		return "Nothing is sent without TLS.", "Write https://, and give what receives it a certificate.", false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" {
		ip, err = netip.IPv6Loopback(), nil
	}
	if err != nil || g.reach.Allows(ip) {
		return "", "", true
	}
	return "This address is not of the public internet, and would not be called.",
		"Use one that is, or have the operator name its network in contacts.webhook_networks.", false
}
