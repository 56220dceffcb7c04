// Package numbering says whether a telephone number can be somebody's contact, by the world's numbering plans: whether anybody can have it at
// all, and whether it is of the kinds through which fraud is done. Whoever edits the roster could otherwise have the line call a number that
// pays its owner by the minute, every night.
//
// Refused are numbers that cannot exist; premium rate and shared cost; personal numbers, which look like mobile ones and are priced as the
// owner likes; and the numbers of no country (satellite and international networks), which lead the lists of fraud. An operator can allow
// prefixes, as of the satellite telephones of a coast guard. A number that no plan has assigned, and that could exist, is taken: plans change
// faster than programs.
package numbering

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// A Trouble is why a number cannot be a contact, and what to do about it. It does not quote the number.
type Trouble struct{ Detail, Fix string }

// fictional are the numbers that a provider keeps for trying out: nobody has them.
const fictional = "+1500555"

// countryless begin the numbers of no country: international networks, personal ones and satellites (ITU-T E.164, list of assigned codes).
var countryless = []string{"+870", "+878", "+881", "+882", "+883", "+888", "+979", "+991"}

// refused are the kinds of number that are no contact, with what they are called.
var refused = map[phonenumbers.PhoneNumberType]string{
	phonenumbers.PREMIUM_RATE:    "a premium rate number",
	phonenumbers.SHARED_COST:     "a shared cost number",
	phonenumbers.PERSONAL_NUMBER: "a personal number, which its owner prices",
	phonenumbers.PAGER:           "the number of a pager",
	phonenumbers.UAN:             "a number of a company, which nobody answers",
	phonenumbers.VOICEMAIL:       "the number of a voicemail service",
}

// Check says what is wrong with a number in E.164 as a contact; ok is true when nothing is. allowed are prefixes, as +8816, of numbers that are
// taken although their kind is not.
func Check(e164 string, allowed []string) (trouble Trouble, ok bool) {
	has := func(prefix string) bool { return strings.HasPrefix(e164, prefix) }
	if has(fictional) {
		return Trouble{}, true
	}
	parsed, err := phonenumbers.Parse(e164, "")
	switch {
	case err != nil:
		return Trouble{"No country has numbers that begin like this.", "Write + and the country code, then the number without its first 0."}, false
	case slices.ContainsFunc(allowed, has):
		return Trouble{}, true
	case slices.ContainsFunc(countryless, has):
		return Trouble{
			"This number belongs to no country but to a satellite or an international network, of which many cost what their owner likes.",
			"Use a number of a country, or have the operator allow its prefix in contacts.allow.",
		}, false
	case !phonenumbers.IsPossibleNumber(parsed):
		return Trouble{"A number of this country has another length.", "Check the digits: + and the country code, then the number without its first 0."}, false
	}
	if kind, is := refused[phonenumbers.GetNumberType(parsed)]; is {
		return Trouble{"This is " + kind + ".", "Use the person's own mobile or fixed line, or have the operator allow its prefix in contacts.allow."}, false
	}
	return Trouble{}, true
}
