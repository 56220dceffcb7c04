// Package presence tells the nodes of a deployment of each other: a beat a second on core NATS, stored nowhere.
//
//	node ──▶ dutyline.presence {node, time, build, serves} ──▶ every node
//
// A node that was not heard for three seconds is gone, one that is heard again is back, and one that starts under the same name is the same
// node. Who comes asks, and is answered at once; who goes in order says so. What a node missed because it was itself stopped (a debugger, a
// suspended machine) counts for nothing: it listens for three seconds before it takes others for gone. Without NATS a node hears nobody and
// is alone; nothing that is decided then can do harm, because the log takes a decision only from whoever knows its head.
package presence

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// Subject is where the beats go. A NATS user of a node must be allowed to publish and subscribe to it.
const Subject = "dutyline.presence"

const (
	beatEvery = time.Second
	goneAfter = 3 * time.Second
	lookEvery = 250 * time.Millisecond // for who is gone, and what changed here
	backlog   = 1024                   // beats that may wait while this node is busy; more are dropped
)

// A Beat is what a node says of itself.
type Beat struct {
	Node   string    `json:"node"`
	Life   string    `json:"life"` // of this run of the node; [Follow] fills it in
	Time   time.Time `json:"time"` // by its clock
	Build  string    `json:"build,omitempty"`
	Serves bool      `json:"serves"`         // it takes part
	Last   bool      `json:"last,omitempty"` // it ranks after all others
	Asks   bool      `json:"asks,omitempty"` // whoever hears it answers with a beat at once
}

// same reports whether two beats of a node say the same to whoever ranks it.
func (b Beat) same(other Beat) bool {
	return b.Node == other.Node && b.Serves == other.Serves && b.Last == other.Last
}

// Follow announces this node by what self says, and calls fn with the last beats of the other nodes that serve, by name, at first and
// whenever who they are or what anyone says of itself changes, until ctx ends. Then it says that this node serves no more. fn and self are called from
// one goroutine.
func Follow(ctx context.Context, nc *nats.Conn, self func() Beat, fn func([]Beat), logger *zap.Logger) error {
	beats := make(chan *nats.Msg, backlog)
	subscription, err := nc.ChanSubscribe(Subject, beats)
	if err != nil {
		return fmt.Errorf("listen for other nodes: %w", err)
	}
	defer func() { _ = subscription.Unsubscribe() }()
	g := &group{nc: nc, self: self, life: rand.Text(), fn: fn, log: logger, heard: map[string]heard{}}
	g.looked = time.Now()
	g.beat(true)
	g.toldAs = g.said
	fn(nil)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			g.leave()
			return ctx.Err()
		case m := <-beats:
			g.hear(m.Data)
		case <-look.C:
			if nc.IsClosed() { // for ever, as against one that reconnects
				return fmt.Errorf("listen for other nodes: %w", nats.ErrConnectionClosed)
			}
			g.look()
		}
		g.tell()
	}
}

type heard struct {
	beat Beat
	at   time.Time
}

// group is one node's view of all.
type group struct {
	nc    *nats.Conn
	self  func() Beat
	life  string
	fn    func([]Beat)
	log   *zap.Logger
	heard map[string]heard

	looked time.Time // when it last looked for who is gone
	said   Beat      // last
	saidAt time.Time
	told   []Beat // to fn, last …
	toldAs Beat   // … when this node said so of itself
	twin   bool   // another process goes by this node's name
}

// beat says what this node is. While there is no connection it says nothing: a beat that waited would lie about its time.
func (g *group) beat(asks bool) {
	b := g.self()
	b.Life, b.Asks = g.life, asks
	g.said, g.saidAt = b, time.Now()
	g.publish(b)
}

func (g *group) publish(b Beat) {
	data, err := json.Marshal(b)
	if err != nil || !g.nc.IsConnected() {
		return
	}
	_ = g.nc.Publish(Subject, data) // who is not heard is gone: that is what this is for
}

func (g *group) leave() {
	b := g.said
	b.Serves, b.Asks = false, false
	g.publish(b)
	ctx, cancel := context.WithTimeout(context.Background(), lookEvery)
	defer cancel()
	_ = g.nc.FlushWithContext(ctx)
}

func (g *group) hear(data []byte) {
	var b Beat
	if json.Unmarshal(data, &b) != nil || b.Node == "" {
		return
	}
	if b.Node == g.said.Node {
		if b.Life != g.life && b.Serves && !g.twin {
			g.twin = true
			g.log.Error("another process runs under the name of this node: give each node its own", zap.String("node", b.Node))
		}
		return
	}
	if b.Asks {
		g.beat(false)
	}
	g.heard[b.Node] = heard{b, time.Now()}
}

// look forgets who was not heard for too long, and speaks when it is time.
func (g *group) look() {
	now := time.Now()
	if missed := now.Sub(g.looked); missed > beatEvery { // stopped meanwhile: what was said then may be on its way yet
		for name, h := range g.heard {
			h.at = h.at.Add(missed)
			g.heard[name] = h
		}
	}
	g.looked = now
	maps.DeleteFunc(g.heard, func(_ string, h heard) bool { return now.Sub(h.at) >= goneAfter })
	if now.Sub(g.saidAt) >= beatEvery || !g.self().same(g.said) {
		g.beat(false)
	}
}

// tell hands on who serves, when that is news.
func (g *group) tell() {
	var serving []Beat
	for _, h := range g.heard {
		if h.beat.Serves {
			serving = append(serving, h.beat)
		}
	}
	slices.SortFunc(serving, func(a, b Beat) int { return cmp.Compare(a.Node, b.Node) })
	if slices.EqualFunc(serving, g.told, Beat.same) && g.said.same(g.toldAs) {
		return
	}
	g.told, g.toldAs = serving, g.said
	g.fn(slices.Clone(serving))
}
