package roster

import (
	"net/mail"
	"slices"
	"strings"
)

// Email is the channel that goes beside the telephone: whoever has it is told by it, and nobody is reached by it.
const Email = "email"

// maxMailbox is how many bytes an address of e-mail may have (RFC 5321, erratum 1690).
const maxMailbox = 254

// mailbox checks a contact of e-mail. People may share one: nobody answers by it, so nobody needs to be told apart.
func (c *checker) mailbox(at string, p Person, contact Contact) {
	if contact.Verified || !contact.Tested.IsZero() {
		c.add(at+"/verified", "Only a telephone is verified.", "Set it to false: nobody answers an e-mail.")
	}
	if !p.Erased && !isMailbox(contact.Address) {
		c.add(at+"/address", "This is no address of e-mail.", "Write the address alone, without a name, as in ada@example.org.")
	}
}

// isMailbox reports whether a text is one address and nothing else, in ASCII: servers on the way know no other.
func isMailbox(text string) bool {
	a, err := mail.ParseAddress(text)
	ascii := !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
	return err == nil && a.Address == text && ascii && len(text) <= maxMailbox
}

// Telephone reports whether the person has a contact that can reach them: e-mail alone does not.
func (p Person) Telephone() bool {
	return slices.ContainsFunc(p.Contacts, func(c Contact) bool { return c.Channel != Email })
}
