package roster

import (
	"net/mail"
	"slices"
	"strings"
)

// Email is a channel that goes beside the telephone: whoever has it is told by it, and nobody is reached by it.
const Email = "email"

// maxMailbox is how many bytes an address of e-mail may have (RFC 5321, erratum 1690).
const maxMailbox = 254

// mailbox checks a contact of e-mail. People may share one: nobody answers by it, so nobody needs to be told apart.
func (c *checker) mailbox(at string, p Person, contact Contact) {
	c.neverVerified(at, contact, "nobody answers an e-mail")
	if !p.Erased && !isMailbox(contact.Address) {
		c.add(at+"/address", "This is no address of e-mail.", "Write the address alone, without a name, as in ada@example.org.")
	}
}

// isMailbox reports whether a text is one address and nothing else, in ASCII: servers on the way know no other.
func isMailbox(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && isASCII(text) && len(text) <= maxMailbox
}

// isASCII reports whether a text is of printable ASCII without spaces.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// neverVerified refuses a mark that means a telephone that was tried.
func (c *checker) neverVerified(at string, contact Contact, why string) {
	if contact.Verified || !contact.Tested.IsZero() {
		c.add(at+"/verified", "Only a telephone is verified.", "Set it to false: "+why+".")
	}
}

// Telephone reports whether the contact can reach its person: what goes beside the telephone cannot.
func (c Contact) Telephone() bool { return c.Channel != Email && c.Channel != Webhook }

// Telephone reports whether the person has a contact that can reach them.
func (p Person) Telephone() bool { return slices.ContainsFunc(p.Contacts, Contact.Telephone) }
