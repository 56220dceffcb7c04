package roster_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/roster"
)

var tested = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// phoned is book with the contacts of ada replaced.
func phoned(contacts ...roster.Contact) roster.Book {
	b := daily("Europe/Paris", "08:00")
	b.People = slices.Clone(b.People)
	b.People[0].Contacts = contacts
	return b
}

func TestAVerificationEndsAfterNinetyDays(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		contact roster.Contact
		after   time.Duration
		want    bool
	}{
		"at once":                  {roster.Contact{Verified: true, Tested: tested}, 0, true},
		"on the last day":          {roster.Contact{Verified: true, Tested: tested}, 90*day - 1, true},
		"at its end":               {roster.Contact{Verified: true, Tested: tested}, 90 * day, false},
		"without a test, for ever": {roster.Contact{Verified: true}, 5000 * day, true},
		"never":                    {roster.Contact{Tested: tested}, 0, false},
	} {
		if got := c.contact.VerifiedAt(tested.Add(c.after)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAPersonIsVerifiedAsLongAsOneOfTheirTelephonesIs(t *testing.T) {
	early, late, always := roster.Contact{Verified: true, Tested: tested}, roster.Contact{Verified: true, Tested: tested.AddDate(0, 0, 30)}, roster.Contact{Verified: true}
	p := roster.Person{Contacts: []roster.Contact{late, early, {Channel: "sms"}}}
	if end, ends := p.VerifiedUntil(); !ends || !end.Equal(late.Tested.Add(roster.VerificationLife)) || !p.VerifiedAt(end.Add(-1)) || p.VerifiedAt(end) {
		t.Errorf("until %s, %v", end, ends)
	}
	p.Contacts = append(p.Contacts, always)
	if _, ends := p.VerifiedUntil(); ends || !p.VerifiedAt(tested.AddDate(9, 0, 0)) {
		t.Error("a telephone that a coordinator verified has an end")
	}
	if p.Erased = true; p.VerifiedAt(tested) {
		t.Error("an erased person is verified")
	}
}

func TestAVerificationThatEndsDuringADutyIsFoundFromThatMomentOn(t *testing.T) {
	b := phoned(roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550101", Verified: true, Tested: tested})
	end := tested.Add(roster.VerificationLife)
	b.Rosters[0].Overrides = []roster.Override{{ID: "long", Kind: roster.Replace, From: end.Add(-48 * time.Hour), Until: end.Add(48 * time.Hour), People: []string{"ada"}}}
	for i := range b.People[1:] {
		b.People[1+i].Contacts = []roster.Contact{{ID: "mobile", Channel: "sms", Address: "+1500555020" + string(rune('0'+i)), Verified: true}}
	}
	found := compile(t, b).Findings(end.Add(-24*time.Hour), end.Add(24*time.Hour))
	if len(found) != 1 || found[0].Kind != roster.FoundUnverified || !found[0].From.Equal(end) || found[0].People[0] != "ada" {
		t.Errorf("%+v", found)
	}
	if found := compile(t, b).Findings(end.Add(-24*time.Hour), end); len(found) != 0 {
		t.Errorf("before its end: %+v", found)
	}
}

func TestAContactIsVerifiedByTheTestPageOverItAlone(t *testing.T) {
	b := phoned(roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550101"}, roster.Contact{ID: "desk", Channel: "voice", Address: "+15005550102"}, roster.Contact{ID: "post", Channel: roster.Email, Address: "a@example.org"})
	got, err := b.VerifyContact("ada", "desk", tested)
	if err != nil || got.People[0].Contacts[0].Verified || !got.People[0].Contacts[1].Tested.Equal(tested) || !got.People[0].Contacts[1].VerifiedAt(tested) {
		t.Errorf("%+v, %v", got.People[0], err)
	}
	if b.People[0].Contacts[1].Verified {
		t.Error("the book that it was made of has changed")
	}
	gone := daily("Europe/Paris", "08:00")
	gone.People[0].Erased = true
	for name, c := range map[string]struct {
		book            roster.Book
		person, contact string
		want            error
	}{
		"nobody":  {b, "nobody", "desk", roster.ErrNoPerson},
		"erased":  {gone, "ada", "desk", roster.ErrErasedPerson},
		"no such": {b, "ada", "pager", roster.ErrNoContact},
		"e-mail":  {b, "ada", "post", roster.ErrNoContact},
	} {
		if _, err := c.book.VerifyContact(c.person, c.contact, tested); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAddressThatChangesLosesItsVerificationInTheSameEdit(t *testing.T) {
	now := tested.AddDate(0, 1, 0)
	stands := phoned(roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550101", Verified: true, Tested: tested})
	for name, c := range map[string]struct {
		edit roster.Contact
		want roster.Contact
	}{
		"another number":                 {roster.Contact{Address: "+15005550109", Verified: true, Tested: tested}, roster.Contact{}},
		"called now":                     {roster.Contact{Channel: "voice", Verified: true}, roster.Contact{}},
		"an edit that knows no tests":    {roster.Contact{Verified: true}, roster.Contact{Verified: true, Tested: tested}},
		"an older export":                {roster.Contact{Verified: true, Tested: tested.AddDate(0, -1, 0)}, roster.Contact{Verified: true, Tested: tested}},
		"a document that does not open":  {roster.Contact{Verified: true, Tested: tested}, roster.Contact{Verified: true, Tested: tested}},
		"not verified any more":          {roster.Contact{Tested: tested}, roster.Contact{}},
		"a test of the future":           {roster.Contact{Verified: true, Tested: now.AddDate(1, 0, 0)}, roster.Contact{Verified: true, Tested: now}},
		"another contact, by their word": {roster.Contact{ID: "new", Verified: true}, roster.Contact{Verified: true}},
	} {
		one := c.edit
		one.ID, one.Channel, one.Address = or(one.ID, "mobile"), or(one.Channel, "sms"), or(one.Address, "+15005550101")
		before := stands
		if name == "a document that does not open" {
			before = phoned(roster.Contact{ID: "mobile", Channel: "sms", Verified: true, Tested: tested})
		}
		next, err := before.Next(phoned(one), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := next.People[0].Contacts[0]; got.Verified != c.want.Verified || !got.Tested.Equal(c.want.Tested) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnEditNotesWhenAContactBecameAnotherOne(t *testing.T) {
	now, before := tested.AddDate(0, 1, 0), tested.AddDate(0, 0, 1)
	stands := phoned(roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550101", Changed: before}, roster.Contact{ID: "post", Channel: roster.Email, Address: "a@example.org"})
	unread := phoned(roster.Contact{ID: "mobile", Channel: "sms", Changed: before})
	same := roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550101"}
	for name, c := range map[string]struct {
		before roster.Book
		edit   roster.Contact
		want   time.Time
	}{
		"the same, and left out":          {stands, same, before},
		"the same, with another time":     {stands, roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550101", Changed: now.AddDate(1, 0, 0)}, before},
		"another number":                  {stands, roster.Contact{ID: "mobile", Channel: "sms", Address: "+15005550109"}, now},
		"another channel":                 {stands, roster.Contact{ID: "mobile", Channel: "voice", Address: "+15005550101"}, now},
		"another contact of the same one": {stands, roster.Contact{ID: "new", Channel: "sms", Address: "+15005550101"}, now},
		"a document that does not open":   {unread, same, before},
	} {
		next, err := c.before.Next(phoned(c.edit), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := next.People[0].Contacts[0]; !got.Changed.Equal(c.want) {
			t.Errorf("%s: changed at %s, want %s", name, got.Changed, c.want)
		}
		again, err := next.Next(next, now.AddDate(0, 1, 0))
		if err != nil || !roster.Same(again, next) {
			t.Errorf("%s: an edit that changes nothing changes something, %v", name, err)
		}
	}
	empty := phoned()
	empty.People = empty.People[1:]
	empty.Rosters = nil
	if first, err := empty.Next(phoned(same), now); err != nil || !first.People[0].Contacts[0].Changed.IsZero() {
		t.Errorf("somebody new: %v", err)
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Whatever is edited, no contact is verified for longer than a life from now on unless nobody ever tested it, and none by an address that it has not.
func TestNoEditMakesAVerificationLonger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		contact := rapid.Custom(func(t *rapid.T) roster.Contact {
			c := roster.Contact{
				ID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), Channel: rapid.SampledFrom([]string{"sms", "voice"}).Draw(t, "channel"),
				Address: rapid.SampledFrom([]string{"+15005550101", "+15005550102"}).Draw(t, "address"), Verified: rapid.Bool().Draw(t, "verified"),
			}
			if rapid.Bool().Draw(t, "tested") {
				c.Tested = tested.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "days")) * 24 * time.Hour)
			}
			return c
		})
		list := rapid.SliceOfNDistinct(contact, 1, 2, func(c roster.Contact) string { return c.ID })
		before, after := phoned(list.Draw(t, "before")...), phoned(list.Draw(t, "after")...)
		next := before.KeepVerified(after, tested)
		for i, c := range next.People[0].Contacts {
			end, ends := c.VerifiedUntil()
			k := slices.IndexFunc(before.People[0].Contacts, func(old roster.Contact) bool { return old.ID == c.ID })
			switch {
			case ends && end.After(tested.Add(roster.VerificationLife)) && (k < 0 || !before.People[0].Contacts[k].Tested.Equal(c.Tested)):
				t.Fatalf("%+v is verified until %s", c, end)
			case !c.Verified && !c.Tested.IsZero():
				t.Fatalf("%+v is not verified, and says when it was", c)
			case k < 0:
			case before.People[0].Contacts[k].Address != c.Address && c.Verified:
				t.Fatalf("%+v is verified by another address", c)
			case before.People[0].Contacts[k].Verified && c.Verified && c.Tested.Before(before.People[0].Contacts[k].Tested):
				t.Fatalf("%+v forgets its test", c)
			}
			if again := before.KeepVerified(next, tested); again.People[0].Contacts[i] != c {
				t.Fatalf("%+v becomes %+v when it is edited again", c, again.People[0].Contacts[i])
			}
		}
	})
}
