package roster_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// The files of testdata/version1 were written by the first program that stored rosters: documents, and whom it had on duty.
func TestDocumentsOfVersion1MeanWhatTheyMeant(t *testing.T) {
	files, err := filepath.Glob("testdata/version1/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".duty")
		if err != nil {
			t.Fatal(err)
		}
		d, err := roster.Decode(data, func(_ string, sealed []byte) ([]byte, bool, error) { return sealed, false, nil })
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c := compile(t, d.Book)
		var got strings.Builder
		for _, r := range d.Book.Rosters {
			for s := range c.Shifts(r.ID, date(t, "2025-12-01T00:00:00Z"), date(t, "2027-01-01T00:00:00Z")) {
				fmt.Fprintf(&got, "%s %s %s %s\n", r.ID, s.From.UTC().Format(time.RFC3339Nano), s.Until.UTC().Format(time.RFC3339Nano), strings.Join(s.People, "+"))
			}
			for at := d.Time; at.Year() < 2027; at = at.Add(1009 * time.Hour) {
				duty, _ := c.At(r.ID, at)
				line, err := json.Marshal(duty)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "%s\n", line)
			}
		}
		is, was := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(is), len(was)) {
			if is[i] != was[i] {
				t.Fatalf("%s: line %d was\n%s\nand is\n%s", file, i+1, was[i], is[i])
			}
		}
		if len(is) != len(was) {
			t.Errorf("%s: there were %d lines and are %d", file, len(was), len(is))
		}
		again := encode(t, roster.Edit{Book: d.Book, Actor: d.Actor.ID, Reason: d.Reason})
		if header, err := roster.Header(again); err != nil || header.V != 1 {
			t.Errorf("%s: a program of version 1 can no longer read it: %v", file, err)
		}
	}
}
