package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	// ErrToken says that a token is unknown, expired or revoked; deliberately not which.
	ErrToken = errors.New("the token is not valid")
	// ErrNotFound says that there is no sender or token of that id.
	ErrNotFound = errors.New("not in the directory")
	// ErrInvalid says that a new entry cannot be taken as it is.
	ErrInvalid = errors.New("not valid")
	// ErrConflict is what a [Log] answers when the head is not the expected one.
	ErrConflict = errors.New("the directory has moved on")
)

// A Log is the stream DIRECTORY. Implementations are safe for concurrent use.
type Log interface {
	// Append stores a document, expecting the subject's last sequence (0: none), and fails with [ErrConflict] when that is another.
	Append(ctx context.Context, subject, id string, data []byte, expect uint64) (seq uint64, err error)
	// Follow calls fn for every document after a sequence, in order, until ctx ends or fn fails; it returns that error.
	Follow(ctx context.Context, after uint64, fn func(seq uint64, subject string, data []byte) error) error
	// Head is the last sequence.
	Head(ctx context.Context) (uint64, error)
}

// A Role is what a token may do.
type Role string

// The roles.
const (
	RoleSender      Role = "sender"
	RoleOfficer     Role = "officer"
	RoleCoordinator Role = "coordinator"
)

// A Sender is a contact point that may raise requests.
type Sender struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	State   string     `json:"state"` // ISO 3166-1 alpha-2
	Webhook string     `json:"webhook,omitempty"`
	Email   string     `json:"email,omitempty"` // kept for a channel to come: nothing is sent there yet
	Added   time.Time  `json:"added"`
	Revoked *time.Time `json:"revoked"`
}

// A NewSender is what is known of a sender who is added. Webhook and Email may be "".
type NewSender struct{ Name, State, Webhook, Email string }

// validEmail reports whether a text is one address and nothing else.
func validEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= 254
}

// A Token is a credential as it is stored and listed: without its secret.
type Token struct {
	ID      string     `json:"id"`
	Hash    string     `json:"hash,omitempty"` // SHA-256 of the secret, hexadecimal; never listed
	Role    Role       `json:"role"`
	Subject string     `json:"subject"` // id of the sender or of the person
	Added   time.Time  `json:"added"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked"`
}

// A Principal is who presented a token.
type Principal struct {
	Role    Role
	Subject string
	TokenID string
}

// A Directory is the stream in memory. It is safe for concurrent use.
type Directory struct {
	// LoopbackWebhooks takes webhooks on this machine over http, too: for trying out. Set it before first use.
	LoopbackWebhooks bool

	log     Log
	mu      sync.RWMutex
	moved   chan struct{} // closed and replaced at every document
	last    uint64
	senders map[string]row[Sender]
	tokens  map[string]row[Token]
}

type row[T any] struct {
	doc T
	seq uint64
}

// New makes an empty directory; [Directory.Run] fills it.
func New(log Log) *Directory {
	return &Directory{log: log, moved: make(chan struct{}), senders: map[string]row[Sender]{}, tokens: map[string]row[Token]{}}
}

// Run follows the stream until ctx ends.
func (d *Directory) Run(ctx context.Context) error {
	return d.log.Follow(ctx, 0, func(seq uint64, subject string, data []byte) error {
		d.take(seq, subject, data)
		return nil
	})
}

// Ready waits until everything is read that the stream holds at the moment of the call.
func (d *Directory) Ready(ctx context.Context) error {
	head, err := d.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the directory: %w", err)
	}
	return d.wait(ctx, head)
}

// Changed is closed when the next document was read.
func (d *Directory) Changed() <-chan struct{} {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.moved
}

func (d *Directory) take(seq uint64, subject string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch kind, id, _ := strings.Cut(strings.TrimPrefix(subject, "directory."), "."); kind {
	case "sender":
		read(d.senders, id, seq, data)
	case "token":
		read(d.tokens, id, seq, data)
	}
	d.last = seq
	close(d.moved)
	d.moved = make(chan struct{})
}

