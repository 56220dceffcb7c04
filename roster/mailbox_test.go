package roster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

func TestAMailboxIsAContactBesideTheTelephone(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "mail", Channel: roster.Email, Address: "duty@example.org"})
	b.People[1].Contacts = []roster.Contact{{ID: "mail", Channel: roster.Email, Address: "duty@example.org"}} // shared, as a team's is
	c := compile(t, b)
	if got := c.ByAddress("duty@example.org"); got != nil {
		t.Errorf("a reply by telephone would be looked up there: %v", got)
	}
	if !b.People[0].Telephone() || b.People[1].Telephone() {
		t.Error("a mailbox is taken for a telephone, or hides one")
	}
	if got, want := roster.Diff(b, b, noon, noon.Add(time.Hour)).Contacts, []string{b.People[1].ID}; !slices.Equal(got, want) {
		t.Errorf("without a telephone: %v, want %v", got, want)
	}
	data := encode(t, roster.Edit{Book: b})
	if strings.Contains(strings.Split(string(data), `"sealed"`)[0], "duty@example.org") {
		t.Error("an address of e-mail stands in the document in clear")
	}
	d, err := roster.Decode(data, func(_ string, sealed []byte) ([]byte, bool, error) { return sealed, false, nil })
	if err != nil || !roster.Same(d.Book, b) {
		t.Errorf("%+v, %v", d.Book, err)
	}
}

func TestAMailboxIsOneAddressAlone(t *testing.T) {
	for address, ok := range map[string]bool{
		"kim@mail.example": true, "kim.b+duty@mail.mail.example": true, "a@b": true,
		"": false, "kim": false, "@mail.example": false, "kim@": false, "Kim <kim@mail.example>": false, "<kim@mail.example>": false, "kim@mail.example ": false,
		"kim@mail.example,bruno@mail.example": false, "kim@mail.example\r\nBcc: x@mail.example": false, "ада@mail.example": false, "+15005550100": false,
		strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 100) + "org": false,
	} {
		b := daily("UTC", "08:00")
		b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "mail", Channel: roster.Email, Address: address})
		err := b.Validate()
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err == nil {
			continue
		}
		if problems, is := errors.AsType[*roster.ValidationError](err); !is || problems.Problems[0].Path != fmt.Sprintf("/people/0/contacts/%d/address", len(b.People[0].Contacts)-1) ||
			(address != "" && strings.Contains(err.Error(), address)) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// What reads "verified" means a telephone that was tried.
func TestAMailboxIsNeverVerified(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "mail", Channel: roster.Email, Address: "ada@example.org", Verified: true})
	if err := b.Validate(); err == nil || !strings.Contains(err.Error(), "verified") {
		t.Errorf("%v", err)
	}
}
