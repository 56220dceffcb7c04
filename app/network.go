package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phonesim"
	"github.com/dutyline/dutyline/twiliosim"
	"github.com/dutyline/dutyline/vonagesim"
)

const (
	// inboundRetries asks the first provider to repeat a text that somebody sent while nobody takes it; the second does so by itself.
	inboundRetries = "#rc=5&rp=ct,rt,5xx&rt=5000"
	// simNumber and secondSimNumber are the numbers of the node at the two operators of its own telephone network: fictional.
	simNumber       = "+15005550006"
	secondSimNumber = "+15005550012"
	// simKey is how many bits the key of the second operator's application has.
	simKey = 2048
)

// A network is a simulated telephone network in this process, and how the two operators on it are configured.
type network struct {
	url    string
	twilio config.Twilio
	vonage config.Vonage
}

// startNetwork starts a network of phones and two operators on it, all on one listener. Their credentials are made anew.
func (o *Options) startNetwork(publicURL string, ends *cleanups) (n network, err error) {
	key, err := rsa.GenerateKey(rand.Reader, simKey)
	if err != nil {
		return n, fmt.Errorf("start the simulated telephone network: make a key: %w", err)
	}
	listener, err := listen(o.SimListen)
	if err != nil {
		return n, fmt.Errorf("start the simulated telephone network: %w", err)
	}
	n.url, n.twilio = urlOf(o.SimListen, listener), o.Config.Twilio
	if len(n.twilio.Numbers) == 0 {
		n.twilio.Numbers = []string{simNumber}
	}
	n.vonage = config.Vonage{
		BaseURL: n.url, APIKey: random(4), APISecret: config.Secret(random(16)), SignatureSecret: config.Secret(random(32)),
		ApplicationID: random(4) + "-" + random(2) + "-" + random(2) + "-" + random(2) + "-" + random(6), Numbers: []string{secondSimNumber},
		PrivateKey: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	}

	phones := phonesim.New(phonesim.Options{SpeechRate: 1})
	first := twiliosim.New(twiliosim.Options{
		Network: phones, Numbers: n.twilio.Numbers, InboundURL: publicURL + twilio.InboundPath + inboundRetries, Logger: o.Logger.Named("sim"),
	})
	vonagesim.New(vonagesim.Options{
		Network: phones, Numbers: n.vonage.Numbers, APIKey: n.vonage.APIKey, APISecret: n.vonage.APISecret.Reveal(), ApplicationID: n.vonage.ApplicationID,
		PublicKey: &key.PublicKey, SignatureSecret: n.vonage.SignatureSecret.Reveal(),
		InboundURL: publicURL + vonage.InboundPath, FallbackURL: publicURL + vonage.FallbackPath,
	})
	n.twilio.BaseURL, n.twilio.AccountSID, n.twilio.AuthToken = n.url, first.AccountSID(), config.Secret(first.AuthToken())
	server := &http.Server{Handler: phones.Handler(), ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = server.Serve(listener) }()
	ends.push("simulated telephone network", func() {
		first.Close()
		phones.Close()
		_ = server.Close()
	})
	return n, nil
}

// random is n random bytes, in hexadecimal digits.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}
