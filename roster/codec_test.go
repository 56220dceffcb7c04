package roster

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestStoredDocumentHoldsNothingPersonal(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Revision = 3
	vault := map[string][]byte{}
	data, err := Encode(b, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), "coordinator", "first", func(person string, plain []byte) ([]byte, error) {
		vault[person] = plain
		return []byte("sealed " + person), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Example", "Ada", "+1500"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%q stands in the document", secret)
		}
	}
	d, err := Decode(data, func(person string, sealed []byte) ([]byte, bool, error) {
		if string(sealed) != "sealed "+person {
			t.Errorf("%s came with %q", person, sealed)
		}
		return vault[person], false, nil
	})
	if err != nil || !reflect.DeepEqual(d.Book, b) || d.Actor != "coordinator" || d.Reason != "first" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestErasedPersonStaysWithoutNameAndNumber(t *testing.T) {
	b := daily("UTC", "08:00")
	data, err := Encode(b, time.Now(), "c", "", func(string, []byte) ([]byte, error) { return []byte("{}"), nil })
	if err != nil {
		t.Fatal(err)
	}
	d, err := Decode(data, func(person string, sealed []byte) ([]byte, bool, error) { return sealed, person == "ada", nil })
	if err != nil || !d.Book.People[0].Erased || d.Book.People[0].CallSign != "KESTREL" {
		t.Errorf("%+v, %v", d.Book.People[0], err)
	}
}

func TestPreviewShowsWhoChangesAndWhatIsLeftOpen(t *testing.T) {
	before := daily("UTC", "08:00")
	from := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	after := daily("UTC", "08:00")
	after.Rosters[0].Overrides = []Override{{ID: "o", Kind: Replace, From: from.Add(24 * time.Hour), Until: from.Add(30 * time.Hour), People: []string{}}}
	p := Diff(before, after, from, from.Add(72*time.Hour))
	if len(p.Gaps) != 1 || len(p.Changed) != 1 || !p.Gaps[0].From.Equal(from.Add(24*time.Hour)) || len(p.Hours) != 1 {
		t.Errorf("%+v", p)
	}
	for _, change := range p.Hours {
		if change.Before-change.After != 6 {
			t.Errorf("hours %+v", change)
		}
	}
	if same := Diff(before, before, from, from.Add(72*time.Hour)); len(same.Changed)+len(same.Hours)+len(same.Gaps) != 0 {
		t.Errorf("no change: %+v", same)
	}
}
