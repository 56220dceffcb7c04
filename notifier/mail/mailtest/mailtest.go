// Package mailtest is a server of e-mail for tests: by a library of other people, with TLS by an authority of its own, and with all that a server
// may do to a message.
package mailtest

import (
	"cmp"
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
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier/mail"
	"github.com/dutyline/dutyline/notifier/notifiertest"
)

// What a server knows of its one user, and what its certificate names unless a [Setting] says otherwise.
const (
	Host     = "smtp.example.org"
	From     = "Dutyline <dutyline@contact-point.example>"
	Username = "dutyline"
	Password = "open sesame"
)

// An Authority signs certificates of servers; its own lies in File, as PEM.
type Authority struct {
	File string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one, for the time of a test.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
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
	a := &Authority{File: filepath.Join(t.TempDir(), "ca.pem"), key: key}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.File, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// Certificate is that of a server; it ends at a time.
func (a *Authority) Certificate(t testing.TB, name string, until time.Time) tls.Certificate {
	t.Helper()
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

// A Server takes e-mails on this machine. It is safe for concurrent use.
type Server struct {
	Options mail.Options // of a channel that reaches it
	Port    int

	t    testing.TB
	hung chan struct{}
	done chan struct{} // closed at the end: lets go of what hangs

	mu        sync.Mutex
	behaviour notifiertest.Behaviour
	replies   map[string]*smtp.SMTPError // in place of the behaviour: to auth, mail, rcpt, data
	cut       bool                       // the connection, when the message begins
	letters   []Letter
	signIns   int
}

// A Letter is a message that was taken.
type Letter struct {
	From, To string // of the envelope
	Raw      string
}

// A Setting is what differs between servers.
type Setting struct {
	Host        string           // "": [Host]
	TLS         mail.TLS         // "": STARTTLS
	Certificate *tls.Certificate // nil: one that can be verified
	Plain       bool             // it has no TLS
	Mechanisms  []string         // to sign in; nil: PLAIN
}

// New starts a server, for the time of a test. It begins with [notifiertest.Accept].
func New(t testing.TB, s Setting) *Server {
	t.Helper()
	s.Host = cmp.Or(s.Host, Host)
	ca := NewAuthority(t)
	sv := &Server{t: t, hung: make(chan struct{}, 1000), done: make(chan struct{}), behaviour: notifiertest.Accept}
	config := &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, s.Host, time.Now().Add(time.Hour))}, MinVersion: tls.VersionTLS12}
	if s.Certificate != nil {
		config.Certificates = []tls.Certificate{*s.Certificate}
	}
	if s.Mechanisms == nil {
		s.Mechanisms = []string{sasl.Plain}
	}
	inner := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{Server: sv, conn: c, mechanisms: s.Mechanisms}, nil
	}))
	inner.Domain, inner.ErrorLog, inner.AllowInsecureAuth = s.Host, zap.NewStdLog(zap.NewNop()), true // what a client must never use
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	sv.Port = listener.Addr().(*net.TCPAddr).Port
	switch {
	case s.Plain:
	case s.TLS == mail.Implicit:
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
	sv.Options = mail.Options{
		Host: s.Host, Port: sv.Port, Username: Username, Password: Password, From: From, TLS: s.TLS, CAFile: ca.File,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			if sv.is() == notifiertest.Down {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	return sv
}

// Channel makes one that reaches the server.
func (s *Server) Channel() *mail.Channel {
	s.t.Helper()
	channel, err := mail.New(s.Options)
	if err != nil {
		s.t.Fatal(err)
	}
	return channel
}

// Reply makes the server answer a stage (auth, mail, rcpt, data) so, in place of its behaviour.
func (s *Server) Reply(stage string, reply *smtp.SMTPError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = map[string]*smtp.SMTPError{stage: reply}
}

// Cut breaks each connection when the message begins.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
}

// SignIns counts how often somebody told a password.
func (s *Server) SignIns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signIns
}

func (s *Server) is() notifiertest.Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Behave sets the behaviour.
func (s *Server) Behave(b notifiertest.Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
}

// Hung tells of calls that hang.
func (s *Server) Hung() <-chan struct{} { return s.hung }

// Letters is everything that was taken, oldest first.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

// session is one connection.
type session struct {
	*Server
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
		if user != Username || pass != Password || s.behaviour == notifiertest.RefuseConfiguration {
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
	s.letters = append(s.letters, Letter{s.from, s.to, string(raw)})
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }
