package natsdoor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

const (
	// name is that of the micro service and of the queue group.
	name = "dutyline"
	// version is that of the interface, not of the program.
	version = "1.0.0"
	// patience bounds one call.
	patience = 30 * time.Second
	// drain is how long calls under way may take when the door closes.
	drain = 5 * time.Second
)

// An Intake takes what senders say; *intake.Service is one. Safe for concurrent use. Errors: those of package intake.
type Intake interface {
	Raise(ctx context.Context, sender, key string, body []byte) (intake.Result, error)
	Show(ctx context.Context, sender string, ref request.Ref) (request.Receipt, error)
	Amend(ctx context.Context, sender string, ref request.Ref, version int, patch []byte) (intake.Result, error)
	Withdraw(ctx context.Context, sender string, ref request.Ref, reason string) (intake.Result, error)
}

// A Directory knows who may call; *directory.Directory is one. Safe for concurrent use.
type Directory interface {
	// Authenticate gives who presents a token. The error is [directory.ErrToken].
	Authenticate(text string, now time.Time) (directory.Principal, error)
	// Principal gives who a token belongs to while it is valid. The error is [directory.ErrToken].
	Principal(token string, now time.Time) (directory.Principal, error)
	// Sender gives one sender, revoked ones too.
	Sender(id string) (directory.Sender, bool)
	// Changed is closed at the next change.
	Changed() <-chan struct{}
}

var (
	_ Intake    = (*intake.Service)(nil)
	_ Directory = (*directory.Directory)(nil)
)

// Options are what a door is made with. All fields without a remark are required.
type Options struct {
	Conn      *nats.Conn // of the door alone: it closes it
	Intake    Intake
	Directory Directory
	// WaitFor returns when this node has read a position of the log, or with ctx's error.
	WaitFor func(ctx context.Context, position uint64) error
	Keys    Keys             // the zero value: who may connect, and may do what, is the configuration of NATS alone
	Node    string           // name of this node, for operators; "": none
	Build   string           // of the program, for operators; "": not known
	Now     func() time.Time // the node's now
	Logger  *zap.Logger      // nil: nothing is logged
}

// A Door serves senders on NATS. It is safe for concurrent use.
type Door struct {
	Options
	service  micro.Service
	send     func(*nats.Msg) error
	statuses chan *request.State
	before   int // subscriptions of the connection before the door had any

	work    context.Context //nolint:containedctx // of the calls: it ends when they are abandoned
	abandon context.CancelFunc
	bounds  bounds
	calls   sync.WaitGroup
	loops   sync.WaitGroup
	end     chan struct{} // closed by Close
	drained sync.Once
	closed  sync.Once
	callout *callout // nil: NATS does not ask
}

// New makes a door that [Door.Open] opens. A status that changes before waits.
func New(o Options) (*Door, error) {
	var missing []error
	for what, absent := range map[string]bool{
		"connection": o.Conn == nil, "intake": o.Intake == nil, "directory": o.Directory == nil, "wait for": o.WaitFor == nil, "now": o.Now == nil,
	} {
		if absent {
			missing = append(missing, fmt.Errorf("make the door on NATS: %s is missing", what))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	d := &Door{Options: o, send: o.Conn.PublishMsg, statuses: make(chan *request.State, backlog), bounds: newBounds(), end: make(chan struct{})}
	d.work, d.abandon = context.WithCancel(context.Background())
	return d, nil
}

// Open begins to serve.
func (d *Door) Open() error {
	d.before = d.Conn.NumSubscriptions()
	if d.Keys != (Keys{}) {
		d.callout = newCallout(d.Options)
		d.before = d.Conn.NumSubscriptions()
		if err := d.callout.open(); err != nil {
			return fmt.Errorf("open the door on NATS: %w", err)
		}
		d.loops.Go(func() { d.callout.watch(d.end) })
	}
	var err error
	d.service, err = micro.AddService(d.Conn, micro.Config{
		Name: name, Version: version, QueueGroup: name, Description: "Urgent assistance requests: dutyline.v1.<sender>.raise|amend|show|withdraw",
		Metadata: map[string]string{"node": d.Node, "build": d.Build, "status": statusSubject("<sender>", "<reference>")},
		ErrorHandler: func(_ micro.Service, err *micro.NATSError) {
			d.Logger.Warn("NATS reports trouble with the door", zap.String("endpoint", err.Subject), zap.String("trouble", err.Description))
		},
	})
	if err != nil {
		return fmt.Errorf("open the door on NATS: %w", err)
	}
	for _, e := range d.endpoints() {
		handler := micro.HandlerFunc(func(r micro.Request) { d.take(e, r) })
		if err := d.service.AddEndpoint(e.name, handler, micro.WithEndpointSubject(prefix+"*."+e.name), micro.WithEndpointMetadata(e.metadata)); err != nil {
			return fmt.Errorf("open the door on NATS: %w", err)
		}
	}
	d.loops.Go(d.tell)
	if err := d.flush(); err != nil {
		return fmt.Errorf("open the door on NATS: %w", err)
	}
	return nil
}

// flush returns when NATS has what was written to it.
func (d *Door) flush() error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	return d.Conn.FlushWithContext(ctx)
}

// Drain takes nothing more, and returns when what had arrived is answered: other nodes serve from now on. A status that changes is still told.
func (d *Door) Drain() {
	d.drained.Do(func() {
		if d.service != nil {
			_ = d.service.Stop()
		}
		d.callout.close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.arrived()
			d.calls.Wait()
		}()
		select {
		case <-done:
		case <-time.After(drain):
			d.Logger.Warn("calls over NATS were abandoned: they took too long")
		}
		d.abandon()
		_ = d.flush()
	})
}

// arrived waits until everything that NATS delivered before the door drained was handed over.
func (d *Door) arrived() {
	for d.work.Err() == nil && !d.Conn.IsClosed() && d.Conn.NumSubscriptions() > d.before {
		time.Sleep(5 * time.Millisecond)
	}
}

// Close drains, tells what is left to tell, and closes the connection. It may be called more than once.
func (d *Door) Close() {
	d.Drain()
	d.closed.Do(func() { close(d.end) })
	d.loops.Wait()
	_ = d.flush()
	d.Conn.Close()
}
