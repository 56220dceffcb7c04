package served_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/dutyline/dutyline/roster"
)

func TestAnEditThatPutsAnUnverifiedTelephoneOnDutyIsStoredOnceItIsConfirmedAndTheHistorySaysSo(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		book := b.apply(t, 0, nil)
		silent := func(confirmed ...string) (roster.Book, error) {
			edited := book
			edited.People = slices.Clone(book.People)
			edited.People[1].Contacts = []roster.Contact{{ID: "m", Channel: "sms", Address: book.People[1].Contacts[0].Address}}
			return b.service.Apply(t.Context(), roster.Edit{Book: edited, Base: book.Revision, Reason: "another number", Actor: "c1", Confirmed: confirmed})
		}
		_, err := silent("somebody-else")
		refused, ok := errors.AsType[*roster.UnverifiedError](err)
		if !ok || len(refused.People) != 1 || refused.People[0].ID != book.People[1].ID {
			t.Fatalf("%v", err)
		}
		if versions, err := b.service.History(t.Context()); err != nil || len(versions) != 1 {
			t.Errorf("it was stored: %+v, %v", versions, err)
		}
		id := book.People[1].ID
		stored, err := silent("somebody-else", id)
		if err != nil || stored.Revision != book.Revision+1 {
			t.Fatalf("%d, %v", stored.Revision, err)
		}
		versions, err := b.service.History(t.Context())
		if err != nil || !slices.Equal(versions[0].Confirmed, []string{id}) || versions[1].Confirmed != nil {
			t.Errorf("%+v, %v", versions, err)
		}
		stored.Rosters[0].Name = "another" // what was confirmed is not asked for again
		if _, err := b.service.Apply(t.Context(), roster.Edit{Book: stored, Base: stored.Revision, Actor: "c1"}); err != nil {
			t.Error(err)
		}
	})
}
