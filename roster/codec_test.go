package roster_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// plainSeal seals nothing, for tests that look at something else.
func plainSeal(_ string, plain []byte) ([]byte, error) { return plain, nil }

func encode(t testing.TB, edit roster.Edit) []byte {
	t.Helper()
	data, err := roster.Encode(edit, noon, plainSeal)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestStoredDocumentHoldsNothingPersonal(t *testing.T) {
	b := daily("UTC", "08:00")
	b.Revision = 3
	vault := map[string][]byte{}
	data, err := roster.Encode(roster.Edit{Book: b, Reason: "first", Actor: "c1"}, noon, func(person string, plain []byte) ([]byte, error) {
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
	if b.People[0].Name == "" || b.People[0].Contacts[0].Address == "" {
		t.Error("encoding changed the caller's book")
	}
	d, err := roster.Decode(data, func(person string, sealed []byte) ([]byte, bool, error) {
		if string(sealed) != "sealed "+person {
			t.Errorf("%s came with %q", person, sealed)
		}
		return vault[person], false, nil
	})
	if err != nil || !reflect.DeepEqual(d.Book, b) {
		t.Errorf("%+v, %v", d, err)
	}
	if d.Revision != 3 || d.Actor != (roster.Actor{roster.Coordinator, "c1"}) || d.Reason != "first" || !d.Time.Equal(noon) {
		t.Errorf("revision %d, actor %v, reason %q, time %s", d.Revision, d.Actor, d.Reason, d.Time)
	}
}

func TestDocumentSaysInWhatCapacityItWasEdited(t *testing.T) {
	for kind, want := range map[roster.ActorKind]roster.ActorKind{"": roster.Coordinator, roster.System: roster.System, "auditor": "auditor"} {
		d, err := roster.Header(encode(t, roster.Edit{Book: daily("UTC", "08:00"), Actor: "a1", ActorKind: kind}))
		if err != nil || d.Actor != (roster.Actor{want, "a1"}) {
			t.Errorf("%q: %v, %v", kind, d.Actor, err)
		}
	}
}

func TestDocumentSurvivesTheRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := daily("UTC", "08:00")
		b.Revision = rapid.Uint64().Draw(t, "revision")
		for i := range b.People {
			b.People[i].Name = rapid.StringN(0, 20, -1).Draw(t, "name")
			b.People[i].Contacts = b.People[i].Contacts[:rapid.IntRange(0, 2).Draw(t, "contacts")]
			if b.People[i].Erased = rapid.Bool().Draw(t, "erased"); b.People[i].Erased {
				b.People[i].Name, b.People[i].Contacts = "", []roster.Contact{}
			}
		}
		data, err := roster.Encode(roster.Edit{Book: b}, noon, plainSeal)
		if err != nil {
			t.Fatal(err)
		}
		d, err := roster.Decode(data, func(_ string, sealed []byte) ([]byte, bool, error) { return sealed, false, nil })
		if err != nil || !reflect.DeepEqual(d.Book, b) {
			t.Fatalf("%+v\nwant %+v\n%v", d.Book, b, err)
		}
	})
}

func TestErasedPersonStaysWithoutNameAndContact(t *testing.T) {
	data := encode(t, roster.Edit{Book: daily("UTC", "08:00")})
	d, err := roster.Decode(data, func(person string, sealed []byte) ([]byte, bool, error) { return sealed, person == "ada", nil })
	if err != nil {
		t.Fatal(err)
	}
	if p := d.Book.People[0]; !p.Erased || p.CallSign != "KESTREL" || p.Name != "" || len(p.Contacts) != 0 {
		t.Errorf("%+v", p)
	}
	if p := d.Book.People[1]; p.Erased || len(p.Contacts) != 2 || p.Contacts[0].Address == "" {
		t.Errorf("the others: %+v", p)
	}
	if _, err := roster.Compile(d.Book); err != nil {
		t.Errorf("the book does not compile any more: %v", err)
	}
}

