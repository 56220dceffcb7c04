package roster

import (
	"net/netip"
	"net/url"
	"strings"
)

// Webhook is a channel that goes beside the telephone: a system of the person's own, as a gateway to pagers or a display, that is called when
// they are asked. Nobody is reached by it.
const Webhook = "webhook"

// maxGateway is how many bytes the address of a webhook may have.
const maxGateway = 2000

// gateway checks a contact of a webhook. People may share one, as all who are shown on one display. The address may hold a secret: no problem
// quotes it.
func (c *checker) gateway(at string, p Person, contact Contact) {
	c.neverVerified(at, contact, "nobody answers over a webhook")
	if !p.Erased && !isGateway(contact.Address) {
		c.add(at+"/address", "This is no address of a webhook.",
			"Write https:// and the host, as in https://gateway.example/pages; without name and password, without #, and at most 2000 bytes.")
	}
}

// isGateway reports whether a text is an address that can be called over https, or, for trying out, over http on this machine. That may be
// refused elsewhere.
func isGateway(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxGateway || !isASCII(text) || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") {
		return false
	}
	return u.Scheme == "https" || (u.Scheme == "http" && isHere(u.Hostname()))
}

// isHere reports whether a host is this machine.
func isHere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.Unmap().IsLoopback())
}
