package served_test

import (
	"strings"
	"testing"

	"github.com/dutyline/dutyline/roster"
)

func TestAPINIsStoredByTheEditThatSetsItAndKeptByEveryOther(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		const first, second = "test:AAAAAAAAAAAAAAAAAAAA", "test:BBBBBBBBBBBBBBBBBBBB"
		has := func(want string) roster.Book {
			t.Helper()
			current, err := b.service.Current(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := current.Book().People[0].PINDigest; got != want {
				t.Fatalf("revision %d has %q, want %q", current.Revision(), got, want)
			}
			return current.Book()
		}
		edit := func(book roster.Book, of string) {
			t.Helper()
			if _, err := b.service.Apply(t.Context(), roster.Edit{Book: book, Base: book.Revision, Reason: "why", Actor: "c1", PINOf: of}); err != nil {
				t.Fatal(err)
			}
		}
		set := func(book roster.Book, digest string) roster.Book {
			t.Helper()
			book, err := book.SetPIN("ada", digest)
			if err != nil {
				t.Fatal(err)
			}
			return book
		}
		b.apply(t, 0, nil)
		book := has("")
		edit(set(book, first), "") // a document cannot bring one
		book = has("")
		edit(set(book, first), "ada")
		book = has(first)
		b.mu.Lock()
		stored := string(b.docs[len(b.docs)-1])
		b.mu.Unlock()
		if strings.Contains(stored, first) || strings.Contains(stored, "pin") || strings.Contains(stored, "AAAAAAAA") {
			t.Errorf("it is not sealed: %s", stored)
		}
		book = set(book, second) // an older export
		book.Rosters[0].Name = "another"
		edit(book, "")
		book = has(first)
		book = set(book, "") // one that leaves it out
		book.Rosters[0].Name = "a third"
		edit(book, "")
		book = has(first)
		edit(set(book, ""), "bruno") // of somebody else
		book = has(first)
		edit(set(book, second), "ada")
		book = has(second)
		edit(set(book, ""), "ada")
		has("")
	})
}
