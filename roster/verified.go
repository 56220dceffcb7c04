package roster

import (
	"errors"
	"slices"
	"time"
)

const (
	// VerificationLife is how long a telephone counts as verified after its owner has answered a test page over it.
	VerificationLife = 90 * 24 * time.Hour
	// VerifyAgain is how long before its end a verification is to be renewed.
	VerifyAgain = 14 * 24 * time.Hour
)

// ErrNoContact says that a person has no such contact, or not with that address any more.
var ErrNoContact = errors.New("this person has no such contact")

// VerifiedAt reports whether the contact is known to reach its person at a moment.
func (c Contact) VerifiedAt(at time.Time) bool {
	end, ends := c.VerifiedUntil()
	return c.Verified && (!ends || at.Before(end))
}

// VerifiedUntil is when the verification of the contact ends (not included); ends is false for one that has no end, or never began.
func (c Contact) VerifiedUntil() (end time.Time, ends bool) {
	if !c.Verified || c.Tested.IsZero() {
		return time.Time{}, false
	}
	return c.Tested.Add(VerificationLife), true
}

// VerifiedAt reports whether a telephone of the person is known to reach them at a moment.
func (p Person) VerifiedAt(at time.Time) bool {
	return !p.Erased && slices.ContainsFunc(p.Contacts, func(c Contact) bool { return c.VerifiedAt(at) })
}

// VerifiedUntil is when the last verification of the person's telephones ends; ends is false when one has no end, or none is verified.
func (p Person) VerifiedUntil() (end time.Time, ends bool) {
	for _, c := range p.Contacts {
		last, limited := c.VerifiedUntil()
		switch {
		case !c.Verified || p.Erased:
		case !limited:
			return time.Time{}, false
		case last.After(end):
			end = last
		}
	}
	return end, !end.IsZero()
}

// unverifiedFrom is the first moment from at on at which no telephone of the person is known to reach them; a time that never comes when one
// always is.
func (p Person) unverifiedFrom(at time.Time) time.Time {
	if !p.VerifiedAt(at) {
		return at
	}
	if end, ends := p.VerifiedUntil(); ends {
		return end
	}
	return lastDial
}

// VerifyContact notes that a person answered a test page over a contact at a moment. Errors: [ErrNoPerson], [ErrErasedPerson], [ErrNoContact].
func (b Book) VerifyContact(person, contact string, at time.Time) (Book, error) {
	i := slices.IndexFunc(b.People, func(p Person) bool { return p.ID == person })
	switch {
	case i < 0:
		return b, ErrNoPerson
	case b.People[i].Erased:
		return b, ErrErasedPerson
	}
	j := slices.IndexFunc(b.People[i].Contacts, func(c Contact) bool { return c.ID == contact && c.Telephone() })
	if j < 0 {
		return b, ErrNoContact
	}
	b.People = slices.Clone(b.People)
	p := &b.People[i]
	p.Contacts = slices.Clone(p.Contacts)
	c := &p.Contacts[j]
	c.Verified, c.Tested = true, at.UTC().Truncate(time.Millisecond)
	return b, nil
}

// keepVerified is after with the verifications that hold: a contact whose address changes loses its own, and one that stays verified keeps the time
// of its test, also when whoever edits has left that out. No test was in the future. It notes when a contact became another one.
func (b Book) keepVerified(after Book, now time.Time) Book {
	had, people := map[string]Contact{}, map[string]bool{}
	for _, p := range b.People {
		people[p.ID] = !p.Erased
		for _, c := range p.Contacts {
			if !p.Erased {
				had[p.ID+"/"+c.ID] = c
			}
		}
	}
	after.People = slices.Clone(after.People)
	for i := range after.People {
		p := &after.People[i]
		p.Contacts = slices.Clone(p.Contacts)
		for j := range p.Contacts {
			c := &p.Contacts[j]
			old, known := had[p.ID+"/"+c.ID]
			c.Changed = old.Changed
			if known && ((old.Address != c.Address && old.Address != "") || old.Channel != c.Channel) { // "": the document that stands does not open
				c.Verified, c.Changed = false, now.UTC().Truncate(time.Millisecond)
			} else if !known && people[p.ID] {
				c.Changed = now.UTC().Truncate(time.Millisecond)
			}
			first, last := time.Time{}, now
			if known && old.Verified {
				first = old.Tested
			}
			if last.Before(first) { // by the clock of another node
				last = first
			}
			switch {
			case !c.Verified:
				c.Tested = time.Time{}
			case c.Tested.Before(first):
				c.Tested = first
			case c.Tested.After(last):
				c.Tested = last
			}
		}
	}
	return after
}