// read keeps a document. One that cannot be read counts as absent: a token that nobody understands admits nobody.
func read[T any](into map[string]row[T], id string, seq uint64, data []byte) {
	var doc T
	if json.Unmarshal(data, &doc) != nil {
		delete(into, id)
		return
	}
	into[id] = row[T]{doc, seq}
}

// wait returns when the memory has a sequence.
func (d *Directory) wait(ctx context.Context, seq uint64) error {
	for {
		d.mu.RLock()
		there, moved := d.last >= seq, d.moved
		d.mu.RUnlock()
		if there {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for the directory: %w", ctx.Err())
		}
	}
}

func (d *Directory) put(ctx context.Context, subject string, expect uint64, doc any) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	seq, err := d.log.Append(ctx, subject, rand.Text(), data, expect)
	if err != nil {
		return err
	}
	return d.wait(ctx, seq)
}

// newID is a short random name.
func newID() string { return strings.ToLower(rand.Text()[:8]) }

// AddSender enters a sender. The error wraps [ErrInvalid] when name, State or webhook cannot be taken.
func (d *Directory) AddSender(ctx context.Context, in NewSender, now time.Time) (Sender, error) {
	s := Sender{
		ID: newID(), Name: strings.TrimSpace(in.Name), State: strings.ToUpper(strings.TrimSpace(in.State)), Webhook: in.Webhook,
		Email: strings.TrimSpace(in.Email), Added: now.UTC(),
	}
	switch {
	case s.Name == "" || len(s.Name) > 200:
		return Sender{}, fmt.Errorf("add sender: %w: the name is needed, at most 200 bytes", ErrInvalid)
	case len(s.State) != 2 || strings.Trim(s.State, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return Sender{}, fmt.Errorf("add sender: %w: the State is two letters (ISO 3166-1), as in FR", ErrInvalid)
	case s.Webhook != "" && !d.validWebhook(s.Webhook):
		return Sender{}, fmt.Errorf("add sender: %w: the webhook must begin with https:// and a host, and carry no password and no fragment", ErrInvalid)
	case s.Email != "" && !validEmail(s.Email):
		return Sender{}, fmt.Errorf("add sender: %w: the e-mail address is one address alone, as in duty@police.example", ErrInvalid)
	}
	if err := d.put(ctx, "directory.sender."+s.ID, 0, s); err != nil {
		return Sender{}, fmt.Errorf("add sender: %w", err)
	}
	return s, nil
}

// maxWebhook is the longest address in bytes.
const maxWebhook = 2000

func (d *Directory) validWebhook(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxWebhook || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || (err == nil && ip.IsLoopback())
	return u.Scheme == "https" || (u.Scheme == "http" && d.LoopbackWebhooks && here)
}

// RevokeSender ends a sender and all its tokens. Revoking twice is no error.
func (d *Directory) RevokeSender(ctx context.Context, id string, now time.Time) (Sender, error) {
	d.mu.RLock()
	r, ok := d.senders[id]
	d.mu.RUnlock()
	if !ok {
		return Sender{}, fmt.Errorf("revoke sender: %w", ErrNotFound)
	}
	s := r.doc
	if s.Revoked == nil {
		at := now.UTC()
		s.Revoked = &at
		if err := d.put(ctx, "directory.sender."+id, r.seq, s); err != nil {
			return Sender{}, fmt.Errorf("revoke sender: %w", err)
		}
	}
	return s, nil // its tokens are refused with it
}

// AddToken mints a token for a sender or a person; text is shown once and stored nowhere.
func (d *Directory) AddToken(ctx context.Context, role Role, subject string, life time.Duration, now time.Time) (t Token, text string, err error) {
	switch role {
	case RoleSender:
		d.mu.RLock()
		s, ok := d.senders[subject]
		d.mu.RUnlock()
		if !ok || s.doc.Revoked != nil {
			return Token{}, "", fmt.Errorf("add token: %w: no such sender", ErrInvalid)
		}
	case RoleOfficer, RoleCoordinator:
		if subject == "" {
			return Token{}, "", fmt.Errorf("add token: %w: the id of the person is needed", ErrInvalid)
		}
	default:
		return Token{}, "", fmt.Errorf("add token: %w: the role is sender, officer or coordinator", ErrInvalid)
	}
	return d.mint(ctx, role, subject, life, now)
}

// mint makes a token and stores its digest.
func (d *Directory) mint(ctx context.Context, role Role, subject string, life time.Duration, now time.Time) (t Token, text string, err error) {
	if life <= 0 {
		return Token{}, "", fmt.Errorf("add token: %w: it must expire in the future", ErrInvalid)
	}
	secret := rand.Text() + rand.Text()
	t = Token{ID: newID(), Hash: digest(secret), Role: role, Subject: subject, Added: now.UTC(), Expires: now.Add(life).UTC()}
	if err := d.put(ctx, "directory.token."+t.ID, 0, t); err != nil {
		return Token{}, "", fmt.Errorf("add token: %w", err)
	}
	text = "dl_" + t.ID + "_" + secret
	t.Hash = ""
	return t, text, nil
}

// RevokeToken ends a token. Revoking twice is no error.
func (d *Directory) RevokeToken(ctx context.Context, id string, now time.Time) (Token, error) {
	d.mu.RLock()
	r, ok := d.tokens[id]
	d.mu.RUnlock()
	if !ok {
		return Token{}, fmt.Errorf("revoke token: %w", ErrNotFound)
	}
	t := r.doc
	if t.Revoked == nil {
		at := now.UTC()
		t.Revoked = &at
		if err := d.put(ctx, "directory.token."+id, r.seq, t); err != nil {
			return Token{}, fmt.Errorf("revoke token: %w", err)
		}
	}
	t.Hash = ""
	return t, nil
}

// Sender gives one sender, revoked ones too. It answers from memory.
func (d *Directory) Sender(id string) (s Sender, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	r, ok := d.senders[id]
	return r.doc, ok
}

// Senders lists all senders, revoked ones too, in the order in which they were added.
func (d *Directory) Senders() []Sender {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := []Sender{}
	for _, r := range d.senders {
		list = append(list, r.doc)
	}
	slices.SortFunc(list, func(a, b Sender) int { return cmp.Or(a.Added.Compare(b.Added), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Tokens lists all tokens without their digests, in the order in which they were added.
func (d *Directory) Tokens() []Token {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := []Token{}
	for _, r := range d.tokens {
		r.doc.Hash = ""
		list = append(list, r.doc)
	}
	slices.SortFunc(list, func(a, b Token) int { return cmp.Or(a.Added.Compare(b.Added), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Authenticate gives who presents a token. The error is [ErrToken]. It knows no feeds: [Directory.Feed] does.
func (d *Directory) Authenticate(text string, now time.Time) (Principal, error) {
	t, ok := d.presented(text)
	if !ok {
		return Principal{}, ErrToken
	}
	return d.Principal(t.ID, now)
}

// presented finds the token that a text is, valid or not.
func (d *Directory) presented(text string) (Token, bool) {
	id, secret, ok := strings.Cut(strings.TrimPrefix(text, "dl_"), "_")
	if !ok || !strings.HasPrefix(text, "dl_") {
		return Token{}, false
	}
	d.mu.RLock()
	t := d.tokens[id].doc
	d.mu.RUnlock()
	t.ID = id // as it is stored under
	return t, subtle.ConstantTimeCompare([]byte(digest(secret)), []byte(t.Hash)) == 1
}

// Principal gives who a token belongs to while it is valid, for a session that was opened with it. The error is [ErrToken].
func (d *Directory) Principal(id string, now time.Time) (Principal, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	r, ok := d.tokens[id]
	if !ok || r.doc.Revoked != nil || !now.Before(r.doc.Expires) {
		return Principal{}, ErrToken
	}
	switch r.doc.Role {
	case RoleSender:
		if s, ok := d.senders[r.doc.Subject]; !ok || s.doc.Revoked != nil {
			return Principal{}, ErrToken
		}
	case RoleOfficer, RoleCoordinator:
		if r.doc.Subject == "" {
			return Principal{}, ErrToken
		}
	default: // of a later version, or of none
		return Principal{}, ErrToken
	}
	return Principal{Role: r.doc.Role, Subject: r.doc.Subject, TokenID: id}, nil
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
