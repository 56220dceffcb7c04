package served_test

import (
	"errors"
	"testing"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
)

func TestAnEditThatChangesNothingIsNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		for range 2 {
			if book := b.apply(t, 1, nil); book.Revision != 1 || len(b.docs) != 1 || book.People[0].Name != "Ada Example" {
				t.Errorf("revision %d of %d", book.Revision, len(b.docs))
			}
		}
		current(t, b.service, 0, 1)
		if book := b.apply(t, 1, renamed); book.Revision != 2 {
			t.Errorf("a change is revision %d", book.Revision)
		}
		// Nothing of revision 1 would change, and it does not stand any more.
		_, err := b.service.Apply(t.Context(), roster.Edit{Book: roster.Example("Europe/Paris", now), Base: 1})
		if conflict, ok := errors.AsType[*served.Conflict](err); !ok || conflict.Current != 2 || conflict.By != "c1" || conflict.Reason != "why" || conflict.When.IsZero() {
			t.Errorf("from an old base: %v", err)
		}
	})
}

func TestToSayThatSomebodyWasErasedIsAnEdit(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.apply(t, 0, nil)
		b.erased = "person-ada"
		erased := func(b *roster.Book) { b.People[0].Erased = true }
		if book := b.apply(t, 1, erased); book.Revision != 2 { // what makes every node forget them
			t.Errorf("revision %d", book.Revision)
		}
		if book := b.apply(t, 2, erased); book.Revision != 2 {
			t.Errorf("the same once more is revision %d", book.Revision)
		}
	})
}
