package app

import (
	"errors"
	"net/http"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/notifier"
	telephony "github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/notifier/vonage"
)

// telephone is how the node reaches phones.
type telephone struct {
	// providers are the channels, those of the provider that is preferred before all others.
	providers []node.Provider
	webhooks  []func(notifier.Sink) http.Handler
	simURL    string // "" without a simulator
}

// add adds a provider.
func (t *telephone) add(texts, calls notifier.Channel, perSecond, callsPerSecond *float64, otherwise float64, webhooks func(notifier.Sink) http.Handler) {
	limit := func(rate *float64) notifier.Limit {
		if rate == nil {
			rate = &otherwise
		}
		return notifier.Limit{PerSecond: *rate}
	}
	t.providers = append(t.providers, node.Provider{Channel: texts, Limit: limit(perSecond), Cost: telephony.Cost, Together: telephony.FitTogether}, node.Provider{Channel: calls, Limit: limit(callsPerSecond)})
	t.webhooks = append(t.webhooks, webhooks)
}

// handler takes the webhooks of all providers, each below its name.
func (t *telephone) handler(sink notifier.Sink) http.Handler {
	mux := http.NewServeMux()
	for i, webhooks := range t.webhooks {
		mux.Handle("/webhooks/"+t.providers[2*i].Channel.Name()+"/", webhooks(sink))
	}
	return mux
}

// perSecond is how many texts and calls a number sends in a second, where nothing else is configured.
const perSecond = 1

// openTelephone makes the clients of the providers that are configured; where none is, of the two on a simulated telephone network in this
// process.
func (o *Options) openTelephone(publicURL string, ends *cleanups) (t telephone, err error) {
	first, second := o.Config.Twilio, o.Config.Vonage
	rate := float64(perSecond)
	if o.Config.Simulated() {
		if !o.Standalone {
			return t, misconfigured(errors.New("twilio.account_sid: the account at the provider is needed"))
		}
		network, err := o.startNetwork(publicURL, ends)
		if err != nil {
			return t, err
		}
		first, second, t.simURL, rate = network.twilio, network.vonage, network.url, 0
	}
	if first.BaseURL != "" || first.AccountSID != "" {
		client, err := twilio.New(twilio.Options{
			BaseURL: first.BaseURL, AccountSID: first.AccountSID, AuthToken: first.AuthToken.Reveal(), PreviousAuthToken: first.AuthTokenPrevious.Reveal(),
			Numbers: first.Numbers, PublicURL: publicURL, Logger: o.Logger,
		})
		if err != nil {
			return t, misconfigured(err)
		}
		t.add(client.SMS(), client.Voice(), first.TextsPerSecond, first.CallsPerSecond, rate, client.Webhooks)
	}
	if second.Configured() {
		client, err := o.newVonage(second, publicURL)
		if err != nil {
			return t, misconfigured(err)
		}
		t.add(client.SMS(), client.Voice(), second.TextsPerSecond, second.CallsPerSecond, rate, client.Webhooks)
	}
	return t, nil
}

// newVonage makes the client of the second provider.
func (o *Options) newVonage(c config.Vonage, publicURL string) (*vonage.Client, error) {
	return vonage.New(vonage.Options{
		BaseURL: c.BaseURL, VoiceURL: c.VoiceURL, APIKey: c.APIKey, APISecret: c.APISecret.Reveal(), ApplicationID: c.ApplicationID,
		PrivateKey: c.PrivateKey.Reveal(), SignatureSecret: c.SignatureSecret.Reveal(), PreviousSignatureSecret: c.SignatureSecretPrevious.Reveal(),
		Numbers: c.Numbers, PublicURL: publicURL, Logger: o.Logger,
	})
}
