package served

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/roster"
)

// A Conflict says that somebody else edited since the revision that an edit was made from. Nothing was stored.
type Conflict struct {
	Current uint64      // the revision that stands; 0: there is no roster at all
	Book    roster.Book // as it stands, to show what the other edit changed
	By      string      // opaque id
	When    time.Time
	Reason  string
}

// Error says which revision stands.
func (e *Conflict) Error() string {
	return fmt.Sprintf("the roster was edited in between: revision %d stands", e.Current)
}

// bookSchema is the schema of the books that this program writes.
const bookSchema = 1

// races is how often an edit is tried again when the log says that it moved and then shows the same head.
const races = 3

// Apply stores an edit and gives the book with its new revision. An edit that changes nothing of the revision that it was made from stores
// nothing and gives that. Shifts that are over stay as they were: what is stored is [roster.Book.Next] of the book that stands. After
// [ErrUnavailable] it is not known whether the edit is stored: made again from the same base it is either stored or a [Conflict] that
// shows it. Errors: [*roster.ValidationError], [*roster.UnverifiedError], [*Conflict], [ErrUnavailable].
func (s *Service) Apply(ctx context.Context, edit roster.Edit) (roster.Book, error) {
	edit.Book.Schema, edit.Book.Revision = bookSchema, edit.Base+1
	err := ErrHeadMoved
	var stored []byte // the edit; what stands when it changes nothing
	written := edit
	for range races {
		edit = written
		if stored, err = s.append(ctx, &edit); !errors.Is(err, ErrHeadMoved) {
			break
		}
	}
	if errors.Is(err, ErrHeadMoved) {
		return roster.Book{}, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return roster.Book{}, err
	}
	// From here on the edit is done. Whatever fails now is mended by the next read.
	header, err := roster.Header(stored)
	if err != nil {
		return roster.Book{}, fmt.Errorf("apply the edit: %w", err)
	}
	revision := header.Revision
	if err := s.redis.put(context.WithoutCancel(ctx), writePatience, revision, stored); err != nil {
		s.Logger.Warn("redis does not have the new roster yet", zap.Uint64("revision", revision), zap.Error(err))
	}
	c, err := s.keep(context.WithoutCancel(ctx), stored)
	if err != nil {
		s.Logger.Error("the new roster is stored and does not open yet", zap.Uint64("revision", revision), zap.Error(err))
		edit.Book.Revision = revision
		return edit.Book, nil
	}
	if err := s.redis.putTable(context.WithoutCancel(ctx), writePatience, c, s.Now(), false); err != nil {
		s.Logger.Warn("redis does not have the new duty table yet", zap.Uint64("revision", revision), zap.Error(err))
	}
	return c.Book(), nil
}

