package natsdoor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/directory"
)

const (
	calloutSubject = "$SYS.REQ.USER.AUTH"
	whoAmI         = "$SYS.REQ.USER.INFO"
	kickSubject    = "$SYS.REQ.SERVER.%s.KICK"
	xkeyHeader     = "Nats-Server-Xkey"

	// lease is how long a permission lasts: after it NATS ends the connection, and the client comes back by itself. A revocation takes
	// effect after this at the latest.
	lease = time.Hour
	// look is how often tokens that lapsed by themselves are sought.
	look = time.Minute
	// ask bounds a question to NATS.
	ask = 2 * time.Second
	// maxGuests bounds the connections that a node remembers to end; those beyond it end with their lease.
	maxGuests = 10_000
)

// guest is a connection that was let in.
type guest struct {
	server string
	client uint64
}

// leaseOf is what a guest was let in with.
type leaseOf struct {
	token string // id
	until time.Time
}

// callout answers what NATS asks about those who connect.
type callout struct {
	Options
	subscription *nats.Subscription

	mu      sync.Mutex
	account string // of NATS, in which nodes and senders are; "" until NATS said it
	guests  map[guest]leaseOf
	cannot  bool // end connections; it was said
}

func newCallout(o Options) *callout {
	c := &callout{Options: o, guests: map[guest]leaseOf{}}
	_, _ = c.place() // asked again when it is needed
	return c
}

func (c *callout) open() error {
	var err error
	c.subscription, err = c.Conn.QueueSubscribe(calloutSubject, name, c.answer)
	return err
}

func (c *callout) close() {
	if c != nil && c.subscription != nil {
		_ = c.subscription.Drain()
	}
}

// place is the account in which this node is, and senders will be.
func (c *callout) place() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account != "" {
		return c.account, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), ask)
	defer cancel()
	reply, err := c.Conn.RequestWithContext(ctx, whoAmI, nil)
	if err != nil {
		return "", fmt.Errorf("ask NATS for the account: %w", err)
	}
	var info struct {
		Data struct {
			Account string `json:"account"`
		} `json:"data"`
	}
	if err := json.Unmarshal(reply.Data, &info); err != nil || info.Data.Account == "" {
		return "", errors.New("ask NATS for the account: the answer is not readable")
	}
	c.account = info.Data.Account
	return c.account, nil
}

// answer answers one question. What is no question of a NATS server is not answered.
func (c *callout) answer(m *nats.Msg) {
	defer func() {
		if trouble := recover(); trouble != nil { // NATS lets nobody in whom nobody answers for; the node goes on
			c.Logger.Error("panic while NATS asks about somebody", zap.String("panic", fmt.Sprintf("%T", trouble)), zap.Stack("stack"))
		}
	}()
	data, xkey := m.Data, m.Header.Get(xkeyHeader)
	if xkey != "" {
		var err error
		if data, err = c.Keys.box.Open(data, xkey); err != nil {
			c.Logger.Warn("NATS asks about somebody, sealed for another key: set the xkey of its auth_callout anew")
			return
		}
	}
	question, err := jwt.DecodeAuthorizationRequestClaims(string(data))
	if err != nil {
		c.Logger.Warn("NATS asks about somebody in a way that is not understood")
		return
	}
	response := jwt.NewAuthorizationResponseClaims(question.UserNkey)
	response.Audience = question.Server.ID
	response.Jwt, err = c.admit(question)
	switch {
	case errors.Is(err, directory.ErrToken):
		response.Error = directory.ErrToken.Error()
	case err != nil:
		c.Logger.Error("nobody can be let in", zap.Error(err))
		response.Error = "not available now"
	}
	signed, err := response.Encode(c.Keys.issuer)
	if err != nil {
		c.Logger.Error("a permission cannot be signed", zap.Error(err))
		return
	}
	out := []byte(signed)
	if xkey != "" {
		if out, err = c.Keys.box.Seal(out, xkey); err != nil {
			c.Logger.Error("a permission cannot be sealed", zap.Error(err))
			return
		}
	}
	_ = m.Respond(out) // NATS turns away whom nobody answers for
}

// admit signs the permissions of who presents a sender's token, as token or as password. Whatever else the client says of itself counts for
// nothing. The error is [directory.ErrToken] for everybody who is not a sender.
func (c *callout) admit(question *jwt.AuthorizationRequestClaims) (string, error) {
	presented := question.ConnectOptions
	who, err := c.Directory.Authenticate(cmp.Or(presented.Token, presented.Password), c.Now())
	if err != nil || who.Role != directory.RoleSender {
		return "", directory.ErrToken
	}
	account, err := c.place()
	if err != nil {
		return "", err
	}
	asked := time.Unix(question.IssuedAt, 0) // by the clock of the server that will end it
	claims := jwt.NewUserClaims(question.UserNkey)
	claims.Name, claims.Audience, claims.Expires = who.Subject, account, asked.Add(lease).Unix()
	claims.Permissions = permissions(who.Subject)
	claims.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard, jwt.ConnectionTypeWebsocket, jwt.ConnectionTypeInProcess)
	signed, err := claims.Encode(c.Keys.issuer)
	if err != nil {
		return "", fmt.Errorf("sign a permission: %w", err)
	}
	c.remember(guest{question.Server.ID, question.ClientInformation.ID}, leaseOf{who.TokenID, time.Now().Add(lease)})
	return signed, nil
}

func (c *callout) remember(g guest, l leaseOf) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.guests) >= maxGuests {
		now := time.Now()
		maps.DeleteFunc(c.guests, func(_ guest, l leaseOf) bool { return !now.Before(l.until) })
	}
	if len(c.guests) < maxGuests {
		c.guests[g] = l
	}
}

// watch ends the connections whose token is valid no more, until end is closed.
func (c *callout) watch(end <-chan struct{}) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { // a NATS that does not answer holds up no shutdown
		select {
		case <-end:
			stop()
		case <-ctx.Done():
		}
	}()
	for {
		changed := c.Directory.Changed()
		for g, l := range c.unwelcome() {
			if !c.kick(ctx, g) {
				c.remember(g, l) // until the next look, or the end of the lease
			}
		}
		select {
		case <-end:
			return
		case <-changed:
		case <-time.After(look):
		}
	}
}

// unwelcome takes out those whose token is valid no more, and forgets those whose lease is over.
func (c *callout) unwelcome() map[guest]leaseOf {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := map[guest]leaseOf{}
	for g, l := range c.guests {
		if !time.Now().Before(l.until) {
			delete(c.guests, g)
		} else if _, err := c.Directory.Principal(l.token, c.Now()); err != nil {
			delete(c.guests, g)
			list[g] = l
		}
	}
	return list
}

// kick asks the server to end a connection, and reports whether it took that. It does so where the account of the nodes was given the
// right; elsewhere the lease ends it.
func (c *callout) kick(ctx context.Context, g guest) bool {
	if ctx.Err() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	data, err := json.Marshal(map[string]uint64{"cid": g.client})
	if err != nil {
		return true // never: a number encodes
	}
	if _, err = c.Conn.RequestWithContext(ctx, fmt.Sprintf(kickSubject, g.server), data); err == nil || c.cannot || errors.Is(err, context.Canceled) {
		return err == nil
	}
	c.cannot = true // this loop's alone
	c.Logger.Warn("NATS does not let this node end connections; a revoked token stays connected for up to an hour", zap.Error(err))
	return false
}
