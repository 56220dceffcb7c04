package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Condition is how a stream is kept by the servers.
type Condition struct {
	Exists   bool
	Misfit   error     // a setting that loses events, and how to mend it; nil: none
	Replicas int       // that it is configured with
	Current  int       // of them, those that have everything, the leader included
	Lag      uint64    // entries that the slowest replica is behind
	Time     time.Time // of the server that leads it
}

// Inspect looks at a stream and changes nothing: one that is absent is not made. The error is that of an unreachable server.
func Inspect(ctx context.Context, nc *nats.Conn, s Stream) (Condition, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return Condition{}, fmt.Errorf("look at stream %s: %w", s.Name, err)
	}
	stream, err := js.Stream(ctx, s.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return Condition{}, nil
	}
	if err != nil {
		return Condition{}, readError(ctx, "look at stream "+s.Name, err)
	}
	info := stream.CachedInfo()
	c := Condition{Exists: true, Misfit: fits(info.Config, s.config()), Replicas: info.Config.Replicas, Current: 1, Time: info.TimeStamp}
	if info.Cluster == nil {
		return c, nil
	}
	if info.Cluster.Leader == "" {
		c.Current = 0
	}
	for _, peer := range info.Cluster.Replicas {
		if peer.Current && !peer.Offline {
			c.Current++
		}
		c.Lag = max(c.Lag, peer.Lag)
	}
	return c, nil
}

// A Disk is how a server treats its disk.
type Disk struct {
	Server string
	Always bool // an acknowledged entry is on the disk
}

// serverVars is the subject on which every server of the deployment tells its settings, to the system account alone.
const serverVars = "$SYS.REQ.SERVER.PING.VARZ"

// Disks asks every server whether it syncs each entry before it acknowledges it, and waits for their answers until ctx ends. Only the system account may
// ask; the list is empty when nobody answers.
func Disks(ctx context.Context, nc *nats.Conn) ([]Disk, error) {
	inbox, err := nc.SubscribeSync(nats.NewInbox())
	if err != nil {
		return nil, fmt.Errorf("ask the servers for their settings: %w", err)
	}
	defer func() { _ = inbox.Unsubscribe() }()
	if err := nc.PublishRequest(serverVars, inbox.Subject, nil); err != nil {
		return nil, fmt.Errorf("ask the servers for their settings: %w", err)
	}
	var disks []Disk
	for {
		m, err := inbox.NextMsgWithContext(ctx)
		if err != nil {
			return disks, nil // time is over, or nobody may hear the question
		}
		var answer struct {
			Server struct {
				Name string `json:"name"`
			} `json:"server"`
			Data struct {
				JetStream struct {
					Config *struct {
						SyncAlways bool `json:"sync_always"`
					} `json:"config"`
				} `json:"jetstream"`
			} `json:"data"`
		}
		if json.Unmarshal(m.Data, &answer) == nil && answer.Data.JetStream.Config != nil {
			disks = append(disks, Disk{Server: answer.Server.Name, Always: answer.Data.JetStream.Config.SyncAlways})
		}
	}
}
