package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/roster"
)

// maxPINs is how many wrong PINs of a person count within an hour: after them no PIN of theirs counts until it is over.
const maxPINs = 5

// PINs compares PINs and counts those that were tried. Implementations are safe for concurrent use, and say nothing of their troubles, as
// [Guesses] do.
type PINs interface {
	// Match reports whether digits are a person's PIN, of which the roster has the digest.
	Match(person, digest, digits string) bool
	// Try counts a PIN before it is compared, so that no two are compared at once uncounted. It gives how many of the person stand within the
	// hour, with this one. The same id is counted once.
	Try(ctx context.Context, person, id string) int
	// Right takes back one that was right.
	Right(ctx context.Context, person, id string)
	// Count gives how many stand within the hour.
	Count(ctx context.Context, person string) int
}

// refusesKey says why a key takes nothing for a person, "" when it does: whoever has a PIN must key it in, so that somebody who has found a
// telephone cannot take a case with it.
func (n *Node) refusesKey(ctx context.Context, person string, k notifier.KeyPress, log *zap.Logger) notifier.AnswerKind {
	if n.opts.PINs == nil {
		return ""
	}
	n.mu.Lock()
	book := n.roster
	n.mu.Unlock()
	if book == nil { // whether they have a PIN, nobody can say
		return notifier.TryAgain
	}
	who, _ := book.Person(person)
	switch {
	case who.PINDigest == "":
		return ""
	case n.opts.PINs.Count(ctx, person) >= maxPINs:
		return notifier.PINLocked
	case k.PIN == "":
		return notifier.PINWanted
	case !roster.IsPIN(string(k.PIN)): // it cannot be right, so it tells whoever guesses nothing
		return notifier.WrongPIN
	}
	id := tryOf(k)
	tried := n.opts.PINs.Try(ctx, person, id)
	if tried <= maxPINs && n.opts.PINs.Match(person, who.PINDigest, string(k.PIN)) {
		n.opts.PINs.Right(ctx, person, id)
		return ""
	}
	log.Warn("a wrong PIN", zap.String("phone", k.Phone.Masked()), zap.Int("within_the_hour", tried))
	if tried >= maxPINs {
		return notifier.PINLocked
	}
	return notifier.WrongPIN
}

// tryOf names a PIN that was keyed in, the same for a press that the provider repeats.
func tryOf(k notifier.KeyPress) string {
	return fmt.Sprintf("%s %s %s %s %d", k.Ref, k.Attempt, k.Provider, cmp.Or(k.ProviderID, rand.Text()), k.Try)
}