// append tries once to store an edit, and gives the document: that which stands when the edit changes nothing of it. The edit's book becomes
// what is stored.
func (s *Service) append(ctx context.Context, edit *roster.Edit) ([]byte, error) {
	head, seq, err := s.Log.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	if err := s.conflict(ctx, head, edit.Base); err != nil {
		return nil, err
	}
	now := s.Now()
	if err = s.next(ctx, head, edit, now); err != nil {
		return nil, err
	}
	if s.unchanged(ctx, head, edit.Book) {
		return head, nil
	}
	stored, err := roster.Encode(*edit, now, func(person string, plain []byte) ([]byte, error) {
		sealed, err := s.Sealer.Seal(ctx, scope(person), roster.SealID(edit.Book.Revision), plain)
		if err != nil && s.ErrErased != nil && errors.Is(err, s.ErrErased) {
			return nil, erasedPerson(edit.Book, person)
		}
		return sealed, err
	})
	if invalid, ok := errors.AsType[*roster.ValidationError](err); ok {
		return nil, invalid
	}
	if err != nil {
		return nil, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	switch err := s.Log.Append(ctx, rand.Text(), stored, seq); {
	case errors.Is(err, ErrHeadMoved):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	return stored, nil
}

// next makes of an edit what it stores over the log's newest document. Of a document that does not open, the rosters do: its past is kept all
// the same, and only who comes back for the past comes without a name and a number.
func (s *Service) next(ctx context.Context, head []byte, edit *roster.Edit, now time.Time) (err error) {
	var stands roster.Document
	if head == nil {
		err = edit.Book.Validate()
	} else {
		if stands, err = s.decode(ctx, head); err != nil {
			if stands, err = roster.Header(head); err != nil {
				return fmt.Errorf("apply the edit: %w", err)
			}
		}
		edit.Book, err = stands.Book.Next(stands.Book.KeepPINs(edit.Book, edit.PINOf), now)
	}
	if err != nil {
		return err
	}
	edit.Confirmed, err = stands.Book.Confirm(*edit, now)
	return err
}

// conflict compares the log's newest document with the revision that an edit was made from.
func (s *Service) conflict(ctx context.Context, head []byte, base uint64) error {
	if head == nil {
		if base == 0 {
			return nil
		}
		return &Conflict{}
	}
	last, err := roster.Header(head)
	if err != nil {
		return fmt.Errorf("apply the edit: %w", err)
	}
	if last.Revision == base {
		return nil
	}
	stands, err := s.decode(ctx, head)
	if err != nil {
		return fmt.Errorf("apply the edit: %w: %w", ErrUnavailable, err)
	}
	return &Conflict{last.Revision, stands.Book, last.Actor.ID, last.Time, last.Reason}
}

// unchanged reports whether a book says what the log's newest document says. One that does not open counts as changed: it must not stand in
// the way of a new one. So does one with a person whose key was erased since: only a new revision makes every node forget them.
func (s *Service) unchanged(ctx context.Context, head []byte, book roster.Book) bool {
	if head == nil {
		return false
	}
	header, err := roster.Header(head)
	if err != nil {
		return false
	}
	stands, err := s.decode(ctx, head)
	if err != nil {
		return false
	}
	for i, p := range header.Book.People {
		if p.Erased != stands.Book.People[i].Erased {
			return false
		}
	}
	return roster.Same(stands.Book, book)
}

// erasedPerson refuses to bring back somebody whose key was erased: nothing can be sealed for them any more.
func erasedPerson(b roster.Book, person string) error {
	for i, p := range b.People {
		if p.ID == person {
			return &roster.ValidationError{Problems: []roster.Problem{{
				Path: fmt.Sprintf("/people/%d/id", i), Detail: "The personal data of this person was erased for ever.",
				Fix: "Take the person out, set erased, or add them anew under another id.",
			}}}
		}
	}
	return &roster.ValidationError{}
}

// A Version is one edit: who made it, when and why.
type Version struct {
	Revision uint64
	Time     time.Time
	Actor    string // opaque id
	Reason   string
	Kind     roster.ActorKind // of the actor

	Confirmed []string // people whom the edit put on duty without a verified telephone, which the actor has confirmed
}

// History lists the edits, newest first. Personal data stays sealed. The error is [ErrUnavailable].
func (s *Service) History(ctx context.Context) ([]Version, error) {
	documents, err := s.Log.History(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the roster's history: %w: %w", ErrUnavailable, err)
	}
	versions := make([]Version, len(documents))
	for i, data := range documents {
		d, err := roster.Header(data)
		if err != nil {
			return nil, err
		}
		versions[len(documents)-1-i] = Version{d.Revision, d.Time, d.Actor.ID, d.Reason, d.Actor.Kind, d.Confirmed}
	}
	return versions, nil
}

// ErrNoRevision says that the history has no such revision.
var ErrNoRevision = errors.New("there is no such revision of the roster")

// Version is the book of one revision, opened: who was erased since is so there, too. Errors: [ErrNoRevision], [ErrUnavailable].
func (s *Service) Version(ctx context.Context, revision uint64) (roster.Book, error) {
	documents, err := s.Log.History(ctx)
	if err != nil {
		return roster.Book{}, fmt.Errorf("read the roster's history: %w: %w", ErrUnavailable, err)
	}
	for _, data := range slices.Backward(documents) {
		header, err := roster.Header(data)
		if err != nil || header.Revision != revision {
			continue
		}
		d, err := s.decode(ctx, data)
		if err != nil {
			return roster.Book{}, fmt.Errorf("read revision %d of the roster: %w: %w", revision, ErrUnavailable, err)
		}
		return d.Book, nil
	}
	return roster.Book{}, ErrNoRevision
}
