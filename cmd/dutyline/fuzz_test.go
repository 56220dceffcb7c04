package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// FuzzRosterFile reads any file as `roster apply -f` does. What is no roster is a mistake of the call, told with the file's name. What is
// one is exported, and the export is read as the same book from the same revision: nothing that a coordinator wrote is lost on the way, and
// whether it compiles does not change. No member is taken twice, and none that is not known.
func FuzzRosterFile(f *testing.F) {
	example, err := bookYAML(roster.Example("Europe/Paris", time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, text := range []string{
		"revision: 1\npeople: [{id: ada, call_sign: K, name: 'é \"x\" # y'}]\n", "revision: 3", "null", "[]", "", "revision: 18446744073709551615\nrosters: [{}]", "revision: 18446744073709551616",
		`{"revision":1,"people":[],"people":[{"id":"x"}]}`, `{"revision":1,"peple":[]}`, "revision: 1\nrevision: 2\n", "people: &a [*a]\n", "people: {id: ada}", "{\"revision\":1,\"people\":[{\"name\":\"\xff\"}]}",
		"revision: 1\npeople:\n- name: |\n    two\n\n    lines \n  call_sign: \"\\u202e\\0\"\n  id: 0123\n", "rosters: [{overrides: [{from: 2026-03-02T10:00:00Z, until: 9999-12-31T23:59:59-23:59}]}]",
		"revision: 1\nteams: [{id: t, name: '\u2028\u0085 ', members: ['~', 'null', '', '- x', '<<', '=']}]", `{"revision":1}{"revision":2}`, "revision: 0x10", "revision: 1.0", "revision: \"1\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		book, based, err := parseBook(document{name: "book", data: data, yaml: !json.Valid(data)})
		if err != nil {
			if _, ok := errors.AsType[*usageError](err); !ok || !strings.HasPrefix(err.Error(), "book") || statusOf(err) != exitUsage {
				t.Fatalf("refused as %v, status %d", err, statusOf(err))
			}
			return
		}
		if json.Valid(data) {
			if _, err := request.ReadJSON(data); err != nil {
				t.Fatalf("taken, and ambiguous: %v", err)
			}
		}
		exported, err := bookYAML(book)
		if err != nil {
			t.Skip("a year that RFC 3339 cannot write: the server refuses it")
		}
		again, still, err := parseBook(document{name: "export", data: exported, yaml: !json.Valid(exported)})
		if err != nil || !still {
			t.Fatalf("exported as %s, which is not read: %v, revision %t (%t before)", exported, err, still, based)
		}
		if !roster.Same(again, book) || again.Revision != book.Revision || again.Schema != book.Schema {
			t.Fatalf("%+v came back as %+v", book, again)
		}
		_, before := roster.Compile(book)
		_, after := roster.Compile(again)
		if (before == nil) != (after == nil) {
			t.Fatalf("compiles: %v, exported: %v", before, after)
		}
	})
}
