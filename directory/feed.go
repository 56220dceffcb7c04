package directory

import (
	"context"
	"fmt"
	"time"
)

// RoleFeed is what the token in the address of a calendar may do: read that calendar, and nothing else. An address is kept by calendar
// programs and their providers, so such a token opens no other door: [Directory.Authenticate] does not know it.
const RoleFeed Role = "feed"

// AddFeed mints the token of a calendar's address; what the calendar is of is the caller's word. text is shown once and stored nowhere.
func (d *Directory) AddFeed(ctx context.Context, subject string, life time.Duration, now time.Time) (t Token, text string, err error) {
	if subject == "" {
		return Token{}, "", fmt.Errorf("add feed: %w: what it is of is needed", ErrInvalid)
	}
	return d.mint(ctx, RoleFeed, subject, life, now)
}

// Feed gives what a token of a calendar's address is of, while it is valid. The error is [ErrToken].
func (d *Directory) Feed(text string, now time.Time) (subject string, err error) {
	t, ok := d.presented(text)
	if !ok || t.Role != RoleFeed || t.Subject == "" || t.Revoked != nil || !now.Before(t.Expires) {
		return "", ErrToken
	}
	return t.Subject, nil
}
