package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

// client is what client.json holds (CONTRACT: CLIENT).
type client struct {
	URL       string `json:"url"`
	SimURL    string `json:"sim_url"`
	PhonesURL string `json:"phones_url"`
	Tokens    Tokens `json:"tokens"`
}

// forgetClientFile removes what an earlier life wrote, so that nobody takes its address for this one's, and gives its tokens.
func forgetClientFile(dataDir string, standalone bool) Tokens {
	if !standalone {
		return Tokens{}
	}
	path := clientFile(dataDir)
	data, err := os.ReadFile(path)
	if err != nil {
		return Tokens{}
	}
	_ = os.Remove(path)
	var c client
	_ = json.Unmarshal(data, &c) // a damaged file: new tokens are made
	return c.Tokens
}

const (
	demoSender      = "Example contact point"
	demoState       = "XX"
	demoCoordinator = "coordinator"
	tokenLife       = 365 * 24 * time.Hour
)

// furnish makes a standalone node usable at once: an example roster on the first start, tokens for each kind of user, and client.json.
func (o *Options) furnish(ctx context.Context, s *Started, remembered Tokens, people *directory.Directory, duty *served.Service, clock *node.Clock) error {
	current, err := duty.Current(ctx, 0)
	if errors.Is(err, served.ErrEmpty) {
		_, err = duty.Apply(ctx, roster.Edit{
			Book: roster.Example("UTC", clock.Now().UTC()), Reason: "example of a first start", Actor: o.Config.Node, ActorKind: roster.System,
		})
		if err != nil {
			return fmt.Errorf("store the example roster: %w", err)
		}
		s.Seeded = true
		current, err = duty.Current(ctx, 0)
	}
	if err != nil {
		return fmt.Errorf("read the roster: %w", err)
	}
	if s.Tokens, err = mintMissing(ctx, remembered, people, current, clock.Now()); err != nil {
		return err
	}
	who, err := people.Authenticate(s.Tokens.Sender, clock.Now())
	if err != nil {
		return err
	}
	s.Sender = who.Subject
	if s.SimURL != "" {
		s.PhonesURL = s.SimURL + "/phones"
	}
	s.ClientFile = clientFile(o.Config.DataDir)
	data, err := json.MarshalIndent(client{s.URL, s.SimURL, s.PhonesURL, s.Tokens}, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.ClientFile, append(data, '\n'))
}

// mintMissing keeps the tokens that still let somebody in and makes the others. The officer is whoever is on duty.
func mintMissing(ctx context.Context, t Tokens, people *directory.Directory, current *roster.Compiled, now time.Time) (Tokens, error) {
	officer := "officer"
	if on, _ := current.At("", now); len(on.OnDuty) > 0 {
		officer = on.OnDuty[0].Person
	}
	for _, need := range []struct {
		text    *string
		role    directory.Role
		subject string // "": whoever it was
	}{{&t.Sender, directory.RoleSender, ""}, {&t.Officer, directory.RoleOfficer, officer}, {&t.Coordinator, directory.RoleCoordinator, demoCoordinator}} {
		p, err := people.Authenticate(*need.text, now)
		if err == nil && p.Role == need.role && (need.subject == "" || p.Subject == need.subject) {
			continue
		}
		subject := need.subject
		if need.role == directory.RoleSender {
			sender, err := people.AddSender(ctx, directory.NewSender{Name: demoSender, State: demoState}, now)
			if err != nil {
				return t, err
			}
			subject = sender.ID
		}
		if _, *need.text, err = people.AddToken(ctx, need.role, subject, tokenLife, now); err != nil {
			return t, err
		}
	}
	return t, nil
}

// writeFile puts a file that only its owner can read in place, whole.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".client-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone when it was put in place
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