func TestErasedPersonIsStoredWithoutPersonalFieldsWhateverTheEditSays(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[0].Erased, b.People[0].PINDigest = true, "hmac-sha256:c2VjcmV0c2VjcmV0"
	data, err := roster.Encode(roster.Edit{Book: b}, noon, func(person string, plain []byte) ([]byte, error) {
		if person == "ada" {
			t.Error("something was sealed for an erased person")
		}
		return plain, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := roster.Decode(data, func(person string, sealed []byte) ([]byte, bool, error) {
		if person == "ada" {
			t.Error("something was opened of an erased person")
		}
		return sealed, false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := d.Book.People[0]; !p.Erased || p.Name+p.PINDigest != "" || len(p.Contacts) != 0 || p.CallSign != "KESTREL" {
		t.Errorf("%+v", p)
	}
}

func TestSealersErrorsReachTheCaller(t *testing.T) {
	trouble := errors.New("no key")
	if _, err := roster.Encode(roster.Edit{Book: daily("UTC", "08:00")}, noon, func(string, []byte) ([]byte, error) { return nil, trouble }); !errors.Is(err, trouble) {
		t.Errorf("seal: %v", err)
	}
	data := encode(t, roster.Edit{Book: daily("UTC", "08:00")})
	if _, err := roster.Decode(data, func(string, []byte) ([]byte, bool, error) { return nil, false, trouble }); !errors.Is(err, trouble) {
		t.Errorf("open: %v", err)
	}
	if _, err := roster.Decode(data, func(string, []byte) ([]byte, bool, error) { return []byte("?"), false, nil }); err == nil {
		t.Error("rubbish was opened")
	}
}

func TestDocumentOfALaterVersionIsNotRead(t *testing.T) {
	for _, data := range []string{`{"v":3}`, `{}`, `rubbish`, ``} {
		if _, err := roster.Header([]byte(data)); err == nil {
			t.Errorf("%q was read", data)
		}
	}
}

func TestPreviewShowsWhoChangesAndWhatIsLeftOpen(t *testing.T) {
	before := daily("UTC", "08:00")
	from := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	after := daily("UTC", "08:00")
	after.Rosters[0].Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: from.Add(24 * time.Hour), Until: from.Add(30 * time.Hour), People: []string{}}}
	p := roster.Diff(before, after, from, from.Add(72*time.Hour))
	if len(p.Gaps) != 1 || len(p.Changed) != 1 || !p.Gaps[0].From.Equal(from.Add(24*time.Hour)) || len(p.Hours) != 1 {
		t.Fatalf("%+v", p)
	}
	if c := p.Changed[0]; !c.From.Equal(from.Add(24*time.Hour)) || !c.Until.Equal(from.Add(30*time.Hour)) || !c.Gap() {
		t.Errorf("changed %+v", c)
	}
	for _, change := range p.Hours {
		if change.Before-change.After != 6 {
			t.Errorf("hours %+v", change)
		}
	}
	if same := roster.Diff(before, before, from, from.Add(72*time.Hour)); len(same.Changed)+len(same.Hours)+len(same.Gaps) != 0 {
		t.Errorf("no change: %+v", same)
	}
}

func TestPreviewShowsRostersThatComeAndGo(t *testing.T) {
	one := daily("UTC", "08:00")
	two := daily("UTC", "08:00")
	second := one.Rosters[0]
	second.ID = "regional"
	second.Overrides = []roster.Override{{ID: "o", Kind: roster.Replace, From: noon, Until: noon.Add(2 * time.Hour), People: []string{}}}
	two.Rosters = append(slices.Clone(two.Rosters), second)
	from, until := noon.Add(-time.Hour), noon.Add(3*time.Hour)

	come := roster.Diff(one, two, from, until)
	if len(come.Changed) != 2 || len(come.Gaps) != 1 || come.Changed[0].Gap() || come.Changed[1].Gap() {
		t.Errorf("a new roster: %+v", come)
	}
	gone := roster.Diff(two, one, from, until)
	if len(gone.Changed) != 2 || len(gone.Gaps) != 0 || !gone.Changed[0].Gap() || !gone.Changed[0].Until.Equal(noon) {
		t.Errorf("a roster that is taken out: %+v", gone)
	}
}

func TestPreviewNamesPeopleWhoCannotBeReached(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[1].Contacts = nil
	b.People[2].Erased = true // still in the rotation
	b.People = append(b.People, roster.Person{ID: "old", CallSign: "RAVEN", Erased: true})
	week := roster.Diff(b, b, noon, noon.AddDate(0, 0, 7))
	if !slices.Equal(week.Contacts, []string{"bruno", "carmen"}) {
		t.Errorf("missing %v", week.Contacts)
	}
}
