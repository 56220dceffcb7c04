package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/roster"
)

func TestANumberThatCannotBeAContactIsRefusedInThePreviewToo(t *testing.T) {
	w := newWorld(t)
	w.web.Number = func(e164 string) (detail, fix string, ok bool) {
		return "This is a premium rate number.", "Use another.", !strings.HasPrefix(e164, "+1900") && e164 != w.book.People[2].Contacts[0].Address
	}
	put := func(path string, edit func(*roster.Book)) answer {
		t.Helper()
		read := w.call("GET", "/api/v1/roster", w.coordinator, "")
		var book roster.Book
		read.into(t, &book)
		edit(&book)
		body, err := json.Marshal(struct {
			roster.Book
			Reason string `json:"reason"`
		}{book, "another telephone"})
		must(t, err)
		return w.call("PUT", "/api/v1/roster"+path, w.coordinator, string(body), "If-Match", read.Header.Get("ETag"))
	}
	for _, path := range []string{"", "?dry_run=true"} {
		a := put(path, func(b *roster.Book) { b.People[1].Contacts[1].Address = "+19005551234" })
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, `"/people/1/contacts/1/address"`) || !strings.Contains(a.text, "premium rate") || !strings.Contains(a.text, "Use another.") {
			t.Errorf("%q: %d %s", path, a.StatusCode, a.text)
		}
	}
	if w.book.Revision != 1 {
		t.Errorf("revision %d was stored", w.book.Revision)
	}
	// Whoever has such a number already stays editable, and so does everybody else.
	if a := put("", func(b *roster.Book) { b.People[2].CallSign = "HAWK"; b.People[1].Contacts[1].Address = "+33612345678" }); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}
