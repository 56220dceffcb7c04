package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

// What the fuzz target keeps, and what a coordinator is told of it.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzRosterFile", map[string]string{
		"people_twice":         "book: a member stands twice in its object, the second time before byte 34",
		"alias_bomb":           "book:1: anchors, aliases, merge keys, tags and directives are not taken: write the value out",
		"misspelt_member":      `book is no roster: unknown field "peple"`,
		"revision_2_to_the_64": "book: /revision has the wrong type",
		"two_documents":        "book:3: a second document begins: keep one",
		"invalid_utf8":         "book: byte 33 is not UTF-8",
		"leap_second":          `book is no roster: parsing time "2016-12-31T23:59:60Z": second out of range`,
	}, func(args []string) string {
		data := []byte(args[0])
		_, _, err := parseBook(document{name: "book", data: data, yaml: !json.Valid(data)})
		if statusOf(err) != exitUsage {
			return ""
		}
		return strings.TrimSpace(err.Error())
	})
}
