package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// errNotPublic says that an address is not one of the public internet.
var errNotPublic = errors.New("the address is not public")

// reserved are the blocks that look like addresses of the public internet and are none (https://www.iana.org/assignments, the
// special-purpose registries of IPv4 and IPv6), and those that carry an IPv4 address which would have to be looked at.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// global is what IPv6 gives out: anything else is reserved, local, or a translation of IPv4.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, text := range list {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// public reports whether an address belongs to the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && (ip.Is4() || global.Contains(ip)) &&
		!slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// A Reach is which addresses may be called besides those of the public internet.
type Reach struct {
	Loopback bool           // this machine
	Networks []netip.Prefix // the operator's own
}

// Allows reports whether an address may be called.
func (r Reach) Allows(ip netip.Addr) bool {
	ip = ip.Unmap()
	return public(ip) || (r.Loopback && ip.IsLoopback()) || slices.ContainsFunc(r.Networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// guard looks at the address that is about to be connected to, after names were resolved: a name that resolves anew cannot go around it.
func guard(r Reach) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err == nil && r.Allows(to.Addr()) {
			return nil
		}
		return errNotPublic
	}
}

// largestHeader bounds the header of an answer, in bytes.
const largestHeader = 64 << 10

// transport is a channel's own. It has no proxy, which would connect in its place and look at nothing, and speaks HTTP/1 alone: a connection
// that has died is dropped together with its call there.
func transport(r Reach) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, Control: guard(r)}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: largestHeader, Protocols: protocols,
	}
}
