package roster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
)

func TestWhatCanBeAPIN(t *testing.T) {
	p := roster.Person{Contacts: []roster.Contact{
		{Channel: "sms", Address: "+15005550183"}, {Channel: roster.Email, Address: "ada1492@example.org"},
	}}
	for _, good := range []string{"8351", "835172", "83517294", "1235", "0007", "1492", "121213", "13579"} {
		if err := p.CheckPIN(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]error{
		"": roster.ErrPINForm, "835": roster.ErrPINForm, "835172945": roster.ErrPINForm, "83a1": roster.ErrPINForm, " 8351": roster.ErrPINForm, "٨٣٥١": roster.ErrPINForm,
		"0000": roster.ErrPINTrivial, "11111111": roster.ErrPINTrivial, "1234": roster.ErrPINTrivial, "87654321": roster.ErrPINTrivial, "7890": roster.ErrPINTrivial,
		"2109": roster.ErrPINTrivial, "1212": roster.ErrPINTrivial, "123123": roster.ErrPINTrivial, "45674567": roster.ErrPINTrivial, "2580": roster.ErrPINTrivial,
		"0183": roster.ErrPINOwn, "1500555": roster.ErrPINOwn,
	} {
		if err := p.CheckPIN(bad); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", bad, err, want)
		}
	}
}

const digest, other = "test:AAAAAAAAAAAAAAAAAAAA", "test:BBBBBBBBBBBBBBBBBBBB"

// Whatever an edit is, every PIN stays but that of the one whom it names.
func TestAnEditKeepsEveryPINButTheOneThatItSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := daily("Europe/Paris", "08:00")
		b.People = slices.Clone(b.People)
		for i := range b.People {
			b.People[i].PINDigest = rapid.SampledFrom([]string{"", digest}).Draw(t, "has")
		}
		after := b
		after.People = slices.Clone(b.People)
		for i := range after.People {
			after.People[i].PINDigest = rapid.SampledFrom([]string{"", digest, other}).Draw(t, "brings")
		}
		after.People = rapid.Permutation(after.People).Draw(t, "order")
		had := map[string]string{}
		for _, p := range b.People {
			had[p.ID] = p.PINDigest
		}
		of := rapid.SampledFrom([]string{"", b.People[0].ID, "nobody"}).Draw(t, "of")
		kept := b.KeepPINs(after, of)
		for i, p := range kept.People {
			want := after.People[i].PINDigest
			if p.ID != of {
				want = had[p.ID]
			}
			if p.PINDigest != want {
				t.Fatalf("%s has %q, want %q", p.ID, p.PINDigest, want)
			}
		}
	})
}

func TestADocumentThatDoesNotOpenTakesNoPINAway(t *testing.T) {
	b := daily("Europe/Paris", "08:00")
	after := b
	after.People = slices.Clone(b.People)
	after.People[0].PINDigest = digest
	closed := b
	closed.People = slices.Clone(b.People)
	for i := range closed.People {
		closed.People[i].Name, closed.People[i].Contacts = "", []roster.Contact{{ID: "m", Channel: "sms"}}
	}
	if got := closed.KeepPINs(after, "").People[0].PINDigest; got != digest {
		t.Errorf("%q", got)
	}
}

func TestAPINIsSealedAndTheRestOfTheDocumentDoesNotSayThatThereIsOne(t *testing.T) {
	b, err := daily("Europe/Paris", "08:00").SetPIN("ada", digest)
	if err != nil {
		t.Fatal(err)
	}
	b.People[0].PIN = true // as it comes back from an export
	b.Revision = 3
	sealed := map[string]string{}
	data, err := roster.Encode(roster.Edit{Book: b}, time.Now(), func(person string, plain []byte) ([]byte, error) {
		sealed[person] = string(plain)
		return []byte("sealed"), nil
	})
	if err != nil || strings.Contains(strings.ToLower(string(data)), "pin") || !strings.Contains(sealed["ada"], digest) {
		t.Fatalf("%v: %s, sealed %v", err, data, sealed)
	}
	d, err := roster.Decode(data, func(person string, _ []byte) ([]byte, bool, error) { return []byte(sealed[person]), false, nil })
	if err != nil || d.Book.People[0].PINDigest != digest || d.Book.People[0].PIN {
		t.Errorf("%v %+v", err, d.Book.People[0])
	}
	if without, _ := b.SetPIN("ada", ""); roster.Same(b, without) || without.People[0].PINDigest != "" || b.People[0].PINDigest != digest {
		t.Error("taking it away changes nothing, or changes the book that it was made of")
	}
	for person, want := range map[string]error{"nobody": roster.ErrNoPerson, "erased": roster.ErrErasedPerson} {
		b.People = append(slices.Clone(b.People), roster.Person{ID: "erased", Erased: true})
		if _, err := b.SetPIN(person, digest); !errors.Is(err, want) {
			t.Errorf("%s: %v", person, err)
		}
	}
}
