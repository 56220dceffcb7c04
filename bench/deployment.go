package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/vault"
)

// A deployment is what `dutyline serve` needs around it, all in this process and on loopback: NATS, which syncs every append, Redis and the
// telephone provider. The node has its memory for itself.
type deployment struct {
	run      *run
	dir      string
	provider *provider
	cache    *miniredis.Miniredis
	nats     *server.Server
	password string
	key      vault.Key
	env      []string
	port     int // of NATS, in every life of it
	listen   string
	token    string // of a coordinator
}

// deploy starts the neighbours and stores a roster, with one life of a node that ends again.
func (r *run) deploy(ctx context.Context, b roster.Book, levels string) (d *deployment, err error) {
	d = &deployment{run: r, password: nats.NewInbox(), key: vault.NewDeploymentKey(), cache: miniredis.NewMiniRedis(), port: server.RANDOM_PORT}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.dir, err = os.MkdirTemp(r.dir, "deployment-"); err != nil {
		return d, err
	}
	if d.provider, err = startProvider(); err != nil {
		return d, err
	}
	if err = d.cache.StartAddr("127.0.0.1:0"); err != nil {
		return d, err
	}
	if d.listen, err = freeAddress(); err != nil {
		return d, err
	}
	if err = d.startNATS(); err != nil {
		return d, err
	}
	d.env = append(d.provider.environ(),
		"DUTYLINE_LISTEN="+d.listen, "DUTYLINE_PUBLIC_URL=http://"+d.listen, "DUTYLINE_DATA_DIR="+filepath.Join(d.dir, "node"),
		"DUTYLINE_NATS_URL="+d.natsURL(), "DUTYLINE_REDIS_URL=redis://"+d.cache.Addr(), "DUTYLINE_DEPLOYMENT_KEY="+hex.EncodeToString(d.key[:]),
		"DUTYLINE_POLICY_LEVELS="+levels, "DUTYLINE_POLICY_WAITS_URGENT="+openWait.String(), "DUTYLINE_LOG_LEVEL=error",
	)
	if err = os.WriteFile(d.config(), []byte("{}\n"), 0o600); err != nil {
		return d, err
	}
	loaded, err := config.Load("", d.env)
	if err != nil {
		return d, err
	}
	if _, d.token, err = app.MintToken(ctx, app.Options{Config: loaded, Logger: zap.NewNop()}, directory.RoleCoordinator, "bench", time.Hour); err != nil {
		return d, err
	}
	node, err := d.serve(ctx)
	if err != nil {
		return d, err
	}
	defer node.stop()
	c := d.client()
	if err = node.until(ctx, func() error {
		_, err := c.Roster(ctx)
		return err
	}); err != nil {
		return d, err
	}
	_, err = c.PutRoster(ctx, b, 0, "people to measure with")
	return d, err
}

func (d *deployment) config() string { return filepath.Join(d.dir, "dutyline.yaml") }

// client speaks to the node as a coordinator.
func (d *deployment) client() *client.Client { return client.New("http://"+d.listen, d.token) }

// serve starts a node.
func (d *deployment) serve(ctx context.Context) (*process, error) {
	return d.run.start(ctx, d.env, "serve", "--config", d.config())
}

// serveReady starts a node and waits until it pages, and gives how long that took since its process began.
func (d *deployment) serveReady(ctx context.Context) (*process, time.Duration, error) {
	node, err := d.serve(ctx)
	if err != nil {
		return nil, 0, err
	}
	c := d.client()
	if err := node.until(ctx, func() error { return ready(ctx, c) }); err != nil {
		node.stop()
		return nil, 0, err
	}
	return node, time.Since(node.began), nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// natsUser is the one user of the server.
const natsUser = "bench"

// startNATS serves what lies in the deployment's directory, as a production server would.
func (d *deployment) startNATS() (err error) {
	d.nats, err = d.startServer(true)
	return err
}

func (d *deployment) startServer(sync bool) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: d.port, Username: natsUser, Password: d.password,
		JetStream: true, StoreDir: filepath.Join(d.dir, "nats"), SyncAlways: sync, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		s.Shutdown()
		return nil, fmt.Errorf("NATS is not ready within %s", patience)
	}
	d.port = s.Addr().(*net.TCPAddr).Port
	return s, nil
}

func (d *deployment) natsURL() string {
	return fmt.Sprintf("nats://%s:%s@%s", natsUser, d.password, d.nats.Addr())
}

// connect opens a connection to the log, as a node has one.
func (d *deployment) connect() (*nats.Conn, error) { return nats.Connect(d.natsURL()) }

func (d *deployment) stopNATS() {
	d.nats.Shutdown()
	d.nats.WaitForShutdown()
}

// close ends everything, and leaves nothing behind.
func (d *deployment) close() error {
	if d.nats != nil {
		d.stopNATS()
	}
	d.cache.Close()
	if d.provider != nil {
		d.provider.close()
	}
	return os.RemoveAll(d.dir)
}

// scan reads the log in some way and gives how long that took, over a connection like a node's.
func (d *deployment) scan(ctx context.Context, read func(context.Context, *eventlog.Log) error) (time.Duration, error) {
	nc, err := d.connect()
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	log, err := eventlog.Open(ctx, nc, eventlog.Requests, 1)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	err = read(ctx, log)
	return time.Since(begin), err
}
