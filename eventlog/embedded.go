package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"
)

// EmbeddedOptions are what an embedded server is started with.
type EmbeddedOptions struct {
	Dir        string // data directory; it is locked
	NoSync     bool   // do not fsync before an acknowledgement: for tests alone
	DontListen bool   // no TCP at all: connections are in-process only
	Callout    Callout
	Logger     *zap.Logger
}

// A Callout says who answers for those who connect without the server's own credentials: whoever subscribes to the subject of NATS's auth
// callout over a connection of [Embedded.Connect] and signs with the issuer's key. The zero value lets nobody else in.
type Callout struct {
	Issuer string // public nkey of an account
	XKey   string // public curve key for which the server seals what it asks
}

// Embedded is a NATS server in this process. Its methods are safe for concurrent use.
type Embedded struct {
	server *server.Server
	lock   *flock.Flock
	once   sync.Once
	auth   credentials
}

// credentials are written for other processes of the same machine, as the command line's log commands.
type credentials struct {
	URL  string `json:"url"`
	Seed string `json:"seed"` // of the nkey of the one user who may do everything

	key nkeys.KeyPair
}

// newCredentials makes a key that lives as long as the server.
func newCredentials() (c credentials, public string, err error) {
	if c.key, err = nkeys.CreateUser(); err != nil {
		return c, "", err
	}
	seed, err := c.key.Seed()
	if err != nil {
		return c, "", err
	}
	c.Seed = string(seed)
	public, err = c.key.PublicKey()
	return c, public, err
}

// option signs the server's challenge.
func (c credentials) option() nats.Option {
	public, _ := c.key.PublicKey() // of a key pair that was just made
	return nats.Nkey(public, c.key.Sign)
}

// StartEmbedded locks the directory, then starts a server that stores below it and listens on loopback with generated credentials,
// written to nats.json there with mode 0600. The error wraps [ErrLocked] when another server works in the directory: two servers on one
// directory would both acknowledge the same sequence.
func StartEmbedded(o EmbeddedOptions) (*Embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start embedded NATS: %w", err)
	}
	lock := flock.New(filepath.Join(o.Dir, "lock"))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", o.Dir, err)
	case !ok:
		return nil, fmt.Errorf("%w: %s is locked by another Dutyline; stop that one, or give this one a directory of its own with --data", ErrLocked, o.Dir)
	}
	e := &Embedded{lock: lock}
	if err := e.start(o); err != nil {
		return nil, errors.Join(fmt.Errorf("start embedded NATS in %s: %w", o.Dir, err), lock.Unlock())
	}
	return e, nil
}

func (e *Embedded) start(o EmbeddedOptions) error {
	auth, public, err := newCredentials()
	if err != nil {
		return err
	}
	e.auth = auth
	options := &server.Options{
		ServerName: "dutyline", Host: "127.0.0.1", Port: server.RANDOM_PORT, DontListen: o.DontListen,
		Nkeys:     []*server.NkeyUser{{Nkey: public}},
		JetStream: true, StoreDir: filepath.Join(o.Dir, "nats"), SyncAlways: !o.NoSync, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 40,
		NoSigs: true, NoLog: true, LameDuckDuration: 20 * time.Millisecond, LameDuckGracePeriod: time.Millisecond,
	}
	if o.Callout.Issuer != "" {
		options.AuthCallout = &server.AuthCallout{Issuer: o.Callout.Issuer, XKey: o.Callout.XKey, Account: server.DEFAULT_GLOBAL_ACCOUNT, AuthUsers: []string{public}}
	}
	if e.server, err = server.NewServer(options); err != nil {
		return err
	}
	if o.Logger != nil {
		e.server.SetLogger(bridge{o.Logger.Named("nats").Sugar()}, false, false)
	}
	e.server.Start()
	if !e.server.ReadyForConnections(30 * time.Second) {
		e.server.Shutdown()
		return errors.New("it did not become ready within 30 s")
	}
	if o.Callout.Issuer != "" {
		if err := e.letKick(); err != nil {
			e.server.Shutdown()
			return err
		}
	}
	if o.DontListen {
		return nil
	}
	e.auth.URL = e.server.ClientURL()
	data, err := json.Marshal(e.auth)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.Dir, "nats.json"), append(data, '\n'), 0o600)
}

// kickSubject is where the server takes the wish to end a connection.
const kickSubject = "$SYS.REQ.SERVER.*.KICK"

// letKick lets the server's own users end connections, as the configuration of an external server would by an export and an import.
func (e *Embedded) letKick() error {
	system, global := e.server.SystemAccount(), e.server.GlobalAccount()
	if err := system.AddServiceExport(kickSubject, []*server.Account{global}); err != nil {
		return err
	}
	return global.AddServiceImport(system, kickSubject, kickSubject)
}

// URL is where the server listens, "" where it does not.
func (e *Embedded) URL() string { return e.auth.URL }

// InProcess is how a client in this process reaches the server without TCP; what it may do depends on its credentials.
func (e *Embedded) InProcess() nats.Option { return nats.InProcessServer(e.server) }

// Connect makes an in-process connection that may do everything.
func (e *Embedded) Connect(opts ...nats.Option) (*nats.Conn, error) {
	opts = append([]nats.Option{
		nats.Name("dutyline"), e.InProcess(), e.auth.option(),
		nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
	}, opts...)
	nc, err := nats.Connect("", opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded NATS: %w", err)
	}
	return nc, nil
}

// Shutdown lets clients finish, stops the server and gives the directory free. It may be called more than once.
func (e *Embedded) Shutdown() {
	e.once.Do(func() {
		if e.auth.URL != "" {
			e.server.LameDuckShutdown()
		}
		e.server.Shutdown() // a server without a listener knows no lame duck; after one it returns at once
		e.server.WaitForShutdown()
		_ = e.lock.Unlock()
	})
}

// bridge hands the server's warnings and errors on.
type bridge struct{ log *zap.SugaredLogger }

func (bridge) Noticef(string, ...any)           {}
func (bridge) Debugf(string, ...any)            {}
func (bridge) Tracef(string, ...any)            {}
func (b bridge) Warnf(format string, v ...any)  { b.log.Warnf(format, v...) }
func (b bridge) Errorf(format string, v ...any) { b.log.Errorf(format, v...) }
func (b bridge) Fatalf(format string, v ...any) { b.log.Errorf(format, v...) }
