package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/mail"
	"github.com/dutyline/dutyline/notifier/notifiertest"
)

const (
	host     = "smtp.example.org"
	from     = "Dutyline <dutyline@contact-point.example>"
	username = "dutyline"
	password = "open sesame"
)

// An authority signs certificates of servers; its own lies in file.
type authority struct {
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem"), key: key}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// certificate is that of a server; it ends at a time.
func (a *authority) certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server takes e-mails, on this machine, and everything else that a server of e-mail may do.
type server struct {
	t       *testing.T
	options mail.Options
	channel notifier.Channel
	hung    chan struct{}
	done    chan struct{} // closed at the end: lets go of what hangs

	mu        sync.Mutex
	behaviour notifiertest.Behaviour
	replies   map[string]*smtp.SMTPError // in place of the behaviour: to auth, mail, rcpt, data
	cut       bool                       // the connection, when the message begins
	letters   []letter
	signIns   int
}

// letter is what was taken.
type letter struct {
	from, to string
	raw      string
}

// setting is what differs between servers.
type setting struct {
	tls         mail.TLS
	certificate *tls.Certificate // nil: one that can be verified
	plain       bool             // it has no TLS
	mechanisms  []string         // to sign in; nil: PLAIN
}

func newServer(t *testing.T, s setting) *server {
	ca := newAuthority(t)
	sv := &server{t: t, hung: make(chan struct{}, 1000), done: make(chan struct{}), behaviour: notifiertest.Accept}
	config := &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, host, time.Now().Add(time.Hour))}, MinVersion: tls.VersionTLS12}
	if s.certificate != nil {
		config.Certificates = []tls.Certificate{*s.certificate}
	}
	if s.mechanisms == nil {
		s.mechanisms = []string{sasl.Plain}
	}
	inner := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: sv, conn: c, mechanisms: s.mechanisms}, nil
	}))
	inner.Domain, inner.ErrorLog, inner.AllowInsecureAuth = host, zap.NewStdLog(zap.NewNop()), true // what a client must never use
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	switch {
	case s.plain:
	case s.tls == mail.Implicit:
		listener = tls.NewListener(listener, config)
	default:
		inner.TLSConfig = config
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = inner.Serve(listener)
	}()
	t.Cleanup(func() {
		close(sv.done)
		_ = inner.Close()
		_ = listener.Close() // the server does not know it yet when the test is over at once
		<-served
	})
	sv.options = mail.Options{
		Host: host, Username: username, Password: password, From: from, TLS: s.tls, CAFile: ca.file,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			if sv.is() == notifiertest.Down {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	channel, err := mail.New(sv.options)
	if err != nil {
		t.Fatal(err)
	}
	sv.channel = channel
	return sv
}

func (s *server) is() notifiertest.Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Behave sets the behaviour.
func (s *server) Behave(b notifiertest.Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
}

// Hung tells of calls that hang.
func (s *server) Hung() <-chan struct{} { return s.hung }

// taken is everything that was.
func (s *server) taken() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]letter(nil), s.letters...)
}

// session is one connection.
type session struct {
	*server
	conn       *smtp.Conn
	mechanisms []string
	signedIn   bool
	from, to   string
}

var _ smtp.AuthSession = (*session)(nil)

func (s *session) AuthMechanisms() []string { return s.mechanisms }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.signIns++
		if reply := s.replies["auth"]; reply != nil {
			return reply
		}
		if _, secured := s.conn.TLSConnectionState(); !secured {
			s.t.Error("a password went over a connection without TLS")
		}
		if user != username || pass != password || s.behaviour == notifiertest.RefuseConfiguration {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *session) reply(stage string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reply := s.replies[stage]; reply != nil {
		return reply
	}
	return nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return s.reply("mail")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	switch s.is() {
	case notifiertest.RefuseContact:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox: " + to}
	case notifiertest.TooMany:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, try again in 7 seconds: " + to}
	default:
		return s.reply("rcpt")
	}
}

func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	behaviour, cut := s.behaviour, s.cut
	s.mu.Unlock()
	if cut {
		return s.conn.Conn().Close()
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.reply("data"); err != nil {
		return err
	}
	switch behaviour {
	case notifiertest.Unavailable:
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "out of order"}
	case notifiertest.LoseAnswer:
		s.take(raw)
		return s.conn.Conn().Close()
	case notifiertest.Garble:
		s.take(raw)
		return &smtp.SMTPError{Code: 2, EnhancedCode: smtp.NoEnhancedCode, Message: "hundred and fifty"}
	case notifiertest.Hang:
		s.hung <- struct{}{}
		<-s.done
		return errors.New("the test is over")
	default:
		s.take(raw)
		return nil
	}
}

func (s *session) take(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, letter{s.from, s.to, string(raw)})
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// read takes a letter apart.
func read(t *testing.T, l letter) (*netmail.Message, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(l.raw))
	if err != nil {
		t.Fatal(err)
	}
	return m, decoded(t, m)
}
