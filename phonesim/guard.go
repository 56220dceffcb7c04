package phonesim

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard keeps other web sites out: they can neither change anything from a visitor's browser, nor, where the simulator listens on
// loopback, read it under a host name of theirs that resolves there.
func guard(next http.Handler) http.Handler {
	protected := http.NewCrossOriginProtection()
	protected.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Problem(w, http.StatusForbidden, "requests from other sites are refused")
	}))
	inner := protected.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onLoopback(r) && !loopbackHost(r.Host) {
			Problem(w, http.StatusForbidden, "open this under localhost")
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// onLoopback tells whether the request came in over a loopback address.
func onLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
