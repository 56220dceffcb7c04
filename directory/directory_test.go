package directory_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/directory"
)

// memory is a log in memory.
type memory struct {
	mu    sync.Mutex
	docs  []doc
	heads map[string]uint64
	moved chan struct{}
}

type doc struct {
	subject string
	data    []byte
}

func newMemory() *memory { return &memory{heads: map[string]uint64{}, moved: make(chan struct{})} }

func (m *memory) Append(_ context.Context, subject, _ string, data []byte, expect uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heads[subject] != expect {
		return 0, directory.ErrConflict
	}
	m.docs = append(m.docs, doc{subject, data})
	m.heads[subject] = uint64(len(m.docs))
	close(m.moved)
	m.moved = make(chan struct{})
	return uint64(len(m.docs)), nil
}

func (m *memory) Head(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.docs)), nil
}

func (m *memory) Follow(ctx context.Context, after uint64, fn func(uint64, string, []byte) error) error {
	for {
		m.mu.Lock()
		docs, moved := m.docs[after:], m.moved
		m.mu.Unlock()
		for _, d := range docs {
			after++
			if err := fn(after, d.subject, d.data); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

func start(t *testing.T, log *memory) *directory.Directory {
	t.Helper()
	d := directory.New(log)
	go func() { _ = d.Run(t.Context()) }()
	if err := d.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestTokenAdmitsUntilItExpiresOrIsRevoked(t *testing.T) {
	log := newMemory()
	d := start(t, log)
	token, text, err := d.AddToken(t.Context(), directory.RoleOfficer, "ada", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	who, err := d.Authenticate(text, now)
	if err != nil || who != (directory.Principal{Role: directory.RoleOfficer, Subject: "ada", TokenID: token.ID}) {
		t.Errorf("%+v, %v", who, err)
	}
	for _, wrong := range []string{"", "dl_", text + "x", strings.ToLower(text), "dl_" + token.ID + "_", text[3:]} {
		if _, err := d.Authenticate(wrong, now); !errors.Is(err, directory.ErrToken) {
			t.Errorf("%d characters were admitted: %v", len(wrong), err)
		}
	}
	if _, err := d.Authenticate(text, now.Add(time.Hour)); !errors.Is(err, directory.ErrToken) {
		t.Errorf("an expired token: %v", err)
	}
	other := start(t, log)
	if _, err := other.Authenticate(text, now); err != nil {
		t.Errorf("on another node: %v", err)
	}
	if _, err := d.RevokeToken(t.Context(), token.ID, now); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*directory.Directory{d, start(t, log)} {
		if _, err := node.Authenticate(text, now); !errors.Is(err, directory.ErrToken) {
			t.Errorf("a revoked token: %v", err)
		}
	}
}

func TestSecretsAreNotStored(t *testing.T) {
	log := newMemory()
	d := start(t, log)
	token, text, err := d.AddToken(t.Context(), directory.RoleCoordinator, "c", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.SplitN(text, "_", 3)[2]
	for _, doc := range log.docs {
		if strings.Contains(string(doc.data), secret) {
			t.Error("the log holds the secret")
		}
	}
	if token.Hash != "" || d.Tokens()[0].Hash != "" {
		t.Error("the digest is listed")
	}
}

func TestRevokedSenderTakesItsTokensAlong(t *testing.T) {
	d := start(t, newMemory())
	s, err := d.AddSender(t.Context(), directory.NewSender{Name: "National Cybercrime Centre", State: "fr", Email: "duty@centre.example"}, now)
	if err != nil || s.State != "FR" {
		t.Fatal(s, err)
	}
	_, text, err := d.AddToken(t.Context(), directory.RoleSender, s.ID, time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authenticate(text, now); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := d.RevokeSender(t.Context(), s.ID, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Authenticate(text, now); !errors.Is(err, directory.ErrToken) {
		t.Errorf("error %v", err)
	}
	if _, _, err := d.AddToken(t.Context(), directory.RoleSender, s.ID, time.Hour, now); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a token for a revoked sender: %v", err)
	}
}

func TestEntriesThatCannotBeTakenAreExplained(t *testing.T) {
	d := start(t, newMemory())
	for _, tc := range [][3]string{{"", "FR", ""}, {"x", "FRA", ""}, {"x", "1F", ""}, {"x", "FR", "http://x"}} {
		if _, err := d.AddSender(t.Context(), directory.NewSender{Name: tc[0], State: tc[1], Webhook: tc[2]}, now); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	if _, err := d.RevokeSender(t.Context(), "nobody", now); !errors.Is(err, directory.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := d.AddToken(t.Context(), "king", "x", time.Hour, now); !errors.Is(err, directory.ErrInvalid) {
		t.Error(err)
	}
}

func TestWebhooks(t *testing.T) {
	d := directory.New(newMemory())
	go func() { _ = d.Run(t.Context()) }()
	for url, want := range map[string]bool{
		"": true, "https://receiver.example": true, "https://receiver.example:8443/hooks?key=1": true,
		"http://receiver.example/": false, "https://": false, "https:///path": false, "https://user:secret@receiver.example/": false,
		"https://receiver.example/#part": false, "receiver.example": false, "ftp://receiver.example": false, "https://receiver.example/%zz": false,
		"https://receiver.example/" + strings.Repeat("x", 2000): false, "http://localhost:8080/": false, "http://127.0.0.1/": false,
	} {
		s, err := d.AddSender(t.Context(), directory.NewSender{Name: "Examplia", State: "XE", Webhook: url}, time.Now())
		if got := err == nil; got != want || (err != nil && !errors.Is(err, directory.ErrInvalid)) {
			t.Errorf("%q: %v, want %v", url, err, want)
		}
		if got, ok := d.Sender(s.ID); err == nil && (!ok || got.Webhook != url) {
			t.Errorf("%q is stored as %q (%v)", url, got.Webhook, ok)
		}
	}
	if _, ok := d.Sender("nobody"); ok {
		t.Error("there is a sender whom nobody added")
	}
	d.LoopbackWebhooks = true
	for url, want := range map[string]bool{
		"http://localhost:9000/hook": true, "http://127.0.0.1:9000": true, "http://[::1]:9000": true, "https://receiver.example": true,
		"http://receiver.example": false, "http://10.0.0.1/": false, "http://localhost.example/": false,
	} {
		if _, err := d.AddSender(t.Context(), directory.NewSender{Name: "Examplia", State: "XE", Webhook: url}, time.Now()); (err == nil) != want {
			t.Errorf("%q for trying out: %v, want %v", url, err, want)
		}
	}
}

func TestAnEmailAddressIsOneAddressAlone(t *testing.T) {
	d := start(t, newMemory())
	for address, want := range map[string]bool{
		"": true, "duty@police.example": true, " duty@police.example ": true, "duty": false, "Duty <duty@police.example>": false,
		"a@b.example, c@d.example": false, "duty@police.example\nBcc: x@y.example": false,
	} {
		s, err := d.AddSender(t.Context(), directory.NewSender{Name: "Examplia", State: "XE", Email: address}, time.Now())
		if (err == nil) != want || (want && s.Email != strings.TrimSpace(address)) {
			t.Errorf("%q: %+v, %v", address, s, err)
		}
	}
}
