package request

import "strings"

// AlarmFailing is the alarm of a contact over which pages to a person do not arrive any more.
const AlarmFailing AlarmKind = "contact_failing"

// OpsContact is the kind of log in which the owner of a failing contact is told of it, over another one.
const OpsContact OpsKind = "contact"

// A Why says in one word why pages over a contact do not arrive.
type Why string

// The reasons.
const (
	WhyOptedOut Why = "opted_out" // who has the telephone sent STOP: nothing goes to it by text until they send START
	WhyNoNumber Why = "no_number" // the number does not exist, or takes no texts
	WhyBlocked  Why = "blocked"   // the carrier, or whoever has the number, refuses what comes from us
	WhyCountry  Why = "country"   // the provider's account may not send there
	WhyRefused  Why = "refused"   // for good, by a code that says no more
	WhyCarrier  Why = "carrier"   // the carrier gave up several in a row
)

// A Failing says what is wrong with a contact, and since when. It is part of the alarm's body: what stands is known as long as the alarm is, also
// when the pages that failed are forgotten.
type Failing struct {
	Why      Why     `json:"why"`
	Provider string  `json:"provider,omitempty"` // that refuses; "" of a STOP that was read, and of carriers
	Code     string  `json:"code,omitempty"`     // the provider's
	Since    Instant `json:"since"`              // the attempt that was the first to fail, or the STOP
}

// FailingCause is the cause of the alarm of a contact. It holds ids alone.
func FailingCause(person, contact string) string { return "person " + person + " contact " + contact }

// OfContact says which contact of a person an alarm of kind contact_failing is about; ok is false for any other.
func (a AlarmBody) OfContact() (person, contact string, ok bool) {
	words := strings.Fields(a.Cause)
	if a.Kind != AlarmFailing || len(words) != 4 {
		return "", "", false
	}
	return words[1], words[3], true
}

// Arrived reports whether the attempt has reached the telephone: the carrier says so, or the telephone rang.
func (a *Attempt) Arrived() bool {
	return a.Rank == rankDelivered || a.Rank == rankAnswered || (a.Rank == rankFailedForGood && a.Failure == FailedNoKey)
}

// Refused reports whether the attempt will never arrive, because of the contact that it goes to: by the provider for good, or given up by the
// carrier. What failed by our own configuration says nothing of a contact.
func (a *Attempt) Refused() bool {
	return a.Rank == rankFailedForGood && (a.Failure == FailedForGood || a.Failure == FailedCarrier || a.Failure == FailedExpired)
}

// details are the reasons in words.
var details = map[Why]string{
	WhyOptedOut: "opted out with STOP", WhyNoNumber: "the number does not exist or cannot be reached in this way", WhyBlocked: "the carrier or its owner blocks us",
	WhyCountry: "the provider's account may not send there", WhyRefused: "refused for good", WhyCarrier: "the carrier gave up three pages in a row",
}

// Detail is what is wrong in words, with the provider and its code.
func (f Failing) Detail() string {
	text, known := details[f.Why]
	if !known {
		text = string(f.Why)
	}
	switch {
	case f.Provider != "" && f.Code != "":
		text += " (" + f.Provider + " " + f.Code + ")"
	case f.Code != "":
		text += " (" + f.Code + ")"
	}
	if f.Since.IsZero() {
		return text
	}
	return text + ", since " + f.Since.UTC().Format("2006-01-02 15:04 MST")
}
