package directory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dutyline/dutyline/directory"
)

func TestAFeedIsReadWithItsTokenAndOpensNothingElse(t *testing.T) {
	log := newMemory()
	d := start(t, log)
	feed, text, err := d.AddFeed(t.Context(), "person:ada", time.Hour, now)
	if err != nil || feed.Role != directory.RoleFeed || feed.Hash != "" {
		t.Fatal(feed, err)
	}
	if subject, err := start(t, log).Feed(text, now); err != nil || subject != "person:ada" {
		t.Errorf("on another node: %q, %v", subject, err)
	}
	if _, err := d.Authenticate(text, now); !errors.Is(err, directory.ErrToken) {
		t.Errorf("it signs in: %v", err)
	}
	if _, err := d.Principal(feed.ID, now); !errors.Is(err, directory.ErrToken) {
		t.Errorf("it keeps a session: %v", err)
	}
	_, officer, err := d.AddToken(t.Context(), directory.RoleOfficer, "ada", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", text + "x", text[:len(text)-1], officer, "dl_" + feed.ID + "_"} {
		if _, err := d.Feed(wrong, now); !errors.Is(err, directory.ErrToken) {
			t.Errorf("%d characters read the feed: %v", len(wrong), err)
		}
	}
	if _, err := d.Feed(text, now.Add(time.Hour)); !errors.Is(err, directory.ErrToken) {
		t.Errorf("after its time: %v", err)
	}
	if _, err := d.RevokeToken(t.Context(), feed.ID, now); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Feed(text, now); !errors.Is(err, directory.ErrToken) {
		t.Errorf("revoked: %v", err)
	}
	if _, _, err := d.AddFeed(t.Context(), "", time.Hour, now); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("of nothing: %v", err)
	}
	if _, _, err := d.AddToken(t.Context(), directory.RoleFeed, "person:ada", time.Hour, now); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("as another token: %v", err)
	}
}
