package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// certificateSoon is how long before its end a certificate should have been renewed.
	certificateSoon = 14 * 24 * time.Hour
	// largestBody bounds what is read of an answer.
	largestBody = 1 << 16
)

// A Site is the address under which the world reaches a node.
type Site struct {
	URL       string         // with scheme and host
	Roots     *x509.CertPool // nil: the system's
	LocalFine bool           // plain http and this machine's own addresses will do: for trying out
	Now       func() time.Time
}

// Address checks the address itself and its certificate.
func (s Site) Address(ctx context.Context) []Line {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "":
		return []Line{{State: Wrong, Detail: "it is no address", Fix: "set public_url to the address under which senders and providers reach the nodes, as in https://line.example"}}
	case u.Scheme != "https" && s.LocalFine:
		return []Line{{State: Warning, Detail: u.Redacted() + " is not https: fine for trying out", Fix: "before anybody relies on it, set public_url to an https address"}}
	case u.Scheme != "https":
		return []Line{{State: Wrong, Detail: u.Redacted() + " is not https", Fix: "set public_url to an https address; providers and senders refuse any other"}}
	}
	line := s.certificate(ctx, u)
	line.Name = "certificate"
	return []Line{{State: Fine, Detail: u.Redacted()}, line}
}

func (s Site) certificate(ctx context.Context, u *url.URL) Line {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: s.Roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, Time: s.Now}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	var unknown x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return Line{State: Wrong, Detail: "its issuer is not known", Fix: "send the whole chain, up to an issuer that every machine knows"}
	case errors.As(err, &other):
		return Line{State: Wrong, Detail: "it is not for " + u.Hostname(), Fix: "get one for this name"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Line{State: Wrong, Detail: "it is not valid at this time", Fix: "renew it, and check the clock of this machine"}
	case err != nil:
		return Line{State: Wrong, Detail: "no connection: " + plain(err), Fix: "check the DNS name, the load balancer and the firewall of public_url"}
	}
	defer func() { _ = conn.Close() }()
	secure, ok := conn.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return Line{State: Wrong, Detail: "the server showed none", Fix: "give the load balancer its certificate"}
	}
	left := secure.ConnectionState().PeerCertificates[0].NotAfter.Sub(s.Now())
	detail := fmt.Sprintf("valid for %d more days", int(left.Hours()/24))
	if left < certificateSoon {
		return Line{State: Warning, Detail: detail, Fix: "renew it; an expired one fails every call of the provider"}
	}
	return Line{State: Fine, Detail: detail}
}

// plain is an error without the address that was called.
func plain(err error) string {
	if called, ok := errors.AsType[*url.Error](err); ok {
		err = called.Err
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network.Err.Error()
	}
	return err.Error()
}

// Answers checks that a node answers at the address, from outside: /livez of it.
func (s Site) Answers(ctx context.Context) []Line {
	status, err := s.call(ctx, http.MethodGet, "/livez")
	switch {
	case err != nil:
		return []Line{{State: Wrong, Detail: "no answer at public_url: " + plain(err), Fix: "start a node, or mend the way from outside to it (DNS, load balancer, firewall)"}}
	case status != http.StatusOK:
		return []Line{{State: Wrong, Detail: fmt.Sprintf("public_url answers %d where a node answers 200", status), Fix: "let the load balancer pass /livez, /api and /webhooks to the nodes"}}
	}
	return []Line{{State: Fine, Detail: "a node answers at public_url, as seen from this machine"}}
}

// Refuses checks that a webhook of a provider is reached, and refuses who cannot sign: an unsigned call to the path must be answered with 403.
func (s Site) Refuses(ctx context.Context, path string) []Line {
	status, err := s.call(ctx, http.MethodPost, path)
	switch {
	case err != nil:
		return []Line{{State: Wrong, Detail: "no answer: " + plain(err), Fix: "let the load balancer pass /webhooks/ to the nodes"}}
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return []Line{{State: Fine, Detail: "reached, and an unsigned call is refused"}}
	case status >= 200 && status < 300:
		return []Line{{State: Wrong, Detail: fmt.Sprintf("an unsigned call is answered %d", status), Fix: "whatever answers there is no node of Dutyline: let the load balancer pass /webhooks/ to the nodes"}}
	}
	return []Line{{State: Wrong, Detail: fmt.Sprintf("answered %d; a node would answer 403", status), Fix: "let the load balancer pass /webhooks/ to the nodes, POST included"}}
}

func (s Site) call(ctx context.Context, method, path string) (status int, err error) {
	address, err := url.JoinPath(s.URL, path)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12, Time: s.Now}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, largestBody)
	return answer.StatusCode, nil
}
