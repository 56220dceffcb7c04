package roster

import (
	"errors"
	"slices"
	"strings"
)

const (
	minPIN = 4
	maxPIN = 8
)

// Why something cannot be a PIN.
var (
	ErrPINForm    = errors.New("a PIN is 4 to 8 digits, 0 to 9, and nothing else")
	ErrPINTrivial = errors.New("this PIN is among those that are guessed first: one digit, a row of digits, or a part that repeats")
	ErrPINOwn     = errors.New("this PIN is part of the person's own telephone number")
)

// IsPIN reports whether digits have the form of a PIN. It says nothing of whose it is.
func IsPIN(digits string) bool {
	return len(digits) >= minPIN && len(digits) <= maxPIN && strings.Trim(digits, "0123456789") == ""
}

// CheckPIN says whether digits can be the PIN of the person. Errors: [ErrPINForm], [ErrPINTrivial], [ErrPINOwn].
func (p Person) CheckPIN(digits string) error {
	switch {
	case !IsPIN(digits):
		return ErrPINForm
	case repeats(digits) || inRow(digits, 1) || inRow(digits, 9) || digits == "2580" || digits == "0852": // the middle row of keys
		return ErrPINTrivial
	case slices.ContainsFunc(p.Contacts, func(c Contact) bool { return c.Channel != Email && strings.Contains(c.Address, digits) }):
		return ErrPINOwn // whoever finds the telephone knows it
	}
	return nil
}

// repeats reports whether digits are a shorter part again and again: 0000, 1212, 123123.
func repeats(digits string) bool {
	return strings.Contains((digits + digits)[1:2*len(digits)-1], digits)
}

// inRow reports whether each digit is the one before and a step, and 0 comes after 9.
func inRow(digits string, step byte) bool {
	for i := 1; i < len(digits); i++ {
		if (digits[i-1]-'0'+step)%10 != digits[i]-'0' {
			return false
		}
	}
	return true
}

// IsPINDigest reports whether a text has the form of the digest of a PIN, and not that of a PIN.
func IsPINDigest(text string) bool { return pinPattern.MatchString(text) }

// SetPIN gives a person a PIN by its digest, or none with "". The edit that stores it must say so ([Edit.PINOf]). Errors: [ErrNoPerson],
// [ErrErasedPerson].
func (b Book) SetPIN(person, digest string) (Book, error) {
	i := slices.IndexFunc(b.People, func(p Person) bool { return p.ID == person })
	switch {
	case i < 0:
		return b, ErrNoPerson
	case b.People[i].Erased:
		return b, ErrErasedPerson
	}
	b.People = slices.Clone(b.People)
	b.People[i].PINDigest = digest
	return b, nil
}

// KeepPINs is after with the PINs that people of this book have, but for that of one person, which an edit sets ("": of none): an edit that
// leaves PINs out takes none away, and an older export brings no older one back.
func (b Book) KeepPINs(after Book, but string) Book {
	had := map[string]Person{}
	for _, p := range b.People {
		if opened(p) {
			had[p.ID] = p
		}
	}
	after.People = slices.Clone(after.People)
	for i := range after.People {
		p := &after.People[i]
		old, known := had[p.ID]
		if known && p.ID != but && (p.PINDigest == "" || IsPINDigest(p.PINDigest)) { // what is no digest is refused, not passed over
			p.PINDigest = old.PINDigest
		}
	}
	return after
}

// opened reports whether what is personal of somebody is there: a document that does not open has nobody's, and says nothing of PINs.
func opened(p Person) bool {
	return !p.Erased && (p.Name != "" || p.PINDigest != "" || slices.ContainsFunc(p.Contacts, func(c Contact) bool { return c.Address != "" }))
}
