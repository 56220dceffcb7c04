package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/vault"
)

func TestAGatewayHasOneKeyWhoeverIsToldThere(t *testing.T) {
	key := vault.Key{1, 2, 3}
	g := (&Options{}).gateways(key)
	const address = "https://gateway.example/pages/opensesame"
	one, ok := g.endpoint(address)
	again, _ := (&Options{}).gateways(key).endpoint(address) // on another node
	moved, _ := g.endpoint(address + "?")
	other, _ := (&Options{}).gateways(vault.Key{4}).endpoint(address)
	if !ok || one.URL != address || len(one.Key) != 32 || !bytes.Equal(one.Key, again.Key) {
		t.Errorf("%v, %v", ok, one.URL)
	}
	if bytes.Equal(one.Key, moved.Key) || bytes.Equal(one.Key, other.Key) {
		t.Error("another address, or another deployment, has the same key")
	}
	sender := senders{keys: key.Derive("webhook")}
	if !strings.HasPrefix(g.secret(address), "whsec_") || g.secret(address) == sender.secret(address) {
		t.Error("a sender can have the key of a gateway")
	}
	if _, ok := g.endpoint(""); ok {
		t.Error("nobody's contact is called")
	}
}

func TestAGatewayThatWouldNotBeCalledIsToldAtTheEdit(t *testing.T) {
	for _, c := range []struct {
		address              string
		production, networks bool // whether it is taken: in production, and with the operator's networks 10.1.2.0/24 and 2001:db8::/32
	}{
		{"https://gateway.example/a", true, true},
		{"https://1.1.1.1/a", true, true},
		{"https://10.1.2.3/a", false, true},
		{"https://10.1.3.3/a", false, false},
		{"https://[2001:db8::7]:8443/a", false, true},
		{"https://127.0.0.1/a", false, false},
		{"https://localhost/a", false, false},
		{"http://localhost/a", false, false},
		{"http://10.1.2.3/a", false, false},
		{"https://169.254.169.254/a", false, false},
		{"://", true, true}, // validation tells
	} {
		for networks, want := range map[string]bool{"": c.production, "10.1.2.0/24 2001:db8::/32": c.networks} {
			o := Options{Config: config.Config{Contacts: config.Contacts{WebhookNetworks: strings.Fields(networks)}}}
			detail, fix, ok := o.gateways(vault.Key{}).callable(c.address)
			if ok != want || ok == (detail != "") || ok == (fix != "") || strings.Contains(detail+fix, "10.1.3.3") {
				t.Errorf("%s, networks %q: %v %q %q", c.address, networks, ok, detail, fix)
			}
		}
	}
	standalone := Options{Standalone: true}
	for address, want := range map[string]bool{"http://localhost:8080/a": true, "http://127.0.0.1/a": true, "https://10.1.2.3/a": false} {
		if _, _, ok := standalone.gateways(vault.Key{}).callable(address); ok != want {
			t.Errorf("standalone, %s: %v", address, ok)
		}
	}
}
