package eventlog

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// A Server says how an external NATS is reached.
type Server struct {
	URL             string // several, separated by commas
	CredentialsFile string // a user's JWT with its key, or the seed of an nkey alone
	CAFile          string
	CertFile        string
	KeyFile         string
}

// Connect connects to an external NATS and stays connected: it reconnects for ever.
func Connect(s Server, logger *zap.Logger) (*nats.Conn, error) {
	log := logger.Named("nats")
	opts := []nats.Option{
		nats.Name("dutyline"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, time.Second),
		nats.Timeout(5 * time.Second), nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.IgnoreAuthErrorAbort(), // else the second refusal in a row, as while NATS is configured anew, would end it for ever
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("disconnected", zap.Error(err)) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("reconnected", zap.String("server", nc.ConnectedServerName())) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("asynchronous error", zap.Error(err)) }),
	}
	if s.CredentialsFile != "" {
		credentials, err := credentialsOf(s.CredentialsFile)
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
		opts = append(opts, credentials)
	}
	if s.CAFile != "" {
		opts = append(opts, nats.RootCAs(s.CAFile))
	}
	if s.CertFile != "" {
		opts = append(opts, nats.ClientCert(s.CertFile, s.KeyFile))
	}
	nc, err := nats.Connect(s.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", unavailable(err))
	}
	return nc, nil
}

// credentialsOf reads which of the two kinds a file holds. The error does not quote it.
func credentialsOf(path string) (nats.Option, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the credentials: %w", err)
	}
	if bytes.Contains(data, []byte("NATS USER JWT")) {
		return nats.UserCredentials(path), nil
	}
	option, err := nats.NkeyOptionFromSeed(path)
	if err != nil {
		return nil, fmt.Errorf("read the credentials: %s holds neither a user's JWT nor the seed of an nkey", path)
	}
	return option, nil
}
