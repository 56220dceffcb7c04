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

const gateway = "https://gateway.example/pages/opensesame?token=opensesame"

func TestAWebhookIsAContactBesideTheTelephone(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: gateway})
	b.People[1].Contacts = []roster.Contact{{ID: "display", Channel: roster.Webhook, Address: gateway}} // shared, as one display is
	c := compile(t, b)
	if got := c.ByAddress(gateway); got != nil {
		t.Errorf("a reply by telephone would be looked up there: %v", got)
	}
	if !b.People[0].Telephone() || b.People[1].Telephone() {
		t.Error("a webhook is taken for a telephone, or hides one")
	}
	if got, want := roster.Diff(b, b, noon, noon.Add(time.Hour)).Contacts, []string{b.People[1].ID}; !slices.Equal(got, want) {
		t.Errorf("without a telephone: %v, want %v", got, want)
	}
	data := encode(t, roster.Edit{Book: b})
	if strings.Contains(strings.Split(string(data), `"sealed"`)[0], "opensesame") {
		t.Error("the secret of an address stands in the document in clear")
	}
	d, err := roster.Decode(data, func(_ string, sealed []byte) ([]byte, bool, error) { return sealed, false, nil })
	if err != nil || !roster.Same(d.Book, b) {
		t.Errorf("%+v, %v", d.Book, err)
	}
}

func TestAWebhookIsOneAddressThatCanBeCalled(t *testing.T) {
	for address, ok := range map[string]bool{
		gateway: true, "https://gateway.example": true, "https://gateway.example:8443/a": true, "https://192.0.2.1/a": true, "https://[2001:db8::1]/a": true,
		"http://localhost:8080/a": true, "http://127.0.0.1/a": true, "http://[::1]:8080/a": true,
		"": false, "gateway.example": false, "http://gateway.example/a": false, "https://": false, "https:///a": false, "ftp://gateway.example/a": false,
		"https://ada:opensesame@gateway.example/a": false, "https://gateway.example/a#opensesame": false, "https://gateway.example/a b": false,
		" https://gateway.example/a": false, "https://gateway.example/a\r\nX: y": false, "https://gateway.example/ä": false, "https://gateway.example:http/a": false,
		"javascript:alert(1)": false, "+15005550100": false, "https://gateway.example/" + strings.Repeat("a", 2000): false,
	} {
		b := daily("UTC", "08:00")
		b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: address})
		err := b.Validate()
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err == nil {
			continue
		}
		if problems, is := errors.AsType[*roster.ValidationError](err); !is || problems.Problems[0].Path != fmt.Sprintf("/people/0/contacts/%d/address", len(b.People[0].Contacts)-1) ||
			!strings.Contains(problems.Problems[0].Fix, "https://") || strings.Contains(err.Error(), "opensesame") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAWebhookIsNeverVerified(t *testing.T) {
	b := daily("UTC", "08:00")
	b.People[0].Contacts = append(b.People[0].Contacts, roster.Contact{ID: "display", Channel: roster.Webhook, Address: gateway, Verified: true})
	if err := b.Validate(); err == nil || !strings.Contains(err.Error(), "verified") {
		t.Errorf("%v", err)
	}
	if _, err := daily("UTC", "08:00").VerifyContact(b.People[0].ID, "display", noon); !errors.Is(err, roster.ErrNoContact) {
		t.Errorf("%v", err)
	}
	b.People[0].Contacts[len(b.People[0].Contacts)-1].Verified = false
	if _, err := b.VerifyContact(b.People[0].ID, "display", noon); !errors.Is(err, roster.ErrNoContact) {
		t.Errorf("a test page over a webhook verifies it: %v", err)
	}
}
